"""The tables of a leaderboard, for the page and for files alike: their cells, and the values behind these."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import NamedTuple

from repope_eval.benchmarks.sources import label_set_phrase, label_set_title
from repope_eval.leaderboard.entries import (
    Entry,
    Leaderboard,
    RankAgreement,
    SettingDifference,
    Unranked,
)
from repope_eval.leaderboard.error_tables import missed_table, overlap_table
from repope_eval.leaderboard.sentences import GROUPS, apart_note
from repope_eval.records import Variant
from repope_eval.reporting.figure_texts import (
    BALANCED_TITLES,
    COUNT_TITLES,
    F1_PART_TITLES,
    FIGURE_TITLES,
    PARTIAL,
    UNDEFINED,
    change_interval_text,
    change_text,
    count_text,
    figure_interval_text,
    figure_text,
    number_text,
    p_text,
    percent_text,
)
from repope_eval.reporting.tables import (
    Cell,
    Field,
    Mark,
    Table,
    interval_field,
    table,
    text_field,
    value_field,
)
from repope_eval.runs.finished_runs import LeftOut
from repope_eval.scoring.comparison import RANKED_FIGURES
from repope_eval.scoring.differences import Difference
from repope_eval.scoring.estimates import (
    Estimate,
    Interval,
    minus,
)
from repope_eval.scoring.protocol_scores import CellScores, Change
from repope_eval.wording import percentage


@dataclass(frozen=True, slots=True)
class Scored:
    """A model of a leaderboard in one variant and under one label set."""

    board: Leaderboard
    variant: Variant
    label_set: str
    entry: Entry

    @property
    def cell(self) -> CellScores:
        """The model's scores there."""
        return self.entry.cells[self.label_set][self.variant]

    def value(self, figure: str) -> float | None:
        """A figure of the model."""
        return self.cell.estimates[figure].value


def model_mark(board: Leaderboard, entry: Entry) -> Mark:
    """The mark of the row of a user's run beside models of the paper."""
    return "own" if board.has_paper and not entry.is_paper else ""


def model_cell(board: Leaderboard, entry: Entry) -> Cell:
    """The name of a model; it is noted which ones are the user's, if models of the paper stand beside them."""
    note = "your run" if model_mark(board, entry) else ""
    return Cell(text=entry.name, values=(entry.name,), note=note)


def value_cell(value: float | None, shown: Callable[[float], str] = count_text) -> Cell:
    """A value, by default a count."""
    return Cell(text=UNDEFINED if value is None else shown(value), values=(value,))


def figure_cell(figure: str, one: Scored) -> Cell:
    """A figure with its interval below it."""
    estimate = one.cell.estimates[figure]
    return _cell_with_interval(estimate, plain_cell(figure, one), partial(figure_interval_text, figure))


def change_cell(figure: str, estimate: Estimate | Difference) -> Cell:
    """A difference of a figure with its interval below it."""
    cell = value_cell(estimate.value, partial(change_text, figure))
    return _cell_with_interval(estimate, cell, partial(change_interval_text, figure))


def _cell_with_interval(
    estimate: Estimate | Difference, cell: Cell, shown: Callable[[Interval], str]
) -> Cell:
    ends = (None, None) if estimate.interval is None else estimate.interval
    note = "" if estimate.interval is None else shown(estimate.interval)
    return replace(cell, values=(*cell.values, *ends), note=note)


def plain_cell(figure: str, one: Scored) -> Cell:
    """A figure without its interval."""
    return value_cell(one.value(figure), partial(figure_text, figure))


def f1_cell(one: Scored) -> Cell:
    """F1 with its interval, marked where it is about another mix of labels; none where no answer was read."""
    if one.cell.figures.is_unread:
        return Cell(text=UNDEFINED, values=(None, None, None))
    cell = figure_cell("f1", one)
    return (
        replace(cell, text=cell.text + PARTIAL) if one.entry.is_partial(one.label_set, one.variant) else cell
    )


