"""Finished runs, each read once and left as it is, since another process may be writing it; and what they were asked.

A run folder may be anybody's: `stored_settings` says what is taken from its manifest.
"""

import logging
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf.errors import OmegaConfBaseException

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import FILE_SETTINGS, load_benchmark, load_truth
from repope_eval.captions.truth import CaptionTruth
from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question
from repope_eval.runs.answer_store import read_answers
from repope_eval.runs.layout import ANSWERS, MANIFEST, SCORES, find_run_folders, model_name, place_below
from repope_eval.runs.manifest import SCHEMA_VERSION
from repope_eval.runs.manifest_form import read_manifest
from repope_eval.runs.stored_settings import stored_settings
from repope_eval.settings.config import BenchSettings
from repope_eval.settings.decoding import DECODING, DECODING_KEYS, decoding_of
from repope_eval.settings.fields import fields_of
from repope_eval.settings.named_files import data_folder, refuse_special
from repope_eval.system.folders import require_inside
from repope_eval.system.json_files import read_json
from repope_eval.system.secrets import place_here, values_by_dotted_key
from repope_eval.system.signals import raise_if_interrupted
from repope_eval.wording import counted

log = logging.getLogger(__name__)

NOT_SET = "not set"

FIRST_DRAW = "asked each question {} times, and the first draw's answers alone count here"
"""Said of a run with several draws, `{}` their number, where its figures are not means over them."""

SAME_FIGURE = 1e-9
"""A figure in `scores.json` that differs by less from what the answers come to is the same but for rounding."""

_QUESTION_FILE_SETTINGS = tuple(
    field.name for field in fields_of(BenchSettings) if field.place == "questions"
)
"""Settings of a benchmark that name the files that its questions and labels stand in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """What was read from a run folder."""

    path: Path
    folder: str
    """The run folder as messages name it: relative to the folder that was searched."""
    manifest: Mapping[str, Any]
    model: str
    bench: BenchSettings
    hashes: Mapping[str, str]
    """SHA-256 of the question files that the questions came from, by name."""
    data_dir: str | None
    """The setting as it was written: it may contain environment variables."""
    status: str
    """`complete`, or `running` if the run has not come to its end."""
    answers: Mapping[Question, Answer]
    """Of several draws, those of the first."""
    limit: int | None
    """How many of the first images the figures in the folder are about; None: all. There may be answers about more."""
    facts: Mapping[str, str]
    """The settings of the run and what it ran on, by dotted key."""
    withheld: Mapping[str, str]
    """Places that the manifest names and that are not looked at (see `StoredSettings`)."""
    n_draws: int = 1
    """How often each question was asked, where answers are sampled."""
    further_draws: Mapping[Question, Answer] = field(default_factory=dict)
    """The answers of all draws but the first."""
    unfinished: str = ""
    """The state of a run that has not come to its end, in the words of `status`, and what to do; else empty."""

    @property
    def decoding(self) -> str:
        """How the model was asked to decode, in words; empty where the answers came from elsewhere."""
        return self.facts.get(DECODING, "")

    def stored_scores(self, missing: str) -> Any:
        """The document in `scores.json`, which may hold anything; `missing` is the message where there is none.

        Raises:
            RepopeError: it is missing, no JSON, or no file of the folder.
        """
        path = self.path / SCORES
        if not path.is_file():
            raise RepopeError(missing)
        require_inside(path)
        return read_json(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A run that cannot be used, and the reason."""

    folder: str
    """The run folder, relative to the folder that was searched."""
    reason: str


FindUnfinished = Callable[[Path], Mapping[str, str]]
"""A function that says of each unfinished run below a folder, by its place there, how far it is; it may ask SLURM."""


def read_runs(root: Path, find_unfinished: FindUnfinished) -> tuple[list[FinishedRun], list[LeftOut]]:
    """Reads all run folders in a folder and below it, in natural order: the runs, and the folders that are left out."""
    runs: list[FinishedRun] = []
    left_out: list[LeftOut] = []
    states = cache(lambda: find_unfinished(root))
    for folder in find_run_folders(root):
        name = folder.relative_to(root).as_posix()
        name = root.resolve().name if name == "." else name
        try:
            run = read_run(folder, name)
            if run.status != "complete":
                run = replace(run, unfinished=states().get(place_below(root, folder), "has not ended"))
            runs.append(run)
            if run.n_draws > 1:
                log.warning("%s %s", name, FIRST_DRAW.format(run.n_draws))
        except RepopeError as error:
            reason = " ".join(str(error).removeprefix(f"{folder}{os.sep}").split())
            if (folder / MANIFEST).is_file() and not (folder / ANSWERS).exists():
                reason = states().get(place_below(root, folder), reason)
            left_out.append(LeftOut(folder=name, reason=reason))
    return runs, left_out


