"""A part of a model's card: the figures as a table to read, and as the `model-index` that the Hub reads."""

from collections.abc import Iterator

from huggingface_hub import EvalResult, ModelCardData

from repope_eval.exporting.evaluation_card import (
    coverage_sentence,
    figure_table,
    interval_sentence,
    origin_sentence,
)
from repope_eval.exporting.files import Files
from repope_eval.exporting.names import METRICS, POSITIVE, dataset_of, dataset_title, file_name, model_id
from repope_eval.exporting.scored_run import ScoredRun
from repope_eval.settings.command_settings import ExportSettings

TASK = "visual-question-answering"
"""What the Hub calls the task."""

FIGURES = ("f1", "precision", "recall", "accuracy")
"""The figures of the index; the table has more."""


def files(run: ScoredRun, settings: ExportSettings) -> Files:
    """The card: metadata, then Markdown, as a model's README.md begins."""
    name = model_id(run, settings.model_id).rpartition("/")[2]
    metadata = ModelCardData(model_name=name, eval_results=list(_results(run, settings)))
    protocol = f"answers are read by the protocol `{run.protocol}`"
    link = f" The whole run: {settings.url}" if settings.url else ""
    text = "\n".join(
        [
            f"---\n{metadata.to_yaml()}\n---\n",
            "## Object hallucination\n",
            f"{origin_sentence(run)} {coverage_sentence(run)}{link}\n",
            figure_table(run),
            f"In the figures {POSITIVE}; {protocol}. {interval_sentence(run)}",
        ]
    )
    return {"model_card.md": f"{text}\n"}


def _results(run: ScoredRun, settings: ExportSettings) -> Iterator[EvalResult]:
    """The figures that are defined."""
    bench = run.finished_run.bench
    for cell in run.cells:
        dataset = settings.dataset or dataset_of(bench, cell.label_set) or file_name(bench.name)
        for figure in FIGURES:
            value = cell.figures[figure].value
            if value is not None:
                yield EvalResult(
                    task_type=TASK,
                    dataset_type=dataset,
                    dataset_name=f"{dataset_title(bench, cell.label_set)}, {cell.variant}",
                    dataset_config=f"{cell.label_set}_{cell.variant}",
                    metric_type=METRICS[figure].id,
                    metric_name=METRICS[figure].title,
                    metric_value=value,
                    source_name="repope_eval" if settings.url else None,
                    source_url=settings.url,
                )
