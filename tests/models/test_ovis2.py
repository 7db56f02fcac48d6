"""Ovis2 against the original code's outputs, kept as a golden, and its grids, parts and squares."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import infer_auto_device_map
from PIL import Image
from safetensors.torch import load_file
from transformers.models.ovis2.image_processing_pil_ovis2 import get_min_tile_covering_grid

from perf.golden import Golden, change_weights, golden_model, load_golden_model, read_golden, strided_sample
from repope_eval.asking.native.generation import find_spellings
from repope_eval.asking.native.shared import generate_shared
from repope_eval.errors import RepopeError
from repope_eval.machine.counting import size_of
from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.loading import Model
from repope_eval.models.ovis2 import (
    CLIP_MEAN,
    CLIP_STD,
    Indicator,
    best_grid,
    cover,
    fitted_size,
    fitting_grid,
    image_marks,
    part_boxes,
    part_pixels,
)
from repope_eval.models.recipe import RecipeOptions

QWEN_LINEAR = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
ATOMS_PER_PART = 256


@pytest.fixture(scope="module")
def golden() -> Golden:
    return read_golden(Path(__file__).parent.parent / "goldens" / "ovis2")


@pytest.fixture(scope="module")
def model(golden: Golden) -> Model:
    return golden_model(golden.folder)


@pytest.fixture
def checkpoint(goldens: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "ovis2"
    shutil.copytree(goldens / "ovis2", folder)
    return folder


def change_config(folder: Path, part: str, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    config[part].update(changes)
    (folder / "config.json").write_text(json.dumps(config))


def test_the_prompt_is_the_original_codes_to_the_letter(model: Model) -> None:
    assert model.recipe.prompt("Is there a snowboard in the image?") == (
        "<|im_start|>system\n"
        "You are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\n"
        "<image>\n"
        "Is there a snowboard in the image?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_prompt_token_ids_are_the_originals(golden: Golden, model: Model) -> None:
    atom, *indicators = model.recipe.feature_token_ids
    known = {-301 - place: [indicator] for place, indicator in enumerate(indicators)}
    known[-300] = [atom] * ATOMS_PER_PART
    assert len(golden.cases) == 32
    for (_, cases), prepared in zip(golden.cases_by_image().items(), golden.prepared(model), strict=True):
        for case, prompt in zip(cases, prepared.prompts, strict=True):
            expanded = [known.get(token, [token]) for token in case.prompt_ids_with_placeholders]
            assert list(prompt) == [token for stretch in expanded for token in stretch]


def test_an_image_of_one_part_has_no_cells() -> None:
    assert list(image_marks(1, 1)) == [Indicator.START, None, Indicator.GRID, Indicator.END]


def test_columns_and_rows_are_marked_between_cells() -> None:
    start, grid, column, row, end = Indicator
    atoms = None
    assert list(image_marks(2, 3)) == [
        *(start, atoms, grid),
        *(atoms, column, atoms, column, atoms),
        row,
        *(atoms, column, atoms, column, atoms),
        end,
    ]


def test_pixels_are_the_originals(golden: Golden, model: Model) -> None:
    for image, prepared in zip(golden.cases_by_image(), golden.prepared(model), strict=True):
        difference = (
            strided_sample(prepared.inputs["pixel_values"], 8192) - golden.tensors[f"pixel_values/{image}"]
        )
        assert difference.abs().max() <= 1e-6


def test_image_features_are_the_originals(golden: Golden, model: Model) -> None:
    atom, *_ = model.recipe.feature_token_ids
    for image, prepared in zip(golden.cases_by_image(), golden.prepared(model), strict=True):
        with torch.inference_mode():
            (features,) = model.recipe.image_features(model.network, [prepared.inputs])
        shown = [token for token in prepared.prompts[0] if token in model.recipe.feature_token_ids]
        assert features.shape == (len(shown), 64)
        atoms = features[torch.tensor(shown) == atom]
        assert len(atoms) == ATOMS_PER_PART * len(prepared.inputs["pixel_values"])
        difference = strided_sample(atoms, 4096) - golden.tensors[f"image_features/{image}"]
        assert difference.abs().max() <= 1e-5  # the final norm would change them by less than 1e-3


def test_indicators_are_the_last_rows_of_the_visual_vocabulary(golden: Golden, model: Model) -> None:
    prepared = golden.prepared(model)[0]
    with torch.inference_mode():
        (features,) = model.recipe.image_features(model.network, [prepared.inputs])
    _, *indicators = model.recipe.feature_token_ids
    shown = [token for token in prepared.prompts[0] if token in model.recipe.feature_token_ids]
    table = model.network.model.visual_embeddings_table.weight[-5:]
    for place, token in enumerate(shown):
        if token in indicators:
            assert torch.equal(features[place], table[indicators.index(token)])


def test_first_logits_are_the_originals(golden: Golden, model: Model) -> None:
    for cases, prepared in zip(golden.cases_by_image().values(), golden.prepared(model), strict=True):
        for case, prompt in zip(cases[:2], prepared.prompts, strict=False):
            with torch.inference_mode():
                logits = model.network(
                    input_ids=torch.tensor([prompt]),
                    **model.recipe.native_inputs(prepared.inputs),
                    logits_to_keep=1,
                ).logits[0, -1]
            assert (logits - golden.first_logits(case)).abs().max() <= 1e-3


def test_generated_tokens_are_decoded_as_the_original_does(golden: Golden, model: Model) -> None:
    for case in golden.cases:
        assert model.recipe.decode(case.generated_ids) == case.response


def test_a_recipe_may_depart_from_the_familys_in_what_the_family_has(golden: Golden) -> None:
    options = RecipeOptions(system_prompt="Be brief.", question_suffix="\nAnswer yes or no.", max_tiles=2)
    recipe = recipe_of("ovis2", find_checkpoint(str(golden.folder), "main"), options)
    assert recipe.prompt("Is there a cat?") == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\n<image>\nIs there a cat?\nAnswer yes or no.<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert len(recipe.prepare(golden.photograph("coffee"), ["Is there a cat?"]).inputs["pixel_values"]) == 3


def test_parameters_are_counted_from_the_configurations_shapes(golden: Golden) -> None:
    size = size_of(
        recipe_of(
            "ovis2", find_checkpoint(str(golden.folder), "main"), RecipeOptions()
        ).network_without_weights()
    )
    weights = load_file(golden.folder / "model.safetensors")
    assert size.parameters == sum(tensor.numel() for tensor in weights.values())


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("vte.weight", None, r"1 weights are missing, first model\.visual_embeddings_table\.weight"),
        (
            "visual_tokenizer.backbone.trunk.blocks.0.attn.qkv.weight",
            None,
            r"3 weights are missing, first model\.vision_tower\.transformer\.encoder\.layers\.0\.attention\.k_proj",
        ),
        (
            "visual_tokenizer.backbone.trunk.post_trunk_norm.weight",
            None,
            r"1 weights are missing, first model\.vision_tower\.transformer\.rms_norm\.weight",
        ),
        ("surplus.weight", torch.zeros(2), r"1 weights are unexpected, first surplus\.weight"),
        (
            "visual_tokenizer.backbone.trunk.post_trunk_norm.bias",
            torch.zeros(48),
            r"1 weights are unexpected, first .*rms_norm\.bias",
        ),
        (
            "visual_tokenizer.head.0.weight",
            torch.zeros(3, 3),
            r"1 weights are of another shape, first model\.vision_tower\.head_linear",
        ),
        (
            "visual_tokenizer.backbone.preprocessor.pos_embed",
            torch.zeros(1, 7, 48),
            r"1 weights are of another shape, first model\.vision_tower\..*position_embedding",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    checkpoint: Path, name: str, tensor: torch.Tensor | None, message: str
) -> None:
    change_weights(checkpoint, **{name: tensor})
    with pytest.raises(RepopeError, match=message):
        load_golden_model(checkpoint)


def test_a_small_model_shares_its_embeddings_with_its_head(checkpoint: Path) -> None:
    change_weights(checkpoint, **{"llm.lm_head.weight": None})
    with pytest.raises(RepopeError, match=r"1 weights are missing, first lm_head\.weight"):
        load_golden_model(checkpoint)
    change_config(checkpoint, "llm_config", tie_word_embeddings=True)
    network = load_golden_model(checkpoint).network
    assert network.get_output_embeddings().weight is network.get_input_embeddings().weight


def test_a_vocabulary_without_room_for_an_images_tokens_is_refused(checkpoint: Path) -> None:
    change_config(checkpoint, "llm_config", vocab_size=608)
    with pytest.raises(RepopeError, match="603 tokens leave no room for an image's in 608 embeddings"):
        load_golden_model(checkpoint)


def test_the_vision_tower_is_not_cut_between_devices(model: Model) -> None:
    kinds = model.network._no_split_modules
    for kibibytes in range(20, 1700, 80):
        memory = {"cpu": kibibytes * 1024, "disk": 10**9}
        placed = infer_auto_device_map(model.network, memory, no_split_module_classes=kinds)
        assert not [name for name in placed if name.startswith("model.vision_tower.")]


def test_a_model_over_cpu_and_disk_answers_as_one_in_memory(
    golden: Golden, model: Model, tmp_path: Path
) -> None:
    placed = {
        "model.vision_tower": "disk",
        "model.visual_embeddings_table": "disk",
        "model.language_model": "cpu",
        "lm_head": "disk",
    }
    (tmp_path / "map.json").write_text(json.dumps(placed))
    offloaded = load_golden_model(golden.folder, device_map=str(tmp_path / "map.json"))
    prepared, spellings = golden.prepared(model)[:1], find_spellings(model.recipe)
    (answers,) = generate_shared(offloaded, prepared, 24, spellings)
    assert [answer.token_ids for answer in answers] == [case.generated_ids for case in golden.cases[:8]]


@pytest.mark.parametrize(("quantization", "similarity"), [("int8", 0.99), ("nf4", 0.8)])
def test_only_the_language_models_linear_layers_are_quantized(
    golden: Golden, quantization: str, similarity: float
) -> None:
    model = load_golden_model(golden.folder, quantization=quantization)
    quantized = [
        name
        for name, module in model.network.named_modules()
        if type(module).__module__.startswith("bitsandbytes")
    ]
    assert {name.rpartition(".")[2] for name in quantized} == QWEN_LINEAR
    assert all(name.startswith("model.language_model.layers.") for name in quantized)
    assert len(quantized) == 2 * len(QWEN_LINEAR)
    prepared = golden.prepared(model)
    with torch.inference_mode():
        logits = model.network(
            input_ids=torch.tensor([prepared[0].prompts[0]]),
            **model.recipe.native_inputs(prepared[0].inputs),
            logits_to_keep=1,
        ).logits[0, -1]
    original = golden.first_logits(golden.cases[0])
    assert torch.nn.functional.cosine_similarity(logits, original, dim=0) > similarity
    (generations,) = generate_shared(model, prepared[:1], 24, find_spellings(model.recipe))
    words = {"Yes", "No", "yes", "no", ",", "."}
    for generation in generations:
        assert any(word in model.recipe.decode(generation.token_ids) for word in words)


@pytest.mark.parametrize(
    ("width", "height", "grid"),
    [
        (448, 448, (1, 1)),
        (1, 1, (1, 1)),
        (472, 470, (1, 1)),  # 0.90 and a little of the pixels are kept
        (473, 473, (2, 2)),  # less than 0.9 in one part, and no two parts keep more
        (640, 480, (2, 2)),  # COCO's usual shapes
        (480, 640, (2, 2)),
        (896, 448, (1, 2)),
        (448, 896, (2, 1)),
        (1344, 448, (1, 3)),
        (1344, 1344, (3, 3)),
        (4000, 3000, (3, 3)),  # none keeps 0.9: the one that keeps most
        (5000, 1, (1, 9)),
        (1, 5000, (9, 1)),
    ],
)
def test_the_grid_keeps_most_with_fewest_parts(width: int, height: int, grid: tuple[int, int]) -> None:
    assert best_grid(width, height, side=448, max_parts=9) == grid


def test_the_grid_is_the_one_that_transformers_chooses() -> None:
    choice = random.Random(7)
    sizes = [(choice.randint(1, 1500), choice.randint(1, 1500)) for _ in range(300)]
    for width, height in sizes:
        for most in (9, 4):
            expected = get_min_tile_covering_grid((height, width), 448, most)
            assert best_grid(width, height, side=448, max_parts=most) == expected


def test_cover_is_the_share_of_pixels_kept() -> None:
    assert cover(448, 300, (1, 1), side=448) == 1
    assert cover(896, 448, (1, 1), side=448) == pytest.approx(0.25)
    assert cover(896, 448, (1, 2), side=448) == 1


def test_the_last_row_and_column_take_the_rest() -> None:
    assert part_boxes(11, 7, (2, 3)) == [
        (0, 0, 3, 3),
        (3, 0, 6, 3),
        (6, 0, 11, 3),
        (0, 3, 3, 7),
        (3, 3, 6, 7),
        (6, 3, 11, 7),
    ]


@pytest.mark.parametrize(
    ("width", "height", "fitted"),
    [
        (448, 448, (448, 448)),
        (100, 100, (448, 448)),  # small images grow
        (640, 480, (448, 336)),
        (480, 640, (336, 448)),
        (640, 427, (448, 298)),  # 298.9: truncated
        (448, 1, (448, 1)),
        (1, 448, (1, 448)),
    ],
)
def test_the_longer_side_fills_the_square_and_the_other_is_truncated(
    width: int, height: int, fitted: tuple[int, int]
) -> None:
    assert fitted_size(width, height, side=448) == fitted


def test_the_whole_image_comes_first_and_its_parts_row_by_row() -> None:
    image = Image.new("RGB", (128, 64), "red")
    image.paste("blue", (64, 0, 128, 64))
    pixels, grid = part_pixels(image, side=64, max_parts=9)
    assert grid == (1, 2)
    assert pixels.shape == (3, 3, 64, 64)
    red, blue = 0, 2
    whole, left, right = pixels[:, :, 32, :]
    assert whole[red, 5] > whole[blue, 5]
    assert whole[red, 60] < whole[blue, 60]
    assert (left[red] > left[blue]).all()
    assert (right[red] < right[blue]).all()


def test_pixels_are_normalised_with_clips_statistics_and_centred_in_zeros() -> None:
    image = Image.fromarray(np.full((33, 64, 3), 255, np.uint8))
    (pixels,), grid = part_pixels(image, side=64, max_parts=9)
    assert grid == (1, 1)
    white = [(1 - mean) / std for mean, std in zip(CLIP_MEAN, CLIP_STD, strict=True)]
    assert pixels[:, 31, 9].tolist() == pytest.approx(white, abs=1e-6)
    above, below = 15, 16  # 64 - 33 rows of zeros: the odd one goes below
    assert not pixels[:, :above].any()
    assert not pixels[:, 64 - below :].any()
    assert pixels[:, above : 64 - below].all()


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "RGBA", "LA", "I;16"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    pixels, _ = part_pixels(Image.new(mode, (64, 64)), side=64, max_parts=9)
    assert pixels.shape == (1, 3, 64, 64)
    assert pixels.dtype == torch.float32


@pytest.mark.parametrize("size", [(1, 1), (64, 1), (1, 64), (192, 3), (3, 192)])
def test_images_up_to_the_thinnest_have_pixels(size: tuple[int, int]) -> None:
    pixels, (rows, columns) = part_pixels(Image.new("RGB", size), side=64, max_parts=9)
    cells = rows * columns if rows * columns > 1 else 0
    assert pixels.shape == (1 + cells, 3, 64, 64)


@pytest.mark.parametrize("size", [(65, 1), (1, 65), (5000, 1), (1, 5000), (193, 3)])
def test_images_of_which_the_original_resizes_a_side_to_nothing_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(RepopeError, match=f"^{size[0]} x {size[1]} pixels are too thin"):
        part_pixels(Image.new("RGB", size), side=64, max_parts=9)


def test_a_cell_may_be_too_thin_where_the_whole_image_is_not() -> None:
    assert best_grid(5, 11, side=4, max_parts=9) == (3, 3)
    with pytest.raises(RepopeError, match=r"^1 x 5 pixels are too thin"):
        fitting_grid(5, 11, side=4, max_parts=9)
