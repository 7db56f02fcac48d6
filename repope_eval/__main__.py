"""`python -m repope_eval`, and the console script `repope-eval`: picks the command."""

import difflib
import gc
import logging
import os
import shlex
import sys
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

from repope_eval.downloads.hub import is_asked
from repope_eval.errors import InterruptionError, RepopeError, SaidElsewhereError
from repope_eval.process.output import write, write_error
from repope_eval.process.ranks import leave_ranks, rank_count, rank_here
from repope_eval.process.signals import heed, listen
from repope_eval.wording import LONGEST_WORD, message_text, shown_word

log = logging.getLogger("repope_eval")

COMMANDS = {
    "run": "repope_eval.commands.run",
    "score": "repope_eval.commands.score",
    "report": "repope_eval.commands.report",
    "status": "repope_eval.commands.status",
    "data": "repope_eval.commands.data",
    "slurm": "repope_eval.commands.slurm",
    "models": "repope_eval.commands.models",
    "doctor": "repope_eval.commands.doctor",
    "fetch": "repope_eval.commands.fetch",
    "build": "repope_eval.commands.build",
    "relabel": "repope_eval.commands.relabel",
}


def main() -> None:
    """Runs the command that the first word names, or `run` where it names none; exits with its status."""
    gc.set_threshold(50_000, 10, 1_000)  # Python looks for garbage less often: millions of answers hold none
    _open_closed_outputs()
    listen()
    exit_status = _exit_status(sys.argv[1:])
    if isinstance(exit_status, int) and (is_asked() or rank_count() > 1):
        _leave_at_once(exit_status)
    sys.exit(exit_status)


def _exit_status(words: list[str]) -> int | str | None:
    """What the program ends with, once what is wrong has been said."""
    try:
        _require_working_folder()
        exit_status = _main(words)
        if exit_status == 0:
            heed()
        return exit_status
    except RepopeError as error:
        if _wants_traceback():
            raise
        if rank_here() == 0:  # what is wrong with a command line, all find
            write_error(str(error))
        return error.exit_status
    except KeyboardInterrupt as error:
        print("interrupted", file=sys.stderr)
        return int(getattr(error, "exit_status", 130))
    except SystemExit as error:
        return error.code


def _leave_at_once(exit_status: int) -> NoReturn:
    """Ends the program without waiting for threads of libraries.

    One may still ask the Hub, and Python would wait for it; those that connect ranks abort a program that takes them
    down while they run.
    """
    logging.shutdown()
    for output in (sys.stdout, sys.stderr):
        with suppress(OSError):
            output.flush()
    os._exit(exit_status)


def _open_closed_outputs() -> None:
    """What is written to an output that is closed (`>&-`) goes nowhere."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # until the end
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


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
        close = difflib.get_close_matches(command[:LONGEST_WORD].lower(), COMMANDS, n=1)
        raise RepopeError(
            f"{shown_word(command)}: no such command{f' (did you mean {close[0]}?)' if close else ''}; "
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
    """Takes the first of the words, where it is no setting and no option."""
    if not words or "=" in words[0] or words[0].startswith(("-", "+", "~")):
        return None
    return words.pop(0) or "''"


def _launch(command: str, words: list[str]) -> int:
    """Has the settings composed, and the command executed with them: once, or once for each job of a sweep."""
    from hydra.errors import CompactHydraException

    from repope_eval.settings.launching import launch

    module = import_module(COMMANDS[command])
    typed = shlex.join(["python", "-m", "repope_eval", *([] if command == "run" else [command]), *words])
    failures: list[RepopeError] = []
    process = os.getpid()

    def execute(composed: Any) -> None:
        try:
            _execute(module, composed, typed)
        except InterruptionError as error:
            raise SystemExit(error.exit_status) from error  # nor do the other runs of a sweep follow
        except RepopeError as error:
            if _wants_traceback():
                raise
            if os.getpid() != process:  # a launcher's: what Hydra brings back from there is the exception
                raise CompactHydraException(message_text(str(error))) from error
            failures.append(error)

    launch(module.SETTINGS, execute, words)
    return failures[0].exit_status if failures else 0


def _execute(module: ModuleType, composed: Any, typed: str) -> None:
    """One run, with its log, in which the error stands that it ends with."""
    from repope_eval.runs.log import close_log, show_log_on_console
    from repope_eval.settings.launching import told_by_launcher
    from repope_eval.settings.schema import settings_from

    show_log_on_console(rank_here())
    try:
        with told_by_launcher():
            module.execute(settings_from(module.SETTINGS, composed), typed)
    except SaidElsewhereError:
        raise
    except RepopeError as error:
        log.error("%s", error)
        raise
    finally:
        close_log()


def _wants_traceback() -> bool:
    return os.environ.get("HYDRA_FULL_ERROR") == "1"


if __name__ == "__main__":
    main()
