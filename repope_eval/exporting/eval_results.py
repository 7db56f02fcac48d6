"""The file that the Hub shows on a model's page and on a benchmark's leaderboard: `.eval_results/NAME.yaml`.

Source: https://huggingface.co/docs/hub/eval-results; `huggingface_hub` knows the form. The Hub shows an entry where the
dataset is registered as a benchmark and has the entry's task in its `eval.yaml`.
"""

import logging
from collections.abc import Iterator, Sequence

import yaml  # type: ignore[import-untyped]
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

from repope_eval.benchmarks.sources import label_set_title
from repope_eval.errors import RepopeError
from repope_eval.exporting.cards import decoding_clause, whole_clause
from repope_eval.exporting.files import Files
from repope_eval.exporting.names import dataset_of, file_name
from repope_eval.exporting.scored_run import UNREAD, ScoredCell, ScoredRun
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.estimates import Interval
from repope_eval.settings.command_settings import ExportSettings

log = logging.getLogger(__name__)


def files(run: ScoredRun, settings: ExportSettings) -> Files:
    """The file: an entry for F1 of each variant under each label set that there is a dataset for.

    Raises:
        RepopeError: there is no dataset for any, or no F1 that is defined.
    """
    datasets = {
        cell.label_set: settings.dataset or dataset_of(run.finished_run.bench, cell.label_set)
        for cell in run.cells
    }
    lacking = [label_set_title(name) for name, dataset in datasets.items() if dataset is None]
    if len(lacking) == len(datasets):
        raise RepopeError(
            f"format=eval_results: no dataset on the Hub is known for {run.finished_run.bench.name}; name the one "
            "whose leaderboard the figures are for with dataset=OWNER/NAME"
        )
    if lacking:
        log.warning(
            "left out: figures under %s labels, for which no dataset on the Hub is known; dataset=OWNER/NAME names one "
            "for all labels",
            " and ".join(lacking),
        )
    entries = [
        _entry(run, cell, dataset, value, settings.url)
        for cell, value in _defined_f1(run.cells)
        if (dataset := datasets[cell.label_set]) is not None
    ]
    if not entries:
        why = f" ({UNREAD} {run.protocol})" if run.is_unread else ""
        raise RepopeError(
            f"run={run.folder}: F1 is undefined everywhere{why}, and a leaderboard shows nothing else"
        )
    text = yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, allow_unicode=True)
    return {f".eval_results/repope_eval_{file_name(run.finished_run.bench.name)}.yaml": text}


def _defined_f1(cells: Sequence[ScoredCell]) -> Iterator[tuple[ScoredCell, float]]:
    """The cells in which F1 is defined, with it."""
    for cell in cells:
        if (value := cell.figures["f1"].value) is not None:
            yield cell, value


def _entry(run: ScoredRun, cell: ScoredCell, dataset: str, value: float, url: str | None) -> EvalResultEntry:
    return EvalResultEntry(
        dataset_id=dataset,
        task_id=f"{cell.label_set}_{cell.variant}",
        value=value,
        date=run.finished if run.asking else None,  # when others asked is not known
        source_url=url,
        source_name="repope_eval" if url else None,
        notes=_notes_text(run, cell),
    )


def _ends_text(interval: Interval) -> str:
    """The ends of an interval as numbers from 0 to 1, as the value itself is."""
    return "unknown" if interval is None else "{:.4f} to {:.4f}".format(*interval)


def _notes_text(run: ScoredRun, cell: ScoredCell) -> str:
    """What a reader of the number needs: which figure it is, how sure, by which labels and protocol, of how much."""
    parts = [
        f"F1 from 0 to 1 under {label_set_title(cell.label_set)} labels",
        f"95 % interval {_ends_text(cell.figures['f1'].interval)}",
        f"answers read by protocol {run.protocol}",
        *([decoding] if (decoding := decoding_clause(run)) else []),
        _answered_phrase(run, cell),
        *([f"limited to the benchmark's first images{whole_clause(run)}"] if run.is_partial else []),
        *(["answers in doubt"] if run.doubts else []),
        f"repope_eval {run.version}",
    ]
    return "; ".join(parts)


def _answered_phrase(run: ScoredRun, cell: ScoredCell) -> str:
    """How many questions of a variant have an answer; for the mean, whose counts are means, how many of all."""
    unread = f", {round(cell.n_unparsed, 1):g} answers read as neither yes nor no" if cell.n_unparsed else ""
    if cell.variant == MEAN:
        each = f"{unread} in a variant on average" if unread else ""
        return f"{run.n_answered} of {run.n_questions} distinct questions answered{each}"
    return f"{cell.n_answered:.0f} of {cell.n_questions:.0f} questions answered{unread}"
