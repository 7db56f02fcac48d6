"""Which changes of a checkpoint's files are noticed."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from repope_eval.errors import RepopeError
from repope_eval.models.weight_files import SAMPLE, fingerprint


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
