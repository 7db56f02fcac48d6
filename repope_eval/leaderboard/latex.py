"""`leaderboard.tex`: the models of a leaderboard as a table for a paper."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from repope_eval.benchmarks.sources import SOURCES, label_set_phrase, label_set_title
from repope_eval.leaderboard.entries import Entry, Leaderboard
from repope_eval.leaderboard.sentences import decodings, limited_images
from repope_eval.leaderboard.tables import Scored, change_cell, f1_cell, place_cell, plain_cell
from repope_eval.reporting.figure_texts import PARTIAL, UNDEFINED, method_text
from repope_eval.reporting.latex_tables import PaperCell, PaperColumn, PaperTable, latex_document
from repope_eval.reporting.score_latex import SHORT_TITLES
from repope_eval.reporting.tables import Cell
from repope_eval.scoring.bootstrap import DISTINCT, MEAN
from repope_eval.scoring.estimates import Estimate, minus
from repope_eval.wording import counted, listed_words

LATEX = "leaderboard.tex"

_NAMING_SHARE = 0.23
_RANKED = ("accuracy", "precision", "recall", "f1")
"""The figures of which the highest is the best."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column, and what stands in it of each model."""

    column: PaperColumn
    cell: Callable[[Entry], Cell]
    has_best: bool = False


def leaderboard_latex(board: Leaderboard) -> str:
    """The content of `leaderboard.tex`: rank and F1 under each label set, and the change of F1; runs come first.

    With a single label set, POPE's other metrics stand in the place of the change.
    """
    groups = [(label_set_title(name), _columns(board, name)) for name in board.label_sets]
    if len(board.label_sets) > 1:
        change = PaperColumn(title="F1", interval="beside")
        groups.append(("change", [_Column(change, partial(_change_cell, board))]))
    columns = [column for _, of_group in groups for column in of_group]
    parts = _parts(board)
    compared = parts if board.paper_is_apart else [board.entries]
    rows: dict[str, list[PaperCell]] = {}
    for entries in compared:
        rows |= _rows(entries, columns)
    table = PaperTable(
        caption=" ".join(_caption(board)),
        label=f"leaderboard-{board.bench}",
        naming="model",
        naming_share=_NAMING_SHARE,
        columns=[(title, [each.column for each in of_group]) for title, of_group in groups],
        rows=[
            (_part_title(part) if len(parts) > 1 else "", [(entry.name, rows[entry.name]) for entry in part])
            for part in parts
        ],
    )
    return latex_document(LATEX, table)


def _parts(board: Leaderboard) -> list[Sequence[Entry]]:
    """The runs, then the paper's models; what is empty is left out."""
    paper = [entry for entry in board.entries if entry.is_paper]
    return [part for part in (board.runs, paper) if part]


def _part_title(part: Sequence[Entry]) -> str:
    return "models of the RePOPE paper" if part[0].is_paper else "runs"


def _columns(board: Leaderboard, label_set: str) -> list[_Column]:
    """The columns under a label set."""

    def scored(cell: Callable[[Scored], Cell]) -> Callable[[Entry], Cell]:
        return lambda entry: cell(Scored(board, board.headline, label_set, entry))

    is_only = len(board.label_sets) == 1
    return [
        _Column(PaperColumn(title="rank"), scored(place_cell)),
        _Column(PaperColumn(title="F1", interval="beside"), scored(f1_cell), has_best=True),
        *(
            _Column(PaperColumn(title=title), scored(partial(plain_cell, name)), has_best=name in _RANKED)
            for name, title in SHORT_TITLES.items()
            if is_only and name != "f1"
        ),
    ]


def _change_cell(board: Leaderboard, entry: Entry) -> Cell:
    """The change of F1; of the paper's models there are counts alone, so that it has no interval."""
    before, after = (entry.cells[name][board.headline] for name in board.label_sets)
    if before.figures.is_unread or after.figures.is_unread:
        return Cell(text=UNDEFINED)
    change = entry.changes.get(board.headline)
    value = Estimate(value=minus(after.figures.f1, before.figures.f1))
    return change_cell("f1", change.estimates["f1"] if change else value)