def total_cell(total: str, one: Scored) -> Cell:
    """A number of questions or answers. The paper does not say how many answers were unparsed."""
    is_unknown = one.entry.is_paper and total == "n_unparsed"
    return value_cell(None if is_unknown else getattr(one.cell.figures, total))


def place_cell(one: Scored) -> Cell:
    """The place by F1 among all models."""
    return value_cell(one.board.places[one.label_set][one.variant][one.entry.name])


def place_interval_cell(joint: bool, one: Scored) -> Cell:
    """The places that a run may have: of this run alone, or `joint`, of all runs at once."""
    standing = one.board.standing(one.label_set, one.variant, one.entry.name)
    interval = None if standing is None else standing.joint_interval if joint else standing.interval
    if interval is None:
        return Cell(text=UNDEFINED, values=(None, None))
    return Cell(text=places_text(interval), values=interval)


def places_text(interval: tuple[int, int]) -> str:
    """The places that a run may have."""
    low, high = interval
    return str(low) if low == high else f"{low} to {high}"


def whole_place_cell(one: Scored) -> Cell:
    """The place by F1 with the places that the run may have, taken by itself, below it."""
    place, alone, joint = place_cell(one), place_interval_cell(False, one), place_interval_cell(True, one)
    among = f" of {len(one.board.runs)} runs" if one.board.has_paper else ""
    return Cell(
        text=place.text,
        values=(*place.values, *alone.values, *joint.values),
        note="" if alone.text == UNDEFINED else f"{alone.text}{among}",
    )


def answers_cell(entry: Entry) -> Cell:
    """The share of the questions that are answered, rounded down to one decimal, with both numbers below it."""
    answered, total = entry.n_answered, entry.n_questions
    if answered is None or total is None:
        return Cell(text=UNDEFINED, values=(answered, total))
    return Cell(
        text=f"{percentage(answered, total):g} %", values=(answered, total), note=f"{answered:,} of {total:,}"
    )


def difference_cell(figure: str, pair: tuple[Scored, Scored]) -> Cell:
    """The figure of the first model less that of the second."""
    first, second = (one.value(figure) for one in pair)
    return value_cell(minus(first, second), partial(change_text, figure))


_FIGURES = ("precision", "recall", "accuracy", "tnr", *BALANCED_TITLES, *COUNT_TITLES)
_TOTALS = {"n_questions": "questions", "n_answered": "answered", "n_unparsed": "unparsed"}
_COMPARED = ("tp", "fp", "f1")

_MODEL: Field[Entry] = text_field("model", lambda entry: entry.name, stays=True)
_ANSWERS: Field[Entry] = value_field("answered", answers_cell, "n_answered", "n_questions")
PLACE_ENDS = ("", "_low", "_high", "_joint_low", "_joint_high")
"""What a place and the ends of its two intervals are called behind the name of the place."""
_PLACE_INTERVALS: tuple[Field[Scored], ...] = (
    value_field("rank, 95 %", partial(place_interval_cell, False), "rank_low", "rank_high"),
    value_field("all ranks, 95 %", partial(place_interval_cell, True), "rank_joint_low", "rank_joint_high"),
)


class _Pair(NamedTuple):
    """A difference between two runs, and where it is."""

    variant: Variant
    label_set: str
    difference: Difference


def leaderboard_tables(board: Leaderboard) -> dict[str, Table]:
    """All tables that have rows, by name."""
    made = {name: make(board) for name, make in TABLES.items()}
    return {name: shown for name, shown in made.items() if shown.rows}


def standings_table(board: Leaderboard) -> Table:
    """The order of the models at a glance, with F1 under every label set first; the user's runs are marked."""
    figures, places = [], []
    for name in board.label_sets:
        title, scored = label_set_title(name), partial(Scored, board, board.headline, name)
        figures.append(interval_field(f"F1, {title}", f"f1_{name}", f1_cell).read_from(scored))
        names = [f"rank_{name}{end}" for end in PLACE_ENDS]
        rank = "rank" if name == board.label_sets[-1] else f"rank, {title}"
        places.append(value_field(rank, whole_place_cell, *names).read_from(scored))
    return table(
        f"Models by F1 ({board.headline}) on {board.bench}, with 95 % intervals; the rank is under "
        f"{label_set_phrase(board.label_sets[-1])}.{apart_note(board)}",
        [places[-1], _model_field(board), *figures, *places[:-1], *answer_fields(board)],
        board.entries,
        mark=partial(model_mark, board),
    )


