"""The whole line on the embedded benchmark with the tiny model: run, interrupted, gone on with, broken."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import ASKED_FILES, CommandLine, visible_files
from demo_runs import QUESTIONS, answers, comparable
from omegaconf import DictConfig, OmegaConf

from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.commands.score import score_answers
from repope_eval.runs.folder import close_log
from repope_eval.settings.config import ScoreSettings
from repope_eval.settings.schema import schema_of, settings_from

QUESTION = "Is there a car in the image?"


def test_the_demo_leaves_its_files_and_an_answer_to_each_question(unbroken: Path) -> None:
    assert visible_files(unbroken) == ASKED_FILES
    lines = answers(unbroken)
    assert len(lines) == len({(line["image"], line["question"]) for line in lines}) == QUESTIONS
    assert set(lines[0]) == {"image", "question", "response", "n_tokens", "p_yes", "p_no"}
    manifest = json.loads((unbroken / "manifest.json").read_text())
    assert manifest["status"] == "complete"
    assert set(manifest["seconds"]) == {"load", "inference", "scoring", "report"}
    assert manifest["counts"]["answered"] == QUESTIONS


def test_the_tiny_model_is_right_on_95_of_100_questions_under_corrected_labels(unbroken: Path) -> None:
    scores = json.loads((unbroken / "scores.json").read_text())["scores"]
    assert scores["repope"]["mean"]["accuracy"] >= 0.95
    assert scores["repope"]["random"]["accuracy"] >= scores["repope"]["adversarial"]["accuracy"]
    assert scores["repope"]["mean"]["f1"] > scores["pope"]["mean"]["f1"]
    assert set(scores) == {"pope", "repope"}
    assert list(scores["pope"]) == ["random", "popular", "adversarial", "mean"]


def test_typed_again_it_asks_nothing_and_says_so(
    unbroken: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    shutil.copytree(unbroken, tmp_path / "run")
    before = (tmp_path / "run" / "answers.jsonl").read_bytes()
    result = command_line(f"out={tmp_path / 'run'}")
    assert result.returncode == 0
    assert f"nothing to ask: all {QUESTIONS} answers are in" in result.stderr
    assert (tmp_path / "run" / "answers.jsonl").read_bytes() == before
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["seconds"]["inference"] > 0


def test_scores_of_all_images_are_not_replaced_by_those_of_fewer_or_of_another_protocol(
    unbroken: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(unbroken, run)
    before = (run / "scores.json").read_bytes()
    fewer = command_line(f"out={run}", "limit=10")
    assert (fewer.returncode, fewer.stderr.splitlines()[-1]) == (
        1,
        f"{run} has the scores of 100 images, which limit= would replace by those of 10; choose another out=, or "
        "leave limit= out",
    )
    otherwise = command_line(f"out={run}", "protocol=lmms_eval")
    assert otherwise.returncode == 1
    assert (run / "scores.json").read_bytes() == before
    said, _, both = otherwise.stderr.splitlines()[-1].partition("type: python -m repope_eval ")
    assert both == f"score answers={run}/answers.jsonl bench=demo protocol=lmms_eval out={run}_lmms_eval"
    assert said == (
        f"{run} has the scores by protocol=repope, which those by protocol=lmms_eval would replace; for both, "
    )
    assert command_line(*both.split()).returncode == 0
    document = json.loads((tmp_path / "run_lmms_eval" / "scores.json").read_text())
    assert (document["protocol"], document["n_images"]) == ("lmms_eval", 100)


def test_a_run_of_some_images_goes_on_to_all(command_line: CommandLine, tmp_path: Path) -> None:
    for limit in (2, 3):
        result = command_line(f"out={tmp_path / 'run'}", f"limit={limit}")
        assert result.returncode == 0, result.stderr
    assert json.loads((tmp_path / "run" / "scores.json").read_text())["n_images"] == 3


@pytest.mark.parametrize("words", [("engine=sequential",), ("batch_size=3",)])
def test_engine_and_batch_size_change_no_answer(
    unbroken: Path, command_line: CommandLine, tmp_path: Path, words: tuple[str, ...]
) -> None:
    result = command_line(f"out={tmp_path / 'run'}", "limit=7", *words)
    assert result.returncode == 0, result.stderr
    assert set(comparable(tmp_path / "run")) <= set(comparable(unbroken))
    assert len(comparable(tmp_path / "run")) >= 60


@pytest.fixture
def custom(tmp_path: Path) -> tuple[Path, Path]:
    """A custom benchmark out of the demo's: the question file, and a folder of copied images."""
    images = tmp_path / "images"
    shutil.copytree(DEMO_FOLDER / "images", images)
    return DEMO_FOLDER / "pope_random.jsonl", images


