"""Whether the interval of F1 still holds the truth where labelling stops once it is narrow enough.

    python perf/stopping.py --data DATA --answers FILE [FILE ...] [--questions FILE] [--repetitions 300]
        [--queue 1000] [--certain 0] [--sound 0] [--widths .1 .08 .06 .04 .03]

RePOPE's labels are hidden. Each repetition draws a queue by doubt and effect, and an annotator labels it in the blind
order, in which an image's questions come together. F1 of the last model is estimated after every batch of labels, as
`annotate` does with runs=. The first table is of queues that are labelled as far as a number which nobody chose by what
was found: whether a part is as good as drawn, though it comes by images. The second one is of stopping at the first
batch after which the interval is no wider than asked, or at the queue's end; `holds % fixed` is of the number of labels
nearest to the mean at the stop, for all repetitions alike.

`--certain` is the queue's budget=. `--sound .75` takes three quarters of the wrong labels for sound ones, as if the
benchmark had fewer errors.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from estimate import F1, Trial, Way
from gauges import print_table
from numpy.typing import NDArray
from real_answers import parser, read

from repope_eval.records import Question
from repope_eval.relabelling.estimation import estimate_runs
from repope_eval.relabelling.findings import Finding, is_begun, looked_at
from repope_eval.relabelling.narrowing import BATCH
from repope_eval.relabelling.queue import blind_order
from repope_eval.relabelling.sampled_labels import Looked, Sample

FIXED = (100, 250, 500, 1000)
"""Numbers of labels of the first table."""

VALUE, LOW, HIGH = range(3)

Looks = NDArray[np.float64]
"""Estimate and ends of the interval after each batch, [repetitions, batches, 3]; NaN where labels are too few."""


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--repetitions", type=int, default=300)
    options.add_argument("--queue", type=int, default=1000, help="labels of a whole queue")
    options.add_argument("--certain", type=int, default=0, help="those of the most doubtful questions")
    options.add_argument(
        "--sound", type=float, default=0.0, help="share of wrong labels that are taken for sound"
    )
    options.add_argument("--widths", type=float, nargs="+", default=[0.1, 0.08, 0.06, 0.04, 0.03])
    given = options.parse_args()
    trial = Trial(read(given.data, given.answers, given.questions))
    findings = _fewer_errors(trial, given.sound)
    model = next(reversed(trial.truths))
    truth = _truth(trial, model, findings)
    numbers = np.arange(BATCH, given.queue + 1, BATCH)
    way = Way("doubt and effect", given.certain / given.queue)
    looks = np.array(
        [_looks(trial, model, way, numbers, findings, seed) for seed in range(given.repetitions)]
    )
    _print_fixed(looks, numbers, truth)
    _print_stops(looks, numbers, truth, given.widths)
    print(f"{given.repetitions} repetitions; mean F1 over the variants of {model}: {truth:.4f}")


def _fewer_errors(trial: Trial, sound: float) -> dict[Question, Finding]:
    """What people find, where some wrong labels are right after all."""
    generator = np.random.default_rng(0)
    findings = trial.real.findings
    for question, finding in findings.items():
        old: Finding = "yes" if trial.old[question] else "no"
        if finding != old and generator.random() < sound:
            findings[question] = old
    return findings


def _truth(trial: Trial, model: str, findings: Mapping[Question, Finding]) -> float:
    labels: Mapping[Finding, bool] = {"yes": True, "no": False}
    looked = {question: Looked(labels.get(finding), 1.0) for question, finding in findings.items()}
    value = _f1(trial, model, Sample.of(trial.old, looked, dict.fromkeys(trial.old, 1.0)))[VALUE]
    return float(value)


def _f1(trial: Trial, model: str, sample: Sample) -> tuple[float, float, float]:
    found = estimate_runs({model: trial.tallies[model]}, sample, F1).figures[model]["mean"]["f1"]
    if found.value is None or found.ci95 is None:
        return np.nan, np.nan, np.nan
    return found.value, *found.ci95


def _looks(
    trial: Trial,
    model: str,
    way: Way,
    numbers: NDArray[np.int64],
    findings: Mapping[Question, Finding],
    seed: int,
) -> list[tuple[float, float, float]]:
    """The estimates of one repetition after each batch."""
    queue = trial.queue(way, int(numbers[-1]), seed)
    order = blind_order((each.question for each in queue.values() if each.sampled), f"annotator {seed}")
    found = []
    for number in numbers:
        known = {question: findings[question] for question in order[:number]}
        if is_begun(queue, known):
            found.append(_f1(trial, model, Sample.of(trial.old, *looked_at(queue, known))))
        else:
            found.append((np.nan, np.nan, np.nan))
    return found


def _holding(looks: Looks, truth: float) -> str:
    """How many of 100 intervals hold the truth."""
    looks = looks[~np.isnan(looks[:, LOW])]
    return f"{100 * np.mean((looks[:, LOW] <= truth) & (truth <= looks[:, HIGH])):.1f}"


def _print_fixed(looks: Looks, numbers: NDArray[np.int64], truth: float) -> None:
    rows = []
    for place in [int(np.searchsorted(numbers, number)) for number in FIXED if number <= numbers[-1]]:
        here = looks[:, place]
        rows.append(
            [
                str(numbers[place]),
                f"{np.nanmean(here[:, VALUE]) - truth:+.4f}",
                f"{3.92 * np.nanstd(here[:, VALUE]):.4f}",
                f"{np.nanmean(here[:, HIGH] - here[:, LOW]):.4f}",
                _holding(here, truth),
            ]
        )
    print_table(("labels", "bias", "3.92 sd", "width", "holds %"), rows)


def _print_stops(looks: Looks, numbers: NDArray[np.int64], truth: float, widths: Sequence[float]) -> None:
    rows = []
    for width in widths:
        narrow = looks[..., HIGH] - looks[..., LOW] <= width
        reached = narrow.any(axis=1)
        stops = np.where(reached, narrow.argmax(axis=1), len(numbers) - 1)
        at_stop = looks[np.arange(len(looks)), stops]
        mean = float(numbers[stops].mean())
        rows.append(
            [
                f"{width:g}",
                f"{100 * reached.mean():.0f}",
                f"{mean:.0f}",
                f"{numbers[stops].min()} to {numbers[stops].max()}",
                f"{np.mean(at_stop[:, VALUE]) - truth:+.4f}",
                _holding(at_stop, truth),
                _holding(looks[:, int(np.abs(numbers - mean).argmin())], truth),
            ]
        )
    print_table(
        ("stop at", "reached %", "labels", "from to", "bias", "holds %", "holds % fixed"),
        rows,
    )


if __name__ == "__main__":
    main()
