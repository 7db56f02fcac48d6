"""A run's figure as a paper prints it: interval, labels, what it is over, decoding, protocol and what is left out."""

from repope_eval.benchmarks.benchmark import GROUPS, Benchmark, OwnSection
from repope_eval.benchmarks.dash_b import DETECTIONS
from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.score_document import figure_phrase
from repope_eval.scoring.scores import Scores, score_benchmark

CUPS = [Question(f"{place:03}.jpg", "Is there a cup in the image?", "cup") for place in range(200)]


def scored(
    label_set: str, *responses: str | None, has_yes: bool = True, own: OwnSection = GROUPS, **basis: str
) -> Scores:
    """The first answers as they are given, the others right; the first 100 cups are there."""
    labels = {cup: has_yes and place < 100 for place, cup in enumerate(CUPS)}
    said = [*responses, *("yes" if label else "no" for label in list(labels.values())[len(responses) :])]
    answers = {cup: Answer(cup, text) for cup, text in zip(CUPS, said, strict=True) if text is not None}
    ids = {"cups": dict(enumerate(CUPS))}
    benchmark = Benchmark("cups", (LabelSet(label_set, {"cups": labels}),), ids, {}, own=(own,))
    return score_benchmark(benchmark, answers, "m", **basis)


def test_it_says_what_the_figure_is_over_and_how_it_came_about() -> None:
    scores = scored("repope", *["no"] * 10, decoding="greedy")
    low, high = scores.cells["repope"]["cups"].estimates["f1"].interval or (0, 0)
    assert scores.sentence == (
        f"F1 94.7 (95 % {100 * low:.1f}–{100 * high:.1f}) under RePOPE, 200 questions about 200 images, greedy, "
        "protocol repope, all answered"
    )
    assert scores.to_dict()["sentence"] == scores.sentence


def test_it_says_what_is_partial_unanswered_and_unread() -> None:
    sentence = scored("original", None, None, None, "Perhaps", part="200 of 500 images").sentence
    assert " under the original labels, 200 questions about 200 of 500 images, protocol repope, " in sentence
    assert sentence.endswith("98.5 % answered, 1 answer neither yes nor no")


def test_where_nothing_is_read_there_is_no_figure() -> None:
    sentence = scored("pope", *["Perhaps"] * 200).sentence
    assert sentence.startswith("no figure, since no answer is read as yes or no, under POPE, 200 questions")


def test_where_no_label_is_yes_the_true_negative_rate_stands() -> None:
    assert scored("pope", "yes", has_yes=False).sentence.startswith("TNR 99.5 (95 % ")


def test_dash_b_has_its_own_figures() -> None:
    sentence = scored("dash_b", "no", own=DETECTIONS).sentence
    assert sentence.startswith("TNR 100.0 (95 % ")
    assert ") and TPR 99.0 (95 % " in sentence


def test_why_there_is_no_interval_or_no_value_is_told() -> None:
    assert figure_phrase("F1", Estimate(value=0.5, reason="2 images")) == "F1 50.0 (no interval: 2 images)"
    assert figure_phrase("F1", Estimate(reason="no answer")) == "F1 undefined (no answer)"
