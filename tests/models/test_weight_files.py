"""Files of weights: wrong ones are known by their headers alone, and which changes of a checkpoint are noticed."""

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from repope_eval.errors import RepopeError
from repope_eval.models.weight_files import INDEX, SAMPLE, fingerprint, verify_weight_files

FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
ONES = torch.ones(2, 3)


def shards(folder: Path, **index: str) -> None:
    """Two files of a tensor each, and an index of them."""
    save_file({"a": ONES}, folder / FIRST)
    save_file({"b": ONES}, folder / SECOND)
    named = {"a": FIRST, "b": SECOND} | index
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": named}))


def header(text: bytes, *, length: int | None = None) -> Callable[[Path], None]:
    content = struct.pack("<Q", len(text) if length is None else length) + text + bytes(12)
    return lambda folder: (folder / "model.safetensors").write_bytes(content) and None


def test_shards_are_counted_together(tmp_path: Path) -> None:
    shards(tmp_path)
    files = verify_weight_files(tmp_path)
    assert (files.number, files.n_weights) == (2, 12)


def test_shards_may_be_links_as_in_the_hubs_cache(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshot").mkdir()
    shards(tmp_path / "blobs")
    for path in (tmp_path / "blobs").iterdir():
        (tmp_path / "snapshot" / path.name).symlink_to(path)
    assert verify_weight_files(tmp_path / "snapshot").number == 2


@pytest.mark.parametrize("place", ["../{}", "{}/../../{}", "sub/{}", "/{}"])
def test_an_index_names_no_file_outside_its_folder(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "checkpoint"
    for other in (folder, folder / "sub"):
        other.mkdir()
        save_file({"c": ONES}, other / "model-x.safetensors")
    save_file({"c": ONES}, tmp_path / "model-x.safetensors")
    named = place.format("model-x.safetensors", "model-x.safetensors")
    shards(folder, c=str(tmp_path / named[1:]) if named.startswith("/") else named)
    with pytest.raises(RepopeError, match="1 of 3 files of weights missing, first '"):
        verify_weight_files(folder)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ([], "is a JSON list, not an object"),
        ({"weight_map": []}, r"weight_map is \[\]; an object is expected"),
        ({"weight_map": {"a": [FIRST]}}, "weight_map.a is .*; a text is expected"),
        ({"weight_map": {"a": FIRST}}, "lacks its weight_map or its metadata"),
        ({"weight_map": {"a": FIRST}, "metadata": None}, "lacks its weight_map or its metadata"),
        ({"weight_map": {"a": FIRST}, "metadata": []}, "lacks its weight_map or its metadata"),
        ({"metadata": {}}, "lacks its weight_map or its metadata"),
    ],
)
def test_an_index_that_is_none_is_named(tmp_path: Path, index: object, message: str) -> None:
    shards(tmp_path)
    (tmp_path / INDEX).write_text(json.dumps(index))
    with pytest.raises(RepopeError, match=f"{INDEX}: {message}"):
        verify_weight_files(tmp_path)


def test_several_files_without_an_index_are_told_so(tmp_path: Path) -> None:
    shards(tmp_path)
    (tmp_path / INDEX).unlink()
    with pytest.raises(RepopeError, match=f"several files of weights and no {INDEX}"):
        verify_weight_files(tmp_path)


def test_a_tensor_in_two_files_is_refused(tmp_path: Path) -> None:
    shards(tmp_path)
    save_file({"a": 2 * ONES, "b": ONES}, tmp_path / SECOND)
    with pytest.raises(RepopeError, match="'a' is in more than one file of weights"):
        verify_weight_files(tmp_path)


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool, torch.float8_e4m3fn])
def test_a_tensor_that_holds_no_weights_is_named(tmp_path: Path, dtype: torch.dtype) -> None:
    save_file({"a": ONES.to(dtype), "b": ONES}, tmp_path / "model.safetensors")
    with pytest.raises(
        RepopeError, match=r"model\.safetensors: holds 'a' in .*quantized already are not read"
    ):
        verify_weight_files(tmp_path)


