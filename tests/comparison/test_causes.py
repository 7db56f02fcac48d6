"""Each cause of a gap by itself: it is named, with its numbers, and nothing else is."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from compared import Line, answer_file, compared, scored_run
from run_folders import DEMO, answer_lines, demo

from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.comparison.view import ComparisonView, verdict
from repope_eval.errors import RepopeError
from repope_eval.scoring.gap import CAUSES
from repope_eval.settings.config import BenchSettings


def parts(view: ComparisonView, number: int = -1) -> dict[str, float]:
    labels = view.labels[number]
    gap = labels.gaps[labels.headline]["f1"]
    assert gap.value == pytest.approx(sum(part.value or 0 for part in gap.parts.values()), abs=1e-12)
    return {cause: part.value or 0 for cause, part in gap.parts.items()}


def only(view: ComparisonView, cause: str) -> float:
    """What a cause is worth, where nothing else is worth anything."""
    found = parts(view)
    others = [found[other] for other in CAUSES if other != cause]
    assert others == pytest.approx([0, 0, 0], abs=1e-12)
    return found[cause]


def in_sentences(lines: list[Line]) -> list[Line]:
    words = {"Yes": "Yes, there is.", "No": "No, none."}
    return [
        {**line, "response": words[line["response"]]} if number % 3 else line
        for number, line in enumerate(lines)
    ]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return scored_run(tmp_path / "run")


def test_other_questions(run: Path, tmp_path: Path) -> None:
    lines = answer_lines(demo())
    fewer = scored_run(tmp_path / "fewer", lines[:300])
    view = compared(run, fewer)
    worth = only(view, "questions")
    assert abs(worth) > 0.001
    assert (
        "All of it comes from other questions (run answers 1,026, fewer 300, both 300), without an interval ("
    ) in verdict(view)
    assert verdict(view).endswith(" images, and an interval takes 100).")
    assert verdict(view).startswith(
        "On all 300 questions that both answered, the answers are the same when read alike. As each"
    )
    assert (view.tally.n_only_a, view.tally.n_only_b) == (726, 0)


def test_another_reading_of_one_run(tmp_path: Path) -> None:
    """One folder may stand on both sides where its answers are read in two ways."""
    folder = scored_run(tmp_path / "run", in_sentences(answer_lines(demo())))
    view = compared(folder, folder, protocol_b="lmms_eval")
    assert abs(only(view, "reading")) > 0.001
    n_odd = view.tally.n_read_differently
    assert n_odd == (684, 684)
    assert (
        "comes from another reading of the answers (run (a) by repope, run (b) by lmms_eval, which read 684 answers of "
        "the former and 684 of the latter differently)"
    ) in verdict(view)
    assert {each.response for each in view.read_differently} == {"Yes, there is.", "No, none."}
    assert view.protocol == "repope"


def test_other_label_sets(run: Path) -> None:
    view = compared(run, run, labels_a="pope", labels_b="repope")
    assert len(view.labels) == 1
    assert only(view, "labels") < -0.01
    assert "for run (a) under POPE and" in verdict(view)
    assert "All of it comes from other labels (run (a) under POPE, run (b) under RePOPE), 95 % −" in verdict(
        view
    )
    back = compared(run, run, labels_a="repope", labels_b="pope")
    assert view.labels[0].common == back.labels[0].common == "repope"
    assert only(back, "labels") == pytest.approx(-only(view, "labels"))


@pytest.mark.usefixtures("all_replicates")
def test_other_answers(run: Path, tmp_path: Path) -> None:
    worse = scored_run(
        tmp_path / "worse",
        answer_lines(demo(), 0.3, seed=2),
        change=lambda manifest: manifest["identity"].update({"model.dtype": "float16"}),
    )
    view = compared(run, worse)
    assert only(view, "answers") > 0.1
    said = verdict(view)
    assert "All of it comes from other answers (" in said
    assert said.startswith("More than chance: on the 1,026 questions")
    assert ", p < 0.001). As each" in said
    assert said.endswith(" What may be why: number format (model.dtype).")
    chance = view.labels[-1].chance["mean"]
    assert chance.interval is not None
    assert chance.interval[0] > 0
    assert chance.value == pytest.approx(only(view, "answers"))


def test_another_decoding_may_be_why_and_the_first_draw_is_compared(run: Path, tmp_path: Path) -> None:
    def sample(manifest: dict[str, Any]) -> None:
        manifest["settings"] |= {"model": {"name": "sampled", "temperature": 0.7}, "repeats": 2}

    further = [line | {"draw": 1} for line in answer_lines(demo(), 0.4, seed=3)]
    means = {"pope": {"mean": {"f1": 0.5}}, "repope": {"mean": {"f1": 0.5}}}
    lines = answer_lines(demo(), 0.3, seed=2)
    sampled = scored_run(tmp_path / "sampled", [*lines, *further], scores=means, change=sample)
    view = compared(run, sampled)
    assert verdict(view).endswith(
        " What may be why: decoding (greedy against sampled, T 0.7, seed 0, 2 draws)."
    )
    # The means over draws in its scores.json are no scores of these answers by other labels.
    assert view.b.notes == ("It asked each question 2 times, and the first draw's answers alone count here.",)
    assert view.b.n_answers == len(lines)
    single = scored_run(tmp_path / "single", lines)
    assert compared(run, single).labels[-1].gaps == view.labels[-1].gaps


def test_several_causes_are_told_apart(tmp_path: Path) -> None:
    lines = answer_lines(demo(), 0.1)
    a = scored_run(tmp_path / "a", lines)
    b = scored_run(
        tmp_path / "b", in_sentences(answer_lines(demo(), 0.25, seed=3))[:700], protocol="lmms_eval"
    )
    view = compared(a, b)
    found = parts(view)
    assert all(abs(found[cause]) > 0.0005 for cause in ("questions", "reading", "answers"))
    assert found["labels"] == 0
    assert found == pytest.approx({cause: -part for cause, part in parts(compared(b, a)).items()})
    assert "The causes work in both directions: other answers (" in verdict(view)


def custom_run(folder: Path, rows: list[Line]) -> Path:
    """A run on questions of the user's own, which are all answered with yes."""
    questions = folder.with_suffix(".jsonl")
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    bench = {"name": "custom", "source": "custom", "variants": ["custom"], "questions": str(questions)}
    lines = [
        {
            "image": row["image"],
            "question": row["text"],
            "response": "Yes",
            "n_tokens": 1,
            "p_yes": None,
            "p_no": None,
        }
        for row in rows
    ]

    def change(manifest: dict[str, Any]) -> None:
        manifest["settings"]["bench"] = bench
        manifest["benchmark"]["sha256"] = {}

    return scored_run(folder, lines, change=change)


