"""The two-annotator rule: people and their files, agreement, and what changed; the last against the real files."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from repope_eval.benchmarks.pope_file import Row, object_of, read_rows
from repope_eval.errors import RepopeError
from repope_eval.records import Label, Question
from repope_eval.relabelling.label_changes import LabelChange, label_changes
from repope_eval.relabelling.rule import Outcome, agreement_of, read_annotators, relabel, settle

ANNOTATIONS = Path(__file__).resolve().parents[2].parent / "shared" / "annotations"


def question(number: int) -> Question:
    text = f"Is there a thing {number} in the image?"
    return Question("a.jpg", text, object_of(text))


def labelled(*labels: Label, start: int = 1) -> tuple[Row, ...]:
    """Rows about things numbered from `start`; their ids are ten times the number."""
    return tuple(Row(number * 10, question(number), label) for number, label in enumerate(labels, start))


def times(number: int, label: Label) -> list[Label]:
    return [label] * number


@pytest.mark.parametrize(
    ("first", "second", "decided", "expected"),
    [
        ("yes", "yes", None, "yes"),
        ("no", "no", None, "no"),
        ("ambiguous", "ambiguous", None, None),
        ("ambiguous", "yes", None, None),
        ("no", "ambiguous", None, None),
        ("yes", "no", "yes", "yes"),
        ("no", "yes", "no", "no"),
        ("yes", "no", "ambiguous", None),
        # What the decider says beyond the disputes has no say.
        ("yes", "yes", "no", "yes"),
        ("ambiguous", "yes", "yes", None),
        ("no", "no", "ambiguous", "no"),
    ],
)
@pytest.mark.parametrize("original", ["yes", "no"])
def test_rule(
    original: Label, first: Label, second: Label, decided: Label | None, expected: Label | None
) -> None:
    decider = None if decided is None else labelled(decided)
    rows = relabel(labelled(original), labelled(first), labelled(second), decider)
    assert rows == (() if expected is None else labelled(expected))


def test_rows_are_joined_by_question_and_keep_the_originals_ids_and_order() -> None:
    questions = labelled("yes", "no", "yes", "no")
    first = tuple(
        Row(f"first {row.question_id}", row.question, row.label)
        for row in reversed(labelled("no", "ambiguous", "yes", "yes"))
    )
    second = labelled("no", "no", "no", "yes")
    decider = labelled("yes", start=3)

    assert relabel(questions, first, second, decider) == (
        Row(10, question(1), "no"),
        Row(30, question(3), "yes"),
        Row(40, question(4), "yes"),
    )


def test_same_text_about_another_image_is_another_question() -> None:
    text = "Is there a dog in the image?"
    rows = tuple(Row(number, Question(f"{number}.jpg", text, "dog"), "yes") for number in (1, 2))
    answers = (Row(1, rows[1].question, "no"), Row(2, rows[0].question, "yes"))
    assert [row.label for row in relabel(rows, answers, answers)] == ["yes", "no"]


def test_disagreement_without_decider_lists_the_first_ten() -> None:
    with pytest.raises(RepopeError) as caught:
        relabel(labelled(*times(13, "yes")), labelled(*times(13, "yes")), labelled("yes", *times(12, "no")))
    message = str(caught.value)
    assert message.startswith(
        "the annotators disagree on 12 of 13 questions: a.jpg, 'Is there a thing 2 in the image?'; a.jpg,"
    )
    assert message.endswith(
        "'Is there a thing 11 in the image?'; and 2 more; give a third annotator's file (decider=FILE)"
    )
    assert "\n" not in message


@pytest.mark.parametrize(
    ("first", "second", "decider", "message"),
    [
        (
            labelled("yes"),
            labelled("yes", "no"),
            None,
            r"^the first annotator lacks 1 question: a\.jpg, 'Is there a thing 2 in the image\?'; add",
        ),
        (labelled("yes", "no"), (), None, r"^the second annotator lacks 2 questions: .* 1 .*; a\.jpg, .* 2 "),
        (
            labelled("yes", "no"),
            labelled(*times(7, "yes")),
            None,
            r"^the second annotator labels 5 questions beyond those asked: .* 3 .* 5 .*; and 2 more; image",
        ),
        (
            labelled("yes", "no") + labelled("yes"),
            labelled("yes", "no"),
            None,
            r"^the first annotator labels 1 question more than once: .* 1 in the image\?'; keep one row",
        ),
        (labelled("yes", "no"), labelled("no", "no"), (), r"^the decider lacks 1 question: .* 1 in"),
        (
            labelled("yes", "no"),
            labelled("yes", "no"),
            labelled("yes", start=9),
            r"^the decider labels 1 question beyond those asked: .* 9 in",
        ),
    ],
)
def test_annotators_who_do_not_fit(
    first: tuple[Row, ...], second: tuple[Row, ...], decider: tuple[Row, ...] | None, message: str
) -> None:
    with pytest.raises(RepopeError, match=message):
        relabel(labelled("yes", "no"), first, second, decider)


def test_of_a_part_what_both_labelled_and_somebody_decided_is_settled() -> None:
    questions = labelled(*times(6, "yes"))
    first = labelled("no", "yes", "yes", "yes", "ambiguous")
    second = labelled("no", "no", "no") + labelled("yes", start=5) + labelled("yes", start=6)
    outcomes = settle(questions, first, second, labelled("no", start=2), partial=True)
    assert [outcome.label for outcome in outcomes] == ["no", "no", None, None, "ambiguous", None]
    assert [outcome.is_disputed for outcome in outcomes] == [False, True, True, False, False, False]
    assert [outcome.row for outcome in outcomes] == list(questions)


def test_a_part_has_no_other_questions_and_none_twice() -> None:
    with pytest.raises(RepopeError, match=r"^the second annotator labels 1 question beyond those asked"):
        settle(labelled("yes"), (), labelled("yes", start=2), partial=True)
    with pytest.raises(RepopeError, match=r"^the decider labels 1 question beyond those asked"):
        settle(labelled("yes"), (), (), labelled("yes", start=2), partial=True)
    with pytest.raises(RepopeError, match=r"^the first annotator labels 1 question more than once"):
        settle(labelled("yes"), labelled("yes") + labelled("no"), (), partial=True)


@pytest.mark.parametrize(
    ("second", "decider"), [(labelled("yes"), None), (labelled("yes", "no"), labelled("yes", start=1))]
)
def test_who_lacks_a_question_is_told_that_a_part_can_be_settled(
    second: tuple[Row, ...], decider: tuple[Row, ...] | None
) -> None:
    with pytest.raises(
        RepopeError, match=r" lacks 1 question: .* 2 .*; add their labels, or give partial=true, "
    ):
        settle(labelled("yes", "yes"), labelled("yes", "yes"), second, decider)


def answers(rows: tuple[Row, ...]) -> Mapping[Question, bool]:
    return {row.question: row.label == "yes" for row in rows}


def test_label_changes_by_hand() -> None:
    original = labelled("yes", "yes", "yes", "yes", "no", "no", "no")
    relabelled = labelled("no", "yes", "yes") + labelled("yes", "no", start=5)
    yes, no = label_changes(answers(original), answers(relabelled))
    assert yes == LabelChange("yes", total=4, flipped=1, removed=1)
    assert no == LabelChange("no", total=3, flipped=1, removed=1)
    assert (yes.flipped_share, yes.removed_share) == (0.25, 0.25)
    assert no.flipped_share == pytest.approx(1 / 3)


def test_label_changes_of_nothing_have_no_share() -> None:
    for change in label_changes({}, {}):
        assert (change.total, change.flipped, change.removed) == (0, 0, 0)
        assert change.flipped_share is None
        assert change.removed_share is None


def test_label_changes_refuse_questions_that_were_not_there() -> None:
    with pytest.raises(
        RepopeError, match=r"^the new labels hold 5 questions that the original ones lack: .* 2 in"
    ):
        label_changes(answers(labelled("yes")), answers(labelled(*times(6, "yes"))))


def published(variant: str) -> tuple[Mapping[Question, bool], Mapping[Question, bool]]:
    """POPE's and RePOPE's labels as published."""
    paths = [ANNOTATIONS / f"coco_{name}_{variant}.json" for name in ("pope", "repope")]
    if not all(path.is_file() for path in paths):
        pytest.skip(f"the published annotation files are not in {ANNOTATIONS}")
    pope, repope = (answers(read_rows(path)) for path in paths)
    return pope, repope


@pytest.mark.parametrize(
    ("variant", "flipped", "removed", "num_yes", "num_no"),
    [("random", 5, 19, 1159, 1615), ("popular", 39, 66, 1193, 1534), ("adversarial", 33, 109, 1187, 1497)],
)
def test_label_changes_of_repope(variant: str, flipped: int, removed: int, num_yes: int, num_no: int) -> None:
    pope, repope = published(variant)
    yes, no = label_changes(pope, repope)
    assert yes == LabelChange("yes", total=1500, flipped=139, removed=207)
    assert no == LabelChange("no", total=1500, flipped=flipped, removed=removed)
    assert Counter(repope.values()) == {True: num_yes, False: num_no}


@pytest.mark.parametrize("variant", ["random", "popular", "adversarial"])
def test_relabelling_pope_by_repopes_own_labels_gives_repope(variant: str) -> None:
    published(variant)
    questions = read_rows(ANNOTATIONS / f"coco_pope_{variant}.json")
    expected = read_rows(ANNOTATIONS / f"coco_repope_{variant}.json")
    labels = {row.question: row.label for row in expected}
    annotator = tuple(
        Row(row.question_id, row.question, labels.get(row.question, "ambiguous")) for row in questions
    )
    assert relabel(questions, annotator, annotator) == expected


def outcomes_of(*said: tuple[Label | None, ...]) -> list[Outcome]:
    """Outcome of what the first and the second annotator, and perhaps a decider, say."""
    return [
        Outcome(Row(number, Question("a.jpg", f"Is there a thing {number}?", "thing"), "yes"), *labels)
        for number, labels in enumerate(said)
    ]


def test_by_hand() -> None:
    found = agreement_of(
        outcomes_of(
            ("yes", "yes"),
            ("yes", "yes"),
            ("no", "no", "yes"),
            ("yes", "ambiguous", "yes"),
            ("yes", "no", "yes"),
            ("no", "yes", "yes"),
            ("no", "yes", "ambiguous"),
            ("yes", "no", None),
            ("yes", None),
            (None, None, "yes"),
        )
    )
    assert found.counts == {
        ("yes", "yes"): 2,
        ("no", "no"): 1,
        ("yes", "ambiguous"): 1,
        ("yes", "no"): 2,
        ("no", "yes"): 2,
    }
    assert (found.n_questions, found.n_agreed) == (8, 3)
    assert (found.n_disputed, found.n_decided) == (4, 3)
    assert (found.n_with_first, found.n_with_second, found.n_found_ambiguous) == (1, 1, 1)


def test_of_nothing() -> None:
    found = agreement_of(outcomes_of(("yes", None), (None, None)))
    assert (found.n_questions, found.n_agreed, found.n_decided) == (0, 0, 0)


TEXT = "Is there a dog in the image?"


def file_of(path: Path, *names: str | None, **fields: Any) -> Path:
    """A file with a line about another image for each name; a line without a name has no time either."""
    lines = [
        {"image": f"{hour}.jpg", "question": TEXT, "label": "yes"}
        | ({} if name is None else {"annotator": name, "at": f"2026-01-05T{hour:02}:00:00Z"})
        | fields
        for hour, name in enumerate(names)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_names_times_and_notes_are_those_of_the_labels_that_count(tmp_path: Path) -> None:
    (anna,) = read_annotators([file_of(tmp_path / "a.jsonl", "Anna", "Anna", "Ben", note=" odd ")])
    assert (anna.name, anna.names) == ("Anna, Ben", ("Anna", "Ben"))
    assert anna.times == (datetime(2026, 1, 5, 0, tzinfo=UTC), datetime(2026, 1, 5, 2, tzinfo=UTC))
    assert list(anna.notes.values()) == ["odd"] * 3


def test_half_a_surrogate_pair_in_a_note_is_replaced(tmp_path: Path) -> None:
    (anna,) = read_annotators([file_of(tmp_path / "a.jsonl", "Anna", note="\ud83d \ud83d\ude00")])
    assert list(anna.notes.values()) == ["\ufffd 😀"]


def test_who_has_no_name_is_called_as_the_file(tmp_path: Path) -> None:
    (somebody,) = read_annotators([file_of(tmp_path / "first.jsonl", None, None)])
    assert (somebody.name, somebody.names, somebody.times, somebody.notes) == ("first.jsonl", (), None, {})


def test_two_files_of_one_person_are_refused(tmp_path: Path) -> None:
    paths = [
        file_of(tmp_path / "a.jsonl", "Anna"),
        file_of(tmp_path / "b.jsonl", "Ben"),
        file_of(tmp_path / "c.jsonl", "Carla", "anna "),
    ]
    assert [person.name for person in read_annotators(paths[:2])] == ["Anna", "Ben"]
    with pytest.raises(RepopeError) as caught:
        read_annotators(paths)
    assert str(caught.value) == (
        f"{paths[0]} and {paths[2]} are both by annotator 'anna'; the two annotators and the decider must be "
        "different people: give the file of somebody else"
    )
