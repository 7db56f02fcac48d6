"""What F1's change is made of: against sums in plain loops over the six orders and the rows, also of real answers."""

import random
from collections.abc import Mapping
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pytest
import real_answers

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring import bootstrap
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.protocol_scores import MEAN, Change, ProtocolScores, score
from repope_eval.scoring.relabelling_effect import PARTS, mean_over_orders, mixtures

Labels = dict[Question, bool]
Times = Mapping[str, float]
"""How often each image was drawn."""
Part = tuple[float, float, float]
"""What a part of F1's change comes to, and the ends of its interval."""


def f1_of(
    switches: frozenset[str], first: Labels, second: Labels, said: Mapping[Question, bool], times: Times
) -> float:
    """F1 with the parts that are switched on, row by row."""

    def tally(*, corrected: bool, left_out: bool) -> tuple[float, float, float, float]:
        tp = fp = n_yes = n_no = 0.0
        for question, said_yes in said.items():
            if question not in (second if left_out else first):
                continue
            label = first[question] if question in first else second[question]
            if corrected and question in second:
                label = second[question]
            n = times[question.image]
            if label:
                n_yes += n
                tp += n * said_yes
            else:
                n_no += n
                fp += n * said_yes
        return tp, fp, n_yes, n_no

    tp, fp, n_yes, n_no = tally(corrected="corrected" in switches, left_out="left_out" in switches)
    recall, false_positive_rate = tp / n_yes, fp / n_no
    own = "prevalence" in switches
    _, _, n_yes, n_no = tally(corrected=own, left_out=own)
    q = n_yes / (n_yes + n_no)
    return 2 * q * recall / (q * recall + q + (1 - q) * false_positive_rate)


def summed(first: Labels, second: Labels, said: Mapping[Question, bool], times: Times) -> dict[str, float]:
    """Each part in plain loops over the six orders in which they are switched on."""
    on_at_once = [frozenset(on) for number in range(4) for on in combinations(PARTS, number)]
    f1 = {on: f1_of(on, first, second, said, times) for on in on_at_once}
    parts = dict.fromkeys(PARTS, 0.0)
    for order in permutations(PARTS):
        on: frozenset[str] = frozenset()
        for part in order:
            parts[part] += (f1[on | {part}] - f1[on]) / 6
            on |= {part}
    return parts


def made_up(
    n_images: int, *, n_flipped: int, n_left_out: int, n_added: int = 0
) -> tuple[Labels, Labels, dict[Question, bool]]:
    """Six questions an image, of which one is flipped, left out or added in the first images, and wrong answers."""
    first: Labels = {}
    second: Labels = {}
    said: dict[Question, bool] = {}
    generator = random.Random(7)
    for image in range(n_images):
        questions = [Question(f"{image}.jpg", f"{number}?", "") for number in range(6)]
        labels = {question: number < 3 for number, question in enumerate(questions)}
        first |= {q: label for q, label in labels.items() if q != questions[5] or image >= n_added}
        second |= {
            q: label != (q == questions[0] and image < n_flipped)
            for q, label in labels.items()
            if q not in (questions[1:4:2] if image < n_left_out else ())
        }
        said |= {q: label != (generator.random() < 0.2) for q, label in labels.items()}
        said[questions[0]] &= image % 3 != 0 or image >= n_flipped
    return first, second, said


def scored(first: Labels, second: Labels, said: Mapping[Question, bool]) -> ProtocolScores:
    answers = {question: Answer(question, "yes" if yes else "no") for question, yes in said.items()}
    label_sets = [LabelSet("pope", {"random": first}), LabelSet("repope", {"random": second})]
    return score("a-model", "a-bench", label_sets, answers, "repope")


def values_of(change: Change) -> dict[str, float | None]:
    return {part: found.value for part, found in change.f1_parts.items()}


