"""A run checks its way of asking before it stores an answer, and leaves one that differs or cannot be gone."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from conftest import GOLDENS
from PIL import Image
from tiny_checkpoints import MOST_TOKENS

from repope_eval.asking.chat import ways
from repope_eval.asking.chat.generation import ChatGeneration, Limits, ask_after_prefix, ask_alone, ask_one
from repope_eval.asking.chat.loading import ChatModel
from repope_eval.asking.chat.processor import ChatPrepared
from repope_eval.asking.chat.ways import PLAIN, Way, Ways
from repope_eval.asking.native.generation import Spellings
from repope_eval.errors import RepopeError

QUESTIONS = ("Is there a cup in the image?", "Is there a dog in the image?")
LIMITS = Limits(max_new_tokens=MOST_TOKENS, spellings=Spellings({"Yes": 280}, {"No": 279}))


@pytest.fixture
def model(chat_model: Callable[[str], ChatModel]) -> ChatModel:
    return chat_model("llava")


@pytest.fixture
def image(model: ChatModel) -> ChatPrepared:
    return model.processor.prepare(Image.open(GOLDENS / "images" / "coffee.png").convert("RGB"), QUESTIONS)


def with_first_way(monkeypatch: pytest.MonkeyPatch, ask: Callable[..., Any]) -> None:
    monkeypatch.setattr(ways, "WAYS", {"shared": (Way("a new way", ask), PLAIN)})


def tokens(generations: Sequence[ChatGeneration]) -> list[tuple[int, ...]]:
    return [generation.token_ids for generation in generations]


def test_the_fastest_way_is_taken_and_noted(model: ChatModel, image: ChatPrepared) -> None:
    asked = Ways(model, "shared", LIMITS, verify=1)
    found = asked.ask(image)
    assert tokens(found) == tokens(ask_alone(model, image, LIMITS))
    facts = asked.facts()
    assert facts["way"] == "an image's questions together"
    assert facts["why"] is None
    assert facts["verified"]["answers"] == facts["verified"]["equal"] == 2
    assert facts["verified"]["line"] == (
        "checked against the plain way on 1 image: 2 of 2 answers equal, p_yes within .001"
    )
    asked.ask(image)
    assert asked.facts()["verified"]["images"] == 1


def test_the_sequential_engine_is_the_plain_way(model: ChatModel, image: ChatPrepared) -> None:
    asked = Ways(model, "sequential", LIMITS, verify=1)
    assert tokens(asked.ask(image)) == tokens(ask_alone(model, image, LIMITS))
    assert asked.facts() == {"way": "each question alone, with its image", "why": None}


@pytest.mark.parametrize("changed", ["a token", "p_yes"])
def test_a_way_that_differs_is_left_before_its_answers_are_stored(
    model: ChatModel,
    image: ChatPrepared,
    changed: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def differing(*of: Any) -> list[ChatGeneration]:
        first, *others = ask_after_prefix(*of)
        wrong = replace(first, token_ids=(7, *first.token_ids[1:])) if changed == "a token" else first
        return [replace(wrong, p_yes=wrong.p_yes + (0.5 if changed == "p_yes" else 0)), *others]

    with_first_way(monkeypatch, differing)
    asked = Ways(model, "shared", LIMITS, verify=1)
    with caplog.at_level(logging.INFO):
        found = asked.ask(image)
    assert tokens(found) == tokens(ask_alone(model, image, LIMITS))
    why = "1 of 2 answers came out otherwise in a faster way (a new way)"
    assert asked.facts() == {"way": PLAIN.name, "why": why}
    assert caplog.messages == [f"asking each question alone, with its image from now on, since {why}"]


def rounding(number: int) -> Callable[..., list[ChatGeneration]]:
    """A way whose first answers, so many, have another second token, where the plain way has a near tie."""

    def ask(*of: Any) -> list[ChatGeneration]:
        found = ask_after_prefix(*of)
        turned = [replace(each, token_ids=(each.token_ids[0], 7)) for each in found[:number]]
        return [*turned, *found[number:]]

    return ask


@pytest.fixture
def near_ties(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain way's tokens lead by nothing."""

    def ask(*of: Any) -> ChatGeneration:
        found = ask_one(*of)
        return replace(found, leads=(0.0,) * len(found.leads))

    monkeypatch.setattr(ways, "ask_one", ask)


