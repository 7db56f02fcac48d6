"""How often the 95 % intervals of captions' figures hold the truth: of simulated models whose true figures are known.

    python perf/caption_coverage.py [--models 300] [--kinds long short repeated wordy] [--images 50 100 500]
                                    [--chair-i 0.02 0.05 0.15]

An image's caption has a number of mentions, and a rate at which these are hallucinated; both differ between images.

long        7.4 mentions, with a variance of 12; two mentions of an image are hallucinated together with a correlation
            of .12. So have public captions of models that were asked to describe an image
short       1.6 mentions, as in captions of one sentence; some mention nothing
repeated    as long, with a correlation of .5: what is hallucinated is mentioned over and over
wordy       as long, where captions with twice as many mentions have twice the rate

Of the mentions, people then find some to be otherwise than COCO has them, and some ambiguous: the figures under COCO's
truth and under the corrected one are of the same images. A row is a kind, a number of images and the true CHAIRi under
COCO's truth, which is higher than the one asked for where captions are wordy. Its columns are the shares of the models
whose interval holds the true figure under COCO's truth; the share whose change of CHAIRi has an interval, and how many
of those hold the true change; the mean width of CHAIRi's intervals, and how many of these are gamma ones.
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from coverage import correlated, holds
from gauges import print_table
from numpy.typing import NDArray

from repope_eval.scoring.caption_counts import (
    COUNTS,
    SHARES,
    CountTable,
    differences_of,
    drawn_tables,
    figures_of,
    quotient,
)

REPLICATES = 1000
MODELS_AT_ONCE = 50
POPULATION = 200_000
"""Images that the true figures are of."""
EXCUSED, BLAMED, AMBIGUOUS = 0.1, 0.06, 0.08
"""Shares of the hallucinated mentions that are there, of the others that are not, and of all that are ambiguous, as
RePOPE finds where it has looked."""
VERDICT_CORRELATION = 0.3
"""Of two such findings about an image: mentions of one object stand or fall together."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    """What captions are like."""

    mentions: float
    """Their mean number."""
    variance: float
    """The variance of their number between images, above the mean; 0 for a Poisson one."""
    correlation: float
    """Of two mentions of an image being hallucinated."""
    recall: float
    is_wordy: bool = False
    """Whether the rate rises with the number of mentions."""


KINDS: Mapping[str, Kind] = {
    "long": Kind(7.4, 12, 0.12, 0.77),
    "short": Kind(1.6, 1.6, 0.12, 0.4),
    "repeated": Kind(7.4, 12, 0.5, 0.77),
    "wordy": Kind(7.4, 12, 0.12, 0.77, is_wordy=True),
}


def simulated_counts(
    kind: Kind, chair_i: float, n_images: int, generator: np.random.Generator
) -> list[Values]:
    """The counts under COCO's truth and under the corrected one, each [images, counts]."""

    def drawn(number: Values, share: float, correlation: float) -> Values:
        rates, _ = correlated(correlation)(1 - share, (n_images, 1), generator)
        return generator.binomial(number.astype(int), rates[:, 0]).astype(np.float64)

    spread = kind.variance - kind.mentions
    means = (
        generator.gamma(kind.mentions**2 / spread, spread / kind.mentions, n_images) if spread > 0 else None
    )
    mentions = generator.poisson(kind.mentions if means is None else means, n_images).astype(float)
    hallucinated = drawn(mentions, chair_i, kind.correlation)
    if kind.is_wordy:  # of a rate that is twice as high, a share that rises with the number is kept
        kept = np.minimum(1, mentions / (2 * kind.mentions))
        of_twice = drawn(mentions, 2 * chair_i, kind.correlation)
        hallucinated = generator.binomial(of_twice.astype(int), kept).astype(np.float64)
    truths = 1 + generator.poisson(2.2, n_images).astype(float)
    recalled = np.minimum(drawn(truths, kind.recall, 0.03), mentions - hallucinated)
    ambiguous, excused, blamed = (
        drawn(number, share, VERDICT_CORRELATION)
        for number, share in (
            (mentions, AMBIGUOUS),
            (hallucinated, EXCUSED),
            (mentions - hallucinated, BLAMED),
        )
    )
    corrected = np.minimum(hallucinated - excused + blamed, mentions - ambiguous)
    lost = np.minimum(blamed, recalled)
    return [
        _table(mentions, hallucinated, truths, recalled),
        _table(mentions - ambiguous, corrected, np.maximum(truths - lost, 0), recalled - lost),
    ]


