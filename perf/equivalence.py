"""How often results that differ by the margin are shown to be the same, and results that are the same: real answers.

    python perf/equivalence.py --data DIR --answers FILE [--questions FILE] [--images 100 500 2000] [--simulations 2000]

The answers of a file to POPE are one result, and those with some of them turned the other, so that the true difference
of F1, the mean over POPE's variants under RePOPE's labels, is known. Images are drawn with replacement.

In the first table the margin is the true difference, so that "same" is an error. Right answers are turned: of one
question an image (single), of some beside as many wrong ones (both ways), of up to three questions about each of a few
images (half images) or of all (whole images). Beside `compare` stands the 90 % interval of percentiles of a bootstrap
over images. In the second table as many turned answers help as harm, so that "same" is right, and the last columns are
about how many images it takes, the median, and how often that many show it.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import real_answers
from gauges import print_table

from repope_eval.records import Answer, Question
from repope_eval.scoring.bootstrap import counts_by_image, drawn_totals, drawn_weights, labelled_images
from repope_eval.scoring.confusion import Values, figure_values
from repope_eval.scoring.equivalence import equivalence
from repope_eval.scoring.protocols import PROTOCOLS

PROTOCOL = PROTOCOLS["repope"]
REPLICATES = 1_000
MARGINS = (0.005, 0.01)
CASES: Mapping[str, Sequence[float]] = {
    "single": (0.002, 0.005, 0.01, 0.03),
    "both ways": (0.005, 0.01, 0.02),
    "half images": (0.005, 0.01, 0.02),
    "whole images": (0.005, 0.01, 0.02),
}
"""True differences by how the answers turn."""
BOTH_WAYS = 60
"""So many further right answers are turned, and wrong ones until they cancel out."""
ON_BALANCE = (0, 2, 4, 8, 16, 32, 64, 128)
"""Right answers that are turned in results that are the same."""
SEED = 0


class Population:
    """The images of the benchmark with a model's answers, of which some can be turned."""

    def __init__(self, found: real_answers.RealAnswers) -> None:
        self._labels = found.benchmark.label_sets[1]
        self._images = labelled_images([self._labels])
        self._answers = next(iter(found.answers.values()))
        self.unturned = self._counts(self._answers)
        read = {
            question: (PROTOCOL.read(self._answers[question].response), label)
            for question, label in self._labels.distinct.items()
            if question in self._answers
        }
        generator = np.random.default_rng(SEED)
        order = [list(read)[place] for place in generator.permutation(len(read))]
        self.right = [question for question in order if read[question][0] is read[question][1]]
        self.wrong = [question for question in order if read[question][0] is (not read[question][1])]

    def _counts(self, answers: Mapping[Question, Answer]) -> Values:
        return counts_by_image([self._labels], self._images, answers, PROTOCOL)

    def turned(self, questions: Sequence[Question]) -> Values:
        """The counts with the answers to these questions turned."""
        says_yes = {question: PROTOCOL.read(self._answers[question].response) for question in questions}
        turned = {question: Answer(question, "no" if said else "yes") for question, said in says_yes.items()}
        return self._counts({**self._answers, **turned})

    def difference(self, questions: Sequence[Question]) -> float:
        """The true difference of F1 with the answers to these questions turned."""
        return f1(self.turned(questions).sum(axis=0)) - f1(self.unturned.sum(axis=0))

    def shortest(self, questions: Sequence[Question], is_enough: Callable[[float], bool]) -> list[Question]:
        """The first of the questions, as many as make the difference large enough."""
        low, high = 0, len(questions)
        while low < high:
            middle = (low + high) // 2
            low, high = (
                (low, middle) if is_enough(self.difference(questions[:middle])) else (middle + 1, high)
            )
        return list(questions[:low])

    def balanced(self, n_right: int) -> list[Question]:
        """So many right answers to be turned, and as many wrong ones as make up for them."""
        start = self.right[:n_right]
        done = self.difference(start)
        wrong = self.shortest(self.wrong, lambda gain: gain >= -done)
        return [*start, *wrong]

    def differing_by(self, case: str, difference: float) -> list[Question]:
        """Answers to be turned, in this way, until the true difference is at least that."""
        start = self.balanced(BOTH_WAYS) if case == "both ways" else []
        done = self.difference(start)
        left = [question for question in self.right if question not in set(start)]
        if case == "single":
            left = list({question.image: question for question in left}.values())
        elif case in ("half images", "whole images"):
            left = list(by_image(left, 3 if case == "half images" else len(left)))
        return [*start, *self.shortest(left, lambda loss: done + loss <= -difference)]


