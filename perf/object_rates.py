"""What shrunken error rates of objects gain over raw ones, and how often their intervals hold the truth.

    python perf/object_rates.py --data DATA_DIR --questions FILE --answers FILE... [--runs 300]

The first table is of simulated runs, whose objects' true rates are drawn from a beta distribution of that mean, such
that two errors about one object correlate as a row says; each object is asked about 1 to 59 times. Columns are the
shares of objects whose interval holds the true rate, to a tenth of a percent, as pages show both: of all objects, of
the worst one of each run, and of all objects with the likeliest distribution in the place of all likely ones. Last, the
root of the mean squared error of the shrunken rates, as a share of that of the raw ones.

The second table halves the images of POPE's real answers, 50 times, and has the rates of one half predict the other
half's answers, object by object. Columns are the root of the mean squared error in points (the other half's own chance
is taken off, by k (n - k) / (n^2 (n - 1)), so objects asked about once there are left out) and the log loss in bits an
answer, of raw rates, of the mean of all objects, and of shrunken rates. For its loss, a raw rate is taken to be
(k + 0.5) / (n + 1), since one surprise would else cost infinitely much. Last, the share of the other half's counts that
are among the middle 95 % of what is predicted.
"""

from collections.abc import Sequence

import numpy as np
from gauges import print_table
from numpy.typing import NDArray
from real_answers import parser, read
from scipy.special import betaincinv
from scipy.stats import betabinom

from repope_eval.records import Question
from repope_eval.scoring.object_rates import OBJECT_ERRORS, likely_distributions, posteriors

N_OBJECTS = (5, 20, 80)
RATES = (
    *((0.0005, 0.0005), (0.01, 0.05), (0.05, 0.1), (0.05, 0.6)),
    *((0.1, 0.001), (0.1, 0.05), (0.3, 0.1), (0.3, 0.6)),
)
"""The mean of the true rates, and the correlation of two errors about one object."""
MOST_QUESTIONS = 59
HALVINGS = 50

Numbers = NDArray[np.int64]
Rates = NDArray[np.float64]


def held(of_wrong: Rates, of_right: Rates, true: Rates) -> NDArray[np.bool_]:
    """Whether the interval of each object holds its true rate, to a tenth of a percent."""
    low, high = (betaincinv(of_wrong, of_right, end).round(3) for end in (0.025, 0.975))
    holds: NDArray[np.bool_] = (low <= true.round(3)) & (true.round(3) <= high)
    return holds


def simulated(n_objects: int, mean: float, correlation: float, n_runs: int) -> Rates:
    """The figures of a row of the first table."""
    generator, number = np.random.default_rng(12), 1 / correlation - 1
    shares, squares = [], []
    for _ in range(n_runs):
        true = generator.beta(mean * number, (1 - mean) * number, n_objects)
        n = generator.integers(1, MOST_QUESTIONS + 1, n_objects)
        wrong = generator.binomial(n, true)
        a, b, weights = likely_distributions(wrong, n)
        best = [weights.argmax()]
        of_wrong, of_right = posteriors(a, b, weights, wrong, n)
        rates, holds = of_wrong / (of_wrong + of_right), held(of_wrong, of_right, true)
        likeliest = held(*posteriors(a[best], b[best], np.ones(1), wrong, n), true)
        shares.append((holds.mean(), holds[rates.argmax()], likeliest.mean()))
        squares.append((((rates - true) ** 2).mean(), ((wrong / n - true) ** 2).mean()))
    shrunken, raw = np.mean(squares, axis=0)
    return np.array([*np.mean(shares, axis=0), np.sqrt(shrunken / raw)])


def halved(errors: Sequence[tuple[Question, bool]]) -> Rates:
    """The figures of a row of the second table, of questions of one label and whether each is answered wrongly."""
    names, objects = np.unique([question.object for question, _ in errors], return_inverse=True)
    images, of_image = np.unique([question.image for question, _ in errors], return_inverse=True)
    wrong = np.array([is_wrong for _, is_wrong in errors])
    generator, found = np.random.default_rng(13), []
    for _ in range(HALVINGS):
        is_first = generator.permutation(len(images))[of_image] < len(images) / 2
        halves = [
            np.array([np.bincount(objects[chosen], minlength=len(names)) for chosen in (half & wrong, half)])
            for half in (is_first, ~is_first)
        ]
        found.append(predicted(halves[0], halves[1], generator))
    figures = np.mean(found, axis=0)
    return np.array([*(100 * np.sqrt(figures[:3])), *figures[3:]])


def predicted(first: Numbers, second: Numbers, generator: np.random.Generator) -> Rates:
    """Squared errors and losses of raw rates, their mean and shrunken ones, and how often intervals hold.

    Args:
        first: the numbers of wrong answers and of all answers, [2, objects], in the half that predicts.
        second: those that are predicted.
        generator: for where a count stands within its own probability.
    """
    both = (first[1] > 0) & (second[1] > 1)
    (wrong, n), (wrong_later, n_later) = first[:, both], second[:, both]
    of_wrong, of_right = posteriors(*likely_distributions(wrong, n), wrong, n)
    mean = np.full(len(n), wrong.sum() / n.sum())
    shrunken = of_wrong / (of_wrong + of_right)
    later = wrong_later / n_later
    chance = later * (1 - later) / (n_later - 1)
    squares = [((rates - later) ** 2 - chance).mean() for rates in (wrong / n, mean, shrunken)]
    bits = [
        -(wrong_later @ np.log2(rates) + (n_later - wrong_later) @ np.log2(1 - rates)) / n_later.sum()
        for rates in ((wrong + 0.5) / (n + 1), mean, shrunken)
    ]
    counts = betabinom(n_later, of_wrong, of_right)
    place = counts.cdf(wrong_later) - generator.random(len(n)) * counts.pmf(wrong_later)
    return np.array([*squares, *bits, ((place > 0.025) & (place < 0.975)).mean()])


def main() -> None:
    words = parser(__doc__ or "")
    words.add_argument("--runs", type=int, default=300, help="simulated for each row; default: 300")
    options = words.parse_args()
    rows = [
        [str(n_objects), f"{mean:g}", f"{correlation:g}", *(f"{figure:.3f}" for figure in figures)]
        for n_objects in N_OBJECTS
        for mean, correlation in RATES
        for figures in [simulated(n_objects, mean, correlation, options.runs)]
    ]
    print_table(("objects", "mean", "correlation", "holds", "worst", "likeliest", "error"), rows)
    print()
    real, rows = read(options.data, options.answers, options.questions), []
    for model, said in real.says_yes().items():
        for name, labels in (("POPE", real.old), ("RePOPE", real.true)):
            for error, label in zip(OBJECT_ERRORS, (False, True), strict=True):
                asked = [
                    (question, bool(yes) != label)
                    for question, yes in said.items()
                    if labels.get(question) is label
                ]
                figures = halved(asked)
                texts = [
                    *(f"{value:.2f}" for value in figures[:3]),
                    *(f"{value:.4f}" for value in figures[3:6]),
                ]
                rows.append([model, name, error, *texts, f"{figures[6]:.3f}"])
    of_three = [f"{what}, {which}" for what in ("error", "bits") for which in ("raw", "mean", "shrunken")]
    print_table(("model", "labels", "kind", *of_three, "holds"), rows)


if __name__ == "__main__":
    main()