def test_parts_are_those_of_plain_loops_and_add_up_to_the_change() -> None:
    first, second, said = made_up(40, n_flipped=12, n_left_out=9, n_added=7)
    change = scored(first, second, said).changes["random"]
    expected = summed(first, second, said, dict.fromkeys((q.image for q in said), 1))
    assert values_of(change) == pytest.approx(expected, abs=1e-14)
    assert all(abs(value) > 0.001 for value in expected.values())
    assert sum(expected.values()) == pytest.approx(change.estimates["f1"].value, abs=1e-14)


def test_a_part_that_relabelling_has_not_is_nothing() -> None:
    def parts(**numbers: int) -> list[float | None]:
        return list(values_of(scored(*made_up(40, **numbers)).changes["random"]).values())

    corrected, left_out, prevalence = parts(n_flipped=12, n_left_out=0)
    assert left_out == 0
    assert corrected
    assert prevalence
    corrected, left_out, _ = parts(n_flipped=0, n_left_out=9)
    assert corrected == 0
    assert left_out
    assert parts(n_flipped=0, n_left_out=0) == [0, 0, 0]


def test_intervals_are_of_the_parts_of_each_replicate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "REPLICATES", 20)
    first, second, said = made_up(120, n_flipped=30, n_left_out=25)
    change = scored(first, second, said).changes["random"]
    images = list(dict.fromkeys(question.image for question in first))
    replicates = [
        summed(first, second, said, dict(zip(images, weights.tolist(), strict=True)))
        for part in bootstrap.drawn_weights(120, 20)
        for weights in part
    ]
    assert len(replicates) == 20
    for part, found in change.f1_parts.items():
        ends = np.percentile([replicate[part] for replicate in replicates], (2.5, 97.5))
        assert found.interval == pytest.approx(tuple(ends), abs=1e-14)
        assert (found.method, found.reason) == ("bootstrap", "")


def test_each_part_has_an_interval_where_it_moves_the_counts_of_enough_images() -> None:
    def reasons(n_images: int, **numbers: int) -> dict[str, str]:
        parts = scored(*made_up(n_images, **numbers)).changes["random"].f1_parts
        assert {part for part, found in parts.items() if found.reason} == {
            part for part, found in parts.items() if found.interval is None
        }
        return {part: found.reason for part, found in parts.items() if found.reason}

    few = "relabelling changes its counts in fewer than 20 images"
    assert reasons(120, n_flipped=20, n_left_out=20) == {}
    assert reasons(120, n_flipped=19, n_left_out=20) == {"corrected": few}
    assert reasons(120, n_flipped=20, n_left_out=19) == {"left_out": few}
    assert reasons(120, n_flipped=19, n_left_out=19) == dict.fromkeys(PARTS, few)
    assert reasons(99, n_flipped=40, n_left_out=40) == dict.fromkeys(
        PARTS, "fewer than 100 images have answers"
    )


def test_a_flipped_question_without_an_answer_moves_nothing() -> None:
    first, second, said = made_up(120, n_flipped=20, n_left_out=30)
    del said[Question("0.jpg", "0?", "")]
    parts = scored(first, second, said).changes["random"].f1_parts
    assert [part for part, found in parts.items() if found.interval is None] == ["corrected"]


def test_what_is_undefined_under_one_label_set_has_no_parts() -> None:
    first, _, said = made_up(120, n_flipped=0, n_left_out=0)
    change = scored(first, dict.fromkeys(first, True), said).changes["random"]
    assert change.estimates["f1"].value is not None
    why = Estimate(reason="undefined under one of the label sets, or between them")
    assert change.f1_parts == dict.fromkeys(PARTS, why)


