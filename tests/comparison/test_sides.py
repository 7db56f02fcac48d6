"""The two results of a comparison: what is read and refused, and which settings are the same, other or unknown."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from compared import answer_file, compared, scored_run
from run_folders import DEMO, answer_lines, demo

from repope_eval.asking.identity import identity
from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.comparison.sides import GROUPS, Facts, compared_settings, facts_of, read_sides
from repope_eval.errors import RepopeError
from repope_eval.records import Answer
from repope_eval.runs.finished_runs import read_run
from repope_eval.scoring.scores import score_benchmark
from repope_eval.settings.askers import ASKERS
from repope_eval.settings.command_settings import CompareSettings
from repope_eval.settings.config import ModelSettings, RunSettings
from repope_eval.settings.fields import fields_by_key
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


OLD_RUN = Path(__file__).parent.parent / "runs" / "old_run"


def facts(tmp_path: Path, name: str, **changes: Any) -> Facts:
    """What is known of a real run's manifest after changes to its identity and to itself."""

    def change(manifest: dict[str, Any]) -> None:
        manifest.clear()
        manifest.update(json.loads((OLD_RUN / "manifest.json").read_text()))
        for key, value in changes.items():
            if key in manifest:
                manifest[key] = value
            else:
                manifest["identity"][f"model.{key}"] = value
                manifest["settings"]["model"][key] = value

    folder = scored_run(tmp_path / name, change=change)
    found = facts_of(read_run(folder, name))
    assert found is not None
    return found


def states(a: Facts | None, b: Facts | None) -> dict[str, str]:
    return {group.name: group.state for group in compared_settings(a, b)}


def test_one_run_is_the_same_as_itself_in_all_that_is_known(tmp_path: Path) -> None:
    same = facts(tmp_path, "same")
    assert states(same, same) == dict.fromkeys(GROUPS, "same")


def test_each_difference_is_in_its_group(tmp_path: Path) -> None:
    plain = facts(tmp_path, "plain")
    other = facts(
        tmp_path,
        "other",
        max_tiles=6,
        question_suffix=" Answer yes or no.",
        dtype="bfloat16",
        max_new_tokens=4,
        checkpoint_files={"model.safetensors": "sampled:" + "1" * 64},
        device={"name": "cuda", "gpu": "NVIDIA H100", "threads": 1},
        prompt="another",
        starts=[],
    )
    found = {group.name: group for group in compared_settings(plain, other)}
    differing = {name for name, group in found.items() if group.state == "differs"}
    assert differing == {"prompt", "pixels", "checkpoint", "number format", "longest answer", "hardware"}
    assert {pair.key: (pair.a, pair.b) for pair in found["pixels"].pairs} == {
        "model.max_tiles": ("not set", "6")
    }
    assert [pair.key for pair in found["checkpoint"].pairs] == ["checkpoint_files"]
    assert {pair.key for pair in found["prompt"].pairs} == {"prompt", "model.question_suffix"}
    assert not found["hardware"].changes_answers


def test_of_an_answer_file_nothing_is_known(tmp_path: Path) -> None:
    assert states(facts(tmp_path, "run"), None) == dict.fromkeys(GROUPS, "unknown")
    assert all(not group.pairs for group in compared_settings(facts(tmp_path, "other"), None))


def test_a_group_that_neither_manifest_knows_is_unknown() -> None:
    a, b = (Facts(values={"engine": engine}, pictures={}) for engine in ("shared", "sequential"))
    found = states(a, b)
    assert found.pop("engine") == "differs"
    assert set(found.values()) == {"unknown"}


def test_the_groups_name_settings_that_there_are() -> None:
    known = set(fields_by_key(RunSettings)) | {
        f"model.{item.name}" for item in dataclasses.fields(ModelSettings)
    }
    # Of the manifest itself, of images.json, and words for several settings.
    noted = {"prompt", "checkpoint_files", "pictures", "decoding"}
    named = {key for _, keys in GROUPS.values() for key in keys if not key.endswith(".")}
    assert named - known == noted


@pytest.mark.parametrize("family", ["ovis2", "chat", "endpoint"])
def test_what_can_change_what_a_model_says_makes_a_run_another(family: str) -> None:
    """The same settings are of the identity of its answers, as far as they mean something to whom is asked."""
    model = ModelSettings(name="m", family=family, checkpoint="c")
    own = {key for key in identity(RunSettings(model=model, bench=DEMO)) if key.startswith("model.")}
    fields = fields_by_key(RunSettings)
    told = {key for changes, keys in GROUPS.values() if changes for key in keys if key.startswith("model.")}
    assert own == {
        key for key in told if fields[key].asked in ASKERS.get(family, ASKERS["transformers"]).heeds
    }
    assert ("model.max_side" in own) == (family == "endpoint") == ("model.max_pixels" not in own)


def test_pictures_that_are_others_are_a_difference_of_pixels() -> None:
    """Only those that both were asked about are compared, whatever the settings say."""
    a = Facts(
        values={"model.max_tiles": "12"}, pictures={"1.jpg": "a" * 64, "2.jpg": "b" * 64, "3.jpg": "c" * 64}
    )
    b = Facts(values={"model.max_tiles": "12"}, pictures={"1.jpg": "a" * 64, "2.jpg": "d" * 64})
    found = {group.name: group for group in compared_settings(a, b)}
    (pair,) = found["pixels"].pairs
    assert pair.key == "1 of 2 pictures, first 2.jpg"
    assert (pair.a, pair.b) == ("'sha256:bbbbbbbb'", "'sha256:dddddddd'")
    same = Facts(values=a.values, pictures=a.pictures)
    assert states(a, same)["pixels"] == "same"
