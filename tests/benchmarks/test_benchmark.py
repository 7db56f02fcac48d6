from dataclasses import replace

import pytest

from repope_eval.benchmarks.benchmark import Benchmark, make_benchmark
from repope_eval.benchmarks.pope_file import Row
from repope_eval.errors import RepopeError
from repope_eval.records import Question


def _question(image: str, name: str) -> Question:
    return Question(f"{image}.png", f"Is there a {name} in the image?", name)


def _row(number: int | str, image: str, name: str, label: str) -> Row:
    return Row(number, _question(image, name), label)  # type: ignore[arg-type]


NAMES = ("old", "new")
"""What its label sets are called."""

RANDOM = (_row(1, "b", "car", "yes"), _row(2, "b", "dog", "no"), _row(3, "a", "cup", "yes"))
POPULAR = (
    _row(1, "a", "cup", "yes"),
    _row(2, "b", "car", "yes"),
    _row(3, "b", "hat", "no"),
    _row(4, "c", "hat", "no"),
)


def _benchmark(relabelled: bool = False) -> Benchmark:
    corrected = {"random": (RANDOM[0], _row(3, "a", "cup", "no")), "popular": (_row(1, "a", "cup", "no"),)}
    originals = {"random": RANDOM, "popular": POPULAR}
    return make_benchmark("made_up", originals, corrected if relabelled else {}, NAMES, {"file": "hash"})


def test_questions_are_distinct_in_the_files_order_an_images_together() -> None:
    assert _benchmark().questions == (
        _question("b", "car"),
        _question("b", "dog"),
        _question("b", "hat"),
        _question("a", "cup"),
        _question("c", "hat"),
    )


def test_relabelled_rows_make_a_second_label_set_that_may_lack_questions() -> None:
    old, new = _benchmark(relabelled=True).label_sets
    assert (old.name, new.name) == NAMES
    assert new.variants == {
        "random": {_question("b", "car"): True, _question("a", "cup"): False},
        "popular": {_question("a", "cup"): False},
    }
    assert len(old.variants["random"]) == len(RANDOM)


def test_questions_are_known_by_id_within_a_variant() -> None:
    ids = _benchmark().ids
    assert ids["random"][2] == _question("b", "dog")
    assert ids["popular"][2] == _question("b", "car")


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (_row(1, "b", "bus", "yes"), "first id 1: 'b.png', 'Is there a bus in the image?'"),
        (_row(9, "b", "car", "yes"), "first id 9: 'b.png', 'Is there a car in the image?'"),
        (_row("1", "b", "car", "yes"), "first id '1': 'b.png', 'Is there a car in the image?'"),
    ],
    ids=["text", "id", "type of id"],
)
def test_relabelled_question_that_the_original_lacks_is_refused(row: Row, what: str) -> None:
    with pytest.raises(RepopeError) as caught:
        make_benchmark("made_up", {"random": RANDOM}, {"random": (row, RANDOM[2])}, NAMES, {})
    assert str(caught.value) == (
        f"variant random: 1 relabelled questions are not the original file's, {what}; id, image and text must agree"
    )


@pytest.mark.parametrize("of", NAMES)
def test_pair_with_two_labels_in_two_variants_is_refused(of: str) -> None:
    other = (_row(1, "a", "cup", "no"),)
    same = (_row(1, "a", "cup", "yes"),)
    originals = {"random": RANDOM, "popular": other if of == "old" else same}
    relabelled = {} if of == "old" else {"random": RANDOM, "popular": other}
    with pytest.raises(RepopeError) as caught:
        make_benchmark("made_up", originals, relabelled, NAMES, {})
    assert str(caught.value) == (
        f"label set {of}: 'a.png', 'Is there a cup in the image?' has two labels, one in variant random and the "
        "other in popular; a pair needs one"
    )


def test_a_question_with_other_spaces_around_is_the_one_of_another_variant() -> None:
    spaced = replace(RANDOM[0], question=replace(RANDOM[0].question, text=f"{RANDOM[0].question.text} "))
    made = make_benchmark(
        "made_up", {"random": RANDOM, "popular": (spaced,)}, {"popular": (spaced,)}, NAMES, {}
    )
    assert made.ids["popular"][spaced.question_id] == RANDOM[0].question
    other = replace(spaced, label="no" if RANDOM[0].label == "yes" else "yes")
    with pytest.raises(RepopeError, match="has two labels, one in variant random and the other in popular"):
        make_benchmark("made_up", {"random": RANDOM, "popular": (other,)}, {}, NAMES, {})


def test_first_images_keep_questions_labels_and_ids_of_those_alone() -> None:
    first = _benchmark(relabelled=True).first_images(1)
    assert {question.image for question in first.questions} == {"b.png"}
    old, new = first.label_sets
    assert {variant: len(labels) for variant, labels in old.variants.items()} == {"random": 2, "popular": 2}
    assert {variant: len(labels) for variant, labels in new.variants.items()} == {"random": 1, "popular": 0}
    assert {variant: list(ids) for variant, ids in first.ids.items()} == {"random": [1, 2], "popular": [2, 3]}
    assert (first.name, first.hashes) == ("made_up", {"file": "hash"})


@pytest.mark.parametrize("number", [None, 1000])
def test_first_images_are_all_where_so_many_are_not_there(number: int | None) -> None:
    assert _benchmark().first_images(number) == _benchmark()
