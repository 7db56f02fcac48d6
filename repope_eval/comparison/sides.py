"""The two results of a comparison, each read from a run folder or from answer files, and what may differ in them."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from repope_eval.benchmarks.benchmark import POPE_LABELS, Benchmark
from repope_eval.benchmarks.sources import asks_for_captions, find_local_images, load_benchmark
from repope_eval.cluster.sweep_plan import state_of
from repope_eval.comparison.view import SettingGroup, SettingPair
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.formats import Names, join_answer_files, named_files
from repope_eval.foreign_answers.joining import Joined
from repope_eval.records import Answer, Question, Variant
from repope_eval.runs.finished_runs import (
    FIRST_DRAW,
    NOT_SET,
    FinishedRun,
    benchmark_of,
    data_folder_of,
    given_files,
    other_files,
    read_run,
    scored_answers,
)
from repope_eval.runs.folder import picture_hashes
from repope_eval.runs.layout import ANSWERS, MANIFEST, SCORES, answers_name
from repope_eval.runs.manifest import value_in_words
from repope_eval.runs.manifest_form import CHECKPOINT_FILES
from repope_eval.scoring.gap import FIRST, SECOND
from repope_eval.scoring.protocols import PROTOCOLS, unknown_tags_line
from repope_eval.settings.command_settings import CompareSettings
from repope_eval.settings.config import (
    DEFAULT_PROTOCOL,
    BenchSettings,
    ColumnSettings,
    Protocol,
    RunSettings,
    listed,
)
from repope_eval.settings.decoding import DECODING
from repope_eval.settings.fields import ROUNDING_CAUSES, Cause, fields_by_key
from repope_eval.settings.named_files import data_folder
from repope_eval.system.secrets import as_written
from repope_eval.wording import counted, shown_word


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of how the answers of a run came about."""

    values: Mapping[str, str]
    """The settings and facts as texts, by their dotted keys such as `model.dtype`."""
    pictures: Mapping[str, str]
    """SHA-256 of each picture that was asked about, by name; empty where nothing is noted."""


PICTURES = "pictures"
"""Stands among the keys for the picture files themselves."""

_NOTED: Mapping[str, tuple[str, ...]] = {
    "prompt": ("prompt",),
    "pixels": (PICTURES,),
    "checkpoint": (CHECKPOINT_FILES,),
    "decoding": (DECODING,),
    "hardware": ("device.",),
    "versions": ("versions.",),
}
"""For each cause of other answers the keys that are no settings."""

GROUPS: Mapping[str, tuple[bool, tuple[str, ...]]] = {
    cause: (
        cause not in ROUNDING_CAUSES,
        (
            *_NOTED.get(cause, ()),
            *(key for key, field in fields_by_key(RunSettings).items() if field.metadata["changes"] == cause),
        ),
    )
    for cause in get_args(Cause)
}
"""For each cause of other answers: whether it can change what a model says, or only near-tied answers;
and the keys of the facts that say it. A key that ends with a dot stands for all that begin so."""


def facts_of(run: FinishedRun) -> Facts | None:
    """What the answers of a run may depend on; None where they came from elsewhere, with nothing known of it."""
    if "answers" in run.facts:
        return None
    values = dict(run.facts)
    if run.manifest.get("prompt"):
        values["prompt"] = run.manifest["prompt"]
    files = run.manifest.get(CHECKPOINT_FILES, {})
    if files:
        values[CHECKPOINT_FILES] = ", ".join(f"{name} ({digest[:15]})" for name, digest in files.items())
    return Facts(values=values, pictures=picture_hashes(run.path))


def decoding_of_facts(facts: Facts | None) -> str:
    """How answers were decoded, in words, as far as it is known."""
    return "not known" if facts is None else facts.values.get(DECODING, "not known")


def compared_settings(a: Facts | None, b: Facts | None) -> tuple[SettingGroup, ...]:
    """What answers depend on, group by group, the likelier causes first; unknown where it is of one of the two."""
    return tuple(
        SettingGroup(name=name, is_known=False, changes_answers=changes_answers, pairs=())
        if a is None or b is None
        else _group(name, changes_answers, keys, a, b)
        for name, (changes_answers, keys) in GROUPS.items()
    )


