"""The verdict of a comparison: which cause it names, what it says of the rest, and of chance."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from compared import compared, scored_run

from repope_eval.comparison.view import ComparisonView, SettingGroup, SettingPair, paper_sentence, verdict
from repope_eval.scoring.differences import Difference
from repope_eval.scoring.equivalence import Equivalence
from repope_eval.scoring.estimates import Interval, minus
from repope_eval.scoring.gap import CAUSES, Approach, Gap, Part


@pytest.fixture(scope="module")
def same(tmp_path_factory: pytest.TempPathFactory) -> ComparisonView:
    folder = tmp_path_factory.mktemp("same")
    return compared(scored_run(folder / "a"), scored_run(folder / "b"))


def approach(*values: float | None) -> Approach:
    own, shared, read_alike, common = values
    return Approach(own=own, shared=shared, read_alike=read_alike, common=common)


def gap_of(a: Approach, b: Approach, part: Part) -> Gap:
    """The gap whose parts are what changes from one to the next; their intervals and orders are those of `part`."""
    grounds = ("own", "shared", "read_alike", "common")
    left = [minus(getattr(a, ground), getattr(b, ground)) for ground in grounds]
    worth = [*(minus(*pair) for pair in pairwise(left)), left[-1]]
    parts = {cause: replace(part, value=value) for cause, value in zip(CAUSES, worth, strict=True)}
    return Gap(a=a, b=b, parts=parts)


def said(
    view: ComparisonView,
    a: Approach,
    b: Approach,
    *,
    p: float | None = 0.2,
    interval: Interval = (-0.01, 0.03),
    part: Part = Part(interval=(0.01, 0.02)),  # noqa: B008
    settings: tuple[SettingGroup, ...] = (),
) -> str:
    """The verdict where two results have these figures, and a tenth of their answers differ."""
    labels = view.labels[-1]
    difference = Difference(
        first="a",
        second="b",
        n_questions=9,
        n_images=500,
        n_differing=4,
        value=0.01,
        interval=interval if p is not None else None,
        p=p,
        reason="9 images",
    )
    changed = replace(
        labels,
        gaps={**labels.gaps, "mean": {**labels.gaps["mean"], "f1": gap_of(a, b, part)}},
        chance={**labels.chance, "mean": difference},
    )
    tally = replace(view.tally, n_shared=100, n_same=90)
    return verdict(replace(view, labels=(*view.labels[:-1], changed), tally=tally, settings=settings))


def test_the_same_answers_have_no_gap(same: ComparisonView) -> None:
    assert re.fullmatch(
        r"On all 1,026 questions that both answered, the answers are the same when read alike\. As each was answered, "
        r"read and labelled, F1 \(mean\) is (\S+) % for a and \1 % for b under RePOPE: no gap\.",
        verdict(same),
    )


UNKNOWN = (
    "How the answers came about is unknown: another prompt, checkpoint or decoding (greedy or sampled) may be "
    "why."
)


def test_the_largest_part_is_named_first_and_then_the_rest(same: ComparisonView) -> None:
    text = said(same, approach(0.9, 0.8, 0.8, 0.8), approach(0.7, 0.7, 0.72, 0.75))
    assert text == (
        "Within chance, which is no proof that they are the same (margin=.005 tests that): on the 100 questions that "
        "both answered, read and labelled alike, F1 of a is 5.00 points above that of b (95 % −1.00 to "
        "+3.00, p 0.200). As each was answered, read and labelled, F1 (mean) is 90.00 % for a "
        "and 70.00 % for b under RePOPE: a is 20.00 points ahead. 10.00 of the 20.00 points come from other questions "
        "(a answers 100, b 100, both 100), 95 % +1.00 to +2.00; the rest: another reading of the answers +2.00, other "
        f"labels +3.00, other answers +5.00. {UNKNOWN}"
    )


def test_causes_that_work_against_each_other_are_not_shares(same: ComparisonView) -> None:
    text = said(same, approach(0.9, 0.6, 0.6, 0.6), approach(0.8, 0.8, 0.8, 0.8))
    assert (
        "a is 10.00 points ahead. The causes work in both directions: other questions (a answers 100, b 100, both "
        "100) +30.00 points, 95 % +1.00 to +2.00; other answers −20.00."
    ) in text
    assert "F1 of a is 20.00 points below that of b" in text


def test_a_gap_of_nothing_may_have_causes(same: ComparisonView) -> None:
    text = said(same, approach(0.8, 0.7, 0.7, 0.7), approach(0.8, 0.8, 0.8, 0.8))
    assert ": no gap. " in text
    assert "+10.00" in text
    assert "−10.00" in text


def test_two_editions_are_a_cause_of_labels(same: ComparisonView) -> None:
    text = said(same, approach(0.9, 0.9, 0.9, 0.8), approach(0.8, 0.8, 0.8, 0.8))
    assert "All of it comes from other labels (two editions of RePOPE), 95 % +1.00 to +2.00." in text


def test_an_undefined_figure_has_no_gap(same: ComparisonView) -> None:
    undefined = approach(None, None, None, None)
    assert (
        said(same, undefined, undefined) == "F1 is undefined for a and b, so there is no gap to take apart."
    )
    assert said(same, approach(1, 1, 1, 1), undefined).startswith("F1 is undefined for b,")


def test_what_is_undefined_on_shared_questions_cannot_be_taken_apart(same: ComparisonView) -> None:
    text = said(same, approach(0.9, 0.8, 0.8, 0.8), approach(0.7, None, None, None))
    assert text.endswith("On what both have in common F1 is undefined, so the gap cannot be taken apart.")


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (
            0.2,
            r"Within chance, which is no proof .* that\): on the 100 .* \(95 % −1\.00 to \+3\.00, p 0\.200\)\. As each",
        ),
        (0.05, r"More than chance: on the 100 .* p 0\.050\)\. As each"),
        (0.0001, r"More than chance: on the 100 .* p < 0\.001\)\. As each"),
        (
            None,
            r"On the 100 questions .* F1 of a is 10\.00 points above that of b, without an interval \(9 images\)\.",
        ),
    ],
)
def test_whether_it_is_chance_comes_first(p: float | None, words: str, same: ComparisonView) -> None:
    assert re.match(words, said(same, approach(*[0.9] * 4), approach(*[0.8] * 4), p=p))


def test_answers_that_differ_and_are_as_good_have_no_difference(same: ComparisonView) -> None:
    text = said(same, approach(*[0.9] * 4), approach(*[0.9] * 4))
    assert "read and labelled alike, F1 of a and of b is the same (95 %" in text


def group(name: str, *keys: str, changes_answers: bool = True) -> SettingGroup:
    pairs = tuple(SettingPair(key=key, a="1", b="2") for key in keys)
    return SettingGroup(name=name, is_known=True, changes_answers=changes_answers, pairs=pairs)


@pytest.mark.parametrize(
    ("settings", "ending"),
    [
        ((), f"(10 of 100 are not the same). {UNKNOWN}"),
        ((group("pixels"),), " No known setting differs."),
        (
            (group("pixels", "x", "y", "z"), group("engine", "e", changes_answers=False)),
            " What may be why: pixels (x, y, ...).",
        ),
        (
            (group("pixels"), group("engine", "e", changes_answers=False)),
            " Of what is known only this differs, and it changes near-tied answers alone: engine.",
        ),
    ],
)
def test_settings_that_may_be_why_are_named(
    settings: tuple[SettingGroup, ...], ending: str, same: ComparisonView
) -> None:
    text = said(same, approach(*[0.9] * 4), approach(*[0.8] * 4), settings=settings)
    assert text.endswith(ending)


def test_where_few_answers_differ_the_exact_test_is_put_in_words(same: ComparisonView) -> None:
    """Without an interval: four answers that all moved one way were "more than chance"."""
    text = said(same, approach(*[0.9] * 4), approach(*[0.89] * 4), p=0.125, interval=None)
    assert text.startswith(
        "Within chance, which is no proof that they are the same (margin=.005 tests that): on the 100 questions that "
        "both answered, read and labelled alike, F1 of a is 1.00 points above that of b, without an "
        "interval (9 images). If it were chance which of the two gave which answer in the 4 of "
        "500 images in which they differ, 12.5 % of the cases would show a gap at least as large (exact test). As each"
    )
    text = said(same, approach(*[0.9] * 4), approach(*[0.89] * 4), p=0.0001, interval=None)
    assert text.startswith("More than chance: ")
    assert "less than 0.1 % of the cases would show a gap at least as large (exact test). As each" in text


def test_where_sameness_is_tested_chance_needs_no_caveat(same: ComparisonView) -> None:
    labels = replace(same.labels[-1], equivalence={"mean": Equivalence(margin=0.01, value=0.0)})
    tested = replace(same, labels=(*same.labels[:-1], labels))
    assert said(tested, approach(*[0.9] * 4), approach(*[0.8] * 4)).startswith("Within chance: on the 100 ")


def test_a_cause_without_an_interval_says_why(same: ComparisonView) -> None:
    part = Part(reason="it is at work in 7 images, and an interval takes 20")
    text = said(same, approach(0.9, 0.8, 0.8, 0.8), approach(*[0.8] * 4), part=part)
    assert (
        "All of it comes from other questions (a answers 100, b 100, both 100), without an interval (it is at work "
        "in 7 images, and an interval takes 20)."
    ) in text


def test_a_cause_that_depends_on_the_order_says_how_much(same: ComparisonView) -> None:
    part = Part(interval=(0.05, 0.15), order_bounds=(0.08, 0.12))
    text = said(same, approach(0.9, 0.8, 0.8, 0.8), approach(*[0.8] * 4), part=part)
    assert ", 95 % +5.00 to +15.00 (+8.00 to +12.00 by the order in which the causes are taken out)." in text


def test_the_difference_stands_as_a_paper_prints_it(same: ComparisonView) -> None:
    found = paper_sentence(same)
    assert found is not None
    assert re.fullmatch(
        r"F1 \(mean\) of \S+ less that of \S+: 0\.00 points \(no interval: .+\) under RePOPE, on the [\d,]+ questions "
        r"about \d+ images that both answered, protocol repope",
        found,
    ), found
