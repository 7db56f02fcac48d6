"""PaliGemma and PaliGemma 2 against what the paper's release of transformers made of them, kept as goldens."""

import json
import shutil
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from remembered_features import remembering

from perf.golden import Golden, golden_model, load_golden_model, read_golden, strided_sample
from repope_eval.asking.native.generation import Generation, find_spellings
from repope_eval.asking.native.sequential import generate_sequentially
from repope_eval.asking.native.shared import generate_shared
from repope_eval.errors import RepopeError
from repope_eval.machine.counting import size_of
from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.fields import Fields
from repope_eval.models.loading import Model
from repope_eval.models.paligemma import PaliGemmaRecipe
from repope_eval.models.recipe import Prepared, RecipeOptions

PALIGEMMA_GOLDENS = ("paligemma", "paligemma2")
QUESTION = "Is there a snowboard in the image?"
PROMPTS = {
    "paligemma": "<image><bos>Is there a snowboard in the image?\n",
    "paligemma2": "<image><bos>answer en Is there a snowboard in the image?\n",
}
LONGEST_ANSWER = 15


@pytest.fixture(scope="module", params=PALIGEMMA_GOLDENS)
def golden(request: pytest.FixtureRequest) -> Golden:
    return read_golden(Path(__file__).parent.parent / "goldens" / request.param)


@pytest.fixture(scope="module")
def model(golden: Golden) -> Model:
    return remembering(golden_model(golden.folder))


@pytest.fixture(scope="module")
def prepared(golden: Golden, model: Model) -> list[Prepared]:
    return golden.prepared(model)


@pytest.fixture
def checkpoint(golden: Golden, tmp_path: Path) -> Path:
    return Path(shutil.copytree(golden.folder, tmp_path / golden.folder.name))


def change(path: Path, section: str | None = None, **changes: Any) -> None:
    content = json.loads(path.read_text())
    (content if section is None else content[section]).update(changes)
    path.write_text(json.dumps(content))


def assert_same(ones: Sequence[Sequence[Generation]], others: Sequence[Sequence[Generation]]) -> None:
    for one, other in zip(chain(*ones), chain(*others), strict=True):
        assert one.token_ids == other.token_ids
        assert one.p_yes == pytest.approx(other.p_yes, abs=1e-5)
        assert one.p_no == pytest.approx(other.p_no, abs=1e-5)


def test_the_prompt_is_the_paper_codes_to_the_letter(golden: Golden, model: Model) -> None:
    assert model.recipe.prompt(QUESTION) == PROMPTS[golden.folder.name]


def test_a_suffix_goes_between_question_and_line_break(golden: Golden, model: Model) -> None:
    checkpoint = find_checkpoint(str(golden.folder), "main")
    recipe = PaliGemmaRecipe(checkpoint, RecipeOptions(question_suffix=" Yes or no?"))
    photograph = golden.photograph("coffee")
    suffixed = recipe.prepare(photograph, ["Q?"]).prompts
    assert suffixed == model.recipe.prepare(photograph, ["Q? Yes or no?"]).prompts
    assert recipe.prompt("Q?") == model.recipe.prompt("Q? Yes or no?")


@pytest.mark.parametrize("option", [{"system_prompt": "Be brief."}, {"max_tiles": 2}])
def test_options_of_other_families_are_refused(golden: Golden, option: dict[str, Any]) -> None:
    with pytest.raises(RepopeError, match=f"model.{next(iter(option))}: PaliGemma has no such thing"):
        recipe_of("paligemma", find_checkpoint(str(golden.folder), "main"), RecipeOptions(**option))


def test_prompt_token_ids_are_the_originals(golden: Golden, prepared: list[Prepared]) -> None:
    assert len(golden.cases) == 32
    prompts = [prompt for image in prepared for prompt in image.prompts]
    cases = [case for cases in golden.cases_by_image().values() for case in cases]
    for case, prompt in zip(cases, prompts, strict=True):
        image_tokens = [640] * case.n_image_tokens
        assert list(prompt) == [*case.prompt_ids_before_image, *image_tokens, *case.prompt_ids_after_image]


def test_pixels_are_the_originals(golden: Golden, prepared: list[Prepared]) -> None:
    for image, prepared_image in zip(golden.cases_by_image(), prepared, strict=True):
        pixels = prepared_image.inputs["pixel_values"]
        difference = strided_sample(pixels, 8192) - golden.tensors[f"pixel_values/{image}"]
        assert difference.abs().max() <= 1e-6


