"""What share of the questions with either label a figure is about."""

import pytest

from repope_eval.records import LabelSet, Question
from repope_eval.scoring.confusion import Confusion
from repope_eval.scoring.coverage import coverage

YES = {Question("1.jpg", f"{n}?", str(n)): True for n in range(100)}
NO = {Question("2.jpg", f"{n}?", str(n)): False for n in range(100)}


def test_answers_that_are_not_read_count_as_answers() -> None:
    counts = Confusion(tp=50, fn=20, unparsed_yes=10, fp=70, tn=5, unparsed_no=5, unanswered=40)
    found = coverage({"pope": {"random": counts}}, [LabelSet("pope", {"random": YES | NO})])["pope"]["random"]
    assert (found.yes, found.no, found.differs) == (0.8, 0.8, False)


@pytest.mark.parametrize(("n_no", "differs"), [(100, False), (99, False), (98, True), (4, True), (0, True)])
def test_shares_more_than_one_point_apart_differ(n_no: int, differs: bool) -> None:
    counts = Confusion(tp=100, tn=n_no)
    found = coverage({"pope": {"random": counts}}, [LabelSet("pope", {"random": YES | NO})])
    assert found["pope"]["random"].differs == differs


def test_the_mean_differs_where_a_variant_does() -> None:
    """Shares that lie apart in opposite ways are equal in the mean."""
    label_set = LabelSet("pope", {"random": YES | NO, "popular": YES | NO})
    confusions = {"random": Confusion(tp=100, tn=50), "popular": Confusion(tp=50, tn=100)}
    found = coverage({"pope": confusions}, [label_set])["pope"]["mean"]
    assert (found.yes, found.no, found.differs) == (0.75, 0.75, True)


def test_without_questions_of_a_label_there_is_no_share() -> None:
    label_set = LabelSet("pope", {"random": YES, "popular": YES | NO})
    confusions = {"random": Confusion(tp=10), "popular": Confusion(tp=10, tn=10)}
    found = coverage({"pope": confusions}, [label_set])["pope"]
    assert (found["random"].yes, found["random"].no, found["random"].differs) == (0.1, None, False)
    assert (found["mean"].yes, found["mean"].no) == (0.1, None)