def _group(name: str, changes_answers: bool, keys: tuple[str, ...], a: Facts, b: Facts) -> SettingGroup:
    group_keys = [
        key
        for key in dict.fromkeys((*a.values, *b.values))
        if any(key == wanted or (wanted.endswith(".") and key.startswith(wanted)) for wanted in keys)
    ]
    pairs = [
        SettingPair(key=key, a=a.values.get(key, NOT_SET), b=b.values.get(key, NOT_SET)) for key in group_keys
    ]
    if PICTURES in keys:
        pairs += _pictures(a.pictures, b.pictures)
    return SettingGroup(
        name=name,
        is_known=bool(pairs),
        changes_answers=changes_answers,
        pairs=tuple(pair for pair in pairs if pair.a != pair.b),
    )


def _pictures(a: Mapping[str, str], b: Mapping[str, str]) -> list[SettingPair]:
    """The first picture that both were asked about and whose file differs, and how many there are."""
    shared = [name for name in a if name in b]
    differing = [name for name in shared if a[name] != b[name]]
    if not differing:
        return []
    key = f"{len(differing):,} of {counted(len(shared), 'picture', ',')}, first {differing[0]}"
    return [
        SettingPair(
            key=key,
            a=value_in_words(f"sha256:{a[differing[0]]}"),
            b=value_in_words(f"sha256:{b[differing[0]]}"),
        )
    ]


OWN_PROTOCOL = DEFAULT_PROTOCOL
"""The protocol of an answer file where none is set, and the common one of two results that differ in theirs."""

OLD_POPE = "POPE's edition before October 2023"
"""The edition of a file whose questions are spelt as in that edition; it lacks 84 of today's distinct questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two results."""

    letter: str
    """`a` or `b`."""
    name: str
    """The model's, or that of the answer file."""
    paths: tuple[Path, ...]
    """The run folder, or the answer files."""
    where: str
    """The same as the user wrote it: a variable of the environment stays a variable."""
    bench: BenchSettings
    data_dir: Path
    benchmark: Benchmark
    answers: Mapping[Question, Answer]
    """The answers to questions of the benchmark; of a run folder, those that its figures are made of."""
    protocol: Protocol
    """How its own figures are read."""
    facts: Facts | None
    """What its answers may depend on; None where that is unknown."""
    stored_f1: Mapping[str, Mapping[Variant, float]]
    """F1 by label set and variant as the run folder has it by the protocol above; empty where it has none of these
    answers alone, but means over several draws."""
    edition: str
    """An older edition of the benchmark that it answers, in words; empty where it answers today's, or none is known."""
    notes: tuple[str, ...]
    """What is odd about it, a sentence each."""


def read_sides(settings: CompareSettings) -> tuple[Side, Side]:
    """Reads both results; an answer file is about the benchmark of the run that it is compared with.

    Raises:
        RepopeError: one cannot be read or has not ended, they are of two benchmarks, or none says of which.
    """
    values = {FIRST: settings.a, SECOND: settings.b}
    folders = {letter: folder for letter, value in values.items() if (folder := _folder(value)) is not None}
    for letter in folders:
        if _questions_of(letter, settings):
            raise RepopeError(
                f"questions_{letter}: {letter} is a run folder, whose answers name their questions; leave it out"
            )
    runs = {letter: finished_run(letter, folder) for letter, folder in folders.items()}
    _require_one_benchmark(runs, settings.bench)
    sides = {letter: _side_of_run(letter, run, settings) for letter, run in runs.items()}
    known = next(iter(sides.values()), None)
    for letter, value in values.items():
        if letter not in sides:
            sides[letter] = _side_of_files(letter, value, known, settings)
    return sides[FIRST], sides[SECOND]


def read_answering_side(letter: str, settings: CompareSettings) -> Side:
    """Reads the one of two results that answers yes or no, where the other describes images.

    `bench=` says where the files of one of the two lie, or of which benchmark an answer file is.

    Raises:
        RepopeError: it cannot be read or has not ended.
    """
    value = settings.a if letter == FIRST else settings.b
    folder = _folder(value)
    if folder is None:
        if settings.bench is None or asks_for_captions(settings.bench):
            raise RepopeError(
                f"{letter}={_names_as_written(value)}: is no run folder, and the other describes images; name the "
                "benchmark that it answers: bench=repope, say"
            )
        return _side_of_files(letter, value, None, settings)
    run = finished_run(letter, folder)
    is_of_it = settings.bench is not None and settings.bench.source == run.bench.source
    return _side_of_run(letter, run, settings if is_of_it else replace(settings, bench=None))


def _folder(value: Names) -> Path | None:
    """The run folder that a setting names; None where it names files."""
    folder = Path(value).expanduser() if isinstance(value, str) else None
    return folder if folder is not None and os.path.isdir(folder) else None  # noqa: PTH112  # takes any length


