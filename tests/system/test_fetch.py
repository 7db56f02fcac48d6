"""Servers that send too little, too much, too slowly, packed, or under a head that is made up: nothing is left."""

import gzip
import zlib
from pathlib import Path

import pytest
from download_examples import CONTENT, fetched, refusal
from fault_server import CUT, DRIP, ENDLESS, STALL, Fault, FaultServer, head, status

from repope_eval.system import downloads


@pytest.fixture(autouse=True)
def _small_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "LARGEST", 2 * len(CONTENT))


def test_a_file_without_end_is_given_up_while_it_comes(server: FaultServer, tmp_path: Path) -> None:
    server.always["file"] = ENDLESS
    assert f"more than {2 * len(CONTENT):,} bytes came, so it is another file" in refusal(server, tmp_path)
    assert len(server.asked) == 1
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_drip_in_are_a_stall(
    server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "SLOW_WINDOW", 0.1)
    monkeypatch.setattr(downloads, "LEAST_SPEED", 10_000.0)
    server.always["file"] = DRIP
    assert "bytes came in 0 s (after 3 attempts)" in refusal(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("fault", "reason"), [(CUT, "the connection was cut"), (STALL, "no data for 0.3 s")])
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


def test_a_part_of_a_file_is_none(server: FaultServer, tmp_path: Path) -> None:
    server.always["file"] = head(206, Content_Range="bytes 0-9/99")
    assert "HTTP 206" in refusal(server, tmp_path)


@pytest.mark.parametrize("said", ["-1", "many", str(len(CONTENT) + 9), str(len(CONTENT) // 2)])
def test_a_content_length_that_lies_is_no_traceback(server: FaultServer, tmp_path: Path, said: str) -> None:
    server.always["file"] = head(200, Content_Length=said, Connection="close")
    line = refusal(server, tmp_path)
    assert "1 of 1 files could not be fetched" in line
    assert not (tmp_path / "file").exists()


def test_a_bomb_of_gzip_is_given_up_while_it_unpacks(server: FaultServer, tmp_path: Path) -> None:
    server.files["file"] = gzip.compress(bytes(50_000_000), mtime=0)
    server.always["file"] = head(200, Content_Encoding="gzip")
    assert "bytes came, so it is another file" in refusal(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_comes_packed_is_unpacked(server: FaultServer, tmp_path: Path) -> None:
    server.files["file"] = gzip.compress(CONTENT, mtime=0)
    server.always["file"] = head(200, Content_Encoding="gzip")
    assert fetched(server, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("encoding", ["gzip, gzip", "x" * 500])
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
def test_what_is_packed_wrongly_is_refused(
    server: FaultServer, tmp_path: Path, packed: bytes, reason: str
) -> None:
    server.files["file"] = packed
    server.always["file"] = head(200, Content_Encoding="gzip")
    assert reason in refusal(server, tmp_path)


def test_a_redirect_to_a_local_file_is_refused(server: FaultServer, tmp_path: Path) -> None:
    server.always["moved"] = status(302, Location="file:///etc/passwd")
    assert "'file://'" in refusal(server, tmp_path, "moved")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["http://[", "\xff" * 3000])
def test_a_redirect_to_no_address_is_refused(server: FaultServer, tmp_path: Path, place: str) -> None:
    server.always["moved"] = status(302, Location=place)
    assert len(refusal(server, tmp_path, "moved")) < 1000


def test_the_body_of_a_redirect_is_not_waited_for(server: FaultServer, tmp_path: Path) -> None:
    server.always["moved"] = Fault("endless", 302, {"Location": f"{server.url}/file"})
    server.files["moved"] = b""
    assert fetched(server, tmp_path, "moved").read_bytes() == CONTENT


@pytest.mark.parametrize("value", ["-1", "Mon, 99999999999999999999 Jan 2020 00:00:00 GMT"])
def test_a_strange_retry_after_is_no_traceback(server: FaultServer, tmp_path: Path, value: str) -> None:
    server.faults["file"] = [status(429, Retry_After=value)]
    assert fetched(server, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("code", [408, 409, 425, 429, 500])
def test_what_may_pass_is_asked_for_again(server: FaultServer, tmp_path: Path, code: int) -> None:
    server.faults["file"] = [status(code)]
    assert fetched(server, tmp_path).read_bytes() == CONTENT
