"""Cohen's kappa: by hand and at its ends, its interval over images, and the reason where there is none."""

import numpy as np
import pytest
from fewer_replicates import all_drawn

from repope_eval.benchmarks.pope_file import ANNOTATOR_LABELS, Row
from repope_eval.records import Label, Question
from repope_eval.relabelling.annotator_kappa import kappa_of
from repope_eval.relabelling.rule import Outcome

Said = tuple[Label | None, Label | None]


def outcomes_of(*said: Said, per_image: int = 1) -> list[Outcome]:
    """What two annotators say, of so many questions an image."""
    return [
        Outcome(
            Row(number, Question(f"{number // per_image}.jpg", f"Is there a {number}?", "thing"), "yes"),
            *pair,
        )
        for number, pair in enumerate(said)
    ]


def times(number: int, first: Label, second: Label) -> list[Said]:
    return [(first, second)] * number


def test_kappa_by_hand() -> None:
    # Ten questions; rows are the first annotator, columns the second:
    #              yes  no  ambiguous
    #   yes         4   1    0          5
    #   no          1   2    0          3
    #   ambiguous   0   1    1          2
    #               5   4    1
    # p_o = 7/10; p_e = (5*5 + 3*4 + 2*1)/100 = 39/100; kappa = (70 - 39)/(100 - 39) = 31/61.
    said = [*times(4, "yes", "yes"), ("yes", "no"), ("no", "yes"), *times(2, "no", "no")]
    said += [("ambiguous", "no"), ("ambiguous", "ambiguous"), ("yes", None), (None, None)]
    found = kappa_of(outcomes_of(*said))
    assert found.value == pytest.approx(31 / 61)
    assert (found.interval, found.reason) == (None, "fewer than 100 images were labelled by both")


@pytest.mark.parametrize(
    ("said", "kappa"),
    [
        ([("yes", "yes"), ("no", "no"), ("ambiguous", "ambiguous")], 1.0),
        ([("yes", "no"), ("no", "yes")], -1.0),
        ([("yes", "yes"), ("yes", "no"), ("no", "yes"), ("no", "no")], 0.0),
        (times(2, "yes", "no"), 0.0),
        (times(2, "yes", "yes"), None),
        ([], None),
        ([("yes", None)], None),
    ],
)
def test_kappa_at_its_ends(said: list[Said], kappa: float | None) -> None:
    found = kappa_of(outcomes_of(*said))
    assert (found.value, found.interval) == (kappa, None)
    assert found.reason


def test_images_are_drawn_and_not_questions() -> None:
    """The same answers in images of four that stand or fall together: the interval is twice as wide."""
    generator = np.random.default_rng(0)
    labels = ANNOTATOR_LABELS
    drawn = [
        (labels[place], labels[(place + slips) % 3])
        for place, slips in zip(generator.integers(3, size=250), generator.random(250) < 0.2, strict=True)
    ]
    with all_drawn():
        single = kappa_of(outcomes_of(*drawn))
        fourfold = kappa_of(outcomes_of(*(pair for pair in drawn for _ in range(4)), per_image=4))
        apart = kappa_of(outcomes_of(*(pair for pair in drawn for _ in range(4))))
    assert single.value == pytest.approx(fourfold.value)
    assert fourfold.interval == pytest.approx(single.interval, abs=1e-9)
    width, narrow = (high - low for low, high in (fourfold.interval, apart.interval))
    assert width == pytest.approx(2 * narrow, rel=0.1)
    assert single.interval[0] < single.value < single.interval[1]


def test_few_disagreements_have_no_interval_and_a_reason() -> None:
    said = [*times(100, "yes", "yes"), *times(100, "no", "no"), *times(19, "no", "yes")]
    found = kappa_of(outcomes_of(*said))
    assert (found.interval, found.reason) == (None, "the two disagree on fewer than 20 questions")
    assert kappa_of(outcomes_of(*said, ("yes", "no"))).interval is not None
