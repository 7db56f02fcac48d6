"""Each way of asking gives the tokens that transformers' own `generate` gives, one question at a time."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import GOLDENS
from PIL import Image
from tiny_checkpoints import CHECKPOINTS, MOST_TOKENS
from transformers import AutoModelForImageTextToText, AutoProcessor, CompileConfig

from repope_eval.asking.chat import generation, sharing
from repope_eval.asking.chat.caches import CannotShareError
from repope_eval.asking.chat.generation import ChatGeneration, Limits, Rows, ask_alone
from repope_eval.asking.chat.loading import ChatModel
from repope_eval.asking.chat.processor import ChatPrepared
from repope_eval.asking.chat.sharing import ask_after_prefix, ask_image_by_image, ask_together
from repope_eval.asking.native.generation import find_spellings

QUESTIONS = (
    "Is there a cup in the image?",
    "Is there a very large grey dog that sleeps in the image?",
    "Is there a boat?",
)
MORE = ("Is there a person?", "Is there a red car behind the table in the image?")
IMAGES = ("coffee", "rocket")

WAYS = {
    "alone": ask_alone,
    "after prefix": ask_after_prefix,
    "image by image": ask_image_by_image,
    "together": ask_together,
}

SHARING = sorted(set(CHECKPOINTS) - {"mllama"})
"""The kinds whose prompts have a prefix that is fed once."""


def picture(name: str) -> Image.Image:
    return Image.open(GOLDENS / "images" / f"{name}.png").convert("RGB")


def tokens(answers: Sequence[Sequence[ChatGeneration]]) -> list[list[tuple[int, ...]]]:
    return [[answer.token_ids for answer in theirs] for theirs in answers]


def limits(model: ChatModel) -> Limits:
    return Limits(max_new_tokens=MOST_TOKENS, spellings=find_spellings(model.processor))


@cache
def transformers_own(folder: Path) -> list[tuple[tuple[int, ...], torch.Tensor]]:
    """For each image and question the generated tokens and the first one's logits, as model cards have it."""
    processor = AutoProcessor.from_pretrained(folder)
    network = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
    return [own_answer(processor, network, name, text) for name in IMAGES[:1] for text in QUESTIONS]


def own_answer(
    processor: Any, network: Any, name: str, question: str
) -> tuple[tuple[int, ...], torch.Tensor]:
    image = {"type": "image", "image": picture(name)}
    turn = {"role": "user", "content": [image, {"type": "text", "text": question}]}
    inputs = processor.apply_chat_template(
        [turn], add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )
    output = network.generate(
        **inputs,
        do_sample=False,
        max_new_tokens=MOST_TOKENS,
        return_dict_in_generate=True,
        output_logits=True,
    )
    return tuple(output.sequences[0, inputs["input_ids"].shape[1] :].tolist()), output.logits[0]


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_every_token_is_the_one_of_transformers(
    kind: str, checkpoint: Callable[[str], Path], chat_model: Callable[[str], ChatModel]
) -> None:
    model, expected = chat_model(kind), transformers_own(checkpoint(kind))
    assert len({tokens for tokens, _ in expected}) > 1, "the answers depend on nothing"
    for way, ask in WAYS.items() if kind in SHARING else [("alone", ask_alone)]:
        found = [
            answer
            for name in IMAGES[:1]
            for answer in ask(model, [model.processor.prepare(picture(name), QUESTIONS)], limits(model))[0]
        ]
        assert [answer.token_ids for answer in found] == [tokens for tokens, _ in expected], way
        yes = list(limits(model).spellings.yes.values())
        for answer, (_, logits) in zip(found, expected, strict=True):
            assert answer.p_yes == pytest.approx(float(logits[0].softmax(-1)[yes].sum()), abs=1e-5), way
            best, next_best = logits[0].topk(2).values.tolist()
            noted = (answer.best_logits[0], answer.leads[0])
            assert noted == pytest.approx((best, best - next_best), abs=1e-3), way
            assert len(answer.best_logits) == len(answer.leads) == len(answer.token_ids)


@pytest.mark.parametrize("kind", SHARING)
def test_what_is_asked_depends_on_the_image(kind: str, chat_model: Callable[[str], ChatModel]) -> None:
    model = chat_model(kind)
    prepared = [model.processor.prepare(picture(name), QUESTIONS) for name in IMAGES]
    first, second = ask_together(model, prepared, limits(model))
    assert abs(first[0].p_yes - second[0].p_yes) > 1e-5


