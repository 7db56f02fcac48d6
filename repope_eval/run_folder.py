"""A run folder: its files, and the rule that it holds the answers of one configuration only."""

import json
import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from filelock import BaseFileLock, FileLock, Timeout

from repope_eval.errors import InterruptionError, RepopeError
from repope_eval.json_files import read_json, write_bytes, write_json, write_text
from repope_eval.run_files import ANSWERS, LOCK, LOG, MANIFEST, answer_files
from repope_eval.timing import now

SCHEMA_VERSION = 1
"""Of `manifest.json`; raised when a reader of old folders would go wrong."""

PATIENCE = 1.0
"""Seconds that a folder may be another's before it is refused: who only looks whether it is, has it for a moment."""

Identity = Mapping[str, Any]
"""What makes two runs' answers the same: settings that answers depend on, by dotted key."""


class RunFolder:
    """The files of a run, and a hidden one by which a single process has them at a time."""

    def __init__(self, path: Path, identity: Identity, *, resume: bool) -> None:
        """Opens or makes the folder, and starts its log.

        Raises:
            RepopeError: it cannot be written, holds answers of another configuration, or is another process's.
        """
        self.path = path.expanduser()
        self.answers = self.path / ANSWERS
        self._manifest_path = self.path / MANIFEST
        self._manifest: dict[str, Any] = {"schema": SCHEMA_VERSION, "identity": dict(identity)}
        self._has_answers = False
        close_log()
        self._lock = self._locked()
        try:
            # Those of several ranks lie in files of their own until they are put together.
            self._has_answers = any(path.stat().st_size for path in answer_files(self.answers))
            self._refuse_other_answers(identity, resume=resume)
            _start_log(self.path)
        except OSError as error:
            self._lock.release()
            raise RepopeError(
                f"{self.answers}: cannot be read ({error.strerror}); choose another out="
            ) from error
        except RepopeError:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Notes what the run ended with, where it was an error, and lets another process have the folder."""
        try:
            if error is not None and "status" in self._manifest:
                with suppress(RepopeError):  # of a full disk, say: the error that is on its way says more
                    self.note(ended=_ending(error))
        finally:
            self._lock.release()

    def _locked(self) -> BaseFileLock:
        """Makes the folder, and keeps other processes out of it until this one lets go or is dead."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / LOCK)
            lock.acquire(timeout=PATIENCE)
        except Timeout as error:
            raise RepopeError(
                f"{self.path} is being written by {self._holder()}; wait for it, or choose another out="
            ) from error
        except OSError as error:
            raise RepopeError(
                f"out={self.path}: cannot be made or written ({error.strerror}); choose another out="
            ) from error
        return lock

    def _holder(self) -> str:
        """Which process has the folder, as far as its manifest says."""
        try:
            process = read_json(self._manifest_path)["process"]
            job = process.get("job")
            return f"process {process['id']} on {process['host']}{f', SLURM job {job}' if job else ''}"
        except (RepopeError, KeyError, TypeError):
            return "another process"

    def _refuse_other_answers(self, identity: Identity, *, resume: bool) -> None:
        if not self._has_answers:
            return
        if not resume:
            raise RepopeError(
                f"{self.path} holds answers and resume=false: choose another out=, or remove the folder"
            )
        if not self._manifest_path.exists():
            raise RepopeError(
                f"{self.path} holds answers but no manifest.json to tell whose: choose another out="
            )
        manifest = self._known_manifest()
        self._refuse_differences(manifest["identity"], identity)
        self._manifest = manifest | self._manifest

    def _known_manifest(self) -> dict[str, Any]:
        try:
            manifest = read_json(self._manifest_path)
        except RepopeError as error:
            raise RepopeError(
                f"{error}, so whose the answers beside it are is unknown: choose another out="
            ) from error
        if not isinstance(manifest, dict) or not isinstance(manifest.get("identity"), dict):
            raise RepopeError(
                f"{self._manifest_path}: does not tell whose the answers beside it are: choose another out="
            )
        if manifest.get("schema") != SCHEMA_VERSION:
            raise RepopeError(
                f"{self._manifest_path}: is of schema {manifest.get('schema')}, another version's: choose "
                "another out="
            )
        return manifest

    def _refuse_differences(self, known: Mapping[str, Any], here: Mapping[str, Any]) -> None:
        differing = [key for key in {**known, **here} if known.get(key) != here.get(key)]
        if differing:
            what = ", ".join(
                f"{key} is {_shown(known.get(key))} there and {_shown(here.get(key))} here"
                for key in differing
            )
            raise RepopeError(
                f"{self.path} holds answers of another configuration: {what}; choose another out=, or remove "
                "the folder to ask anew"
            )

    @property
    def seconds(self) -> dict[str, float]:
        """How long each stage took in the starts before this one; none where the folder is new."""
        return dict(self._manifest.get("seconds", {}))

    @property
    def prompt(self) -> str | None:
        """As one question was put to the model; None where that is not known."""
        return self._manifest.get("prompt")

    def note_model(self, **facts: Any) -> None:
        """Adds what is known of a model once it is loaded, which must be what the answers here came from.

        Raises:
            RepopeError: the folder holds answers that were made otherwise, with another commit, say.
        """
        if self._has_answers:
            known = {key: self._manifest[key] for key in facts if key in self._manifest}
            self._refuse_differences(known, {key: facts[key] for key in known})
        self.note(**facts)

    def note(self, **facts: Any) -> None:
        """Adds to the manifest and writes it."""
        self._manifest |= facts
        write_json(self._manifest_path, self._manifest)

    def write_answers(self, lines: list[dict[str, Any]]) -> None:
        """Writes all answers anew, where they are nobody's work but a copy."""
        write_text(self.answers, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))

    def write_figures(self, figures: Mapping[str, bytes]) -> None:
        """Writes figures by file name into `figures/`."""
        if figures and self.path.is_dir():
            (self.path / "figures").mkdir(exist_ok=True)
        for name, content in figures.items():
            write_bytes(self.path / "figures" / name, content)

    def write_scores(self, document: dict[str, Any], page: str) -> None:
        """Writes `scores.json` and `report.html`."""
        write_json(self.path / "scores.json", document)
        write_text(self.path / "report.html", page)


