"""Two results as the page, the document and the console show where they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repope_eval.records import Variant, label_set_title
from repope_eval.scoring.confusion import Figures
from repope_eval.scoring.differences import Difference
from repope_eval.scoring.gap import Gaps
from repope_eval.scoring.paired_answers import PairedAnswer, ReadDifferently, Tally
from repope_eval.settings import config


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingPair:
    """A setting or fact that differs."""

    key: str
    a: str
    b: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingGroup:
    """Settings that make other answers in one way."""

    name: str
    """What kind of settings they are, such as `prompt` or `pixels`."""
    is_known: bool
    """Whether they are known of both results."""
    changes_answers: bool
    """Whether they can change what a model says; else only answers that hang by a rounding."""
    pairs: tuple[SettingPair, ...]
    """The settings of this kind that differ between the two results."""

    @property
    def state(self) -> str:
        """`differs`, `same` or `unknown`."""
        return "unknown" if not self.is_known else "differs" if self.pairs else "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedResult:
    """One of the two results."""

    letter: str
    name: str
    where: str
    protocol: config.Protocol
    """How its own figures are read."""
    n_answers: int
    """Distinct questions of the benchmark that it answers."""
    n_questions: int
    """Distinct questions of the benchmark."""
    edition: str
    """An older edition of the benchmark that it answers, in words; empty where it answers today's."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolFigures:
    """Both results on the questions that both answered, under the common labels, by one protocol."""

    protocol: config.Protocol
    a: Figures
    b: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedLabels:
    """The gap where the figures of a are under one label set, and those of b under the same or another one."""

    a: str
    """The name of the label set of a's own figures."""
    b: str
    common: str
    gaps: Gaps
    chance: Mapping[Variant, Difference]
    """The gap in F1 that is due to answers, by variant, with its interval."""
    protocols: Mapping[Variant, Sequence[ProtocolFigures]]

    @property
    def title(self) -> str:
        """The label set, or both."""
        a, b = label_set_title(self.a), label_set_title(self.b)
        return a if self.a == self.b else f"{a} (a), {b} (b)"

    @property
    def headline(self) -> Variant:
        """The variant that sums up the others: their mean, or all their questions, or the only one."""
        return list(self.gaps)[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonView:
    """What is known of a comparison."""

    bench: str
    a: ComparedResult
    b: ComparedResult
    protocol: config.Protocol
    """How both are read on common ground."""
    labels: tuple[ComparedLabels, ...]
    """By label set; the last is the one that the verdict is about."""
    tally: Tally
    """Of questions, readings by the common protocol and the last common labels."""
    pairs: Sequence[PairedAnswer]
    """Every question that one of the two answered."""
    read_differently: Sequence[ReadDifferently]
    settings: tuple[SettingGroup, ...]
    images: Mapping[str, Path]
    """The image files that are there, by the names of the images."""

    @property
    def are_settings_known(self) -> bool:
        """Whether anything is known of how the answers of both came about."""
        return any(group.is_known for group in self.settings)

    @property
    def results(self) -> tuple[ComparedResult, ComparedResult]:
        """Both results."""
        return (self.a, self.b)