def test_pixels_of_images_without_three_colours_are_made(golden: Golden, model: Model) -> None:
    for mode in ("L", "RGBA", "P"):
        image = golden.photograph("coffee").convert(mode)
        assert model.recipe.prepare(image, [QUESTION]).inputs["pixel_values"].shape[:2] == (1, 3)


def test_first_logits_are_the_originals(golden: Golden, model: Model, prepared: list[Prepared]) -> None:
    cases = [case for cases in golden.cases_by_image().values() for case in cases[:2]]
    asked = [(image, prompt) for image in prepared for prompt in image.prompts[:2]]
    for case, (image, prompt) in zip(cases, asked, strict=True):
        input_ids = torch.tensor([prompt])
        with torch.inference_mode():
            logits = model.network(
                input_ids=input_ids,
                token_type_ids=torch.zeros_like(input_ids),
                pixel_values=image.inputs["pixel_values"],
                logits_to_keep=1,
            ).logits[0, -1]
        assert (logits - golden.first_logits(case)).abs().max() <= 1e-3


def test_generated_tokens_are_decoded_as_the_original_does(golden: Golden, model: Model) -> None:
    for case in golden.cases:
        assert model.recipe.decode(case.generated_ids) == case.response


def test_special_tokens_are_left_out_and_blanks_kept(model: Model) -> None:
    (end,) = model.recipe.stop_token_ids
    assert end == 1
    assert model.recipe.decode([2, *model.recipe.tokenizer.encode(" yes\n"), end]) == " yes\n"


def test_both_engines_find_the_same_evidence(model: Model, prepared: list[Prepared]) -> None:
    spellings = find_spellings(model.recipe)
    alone = generate_sequentially(model, prepared[:2], 1, spellings)
    assert_same(generate_shared(model, prepared[:2], 1, spellings), alone)
    one_by_one = [generate_shared(model, [image], 1, spellings)[0] for image in prepared[:2]]
    assert_same(one_by_one, alone)


def test_positions_are_the_native_classs_whatever_the_padding(model: Model, prepared: list[Prepared]) -> None:
    """They are rounded with the rotations in half precision, so a shift of all would show there."""
    positions: list[list[int]] = []
    hook = model.network.model.language_model.register_forward_pre_hook(
        lambda _, __, given: positions.append(given["position_ids"][0].tolist()), with_kwargs=True
    )
    spellings = find_spellings(model.recipe)
    shortest, longest = sorted(prepared[0].prompts, key=len)[:: len(prepared[0].prompts) - 1]
    generate_sequentially(model, [Prepared(prepared[0].inputs, (shortest,))], 3, spellings)
    generate_shared(model, [Prepared(prepared[0].inputs, (shortest, longest))], 3, spellings)
    hook.remove()
    alone, padded = positions[:3], positions[3:]
    assert alone[0] == list(range(1, len(shortest) + 1))
    assert [list(axis) for axis in model.recipe.positions(shortest, prepared[0].inputs)] == alone[:1]
    assert padded[0][-len(shortest) :] == alone[0]
    assert padded[1:] == alone[1:]