def test_an_image_that_does_not_decode_is_named_and_earlier_answers_are_kept(
    custom: tuple[Path, Path], command_line: CommandLine, tmp_path: Path
) -> None:
    questions, images = custom
    order = list(dict.fromkeys(json.loads(line)["image"] for line in questions.read_text().splitlines()))
    broken = images / order[6]
    broken.write_bytes(broken.read_bytes()[:500])
    words = (
        "bench=custom",
        f"bench.questions={questions}",
        f"bench.images={images}",
        "batch_size=2",
        "limit=12",
    )
    result = command_line(*words, f"out={tmp_path / 'run'}")
    assert result.returncode == 1
    assert str(broken) in result.stderr.strip().splitlines()[-1]
    assert "Traceback" not in result.stderr
    kept = {line["image"] for line in answers(tmp_path / "run")}
    assert broken.name not in kept
    assert len(answers(tmp_path / "run")) == 6 * len(kept) > 0
    shutil.copy(DEMO_FOLDER / "images" / order[6], broken)
    assert command_line(*words, f"out={tmp_path / 'run'}").returncode == 0
    assert len(answers(tmp_path / "run")) == 12 * 6


def test_answers_in_what_was_the_default_folder_are_not_asked_for_again(
    custom: tuple[Path, Path], command_line: CommandLine, tmp_path: Path
) -> None:
    """A run of custom questions went to `runs/custom/MODEL`, whatever their file; it is named by the file now."""
    questions, images = custom
    words = ("bench=custom", f"bench.questions={questions}", f"bench.images={images}", "limit=2")
    assert command_line(*words, "bench.name=custom").returncode == 0
    again = command_line(*words)
    assert again.returncode == 1
    assert again.stderr.startswith("give out=runs/custom/tiny to go on with the answers there, ")
    assert again.stderr.endswith("; or out=runs/pope_random/tiny to ask anew\n")
    runs = tmp_path / "work" / "runs"
    before = (runs / "custom" / "tiny" / "answers.jsonl").read_bytes()
    assert command_line(*words, "out=runs/custom/tiny").returncode == 0
    assert (runs / "custom" / "tiny" / "answers.jsonl").read_bytes() == before
    other = tmp_path / "other.jsonl"  # of which nothing lies there
    other.write_text("".join(questions.read_text().splitlines(keepends=True)[:6]))
    assert command_line(*words, f"bench.questions={other}").returncode == 0
    assert (runs / "other" / "tiny" / "scores.json").exists()


def test_missing_images_are_counted_before_the_model_loads(
    custom: tuple[Path, Path], command_line: CommandLine, tmp_path: Path
) -> None:
    questions, images = custom
    for path in sorted(images.iterdir())[:5]:
        path.unlink()
    result = command_line(
        "bench=custom",
        f"bench.questions={questions}",
        f"bench.images={images}",
        "model=internvl2_5_1b",
        f"out={tmp_path / 'run'}",
        PYTHONPROFILEIMPORTTIME="1",
    )
    assert result.returncode == 1
    assert f"5 of 100 images missing in {images}: scene_" in result.stderr
    assert "| torch" not in result.stderr


