"""From answers to the results of a run: scores, page and figures in its folder, and the table on the console."""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.process.timing import Seconds, rounded, timed
from repope_eval.records import Answer, Question, Variant
from repope_eval.reporting.benchmark_tables import amber_table, groups_table
from repope_eval.reporting.console import print_table
from repope_eval.reporting.headline import Completeness
from repope_eval.reporting.page import RunView, render_run_page
from repope_eval.reporting.remarks import readings_remark, unread_remark
from repope_eval.reporting.score_console import print_detection, print_scores
from repope_eval.reporting.score_document import run_document
from repope_eval.runs.folder import RunFolder
from repope_eval.scoring.amber import EXACT, AmberFigures, amber_figures, read_exactly
from repope_eval.scoring.detection import ALL_OBJECTS, Detection, detection, detection_by_object
from repope_eval.scoring.evidence import evidence
from repope_eval.scoring.groups import groups_right
from repope_eval.scoring.protocol_readings import disagreements, read_otherwise, unparsed
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
from repope_eval.settings.written import as_written, by_dotted_key
from repope_eval.wording import counted

log = logging.getLogger(__name__)

_OF_SCORING = ("protocol", "limit")
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


def score_and_report(answered: AnsweredBenchmark, folder: RunFolder, seconds: Seconds) -> Scores:
    """Scores the answers, writes scores, page and figures into the folder, and prints the table.

    Args:
        answered: what is scored.
        folder: of the run; its manifest is finished.
        seconds: takes what scoring and reporting took.

    Returns:
        The scores under the run's own protocol.

    Raises:
        RepopeError: a file cannot be written.
    """
    with timed(seconds, "scoring"):
        scores, others = _scores(answered)
        detections = _detections(answered, scores)
    with timed(seconds, "report"):
        counts = _counts(answered)
        view = _view(answered, counts, scores, others, detections, folder, seconds)
        page = render_run_page(view)
        folder.write_scores(run_document(view), page.html)
        folder.write_figures(page.figures)
    folder.manifest.finish(seconds=rounded(seconds), counts=counts)  # what is shown may be going nowhere
    print_scores(scores)
    if detections:
        print_detection(detections[ALL_OBJECTS])
    if view.groups:
        print_table(groups_table(view.groups))
    if view.amber:
        print_table(amber_table(view.amber))
    log.info("%s", view.readings)
    if unread := unread_remark(len(view.unparsed), counts["answered"], scores.protocol):
        log.warning("%s", unread)
    if n_missing := counts["questions"] - counts["answered"]:
        log.warning(
            "%d of %s without an answer", n_missing, counted(counts["questions"], "distinct question")
        )
    for line in folder.manifest.doubts:
        log.warning("%s", line)
    log.info("results are in %s (report.html for reading, scores.json for programs)", folder.path)
    return scores


def _counts(answered: AnsweredBenchmark) -> dict[str, int]:
    """How many distinct questions there are and have an answer, and what else was counted."""
    questions = answered.benchmark.questions
    n_answered = sum(question in answered.answers for question in questions)
    return {"questions": len(questions), "answered": n_answered, **answered.counts}


def _completeness(answered: AnsweredBenchmark, counts: Mapping[str, int], n_unparsed: int) -> Completeness:
    n_images = None
    if getattr(answered.settings, "limit", None) is not None:
        n_images = len({question.image for question in answered.benchmark.questions})
    return Completeness(
        n_questions=counts["questions"],
        n_answered=counts["answered"],
        n_unparsed=n_unparsed,
        n_images=n_images,
    )


def _scores(answered: AnsweredBenchmark) -> tuple[Scores, list[Scores]]:
    """The scores under the run's own protocol, or under all, the default one first."""
    choice = answered.settings.protocol
    names = (
        [choice] if choice != "all" else sorted(PROTOCOLS, key=lambda name: name != config.DEFAULT_PROTOCOL)
    )
    benchmark = answered.benchmark
    first, *others = (
        score(answered.model, benchmark.name, benchmark.label_sets, answered.answers, name) for name in names
    )
    return first, others


