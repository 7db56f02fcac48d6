"""Results of the demo to be compared: run folders that were scored, and answer files."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from run_folders import answer_lines, demo, write_run

from repope_eval.comparison.causes import compare_results
from repope_eval.comparison.sides import read_sides
from repope_eval.comparison.view import ComparisonView
from repope_eval.settings.command_settings import CompareSettings

Line = dict[str, Any]


def scored_run(
    folder: Path,
    lines: Sequence[Line] | None = None,
    *,
    protocol: str = "repope",
    scores: dict[str, Any] | None = None,
    change: Callable[[dict[str, Any]], Any] = lambda manifest: None,
    is_own: bool = True,
) -> Path:
    """A run folder with `scores.json`; `change` and `is_own` are as in `write_run`."""
    lines = answer_lines(demo()) if lines is None else lines
    write_run(folder, demo(), folder.name, lines, change, is_own=is_own)
    document = {"model": folder.name, "bench": "demo", "protocol": protocol, "scores": scores or {}}
    (folder / "scores.json").write_text(json.dumps(document))
    return folder


def answer_file(path: Path, lines: Sequence[Line]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def compared(a: Path, b: Path, **settings: Any) -> ComparisonView:
    chosen = CompareSettings(a=str(a), b=str(b), **settings)
    return compare_results(*read_sides(chosen), chosen)
