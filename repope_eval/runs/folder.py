"""A run folder: the rule that it holds the answers of one configuration only, its scores, and its log."""

import logging
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from filelock import BaseFileLock, Timeout

from repope_eval.errors import InterruptionError, RepopeError
from repope_eval.records import Answer
from repope_eval.runs.answer_store import answer_lines
from repope_eval.runs.layout import (
    ANSWERS,
    FIGURES,
    IMAGES,
    LATEX,
    LOG,
    MANIFEST,
    PAGE,
    SCORES,
    answer_files,
    is_of_a_run,
    share_paths,
)
from repope_eval.runs.manifest import Identity, Manifest
from repope_eval.runs.manifest_form import SCORES_SHA256, read_manifest
from repope_eval.settings.config import Protocol
from repope_eval.system.environment import now
from repope_eval.system.folders import LOCK, hold, named_holder, refuse_links, require_inside
from repope_eval.system.json_files import read_json
from repope_eval.system.output import MessageFormatter
from repope_eval.system.secrets import hide_environment, masked
from repope_eval.system.texts import content_hash
from repope_eval.system.writing import make_folder, write_bytes, write_json, write_text
from repope_eval.wording import counted


def start_log(folder: Path, prefix: str = "") -> None:
    """Has everything that is logged from now on written to a run folder, each line with a prefix."""
    try:
        handler = logging.FileHandler(folder / LOG, encoding="utf-8")
    except OSError as error:
        raise RepopeError(
            f"out={folder}: cannot be written ({error.strerror}); choose another out="
        ) from error
    handler.setFormatter(MessageFormatter(f"%(asctime)s %(levelname)s {prefix}%(message)s", is_kept=True))
    handler.handleError = lambda record: None  # type: ignore[method-assign]  # a full disk ends elsewhere
    logging.getLogger("repope_eval").addHandler(handler)


def close_log() -> None:
    """Ends the log of a run: what follows in a sweep within one process belongs to the next run."""
    package = logging.getLogger("repope_eval")
    for handler in list(package.handlers):
        # A program around this one may keep a log of its own.
        if isinstance(handler, logging.FileHandler) and isinstance(handler.formatter, MessageFormatter):
            package.removeHandler(handler)
            with suppress(OSError):  # of a full disk: what is lost of the log was on the console
                handler.close()


def show_log_on_console(rank: int = 0) -> None:
    """Shows log lines of the package on standard error, without dates, as a person at a terminal wants them.

    With several ranks, the main one says what is going on, and the others only what is wrong.
    """
    package = logging.getLogger("repope_eval")
    package.setLevel(logging.INFO)
    package.propagate = False
    if not any(type(handler) is logging.StreamHandler for handler in package.handlers):
        handler = logging.StreamHandler(sys.stderr)
        form = f"rank {rank}: %(message)s" if rank else "%(message)s"
        handler.setFormatter(MessageFormatter(form, is_kept=False))
        handler.setLevel(logging.WARNING if rank else logging.INFO)
        package.addHandler(handler)
    for name in ("httpx", "httpx2"):  # which older and newer Hub clients use; they log each request
        logging.getLogger(name).setLevel(logging.WARNING)


_REPLACED = (MANIFEST, IMAGES, SCORES, PAGE, LATEX)
"""Files that a run writes anew."""

_WRITTEN = (*_REPLACED, ANSWERS, LOG, FIGURES)
"""All that a run writes, but for what holds the folder."""

PATIENCE = 1.0
"""Seconds that another process may hold the folder before it is refused: `status` may hold the lock briefly."""


