"""Commands of the program, of which each file and folder that Python opens is noted, and each connection.

Started as a program, with three words: a JSON file of commands, each a list of words; the folder to run them in; and
the folder for what is noted of each command, by its number: `N.events` (a line for each: the event and what it is
about), `N.out`, `N.err` and `N.status`.
"""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fewer_replicates

_WATCHED = (
    *(
        "open",
        "os.listdir",
        "os.scandir",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.truncate",
        "os.link",
    ),
    *("os.symlink", "os.chmod", "shutil.rmtree", "subprocess.Popen", "socket.connect", "socket.getaddrinfo"),
)


@dataclass(frozen=True)
class Watched:
    """A command that has ended."""

    status: int
    output: str
    events: tuple[tuple[str, str], ...]
    """What Python was asked to do, each with the file, folder or address."""


def watch(
    commands: Sequence[Sequence[str]], folder: Path, noted: Path, environment: dict[str, str]
) -> list[Watched]:
    """Runs commands one after another, in processes of their own that share their imports."""
    noted.mkdir()
    (noted / "commands.json").write_text(json.dumps(commands))
    program = [sys.executable, __file__, str(noted / "commands.json"), str(folder), str(noted)]
    subprocess.run(program, env=environment, check=True, timeout=300)
    return [_ended(noted, number) for number in range(len(commands))]


def _ended(noted: Path, number: int) -> Watched:
    lines = (noted / f"{number}.events").read_text(errors="surrogateescape").splitlines()
    pairs = (json.loads(line) for line in lines)
    return Watched(
        status=int((noted / f"{number}.status").read_text()),
        output="".join((noted / f"{number}.{part}").read_text() for part in ("out", "err")),
        events=tuple((event, place) for event, place in pairs),
    )


def _note(file: int) -> Any:
    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _WATCHED:
            place = arguments[1] if event == "socket.connect" else arguments[0]
            if not isinstance(place, int):  # what is open already
                text = os.fsdecode(place) if isinstance(place, str | bytes | os.PathLike) else repr(place)
                os.write(file, json.dumps([event, text]).encode() + b"\n")

    return hook


def _run(words: list[str], noted: Path, number: int) -> None:
    for stream, part in ((1, "out"), (2, "err")):
        os.dup2(os.open(noted / f"{number}.{part}", os.O_WRONLY | os.O_CREAT), stream)
    file = os.open(noted / f"{number}.events", os.O_WRONLY | os.O_CREAT)
    from repope_eval.commands import command_line

    sys.argv = ["repope_eval", *words]
    sys.addaudithook(_note(file))
    try:
        command_line.main()
    except SystemExit as ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 0)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(70)
    os._exit(0)


def main() -> None:
    commands, folder, noted = json.loads(Path(sys.argv[1]).read_text()), sys.argv[2], Path(sys.argv[3])
    os.chdir(folder)
    fewer_replicates.draw_fewer()
    import repope_eval.commands.command_line
    import repope_eval.leaderboard.report  # for all commands at once

    assert repope_eval.commands.command_line
    for number, words in enumerate(commands):
        process = os.fork()
        if process == 0:
            _run(words, noted, number)
        _, status = os.waitpid(process, 0)
        (noted / f"{number}.status").write_text(str(os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    main()
