"""The tables of a run's page beside those of its scores, and those that some benchmarks have of their own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from repope_eval.benchmarks.sources import label_set_title
from repope_eval.records import Answer, Variant
from repope_eval.reporting.figure_texts import (
    COUNT_TITLES,
    FIGURE_TITLES,
    UNDEFINED,
    clipped,
    coefficient_text,
    count_text,
    figure_interval_text,
    figure_text,
    percent_text,
    reading_text,
)
from repope_eval.reporting.score_table import cells_by_variant, variant_count_text
from repope_eval.reporting.tables import (
    Cell,
    Column,
    Field,
    Table,
    estimate_cell,
    estimate_field,
    number_field,
    table,
    text_field,
    value_field,
)
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.evidence import Evidence
from repope_eval.scoring.object_rates import (
    OBJECT_ERRORS,
    ObjectError,
    ObjectRate,
    ObjectRates,
    worst_first,
)
from repope_eval.scoring.own_figures import FigureCell, FigureTable, Percent
from repope_eval.scoring.protocol_scores import AmbiguityBounds, CellScores, ProtocolScores, UnansweredBounds
from repope_eval.scoring.protocols import Disagreement
from repope_eval.scoring.relabelling_effect import Effect
from repope_eval.settings import config

MOST_OBJECTS = 500
"""Rows of a table of objects."""
MOST_RESPONSES = 150
"""Rows of a table of responses, which may be long."""
_LONGEST_TEXT = 160
"""Characters of a text in such a table."""

_FATES: Mapping[str, Callable[[Effect], int]] = {
    "FP → TP, label error": lambda effect: effect.fp_to_tp,
    "FN → TN, label error": lambda effect: effect.fn_to_tn,
    "TP → FP, right only under the wrong label": lambda effect: effect.tp_to_fp,
    "TN → FN, right only under the wrong label": lambda effect: effect.tn_to_fn,
    "TP removed as ambiguous": lambda effect: effect.removed[0],
    "FP removed as ambiguous": lambda effect: effect.removed[1],
    "TN removed as ambiguous": lambda effect: effect.removed[2],
    "FN removed as ambiguous": lambda effect: effect.removed[3],
}


def effect_table(effects: Sequence[Effect], label_sets: Sequence[str]) -> Table:
    """What the relabelling did to the parsed answers: a row for each fate, a column for each variant."""

    def field(effect: Effect) -> Field[str]:
        return number_field(effect.group, lambda fate: str(_FATES[fate](effect)))

    return table(
        f"Answers by what they were under {label_sets[0]} and what they are under {label_sets[-1]}",
        [text_field("answers", lambda fate: fate), *(field(effect) for effect in effects)],
        list(_FATES) if effects else [],
    )


def object_table(effects: Sequence[Effect], rates: ObjectRates) -> Table:
    """How often each object is hallucinated and missed, under one label set or two, and what the relabelling moved.

    Those that are hallucinated most often under the last one come first.
    """
    by_object = {effect.group: effect for effect in effects}

    def rate_field(error: ObjectError, name: str) -> Field[Effect]:
        def cell(effect: Effect) -> Cell:
            one = rates[name][error][effect.group]
            rate = estimate_cell(one.rate)
            return replace(rate, note=", ".join(filter(None, (rate.note, error_text(one)))))

        return value_field(f"{error}, {label_set_title(name)}", cell)

    moves: list[Field[Effect]] = [
        number_field("FP → TP", lambda effect: str(effect.fp_to_tp)),
        number_field("FN → TN", lambda effect: str(effect.fn_to_tn)),
        number_field("TP → FP", lambda effect: str(effect.tp_to_fp)),
        number_field("TN → FN", lambda effect: str(effect.tn_to_fn)),
        number_field("removed", lambda effect: str(sum(effect.removed))),
    ]
    return table(
        "Error rates by object in percent, drawn towards the mean, with 95 % intervals, and how many answers are "
        "wrong: hallucinated (FP) of those to label no, missed (FN) of those to label yes. The objects that are "
        "hallucinated most come first; each distinct question counts once",
        [
            text_field("object", lambda effect: clipped(effect.group, 80)),
            *(rate_field(error, name) for error in OBJECT_ERRORS for name in rates),
            *(moves if len(rates) > 1 else ()),
        ],
        [by_object[name] for name in worst_first(rates, "hallucinated")],
        most=MOST_OBJECTS,
    )


def error_text(one: ObjectRate) -> str:
    """How many answers are wrong, of those that could be: `3 of 41`."""
    return f"{one.n_wrong} of {one.n}"


def resolution_table(resolutions: Mapping[Variant, AmbiguityBounds], label_set: str) -> Table:
    """F1 over what the removed, ambiguous questions might be."""
    return table(
        f"F1 under {label_set}, by what the ambiguous questions are taken for",
        [
            text_field("variant", lambda row: row[0]),
            number_field("ambiguous", lambda row: count_text(row[1].n_ambiguous)),
            number_field("removed", lambda row: percent_text(row[1].removed)),
            number_field("all no", lambda row: percent_text(row[1].all_no)),
            number_field("all yes", lambda row: percent_text(row[1].all_yes)),
            number_field("at worst", lambda row: percent_text(row[1].lowest)),
            number_field("at best", lambda row: percent_text(row[1].highest)),
        ],
        list(resolutions.items()),
    )


def missing_table(missing: Mapping[str, Mapping[Variant, UnansweredBounds]]) -> Table:
    """F1 over what unanswered and unparsed questions might have been answered; no row where there are none."""
    rows = cells_by_variant(missing)
    return table(
        "F1, and what it would be were all unanswered and unparsed questions answered wrongly, or rightly",
        [
            text_field("variant", lambda row: row[0]),
            text_field("labels", lambda row: label_set_title(row[1])),
            number_field("no answer", lambda row: variant_count_text(row[0], row[2].n_unanswered)),
            number_field("unparsed", lambda row: variant_count_text(row[0], row[2].n_unparsed)),
            number_field("F1", lambda row: percent_text(row[2].f1)),
            number_field("at worst", lambda row: percent_text(row[2].lowest)),
            number_field("at best", lambda row: percent_text(row[2].highest)),
        ],
        rows if any(one.n_unanswered or one.n_unparsed for *_, one in rows) else [],
    )


def evidence_table(evidence: Mapping[str, Mapping[Variant, Evidence]]) -> Table:
    """The figures that need no threshold, with their intervals."""

    def field(
        title: str, name: str, shown: Callable[[float | None], str] = coefficient_text
    ) -> Field[tuple[Variant, str, Evidence]]:
        return estimate_field(title, lambda row: row[2].estimates[name], shown)

    return table(
        "What the confidence in yes tells, with 95 % intervals",
        [
            text_field("variant", lambda row: row[0]),
            text_field("labels", lambda row: label_set_title(row[1])),
            number_field("questions", lambda row: str(row[2].n)),
            field("AUROC", "auroc"),
            field("average precision", "average_precision"),
            field("Brier score", "brier"),
            field("ECE, debiased", "ece_debiased"),
            number_field("ECE", lambda row: coefficient_text(row[2].estimates["ece"].value)),
            field("best F1, an upper bound", "best_f1", percent_text),
            number_field("at confidence", lambda row: coefficient_text(row[2].best_threshold)),
        ],
        cells_by_variant(evidence),
    )


def protocol_table(scores: Sequence[ProtocolScores]) -> Table:
    """F1 of the same answers under each of several protocols, and what else the reading decides."""
    cells = cells_by_variant(scores[0].cells) if len(scores) > 1 else []
    rows = [(variant, name, one) for variant, name, _ in cells for one in scores]

    def cell(row: tuple[Variant, str, ProtocolScores]) -> CellScores:
        return row[2].cells[row[1]][row[0]]

    def field(name: str) -> Field[tuple[Variant, str, ProtocolScores]]:
        def text(row: tuple[Variant, str, ProtocolScores]) -> str:
            estimate = cell(row).estimates[name]
            return figure_text(name, estimate.value, estimate.interval if name == "f1" else None)

        return number_field(FIGURE_TITLES[name], text)

    return table(
        "The same answers under each protocol",
        [
            text_field("variant", lambda row: row[0]),
            text_field("labels", lambda row: label_set_title(row[1])),
            text_field("protocol", lambda row: row[2].protocol),
            number_field("unparsed", lambda row: variant_count_text(row[0], cell(row).figures.n_unparsed)),
            *(_protocol_count_field(name) for name in COUNT_TITLES),
            *(field(name) for name in ("precision", "recall", "f1", "yes_ratio")),
        ],
        rows,
    )


def _protocol_count_field(name: str) -> Field[tuple[Variant, str, ProtocolScores]]:
    def text(row: tuple[Variant, str, ProtocolScores]) -> str:
        variant, label_set, one = row
        return variant_count_text(variant, getattr(one.cells[label_set][variant].figures, name))

    return number_field(FIGURE_TITLES[name], text)


def disagreement_table(disagreements: Sequence[Disagreement]) -> Table:
    """Responses that the protocols do not read alike."""

    def reading_field(protocol: config.Protocol) -> Field[Disagreement]:
        return text_field(
            protocol,
            lambda one: f"{reading_text(one.readings[protocol])}: {_clipped_text(one.reasons[protocol])}",
            wraps=True,
        )

    return table(
        "Responses that the protocols read differently, and why",
        [
            text_field("response", lambda one: _clipped_text(one.response), wraps=True),
            *(reading_field(protocol) for one in disagreements[:1] for protocol in one.readings),
            text_field(
                "the first question",
                lambda one: f"{_clipped_text(one.example[1])} ({_clipped_text(one.example[0])})",
                wraps=True,
            ),
            number_field("answers", lambda one: str(one.n_answers)),
        ],
        disagreements,
        most=MOST_RESPONSES,
    )


def unparsed_table(answers: Sequence[Answer]) -> Table:
    """Answers in which the run's protocol finds neither yes nor no."""
    return table(
        "Answers in which the protocol finds neither yes nor no",
        [
            text_field("image", lambda answer: _clipped_text(answer.question.image), wraps=True),
            text_field("question", lambda answer: _clipped_text(answer.question.text), wraps=True),
            text_field("response", lambda answer: _clipped_text(answer.response), wraps=True),
        ],
        answers,
        most=MOST_RESPONSES,
    )


def _clipped_text(text: str) -> str:
    return clipped(text, _LONGEST_TEXT)


def own_table(shown: FigureTable, caption: str = "") -> Table:
    """A table of figures that a benchmark has of its own."""
    first_of = {row[0]: row for row in reversed(shown.rows)}

    def field(place: int, title: str) -> Field[Sequence[FigureCell]]:
        if place < shown.n_words:
            return text_field(title, lambda row: str(row[place]))
        return Field(Column(title=title), lambda row: _figure_cell(row[place]))

    return table(
        caption,
        [field(place, title) for place, title in enumerate(shown.columns)],
        shown.rows,
        most=MOST_OBJECTS,
        starts_group=lambda row: shown.n_words > 1 and first_of[row[0]] is row,
    )


def _figure_cell(figure: FigureCell) -> Cell:
    if isinstance(figure, Estimate):
        return estimate_cell(figure)
    if isinstance(figure, Percent):
        return Cell(text=UNDEFINED if figure.value is None else f"{figure.value:.1f}", note=figure.reason)
    return Cell(text=str(figure) if isinstance(figure, str | int) else figure_interval_text("f1", figure))
