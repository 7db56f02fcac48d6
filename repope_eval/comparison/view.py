"""Two results as the page, the document and the console show where they differ, and what that comes to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.sources import label_set_phrase, label_set_title
from repope_eval.records import Variant
from repope_eval.reporting.figure_texts import (
    p_text,
    points_interval_text,
    points_text,
    share_text,
    shortened_names,
)
from repope_eval.scoring.confusion import Figures
from repope_eval.scoring.differences import Difference
from repope_eval.scoring.equivalence import Equivalence
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.gap import LEAST, Cause, Gap, Gaps, Part
from repope_eval.scoring.paired_answers import PairedAnswer, ReadDifferently, Tally
from repope_eval.scoring.thresholds import ThresholdCheck
from repope_eval.settings import config
from repope_eval.settings.decoding import DECODING
from repope_eval.wording import counted, first_few


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingPair:
    """A setting or fact that differs."""

    key: str
    a: str
    b: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingGroup:
    """Settings that can change answers in one way."""

    name: str
    """What kind of settings they are, such as `prompt` or `pixels`."""
    is_known: bool
    """Whether they are known of both results."""
    changes_answers: bool
    """Whether they can change what a model says; else only near-tied answers."""
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
    equivalence: Mapping[Variant, Equivalence]
    """Whether the answers have the same F1 within a margin, by variant; empty where none is set."""
    thresholds: ThresholdCheck
    """What thresholds on b's confidences give, under the common labels."""

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
    flip_rate: Estimate
    """The share of questions that both answered whose readings differ by the common protocol."""
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
    def headings(self) -> Sequence[str]:
        """The names of both results, short enough for the heading of a column, and never alike."""
        return shortened_names([result.name for result in self.results], LONGEST_HEADING)

    @property
    def results(self) -> tuple[ComparedResult, ComparedResult]:
        """Results a and b, in this order."""
        return (self.a, self.b)


LONGEST_HEADING = 28
"""The most characters of a name in the heading of a column."""

SURE = 0.05
"""The p value up to which a difference is more than chance."""

MOST_KEYS = 2
"""Settings of a group that a sentence names."""


def verdict(view: ComparisonView) -> str:
    """The gap under the last labels in the variant that sums up the others, and its main cause."""
    return " ".join(_sentences(view))


def _sentences(view: ComparisonView) -> Iterator[str]:
    labels = view.labels[-1]
    gap, chance = labels.gaps[labels.headline]["f1"], labels.chance[labels.headline]
    if gap.value is None:
        yield f"F1 is undefined for {_names_without_figure(view, gap)}, so there is no gap to take apart."
        return
    parts = {cause: part.value for cause, part in gap.parts.items() if part.value is not None}
    if len(parts) < len(gap.parts):
        yield _gap_sentence(view, labels, gap, gap.value)
        yield "On what both have in common F1 is undefined, so the gap cannot be taken apart."
        return
    yield _answers_sentence(view, parts["answers"], chance, is_sameness_tested=bool(labels.equivalence))
    yield _gap_sentence(view, labels, gap, gap.value)
    shown = {cause: part for cause, part in parts.items() if abs(part) >= LEAST}
    if shown:
        main = max(shown, key=lambda cause: abs(shown[cause]))
        yield _cause_sentence(view, labels, gap, main, shown)
    if view.tally.n_same < view.tally.n_shared:
        yield _settings_sentence(view)


def paper_sentence(view: ComparisonView) -> str | None:
    """The difference that is due to answers, as a paper prints it; None where there is none to tell."""
    labels = view.labels[-1]
    chance = labels.chance[labels.headline]
    if chance.value is None:
        return None
    several = f" ({labels.headline})" if len(labels.gaps) > 1 else ""
    interval = (
        f"no interval: {chance.reason}"
        if chance.interval is None
        else f"95 % {points_interval_text(chance.interval)}"
    )
    sure = "" if chance.p is None else f", p {p_text(chance.p)}"
    return (
        f"F1{several} of {view.a.name} less that of {view.b.name}: {points_text(chance.value)} points "
        f"({interval}{sure}) under {label_set_phrase(labels.common)}, on the "
        f"{counted(chance.n_questions, 'question', ',')} about {counted(chance.n_images, 'image', ',')} "
        f"that both answered, protocol {view.protocol}"
    )