def test_prompts_of_one_image_share_its_pixels(chat_model: Callable[[str], ChatModel]) -> None:
    """The processor is called once a question, and what it made of the pixels is the same as if called alone."""
    processor = chat_model("idefics3").processor
    together = processor.prepare(picture("coffee"), QUESTIONS)
    for index, question in enumerate(QUESTIONS):
        alone = processor.prepare(picture("coffee"), [question])
        assert together.prompts[index] == alone.prompts[0]
        assert all(torch.equal(together.inputs[name], alone.inputs[name]) for name in alone.inputs)


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[Rows]:
    """The rows that were answered."""
    noted: list[Rows] = []
    answer_rows = generation.answer_rows

    def answer(model: ChatModel, rows: Rows, limits: Limits) -> list[ChatGeneration]:
        noted.append(rows)
        return answer_rows(model, rows, limits)

    monkeypatch.setattr(sharing, "answer_rows", answer)
    return noted


def test_a_window_that_would_count_padding_is_shown_none(
    chat_model: Callable[[str], ChatModel], monkeypatch: pytest.MonkeyPatch, answered: list[Rows]
) -> None:
    model = chat_model("gemma3")
    images = [model.processor.prepare(picture(name), QUESTIONS) for name in IMAGES]
    ask_together(model, images, limits(model))
    assert len(answered) == len(QUESTIONS), "those of one length about both images"
    assert all(bool(rows.mask.all()) for rows in answered)
    answered.clear()
    monkeypatch.setattr(model.network.config.get_text_config(), "sliding_window", 10_000)
    ask_together(model, images, limits(model))
    assert [bool(rows.mask.all()) for rows in answered] == [False]


@pytest.mark.parametrize("kind", SHARING)
def test_several_images_are_answered_as_each_alone(
    kind: str, chat_model: Callable[[str], ChatModel], answered: list[Rows]
) -> None:
    """Images of several shapes and numbers of questions, so that prefixes differ in length, and answers as well."""
    model = chat_model(kind)
    shapes = {"coffee": (96, 64), "rocket": (64, 160), "astronaut": (96, 64), "chelsea": (30, 30)}
    images = [
        model.processor.prepare(picture(name).resize(size), (*QUESTIONS, *MORE)[number:])
        for number, (name, size) in enumerate(shapes.items())
    ]
    long = replace(limits(model), max_new_tokens=12)
    expected = ask_alone(model, images, long)
    found = ask_together(model, images, long)
    assert tokens(found) == tokens(expected)
    for one, other in zip(chain(*found), chain(*expected), strict=True):
        assert list(chain(*one.evidence)) == pytest.approx(list(chain(*other.evidence)), abs=1e-4)
        assert one.leads == pytest.approx(other.leads, abs=1e-2)
    if kind != "gemma3":  # whose window is shorter
        assert len(answered) == 1


@pytest.mark.parametrize("kind", ["llava", "qwen2_5_vl", "idefics3"])
def test_captions_of_several_images_are_those_of_each_alone(
    kind: str, chat_model: Callable[[str], ChatModel]
) -> None:
    """One prompt an image, and many tokens; Qwen2.5-VL's positions have several axes."""
    model = chat_model(kind)
    shapes = {"coffee": (96, 64), "rocket": (64, 160), "astronaut": (160, 128), "chelsea": (30, 30)}
    images = [
        model.processor.prepare(picture(name).resize(size), ["Describe this image."])
        for name, size in shapes.items()
    ]
    assert kind == "llava" or len({len(image.prompts[0]) for image in images}) > 1
    long = replace(limits(model), max_new_tokens=64)
    found, expected = ask_together(model, images, long), ask_alone(model, images, long)
    assert tokens(found) == tokens(expected)
    for (one,), (other,) in zip(found, expected, strict=True):
        assert one.p_yes == pytest.approx(other.p_yes, abs=1e-5)
        assert model.processor.tokenizer.decode(one.token_ids) == model.processor.tokenizer.decode(
            other.token_ids
        )


