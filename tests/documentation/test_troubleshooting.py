"""The lines that the page on troubleshooting quotes are lines of the program."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest
from conftest import PROJECT
from documentation_pages import BLOCKS

PAGE = "docs/how-to/troubleshooting.md"
QUOTED = [block.text.strip() for block in BLOCKS if block.page == PAGE and block.language == "text"]

FEWEST_LETTERS = 12
"""A text with fewer characters that are the same each time is found in lines that it has nothing to do with."""
LEAST_SHARE = 0.4
"""The share of a quoted line that is the program's own text; the rest are values, such as paths."""


def parts_of(node: ast.expr) -> list[str]:
    """The fixed parts of a text, between what is put in."""
    if isinstance(node, ast.JoinedStr):
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
    else:
        text = str(node.value) if isinstance(node, ast.Constant) else ""
    return re.split(r"\0|%[dsg]|\{\w*\}", text)


def texts_in(tree: ast.AST) -> Iterator[list[str]]:
    """The texts of a module that are no docstrings, each as its fixed parts."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        ):
            yield parts_of(node)
        yield from texts_in(node)


@cache
def texts_of_the_program() -> list[list[str]]:
    modules = sorted((PROJECT / "repope_eval").rglob("*.py"))
    texts = (text for path in modules for text in texts_in(ast.parse(path.read_text(encoding="utf-8"))))
    return [parts for parts in texts if len("".join(parts)) >= FEWEST_LETTERS]


def own_share(line: str) -> float:
    """The share of a line that is in fixed parts of the program's texts, all of whose parts are in it in order."""
    own: set[int] = set()
    for parts in texts_of_the_program():
        if not all(part in line for part in parts):
            continue
        if found := re.search(".*?".join(f"({re.escape(part)})" for part in parts), line):
            for group in range(1, len(parts) + 1):
                own |= set(range(*found.span(group)))
    return len(own) / len(line)


def test_it_quotes_lines() -> None:
    assert len(QUOTED) >= 10
    assert all("\n" not in line for line in QUOTED)


@pytest.mark.parametrize("line", QUOTED)
def test_a_quoted_line_is_the_programs(line: str) -> None:
    assert own_share(line) >= LEAST_SHARE, line


@pytest.mark.parametrize(
    "line",
    [
        "device=cuda: torch finds 0 CUDA devices here; take device=cpu, or look at the driver",
        "out of memory with 8 images at a time: continuing with 4",
        "the server declines logprobs",
    ],
)
def test_a_reworded_line_is_found(line: str) -> None:
    assert own_share(line) < LEAST_SHARE