class RunFolder:
    """The files of a run, with a hidden lock file: one process has the folder at a time."""

    def __init__(
        self,
        path: Path,
        identity: Identity,
        *,
        resume: bool,
        leaves_failures: bool = False,
        is_first: bool = True,
    ) -> None:
        """Opens or makes the folder, and starts its log.

        Args:
            identity: the settings that the answers in it depend on.
            resume: whether the folder may hold answers.
            leaves_failures: whether a folder that this start makes stays where it fails before its first answer.
            is_first: whether it is the first or only folder of this start; the log of a start before it ends.

        Raises:
            RepopeError: it cannot be written, holds answers of another configuration, or is another process's; or what
                it would write to is a link.
        """
        self.path = path.expanduser()
        self.answers = self.path / ANSWERS
        self.manifest = Manifest(self.path / MANIFEST, identity)
        if is_first:
            close_log()
        self._leaves_failures = leaves_failures
        self._made: Sequence[Path] = ()
        self._lock = self._locked_folder()  # which is taken through no link
        try:
            shares = [share.name for share in share_paths(self.answers)]
            refuse_links(self.path, [*_WRITTEN, *shares], [ANSWERS, LOG, *shares])
            self._refuse_other_answers(resume=resume)
            start_log(self.path)
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
        """Notes the error that the run ended with, if any, and lets another process have the folder."""
        try:
            if isinstance(error, RepopeError | KeyboardInterrupt) and self._may_be_removed():
                self._leave_nothing()
            elif error is not None:
                with suppress(RepopeError):  # of a full disk, say: the error that is on its way says more
                    self.manifest.end_early(_ending(error))
        finally:
            self._lock.release()

    def _may_be_removed(self) -> bool:
        """Whether the folder may be removed: this start made it, it has no answer, and nobody must see the failure."""
        if self._leaves_failures or not self._made:
            return False
        try:
            return not any(path.stat().st_size for path in answer_files(self.answers))
        except OSError:
            return False

    def _leave_nothing(self) -> None:
        close_log()
        with suppress(OSError):  # another start may have come once the lock is gone
            for name in (LOG, MANIFEST, IMAGES, LOCK):
                (self.path / name).unlink(missing_ok=True)
            self._lock.release()
            for folder in self._made:
                folder.rmdir()

    def _locked_folder(self) -> BaseFileLock:
        """Makes the folder, and keeps other processes out of it until this one lets go or is dead."""
        try:
            self._made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                return hold(self.path, PATIENCE)
            except FileNotFoundError:  # another start, which failed, has just taken it away
                self.path.mkdir(parents=True, exist_ok=True)
                return hold(self.path, PATIENCE)
        except Timeout as error:
            raise RepopeError(f"{self.path} is being written by {self._holder_in_words()}") from error
        except OSError as error:
            raise RepopeError(
                f"out={self.path}: cannot be made or written ({error.strerror}); choose another out="
            ) from error

    def _holder_in_words(self) -> str:
        """Which process has the folder, as far as a file says, and what to do."""
        mend = "wait for it, or choose another out="
        if named := named_holder(self.path):
            return f"{named.process}; {mend}; if that process is gone, remove {named.file}"
        try:
            process = read_manifest(self.manifest.path)["process"]
            job = process.get("job")
            return (
                f"process {process['id']} on {process['host']}{f', SLURM job {job}' if job else ''}; {mend}"
            )
        except (RepopeError, KeyError):
            return f"another process; {mend}"

    def _refuse_other_answers(self, *, resume: bool) -> None:
        # Those of several ranks lie in files of their own until they are put together.
        if not any(path.stat().st_size for path in answer_files(self.answers)):
            self._refuse_files_of_no_run()
            return
        if not resume:
            raise RepopeError(
                f"give another out=, remove {self.path}, or leave resume=false out to go on: it holds answers"
            )
        self.manifest.go_on()

    def _refuse_files_of_no_run(self) -> None:
        """Refuses a folder in which files that are no run's would be replaced."""
        for name in (ANSWERS, LOG):
            path = self.path / name
            if path.exists() and not path.is_file():
                raise RepopeError(f"{path}: is no file; choose another out=")
        others = [name for name in _REPLACED if (self.path / name).exists()]
        if others and not is_of_a_run(self.manifest.path):
            raise RepopeError(
                f"out={self.path}: {others[0]} there is of no run; choose another out=, or remove it"
            )

    def images(self) -> dict[str, str]:
        """SHA-256 of each picture by name, as it was when last asked about; empty where nothing is noted.

        Raises:
            RepopeError: `images.json` is broken.
        """
        return picture_hashes(self.path)

    def write_images(self, hashes: Mapping[str, str]) -> None:
        """Writes `images.json`: the SHA-256 of each picture's file, by the picture's name."""
        write_json(self.path / IMAGES, hashes)

    def write_answers(self, answers: Iterable[Answer]) -> None:
        """Writes all answers anew: only for answers that are a copy of a file elsewhere."""
        write_bytes(self.answers, answer_lines(answers))

    def write_figures(self, figures: Mapping[str, bytes]) -> None:
        """Writes figures by file name into `figures/`."""
        if figures:
            make_folder(self.path / FIGURES, "out", self.path)
        for name, content in figures.items():
            write_bytes(self.path / FIGURES / name, content)

    def require_scores_kept(
        self, n_images: int, n_draws: int, protocol: Protocol, words: Sequence[str]
    ) -> None:
        """Refuses a start that would replace a finished run's scores by those of less, or by another protocol's.

        Args:
            n_images: how many images this start is about.
            n_draws: how often it asks each question.
            protocol: what it reads answers by.
            words: those with which `score` makes this start's scores in a folder of their own.

        Raises:
            RepopeError: it would. The message says how to have both.
        """
        scores = self.path / SCORES
        if self.manifest.facts.get("status") != "complete" or not scores.is_file():
            return
        try:
            document = read_json(scores)
        except RepopeError:
            return  # what is broken may be replaced
        if not isinstance(document, dict):
            return
        known, by = document.get("n_images") or 0, document.get("protocol")
        if n_images < known:
            raise RepopeError(
                f"{self.path} has the scores of {counted(known, 'image')}, which limit= would replace by those of "
                f"{n_images:,}; choose another out=, or leave limit= out"
            )
        if n_draws < (drawn := document.get("n_draws") or 1):
            raise RepopeError(
                f"{self.path} has the scores over {drawn} draws, which repeats={n_draws} would replace by those of "
                f"fewer; choose another out=, or give repeats={drawn}"
            )
        if by not in (None, protocol):
            command = ["python", "-m", "repope_eval", "score", f"answers={self.answers}", *words]
            raise RepopeError(
                f"{self.path} has the scores by protocol={by}, which those by protocol={protocol} would replace; for "
                f"both, type: {shlex.join(command)}"
            )

    def write_scores(self, document: dict[str, Any], page: str, latex: str | None) -> None:
        """Writes `scores.json`, whose hash the manifest notes, `report.html`, and `scores.tex` where there is any."""
        write_json(self.path / SCORES, document)
        self.manifest.note(**{SCORES_SHA256: content_hash(self.path / SCORES)})
        write_text(self.path / PAGE, page)
        if latex is not None:
            write_text(self.path / LATEX, latex)