@pytest.fixture
def ending(chat_model: Callable[[str], ChatModel], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Has a model's answers end at other tokens, too: two that make answers of as many lengths as can be."""

    def made(kind: str, **configuration: Any) -> tuple[ChatModel, list[ChatPrepared], Limits]:
        model = chat_model(kind)
        images = [model.processor.prepare(picture(name), (*QUESTIONS, *MORE)) for name in IMAGES]
        long = replace(limits(model), max_new_tokens=10)
        config = copy.deepcopy(model.network.generation_config)
        config.update(**configuration)
        monkeypatch.setattr(model.network, "generation_config", config)
        rows = list(chain(*tokens(ask_alone(model, images, long))))

        def lengths(stops: tuple[int, ...]) -> int:
            return len({min(row.index(stop) if stop in row else 10 for stop in stops) for row in rows})

        stops = max(combinations(sorted(set(chain(*rows))), 2), key=lengths)
        config.update(eos_token_id=[model.processor.tokenizer.eos_token_id, *stops])
        return model, images, long

    return made


@pytest.fixture
def row_numbers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each call of `generate` had."""
    noted: list[int] = []
    generate = generation._generate
    monkeypatch.setattr(
        generation, "_generate", lambda *of, **how: noted.append(len(of[1].tokens)) or generate(*of, **how)
    )
    return noted


@pytest.mark.parametrize("kind", SHARING)
def test_finished_rows_leave_and_the_others_are_answered_as_before(
    kind: str, ending: Callable[..., Any], row_numbers: list[int]
) -> None:
    model, images, long = ending(kind, repetition_penalty=1.3)
    expected = ask_alone(model, images, long)
    assert len({len(answer.token_ids) for answer in chain(*expected)}) > 2
    row_numbers.clear()
    found = ask_together(model, images, long)
    assert tokens(found) == tokens(expected)
    for one, other in zip(chain(*found), chain(*expected), strict=True):
        assert len(one.evidence) == len(one.leads) == len(one.token_ids)
        assert list(chain(*one.evidence)) == pytest.approx(list(chain(*other.evidence)), abs=1e-4)
    if kind != "gemma3":
        assert row_numbers[0] == 10
        assert len(row_numbers) > 2
        assert row_numbers == sorted(set(row_numbers), reverse=True)


@pytest.mark.parametrize(
    ("setting", "value", "is_padded"),
    [("min_new_tokens", 3, True), ("min_length", 36, False), ("no_repeat_ngram_size", 2, False)],
)
def test_settings_that_count_columns_are_heeded(
    setting: str,
    value: int,
    is_padded: bool,
    ending: Callable[..., Any],
    answered: list[Rows],
    row_numbers: list[int],
) -> None:
    model, images, long = ending("llava", **{setting: value})
    expected = ask_alone(model, images, long)
    row_numbers.clear()
    assert tokens(ask_together(model, images, long)) == tokens(expected)
    assert any(not bool(rows.mask.all()) for rows in answered) == is_padded
    if setting == "min_new_tokens":
        assert row_numbers == [10], "a second call would begin to count anew"


def test_an_image_behind_the_question_cannot_be_shared(chat_model: Callable[[str], ChatModel]) -> None:
    model = chat_model("llava")
    image = model.processor.prepare(picture("coffee"), QUESTIONS[:2])
    turned = tuple(prompt[::-1] for prompt in image.prompts)
    other = ChatPrepared(image.inputs, turned, image.token_inputs, image.question_inputs)
    with pytest.raises(CannotShareError, match="do not begin with the image"):
        ask_together(model, [other], limits(model))


def test_what_a_processor_says_of_each_question_stays_with_it(
    chat_model: Callable[[str], ChatModel],
) -> None:
    model = chat_model("mllama")
    image = model.processor.prepare(picture("coffee"), QUESTIONS)
    masks = [each["cross_attention_mask"].shape[1] for each in image.question_inputs]
    assert masks == [len(prompt) for prompt in image.prompts]
    with pytest.raises(CannotShareError, match="its processor says cross_attention_mask of each question"):
        ask_together(model, [image], limits(model))


@pytest.mark.parametrize("way", WAYS)
def test_no_way_leaves_the_choice_of_cudnns_kernel_to_torch(
    way: str, chat_model: Callable[[str], ChatModel]
) -> None:
    """Neither for prefixes nor for answers: it would build a plan for each new length."""
    model, enabled = chat_model("llava"), []
    hook = model.network.register_forward_hook(
        lambda *_: enabled.append(torch.backends.cuda.cudnn_sdp_enabled())
    )
    try:
        WAYS[way](model, [model.processor.prepare(picture("coffee"), QUESTIONS)], limits(model))
    finally:
        hook.remove()
    assert enabled
    assert not any(enabled)
    assert torch.backends.cuda.cudnn_sdp_enabled()


def test_a_checkpoint_that_asks_for_a_cache_of_fixed_length_is_not_compiled(
    chat_model: Callable[[str], ChatModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = chat_model("llava")
    image = [model.processor.prepare(picture("coffee"), QUESTIONS)]
    expected = tokens(ask_alone(model, image, limits(model)))
    static = copy.deepcopy(model.network.generation_config)
    static.update(
        cache_implementation="static", compile_config=CompileConfig(backend="refused", fullgraph=True)
    )
    static.compile_config._compile_all_devices = True  # as on a GPU
    monkeypatch.setattr(model.network, "generation_config", static)
    for way, ask in WAYS.items():
        assert tokens(ask(model, image, limits(model))) == expected, way