def test_a_folder_that_cannot_be_made_is_named(command_line: CommandLine) -> None:
    result = command_line("out=/proc/run")  # not even root may make a folder there
    assert result.returncode == 1
    assert result.stderr.startswith("out=/proc/run: cannot be made")


def test_a_sweep_runs_every_job(command_line: CommandLine, tmp_path: Path) -> None:
    result = command_line("-m", "protocol=repope,pope", "limit=2", f"out={tmp_path}/" + "${protocol}")
    assert result.returncode == 0, result.stderr
    for protocol in ("repope", "pope"):
        assert json.loads((tmp_path / protocol / "scores.json").read_text())["protocol"] == protocol
    turns = [line for line in result.stderr.splitlines() if " of 2: " in line]
    assert turns == ["1 of 2: tiny on demo, protocol=repope", "2 of 2: tiny on demo, protocol=pope"]
    assert result.stderr.startswith(turns[0])


def test_a_run_ends_its_asking_with_how_long_it_took_and_would_take(
    command_line: CommandLine, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    result = command_line("limit=3", f"out={out}", "batch_size=2")
    assert result.returncode == 0, result.stderr
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("asked ")]
    manifest = json.loads((out / "manifest.json").read_text())
    inference = manifest["inference"]
    assert (inference["images"], inference["questions"]) == (3, manifest["counts"]["asked"])
    assert 0 < inference["seconds"] <= manifest["seconds"]["inference"]
    assert line.startswith(f"asked {inference['questions']} questions about 3 images in ")
    assert "all 100 images would take about " in line


def _scored(folder: Path, *responses: tuple[str, str], **settings: Any) -> Path:
    """The run folder of answers to a question of a user's own, scored."""
    questions = folder / "questions.jsonl"
    questions.write_text(json.dumps({"image": "a.png", "text": QUESTION, "label": "yes", "question_id": 1}))
    rows = [{"image": "a.png", "question": question, "response": said} for question, said in responses]
    (folder / "answers.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    bench = {"name": "custom", "source": "custom", "variants": ["custom"], "questions": str(questions)}
    typed = {"answers": str(folder / "answers.jsonl"), "bench": bench, "out": str(folder / "run"), **settings}
    composed = OmegaConf.merge(OmegaConf.structured(schema_of(ScoreSettings)), {"bench": bench}, typed)
    assert isinstance(composed, DictConfig)
    score_answers(settings_from(ScoreSettings, composed), "score")
    close_log()
    return folder / "run"


def test_the_text_of_a_question_is_quoted_in_the_log(tmp_path: Path) -> None:
    forged = "Is there a \x1b]0;owned\x07?\n2026-01-01 00:00:00,000 INFO all is well"
    log = (_scored(tmp_path, (QUESTION, "Yes"), (forged, "No")) / "run.log").read_text()
    (line,) = [line for line in log.splitlines() if "left out" in line]
    assert repr(forged) in line
    assert "\x1b" not in log


def test_what_the_environment_holds_is_in_no_file_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORK", str(tmp_path))
    scratch = tmp_path / "scratch"
    (scratch / "data").mkdir(parents=True)
    monkeypatch.setenv("SCRATCH", str(scratch))
    settings = {"answers": "${oc.env:WORK}/answers.jsonl", "data_dir": "${oc.env:SCRATCH}/data"}
    for _ in range(2):  # the same words go on
        run = _scored(tmp_path, (QUESTION, "Yes"), **settings)
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["settings"]["data_dir"] == "${oc.env:SCRATCH}/data"
    assert manifest["identity"]["answers"] == manifest["settings"]["answers"] == settings["answers"]
    assert "${oc.env:SCRATCH}/data" in (run / "report.html").read_text()
    for name in ("manifest.json", "scores.json", "report.html", "run.log"):
        assert str(scratch) not in (run / name).read_text()
    assert str(tmp_path / "answers.jsonl") not in (run / "run.log").read_text()
