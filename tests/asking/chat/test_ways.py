"""A run checks its way of asking before it stores an answer, and leaves one that differs or cannot be gone."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from conftest import GOLDENS
from PIL import Image
from tiny_checkpoints import CHECKPOINTS, MOST_TOKENS, chat_settings

from perf.chat_families.families import FAMILIES
from repope_eval.asking.chat import ways
from repope_eval.asking.chat.generation import ChatGeneration, Limits, ask_alone, ask_one
from repope_eval.asking.chat.loading import ChatModel, load_chat_model
from repope_eval.asking.chat.processor import ChatPrepared
from repope_eval.asking.chat.sharing import ask_after_prefix
from repope_eval.asking.chat.ways import PLAIN, WAYS, Answers, Way, Ways
from repope_eval.asking.native.batch_size import FIRST
from repope_eval.asking.native.generation import Spellings
from repope_eval.asking.native.memory import memory_of
from repope_eval.errors import RepopeError
from repope_eval.settings.config import Engine

PICTURES = ("coffee", "rocket", "chelsea", "astronaut")
QUESTIONS = ("Is there a cup in the image?", "Is there a dog in the image?")
LIMITS = Limits(max_new_tokens=MOST_TOKENS, spellings=Spellings({"Yes": 280}, {"No": 279}))


@pytest.fixture
def model(chat_model: Callable[[str], ChatModel]) -> ChatModel:
    return chat_model("llava")


@pytest.fixture
def images(model: ChatModel) -> list[ChatPrepared]:
    pictures = [Image.open(GOLDENS / "images" / f"{name}.png").convert("RGB") for name in PICTURES]
    return [model.processor.prepare(picture, QUESTIONS) for picture in pictures]


@pytest.fixture
def image(images: list[ChatPrepared]) -> ChatPrepared:
    return images[0]


def made(model: ChatModel, *, engine: Engine = "shared", verify: int = 1, batch_size: str = "auto") -> Ways:
    """The ways of asking a model."""
    return Ways(model, engine, LIMITS, verify=verify, batch_size=batch_size, memory=memory_of(model.devices))


def with_first_way(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[..., Answers], *, takes_several: bool = False
) -> None:
    monkeypatch.setattr(ways, "WAYS", {"shared": (Way("a new way", ask, takes_several), PLAIN)})


def asked_once(asked: Ways, *images: ChatPrepared) -> list[tuple[int, ...]]:
    """The tokens of the answers to all questions about images, one after another."""
    found = []
    for answers in asked.ask(images):
        asked.learn(answers, growth=0)
        found += tokens(answers)
    return found


def tokens(answers: Iterable[Sequence[ChatGeneration]]) -> list[tuple[int, ...]]:
    return [generation.token_ids for generations in answers for generation in generations]


def test_the_fastest_way_is_taken_and_noted(model: ChatModel, image: ChatPrepared) -> None:
    asked = made(model)
    assert asked_once(asked, image) == tokens(ask_alone(model, [image], LIMITS))
    facts = asked.facts()
    assert facts["way"] == "the questions about several images together"
    assert facts["why"] is None
    assert facts["verified"]["answers"] == facts["verified"]["equal"] == 2
    assert facts["verified"]["line"] == (
        "checked against the plain way on 1 image: 2 of 2 answers equal, p_yes within .001"
    )
    asked_once(asked, image)
    assert asked.facts()["verified"]["images"] == 1


def test_the_sequential_engine_is_the_plain_way(model: ChatModel, image: ChatPrepared) -> None:
    asked = made(model, engine="sequential")
    assert asked_once(asked, image) == tokens(ask_alone(model, [image], LIMITS))
    assert asked.facts() == {"way": "each question alone, with its image", "why": None, "batch_size": 1}


@pytest.mark.parametrize("changed", ["a token", "p_yes"])
def test_a_way_that_differs_is_left_before_its_answers_are_stored(
    model: ChatModel,
    image: ChatPrepared,
    changed: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def differing(*of: Any) -> Answers:
        ((first, *others),) = ask_after_prefix(*of)
        wrong = replace(first, token_ids=(7, *first.token_ids[1:])) if changed == "a token" else first
        return [[replace(wrong, p_yes=wrong.p_yes + (0.5 if changed == "p_yes" else 0)), *others]]

    with_first_way(monkeypatch, differing)
    asked = made(model)
    with caplog.at_level(logging.INFO):
        found = asked_once(asked, image)
    assert found == tokens(ask_alone(model, [image], LIMITS))
    why = "1 of 2 answers came out otherwise in a faster way (a new way)"
    assert asked.facts() == {"way": PLAIN.name, "why": why, "batch_size": 1}
    assert caplog.messages == [f"asking each question alone, with its image from now on, since {why}"]


def rounding(number: int) -> Callable[..., Answers]:
    """A way whose first answers, so many, have another second token, where the plain way has a near tie."""

    def ask(*of: Any) -> Answers:
        (found,) = ask_after_prefix(*of)
        turned = [replace(each, token_ids=(each.token_ids[0], 7)) for each in found[:number]]
        return [[*turned, *found[number:]]]

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
    asked = made(model)
    assert asked_once(asked, image) == tokens(rounding(1)(model, [image], LIMITS)), (
        "the way's own answers are kept"
    )
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
    asked = made(model)
    assert asked_once(asked, image) == tokens(ask_alone(model, [image], LIMITS))
    assert asked.facts()["why"] == "2 of 2 answers came out otherwise in a faster way (a new way)"


def test_a_class_that_cannot_is_asked_the_next_way(
    model: ChatModel, image: ChatPrepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> Answers:
        raise NotImplementedError("this class has no cache\nof that kind")

    with_first_way(monkeypatch, failing)
    asked = made(model, verify=0)
    assert asked_once(asked, image) == tokens(ask_alone(model, [image], LIMITS))
    assert asked.facts() == {
        "batch_size": 1,
        "way": PLAIN.name,
        "why": "its class cannot be asked in a faster way (NotImplementedError: this class has no cache)",
    }


@pytest.fixture
def shapes() -> list[tuple[int, ...]]:
    """How many questions about each image a way was asked."""
    return []


def refusing(most: int, shapes: list[tuple[int, ...]]) -> Callable[..., Answers]:
    """A way whose memory ends with more questions than `most`; it notes what it is asked."""

    def ask(model: ChatModel, images: Sequence[ChatPrepared], limits: Limits) -> Answers:
        shapes.append(tuple(len(image.prompts) for image in images))
        if sum(shapes[-1]) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return ask_alone(model, images, limits)

    return ask


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (100, [(2, 2, 2, 2)]),
        (4, [(2, 2, 2, 2), (2, 2), (2, 2)]),
        (2, [(2, 2, 2, 2), (2, 2), (2,), (2,), (2,), (2,)]),
        (1, [(2, 2, 2, 2), (2, 2), (2,), *[(1,)] * 8]),
    ],
)
def test_where_memory_ends_there_are_fewer_images_and_then_fewer_questions_at_a_time(
    model: ChatModel,
    images: list[ChatPrepared],
    monkeypatch: pytest.MonkeyPatch,
    shapes: list[tuple[int, ...]],
    most: int,
    expected: list[tuple[int, ...]],
) -> None:
    with_first_way(monkeypatch, refusing(most, shapes), takes_several=True)
    asked = made(model, batch_size="4")
    assert asked_once(asked, *images) == tokens(ask_alone(model, images, LIMITS))
    assert shapes == expected
    facts = asked.facts()
    assert (facts["way"], facts["why"]) == ("a new way", None)
    assert facts["batch_size"] == {100: 4, 4: 2}.get(most, 1)


def test_a_way_is_left_where_memory_does_not_hold_one_question(
    model: ChatModel,
    images: list[ChatPrepared],
    monkeypatch: pytest.MonkeyPatch,
    shapes: list[tuple[int, ...]],
) -> None:
    with_first_way(monkeypatch, refusing(0, shapes), takes_several=True)
    asked = made(model)
    assert asked_once(asked, *images) == tokens(ask_alone(model, images, LIMITS))
    assert shapes == [(2, 2), (2,), (1,)]
    assert asked.facts() == {
        "batch_size": 1,
        "way": PLAIN.name,
        "why": "the memory did not suffice for a faster way",
    }


def test_the_size_of_batches_is_measured_by_the_first(
    model: ChatModel,
    images: list[ChatPrepared],
    monkeypatch: pytest.MonkeyPatch,
    shapes: list[tuple[int, ...]],
) -> None:
    with_first_way(monkeypatch, refusing(100, shapes), takes_several=True)
    memory = memory_of(model.devices)
    monkeypatch.setattr(type(memory), "free_over_peak", lambda *_: 2.0)
    asked = made(model)
    assert asked.images_at_once == FIRST
    asked_once(asked, *images, *images)
    assert shapes == [(2,) * FIRST, (2,) * 3, (2,) * 3]
    assert asked.facts()["batch_size"] == 3


def test_rows_of_other_images_are_checked_as_well(
    model: ChatModel, images: list[ChatPrepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that leaves the first image's rows as they should be."""

    def mixed_up(model: ChatModel, images: Sequence[ChatPrepared], limits: Limits) -> Answers:
        first, *others = ask_alone(model, images, limits)
        return [first, *([replace(each, p_yes=1.0) for each in theirs] for theirs in others)]

    with_first_way(monkeypatch, mixed_up, takes_several=True)
    asked = made(model)
    assert asked_once(asked, *images[:2]) == tokens(ask_alone(model, images[:2], LIMITS))
    assert asked.facts()["why"] == "1 of 3 answers came out otherwise in a faster way (a new way)"


