"""`manifest.json`: what the answers of a run folder came from, start by start, and who may add to them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.files.writing import write_json
from repope_eval.process.timing import now
from repope_eval.runs.layout import ANSWERS, IMAGES
from repope_eval.runs.manifest_form import CHECKPOINT_FILES, read_manifest
from repope_eval.settings.config import by_dotted_key
from repope_eval.wording import shown

SCHEMA_VERSION = 1
"""Of `manifest.json`; raised when a reader of old folders would go wrong."""

MOST_STARTS = 100
"""Starts that are kept apart: the newest; what the first one was stands in the manifest itself."""

PLACES = {
    "model.checkpoint": CHECKPOINT_FILES,
    "model.revision": CHECKPOINT_FILES,
    "bench.images": IMAGES,
}
"""Settings of an identity that say where files lie -> what is known of the files' content, which decides."""

_OF_A_START = ("command", "started", "versions", "machine", "device")
"""What each start notes of itself, and the manifest of the first."""

_SHOWN = 5
"""Differences that a refusal lists."""

Identity = Mapping[str, Any]
"""What makes two runs' answers the same: settings that answers depend on, by dotted key."""


class Manifest:
    """The manifest of a run folder, and this start's part in it.

    What the first start noted of itself (command, settings, versions, machine, device, model) stays as it is, and
    every start has an entry in `starts`: what it was started by and on, which settings were others than the first
    one's, how many answers it found (`resumed`) and added (`asked`).
    """

    def __init__(self, path: Path, identity: Identity) -> None:
        """Of a folder without answers: what an earlier start left in it says nothing."""
        self.path = path
        here = {key: located(value) if key in PLACES else value for key, value in identity.items()}
        self.facts: dict[str, Any] = {"schema": SCHEMA_VERSION, "identity": here}
        self.moved: tuple[str, ...] = ()
        """The places that are others than the answers' were."""
        self._elsewhere: list[str] = []
        """The same, there and here, in words."""
        self.is_of_answers = False
        """Whether it was there before this start, and answers with it."""
        self.is_noted = False
        """Whether this start has written to it."""
        self._start: dict[str, Any] = {}

    def go_on(self) -> None:
        """Takes over the manifest of the answers that lie beside it.

        Raises:
            RepopeError: there is none, or the answers are of another configuration. Files that lie elsewhere than
                they did (`moved`) are no other configuration where what they hold is known, and can be compared.
        """
        known = _known(self.path)
        there = {key: located(value) if key in PLACES else value for key, value in known["identity"].items()}
        here = self.facts["identity"]
        differing = [key for key in {**there, **here} if there.get(key) != here.get(key)]
        self.moved = tuple(key for key in differing if self._is_content_known(key, known))
        if len(self.moved) != len(differing):
            raise self._refusal(_differences(there, here))
        self.facts = known
        self._elsewhere = _differences(there, here)
        self.is_of_answers = True

    def require_same(self, here: Mapping[str, Any]) -> None:
        """Refuses what is known otherwise of the answers that lie here; what is not known is not compared.

        Raises:
            RepopeError: it differs: what, there and here, and the places where they differ, too.
        """
        if not self.is_of_answers:
            return
        there = {key: self.facts[key] for key in here if key in self.facts}
        if differences := _differences(there, {key: here[key] for key in there}):
            raise self._refusal([*self._elsewhere, *differences])

    def refuse_moved(self, reason: str) -> RepopeError:
        """What is to be said where files lie elsewhere, and what they hold cannot be compared."""
        return self._refusal(self._elsewhere, f" ({reason})")

    def require_benchmark(self, benchmark: Mapping[str, Any]) -> None:
        """Refuses to score the answers by other question files than before: in content or in their order.

        Raises:
            RepopeError: they are others; the names and hashes of those there and here.
        """
        known = self.facts.get("benchmark", {})
        there, here = known.get("sha256", {}), benchmark["sha256"]
        is_same = list(there.values()) == list(here.values())
        is_same &= known.get("edition", benchmark["edition"]) == benchmark["edition"]
        if self.is_of_answers and "sha256" in known and not is_same:
            raise RepopeError(
                f"{self.path.parent} is of other questions or labels: its files are {_listed(known)} there and "
                f"{_listed(benchmark)} here; choose another out= (the command score with "
                f"answers={self.path.parent / ANSWERS} scores the answers there by these)"
            )

    def begin(self, stored: int, first: Mapping[str, Any], **current: Any) -> None:
        """Enters this start.

        Args:
            stored: answers that are there.
            first: command, settings, versions and machine: of the manifest where this start is the first.
            current: what is this start's, whichever it is.
        """
        own = json.loads(json.dumps(first))  # lists in place of tuples, as in what was read
        started = now()
        starts = self._ended_starts(stored)
        self._keep({**own, "started": started})
        known, settings = by_dotted_key(self.facts["settings"]), by_dotted_key(own["settings"])
        self._start = {
            "command": own["command"],
            "started": started,
            "settings": {key: value for key, value in settings.items() if known.get(key) != value},
            "versions": own["versions"],
            "machine": own["machine"],
            "resumed": stored,
        }
        self.note(starts=[*starts, self._start][-MOST_STARTS:], **current)

    def note(self, **facts: Any) -> None:
        """Adds to the manifest, in place of what stood there, and writes it."""
        self.facts |= facts
        write_json(self.path, self.facts)
        self.is_noted = True

    def note_start(self, **facts: Any) -> None:
        """Adds to this start's entry, and to the manifest where no start before noted the like."""
        self._start |= facts
        self._keep(facts)
        self.note()

    def note_model(self, facts: Mapping[str, Any]) -> None:
        """Adds what is known of a model once it is loaded, which must be what the answers here came from.

        Raises:
            RepopeError: the folder holds answers that were made otherwise, of other weights, say.
        """
        has_same_files = self.facts.get(CHECKPOINT_FILES, {}) == facts.get(CHECKPOINT_FILES)
        # A name, or a commit, is nothing that answers depend on where the files hold the same.
        self.require_same(
            {key: value for key, value in facts.items() if key != "checkpoint" or not has_same_files}
        )
        self._keep(facts)
        self._start |= {key: value for key, value in facts.items() if self.facts[key] != value}
        self.note()

    def finish(self, stored: int, **facts: Any) -> None:
        """Notes that all is done; a start that asked nothing changes nothing in when the answers were finished."""
        self._close(stored)
        is_kept = self._start.get("asked") == 0 and "finished" in self.facts
        self.note(status="complete", **({} if is_kept else {"finished": now()}), **facts)

    def end_early(self, stored: int, ended: Mapping[str, str]) -> None:
        """Notes what this start ended with."""
        self._close(stored)
        self.note(ended=ended)

    def _keep(self, facts: Mapping[str, Any]) -> None:
        """Adds what no start before this one has noted."""
        self.facts |= {key: value for key, value in facts.items() if key not in self.facts}

    def _close(self, stored: int) -> None:
        if self._start:
            self._start |= {"ended": now(), "asked": max(0, stored - self._start["resumed"])}

    def _ended_starts(self, stored: int) -> list[dict[str, Any]]:
        """The entries of the starts before, those that asked anything; one that was killed is closed."""
        starts = [dict(start) for start in self.facts.get("starts", ())]
        if not starts and self.is_of_answers:  # of a version that kept none
            kept = {key: self.facts[key] for key in _OF_A_START if key in self.facts}
            starts = [{**kept, "settings": {}, "resumed": 0, "contents": "not noted"}]
        if starts:
            starts[-1].setdefault("asked", max(0, stored - starts[-1].get("resumed", 0)))
        return [start for start in starts if start["asked"]]

    def _is_content_known(self, key: str, known: Mapping[str, Any]) -> bool:
        content = PLACES.get(key)
        return content in known if content != IMAGES else self.path.with_name(IMAGES).exists()

    def _refusal(self, differences: Sequence[str], reason: str = "") -> RepopeError:
        more = len(differences) - _SHOWN
        what = ", ".join(differences[:_SHOWN]) + (f", and {more} more" if more > 0 else "")
        return RepopeError(
            f"{self.path.parent} holds answers of another configuration: {what}{reason}; choose another out=, or "
            "remove the folder to ask anew"
        )


