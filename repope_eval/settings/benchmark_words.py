"""The words of a command line that say which benchmarks, in the forms that Hydra does not know."""

import re
from collections.abc import Sequence

from repope_eval.errors import RepopeError
from repope_eval.settings.fields import fields_by_key
from repope_eval.wording import shown_word

_SEVERAL = re.compile(r"bench=\[(.*)\]")
_NAME = re.compile(r"[^\s,'\"\[\]]+")

ALL = "bench=all"


def spelt_out(record: type, words: Sequence[str]) -> list[str]:
    """The words, with `bench.` before the keys of a table's columns and labels, which may be left out.

    In a command that reads runs, `bench=NAME` is short for `bench.name=NAME`, which counts where both are given.

    Args:
        record: the settings that the words are of; a key that it has itself stays.
        words: of a command line, its options among them.
    """
    known = fields_by_key(record)

    def is_short(word: str) -> bool:
        key = word.partition("=")[0]
        return key.startswith(("columns.", "labels.")) and key not in known and f"bench.{key}" in known

    spelt = [f"bench.{word}" if is_short(word) else word for word in words]
    if "bench" not in known or not known["bench"].is_partial:
        return spelt
    is_named = any(word.startswith("bench.name=") for word in spelt)
    left_out = {word for word in spelt if word.startswith("bench=") and (is_named or word == "bench=null")}
    return [re.sub(r"^bench=(?!\[)", "bench.name=", word) for word in spelt if word not in left_out]


def split_by_benchmark(words: Sequence[str], every: Sequence[str]) -> list[list[str]]:
    """The words for each benchmark, where `bench=[A,B]` or `bench=all` names several; else the words alone.

    Args:
        words: of a command line.
        every: the benchmarks that `bench=all` stands for; empty where the command does not take it.

    Raises:
        RepopeError: the list is empty or cannot be read, names one twice, or is not the only word that says which.
    """
    place, names = next(
        (
            (place, benchmarks)
            for place, word in enumerate(words)
            if (benchmarks := _benchmark_names(word, every))
        ),
        (-1, []),
    )
    if not names:
        return [list(words)]
    others = [*words[:place], *words[place + 1 :]]
    if other := next((word for word in others if word.startswith("bench=")), None):
        raise RepopeError(
            f"{shown_word(other)}: stands beside {shown_word(words[place])}; give one of the two"
        )
    return [[*words[:place], f"bench={name}", *words[place + 1 :]] for name in names]


def _benchmark_names(word: str, every: Sequence[str]) -> list[str]:
    """The benchmarks that a word names; none where it does not name several."""
    if word == ALL and every:
        return list(every)
    match = _SEVERAL.fullmatch(word)
    if match is None:
        return []
    names = [name.strip() for name in match[1].split(",")]
    if not all(map(_NAME.fullmatch, names)):
        wrong = next(name for name in names if not _NAME.fullmatch(name))
        raise RepopeError(f"{shown_word(word)}: {wrong!r} is no benchmark's name; write bench=[A,B]")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise RepopeError(f"{shown_word(word)}: names {shown_word(twice)} twice; name each once")
    return names
