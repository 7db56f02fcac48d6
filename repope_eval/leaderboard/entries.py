"""The records of a leaderboard: models with their scores and places, and the runs that have no place in it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repope_eval.records import Variant
from repope_eval.runs.finished_runs import LeftOut
from repope_eval.scoring.comparison import Agreement, Comparison, Standing
from repope_eval.scoring.protocol_scores import CellScores, Change, Coverage
from repope_eval.scoring.shared_errors import ErrorOverlap, MissedQuestions
from repope_eval.scoring.shared_questions import Cell
from repope_eval.settings import config

PAPER_MARK = " (paper)"
"""Follows the name of a model of the paper where a run has the same name, and in sentences where there are runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model with its scores, which come from a run of the user or from the paper's counts."""

    name: str
    """The name, which no other entry has."""
    model: str
    """The name of the model's configuration file."""
    folder: str | None
    """The run folder, relative to the folder that was searched; None if the figures are the paper's."""
    n_images: int | None
    """The number of images with an answer; None if there are counts alone."""
    n_questions: int | None
    """Distinct questions about the images that ranked runs are about; of a run that is not ranked, all that the
    benchmark asks."""
    n_answered: int | None
    """The number of these questions with an answer."""
    cells: Mapping[str, Mapping[Variant, CellScores]]
    """By label set and variant; the figures of a ranked run are over the questions that all ranked runs answered.
    Intervals are over images; those of the paper's models are binomial approximations."""
    changes: Mapping[Variant, Change]
    """What changes from the first label set to the second; empty for the paper's models."""
    decoding: str = ""
    """How its answers were decoded, in words; empty where that is not known."""
    coverage: Mapping[str, Mapping[Variant, Coverage]]
    """The share of the labelled questions that each figure is about; empty for the paper's models."""

    @property
    def is_paper(self) -> bool:
        """Whether the figures are the paper's."""
        return self.folder is None

    def is_partial(self, label_set: str, variant: Variant) -> bool:
        """Whether there is an F1 that leaves out more than 1 % of the questions with either label."""
        has_f1 = self.cells[label_set][variant].figures.f1 is not None
        return not self.is_paper and has_f1 and self.coverage[label_set][variant].is_partial


@dataclass(frozen=True, slots=True, kw_only=True)
class Unranked:
    """A run that has scores but no place, and the reason."""

    entry: Entry
    reason: str
    coverage: float | None = None
    """The `coverage` that would rank it; None where none would."""


@dataclass(frozen=True, slots=True)
class RankAgreement:
    """How alike the rankings of one variant under the two label sets are."""

    group: str
    """Says whose rankings these are: `runs` or `paper`."""
    variant: Variant
    n_models: int
    agreement: Agreement
    """It has no probabilities if there are counts alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingDifference:
    """One value of a setting that differs between runs."""

    key: str
    value: str
    names: tuple[str, ...]
    """The names of the runs that have this value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """Everything that a leaderboard shows. Models are ranked by F1."""

    bench: str
    source: str
    """The benchmark's `bench.source`."""
    measures: str
    """What the benchmark's figures tell of a model, and what they cannot; empty where there is no run."""
    protocol: config.Protocol
    coverage: float
    """The least share of the questions that a run must have answered to be ranked."""
    label_sets: tuple[str, ...]
    variants: tuple[Variant, ...]
    """The variants; the last of several is `mean`, or `distinct` where a variant has one label only."""
    entries: tuple[Entry, ...]
    """The models, the best first by F1 under the last label set in the last variant; the paper's after the runs where
    they are apart."""
    places: Mapping[str, Mapping[Variant, Mapping[str, int | None]]]
    """The place by F1 among all entries, by label set, variant and name; equal ones share the better place. None where
    F1 is undefined, and of the paper's models where they are apart."""
    unranked: tuple[Unranked, ...]
    comparison: Comparison | None
    """The comparison of all runs that have scores; None if there is no run."""
    overlaps: tuple[ErrorOverlap, ...]
    """How far the errors of each pair of runs that have scores coincide, under the last label set."""
    missed: MissedQuestions | None
    """The questions that most ranked runs miss under the last label set; None of fewer than two."""
    agreements: tuple[RankAgreement, ...]
    pairs: tuple[tuple[Entry, Entry], ...]
    """Each run of a model of the paper, with the paper's entry of the same model."""
    left_out: tuple[LeftOut, ...]
    differences: tuple[SettingDifference, ...]
    n_benchmark_images: int | None
    n_benchmark_questions: int | None
    """The number of distinct questions of the benchmark; None if there is no run."""

    @property
    def headline(self) -> Variant:
        """The variant that decides the order of the entries: the mean over several, or all of their questions."""
        return self.variants[-1]

    @property
    def primary(self) -> Cell:
        """The label set and variant of the one family of pairs that findings are about: what models are ranked by.

        Pairs are compared under every label set and in every variant, and each of these families is adjusted for its
        own pairs only: among many families, some have a small p by chance.
        """
        return self.label_sets[-1], self.headline

    def family(self, label_set: str, variant: Variant) -> str:
        """Whether a family of pairs is `primary` or `secondary`."""
        return "primary" if (label_set, variant) == self.primary else "secondary"

    @property
    def ordered_variants(self) -> tuple[Variant, ...]:
        """The variants with the headline first."""
        return (self.headline, *self.variants[:-1])

    @property
    def has_paper(self) -> bool:
        """Whether the paper's models are among the entries."""
        return any(entry.is_paper for entry in self.entries)

    @property
    def paper_is_apart(self) -> bool:
        """Whether the paper's models have no place, since its counts are over more questions than the runs' figures."""
        return self.has_paper and self.n_questions not in (None, self.n_benchmark_questions)

    @property
    def runs(self) -> Sequence[Entry]:
        """The entries that are the user's runs."""
        return [entry for entry in self.entries if not entry.is_paper]

    @property
    def n_images(self) -> int | None:
        """The number of images that ranked runs are about; None if no run is ranked."""
        return self.comparison.n_images if self.comparison and self.runs else None

    @property
    def n_questions(self) -> int | None:
        """The number of questions that all ranked runs answered; None if no run is ranked."""
        return self.comparison.n_questions if self.comparison and self.runs else None

    def standing(self, label_set: str, variant: Variant, name: str) -> Standing | None:
        """The standing of a run among the runs; None for the paper's models."""
        standings = self.comparison.standings[label_set][variant] if self.comparison else ()
        return next((standing for standing in standings if standing.model == name), None)


def file_word(variant: Variant) -> str:
    """A variant's name as a part of the names of files and ids."""
    return re.sub(r"\W", "_", variant)
