"""Misspelt keys are told without Hydra, in the words that are used with it, and only where nothing else is wrong."""

from typing import Any

import pytest
from forgotten_groups import forget_groups

from repope_eval.settings.composition import register
from repope_eval.settings.config import DoctorSettings, ModelsSettings, RunSettings, ScoreSettings
from repope_eval.settings.fields import fields_by_key
from repope_eval.settings.quick_checks import misspelt_keys, value_problems
from repope_eval.settings.validation import check
from repope_eval.settings.words import quoted_texts


@pytest.fixture(autouse=True)
def _groups_of_one_record_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of the command line registers one record; this one registers several."""
    forget_groups(monkeypatch)


def _with_hydra(record: type, words: list[str]) -> list[str]:
    register(record)
    return check(record, quoted_texts(record, words, multirun=False)).mistakes


@pytest.mark.parametrize(
    "words",
    [
        ["modle=tiny"],
        ["model=tiny", "enginee=shared", "bench=repope", "limit=3"],
        ["resume=false", "dtype=float32", "data_dir=null", "model.dtype=auto", "out=a/b", "device=cpu"],
        ["modle=tiny", "modle=tiny", "xyzzy=1.5", "_=.", "a=/", "a=-", "b=..", "c=1e999"],
    ],
)
def test_misspelt_keys_are_found_without_hydra(words: list[str]) -> None:
    found = misspelt_keys(RunSettings, words)
    assert found
    assert found == _with_hydra(RunSettings, words)


OTHERS = (
    *("model=foo", "limit=0", "limit=few", "engine=x", "device=gpu", "resume=yes", "protocol=null"),
    *("out=a(b", "+limit=3", "hydra.foo=1", "limit=1,2", "-m", "limit", "=x", "out=${oc.env:NOWHERE}"),
)


@pytest.mark.parametrize(
    ("record", "other"),
    [
        *((RunSettings, word) for word in OTHERS),
        (ModelsSettings, "model.max_tiles=3"),
        (ScoreSettings, "answers=[]"),
        (DoctorSettings, "memory=nan"),
    ],
)
def test_nothing_is_found_where_another_word_may_be_wrong(record: Any, other: str) -> None:
    assert misspelt_keys(record, ["modle=tiny", other]) == []


def test_right_words_have_no_misspelt_keys() -> None:
    assert misspelt_keys(RunSettings, ["model=tiny", "limit=3", "out=a"]) == []
    assert misspelt_keys(RunSettings, []) == []


@pytest.mark.parametrize(
    ("address", "shown"),
    [("https://me:pass@host/v1", "https://...@host/v1"), ("https://host/v1?key=pass", "https://host/v1?...")],
)
def test_an_address_that_is_refused_is_told_without_its_password(address: str, shown: str) -> None:
    (problem,) = value_problems(fields_by_key(RunSettings)["model.url"], address)
    assert problem == f"model.url={shown}: http://HOST:PORT/PATH without a password in it is expected"
