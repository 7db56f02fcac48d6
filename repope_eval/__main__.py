"""`python -m repope_eval`, and the console script `repope-eval`: picks the command."""

import os
import shlex
import sys
from importlib import import_module
from typing import Any

from repope_eval.errors import RepopeError

COMMANDS = {
    "run": "repope_eval.commands.run",
    "score": "repope_eval.commands.score",
    "data": "repope_eval.commands.data",
    "build": "repope_eval.commands.build",
    "relabel": "repope_eval.commands.relabel",
}


def main() -> None:
    """Runs the command that the first word names, or `run` where it names none; exits with its status."""
    words = sys.argv[1:]
    try:
        sys.exit(_main(words))
    except RepopeError as error:
        if os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        print(error, file=sys.stderr)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def _main(words: list[str]) -> int:
    command = "run"
    if words and "=" not in words[0] and words[0][0] not in "-+~":
        command = words.pop(0)
    if command not in COMMANDS:
        raise RepopeError(
            f"{command}: no such command; there are {', '.join(COMMANDS)} (settings are given as key=value)"
        )
    if {"-h", "--help"} & set(words):
        from repope_eval.commands.help import help_page

        print(help_page(command, COMMANDS))
        return 0
    if "--version" in words:
        from repope_eval import __version__

        print(__version__)
        return 0
    return _launch(command, words)


def _launch(command: str, words: list[str]) -> int:
    """Has the settings composed, and the command executed with them: once, or once for each job of a sweep."""
    from repope_eval.composition import launch
    from repope_eval.run_folder import show_log_on_console
    from repope_eval.schema import settings_from

    module = import_module(COMMANDS[command])
    typed = shlex.join(["python", "-m", "repope_eval", *([] if command == "run" else [command]), *words])
    failures: list[RepopeError] = []

    def execute(composed: Any) -> None:
        try:
            module.execute(settings_from(module.SETTINGS, composed), typed)
        except RepopeError as error:
            if os.environ.get("HYDRA_FULL_ERROR") == "1" or error.exit_status != 1:
                raise SystemExit(_shown(error)) from error
            failures.append(error)
            _shown(error)

    show_log_on_console()
    launch(module.SETTINGS, execute, words)
    return failures[0].exit_status if failures else 0


def _shown(error: RepopeError) -> int:
    print(error, file=sys.stderr)
    return error.exit_status


if __name__ == "__main__":
    main()