def read_run(folder: Path, name: str, manifest: Mapping[str, Any] | None = None) -> FinishedRun:
    """Reads a run folder.

    Args:
        name: what the folder is called in messages.
        manifest: its manifest, where that was read already.

    Raises:
        RepopeError: a file is missing or broken, or the manifest is of another version.
    """
    path = folder / MANIFEST
    for file in (path, folder / ANSWERS):
        if not file.is_file():
            raise RepopeError(f"{file}: is missing, so there is nothing to report of this run")
        require_inside(file)
    manifest = read_manifest(path) if manifest is None else manifest
    if manifest.get("schema") != SCHEMA_VERSION:
        raise RepopeError(
            f"{path}: is of schema {manifest.get('schema')}, another version's (this one reads {SCHEMA_VERSION})"
        )
    drawn: dict[Question, Answer] = {}
    for answer in read_answers(folder / ANSWERS):
        drawn.setdefault(answer.question, answer)
    try:
        stored = stored_settings(manifest, path)
        return FinishedRun(
            path=folder,
            folder=name,
            manifest=manifest,
            model=model_name(manifest["settings"]),
            bench=stored.bench,
            hashes={str(file): str(value) for file, value in manifest["benchmark"]["sha256"].items()},
            data_dir=stored.data_dir,
            status=str(manifest["status"]),
            answers={question: answer for question, answer in drawn.items() if not question.draw},
            n_draws=int(_newest_setting(manifest, "repeats") or 1),
            further_draws={question: answer for question, answer in drawn.items() if question.draw},
            limit=None if (limit := _newest_setting(manifest, "limit")) is None else int(limit),
            facts=_facts_of(manifest),
            withheld=stored.withheld,
        )
    except OmegaConfBaseException as error:  # which is a KeyError or an AttributeError, too
        raise_if_interrupted()
        reason = str(error).strip().splitlines()[0]
        raise RepopeError(f"{path}: its settings are not this version's ({reason})") from error
    except KeyError as error:
        raise RepopeError(f"{path}: lacks {error.args[0]}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise RepopeError(f"{path}: is no run's manifest") from error


def _newest_setting(manifest: Mapping[str, Any], key: str) -> Any:
    """What the newest start had, which scored the answers; a start notes what differs from the first one's."""
    newest = {} if not manifest.get("starts") else manifest["starts"][-1].get("settings", {})
    return newest.get(key, manifest["settings"].get(key))


def _facts_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The facts that runs may differ in. For a setting that is `auto`, the identity holds the value that was chosen.

    Where several starts asked questions, a fact has the values of all of them. Decoding is one fact, in words.
    """
    identity = _value_texts(values_by_dotted_key(manifest.get("identity", {})))
    facts = _value_texts(values_by_dotted_key(manifest["settings"])) | identity | _start_facts(manifest)
    if isinstance(manifest["settings"].get("model"), dict):
        facts[DECODING] = decoding_of(
            {**manifest["settings"], "repeats": _newest_setting(manifest, "repeats") or 1}
        )
    values = {key: [value] for key, value in facts.items()}
    for start in manifest.get("starts", ()):
        if start.get("asked") != 0:
            for key, value in (_value_texts(start["settings"]) | _start_facts(start)).items():
                if key not in identity and value not in values.setdefault(key, []):
                    values[key].append(value)
    return {key: ", ".join(texts) for key, texts in values.items() if key not in DECODING_KEYS}


def _start_facts(noted: Mapping[str, Any]) -> dict[str, str]:
    """The versions and the device that a start ran on."""
    return _value_texts(values_by_dotted_key({name: noted.get(name, {}) for name in ("versions", "device")}))


def _value_texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        key: ", ".join(map(str, value))
        if isinstance(value, list)
        else NOT_SET
        if value is None
        else str(value)
        for key, value in values.items()
    }


def given_files(run: FinishedRun, bench: BenchSettings | None) -> FinishedRun:
    """The run with its benchmark's files where a command says that they lie, in place of where the run had them."""
    given = {
        field.name: value
        for field in fields_of(BenchSettings)
        if field.name in FILE_SETTINGS
        and (value := getattr(bench, field.name, field.default)) != field.default
    }
    withheld = {key: place for key, place in run.withheld.items() if key not in given}
    return replace(run, bench=replace(run.bench, **given), withheld=withheld)


def data_folder_of(run: FinishedRun, data_dir: str | None) -> Path:
    """Where data lies: in `data_dir`, or else where the run had it.

    Raises:
        RepopeError: `data_dir` is no folder, or the run's refers to a variable that is not set here.
    """
    return data_folder(data_dir or _folder_here(place_here(run.data_dir, f"{run.folder}: data_dir")))


def benchmark_of(run: FinishedRun, data_dir: Path) -> Benchmark:
    """Loads the benchmark that a run was asked from.

    Raises:
        RepopeError: its files cannot be found or are broken, or it is not known that the user named them.
    """
    return load_benchmark(_settings_here(run, _QUESTION_FILE_SETTINGS), data_dir)


def truth_of(run: FinishedRun, data_dir: Path, images: Iterable[str]) -> CaptionTruth:
    """What is in images, by the files that a run of captions names, whichever images it was asked about.

    Args:
        images: those that are none of the truth's are left out.

    Raises:
        RepopeError: as `benchmark_of`, of people's labels.
    """
    return load_truth(replace(_settings_here(run, ("relabels",)), image_list=None), data_dir, images)


def _settings_here(run: FinishedRun, files: Collection[str]) -> BenchSettings:
    """A run's benchmark as it is on this machine; the settings named in `files` have to be the user's own."""
    bench = replace(run.bench, annotations=_folder_here(run.bench.annotations))
    if named := {key: run.withheld[key] for key in files if key in run.withheld}:
        said = " and ".join(f"bench.{key}={place}" for key, place in named.items())
        words = " ".join(f"bench.{key}=FILE" for key in named)
        raise RepopeError(
            f"{run.folder}: its manifest says {said}, and no run of yours here wrote that, so it is not looked at; "
            f"give bench={bench.source} {words}"
        )
    for key in files:
        refuse_special(f"bench.{key}", getattr(bench, key))
    return bench


def scored_answers(run: FinishedRun, benchmark: Benchmark) -> dict[Question, Answer]:
    """The answers that the figures in a run's folder are made of, by the benchmark's own questions; the first draw's.

    Where the run has a limit, these are about the first images: the folder holds more where an earlier start had no
    limit, or a larger one. What stands in `answers.jsonl` does not say which object a question is about.
    """
    own = {question: question for question in benchmark.first_images(run.limit).questions}
    return {own[question]: answer for question, answer in run.answers.items() if question in own}


def drawn_answers(run: FinishedRun, benchmark: Benchmark) -> dict[Question, Answer]:
    """As `scored_answers`, with those of all draws, each by its own question."""
    asked = replace(benchmark.first_images(run.limit), n_draws=run.n_draws).asked
    own = {question: question for question in asked}
    every = {**run.answers, **run.further_draws}
    return {own[question]: answer for question, answer in every.items() if question in own}


def _folder_here(folder: str | None) -> str | None:
    """The folder that a run was given, if this machine has it too; else None."""
    return folder if folder and Path(folder).expanduser().is_dir() else None


def other_files(run: FinishedRun, benchmark: Benchmark) -> str | None:
    """That a run was asked from other question files than those of the benchmark, in words; None where it was not."""
    known = benchmark.hashes
    names = [name for name in {**known, **run.hashes} if known.get(name) != run.hashes.get(name)]
    return f"was asked from other question files: SHA-256 of {', '.join(names)} differs" if names else None


def unusable(run: FinishedRun, asked: Collection[Question]) -> str | None:
    """That a run's answers cannot be scored as answers to the questions asked, in words; None where they can."""
    n_strange = sum(question not in asked for question in run.answers)
    if n_strange:
        return f"has {n_strange} of {counted(len(run.answers), 'answer')} to questions that the benchmark does not have"
    return None if run.answers else run.unfinished or "has no answers yet"
