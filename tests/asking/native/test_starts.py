"""What a run folder keeps of each start, and that other labels replace no scores there."""

import dataclasses
import json
import shutil

import pytest
from begun_runs import PER_IMAGE, Place

from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.commands.score import score_answers
from repope_eval.errors import RepopeError
from repope_eval.runs.finished_runs import read_runs
from repope_eval.settings.config import ScoreSettings


def test_a_start_that_asks_nothing_changes_nothing_in_what_the_answers_came_from(place: Place) -> None:
    before = place.manifest
    (place.out / "scores.json").unlink()  # those by another protocol are not replaced
    for _ in range(2):
        place.start(limit=2, engine="sequential", device="auto", protocol="pope", verify=1)
    after = place.manifest
    live = ("starts", "seconds", "process", "scores_sha256")  # the scores are of another protocol
    assert {**after, **dict.fromkeys(live)} == {**before, **dict.fromkeys(live)}
    assert {name: after["seconds"][name] for name in ("load", "inference")} == {
        name: before["seconds"][name] for name in ("load", "inference")
    }
    first, second = after["starts"]
    assert first == before["starts"][0]
    assert (second["asked"], second["resumed"]) == (0, 2 * PER_IMAGE)
    assert second["settings"] == {"engine": "sequential", "device": "auto", "protocol": "pope"}
    (found,), _ = read_runs(place.out, unfinished_runs)
    assert found.facts["engine"] == "shared"
    assert json.loads((place.out / "scores.json").read_text())["protocol"] == "pope"
    html = (place.out / "report.html").read_text()
    assert "<dt>protocol</dt><dd>pope</dd>" in html
    assert "<dt>engine</dt><dd>shared</dd>" in html


def test_each_start_that_asks_is_told_apart(place: Place) -> None:
    place.start(engine="sequential", verify=1)
    manifest = place.manifest
    assert manifest["settings"]["engine"] == "shared"
    assert [(start["resumed"], start["asked"]) for start in manifest["starts"]] == [(0, 16), (16, 16)]
    second = manifest["starts"][1]
    assert second["settings"] == {"engine": "sequential", "limit": None}
    assert second["device"]["name"] == "cpu"
    assert second["versions"] == manifest["versions"]
    (found,), _ = read_runs(place.out, unfinished_runs)
    assert (found.facts["engine"], found.facts["limit"]) == ("shared, sequential", "2, not set")
    html = (place.out / "report.html").read_text()
    for engine in ("shared", "sequential"):
        assert f"16 questions asked, engine {engine}, cpu, torch " in html


def test_a_start_that_was_killed_has_what_it_asked_told_by_the_next(place: Place) -> None:
    manifest = place.manifest
    del manifest["starts"][0]["asked"]
    (place.out / "manifest.json").write_text(json.dumps(manifest | {"status": "running"}))
    place.start(limit=3)
    assert [start["asked"] for start in place.manifest["starts"]] == [16, 8]


def test_other_labels_replace_no_scores(place: Place) -> None:
    before = (place.out / "scores.json").read_bytes(), (place.out / "manifest.json").read_bytes()
    refusal = place.refusal(bench={"relabels": None}, limit=2)
    assert refusal.startswith(
        f"give another out=, such as out={place.out}-2, or have the command score make figures of the answers there, "
        f"with answers={place.out / 'answers.jsonl'}: {place.out} is of other questions or labels, relabels.jsonl ("
    )
    assert refusal.endswith(") there and no other file here")
    swapped = {"questions": place.bench.relabels, "relabels": place.bench.questions}
    assert place.refusal(bench=swapped).endswith("or labels, the same files in another order")
    assert ((place.out / "scores.json").read_bytes(), (place.out / "manifest.json").read_bytes()) == before
    place.forget("benchmark")
    place.start(bench={"relabels": None}, limit=2)
    assert "is of other questions or labels" in place.refusal()


def test_the_same_labels_in_files_of_other_names_are_the_same(place: Place) -> None:
    shutil.move(place.path / "questions.jsonl", place.path / "renamed.jsonl")
    place.start(bench={"questions": str(place.path / "renamed.jsonl")}, limit=2)


def test_scores_of_foreign_answers_are_of_one_benchmark_too(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.out)
    out = place.path / "scored"
    settings = ScoreSettings(bench=place.bench, answers="answers.jsonl", out=str(out))
    score_answers(settings, "the command")
    manifest = (out / "manifest.json").read_bytes()
    with pytest.raises(RepopeError, match=r"scored is of other questions or labels, relabels\.jsonl"):
        score_answers(
            dataclasses.replace(settings, bench=dataclasses.replace(place.bench, relabels=None)), "again"
        )
    assert (out / "manifest.json").read_bytes() == manifest
    score_answers(dataclasses.replace(settings, protocol="pope"), "again")
    assert json.loads((out / "manifest.json").read_text())["command"] == "again"
    monkeypatch.chdir(place.path)
    shutil.copy(place.out / "answers.jsonl", place.path)
    with pytest.raises(RepopeError, match=f"answers is '{place.out}/answers.jsonl' there and '{place.path}/"):
        score_answers(settings, "another file of that name")
