"""From answers to what is left of a run: scores, page and figures in its folder, the table on the console."""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.process.timing import Seconds, rounded, timed
from repope_eval.records import Answer, Question
from repope_eval.reporting.page import RunView, render_run_page
from repope_eval.reporting.score_console import print_detection, print_scores
from repope_eval.reporting.score_document import run_document
from repope_eval.runs.folder import RunFolder
from repope_eval.scoring.detection import ALL_OBJECTS, Detection, detection, detection_by_object
from repope_eval.scoring.evidence import evidence
from repope_eval.scoring.protocol_readings import disagreements, unparsed
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.relabelling_effect import (
    effects_by_object,
    effects_by_variant,
    remaining_errors,
    turned_verdicts,
    verdicts_of,
)
from repope_eval.scoring.resolutions import missing, resolutions
from repope_eval.scoring.scores import Scores, score
from repope_eval.settings import config
from repope_eval.settings.written import as_written
from repope_eval.wording import counted

log = logging.getLogger(__name__)

_OF_SCORING = ("protocol", "limit")
"""Settings that say how answers are scored, and how many: of a start that asks nothing, too."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A benchmark that a model has answered, as far as it has."""

    model: str
    benchmark: Benchmark
    answers: Mapping[Question, Answer]
    images: Mapping[str, Path]
    """Those that are on this machine, for thumbnails."""
    settings: config.RunSettings | config.ScoreSettings
    counts: Mapping[str, int]
    """What else is to be said of how the answers came about."""


def conclude(answered: Answered, folder: RunFolder, seconds: Seconds) -> Scores:
    """Scores, writes and shows; the scores under the run's own protocol."""
    with timed(seconds, "scoring"):
        scores, others = _scores(answered)
        detections = _detections(answered, scores)
    with timed(seconds, "report"):
        counts = _counts(answered)
        view = _view(answered, counts, scores, others, detections, folder, seconds)
        page = render_run_page(view)
        folder.write_scores(run_document(view), page.html)
        folder.write_figures(page.figures)
    folder.finish(seconds=rounded(seconds), counts=counts)  # what is shown may be going nowhere
    print_scores(scores)
    if detections:
        print_detection(detections[ALL_OBJECTS])
    if n_missing := counts["questions"] - counts["answered"]:
        log.warning(
            "%d of %s without an answer", n_missing, counted(counts["questions"], "distinct question")
        )
    log.info("results are in %s (report.html for reading, scores.json for programs)", folder.path)
    return scores


def _counts(answered: Answered) -> dict[str, int]:
    """How many distinct questions there are and have an answer, and what else was counted."""
    questions = answered.benchmark.questions
    n_answered = sum(question in answered.answers for question in questions)
    return {"questions": len(questions), "answered": n_answered, **answered.counts}


def _scores(answered: Answered) -> tuple[Scores, list[Scores]]:
    """Under the protocol that counts, and under the others where all are asked for."""
    main = config.main_protocol(answered.settings.protocol)
    names = [main, *(name for name in PROTOCOLS if name != main and answered.settings.protocol == "all")]
    benchmark = answered.benchmark
    first, *others = (
        score(answered.model, benchmark.name, benchmark.label_sets, answered.answers, name) for name in names
    )
    return first, others


def _detections(answered: Answered, scores: Scores) -> dict[str, Detection]:
    """DASH-B's own figures, of all questions and of each object's, where it is DASH-B that was asked; else none."""
    labels = {label_set.name: label_set.variants for label_set in answered.benchmark.label_sets}.get("dash_b")
    if labels is None:
        return {}
    (of_questions,) = labels.values()
    protocol = PROTOCOLS[scores.protocol]
    return {
        ALL_OBJECTS: detection(of_questions, answered.answers, protocol),
        **detection_by_object(of_questions, answered.answers, protocol),
    }


def _view(
    answered: Answered,
    counts: Mapping[str, int],
    scores: Scores,
    others: Sequence[Scores],
    detections: Mapping[str, Detection],
    folder: RunFolder,
    seconds: Seconds,
) -> RunView:
    """What the page tells."""
    label_sets, answers = answered.benchmark.label_sets, answered.answers
    verdicts = verdicts_of(label_sets, answers, scores.protocol)
    return RunView(
        scores=scores,
        settings=_settings(answered, folder),
        facts={
            "answered": f"{counts['answered']} of {counted(counts['questions'], 'question')}",
            **answered.counts,
            **_starts(folder),
        },
        seconds=seconds,
        prompt=folder.prompt,
        effects=effects_by_variant(verdicts),
        object_effects=effects_by_object(verdicts),
        verdicts=[*turned_verdicts(verdicts), *remaining_errors(verdicts)],
        evidence=evidence(label_sets, answers),
        other_protocols=others,
        detections=detections,
        resolutions=resolutions(scores.confusions["repope"], verdicts, scores.protocol) if verdicts else {},
        missing={
            label_set.name: missing(label_set, scores.confusions[label_set.name], scores.protocol)
            for label_set in label_sets
        },
        disagreements=disagreements(answers) if others else (),
        unparsed=unparsed(answers, scores.protocol),
        images=answered.images,
    )


def _settings(answered: Answered, folder: RunFolder) -> dict[str, Any]:
    """Those that the answers came from, and this start's where scores depend on them."""
    here = config.by_dotted_key(as_written(answered.settings))
    asked = config.by_dotted_key(folder.manifest.facts.get("settings", here))
    return asked | {key: here[key] for key in _OF_SCORING if key in here}


def _starts(folder: RunFolder) -> dict[str, str]:
    """What each start asked, and by what, by its number and date."""
    lines = {}
    first = folder.manifest.facts.get("settings", {}).get("engine")
    for number, start in enumerate(folder.asking_starts, 1):
        device, installed = start.get("device", {}), start.get("versions", {})
        by = [
            f"{counted(start['asked'], 'question', ',')} asked",
            f"engine {start.get('settings', {}).get('engine', first)}",
            *[str(name) for name in (device.get("gpu") or device.get("name"),) if name],
            *[f"{name} {installed[name]}" for name in ("torch", "transformers") if name in installed],
        ]
        lines[f"start {number}, {start.get('started', 'at an unknown time')}"] = ", ".join(by)
    return lines
