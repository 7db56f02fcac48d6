"""Lists of models: what lines say, which folders they mean, what cannot be read."""

import re
from pathlib import Path

import pytest

from repope_eval.cluster.sweep_plan import ListedRun, list_text, read_model_list, shared_folders
from repope_eval.errors import RepopeError


def write(folder: Path, text: str) -> Path:
    path = folder / "models.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_lines_keep_their_numbers(tmp_path: Path) -> None:
    text = "\ufeffovis2_1b\r\n\n# larger ones\n  ovis2_2b  limit=3 'model.question_suffix=\" yes or no\"'\n"
    assert read_model_list(write(tmp_path, text)) == (
        ListedRun(line=1, model="ovis2_1b"),
        ListedRun(line=4, model="ovis2_2b", words=("limit=3", 'model.question_suffix=" yes or no"')),
    )


def test_a_list_written_again_is_the_same_without_blank_lines(tmp_path: Path) -> None:
    runs = read_model_list(write(tmp_path, "a 'x=it'\"'\"'s  so' y=2\n\n# c\nb\n"))
    text = list_text(runs)
    assert text.count("\n") == 2
    assert [(run.model, run.words) for run in read_model_list(write(tmp_path, text))] == [
        (run.model, run.words) for run in runs
    ]


@pytest.mark.parametrize("text", ["", "# none yet\n"])
def test_a_list_of_nothing_is_refused(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(RepopeError, match=f"^{re.escape(str(path))}: names no model; give one a line$"):
        read_model_list(path)


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=r"none\.txt: cannot be read \(No such file.*give models=FILE$"):
        read_model_list(tmp_path / "none.txt")


def test_an_open_quote_is_told_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match="line 2: a quote is not closed"):
        read_model_list(write(tmp_path, "tiny\ntiny 'limit=2\n"))


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        ((), "/runs/tiny"),
        (("limit=2", "model.name=a"), "/runs/a"),
        (("model.name=a", "model.name=b"), "/runs/b"),
        (("model.name=a", "out=/elsewhere"), "/elsewhere"),
    ],
)
def test_the_folder_of_a_run(words: tuple[str, ...], folder: str) -> None:
    assert ListedRun(line=1, model="tiny", words=words).folder(Path("/runs")) == Path(folder)


def test_runs_that_share_a_folder_are_told_with_both_lines() -> None:
    runs = [
        ListedRun(line=1, model="tiny"),
        ListedRun(line=3, model="tiny", words=("model.name=a",)),
        ListedRun(line=4, model="tiny", words=("limit=2",)),
        ListedRun(line=5, model="ovis2_1b", words=("model.name=a",)),
    ]
    assert list(shared_folders(Path("list"), runs, Path("/runs"))) == [
        "list, line 4: tiny would write into /runs/tiny, as line 1 does; give it a name of its own with "
        "model.name=NAME",
        "list, line 5: ovis2_1b would write into /runs/a, as line 3 does; give it a name of its own with "
        "model.name=NAME",
    ]


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        RepopeError, match=r"models\.txt, line 2: has 10001 characters; at most 10000 are read"
    ):
        read_model_list(write(tmp_path, "tiny\n" + "x" * 10_001))
