"""`scores.tex`: the scores of a run as a table for a paper."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from repope_eval.benchmarks.sources import label_set_phrase, label_set_title
from repope_eval.reporting.figure_texts import PARTIAL, UNDEFINED, method_text
from repope_eval.reporting.latex_tables import PaperCell, PaperColumn, PaperTable, latex_document
from repope_eval.reporting.score_table import ScoreRow, score_rows
from repope_eval.runs.layout import LATEX
from repope_eval.scoring.bootstrap import DISTINCT, MEAN
from repope_eval.scoring.score_document import answered_phrase, lead_of
from repope_eval.scoring.scores import Scores
from repope_eval.wording import counted, listed_words

SHORT_TITLES: Mapping[str, str] = {
    "accuracy": "acc.",
    "precision": "prec.",
    "recall": "rec.",
    "f1": "F1",
    "yes_ratio": "yes",
}
"""The figures of POPE's tables in their order there, with titles that take little room."""
_NAMING_SHARE = 0.16


def scores_latex(scores: Scores) -> str:
    """The content of `scores.tex`: a row for each variant, the columns grouped by label set."""
    titles = [label_set_title(name) for name in scores.cells]
    # Beside a second label set there is no room for other intervals.
    with_interval = ["f1"] if len(titles) > 1 else list(SHORT_TITLES)
    rows = [row for row in score_rows(scores) if _is_shown(scores, row)]
    columns = [
        PaperColumn(title=title, interval="below" if name in with_interval else "none")
        for name, title in SHORT_TITLES.items()
    ]
    drawn = {
        variant: _cells({row.labels: row for row in of_variant}, titles, with_interval)
        for variant, of_variant in groupby(rows, key=lambda row: row.variant)
    }
    summaries = [variant for variant in drawn if variant in (MEAN, DISTINCT)]
    groups = ([variant for variant in drawn if variant not in summaries], summaries)
    table = PaperTable(
        caption=" ".join(_caption(scores, rows, with_interval)),
        label=f"{scores.bench}-{scores.model}",
        naming="variant",
        naming_share=_NAMING_SHARE,
        columns=[(title, columns) for title in titles],
        rows=[("", [(variant, drawn[variant]) for variant in group]) for group in groups if group],
    )
    return latex_document(LATEX, table)


def _is_shown(scores: Scores, row: ScoreRow) -> bool:
    """Whether it is a variant's, or sums them up; all questions together do only where there is no mean."""
    if row.is_change:
        return False
    return row.variant != DISTINCT or lead_of(scores.parts, is_unread=scores.is_unread).variant == DISTINCT


def _cells(
    rows: Mapping[str, ScoreRow], titles: Sequence[str], with_interval: Sequence[str]
) -> list[PaperCell]:
    """The figures of a variant under each label set."""
    return [
        PaperCell(
            text=rows[title].figure(name),
            interval=rows[title].interval(name) if name in with_interval else "",
        )
        if title in rows
        else PaperCell(text=UNDEFINED)
        for title in titles
        for name in SHORT_TITLES
    ]


def _caption(scores: Scores, rows: Sequence[ScoreRow], with_interval: Sequence[str]) -> Iterator[str]:
    """Its sentences: what is shown, the kind of the intervals, and what the figures are over."""
    phrases = listed_words([label_set_phrase(name) for name in scores.cells])
    yield (
        f"{scores.model} under {phrases}, in percent: accuracy, precision, recall, F1, and the share of answers that "
        "are yes."
    )
    methods = {row.estimates[name].method for row in rows for name in with_interval if row.interval(name)}
    if methods:
        whose = "F1's 95 % interval" if len(with_interval) == 1 else "95 % intervals"
        yield f"In small type: {whose} ({method_text(methods)})."
    yield _over(scores)
    if scores.leading is not None:
        yield f"The benchmark's own metric: {scores.leading.phrase}."
    if any(row.is_partial for row in rows):
        yield f"{PARTIAL}: F1 leaves out more than 1 % of the questions, which have no readable answer."


def _over(scores: Scores) -> str:
    """What the figures are over, and how the answers came about."""
    numbers = {
        name: int(list(of_variants.values())[-1].figures.n_questions)
        for name, of_variants in scores.parts[-1].cells.items()
    }
    images = scores.part or counted(scores.n_images, "image", ",")
    facts = (
        f"Distinct questions about {images}: "
        + listed_words([f"{number:,} under {label_set_phrase(name)}" for name, number in numbers.items()]),
        answered_phrase(scores.n_questions, scores.n_answered, len(scores.unparsed)),
        f"benchmark {scores.bench}",
        f"protocol {scores.protocol}",
        f"decoding: {scores.decoding}" if scores.decoding else "",
    )
    return f"{'; '.join(filter(None, facts))}."
