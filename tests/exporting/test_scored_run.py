"""A run folder as it is exported: what is read or refused, and that figures are what its answers come to."""

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from exported_runs import asked, elsewhere, exported, limited, write_limited_run, write_scored_run
from run_folders import answer_lines, demo

from repope_eval.commands.export import execute
from repope_eval.errors import RepopeError
from repope_eval.exporting.scored_run import asked_benchmark, labelled_answers, read_scored_run, recomputed
from repope_eval.runs import finished_runs
from repope_eval.settings.command_settings import ExportSettings


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


HIGH = 0.999


def with_high_f1(folder: Path) -> Path:
    """Puts another F1 into the scores of a run."""
    path = folder / "scores.json"
    document = json.loads(path.read_text())
    for cell in document["scores"]["repope"].values():
        cell["f1"] = HIGH
    path.write_text(json.dumps(document))
    return folder


def test_the_figures_of_a_run_are_those_that_it_wrote(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = read_scored_run(write_scored_run(tmp_path / "run"))
    again = recomputed(run)
    assert again.cells == run.cells
    assert (again.n_images, again.n_questions, again.n_answered) == (100, 1026, 1026)
    assert not caplog.records
    limited = read_scored_run(write_limited_run(tmp_path / "limited"))
    assert recomputed(limited) == limited


def test_edited_scores_are_not_believed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "repope_eval")
    honest = read_scored_run(write_scored_run(tmp_path / "run"))
    edited = read_scored_run(with_high_f1(tmp_path / "run"))
    assert edited.cells[-1].figures["f1"].value == HIGH
    assert recomputed(edited).cells == honest.cells
    (line,) = [record.getMessage() for record in caplog.records]
    f1 = honest.cells[4].figures["f1"].value
    assert line.startswith(
        f"scores.json has F1 0.9990 (random, repope), and the answers come to {f1:.4f}, which is"
    )


def write_other_run(folder: Path, **noted: Any) -> Path:
    """Writes a run of question files that are not here; its manifest notes further facts."""

    def other(manifest: dict[str, Any]) -> None:
        asked(manifest)
        manifest["benchmark"]["sha256"]["pope_random.jsonl"] = "0"
        manifest |= noted

    return write_scored_run(folder, change=other)


def test_without_the_benchmark_the_hash_decides_and_is_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "repope_eval")
    unknown = read_scored_run(write_other_run(tmp_path / "unknown"))
    with pytest.raises(
        RepopeError, match=r"scores.json is not known to be as the run wrote it.*pope_random.jsonl"
    ):
        recomputed(unknown)
    written = (tmp_path / "unknown" / "scores.json").read_bytes()
    known = write_other_run(tmp_path / "known", scores_sha256=hashlib.sha256(written).hexdigest())
    run = read_scored_run(known)
    assert recomputed(run) is run
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("the figures are those of scores.json, and not recomputed from the answers: run=")
    with pytest.raises(RepopeError, match=r"scores.json is not known"):
        recomputed(read_scored_run(with_high_f1(known)))


def test_a_run_notes_the_hash_of_its_scores(short_unbroken: Path) -> None:
    assert read_scored_run(short_unbroken).has_written_scores


def test_each_labelled_question_with_an_answer_counts_once_in_a_variant(tmp_path: Path) -> None:
    run = read_scored_run(write_scored_run(tmp_path / "run"))
    benchmark = asked_benchmark(run)
    repope = benchmark.label_sets[1]
    found = list(labelled_answers(run, benchmark, repope))
    counts = {cell.variant: cell.n_answered for cell in run.cells if cell.label_set == "repope"}
    for variant, labels in demo().label_sets[1].variants.items():
        of_variant = [each for each in found if each.variant == variant]
        assert {each.question: each.label for each in of_variant} == labels
        assert len(of_variant) == counts[variant]
        assert all(benchmark.ids[variant][each.question_id] == each.question for each in of_variant)


def test_a_run_of_other_questions_is_refused(tmp_path: Path) -> None:
    def other(manifest: dict[str, Any]) -> None:
        asked(manifest)
        manifest["benchmark"]["sha256"]["pope_random.jsonl"] = "0"

    run = write_scored_run(tmp_path / "run", change=other)
    with pytest.raises(
        RepopeError, match=r"other question files: SHA-256 of pope_random\.jsonl differs; the forms"
    ):
        exported("lmms_eval", run)
    assert exported("evaluation_card", run)


def test_an_export_loads_the_benchmark_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, load = [], finished_runs.load_benchmark

    def noted(*given: Any) -> Any:
        loaded.append(given)
        return load(*given)

    monkeypatch.setattr(finished_runs, "load_benchmark", noted)
    run = write_scored_run(tmp_path / "run")
    execute(ExportSettings(run=str(run), format="lmms_eval", out=str(tmp_path / "out")), "")
    assert len(loaded) == 1
