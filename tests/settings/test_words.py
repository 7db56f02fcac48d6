"""What stands behind a = is what a field of text gets; the words that name benchmarks."""

from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from repope_eval.errors import RepopeError
from repope_eval.settings.benchmark_words import spelt_out, split_by_benchmark
from repope_eval.settings.config import RunSettings, ScoreSettings, SlurmSettings
from repope_eval.settings.words import quoted_texts, words_of


def _read(word: str) -> object:
    return OverridesParser.create().parse_override(word).value()


@pytest.mark.parametrize(
    "value",
    [
        " Answer yes or no.",
        "two\nlines",
        "a 'quoted' \"word\"",
        "C:\\folder\\",
        "Yes (or no)?",
        "[a]",
        "模",
        "12e4567",
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
        "model.question_suffix=plain words",
        "data_dir=${oc.env:SCRATCH}/data",
        "out=a\\,b",
        "model.revision=1",
        "limit= 3",
        "model.dtype=float16,float32",
        "hydra.job.name= a (b)",
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


def test_lists_are_left_to_hydra() -> None:
    words = ['sbatch=["--qos=high"]', "partition=gpu"]
    assert quoted_texts(SlurmSettings, words, multirun=False) == words


@pytest.mark.parametrize("value", ["plain", "null", "[a]", "", "a,b", "a\nb", "\\'"])
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


def test_keys_of_a_table_need_no_bench_before_them() -> None:
    words = ["bench=table", "columns.image=file", "labels.yes=[Yes,1,true]", "limit=3", "-m"]
    assert spelt_out(RunSettings, words) == [
        "bench=table",
        "bench.columns.image=file",
        "bench.labels.yes=[Yes,1,true]",
        "limit=3",
        "-m",
    ]


def test_a_key_that_a_command_has_itself_stays() -> None:
    """`score` names the columns of answers; those of the table are told from them by what only a table has."""
    words = ["columns.image=file", "columns.label=answer", "columns.imagee=x"]
    assert spelt_out(ScoreSettings, words) == ["columns.image=file", "bench.columns.label=answer", words[2]]


def test_each_benchmark_gets_the_words() -> None:
    words = ["model=tiny", "bench=[demo, mine]", "limit=3"]
    assert split_by_benchmark(words, []) == [
        ["model=tiny", "bench=demo", "limit=3"],
        ["model=tiny", "bench=mine", "limit=3"],
    ]
    assert split_by_benchmark(["bench=all"], ["a", "b"]) == [["bench=a"], ["bench=b"]]


@pytest.mark.parametrize("words", [["bench=demo"], ["bench=all"], ["bench.variants=[random]"], []])
def test_one_benchmark_is_one(words: list[str]) -> None:
    assert split_by_benchmark(words, []) == [words]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bench=[]"], r"bench=\[\]: '' is no benchmark's name; write bench=\[A,B\]"),
        (["bench=[a,,b]"], "'' is no benchmark's name"),
        (["bench=[a b]"], "'a b' is no benchmark's name"),
        (["bench=[a,b,a]"], "names a twice; name each once"),
        (["bench=[a,b]", "bench=c"], r"bench=c: stands beside bench=\[a,b\]; give one of the two"),
    ],
)
def test_a_list_that_is_none_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(RepopeError, match=message):
        split_by_benchmark(words, [])