def _overview(board: Leaderboard) -> Table:
    """F1 and places under every label set and variant: a row a model, with the headline variant first."""
    fields: list[Field[Entry]] = []
    for variant, name in product(board.ordered_variants, board.label_sets):
        title, key = f"{variant}, {label_set_title(name)}", f"{variant}_{name}"
        scored = partial(Scored, board, variant, name)
        names = [f"rank_{key}{end}" for end in PLACE_ENDS]
        fields.append(interval_field(f"F1 {title}", f"f1_{key}", f1_cell).read_from(scored))
        fields.append(value_field(f"rank {title}", whole_place_cell, *names).read_from(scored))
    caption = f"F1 with 95 % intervals, and places by F1, on {board.bench}.{apart_note(board)}"
    return table(
        caption,
        [_model_field(board), *fields, *answer_fields(board)],
        board.entries,
        mark=partial(model_mark, board),
    )


def _model_field(board: Leaderboard) -> Field[Entry]:
    """The names, with a note at those of runs if models of the paper stand beside them."""
    return Field(_MODEL.column, partial(model_cell, board))


def answer_fields(board: Leaderboard) -> list[Field[Entry]]:
    """How many questions the runs answered; of the paper's models it is not known."""
    is_limited = board.n_images != board.n_benchmark_images
    return [_ANSWERS, *([_images_field(board)] if is_limited else [])] if board.runs else []


def _images_field(board: Leaderboard) -> Field[Entry]:
    """How many of the benchmark's images an entry is about."""

    def cell(entry: Entry) -> Cell:
        text = "" if entry.n_images is None else f"{entry.n_images:,} of {board.n_benchmark_images:,}"
        return Cell(text=text, values=(entry.n_images, board.n_benchmark_images))

    return value_field("images", cell, "n_images", "n_benchmark_images")


def _every_figure(board: Leaderboard) -> Table:
    """A row for each model, variant and label set."""
    return _figure_table(
        board,
        "Every figure",
        value_field("rank", place_cell, "rank"),
        *(_PLACE_INTERVALS if board.runs else ()),
        interval_field("F1", "f1", f1_cell),
    )


def further_metrics_table(board: Leaderboard) -> Table:
    """The same for a page whose ranking has ranks and F1 already."""
    return _figure_table(board, "Further metrics", *(_PLACE_INTERVALS[1:] if board.runs else ()))


def _figure_table(board: Leaderboard, title: str, *fields: Field[Scored]) -> Table:
    """A row for each model, variant and label set: these fields first, and then all figures besides F1."""
    return table(
        f"{title} on {board.bench}, protocol {board.protocol}, with 95 % intervals.{apart_note(board)}",
        [
            _MODEL.read_from(lambda one: one.entry),
            *_variant_and_labels(),
            *fields,
            *(interval_field(FIGURE_TITLES[name], name, partial(figure_cell, name)) for name in _FIGURES),
            *(value_field(title, partial(total_cell, name), name) for name, title in _TOTALS.items()),
        ],
        [
            Scored(board, variant, name, entry)
            for variant, name in product(board.ordered_variants, board.label_sets)
            for entry in board.entries
        ],
    )


def _variant_and_labels() -> list[Field[Scored]]:
    return [
        text_field("variant", lambda one: one.variant),
        text_field("labels", lambda one: label_set_title(one.label_set)),
    ]


