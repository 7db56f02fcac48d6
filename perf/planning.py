"""How near the planned number of images comes to the one that shows a difference in 80 of 100 samples.

    python perf/planning.py --data DATA --answers FILE FILE [--questions FILE] [--draws 400] [--replicates 2000]

The images of POPE, with RePOPE's labels and two models' answers about them, are taken for all that there are, so that a
difference is known. Samples of images are drawn from them with replacement, and the difference is tested as `compare`
does. The pairs are the two models, the first of them with some right answers turned wrong until it is so far behind,
and the second against itself with answers turned both ways (`flips`: 5 % of the questions) or only for the worse.

The first table has for each pair the number of images that is planned from all images, how often so many show the
difference, the number that shows it in 80 of 100 samples, and what of that is planned. That number is read off a normal
distribution that is laid through the shares at 60 to 140 % of the planned one. Of a family, `split` tests one pair at
its part of the 5 %, as it is planned, and `step-down` is the adjusted p of all pairs of five models.

The second table is of pilots: how many of the images are drawn, what part of the number by all images is planned in the
middle and between which parts in 95 of 100 pilots, how many of the ranges that are told hold it, and how many pilots
are refused. The third has what a single run plans, with the share of the questions that the two answer otherwise, in
parts of what the pair does.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
from gauges import print_table
from numpy.typing import NDArray
from real_answers import RealAnswers, parser, read

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring import bootstrap
from repope_eval.scoring.bootstrap import MEAN, counts_by_image, labelled_images
from repope_eval.scoring.differences import differences
from repope_eval.scoring.planning import Spread, spread_of_pair, spreads_of_one
from repope_eval.scoring.power import LEVEL, Aim
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.shared_questions import Cell, SharedQuestions, sampled_figures

PROTOCOL = PROTOCOLS["repope"]
FLIPS = 0.05
PARTS = (0.6, 0.8, 1.0, 1.2, 1.4)
"""Numbers of images that are tried, in parts of the planned one."""
PILOTS = (50, 100, 200)
SINGLE, FAMILY = Aim(), Aim(comparisons=10)
"""A family of ten pairs is that of five models."""

Answers = Mapping[Question, Answer]


@dataclass(frozen=True)
class Population:
    """All images that there are, and the models that have answered about them; the first two are compared."""

    name: str
    cell: Cell
    label_set: LabelSet
    models: Mapping[str, Answers]
    counts: NDArray[np.float64] = field(init=False)
    """[images, models, variants, outcomes], of the images that the cell has questions about."""
    questions: SharedQuestions = field(init=False)

    def __post_init__(self) -> None:
        images = labelled_images([self.label_set])
        of_each = [
            counts_by_image([self.label_set], images, answers, PROTOCOL) for answers in self.models.values()
        ]
        object.__setattr__(self, "counts", np.stack(of_each, axis=1))
        object.__setattr__(self, "questions", SharedQuestions(self.models, [self.label_set], PROTOCOL))

    @property
    def pair(self) -> tuple[str, str]:
        """The two models that are compared."""
        first, second, *_ = self.models
        return first, second

    def spread(self, images: NDArray[np.int64] | None = None) -> Spread:
        """What a pilot of these images says; without images, of all."""
        counts = self.counts if images is None else self.counts[images]
        f1 = sampled_figures(counts, [self.label_set], PROTOCOL, ["f1"], drawn=[])["f1"][self.cell]
        return spread_of_pair(self.pair, [f1.model(0), f1.model(1)], len(counts))

    @property
    def difference(self) -> float:
        """That of the two, which is true."""
        f1 = sampled_figures(self.counts, [self.label_set], PROTOCOL, ["f1"], drawn=[])["f1"][self.cell]
        return abs(float(f1.values[0] - f1.values[1]))

    def drawn(self, n_images: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Images that are drawn with replacement."""
        return generator.integers(len(self.counts), size=n_images)

    def p_values(self, images: NDArray[np.int64]) -> tuple[float, float]:
        """Of the pair alone, and among all pairs of the models, as `differences` has them."""
        counts = self.counts[images]
        columns = [(name, self.questions.shared_by(self.models)) for name in self.models]
        f1 = sampled_figures(counts, [self.label_set], PROTOCOL, ["f1"], drawn=["f1"])["f1"]
        found = differences(
            self.questions, {self.cell: list(self.models)}, columns, {self.cell: f1[self.cell]}
        )[self.cell[0]][self.cell[1]][0]
        assert (found.first, found.second) == self.pair
        return (1.0, 1.0) if found.p is None or found.p_adjusted is None else (found.p, found.p_adjusted)