def finished_run(letter: str, folder: Path) -> FinishedRun:
    """A run folder that has come to its end.

    Raises:
        RepopeError: it is none, or has not.
    """
    if not any((folder / name).exists() for name in (MANIFEST, ANSWERS)):
        raise RepopeError(
            f"{letter}={folder}: is no run folder, since it has neither {MANIFEST} nor {ANSWERS}; name one that run or "
            "score wrote, by default runs/BENCH/MODEL"
        )
    run = read_run(folder, str(folder))
    if run.status != "complete":
        raise RepopeError(
            f"{folder}: {state_of(folder)}, or compare the answers that are there: {folder / ANSWERS} in its place"
        )
    return run


def _require_one_benchmark(runs: Mapping[str, FinishedRun], bench: BenchSettings | None) -> None:
    named = {f"{letter} is": run.bench for letter, run in runs.items()}
    named |= {} if bench is None else {"bench= says": bench}
    if len({each.source for each in named.values()}) > 1:
        said = ", ".join(f"{who} {each.name}" for who, each in named.items())
        raise RepopeError(
            f"the two results are of two benchmarks ({said}), whose questions are not the same; compare two of one"
        )


def _side_of_run(letter: str, run: FinishedRun, settings: CompareSettings) -> Side:
    folder = run.path
    if edition := run.manifest["benchmark"].get("edition"):
        raise RepopeError(
            f"{folder}: is about another edition of {run.bench.name} ({edition}), which only its answer file holds; "
            f"compare that file: {letter}=FILE bench={run.bench.name}"
        )
    run, data_dir = given_files(run, settings.bench), data_folder_of(run, settings.data_dir)
    benchmark = benchmark_of(run, data_dir)
    answers = scored_answers(run, benchmark)
    if not answers:
        raise RepopeError(
            f"{folder}: has no answer to a question of {benchmark.name}; compare the answer files instead"
        )
    document, protocol = _stored_scores(run)
    own_protocol = _own_protocol(letter, settings) or protocol
    return Side(
        letter=letter,
        name=run.model,
        paths=(folder,),
        where=_names_as_written(settings.a if letter == FIRST else settings.b),
        bench=run.bench,
        data_dir=data_dir,
        benchmark=benchmark,
        answers=answers,
        protocol=own_protocol,
        facts=facts_of(run),
        stored_f1=_stored_f1(document, benchmark) if own_protocol == protocol and run.n_draws == 1 else {},
        edition="",
        notes=(*_withheld_pictures(run, data_dir), *_odd_answers(run, benchmark, len(answers))),
    )


def _withheld_pictures(run: FinishedRun, data_dir: Path) -> Iterator[str]:
    """Says that no picture is shown, where the folder is not looked at that the manifest names."""
    place = run.withheld.get("images")
    if place and not find_local_images(run.bench, data_dir, list(run.answers)[:1]):
        yield (
            f"Its manifest says bench.images={place}, and no run of yours here wrote that, so no picture in it is "
            f"shown; bench={run.bench.source} bench.images=FOLDER shows them."
        )


def _odd_answers(run: FinishedRun, benchmark: Benchmark, n_scored: int) -> Iterator[str]:
    """What is odd about a run: its files are others today, or not all of its answers count."""
    if changed := other_files(run, benchmark):
        yield f"It {changed}; its figures here are by the files of today."
    if run.n_draws > 1:
        yield f"It {FIRST_DRAW.format(run.n_draws)}."
    n_strange = len(run.answers.keys() - set(benchmark.questions))
    if n_strange:
        yield f"{_answers_are(n_strange, len(run.answers))} to questions that {benchmark.name} does not have."
    if n_more := len(run.answers) - n_strange - n_scored:
        yield (
            f"{_answers_are(n_more, len(run.answers))} about images after the first {run.limit}, which its figures "
            f"leave out (limit={run.limit}); so it is here."
        )


