"""Whether estimated scores are right: RePOPE's labels are hidden, and revealed by the queue, again and again.

    python perf/estimate.py --data DATA --answers FILE [FILE ...] [--questions FILE] [--repetitions 500]
        [--disputed SOUND FLIPPED]

Each repetition draws another queue of questions, learns RePOPE's labels of the questions that are to be looked
at, and estimates F1 under RePOPE's labels, whose value over all questions is known. `certain` and `drawn` are the
queue's budget= and sample=. Beside each: the width of an interval by as many labels drawn at
random, where the old labels are not used.

With `--disputed .02 .4`, two annotators dispute 2 % of the sound labels and 40 % of the flipped ones, and nobody
decides. Each design then has two rows: these questions are left out of what was labelled, as if nobody had looked at
them, or they stand among it without a label.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from gauges import print_table
from real_answers import RealAnswers, parser, read

from repope_eval.records import Question
from repope_eval.relabelling.doubt import Chance, design, label_doubts
from repope_eval.relabelling.estimation import estimate
from repope_eval.relabelling.findings import Finding, looked_at
from repope_eval.relabelling.queue import Queued
from repope_eval.scoring.protocol_scores import score
from repope_eval.scoring.protocols import PROTOCOLS

DESIGNS = ((0, 250), (100, 150), (0, 500), (300, 200), (0, 1000), (500, 500))
"""Questions that are certain to be looked at, and those that are drawn."""


@dataclass(frozen=True)
class Repeated:
    """What the repetitions of one design came to."""

    errors: Sequence[float]
    widths: Sequence[float]
    holds: Sequence[bool]

    def cells(self) -> list[str]:
        """Bias, deviation, width, and how many intervals in 100 hold the truth."""
        return [
            f"{np.mean(self.errors):+.4f}",
            f"{np.std(self.errors):.4f}",
            f"{np.mean(self.widths):.4f}",
            f"{100 * np.mean(self.holds):.1f}",
        ]


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--repetitions", type=int, default=500)
    options.add_argument(
        "--disputed", type=float, nargs=2, help="shares of the sound labels and the flipped ones"
    )
    options.add_argument("--model", help="whose scores are estimated; default: that of the last file")
    given = options.parse_args()
    real = read(given.data, given.answers, given.questions)
    model = given.model or list(real.answers)[-1]
    scores = label_doubts(real.old, real.says_yes()).scores
    if given.disputed:
        _print_disputed(real, model, scores, given)
        return
    rows, settled = [], _findings(real)
    for certain, drawn in DESIGNS:
        of_queue = _repeat(real, model, scores, (certain, drawn), given.repetitions, settled)
        at_random = _width_at_random(real, model, certain + drawn, given.repetitions)
        cells = [str(certain + drawn), str(certain), str(drawn), *of_queue.cells()]
        rows.append([*cells, f"{at_random:.4f}", f"{np.mean(of_queue.widths) / at_random:.2f}"])
    print_table(
        ("labels", "certain", "drawn", "bias", "sd", "width", "holds %", "random's width", "ratio"), rows
    )
    print(
        f"{given.repetitions} repetitions; mean F1 over the variants of {model} under RePOPE: {_truth(real, model):.4f}"
    )


def _print_disputed(
    real: RealAnswers, model: str, scores: Mapping[Question, float], given: argparse.Namespace
) -> None:
    of_sound, of_flipped = given.disputed
    generator = np.random.default_rng(0)
    findings = _findings(real)
    old = real.old
    for question, label in real.true.items():
        if generator.random() < (of_sound if label == old[question] else of_flipped):
            findings[question] = "disputed"
    left_out = {question: finding for question, finding in findings.items() if finding != "disputed"}
    rows = []
    for certain, drawn in DESIGNS:
        for name, known in (("left out", left_out), ("without a label", findings)):
            of_queue = _repeat(real, model, scores, (certain, drawn), given.repetitions, known)
            rows.append([str(certain + drawn), str(certain), str(drawn), name, *of_queue.cells()])
    print_table(("labels", "certain", "drawn", "disputes", "bias", "sd", "width", "holds %"), rows)
    print(
        f"{given.repetitions} repetitions; {len(findings) - len(left_out)} of {len(findings):,} questions would be in "
        f"dispute; mean F1 over the variants of {model} under RePOPE: {_truth(real, model):.4f}"
    )


def _truth(real: RealAnswers, model: str) -> float:
    cells = score(model, "repope", real.benchmark.label_sets, real.answers[model], "repope").cells
    found = cells["repope"]["mean"].figures.f1
    assert found is not None
    return found


def _repeat(
    real: RealAnswers,
    model: str,
    scores: Mapping[Question, float],
    sizes: tuple[int, int],
    repetitions: int,
    findings: Mapping[Question, Finding],
) -> Repeated:
    """What the repetitions come to, where people find this about what is drawn, and nothing of others."""
    truth = _truth(real, model)
    variants = real.benchmark.label_sets[0].variants
    errors, widths, holds = [], [], []
    for seed in range(repetitions):
        chances = design(scores, *sizes, seed)
        looked, probabilities = looked_at(_queue(real, chances), findings)
        of_model = estimate(variants, looked, probabilities, real.answers[model], PROTOCOLS["repope"])
        found = of_model["mean"]["f1"]
        assert found.value is not None
        assert found.ci95 is not None
        errors.append(found.value - truth)
        widths.append(found.ci95[1] - found.ci95[0])
        holds.append(found.ci95[0] <= truth <= found.ci95[1])
    return Repeated(errors, widths, holds)


def _width_at_random(real: RealAnswers, model: str, count: int, repetitions: int) -> float:
    """The width of a 95 % interval where labels are drawn at random and the old ones are not used: 3.92 deviations."""
    said = real.says_yes()[model]
    outcomes = [
        np.array(
            [
                (label and said.get(question) == 1, label != said.get(question) and question in said)
                if (label := labels.get(question)) is not None
                else (False, False)
                for question in real.old
            ]
        )
        for labels in real.benchmark.label_sets[1].variants.values()
    ]
    generator = np.random.default_rng(0)
    found = []
    for _ in range(repetitions):
        drawn = generator.choice(len(real.old), count, replace=False)
        counts = [of_variant[drawn].sum(axis=0) for of_variant in outcomes]
        found.append(np.mean([2 * right / (2 * right + wrong) for right, wrong in counts]))
    return 3.92 * float(np.std(found))


def _findings(real: RealAnswers) -> dict[Question, Finding]:
    """RePOPE's labels, all of them settled."""
    words: Mapping[bool | None, Finding] = {True: "yes", False: "no", None: "ambiguous"}
    true = real.true
    return {question: words[true.get(question)] for question in real.old}


def _queue(real: RealAnswers, chances: Mapping[Question, Chance]) -> dict[Question, Queued]:
    old = real.old
    return {
        question: Queued(
            question=question,
            label=old[question],
            score=0,
            p_sampled=chance.probability,
            sampled=chance.is_drawn,
        )
        for question, chance in chances.items()
    }


if __name__ == "__main__":
    main()
