"""The seal of a manifest, and what is taken of its settings: text, and places that this user named."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from repope_eval.runs import stored_settings as seal
from repope_eval.runs.manifest import Manifest
from repope_eval.runs.stored_settings import is_sealed, key_path, sealed, stored_settings

SETTINGS: dict[str, Any] = {"bench": {"name": "mine", "images": "/of/mine"}, "data_dir": "/data", "limit": 3}


@pytest.fixture(autouse=True)
def _a_new_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_what_this_user_sealed_is_known_by_the_places_in_it() -> None:
    made = sealed(SETTINGS)
    assert is_sealed({"settings": SETTINGS, **made})
    assert is_sealed({"settings": SETTINGS | {"limit": 5}, **made})
    assert is_sealed({"settings": SETTINGS | {"bench": SETTINGS["bench"] | {"relabels": None}}, **made})
    for change in ({"data_dir": "/"}, {"bench": {"name": "mine", "images": "/of/others"}}, {"bench": []}):
        assert not is_sealed({"settings": SETTINGS | change, **made})
    assert not is_sealed({"settings": SETTINGS})
    assert not is_sealed({"settings": [], **made})
    assert not is_sealed({"settings": SETTINGS, "seal": "\ud800ü"})


def test_nobody_else_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = sealed(SETTINGS)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "mine"))
    assert not is_sealed({"settings": SETTINGS, **others})
    assert not key_path().exists(), "reading makes no key"
    assert sealed(SETTINGS) != others


def test_the_key_is_for_this_user_alone_and_one_for_all_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, ThreadPoolExecutor(8) as together:
        patch.setattr(seal, "_known_key", lambda: None)  # as each process finds it that comes at once
        list(together.map(lambda _: sealed(SETTINGS), range(8)))
    assert [path.name for path in key_path().parent.iterdir()] == ["seal.key"]
    assert stat.S_IMODE(key_path().stat().st_mode) == 0o600


def test_without_a_place_for_the_key_nothing_is_sealed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    assert sealed(SETTINGS) == {}
    assert not is_sealed({"settings": SETTINGS, "seal": ""})
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", os.devnull)
    assert sealed(SETTINGS) == {}


def begun(path: Path, settings: dict[str, Any]) -> dict[str, Any]:
    manifest = Manifest(path / "manifest.json", {"bench": "mine"})
    if manifest.path.exists():
        manifest.go_on()
    manifest.begin({"command": "c", "settings": settings, "versions": {}, "machine": {}})
    return manifest.facts


def test_a_run_is_sealed_and_going_on_with_anothers_seals_no_place_of_theirs(tmp_path: Path) -> None:
    (tmp_path / "answers.jsonl").touch()
    others = begun(tmp_path, SETTINGS)
    assert is_sealed(others)
    key_path().unlink()
    assert not is_sealed(begun(tmp_path, SETTINGS | {"data_dir": None}))
    assert is_sealed(begun(tmp_path, SETTINGS | {"limit": None})), "this user named the same places"


SECRET = "hf_secret"

TOKEN = "${oc.env:MY_TOKEN}"

BENCH: dict[str, Any] = {"name": "mine", "source": "table", "variants": ["all"]}

PLACES = {
    "questions": "/etc/passwd",
    "relabels": "/dev/zero",
    "images": "/home/me/photographs",
    "annotations": f"/tmp/{TOKEN}",
}

ADDRESSES = {
    "annotations_url": "http://10.0.0.1/",
    "images_url": f"http://elsewhere/{TOKEN}",
    "hub_dataset": "some/one",
}


@pytest.fixture(autouse=True)
def _variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", SECRET)


@pytest.mark.parametrize("is_own", [False, True])
@pytest.mark.parametrize("text", [TOKEN, rf"a\{TOKEN}", "${bench.name}", "a ${} ${oc.env:A}"])
def test_interpolations_are_text(text: str, is_own: bool) -> None:
    bench = BENCH | {
        "variants": [text],
        "subset": text,
        "columns": {"image": text},
        "labels": {"yes": [text, "yes"]},
    }
    settings = {"bench": bench}
    manifest = {"settings": settings, **(sealed(settings) if is_own else {})}
    found = stored_settings(manifest, Path("run/manifest.json")).bench
    assert (found.variants, found.subset, found.columns.image) == ((text,), text, text)
    assert found.labels.yes == (text, "yes")
    assert SECRET not in repr(found)


def test_places_that_this_user_did_not_name_are_withheld() -> None:
    settings = {"bench": BENCH | PLACES | ADDRESSES, "data_dir": TOKEN}
    found = stored_settings({"settings": settings, "seal": "0" * 64}, Path("run/manifest.json"))
    assert {getattr(found.bench, key) for key in PLACES | ADDRESSES} == {None}
    assert found.data_dir is None
    assert found.withheld == PLACES | {"data_dir": TOKEN}
    nowhere = stored_settings({"settings": {"bench": BENCH, "data_dir": None}}, Path("run/manifest.json"))
    assert nowhere.withheld == {}


def test_the_users_own_places_are_taken_as_they_are_here(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"bench": BENCH | PLACES | ADDRESSES, "data_dir": TOKEN}
    found = stored_settings({"settings": settings, **sealed(settings)}, Path("run/manifest.json"))
    assert found.bench.questions == "/etc/passwd"
    assert found.bench.annotations == f"/tmp/{SECRET}"
    assert (found.data_dir, found.withheld) == (TOKEN, {})
    assert {getattr(found.bench, key) for key in ADDRESSES} == {None}, "nothing is fetched for it"
