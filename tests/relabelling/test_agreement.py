"""Agreement: what both annotators said, counted by hand, and the decider's sides."""

from repope_eval.benchmarks.pope_file import Row
from repope_eval.records import Label, Question
from repope_eval.relabelling.rule import Outcome, agreement_of


def outcomes_of(*said: tuple[Label | None, ...]) -> list[Outcome]:
    """Outcome of what the first and the second annotator, and perhaps a decider, say."""
    return [
        Outcome(Row(number, Question("a.jpg", f"Is there a thing {number}?", "thing"), "yes"), *labels)
        for number, labels in enumerate(said)
    ]


def test_by_hand() -> None:
    found = agreement_of(
        outcomes_of(
            ("yes", "yes"),
            ("yes", "yes"),
            ("no", "no", "yes"),
            ("yes", "ambiguous", "yes"),
            ("yes", "no", "yes"),
            ("no", "yes", "yes"),
            ("no", "yes", "ambiguous"),
            ("yes", "no", None),
            ("yes", None),
            (None, None, "yes"),
        )
    )
    assert found.counts == {
        ("yes", "yes"): 2,
        ("no", "no"): 1,
        ("yes", "ambiguous"): 1,
        ("yes", "no"): 2,
        ("no", "yes"): 2,
    }
    assert (found.n_questions, found.n_agreed) == (8, 3)
    assert (found.n_disputed, found.n_decided) == (4, 3)
    assert (found.n_with_first, found.n_with_second, found.n_found_ambiguous) == (1, 1, 1)


def test_of_nothing() -> None:
    found = agreement_of(outcomes_of(("yes", None), (None, None)))
    assert (found.n_questions, found.n_agreed, found.n_decided) == (0, 0, 0)