def _detections(answered: AnsweredBenchmark, scores: Scores) -> dict[str, Detection]:
    """DASH-B's own figures, of all questions and of each object's questions; empty for another benchmark."""
    labels = _labels_of(answered.benchmark, "dash_b")
    if labels is None:
        return {}
    (of_questions,) = labels.values()
    protocol = PROTOCOLS[scores.protocol]
    return {
        ALL_OBJECTS: detection(of_questions, answered.answers, protocol),
        **detection_by_object(of_questions, answered.answers, protocol),
    }


def _amber(answered: AnsweredBenchmark, scores: Scores) -> dict[str, dict[str, AmberFigures]]:
    """AMBER's own figures, of answers as its authors read them and as the protocol does; empty elsewhere."""
    labels = _labels_of(answered.benchmark, "amber")
    if labels is None:
        return {}
    ways = {EXACT: read_exactly, scores.protocol: PROTOCOLS[scores.protocol].read}
    return {
        way: amber_figures(answered.benchmark.ids, labels, answered.answers, read)
        for way, read in ways.items()
    }


def _labels_of(benchmark: Benchmark, label_set: str) -> Mapping[Variant, Mapping[Question, bool]] | None:
    """The labels of each variant in the label set of that name; None where the benchmark has none of that name."""
    return next((each.variants for each in benchmark.label_sets if each.name == label_set), None)


def _unanswered(folder: RunFolder) -> dict[str, str]:
    """How many of the answers are none, because the model was still thinking; empty where it finished all thoughts."""
    number = folder.manifest.cut_thoughts
    return (
        {"unanswered": f"{counted(number, 'question')}, cut off while the model was thinking"}
        if number
        else {}
    )


def _view(
    answered: AnsweredBenchmark,
    counts: Mapping[str, int],
    scores: Scores,
    others: Sequence[Scores],
    detections: Mapping[str, Detection],
    folder: RunFolder,
    seconds: Seconds,
) -> RunView:
    """What the page shows."""
    label_sets, answers = answered.benchmark.label_sets, answered.answers
    verdicts = verdicts_of(label_sets, answers, scores.protocol)
    corrected = scores.confusions[label_sets[-1].name]
    found_unparsed = unparsed(answers, scores.protocol)
    return RunView(
        scores=scores,
        completeness=_completeness(answered, counts, len(found_unparsed)),
        settings=_settings(answered, folder),
        measures=answered.benchmark.measures,
        facts={
            "answered": f"{counts['answered']} of {counted(counts['questions'], 'question')}",
            **_unanswered(folder),
            **answered.counts,
            **_starts(folder),
        },
        doubts=folder.manifest.doubts,
        seconds=seconds,
        prompt=folder.manifest.facts.get("prompt"),
        effects=effects_by_variant(verdicts),
        object_effects=effects_by_object(verdicts),
        verdicts=[*turned_verdicts(verdicts), *remaining_errors(verdicts)],
        evidence=evidence(label_sets, answers),
        other_protocols=others,
        detections=detections,
        groups=groups_right(answered.benchmark.groups, label_sets, answers, PROTOCOLS[scores.protocol]),
        amber=_amber(answered, scores),
        resolutions=resolutions(corrected, verdicts, scores.protocol) if verdicts else {},
        missing={
            label_set.name: missing(label_set, scores.confusions[label_set.name], scores.protocol)
            for label_set in label_sets
        },
        disagreements=disagreements(answers) if others else (),
        readings=readings_remark(read_otherwise(answers, scores.protocol), scores.protocol, len(answers)),
        unparsed=found_unparsed,
        images=answered.images,
    )


def _settings(answered: AnsweredBenchmark, folder: RunFolder) -> dict[str, Any]:
    """The settings that the answers came from, with this start's values of those that scores depend on."""
    here = by_dotted_key(as_written(answered.settings))
    asked = by_dotted_key(folder.manifest.facts.get("settings", here))
    return asked | {key: here[key] for key in _OF_SCORING if key in here}


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
        checked = [str(line) for line in (start.get("verified", {}).get("line"),) if line]
        title = f"start {number}, {start.get('started', 'at an unknown time')}"
        lines[title] = "; ".join([", ".join(by), *checked])
    return lines
