"""Blind controls: runs that are shown something else, the run beside its twins, and what is not made of them."""

import html
import json
from pathlib import Path

import pytest
import warm_commands
from demo_runs import answers, comparable

LIMIT = "limit=12"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of the demo in their default folders, the one that looks last."""
    folder = tmp_path_factory.mktemp("blind")
    for words in (["bench.blind=gray"], ["bench.blind=swapped"], ["bench.blind=none"], []):
        warm_commands.run("bench=demo", LIMIT, *words, placed(folder)).check_returncode()
    return folder


def placed(folder: Path) -> str:
    """The word that has runs lie below a folder as they do below `runs`."""
    return f"out={folder}/${{bench.name}}/${{model.name}}"


def test_each_has_a_folder_of_its_own_and_its_own_name(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "demo",
        "demo_gray",
        "demo_none",
        "demo_swapped",
    ]
    for name in ("demo_gray", "demo_none", "demo_swapped"):
        document = json.loads((folder / name / "tiny" / "manifest.json").read_text())
        assert document["identity"]["bench"] == name
        assert document["identity"]["bench.blind"] == name.removeprefix("demo_")
    assert "bench.blind" not in json.loads((folder / "demo/tiny/manifest.json").read_text())["identity"]


def test_another_image_changes_answers_and_a_gray_one_too(folder: Path) -> None:
    seen, *others = (comparable(folder / name / "tiny") for name in ("demo", "demo_gray", "demo_swapped"))
    assert all(len(other) == len(seen) and other != seen for other in others)


def test_no_image_means_that_no_mark_of_one_is_in_the_prompt(folder: Path) -> None:
    prompts = {
        name: json.loads((folder / name / "tiny/manifest.json").read_text())["prompt"]
        for name in ("demo_gray", "demo_none")
    }
    assert "<img><IMG_CONTEXT></img>\n" in prompts["demo_gray"]
    assert prompts["demo_none"] == prompts["demo_gray"].replace("<img><IMG_CONTEXT></img>\n", "")


def test_the_page_shows_the_run_beside_its_twins(folder: Path) -> None:
    page = html.unescape((folder / "demo/tiny/report.html").read_text())
    assert "Without looking" in page
    assert all(f"% with {shown}" in page for shown in ("a gray image of the same size", "no image at all"))
    document = json.loads((folder / "demo/tiny/scores.json").read_text())["blind"]
    assert set(document) == {"gray", "swapped", "none"}
    lines = {name: {(line["image"], line["question"]): line["response"] for line in answers(folder / name / "tiny")}
             for name in ("demo", "demo_none")}  # fmt: skip
    assert document["none"]["repope"]["all"]["n_questions"] <= len(lines["demo"])
    assert document["none"]["repope"]["all"]["blind"] < document["none"]["repope"]["all"]["seeing"]


def test_a_control_says_on_its_page_that_it_is_one(folder: Path) -> None:
    warm_commands.run("bench=demo", LIMIT, "bench.blind=gray", placed(folder)).check_returncode()
    page = html.unescape((folder / "demo_gray/tiny/report.html").read_text())
    assert "Asked with a gray image of the same size in place of each (bench.blind=gray): a control." in page
    assert set(json.loads((folder / "demo_gray/tiny/scores.json").read_text())["blind"]) == {"gray"}


def test_questions_without_images_are_answered_alike_one_at_a_time(folder: Path, tmp_path: Path) -> None:
    words = ("bench=demo", "bench.blind=none", LIMIT, "engine=sequential", f"out={tmp_path / 'run'}")
    warm_commands.run(*words).check_returncode()
    assert comparable(tmp_path / "run") == comparable(folder / "demo_none" / "tiny")


def test_a_run_of_other_settings_is_no_twin_and_the_log_says_why(tmp_path: Path) -> None:
    words = ("bench=demo", "limit=2")
    other = warm_commands.run(*words, "bench.blind=none", "model.question_suffix=!", placed(tmp_path))
    other.check_returncode()
    ended = warm_commands.run(*words, placed(tmp_path))
    assert "is not shown beside this run, since model.question_suffix differs" in ended.stderr
    assert "blind" not in json.loads((tmp_path / "demo/tiny/scores.json").read_text())


def test_answers_of_other_pictures_are_never_in_one_folder(folder: Path) -> None:
    ended = warm_commands.run("bench=demo", LIMIT, "bench.blind=gray", f"out={folder / 'demo/tiny'}")
    assert ended.returncode == 1
    assert "it holds answers of another configuration" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_control_is_not_exported(folder: Path, tmp_path: Path) -> None:
    ended = warm_commands.run(
        "export", f"run={folder / 'demo_gray/tiny'}", "format=model_card", f"out={tmp_path / 'out'}"
    )
    assert ended.returncode == 1
    assert "which is a control and no result of the benchmark" in ended.stderr
    assert not (tmp_path / "out").exists()


def test_a_leaderboard_never_mixes_controls_with_runs_and_names_the_words(
    folder: Path, tmp_path: Path
) -> None:
    ended = warm_commands.run("report", f"runs={folder}", "bench=demo", f"out={tmp_path / 'board'}")
    assert (
        "demo_gray/tiny: is of benchmark demo_gray, not demo; bench=demo bench.blind=gray reports it"
        in ended.stderr
    )
    own = warm_commands.run(
        "report", f"runs={folder}", "bench=demo", "bench.blind=gray", f"out={tmp_path / 'control'}"
    )
    own.check_returncode()
    assert json.loads((tmp_path / "control/leaderboard.json").read_text())["bench"] == "demo_gray"


def test_a_model_that_needs_an_image_says_so(goldens: Path, tmp_path: Path) -> None:
    ended = warm_commands.run(
        "model=paligemma_3b", f"model.checkpoint={goldens / 'paligemma'}", "bench.blind=none", "limit=1",
        f"out={tmp_path / 'run'}",
    )  # fmt: skip
    assert ended.returncode == 1
    assert "PaliGemma's prompts begin with an image" in ended.stderr
