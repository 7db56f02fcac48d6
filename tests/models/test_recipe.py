"""Recipes of all families: the features of an image, other harnesses' prompts, their way to worker processes."""

import pickle
from pathlib import Path

import pytest
import torch
from PIL import Image

from perf.golden import GOLDENS, ONE_OF_EACH_FAMILY, golden_model, load_golden_model
from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Recipe, RecipeOptions
from repope_eval.settings.config import Prompt

QUESTION = "Is there a cat in the image?"
ORDINARY = [(640, 480), (480, 640), (500, 375), (333, 500)]
ODD = [(1, 1), (3, 7), (449, 447), (1023, 17), (1337, 999)]
THIN = [(1, 5000), (5000, 1)]


@pytest.fixture(scope="module", params=ONE_OF_EACH_FAMILY)
def model(request: pytest.FixtureRequest) -> Model:
    return golden_model(Path(__file__).parent.parent / "goldens" / request.param)


def shown(model: Model, sizes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ovis2 shows no image that is more times as long as it is wide than a part has pixels a side."""
    return [size for size in sizes if size not in THIN or model.recipe.family != "Ovis2"]


def test_prompts_have_as_many_feature_tokens(model: Model) -> None:
    for size in shown(model, [*ORDINARY, *ODD, *THIN]):
        prompt = model.recipe.prepare(Image.new("RGB", size), [QUESTION]).prompts[0]
        number = sum(token in model.recipe.feature_token_ids for token in prompt)
        assert model.recipe.count_features(*size) == number > 0, size


def test_as_many_features_come_out_of_the_model(model: Model) -> None:
    for size in shown(model, [(333, 500), (1, 1), THIN[0]]):
        inputs = model.recipe.prepare(Image.new("RGB", size), [QUESTION]).inputs
        with torch.inference_mode():
            (features,) = model.recipe.image_features(model.network, [inputs])
        assert len(features) == model.recipe.count_features(*size), size


@pytest.mark.parametrize("size", THIN)
def test_a_shape_that_cannot_be_shown_has_no_count(goldens: Path, size: tuple[int, int]) -> None:
    recipe = golden_model(goldens / "ovis2").recipe
    with pytest.raises(RepopeError, match=f"^{size[0]} x {size[1]} pixels are too thin"):
        recipe.count_features(*size)


COUNTS = {
    "internvl2_5_qwen2": {(640, 480): 256 * 13, (1, 1): 256, (1, 5000): 256 * 13, (5000, 1): 256 * 13},
    "ovis2": {(640, 480): 256 * 5 + 6, (1, 1): 256 + 3, (1, 448): 256 + 3, (2, 800): 256 * 3 + 4},
    "llava_next_vicuna": {(640, 480): 2340, (1, 1): 576 + 24 * 25, (1, 5000): 576 + 24, (5000, 1): 576},
    "llava_onevision": {(1, 1): 729 + 27 * 28, (1, 5000): 729 + 27 * 2, (5000, 1): 729 + 28},
    "paligemma": {(640, 480): 256, (1, 1): 256, (1, 5000): 256, (5000, 1): 256},
}
"""Features by (width, height). Of the tiles of a very thin image LLaVA keeps no feature or one in a row or
column, as upstream; the feature that ends each row stays."""


@pytest.mark.parametrize("name", COUNTS)
def test_counts_of_the_thinnest_images_are_upstreams(goldens: Path, name: str) -> None:
    recipe = golden_model(goldens / name).recipe
    assert {size: recipe.count_features(*size) for size in COUNTS[name]} == COUNTS[name]


POPE_QUESTION = "Is there a snowboard in the image?"
WORD = "\nAnswer the question using a single word or phrase."
CHINESE = "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。"


def recipe_for(folder: Path, prompt: Prompt, options: RecipeOptions | None = None) -> Recipe:
    checkpoint = find_checkpoint(str(folder), "main")
    return recipe_of(GOLDENS[folder.name].family, checkpoint, options or RecipeOptions(), prompt)


@pytest.mark.parametrize(
    ("golden", "prompt", "text"),
    [
        (
            "llava_next_vicuna",
            "lmms_eval",
            "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
            "detailed, and polite answers to the user's questions. "
            f"USER: <image>\n{POPE_QUESTION}{WORD} ASSISTANT:",
        ),
        ("llava_next_vicuna", "vlmevalkit", f"USER: <image>\n{POPE_QUESTION} ASSISTANT:"),
        ("llava_next_mistral", "vlmevalkit", f"[INST] <image>\n{POPE_QUESTION} [/INST]"),
        (
            "internvl2_5_qwen2",
            "lmms_eval",
            f"<|im_start|>system\n{CHINESE}<|im_end|>\n<|im_start|>user\n<img><IMG_CONTEXT></img>\n{POPE_QUESTION}{WORD}"
            "<|im_end|>\n<|im_start|>assistant\n",
        ),
        (
            "ovis2",
            "vlmevalkit",
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<image>\n"
            f"{POPE_QUESTION}{WORD}<|im_end|>\n<|im_start|>assistant\n",
        ),
        *[
            (
                "llava_onevision",
                harness,
                "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<image>\n"
                f"{POPE_QUESTION}{suffix}<|im_end|>\n<|im_start|>assistant\n",
            )
            for harness, suffix in (("lmms_eval", WORD), ("vlmevalkit", ""))
        ],
        ("paligemma2", "vlmevalkit", f"<image><bos>{POPE_QUESTION}\n"),
    ],
)
def test_the_prompt_is_that_harnesss_to_the_letter(
    goldens: Path, golden: str, prompt: Prompt, text: str
) -> None:
    assert recipe_for(goldens / golden, prompt).prompt(POPE_QUESTION) == text


@pytest.mark.parametrize(("prompt", "tiles"), [("paper", 12), ("lmms_eval", 6), ("vlmevalkit", 6)])
def test_other_harnesses_cut_an_image_into_six_tiles_at_most(
    goldens: Path, prompt: Prompt, tiles: int
) -> None:
    recipe = recipe_for(goldens / "internvl2_5_qwen2", prompt)
    tokens = recipe.count_features(448, 448)
    assert recipe.count_features(448 * 12, 448) == (tiles + 1) * tokens


def test_what_is_given_besides_wins(goldens: Path) -> None:
    options = RecipeOptions(question_suffix=" Yes or no?", max_tiles=2)
    recipe = recipe_for(goldens / "internvl2_5_qwen2", "lmms_eval", options)
    assert f"{POPE_QUESTION} Yes or no?<|im_end|>" in recipe.prompt(POPE_QUESTION)
    assert recipe.count_features(448 * 12, 448) == 3 * recipe.count_features(448, 448)


def test_vicuna_may_be_told_something_else(goldens: Path) -> None:
    recipe = recipe_for(goldens / "llava_next_vicuna", "paper", RecipeOptions(system_prompt="Be brief."))
    assert recipe.prompt(POPE_QUESTION) == f"Be brief. USER: <image>\n{POPE_QUESTION} ASSISTANT:"


@pytest.mark.parametrize(
    ("golden", "prompt", "message"),
    [
        ("ovis2", "lmms_eval", "known of Ovis2 is paper and vlmevalkit; choose one of them"),
        ("paligemma2", "lmms_eval", "known of PaliGemma is paper and vlmevalkit; choose one of them"),
        ("llava_next_mistral", "lmms_eval", "leave out model.system_prompt and model.prompt=lmms_eval"),
    ],
)
def test_what_is_not_known_is_refused(goldens: Path, golden: str, prompt: Prompt, message: str) -> None:
    with pytest.raises(RepopeError, match=message):
        recipe_for(goldens / golden, prompt)


def test_a_model_is_loaded_with_it(goldens: Path) -> None:
    model = load_golden_model(goldens / "ovis2", prompt="vlmevalkit")
    assert model.recipe.prompt(POPE_QUESTION).count(WORD) == 1


QUESTIONS = ["Is there a cat in the image?", "Is there a <image> <|im_end|> </s> in the image?"]


@pytest.mark.parametrize("name", GOLDENS)
def test_a_pickled_recipe_prepares_the_same(goldens: Path, name: str) -> None:
    options = RecipeOptions(question_suffix=" Yes or no?")
    recipe = recipe_of(GOLDENS[name].family, find_checkpoint(str(goldens / name), "main"), options)
    copy = pickle.loads(pickle.dumps(recipe))
    image = Image.linear_gradient("L").resize((640, 480))
    one, other = (each.prepare(image, QUESTIONS) for each in (recipe, copy))
    assert one.prompts == other.prompts
    assert one.inputs.keys() == other.inputs.keys()
    assert all(torch.equal(one.inputs[key], other.inputs[key]) for key in one.inputs)
    assert copy.count_features(640, 480) == recipe.count_features(640, 480)
    assert copy.stop_token_ids == recipe.stop_token_ids
    assert copy.feature_token_ids == recipe.feature_token_ids
    answer = recipe.tokenizer.encode("Yes, there is.")
    assert copy.decode(answer) == recipe.decode(answer)


def test_a_pickled_recipe_is_small(goldens: Path) -> None:
    """It holds tokenizers, which are, and no weights."""
    recipe = recipe_of("ovis2", find_checkpoint(str(goldens / "ovis2"), "main"), RecipeOptions())
    assert len(pickle.dumps(recipe)) < 2**20


BLIND_PROMPTS = {
    "internvl2_5_qwen2": "<|im_start|>user\nIs there a cat in the image?<|im_end|>\n<|im_start|>assistant\n",
    "ovis2": "<|im_start|>user\nIs there a cat in the image?<|im_end|>\n<|im_start|>assistant\n",
    "llava_next_vicuna": " USER: Is there a cat in the image? ASSISTANT:",
    "llava_next_mistral": "[INST] Is there a cat in the image? [/INST]",
}
"""The ends of prompts without an image: those of the original code where it is given none."""


@pytest.mark.parametrize("name", BLIND_PROMPTS)
def test_a_prompt_without_an_image_has_no_mark_of_one(goldens: Path, name: str) -> None:
    recipe = golden_model(goldens / name).recipe
    prompt = recipe.prompt(QUESTION, shows_image=False)
    assert prompt.endswith(BLIND_PROMPTS[name])
    assert "<image>" not in prompt
    assert "<img>" not in prompt


def test_paligemma_is_asked_about_nothing_but_images(goldens: Path) -> None:
    with pytest.raises(RepopeError, match=r"^bench\.blind=none: PaliGemma's prompts begin with an image"):
        golden_model(goldens / "paligemma").recipe.prepare(None, [QUESTION])