def _gap_sentence(view: ComparisonView, labels: ComparedLabels, gap: Gap, value: float) -> str:
    variant = f" ({labels.headline})" if len(labels.gaps) > 1 else ""
    under_a = f" under {label_set_phrase(labels.a)}" if labels.a != labels.b else ""
    figures = (
        f"As each was answered, read and labelled, F1{variant} is {_share_phrase(gap.a.own)} for "
        f"{view.headings[0]}{under_a} and {_share_phrase(gap.b.own)} for {view.headings[1]} under "
        f"{label_set_phrase(labels.b)}"
    )
    if abs(value) < LEAST:
        return f"{figures}: no gap."
    return f"{figures}: {view.headings[0]} is {_size_in_points(value)} {'ahead' if value > 0 else 'behind'}."


def _cause_sentence(
    view: ComparisonView,
    labels: ComparedLabels,
    gap: Gap,
    main: Cause,
    parts: Mapping[Cause, float],
) -> str:
    """Says what the largest part is, and the other parts; no part is a share of the gap where they go both ways."""
    part, value = parts[main], gap.value or 0.0
    what, sure = CAUSE_WORDS[main] + _detail(view, labels, main), _certainty_of_part(gap.parts[main], main)
    others = ", ".join(
        f"{CAUSE_WORDS[cause]} {points_text(parts[cause])}" for cause in parts if cause != main
    )
    if not others:
        return f"All of it comes from {what}{sure}."
    if abs(part) <= abs(value) and all(each * value > 0 for each in parts.values()):
        return f"{100 * abs(part):.2f} of the {_size_in_points(value)} come from {what}{sure}; the rest: {others}."
    return f"The causes work in both directions: {what} {points_text(part)} points{sure}; {others}."


def _certainty_of_part(part: Part, cause: Cause) -> str:
    """How sure a part is, and how much it depends on the order; of the answers, another sentence says it."""
    if cause == "answers":
        return ""
    said = f", without an interval ({part.reason})"
    if part.interval is not None:
        said = f", 95 % {points_interval_text(part.interval)}"
    if part.depends_on_order:
        said += f" ({points_interval_text(part.order_bounds)} by the order in which the causes are taken out)"
    return said


CAUSE_WORDS: Mapping[Cause, str] = {
    "questions": "other questions",
    "reading": "another reading of the answers",
    "labels": "other labels",
    "answers": "other answers",
}


def _detail(view: ComparisonView, labels: ComparedLabels, cause: Cause) -> str:
    """The numbers behind a cause, in brackets or after a comma."""
    tally = view.tally
    match cause:
        case "questions":
            editions = [
                (name, each.edition)
                for name, each in zip(view.headings, view.results, strict=True)
                if each.edition
            ]
            if view.a.edition == view.b.edition:
                editions = []
            old = "".join(f"; {name} answers {edition}" for name, edition in editions)
            return (
                f" ({view.headings[0]} answers {tally.n_shared + tally.n_only_a:,}, {view.headings[1]} "
                f"{tally.n_shared + tally.n_only_b:,}, both {tally.n_shared:,}{old})"
            )
        case "reading":
            of_a, of_b = tally.n_read_differently
            return (
                f" ({view.headings[0]} by {view.a.protocol}, {view.headings[1]} by {view.b.protocol}, which read "
                f"{counted(of_a, 'answer', ',')} of the former and {of_b:,} of the latter differently)"
            )
        case "labels":
            if labels.a == labels.b:
                return f" (two editions of {label_set_phrase(labels.a)})"
            return (
                f" ({view.headings[0]} under {label_set_phrase(labels.a)}, {view.headings[1]} under "
                f"{label_set_phrase(labels.b)})"
            )
        case "answers":
            return f" ({tally.n_shared - tally.n_same:,} of {tally.n_shared:,} are not the same)"