def test_rows_that_stop_leave_and_the_others_go_on(
    golden: Golden, prepared: list[Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = golden_model(golden.folder)
    stops = {case.generated_ids[2 + number] for number, case in enumerate(golden.cases[:10])}
    monkeypatch.setattr(model.recipe, "stop_token_ids", tuple(sorted(stops)))
    spellings = find_spellings(model.recipe)
    together = generate_shared(model, prepared[:2], LONGEST_ANSWER, spellings)
    lengths = {len(generation.token_ids) for answers in together for generation in answers}
    assert len(lengths) > 2
    assert_same(together, generate_sequentially(model, prepared[:2], LONGEST_ANSWER, spellings))


def test_a_long_question_changes_no_answer_beside_it(golden: Golden, model: Model) -> None:
    spellings = find_spellings(model.recipe)
    questions = [QUESTION, " ".join(["Is there a very long question about the image?"] * 40), "Cup?"]
    images = [model.recipe.prepare(golden.photograph(name), questions) for name in ("coffee", "rocket")]
    lengths = sorted(map(len, images[0].prompts))
    assert lengths[-1] - lengths[0] > 300
    together = generate_shared(model, images, LONGEST_ANSWER, spellings)
    assert_same(together, generate_sequentially(model, images, LONGEST_ANSWER, spellings))
    for image, answers in zip(images, together, strict=True):
        for prompt, answer in zip(image.prompts, answers, strict=True):
            alone = generate_shared(model, [Prepared(image.inputs, (prompt,))], LONGEST_ANSWER, spellings)
            assert_same(alone, [[answer]])


@pytest.mark.parametrize(
    "changes",
    [{"final_logit_softcapping": 1.5}, {"attn_logit_softcapping": 0.5}, {"sliding_window": 600}],
    ids=lambda changes: next(iter(changes)),
)
def test_what_gemma_2_may_state_holds_in_both_engines(
    goldens: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    folder = Path(shutil.copytree(goldens / "paligemma2", tmp_path / "paligemma2"))
    change(folder / "config.json", "text_config", **changes)
    change(folder / "generation_config.json", cache_implementation="hybrid")
    model = load_golden_model(folder)
    photograph = read_golden(goldens / "paligemma2").photograph("coffee")
    image = model.recipe.prepare(photograph, [QUESTION, "Cup?", "Is there a cup on the saucer in the image?"])
    spellings = find_spellings(model.recipe)
    together = generate_shared(model, [image], LONGEST_ANSWER, spellings)
    assert_same(together, generate_sequentially(model, [image], LONGEST_ANSWER, spellings))


def test_paligemma_2_without_a_cap_on_attention_takes_sdpa_and_answers_as_eager_does(goldens: Path) -> None:
    golden = read_golden(goldens / "paligemma2")  # it caps nothing
    model, eager = (
        load_golden_model(golden.folder, attn_implementation=attention) for attention in ("auto", "eager")
    )
    assert (model.attention, eager.attention) == ("sdpa", "eager")
    for made in (model, eager):
        parts = (made.network.model, made.network.model.language_model, made.network.model.vision_tower)
        assert {part.config._attn_implementation for part in parts} == {made.attention}
    images = [model.recipe.prepare(golden.photograph("coffee"), [QUESTION, "Cup?"])]
    spellings = find_spellings(model.recipe)
    answers = generate_shared(eager, images, 4, spellings)
    for generate in (generate_shared, generate_sequentially):
        assert_same(generate(model, images, 4, spellings), answers)


@pytest.mark.parametrize("stops", [1, [1, 107]])
def test_stop_tokens_come_from_the_generation_configuration(checkpoint: Path, stops: int | list[int]) -> None:
    change(checkpoint / "generation_config.json", eos_token_id=stops)
    recipe = recipe_of("paligemma", find_checkpoint(str(checkpoint), "main"), RecipeOptions())
    assert recipe.stop_token_ids == ((1,) if stops == 1 else (1, 107))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer.json", None),
        ("tokenizer.json", "{"),
        ("preprocessor_config.json", None),
        ("preprocessor_config.json", "{"),
        ("generation_config.json", "{"),
    ],
)
def test_a_missing_or_broken_file_is_named(checkpoint: Path, name: str, content: str | None) -> None:
    if content is None:
        (checkpoint / name).unlink()
    else:
        (checkpoint / name).write_text(content)
    with pytest.raises(RepopeError, match=name):
        recipe_of("paligemma", find_checkpoint(str(checkpoint), "main"), RecipeOptions())


@pytest.mark.parametrize(
    ("config", "known"),
    [
        ({"model_type": "paligemma", "text_config": {"model_type": "gemma"}}, True),
        ({"model_type": "paligemma", "text_config": {"model_type": "gemma2"}}, True),
        ({"model_type": "paligemma", "text_config": {}}, True),
        ({"model_type": "paligemma", "text_config": {"model_type": "gemma3_text"}}, False),
        ({"model_type": "llava"}, False),
        ({}, False),
    ],
)
def test_checkpoints_are_recognised_by_their_configuration(config: dict[str, Any], known: bool) -> None:
    assert PaliGemmaRecipe.recognises(Fields(Path("config.json"), config)) is known


def test_sizes_are_counted_from_the_configuration(golden: Golden, model: Model) -> None:
    size = size_of(model.network)
    assert size.parameters == sum(parameter.numel() for parameter in model.network.parameters())
