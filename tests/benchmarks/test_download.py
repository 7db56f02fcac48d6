import gzip
import hashlib
import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_server import (
    CLOSE,
    CUT,
    ETAG,
    IGNORE_RANGE,
    SHORT_RANGE,
    STALL,
    WRONG_RANGE,
    FaultServer,
    serving,
    status,
)

from repope_eval.benchmarks import download as downloading
from repope_eval.benchmarks import fetch, part_file
from repope_eval.benchmarks.download import Download, download
from repope_eval.errors import RepopeError

CONTENT = bytes(range(256)) * 400
HALF = len(CONTENT) // 2
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "READ_TIMEOUT": 0.3,
        "CONNECT_TIMEOUT": 1.0,
        "FIRST_WAIT": 0.001,
        "JITTER": 0.001,
        "RETRY_AFTER_LIMIT": 0.3,
        "ATTEMPTS": 3,
    }.items():
        monkeypatch.setattr(fetch, name, value)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with serving() as state:
        state.files["file"] = CONTENT
        yield state


def _download(server: FaultServer, folder: Path, name: str = "file", sha256: str | None = SHA256) -> Path:
    path = folder / name
    download([Download(f"{server.url}/{name}", path, sha256)], description="files")
    return path


def _error(server: FaultServer, folder: Path, name: str = "file") -> str:
    with pytest.raises(RepopeError) as caught:
        _download(server, folder, name)
    assert "\n" not in str(caught.value)
    assert not (folder / name).exists()
    return str(caught.value)


def test_a_file_comes_into_a_new_folder_and_leaves_nothing_beside_it(
    server: FaultServer, tmp_path: Path
) -> None:
    path = _download(server, tmp_path / "new" / "folder")
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]
    assert server.ranges("file") == [None]


def test_no_downloads_are_none(tmp_path: Path) -> None:
    download([], description="files")


