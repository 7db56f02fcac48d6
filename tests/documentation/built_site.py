"""The documentation's site, built from a copy of its sources as the Makefile has it built."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import PROJECT

from docs_making.examples import FOLDER, PAGES

BUILDING = re.compile(r"^\t\$\(BIN\)/zensical (.+)$", re.MULTILINE)
"""How the Makefile has the site built."""


def sources(folder: Path) -> None:
    """What the site is made from, as it is in the project."""
    folder.mkdir()
    shutil.copy(PROJECT / "zensical.toml", folder)
    shutil.copytree(PROJECT / "docs", folder / "docs")
    (folder / "perf").mkdir()
    for path in (PROJECT / "perf").glob("*.md"):
        shutil.copy(path, folder / "perf")


def build(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Builds the site as the Makefile does."""
    (words,) = BUILDING.findall((PROJECT / "Makefile").read_text(encoding="utf-8"))
    command = [sys.executable, "-m", "zensical", *shlex.split(words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def make_site(folder: Path) -> None:
    """The site of the project's pages, in `folder/site`; example pages, which take a minute to make, are empty."""
    sources(folder)
    built = build(folder)
    assert built.returncode == 0, built.stdout + built.stderr
    (folder / "site" / FOLDER).mkdir()
    for name in PAGES:
        (folder / "site" / FOLDER / name).write_text(
            "<!doctype html><html lang='en'><title>example</title></html>"
        )
