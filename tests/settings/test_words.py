"""What stands behind a `=` is what a field of text gets."""

from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from repope_eval.settings.config import RunSettings, ScoreSettings, SlurmSettings
from repope_eval.settings.words import quoted_texts, words_of


def _read(word: str) -> object:
    return OverridesParser.create().parse_override(word).value()


@pytest.mark.parametrize(
    "value",
    [
        " Answer yes or no.",
        "Answer yes or no. ",
        " ",
        "two\nlines",
        "a 'quoted' \"word\"",
        "C:\\folder\\",
        "\\'",
        "Yes (or no)?",
        "[a]",
        "{a: 1}",
        "a,b",
        "a=b",
        "模",
        "12e4567",
        "0012345",
        "1_000",
        "true",
        "9" * 5000,
        "range(1,3)",
        "[" * 200,
    ],
)
def test_a_text_is_what_was_typed(value: str) -> None:
    (word,) = quoted_texts(RunSettings, [f"model.question_suffix={value}"], multirun=False)
    assert _read(word) == value
    assert quoted_texts(RunSettings, [word], multirun=False) == [word]


@pytest.mark.parametrize(
    "word",
    [
        "model.question_suffix=null",
        "model.question_suffix=' Answer yes or no.'",
        'model.question_suffix= "Answer"',
        "model.question_suffix=plain words",
        "model.question_suffix=",
        "data_dir=${oc.env:SCRATCH}/data",
        "out=runs/${bench.name}/${now:%Y}",
        "out=a\\,b",
        "model.revision=1",
        "model=tiny",
        "model=[tiny]",
        "limit= 3",
        "model.dtype=float16,float32",
        "bench.variants=[random,popular]",
        "hydra.job.name= a (b)",
        "modle.name= a (b)",
        "out",
        "+out= a",
    ],
)
def test_what_is_no_text_or_hydras_is_left_alone(word: str) -> None:
    assert quoted_texts(RunSettings, [word], multirun=False) == [word]


def test_a_sweep_is_one_where_it_is_asked_for() -> None:
    sweep = ["out=a,b", "data_dir=choice(a,b)", "model.revision=range(1,3)", "device=cpu,cuda"]
    assert quoted_texts(RunSettings, sweep, multirun=True) == sweep
    assert quoted_texts(RunSettings, ["out=a (b)"], multirun=True) == ["out='a (b)'"]


@pytest.mark.parametrize(
    "name",
    [
        "LLaVA (7B).jsonl",
        "[a] {b}.jsonl",
        "a, b.jsonl",
        "a=b.jsonl",
        "it's.jsonl",
        '"a".jsonl',
        "~me.jsonl",
        "ü.jsonl",
    ],
)
def test_a_file_may_be_called_anything(name: str) -> None:
    (word,) = quoted_texts(ScoreSettings, [f"answers=/x/{name}"], multirun=False)
    assert _read(word) == f"/x/{name}"


def test_lists_are_left_to_hydra() -> None:
    words = ['sbatch=["--qos=high"]', "partition=gpu"]
    assert quoted_texts(SlurmSettings, words, multirun=False) == words


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "null",
        "true",
        "[a]",
        "'a'",
        "",
        " a",
        "a,b",
        "12e4567",
        "7",
        "a\nb",
        "\\'",
        "${bench.name}",
        "模",
    ],
)
def test_a_text_of_a_program_is_that_text(value: str) -> None:
    (word,) = words_of(RunSettings, {"model": {"question_suffix": value}})
    assert word.startswith("model.question_suffix=")
    assert _read(word) == value


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"limit": 10, "resume": False, "data_dir": None}, ["limit=10", "resume=false", "data_dir=null"]),
        ({"out": Path("runs/x")}, ["out=runs/x"]),
        ({"batch_size": 8, "model.timeout": 0.5}, ["batch_size=8", "model.timeout=0.5"]),
        ({"bench": {"columns": {"label": "truth"}}}, ["bench.columns.label=truth"]),
        ({"bench.variants": ("random", "a b")}, ["bench.variants=[random,'a b']"]),
        (
            {"model": {"chat_template": {"thinks": True, "way": "a b"}}},
            ["model.chat_template={thinks:true,way:'a b'}"],
        ),
        ({"model": {}, "bench": "demo", "nothing.such": "a"}, ["bench=demo", "nothing.such=a"]),
    ],
)
def test_values_of_a_program_are_words(values: dict[str, Any], words: list[str]) -> None:
    assert words_of(RunSettings, values) == words
