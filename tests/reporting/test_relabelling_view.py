"""The sentences that sum up a relabelling."""

from dataclasses import replace

from relabelling_examples import relabelling_view

from repope_eval.benchmarks.agreement import agreement_of
from repope_eval.reporting.relabelling_view import annotator_lines, decider_sentence, verdict


def test_the_verdict_counts_each_question_once() -> None:
    # Of six questions that both labelled, three have one label of both. The first says yes, no and ambiguous 3, 2 and
    # 1 times, the second 2, 4 and 0 times: kappa is (3 * 6 - 14) / (36 - 14).
    assert verdict(relabelling_view()) == (
        "Of 5 settled questions, 3 (60.00 %) changed from yes to no or from no to yes, and 1 (20.00 %) turned out "
        "ambiguous. The two annotators give the same label to 3 (50.00 %) of the 6 questions that both labelled. "
        f"Cohen's kappa is {(18 - 14) / (36 - 14):.4f}. "
        "Not settled and left out: 2 of 7 questions (1 in dispute, 1 not labelled by both)."
    )


def test_where_all_is_settled_nothing_is_said_of_the_rest() -> None:
    view = relabelling_view()
    settled = [outcome for outcome in view.outcomes if outcome.label is not None]
    assert "Not settled" not in verdict(replace(view, outcomes=settled))


def test_of_nothing_no_share_is_said() -> None:
    view = replace(relabelling_view(), outcomes=[], agreement=agreement_of([]))
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