def test_an_older_edition_of_the_labels(tmp_path: Path) -> None:
    """The same answers to the same questions, by files that label a fifth of them otherwise."""
    rows = [json.loads(line) for line in (DEMO_FOLDER / "pope_random.jsonl").read_text().splitlines()]
    turned = {"yes": "no", "no": "yes"}
    older = [{**row, "label": turned[row["label"]]} if number % 5 == 0 and row["label"] == "yes" else row
             for number, row in enumerate(rows)]  # fmt: skip
    view = compared(custom_run(tmp_path / "old", older), custom_run(tmp_path / "new", rows))
    assert only(view, "labels") < -0.05
    assert "All of it comes from other labels (two editions of the original labels), 95 % −" in verdict(view)
    gap = view.labels[0].gaps["custom"]["f1"]
    assert gap.a.read_alike != gap.a.common == gap.b.common == gap.b.own  # b's files are the common ones


def test_scores_that_were_made_with_other_labels_are_told(tmp_path: Path) -> None:
    a = scored_run(tmp_path / "a", scores={"repope": {"random": {"f1": 0.5}}})
    view = compared(a, scored_run(tmp_path / "b"))
    (note,) = view.a.notes
    assert note.startswith("Its scores.json has F1 0.5000 (random under RePOPE), and its answers come to 0.8")
    assert view.b.notes == ()


