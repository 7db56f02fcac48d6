"""The words that name several benchmarks, and those that leave `bench.` out."""

import pytest

from repope_eval.errors import RepopeError
from repope_eval.settings.benchmark_words import by_benchmark, spelt_out
from repope_eval.settings.config import RunSettings, ScoreSettings


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
    assert by_benchmark(words, []) == [
        ["model=tiny", "bench=demo", "limit=3"],
        ["model=tiny", "bench=mine", "limit=3"],
    ]
    assert by_benchmark(["bench=all"], ["a", "b"]) == [["bench=a"], ["bench=b"]]


@pytest.mark.parametrize("words", [["bench=demo"], ["bench=all"], ["bench.variants=[random]"], []])
def test_one_benchmark_is_one(words: list[str]) -> None:
    assert by_benchmark(words, []) == [words]


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
        by_benchmark(words, [])
