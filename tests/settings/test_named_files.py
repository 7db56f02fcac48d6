"""Where data lies, and the names by file and by checkpoint that run folders have by default."""

import os
import re
from pathlib import Path

import pytest

from repope_eval.errors import RepopeError
from repope_eval.settings.named_files import checkpoint_name, data_folder, named_folder, questions_name


def test_the_cache_folder_need_not_exist() -> None:
    assert data_folder(None) == Path(os.environ["XDG_CACHE_HOME"]) / "repope_eval"


def test_a_named_folder_is_taken_and_the_setting_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").mkdir()
    monkeypatch.setenv("REPOPE_DATA", str(tmp_path / "one"))
    assert data_folder(None) == tmp_path / "one"
    assert data_folder(str(tmp_path)) == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folder("~/one") == tmp_path / "one"


@pytest.mark.parametrize("setting", ["data_dir", "REPOPE_DATA"])
def test_a_mistyped_folder_is_refused_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    name = str(tmp_path / "my typo")
    monkeypatch.setenv("REPOPE_DATA", name)
    with pytest.raises(RepopeError) as caught:
        data_folder(name if setting == "data_dir" else None)
    assert str(caught.value) == (
        f"{setting}={name}: no such folder; check the name, or make it first if it is meant (mkdir -p '{name}')"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RepopeError, match=f"^data_dir={tmp_path / 'file'}: is no folder; check the name"):
        data_folder(str(tmp_path / "file"))


@pytest.mark.parametrize("name", ["~no-such-user/data", "a" * 5000, "a\0b"])
def test_a_name_that_no_folder_can_have_is_one_line(name: str) -> None:
    with pytest.raises(RepopeError, match=re.escape("bench.images=")) as caught:
        named_folder("bench.images", name)
    assert len(str(caught.value)) < 6000
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("questions", "name"),
    [
        ("/x/mine.jsonl", "mine"),
        ("my questions.v2.csv", "my questions.v2"),
        ("hub:org/yes-no", "yes-no"),
        (".hidden.csv", "hidden"),
        ("demo.csv", ""),  # runs of both would be mixed
    ],
)
def test_a_benchmark_has_the_name_of_its_file(questions: str, name: str) -> None:
    assert questions_name(questions) == name


@pytest.mark.parametrize(
    ("checkpoint", "name"),
    [
        ("llava-hf/llava-1.5-7b-hf", "llava-1.5-7b-hf"),
        ("/x/qwen3_vl/", "qwen3_vl"),
        ("/x/llava/checkpoint", "llava-checkpoint"),
        ("/x/llava/model", "llava-model"),
        ("/x/seer/adapter", "seer-adapter"),
        ("./checkpoint", "checkpoint"),
        ("../.cache/model", "cache-model"),
        ("/hub/models--org--seer-7b/snapshots/0a1b2c3d4e5f", "seer-7b"),
        ("gpt-4o", "gpt-4o"),
    ],
)
def test_a_model_has_a_name_that_tells_it_from_others(checkpoint: str, name: str) -> None:
    assert checkpoint_name(checkpoint) == name
