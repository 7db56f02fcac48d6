"""Starting a command from the words of a command line: once, or once for each run of a sweep.

Composing takes a tenth of a second, and importing Hydra several. So what is wrong with keys alone is told before
(`quick_checks`), all words are checked by one composition where they are right (`validation`), files are read when
Hydra asks for them (`composition`), and the run takes what was composed for the check (`launch`). None of these
short cuts has a rule of its own of what is right.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import JobRuntime
from hydra.types import RunMode
from hydra.version import VersionBase
from omegaconf import DictConfig, open_dict

from repope_eval.errors import RepopeError
from repope_eval.settings.composition import (
    CONFIG_NAME,
    SWEEPS,
    compose,
    initialized,
    named,
    register,
    task_words,
)
from repope_eval.settings.config import RunSettings
from repope_eval.settings.fields import REFUSED, fields_by_key
from repope_eval.settings.named_files import FILE_BENCHMARKS, GROUP_FOLDERS, checkpoint_name, choices
from repope_eval.settings.quick_checks import key_mistake
from repope_eval.settings.validation import check
from repope_eval.settings.words import is_hydras, key_of, quoted_texts, single_words
from repope_eval.system.writing import make_folder
from repope_eval.wording import first_unwritable, shown_word

_TOLD: tuple[type, ...] = (ConfigStore, GlobalHydra, HydraConfig, JobRuntime, VersionBase)
"""Where Hydra keeps what a program told it."""


class Turn(NamedTuple):
    """Which of a sweep's runs it is."""

    number: int
    """Its place among the runs of the sweep, counted from 1."""
    total: int | None
    """How many runs there are; None where only a sweeper of the user's own knows."""
    words: tuple[str, ...]
    """Those of its words that have other values in other runs."""


def launch(
    record: type,
    execute: Callable[[Sequence[DictConfig], Turn | None], None],
    by_benchmark: Sequence[Sequence[str]],
) -> None:
    """Checks the words of a command line, then has `execute` called once, or once for each run of a sweep.

    Hydra calls it where there are options, such as -m, or settings of Hydra's own. Elsewhere the run takes what the
    words were composed into when they were checked, since Hydra would compose them twice more.

    Args:
        record: the settings of the command.
        execute: takes what was composed for each benchmark, and which run of a sweep it is.
        by_benchmark: the words for each benchmark, which differ in one word, `bench=NAME`; mostly there is one.

    Raises:
        RepopeError: something is wrong with the words; a line for each mistake.
    """
    words, *others = by_benchmark
    options = _hydra_options(words)
    config_dir = _config_dir(options.config_dir)
    register(record, config_dir)
    typed, *typed_others = (
        quoted_texts(record, _hydra_options(each).overrides, multirun=options.multirun)
        for each in by_benchmark
    )
    checked = [check(record, each, config_dir, multirun=options.multirun) for each in (typed, *typed_others)]
    if mistakes := [mistake for each in checked for mistake in each.mistakes]:
        raise RepopeError("\n".join(dict.fromkeys(mistakes)))
    composed = [each.first for each in checked if each.first is not None]
    benches = [next(word for word in each if word.startswith("bench=")) for each in by_benchmark if others]
    if options.overrides == list(words) and len(composed) == len(checked):
        _note_benches(benches, composed)
        _execute_composed(lambda each: execute(each, None), composed)
        return

    sweeps = _sweep_lengths(record, typed, config_dir)
    if options.multirun:
        _make_sweep_folder(options.overrides)

    def execute_named(composed: DictConfig) -> None:
        first = named(record, composed, HydraConfig.get().runtime.choices)
        every = [first, *_composed_alike(record, benches, config_dir)]
        _note_benches(benches, every)
        execute(every, _turn_in_sweep(sweeps))

    # Hydra takes the folders beside a function's module for groups: `models=FILE` would choose a file from one.
    execute_named.__module__ = "__main__"
    sys.argv[1:] = [*typed, *_words_without(words, options.overrides)]
    hydra.main(version_base="1.3", config_path=None, config_name=CONFIG_NAME)(execute_named)()


