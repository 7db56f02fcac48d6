"""The files that a dataset's card or names lead to: within its folder, and not far larger than they look."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pyarrow
import pytest
from question_tables import ROW, settings, write_csv

from repope_eval.benchmarks.saved_datasets import require_own_files
from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.system import parquet


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    write_csv(tmp_path / "secret.csv", [{**ROW, "image": "secret.jpg"}])
    return tmp_path / "own"


def refused(folder: Path, message: str) -> None:
    with pytest.raises(RepopeError, match=message) as caught:
        load_benchmark(settings(f"hub:{folder}"), folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["../secret.csv", "{}/secret.csv"])
def test_a_card_does_not_lead_out_of_its_folder(path: str, folder: Path) -> None:
    write_csv(folder / "test.csv", [ROW])
    card = f"configs:\n- config_name: default\n  data_files:\n  - split: test\n    path: {path.format(folder.parent)!r}"
    (folder / "README.md").write_text(f"---\n{card}\n---\n")
    refused(
        folder, r"own: its file '.*secret\.csv' lies outside of .*own; put a copy into the dataset's folder"
    )


def test_a_link_does_not_lead_out_of_its_folder(folder: Path) -> None:
    (folder / "test.csv").symlink_to("../secret.csv")
    refused(folder, r"own: its file '.*test\.csv' lies outside of .*own; put a copy")


def test_a_dataset_of_the_hub_has_no_files_of_this_machine() -> None:
    config = SimpleNamespace(data_files={"test": ["/etc/passwd"]})
    with pytest.raises(
        RepopeError, match="the dataset owner/it names a file that is not the Hub's, '/etc/passwd'"
    ):
        require_own_files(SimpleNamespace(config=config), "owner/it")


def text(n_rows: int) -> bytes:
    return b"".join(
        json.dumps({**ROW, "image": f"{number}.jpg"}).encode() + b"\n" for number in range(n_rows)
    )


def in_zip(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("test.jsonl", content)
    return buffer.getvalue()


def in_tar(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo("test.jsonl")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


PACKED: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("test.jsonl.gz", gzip.compress),
    ("test.jsonl.bz2", bz2.compress),
    ("test.zip", in_zip),
]


@pytest.mark.parametrize(("name", "pack"), PACKED)
def test_packed_rows_are_read(name: str, pack: Callable[[bytes], bytes], folder: Path) -> None:
    (folder / name).write_bytes(pack(text(3)))
    assert len(load_benchmark(settings(f"hub:{folder}"), folder).questions) == 3


@pytest.mark.parametrize(("name", "pack"), [*PACKED, ("test.jsonl.gz", in_tar)])
def test_what_unpacks_to_far_more_than_it_is_is_refused(
    name: str, pack: Callable[[bytes], bytes], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "BYTES_AT_ONCE", 10_000)
    (folder / name).write_bytes(pack(text(1) * 20_000))
    refused(folder, rf"{name}: unpacks to more than \d+ MB; unpack it yourself, and keep what is needed")


@pytest.mark.parametrize(
    ("name", "pack", "message"),
    [
        ("test.jsonl.xz", lzma.compress, "is packed as xz; unpack it, and leave the archive out"),
        ("test.jsonl.gz", lambda content: gzip.compress(content)[:-9], "is no whole archive"),
    ],
)
def test_other_archives_are_one_line(
    name: str, pack: Callable[[bytes], bytes], message: str, folder: Path
) -> None:
    (folder / name).write_bytes(pack(text(3)))
    refused(folder, rf"{name}: {message}")


def write_arrow(path: Path, make: Callable[..., object], **how: str) -> None:
    batch = pyarrow.record_batch({name: [value] for name, value in ROW.items()})
    options = pyarrow.ipc.IpcWriteOptions(**how)
    with pyarrow.OSFile(str(path), "wb") as file, make(file, batch.schema, options=options) as writer:  # type: ignore[attr-defined]
        writer.write_batch(batch)


def test_arrow_is_read_where_it_is_not_packed(folder: Path) -> None:
    write_arrow(folder / "test.arrow", pyarrow.ipc.new_stream)
    assert len(load_benchmark(settings(f"hub:{folder}"), folder).questions) == 1


@pytest.mark.parametrize(
    ("make", "how", "message"),
    [
        (pyarrow.ipc.new_stream, {"compression": "zstd"}, "is packed, which `datasets` does not write"),
        (pyarrow.ipc.new_file, {}, "is an Arrow file, which may be packed; write it as Parquet"),
    ],
    ids=["stream", "file"],
)
def test_packed_arrow_is_refused(
    make: Callable[..., object], how: dict[str, str], message: str, folder: Path
) -> None:
    write_arrow(folder / "test.arrow", make, **how)
    refused(folder, rf"test\.arrow: {message}")
