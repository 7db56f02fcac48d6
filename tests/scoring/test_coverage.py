"""What share of the questions with either label F1 counts."""

import pytest

from repope_eval.records import LabelSet, Question
from repope_eval.scoring.confusion import Confusion
from repope_eval.scoring.protocol_scores import coverage
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.settings import config

REPOPE = PROTOCOLS["repope"]
YES = {Question("1.jpg", f"{n}?", str(n)): True for n in range(100)}
NO = {Question("2.jpg", f"{n}?", str(n)): False for n in range(100)}


@pytest.mark.parametrize(("protocol", "yes"), [("repope", 0.7), ("lmms_eval", 0.7), ("vlmevalkit", 1.0)])
def test_answers_that_are_not_read_count_where_f1_counts_them(protocol: config.Protocol, yes: float) -> None:
    """A model that is silent where it is unsure would else stand first, all questions answered."""
    counts = Confusion(tp=50, fn=20, unparsed_yes=30, fp=30, tn=70)
    label_sets = [LabelSet("pope", {"random": YES | NO})]
    found = coverage({"pope": {"random": counts}}, label_sets, PROTOCOLS[protocol])["pope"]["random"]
    assert (found.yes, found.no, found.is_partial) == (yes, 1.0, yes < 1)


@pytest.mark.parametrize(
    ("n_no", "is_partial"), [(100, False), (99, False), (98, True), (4, True), (0, True)]
)
def test_f1_that_leaves_out_more_than_one_per_cent_is_partial(n_no: int, is_partial: bool) -> None:
    counts = Confusion(tp=100, tn=n_no, unanswered=100 - n_no)
    found = coverage({"pope": {"random": counts}}, [LabelSet("pope", {"random": YES | NO})], REPOPE)
    assert found["pope"]["random"].is_partial == is_partial


def test_the_mean_is_partial_where_a_variant_is() -> None:
    """Shares that lie apart in opposite ways are equal in the mean."""
    label_set = LabelSet("pope", {"random": YES | NO, "popular": YES | NO})
    confusions = {"random": Confusion(tp=100, tn=50), "popular": Confusion(tp=50, tn=100)}
    found = coverage({"pope": confusions}, [label_set], REPOPE)["pope"]["mean"]
    assert (found.yes, found.no, found.is_partial) == (0.75, 0.75, True)


def test_without_questions_of_a_label_there_is_no_share() -> None:
    label_set = LabelSet("pope", {"random": YES, "popular": YES | NO})
    confusions = {"random": Confusion(tp=10), "popular": Confusion(tp=10, tn=10)}
    found = coverage({"pope": confusions}, [label_set], REPOPE)["pope"]
    assert (found["random"].yes, found["random"].no, found["random"].is_partial) == (0.1, None, True)
    assert (found["mean"].yes, found["mean"].no) == (0.1, None)
