"""Tables for a paper, compiled by a real LaTeX: they fit the page, and no name breaks them."""

import os
import shutil
import string
import subprocess
from pathlib import Path

import pytest

from repope_eval.reporting.latex_tables import PaperCell, PaperColumn, PaperTable, latex_document

pytestmark = pytest.mark.installed

ARTICLES = ["10pt", "10pt,twocolumn", "11pt", "11pt,twocolumn"]
KNOWN = [
    string.printable,
    "".join(chr(code) for code in range(0xA1, 0x17F)).translate(
        dict.fromkeys(map(ord, "«»ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲų\xad"))
    ),
    "‘’“”‡•×±→†−–…",
]
"""The letters that are said to need nothing but pdflatex."""


@pytest.fixture(scope="module")
def latex() -> str:
    """The path of pdflatex, which has the package booktabs."""
    path, finder = shutil.which("pdflatex"), shutil.which("kpsewhich")
    if (
        path is None
        or finder is None
        or subprocess.run([finder, "booktabs.sty"], capture_output=True).returncode
    ):
        reason = "no LaTeX with booktabs here; tests/install_debian_packages.sh installs it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def warnings_of(latex: str, folder: Path, text: str, options: str) -> list[str]:
    """What LaTeX says of an article with that table: what is too wide, too high, or missing."""
    folder.mkdir(exist_ok=True)
    (folder / "table.tex").write_text(text, encoding="utf-8")
    (folder / "article.tex").write_text(
        f"\\documentclass[{options}]{{article}}\n\\usepackage{{booktabs}}\n\\begin{{document}}\n"
        "See Table~\\ref{tab:x}.\n\\input{table.tex}\n\\end{document}\n"
    )
    command = [latex, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "article.tex"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)
    log = (folder / "article.log").read_text(encoding="utf-8", errors="replace")
    assert ended.returncode == 0, log
    signs = ("Overfull", "Float too large", "Missing character", "LaTeX Font Warning")
    return [line for line in log.splitlines() if any(sign in line for sign in signs)]


def table_of(names: list[str]) -> PaperTable:
    """A leaderboard with figures as wide as they can be together."""
    f1 = PaperColumn(title="F1", interval="beside")
    group = [PaperColumn(title="rank"), f1]
    cells = [
        PaperCell(text="17"),
        PaperCell(text="100.0†", interval="99.1–100.0", is_best=True),
        PaperCell(text="23"),
        PaperCell(text="88.6†", interval="87.4–89.9", is_best=True),
        PaperCell(text="−11.4", interval="−13.4 to −10.5"),
    ]
    return PaperTable(
        caption=f"Names: {', '.join(names[:5])}",
        label="x",
        naming="model",
        naming_share=0.23,
        columns=[("POPE", group), ("RePOPE", group), ("change", [f1])],
        rows=[("runs", [(name, cells) for name in names]), ("others", [("another", cells)])],
    )


@pytest.mark.parametrize("options", ARTICLES)
def test_the_papers_leaderboard_fits(
    options: str, latex: str, papers_leaderboard: Path, tmp_path: Path
) -> None:
    text = (papers_leaderboard / "leaderboard.tex").read_text()
    assert warnings_of(latex, tmp_path, text, options) == []


@pytest.mark.parametrize("options", ARTICLES)
def test_a_run_fits(options: str, latex: str, unbroken: Path, tmp_path: Path) -> None:
    assert warnings_of(latex, tmp_path, (unbroken / "scores.tex").read_text(), options) == []


@pytest.mark.parametrize("options", ARTICLES)
def test_many_models_with_long_names_fit(options: str, latex: str, tmp_path: Path) -> None:
    names = [f"{'organisation/' * (number % 2)}a_model-of-{number}B" for number in range(90)]
    text = latex_document("x.tex", table_of(["W" * 45, *names]))
    assert warnings_of(latex, tmp_path, text, options) == []


def test_names_of_any_letters_that_latex_has_are_set(latex: str, tmp_path: Path) -> None:
    marks = [
        *KNOWN,
        *(mark * 3 for mark in string.punctuation),
        "\\input{x}",
        "a--b---c",
        "?`!`",
        "%\\end{document}",
    ]
    text = latex_document("x.tex", table_of(marks))
    assert "pdflatex" not in text
    assert warnings_of(latex, tmp_path, text, "11pt,twocolumn") == []
