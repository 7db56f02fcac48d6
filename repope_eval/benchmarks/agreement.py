"""How far two annotators agree, and whom the decider sides with where they do not."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repope_eval.benchmarks.relabelling import Outcome
from repope_eval.records import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two annotators' labels of the questions that both labelled."""

    counts: Mapping[tuple[Label, Label], int]
    """The number of questions by the first annotator's label and the second's; pairs that never occur may lack."""
    n_disputed: int
    """The number of questions that one says yes to and the other no."""
    n_with_first: int
    """The number of disputed questions for which the decider gives the first annotator's label."""
    n_with_second: int
    n_found_ambiguous: int
    """The number of disputed questions that the decider finds ambiguous."""

    @property
    def n_questions(self) -> int:
        """The number of questions that both labelled."""
        return sum(self.counts.values())

    @property
    def n_agreed(self) -> int:
        """The number of questions with the same label of both."""
        return sum(number for (first, second), number in self.counts.items() if first == second)

    @property
    def agreed_share(self) -> float | None:
        """The share of questions with the same label of both; None where there are none."""
        return self.n_agreed / self.n_questions if self.n_questions else None

    @property
    def n_decided(self) -> int:
        """The number of disputed questions that the decider labelled."""
        return self.n_with_first + self.n_with_second + self.n_found_ambiguous


def agreement_of(outcomes: Sequence[Outcome]) -> Agreement:
    """How far the annotators agree on the questions that both labelled."""
    pairs = [
        (outcome, outcome.first, outcome.second)
        for outcome in outcomes
        if outcome.first is not None and outcome.second is not None
    ]
    disputed = [outcome for outcome, _, _ in pairs if outcome.is_disputed]
    return Agreement(
        counts=Counter((first, second) for _, first, second in pairs),
        n_disputed=len(disputed),
        n_with_first=sum(outcome.decided == outcome.first for outcome in disputed),
        n_with_second=sum(outcome.decided == outcome.second for outcome in disputed),
        n_found_ambiguous=sum(outcome.decided == "ambiguous" for outcome in disputed),
    )
