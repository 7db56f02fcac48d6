"""What the documentation's pages hold: blocks of code, and what their authors say about running them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conftest import PROJECT

PAGES = [
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((PROJECT / "docs").rglob("*.md")),
]
TEXTS = {str(path.relative_to(PROJECT)): path.read_text(encoding="utf-8") for path in PAGES}
"""The text of each page, by its path in the project."""

SHELL_LANGUAGES = ("sh", "bash", "shell", "console")
LANGUAGES = (*SHELL_LANGUAGES, "python", "yaml", "json", "text")
PROGRAM = "python -m repope_eval"

BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>not run: [^>]+|run by [^>]+) -->\n+)?"
    r"^(?P<margin> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of code, with the comment before it that says why it is not run, or what runs it."""

    page: str
    line: int
    language: str
    text: str
    mark: str | None

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """The commands of a shell, those over several lines put together; none in other languages."""
        if self.language not in SHELL_LANGUAGES:
            return []
        lines = re.sub(r"\\\n\s*", "", self.text).splitlines()
        return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def blocks_of(page: str, text: str) -> Iterator[Block]:
    for found in BLOCK.finditer(text):
        yield Block(
            page=page,
            line=text.count("\n", 0, found.start("language")) + 1,
            language=found["language"],
            text=found["text"],
            mark=found["mark"],
        )


BLOCKS = [block for page, text in TEXTS.items() for block in blocks_of(page, text)]


def unrunnable(block: Block) -> list[str]:
    """What is wrong with a block that says neither why it is not run nor what runs it."""
    if block.language not in LANGUAGES:
        return [f"{block.where}: says no language, or one that is not known"]
    if block.mark is not None:
        runner = block.mark.removeprefix("run by ").strip()
        missing = block.mark.startswith("run by") and not (PROJECT / runner).is_file()
        return [f"{block.where}: {runner} is not there to run it"] if missing else []
    if block.language == "python":
        return [f"{block.where}: says neither why it is not run nor what runs it"]
    return [
        f"{block.where}: `{command}` is not run here; say why before its block, <!-- not run: ... -->"
        for command in block.commands
        if not command.startswith(PROGRAM)
    ]


def commands_to_run() -> list[str]:
    """The program's commands that no comment speaks of, each once, wherever it stands."""
    found = (command for block in BLOCKS if block.mark is None for command in block.commands)
    return list(dict.fromkeys(command for command in found if command.startswith(PROGRAM)))


def marked_commands() -> list[tuple[str, str]]:
    """The other commands, each with what the comment before its block says."""
    found = ((command, block.mark) for block in BLOCKS for command in block.commands if block.mark)
    return list(dict(found).items())


def commands_in_prose() -> list[tuple[str, str]]:
    """The program's commands in the lines of texts, each with the page that it stands on."""
    found = (
        (command, page)
        for page, text in TEXTS.items()
        for command in re.findall(rf"`{PROGRAM} ([^`\n]+)`", BLOCK.sub("", text))
    )
    return list(dict(found).items())


def linked_path(page: Path, link: str) -> Path:
    """The file that a relative link of a page leads to."""
    return (page.parent / link.partition("#")[0]).resolve() if not link.startswith("#") else page
