"""Whether the Hub answers, with a server on this machine in its place."""

import errno
import logging
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from fault_server import CLOSE, SILENT, FaultServer, serving, status, unanswered_port

from repope_eval.errors import RepopeError
from repope_eval.models import checkpoints
from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.system import http
from repope_eval.system import hub as hub_client

PLACE = "api/models/owner/name/revision/main"


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub_client, "_asked", {})
    monkeypatch.setattr(hub_client, "PAUSE", 0.01)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    with serving() as state:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", state.url)
        yield state


def test_a_hub_that_answers_is_there_whatever_it_says(server: FaultServer) -> None:
    assert hub_client.why_unreachable("models", "owner/name") is None  # 404
    hub_client._asked.clear()
    server.files[PLACE] = b"{}"
    assert hub_client.why_unreachable("models", "owner/name") is None
    hub_client._asked.clear()
    server.always["api/datasets/owner/name/revision/a%2Fb"] = status(401)
    assert hub_client.why_unreachable("datasets", "owner/name", "a/b") is None


def test_a_hub_that_has_answered_is_not_asked_again_at_once(server: FaultServer) -> None:
    assert hub_client.why_unreachable("models", "owner/name") is None
    assert hub_client.why_unreachable("datasets", "owner/other") is None
    assert len(server.asked) == 1


def test_a_hub_that_is_busy_for_a_moment_is_asked_again(server: FaultServer) -> None:
    server.faults[PLACE] = [status(429), status(503)]
    assert hub_client.why_unreachable("models", "owner/name") is None
    assert len(server.asked) == 3


def test_a_hub_that_stays_busy_is_told_with_its_status(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_client, "BUSY", 0.3)
    server.always[PLACE] = status(429)
    assert hub_client.why_unreachable("models", "owner/name") == f"{server.url}: HTTP 429"


def test_a_server_that_hangs_up_is_out_of_reach(server: FaultServer) -> None:
    server.always[PLACE] = CLOSE
    assert "disconnected" in str(hub_client.why_unreachable("models", "owner/name"))


def test_an_http_client_that_cannot_be_imported_leaves_nobody_waiting(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    assert "import of httpx2" in str(hub_client.why_unreachable("models", "owner/name"))


def test_a_login_page_is_no_hub(server: FaultServer) -> None:
    server.always[PLACE] = status(200, Content_Type="text/html; charset=utf-8")
    assert "a web page came in place of an answer" in str(hub_client.why_unreachable("models", "owner/name"))


def test_a_server_that_says_nothing_is_waited_for_once(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "ANSWERING", 0.6)
    server.always[PLACE] = SILENT
    assert hub_client.why_unreachable("models", "owner/name") == f"{server.url}: no answer within 0.6 s"
    assert hub_client.why_unreachable("datasets", "owner/other") == f"{server.url}: no answer within 0.6 s"
    assert len(server.asked) == 1


def test_silence_reads_the_same_where_the_client_notices_it_first(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "ANSWERING", 0.3)
    monkeypatch.setattr(http.Contact, "wait", lambda contact: contact._answered.wait(60) and None)
    server.always[PLACE] = SILENT
    assert hub_client.why_unreachable("models", "owner/name") == f"{server.url}: no answer within 0.3 s"


@pytest.mark.parametrize("variable", ["HF_ENDPOINT", "HTTP_PROXY"])
def test_connections_that_hang_are_given_up(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setattr(http, "CONNECTING", 0.5)
    with unanswered_port() as port:
        address = f"http://127.0.0.1:{port}"
        if variable == "HTTP_PROXY":
            monkeypatch.setenv("HTTP_PROXY", address)
            address = "http://hub.invalid"
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
        start = time.monotonic()
        assert f"{address}: " in str(hub_client.why_unreachable("models", "owner/name"))
    assert time.monotonic() - start < 5


def test_a_refused_connection_and_a_wrong_proxy_are_told_at_once(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://127.0.0.1:1")
    assert "gopher" in str(hub_client.why_unreachable("models", "owner/name"))
    monkeypatch.setattr(hub_client, "_asked", {})
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert "refused" in str(hub_client.why_unreachable("models", "owner/name"))
    assert server.asked == []


def test_a_hub_that_is_switched_off_is_not_asked(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert hub_client.why_unreachable("models", "owner/name") is None
    assert server.asked == []


def test_a_checkpoint_that_a_broken_hub_may_have_is_one_line(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    server.always[PLACE] = status(200, Content_Type="text/html")
    with pytest.raises(RepopeError) as caught:
        find_checkpoint("owner/name", "main")
    assert str(caught.value).startswith(
        "owner/name is not in the Hub's cache and cannot be downloaded (http://"
    )
    assert "a web page came" in str(caught.value)
    server.always[PLACE] = status(200, Content_Type="application/json")  # says it is JSON, and is none
    monkeypatch.setattr(hub_client, "_asked", {})
    with pytest.raises(RepopeError, match="cannot be downloaded"):
        find_checkpoint("owner/name", "main")


def test_a_checkpoint_in_the_cache_is_taken_where_the_hub_is_silent(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    kept = tmp_path / "models--owner--name"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text("a" * 40)
    (kept / "snapshots" / ("a" * 40)).mkdir(parents=True)
    (kept / "snapshots" / ("a" * 40) / "config.json").write_text('{"model_type": "internvl"}')
    server.always[PLACE] = SILENT
    monkeypatch.setattr(http, "ANSWERING", 0.5)
    assert find_checkpoint("owner/name", "main").commit == "a" * 40
    assert len(server.asked) == 1


def test_a_full_disk_is_told_as_the_caches(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoints, "snapshot_download", full)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        RepopeError, match=rf"^{tmp_path}: cannot be written \(No space left on device\), and owner/"
    ):
        find_checkpoint("owner/name", "main")


def test_the_clients_attempts_are_not_told_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("huggingface_hub", "huggingface_hub.utils._http", "huggingface_hub.file_download")
    levels = [logging.getLogger(name).level for name in names]

    def call() -> str:
        for name in names:
            logging.getLogger(name).warning("Retrying in 8s [Retry 5/5].")
        warnings.warn_explicit("the disk is full", UserWarning, "file.py", 1, "huggingface_hub.file_download")
        return "done"

    assert hub_client.ask_quietly(call) == "done"
    assert [logging.getLogger(name).level for name in names] == levels
    assert capsys.readouterr().err == ""
    with pytest.raises(KeyError, match="wrong"):
        hub_client.ask_quietly(lambda: {}["wrong"])
    assert not hub_client.is_asked()


INTERRUPTED = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from repope_eval.commands import command_line
from repope_eval.system import hub as hub_client

def call():
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(time.sleep, 60)
        time.sleep(0.2)
        print("asking", flush=True)
        waiting.result()

command_line._main = lambda words: hub_client.ask_quietly(call)
command_line.main()
"""


def test_an_interrupted_download_from_the_hub_ends_the_program_at_once() -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with program:
        assert program.stdout is not None
        assert program.stdout.readline() == "asking\n"
        start = time.monotonic()
        program.send_signal(signal.SIGTERM)
        _, errors = program.communicate(timeout=30)
    assert time.monotonic() - start < 10
    assert (program.returncode, errors) == (143, "interrupted\n")


def test_what_a_library_says_is_one_short_line_without_commands() -> None:
    error = ValueError("outer")
    error.__cause__ = OSError("\n deep \x1b[2J\x07" + "x" * 1000 + "\nmore")
    line = hub_client.deepest_reason(error)
    assert line.startswith("deep  [2J xxx")
    assert len(line) == 300
    assert hub_client.deepest_reason(KeyError()) == "KeyError"