def located(name: Any) -> Any:
    """A folder's absolute path, where there is such a folder; else the name as it was given, of the Hub's, say."""
    if not isinstance(name, str):
        return name
    folder = Path(name).expanduser()
    return str(folder.absolute()) if folder.is_dir() else name


def in_words(value: Any) -> str:
    """A value of a manifest as it stands in a message; of a hash its beginning."""
    if value is None:
        return "not set"
    kind, colon, digest = value.partition(":") if isinstance(value, str) else ("", "", "")
    return shown(f"{kind}:{digest[:12]}" if colon and len(digest) == 64 else value)


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    known, own = by_dotted_key(there), by_dotted_key(here)
    return [
        f"{key} is {in_words(known.get(key))} there and {in_words(own.get(key))} here"
        for key in {**known, **own}
        if known.get(key) != own.get(key)
    ]


def _listed(benchmark: Mapping[str, Any]) -> str:
    files = [f"{name} ({digest[:12]})" for name, digest in benchmark["sha256"].items()]
    edition = [f"edition {benchmark['edition']}"] if benchmark.get("edition") else []
    return ", ".join([*files, *edition]) or "none"


def _known(path: Path) -> dict[str, Any]:
    """The manifest of answers, which says whose they are."""
    if not path.exists():
        raise RepopeError(
            f"{path.parent} holds answers but no manifest.json to tell whose: choose another out="
        )
    try:
        manifest = read_manifest(path)
    except RepopeError as error:
        raise RepopeError(
            f"{error}, so whose the answers beside it are is unknown: choose another out="
        ) from error
    if "identity" not in manifest:
        raise RepopeError(f"{path}: does not tell whose the answers beside it are: choose another out=")
    if manifest.get("schema") != SCHEMA_VERSION:
        raise RepopeError(
            f"{path}: is of schema {manifest.get('schema')}, another version's: choose another out="
        )
    return manifest
