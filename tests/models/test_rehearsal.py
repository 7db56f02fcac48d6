"""Files of a checkpoint that are each right, or nearly, and do not fit together: said before weights are fetched."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from altered_checkpoints import read_golden_description, with_field

from perf.golden import GOLDENS
from repope_eval.errors import RepopeError

MISTRAL, ONEVISION = "llava_next_mistral", "llava_onevision"
IMAGES = "what config.json and preprocessor_config.json say of images: cannot be used"


@pytest.mark.parametrize("golden", GOLDENS)
def test_goldens_pass_without_their_weights(altered: Callable[..., Path], golden: str) -> None:
    folder = altered(golden, lambda folder: (folder / "model.safetensors").unlink())
    described = read_golden_description(folder)
    assert {parameter.device for parameter in described.network.parameters()} == {torch.device("meta")}


@pytest.mark.parametrize(
    ("golden", "file", "field", "value", "message"),
    [
        (
            MISTRAL,
            "preprocessor_config.json",
            "image_mean",
            "grey",
            "preprocessor_config.json: cannot be used",
        ),
        (MISTRAL, "preprocessor_config.json", "image_std", [0.5], "preprocessor_config.json: cannot be used"),
        (MISTRAL, "preprocessor_config.json", "image_std", 0, "image_std is 0; a number above 0"),
        (MISTRAL, "preprocessor_config.json", "image_mean", [0.5, None, 0.5], "pixels that are NaN"),
        (
            MISTRAL,
            "preprocessor_config.json",
            "rescale_factor",
            {},
            "preprocessor_config.json: cannot be used",
        ),
        (MISTRAL, "preprocessor_config.json", "resample", None, "preprocessor_config.json: cannot be used"),
        (MISTRAL, "preprocessor_config.json", "crop_size", {"height": 224, "width": 224}, IMAGES),
        ("paligemma", "preprocessor_config.json", "size", {"height": 448, "width": 448}, IMAGES),
        (MISTRAL, "config.json", "image_grid_pinpoints", [[672, 336]], "features of an image that has"),
        ("paligemma", "config.json", "image_token_index", 10**6, "token 1000000, and config.json 1796 embed"),
        (MISTRAL, "config.json", "vision_feature_layer", 40, IMAGES),
        (MISTRAL, "config.json", "vision_feature_select_strategy", "some", "config.json: cannot be used"),
        ("internvl2_5_qwen2", "config.json", "select_layer", 40, IMAGES),
        ("internvl2_5_qwen2", "config.json", "downsample_ratio", 1e-9, "config.json"),
        (
            ONEVISION,
            "config.json",
            "vision_aspect_ratio",
            "anyres_max_0",
            "vision_aspect_ratio is 'anyres_max_0'",
        ),
        (
            ONEVISION,
            "config.json",
            "vision_aspect_ratio",
            f"anyres_max_{'9' * 5000}",
            "vision_aspect_ratio is",
        ),
        (MISTRAL, "generation_config.json", "pad_token_id", "none", "pad_token_id is 'none'; a token's id"),
        (MISTRAL, "generation_config.json", "bos_token_id", [None], "bos_token_id is [None]; a token's id"),
    ],
)
def test_what_does_not_fit_is_one_line(
    altered: Callable[..., Path], golden: str, file: str, field: str, value: Any, message: str
) -> None:
    folder = altered(golden, with_field(file, field, value))
    with pytest.raises(RepopeError, match=re.escape(message)) as caught:
        read_golden_description(folder)
    (line,) = str(caught.value).splitlines()
    assert str(folder) in line
    assert len(line) < len(str(folder)) + 500


@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json"])
@pytest.mark.parametrize(
    ("resolutions", "message"),
    [
        ([None], "a list of [height, width] in pixels is expected"),
        ([[336]], "a list of [height, width] in pixels is expected"),
        ([[336, 336.5]], "a list of [height, width] in pixels is expected"),
        ([[336, True]], "a list of [height, width] in pixels is expected"),
        ([[336, 336]] * 100_000, "a list of [height, width] in pixels is expected"),
        ([[336, 0]], "336 x 0 pixels are not 1 to 128 tiles of 336 pixels a side"),
        ([[-336, -336]], "-336 x -336 pixels are not 1 to 128 tiles"),
        ([[10**9, 10**9]], "are not 1 to 128 tiles"),
    ],
)
def test_resolutions_are_pairs_that_tiles_fill(
    altered: Callable[..., Path], file: str, resolutions: object, message: str
) -> None:
    folder = altered(MISTRAL, with_field(file, "image_grid_pinpoints", resolutions))
    with pytest.raises(RepopeError, match=re.escape(message)) as caught:
        read_golden_description(folder)
    assert str(caught.value).startswith(f"{folder / file}: image_grid_pinpoints is ")
    assert len(str(caught.value)) < len(str(folder)) + 500


@pytest.mark.parametrize(
    "content", ["[]", "7", "null", '"text"', "NaN", "", "[" * 100_000, '{"a":' * 100_000]
)
@pytest.mark.parametrize(
    "file", ["config.json", "generation_config.json", "tokenizer_config.json", "vocab.json"]
)
def test_a_file_that_holds_no_object_is_named(altered: Callable[..., Path], file: str, content: str) -> None:
    folder = altered("internvl2_5_qwen2", lambda folder: (folder / file).write_text(content))
    with pytest.raises(RepopeError) as caught:
        read_golden_description(folder)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{folder / file}: is ")


@pytest.mark.parametrize("golden", GOLDENS)
def test_code_beside_a_checkpoint_is_never_run(altered: Callable[..., Path], golden: str) -> None:
    folder = altered(golden)
    (folder / "code.py").write_text("raise SystemExit('was run')\n")
    for file, kinds in {
        "config.json": ("AutoConfig", "AutoModel", "AutoModelForCausalLM"),
        "tokenizer_config.json": ("AutoTokenizer",),
        "preprocessor_config.json": ("AutoImageProcessor",),
    }.items():
        if (folder / file).is_file():
            content = json.loads((folder / file).read_text())
            for part in (content, *(content[name] for name in content if name.endswith("_config"))):
                part["auto_map"] = dict.fromkeys(kinds, "code.Class")
            (folder / file).write_text(json.dumps(content))
    read_golden_description(folder)