WITHIN_CHANCE = "Within chance, which is no proof that they are the same (margin=.005 tests that)"
"""Where nothing is said of whether two results are the same, since no margin is set."""


def _answers_sentence(
    view: ComparisonView, value: float, chance: Difference, *, is_sameness_tested: bool
) -> str:
    """How far apart the answers are when all else is common, and whether that is more than chance."""
    tally = view.tally
    if tally.n_same == tally.n_shared:
        same = f"On all {tally.n_shared:,} questions that both answered, the answers are the same when read alike"
        if view.a.protocol == view.b.protocol or any(tally.n_read_differently):
            return f"{same}."
        return f"{same}, and {view.a.protocol} and {view.b.protocol} read each of them the same."
    ground = f"on the {counted(tally.n_shared, 'question', ',')} that both answered, read and labelled alike"
    a, b = view.headings
    found = f"F1 of {a} is {_size_in_points(value)} {'above' if value > 0 else 'below'} that of {b}"
    if abs(value) < LEAST:
        found = f"F1 of {a} and of {b} is the same"
    if chance.p is None:
        return f"{ground[:1].upper()}{ground[1:]}, {found}, without an interval ({chance.reason})."
    within = "Within chance" if is_sameness_tested else WITHIN_CHANCE
    verdict = "More than chance" if chance.p <= SURE else within
    if chance.interval is None:
        return f"{verdict}: {ground}, {found}, without an interval ({chance.reason}). {_exact_test_text(chance)}."
    return (
        f"{verdict}: {ground}, {found} (95 % {points_interval_text(chance.interval)}, p {p_text(chance.p)})."
    )


def _exact_test_text(chance: Difference) -> str:
    """What the exact test says, in words."""
    share = "less than 0.1 %" if chance.p is None or chance.p < 0.001 else f"{100 * chance.p:.1f} %"
    return (
        f"If it were chance which of the two gave which answer in the {chance.n_differing} of "
        f"{counted(chance.n_images, 'image', ',')} in which they differ, {share} of the cases would show a gap at "
        "least as large (exact test)"
    )


def _settings_sentence(view: ComparisonView) -> str:
    """Which known settings may make the answers differ; where none is known, which ones most often do."""
    if not view.are_settings_known:
        return (
            "How the answers came about is unknown: another prompt, checkpoint or decoding (greedy or sampled) may be "
            "why."
        )
    differing = [group for group in view.settings if group.pairs]
    strong = [_named_group(group) for group in differing if group.changes_answers]
    if strong:
        return f"What may be why: {', '.join(strong)}."
    if differing:
        names = ", ".join(group.name for group in differing)
        return f"Of what is known only this differs, and it changes near-tied answers alone: {names}."
    return "No known setting differs."


def _named_group(group: SettingGroup) -> str:
    """A group and the first of its settings that differ, such as `pixels (model.max_tiles)`; of decoding the words."""
    if group.name == DECODING:
        return f"{group.name} ({' against '.join((group.pairs[0].a, group.pairs[0].b))})"
    return f"{group.name} ({first_few([pair.key for pair in group.pairs], MOST_KEYS)})"


def _names_without_figure(view: ComparisonView, gap: Gap) -> str:
    pairs = zip(view.headings, (gap.a, gap.b), strict=True)
    return " and ".join(name for name, each in pairs if each.own is None)


def _share_phrase(value: float | None) -> str:
    return "undefined" if value is None else f"{share_text(value)} %"


def _size_in_points(value: float) -> str:
    return f"{share_text(abs(value))} points"


def chance_fields(difference: Difference) -> dict[str, Any]:
    """A difference of F1 as a part of the document."""
    return {
        "value": difference.value,
        "ci95": difference.interval,
        "p": difference.p,
        "n_questions": difference.n_questions,
        "n_images": difference.n_images,
        "n_differing": difference.n_differing,
        "reason": difference.reason,
    }
