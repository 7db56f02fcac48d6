"""What a leaderboard shows: models with their scores and places, how surely, and which runs it is not about."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repope_eval import config
from repope_eval.records import Variant
from repope_eval.scoring.bootstrap import Intervals
from repope_eval.scoring.comparison import Comparison
from repope_eval.scoring.confusion import Figures

PAPER_MARK = " (paper)"
"""Follows the names of the paper's models where there are runs, so that none is taken for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model, by a run of the user's or by the paper's counts."""

    name: str
    """Its own among all entries."""
    model: str
    """The configuration file's name."""
    place: str | None
    """The run folder; None where the figures are the paper's."""
    n_images: int | None
    """Images with an answer; None where there are counts alone."""
    n_questions: int | None
    """Distinct questions about those images; of a run that is not ranked, all that the benchmark asks."""
    n_answered: int | None
    """Of them, how many have an answer."""
    figures: Mapping[str, Mapping[Variant, Figures]]
    intervals: Mapping[str, Mapping[Variant, Intervals]]
    """Over images; of the paper's models binomial approximations."""

    @property
    def is_paper(self) -> bool:
        """Whether the figures are the paper's."""
        return self.place is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unranked:
    """A run that has scores, but no place among the others, and why."""

    entry: Entry
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A run that the report cannot use."""

    place: str
    """Its folder, as seen from the one that was searched."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaker:
    """A model behind another under the first label set and before it under the second."""

    model: str
    overtaken: str
    share: float | None
    """Of the replicates in which it is so; None where there are counts alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankAgreement:
    """How alike the rankings of one variant under the two label sets are."""

    group: str
    """Whose rankings: `runs`, or `paper`."""
    variant: Variant
    n_models: int
    tau: float | None
    """Kendall's tau-b."""
    interval: tuple[float, float] | None
    overtakers: tuple[Overtaker, ...]


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
    label_sets: tuple[str, ...]
    variants: tuple[Variant, ...]
    """`mean` among them where there are several."""
    entries: tuple[Entry, ...]
    """Of all models that are ranked, the best first in the last of the label sets and variants."""
    ranks: Mapping[str, Mapping[Variant, Mapping[str, int | None]]]
    """By label set, variant and name: the place by F1 among all entries; equal ones share the better."""
    unranked: tuple[Unranked, ...]
    comparison: Comparison | None
    """Of the ranked runs, on the images that all of them have answers about; None where there is no run."""
    agreements: tuple[RankAgreement, ...]
    pairs: tuple[tuple[Entry, Entry], ...]
    """A run, and the paper's figures of the same model."""
    left_out: tuple[LeftOut, ...]
    differences: tuple[SettingDifference, ...]
    n_images: int | None
    """That the ranked runs have answers about; None where there is no run."""
    n_benchmark_images: int | None

    @property
    def headline(self) -> Variant:
        """The variant that entries are in the order of: the mean where there is one."""
        return self.variants[-1]

    @property
    def has_paper(self) -> bool:
        """Whether the paper's models are among the entries."""
        return any(entry.is_paper for entry in self.entries)

    @property
    def runs(self) -> Sequence[Entry]:
        """The entries that are the user's runs."""
        return [entry for entry in self.entries if not entry.is_paper]

    def rank_interval(self, label_set: str, variant: Variant, name: str) -> tuple[int, int] | None:
        """Of a run, among the runs; None for the paper's models, and where a figure is undefined."""
        if self.comparison is None:
            return None
        standings = self.comparison.standings[label_set][variant]
        return next((standing.ranks for standing in standings if standing.model == name), None)


def file_word(variant: Variant) -> str:
    """A variant's name as a part of the names of files and ids."""
    return re.sub(r"\W", "_", variant)