def test_parts_of_a_mean_are_means_over_the_variants_of_both_label_sets() -> None:
    first, second, said = made_up(120, n_flipped=30, n_left_out=25)
    _, other, _ = made_up(120, n_flipped=50, n_left_out=60)
    answers = {question: Answer(question, "yes" if yes else "no") for question, yes in said.items()}
    before, after = LabelSet("pope", {"a": first, "b": first}), LabelSet("repope", {"a": second, "b": other})
    changes = score("m", "b", [before, after], answers, "repope").changes
    for part, found in changes[MEAN].f1_parts.items():
        of_variants = [changes[variant].f1_parts[part].value or 0 for variant in ("a", "b")]
        assert found.value == pytest.approx(sum(of_variants) / 2, abs=1e-14)
        assert found.interval is not None
    fewer = LabelSet("repope", {"a": second, "c": other})
    changes = score("m", "b", [before, fewer], answers, "repope").changes
    assert list(changes["a"].f1_parts) == list(PARTS)
    assert changes[MEAN].f1_parts == {}
    assert changes[MEAN].estimates["f1"].value is not None


REAL = {
    "13b": {
        "random": (0.0294, 0.0215, -0.0048),
        "popular": (0.0215, 0.0229, -0.0053),
        "adversarial": (0.0250, 0.0270, -0.0084),
        MEAN: (0.0253, 0.0238, -0.0061),
    },
    "7b": {
        "random": (0.0335, 0.0190, -0.0043),
        "popular": (0.0304, 0.0222, -0.0045),
        "adversarial": (0.0301, 0.0274, -0.0090),
        MEAN: (0.0313, 0.0228, -0.0059),
    },
}
"""The parts of LLaVA-1.5's answers as published, without the rows that spell "imange"."""


@pytest.mark.parametrize("size", REAL)
def test_the_parts_of_real_models(shared: Path, size: str) -> None:
    benchmark = real_answers.benchmark(shared)
    answers = dict(real_answers.joined(shared, benchmark, size).answers)
    changes = score("llava", "repope", benchmark.label_sets, answers, "repope").changes
    said = {question: "yes" in answer.response.lower() for question, answer in answers.items()}
    once = dict.fromkeys((question.image for question in said), 1)
    before, after = (label_set.variants for label_set in benchmark.label_sets)
    sums = {variant: summed(dict(before[variant]), dict(after[variant]), said, once) for variant in before}
    sums[MEAN] = {part: sum(each[part] for each in sums.values()) / 3 for part in PARTS}
    for variant, expected in REAL[size].items():
        assert values_of(changes[variant]) == pytest.approx(sums[variant], abs=1e-14)
        assert tuple(round(value, 4) for value in sums[variant].values()) == expected
        for found in changes[variant].f1_parts.values():
            assert found.interval is not None
            assert found.interval[0] < (found.value or 0) < found.interval[1]


def test_the_intervals_of_real_models_parts(shared: Path) -> None:
    benchmark = real_answers.benchmark(shared)
    answers = dict(real_answers.joined(shared, benchmark, misspelt=True).answers)
    change = score("llava", "repope", benchmark.label_sets, answers, "repope").changes[MEAN]
    shown = [
        tuple(round(end, 4) for end in (found.value or 0, *(found.interval or ())))
        for found in change.f1_parts.values()
    ]
    assert shown == [(0.0270, 0.0177, 0.0366), (0.0234, 0.0168, 0.0303), (-0.0065, -0.0082, -0.0050)]


def test_at_50_percent_yes_parts_are_those_that_others_found(shared: Path) -> None:
    """Figures of code that is not this package's: the change of F1 at 50 % yes, as the mean over both orders."""
    benchmark = real_answers.benchmark(shared)
    answers = dict(real_answers.joined(shared, benchmark, misspelt=True).answers)
    first, second = benchmark.label_sets
    balanced = [
        score("llava", "repope", [each], answers, "repope").cells[each.name][MEAN].figures.f1_balanced or 0
        for each in (first, *mixtures(first, second), second)
    ]
    at_half = np.repeat(np.reshape(balanced, (2, 2, 1)), 2, axis=2)
    assert mean_over_orders(at_half).tolist() == pytest.approx([0.0277, 0.0231, 0], abs=5e-5)
