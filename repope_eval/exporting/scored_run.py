"""What is exported: a finished run, read without changing it, with its figures computed anew and its labelled answers.

Where the benchmark cannot be loaded, the file is compared with its hash in the manifest. That finds what was changed by
mistake, but not a folder that somebody made up: they make both.
"""

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.blind import BLIND_TITLES
from repope_eval.benchmarks.sources import asks_for_captions
from repope_eval.cluster.sweep_plan import state_of
from repope_eval.errors import RepopeError
from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.runs.finished_runs import (
    NOT_SET,
    SAME_FIGURE,
    FinishedRun,
    benchmark_of,
    data_folder_of,
    drawn_answers,
    given_files,
    other_files,
    read_run,
    scored_answers,
    unusable,
)
from repope_eval.runs.layout import ANSWERS, MANIFEST, SCORES
from repope_eval.runs.manifest import doubts_of
from repope_eval.runs.manifest_form import SCORES_SHA256, read_manifest
from repope_eval.scoring.confusion import is_unread
from repope_eval.scoring.estimates import Estimate, Interval
from repope_eval.scoring.intervals import INTERVAL_FIGURES
from repope_eval.scoring.protocol_scores import score
from repope_eval.scoring.score_document import cells_document
from repope_eval.settings.askers import SERVER
from repope_eval.settings.config import ANY_BENCH, BenchSettings, Protocol
from repope_eval.system.texts import content_hash

log = logging.getLogger(__name__)


