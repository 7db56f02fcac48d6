"""What a manifest says of its benchmark is text, and names a place only where this user's run wrote it."""

from pathlib import Path
from typing import Any

import pytest

from repope_eval.runs.stored_settings import sealed, stored_settings

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
@pytest.mark.parametrize(
    "text", [TOKEN, rf"a\{TOKEN}", rf"a\\{TOKEN} b", "${bench.name}", "${", "a ${} ${oc.env:A}"]
)
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