def _rows(entries: Sequence[Entry], columns: Sequence[_Column]) -> dict[str, list[PaperCell]]:
    """The cells of models that are compared with one another, by name; the best value of a column is marked."""
    shown = {entry.name: [column.cell(entry) for column in columns] for entry in entries}
    best = [
        _highest_text([cells[place] for cells in shown.values()]) if column.has_best else None
        for place, column in enumerate(columns)
    ]
    return {
        name: [
            PaperCell(text=cell.text, interval=cell.note, is_best=_unmarked(cell) == highest)
            for cell, highest in zip(cells, best, strict=True)
        ]
        for name, cells in shown.items()
    }


def _highest_text(cells: Sequence[Cell]) -> str | None:
    """The highest value as it is shown: what is shown alike is marked alike. None where there is nothing to compare."""
    defined = [(float(cell.values[0]), _unmarked(cell)) for cell in cells if cell.values[0] is not None]
    return max(defined)[1] if len(defined) > 1 else None


def _unmarked(cell: Cell) -> str:
    return cell.text.removesuffix(PARTIAL)


def _caption(board: Leaderboard) -> Iterator[str]:
    """Its sentences: what is shown, the kinds of intervals, what the figures are over, and what the marks say."""
    phrases = listed_words([label_set_phrase(name) for name in board.label_sets])
    more = (
        "; accuracy, precision, recall and the share of answers that are yes"
        if len(board.label_sets) == 1
        else ""
    )
    change = ", and the change of F1 in points" if len(board.label_sets) > 1 else ""
    yield f"F1 ({_scope(board)}) in percent on {board.bench}, and the rank by it, under {phrases}{change}{more}."
    yield "In small type: 95 % intervals."
    if board.runs and board.n_questions is not None:
        yield _runs_sentence(board)
        yield from decodings(board)
    if board.has_paper:
        yield _paper_sentence(board)
    each = " in each part" if board.paper_is_apart else ""
    if len(board.entries) > 1:
        yield f"Bold: the highest value of a column{each}, not necessarily different from the next."
    if any(entry.is_partial(name, board.headline) for entry in board.entries for name in board.label_sets):
        yield f"{PARTIAL}: F1 leaves out more than 1 % of the questions with one label, which have no readable answer."


def _scope(board: Leaderboard) -> str:
    """What F1 is over, in words."""
    if board.headline == MEAN:
        return f"mean over {len(board.variants) - 1} variants"
    return "all questions, each counted once" if board.headline == DISTINCT else board.headline


def _runs_sentence(board: Leaderboard) -> str:
    """What the runs' figures are over, and how their intervals are made."""
    images = limited_images(board) or counted(board.n_images or 0, "image", ",")
    those = f"all {len(board.runs)} runs" if len(board.runs) > 1 else "the run"
    methods = {
        entry.cells[name][board.headline].estimates["f1"].method
        for entry in board.runs
        for name in board.label_sets
    }
    made = f"; intervals: {method_text(methods)}" if methods - {None} else "; no intervals"
    return (
        f"{'Runs: ' if board.has_paper else ''}{counted(board.n_questions or 0, 'distinct question', ',')} about "
        f"{images} that {those} answered, protocol {board.protocol}{made}."
    )


def _paper_sentence(board: Leaderboard) -> str:
    """Where the figures of the paper's models come from, and how their intervals are made."""
    size = SOURCES[board.source].sizes.get(board.variants[:-1])
    over = f" over {size.questions:,} distinct questions about {size.images:,} images" if size else ""
    apart = (
        " They have no rank, since the runs' figures are over fewer questions."
        if board.paper_is_apart
        else ""
    )
    return (
        f"Models of the RePOPE paper: by the counts in its Figure 2{over}; intervals: binomial approximations, none "
        f"of the change.{apart}"
    )
