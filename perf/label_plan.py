"""How near the number of labels that `plan width=` tells comes to the one that an interval of that width takes.

    python perf/label_plan.py --data DATA --answers FILE [FILE ...] [--questions FILE] [--repetitions 100]
        [--widths .06 .04 .03 .02]

RePOPE's labels are hidden, and planned for with the share of POPE's labels that they find wrong. Then labels are drawn
and revealed as `audit` and `estimate` do, and the number is sought with which the widest interval of F1 is so wide in
the mean: the line of the logarithms of mean widths over those of numbers, at 80 to 120 % of the planned one. Rows are
of all models together, of each alone, and of labels half of whose errors, chosen at random, are taken for none. The
last two columns are planned numbers where 5 and 20 of 100 labels are taken to be wrong.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from estimate import F1, Trial
from gauges import print_table
from real_answers import RealAnswers, parser, read

from repope_eval.records import Question
from repope_eval.relabelling.design import design, label_effects
from repope_eval.relabelling.estimation import estimate_runs
from repope_eval.relabelling.label_plan import LabelPlan, label_plan
from repope_eval.relabelling.sampled_labels import Looked, Sample
from repope_eval.scoring.bootstrap import MEAN

PARTS = (0.8, 1.0, 1.2)
"""Numbers of labels that are tried, in parts of the planned one."""

Truth = Mapping[Question, bool | None]
"""True labels; None where a question is ambiguous."""


def planned(trial: Trial, wrong: float) -> LabelPlan:
    """What is planned where this share of the labels is wrong."""
    effects = {run: label_effects(of_run, trial.old, F1["f1"]) for run, of_run in trial.tallies.items()}
    return label_plan(trial.doubts, trial.effects, effects, wrong)


def most_labels(plan: LabelPlan, width: float) -> int:
    """The number that the widest interval takes."""
    return max(plan.labels(run, width) for run in plan.squares)


def mean_width(trial: Trial, truth: Truth, n_labels: int, repetitions: int) -> float:
    """The mean width of the widest interval with so many labels."""
    widths = []
    for seed in range(repetitions):
        chances = design(trial.doubts, 0, n_labels, seed, trial.effects)
        probabilities = {question: each.probability for question, each in chances.items()}
        looked = {
            question: Looked(truth[question], each.probability)
            for question, each in chances.items()
            if each.is_drawn
        }
        found = estimate_runs(trial.tallies, Sample.of(trial.old, looked, probabilities), F1).figures
        of_runs = [variants[MEAN]["f1"].width for variants in found.values()]
        widths.append(max(1.0 if width is None else width for width in of_runs))
    return float(np.mean(widths))


def needed(trial: Trial, truth: Truth, n_planned: int, width: float, repetitions: int) -> float:
    """The number of labels with which the widest interval is so wide in the mean."""
    numbers = [round(part * n_planned) for part in PARTS]
    widths = [mean_width(trial, truth, number, repetitions) for number in numbers]
    slope, start = np.polyfit(np.log(numbers), np.log(widths), 1)
    return float(np.exp((np.log(width) - start) / slope))


def thinned(truth: Truth, old: Mapping[Question, bool]) -> Truth:
    """The truth if half of the wrong labels, chosen at random, were right."""
    wrong = [question for question, label in truth.items() if label != old[question]]
    right = np.random.default_rng(4).permutation(len(wrong))[: len(wrong) // 2]
    return {**truth, **{wrong[place]: old[wrong[place]] for place in right.tolist()}}


def cases(real: RealAnswers) -> list[tuple[str, Trial, Truth]]:
    """Models together and alone, and labels with half of the errors."""
    truth = {question: real.true.get(question) for question in real.old}
    trial = Trial(real)
    found = [("all", trial, truth)]
    if len(real.answers) > 1:
        found += [
            (name, Trial(RealAnswers(real.benchmark, {name: of_model})), truth)
            for name, of_model in real.answers.items()
        ]
    return [*found, ("all, half the errors", trial, thinned(truth, real.old))]


def rows(name: str, trial: Trial, truth: Truth, widths: Sequence[float], repetitions: int) -> list[list[str]]:
    """A row for each width."""
    wrong = float(np.mean([label != trial.old[question] for question, label in truth.items()]))
    found = []
    for width in widths:
        number = most_labels(planned(trial, wrong), width)
        takes = needed(trial, truth, number, width, repetitions)
        others = [str(most_labels(planned(trial, share), width)) for share in (0.05, 0.2)]
        found.append(
            [
                name,
                f"{wrong:.3f}",
                f"{width:g}",
                str(number),
                f"{takes:.0f}",
                f"{number / takes:.2f}",
                *others,
            ]
        )
    return found


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--repetitions", type=int, default=100)
    options.add_argument("--widths", type=float, nargs="+", default=[0.06, 0.04, 0.03, 0.02])
    given = options.parse_args()
    real = read(given.data, given.answers, given.questions)
    found = [row for case in cases(real) for row in rows(*case, given.widths, given.repetitions)]
    headings = (
        "models", "wrong", "width", "planned", "needed", "planned / needed", "planned at .05", "at .2",
    )  # fmt: skip
    print_table(headings, found)
    print(f"{given.repetitions} repetitions of each of {len(PARTS)} numbers")


if __name__ == "__main__":
    main()
