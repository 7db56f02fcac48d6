"""Datasets that `save_to_disk` wrote, and the files that cards name: read from their own folder alone."""

import bz2
import gzip
import io
import json
import lzma
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import pyarrow
import pytest
from question_tables import ROW, settings, write_csv
from test_parquet import NO_UTF8

from repope_eval.benchmarks.saved_datasets import require_own_files
from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.system import parquet

DATA = "data-00000-of-00001.arrow"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    datasets.Dataset.from_list([ROW, {**ROW, "image": "b.jpg"}]).save_to_disk(tmp_path / "saved")
    return tmp_path / "saved"


def refused(folder: Path, message: str, **given: Any) -> None:
    with pytest.raises(RepopeError, match=message) as caught:
        load_benchmark(settings(f"hub:{folder}", **given), folder)
    assert "\n" not in str(caught.value)


def stream(path: Path, batch: Any, **how: Any) -> None:
    options = pyarrow.ipc.IpcWriteOptions(**how)
    with (
        pyarrow.OSFile(str(path), "wb") as file,
        pyarrow.ipc.new_stream(file, batch.schema, options=options) as writer,
    ):
        writer.write_batch(batch)


@pytest.mark.parametrize(
    "changes",
    [
        {"_format_columns": ["image"]},
        {"_format_type": "custom", "_format_kwargs": {"transform": "print"}},
        {"_fingerprint": None, "_split": 7, "_output_all_columns": "x"},
    ],
)
def test_a_format_that_a_program_had_chosen_says_nothing(changes: dict[str, Any], saved: Path) -> None:
    state = json.loads((saved / "state.json").read_text())
    (saved / "state.json").write_text(json.dumps(state | changes))
    found = load_benchmark(settings(f"hub:{saved}"), saved)
    assert [question.image for question in found.questions] == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("{", "is no JSON .*; save the dataset anew"),
        ("[]", "has no list of _data_files with a filename each; save the dataset anew"),
        ('{"_data_files": [7]}', "has no list of _data_files"),
        ('{"_data_files": [{"filename": 7}]}', "has no list of _data_files"),
        ('{"_data_files": [{"filename": "a\\u0000"}]}', "its file .* cannot be looked up; mend its name"),
        ('{"_data_files": [{"filename": "absent.arrow"}]}', None),
    ],
)
def test_strange_notes_are_one_line(state: str, message: str | None, saved: Path) -> None:
    (saved / "state.json").write_text(state)
    where = (
        r"saved/absent\.arrow: is no whole Arrow stream"
        if message is None
        else rf"saved/state\.json: {message}"
    )
    refused(saved, where)


@pytest.mark.parametrize("splits", ['{"splits": 5}', "[]"])
def test_strange_notes_of_splits_are_one_line(splits: str, saved: Path) -> None:
    (saved / "dataset_dict.json").write_text(splits)
    refused(saved, r"dataset_dict\.json: has no list of splits; save the dataset anew")


def test_a_split_whose_notes_are_missing_is_one_line(saved: Path) -> None:
    datasets.DatasetDict({"val": datasets.load_from_disk(saved)}).save_to_disk(saved.parent / "splits")
    (saved.parent / "splits" / "val" / "state.json").unlink()
    refused(
        saved.parent / "splits", r"val/state\.json: cannot be read .*; save the dataset anew", split="val"
    )


@pytest.mark.parametrize("name", [f"../other/{DATA}", f"{{other}}/{DATA}", "link.arrow"])
def test_a_file_elsewhere_is_not_read(name: str, saved: Path) -> None:
    other = shutil.copytree(saved, saved.parent / "other")
    (saved / "link.arrow").symlink_to(other / DATA)
    files = [{"filename": name.format(other=other)}]
    (saved / "state.json").write_text(json.dumps({"_data_files": files}))
    refused(
        saved, r"saved/state\.json: its file .* lies outside of .*saved; put a copy into the dataset's folder"
    )


def test_a_split_elsewhere_is_not_read(saved: Path) -> None:
    folder = saved.parent / "splits"
    folder.mkdir()
    (folder / "dataset_dict.json").write_text('{"splits": ["../saved"]}')
    refused(folder, "lies outside of .*splits", split="../saved")


def test_links_within_the_cache_of_the_hub_are_read(saved: Path) -> None:
    folder = saved.parent / "cache" / "snapshots" / "main"
    shutil.copytree(saved, folder)
    (folder.parent.parent / "blob").write_bytes((folder / DATA).read_bytes())
    (folder / DATA).unlink()
    (folder / DATA).symlink_to("../../blob")
    assert len(load_benchmark(settings(f"hub:{folder}"), saved).questions) == 2


def packed(path: Path) -> None:
    stream(path, pyarrow.record_batch({name: [value] * 9 for name, value in ROW.items()}), compression="zstd")


def not_utf8(path: Path) -> None:
    cells = {name: pyarrow.array([value]) for name, value in ROW.items()}
    stream(path, pyarrow.record_batch({**cells, "question": NO_UTF8}))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (packed, "is packed, which `datasets` does not write; save the dataset anew"),
        (not_utf8, r"is no whole Arrow stream \(.*UTF8.*\); save"),
        (lambda path: path.write_bytes(path.read_bytes()[:300]), "is no whole Arrow stream"),
        (lambda path: path.write_bytes(bytes(400)), "is no whole Arrow stream"),
    ],
)
def test_strange_streams_are_one_line(write: Callable[[Path], object], message: str, saved: Path) -> None:
    write(saved / DATA)
    refused(saved, rf"{DATA}: {message}")


def test_files_of_other_columns_are_refused(saved: Path) -> None:
    stream(saved / "other.arrow", pyarrow.record_batch({"image": ["a.jpg"]}))
    files = [{"filename": DATA}, {"filename": "other.arrow"}]
    (saved / "state.json").write_text(json.dumps({"_data_files": files}))
    refused(saved, rf"other\.arrow: has other columns than {DATA}; save the dataset anew")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    write_csv(tmp_path / "secret.csv", [{**ROW, "image": "secret.jpg"}])
    return tmp_path / "own"


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
