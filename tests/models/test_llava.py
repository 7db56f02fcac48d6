"""LLaVA-NeXT and LLaVA-OneVision against what the paper's release of transformers made of them."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from jinja2.exceptions import SecurityError

from perf.golden import GOLDENS, Golden, golden_model, read_golden, strided_sample
from repope_eval.errors import RepopeError
from repope_eval.machine.counting import size_of
from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.llava import ChatTokenizer
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared, Recipe, RecipeOptions

QUESTION = "Is there a snowboard in the image?"
LLAVA_GOLDENS = [name for name in GOLDENS if name.startswith("llava")]


@pytest.fixture(scope="module", params=LLAVA_GOLDENS)
def golden(request: pytest.FixtureRequest) -> Golden:
    return read_golden(Path(__file__).parent.parent / "goldens" / request.param)


@pytest.fixture(scope="module")
def model(golden: Golden) -> Model:
    return golden_model(golden.folder)


@pytest.fixture(scope="module")
def prepared(golden: Golden, model: Model) -> list[Prepared]:
    return golden.prepared(model)


@pytest.fixture
def checkpoint(golden: Golden, tmp_path: Path) -> Path:
    return Path(shutil.copytree(golden.folder, tmp_path / golden.folder.name))


@pytest.fixture
def mistral(goldens: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(goldens / "llava_next_mistral", tmp_path / "llava_next_mistral"))


def read_recipe(folder: Path, **options: Any) -> Recipe:
    family = GOLDENS[folder.name].family
    return recipe_of(family, find_checkpoint(str(folder), "main"), RecipeOptions(**options))


def change(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_prompt_token_ids_are_the_originals(golden: Golden, model: Model, prepared: list[Prepared]) -> None:
    (image_token,) = model.recipe.feature_token_ids
    prompts = [prompt for image in prepared for prompt in image.prompts]
    cases = [case for cases in golden.cases_by_image().values() for case in cases]
    assert len(cases) == 32
    for case, prompt in zip(cases, prompts, strict=True):
        image_tokens = [image_token] * case.n_image_tokens
        assert list(prompt) == [*case.prompt_ids_before_image, *image_tokens, *case.prompt_ids_after_image]


def test_pixels_are_the_originals(golden: Golden, prepared: list[Prepared]) -> None:
    for image, prepared_image in zip(golden.cases_by_image(), prepared, strict=True):
        pixels = prepared_image.inputs["pixel_values"]
        assert pixels.dtype == torch.float32
        difference = strided_sample(pixels, 8192) - golden.tensors[f"pixel_values/{image}"]
        assert difference.abs().max() <= 1e-6


def test_first_logits_are_the_originals(golden: Golden, model: Model, prepared: list[Prepared]) -> None:
    cases = [case for cases in golden.cases_by_image().values() for case in cases[:1]]
    asked = [(image, prompt) for image in prepared for prompt in image.prompts[:1]]
    for case, (image, prompt) in zip(cases, asked, strict=True):
        with torch.inference_mode():
            logits = model.network(input_ids=torch.tensor([prompt]), **image.inputs, logits_to_keep=1).logits[
                0, -1
            ]
        assert (logits - golden.first_logits(case)).abs().max() <= 1e-3


def test_generated_tokens_are_decoded_as_the_original_does(golden: Golden, model: Model) -> None:
    for case in golden.cases:
        assert model.recipe.decode(case.generated_ids) == case.response


def test_features_of_several_images_are_those_of_each_alone(model: Model, prepared: list[Prepared]) -> None:
    images = [image.inputs for image in prepared]
    assert len({len(image["pixel_values"]) for image in images}) > 1
    with torch.inference_mode():
        together = model.recipe.image_features(model.network, images)
        alone = [model.recipe.image_features(model.network, [image])[0] for image in images]
    for one, other, image in zip(together, alone, prepared, strict=True):
        assert one.shape == other.shape
        assert (one - other).abs().max() <= 1e-5
        assert len(one) == sum(token in model.recipe.feature_token_ids for token in image.prompts[0])


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_pixels_of_images_without_three_colours_are_made(golden: Golden, model: Model, mode: str) -> None:
    image = golden.photograph("coffee").convert(mode)
    assert model.recipe.prepare(image, [QUESTION]).inputs["pixel_values"].shape[:2] == (5, 3)


def test_a_suffix_follows_the_question(golden: Golden, model: Model) -> None:
    recipe = read_recipe(golden.folder, question_suffix=" Yes or no?")
    assert recipe.prompt("Q?") == model.recipe.prompt("Q? Yes or no?")


@pytest.mark.parametrize("option", [{"max_tiles": 2}, {"max_pixels": 9}, {"chat_template": {"a": 1}}])
def test_options_of_other_families_are_refused(golden: Golden, option: dict[str, Any]) -> None:
    with pytest.raises(RepopeError, match=f"model.{next(iter(option))}: LLaVA-.* has no such thing"):
        read_recipe(golden.folder, **option)


@pytest.mark.parametrize("name", ["tokenizer.json", "chat_template.json", "preprocessor_config.json"])
def test_a_missing_file_is_named(checkpoint: Path, name: str) -> None:
    (checkpoint / name).unlink()
    with pytest.raises(RepopeError, match=name):
        read_recipe(checkpoint)


@pytest.mark.parametrize(
    "name",
    [
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.json",
        "preprocessor_config.json",
        "generation_config.json",
    ],
)
def test_a_broken_file_is_named(checkpoint: Path, name: str) -> None:
    (checkpoint / name).write_text("{")
    with pytest.raises(RepopeError, match=name):
        read_recipe(checkpoint)


def test_settings_of_other_releases_do_not_matter(checkpoint: Path, model: Model, golden: Golden) -> None:
    change(checkpoint / "preprocessor_config.json", aspect_ratio_setting="anyres", _valid_processor_keys=[])
    asked = golden.photograph("chelsea"), [QUESTION]
    changed, original = read_recipe(checkpoint).prepare(*asked), model.recipe.prepare(*asked)
    assert changed.prompts == original.prompts
    assert torch.equal(changed.inputs["pixel_values"], original.inputs["pixel_values"])


def test_sizes_are_counted_from_the_configuration(model: Model) -> None:
    size = size_of(model.network)
    assert size.parameters == sum(parameter.numel() for parameter in model.network.parameters())


@pytest.mark.parametrize("stops", [2, [2, 5]])
def test_stop_tokens_come_from_the_generation_configuration(mistral: Path, stops: int | list[int]) -> None:
    change(mistral / "generation_config.json", eos_token_id=stops)
    assert read_recipe(mistral).stop_token_ids == ((2,) if stops == 2 else (2, 5))


def test_stop_tokens_come_from_the_next_file_that_names_one(mistral: Path) -> None:
    change(mistral / "generation_config.json", eos_token_id=None)
    assert read_recipe(mistral).stop_token_ids == (2,)  # the tokenizer's </s>
    language = json.loads((mistral / "config.json").read_text())["text_config"] | {"eos_token_id": [5]}
    change(mistral / "config.json", text_config=language)
    assert read_recipe(mistral).stop_token_ids == (5,)
    change(mistral / "config.json", eos_token_id=6)
    assert read_recipe(mistral).stop_token_ids == (6,)


def test_a_checkpoint_that_names_no_stop_token_is_refused(mistral: Path) -> None:
    for name in ("generation_config.json", "special_tokens_map.json"):
        (mistral / name).unlink()
    change(mistral / "tokenizer_config.json", eos_token=None)
    with pytest.raises(RepopeError, match=r"neither generation_config\.json nor .*so no answer would end"):
        read_recipe(mistral)


def test_a_chat_template_in_a_file_of_its_own_goes_first(mistral: Path) -> None:
    template = (
        "{{ bos_token }}{{ eos_token }}<image>{{ messages[0].content | map(attribute='type') | join(',') }}"
    )
    (mistral / "chat_template.jinja").write_text(template)
    change(mistral / "tokenizer_config.json", bos_token={"content": "<s>"})
    assert read_recipe(mistral).prompt(QUESTION) == "<s></s><image>image,text"


def test_a_chat_template_that_holds_none_is_refused(mistral: Path) -> None:
    (mistral / "chat_template.json").write_text("{}")
    with pytest.raises(RepopeError, match=r"holds no chat template, neither as chat_template\.jinja nor in "):
        read_recipe(mistral)


def test_a_chat_template_without_an_image_is_refused(mistral: Path) -> None:
    (mistral / "chat_template.jinja").write_text("[INST] {{ messages[0].content[1].text }} [/INST]")
    with pytest.raises(RepopeError, match=r"chat_template\.jinja: puts no <image>"):
        read_recipe(mistral)


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('images are not understood') }}",
        "{% for message in messages %}",
        "{{ messages.__class__.__mro__ }}",
        "{{ messages + 1 }}",
    ],
)
def test_a_chat_template_that_cannot_be_rendered_is_named(mistral: Path, template: str) -> None:
    (mistral / "chat_template.jinja").write_text(template)
    with pytest.raises(RepopeError, match=r"chat_template\.jinja: the chat template cannot be rendered"):
        read_recipe(mistral)


def test_a_chat_template_that_is_no_text_is_named(mistral: Path) -> None:
    (mistral / "chat_template.jinja").write_bytes(b"\xff")
    with pytest.raises(RepopeError, match=r"chat_template\.jinja: cannot be used \(UnicodeDecodeError"):
        read_recipe(mistral)


def test_a_chat_template_reaches_nothing_outside(mistral: Path) -> None:
    (mistral / "chat_template.jinja").write_text("{{ ''.__class__.__mro__[1].__subclasses__() }}")
    with pytest.raises(RepopeError) as caught:
        read_recipe(mistral)
    assert isinstance(caught.value.__cause__, SecurityError)


def test_spaces_are_cleaned_up_where_the_tokenizer_says_so(mistral: Path) -> None:
    text = "No , there is n't one ."
    tokenizer = ChatTokenizer(find_checkpoint(str(mistral), "main"))
    assert tokenizer.decode(tokenizer.encode(text)) == text
    change(mistral / "tokenizer_config.json", clean_up_tokenization_spaces=True)
    assert (
        ChatTokenizer(find_checkpoint(str(mistral), "main")).decode(tokenizer.encode(text))
        == "No, there isn't one."
    )
