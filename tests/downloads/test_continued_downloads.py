"""Downloads that were cut, or stall, or find a part of another time: continued where that is right, else anew."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from download_examples import CONTENT, HALF, be_quick_and_direct, fetched, refusal, serving_content
from fault_server import CUT, ETAG, IGNORE_RANGE, SHORT_RANGE, STALL, WRONG_RANGE, FaultServer

from repope_eval.downloads import fetch


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    be_quick_and_direct(monkeypatch)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with serving_content() as state:
        yield state


def test_a_cut_is_continued_where_it_was(server: FaultServer, tmp_path: Path) -> None:
    server.faults["file"] = [CUT]
    assert fetched(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges("file") == [None, f"bytes={HALF}-"]
    assert server.asked[1].if_range == ETAG


def test_a_cut_without_a_validator_is_continued_without_if_range(server: FaultServer, tmp_path: Path) -> None:
    server.etag = None
    server.faults["file"] = [CUT]
    assert fetched(server, tmp_path).read_bytes() == CONTENT
    assert server.asked[1].range == f"bytes={HALF}-"
    assert server.asked[1].if_range is None


def test_a_weak_etag_is_not_sent_back(server: FaultServer, tmp_path: Path) -> None:
    server.etag = 'W/"weak"'
    server.faults["file"] = [CUT]
    assert fetched(server, tmp_path).read_bytes() == CONTENT
    assert server.asked[1].if_range is None


def test_always_cut_ends_in_an_error_and_keeps_what_came(server: FaultServer, tmp_path: Path) -> None:
    server.always["file"] = CUT
    line = refusal(server, tmp_path)
    assert "1 of 1 files could not be fetched" in line
    assert f"{server.url}/file: the connection was cut" in line
    assert "(after 3 attempts)" in line
    assert str(tmp_path) in line
    part = (tmp_path / "file.part").read_bytes()
    assert part == CONTENT[: len(part)]
    assert len(part) > HALF


def test_a_later_run_goes_on_with_the_part_of_an_earlier_one(server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    assert fetched(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges("file") == ["bytes=1000-"]
    assert not (tmp_path / "file.part").exists()


def test_a_part_of_another_file_is_found_out_and_fetched_anew(server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"x" * 1000)
    assert fetched(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges("file") == ["bytes=1000-", None]


@pytest.mark.parametrize("size", [len(CONTENT), len(CONTENT) + 1])
def test_416_starts_over(server: FaultServer, tmp_path: Path, size: int) -> None:
    (tmp_path / "file.part").write_bytes(b"x" * size)
    assert fetched(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges("file") == [f"bytes={size}-", None]


def test_a_server_that_ignores_the_range_starts_over(server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"x" * 1000)
    server.faults["file"] = [IGNORE_RANGE]
    assert fetched(server, tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == 1


def test_a_continuation_from_elsewhere_starts_over(server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    server.faults["file"] = [WRONG_RANGE]
    assert fetched(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges("file") == ["bytes=1000-", None]


def test_a_continuation_shorter_than_it_says_is_continued(server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    server.faults["file"] = [SHORT_RANGE]
    assert fetched(server, tmp_path).read_bytes() == CONTENT
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
        assert fetched(server, tmp_path, sha256=None).read_bytes() == b"new" * 1000
    assert server.asked[-1].if_range == '"old"'


def test_a_stall_ends_and_is_continued(server: FaultServer, tmp_path: Path) -> None:
    server.faults["file"] = [STALL]
    assert fetched(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges("file") == [None, f"bytes={HALF}-"]


def test_a_server_that_always_stalls_is_an_error(server: FaultServer, tmp_path: Path) -> None:
    server.always["file"] = STALL
    assert "no data for 0.3 s (after 3 attempts)" in refusal(server, tmp_path)


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
        path = fetched(server, tmp_path, sha256=None)
    assert path.read_bytes() == gzip.decompress(packed)
    assert server.ranges("file") == [None, None]