@pytest.mark.usefixtures("near_ties")
def test_rounding_is_no_reason_to_leave_a_way(
    model: ChatModel, image: ChatPrepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_first_way(monkeypatch, rounding(1))
    asked = Ways(model, "shared", LIMITS, verify=1)
    found = asked.ask(image)
    assert tokens(found) == tokens(rounding(1)(model, image, LIMITS)), "the way's own answers are kept"
    facts = asked.facts()
    assert (facts["way"], facts["why"]) == ("a new way", None)
    assert facts["verified"]["line"] == (
        "checked against the plain way on 1 image: 1 of 2 answers equal, p_yes within .001, as float32 explains"
    )
    assert not facts["verified"]["in_doubt"]


@pytest.mark.usefixtures("near_ties")
def test_no_rounding_explains_that_most_answers_differ(
    model: ChatModel, image: ChatPrepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_first_way(monkeypatch, rounding(2))
    asked = Ways(model, "shared", LIMITS, verify=1)
    assert tokens(asked.ask(image)) == tokens(ask_alone(model, image, LIMITS))
    assert asked.facts()["why"] == "2 of 2 answers came out otherwise in a faster way (a new way)"


def test_a_class_that_cannot_is_asked_the_next_way(
    model: ChatModel, image: ChatPrepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> list[ChatGeneration]:
        raise NotImplementedError("this class has no cache\nof that kind")

    with_first_way(monkeypatch, failing)
    asked = Ways(model, "shared", LIMITS, verify=0)
    assert tokens(asked.ask(image)) == tokens(ask_alone(model, image, LIMITS))
    assert asked.facts() == {
        "way": PLAIN.name,
        "why": "its class cannot be asked in a faster way (NotImplementedError: this class has no cache)",
    }


def test_a_way_that_needs_too_much_memory_is_left(
    model: ChatModel, image: ChatPrepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> list[ChatGeneration]:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with_first_way(monkeypatch, full)
    asked = Ways(model, "shared", LIMITS, verify=1)
    assert tokens(asked.ask(image)) == tokens(ask_alone(model, image, LIMITS))
    assert asked.facts()["why"] == "the memory did not suffice for a faster way"


def test_a_single_question_that_does_not_fit_is_told(
    model: ChatModel, image: ChatPrepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> ChatGeneration:
        raise MemoryError

    monkeypatch.setattr(ways, "ask_one", full)
    with pytest.raises(RepopeError, match="out of memory with a single image and one question"):
        Ways(model, "sequential", LIMITS, verify=0).ask(image)


def test_what_is_no_answer_ends_the_run(
    model: ChatModel, image: ChatPrepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = model.network.get_output_embeddings()
    hook = head.register_forward_hook(lambda *of: of[-1].fill_(torch.nan))
    try:
        with pytest.raises(RepopeError, match="logits are NaN"):
            Ways(model, "shared", LIMITS, verify=1).ask(image)
    finally:
        hook.remove()


def test_a_slow_plain_way_is_compared_with_as_far_as_it_came(
    model: ChatModel, image: ChatPrepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "SECONDS_AN_IMAGE", 0.0)
    asked = Ways(model, "shared", LIMITS, verify=1)
    asked.ask(image)
    assert asked.facts()["verified"]["answers"] == 1


def test_files_of_different_models_are_told_in_a_line(model: ChatModel, image: ChatPrepared) -> None:
    """As where a processor puts more tokens in the image's place than the network makes features."""
    pixels = image.inputs["pixel_values"]
    with pytest.raises(
        RepopeError,
        match=rf"^{model.checkpoint.folder}: its class cannot answer with what its processor makes \(",
    ) as caught:
        Ways(model, "shared", LIMITS, verify=1).ask(
            replace(image, inputs={"pixel_values": torch.cat([pixels, pixels])})
        )
    assert "\n" not in str(caught.value)
