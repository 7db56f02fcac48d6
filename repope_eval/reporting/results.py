"""From answers to the results of a run: scores, page and figures in its folder, and the table on the console."""

import dataclasses
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark, questions_by_image
from repope_eval.benchmarks.blind import BLIND_TITLES
from repope_eval.records import Answer, Question
from repope_eval.reporting.caption_page import render_caption_page
from repope_eval.reporting.caption_tables import print_caption_scores, silent_remark
from repope_eval.reporting.console import print_sentences, print_table
from repope_eval.reporting.draw_tables import draws_remark
from repope_eval.reporting.headline import f1_parts_remark, readings_remark, unread_remark
from repope_eval.reporting.page import RunView, render_run_page
from repope_eval.reporting.run_tables import own_table
from repope_eval.reporting.score_latex import scores_latex
from repope_eval.reporting.score_table import console_table, over_draws, partial_note, score_table
from repope_eval.runs.blind_twins import find_blind_twins
from repope_eval.runs.folder import RunFolder
from repope_eval.scoring.blindness import blind_figures
from repope_eval.scoring.caption_scores import AnyScores, CaptionScores, score_caption_benchmark
from repope_eval.scoring.own_figures import OwnFigures
from repope_eval.scoring.scores import Scores, score_benchmark
from repope_eval.settings import config
from repope_eval.settings.askers import applicable_settings
from repope_eval.settings.decoding import decoding_of
from repope_eval.system.environment import Seconds, rounded, timed
from repope_eval.system.secrets import as_written, values_by_dotted_key
from repope_eval.wording import counted, estimated_duration, part_of_images

log = logging.getLogger(__name__)


def print_scores(scores: AnyScores) -> None:
    """Prints the figures of a run, with what makes them uncertain."""
    if isinstance(scores, CaptionScores):
        print_caption_scores(scores)
    else:
        _print_scores(scores)


def _print_scores(scores: Scores) -> None:
    """Prints the figures under each label set, how certain F1 is, what the relabelling changed, and own figures."""
    title = f"{scores.model} on {scores.bench}, protocol {scores.protocol}, in percent{over_draws(scores)}"
    print_table(score_table(title, scores))
    print_table(console_table(scores))
    for remark in (partial_note(scores), f1_parts_remark(scores), draws_remark(scores)):
        if remark:
            print_sentences(remark)
    for one in scores.own:
        print_table(
            own_table(one.narrow_table) if one.narrow_table else own_table(one.table, one.section.caption)
        )