def by_image(questions: Sequence[Question], most: int) -> Iterator[Question]:
    """The questions, those about an image together, and at most so many of them."""
    of_image: dict[str, list[Question]] = {}
    for question in questions:
        of_image.setdefault(question.image, []).append(question)
    for several in of_image.values():
        yield from several[:most]


def f1(totals: Values) -> float:
    """The mean F1 of counts, [cells, outcomes]."""
    return float(figure_values(totals, PROTOCOL)["f1"].mean())


@dataclass(frozen=True)
class Simulated:
    """What is found in draws of the images."""

    n_differing: float
    shown: float
    """The share of draws in which the two are shown to be the same."""
    by_bootstrap: float | None
    needed: float
    """The median of how many images it takes; NaN where none needs more."""


def simulated(
    first: Values, second: Values, n_images: int, margin: float, n_simulations: int, *, has_bootstrap: bool
) -> Simulated:
    generator = np.random.default_rng(SEED)
    n_differing, shown, by_bootstrap, needed = [], [], [], []
    for _ in range(n_simulations):
        drawn = generator.integers(len(first), size=n_images)
        a, b = first[drawn], second[drawn]
        found = equivalence(a, b, PROTOCOL, margin)
        n_differing.append((a != b).any(axis=(1, 2)).sum())
        shown.append(found.verdict == "same")
        needed += [found.images_needed] if found.images_needed else []
        if has_bootstrap:
            low, high = percentiles(a, b)
            by_bootstrap.append(-margin < low and high < margin)
    return Simulated(
        n_differing=float(np.mean(n_differing)),
        shown=float(np.mean(shown)),
        by_bootstrap=float(np.mean(by_bootstrap)) if has_bootstrap else None,
        needed=float(np.median(needed)) if needed else float("nan"),
    )


def percentiles(first: Values, second: Values) -> tuple[float, float]:
    """The 90 % interval of the difference by percentiles of a bootstrap over images."""
    counts = np.stack([first, second], axis=1)
    flat = counts.reshape(len(counts), -1)
    parts = [drawn_totals(weights, flat) for weights in drawn_weights(len(counts), REPLICATES)]
    totals = np.concatenate(parts).reshape(-1, *counts.shape[1:])
    values = figure_values(totals, PROTOCOL)["f1"].mean(axis=-1)
    low, high = np.percentile(values[:, 0] - values[:, 1], (5, 95))
    return float(low), float(high)


def main() -> None:
    parser = real_answers.parser(__doc__ or "")
    parser.add_argument("--images", type=int, nargs="+", default=[100, 500, 2000])
    parser.add_argument("--simulations", type=int, default=2000)
    options = parser.parse_args()
    population = Population(real_answers.read(options.data, options.answers[:1], options.questions))
    print_table(
        ("images", "turned", "true", "differing", "compare", "bootstrap"), error_rows(population, options)
    )
    print()
    print_table(
        ("images", "margin", "right turned", "differing", "shown", "it takes", "shown with these"),
        power_rows(population, options),
    )


def error_rows(population: Population, options: argparse.Namespace) -> list[list[str]]:
    """How often results are shown to be the same that differ by the margin."""
    rows = []
    for n_images in options.images:
        for case, differences in CASES.items():
            for difference in differences:
                turned = population.turned(population.differing_by(case, difference))
                true = abs(f1(turned.sum(axis=0)) - f1(population.unturned.sum(axis=0)))
                found = simulated(
                    turned, population.unturned, n_images, true, options.simulations, has_bootstrap=True
                )
                rates = (f"{found.shown:.3f}", f"{found.by_bootstrap:.3f}")
                rows.append([str(n_images), case, f"{100 * true:.2f}", f"{found.n_differing:.1f}", *rates])
    return rows


def power_rows(population: Population, options: argparse.Namespace) -> list[list[str]]:
    """How often results are shown to be the same that are, and with as many images as it takes."""
    rows = []
    for n_images in options.images:
        for margin in MARGINS:
            for n_right in ON_BALANCE:
                turned = population.turned(population.balanced(n_right))
                pair = (turned, population.unturned)
                found = simulated(*pair, n_images, margin, options.simulations, has_bootstrap=False)
                end = ["–", "–"]
                if not np.isnan(found.needed):
                    with_these = simulated(
                        *pair, int(found.needed), margin, min(200, options.simulations), has_bootstrap=False
                    )
                    end = [f"{found.needed:.0f}", f"{with_these.shown:.3f}"]
                rows.append(
                    [
                        str(n_images),
                        f"{100 * margin:.2f}",
                        str(n_right),
                        f"{found.n_differing:.1f}",
                        f"{found.shown:.3f}",
                        *end,
                    ]
                )
    return rows


if __name__ == "__main__":
    main()
