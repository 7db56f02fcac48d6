"""A run folder as it is exported: what is read, and what is refused with what to do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from exported_runs import elsewhere, limited, write_limited_run, write_scored_run
from run_folders import answer_lines, demo

from repope_eval.errors import RepopeError
from repope_eval.exporting.scored_run import read_scored_run


def test_a_run_is_read_with_what_it_came_from(tmp_path: Path) -> None:
    run = read_scored_run(write_scored_run(tmp_path / "mine"))
    assert (run.finished_run.model, run.protocol, run.n_images, run.version) == (
        "mine",
        "repope",
        100,
        "0.1.0",
    )
    assert (run.n_questions, run.n_answered, run.is_whole) == (1026, 1026, True)
    assert [(cell.label_set, cell.variant) for cell in run.cells] == [
        (label_set, variant)
        for label_set in ("pope", "repope")
        for variant in ("random", "popular", "adversarial", "mean")
    ]
    assert run.asking is not None
    assert (run.asking.checkpoint, run.asking.commit) == ("OpenGVLab/InternVL2_5-1B", "0123abcd")
    document = json.loads((tmp_path / "mine" / "scores.json").read_text())["scores"]["repope"]["random"]
    found = run.cells[4].figures["f1"]
    assert (found.value, list(found.interval or ())) == (document["f1"], document["ci95"]["f1"])


def test_answers_from_elsewhere_have_no_asking(tmp_path: Path) -> None:
    run = read_scored_run(write_scored_run(tmp_path / "run", change=elsewhere))
    assert run.asking is None
    assert run.finished_run.model == "answers"


def test_a_part_of_the_questions_is_no_whole_run(tmp_path: Path) -> None:
    part = write_scored_run(tmp_path / "part", answer_lines(demo())[:500])
    assert not read_scored_run(part).is_whole

    assert not read_scored_run(write_scored_run(tmp_path / "limited", change=limited)).is_whole


def test_a_limited_run_knows_the_whole_benchmark(tmp_path: Path) -> None:
    run = read_scored_run(write_limited_run(tmp_path / "run"))
    assert (run.n_answered, run.n_questions, run.n_benchmark_questions) == (52, 52, 1026)
    assert (run.finished_run.limit, len(run.finished_run.answers), run.is_partial) == (5, 1026, True)


def unfinished(folder: Path) -> None:
    change_json(folder / "manifest.json", lambda manifest: manifest.update(status="running"))


def change_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def without_figure(folder: Path) -> None:
    change_json(folder / "scores.json", lambda scores: scores["scores"]["pope"]["mean"].pop("n_unparsed"))


def with_text_for_figure(folder: Path) -> None:
    change_json(folder / "scores.json", lambda scores: scores["scores"]["pope"]["mean"].update(f1="high"))


def of_another_protocol(folder: Path) -> None:
    change_json(folder / "scores.json", lambda scores: scores.update(protocol="best"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda folder: (folder / "manifest.json").unlink(),
            "is no run folder, since it has no manifest.json",
        ),
        (lambda folder: (folder / "answers.jsonl").unlink(), "answers.jsonl: is missing"),
        (
            lambda folder: (folder / "answers.jsonl").write_text(""),
            "answers.jsonl holds no answer, so there is",
        ),
        (lambda folder: (folder / "scores.json").unlink(), "has no scores.json; type its command again"),
        (lambda folder: (folder / "scores.json").write_text("{"), "scores.json: is no JSON"),
        (unfinished, "run: running: loading; wait for it, and export it then"),
        (without_figure, "scores.json or manifest.json lacks n_unparsed; type the run's command again"),
        (with_text_for_figure, "scores.json is no run's (a figure is 'high')"),
        (of_another_protocol, "scores.json is no run's (its protocol is 'best')"),
    ],
)
def test_what_is_no_finished_run_is_refused(
    spoil: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    folder = write_scored_run(tmp_path / "run")
    spoil(folder)
    with pytest.raises(RepopeError) as raised:
        read_scored_run(folder)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
