"""What is left of a run, out of the demo's answers: scores under several protocols, the page, the figures."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import CommandLine
from demo_runs import answers

from repope_eval.benchmarks.sources import SOURCES


def document(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    return read


@pytest.fixture
def answer_file(unbroken: Path, tmp_path: Path) -> Path:
    """The demo's answers, one of which the protocols read differently, and one in which none reads anything."""
    lines = answers(unbroken)
    lines[0]["response"] = "There is a snowboard."
    lines[1]["response"] = "<script>alert(1)</script>"
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_all_protocols_stand_beside_the_default_one(
    answer_file: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    protocols = ("all", "lmms_eval")
    words = (f"answers={answer_file}", f"protocol={','.join(protocols)}", f"out={tmp_path}/${{protocol}}")
    result = command_line("score", "-m", *words)
    assert result.returncode == 0, result.stderr
    found = {protocol: document(tmp_path / protocol) for protocol in protocols}
    together = found.pop("all")
    assert together["protocol"] == "repope"
    assert together["scores"] == together["protocols"]["repope"]
    assert list(together["protocols"]) == ["repope", "pope", "vlmevalkit", "lmms_eval"]
    for protocol, alone in found.items():
        assert together["protocols"][protocol] == alone["scores"]
        assert "protocols" not in alone
    page = (tmp_path / "all" / "report.html").read_text(encoding="utf-8")
    assert "There is a snowboard." in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_figures_are_saved_as_svg_and_pdf(unbroken: Path) -> None:
    names = {path.name for path in (unbroken / "figures").iterdir()}
    assert {"counts.svg", "counts.pdf", "precision_recall.svg", "reliability.pdf"} <= names
    assert (unbroken / "figures" / "counts.pdf").read_bytes().startswith(b"%PDF")
    assert b"<svg" in (unbroken / "figures" / "counts.svg").read_bytes()


def test_the_page_shows_images_that_are_there_and_the_prompt(unbroken: Path) -> None:
    page = (unbroken / "report.html").read_text(encoding="utf-8")
    assert f'<p class="measures">{SOURCES["demo"].measures}</p>' in page
    assert "data:image/webp;base64," in page
    assert "&lt;IMG_CONTEXT&gt;" in page
    assert len(page) < 3_000_000


def test_another_look_at_a_finished_run_keeps_its_prompt(
    unbroken: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    shutil.copytree(unbroken, tmp_path / "run")
    assert command_line(f"out={tmp_path / 'run'}", "protocol=all").returncode == 0
    assert "&lt;IMG_CONTEXT&gt;" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert list(document(tmp_path / "run")["protocols"]) == ["repope", "pope", "vlmevalkit", "lmms_eval"]


def test_a_relevant_wait_for_images_is_on_the_page(
    unbroken: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    folder = shutil.copytree(unbroken, tmp_path / "run")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["inference"] |= {"workers": 3, "seconds_waited_for_images": 40.0, "seconds": 50.0}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    result = command_line(f"out={folder}")
    assert result.returncode == 0, result.stderr
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<dt>waiting</dt><dd>the model waited 40 s of 50 s for images, which 3 processes prepared" in page
    assert "<dt>waiting</dt>" not in (unbroken / "report.html").read_text(encoding="utf-8")


def test_scores_hold_the_evidence_and_what_the_relabelling_did(unbroken: Path) -> None:
    found = document(unbroken)
    assert found["evidence"]["repope"]["random"]["auroc"] > 0.99
    assert len(found["evidence"]["repope"]["random"]["reliability"]) == 10
    effects = {effect["group"]: effect for effect in found["relabelling"]["variants"]}
    assert list(effects) == ["random", "popular", "adversarial"]
    assert effects["random"]["before"][0] == found["scores"]["pope"]["random"]["tp"]
    assert effects["random"]["after"][0] == found["scores"]["repope"]["random"]["tp"]
    page = (unbroken / "report.html").read_text(encoding="utf-8")
    assert "times as wide as intervals over questions of the same labels" in page