def _differences(board: Leaderboard) -> Table:
    """Every pair of runs under every label set and variant."""
    of_runs = board.comparison.differences if board.comparison else {}
    families = sorted(
        product(board.label_sets, board.ordered_variants), key=lambda cell: cell != board.primary
    )
    pairs = [
        _Pair(variant, name, difference)
        for name, variant in families
        for difference in of_runs.get(name, {}).get(variant, ())
    ]

    def text(title: str, name: str) -> Field[_Pair]:
        return text_field(title, lambda pair: getattr(pair.difference, name) or "", stays=name == "first")

    def value(title: str, name: str, shown: Callable[[float], str]) -> Field[_Pair]:
        return value_field(title, lambda pair: value_cell(getattr(pair.difference, name), shown), name)

    def signed(pair: _Pair) -> Cell:
        return change_cell("f1", pair.difference)

    return table(
        "Differences of F1 between runs on the questions that both answered, with 95 % intervals. The primary family "
        f"of pairs is {board.primary[1]} under {label_set_phrase(board.primary[0])}; any other is secondary.",
        [
            text("first", "first"),
            text("second", "second"),
            text_field("variant", lambda pair: pair.variant),
            text_field("labels", lambda pair: label_set_title(pair.label_set)),
            text_field("family", lambda pair: board.family(pair.label_set, pair.variant)),
            interval_field("difference of F1", "difference", signed),
            value("p", "p", p_text),
            value("p, adjusted", "p_adjusted", p_text),
            value("detectable difference (80 % power)", "detectable", percent_text),
            value("images for 1 point", "images_for_one_point", count_text),
            value("shared questions", "n_questions", count_text),
            value("shared images", "n_images", count_text),
            *([text("why no interval", "reason")] if any(pair.difference.reason for pair in pairs) else ()),
        ],
        pairs,
    )


def _agreement(board: Leaderboard) -> Table:
    """How alike the rankings under the two label sets are."""

    def tau(figure: str, each: RankAgreement) -> Cell:
        return value_cell(each.agreement.taus[figure].value, lambda value: number_text(value, ".2f"))

    def why_not(each: RankAgreement) -> str:
        f1_tau = each.agreement.taus["f1"]
        return f1_tau.reason if f1_tau.value is None else ""

    names = {figure: "tau" if figure == "f1" else f"tau_{figure}" for figure in RANKED_FIGURES}
    label_sets = " and ".join(map(label_set_phrase, board.label_sets))
    return table(
        f"How alike the rankings under {label_sets} are (Kendall's tau-b), by several figures.",
        [
            text_field("ranking of", lambda each: GROUPS[each.group], stays=True),
            text_field("variant", lambda each: each.variant),
            value_field("models", lambda each: value_cell(each.n_models), "n_models"),
            *(
                value_field(f"tau by {FIGURE_TITLES[figure]}", partial(tau, figure), name)
                for figure, name in names.items()
            ),
            value_field(
                "overtakings", lambda each: value_cell(len(each.agreement.overtakings)), "n_overtakings"
            ),
            *([text_field("why not", why_not)] if any(map(why_not, board.agreements)) else ()),
        ],
        board.agreements,
    )


def _label_parts(board: Leaderboard) -> Table:
    """What the relabelling's change of F1 is made of, for each run; of the paper's models there are counts alone."""

    def signed(name: str, row: tuple[Entry, Change]) -> Cell:
        estimate = {"change": row[1].estimates["f1"], **row[1].f1_parts}[name]
        return change_cell("f1", estimate)

    titles = {"change": "change of F1", **F1_PART_TITLES}
    changes = [(entry, entry.changes.get(board.headline)) for entry in board.runs]
    return table(
        f"The change of F1 ({board.headline}) from {' to '.join(map(label_set_phrase, board.label_sets))}, and its "
        "three parts, with 95 % intervals.",
        [
            _MODEL.read_from(lambda row: row[0]),
            *(interval_field(title, name, partial(signed, name)) for name, title in titles.items()),
        ],
        [(entry, change) for entry, change in changes if change is not None and change.f1_parts],
    )