def test_a_class_that_takes_one_image_at_a_time_is_fed_so(
    model: ChatModel, images: list[ChatPrepared]
) -> None:
    def refusing_several(_: Any, of: Any) -> None:
        if len(of[0]) > 1:
            raise ValueError("one image at a time")

    hook = model.network.model.vision_tower.embeddings.register_forward_pre_hook(refusing_several)
    try:
        asked = made(model)
        assert asked_once(asked, *images) == tokens(ask_alone(model, images, LIMITS))
    finally:
        hook.remove()
    facts = asked.facts()
    assert facts["way"] == "the questions about several images together, the images fed one by one"
    assert "one image at a time" in facts["why"]
    assert facts["batch_size"] > 1


def test_one_image_at_a_time_has_no_way_for_several(model: ChatModel, image: ChatPrepared) -> None:
    assert made(model, batch_size="1").facts() == {
        "batch_size": 1,
        "way": "an image's questions together",
        "why": None,
    }


def test_a_single_question_that_does_not_fit_is_told(
    model: ChatModel, image: ChatPrepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> ChatGeneration:
        raise MemoryError

    monkeypatch.setattr(ways, "ask_one", full)
    with pytest.raises(RepopeError, match="out of memory with a single image and one question"):
        asked_once(made(model, engine="sequential", verify=0), image)


def test_what_is_no_answer_ends_the_run(
    model: ChatModel, image: ChatPrepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = model.network.get_output_embeddings()
    hook = head.register_forward_hook(lambda *of: of[-1].fill_(torch.nan))
    try:
        with pytest.raises(RepopeError, match="logits are NaN"):
            asked_once(made(model), image)
    finally:
        hook.remove()


def test_a_slow_plain_way_is_compared_with_as_far_as_it_came(
    model: ChatModel, image: ChatPrepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "SECONDS_AN_IMAGE", 0.0)
    asked = made(model)
    asked_once(asked, image)
    assert asked.facts()["verified"]["answers"] == 1


def test_files_of_different_models_are_told_in_a_line(model: ChatModel, image: ChatPrepared) -> None:
    """As where a processor puts more tokens in the image's place than the network makes features."""
    pixels = image.inputs["pixel_values"]
    with pytest.raises(
        RepopeError,
        match=(
            rf"^{model.checkpoint.folder}: LlavaForConditionalGeneration of transformers {transformers.__version__} "
            r"cannot answer with what its processor makes \("
        ),
    ) as caught:
        asked_once(made(model), replace(image, inputs={"pixel_values": torch.cat([pixels, pixels])}))
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # by PaliGemma's processor
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_model_whose_image_is_shown_the_question_is_asked_the_plain_way(tmp_path: Path, dtype: str) -> None:
    """In 16 bits PaliGemma's answers would differ seldom enough to be taken for roundings."""
    FAMILIES["paligemma"](tmp_path / "paligemma")
    model = load_chat_model(chat_settings(tmp_path / "paligemma", dtype=dtype), torch.device("cpu"))
    picture = Image.open(GOLDENS / "images" / "coffee.png").convert("RGB")
    image = model.processor.prepare(picture, QUESTIONS)
    asked = made(model)
    assert asked_once(asked, image) == tokens(ask_alone(model, [image], LIMITS))
    assert asked.facts() == {
        "batch_size": 1,
        "way": PLAIN.name,
        "why": "its image tokens are shown the question",
    }


@pytest.mark.parametrize("kind", sorted(set(CHECKPOINTS) - {"mllama"}))
def test_in_16_bits_the_fastest_way_is_kept(kind: str, checkpoint: Callable[[str], Path]) -> None:
    model = load_chat_model(chat_settings(checkpoint(kind), dtype="bfloat16"), torch.device("cpu"))
    pictures = [Image.open(GOLDENS / "images" / f"{name}.png").convert("RGB") for name in PICTURES[:3]]
    asked = made(model, verify=3)
    asked_once(asked, *[model.processor.prepare(picture, QUESTIONS) for picture in pictures])
    facts = asked.facts()
    assert (facts["way"], facts["why"]) == (WAYS["shared"][0].name, None)
    assert (facts["verified"]["images"], facts["verified"]["unexplained"]) == (3, 0)


def test_several_processes_take_the_slowest_of_their_ways(model: ChatModel, image: ChatPrepared) -> None:
    fast, slow = made(model), made(model)
    asked_once(fast, image)
    slow._left, slow._why = slow._left[-1:], "its class cannot be asked in a faster way"
    assert fast.choice == (len(WAYS["shared"]), "")
    choices = [fast.choice, slow.choice]
    for asked in (fast, slow):
        asked.take_slowest(choices)
        assert asked_once(asked, image) == tokens(ask_alone(model, [image], LIMITS))
        assert asked.facts()["way"] == PLAIN.name
    assert fast.facts()["why"] == "another process found that its class cannot be asked in a faster way"
    assert slow.facts()["why"] == "its class cannot be asked in a faster way"
    assert "verified" not in fast.facts()