class FollowedFolder:
    """The run folder as a non-main rank has it: it adds to the log there, and keeps its manifest to itself."""

    def __init__(self, path: Path, rank: int, *, is_first: bool = True) -> None:
        """Opens the log; with the first folder of this start, the log of an earlier start ends.

        Raises:
            RepopeError: it cannot be written.
        """
        self.path = path.expanduser()
        self.answers = self.path / ANSWERS
        self.manifest = Manifest(self.path / MANIFEST, {}, is_written=False)
        if is_first:
            close_log()
        start_log(self.path, f"rank {rank}: ")


def _ending(error: BaseException) -> dict[str, str]:
    """What a manifest says of a run that ended early: whether it failed or was interrupted, when, and its last line."""
    if isinstance(error, SystemExit):  # by a signal handler of what launched this process: submitit's, say
        return {"how": "interrupted", "at": now(), "line": "stopped by its launcher"}
    how = "interrupted" if isinstance(error, InterruptionError | KeyboardInterrupt) else "failed"
    line = " ".join(masked(hide_environment(str(error))).split()) or type(error).__name__
    return {"how": how, "at": now(), "line": line}


def picture_hashes(folder: Path) -> dict[str, str]:
    """The same as `RunFolder.images`, for a run folder that is only read."""
    path = folder / IMAGES
    require_inside(path)
    if not path.exists():
        return {}
    try:
        return dict(read_json(path).items())
    except (RepopeError, AttributeError) as error:
        raise RepopeError(
            f"{path}: holds no names with hashes; remove it, and pictures asked about before are not compared"
        ) from error
