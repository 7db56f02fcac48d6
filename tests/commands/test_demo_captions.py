"""The demo's captions: a run of the embedded model without a network, its page, and going on where it was stopped."""

import html
import json
import signal
from pathlib import Path
from typing import Any

import pytest
import warm_commands
from demo_runs import answers, comparable, start
from test_several_ranks import start_ranks, wait_for_answers

from repope_eval.runs.layout import share_path


def scores(folder: Path) -> Any:
    return json.loads((folder / "scores.json").read_text())


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of the demo's captions, run to its end."""
    folder = tmp_path_factory.mktemp("described") / "run"
    warm_commands.run(f"out={folder}", "bench=demo_captions").check_returncode()
    return folder


def test_the_demo_describes_its_scenes(described: Path) -> None:
    document = scores(described)
    figures = {
        truth: {name: each["value"] for name, each in of_truth["estimates"].items()}
        for truth, of_truth in document["captions"]["describe"]["scores"].items()
    }
    assert document["n_images"] == 100
    assert all(of_truth["recall"] > 0.7 for of_truth in figures.values())
    assert all(0 < of_truth["chair_i"] < 0.3 for of_truth in figures.values())
    assert sum(line["response"].endswith(" in the image.") for line in answers(described)) >= 95


def test_the_demos_page_has_marked_captions_and_names_no_coco(described: Path) -> None:
    page = (described / "report.html").read_text()
    assert page.count('<mark class="') > 200
    assert page.count("data:image/webp;base64,") == 100
    assert "Of the annotation" not in page
    assert "the annotation's truth" in html.unescape(page)
    assert "The annotation has it, and by RePOPE it is there." in page
    assert "COCO" not in (described / "scores.json").read_text()
    assert "COCO" not in page.split('<section id="cite"')[0]


def test_captions_one_at_a_time_are_those_of_batches(described: Path, tmp_path: Path) -> None:
    words = (
        "bench=demo_captions",
        "limit=30",
        f"out={tmp_path / 'run'}",
        "engine=sequential",
        "batch_size=1",
    )
    warm_commands.run(*words).check_returncode()
    assert set(comparable(tmp_path / "run")) < set(comparable(described))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_described_demo_that_is_stopped_goes_on_to_the_same_captions(
    described: Path, tmp_path: Path, number: int
) -> None:
    folder = tmp_path / "run"
    process = start(folder, "bench=demo_captions", stored=20)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert 20 <= len(answers(folder)) < 100
    resumed = warm_commands.run(f"out={folder}", "bench=demo_captions")
    assert resumed.returncode == 0, resumed.stderr
    assert comparable(folder) == comparable(described)
    assert scores(folder) == scores(described)


def test_two_processes_that_are_killed_and_started_again_end_as_one_unbroken(
    described: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    words = (f"out={folder}", "bench=demo_captions", "batch_size=1", "verify=0")
    ranks = start_ranks(2, *words)
    shares = [share_path(folder / "answers.jsonl", number) for number in (0, 1)]
    for share, rank in zip(shares, ranks, strict=True):
        wait_for_answers(share, rank)
    for rank in ranks:
        rank.kill()
    for rank in ranks:
        rank.communicate(timeout=60)
    assert [rank.returncode for rank in ranks] == [-signal.SIGKILL] * 2
    kept = sum(share.read_bytes().count(b"\n") for share in shares)
    assert 40 <= kept < 100
    ranks = start_ranks(2, *words)
    said = "".join(rank.communicate(timeout=240)[1] for rank in ranks)
    assert [rank.returncode for rank in ranks] == [0, 0], said
    assert f"asking {100 - kept} questions" in said
    assert comparable(folder) == comparable(described)
    assert scores(folder) == scores(described)
