"""The whole way of a mention that nobody has judged: `audit`, two people's labels, `relabel`, and narrower bounds."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from coco_examples import write_shared_truth
from conftest import CommandLine
from test_mentions import CHAIR

from repope_eval.captions.coco_files import image_name
from repope_eval.commands import annotate
from repope_eval.records import Label
from repope_eval.settings.command_settings import AnnotateSettings

ANNOTATIONS = CHAIR.parent / "annotations"
NAMES = ("greedy", "beam5")
N_CAPTIONS = 60

pytestmark = pytest.mark.skipif(
    not (CHAIR.is_dir() and ANNOTATIONS.is_dir()),
    reason=f"{CHAIR} or {ANNOTATIONS} is not here: public captions with COCO's truth, and RePOPE's files",
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RePOPE's files, and files of COCO's format with the truth of the images that occur here."""
    folder = tmp_path_factory.mktemp("data")
    write_shared_truth(CHAIR.parent, folder / "annotations")
    return folder


def called(command_line: CommandLine, *words: str) -> str:
    """What a command that succeeds says."""
    result = command_line(*words)
    assert result.returncode == 0, result.stderr
    return result.stderr


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def published_captions(name: str) -> list[str]:
    """Lines of captions, those of images that RePOPE has verdicts of first."""
    lines = (CHAIR / "captions" / f"opera_llava15_{name}.jsonl").read_text().splitlines()
    judged = {line["image"] for line in lines_of(ANNOTATIONS / "coco_pope_random.json")}
    return sorted(lines, key=lambda line: image_name(json.loads(line)["image_id"]) not in judged)