def _words_without(words: Sequence[str], taken: Sequence[str]) -> list[str]:
    """The words without those that were taken, each of which is taken away once."""
    rest = list(words)
    for word in taken:
        rest.remove(word)
    return rest


def _make_sweep_folder(words: Sequence[str]) -> None:
    """Makes the folder of Hydra's own files, which Hydra would make with a traceback where it cannot."""
    if not any(word.startswith("hydra.sweep.dir=") for word in words):
        make_folder(Path(SWEEPS), "hydra.sweep.dir", Path(SWEEPS))


def launch_within(
    record: type, execute: Callable[[Sequence[DictConfig]], None], words: Sequence[str]
) -> None:
    """Has `execute` called once, as `launch` does, within another program, to which Hydra then is as it was.

    Args:
        record: the settings of the command.
        execute: takes what was composed.
        words: `key=value`, in which every text is quoted that needs it; the last of a key counts.

    Raises:
        RepopeError: something is wrong with the words; a line for each mistake.
    """
    with _hydra_apart():
        # Another program's settings of Hydra are its own, so that here they are no keys.
        strange = [key_mistake(fields_by_key(record), word) for word in words if is_hydras(word)]
        if mistakes := list(filter(None, strange)):
            raise RepopeError("\n".join(mistakes))
        register(record)
        checked = check(record, list({key_of(word): word for word in words}.values()))
        if checked.mistakes:
            raise RepopeError("\n".join(checked.mistakes))
        assert checked.first is not None, "words of different keys are right together"
        _execute_composed(execute, [checked.first])


@contextmanager
def _hydra_apart() -> Iterator[None]:
    """Hydra as if no program had used it: what another told it, and whether it is ready, comes back at the end."""
    instances = Singleton._instances
    shipped = dict(ConfigStore.instance().repo)  # Hydra's own settings are among these
    before = {each: instances.pop(each) for each in _TOLD if each in instances}
    ConfigStore.instance().repo = shipped
    try:
        yield
    finally:
        for each in _TOLD:
            instances.pop(each, None)
        instances.update(before)


def _note_benches(benches: Sequence[str], composed: Sequence[DictConfig]) -> None:
    _bench_words.clear()
    _bench_words.update((each.bench.name, bench) for bench, each in zip(benches, composed, strict=False))


def _sweep_lengths(record: type, words: Sequence[str], config_dir: Path | None) -> dict[str, int]:
    """How many values each word has, except words with one value; 0 where only a sweeper can list them."""
    with initialized(config_dir):
        numbers = {
            key_of(word): len(single_words(record, word, multirun=True))
            for word in words
            if not is_hydras(word)
        }
    of_own = {key_of(word): 0 for word in words if key_of(word).startswith("hydra/sweeper")}
    return {key: number for key, number in numbers.items() if number != 1} | of_own


def _turn_in_sweep(sweeps: Mapping[str, int]) -> Turn | None:
    """Which run of a sweep Hydra has begun; None where it is none."""
    if not is_of_sweep():
        return None
    composed = HydraConfig.get()
    is_known = all(sweeps.values()) and not composed.sweeper.get("params")
    return Turn(
        number=int(composed.job.num) + 1,
        total=math.prod(sweeps.values()) if is_known else None,
        words=tuple(word for word in task_words() if key_of(word) in sweeps),
    )


def _execute_composed(
    execute: Callable[[Sequence[DictConfig]], None], composed: Sequence[DictConfig]
) -> None:
    """Calls `execute` as Hydra would: Hydra can be asked about the first, and its own settings are in none."""
    with initialized(None):
        HydraConfig.instance().set_config(composed[0])
        for each in composed:
            with open_dict(each):
                del each["hydra"]
        execute(composed)


def _composed_alike(record: type, benches: Sequence[str], config_dir: Path | None) -> list[DictConfig]:
    """What the words of this run come to with each other word, `bench=NAME`, in place of the first of them."""
    own, words = HydraConfig.instance().cfg, task_words()
    try:
        with initialized(config_dir):
            return [
                compose(record, [bench if word == benches[0] else word for word in words])
                for bench in benches[1:]
            ]
    finally:
        HydraConfig.instance().cfg = own


