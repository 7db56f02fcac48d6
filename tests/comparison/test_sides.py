"""Reading the two results of a comparison: what is taken from a run folder and from a file, and what is refused."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from compared import answer_file, compared, scored_run
from run_folders import DEMO, answer_lines, demo

from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.comparison.sides import read_sides
from repope_eval.errors import RepopeError
from repope_eval.records import Answer
from repope_eval.scoring.scores import score_benchmark
from repope_eval.settings.command_settings import CompareSettings
from repope_eval.system.secrets import mark_environment_text


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return scored_run(tmp_path / "run", protocol="pope")


def test_a_run_folder_says_its_benchmark_protocol_and_settings(run: Path, tmp_path: Path) -> None:
    file = answer_file(tmp_path / "mine.jsonl", answer_lines(demo(), seed=1))
    a, b = read_sides(CompareSettings(a=str(run), b=str(file)))
    assert (a.letter, a.name, a.protocol, a.bench.name) == ("a", "run", "pope", "demo")
    assert a.facts is not None
    assert a.facts.values["model.dtype"] == "float32"
    assert {question.object for question in a.answers} == {question.object for question in demo().questions}
    assert (b.letter, b.name, b.protocol, b.facts) == ("b", "mine", "repope", None)
    assert b.benchmark is a.benchmark
    assert len(b.answers) == 1026


def test_protocols_may_be_others_than_the_runs(run: Path, tmp_path: Path) -> None:
    file = answer_file(tmp_path / "mine.jsonl", answer_lines(demo()))
    a, b = read_sides(CompareSettings(a=str(run), b=str(file), protocol="vlmevalkit", protocol_a="lmms_eval"))
    assert (a.protocol, b.protocol) == ("lmms_eval", "vlmevalkit")
    a, b = read_sides(CompareSettings(a=str(run), b=str(file), protocol_b="pope"))
    assert (a.protocol, b.protocol) == ("pope", "pope")


def test_several_files_are_one_result(tmp_path: Path) -> None:
    lines = answer_lines(demo())
    parts = [answer_file(tmp_path / f"part_{number}.jsonl", lines[number::2]) for number in range(2)]
    whole = answer_file(tmp_path / "whole.jsonl", lines)
    settings = CompareSettings(a=tuple(map(str, parts)), b=str(whole), bench=DEMO)
    a, b = read_sides(settings)
    assert a.name == "part"
    assert a.answers.keys() == b.answers.keys()


def test_a_run_that_score_made_says_nothing_of_its_settings(tmp_path: Path) -> None:
    folder = scored_run(
        tmp_path / "scored",
        change=lambda manifest: manifest["settings"].update(answers="mine.jsonl", model="mine"),
    )
    a, _ = read_sides(CompareSettings(a=str(folder), b=str(folder)))
    assert a.facts is None
    assert a.name == "mine"


def write(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda folder: write(
                folder / "manifest.json",
                (folder / "manifest.json").read_text().replace('"complete"', '"running"'),
            ),
            r"run: running: loading; wait for it, or compare the answers that are there: "
            r".*run/answers.jsonl in its place",
        ),
        (
            lambda folder: (folder / "answers.jsonl").unlink(),
            r"run/answers.jsonl: is missing, so there is nothing",
        ),
        (
            lambda folder: (folder / "scores.json").unlink(),
            r"run/scores.json: is missing, so its answers were not",
        ),
        (
            lambda folder: write(folder / "scores.json", "{}"),
            r"run/scores.json: does not say by which protocol",
        ),
        (lambda folder: write(folder / "answers.jsonl", ""), r"run: has no answer to a question of demo"),
    ],
)
def test_a_folder_that_is_half_written_is_refused(
    damage: Callable[[Path], Any], message: str, run: Path, tmp_path: Path
) -> None:
    other = scored_run(tmp_path / "other")
    damage(run)
    with pytest.raises(RepopeError, match=message) as raised:
        compared(other, run)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("just words\n", "is no JSON"),
        (
            '{"image": "a.png", "question": "Is it late?", "response": "Yes"}\n',
            "none of 1 row is about a question",
        ),
    ],
)
def test_a_file_that_is_no_answer_file_is_refused(text: str, message: str, run: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(text)
    with pytest.raises(RepopeError, match=f"other.jsonl.*({message})") as raised:
        compared(run, path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["none", "n" * 5_000], ids=["short", "long"])
def test_what_is_not_there_is_said(name: str, run: Path) -> None:
    with pytest.raises(RepopeError, match=r"b=n.*: no such run folder or answer file; check the name"):
        compared(run, Path(name))


def test_a_folder_of_runs_is_no_run(run: Path) -> None:
    with pytest.raises(
        RepopeError, match=r"b=.*: is no run folder, since it has neither manifest.json nor answers"
    ):
        compared(run, run.parent)


def test_the_setting_of_a_question_file_is_called_by_its_name(run: Path, tmp_path: Path) -> None:
    """An answer file with ids alone, as LLaVA's code writes it."""
    rows = [{"question_id": 1, "prompt": "Is there a dog in the image?", "text": "Yes"}]
    with pytest.raises(RepopeError, match="give questions_b=FILE, or score one variant"):
        compared(run, answer_file(tmp_path / "ids.jsonl", rows))


