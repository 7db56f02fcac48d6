"""A run as Markdown: the page of an evaluation, and a part of a model's card with the `model-index` the Hub reads."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from huggingface_hub import EvalResult, ModelCardData

from repope_eval.benchmarks.sources import label_set_title, measures_of, origin_of
from repope_eval.exporting.files import Files
from repope_eval.exporting.names import (
    METRICS,
    POSITIVE,
    dataset_of,
    dataset_title,
    file_name,
    model_id,
    page_of,
)
from repope_eval.exporting.scored_run import UNREAD, AskingSettings, ScoredCell, ScoredRun
from repope_eval.reporting.figure_texts import (
    FIGURE_TITLES,
    count_text,
    figure_interval_text,
    figure_text,
)
from repope_eval.reporting.score_table import variant_count_text
from repope_eval.reporting.table_exports import markdown, markdown_text
from repope_eval.reporting.tables import Field, number_field, table, text_field
from repope_eval.runs.finished_runs import NOT_SET
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.settings.command_settings import ExportSettings
from repope_eval.wording import counted, shown


def origin_sentence(run: ScoredRun) -> str:
    """Who answered what, and by which program."""
    titles = dict.fromkeys(dataset_title(run.finished_run.bench, cell.label_set) for cell in run.cells)
    how = "asked and scored" if run.asking else "answered elsewhere, and scored"
    return f"{run.finished_run.model} on {' and '.join(titles)}: {how} by repope_eval {run.version}."


def coverage_sentence(run: ScoredRun) -> str:
    """How many of the questions have an answer, of how many the whole benchmark is, and what could not be read."""
    questions = counted(run.n_questions, "distinct question", ",")
    limited = ", which are those about the benchmark's first images alone" if run.is_partial else ""
    if run.is_unread:
        return f"{run.n_answered:,} of {questions} have an answer{limited}{whole_clause(run)}. {unread_sentence(run)}"
    unread = unread_clause(run)
    read = f" Neither yes nor no was read: {unread}." if unread else ""
    return f"{run.n_answered:,} of {questions} have an answer{limited}{whole_clause(run)}.{read}"


def unread_clause(run: ScoredRun) -> str:
    """How many answers are neither yes nor no, by variant and label set; empty where all are one of them."""
    unread = dict.fromkeys(
        f"{cell.variant}, {label_set_title(cell.label_set)}: {round(cell.n_unparsed, 1):g}"
        for cell in sorted(run.cells, key=lambda cell: cell.variant)
        if cell.n_unparsed
    )
    return "; ".join(unread)


def unread_sentence(run: ScoredRun) -> str:
    """That no answer could be read, and what they look like."""
    responses = dict.fromkeys(answer.response for answer in run.finished_run.answers.values())
    first = ", ".join(shown(response) for response in list(responses)[:3])
    return f"No figure tells anything of the model: {UNREAD} {run.protocol}. They begin with {first}."


def whole_clause(run: ScoredRun) -> str:
    """After a semicolon, how many questions the benchmark of a limited run has; else, or where unknown, nothing."""
    if not run.is_partial or run.n_benchmark_questions is None:
        return ""
    return f"; the whole benchmark has {counted(run.n_benchmark_questions, 'distinct question', ',')}"


def interval_sentence(run: ScoredRun) -> str:
    """What the intervals are over, and what they leave out."""
    return (
        f"Intervals are 95 % intervals over the {counted(run.n_images, 'image')} that have answers: what other images "
        f"of this kind{' and other draws' if run.finished_run.n_draws > 1 else ''} might have given. They hold nothing "
        "of other prompts, and nothing of wrong labels."
    )


def decoding_clause(run: ScoredRun) -> str:
    """How answers were decoded, and that figures are means where they were drawn several times; else nothing."""
    if run.finished_run.n_draws == 1:
        return f"decoding: {run.finished_run.decoding}" if run.finished_run.decoding else ""
    return f"decoding: {run.finished_run.decoding}; figures are means over the draws"


FIGURES = ("f1", "precision", "recall", "accuracy", "tnr", "yes_ratio", "f1_balanced")
"""The figures that the table has; F1 has its interval beside it."""

_INTERVAL_FIGURE = "f1"


def figure_table(run: ScoredRun) -> str:
    """The table; a dash stands for what is undefined."""
    fields: list[Field[ScoredCell]] = [
        number_field("questions", lambda cell: count_text(cell.n_questions)),
        number_field("answered", lambda cell: variant_count_text(cell.variant, cell.n_answered)),
        number_field("neither yes nor no", lambda cell: variant_count_text(cell.variant, cell.n_unparsed)),
    ]
    for name in FIGURES:
        fields.append(_value_field(name))
        if name == _INTERVAL_FIGURE:
            fields.append(_interval_field(name))
    return _table_by_variant(run, fields)


def interval_table(run: ScoredRun) -> str:
    """The 95 % intervals of the other figures, in the same rows."""
    return _table_by_variant(run, [_interval_field(name) for name in FIGURES if name != _INTERVAL_FIGURE])


def _table_by_variant(run: ScoredRun, fields: Sequence[Field[ScoredCell]]) -> str:
    """A table with those columns, the label sets of a variant below one another."""
    naming: tuple[Field[ScoredCell], ...] = (
        text_field("variant", lambda cell: cell.variant),
        text_field("labels", lambda cell: label_set_title(cell.label_set)),
    )
    variants = list(dict.fromkeys(cell.variant for cell in run.cells))
    cells = sorted(run.cells, key=lambda cell: variants.index(cell.variant))
    return markdown(table("", [*naming, *fields], cells))


def _value_field(name: str) -> Field[ScoredCell]:
    return number_field(FIGURE_TITLES[name], lambda cell: figure_text(name, _estimate_of(cell, name).value))


def _interval_field(name: str) -> Field[ScoredCell]:
    return number_field(
        f"{FIGURE_TITLES[name]}, 95 %",
        lambda cell: figure_interval_text(name, _estimate_of(cell, name).interval),
    )


def _estimate_of(cell: ScoredCell, name: str) -> Estimate:
    return cell.figures.get(name, Estimate())


FACTS: Mapping[str, str] = {
    "model.dtype": "number format",
    "model.quantization": "quantization",
    "model.system_prompt": "system prompt",
    "model.question_suffix": "after each question",
    "model.max_tiles": "most tiles of an image",
    "engine": "engine",
    "device.name": "device",
    "device.gpu": "GPU",
    "versions.torch": "torch",
    "versions.transformers": "transformers",
}
"""Facts of a run that the page has where they are set, and what it calls them."""

_UNSET = ("none", "None", NOT_SET)


def evaluation_card(run: ScoredRun, settings: ExportSettings) -> Files:
    """The page: what was measured, on what, how, what came out, and what it cannot tell.

    It has the facts that the run's manifest and scores have.
    """
    sections = {
        "What was measured": _measured_lines(run),
        "On what": _data_lines(run),
        "How": _asking_lines(run),
        "Protocol": [f"`{run.protocol}`: {PROTOCOLS[run.protocol].rule}."],
        "Figures": [figure_table(run), "95 % intervals of the other figures:\n", interval_table(run)],
        "Coverage": _coverage_lines(run),
        "What it cannot tell": _limit_lines(run),
    }
    title = markdown_text(f"{run.finished_run.model} on {run.finished_run.bench.name}")
    lines = [f"# Evaluation card: {title}\n", f"{markdown_text(origin_sentence(run))}\n"]
    for heading, parts in sections.items():
        lines += [f"## {heading}\n", "\n".join(parts).strip() + "\n"]
    return {"evaluation_card.md": "\n".join(lines)}


def _measured_lines(run: ScoredRun) -> list[str]:
    meanings = [
        f"- {FIGURE_TITLES[name]}: {metric.meaning}" for name, metric in METRICS.items() if name != "mcc"
    ]
    return [
        "Whether the model answers yes where the right answer is yes (asked about an object: where it is in the "
        f"image), and no where it is no. In the figures {POSITIVE}.\n",
        *meanings,
        f"- {FIGURE_TITLES['yes_ratio']}: how often the answer is yes",
    ]


def _data_lines(run: ScoredRun) -> list[str]:
    bench, page = run.finished_run.bench, page_of(run.finished_run.bench)
    labels = list(dict.fromkeys(label_set_title(cell.label_set) for cell in run.cells))
    return [
        f"- questions and labels: {origin_of(bench)}{f' ({page})' if page else ''}",
        f"- labels: {', '.join(labels)}",
        *(f"- {markdown_text(name)}: SHA-256 `{digest}`" for name, digest in run.finished_run.hashes.items()),
    ]


def _asking_lines(run: ScoredRun) -> list[str]:
    if run.asking is None:
        return ["The answers were made elsewhere: how the model was asked is not known here."]
    asking, facts = run.asking, run.finished_run.facts
    known = {title: facts.get(name, NOT_SET) for name, title in FACTS.items()}
    return [
        f"- checkpoint: {_committed(asking.checkpoint, asking.commit)}",
        *([f"- adapter: {_committed(asking.adapter, asking.adapter_commit)}"] if asking.adapter else []),
        f"- answers of at most {asking.max_new_tokens} tokens",
        f"- {decoding_clause(run)}",
        *(f"- {name}: {markdown_text(value)}" for name, value in known.items() if value not in _UNSET),
        *_prompt_lines(asking),
    ]


def _committed(name: str, commit: str | None) -> str:
    return f"{markdown_text(name)}{f', commit `{commit}`' if commit else ''}"


def _prompt_lines(asking: AskingSettings) -> list[str]:
    """The prompt as code: indented, since it may hold any other mark of code."""
    return ["- prompt:\n", textwrap.indent(asking.prompt.rstrip(), "      ")] if asking.prompt else []


def _coverage_lines(run: ScoredRun) -> list[str]:
    doubts = [f"\nIn doubt: {markdown_text(line)}." for line in run.doubts]
    return [coverage_sentence(run), *doubts]


def _limit_lines(run: ScoredRun) -> list[str]:
    return [
        f"- {measures_of(run.finished_run.bench)}",
        "- One question at a time, answered by yes or no: nothing is known of what it says when it describes an image.",
        "- F1 rises with the share of questions with label yes; F1 at 50 % yes does not.",
        f"- {interval_sentence(run)}",
        *(f"- {figures} ({where}): {reason}" for (where, reason), figures in _undefined_figures(run).items()),
    ]


def _undefined_figures(run: ScoredRun) -> dict[tuple[str, str], str]:
    """The titles of undefined figures, by where they are undefined and why."""
    figures: dict[tuple[str, str], list[str]] = {}
    for cell in run.cells:
        where = f"{cell.variant}, {label_set_title(cell.label_set)}"
        for name, one in cell.figures.items():
            if one.value is None:
                figures.setdefault((where, one.reason or "undefined"), []).append(FIGURE_TITLES[name])
    return {place: ", ".join(titles) for place, titles in figures.items()}


TASK = "visual-question-answering"
"""What the Hub calls the task."""

INDEX_FIGURES = ("f1", "precision", "recall", "accuracy")
"""The figures of the `model-index` that the Hub reads; the table has more."""


def model_card(run: ScoredRun, settings: ExportSettings) -> Files:
    """A part of a model's card: metadata, then Markdown, as its README.md begins."""
    name = model_id(run, settings.model_id).rpartition("/")[2]
    metadata = ModelCardData(model_name=name, eval_results=list(_index_results(run, settings)))
    facts = (POSITIVE, f"answers are read by the protocol `{run.protocol}`", decoding_clause(run))
    link = f" The whole run: {settings.url}" if settings.url else ""
    text = "\n".join(
        [
            f"---\n{metadata.to_yaml()}\n---\n",
            "## Object hallucination\n",
            f"{origin_sentence(run)} {coverage_sentence(run)}{link}\n",
            figure_table(run),
            f"In the figures {'; '.join(filter(None, facts))}. {interval_sentence(run)}",
        ]
    )
    return {"model_card.md": f"{text}\n"}


def _index_results(run: ScoredRun, settings: ExportSettings) -> Iterator[EvalResult]:
    """The figures that are defined."""
    bench = run.finished_run.bench
    for cell in run.cells:
        dataset = settings.dataset or dataset_of(bench, cell.label_set) or file_name(bench.name)
        for figure in INDEX_FIGURES:
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
