"""`manifest.json`: what the answers of a run folder came from, start by start, and who may add to them."""

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.runs.layout import ANSWERS, IMAGES, count_stored_lines
from repope_eval.runs.manifest_form import CHECKPOINT_FILES, CUT_THOUGHTS, read_manifest
from repope_eval.runs.stored_settings import places, sealed
from repope_eval.settings.config import RunSettings
from repope_eval.settings.fields import fields_by_key
from repope_eval.system.environment import now, process
from repope_eval.system.secrets import values_by_dotted_key
from repope_eval.system.writing import write_json
from repope_eval.wording import counted, duration_text, first_few, shown

_SHOWN_DIGITS = 8
"""Digits of a hash that tell files apart for a reader."""


def value_in_words(value: Any) -> str:
    """A value of a manifest as it stands in a message; a hash is cut to its beginning."""
    if value is None:
        return "not set"
    kind, colon, digest = value.partition(":") if isinstance(value, str) else ("", "", "")
    return shown(f"{kind}:{digest[:_SHOWN_DIGITS]}" if colon and len(digest) == 64 else value)


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Each value that differs between two configurations, by its dotted key, there and here."""
    known, own = values_by_dotted_key(there), values_by_dotted_key(here)
    return [
        f"{key} is {value_in_words(known.get(key))} there and {value_in_words(own.get(key))} here"
        for key in {**known, **own}
        if known.get(key) != own.get(key)
    ]


def differing_files(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """The files of two benchmarks, as their manifests name them, that the other does not have; each by its SHA-256."""
    beside = [_files_beside(there, here), _files_beside(here, there)]
    if not any(beside):
        return "the same files in another order"
    return "{} there and {} here".format(*(first_few(files) or "no other file" for files in beside))


def _files_beside(benchmark: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    known = set(other["sha256"].values())
    files = [
        f"{name} ({digest[:_SHOWN_DIGITS]})"
        for name, digest in benchmark["sha256"].items()
        if digest not in known
    ]
    return [*files, *([f"edition {benchmark['edition']}"] if benchmark.get("edition") else [])]


SCHEMA_VERSION = 1
"""The version of the manifest's form, which is raised when a reader of old folders would go wrong."""

MOST_STARTS = 100
"""The most starts that have entries: the newest ones. The first start's facts stand in the manifest itself."""

PLACES = {
    key: {"checkpoint": CHECKPOINT_FILES, "images": IMAGES}[field.place]
    for key, field in fields_by_key(RunSettings).items()
    if field.place in ("checkpoint", "images")
}
"""Settings of an identity that say where files lie -> where the files' content is noted, which decides."""

_START_FACTS = ("command", "started", "versions", "machine", "device")
"""What each start notes of itself; the manifest itself has the first start's."""

_SHOWN = 3
"""Differences that a refusal lists."""

Identity = Mapping[str, Any]
"""The settings that answers depend on, by dotted key: two runs with the same values give the same answers."""


def doubts_of(manifest: Mapping[str, Any]) -> list[str]:
    """What starts noted that checked their answers and found more differences than are explained."""
    checks = [start.get("verified", {}) for start in manifest.get("starts", ())]
    return [check.get("line") or "answers in doubt" for check in checks if check.get("in_doubt")]


RELEVANT_WAIT = 0.1
"""From which share of the asking on it is said that the model waited for images."""

SHORTEST_WAIT = 10.0
"""Fewer seconds are not worth a change: the first images are always waited for."""


def waiting_line(ranks: Sequence[Mapping[str, Any]]) -> str | None:
    """What a relevant wait for images was, and how it becomes shorter; None where there was none.

    Without workers, as on a CPU, preparing images is work of the process itself, and no wait.

    Args:
        ranks: what a manifest says of each rank's asking, under `inference`.
    """
    prepared = [facts for facts in ranks if facts.get("workers")]
    waited = sum(facts.get("seconds_waited_for_images", 0.0) for facts in prepared)
    seconds = sum(facts.get("seconds", 0.0) for facts in prepared)
    if waited < max(SHORTEST_WAIT, RELEVANT_WAIT * seconds):
        return None
    workers = counted(sum(facts["workers"] for facts in prepared), "process")
    return (
        f"the model waited {duration_text(waited)} of {duration_text(seconds)} for images, which {workers} prepared: "
        "give the run more cores (in SLURM --cpus-per-task), or more processes (workers=) where cores are idle"
    )


