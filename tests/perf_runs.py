"""Starting the measuring programs, and the rows of the tables that they print."""

import re
from pathlib import Path

import warm_commands
from conftest import PROJECT

SMALLEST = ("--shape", "tiny", "--questions", "2", "--max-new-tokens", "2", "--device", "cpu")


def run(program: str, *words: str, options: tuple[str, ...] = SMALLEST) -> list[str]:
    """The lines that a program prints; by default it asks the smallest model."""
    ended = warm_commands.run(*options, *words, program=f"perf/{program}.py", folder=PROJECT)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout.splitlines()


def table(lines: list[str], first_heading: str) -> list[dict[str, str]]:
    """The rows of the table whose first column has that heading; columns are two spaces or more apart."""
    start = next(place for place, line in enumerate(lines) if line.startswith(f"{first_heading}  "))
    headings = re.split(r"\s{2,}", lines[start])
    rows = []
    for line in lines[start + 1 :]:
        cells = re.split(r"\s{2,}", line)
        if len(cells) != len(headings):
            break
        rows.append(dict(zip(headings, cells, strict=True)))
    return rows


def real_answers(shared: Path) -> tuple[str, ...]:
    answers = shared / "answers"
    files = [str(answers / f"llava-v1.5-{size}.jsonl") for size in ("7b", "13b")]
    return (
        "--data",
        str(shared),
        "--questions",
        str(answers / "llava-v1.5_questions.jsonl"),
        "--answers",
        *files,
    )
