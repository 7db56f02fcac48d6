"""Fields of a checkpoint's files: quoted in a short line, and refused where sizes would fill memory or time."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from altered_checkpoints import read_golden_description, with_field

from perf.golden import GOLDENS
from repope_eval.errors import RepopeError
from repope_eval.machine import memory_need
from repope_eval.models.fields import LARGEST, PROMPT_LENGTHS, Fields, first_line, require_bounded

PATH = Path("config.json")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("sideways", "'sideways'"),
        ([1, 2], "[1, 2]"),
        ("\ud800\x1b[2J", r"'\ud800\x1b[2J'"),
    ],
)
def test_a_value_is_quoted(value: object, shown: str) -> None:
    error = Fields(PATH, {"name": value}, ("part",)).error("name", "a number is expected")
    assert str(error) == f"config.json: part.name is {shown}; a number is expected"


@pytest.mark.parametrize(
    "value", ["a" * 200_000, 10**4000, [[[[[[[[1] * 99] * 99] * 99]]]]], {str(n): n for n in range(999)}]
)
def test_a_long_value_is_cut(value: Any) -> None:
    assert len(str(Fields(PATH, {"name": value}).error("name", "a number is expected"))) < 1000


@pytest.mark.parametrize("name", ["\x1b[2J", "a\nb", "a" * 100_000, "\ud800"])
def test_a_name_that_is_a_files_word_is_quoted_too(name: str) -> None:
    text = str(Fields(PATH, {name: 1}).error(name, "a text is expected"))
    assert text.isprintable()
    assert len(text) < 500


def test_a_librarys_long_line_is_cut() -> None:
    assert first_line(KeyError("a" * 200_000)) == f"KeyError: '{'a' * 199}..."
    assert first_line(ValueError("first\nsecond")) == "ValueError: first"
    assert first_line(ValueError()) == "ValueError"


COLUMNS = {
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "intermediate": "intermediate_size",
    "heads": "num_attention_heads",
    "key_value_heads": "num_key_value_heads",
    "head_size": "head_dim",
    "vocabulary": "vocab_size",
    "image_tokens": "num_image_tokens",
}


def in_a_part(name: str, value: object) -> Fields:
    """A file with the field in a part of a part."""
    return Fields(Path("config.json"), {"vision_config": {"backbone": {name: value}}})


@pytest.mark.parametrize("value", [0, -1, 10**30, float("nan"), float("inf"), -1e308, [14, 0], [10**8, 14]])
def test_a_size_that_is_none_or_too_large_is_named(value: object) -> None:
    with pytest.raises(
        RepopeError, match=r"^config.json: vision_config\.backbone\.hidden_size is .*; a number above 0"
    ):
        require_bounded(in_a_part("hidden_size", value))


@pytest.mark.parametrize("name", LARGEST)
def test_each_size_has_its_limit(name: str) -> None:
    require_bounded(in_a_part(name, LARGEST[name]))
    with pytest.raises(
        RepopeError, match=rf"backbone\.{name} is .*, at most {LARGEST[name]:,}, is expected$"
    ):
        require_bounded(in_a_part(name, LARGEST[name] + 1))


def test_a_processors_areas_are_no_sides() -> None:
    """Of Qwen2.5-VL's images, `longest_edge` is the most pixels of the whole."""
    fields = Fields(
        Path("processor_config.json"), {"size": {"longest_edge": 12_845_056}, "image_seq_len": 10**9}
    )
    with pytest.raises(
        RepopeError, match=r"^processor_config\.json: image_seq_len is 1000000000; a number above 0"
    ):
        require_bounded(fields, PROMPT_LENGTHS)


def test_what_is_no_number_is_left_to_the_classes() -> None:
    content: dict[str, Any] = {"hidden_size": None, "patch_size": "14", "image_size": [], "size": {"a": {}}}
    require_bounded(Fields(Path("config.json"), content))


def test_parts_may_lie_as_deep_as_json_lets_them() -> None:
    content = json.loads('{"a":' * 800 + '{"hidden_size": 0}' + "}" * 800)
    with pytest.raises(RepopeError, match="hidden_size is 0"):
        require_bounded(Fields(Path("config.json"), content))


def test_published_models_are_far_from_the_limits() -> None:
    table = Path(memory_need.__file__).parent / "published_shapes.csv"
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for column, name in COLUMNS.items():
                assert int(row[column]) * 4 <= LARGEST[name], (row["checkpoint"], column)


@pytest.mark.parametrize("golden", GOLDENS)
def test_goldens_are_within_the_limits(goldens: Path, golden: str) -> None:
    require_bounded(Fields(Path("config.json"), json.loads((goldens / golden / "config.json").read_text())))


@pytest.mark.parametrize(
    ("golden", "file", "field", "value"),
    [
        ("ovis2", "config.json", "visual_tokenizer_config.backbone_config.num_hidden_layers", 10**6),
        ("llava_next_mistral", "config.json", "text_config.num_hidden_layers", 10**6),
        ("llava_next_mistral", "config.json", "vision_config.image_size", 10**6),
        ("internvl2_5_qwen2", "config.json", "max_dynamic_patch", 10**12),
        ("internvl2_5_qwen2", "config.json", "downsample_ratio", 10**6),
        ("internvl2_5_qwen2", "config.json", "llm_config.num_attention_heads", 0),
        ("paligemma", "config.json", "text_config.num_image_tokens", 10**12),
        ("llava_next_mistral", "preprocessor_config.json", "crop_size", 10**6),
        ("llava_next_mistral", "preprocessor_config.json", "crop_size.height", 10**6),
        ("llava_onevision", "preprocessor_config.json", "size.width", 10**9),
        ("paligemma", "preprocessor_config.json", "size.height", 0),
    ],
)
def test_no_network_and_no_image_of_such_a_size_is_made(
    altered: Callable[..., Path], golden: str, file: str, field: str, value: int
) -> None:
    folder = altered(golden, with_field(file, field, value))
    with pytest.raises(RepopeError, match=f"{field} is {value}; a number above 0, at most ") as caught:
        read_golden_description(folder)
    assert str(caught.value).startswith(f"{folder / file}: ")
