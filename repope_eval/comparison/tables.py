"""The tables of a comparison."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from repope_eval.benchmarks.sources import label_set_phrase, label_set_title
from repope_eval.comparison.view import (
    ComparedLabels,
    ComparedResult,
    ComparisonView,
    ProtocolFigures,
    SettingGroup,
    SettingPair,
)
from repope_eval.records import Variant
from repope_eval.reporting.figure_texts import (
    FIGURE_TITLES,
    UNDEFINED,
    clipped,
    count_text,
    p_text,
    points_interval_text,
    points_text,
    reading_text,
    share_text,
)
from repope_eval.reporting.tables import Cell, Field, Table, number_field, table, text_field, value_field
from repope_eval.scoring.differences import Difference
from repope_eval.scoring.estimates import minus
from repope_eval.scoring.gap import CAUSES, GAP_FIGURES, Cause, Gap, Part
from repope_eval.scoring.paired_answers import ReadDifferently
from repope_eval.settings import config
from repope_eval.wording import counted

MOST_RESPONSES = 50
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _GapRow:
    """One figure of one variant under one pair of label sets."""

    variant: Variant
    labels: str
    figure: str
    gap: Gap
    chance: Difference | None
    is_first: bool
    """Whether it is set apart from the row above."""


def gap_table(
    view: ComparisonView, figures: Sequence[str] = GAP_FIGURES[:1], *, has_orders: bool = True
) -> Table:
    """The gap of each variant under each pair of label sets, and what each cause is worth; and by order where asked."""
    several = len(figures) > 1
    rows = [
        _GapRow(
            variant=variant,
            labels=labels.title,
            figure=figure,
            gap=of_figure[figure],
            chance=labels.chance[variant] if figure == "f1" else None,
            is_first=figure == figures[0] if several else variant == next(iter(labels.gaps)),
        )
        for labels in view.labels
        for variant, of_figure in labels.gaps.items()
        for figure in figures
    ]
    fields: list[Field[_GapRow]] = [
        text_field("labels", lambda row: row.labels, stays=True),
        text_field("variant", lambda row: row.variant),
        *([text_field("figure", lambda row: FIGURE_TITLES[row.figure])] if several else []),
        number_field(view.headings[0], lambda row: share_text(row.gap.a.own)),
        number_field(view.headings[1], lambda row: share_text(row.gap.b.own)),
        number_field("difference", lambda row: points_text(row.gap.value)),
        *(field for cause in CAUSES for field in _part_fields(cause, rows if has_orders else ())),
    ]
    if not several:
        fields.append(number_field("p", lambda row: _p_value_text(row.chance)))
    title = "Every figure" if several else "F1"
    return table(
        f"{title} of both, in percent, and where the gap comes from, in points",
        fields,
        rows,
        n_naming=3 if several else 2,
        starts_group=lambda row: row.is_first,
    )


def _part_fields(cause: Cause, rows: Sequence[_GapRow]) -> Iterator[Field[_GapRow]]:
    """What a cause is worth, and the range over the orders where it has one in any of the rows."""
    yield value_field(cause, lambda row: _part_cell(row.gap.parts[cause]))
    if any(row.gap.parts[cause].depends_on_order for row in rows):
        yield number_field(f"{cause}, by order", lambda row: _order_range(row.gap.parts[cause]))


def _part_cell(part: Part) -> Cell:
    """What a cause is worth, with its interval."""
    return Cell(
        text=points_text(part.value),
        note="" if part.interval is None else points_interval_text(part.interval),
    )


def _order_range(part: Part) -> str:
    return points_interval_text(part.order_bounds) if part.depends_on_order else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """Both figures on their own or on common ground, or what makes the gap wider or narrower between."""

    text: str
    figures: tuple[float | None, float | None] | None = None
    part: Part | None = None


def causes_table(view: ComparisonView, labels: ComparedLabels) -> Table:
    """F1 of the variant that sums up the others: how far apart a and b are, what each cause is worth, what is left."""
    gap = labels.gaps[labels.headline]["f1"]
    own, common = ((getattr(gap.a, ground), getattr(gap.b, ground)) for ground in ("own", "common"))
    lines = [
        _Line(text="each on its own questions, by its own protocol and labels", figures=own),
        _Line(text=f"questions: the {view.tally.n_shared:,} that both answered", part=gap.parts["questions"]),
        _Line(text=f"reading: both by {view.protocol}", part=gap.parts["reading"]),
        _Line(text=f"labels: both under {label_set_phrase(labels.common)}", part=gap.parts["labels"]),
        _Line(
            text="answers: what is left when all else is common", figures=common, part=gap.parts["answers"]
        ),
    ]

    def figure(side: int) -> Field[_Line]:
        return number_field(
            view.headings[side], lambda line: share_text(line.figures[side]) if line.figures else ""
        )

    def worth(line: _Line) -> Cell:
        return _part_cell(line.part) if line.part else Cell(text=points_text(gap.value))

    fields = [
        text_field("step", lambda line: line.text, wraps=True),
        figure(0),
        figure(1),
        value_field("difference, 95 %", worth),
    ]
    if any(part.depends_on_order for part in gap.parts.values()):
        fields.append(number_field("by order", lambda line: _order_range(line.part) if line.part else ""))
    variant = f", {labels.headline}" if len(labels.gaps) > 1 else ""
    return table(
        f"F1 ({labels.title} labels{variant}): the gap after each step, and the contribution of each step",
        fields,
        lines,
        mark=lambda line: "attention" if line.part is gap.parts["answers"] else "",
    )


def result_table(view: ComparisonView) -> Table:
    """What the two results are."""
    return table(
        "The two results",
        [
            text_field("key", lambda each: each.letter),
            text_field("name", lambda each: clipped(each.name, _LONGEST_TEXT), wraps=True),
            text_field("from", lambda each: clipped(each.where, _LONGEST_TEXT), wraps=True),
            number_field("questions answered", _answered_share),
            text_field("read by", lambda each: each.protocol),
        ],
        view.results,
    )


def _answered_share(result: ComparedResult) -> str:
    return f"{result.n_answers:,} of {result.n_questions:,}"


def right_and_wrong_table(view: ComparisonView) -> Table:
    """Which of the two results is right, and how often both are or neither is."""
    a, b = view.headings
    tally = view.tally
    rows = [
        (f"{a} right", tally.n_both_right, tally.n_right_only_a),
        (f"{a} wrong", tally.n_right_only_b, tally.n_neither_right),
    ]
    return table(
        f"Of the {counted(tally.n_labelled, 'question', ',')} that both answered and that have a label under "
        f"{label_set_phrase(view.labels[-1].common)}",
        [
            text_field("answers", lambda row: row[0]),
            number_field(f"{b} right", lambda row: f"{row[1]:,}"),
            number_field(f"{b} wrong", lambda row: f"{row[2]:,}"),
        ],
        rows,
    )


def tally_table(view: ComparisonView) -> Table:
    """How often the answers agree; rows of nothing are left out."""
    tally = view.tally
    a, b = view.headings
    of_a, of_b = tally.n_read_differently
    rows = [
        ("answered by both", tally.n_shared),
        ("read the same", tally.n_same),
        ("the same text, letter by letter", tally.n_same_text),
        (f"{a} yes, {b} no", tally.n_yes_no),
        (f"{a} no, {b} yes", tally.n_no_yes),
        (f"answers of {a} that the protocols read differently", of_a),
        (f"answers of {b} that the protocols read differently", of_b),
        (f"answered by {a} alone", tally.n_only_a),
        (f"answered by {b} alone", tally.n_only_b),
    ]
    return table(
        "Distinct questions",
        [text_field("questions", lambda row: row[0]), number_field("number", lambda row: f"{row[1]:,}")],
        [row for row in rows if row[1]],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _ProtocolRow:
    labels: ComparedLabels
    variant: Variant
    figures: ProtocolFigures
    is_first: bool


def are_protocols_alike(view: ComparisonView) -> bool:
    """Whether the table of protocols has the same metrics by each, on the questions that both answered."""

    def shown(each: ProtocolFigures) -> list[float | None]:
        return [value for one in (each.a, each.b) for value in (one.f1, one.accuracy, one.n_unparsed)]

    return all(
        shown(each) == shown(of_variant[0])
        for labels in view.labels
        for of_variant in labels.protocols.values()
        for each in of_variant
    )


def protocol_run_table(view: ComparisonView) -> Table:
    """Each result by each protocol, on the questions that both answered."""
    rows = [
        _ProtocolRow(labels=labels, variant=variant, figures=each, is_first=index == 0)
        for labels in view.labels
        for variant, of_variant in labels.protocols.items()
        for index, each in enumerate(of_variant)
        if variant == labels.headline
    ]
    return table(
        "Each result by each protocol, on the questions that both answered",
        [
            text_field("labels", lambda row: label_set_title(row.labels.common)),
            text_field("variant", lambda row: row.variant),
            text_field("protocol", lambda row: row.figures.protocol),
            number_field(f"F1, {view.headings[0]}", lambda row: share_text(row.figures.a.f1)),
            number_field(f"F1, {view.headings[1]}", lambda row: share_text(row.figures.b.f1)),
            number_field(
                "difference of F1", lambda row: points_text(minus(row.figures.a.f1, row.figures.b.f1))
            ),
            number_field(f"accuracy, {view.headings[0]}", lambda row: share_text(row.figures.a.accuracy)),
            number_field(f"accuracy, {view.headings[1]}", lambda row: share_text(row.figures.b.accuracy)),
            number_field(f"unparsed, {view.headings[0]}", lambda row: count_text(row.figures.a.n_unparsed)),
            number_field(f"unparsed, {view.headings[1]}", lambda row: count_text(row.figures.b.n_unparsed)),
        ],
        rows,
        starts_group=lambda row: row.is_first,
    )


def read_differently_table(view: ComparisonView) -> Table:
    """Responses to shared questions that the protocols of the comparison read differently."""
    responses = view.read_differently

    def reading_field(protocol: config.Protocol) -> Field[ReadDifferently]:
        return text_field(
            protocol,
            lambda each: (
                f"{reading_text(each.readings[protocol])}: {clipped(each.reasons[protocol], _LONGEST_TEXT)}"
            ),
            wraps=True,
        )

    return table(
        "Answers that are read differently, and why",
        [
            text_field("response", lambda each: clipped(each.response, _LONGEST_TEXT), wraps=True),
            *(reading_field(protocol) for each in responses[:1] for protocol in each.readings),
            number_field(f"answers of {view.headings[0]}", lambda each: f"{each.n_a:,}"),
            number_field(f"answers of {view.headings[1]}", lambda each: f"{each.n_b:,}"),
        ],
        responses,
        most=MOST_RESPONSES,
    )


def settings_table(view: ComparisonView) -> Table:
    """The settings that differ, and what they can change."""
    rows = [(group, pair) for group in view.settings for pair in group.pairs]
    return table(
        "Settings that differ",
        [
            text_field("what", lambda row: row[0].name),
            text_field("can change", _changeable_answers),
            text_field("setting", lambda row: row[1].key, wraps=True),
            text_field(view.headings[0], lambda row: clipped(row[1].a, _LONGEST_TEXT), wraps=True),
            text_field(view.headings[1], lambda row: clipped(row[1].b, _LONGEST_TEXT), wraps=True),
        ],
        rows,
        mark=lambda row: "attention" if row[0].changes_answers else "",
    )


def settings_that_do_not_differ(view: ComparisonView) -> str:
    """Which kinds of settings are the same in both results, and which are unknown of one of them."""
    clauses = []
    for state, words in (("same", "The same in both"), ("unknown", "Unknown of at least one")):
        names = [group.name for group in view.settings if group.state == state]
        clauses += [f"{words}: {', '.join(names)}."] if names else []
    return " ".join(clauses)


def _changeable_answers(row: tuple[SettingGroup, SettingPair]) -> str:
    return "any answer" if row[0].changes_answers else "near-tied answers"


def _p_value_text(chance: Difference | None) -> str:
    return UNDEFINED if chance is None else p_text(chance.p)