class FollowedFolder:
    """The same folder for the ranks that do not have it: they know its place, and write the log along."""

    def __init__(self, path: Path, rank: int) -> None:
        """Opens the log.

        Raises:
            RepopeError: it cannot be written.
        """
        self.path = path.expanduser()
        self.answers = self.path / ANSWERS
        self.seconds: dict[str, float] = {}
        close_log()
        _start_log(self.path, f"rank {rank}: ")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def note_model(self, **facts: Any) -> None:
        """The main rank's."""

    def note(self, **facts: Any) -> None:
        """The main rank's."""


def _start_log(folder: Path, prefix: str = "") -> None:
    try:
        handler = logging.FileHandler(folder / LOG, encoding="utf-8")
    except OSError as error:
        raise RepopeError(
            f"out={folder}: cannot be written ({error.strerror}); choose another out="
        ) from error
    handler.setFormatter(logging.Formatter(f"%(asctime)s %(levelname)s {prefix}%(message)s"))
    handler.handleError = lambda record: None  # type: ignore[method-assign]  # a full disk ends elsewhere
    logging.getLogger("repope_eval").addHandler(handler)


def _ending(error: BaseException) -> dict[str, str]:
    """What a manifest says of a run that ended early: whether it was told to, when, and its last line."""
    if isinstance(error, SystemExit):  # by a signal handler of what launched this process: submitit's, say
        return {"how": "interrupted", "at": now(), "line": "stopped by its launcher"}
    how = "interrupted" if isinstance(error, InterruptionError | KeyboardInterrupt) else "failed"
    line = " ".join(str(error).split()) or type(error).__name__
    return {"how": how, "at": now(), "line": line}


def _shown(value: Any) -> str:
    return "not set" if value is None else repr(value)


def close_log() -> None:
    """Ends the log of a run: what follows in a sweep within one process is another's."""
    package = logging.getLogger("repope_eval")
    for handler in list(package.handlers):
        if isinstance(handler, logging.FileHandler):
            package.removeHandler(handler)
            handler.close()


def show_log_on_console(rank: int = 0) -> None:
    """Log lines of the package on standard error, without dates: what a person at a terminal wants.

    Of several ranks the main one says what is going on, and the others what is wrong.
    """
    package = logging.getLogger("repope_eval")
    package.setLevel(logging.INFO)
    package.propagate = False
    if not any(type(handler) is logging.StreamHandler for handler in package.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter(f"rank {rank}: %(message)s" if rank else "%(message)s"))
        handler.setLevel(logging.WARNING if rank else logging.INFO)
        package.addHandler(handler)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs each request
