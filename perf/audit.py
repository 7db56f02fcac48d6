"""How many of the labels that RePOPE changed are found by looking where `audit` says, and by votes alone.

    python perf/audit.py --data DATA --answers FILE [FILE ...] [--questions FILE]

POPE's labels and the models' answers are all that the orders are made from. A flipped label is one that RePOPE has the
opposite of; an ambiguous question is one that it lacks. Average precision is of the flipped ones.
"""

from collections.abc import Callable, Mapping

import numpy as np
from gauges import print_table
from real_answers import RealAnswers, parser, read

from repope_eval.records import Question
from repope_eval.scoring.label_doubt import label_doubts

AIMS = ("0.70", "0.50", "0.60", "0.30")


def main() -> None:
    options = parser(__doc__ or "").parse_args()
    real = read(options.data, options.answers, options.questions)
    rows = [[name, *_found(real, scores(real))] for name, scores in ORDERS.items()]
    print_table(("order", *HEADINGS), [*rows, ["aim", *AIMS]])
    flipped, ambiguous = _kinds(real)
    print(
        f"{len(real.old):,} distinct questions, {len(flipped)} flipped and {len(ambiguous)} ambiguous; models: "
        f"{', '.join(real.answers)}"
    )


HEADINGS = ("flipped in 10 %", "either in 10 %", "either in 20 %", "average precision")


def _kinds(real: RealAnswers) -> tuple[set[Question], set[Question]]:
    """The questions with a flipped label, and the ambiguous ones."""
    old, true = real.old, real.true
    flipped = {question for question, label in true.items() if label != old[question]}
    return flipped, {question for question in old if question not in true}


def _found(real: RealAnswers, scores: Mapping[Question, float]) -> list[str]:
    flipped, ambiguous = _kinds(real)
    generator = np.random.default_rng(0)
    shuffled = generator.permutation(len(scores))  # equal scores in random order
    questions = list(scores)
    order = [questions[index] for index in sorted(shuffled, key=lambda index: -scores[questions[index]])]
    either = flipped | ambiguous

    def share(kind: set[Question], part: float) -> str:
        first = order[: round(part * len(order))]
        return f"{sum(question in kind for question in first) / len(kind):.2f}"

    hits = np.array([question in flipped for question in order])
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return [share(flipped, 0.1), share(either, 0.1), share(either, 0.2), f"{precision[hits].mean():.2f}"]


def _votes(real: RealAnswers) -> dict[Question, float]:
    """The share of the models that disagree with a label; half where none answered."""
    said = real.says_yes().values()
    return {
        question: float(np.mean([abs(each[question] - label) for each in said if question in each] or [0.5]))
        for question, label in real.old.items()
    }


def _doubts(real: RealAnswers) -> Mapping[Question, float]:
    return label_doubts(real.old, real.says_yes()).scores


ORDERS: Mapping[str, Callable[[RealAnswers], Mapping[Question, float]]] = {
    "votes alone": _votes,
    "audit": _doubts,
}


if __name__ == "__main__":
    main()
