"""A run folder: its files, and the rule that it holds the answers of one configuration only."""

import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.json_files import read_json, write_json, write_text

SCHEMA_VERSION = 1
"""Of `manifest.json`; raised when a reader of old folders would go wrong."""

Identity = Mapping[str, Any]
"""What makes two runs' answers the same: settings that answers depend on, by dotted key."""


class RunFolder:
    """The five files of a run."""

    def __init__(self, path: Path, identity: Identity, *, resume: bool) -> None:
        """Opens or makes the folder, and starts its log.

        Raises:
            RepopeError: it cannot be written, or holds answers of another configuration.
        """
        self.path = path
        self.answers = path / "answers.jsonl"
        self._manifest_path = path / "manifest.json"
        self._manifest: dict[str, Any] = {"schema": SCHEMA_VERSION, "identity": dict(identity)}
        self._has_answers = False
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RepopeError(
                f"out={path}: cannot be made ({error.strerror}); choose another out="
            ) from error
        self._refuse_other_answers(identity, resume=resume)
        self._start_log()

    def _refuse_other_answers(self, identity: Identity, *, resume: bool) -> None:
        self._has_answers = self.answers.exists() and self.answers.stat().st_size > 0
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
        manifest = read_json(self._manifest_path)
        self._refuse_differences(manifest.get("identity", {}), identity)
        self._manifest = manifest | self._manifest

    def _refuse_differences(self, known: Mapping[str, Any], here: Mapping[str, Any]) -> None:
        differing = [key for key in {**known, **here} if known.get(key) != here.get(key)]
        if differing:
            what = ", ".join(
                f"{key} is {known.get(key)!r} there and {here.get(key)!r} here" for key in differing
            )
            raise RepopeError(
                f"{self.path} holds answers of another configuration: {what}; choose another out=, or remove "
                "the folder to ask anew"
            )

    def _start_log(self) -> None:
        package = logging.getLogger("repope_eval")
        close_log()
        try:
            handler = logging.FileHandler(self.path / "run.log", encoding="utf-8")
        except OSError as error:
            raise RepopeError(
                f"out={self.path}: cannot be written ({error.strerror}); choose another out="
            ) from error
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        package.addHandler(handler)

    @property
    def seconds(self) -> dict[str, float]:
        """How long each stage took in the starts before this one; none where the folder is new."""
        return dict(self._manifest.get("seconds", {}))

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

    def write_scores(self, document: dict[str, Any], page: str) -> None:
        """Writes `scores.json` and `report.html`."""
        write_json(self.path / "scores.json", document)
        write_text(self.path / "report.html", page)


def close_log() -> None:
    """Ends the log of the run before, in a sweep within one process."""
    package = logging.getLogger("repope_eval")
    for handler in list(package.handlers):
        if isinstance(handler, logging.FileHandler):
            package.removeHandler(handler)
            handler.close()


def show_log_on_console() -> None:
    """Log lines of the package on standard error, without dates: what a person at a terminal wants."""
    package = logging.getLogger("repope_eval")
    package.setLevel(logging.INFO)
    package.propagate = False
    if not any(type(handler) is logging.StreamHandler for handler in package.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        package.addHandler(handler)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs each request