def test_two_files_need_a_benchmark(tmp_path: Path) -> None:
    a, b = (answer_file(tmp_path / f"{name}.jsonl", answer_lines(demo())) for name in "ab")
    with pytest.raises(RepopeError, match=r"bench= is required: .*; give bench=NAME"):
        compared(a, b)


def test_runs_of_two_benchmarks_are_refused(run: Path, tmp_path: Path) -> None:
    bench = {
        "name": "custom",
        "source": "custom",
        "variants": ["custom"],
        "questions": str(DEMO_FOLDER / "pope_random.jsonl"),
    }
    other = scored_run(tmp_path / "other", change=lambda manifest: manifest["settings"].update(bench=bench))
    with pytest.raises(RepopeError, match=re.escape("of two benchmarks (a is demo, b is custom), whose")):
        compared(run, other)


def test_a_setting_of_files_is_refused_for_a_run(run: Path, tmp_path: Path) -> None:
    other = scored_run(tmp_path / "other")
    with pytest.raises(RepopeError, match="questions_b: b is a run folder"):
        compared(run, other, questions_b="ids.jsonl")


def test_rows_that_are_odd_are_told(run: Path, tmp_path: Path) -> None:
    lines = answer_lines(demo())
    strange = {**lines[0], "question": "Is there a unicorn in the image?"}
    twice = {**lines[1], "response": "Perhaps"}
    file = answer_file(tmp_path / "mine.jsonl", [*lines, strange, twice])
    _, b = read_sides(CompareSettings(a=str(run), b=str(file)))
    assert b.notes == (
        "1 of its 1,028 answers is about questions that demo does not have; no figure here counts them.",
        "1 row with another answer than an earlier row to the same question: the earlier one counts.",
    )


def test_question_files_that_changed_since_are_told(run: Path, tmp_path: Path) -> None:
    def age(manifest: dict[str, Any]) -> None:
        manifest["benchmark"]["sha256"]["pope_random.jsonl"] = "0" * 64

    old = scored_run(tmp_path / "old", change=age)
    _, b = read_sides(CompareSettings(a=str(run), b=str(old)))
    assert b.notes == (
        "It was asked from other question files: SHA-256 of pope_random.jsonl differs; its figures here are by the "
        "files of today.",
    )


def test_stored_scores_are_read_whatever_else_the_document_holds(tmp_path: Path) -> None:
    scores = {"pope": {"random": {"f1": 0.5}, "mean": {"f1": None}, "odd": 3}, "repope": "none"}
    folder = scored_run(tmp_path / "run", scores=scores)
    a, _ = read_sides(CompareSettings(a=str(folder), b=str(folder)))
    assert a.stored_f1 == {"pope": {"random": 0.5}}
    a, _ = read_sides(CompareSettings(a=str(folder), b=str(folder), protocol_a="pope"))
    assert a.stored_f1 == {}
    assert json.loads((folder / "scores.json").read_text())["scores"] == scores


def test_a_run_about_an_edition_that_only_its_file_holds_is_refused(run: Path, tmp_path: Path) -> None:
    def of_other_edition(manifest: dict[str, Any]) -> None:
        manifest["benchmark"]["edition"] = "pos-other-edition"

    other = scored_run(tmp_path / "other", change=of_other_edition)
    with pytest.raises(
        RepopeError, match=r"other: is about another edition of demo \(pos-other-edition\), .*b=FILE"
    ):
        compared(run, other)


def test_a_place_is_shown_as_it_was_written(tmp_path: Path) -> None:
    """The page is passed on, and a variable of the environment may hold what is nobody's business."""
    folder = scored_run(tmp_path / "run")
    place = mark_environment_text(str(folder), "${oc.env:MY_RUNS}/run")
    a, b = read_sides(CompareSettings(a=place, b=str(folder)))
    assert (a.where, b.where) == ("${oc.env:MY_RUNS}/run", str(folder))


def test_a_run_with_a_limit_is_what_it_was_scored_on(tmp_path: Path) -> None:
    """All questions were asked first, and then the command was typed again with a limit."""
    first = demo().first_images(5)
    own = {(question.image, question.text): question for question in first.questions}
    answers = {
        own[key]: Answer(own[key], line["response"])
        for line in answer_lines(demo())
        if (key := (line["image"], line["question"])) in own
    }
    scores = score_benchmark(first, answers, "run").to_dict()["scores"]
    starts = [{"settings": {}, "asked": 1026}, {"settings": {"limit": 5}, "asked": 0}]
    run = scored_run(tmp_path / "run", scores=scores, change=lambda manifest: manifest.update(starts=starts))
    view = compared(run, scored_run(tmp_path / "whole"))
    assert view.a.n_answers == len(first.questions) == 52
    assert view.a.notes == (
        "974 of its 1,026 answers are about images after the first 5, which its figures leave out (limit=5); so it is "
        "here.",
    )
    assert (view.tally.n_shared, view.tally.n_only_b, view.b.notes) == (52, 974, ())