def own_folder() -> Path | None:
    """The folder of the user's own configuration files, `--config-dir`; None where there is none."""
    if not HydraConfig.initialized():
        return None
    sources = HydraConfig.get().runtime.config_sources
    return next((Path(source.path) for source in sources if source.provider == "command-line"), None)


def hiding_files() -> dict[str, str]:
    """The user's own configuration files that were taken in place of shipped ones of their name, by `GROUP=NAME`."""
    folder = own_folder()
    if folder is None:
        return {}
    chosen = [f"{group}={name}" for group, name in HydraConfig.get().runtime.choices.items()]
    files: dict[str, str] = {}
    for word in dict.fromkeys([*chosen, *_bench_words.values()]):
        group, _, name = word.partition("=")
        if group in GROUP_FOLDERS and name in choices(group):
            path = folder / group / f"{name}.yaml"
            files |= {word: str(path)} if path.is_file() else {}
    return files


_bench_words: dict[str, str] = {}
"""Where a command is about several benchmarks, the word that names each, by its name."""


def bench_words(name: str | None = None) -> list[str]:
    """The words by which another command finds a benchmark, its data and its configuration; none outside a command.

    Args:
        name: of several benchmarks, the name of the one that is meant.
    """
    if not HydraConfig.initialized():
        return []
    folder = own_folder()
    further = [word for word in task_words() if word.startswith(("bench.", "data_dir="))]
    choice = _bench_words.get(name or "", f"bench={HydraConfig.get().runtime.choices['bench']}")
    return [choice, *further, *([] if folder is None else ["--config-dir", str(folder)])]


def former_folder(settings: RunSettings) -> Path | None:
    """The run folder that was the default before benchmarks and models had telling names; None where it still is."""
    if not HydraConfig.initialized():
        return None
    if any(word.startswith(("out=", "bench.name=", "model.name=")) for word in task_words()):
        return None
    bench = settings.bench.source if settings.bench.source in FILE_BENCHMARKS else settings.bench.name
    is_own = settings.model.name == checkpoint_name(settings.model.checkpoint)
    model = Path(settings.model.checkpoint).name.lstrip(".") if is_own else settings.model.name
    folder = Path("runs", bench, model)
    return None if folder == Path(settings.out) else folder


def is_of_sweep() -> bool:
    """Whether this run is one of several that a single command line (-m) asked for."""
    return HydraConfig.initialized() and HydraConfig.get().mode is RunMode.MULTIRUN


@contextmanager
def told_by_launcher() -> Iterator[None]:
    """Turns the error of submitit that a job is not queued again into one line.

    Submitit's signal handler raises it, wherever the run is then.

    Raises:
        RepopeError: with what to do next.
    """
    try:
        yield
    except Exception as error:
        if type(error).__name__ != "UncompletedJobError":
            raise
        raise RepopeError(
            f"{str(error).rstrip('.')}; the same command goes on from the answers so far, and with "
            "hydra.launcher.max_num_timeout=9 a job queues itself again so often"
        ) from error


def _config_dir(name: str | None) -> Path | None:
    if name is None:
        return None
    folder = Path(name).absolute()
    if not name or not folder.is_dir():
        raise RepopeError(f"--config-dir {shown_word(name) or repr(name)}: no such folder")
    if character := first_unwritable(name):
        raise RepopeError(
            f"--config-dir {shown_word(name)}: holds the character {character}; give the folder another name"
        )
    return folder


def _hydra_options(words: Sequence[str]) -> argparse.Namespace:
    """The options and overrides among the words, as Hydra's own parser, which is private to it, takes them."""

    def refuse(message: str) -> NoReturn:
        raise RepopeError(f"{message} (--help shows what can be given)")

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]  # argparse's own prints its usage and exits with 2
    options = parser.parse_intermixed_args(list(words))
    if name := next((name for name in REFUSED if getattr(options, name)), None):
        raise RepopeError(f"--{name.replace('_', '-')} is {REFUSED[name]}")
    if options.resolve and not options.cfg:
        refuse("--resolve goes with --cfg")
    modes = [options.run, options.multirun, options.cfg, options.info is not None]
    if sum(map(bool, modes)) > 1:
        refuse("one of --run, --multirun, --cfg and --info can be given, not several")
    return options
