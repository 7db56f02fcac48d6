"""A run folder that version 0.1.0 wrote, as it lies in `old_run`: it goes on, and is reported.

The demo's model has other weights since, and no longest answer of its own: the folder's manifest has the hash of the
weights of today, and the test gives the length of then.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from demo_runs import answers
from run_folders import DEMO

from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.pipeline import run
from repope_eval.runs.finished_runs import read_runs
from repope_eval.runs.folder import close_log
from repope_eval.runs.trace import read_trace
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import RunSettings


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Path]:
    yield Path(shutil.copytree(Path(__file__).parent / "old_run", tmp_path / "run"))
    close_log()


def test_it_goes_on_without_refusal(old: Path) -> None:
    before = answers(old)
    model = replace(model_settings("tiny"), max_new_tokens=8)
    run(RunSettings(model=model, bench=DEMO, limit=3, device="cpu", out=str(old)), "later")
    assert answers(old)[: len(before)] == before
    manifest = json.loads((old / "manifest.json").read_text())
    known = json.loads((Path(__file__).parent / "old_run" / "manifest.json").read_text())
    assert manifest.keys() == known.keys() | {"seal", "scores_sha256"}, (
        "its settings name no places of others"
    )
    kept = ("schema", "identity", "command", "settings", "checkpoint", "checkpoint_files", "prompt", "device")
    assert [manifest[key] for key in kept] == [known[key] for key in kept]
    assert manifest["inference"].keys() == known["inference"].keys() | {"attention", "verified"}
    first, second = manifest["starts"]
    assert first == known["starts"][0]
    assert first.keys() | {"verified"} == second.keys()
    assert (second["resumed"], second["asked"]) == (22, len(answers(old)) - 22)
    assert len({line["image"] for line in answers(old)}) == 3


def test_it_is_reported(old: Path) -> None:
    (found,), left_out = read_runs(old, unfinished_runs)
    assert not left_out
    assert (len(found.answers), found.facts["engine"]) == (22, "shared")
    trace = read_trace(old)
    assert (trace.model, trace.bench, trace.complete, trace.covered) == ("tiny", "demo", True, (22, 22))
