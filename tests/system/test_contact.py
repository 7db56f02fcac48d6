"""Servers that are not reached, say nothing or fail again and again: when they are given up, and when not."""

import logging
import queue
import socket
import time
from pathlib import Path

import pytest
from download_examples import CONTENT, fetched
from fault_server import CLOSE, SILENT, FaultServer, status, unanswered_port

from repope_eval.errors import RepopeError
from repope_eval.system import downloads as downloading
from repope_eval.system import downloads as fetching
from repope_eval.system import http
from repope_eval.system.downloads import Download, download


def test_an_unreachable_host_is_given_up_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        tried: queue.SimpleQueue[Path] = queue.SimpleQueue()
        original = downloading.fetch
        monkeypatch.setattr(
            downloading,
            "fetch",
            lambda client, item, stop: (tried.put(item.path), original(client, item, stop)),
        )
        with pytest.raises(RepopeError) as caught:
            download([Download(f"{url}/{n}", tmp_path / str(n)) for n in range(500)], description="files")
    line = str(caught.value)
    assert line.startswith(f"500 of 500 files could not be fetched, the first from {url}/0: no connection")
    assert "check the network" in line
    assert tried.qsize() <= 2 * downloading.CONCURRENT_DOWNLOADS


def test_connections_that_hang_are_given_up_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(http, "CONNECT_TIMEOUT", 60.0)
    monkeypatch.setattr(http, "CONNECTING", 0.2)
    monkeypatch.setattr(downloading, "GRACE", 0.1)
    caplog.set_level(logging.INFO, "repope_eval")
    with unanswered_port() as port:
        url = f"http://127.0.0.1:{port}"
        start = time.monotonic()
        with pytest.raises(RepopeError) as caught:
            download([Download(f"{url}/{n}", tmp_path / str(n)) for n in range(50)], description="files")
    assert time.monotonic() - start < 5
    assert str(caught.value).startswith(
        f"50 of 50 files could not be fetched, the first from {url}/0: no connection within 0.2 s; check"
    )
    assert caplog.messages == []


def test_a_server_that_takes_connections_and_says_nothing_is_given_up(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "READ_TIMEOUT", 60.0)
    monkeypatch.setattr(http, "ANSWERING", 0.2)
    monkeypatch.setattr(downloading, "GRACE", 0.1)
    server.always = {str(number): SILENT for number in range(50)}
    start = time.monotonic()
    with pytest.raises(RepopeError, match=r"50 of 50 files .*/0: no answer within 0.2 s; check"):
        download([Download(f"{server.url}/{n}", tmp_path / n) for n in server.always], description="files")
    assert time.monotonic() - start < 5


def test_a_connection_that_is_tried_in_vain_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "FIRST_WAIT", 60.0)
    monkeypatch.setattr(http, "CONNECTING", 0.2)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with pytest.raises(RepopeError, match=r"no connection within 0.2 s \(.*refused\); check the network and"):
        download([Download("http://nowhere.invalid/file", tmp_path / "file")], description="files")


def test_a_server_that_is_reached_and_slow_is_waited_for(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "CONNECTING", 0.1)
    server.faults["file"] = [SILENT, SILENT]  # each for longer than that
    assert fetched(server, tmp_path).read_bytes() == CONTENT


def test_a_host_that_fails_on_file_after_file_is_given_up(server: FaultServer, tmp_path: Path) -> None:
    server.always = {str(number): status(503) for number in range(200)}
    with pytest.raises(RepopeError, match=r"200 of 200 files .* HTTP 503"):
        download(
            [Download(f"{server.url}/{name}", tmp_path / name) for name in server.always], description="files"
        )
    assert len(server.asked) <= 3 * 2 * downloading.CONCURRENT_DOWNLOADS


def test_a_few_failures_do_not_give_the_host_up(server: FaultServer, tmp_path: Path) -> None:
    server.files = {str(number): CONTENT for number in range(40)}
    server.always = {str(number): CLOSE for number in range(0, 40, 8)}
    with pytest.raises(RepopeError, match="5 of 40 files"):
        download(
            [Download(f"{server.url}/{name}", tmp_path / name) for name in server.files], description="files"
        )