@pytest.fixture
def runs(command_line: CommandLine, data_dir: Path, tmp_path: Path) -> Path:
    """Two runs of captions; the second describes fewer images."""
    for place, name in enumerate(NAMES):
        answers = tmp_path / f"{name}.jsonl"
        answers.write_text("\n".join(published_captions(name)[: N_CAPTIONS // (1 + place)]))
        out = tmp_path / "runs" / name
        words = ("score", "bench=chair", f"data_dir={data_dir}", f"answers={answers}", f"out={out}")
        called(command_line, *words)
    return tmp_path / "runs"


def label_of(line: dict[str, Any]) -> Label:
    """What people find: mostly what COCO says, at times the opposite, and that some cannot be decided."""
    place = sum(map(ord, line["image"] + line["question"])) % 5
    old: Label = line["label"]
    other: Label = "yes" if old == "no" else "no"
    return other if place == 0 else "ambiguous" if place == 1 else old


def write_labels(path: Path, lines: Sequence[dict[str, Any]]) -> Path:
    """Labels as `annotate` writes them."""
    rows = [
        {
            "image": line["image"],
            "question": line["question"],
            "label": label_of(line),
            "annotator": path.stem,
            "at": "2026-01-01T00:00:00+00:00",
            "note": "",
        }
        for line in lines
        if line["sampled"]
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def relabelled(command_line: CommandLine, queue: Path) -> Path:
    """The labels of the questions of a queue that are to be looked at."""
    first, second = (write_labels(queue.with_name(f"{name}.jsonl"), lines_of(queue)) for name in ("a", "b"))
    out = queue.with_name("relabelled.jsonl")
    called(command_line, "relabel", f"questions={queue}", f"annotators=[{first},{second}]", f"out={out}")
    return queue.with_name("relabelled_labels.jsonl")


def captions_of(run: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((run / "scores.json").read_text())["captions"]["describe"]
    return document


def not_judged(run: Path) -> int:
    return sum(of_found["not_judged"] for of_found in captions_of(run)["mentions"].values())


def test_labels_of_people_narrow_the_bounds(
    command_line: CommandLine, data_dir: Path, runs: Path, tmp_path: Path
) -> None:
    data = f"data_dir={data_dir}"
    audit = ("audit", f"runs={runs}", "bench=chair", data, "budget=30", "sample=10")
    said = called(command_line, *audit, f"out={tmp_path / 'audit'}")
    assert (
        "People are to look at 40: 30 for certain, the most doubtful or those that would change most, and 10 drawn"
        in said
    )
    labels = relabelled(command_line, tmp_path / "audit" / "queue.jsonl")
    before, after = runs / NAMES[0], tmp_path / "after"
    answers = before / "answers.jsonl"
    words = ("score", f"answers={answers}", "bench=chair", data, f"bench.relabels={labels}", f"out={after}")
    called(command_line, *words)

    assert not_judged(after) < not_judged(before)
    for name in ("chair_i", "chair_s"):
        old, new = captions_of(before)["bounds"][name], captions_of(after)["bounds"][name]
        lowest, highest = old["lowest"]["value"], old["highest"]["value"]
        assert lowest <= new["lowest"]["value"] <= new["highest"]["value"] <= highest
        assert new["highest"]["value"] - new["lowest"]["value"] < highest - lowest
    assert captions_of(after)["scores"]["coco"] == captions_of(before)["scores"]["coco"]

    page = (after / "report.html").read_text()
    verdicts = json.loads((after / "scores.json").read_text())["verdicts"]
    counts = verdicts["RePOPE"], verdicts["people's labels in relabelled_labels.jsonl"]
    assert (
        "there are {} of RePOPE and {} of people&#39;s labels in relabelled_labels.jsonl, which count where both have "
        "one. ".format(*counts)
    ) in page
    assert "the corrected values are no estimate of what judging all would give" in page
    assert "What the verdicts correct" in page
    assert "What RePOPE corrects" in (before / "report.html").read_text()
    about = {line["image"] for line in lines_of(before / "answers.jsonl")}
    assert counts[1] == sum(line["image"] in about for line in lines_of(labels))

    # What people have judged is not asked again.
    called(command_line, *audit, f"bench.relabels={labels}", f"out={tmp_path / 'again'}")
    asked, again = (
        {(line["image"], line["question"]) for line in lines_of(tmp_path / name / "queue.jsonl")}
        for name in ("audit", "again")
    )
    assert again == asked - {(line["image"], line["question"]) for line in lines_of(labels)}


def test_runs_scored_by_several_files_of_labels_do_not_say_which_counts(
    command_line: CommandLine, data_dir: Path, runs: Path, tmp_path: Path
) -> None:
    data = f"data_dir={data_dir}"
    audit = ("audit", f"runs={runs}", data, "budget=5", "sample=0")
    called(command_line, *audit, f"out={tmp_path / 'audit'}")
    labels = relabelled(command_line, tmp_path / "audit" / "queue.jsonl")
    others = labels.with_name("others.jsonl")
    others.write_bytes(labels.read_bytes())
    for path in (labels, others):
        answers = f"answers={runs / NAMES[0] / 'answers.jsonl'}"
        words = (answers, f"bench.relabels={path}", f"out={runs / path.stem}")
        called(command_line, "score", "bench=chair", data, *words)
    result = command_line(*audit, f"out={tmp_path / 'again'}")
    assert result.returncode == 1
    assert "people's labels in " in result.stderr
    assert "give bench.relabels=FILE with those that count" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_page_has_the_sentences_and_whose_they_are(
    command_line: CommandLine, data_dir: Path, runs: Path, tmp_path: Path
) -> None:
    called(command_line, "audit", f"runs={runs}", f"data_dir={data_dir}", f"out={tmp_path / 'audit'}")
    page = (tmp_path / "audit" / "queue.html").read_text()
    first = lines_of(tmp_path / "audit" / "queue.jsonl")[0]
    item = page.split("<b>1.</b>")[1].split("<b>2.</b>")[0]
    assert f'<span class="said">{first["question"]}</span>' in item
    assert "COCO does not have it" in item
    assert first["label"] == "no"
    assert "2 of 2 models that describe the image mention it" in item
    assert "<mark>" in item
    assert all(f"{name}" in item for name in NAMES)


def test_the_same_folder_of_scores_is_not_scored_by_other_labels(
    command_line: CommandLine, data_dir: Path, runs: Path, tmp_path: Path
) -> None:
    """Its page says what its manifest says; another folder keeps both to be compared."""
    data = f"data_dir={data_dir}"
    called(command_line, "audit", f"runs={runs}", data, "budget=5", "sample=0", f"out={tmp_path / 'audit'}")
    labels = relabelled(command_line, tmp_path / "audit" / "queue.jsonl")
    out = runs / NAMES[0]
    words = (f"answers={tmp_path / 'greedy.jsonl'}", f"bench.relabels={labels}", f"out={out}")
    result = command_line("score", "bench=chair", data, *words)
    assert result.returncode == 1
    assert f"{out} is of other questions or labels, no other file there and relabelled_labels.jsonl (" in (
        result.stderr
    )
    assert f"answers={out / 'answers.jsonl'}" in result.stderr


def test_a_few_labels_tell_what_chair_would_be_with_all(
    command_line: CommandLine, data_dir: Path, runs: Path, tmp_path: Path
) -> None:
    """An estimate from drawn labels, and from all of them, which is the figure of the corrected truth."""
    data = f"data_dir={data_dir}"
    shared = (f"runs={runs}", data)
    intervals = {}
    for name, sizes in {"few": ("budget=40", "sample=60"), "all": ("budget=10000", "sample=0")}.items():
        audit = tmp_path / name
        called(command_line, "audit", *shared, *sizes, f"out={audit}")
        labels = relabelled(command_line, audit / "queue.jsonl")
        words = (
            f"labels={labels}",
            f"queue={audit / 'queue.jsonl'}",
            f"out={tmp_path / f'estimates_{name}'}",
        )
        said = called(command_line, "estimate", *shared, *words)
        document = json.loads((tmp_path / f"estimates_{name}" / "estimates.json").read_text())
        intervals[name] = document["runs"][NAMES[0]]["captions"]["chair_i"]
        assert document["protocol"] is None
        assert set(document["runs"]) == set(NAMES)
    assert "Nothing is estimated, since people looked at every question" in said
    few, every = intervals["few"], intervals["all"]
    assert few["ci95"][0] <= every["estimate"] <= few["ci95"][1]
    assert every["ci95"] == [every["estimate"], every["estimate"]]

    answers = f"answers={runs / NAMES[0] / 'answers.jsonl'}"
    relabels = f"bench.relabels={tmp_path / 'all' / 'relabelled_labels.jsonl'}"
    called(command_line, "score", "bench=chair", data, answers, relabels, f"out={tmp_path / 'after'}")
    corrected = captions_of(tmp_path / "after")["scores"]["corrected"]["estimates"]["chair_i"]["value"]
    assert every["estimate"] == pytest.approx(corrected)
    before = captions_of(runs / NAMES[0])["scores"]["corrected"]["estimates"]["chair_i"]["value"]
    assert every["old"] == pytest.approx(before)
    page = (tmp_path / "estimates_few" / "estimates.html").read_text()
    assert "CHAIRi of greedy" in page
    assert "protocol" not in page.split("<h2>How this was made")[0]


def test_an_annotator_is_told_how_wide_the_interval_of_chair_is(
    command_line: CommandLine, data_dir: Path, runs: Path, tmp_path: Path
) -> None:
    words = (f"runs={runs}", f"data_dir={data_dir}", "budget=40", "sample=60")
    called(command_line, "audit", *words, f"out={tmp_path / 'audit'}")
    queue = tmp_path / "audit" / "queue.jsonl"
    lines = [line for line in lines_of(queue) if line["sampled"]]
    given = AnnotateSettings(
        questions=str(queue),
        images="images",
        annotator="a",
        out="a.jsonl",
        runs=str(runs),
        data_dir=str(data_dir),
        width=0.4,
    )
    narrowing = annotate._narrowing(given)
    assert narrowing is not None
    by_words = {(each.image, each.text): each for each in narrowing.runs.queue}
    labels = {by_words[line["image"], line["question"]]: label_of(line) for line in lines}
    assert re.fullmatch(
        r"With 100 labels CHAIRi's widest 95 % interval \(that of (greedy|beam5)\) is \d+\.\d points wide, no wider "
        r"than the 40\.0 of width=0\.4: you may stop\.",
        narrowing.sentence(labels),
    )


def test_the_queue_of_other_captions_is_refused(
    command_line: CommandLine, data_dir: Path, runs: Path, tmp_path: Path
) -> None:
    data = f"data_dir={data_dir}"
    audit = ("audit", f"runs={runs / NAMES[1]}", data, "budget=20", "sample=20", f"out={tmp_path / 'audit'}")
    called(command_line, *audit)
    queue = tmp_path / "audit" / "queue.jsonl"
    words = (f"labels={relabelled(command_line, queue)}", f"queue={queue}", f"out={tmp_path / 'estimates'}")
    result = command_line("estimate", f"runs={runs}", data, *words)
    assert result.returncode == 1
    assert "that nobody has judged and that the queue does not ask about, first " in result.stderr
    assert "give the queue that audit wrote of these runs" in result.stderr
    assert len(result.stderr.splitlines()) == 1