@pytest.mark.parametrize("name", ["vision.position_ids", "tower.bn1.num_batches_tracked"])
def test_what_only_counts_is_no_quantized_weight(tmp_path: Path, name: str) -> None:
    """Positions in older checkpoints, and what each BatchNorm counted in training (Emu3, FastVLM, Gemma 3n)."""
    save_file({"a": ONES, name: torch.arange(4)}, tmp_path / "model.safetensors")
    assert verify_weight_files(tmp_path).n_weights == 10


@pytest.mark.parametrize(
    "damage",
    [
        header(b"", length=10**12),
        header(b"", length=2**64 - 1),
        header(b"[" * 100_000),
        header(b'{"a":{"dtype":"F33","shape":[3],"data_offsets":[0,12]}}'),
        header(b'{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}'),
        header(
            b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
            b'"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}'
        ),
    ],
)
def test_a_header_that_cannot_be_is_damage(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    damage(tmp_path)
    with pytest.raises(RepopeError, match=r"model\.safetensors: is damaged"):
        verify_weight_files(tmp_path)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "model.safetensors")
    with pytest.raises(RepopeError, match=r"model\.safetensors: is no file, nor a link to one"):
        verify_weight_files(tmp_path)


def test_an_adapter_is_not_left_out_in_silence(tmp_path: Path) -> None:
    save_file({"a": ONES}, tmp_path / "model.safetensors")
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "other/model"}')
    with pytest.raises(
        RepopeError, match=r"adapter_config\.json: an adapter beside the weights is not applied"
    ):
        verify_weight_files(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    (tmp_path / "README.md").write_text("")
    (tmp_path / "results.json").write_text("{}")
    write(tmp_path, torch.zeros(10_000))
    return tmp_path


def write(folder: Path, matrix: torch.Tensor, bias: float = 0.0, **metadata: str) -> None:
    save_file({"a.bias": torch.full((3,), bias), "matrix": matrix}, folder / "model.safetensors", metadata)


def changed(place: int) -> torch.Tensor:
    matrix = torch.zeros(10_000)
    matrix[place] = 1.0
    return matrix


def test_it_is_of_what_answers_depend_on_by_file(folder: Path, tmp_path: Path) -> None:
    found = fingerprint(folder)
    assert list(found) == ["config.json", "model.safetensors.index.json", "model.safetensors"]
    assert found["config.json"].startswith("sha256:44136fa355b3678a")
    assert found["model.safetensors"].startswith("sampled:")
    copied = shutil.copytree(folder, tmp_path / "copied")
    assert fingerprint(copied) == found


@pytest.mark.parametrize("place", [0, 5_000, 9_999])
def test_a_number_changed_in_a_sample_is_noticed(folder: Path, place: int) -> None:
    before = fingerprint(folder)
    write(folder, changed(place))
    assert fingerprint(folder) != before


@pytest.mark.parametrize(
    "matrix", [torch.zeros(100, 100), torch.zeros(10_000, dtype=torch.int32), torch.zeros(10_001)]
)
def test_another_shape_number_format_or_length_is_noticed(folder: Path, matrix: torch.Tensor) -> None:
    before = fingerprint(folder)
    write(folder, matrix)
    assert fingerprint(folder) != before


def test_a_small_tensor_is_read_whole(folder: Path) -> None:
    before = fingerprint(folder)
    write(folder, torch.zeros(10_000), bias=1.0)
    assert fingerprint(folder) != before


def test_a_number_changed_between_the_samples_alone_is_not_noticed(folder: Path) -> None:
    """As its documentation says: this is what the small reading costs."""
    before = fingerprint(folder)
    write(folder, changed(SAMPLE // 4 + 100))
    assert fingerprint(folder) == before


@pytest.mark.parametrize("content", [b"", b"\xff" * 8, b"\x02\0\0\0\0\0\0\0[]", b"\x02\0\0\0\0\0\0\0{}more"])
def test_what_are_no_weights_is_named(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(RepopeError, match=r"model\.safetensors: cannot be read as weights \("):
        fingerprint(folder)


def test_files_that_stand_in_for_missing_ones_count(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A revision's own file goes before that of `main`."""
    processor_folder = tmp_path_factory.mktemp("main")
    for name in ("config.json", "preprocessor_config.json"):
        (processor_folder / name).write_text('{"of": "main"}')
    own, both = fingerprint(folder), fingerprint(folder, processor_folder)
    assert set(both) - set(own) == {"preprocessor_config.json"}
    assert both["config.json"] == own["config.json"]
