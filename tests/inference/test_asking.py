"""The loop, with an engine and a recipe that stand in for a model's."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from repope_eval.errors import RepopeError
from repope_eval.inference import asking
from repope_eval.inference.generation import Generation
from repope_eval.inference.store import AnswerStore
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Inputs, Prepared, Recipe
from repope_eval.records import Question


class EchoRecipe(Recipe):
    """A prompt is the letters of its question; an answer repeats them."""

    family = "echo"
    stop_token_ids = (0,)

    def __init__(self) -> None: ...

    @staticmethod
    def recognises(config: dict[str, Any]) -> bool:
        return True

    def prompt(self, question: str) -> str:
        return question

    def prepare(self, image: Image.Image, questions: Sequence[str]) -> Prepared:
        return Prepared({}, tuple(tuple(map(ord, question)) for question in questions))

    def encode(self, text: str) -> list[int]:
        return [ord(letter) for letter in text]

    def decode(self, token_ids: Sequence[int]) -> str:
        return "".join(map(chr, token_ids))

    def image_features(self, network: Any, images: Sequence[Inputs]) -> list[torch.Tensor]:
        raise AssertionError("the engine stands in for the network")

    network_class = network_config = None  # type: ignore[assignment]


ECHO = Model(EchoRecipe(), None, Checkpoint("echo", Path(), None, {}), torch.float32, torch.device("cpu"))  # type: ignore[arg-type]


def echo(_: Model, images: Sequence[Prepared], *__: object) -> list[list[Generation]]:
    return [[Generation(prompt, 0.5, 0.25) for prompt in image.prompts] for image in images]


@pytest.fixture
def questions(tmp_path: Path) -> list[Question]:
    """Three questions about each of five images, image by image in turn."""
    for number in range(5):
        Image.new("RGB", (4, 4)).save(tmp_path / f"{number}.png")
    return [
        Question(f"{image}.png", f"question {number} about {image}", "")
        for number in range(3)
        for image in range(5)
    ]


def ask(questions: Sequence[Question], folder: Path, **changes: Any) -> AnswerStore:
    store = AnswerStore(folder / "answers.jsonl", questions)
    images = {question.image: folder / question.image for question in questions}
    settings = {"engine": "shared", "batch_size": "2", "max_new_tokens": 5, **changes}
    asking.ask(ECHO, questions, images, store, **settings)
    return store


@pytest.mark.parametrize("batch_size", ["1", "2", "5", "100", "auto"])
def test_each_question_gets_its_own_answer(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_size: str
) -> None:
    monkeypatch.setattr(asking, "ENGINES", {"shared": echo})
    store = ask(questions, tmp_path, batch_size=batch_size)
    assert set(store.answers) == set(questions)
    for question, answer in store.answers.items():
        assert answer.response == question.text
        assert (answer.n_tokens, answer.p_yes, answer.p_no) == (len(question.text), 0.5, 0.25)


def test_an_images_questions_come_together_whatever_their_order(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers: list[list[int]] = []

    def counting(model: Model, images: Sequence[Prepared], *rest: object) -> list[list[Generation]]:
        numbers.append([len(image.prompts) for image in images])
        return echo(model, images, *rest)

    monkeypatch.setattr(asking, "ENGINES", {"shared": counting})
    ask(questions, tmp_path)
    assert numbers == [[3, 3], [3, 3], [3]]


def test_what_was_answered_before_a_broken_image_is_stored(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "ENGINES", {"shared": echo})
    (tmp_path / "3.png").write_bytes(b"no image")
    with pytest.raises(RepopeError, match=r"3\.png: is no image"):
        ask(questions, tmp_path)
    kept = AnswerStore(tmp_path / "answers.jsonl", questions).answers
    assert {question.image for question in kept} == {"0.png", "1.png"}


def test_out_of_memory_says_what_to_do(
    questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: object) -> list[list[Generation]]:
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(asking, "ENGINES", {"shared": refusing})
    with pytest.raises(
        RepopeError, match=r"out of memory on cpu with 2 images at a time; .*smaller batch_size"
    ):
        ask(questions, tmp_path)


def test_progress_is_a_log_line_where_there_is_no_terminal(
    questions: list[Question],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(asking, "ENGINES", {"shared": echo})
    monkeypatch.setattr(logging.getLogger("repope_eval"), "propagate", True)
    with caplog.at_level(logging.INFO):
        ask(questions, tmp_path)
    assert "15 of 15 questions" in caplog.text
