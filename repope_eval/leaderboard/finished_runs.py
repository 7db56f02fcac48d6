"""Finds run folders and reads them without changing them, since another process may be writing one."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf.errors import OmegaConfBaseException

from repope_eval.cluster.sweep_plan import place_below, read_sweep
from repope_eval.errors import RepopeError
from repope_eval.leaderboard.entries import LeftOut
from repope_eval.records import Answer, Question
from repope_eval.runs.answer_store import read_answers
from repope_eval.runs.layout import ANSWERS, MANIFEST, find_run_folders, model_name
from repope_eval.runs.manifest import SCHEMA_VERSION
from repope_eval.runs.manifest_form import read_manifest
from repope_eval.runs.stored_settings import stored_settings
from repope_eval.settings.config import BenchSettings
from repope_eval.system.folders import require_inside
from repope_eval.system.secrets import by_dotted_key
from repope_eval.system.signals import heed

NOT_SET = "not set"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRun:
    """What was read from a run folder."""

    folder: str
    """The run folder, relative to the folder that was searched."""
    model: str
    bench: BenchSettings
    hashes: Mapping[str, str]
    """SHA-256 of the question files that the questions came from, by name."""
    data_dir: str | None
    """The setting as it was written: it may contain environment variables."""
    status: str
    """`complete`, or `running` if the run has not come to its end."""
    answers: Mapping[Question, Answer]
    limit: int | None
    """How many of the first images the figures in the folder are about; None: all. There may be answers about more."""
    facts: Mapping[str, str]
    """The settings of the run and what it ran on, by dotted key."""
    unfinished: str = ""
    """The state of a run that has not come to its end, in the words of `status`, and what to do; else empty."""
    withheld: Mapping[str, str] = field(default_factory=dict)
    """Places that the manifest names and that are not looked at (see `StoredSettings`)."""


def read_runs(root: Path) -> tuple[list[FoundRun], list[LeftOut]]:
    """Reads all run folders in a folder and below it, in natural order: the runs, and the folders that are left out."""
    found: list[FoundRun] = []
    left_out: list[LeftOut] = []
    states = cache(lambda: unfinished_runs(root))  # may ask SLURM
    for folder in find_run_folders(root):
        name = folder.relative_to(root).as_posix()
        name = root.resolve().name if name == "." else name
        try:
            run = read_run(folder, name)
            if run.status != "complete":
                run = replace(run, unfinished=states().get(place_below(root, folder), "has not ended"))
            found.append(run)
        except RepopeError as error:
            reason = " ".join(str(error).removeprefix(f"{folder}{os.sep}").split())
            if (folder / MANIFEST).is_file() and not (folder / ANSWERS).exists():
                reason = states().get(place_below(root, folder), reason)
            left_out.append(LeftOut(folder=name, reason=reason))
    return found, left_out


def unfinished_runs(root: Path) -> dict[str, str]:
    """The states of the runs below a folder that are not complete, in the words of `status`, and what to do."""
    states = read_sweep(root)
    return {state.out: f"{state.sentence}; {state.mend}" for state in states if state.state != "complete"}


def state_of(folder: Path) -> str:
    """The same of the run in a folder."""
    return next(iter(unfinished_runs(folder).values()), "is complete by now")


def read_run(folder: Path, below: str) -> FoundRun:
    """Reads a run folder.

    Args:
        folder: the run folder.
        below: its path as `FoundRun.folder` has it.

    Raises:
        RepopeError: a file is missing or broken, or the manifest is of another version.
    """
    path = folder / MANIFEST
    for name in (MANIFEST, ANSWERS):
        if not (folder / name).is_file():
            raise RepopeError(f"{folder / name}: is missing, so there is nothing to report of this run")
        require_inside(folder / name)
    manifest = read_manifest(path)
    if manifest.get("schema") != SCHEMA_VERSION:
        raise RepopeError(
            f"{path}: is of schema {manifest.get('schema')}, another version's (this one reads {SCHEMA_VERSION})"
        )
    answers: dict[Question, Answer] = {}
    for answer in read_answers(folder / ANSWERS):
        answers.setdefault(answer.question, answer)
    try:
        stored = stored_settings(manifest, path)
        return FoundRun(
            folder=below,
            model=model_name(manifest["settings"]),
            bench=stored.bench,
            hashes={str(name): str(value) for name, value in manifest["benchmark"]["sha256"].items()},
            data_dir=stored.data_dir,
            status=str(manifest["status"]),
            answers=answers,
            limit=_limit(manifest),
            facts=_facts(manifest),
            withheld=stored.withheld,
        )
    except OmegaConfBaseException as error:  # which is a KeyError or an AttributeError, too
        heed()
        reason = str(error).strip().splitlines()[0]
        raise RepopeError(f"{path}: its settings are not this version's ({reason})") from error
    except KeyError as error:
        raise RepopeError(f"{path}: lacks {error.args[0]}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise RepopeError(f"{path}: is no run's manifest") from error


def _limit(manifest: Mapping[str, Any]) -> int | None:
    """The setting of the newest start, which scored the answers; a start notes what differs from the first one's."""
    newest = {} if not manifest.get("starts") else manifest["starts"][-1].get("settings", {})
    limit = newest.get("limit", manifest["settings"].get("limit"))
    return None if limit is None else int(limit)


def _facts(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The facts that runs may differ in. For a setting that is `auto`, the identity holds the value that was chosen.

    Where several starts asked questions, a fact has the values of all of them.
    """
    identity = _texts(by_dotted_key(manifest.get("identity", {})))
    facts = _texts(by_dotted_key(manifest["settings"])) | identity | _of_start(manifest)
    values = {key: [value] for key, value in facts.items()}
    for start in manifest.get("starts", ()):
        if start.get("asked") != 0:
            for key, value in (_texts(start["settings"]) | _of_start(start)).items():
                if key not in identity and value not in values.setdefault(key, []):
                    values[key].append(value)
    return {key: ", ".join(found) for key, found in values.items()}


def _of_start(noted: Mapping[str, Any]) -> dict[str, str]:
    """The versions and the device that a start ran on."""
    return _texts(by_dotted_key({name: noted.get(name, {}) for name in ("versions", "device")}))


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        key: ", ".join(map(str, value))
        if isinstance(value, list)
        else NOT_SET
        if value is None
        else str(value)
        for key, value in values.items()
    }
