"""A run of a chat model, from its images to its page."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import CommandLine
from tiny_checkpoints import CHECKPOINTS, chat_settings

from perf.chat_families.qwen import TEMPLATE as CHATML
from repope_eval import pipeline
from repope_eval.asking.asker import AskedImage, find_asker
from repope_eval.asking.loaders import load_chat_asker
from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.errors import RepopeError
from repope_eval.pipeline import run
from repope_eval.records import Question
from repope_eval.reporting.results import score_and_report
from repope_eval.runs.folder import close_log
from repope_eval.settings.config import BenchSettings, Engine, RunSettings
from repope_eval.system.ranks import Ranks

DEMO = BenchSettings(name="demo", source="demo", variants=POPE_VARIANTS)


@pytest.fixture(autouse=True)
def _answers_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Scores and pages of random answers take longer than the answers."""
    monkeypatch.setattr(pipeline, "score_and_report", lambda *_: None)
    yield
    close_log()


def settings_of(folder: Path, out: Path, **model: Any) -> RunSettings:
    return RunSettings(model=chat_settings(folder, **model), bench=DEMO, device="cpu", limit=1, out=str(out))


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "answers.jsonl").read_text().splitlines()]


def manifest(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "manifest.json").read_text())
    return found


def test_both_engines_answer_alike(
    checkpoint: Callable[[str], Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_of(checkpoint("qwen2_5_vl"), tmp_path / "shared")
    with caplog.at_level(logging.INFO):
        run(settings, "a command")
    assert manifest(tmp_path / "shared")["inference"]["verified"]["line"] in caplog.messages
    close_log()
    run(replace(settings, engine="sequential", out=str(tmp_path / "sequential")), "a command")
    shared, sequential = (lines(tmp_path / engine) for engine in ("shared", "sequential"))
    assert [line["response"] for line in shared] == [line["response"] for line in sequential]
    assert all(line["p_yes"] is not None for line in shared)
    noted = manifest(tmp_path / "shared")
    assert noted["inference"]["way"] == "the questions about several images together"
    assert noted["starts"][0]["way"] == "asked the questions about several images together"
    assert noted["inference"]["verified"]["equal"] == len(shared)
    assert noted["image_backend"] == "torchvision"
    assert noted["prompt"].startswith("<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>QUESTION")


def test_the_command_answers_to_the_page(
    checkpoint: Callable[[str], Path], tmp_path: Path, command_line: CommandLine
) -> None:
    words = ("model.dtype=float32", "model.max_new_tokens=4", "model.chat_template={enable_thinking:false}")
    result = command_line(
        "model=chat",
        f"model.checkpoint={checkpoint('qwen2_5_vl')}",
        *words,
        "device=cpu",
        "limit=1",
        f"out={tmp_path / 'run'}",
    )
    assert result.returncode == 0, result.stderr
    assert manifest(tmp_path / "run")["status"] == "complete"
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert (
        "; asked the questions about several images together; checked against the plain way on 1 image: "
        in page
    )
    result = command_line("model=chat")
    assert result.returncode == 1
    assert "model.checkpoint is required: give model.checkpoint=..." in result.stderr


def test_other_pixels_are_another_configuration(
    checkpoint: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(checkpoint("qwen2_5_vl"), tmp_path / "run")
    run(settings, "a command")
    for model, said in (
        ({"max_pixels": 28 * 28 * 6}, r"model\.max_pixels"),
        ({"chat_template": {"messages": []}}, r"model\.chat_template"),
    ):
        close_log()
        with pytest.raises(RepopeError, match=said):
            run(replace(settings, model=replace(settings.model, **model)), "a command")  # type: ignore[arg-type]


def test_a_thought_that_is_cut_off_is_counted_apart(
    checkpoint: Callable[[str], Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipeline, "score_and_report", score_and_report)  # the page says it, too
    folder = tmp_path / "thinking"
    folder.mkdir()
    for path in checkpoint("qwen2_5_vl").iterdir():
        (folder / path.name).symlink_to(path)
    (folder / "chat_template.jinja").unlink()
    (folder / "chat_template.jinja").write_text(CHATML + "{% if thinks %}<think>\n{% endif %}")
    with caplog.at_level(logging.WARNING):
        run(settings_of(folder, tmp_path / "run", chat_template={"thinks": True}), "a command")
    found = lines(tmp_path / "run")
    assert {(line["response"], line["p_yes"], line["n_tokens"]) for line in found} == {("", None, 6)}
    assert manifest(tmp_path / "run")["inference"]["unanswered_in_thought"] == len(found)
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert f"{len(found)} questions, cut off while the model was thinking" in page
    assert f"{len(found)} questions unanswered: the model was still thinking after 6 tokens" in caplog.text


@pytest.mark.parametrize("batch_size", ["1", "3", "auto"])
def test_all_batch_sizes_give_the_same_answers(
    checkpoint: Callable[[str], Path], tmp_path: Path, batch_size: str
) -> None:
    settings = replace(settings_of(checkpoint("qwen2_5_vl"), tmp_path / "run"), limit=5)
    run(replace(settings, batch_size=batch_size), "a command")
    close_log()
    run(replace(settings, engine="sequential", out=str(tmp_path / "plain")), "a command")
    found, plain = (
        {(line["image"], line["question"]): line for line in lines(tmp_path / of)} for of in ("run", "plain")
    )
    assert {key: line["response"] for key, line in found.items()} == {
        key: line["response"] for key, line in plain.items()
    }
    noted = manifest(tmp_path / "run")["inference"]
    assert noted["why"] is None
    assert noted["batch_size"] == {"1": 1, "3": 3}.get(batch_size, noted["batch_size"])
    assert noted["way"] == (
        "an image's questions together"
        if batch_size == "1"
        else "the questions about several images together"
    )


def test_the_number_of_images_at_a_time_is_no_part_of_a_run(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    settings = settings_of(checkpoint("llava"), tmp_path / "run")
    run(settings, "a command")
    close_log()
    run(replace(settings, limit=3, batch_size="2"), "a command")
    assert manifest(tmp_path / "run")["inference"]["batch_size"] == 2


def test_the_family_has_its_asker() -> None:
    assert find_asker("chat") is load_chat_asker


def test_processors_work_in_processes_of_their_own(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    settings = settings_of(checkpoint("llava"), tmp_path / "run")
    run(replace(settings, workers="1"), "a command")
    assert manifest(tmp_path / "run")["inference"]["workers"] == 1
    assert lines(tmp_path / "run")


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_chat_models_are_asked_without_images_alike_in_both_engines(
    checkpoint: Callable[[str], Path], tmp_path: Path, kind: str
) -> None:
    settings = settings_of(checkpoint(kind), tmp_path / "shared")
    settings = replace(settings, bench=replace(DEMO, blind="none"))
    run(settings, "a command")
    close_log()
    run(replace(settings, engine="sequential", out=str(tmp_path / "sequential")), "a command")
    shared, sequential = (lines(tmp_path / engine) for engine in ("shared", "sequential"))
    assert [line["response"] for line in shared] == [line["response"] for line in sequential]
    assert "image>" not in manifest(tmp_path / "shared")["prompt"]


@pytest.mark.parametrize("kind", ["llava", "qwen2_5_vl", "gemma3"])
def test_sampled_answers_are_the_same_whatever_the_batch_and_others_by_another_seed(
    checkpoint: Callable[[str], Path], kind: str
) -> None:
    pictures = sorted((DEMO_FOLDER / "images").iterdir())[:4]
    asked = [
        AskedImage(
            picture,
            tuple(
                Question(picture.name, f"Is there a {name} in the image?", name, draw=draw)
                for draw in range(2)
                for name in ("cup", "dog", "fork")
            ),
        )
        for picture in pictures
    ]

    def responses(engine: Engine, batch_size: str, seed: int = 0) -> dict[Question, str]:
        model = chat_settings(checkpoint(kind), temperature=0.8, top_p=0.95, seed=seed)
        settings = RunSettings(
            model=model, bench=DEMO, device="cpu", engine=engine, batch_size=batch_size, verify=1
        )
        asker = load_chat_asker(settings, Ranks())
        answers = [answer for batch in asker.ask(asker.order_images(asked)) for answer in batch]
        return {answer.question: answer.response for answer in answers}

    alone = responses("sequential", "1")
    assert len(alone) == 4 * 6
    assert alone == responses("shared", "1") == responses("shared", "3")
    assert alone != responses("shared", "3", seed=1)
    of_first = {question: text for question, text in alone.items() if not question.draw}
    assert any(alone[replace(question, draw=1)] != text for question, text in of_first.items())
