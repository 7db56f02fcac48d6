"""What a manifest keeps of the starts of a run, and how it says what differs."""

import json
from pathlib import Path
from typing import Any

import pytest

from repope_eval.errors import RepopeError
from repope_eval.runs.manifest import MOST_STARTS, Manifest, waiting_line, way_line
from repope_eval.runs.manifest_form import read_manifest

FIRST = {
    "command": "the first",
    "settings": {"engine": "shared", "bench": {"variants": ("a", "b")}},
    "versions": {"torch": "2.9"},
    "machine": {"host": "node1"},
}


def manifest(folder: Path, identity: dict[str, Any] | None = None, *, has_answers: bool = True) -> Manifest:
    """As a start finds it."""
    found = Manifest(folder / "manifest.json", identity or {})
    if has_answers:
        found.go_on()
    return found


def store(folder: Path, number: int) -> None:
    """Leaves so many answers in the folder."""
    (folder / "answers.jsonl").write_text("{}\n" * number)


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A folder whose first start has left two answers."""
    first = manifest(tmp_path, has_answers=False)
    first.begin(FIRST)
    store(tmp_path, 2)
    first.finish()
    return tmp_path


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


def test_what_the_first_start_noted_stays_and_later_ones_stand_beside_it(begun: Path) -> None:
    later = manifest(begun)
    settings = {"engine": "sequential", "bench": {"variants": ("a", "b")}}
    later.begin(FIRST | {"command": "later", "settings": settings, "versions": {"torch": "2.10"}})
    later.note_asker({}, {"name": "cuda:0"})
    store(begun, 5)
    later.finish()
    found = read(begun)
    assert (found["command"], found["versions"], found["status"]) == (
        "the first",
        {"torch": "2.9"},
        "complete",
    )
    assert found["device"] == {"name": "cuda:0"}  # the first has noted none
    first, second = found["starts"]
    assert (first["resumed"], first["asked"], first["settings"]) == (0, 2, {})
    assert (second["resumed"], second["asked"], second["versions"]) == (2, 3, {"torch": "2.10"})
    assert second["settings"] == {"engine": "sequential"}


def test_of_starts_that_asked_nothing_the_newest_is_kept(begun: Path) -> None:
    for number in range(3):
        again = manifest(begun)
        again.begin(FIRST | {"command": f"again {number}"})
        again.finish()
    assert [start["command"] for start in read(begun)["starts"]] == ["the first", "again 2"]


def test_of_many_starts_the_newest_are_kept(begun: Path) -> None:
    for number in range(MOST_STARTS + 5):
        again = manifest(begun)
        again.begin(FIRST)
        store(begun, 3 + number)
        again.finish()
    starts = read(begun)["starts"]
    assert len(starts) == MOST_STARTS
    assert starts[0]["resumed"] == 2 + 5


def test_a_start_that_ended_early_or_was_killed_has_asked_what_it_left(begun: Path) -> None:
    manifest(begun).begin(FIRST)  # killed
    store(begun, 4)
    second = manifest(begun)
    second.begin(FIRST)
    store(begun, 7)
    second.end_early({"how": "failed"})
    assert [start["asked"] for start in read(begun)["starts"]] == [2, 2, 3]
    assert read(begun)["ended"] == {"how": "failed"}


def test_of_many_differences_the_first_are_named_and_the_others_counted(begun: Path) -> None:
    manifest(begun).note(checkpoint_files={str(number): f"sha256:{'a' * 64}" for number in range(9)})
    with pytest.raises(RepopeError) as caught:
        manifest(begun).require_same(
            {"checkpoint_files": {str(number): f"sha256:{'b' * 64}" for number in range(9)}}
        )
    refusal = str(caught.value)
    assert "checkpoint_files.0 is 'sha256:aaaaaaaa' there and 'sha256:bbbbbbbb' here, " in refusal
    assert "checkpoint_files.2 is" in refusal
    assert "checkpoint_files.3 is" not in refusal
    assert refusal.endswith(", and 6 more")


def test_an_edition_is_another_benchmark_than_the_index_of_the_same_files(begun: Path) -> None:
    manifest(begun).note(benchmark={"name": "dash_b", "sha256": {"neg.json": "1" * 64}, "edition": None})
    here = {"name": "dash_b", "sha256": {"neg.json": "1" * 64}, "edition": "pos-other-edition"}
    with pytest.raises(RepopeError, match="no other file there and edition pos-other-edition here"):
        manifest(begun).require_benchmark(here)
    manifest(begun).note(
        benchmark={"name": "dash_b", "sha256": {"neg.json": "1" * 64}}
    )  # of an older version
    manifest(begun).require_benchmark(here)


@pytest.mark.parametrize(
    ("part", "value", "mistake"),
    [
        ("seconds", {"load": "x"}, "seconds.load is 'x'"),
        ("counts", {"asked": [1]}, "counts.asked is [1]"),
        ("starts", [{"resumed": "x"}], "starts.0.resumed is 'x'"),
        ("benchmark", {"sha256": {"a.json": None}}, "benchmark.sha256.a.json is None"),
        ("prompt", {"a": 1}, "prompt is {'a': 1}"),
    ],
)
def test_a_part_of_another_kind_is_named(begun: Path, part: str, value: Any, mistake: str) -> None:
    manifest(begun).note(**{part: value})
    with pytest.raises(RepopeError) as caught:
        manifest(begun)
    path = begun / "manifest.json"
    assert str(caught.value).startswith(f"{path}: is no run's manifest ({mistake}), so whose the answers")


def test_what_is_nested_too_deeply_is_no_manifest(begun: Path) -> None:
    nested: list[Any] = []
    for _ in range(200):
        nested = [nested]
    manifest(begun).note(settings={"model": nested})
    with pytest.raises(RepopeError, match="it is nested more than 30 levels deep"):
        read_manifest(begun / "manifest.json")


def test_a_start_that_lacks_what_it_found_is_one_of_an_empty_folder(begun: Path) -> None:
    manifest(begun).note(starts=[{}])
    manifest(begun).begin(FIRST)
    assert [start["resumed"] for start in read(begun)["starts"][1:]] == [2]


def waiting(workers: int, waited: float, seconds: float) -> dict[str, Any]:
    return {"workers": workers, "seconds_waited_for_images": waited, "seconds": seconds}


def test_a_relevant_wait_for_images_is_told_with_its_mend() -> None:
    assert waiting_line([waiting(3, 41.2, 95.0)]) == (
        "the model waited 41 s of 2 min for images, which 3 processes prepared: give the run more cores (in SLURM "
        "--cpus-per-task), or more processes (workers=) where cores are idle"
    )
    of_ranks = waiting_line([waiting(1, 10.0, 50.0), waiting(1, 0.0, 50.0), {}])
    assert of_ranks is not None
    assert "waited 10 s of 2 min for images, which 2 processes prepared" in of_ranks


@pytest.mark.parametrize(
    "facts",
    [
        waiting(3, 9.9, 20.0),  # less than a change would be worth
        waiting(3, 99.0, 1000.0),  # less than a tenth
        waiting(0, 90.0, 100.0),  # the process itself prepared them
        {"seconds": 100.0},  # a server was asked
    ],
)
def test_no_other_wait_is_told(facts: dict[str, Any]) -> None:
    assert waiting_line([facts]) is None


def test_the_way_of_asking_is_told_with_its_reason_and_where_ranks_differ_for_each() -> None:
    fast, plain = {"way": "all at once", "why": None}, {"way": "one by one", "why": "they differ"}
    assert way_line([{}]) == ""
    assert way_line([fast, fast, {}]) == "asked all at once"
    assert way_line([plain]) == "asked one by one, since they differ"
    assert way_line([fast, plain, fast]) == (
        "asked all at once (2 processes); asked one by one, since they differ (1 process)"
    )


def test_the_way_of_asking_stays_by_start(begun: Path) -> None:
    again = manifest(begun)
    again.begin(FIRST)
    again.note_inference({"way": "all at once", "why": None}, {})
    assert [start.get("way") for start in read(begun)["starts"]] == [None, "asked all at once"]