def test_scores_of_own_labels_are_known_by_their_former_name(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (DEMO_FOLDER / "pope_random.jsonl").read_text().splitlines()]
    a, b = (custom_run(tmp_path / name, rows) for name in ("a", "b"))
    document = json.loads((a / "scores.json").read_text())
    (a / "scores.json").write_text(json.dumps(document | {"scores": {"pope": {"custom": {"f1": 0.5}}}}))
    notes = " ".join(compared(a, b).a.notes)
    assert "Its scores.json has F1 0.5000 (custom under the original labels), and its answers come" in notes


def test_one_run_with_itself_is_refused(run: Path) -> None:
    mend = "name two results, or read the one in two ways: protocol_b=pope, say"
    with pytest.raises(RepopeError, match=f"a and b are both .*run, read alike; {mend}"):
        compared(run, run)
    with pytest.raises(RepopeError, match="a and b are both"):
        compared(run, run.parent / run.name / ".." / run.name)


def test_nothing_shared_is_refused(tmp_path: Path) -> None:
    lines = answer_lines(demo())
    a, b = scored_run(tmp_path / "a", lines[:500]), scored_run(tmp_path / "b", lines[500:])
    with pytest.raises(RepopeError, match=r"a and b share no question: a answers 500 and b 526 of 1,026"):
        compared(a, b)


def test_label_sets_are_named_in_pairs_and_exist(run: Path, tmp_path: Path) -> None:
    other = scored_run(tmp_path / "other")
    with pytest.raises(RepopeError, match="labels_a= stands alone; give labels_b= too"):
        compared(run, other, labels_a="pope")
    with pytest.raises(RepopeError, match="labels_b=mine: no such label set; there are pope, repope"):
        compared(run, other, labels_a="pope", labels_b="mine")


def test_pictures_are_those_of_the_benchmark(run: Path, tmp_path: Path) -> None:
    view = compared(run, answer_file(tmp_path / "mine.jsonl", answer_lines(demo(), 0.2, 3)), bench=DEMO)
    assert len(view.images) == len({question.image for question in demo().questions})


def test_pictures_of_a_folder_that_a_stranger_named_are_shown_where_the_user_names_it(tmp_path: Path) -> None:
    """A manifest of others put the pictures of any folder of this machine into the page."""

    def of_custom(manifest: dict[str, Any]) -> None:
        manifest["settings"]["bench"] = {
            "name": "custom",
            "source": "custom",
            "variants": ["custom"],
            "questions": str(DEMO_FOLDER / "pope_random.jsonl"),
            "images": str(DEMO_FOLDER / "images"),
        }

    a, b = (
        scored_run(tmp_path / name, answer_lines(demo(), 0.2, seed), change=of_custom, is_own=False)
        for seed, name in enumerate("ab")
    )
    bench = BenchSettings(
        name="custom", source="custom", variants=("custom",), questions=str(DEMO_FOLDER / "pope_random.jsonl")
    )
    view = compared(a, b, bench=bench)
    assert view.images == {}
    assert all(
        f"Its manifest says bench.images={DEMO_FOLDER / 'images'}, and no run of yours here wrote that"
        in " ".join(result.notes)
        for result in view.results
    )
    asked_for = compared(a, b, bench=replace(bench, images=str(DEMO_FOLDER / "images")))
    assert len(asked_for.images) == 100
    own = compared(
        *(
            scored_run(tmp_path / "own" / name, answer_lines(demo(), 0.2, seed), change=of_custom)
            for seed, name in enumerate("ab")
        )
    )
    assert len(own.images) == 100
