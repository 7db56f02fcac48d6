"""Two results as the page, the document and the console show where they differ, and what that comes to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repope_eval.benchmarks.sources import label_set_phrase, label_set_title
from repope_eval.records import Variant
from repope_eval.reporting.figure_texts import UNDEFINED, interval_text, number_text, p_text
from repope_eval.scoring.confusion import Figures
from repope_eval.scoring.differences import Difference
from repope_eval.scoring.estimates import Interval
from repope_eval.scoring.gap import LEAST, Cause, Gap, Gaps, Part
from repope_eval.scoring.paired_answers import PairedAnswer, ReadDifferently, Tally
from repope_eval.settings import config
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
        """Results a and b, in this order."""
        return (self.a, self.b)


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
        yield f"F1 is undefined for {_sides_without_figure(gap)}, so there is no gap to take apart."
        return
    parts = {cause: part.value for cause, part in gap.parts.items() if part.value is not None}
    yield _gap_sentence(labels, gap, gap.value)
    if len(parts) < len(gap.parts):
        yield "On what both have in common F1 is undefined, so the gap cannot be taken apart."
        return
    shown = {cause: part for cause, part in parts.items() if abs(part) >= LEAST}
    if shown:
        main = max(shown, key=lambda cause: abs(shown[cause]))
        yield _cause_sentence(view, labels, gap, main, shown)
    yield _chance_sentence(view, gap, chance)


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
    sure = "" if chance.p is None else f", {_p_phrase(chance.p)}"
    return (
        f"F1{several} of {view.a.name} less that of {view.b.name}: {points_text(chance.value)} points "
        f"({interval}{sure}) under {label_set_phrase(labels.common)}, on the "
        f"{counted(chance.n_questions, 'question', ',')} about {counted(chance.n_images, 'image', ',')} "
        f"that both answered, protocol {view.protocol}"
    )


def _gap_sentence(labels: ComparedLabels, gap: Gap, value: float) -> str:
    variant = f" ({labels.headline})" if len(labels.gaps) > 1 else ""
    under_a = f" under {label_set_phrase(labels.a)}" if labels.a != labels.b else ""
    figures = (
        f"F1{variant} is {_share_phrase(gap.a.own)} for a{under_a} and {_share_phrase(gap.b.own)} for b "
        f"under {label_set_phrase(labels.b)}"
    )
    if abs(value) < LEAST:
        return f"{figures}: no gap."
    return f"{figures}: a is {_size_in_points(value)} {'ahead' if value > 0 else 'behind'}."


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
            editions = [(each.letter, each.edition) for each in view.results if each.edition]
            if view.a.edition == view.b.edition:
                editions = []
            old = "".join(f"; {letter} answers {edition}" for letter, edition in editions)
            return (
                f" (a answers {tally.n_shared + tally.n_only_a:,}, b {tally.n_shared + tally.n_only_b:,}, "
                f"both {tally.n_shared:,}{old})"
            )
        case "reading":
            of_a, of_b = tally.n_read_differently
            return (
                f" (a by {view.a.protocol}, b by {view.b.protocol}, which read {counted(of_a, 'answer', ',')} of a "
                f"and {of_b:,} of b differently)"
            )
        case "labels":
            if labels.a == labels.b:
                return f" (two editions of {label_set_phrase(labels.a)})"
            return f" (a under {label_set_phrase(labels.a)}, b under {label_set_phrase(labels.b)})"
        case "answers":
            return f" ({tally.n_shared - tally.n_same:,} of {tally.n_shared:,} are not the same)"


def _chance_sentence(view: ComparisonView, gap: Gap, chance: Difference) -> str:
    """How sure it is that the answers differ in worth, and which settings may be why."""
    tally = view.tally
    if tally.n_same == tally.n_shared:
        same = f"On all {tally.n_shared:,} questions that both answered, the answers are the same when read alike"
        if view.a.protocol == view.b.protocol or any(tally.n_read_differently):
            return f"{same}."
        return f"{same}, and {view.a.protocol} and {view.b.protocol} read each of them the same."
    left = (
        "On the same questions, read and labelled alike, "
        f"{points_text(gap.parts['answers'].value or 0.0)} points are left"
    )
    if chance.p is None:
        return f"{left}, without an interval ({chance.reason}){_settings_clause(view)}."
    sure = "more than chance" if chance.p <= SURE else "within chance"
    if chance.interval is None:
        exact = _exact_test_text(chance)
        return f"{left}, without an interval ({chance.reason}). {exact}: {sure}{_settings_clause(view)}."
    certainty = f"95 % {points_interval_text(chance.interval)}, {_p_phrase(chance.p)}"
    return f"{left}, {certainty}: {sure}{_settings_clause(view)}."


def _exact_test_text(chance: Difference) -> str:
    """What the exact test says, in words."""
    share = "less than 0.1 %" if chance.p is None or chance.p < 0.001 else f"{100 * chance.p:.1f} %"
    return (
        f"If it were chance which of the two gave which answer in the {chance.n_differing} of "
        f"{counted(chance.n_images, 'image', ',')} in which they differ, {share} of the cases would show a gap at "
        "least as large (exact test)"
    )


def _settings_clause(view: ComparisonView) -> str:
    """Which known settings may make the answers differ."""
    if not view.are_settings_known:
        return ""
    differing = [group for group in view.settings if group.pairs]
    strong = [_named_group(group) for group in differing if group.changes_answers]
    if strong:
        return f"; what may be why: {', '.join(strong)}"
    if differing:
        names = ", ".join(group.name for group in differing)
        return f"; of what is known only this differs, and turns few answers: {names}"
    return "; no known setting differs"


def _named_group(group: SettingGroup) -> str:
    """A group and the first of its settings that differ, such as `pixels (model.max_tiles)`."""
    return f"{group.name} ({first_few([pair.key for pair in group.pairs], MOST_KEYS)})"


def _sides_without_figure(gap: Gap) -> str:
    return " and ".join(letter for letter, each in (("a", gap.a), ("b", gap.b)) if each.own is None)


def _p_phrase(p: float) -> str:
    return f"p {p_text(p)}"


def share_text(value: float | None) -> str:
    """A share in percent. Two results may be the same but for a few answers, so there are two decimals here."""
    return UNDEFINED if value is None else number_text(100 * value, ".2f")


def points_text(value: float | None) -> str:
    """The difference of two shares in points, `+0.62`."""
    if value is None:
        return UNDEFINED
    text = share_text(abs(value))
    return text if float(text) == 0 else f"{'+' if value > 0 else '−'}{text}"


def points_interval_text(interval: Interval) -> str:
    """The interval of such a difference, `+0.11 to +1.20`."""
    return interval_text(interval, points_text)


def _share_phrase(value: float | None) -> str:
    return "undefined" if value is None else f"{share_text(value)} %"


def _size_in_points(value: float) -> str:
    return f"{share_text(abs(value))} points"
