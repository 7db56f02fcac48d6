"""The notebook runs from its first cell to its last, and shows what it says that it shows."""

import json
from pathlib import Path

import pytest

from docs_making.notebook import NOTEBOOK, ran


@pytest.mark.usefixtures("all_replicates")
def test_the_notebook_shows_what_its_cells_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert ran(cells) == cells, "write it anew with python -m docs_making.notebook"
    assert (tmp_path / "runs" / "notebook" / "report.html").is_file()


def test_a_cell_shows_what_it_prints_and_its_last_value() -> None:
    sources = ["a = 1\nprint(a)\na + 1", "print('b')\nb = a", "# A text", "b"]
    kinds = ["code", "code", "markdown", "code"]
    cells = [{"cell_type": kind, "source": [text]} for kind, text in zip(kinds, sources, strict=True)]
    first, second, text, last = ran(cells)
    assert [output["output_type"] for output in first["outputs"]] == ["stream", "execute_result"]
    assert first["outputs"][1]["data"] == {"text/plain": ["2"]}
    assert [output["text"] for output in second["outputs"]] == [["b\n"]]
    assert text == cells[2]
    assert (last["execution_count"], last["outputs"][0]["data"]["text/plain"]) == (3, ["1"])
