"""The figures of an export, made of the run's answers: `scores.json` may have been changed since they were written.

Where the benchmark cannot be loaded, the file is compared with its hash in the manifest. That finds what was changed by
mistake; who makes a folder up makes both.
"""

import logging
from dataclasses import replace

from repope_eval.errors import RepopeError
from repope_eval.exporting.labelled_answers import found_benchmark
from repope_eval.exporting.scored_run import ScoredCell, ScoredRun, scored_cells
from repope_eval.leaderboard.run_selection import scored_answers
from repope_eval.runs.layout import MANIFEST, SCORES
from repope_eval.scoring.protocol_scores import score
from repope_eval.scoring.score_document import cells_document

SAME_FIGURE = 1e-9

log = logging.getLogger(__name__)


def recomputed(run: ScoredRun, data_dir: str | None) -> ScoredRun:
    """The run with the figures and counts that its answers come to, by the labels of its benchmark.

    Args:
        run: as its folder has it.
        data_dir: where data lies; None: where the run had it.

    Raises:
        RepopeError: the benchmark cannot be loaded, and `scores.json` is not known to be as the run wrote it.
    """
    try:
        benchmark = found_benchmark(run, data_dir)
    except RepopeError as error:
        _require_unchanged(run, error)
        log.warning("the figures are those of %s, and not recomputed from the answers: %s", SCORES, error)
        return run
    asked = benchmark.first_images(run.found.limit)
    # The benchmark's own questions, since answers do not say which object they are about.
    own = {question: question for question in asked.questions}
    answers = {own[each]: answer for each, answer in scored_answers(run.found, benchmark).items()}
    found = score(run.found.model, benchmark.name, asked.label_sets, answers, run.protocol)
    cells = scored_cells(cells_document(found))
    _tell_changed(run.cells, cells)
    return replace(
        run,
        cells=cells,
        n_images=found.n_images,
        n_questions=len(asked.questions),
        n_answered=len(answers),
        n_benchmark_questions=len(benchmark.questions),
        is_partial=len(asked.questions) < len(benchmark.questions),
    )


def _require_unchanged(run: ScoredRun, reason: RepopeError) -> None:
    if run.has_written_scores:
        return
    raise RepopeError(
        f"run={run.folder}: {SCORES} is not known to be as the run wrote it, since {MANIFEST} does not have its hash, "
        f"and its figures cannot be recomputed from the answers: {reason}"
    )


def _tell_changed(stored: tuple[ScoredCell, ...], cells: tuple[ScoredCell, ...]) -> None:
    """Logs where `scores.json` has another F1 than the answers come to."""
    known = {(cell.label_set, cell.variant): cell.figures["f1"].value for cell in stored}
    for cell in cells:
        before, value = known.get((cell.label_set, cell.variant)), cell.figures["f1"].value
        if before is not None and value is not None and abs(before - value) > SAME_FIGURE:
            log.warning(
                "%s has F1 %.4f (%s, %s), and the answers come to %.4f, which is exported, as are all of their figures",
                SCORES,
                before,
                cell.variant,
                cell.label_set,
                value,
            )
            return
