"""`captions.tex`: the models of a leaderboard of captions as a table for a paper."""

from collections.abc import Callable
from dataclasses import dataclass

from repope_eval.leaderboard.caption_entries import CaptionBoard
from repope_eval.leaderboard.caption_tables import Placed, group_words, placed
from repope_eval.reporting.caption_tables import figure_cell
from repope_eval.reporting.figure_texts import UNDEFINED
from repope_eval.reporting.latex_tables import PaperCell, PaperColumn, PaperTable, latex_document
from repope_eval.scoring.caption_ranking import ALIKE_WORDS, FIGURE
from repope_eval.scoring.chair import Truth
from repope_eval.scoring.estimates import Estimate

LATEX = "captions.tex"

_NAMING_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class _Column:
    """A column, the figure that stands in it, and where that is found of a model."""

    title: str
    name: str
    estimate: Callable[[Placed], Estimate]


def _of_truth(title: str, name: str, truth: Truth) -> _Column:
    def estimate(one: Placed) -> Estimate:
        figures = one.entry.captions.figures.get(truth)
        return figures.estimates[name] if figures else Estimate()

    return _Column(title, name, estimate)


_COLUMNS = {
    "{annotation}'s truth": [
        _of_truth("CHAIRi", "chair_i", "coco"),
        _of_truth("CHAIRs", "chair_s", "coco"),
        _of_truth("recall", "recall", "coco"),
        _of_truth("words", "words_per_caption", "coco"),
    ],
    f"first {ALIKE_WORDS} words": [
        _Column("CHAIRi", FIGURE, lambda one: one.entry.captions.cut[ALIKE_WORDS]["coco"].estimates[FIGURE])
    ],
    "corrected truth": [
        _of_truth("CHAIRi", "chair_i", "corrected"),
        _of_truth("CHAIRs", "chair_s", "corrected"),
    ],
}


def captions_latex(board: CaptionBoard) -> str:
    """The content of `captions.tex`: the groups below one another, each in the order of its ranking."""
    groups = (*board.groups, *board.alone)
    columns = {
        title.format(annotation=board.truth.annotation): of_title
        for title, of_title in _COLUMNS.items()
        if any(each.estimate(one).value is not None for each in of_title for one in placed(groups))
    }
    every = [each for of_title in columns.values() for each in of_title]
    table = PaperTable(
        caption="CHAIR in percent and the mean number of words of a caption; in small type: 95 % intervals over "
        "images. Figures of different parts are of other prompts, images or limits of length, and cannot be compared.",
        label=f"captions-{board.bench}",
        naming="model",
        naming_share=_NAMING_SHARE,
        columns=[
            (title, [PaperColumn(title=each.title, interval="below") for each in of_title])
            for title, of_title in columns.items()
        ],
        rows=[
            (
                group_words(group),
                [(one.entry.name, [_cell(each, one) for each in every]) for one in placed([group])],
            )
            for group in groups
        ],
    )
    return latex_document(LATEX, table)


def _cell(column: _Column, one: Placed) -> PaperCell:
    cell = figure_cell(column.name, column.estimate(one))
    return PaperCell(text=cell.text or UNDEFINED, interval=cell.note)