def turned(answers: Answers, labels: Mapping[Question, bool], better: int, worse: int) -> Answers:
    """The answers, so many wrong ones turned right and so many right ones wrong, drawn at random."""
    said = {question: PROTOCOL.read(answer.response) for question, answer in answers.items()}
    order = np.random.default_rng(2).permutation(len(answers)).tolist()
    questions = [question for question in answers if question in labels]
    mixed = [questions[place] for place in order if place < len(questions)]
    wrong = [question for question in mixed if said[question] != labels[question]][:better]
    right = [question for question in mixed if said[question] == labels[question]][:worse]
    texts = {question: "yes" if labels[question] else "no" for question in wrong}
    texts |= {question: "no" if labels[question] else "yes" for question in right}
    return {**answers, **{question: Answer(question, text) for question, text in texts.items()}}


def so_far_behind(made: Callable[[int], Population], difference: float, most: int) -> Population:
    """Of the populations that are made with 0 to `most` answers turned, the one with that difference."""
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if made(middle).difference < difference else (low, middle)
    return made(high)


def populations(real: RealAnswers) -> list[Population]:
    """The pairs, most of them under the mean over the variants."""
    label_set = real.benchmark.label_sets[1]
    labels = label_set.distinct
    (_, seven), (_, thirteen) = real.answers.items()
    both = [question for question in thirteen if question in seven]
    seven, thirteen = ({question: each[question] for question in both} for each in (seven, thirteen))
    mean = (label_set.name, MEAN)

    def behind(name: str, first: Answers, second: Answers) -> Population:
        return Population(name, mean, label_set, {"first": first, "second": second})

    def worse(name: str, first: Answers, base: Answers, difference: float) -> Population:
        def made(number: int) -> Population:
            return behind(name, first, turned(base, labels, 0, number))

        return so_far_behind(made, difference, len(labels) // 5)

    def flipped(difference: float) -> Population:
        number = round(FLIPS * sum(question in labels for question in both))

        def made(more: int) -> Population:
            n_better = (number - more) // 2
            return behind("flips", thirteen, turned(thirteen, labels, n_better, number - n_better))

        return so_far_behind(made, difference, number)

    variant = "popular"
    only = LabelSet(label_set.name, {variant: label_set.variants[variant]})
    return [
        Population("the two models", (label_set.name, variant), only, {"first": seven, "second": thirteen}),
        worse("the two, one worse", thirteen, seven, 0.01),
        worse("the two, one worse", thirteen, seven, 0.02),
        flipped(0.01),
        flipped(0.02),
        worse("only for the worse", thirteen, thirteen, 0.01),
    ]


def family(real: RealAnswers) -> Population:
    """Five models: a pair that is 2 points apart, and three that are about as good as its second."""
    pair = next(each for each in populations(real) if each.difference > 0.015)
    first, second = pair.models.values()
    labels = pair.label_set.distinct
    others = {f"other {number}": turned(second, labels, number, 2 * number) for number in (40, 60, 80)}
    return Population(
        "the two, one worse", pair.cell, pair.label_set, {"first": first, "second": second} | others
    )


def row(population: Population, aim: Aim, test: str, draws: int, generator: np.random.Generator) -> list[str]:
    """The planned number of images, and the one that the simulated test needs."""
    difference = population.difference
    planned = population.spread().images(aim, difference)
    assert planned is not None
    shares = {}
    for part in PARTS:
        n_images = round(part * planned)
        found = 0
        for _ in range(draws):
            p, adjusted = population.p_values(population.drawn(n_images, generator))
            found += adjusted <= LEVEL if test == "step-down" else p <= LEVEL / aim.comparisons
        shares[n_images] = found / draws
    needed = images_for(shares, aim.power, draws)
    at_planned = shares[round(planned)]
    return [
        population.name, population.cell[1], f"{100 * difference:.2f}", str(aim.comparisons), test,
        f"{planned:,}", f"{at_planned:.3f}", f"{needed:,.0f}", f"{planned / needed:.2f}",
    ]  # fmt: skip


def images_for(shares: Mapping[int, float], power: float, draws: int) -> float:
    """The number of images with that power, by the line of the normal quantiles of shares over the roots of numbers."""
    normal = NormalDist()
    roots = np.sqrt(list(shares))
    kept = np.clip(list(shares.values()), 0.5 / draws, 1 - 0.5 / draws)
    quantiles = np.array([normal.inv_cdf(float(share)) for share in kept])
    # A quantile is told the worse, the nearer its share is to an end.
    weights = np.array([normal.pdf(float(quantile)) for quantile in quantiles]) / np.sqrt(kept * (1 - kept))
    slope, start = np.polyfit(roots, quantiles, 1, w=weights)
    return float(((normal.inv_cdf(power) - start) / slope) ** 2)


def pilot_rows(
    population: Population, sizes: Sequence[int], pilots: int, generator: np.random.Generator
) -> list[list[str]]:
    """What pilots of each size plan for one point, in parts of what all images do."""
    truth = population.spread().images(SINGLE, 0.01)
    assert truth is not None
    rows = []
    for size in sizes:
        parts, held = [], []
        for _ in range(pilots):
            spread = population.spread(population.drawn(size, generator))
            planned, bounds = spread.images(SINGLE, 0.01), spread.images_bounds(SINGLE, 0.01)
            if planned is not None and bounds is not None:
                parts.append(planned / truth)
                held.append(bounds[0] <= truth <= bounds[1])
        ends = [f"{end:.2f}" for end in np.percentile(parts, (50, 2.5, 97.5))] if parts else ["–"] * 3
        share = f"{np.mean(held):.3f}" if held else "–"
        refused = f"{1 - len(parts) / pilots:.3f}"
        rows.append([population.name, f"{truth:,}", str(size), *ends, share, refused])
    return rows


def one_run_row(population: Population) -> list[str]:
    """What the second run alone plans for one point, beside the pair."""
    first, second = list(population.models.values())[:2]
    labels = population.label_set.distinct
    asked = [question for question in first if question in labels]
    read = PROTOCOL.read
    flips = float(np.mean([read(first[each].response) != read(second[each].response) for each in asked]))
    (alone,) = spreads_of_one("second", second, [population.label_set], PROTOCOL, flips)[population.cell]
    planned, of_pair = (each.images(SINGLE, 0.01) for each in (alone, population.spread()))
    assert planned is not None
    assert of_pair is not None
    return [population.name, f"{flips:.3f}", f"{planned:,}", f"{of_pair:,}", f"{planned / of_pair:.2f}"]


def main() -> None:
    options: argparse.ArgumentParser = parser(__doc__ or "")
    options.add_argument("--draws", type=int, default=400, help="samples of each size; default: 400")
    options.add_argument("--replicates", type=int, default=2000, help="of the bootstrap; default: 2000")
    options.add_argument("--pairs", type=int, nargs="+", help="the places of pairs from 0 on; default: all")
    given = options.parse_args()
    bootstrap.REPLICATES = given.replicates
    real, generator = read(given.data, given.answers, given.questions), np.random.default_rng(3)
    pairs = populations(real)
    chosen = [pairs[place] for place in given.pairs] if given.pairs else pairs
    tests = [(each, SINGLE, "alone") for each in chosen]
    if not given.pairs:
        tests += [(pairs[2], FAMILY, "split"), (family(real), FAMILY, "step-down")]
    headings = (
        "pair", "variant", "points", "pairs", "test", "planned", "power there", "80 % at", "planned / needed",
    )  # fmt: skip
    print_table(headings, [row(*test, given.draws, generator) for test in tests])
    print()
    titles = ("pair, of 1 point", "all images", "pilot", "middle", "from", "to", "held", "refused")
    print_table(
        titles, [cells for each in chosen for cells in pilot_rows(each, PILOTS, 5 * given.draws, generator)]
    )
    print()
    print_table(
        ("pair, of one run", "flips", "planned", "of the pair", "part"),
        [one_run_row(each) for each in chosen],
    )


if __name__ == "__main__":
    main()