def _side_of_files(letter: str, value: Names, run: Side | None, settings: CompareSettings) -> Side:
    bench = settings.bench or (run.bench if run else None)
    keys = (letter, f"questions_{letter}")
    answers, questions = named_files(value, _questions_of(letter, settings), keys)
    if missing := next((path for path in answers if not os.path.exists(path)), None):  # noqa: PTH110  # as above
        raise RepopeError(
            f"{letter}={shown_word(str(missing))}: no such run folder or answer file; check the name"
        )
    if bench is None:
        raise RepopeError(
            "bench= is required: answer files do not say which benchmark they are about; give bench=NAME"
        )
    data_dir = run.data_dir if run and not settings.data_dir else data_folder(settings.data_dir)
    whole = run.benchmark if run and settings.bench is None else load_benchmark(bench, data_dir)
    try:
        joined, benchmark = join_answer_files(answers, questions, ColumnSettings(), whole)
    except RepopeError as error:
        # The setting has another name here than that of `score`, which joining knows.
        raise RepopeError(str(error).replace("questions=FILE", f"questions_{letter}=FILE")) from error
    return Side(
        letter=letter,
        name=answers_name([str(path) for path in answers]),
        paths=tuple(answers),
        where=_names_as_written(value),
        bench=bench,
        data_dir=data_dir,
        benchmark=benchmark,
        answers=joined.answers,
        protocol=_own_protocol(letter, settings) or settings.protocol or OWN_PROTOCOL,
        facts=None,
        stored_f1={},
        edition=OLD_POPE if joined.n_misspelt else "",
        notes=tuple(_odd_rows(joined, benchmark)),
    )


def _own_protocol(letter: str, settings: CompareSettings) -> Protocol | None:
    return settings.protocol_a if letter == FIRST else settings.protocol_b


def _questions_of(letter: str, settings: CompareSettings) -> Names:
    return settings.questions_a if letter == FIRST else settings.questions_b


def _odd_rows(joined: Joined, benchmark: Benchmark) -> list[str]:
    notes = []
    if joined.unjoined:
        number = len(joined.unjoined)
        notes.append(
            f"{_answers_are(number, joined.n_rows)} about questions that {benchmark.name} does not have; no figure "
            "here counts them."
        )
    if joined.n_misspelt:
        notes.append(
            f'{_answers_are(joined.n_misspelt, joined.n_rows)} to questions spelt with "imange", so it is of '
            f"{OLD_POPE}, which lacks questions that today's has."
        )
    if joined.n_thoughts:
        notes.append(
            f"{_answers_are(joined.n_thoughts, joined.n_rows)} with a thought first, which is left out"
            + (f"; {joined.n_cut:,} end in the thought, and say nothing." if joined.n_cut else ".")
        )
    if joined.unknown_tags:
        notes.append(f"{unknown_tags_line(joined.unknown_tags)}.")
    if joined.n_conflicts:
        notes.append(
            f"{counted(joined.n_conflicts, 'row')} with another answer than an earlier row to the same question: the "
            "earlier one counts."
        )
    return notes


def _names_as_written(value: Names) -> str:
    return ", ".join(map(str, as_written(listed(value))))


def _answers_are(number: int, of: int) -> str:
    return f"{number:,} of its {counted(of, 'answer', ',')} {'is' if number == 1 else 'are'}"


def _stored_scores(run: FinishedRun) -> tuple[Mapping[str, Any], Protocol]:
    """`scores.json`, and the protocol that its figures are by."""
    path = run.path / SCORES
    document = run.stored_scores(
        f"{path}: is missing, so its answers were not scored; type the run's command again, or compare "
        f"{run.path / ANSWERS} in its place"
    )
    said = document.get("protocol") if isinstance(document, dict) else None
    protocol = next((name for name in PROTOCOLS if name == said), None)
    if protocol is None:
        raise RepopeError(
            f"{path}: does not say by which protocol its figures are; type the run's command again"
        )
    return document, protocol


def _stored_f1(document: Mapping[str, Any], benchmark: Benchmark) -> dict[str, dict[Variant, float]]:
    """F1 by today's names of the label sets: in earlier versions those of a user's own files were called POPE's."""
    names = {old: each.name for old, each in zip(POPE_LABELS, benchmark.label_sets, strict=False)}
    by_label_set: dict[str, dict[Variant, float]] = {}
    scores = document.get("scores")
    for name, of_variants in scores.items() if isinstance(scores, dict) else ():
        for variant, cell in of_variants.items() if isinstance(of_variants, dict) else ():
            if isinstance(cell, dict) and isinstance(cell.get("f1"), float):
                by_label_set.setdefault(names.get(str(name), str(name)), {})[variant] = cell["f1"]
    return by_label_set


def is_same_place(a: Side, b: Side) -> bool:
    """Whether both are one run folder, or the same answer files."""
    return [path.resolve() for path in a.paths] == [path.resolve() for path in b.paths]