def test_a_cut_is_continued_where_it_was(server: FaultServer, tmp_path: Path) -> None:
    server.faults["file"] = [CUT]
    assert _download(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges("file") == [None, f"bytes={HALF}-"]
    assert server.asked[1].if_range == ETAG


def test_a_cut_without_a_validator_is_continued_without_if_range(server: FaultServer, tmp_path: Path) -> None:
    server.etag = None
    server.faults["file"] = [CUT]
    assert _download(server, tmp_path).read_bytes() == CONTENT
    assert server.asked[1].range == f"bytes={HALF}-"
    assert server.asked[1].if_range is None


def test_a_weak_etag_is_not_sent_back(server: FaultServer, tmp_path: Path) -> None:
    server.etag = 'W/"weak"'
    server.faults["file"] = [CUT]
    assert _download(server, tmp_path).read_bytes() == CONTENT
    assert server.asked[1].if_range is None


def test_always_cut_ends_in_an_error_and_keeps_what_came(server: FaultServer, tmp_path: Path) -> None:
    server.always["file"] = CUT
    line = _error(server, tmp_path)
    assert "1 of 1 files could not be fetched" in line
    assert f"{server.url}/file: the connection was cut" in line
    assert "(after 3 attempts)" in line
    assert str(tmp_path) in line
    part = (tmp_path / "file.part").read_bytes()
    assert part == CONTENT[: len(part)]
    assert len(part) > HALF


def test_a_later_run_goes_on_with_the_part_of_an_earlier_one(server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    assert _download(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges("file") == ["bytes=1000-"]
    assert not (tmp_path / "file.part").exists()


def test_a_part_of_another_file_is_found_out_and_fetched_anew(server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"x" * 1000)
    assert _download(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges("file") == ["bytes=1000-", None]


@pytest.mark.parametrize("size", [len(CONTENT), len(CONTENT) + 1])
def test_416_starts_over(server: FaultServer, tmp_path: Path, size: int) -> None:
    (tmp_path / "file.part").write_bytes(b"x" * size)
    assert _download(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges("file") == [f"bytes={size}-", None]


def test_a_server_that_ignores_the_range_starts_over(server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"x" * 1000)
    server.faults["file"] = [IGNORE_RANGE]
    assert _download(server, tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == 1


def test_a_continuation_from_elsewhere_starts_over(server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    server.faults["file"] = [WRONG_RANGE]
    assert _download(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges("file") == ["bytes=1000-", None]


def test_a_continuation_shorter_than_it_says_is_continued(server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    server.faults["file"] = [SHORT_RANGE]
    assert _download(server, tmp_path).read_bytes() == CONTENT
    middle = 1000 + (len(CONTENT) - 1000) // 2
    assert server.ranges("file") == ["bytes=1000-", f"bytes={middle}-"]


def test_a_file_that_changes_on_the_server_after_a_cut_comes_whole(
    server: FaultServer, tmp_path: Path
) -> None:
    server.faults["file"] = [CUT]
    server.etag = '"old"'
    with pytest.MonkeyPatch.context() as patch:
        original = fetch._wait

        def wait_and_change(state: object) -> float:
            server.etag, server.files["file"] = '"new"', b"new" * 1000
            return original(state)  # type: ignore[arg-type]

        patch.setattr(fetch, "_wait", wait_and_change)
        assert _download(server, tmp_path, sha256=None).read_bytes() == b"new" * 1000
    assert server.asked[-1].if_range == '"old"'


def test_a_stall_ends_and_is_continued(server: FaultServer, tmp_path: Path) -> None:
    server.faults["file"] = [STALL]
    assert _download(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges("file") == [None, f"bytes={HALF}-"]


def test_a_server_that_always_stalls_is_an_error(server: FaultServer, tmp_path: Path) -> None:
    server.always["file"] = STALL
    assert "no data for 0.3 s (after 3 attempts)" in _error(server, tmp_path)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 416])
def test_other_client_errors_fail_at_once(server: FaultServer, tmp_path: Path, code: int) -> None:
    server.always["file"] = status(code)
    assert f"{server.url}/file: HTTP {code};" in _error(server, tmp_path)
    assert len(server.asked) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [429, 500, 502, 503])
def test_errors_that_pass_are_repeated(server: FaultServer, tmp_path: Path, code: int) -> None:
    server.faults["file"] = [status(code), CLOSE]
    assert _download(server, tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == 3


def test_an_error_that_does_not_pass_is_named(server: FaultServer, tmp_path: Path) -> None:
    server.always["file"] = status(503)
    assert "HTTP 503 (after 3 attempts)" in _error(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [("0", 0, 0.2), ("3600", 0.3, 2), ("Fri, 31 Dec 2099 23:59:59 GMT", 0.3, 2), ("soon", 0, 0.2)],
)
def test_retry_after_is_honoured_up_to_a_limit(
    server: FaultServer, tmp_path: Path, value: str, least: float, most: float
) -> None:
    server.faults["file"] = [status(429, Retry_After=value)]
    start = time.monotonic()
    _download(server, tmp_path)
    assert least <= time.monotonic() - start < most


def test_a_wrong_file_is_removed_and_both_hashes_are_named(server: FaultServer, tmp_path: Path) -> None:
    server.files["file"] = b"something else"
    found = hashlib.sha256(b"something else").hexdigest()
    assert f"{server.url}/file: SHA-256 is {found}, expected {SHA256};" in _error(server, tmp_path)
    assert len(server.asked) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_fails_its_check_is_removed(server: FaultServer, tmp_path: Path) -> None:
    def check(path: Path) -> None:
        assert path.read_bytes() == CONTENT
        raise RepopeError(f"{path}: is no picture")

    with pytest.raises(RepopeError, match=r"/file: is no picture; check the network"):
        download([Download(f"{server.url}/file", tmp_path / "file", check=check)], description="files")
    assert list(tmp_path.iterdir()) == []


def test_a_compressed_answer_is_unpacked_and_never_continued(server: FaultServer, tmp_path: Path) -> None:
    packed = gzip.compress(os.urandom(100_000), mtime=0)
    server.files["file"] = packed
    original = fetch._Fetch._receive

    def receive(self: fetch._Fetch, response: object, offset: int) -> bool:
        response.headers["Content-Encoding"] = "gzip"  # type: ignore[attr-defined]
        return original(self, response, offset)  # type: ignore[arg-type]

    server.faults["file"] = [CUT]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetch._Fetch, "_receive", receive)
        path = _download(server, tmp_path, sha256=None)
    assert path.read_bytes() == gzip.decompress(packed)
    assert server.ranges("file") == [None, None]


def test_redirects_are_followed(server: FaultServer, tmp_path: Path) -> None:
    server.always["moved"] = status(302, Location=f"{server.url}/file")
    assert _download(server, tmp_path, "moved").read_bytes() == CONTENT


def test_a_redirect_in_a_circle_is_an_error(server: FaultServer, tmp_path: Path) -> None:
    server.always["moved"] = status(302, Location=f"{server.url}/moved")
    assert "redirect" in _error(server, tmp_path, "moved")


def test_what_succeeded_stays_when_others_fail(server: FaultServer, tmp_path: Path) -> None:
    server.files |= {f"good{number}": CONTENT for number in range(20)}
    names = [*server.files, "missing1", "missing2"]
    with pytest.raises(RepopeError) as caught:
        download(
            [Download(f"{server.url}/{name}", tmp_path / name) for name in names], description="pictures"
        )
    line = str(caught.value)
    assert line.startswith("2 of 23 pictures could not be fetched")
    assert f"the first from {server.url}/missing1: HTTP 404" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(server.files)


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
    assert tried.qsize() <= 2 * downloading.AT_ONCE


def test_a_host_that_fails_on_file_after_file_is_given_up(server: FaultServer, tmp_path: Path) -> None:
    server.always = {str(number): status(503) for number in range(200)}
    with pytest.raises(RepopeError, match=r"200 of 200 files .* HTTP 503"):
        download(
            [Download(f"{server.url}/{name}", tmp_path / name) for name in server.always], description="files"
        )
    assert len(server.asked) <= 3 * 2 * downloading.AT_ONCE


def test_a_few_failures_do_not_give_the_host_up(server: FaultServer, tmp_path: Path) -> None:
    server.files = {str(number): CONTENT for number in range(40)}
    server.always = {str(number): CLOSE for number in range(0, 40, 8)}
    with pytest.raises(RepopeError, match="5 of 40 files"):
        download(
            [Download(f"{server.url}/{name}", tmp_path / name) for name in server.files], description="files"
        )


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/file", "127.0.0.1/file", "http://127.0.0.1:x/file", "http:///f"]
)
def test_a_wrong_address_fails_at_once(tmp_path: Path, url: str) -> None:
    with pytest.raises(RepopeError, match="1 of 1 files"):
        download([Download(url, tmp_path / "file")], description="files")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_proxy_setting_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://127.0.0.1:1")
    with pytest.raises(RepopeError, match="HTTP_PROXY"):
        download([Download("http://127.0.0.1:1/file", tmp_path / "file")], description="files")


def test_a_folder_that_cannot_be_made_is_named(server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file and no folder")
    folder = tmp_path / "file" / "below"
    with pytest.raises(RepopeError, match=f"{folder}: cannot be made") as caught:
        _download(server, folder)
    assert "choose a folder" in str(caught.value)
    assert server.asked == []


def test_a_folder_that_nobody_can_write_is_named(server: FaultServer) -> None:
    folder = Path("/proc/self/fd")  # not even root may make files there
    with pytest.raises(RepopeError, match=f"{folder}: cannot be written .*choose another folder"):
        _download(server, folder)


def test_a_target_that_cannot_be_written_is_named(server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "file.part").mkdir()
    with pytest.raises(RepopeError, match=f"{tmp_path}: cannot be written"):
        _download(server, tmp_path)


def test_progress_is_a_line_each_tenth(
    server: FaultServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.files = {str(number): b"x" for number in range(100)}
    with caplog.at_level(logging.INFO):
        download(
            [Download(f"{server.url}/{name}", tmp_path / name) for name in server.files],
            description="pictures",
        )
    assert caplog.messages == [f"pictures: {number} of 100" for number in range(10, 101, 10)]
    assert logging.getLogger("httpx").level == logging.NOTSET


def test_progress_tells_failures_apart(
    server: FaultServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        _error(server, tmp_path, "missing")
    assert caplog.messages == ["files: 1 of 1, 1 of them in vain"]


def test_progress_is_a_bar_on_a_terminal(
    server: FaultServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with caplog.at_level(logging.INFO):
        _download(server, tmp_path)
    assert "1/1" in capsys.readouterr().err
    assert caplog.messages == []


def test_two_threads_with_one_target_wait_for_one_another(server: FaultServer, tmp_path: Path) -> None:
    server.faults["file"] = [STALL]
    first = threading.Thread(target=_download, args=(server, tmp_path))
    first.start()
    assert server.stalled.wait(5)
    _download(server, tmp_path)
    first.join()
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.ranges("file") == [None, f"bytes={HALF}-"]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_target_that_somebody_holds_for_ever_is_an_error(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_file, "PATIENCE", 0.1)
    monkeypatch.setattr(part_file, "POLL", 0.02)
    with part_file.claimed(tmp_path / "file.part", threading.Event()):
        assert "another process has been fetching it" in _error(server, tmp_path)


INTERRUPTED = """
import sys
from pathlib import Path
from repope_eval.benchmarks.download import Download, download
url, folder = sys.argv[1], Path(sys.argv[2])
names = ["file", *(f"stall{number}" for number in range(20))]
download([Download(f"{url}/{name}", folder / name) for name in names], description="files")
"""


def test_an_interrupt_ends_the_program_at_once_and_keeps_what_is_whole(
    server: FaultServer, tmp_path: Path
) -> None:
    server.files |= {f"stall{number}": CONTENT for number in range(20)}
    server.always = {f"stall{number}": STALL for number in range(20)}
    program = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, server.url, str(tmp_path)], stderr=subprocess.PIPE, text=True
    )
    with program:
        deadline = time.monotonic() + 10
        while not (server.stalled.is_set() and (tmp_path / "file").exists()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        start = time.monotonic()
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=10)
    assert time.monotonic() - start < 5
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert not any((tmp_path / name).exists() for name in server.always)
    assert len(server.asked) <= 1 + downloading.AT_ONCE
