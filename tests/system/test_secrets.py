"""Secrets are found in whatever form they come back, and no value of a variable is in what is written."""

import base64
import copy
import html
import json
import pickle
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
from omegaconf import OmegaConf

from repope_eval.errors import RepopeError
from repope_eval.settings.schema import setting_value
from repope_eval.system import secrets
from repope_eval.system.secrets import (
    EnvironmentText,
    as_written,
    hide,
    hide_environment,
    hide_passwords,
    masked,
    place_here,
)

KEY = 'sk-4f.9a+/"s(e)c*r\\e&t=='


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", {})
    monkeypatch.setenv("SCRATCH", "/scratch/me")
    monkeypatch.setenv("TOKEN", "s3cret")


@pytest.mark.parametrize(
    ("form", "left"),
    [
        (KEY, "(KEY)"),
        (json.dumps(KEY), '"(KEY)"'),
        (json.dumps(json.dumps(KEY)), r'"\"(KEY)\""'),
        (KEY.replace("+", r"\u002b").replace("/", r"\/"), "(KEY)"),
        (quote(KEY, safe=""), "(KEY)"),
        (quote(quote(KEY, safe=""), safe=""), "(KEY)"),
        (html.escape(KEY), "(KEY)"),
        (repr({KEY: 1}), "{'(KEY)': 1}"),
        (KEY[:-6], "(KEY)" + KEY[12:-6]),
        (KEY[8:], KEY[8:12] + "(KEY)"),
    ],
)
def test_a_secret_is_found_in_every_form(form: str, left: str) -> None:
    hide(KEY, "(KEY)")
    assert masked(f"<{form}>") == f"<{left}>"


@pytest.mark.parametrize("before", ["", "a:", ":", "name:"])
def test_a_secret_is_found_in_base64(before: str) -> None:
    hide(KEY, "(KEY)")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        found = masked(encode(f"{before}{KEY}".encode()).decode())
        assert "(KEY)" in found
        assert len(found) <= len("(KEY)") + 2 * len(before) + 6


def test_what_a_server_has_made_unreadable_itself_stays() -> None:
    hide(KEY, "(KEY)")
    assert masked("sk-4f***et==") == "sk-4f***et=="


@pytest.mark.parametrize(
    ("key", "text", "in_answers", "elsewhere"),
    [
        ("x", "x fox 1x", "x fox 1x", "(KEY) fox 1x"),
        ("no", "no, not no", "no, not no", "(KEY), not (KEY)"),
        ("EMPTY", "an EMPTY box", "an EMPTY box", "an (KEY) box"),
        ("t0p.5", "t0p.5, t0p.55", "(KEY), t0p.55", "(KEY), t0p.55"),
        ("[a-z]*+", "abc [a-z]*+", "abc (KEY)", "abc (KEY)"),
    ],
)
def test_a_short_secret_is_a_word_of_its_own_and_no_word_of_an_answer(
    key: str, text: str, in_answers: str, elsewhere: str
) -> None:
    hide(key, "(KEY)")
    assert masked(text) == in_answers
    assert masked(text, even_words=True) == elsewhere


@pytest.mark.parametrize("piece", ["\\", "%25", "&#0", KEY[:11]])
def test_a_search_takes_no_longer_than_its_text_is_long(piece: str) -> None:
    hide(KEY, "(KEY)")
    began = time.process_time()
    masked(piece * (400_000 // len(piece)))
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:pass@host/v1", "https://...@host/v1"),
        ("https://me:p@s/s?w@host/v1", "https://...@host/v1"),
        ("https://host/v1?key=pass", "https://host/v1?..."),
        ("http://host:80/v1", "http://host:80/v1"),
        ("a?b", "a?b"),
    ],
)
def test_an_address_is_shown_without_passwords(address: str, shown: str) -> None:
    assert hide_passwords(address) == shown


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
