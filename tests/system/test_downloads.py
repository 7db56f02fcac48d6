"""Downloads: what servers send, too little, too much or nothing, what goes on after a break, and what is given up."""

import gzip
import hashlib
import logging
import queue
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import pytest
from download_examples import CONTENT, SHA256, fetched, refusal
from fault_server import (
    CLOSE,
    CUT,
    DRIP,
    ENDLESS,
    SILENT,
    STALL,
    Fault,
    FaultServer,
    head,
    status,
    unanswered_port,
)

from repope_eval.errors import RepopeError
from repope_eval.system import downloads, http
from repope_eval.system import downloads as downloading
from repope_eval.system import downloads as fetching
from repope_eval.system.downloads import Download, download, download_from_mirrors


def test_a_file_comes_into_a_new_folder_and_leaves_nothing_beside_it(
    server: FaultServer, tmp_path: Path
) -> None:
    path = fetched(server, tmp_path / "new" / "folder")
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]
    assert server.asked == ["/file"]


def test_the_first_mirror_that_has_a_file_gives_it_and_the_others_are_a_line(
    server: FaultServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The first mirror is gone, the second holds another file, the third lacks one, and the fourth has that alone."""
    server.files |= {"changed/a": b"another file", "changed/b": b"another file"}
    server.files |= {"third/a": CONTENT, "fourth/b": CONTENT}
    mirrors = ["http://127.0.0.1:9", *(f"{server.url}/{name}" for name in ("changed", "third", "fourth"))]
    download_from_mirrors(mirrors, tmp_path, dict.fromkeys("ab", SHA256), description="question files")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == dict.fromkeys("ab", CONTENT)
    gone, changed, lacking = [record.getMessage() for record in caplog.records]
    assert "2 of 2 question files could not be fetched, the first from http://127.0.0.1:9/a" in gone
    assert gone.endswith(f"; trying {mirrors[1]} next")
    assert f"2 of 2 question files could not be fetched, the first from {mirrors[1]}/a: SHA-256 is" in changed
    assert f"1 of 2 question files could not be fetched, the first from {mirrors[2]}/b: HTTP 404" in lacking
    assert "/third/b" in server.asked
    assert "/fourth/a" not in server.asked


def test_where_no_mirror_has_a_file_the_last_ones_error_is_told_and_what_came_stays(
    server: FaultServer, tmp_path: Path
) -> None:
    server.files["first/a"] = CONTENT
    mirrors = [f"{server.url}/first", f"{server.url}/second"]
    with pytest.raises(
        RepopeError, match=r"1 of 1 files .*second/b: HTTP 404.*; 1 other address failed before$"
    ):
        download_from_mirrors(mirrors, tmp_path, dict.fromkeys("ab", SHA256), description="files")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("code", [403, 404])
def test_other_client_errors_fail_at_once(server: FaultServer, tmp_path: Path, code: int) -> None:
    server.always["file"] = status(code)
    assert f"{server.url}/file: HTTP {code};" in refusal(server, tmp_path)
    assert len(server.asked) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [429, 500])
def test_errors_that_pass_are_repeated(server: FaultServer, tmp_path: Path, code: int) -> None:
    server.faults["file"] = [status(code), CLOSE]
    assert fetched(server, tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == 3


def test_an_error_that_does_not_pass_is_named(server: FaultServer, tmp_path: Path) -> None:
    server.always["file"] = status(503)
    assert "HTTP 503 (after 3 attempts)" in refusal(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "limit", "least"),
    [("3600", 0.3, 0.3), ("Fri, 31 Dec 2099 23:59:59 GMT", 0.3, 0.3), ("soon", 60, 0)],
)
def test_retry_after_is_honoured_up_to_a_limit(
    server: FaultServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    value: str,
    limit: float,
    least: float,
) -> None:
    monkeypatch.setattr(fetching, "RETRY_AFTER_LIMIT", limit)
    server.faults["file"] = [status(429, Retry_After=value)]
    start = time.monotonic()
    fetched(server, tmp_path)
    assert least <= time.monotonic() - start < 30


def test_a_wrong_file_is_removed_and_both_hashes_are_named(server: FaultServer, tmp_path: Path) -> None:
    server.files["file"] = b"something else"
    found = hashlib.sha256(b"something else").hexdigest()
    assert f"{server.url}/file: SHA-256 is {found}, expected {SHA256};" in refusal(server, tmp_path)
    assert len(server.asked) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_fails_its_check_is_removed(server: FaultServer, tmp_path: Path) -> None:
    def check(path: Path) -> None:
        assert path.read_bytes() == CONTENT
        raise RepopeError(f"{path}: is no picture")

    with pytest.raises(RepopeError, match=r"/file: is no picture; check the network"):
        download([Download(f"{server.url}/file", tmp_path / "file", check=check)], description="files")
    assert list(tmp_path.iterdir()) == []


def test_redirects_are_followed(server: FaultServer, tmp_path: Path) -> None:
    server.always["moved"] = status(302, Location=f"{server.url}/file")
    assert fetched(server, tmp_path, "moved").read_bytes() == CONTENT


def test_a_redirect_in_a_circle_is_an_error(server: FaultServer, tmp_path: Path) -> None:
    server.always["moved"] = status(302, Location=f"{server.url}/moved")
    assert "redirect" in refusal(server, tmp_path, "moved")


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


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/file", "http://127.0.0.1:x/file"])
def test_a_wrong_address_fails_at_once(tmp_path: Path, url: str) -> None:
    with pytest.raises(RepopeError, match="1 of 1 files"):
        download([Download(url, tmp_path / "file")], description="files")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_proxy_setting_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://127.0.0.1:1")
    with pytest.raises(RepopeError, match="HTTP_PROXY"):
        download([Download("http://127.0.0.1:1/file", tmp_path / "file")], description="files")


def test_a_proxy_that_lets_nobody_through_is_asked_once(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    monkeypatch.setattr(downloading, "CONCURRENT_DOWNLOADS", 1)
    server.always["nowhere.invalid:443"] = status(403)
    names = [str(number) for number in range(30)]
    with pytest.raises(RepopeError, match=r"30 of 30 files .*: the proxy denies the connection: 403 \w+;"):
        download([Download(f"https://nowhere.invalid/{n}", tmp_path / n) for n in names], description="files")
    assert len(server.asked) == 1


def test_a_folder_that_cannot_be_made_is_named(server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file and no folder")
    folder = tmp_path / "file" / "below"
    with pytest.raises(RepopeError, match=f"{folder}: cannot be made") as caught:
        fetched(server, folder)
    assert "choose a folder" in str(caught.value)
    assert server.asked == []


def test_a_folder_that_nobody_can_write_is_named(server: FaultServer) -> None:
    folder = Path("/proc/self/fd")  # not even root may make files there
    with pytest.raises(RepopeError, match=f"{folder}: cannot be written .*choose another folder"):
        fetched(server, folder)


def test_two_calls_for_one_file_do_not_disturb_each_other(server: FaultServer, tmp_path: Path) -> None:
    server.faults["file"] = [STALL]
    first = threading.Thread(target=fetched, args=(server, tmp_path))
    first.start()
    assert server.stalled.wait(5)
    assert fetched(server, tmp_path).read_bytes() == CONTENT
    first.join()
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.asked == ["/file"] * 2  # the first finds in place what the second fetched
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_told_and_leaves_nothing(server: FaultServer, tmp_path: Path) -> None:
    """A limit of this process on the size of files stands for the disk's."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CONTENT) // 2, before[1]))
    try:
        line = refusal(server, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (
        line
        == f"{tmp_path}: cannot be written (File too large); make room or permission there, or choose "
        + ("another folder")
    )
    assert list(tmp_path.iterdir()) == []


INTERRUPTED = """
import sys
from pathlib import Path
from repope_eval.system.downloads import Download, download, download_from_mirrors
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
    assert len(server.asked) <= 1 + downloading.CONCURRENT_DOWNLOADS


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


@pytest.fixture
def small_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "LARGEST", 2 * len(CONTENT))


@pytest.mark.usefixtures("small_bound")
def test_a_file_without_end_is_given_up_while_it_comes(server: FaultServer, tmp_path: Path) -> None:
    server.always["file"] = ENDLESS
    assert f"more than {2 * len(CONTENT):,} bytes came, so it is another file" in refusal(server, tmp_path)
    assert len(server.asked) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_bound")
def test_bytes_that_drip_in_are_a_stall(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "SLOW_WINDOW", 0.1)
    monkeypatch.setattr(downloads, "LEAST_SPEED", 10_000.0)
    server.always["file"] = DRIP
    assert "bytes came in 0 s (after 3 attempts)" in refusal(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("fault", "reason"), [(CUT, "the connection was cut"), (STALL, "no data for 0.3 s")])
@pytest.mark.usefixtures("small_bound")
def test_half_a_file_is_asked_for_again(
    server: FaultServer, tmp_path: Path, fault: Fault, reason: str
) -> None:
    server.faults["file"] = [fault]
    assert fetched(server, tmp_path / "half").read_bytes() == CONTENT
    assert server.asked == ["/file"] * 2
    server.always["file"] = fault
    line = refusal(server, tmp_path)
    assert "1 of 1 files could not be fetched" in line
    assert f"{server.url}/file: {reason}" in line
    assert "(after 3 attempts); " in line
    assert str(tmp_path) in line
    assert [path.name for path in tmp_path.iterdir()] == ["half"]


@pytest.mark.usefixtures("small_bound")
def test_a_part_of_a_file_is_none(server: FaultServer, tmp_path: Path) -> None:
    server.always["file"] = head(206, Content_Range="bytes 0-9/99")
    assert "HTTP 206" in refusal(server, tmp_path)


@pytest.mark.parametrize("said", ["-1", "many", str(len(CONTENT) + 9), str(len(CONTENT) // 2)])
@pytest.mark.usefixtures("small_bound")
def test_a_content_length_that_lies_is_no_traceback(server: FaultServer, tmp_path: Path, said: str) -> None:
    server.always["file"] = head(200, Content_Length=said, Connection="close")
    line = refusal(server, tmp_path)
    assert "1 of 1 files could not be fetched" in line
    assert not (tmp_path / "file").exists()


@pytest.mark.usefixtures("small_bound")
def test_a_bomb_of_gzip_is_given_up_while_it_unpacks(server: FaultServer, tmp_path: Path) -> None:
    server.files["file"] = gzip.compress(bytes(50_000_000), mtime=0)
    server.always["file"] = head(200, Content_Encoding="gzip")
    assert "bytes came, so it is another file" in refusal(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_bound")
def test_a_file_that_comes_packed_is_unpacked(server: FaultServer, tmp_path: Path) -> None:
    server.files["file"] = gzip.compress(CONTENT, mtime=0)
    server.always["file"] = head(200, Content_Encoding="gzip")
    assert fetched(server, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("encoding", ["gzip, gzip", "x" * 500])
@pytest.mark.usefixtures("small_bound")
def test_other_packings_are_refused(server: FaultServer, tmp_path: Path, encoding: str) -> None:
    server.files["file"] = zlib.compress(CONTENT)
    server.always["file"] = head(200, Content_Encoding=encoding)
    line = refusal(server, tmp_path)
    assert f"is sent with the encoding {encoding[:80]!r}, though none was asked for" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("packed", "reason"),
    [(b"no gzip", "cannot be unpacked"), (gzip.compress(CONTENT, mtime=0)[:-999], "SHA-256 is")],
)
@pytest.mark.usefixtures("small_bound")
def test_what_is_packed_wrongly_is_refused(
    server: FaultServer, tmp_path: Path, packed: bytes, reason: str
) -> None:
    server.files["file"] = packed
    server.always["file"] = head(200, Content_Encoding="gzip")
    assert reason in refusal(server, tmp_path)


@pytest.mark.usefixtures("small_bound")
def test_a_redirect_to_a_local_file_is_refused(server: FaultServer, tmp_path: Path) -> None:
    server.always["moved"] = status(302, Location="file:///etc/passwd")
    assert "'file://'" in refusal(server, tmp_path, "moved")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["http://[", "\xff" * 3000])
@pytest.mark.usefixtures("small_bound")
def test_a_redirect_to_no_address_is_refused(server: FaultServer, tmp_path: Path, place: str) -> None:
    server.always["moved"] = status(302, Location=place)
    assert len(refusal(server, tmp_path, "moved")) < 1000


@pytest.mark.usefixtures("small_bound")
def test_the_body_of_a_redirect_is_not_waited_for(server: FaultServer, tmp_path: Path) -> None:
    server.always["moved"] = Fault("endless", 302, {"Location": f"{server.url}/file"})
    server.files["moved"] = b""
    assert fetched(server, tmp_path, "moved").read_bytes() == CONTENT


@pytest.mark.parametrize("value", ["-1", "Mon, 99999999999999999999 Jan 2020 00:00:00 GMT"])
@pytest.mark.usefixtures("small_bound")
def test_a_strange_retry_after_is_no_traceback(server: FaultServer, tmp_path: Path, value: str) -> None:
    server.faults["file"] = [status(429, Retry_After=value)]
    assert fetched(server, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("code", [408, 409, 425, 429, 500])
@pytest.mark.usefixtures("small_bound")
def test_what_may_pass_is_asked_for_again(server: FaultServer, tmp_path: Path, code: int) -> None:
    server.faults["file"] = [status(code)]
    assert fetched(server, tmp_path).read_bytes() == CONTENT