def _table(mentions: Values, hallucinated: Values, truths: Values, recalled: Values) -> Values:
    columns = {
        "captions": np.ones(len(mentions)),
        "captions_with": (hallucinated > 0).astype(float),
        "mentions": mentions,
        "hallucinated": hallucinated,
        "truths": truths,
        "recalled": recalled,
        "words": 10 * mentions,
    }
    return np.stack([columns[name] for name in COUNTS], axis=1)


def simulated_tables(
    kind: Kind, chair_i: float, n_images: int, n_models: int, generator: np.random.Generator
) -> Iterator[tuple[CountTable, CountTable]]:
    """The tables of models under COCO's truth and under the corrected one."""
    for start in range(0, n_models, MODELS_AT_ONCE):
        n_here = min(MODELS_AT_ONCE, n_models - start)
        counts = [simulated_counts(kind, chair_i, n_images, generator) for _ in range(n_here)]
        both = {(model, truth): each[truth] for model, each in enumerate(counts) for truth in (0, 1)}
        tables = drawn_tables(both, REPLICATES)
        yield from ((tables[model, 0], tables[model, 1]) for model in range(n_here))


def coverage(name: str, n_images: int, chair_i: float, n_models: int) -> dict[str, float]:
    """The share of the models whose interval holds the truth, by figure, and what else a row has."""
    kind, generator = KINDS[name], np.random.default_rng(11)
    population = simulated_counts(kind, chair_i, POPULATION, generator)
    true, corrected = ({name: quotient(counts, name) or 0.0 for name in SHARES} for counts in population)
    sums = dict.fromkeys((*SHARES, "changes", "held changes", "width", "gamma"), 0.0)
    for tables in simulated_tables(kind, chair_i, n_images, n_models, generator):
        estimates = figures_of(tables[0]).estimates
        for figure in SHARES:
            sums[figure] += holds(estimates[figure].interval, true[figure])
        change = differences_of(tables[0], tables[1], "")["chair_i"].interval
        sums["changes"] += change is not None
        sums["held changes"] += change is not None and holds(change, corrected["chair_i"] - true["chair_i"])
        low, high = estimates["chair_i"].interval or (0.0, 1.0)
        sums["width"] += high - low
        sums["gamma"] += estimates["chair_i"].method == "gamma"
    held = sums["held changes"] / sums["changes"] if sums["changes"] else float("nan")
    shares = {name: total / n_models for name, total in sums.items()}
    return {**shares, "held changes": held, "true": true["chair_i"]}


COLUMNS = (*SHARES, "changes", "held changes", "width", "gamma")
HEADINGS = (
    *("kind", "images", "true CHAIRi", "CHAIRi", "CHAIRs", "recall"),
    *("with a change", "change", "CHAIRi's width", "gamma"),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=300, help="simulated for each row; default: 300")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--images", type=int, nargs="+", default=[50, 100, 500])
    parser.add_argument("--chair-i", type=float, nargs="+", default=[0.02, 0.05, 0.15])
    options = parser.parse_args()
    rows = []
    for kind in options.kinds:
        for n_images in options.images:
            for chair_i in options.chair_i:
                found = coverage(kind, n_images, chair_i, options.models)
                rows.append(
                    [
                        kind,
                        str(n_images),
                        f"{found['true']:.3f}",
                        *(f"{found[column]:.3f}" for column in COLUMNS),
                    ]
                )
    print_table(HEADINGS, rows)


if __name__ == "__main__":
    main()
