"""A page in Markdown on an evaluation: what was measured, on what, how, what came out, and what it cannot tell."""

import textwrap
from collections.abc import Mapping

from repope_eval.benchmarks.sources import measures_of, origin_of
from repope_eval.exporting.figure_table import figure_table, interval_table
from repope_eval.exporting.files import Files
from repope_eval.exporting.metrics import METRICS, POSITIVE
from repope_eval.exporting.names import page_of
from repope_eval.exporting.scored_run import Asking, ScoredRun
from repope_eval.exporting.sentences import coverage_sentence, interval_sentence, origin_sentence
from repope_eval.leaderboard.finished_runs import NOT_SET
from repope_eval.records import label_set_title
from repope_eval.reporting.figure_texts import FIGURE_TITLES
from repope_eval.reporting.table_exports import markdown_text
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.settings.export_command import ExportSettings

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


def files(run: ScoredRun, settings: ExportSettings) -> Files:
    """The page, of the facts that the run's manifest and scores have."""
    sections = {
        "What was measured": _measured(run),
        "On what": _data(run),
        "How": _asked(run),
        "Protocol": [f"`{run.protocol}`: {PROTOCOLS[run.protocol].rule}."],
        "Figures": [figure_table(run), "95 % intervals of the other figures:\n", interval_table(run)],
        "Coverage": _coverage(run),
        "What it cannot tell": _limits(run),
    }
    title = markdown_text(f"{run.found.model} on {run.found.bench.name}")
    lines = [f"# Evaluation card: {title}\n", f"{markdown_text(origin_sentence(run))}\n"]
    for heading, parts in sections.items():
        lines += [f"## {heading}\n", "\n".join(parts).strip() + "\n"]
    return {"evaluation_card.md": "\n".join(lines)}


def _measured(run: ScoredRun) -> list[str]:
    meanings = [
        f"- {FIGURE_TITLES[name]}: {metric.meaning}" for name, metric in METRICS.items() if name != "mcc"
    ]
    return [
        "Whether the model answers yes where the right answer is yes (asked about an object: where it is in the "
        f"image), and no where it is no. In the figures {POSITIVE}.\n",
        *meanings,
        f"- {FIGURE_TITLES['yes_ratio']}: how often the answer is yes",
    ]


def _data(run: ScoredRun) -> list[str]:
    bench, page = run.found.bench, page_of(run.found.bench)
    labels = list(dict.fromkeys(label_set_title(cell.label_set) for cell in run.cells))
    return [
        f"- questions and labels: {origin_of(bench)}{f' ({page})' if page else ''}",
        f"- labels: {', '.join(labels)}",
        *(f"- {markdown_text(name)}: SHA-256 `{digest}`" for name, digest in run.found.hashes.items()),
    ]


def _asked(run: ScoredRun) -> list[str]:
    if run.asking is None:
        return ["The answers were made elsewhere: how the model was asked is not known here."]
    asking, facts = run.asking, run.found.facts
    known = {title: facts.get(name, NOT_SET) for name, title in FACTS.items()}
    return [
        f"- checkpoint: {markdown_text(asking.checkpoint)}{f', commit `{asking.commit}`' if asking.commit else ''}",
        f"- answers of at most {asking.max_new_tokens} tokens, the likeliest token each time",
        *(f"- {name}: {markdown_text(value)}" for name, value in known.items() if value not in _UNSET),
        *_prompt(asking),
    ]


def _prompt(asking: Asking) -> list[str]:
    """The prompt as code: indented, since it may hold any other mark of code."""
    return ["- prompt:\n", textwrap.indent(asking.prompt.rstrip(), "      ")] if asking.prompt else []


def _coverage(run: ScoredRun) -> list[str]:
    doubts = [f"\nIn doubt: {markdown_text(line)}." for line in run.doubts]
    return [coverage_sentence(run), *doubts]


def _limits(run: ScoredRun) -> list[str]:
    return [
        f"- {measures_of(run.found.bench)}",
        "- One question at a time, answered by yes or no: nothing is known of what it says when it describes an image.",
        "- F1 rises with the share of questions with label yes; F1 at 50 % yes does not.",
        f"- {interval_sentence(run)}",
        *(f"- {figures} ({where}): {reason}" for (where, reason), figures in _undefined(run).items()),
    ]


def _undefined(run: ScoredRun) -> dict[tuple[str, str], str]:
    """The titles of undefined figures, by where they are undefined and why."""
    found: dict[tuple[str, str], list[str]] = {}
    for cell in run.cells:
        where = f"{cell.variant}, {label_set_title(cell.label_set)}"
        for name, one in cell.figures.items():
            if one.value is None:
                found.setdefault((where, one.reason or "undefined"), []).append(FIGURE_TITLES[name])
    return {place: ", ".join(titles) for place, titles in found.items()}