def way_line(ranks: Sequence[Mapping[str, Any]]) -> str:
    """In which way the questions were asked and why, where there was a choice; where ranks differ, how many did so.

    Args:
        ranks: for each rank what it notes of its asking.
    """
    lines = Counter(
        f"asked {rank['way']}" + (f", since {rank['why']}" if rank.get("why") else "")
        for rank in ranks
        if rank.get("way")
    )
    if len(lines) == 1:
        return next(iter(lines))
    return "; ".join(f"{line} ({counted(number, 'process')})" for line, number in lines.items())


class Manifest:
    """The manifest of a run folder, and this start's part in it.

    What the first start noted of itself (command, settings, versions, machine, device, who was asked) stays as it is.
    Every start has an entry in `starts`: what it was started by and on, which settings differ from the first start's,
    how many answers it found (`resumed`) and added (`asked`).
    """

    def __init__(self, path: Path, identity: Identity, *, is_written: bool = True) -> None:
        """Makes the manifest of a folder without answers: what an earlier start left in it does not count.

        Args:
            identity: the settings that the answers depend on.
            is_written: whether this process writes the file. A non-main rank keeps what it notes to itself.
        """
        self.path = path
        self.facts: dict[str, Any] = {"schema": SCHEMA_VERSION, "identity": _with_located_places(identity)}
        self.moved: tuple[str, ...] = ()
        """Keys of `PLACES` whose values differ from those of the answers that are there."""
        self._elsewhere: list[str] = []
        """The values of `moved`, there and here, in words."""
        self.is_of_answers = False
        """Whether answers were there before this start."""
        self._is_noted = False
        """Whether this start has written the file."""
        self._is_written = is_written
        self._start: dict[str, Any] = {}

    def go_on(self) -> None:
        """Takes over the manifest of the answers that lie beside it.

        Files that lie elsewhere than they did (`moved`) are no other configuration where what they held is known,
        because what they hold here can then be compared.

        Raises:
            RepopeError: there is no manifest, or the answers are of another configuration.
        """
        known = _answers_manifest(self.path)
        there, here = _with_located_places(known["identity"]), self.facts["identity"]
        differing = [key for key in {**there, **here} if there.get(key) != here.get(key)]
        self.moved = tuple(key for key in differing if self._is_content_known(key, known))
        if len(self.moved) != len(differing):
            raise self._refusal(differences(there, here))
        self.facts = known
        self._elsewhere = differences(there, here)
        self.is_of_answers = True

    def require_same(self, here: Mapping[str, Any]) -> None:
        """Refuses facts that differ from what is known of the answers; what is not known is not compared.

        Raises:
            RepopeError: something differs. The message also names the places that differ.
        """
        if not self.is_of_answers:
            return
        there = {key: self.facts[key] for key in here if key in self.facts}
        if differing := differences(there, {key: here[key] for key in there}):
            raise self._refusal([*self._elsewhere, *differing])

    def is_of_same(self, benchmark: Mapping[str, Any]) -> bool:
        """Whether the answers beside the manifest are of this configuration and benchmark; nothing is written."""
        try:
            self.go_on()
            self.require_benchmark(benchmark)
        except RepopeError:
            return False
        return True

    def refuse_moved(self, reason: str) -> RepopeError:
        """The error where files lie elsewhere than they did, and what they hold cannot be compared."""
        return self._refusal(self._elsewhere, f" ({reason})")

    def require_benchmark(self, benchmark: Mapping[str, Any]) -> None:
        """Refuses question files that differ in content or order from those that the answers are about.

        Raises:
            RepopeError: they differ. The message has the names and hashes of the files there and here.
        """
        known = self.facts.get("benchmark", {})
        there, here = known.get("sha256", {}), benchmark["sha256"]
        is_same = list(there.values()) == list(here.values())
        is_same &= known.get("edition", benchmark["edition"]) == benchmark["edition"]
        if self.is_of_answers and "sha256" in known and not is_same:
            raise RepopeError(
                f"{self._another_folder}, or have the command score make figures of the answers there, with "
                f"answers={self.path.parent / ANSWERS}: {self.path.parent} is of other questions or labels, "
                f"{differing_files(known, benchmark)}"
            )

    def begin(self, first: Mapping[str, Any], **more: Any) -> None:
        """Enters this start of a run, which may go on from the answers that are there.

        Args:
            first: command, settings, benchmark, versions and machine. The first start's stay in the manifest.
            more: what is noted of this start in place of what stood there.
        """
        own = json.loads(json.dumps(first))  # lists in place of tuples, as in what was read
        started, stored = now(), self._count_stored()
        starts = self._ended_starts(stored)
        self._keep_new({**own, "started": started})
        known, settings = values_by_dotted_key(self.facts["settings"]), values_by_dotted_key(own["settings"])
        self._start = {
            "command": own["command"],
            "started": started,
            "settings": {key: value for key, value in settings.items() if known.get(key) != value},
            "versions": own["versions"],
            "machine": own["machine"],
            "resumed": stored,
        }
        # Only what the user gave to this start is sealed, and no settings that came with somebody's folder.
        seal = sealed(own["settings"]) if places(self.facts["settings"]) == places(own["settings"]) else {}
        self.note(starts=[*starts, self._start][-MOST_STARTS:], **seal, **_running_facts(), **more)

    def begin_anew(self, only: Mapping[str, Any]) -> None:
        """Enters a start that copies all answers anew, so that nothing of an earlier start stays."""
        self.note(**only, **sealed(only["settings"]), **_running_facts(), started=now())

    def note(self, **facts: Any) -> None:
        """Adds to the manifest, in place of what stood there, and writes it.

        Raises:
            RepopeError: the file cannot be written.
        """
        self.facts |= facts
        if self._is_written:
            write_json(self.path, self.facts)
            self._is_noted = True

    def note_inference(self, facts: Mapping[str, Any], seconds: Mapping[str, float]) -> None:
        """Notes how the asking of this start went, in place of an earlier one's.

        What was checked, the way of asking, and how many thoughts were cut off, stays by start.
        """
        ranks = facts.get("ranks", [facts])
        if "verified" in facts:
            self._start["verified"] = facts["verified"]
        if way := way_line(ranks):
            self._start["way"] = way
        cut_thoughts = sum(rank.get(CUT_THOUGHTS, 0) for rank in ranks)
        if cut_thoughts:
            self._start[CUT_THOUGHTS] = cut_thoughts
        self.note(inference=facts, seconds=seconds)

    def note_asker(self, source: Mapping[str, Any], device: Mapping[str, Any]) -> None:
        """Adds what the answers come from and what it computes on, which is known once the asker is loaded.

        Raises:
            RepopeError: the answers that are there came from something else, from other weights, say.
        """
        has_same_files = self.facts.get(CHECKPOINT_FILES, {}) == source.get(CHECKPOINT_FILES)
        # Where the files hold the same, answers depend on neither the checkpoint's name nor its commit.
        self.require_same(
            {key: value for key, value in source.items() if key != "checkpoint" or not has_same_files}
        )
        self._keep_new({**source, "device": device})
        self._start |= {key: value for key, value in source.items() if self.facts[key] != value}
        self._start["device"] = device
        self.note()

    def finish(self, **facts: Any) -> None:
        """Notes that all is done. A start that asked nothing leaves the time when the answers were finished."""
        self._close_start()
        is_kept = self._start.get("asked") == 0 and "finished" in self.facts
        self.note(status="complete", **({} if is_kept else {"finished": now()}), **facts)

    def end_early(self, ended: Mapping[str, str]) -> None:
        """Notes what this start ended with, unless it ended before it noted anything."""
        if self._is_noted:
            self._close_start()
            self.note(ended=ended)

    @property
    def doubts(self) -> list[str]:
        """What starts noted that checked their answers and found more differences than are explained."""
        return doubts_of(self.facts)

    @property
    def waiting(self) -> str | None:
        """What a relevant wait for images was in the newest start that asked anything; None where there was none."""
        facts = self.facts.get("inference", {})
        return waiting_line(facts.get("ranks", [facts]))

    @property
    def cut_thoughts(self) -> int:
        """How many questions have an empty answer because the limit of tokens ended the model's thought."""
        return sum(start.get(CUT_THOUGHTS, 0) for start in self.facts.get("starts", ()))

    @property
    def seconds(self) -> dict[str, float]:
        """How long loading and asking took in the starts before this one; empty where the folder is new."""
        known = self.facts.get("seconds", {})
        return {stage: known[stage] for stage in ("load", "inference") if stage in known}

    @property
    def counts(self) -> dict[str, int]:
        """How many questions the newest start that asked any asked, and how many it found answered."""
        known = self.facts.get("counts", {})
        return {name: known[name] for name in ("asked", "resumed") if name in known}

    @property
    def asking_starts(self) -> list[dict[str, Any]]:
        """The entries of the starts that asked anything, with this start's as far as it has come."""
        stored = self._count_stored()
        starts = [
            {"asked": stored - start.get("resumed", 0), **start} for start in self.facts.get("starts", ())
        ]
        return [start for start in starts if start["asked"] > 0]

    def _count_stored(self) -> int:
        return count_stored_lines(self.path.with_name(ANSWERS))

    def _keep_new(self, facts: Mapping[str, Any]) -> None:
        """Adds what no start before this one has noted."""
        self.facts |= {key: value for key, value in facts.items() if key not in self.facts}

    def _close_start(self) -> None:
        if self._start:
            asked = self._count_stored() - self._start["resumed"]
            self._start |= {"ended": now(), "asked": max(0, asked)}

    def _ended_starts(self, stored: int) -> list[dict[str, Any]]:
        """The entries of the earlier starts that asked anything. An entry whose start was killed is closed."""
        starts = [dict(start) for start in self.facts.get("starts", ())]
        if not starts and self.is_of_answers:  # of a version that kept none
            kept = {key: self.facts[key] for key in _START_FACTS if key in self.facts}
            starts = [{**kept, "settings": {}, "resumed": 0, "contents": "not noted"}]
        if starts:
            starts[-1].setdefault("asked", max(0, stored - starts[-1].get("resumed", 0)))
        return [start for start in starts if start["asked"]]

    def _is_content_known(self, key: str, known: Mapping[str, Any]) -> bool:
        if key == "bench":  # a name alone: `require_benchmark` compares the files
            return "sha256" in known.get("benchmark", {})
        content = PLACES.get(key)
        return content in known if content != IMAGES else self.path.with_name(IMAGES).exists()

    def _refusal(self, differing: Sequence[str], reason: str = "") -> RepopeError:
        more = len(differing) - _SHOWN
        what = ", ".join(differing[:_SHOWN]) + (f", and {more} more" if more > 0 else "")
        return RepopeError(
            f"{self._another_folder}, or remove {self.path.parent} to ask anew: it holds answers of another "
            f"configuration, {what}{reason}"
        )

    @property
    def _another_folder(self) -> str:
        """The mend that a refusal begins with, with a folder that nothing has."""
        folder = self.path.parent
        free = next(path for number in count(2) if not (path := Path(f"{folder}-{number}")).exists())
        return f"give another out=, such as {shlex.quote(f'out={free}')}"


def _running_facts() -> dict[str, Any]:
    """What stands in a manifest while a process has the folder."""
    return {"status": "running", "ended": None, "process": process()}


def _with_located_places(identity: Identity) -> dict[str, Any]:
    return {key: located(value) if key in PLACES else value for key, value in identity.items()}


def located(name: Any) -> Any:
    """A folder's absolute path where there is such a folder; else the name as given, such as one on the Hub."""
    if not isinstance(name, str):
        return name
    folder = Path(name).expanduser()
    return str(folder.absolute()) if folder.is_dir() else name


def _answers_manifest(path: Path) -> dict[str, Any]:
    """Reads the manifest of answers, which says what they came from."""
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