_SCORING_KEYS = ("protocol", "limit")
"""Settings that say which answers are scored and how. The page shows this start's, even if it asked nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class AnsweredBenchmark:
    """A benchmark, and the answers of a model as far as there are any."""

    model: str
    settings: config.RunSettings | config.ScoreSettings
    benchmark: Benchmark
    answers: Mapping[Question, Answer]
    counts: Mapping[str, int]
    """Further counts of how the answers came about, by name, such as how many were asked in this start."""
    images: Mapping[str, Path]
    """Where each image lies that is on this machine, for thumbnails."""
    n_images: int | None = None
    """How many images the whole benchmark has, of which `limit` may leave out some; None where there is no limit."""


def score_and_report(
    answered: AnsweredBenchmark,
    folder: RunFolder,
    seconds: Seconds,
    show: Callable[[AnyScores], None] = print_scores,
) -> AnyScores:
    """Scores the answers, writes scores, page and figures into the folder, and shows the scores.

    Args:
        folder: of the run; its manifest is finished.
        seconds: takes what scoring and reporting took.
    """
    with timed(seconds, "scoring"):
        scores = _scored(answered, folder)
    counts = {"questions": scores.n_questions, "answered": scores.n_answered, **answered.counts}
    with timed(seconds, "report"):
        is_captions = isinstance(scores, CaptionScores)
        page = (render_caption_page if is_captions else render_run_page)(
            _run_view(answered, scores, folder, seconds)
        )
        latex = scores_latex(scores) if isinstance(scores, Scores) else None
        folder.write_scores(scores.to_dict(), page.html, latex)
        folder.write_figures(page.figures)
    folder.manifest.finish(
        seconds=rounded(seconds), counts=counts
    )  # first, since showing fails where standard output is closed
    show(scores)
    _log_doubts(answered, scores, folder)
    log.info(
        "results are in %s (report.html for reading, scores.json for programs%s)",
        folder.path,
        "" if latex is None else ", scores.tex for a paper",
    )
    return scores


def _scored(answered: AnsweredBenchmark, folder: RunFolder) -> AnyScores:
    """The scores, by the kind of the benchmark."""
    settings = answered.settings
    part = part_of_images(len(questions_by_image(answered.benchmark.questions)), answered.n_images)
    told = {"part": part, "decoding": _decoding(settings)}
    if answered.benchmark.truth is None:
        scores = score_benchmark(
            answered.benchmark, answered.answers, answered.model, settings.protocol, **told
        )
        blind = _blind_figures(answered, folder, scores.protocol)
        return dataclasses.replace(scores, own=(*scores.own, blind)) if blind else scores
    longest = settings.model.max_new_tokens if isinstance(settings, config.RunSettings) else None
    return score_caption_benchmark(
        answered.benchmark, answered.answers, answered.model, max_new_tokens=longest, **told
    )


def _blind_figures(
    answered: AnsweredBenchmark, folder: RunFolder, protocol: config.Protocol
) -> OwnFigures | None:
    """What the run answers right without looking, where runs that were shown something else lie beside it."""
    if not isinstance(answered.settings, config.RunSettings):
        return None
    twins = find_blind_twins(folder.path, answered.settings.bench, answered.answers)
    return blind_figures(twins, answered.benchmark.label_sets, protocol)


def _log_doubts(answered: AnsweredBenchmark, scores: AnyScores, folder: RunFolder) -> None:
    """Says how answers were read, how long asking took, and what makes the answers doubtful."""
    if isinstance(scores, Scores):
        log.info("%s", readings_remark(scores.read_otherwise, scores.protocol, scores.n_answered))
    if line := estimate_line(folder.manifest.facts):
        log.info("%s", line)
    for line in folder.manifest.doubts:
        log.warning("%s", line)
    if part := scores.part:
        log.info("limit=%s: the scores are about the first %s", part.partition(" ")[0], part)
    if n_missing := scores.n_questions - scores.n_answered:
        log.warning("%d of %s without an answer", n_missing, counted(scores.n_questions, "distinct question"))
    if unread := _unread_remark(answered, scores):
        log.warning("%s", unread)


def _decoding(settings: config.RunSettings | config.ScoreSettings) -> str:
    """How a model was asked to decode; empty for answers from elsewhere, of which it is unknown."""
    return decoding_of(applicable_settings(settings)) if isinstance(settings, config.RunSettings) else ""


def _doubts(answered: AnsweredBenchmark, scores: AnyScores, folder: RunFolder) -> list[str]:
    """What makes the answers doubtful, and that none of them is a yes or a no where that is so."""
    line = _unread_remark(answered, scores) if scores.is_unread else None
    blind = answered.settings.bench.blind if isinstance(answered.settings, config.RunSettings) else None
    control = f"Asked with {BLIND_TITLES[blind]} (bench.blind={blind}): a control." if blind else None
    return [*folder.manifest.doubts, *filter(None, (line, control))]


def _unread_remark(answered: AnsweredBenchmark, scores: AnyScores) -> str | None:
    """How many answers are neither yes nor no, or mention nothing, and where these are many, what to try."""
    if isinstance(scores, CaptionScores):
        return silent_remark(scores)
    is_asked = isinstance(answered.settings, config.RunSettings)
    return unread_remark(scores.unparsed, scores.n_answered, scores.protocol, is_asked=is_asked)


def _unfinished_thoughts(folder: RunFolder) -> dict[str, str]:
    """How many of the answers are none, because the model was still thinking; empty where it finished all thoughts."""
    number = folder.manifest.cut_thoughts
    return (
        {"unanswered": f"{counted(number, 'question')}, cut off while the model was thinking"}
        if number
        else {}
    )


def estimate_line(manifest: Mapping[str, Any]) -> str:
    """How long the newest asking took beside what was estimated for its GPU; empty where nothing was."""
    facts = manifest.get("inference", {})
    estimate = facts.get("estimate")
    if not estimate or "seconds" not in facts:
        return ""
    return (
        f"asking took {estimated_duration(facts['seconds'])}, where {estimated_duration(estimate['seconds'])} were "
        f"estimated from the data sheet of {estimate['card']}, bound by {estimate['binds']}"
    )


def _answered_text(scores: AnyScores) -> str:
    """How many questions have an answer; of several draws, how many answers there are."""
    if isinstance(scores, Scores) and scores.n_draws > 1:
        questions = counted(scores.n_questions // scores.n_draws, "question")
        return f"{scores.n_answered} of {scores.n_questions} answers, {scores.n_draws} draws of {questions}"
    return f"{scores.n_answered} of {counted(scores.n_questions, 'question')}"


def _run_view(answered: AnsweredBenchmark, scores: AnyScores, folder: RunFolder, seconds: Seconds) -> RunView:
    """What the page shows."""
    return RunView(
        scores=scores,
        settings=_settings(answered, folder),
        measures=answered.benchmark.measures,
        facts={
            "answered": _answered_text(scores),
            **_unfinished_thoughts(folder),
            **answered.counts,
            **_starts(folder),
            **({"waiting": waiting} if (waiting := folder.manifest.waiting) else {}),
            **({"time": line} if (line := estimate_line(folder.manifest.facts)) else {}),
        },
        doubts=_doubts(answered, scores, folder),
        seconds=seconds,
        prompt=folder.manifest.facts.get("prompt"),
        images=answered.images,
    )


def _settings(answered: AnsweredBenchmark, folder: RunFolder) -> dict[str, Any]:
    """The settings that the answers came from, with this start's values of those that scores depend on."""
    here = values_by_dotted_key(as_written(answered.settings))
    asked = values_by_dotted_key(folder.manifest.facts.get("settings", here))
    return asked | {key: here[key] for key in _SCORING_KEYS if key in here}


def _starts(folder: RunFolder) -> dict[str, str]:
    """What each start asked and what it ran on, by its number and date."""
    lines = {}
    first = folder.manifest.facts.get("settings", {}).get("engine")
    for number, start in enumerate(folder.manifest.asking_starts, 1):
        device, installed = start.get("device", {}), start.get("versions", {})
        engine = start.get("settings", {}).get("engine", first)
        libraries = ("torch", "transformers") if engine else ()  # a server's are unknown
        by = [
            f"{counted(start['asked'], 'question', ',')} asked",
            *([f"engine {engine}"] if engine else []),
            *[str(name) for name in (device.get("gpu") or device.get("name"),) if name],
            *[f"{name} {installed[name]}" for name in libraries if name in installed],
        ]
        checked = [str(line) for line in (start.get("way"), start.get("verified", {}).get("line")) if line]
        title = f"start {number}, {start.get('started', 'at an unknown time')}"
        lines[title] = "; ".join([", ".join(by), *checked])
    return lines
