"""`model.prompt`: POPE's questions as other harnesses put them, to the letter."""

from pathlib import Path

import pytest

from perf.golden import GOLDENS, load_golden_model
from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.recipe import Recipe, RecipeOptions
from repope_eval.settings.config import Prompt

QUESTION = "Is there a snowboard in the image?"
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
            f"USER: <image>\n{QUESTION}{WORD} ASSISTANT:",
        ),
        ("llava_next_vicuna", "vlmevalkit", f"USER: <image>\n{QUESTION} ASSISTANT:"),
        ("llava_next_mistral", "vlmevalkit", f"[INST] <image>\n{QUESTION} [/INST]"),
        (
            "internvl2_5_qwen2",
            "lmms_eval",
            f"<|im_start|>system\n{CHINESE}<|im_end|>\n<|im_start|>user\n<img><IMG_CONTEXT></img>\n{QUESTION}{WORD}"
            "<|im_end|>\n<|im_start|>assistant\n",
        ),
        (
            "ovis2",
            "vlmevalkit",
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<image>\n"
            f"{QUESTION}{WORD}<|im_end|>\n<|im_start|>assistant\n",
        ),
        *[
            (
                "llava_onevision",
                harness,
                "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<image>\n"
                f"{QUESTION}{suffix}<|im_end|>\n<|im_start|>assistant\n",
            )
            for harness, suffix in (("lmms_eval", WORD), ("vlmevalkit", ""))
        ],
        ("paligemma2", "vlmevalkit", f"<image><bos>{QUESTION}\n"),
    ],
)
def test_the_prompt_is_that_harnesss_to_the_letter(
    goldens: Path, golden: str, prompt: Prompt, text: str
) -> None:
    assert recipe_for(goldens / golden, prompt).prompt(QUESTION) == text


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
    assert f"{QUESTION} Yes or no?<|im_end|>" in recipe.prompt(QUESTION)
    assert recipe.count_features(448 * 12, 448) == 3 * recipe.count_features(448, 448)


def test_vicuna_may_be_told_something_else(goldens: Path) -> None:
    recipe = recipe_for(goldens / "llava_next_vicuna", "paper", RecipeOptions(system_prompt="Be brief."))
    assert recipe.prompt(QUESTION) == f"Be brief. USER: <image>\n{QUESTION} ASSISTANT:"


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
    assert model.recipe.prompt(QUESTION).count(WORD) == 1