def _overtakings(board: Leaderboard) -> Table:
    """Which model overtakes which when the labels are corrected."""

    def share(value: float) -> str:
        return f"{100 * value:.1f} %"

    before, after = (label_set_phrase(board.label_sets[end]) for end in (0, -1))
    return table(
        f"Models behind another under {before} and ahead of it under {after}, by F1.",
        [
            text_field("ranking of", lambda row: GROUPS[row[0].group], stays=True),
            text_field("variant", lambda row: row[0].variant),
            text_field("model", lambda row: row[1].model),
            text_field("overtakes", lambda row: row[1].overtaken),
            value_field("probability", lambda row: value_cell(row[1].probability, share), "probability"),
        ][: None if board.runs else -1],
        [(each, pair) for each in board.agreements for pair in each.agreement.overtakings],
    )


def _beside_the_paper(board: Leaderboard) -> Table:
    """The runs of the paper's models, with the paper's figures of the same models."""
    fields: list[Field[tuple[Scored, Scored]]] = []
    for figure in _COMPARED:
        title, cell = FIGURE_TITLES[figure], partial(plain_cell, figure)
        fields.append(value_field(f"{title}, run", cell, figure).read_from(lambda pair: pair[0]))
        fields.append(value_field(f"{title}, paper", cell, f"{figure}_paper").read_from(lambda pair: pair[1]))
        difference = partial(difference_cell, figure)
        fields.append(value_field(f"{title}, difference", difference, f"{figure}_difference"))
    return table(
        "Runs of the paper's models beside the paper's counts.",
        [
            text_field("run", lambda pair: pair[0].entry.name, stays=True),
            *(field.read_from(lambda pair: pair[0]) for field in _variant_and_labels()),
            *fields,
        ],
        [
            (Scored(board, variant, name, of_run), Scored(board, variant, name, of_paper))
            for of_run, of_paper in board.pairs
            for variant, name in product(board.variants, board.label_sets)
        ],
    )


def unranked_table(board: Leaderboard, *, reasons: bool = True) -> Table:
    """The runs without a place, and why."""
    n_images: Field[Entry] = value_field("images", lambda entry: value_cell(entry.n_images), "n_images")
    fields = [_MODEL, _ANSWERS, n_images]
    for name in board.label_sets:
        title = f"F1 {board.headline}, {label_set_title(name)}"
        fields.append(
            interval_field(title, f"f1_{name}", f1_cell).read_from(
                partial(Scored, board, board.headline, name)
            )
        )
    why: list[Field[Unranked]] = [text_field("why", lambda each: each.reason)] if reasons else []
    return table(
        "Runs that are not ranked; figures and intervals are over the images they have answers about.",
        [*(field.read_from(lambda each: each.entry) for field in fields), *why],
        board.unranked,
    )


def left_out_table(left_out: Sequence[LeftOut]) -> Table:
    """The run folders that nothing is shown of, and why."""
    folder: Field[LeftOut] = text_field("run folder", lambda run: run.folder, stays=True)
    return table(
        "Run folders that are left out.", [folder, text_field("why", lambda run: run.reason)], left_out
    )


def settings_table(differences: Sequence[SettingDifference]) -> Table:
    """The settings that differ between runs."""
    setting: Field[SettingDifference] = text_field("setting", lambda each: each.key, stays=True)
    value: Field[SettingDifference] = text_field("value", lambda each: each.value)
    runs: Field[SettingDifference] = text_field("runs", lambda each: ", ".join(each.names))
    return table("Settings that differ between runs.", [setting, value, runs], differences)


TABLES: Mapping[str, Callable[[Leaderboard], Table]] = {
    "standings": standings_table,
    "leaderboard": _overview,
    "every_figure": _every_figure,
    "rank_agreement": _agreement,
    "label_parts": _label_parts,
    "overtakings": _overtakings,
    "differences": _differences,
    "error_overlap": overlap_table,
    "missed_questions": missed_table,
    "beside_the_paper": _beside_the_paper,
    "unranked": unranked_table,
    "left_out": lambda board: left_out_table(board.left_out),
    "settings": lambda board: settings_table(board.differences),
}
"""The function that makes each table, by the name of the table's files."""
