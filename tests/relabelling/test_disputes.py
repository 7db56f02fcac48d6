"""What is left for a third person to decide."""

from pathlib import Path

import pytest
from annotated import QUESTIONS, line, question, write_lines

from repope_eval.errors import RepopeError
from repope_eval.relabelling.label_file import Judgement, read_disputes

A, B, C, D = QUESTIONS


def files(folder: Path, first: dict, second: dict) -> tuple[Path, Path]:  # type: ignore[type-arg]
    one, other = (
        write_lines(
            folder / f"{name}.jsonl",
            *(line(about, label, f"{name}'s", name) for about, label in labels.items()),
        )
        for name, labels in (("first", first), ("second", second))
    )
    return one, other


def refusal(paths: tuple[Path, Path], questions: object = None, decider: str = "third") -> str:
    with pytest.raises(RepopeError) as caught:
        read_disputes(paths, questions, decider)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_yes_against_no_is_a_dispute_and_nothing_else(tmp_path: Path) -> None:
    paths = files(tmp_path, {A: "yes", B: "yes", C: "ambiguous", D: "no"}, {A: "no", B: "yes", C: "no"})
    disputes = read_disputes(paths, QUESTIONS, "third")
    assert list(disputes.views) == [A]
    assert set(disputes.views[A]) == {Judgement("yes", "first's"), Judgement("no", "second's")}
    assert set(disputes.labelled) == {A, B, C, D}


def test_what_a_place_says_does_not_tell_who_said_it(tmp_path: Path) -> None:
    questions = [question(f"{number}.png", "cat") for number in range(40)]
    paths = files(tmp_path, dict.fromkeys(questions, "yes"), dict.fromkeys(questions, "no"))
    lefts = [views[0].label for views in read_disputes(paths, None, "third").views.values()]
    assert 10 < lefts.count("yes") < 30
    assert [views[0].label for views in read_disputes(paths, None, "third").views.values()] == lefts


def test_an_undone_label_is_no_dispute_and_no_dispute_is_nothing_to_decide(tmp_path: Path) -> None:
    paths = files(tmp_path, {A: "yes", B: None}, {A: "yes", B: "no"})
    assert (
        "the annotators have 1 question in common, and on none does one say yes and the other no"
        in refusal(paths)
    )


def test_one_file_is_not_two_peoples(tmp_path: Path) -> None:
    first, _ = files(tmp_path, {A: "yes"}, {A: "no"})
    assert (
        refusal((first, first))
        == f"{first}: is given for two annotators; each, and the decider, needs a file of their own"
    )


def test_a_file_of_other_questions_is_refused(tmp_path: Path) -> None:
    paths = files(tmp_path, {A: "yes", B: "yes"}, {A: "no"})
    assert refusal(paths, [A]).startswith(
        f"{paths[0]}: 1 of the 2 questions it has lines for are none of those asked"
    )


def test_a_third_person_decides(tmp_path: Path) -> None:
    paths = files(tmp_path, {A: "yes"}, {A: "no"})
    assert refusal(paths, decider="Second ") == (
        f"annotator=Second : is one of the two who do not agree, by {paths[1]}; a third person decides"
    )
