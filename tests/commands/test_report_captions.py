"""`report` of a folder with runs that describe images, beside others or by themselves."""

import json
import shutil
from pathlib import Path

import pytest
from coco_examples import write_coco
from conftest import CommandLine
from run_folders import answer_lines, demo, write_run
from test_mentions import CHAIR

ANNOTATIONS = CHAIR.parent / "annotations"

pytestmark = pytest.mark.skipif(
    not ANNOTATIONS.is_dir(), reason=f"{ANNOTATIONS} is not here: POPE's and RePOPE's files"
)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    write_coco(folder / "annotations", {number: ["dog"] for number in range(1, 131)})
    for path in ANNOTATIONS.glob("coco_*pope_*.json"):
        (folder / "annotations" / path.name).symlink_to(path)
    return folder


@pytest.fixture
def runs(command_line: CommandLine, data_dir: Path, tmp_path: Path) -> Path:
    """Two runs of captions of the same images."""
    for name, n_wrong in (("some", 40), ("few", 10)):
        path = tmp_path / f"{name}.json"
        rows = [
            {"image_id": number, "caption": "A dog and a cat." if number <= n_wrong else "A dog."}
            for number in range(1, 131)
        ]
        path.write_text(json.dumps(rows))
        result = command_line(
            *("score", "bench=chair", f"data_dir={data_dir}", f"answers={path}", f"out=runs/{name}"),
            f"model={name}",
        )
        assert result.returncode == 0, result.stderr
    return tmp_path / "work" / "runs"


def files(out: Path) -> set[str]:
    return {path.name for path in out.iterdir() if path.is_file()}


CAPTIONS = {"captions.html", "captions.json", "captions.tex"}
OTHERS = {"leaderboard.html", "leaderboard.json", "leaderboard.tex"}


def test_captions_and_other_runs_have_a_leaderboard_each(command_line: CommandLine, runs: Path) -> None:
    write_run(runs / "yes_no", demo(), "yes_no", answer_lines(demo()))
    result = command_line("report", "runs=runs")
    assert result.returncode == 0, result.stderr
    assert "2 runs of captions, apart from those of yes and no in leaderboard.html, ranked" in result.stderr
    assert "First by CHAIRi under COCO's truth is few (7.1 %), before some (23.5 %)" in " ".join(
        result.stdout.split()
    )
    out = runs / "leaderboard"
    assert files(out) == CAPTIONS | OTHERS
    assert 'href="captions.html"' in (out / "leaderboard.html").read_text()
    assert 'href="leaderboard.html"' in (out / "captions.html").read_text()
    assert [model["name"] for model in json.loads((out / "leaderboard.json").read_text())["models"]] == [
        "yes_no"
    ]
    (group,) = json.loads((out / "captions.json").read_text())["groups"]
    assert [model["name"] for model in group["models"]] == ["few", "some"]
    assert (out / "tables" / "captions.csv").is_file()


def test_one_kind_alone_leaves_no_files_of_the_other(command_line: CommandLine, runs: Path) -> None:
    write_run(runs / "yes_no", demo(), "yes_no", answer_lines(demo()))
    out = runs / "leaderboard"
    for words, there in (((), CAPTIONS | OTHERS), (("bench=chair",), CAPTIONS), (("bench=demo",), OTHERS)):
        result = command_line("report", "runs=runs", *words)
        assert result.returncode == 0, result.stderr
        assert files(out) == there
        tables = {path.stem for path in (out / "tables").iterdir()}
        assert ("captions" in tables, "standings" in tables) == (there >= CAPTIONS, there >= OTHERS)
    assert "left out: few: describes images" in result.stderr
    assert "captions.html" not in (out / "leaderboard.html").read_text()


def test_without_cocos_files_other_runs_are_ranked_all_the_same(
    command_line: CommandLine, runs: Path, data_dir: Path
) -> None:
    shutil.rmtree(data_dir)
    result = command_line("report", "runs=runs")
    assert result.returncode == 1
    assert not (runs / "leaderboard").exists()
    write_run(runs / "yes_no", demo(), "yes_no", answer_lines(demo()))
    result = command_line("report", "runs=runs")
    assert result.returncode == 0, result.stderr
    assert "2 runs of captions left out: " in result.stderr
    assert files(runs / "leaderboard") == OTHERS


def test_a_page_of_no_report_is_not_replaced(command_line: CommandLine, runs: Path) -> None:
    out = runs.parent / "mine"
    out.mkdir()
    (out / "captions.html").write_text("mine")
    result = command_line("report", "runs=runs", "out=mine")
    assert result.returncode == 1
    assert "captions.html there is of no report" in result.stderr
    assert files(out) == {"captions.html"}
