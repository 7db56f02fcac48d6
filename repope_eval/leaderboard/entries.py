"""What a leaderboard shows: models with their scores and places, how surely, and which runs it is not about."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repope_eval.records import Variant
from repope_eval.scoring.agreement import Agreement
from repope_eval.scoring.bootstrap import Intervals
from repope_eval.scoring.comparison import Comparison, Standing
from repope_eval.scoring.confusion import Figures
from repope_eval.scoring.coverage import Coverage
from repope_eval.settings import config

PAPER_MARK = " (paper)"
"""Follows the names of the paper's models where there are runs, so that none is taken for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model, by a run of the user's or by the paper's counts."""

    name: str
    """Its own among all entries."""
    model: str
    """The configuration file's name."""
    folder: str | None
    """The run folder; None where the figures are the paper's."""
    n_images: int | None
    """Images with an answer; None where there are counts alone."""
    n_questions: int | None
    """Distinct questions about the images that ranked runs are about; of a run that is not ranked, all that the
    benchmark asks."""
    n_answered: int | None
    """Of them, how many have an answer."""
    figures: Mapping[str, Mapping[Variant, Figures]]
    """Of a ranked run, on the questions that all ranked runs answered."""
    intervals: Mapping[str, Mapping[Variant, Intervals]]
    """Over images; of the paper's models binomial approximations."""
    coverage: Mapping[str, Mapping[Variant, Coverage]]
    """What share of the labelled questions each figure is about; empty for the paper's models."""

    @property
    def is_paper(self) -> bool:
        """Whether the figures are the paper's."""
        return self.folder is None

    def is_partial(self, label_set: str, variant: Variant) -> bool:
        """Whether F1 leaves out more than 1 % of the questions with either label."""
        return not self.is_paper and self.coverage[label_set][variant].is_partial


@dataclass(frozen=True, slots=True, kw_only=True)
class Unranked:
    """A run that has scores, but no place among the others, and why."""

    entry: Entry
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A run that the report cannot use."""

    folder: str
    """Its folder, as seen from the one that was searched."""
    reason: str


@dataclass(frozen=True, slots=True)
class RankAgreement:
    """How alike the rankings of one variant under the two label sets are."""

    group: str
    """Whose rankings: `runs`, or `paper`."""
    variant: Variant
    n_models: int
    agreement: Agreement
    """Without intervals and probabilities where there are counts alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDifference:
    """One value of a setting that the runs do not agree in."""

    key: str
    value: str
    names: tuple[str, ...]
    """Of the runs that have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """All there is to show. Ranked by F1."""

    bench: str
    protocol: config.Protocol
    coverage: float
    """The least share of the questions that a run must have answered to be ranked."""
    label_sets: tuple[str, ...]
    variants: tuple[Variant, ...]
    """`mean` among them where there are several."""
    entries: tuple[Entry, ...]
    """Of all models that are ranked, the best first in the last of the label sets and variants."""
    places: Mapping[str, Mapping[Variant, Mapping[str, int | None]]]
    """By label set, variant and name: the place by F1 among all entries; equal ones share the better."""
    unranked: tuple[Unranked, ...]
    comparison: Comparison | None
    """Of all runs that have scores; None where there is no run."""
    agreements: tuple[RankAgreement, ...]
    pairs: tuple[tuple[Entry, Entry], ...]
    """A run, and the paper's figures of the same model."""
    left_out: tuple[LeftOut, ...]
    differences: tuple[SettingDifference, ...]
    n_benchmark_images: int | None
    n_benchmark_questions: int | None
    """Distinct ones; None where there is no run."""

    @property
    def headline(self) -> Variant:
        """The variant that entries are in the order of: the mean where there is one."""
        return self.variants[-1]

    @property
    def ordered_variants(self) -> tuple[Variant, ...]:
        """The variants with the headline first."""
        return (self.headline, *self.variants[:-1])

    @property
    def has_paper(self) -> bool:
        """Whether the paper's models are among the entries."""
        return any(entry.is_paper for entry in self.entries)

    @property
    def runs(self) -> Sequence[Entry]:
        """The entries that are the user's runs."""
        return [entry for entry in self.entries if not entry.is_paper]

    @property
    def n_images(self) -> int | None:
        """Images that ranked runs are about; None where there is none."""
        return self.comparison.n_images if self.comparison and self.runs else None

    @property
    def n_questions(self) -> int | None:
        """Questions that all ranked runs answered; None where there is none."""
        return self.comparison.n_questions if self.comparison and self.runs else None

    def standing(self, label_set: str, variant: Variant, name: str) -> Standing | None:
        """Of a run among the runs; None for the paper's models."""
        standings = self.comparison.standings[label_set][variant] if self.comparison else ()
        return next((standing for standing in standings if standing.model == name), None)


def file_word(variant: Variant) -> str:
    """A variant's name as a part of the names of files and ids."""
    return re.sub(r"\W", "_", variant)
