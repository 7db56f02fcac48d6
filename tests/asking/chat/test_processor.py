"""What a checkpoint's own processor makes of questions, and which processors are refused."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import GOLDENS
from PIL import Image
from tiny_checkpoints import chat_settings

from perf.chat_families.gemma import TEMPLATE as GEMMA
from repope_eval.asking.chat import processor as module
from repope_eval.asking.chat.loading import ChatModel, read_chat_description
from repope_eval.asking.chat.processor import ChatProcessor
from repope_eval.errors import RepopeError
from repope_eval.models import fields, tokenizers

PICTURE = Image.open(GOLDENS / "images" / "coffee.png").convert("RGB")

Changed = Callable[..., Path]

only_on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the bounds are Linux's")


@pytest.fixture
def changed(checkpoint: Callable[[str], Path], tmp_path: Path) -> Changed:
    """Copies a tiny checkpoint's small files, changes JSON files, and gives it another chat template."""

    def change(kind: str, template: str | None = None, **files: dict[str, Any]) -> Path:
        ignored = shutil.ignore_patterns("*.safetensors")
        folder = Path(shutil.copytree(checkpoint(kind), tmp_path / kind, ignore=ignored))
        for name, values in files.items():
            path = folder / f"{name}.json"
            path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
        if template is not None:
            (folder / "chat_template.jinja").write_text(template)
        return folder

    return change


def processor_of(folder: Path, **settings: Any) -> ChatProcessor:
    return read_chat_description(chat_settings(folder, **settings)).processor


def test_the_prompt_is_one_turn_of_image_and_question(chat_model: Callable[[str], ChatModel]) -> None:
    assert (
        chat_model("llava").processor.prompt("Is there a cup?") == "USER: <image>\nIs there a cup? ASSISTANT:"
    )


def test_system_prompt_suffix_and_arguments_reach_the_template(checkpoint: Callable[[str], Path]) -> None:
    folder = checkpoint("qwen2_5_vl")
    settings = {"system_prompt": "Be brief.", "question_suffix": " Yes or no?"}
    prompt = processor_of(folder, **settings, chat_template={"enable_thinking": True}).prompt("A cup?")
    assert prompt == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n"
        "<|vision_start|><|image_pad|><|vision_end|>A cup? Yes or no?<|im_end|>\n<|im_start|>assistant\n"
    )
    assert (
        processor_of(folder, chat_template={"enable_thinking": False})
        .prompt("")
        .endswith("<think>\n\n</think>\n\n")
    )


def test_an_argument_that_the_template_does_not_know_is_refused(checkpoint: Callable[[str], Path]) -> None:
    with pytest.raises(RepopeError, match=r"model\.chat_template: .* has no argument enable_thinkin; leave"):
        processor_of(checkpoint("llava"), chat_template={"enable_thinkin": False})


@pytest.mark.parametrize(("kind", "begin"), [("gemma3", "<bos>"), ("idefics3", "<|begin_of_text|>")])
def test_there_is_one_begin_token(kind: str, begin: str, chat_model: Callable[[str], ChatModel]) -> None:
    processor = chat_model(kind).processor
    (prompt,) = processor.prepare(PICTURE, ["Is there a cup?"]).prompts
    assert prompt.count(processor.tokenizer.convert_tokens_to_ids(begin)) == 1


def test_a_template_with_two_begin_tokens_is_refused(changed: Changed) -> None:
    folder = changed("gemma3", "{{ bos_token }}" + GEMMA)
    with pytest.raises(RepopeError, match="would begin with <bos> twice"):
        processor_of(folder)


@pytest.mark.parametrize("kind", ["llava", "qwen2_5_vl", "gemma3", "idefics3"])
def test_special_tokens_in_a_question_are_plain_text(
    kind: str, chat_model: Callable[[str], ChatModel]
) -> None:
    processor = chat_model(kind).processor
    image_token = processor.tokenizer.convert_ids_to_tokens(list(processor.image_token_ids))[0]
    end = processor.tokenizer.eos_token
    usual, odd = processor.prepare(PICTURE, ["Is there a?", f"Is there {image_token}{end}a?"]).prompts
    for token in (*processor.image_token_ids, processor.tokenizer.eos_token_id):
        assert odd.count(token) == usual.count(token)
    assert image_token in processor.tokenizer.decode(odd, skip_special_tokens=True)


