"""Where the pages of runs are, seen from the folder of a leaderboard."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from repope_eval.leaderboard.entries import Entry
from repope_eval.runs.layout import PAGE


def page_addresses(entries: Iterable[Entry], root: Path, out: Path) -> dict[str, str]:
    """The address of each run's page relative to the leaderboard's page, by the run's name; of those that have one.

    Args:
        root: the folder that was searched for runs.
        out: the folder of the leaderboard's page.
    """
    folders = {entry.name: entry.folder for entry in entries if entry.folder is not None}
    return folder_addresses(folders, root, out)


def folder_addresses(folders: Mapping[str, str], root: Path, out: Path) -> dict[str, str]:
    """The same of run folders by the names of runs."""
    pages = {name: root / folder / PAGE for name, folder in folders.items()}
    addresses = {name: relative_address(page, out) for name, page in pages.items() if page.is_file()}
    return {name: address for name, address in addresses.items() if address}


def relative_address(file: Path, folder: Path) -> str:
    """The address of a file in a page of that folder, whatever its name holds; empty where no path leads there."""
    try:
        # As browsers do: the names alone decide what `..` leads to, and not where a link leads.
        path = Path(os.path.relpath(file, folder))
    except ValueError:  # they are on two drives
        return ""
    return quote(os.fsencode(path.as_posix()))
