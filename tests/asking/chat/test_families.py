"""Each family of which there is a tiny checkpoint gives the tokens of the plain way, or is refused in one line."""

from collections.abc import Callable
from typing import Any

import pytest
from conftest import GOLDENS
from PIL import Image
from tiny_checkpoints import CHECKPOINTS, MOST_TOKENS

from perf.chat_families.families import FAMILIES, WITH_TIMM
from repope_eval.asking.chat.generation import ChatGeneration, Limits, ask_alone
from repope_eval.asking.chat.loading import ChatModel
from repope_eval.asking.chat.processor import ChatPrepared
from repope_eval.asking.chat.ways import Ways
from repope_eval.asking.native.generation import find_spellings
from repope_eval.errors import RepopeError

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword"  # Glm4vImageProcessorPil's, of a torch tensor
)

IMAGES = ("coffee", "rocket", "astronaut")
QUESTIONS = (
    "Is there a cup in the image?",
    "Is there a very large grey dog that sleeps in the image?",
    "Is there a boat?",
)

USUAL = ("qwen3_5", "gemma4", "glm4v", "mistral3", "internvl3_5", "lfm2_vl", "aya_vision", "smolvlm")
"""Families that every run of the tests asks, of those that no other test does; the others are for `make test-perf`."""

REFUSED = ("llama4",)
"""Families whose class fails, whatever it is asked."""


def marked(family: str) -> Any:
    return pytest.param(family, marks=() if family in USUAL else pytest.mark.perf)


def limits(model: ChatModel) -> Limits:
    return Limits(max_new_tokens=MOST_TOKENS, spellings=find_spellings(model.processor))


def prepared(model: ChatModel) -> list[ChatPrepared]:
    return [
        model.processor.prepare(Image.open(GOLDENS / "images" / f"{name}.png").convert("RGB"), QUESTIONS)
        for name in IMAGES
    ]


def answers(generations: list[list[ChatGeneration]]) -> list[tuple[int, ...]]:
    return [generation.token_ids for image in generations for generation in image]


@pytest.mark.parametrize("family", [marked(family) for family in FAMILIES if family not in REFUSED])
def test_every_answer_is_the_one_of_the_plain_way(
    family: str, chat_model: Callable[[str], ChatModel]
) -> None:
    if family in WITH_TIMM:
        pytest.importorskip("timm")
    model = chat_model(family)
    images = prepared(model)
    ways = Ways(model, "shared", limits(model), verify=len(images))
    found = [ways.ask(image) for image in images]
    plain = [ask_alone(model, image, limits(model)) for image in images]
    assert answers(found) == answers(plain)
    for pairs in zip(found, plain, strict=True):
        for one, other in zip(*pairs, strict=True):
            assert one.p_yes == pytest.approx(other.p_yes, abs=1e-3)
            assert one.p_no == pytest.approx(other.p_no, abs=1e-3)
    assert len(set(answers(plain))) > 1, "the answers depend on nothing"


@pytest.mark.perf
@pytest.mark.parametrize("family", REFUSED)
def test_a_class_that_fails_is_told_in_one_line(family: str, chat_model: Callable[[str], ChatModel]) -> None:
    model = chat_model(family)
    with pytest.raises(RepopeError, match="its class cannot answer with what its processor makes") as caught:
        Ways(model, "shared", limits(model), verify=1).ask(prepared(model)[0])
    assert "\n" not in str(caught.value)


def test_other_tests_ask_the_families_that_these_leave_out() -> None:
    assert not set(USUAL) & set(CHECKPOINTS)
    assert {*USUAL, *CHECKPOINTS, *REFUSED} <= set(FAMILIES)