def test_a_question_whose_special_token_stays_one_is_refused(
    chat_model: Callable[[str], ChatModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a tokenizer has no part that could be told to drop a character."""
    processor = chat_model("llava").processor
    monkeypatch.setattr(processor, "_plain_text", lambda text: f"{text} ")
    with pytest.raises(RepopeError, match=r"spells <image>, which this tokenizer takes for the token itself"):
        processor.prepare(PICTURE, ["Is <image> there?"])


def test_pixels_are_those_that_settings_allow(changed: Changed, checkpoint: Callable[[str], Path]) -> None:
    folder = checkpoint("qwen2_5_vl")
    sizes = [
        len(processor_of(folder, **fields).prepare(PICTURE, ["A cup?"]).inputs["pixel_values"])
        for fields in (
            {},
            {"max_pixels": 28 * 28 * 6},
            {"min_pixels": 28 * 28 * 30, "max_pixels": 28 * 28 * 40},
        )
    ]
    assert sizes[1] <= 6 * 4 < sizes[0] <= 16 * 4 < 30 * 4 <= sizes[2] <= 40 * 4


def test_a_processor_without_limits_of_pixels_is_given_none(checkpoint: Callable[[str], Path]) -> None:
    with pytest.raises(
        RepopeError, match=r"model\.max_pixels=1000: .*\(CLIPImageProcessor.*has no such limit"
    ):
        processor_of(checkpoint("llava"), max_pixels=1000)


def test_the_maker_of_pixels_is_known(chat_model: Callable[[str], ChatModel]) -> None:
    assert chat_model("llava").processor.image_backend == "torchvision"


def test_a_checkpoint_without_a_chat_template_is_refused(changed: Changed) -> None:
    folder = changed("llava")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(RepopeError, match="holds no chat template, so how it is asked is unknown"):
        processor_of(folder)


@pytest.mark.parametrize(
    "template",
    [
        "{{ messages[0].content[-1].text }} ASSISTANT:",
        "{{ messages[0].content }} ASSISTANT:",  # of texts alone: it writes the list itself
    ],
)
def test_a_template_that_drops_the_image_is_refused(changed: Changed, template: str) -> None:
    with pytest.raises(RepopeError, match="drops the image"):
        processor_of(changed("llava", template))


@pytest.mark.parametrize(
    "template", ["{% for %}", "{{ raise_exception('No.') }}", "{% for i in range(10**9) %}x{% endfor %}"]
)
def test_a_template_that_cannot_be_rendered_is_refused(changed: Changed, template: str) -> None:
    with pytest.raises(RepopeError, match=r"chat_template\.jinja: the chat template cannot be rendered"):
        processor_of(changed("llava", template))


def test_a_missing_package_is_named_with_the_command(
    checkpoint: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(*_: object, **__: object) -> None:
        raise ImportError(
            "SmolVLMProcessor requires the num2words library, but it was not found.\nInstall it."
        )

    monkeypatch.setattr(module.AutoProcessor, "from_pretrained", without)
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "num2words" else object())
    with pytest.raises(RepopeError, match=r"needs num2words: pip install '\.\[chat\]' in a copy"):
        processor_of(checkpoint("llava"))
    monkeypatch.setattr(module, "find_spec", lambda name: object())
    with pytest.raises(RepopeError, match="needs a package that is not installed"):
        processor_of(checkpoint("llava"))


def test_a_checkpoint_without_a_processor_of_images_is_refused(changed: Changed) -> None:
    folder = changed("llava")
    (folder / "processor_config.json").unlink()
    with pytest.raises(RepopeError, match=r"has no processor (of images|that loads)"):
        processor_of(folder)


LOOP = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}"


@only_on_linux
@pytest.mark.parametrize(
    ("does", "said"),
    [
        (LOOP, "TimeoutError: takes longer than 0.3 s"),
        ("{{ 'a' * 20000000000 }}", "MemoryError: takes more than 1 GiB of memory"),
    ],
)
def test_a_template_is_bounded_at_every_word(
    changed: Changed, checkpoint: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, does: str, said: str
) -> None:
    monkeypatch.setattr(tokenizers, "MOST_SECONDS", 0.3)
    template = (checkpoint("llava") / "chat_template.jinja").read_text()
    template += f"{{% if 'cup' in messages[-1]['content'][-1]['text'] %}}{does}{{% endif %}}"
    folder = changed("llava", template)
    processor = processor_of(folder)
    processor.prepare(PICTURE, ["Is there a cat?"])
    with pytest.raises(RepopeError) as caught:
        processor.prepare(PICTURE, ["Is there a cup?"])
    assert str(caught.value) == (
        f"{folder / 'chat_template.jinja'}: the chat template cannot be rendered ({said})"
    )


def test_a_template_makes_no_book_of_a_question(changed: Changed, checkpoint: Callable[[str], Path]) -> None:
    template = (checkpoint("llava") / "chat_template.jinja").read_text()
    with pytest.raises(
        RepopeError, match=r"chat_template\.jinja: the chat template makes [0-9,]+ characters of 34"
    ):
        processor_of(changed("llava", template + "{{ 'a ' * 100000 }}"))


@pytest.mark.parametrize(("kind", "field"), [("idefics3", "image_seq_len"), ("gemma3", "image_seq_length")])
def test_an_image_of_too_many_tokens_is_refused(changed: Changed, kind: str, field: str) -> None:
    folder = changed(kind, processor_config={field: 10**9})
    with pytest.raises(RepopeError) as caught:
        processor_of(folder)
    assert str(caught.value) == (
        f"{folder / 'processor_config.json'}: {field} is 1000000000; a number above 0, at most 100,000, is expected"
    )


@only_on_linux
@pytest.mark.parametrize("side", [9_000, 30_000])
def test_an_image_that_takes_too_much_memory_is_refused(changed: Changed, side: int) -> None:
    sizes = {"size": {"shortest_edge": side}, "crop_size": None, "do_center_crop": False}
    folder = changed("llava")
    path = folder / "processor_config.json"
    settings = json.loads(path.read_text())
    settings["image_processor"] |= sizes
    path.write_text(json.dumps(settings))
    with pytest.raises(
        RepopeError,
        match=r"its processor \(processor_config\.json\) cannot take the image \(too much memory, ",
    ) as caught:
        processor_of(folder)
    assert "\n" not in str(caught.value)


@only_on_linux
@pytest.mark.parametrize(
    ("kind", "part", "field", "said"),
    [
        ("qwen2_5_vl", "vision_config", "depth", "a number above 0, at most 1,000, is expected"),
        (
            "mllama",
            "vision_config",
            "num_global_layers",
            "cannot be used (TimeoutError: takes longer than 4 s)",
        ),
    ],
)
def test_a_network_of_too_many_layers_is_refused(
    changed: Changed, monkeypatch: pytest.MonkeyPatch, kind: str, part: str, field: str, said: str
) -> None:
    """Classes name their layers as they like: where no table has the name, building is ended."""
    monkeypatch.setattr(fields, "MOST_SECONDS", 4.0)
    folder = changed(kind)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config[part][field] = 10**7
    path.write_text(json.dumps(config))
    with pytest.raises(RepopeError) as caught:
        processor_of(folder)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


def test_a_processor_of_videos_is_refused(changed: Changed) -> None:
    folder = changed("qwen2_5_vl")
    path = folder / "processor_config.json"
    settings = json.loads(path.read_text())
    settings["image_processor"]["image_processor_type"] = "Qwen2VLVideoProcessor"
    path.write_text(json.dumps(settings))
    with pytest.raises(RepopeError) as caught:
        processor_of(folder)
    assert str(caught.value) == (
        f"{folder}: its image processor is Qwen2VLVideoProcessor, which makes pixels of videos; download "
        "preprocessor_config.json and processor_config.json again, or take another checkpoint"
    )
