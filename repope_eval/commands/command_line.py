"""The command line: which command it names, what it is set to, and how the program ends."""

import gc
import logging
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from repope_eval.errors import InterruptionError, RepopeError, SaidElsewhereError
from repope_eval.settings.benchmark_words import ALL, spelt_out, split_by_benchmark
from repope_eval.settings.commands import COMMANDS
from repope_eval.settings.fields import command_place, nearest
from repope_eval.settings.quick_checks import dashed_settings, misspelt_keys
from repope_eval.system.output import write, write_error
from repope_eval.system.ranks import leave_ranks, rank_count, rank_here
from repope_eval.system.signals import listen, raise_if_interrupted
from repope_eval.wording import message_text, shown_word

if TYPE_CHECKING:
    from repope_eval.settings.launching import Turn

log = logging.getLogger("repope_eval")

SEVERAL_BENCHMARKS_COMMANDS = ("run", "data", "slurm")
"""The commands that take several benchmarks, `bench=[A,B]`."""


def main() -> None:
    """Runs the command that the first word names, or `run` where it names none; exits with its status."""
    try:
        gc.set_threshold(50_000, 10, 1_000)  # look for garbage less often: millions of answers hold none
        for output in ("stdout", "stderr"):  # what is written to one that is closed (`>&-`) goes nowhere
            if getattr(sys, output) is None:
                setattr(sys, output, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  # until the end
        listen()
        exit_status = _exit_status(sys.argv[1:])
    except KeyboardInterrupt as error:
        print("interrupted", file=sys.stderr)
        exit_status = int(getattr(error, "exit_status", 130))
    hub = sys.modules.get("repope_eval.system.hub")
    if isinstance(exit_status, int) and (rank_count() > 1 or (hub is not None and hub.is_asked())):
        _leave_at_once(exit_status)
    sys.exit(exit_status)


def _exit_status(words: list[str]) -> int | str | None:
    """Runs the command, says what is wrong, and returns the status that the program ends with."""
    try:
        _require_working_folder()
        exit_status = _main(words)
        if exit_status == 0:
            raise_if_interrupted()
        return exit_status
    except RepopeError as error:
        if _wants_traceback():
            raise
        if rank_here() == 0:  # all ranks find what is wrong with a command line
            write_error(str(error))
        return error.exit_status
    except SystemExit as error:
        return error.code
    except Exception:
        # A library may have made an error of its own of an interruption, and that is what ended the program.
        raise_if_interrupted()
        raise


def _leave_at_once(exit_status: int) -> NoReturn:
    """Ends the program without waiting for the threads of libraries.

    Python would wait for one that still asks the Hub; those that connect ranks abort a program that takes them down
    while they run.
    """
    logging.shutdown()
    for output in (sys.stdout, sys.stderr):
        with suppress(OSError):
            output.flush()
    os._exit(exit_status)


def _require_working_folder() -> None:
    try:
        os.getcwd()  # noqa: PTH109  # pathlib's is the same
    except OSError as error:
        raise RepopeError(
            f"the working folder is not there any more ({error.strerror}); go to one that is, with cd"
        ) from error


def _main(words: list[str]) -> int:
    command, wants_help = _taken_command(words), False
    while command == "help":
        command, wants_help = _taken_command(words), True
    command = command or "run"
    if command not in COMMANDS:
        raise RepopeError(
            f"{shown_word(command)}: no such command{nearest(command, list(COMMANDS))}; "
            f"there are {', '.join(COMMANDS)} and help (settings are given as key=value)"
        )
    if wants_help or {"-h", "--help"} & set(words):
        from repope_eval.commands.help import help_page

        write(f"{help_page(command, COMMANDS)}\n")
        return 0
    if "--version" in words:
        from repope_eval import __version__

        write(f"{__version__}\n")
        return 0
    exit_status = _launch(command, words)
    leave_ranks()  # where the run was interrupted, some may no longer answer
    return exit_status


def _taken_command(words: list[str]) -> str | None:
    """Takes the command from among the words, where there is one; options may stand before it."""
    place = command_place(words)
    return None if place is None else words.pop(place) or "''"


def _launch(command: str, words: list[str]) -> int:
    """Has the settings composed, and the command executed with them: once, or once for each run of a sweep."""
    record = COMMANDS[command]
    typed = shlex.join(["python", "-m", "repope_eval", *([] if command == "run" else [command]), *words])
    words = spelt_out(record, words)
    if mistakes := dashed_settings(record, words) or misspelt_keys(record, words):
        raise RepopeError("\n".join(mistakes))
    by_benchmark = _by_benchmark(command, words)
    try:
        from hydra.errors import CompactHydraException  # slow to import, and no misspelt key needs it
    except ModuleNotFoundError as error:
        raise RepopeError(
            f"{error.name} is not installed for {sys.executable}: activate the environment that has it "
            "(. .venv/bin/activate after make), or install the program there (pip install .)"
        ) from error

    from repope_eval.runs.folder import close_log, show_log_on_console
    from repope_eval.settings.launching import hiding_files, launch, told_by_launcher
    from repope_eval.settings.schema import settings_from

    failures: list[RepopeError] = []
    process = os.getpid()

    def execute(composed: Sequence[Any], turn: "Turn | None") -> None:
        show_log_on_console(rank_here())
        try:
            with told_by_launcher():
                settings: list[Any] = [settings_from(record, each) for each in composed]
                _log_beginning(hiding_files(), turn, settings)
                module = import_module(f"repope_eval.commands.{command}")
                if len(settings) == 1:
                    module.execute(settings[0], typed)
                else:
                    module.execute_together(settings, typed)
        except RepopeError as error:
            if not isinstance(error, SaidElsewhereError):
                log.error("%s", error)
            if isinstance(error, InterruptionError):
                raise SystemExit(error.exit_status) from error  # nor do the other runs of a sweep follow
            if _wants_traceback():
                raise
            if os.getpid() != process:  # from a launcher's process, Hydra brings back the exception alone
                raise CompactHydraException(message_text(str(error))) from error
            failures.append(error)
        finally:
            close_log()

    launch(record, execute, by_benchmark)
    return failures[0].exit_status if failures else 0


def _log_beginning(hiding: Mapping[str, Any], turn: "Turn | None", settings: Sequence[Any]) -> None:
    """Says which of the user's own files stand in the place of shipped ones, and which run of a sweep begins."""
    for word, path in hiding.items():
        log.warning("%s is your own %s, not the shipped configuration of that name", word, path)
    if turn is not None:
        log.info("%s", _turn_line(turn, settings))


def _turn_line(turn: "Turn", settings: Sequence[Any]) -> str:
    """Which run of a sweep begins: `2 of 6: ovis2_4b on repope_random`, with what else differs between the runs."""
    model = getattr(settings[0], "model", None)
    benches = [getattr(getattr(each, "bench", None), "name", None) for each in settings]
    names = [getattr(model, "name", model), " and ".join(filter(None, benches))]
    title = " on ".join(filter(None, names))
    others = [shown_word(word) for word in turn.words if word.partition("=")[0] not in ("model", "bench")]
    of = "" if turn.total is None else f" of {turn.total}"
    return f"{turn.number}{of}: {', '.join(filter(None, (title, *others)))}"


def _by_benchmark(command: str, words: list[str]) -> list[list[str]]:
    """The words for each of the benchmarks that are named."""
    every: list[str] = []
    if command == "data" and ALL in words:
        from repope_eval.benchmarks.sources import SOURCES  # slow to import, and rarely needed

        every = [source.bench for source in SOURCES.values() if source.bench]
    words_by_benchmark = split_by_benchmark(words, every)
    if len(words_by_benchmark) > 1 and command not in SEVERAL_BENCHMARKS_COMMANDS:
        raise RepopeError(
            f"bench=[...]: {command} takes one benchmark; those that take several: "
            f"{', '.join(SEVERAL_BENCHMARKS_COMMANDS)}"
        )
    return words_by_benchmark


def _wants_traceback() -> bool:
    return os.environ.get("HYDRA_FULL_ERROR") == "1"