UNREAD = "none of the answers is a yes or a no by the protocol"
"""The reason why there is no F1 where no answer was read as yes or no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredCell:
    """The figures of one variant under one label set."""

    label_set: str
    variant: Variant
    figures: Mapping[str, Estimate]
    """Those of `INTERVAL_FIGURES` that the run has, by name; the value of an undefined one is None."""
    n_questions: float
    n_answered: float
    n_unparsed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingSettings:
    """How a model was asked by this program."""

    family: str
    checkpoint: str
    """Hub id, absolute path of a local folder, or the name that a server has for it."""
    commit: str | None
    adapter: str | None
    """Hub id or absolute path of the adapter that was merged into the checkpoint; None: none was."""
    adapter_commit: str | None
    max_new_tokens: int
    temperature: float
    top_p: float
    prompt: str | None
    """The text around each question, with QUESTION in its place; None where a server makes it."""
    command: str
    began: str | None
    """When the first question was asked, in ISO 8601."""

    @property
    def is_by_server(self) -> bool:
        """Whether the model was behind a server."""
        return self.family == SERVER


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRun:
    """A finished run: its answers, what they came from, and its figures."""

    folder: Path
    finished_run: FinishedRun
    protocol: Protocol
    cells: tuple[ScoredCell, ...]
    """The cells by label set and variant, in the order of `scores.json`."""
    n_images: int
    """Images with an answer, which the intervals are over."""
    n_questions: int
    """Distinct questions of the benchmark, or of the images that the run was limited to."""
    n_answered: int
    n_benchmark_questions: int | None
    """Distinct questions of the whole benchmark; None where an earlier version, which did not note it, made the run."""
    asking: AskingSettings | None
    """None where the answers came from elsewhere."""
    is_partial: bool
    """Whether it was limited to the first images of the benchmark."""
    doubts: tuple[str, ...]
    """What the run noted where it checked its answers and found more differences than are explained."""
    version: str
    """The version of this program that the run was made by."""
    finished: str | None
    """When the answers were all there, in ISO 8601."""
    has_written_scores: bool
    """Whether `scores.json` has the hash that the manifest notes of it."""
    benchmark: Benchmark | None = field(default=None, compare=False)
    """The benchmark that it was asked from; None where that cannot be loaded."""
    benchmark_error: str = ""
    """Why it cannot be loaded; empty where it was."""

    @property
    def is_unread(self) -> bool:
        """Whether none of the answers is a yes or a no by the protocol."""
        return all(is_unread(cell.n_answered, cell.n_unparsed) for cell in self.cells)

    @property
    def is_whole(self) -> bool:
        """Whether every question of the benchmark has an answer."""
        return not self.is_partial and self.n_answered == self.n_questions


def read_scored_run(folder: Path, bench: BenchSettings = ANY_BENCH, data_dir: str | None = None) -> ScoredRun:
    """Reads a run folder of `run` or `score`, and the benchmark that it was asked from.

    Args:
        bench: where the benchmark's files lie, where the run's own settings do not say it.
        data_dir: where data lies; None: where the run had it.

    Raises:
        RepopeError: it is no run's folder, or one of another benchmark; the run has not ended, it has no answers, or a
            file is broken.
    """
    if not (folder / MANIFEST).is_file():
        raise RepopeError(
            f"run={folder}: is no run folder, since it has no {MANIFEST}; name one that a run or score wrote "
            "(by default runs/BENCH/MODEL)"
        )
    manifest = read_manifest(folder / MANIFEST)
    if manifest.get("status") != "complete":
        raise RepopeError(f"run={folder}: {state_of(folder)}, and export it then")
    finished_run = read_run(folder, folder.resolve().name, manifest)
    if asks_for_captions(finished_run.bench):
        raise RepopeError(f"run={folder}: describes images, and an export is of answers of yes and no")
    if blind := finished_run.bench.blind:
        raise RepopeError(
            f"run={folder}: was asked with {BLIND_TITLES[blind]} (bench.blind={blind}), which is a control and no "
            "result of the benchmark; export the run that was shown the images"
        )
    if not finished_run.answers:
        raise RepopeError(f"run={folder}: {ANSWERS} holds no answer, so there is nothing to export")
    try:
        run = _scored_run(finished_run)
    except KeyError as error:
        raise RepopeError(
            f"run={folder}: {SCORES} or {MANIFEST} lacks {error.args[0]}; type the run's command again, which "
            "writes them anew"
        ) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise RepopeError(
            f"run={folder}: {SCORES} is no run's ({error}); type the run's command again, which writes it anew"
        ) from error
    if bench.name not in (None, finished_run.bench.name, finished_run.bench.source):
        raise RepopeError(f"bench={bench.name}: {folder} is of {finished_run.bench.name}; leave bench= out")
    return _with_benchmark(replace(run, finished_run=given_files(finished_run, bench)), data_dir)


def _scored_run(finished_run: FinishedRun) -> ScoredRun:
    """The run as its folder has it, without its benchmark."""
    folder, manifest = finished_run.path, finished_run.manifest
    scores = finished_run.stored_scores(
        f"run={folder}: has no {SCORES}; type its command again, which scores its answers"
    )
    n_benchmark_questions = manifest["benchmark"].get("questions")
    if scores["protocol"] not in get_args(Protocol):
        raise ValueError(f"its protocol is {scores['protocol']!r}")
    return ScoredRun(
        folder=folder,
        finished_run=finished_run,
        protocol=scores["protocol"],
        cells=scored_cells(scores["scores"]),
        n_images=int(scores["n_images"]),
        n_questions=int(manifest["counts"]["questions"]) // finished_run.n_draws,
        n_answered=int(manifest["counts"]["answered"]) // finished_run.n_draws,
        n_benchmark_questions=None if n_benchmark_questions is None else int(n_benchmark_questions),
        asking=_asking_of(finished_run) if isinstance(manifest["settings"]["model"], dict) else None,
        is_partial=manifest.get("partial") is True,
        doubts=tuple(doubts_of(manifest)),
        version=str(manifest.get("versions", {}).get("repope-eval", "unknown")),
        finished=manifest.get("finished"),
        has_written_scores=manifest.get(SCORES_SHA256) == content_hash(folder / SCORES),
    )


def scored_cells(document: Mapping[str, Mapping[Variant, Mapping[str, Any]]]) -> tuple[ScoredCell, ...]:
    """The cells of `scores` in `scores.json`, in its order.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is no such document.
    """
    return tuple(
        _scored_cell(label_set, variant, cell)
        for label_set, by_variant in document.items()
        for variant, cell in by_variant.items()
    )


def _asking_of(finished_run: FinishedRun) -> AskingSettings:
    manifest = finished_run.manifest
    model, checkpoint = manifest["settings"]["model"], manifest.get("checkpoint", {})
    adapter = finished_run.facts.get("model.adapter", NOT_SET)
    return AskingSettings(
        family=str(model["family"]),
        checkpoint=finished_run.facts["model.checkpoint"],
        commit=checkpoint.get("commit"),
        adapter=None if adapter == NOT_SET else adapter,
        adapter_commit=checkpoint.get("adapter_commit"),
        max_new_tokens=int(model["max_new_tokens"]),
        temperature=float(model.get("temperature", 0)),
        top_p=float(model.get("top_p", 1)),
        prompt=manifest.get("prompt"),
        command=str(manifest["command"]),
        began=manifest.get("started"),
    )


def _scored_cell(label_set: str, variant: Variant, cell: Mapping[str, Any]) -> ScoredCell:
    totals = {name: float(cell[name]) for name in ("n_questions", "n_answered", "n_unparsed")}
    figures = {
        name: Estimate(
            value=_checked_number(cell[name]),
            interval=_checked_interval(cell["ci95"].get(name)),
            method=cell["ci95_method"].get(name),
            reason=cell["reasons"].get(name, ""),
        )
        for name in INTERVAL_FIGURES
        if name in cell  # one that an earlier version did not have is not exported
    }
    if is_unread(totals["n_answered"], totals["n_unparsed"]):
        # Where a protocol counts what it cannot read as wrong, F1 is 0, which would say something of the model.
        figures |= {name: Estimate(reason=UNREAD) for name in ("f1", "f1_balanced") if name in figures}
    return ScoredCell(label_set=label_set, variant=variant, figures=figures, **totals)


def _checked_number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"a figure is {value!r}")
    return value


def _checked_interval(ends: Any) -> Interval:
    if ends is None:
        return None
    low, high = map(_checked_number, ends)
    if low is None or high is None:
        raise ValueError(f"an interval is {ends!r}")
    return low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledAnswer:
    """An answer to a labelled question of a variant."""

    variant: Variant
    question_id: int | str
    """Unique inside the variant only."""
    question: Question
    label: bool
    answer: Answer


def _with_benchmark(run: ScoredRun, data_dir: str | None) -> ScoredRun:
    try:
        benchmark = benchmark_of(run.finished_run, data_folder_of(run.finished_run, data_dir))
    except RepopeError as error:
        return replace(run, benchmark_error=str(error))
    if reason := other_files(run.finished_run, benchmark) or unusable(
        run.finished_run, set(benchmark.questions)
    ):
        return replace(run, benchmark_error=f"run={run.folder}: {reason}")
    return replace(run, benchmark=benchmark)


def asked_benchmark(run: ScoredRun) -> Benchmark:
    """The benchmark that a run was asked from, for a form that holds single questions."""
    if run.benchmark is None:
        raise RepopeError(
            f"{run.benchmark_error}; the forms that hold no single questions (evaluation_card, model_card, "
            "eval_results) can be written"
        )
    return run.benchmark


def labelled_answers(run: ScoredRun, benchmark: Benchmark, label_set: LabelSet) -> Iterator[LabelledAnswer]:
    """The scored answers to the questions of a label set, by variant; a question counts once in a variant.

    Of several draws, those of all of them.
    """
    answers, n_draws = drawn_answers(run.finished_run, benchmark), run.finished_run.n_draws
    for variant, questions in benchmark.ids.items():
        labels = label_set.variants.get(variant, {})
        first_ids: dict[Question, int | str] = {}
        for question_id, question in questions.items():
            first_ids.setdefault(question, question_id)
        for question, question_id in first_ids.items():
            for asked in (replace(question, draw=draw) for draw in range(n_draws)):
                if question in labels and asked in answers:
                    yield LabelledAnswer(
                        variant=variant,
                        question_id=question_id,
                        question=asked,
                        label=labels[question],
                        answer=answers[asked],
                    )


def recomputed(run: ScoredRun) -> ScoredRun:
    """The run with the figures and counts that its answers come to, by the labels of its benchmark.

    Raises:
        RepopeError: the benchmark cannot be loaded, and `scores.json` is not known to be as the run wrote it.
    """
    benchmark, reason = run.benchmark, run.benchmark_error
    if benchmark is None:
        _require_unchanged(run)
        log.warning("the figures are those of %s, and not recomputed from the answers: %s", SCORES, reason)
        return run
    asked = benchmark.first_images(run.finished_run.limit)
    answers = drawn_answers(run.finished_run, benchmark)
    scores = score(
        run.finished_run.model,
        benchmark.name,
        asked.label_sets,
        answers,
        run.protocol,
        run.finished_run.n_draws,
    )
    cells = scored_cells(cells_document(scores))
    _tell_changed(run.cells, cells)
    return replace(
        run,
        cells=cells,
        n_images=scores.n_images,
        n_questions=len(asked.questions),
        n_answered=len(scored_answers(run.finished_run, benchmark)),
        n_benchmark_questions=len(benchmark.questions),
        is_partial=len(asked.questions) < len(benchmark.questions),
    )


def _require_unchanged(run: ScoredRun) -> None:
    if run.has_written_scores:
        return
    raise RepopeError(
        f"run={run.folder}: {SCORES} is not known to be as the run wrote it, since {MANIFEST} does not have its hash, "
        f"and its figures cannot be recomputed from the answers: {run.benchmark_error}"
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
