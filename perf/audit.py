"""How many of the labels that RePOPE changed are found by looking where `audit` says, and by votes alone.

    python perf/audit.py --data DATA --answers FILE [FILE ...] [--questions FILE] [--parts FILE [FILE ...]]

POPE's labels and the models' answers are all that the orders are made from. A flipped label is one that RePOPE has the
opposite of; an ambiguous question is one that it lacks. Average precision is of the flipped ones.

`--parts` are files of one variant each, such as `llava-1.5-7b_random_greedy.jsonl`, whose ids lead to POPE's file of
the variant. A second table says what `audit` finds with them beside the others, two at a time and all at once: how many
flipped labels it gains, and how many it loses, among the first of the questions.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from gauges import print_table
from real_answers import RealAnswers, parser, read

from repope_eval.records import Question
from repope_eval.relabelling.doubt import label_doubts

AIMS = ("-", "0.70", "0.50", "0.60", "0.30")
BUDGETS = (0.05, 0.1, 0.2, 0.3)
"""Shares of the questions that are looked at."""
MANY_BUDGETS = np.linspace(0.02, 0.3, 29)


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--parts", type=Path, nargs="+", default=[], help="answer files of one variant each")
    given = options.parse_args()
    real = read(given.data, given.answers, given.questions, given.parts)
    parts = [path.stem for path in given.parts]
    whole = [model for model in real.answers if model not in parts]
    says_yes = real.says_yes()
    rows = [
        [name, *_found(real, scores(real.old, {model: says_yes[model] for model in whole}))]
        for name, scores in ORDERS.items()
    ]
    print_table(("order", *HEADINGS), [*rows, ["aim", *AIMS]])
    if parts:
        print_table(PART_HEADINGS, _with_parts(real, says_yes, whole, parts))
    flipped, ambiguous = _kinds(real)
    print(
        f"{len(real.old):,} distinct questions, {len(flipped)} flipped and {len(ambiguous)} ambiguous; models: "
        f"{', '.join(real.answers)}"
    )


HEADINGS = ("flipped in 5 %", "flipped in 10 %", "either in 10 %", "either in 20 %", "average precision")
PART_HEADINGS = (
    "answers",
    *(f"gained and lost in {budget:.0%}".replace("%", " %") for budget in BUDGETS),
    "flipped, mean of 2 to 30 %",
)


def _kinds(real: RealAnswers) -> tuple[set[Question], set[Question]]:
    """The questions with a flipped label, and the ambiguous ones."""
    old, true = real.old, real.true
    flipped = {question for question, label in true.items() if label != old[question]}
    return flipped, {question for question in old if question not in true}


def _order(scores: Mapping[Question, float]) -> list[Question]:
    """The most doubtful question first, those with equal scores in random order."""
    questions = list(scores)
    shuffled = np.random.default_rng(0).permutation(len(questions))
    return [questions[index] for index in sorted(shuffled, key=lambda index: -scores[questions[index]])]


def _found(real: RealAnswers, scores: Mapping[Question, float]) -> list[str]:
    flipped, ambiguous = _kinds(real)
    order = _order(scores)
    either = flipped | ambiguous

    def share(kind: set[Question], part: float) -> str:
        return f"{len(kind.intersection(_first(order, part))) / len(kind):.2f}"

    hits = np.array([question in flipped for question in order])
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    shares = (share(flipped, 0.05), share(flipped, 0.1), share(either, 0.1), share(either, 0.2))
    return [*shares, f"{precision[hits].mean():.2f}"]


def _first(order: Sequence[Question], part: float) -> Sequence[Question]:
    return order[: round(part * len(order))]


def _with_parts(
    real: RealAnswers,
    says_yes: Mapping[str, Mapping[Question, float]],
    whole: Sequence[str],
    parts: Sequence[str],
) -> list[list[str]]:
    """A row for each file and for the whole ones, then for these with parts, against the whole ones alone."""
    flipped, _ = _kinds(real)

    def order(models: Sequence[str]) -> list[Question]:
        return _order(_doubts(real.old, {model: says_yes[model] for model in models}))

    def mean_found(of_models: Sequence[Question]) -> str:
        found = [len(flipped.intersection(_first(of_models, budget))) for budget in MANY_BUDGETS]
        return f"{np.mean(found) / len(flipped):.3f}"

    base = order(whole)
    alone = [[model, *("-" for _ in BUDGETS), mean_found(order([model]))] for model in real.answers]
    rows = [*alone, [", ".join(whole), *("-" for _ in BUDGETS), mean_found(base)]]
    added = list(combinations(parts, 2))
    for names in [*added, tuple(parts)] if len(parts) > 2 else [tuple(parts)]:
        of_all = order([*whole, *names])
        cells = []
        for budget in BUDGETS:
            before, after = (flipped.intersection(_first(each, budget)) for each in (base, of_all))
            cells.append(f"+{len(after - before)} -{len(before - after)}")
        rows.append([f"and {', '.join(names)}", *cells, mean_found(of_all)])
    return rows


def _votes(
    labels: Mapping[Question, bool], says_yes: Mapping[str, Mapping[Question, float]]
) -> dict[Question, float]:
    """The share of the models that disagree with a label; half where none answered."""
    said = says_yes.values()
    return {
        question: float(np.mean([abs(each[question] - label) for each in said if question in each] or [0.5]))
        for question, label in labels.items()
    }


def _doubts(
    labels: Mapping[Question, bool], says_yes: Mapping[str, Mapping[Question, float]]
) -> Mapping[Question, float]:
    return label_doubts(labels, says_yes).scores


ORDERS: Mapping[
    str, Callable[[Mapping[Question, bool], Mapping[str, Mapping[Question, float]]], Mapping[Question, float]]
] = {"votes alone": _votes, "audit": _doubts}


if __name__ == "__main__":
    main()
