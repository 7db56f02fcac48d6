"""Runs the notebook of the documentation and writes its outputs anew: python -m docs_making.notebook

No Jupyter is needed. What cells show is text alone, and a test says whether it is what they show today.
"""

import ast
import io
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebook.ipynb"


def ran(cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cells with the outputs that they have, one run after another in the working folder."""
    names: dict[str, Any] = {}
    found: list[dict[str, Any]] = []
    number = 0
    for cell in cells:
        shown = {}
        if cell["cell_type"] == "code":
            number += 1
            shown = {"execution_count": number, "outputs": _outputs("".join(cell["source"]), names, number)}
        found.append(cell | shown)
    return found


def _outputs(source: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """What a cell prints, then the value of its last line where that is an expression."""
    *statements, last = ast.parse(source).body
    is_shown = isinstance(last, ast.Expr)
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(ast.Module(statements if is_shown else [*statements, last], []), "cell", "exec"), names)
        value = eval(ast.unparse(last), names) if is_shown else None
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": _lines(printed.getvalue())})
    if value is not None:
        outputs.append(
            {
                "data": {"text/plain": _lines(repr(value))},
                "execution_count": number,
                "metadata": {},
                "output_type": "execute_result",
            }
        )
    return outputs


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


if __name__ == "__main__":
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        notebook["cells"] = ran(notebook["cells"])
    NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
