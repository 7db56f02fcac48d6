"""The sentences that sum up a relabelling."""

from dataclasses import replace

from relabelling_examples import relabelling_view

from repope_eval.relabelling.findings import MOST_DOUBTFUL, OTHERS, WHOLE, QueueRate
from repope_eval.relabelling.rule import agreement_of, kappa_of
from repope_eval.relabelling.view import (
    annotator_lines,
    changes_title,
    decider_sentence,
    kappa_text,
    queue_sentences,
    verdict,
)
from repope_eval.scoring.bootstrap import Estimate


def test_the_verdict_counts_each_question_once() -> None:
    # Of six questions that both labelled, three have one label of both. The first says yes, no and ambiguous 3, 2 and
    # 1 times, the second 2, 4 and 0 times: kappa is (3 * 6 - 14) / (36 - 14).
    assert verdict(relabelling_view()) == (
        "Of 5 settled questions, 3 (60.00 %) changed from yes to no or from no to yes, and 1 (20.00 %) turned out "
        "ambiguous. The two annotators give the same label to 3 (50.00 %) of the 6 questions that both labelled. "
        f"Cohen's kappa is {(18 - 14) / (36 - 14):.4f} (no interval: fewer than 100 images were labelled by both). "
        "Not settled and left out: 2 of 7 questions (1 in dispute, 1 not labelled by both). What is said of the "
        "settled ones is theirs alone."
    )


def test_where_all_is_settled_nothing_is_said_of_the_rest() -> None:
    view = relabelling_view()
    settled = [outcome for outcome in view.outcomes if outcome.label is not None]
    assert "Not settled" not in verdict(replace(view, outcomes=settled))


def test_of_nothing_no_share_is_said() -> None:
    view = replace(relabelling_view(), outcomes=[], agreement=agreement_of([]), kappa=kappa_of([]))
    assert verdict(view) == (
        "Of 0 settled questions, 0 changed from yes to no or from no to yes, and 0 turned out ambiguous. The two "
        "annotators give the same label to 0 of the 0 questions that both labelled. Cohen's kappa is undefined."
    )


def test_whom_the_decider_sides_with() -> None:
    view = relabelling_view()
    assert decider_sentence(view.agreement, view.names) == (
        "Of 2 questions with yes against no, third.jsonl decided 0 as Anna, 1 as B|n <b>, and found 0 ambiguous."
    )
    undecided = [replace(outcome, decided=None) for outcome in view.outcomes]
    assert decider_sentence(agreement_of(undecided), view.names[:2]) is None


def test_who_labelled_and_when() -> None:
    assert annotator_lines(relabelling_view()) == {
        "first annotator": "Anna, 7 labels, from 2026-01-05 00:00 to 2026-01-05 06:00 UTC",
        "second annotator": "B|n <b>, 6 labels, from 2026-01-05 00:00 to 2026-01-05 05:00 UTC",
        "decider": "third.jsonl, 3 labels, at a time that the file does not say",
    }


def queue_rate(part: str, numbers: tuple[int, int], flipped: Estimate) -> QueueRate:
    n_questions, n_looked = numbers
    return QueueRate(
        part=part,
        label="both",
        n_questions=n_questions,
        n_looked=n_looked,
        flipped=flipped,
        ambiguous=Estimate(value=0.1, interval=(0.1, 0.1)),
    )


def test_what_was_chosen_is_no_error_rate_and_the_rest_is_estimated_apart() -> None:
    rates = (
        queue_rate(MOST_DOUBTFUL, (500, 500), Estimate(value=0.2, interval=(0.2, 0.2))),
        queue_rate(OTHERS, (4627, 200), Estimate(value=0.02, interval=(0.01, 0.0412))),
        queue_rate(WHOLE, (5127, 700), Estimate(value=0.038, interval=(0.03, 0.05))),
    )
    assert queue_sentences(rates) == [
        "Of the questions looked at, 500 were chosen as the most doubtful, so these shares are no error rate of the "
        "benchmark.",
        "By the 200 drawn from the other 4,627, an estimated 2.00 % [1.00, 4.12] of these 4,627 are flipped and "
        "10.00 % ambiguous; 3.80 % [3.00, 5.00] of the whole queue are flipped and 10.00 % ambiguous.",
    ]
    view = replace(relabelling_view(), queue_rates=rates)
    assert changes_title(view) == (
        "Label changes of the settled questions, 500 of which were chosen as the most doubtful"
    )
    assert queue_sentences(rates)[1] in verdict(view)
    assert queue_sentences(rates[1:])[0].startswith("By the 200 drawn")
    assert queue_sentences(()) == []


def test_kappa_has_an_interval_or_a_reason_and_says_what_it_is_of() -> None:
    assert kappa_text(Estimate(value=0.9, interval=(0.85, 0.95)), of_queue=False) == "0.9000 [0.8500, 0.9500]"
    assert kappa_text(Estimate(value=0.9, reason="few"), of_queue=True) == (
        "0.9000 (no interval: few), over the queue's questions and not the benchmark's"
    )
