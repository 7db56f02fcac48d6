"""Values of environment variables are used, and are not in what is written."""

import copy
import pickle
from dataclasses import dataclass, field
from typing import Any

import pytest
from omegaconf import OmegaConf

from repope_eval.errors import RepopeError
from repope_eval.settings.schema import setting_value
from repope_eval.system import secrets
from repope_eval.system.secrets import EnvironmentText, as_written, hide_environment, place_here


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", {})
    monkeypatch.setenv("SCRATCH", "/scratch/me")
    monkeypatch.setenv("TOKEN", "s3cret")


SETTINGS = OmegaConf.create(
    {
        "data_dir": "${oc.env:SCRATCH}/data",
        "nested": {"images": "${data_dir}/val2014", "beside": "${.images}/.."},
        "url": "https://x:${oc.env:TOKEN}@host",
        "list": ["plain", "${oc.env:TOKEN}"],
        "default": "${oc.env:UNSET,fallback}",
        "out": "runs/${name}",
        "name": "tiny",
        "limit": 3,
    }
)


@pytest.mark.parametrize(
    ("settings", "key", "value", "typed"),
    [
        (SETTINGS, "data_dir", "/scratch/me/data", "${oc.env:SCRATCH}/data"),
        (SETTINGS.nested, "images", "/scratch/me/data/val2014", "${oc.env:SCRATCH}/data/val2014"),
        (SETTINGS.nested, "beside", "/scratch/me/data/val2014/..", "${oc.env:SCRATCH}/data/val2014/.."),
        (SETTINGS, "url", "https://x:s3cret@host", "https://x:${oc.env:TOKEN}@host"),
        (SETTINGS.list, 1, "s3cret", "${oc.env:TOKEN}"),
        (SETTINGS, "default", "fallback", "fallback"),
        (SETTINGS, "out", "runs/tiny", "runs/tiny"),
        (SETTINGS, "name", "tiny", "tiny"),
        (SETTINGS, "limit", 3, 3),
    ],
)
def test_a_setting_has_the_value_and_is_written_with_the_variables_name(
    settings: Any, key: str | int, value: Any, typed: Any
) -> None:
    found = setting_value(settings, key)
    assert found == value
    assert as_written(found) == typed
    assert setting_value(settings, key) == value  # the resolver is what it was


def test_a_mark_outlives_copying_and_another_process() -> None:
    found = setting_value(SETTINGS, "url")
    for other in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert isinstance(other, EnvironmentText)
        assert as_written(other) == "https://x:${oc.env:TOKEN}@host"


@dataclass
class _Part:
    token: str


@dataclass
class _Whole:
    part: _Part
    names: tuple[str, ...] = field(default=())


def test_a_record_is_a_mapping_as_it_was_written() -> None:
    token = setting_value(SETTINGS.list, 1)
    whole = _Whole(_Part(token), ("a", token))
    assert as_written(whole) == {"part": {"token": "${oc.env:TOKEN}"}, "names": ("a", "${oc.env:TOKEN}")}


def test_messages_have_the_variables_name() -> None:
    setting_value(SETTINGS, "url")
    setting_value(SETTINGS, "data_dir")
    assert hide_environment("https://x:s3cret@host/a.jpg: 404, not in /scratch/me/data/a") == (
        "https://x:${oc.env:TOKEN}@host/a.jpg: 404, not in ${oc.env:SCRATCH}/data/a"
    )


def test_a_short_value_is_left_in_the_words_it_is_part_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "a")
    setting_value(SETTINGS.list, 1)
    assert hide_environment("a table") == "a table"


def test_a_place_is_what_it_is_in_this_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert place_here("${oc.env:SCRATCH}/data", "data_dir") == "/scratch/me/data"
    assert place_here("${oc.env:UNSET,/tmp}/data", "data_dir") == "/tmp/data"
    assert place_here("/a/b", "data_dir") == "/a/b"
    assert place_here(None, "data_dir") is None
    monkeypatch.delenv("SCRATCH")
    with pytest.raises(RepopeError) as caught:
        place_here("${oc.env:SCRATCH}/data", "a/manifest.json: data_dir")
    assert str(caught.value) == (
        "a/manifest.json: data_dir is ${oc.env:SCRATCH}/data, and there is no SCRATCH in this environment; set it"
    )
