"""`audit` and `estimate` through the command line, on runs of the demo: what is doubted, and what it comes to."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import CommandLine
from run_folders import answer_lines, demo, write_run

from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.commands.audit import execute
from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question
from repope_eval.scoring.protocol_scores import CellScores, score
from repope_eval.settings.command_settings import AuditSettings

MODELS = {"steady": (0.05, 1), "hasty": (0.15, 2)}
"""How often each model errs against RePOPE's labels, and the seed of its errors."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for name, (wrong, seed) in MODELS.items():
        write_run(folder / name, demo(), name, answer_lines(demo(), wrong, seed))
    return folder


@pytest.fixture
def queue(runs: Path, command_line: CommandLine, tmp_path: Path) -> Path:
    out = tmp_path / "audit"
    words = ("audit", f"runs={runs}", "bench=demo", "budget=100", "sample=200")
    result = command_line(*words, f"out={out}")
    assert result.returncode == 0, result.stderr
    certain = sum(line["p_sampled"] == 1 for line in lines_of(out / "queue.jsonl"))
    assert 100 <= certain < 200
    assert (
        f"People are to look at 300: {certain} for certain, the most doubtful or those that would "
        f"change most, and {300 - certain} drawn from the "
        f"other {1026 - certain}, the more often the more doubtful a label is and the more it would change."
    ) in result.stderr
    return out / "queue.jsonl"


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def true_labels() -> dict[tuple[str, str], str]:
    """RePOPE's labels of the demo; a question that they lack is ambiguous."""
    pope, repope = (label_set.distinct for label_set in demo().label_sets)
    words = {True: "yes", False: "no", None: "ambiguous"}
    return {(question.image, question.text): words[repope.get(question)] for question in pope}


def write_labels(path: Path, queue: Path, share: float = 1) -> Path:
    """What an annotator who is always right writes about the first part of the questions to be looked at."""
    true = true_labels()
    asked = [line for line in lines_of(queue) if line["sampled"]]
    rows = [
        {
            "image": line["image"],
            "question": line["question"],
            "label": true[line["image"], line["question"]],
            "annotator": "first",
            "at": "2026-01-01T00:00:00+00:00",
            "note": "",
        }
        for line in sorted(asked, key=lambda line: line["question"] + line["image"])
    ]
    kept = rows[: round(share * len(rows))]
    path.write_text("".join(json.dumps(row) + "\n" for row in kept))
    return path


def test_the_queue_has_all_questions_and_the_most_doubtful_first(queue: Path) -> None:
    lines = lines_of(queue)
    assert len(lines) == 1026
    assert [line["score"] for line in lines] == sorted((line["score"] for line in lines), reverse=True)
    assert sum(line["sampled"] for line in lines) == 300
    assert sum(line["p_sampled"] for line in lines) == pytest.approx(300)
    assert all(line["sampled"] for line in lines if line["p_sampled"] == 1)
    true = true_labels()
    wrong = [line["label"] != true[line["image"], line["question"]] for line in lines]
    assert sum(wrong[:100]) > 0.5 * sum(wrong) * 0.9
    assert sum(wrong[:100]) > 3 * sum(wrong[500:600])


def test_a_queue_that_people_are_at_is_not_replaced(
    queue: Path, runs: Path, command_line: CommandLine
) -> None:
    before = queue.read_bytes()
    result = command_line("audit", f"runs={runs}", "bench=demo", f"out={queue.parent}")
    assert result.returncode == 1
    assert f"{queue}" in result.stderr
    assert queue.read_bytes() == before


def test_the_page_shows_the_first_of_the_queue_and_the_command_that_goes_on(queue: Path) -> None:
    page = queue.with_name("queue.html").read_text()
    first = lines_of(queue)[0]
    shown = page.split("<b>1.</b>")[0].rpartition("<li>")[2], page.split("<b>1.</b>")[1].split("<b>2.</b>")[0]
    assert first["image"] in shown[0]
    assert "data:image/webp" in shown[0]
    assert f'<span class="said">{first["question"]}</span>' in shown[1]
    assert f"label {first['label']}" in shown[1]
    assert "2 of 2 models say" in shown[1]
    assert (
        f'<pre class="selected">python -m repope_eval annotate questions={queue} images={DEMO_FOLDER / "images"} '
        f"annotator=NAME out={queue.with_name('NAME.jsonl')}</pre>"
    ) in page


@pytest.mark.parametrize("name", ["queue.jsonl", "queue.html"])
def test_neither_file_of_others_nor_a_link_is_replaced(
    name: str, runs: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    out = tmp_path / "audit"
    out.mkdir()
    (out / name).symlink_to(tmp_path / "nowhere")
    result = command_line("audit", f"runs={runs}", "bench=demo", f"out={out}")
    assert result.returncode == 1
    assert result.stderr == f"out={out}: {out / name} exists; remove it or choose another out=\n"
    assert [path.name for path in out.iterdir()] == [name]


def test_no_queue_is_left_where_its_page_cannot_be_written(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be in the way of the same command."""

    def fails(path: Path, text: str) -> None:
        raise RepopeError(f"{path}: cannot be written (No space left on device); choose another place")

    monkeypatch.setattr("repope_eval.commands.audit.write_text", fails)
    with pytest.raises(RepopeError, match="No space left on device"):
        execute(AuditSettings(runs=str(runs), out=str(tmp_path / "audit")), "")
    assert list((tmp_path / "audit").iterdir()) == []


def test_images_that_are_not_here_are_told(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("repope_eval.commands.audit.find_local_images", lambda *_: {})
    execute(AuditSettings(runs=str(runs), out=str(tmp_path / "audit")), "")
    (message,) = caplog.messages
    assert message.startswith(
        "100 images of 100 not on this machine, so the page has no picture of them: scene_"
    )
    assert message.endswith("; bench.images=FOLDER says where they lie")
    page = (tmp_path / "audit" / "queue.html").read_text()
    assert "No picture is shown: the images are not on this machine" in page
    assert "images=FOLDER annotator=NAME" in page


def test_scores_are_estimated_from_what_was_looked_at(
    queue: Path, runs: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    labels = write_labels(tmp_path / "first.jsonl", queue)
    out = tmp_path / "estimates"
    words = ("estimate", f"runs={runs}", "bench=demo", f"queue={queue}", f"labels={labels}", f"out={out}")
    result = command_line(*words)
    assert result.returncode == 0, result.stderr
    assert "200 further drawn labels would narrow it to about" in result.stderr
    found = json.loads((out / "estimates.json").read_text())["runs"]
    assert set(found) == set(MODELS)
    page = (out / "estimates.html").read_text()
    assert "From 300 of 1,026 questions that people looked at" in page
    assert all(f"{100 * found[name]['mean']['f1']['estimate']:.1f}<small>" in page for name in MODELS)
    for name, (wrong, seed) in MODELS.items():
        old = demo_scores(name, wrong, seed)["pope"]["mean"].estimates["f1"]
        cell = found[name]["mean"]["f1"]
        assert (cell["old"], cell["old_ci95"]) == (old.value, list(old.interval or ()))
        assert cell["change"] == cell["estimate"] - cell["old"]
        truth = true_scores(name, wrong, seed)
        assert list(found[name]) == ["random", "popular", "adversarial", "mean"]
        assert set(found[name]["mean"]) == {"f1", "precision", "recall", "accuracy"}
        for figure, value in truth.items():
            cell = found[name]["mean"][figure]
            assert cell["estimate"] == pytest.approx(value, abs=0.05)
            assert cell["ci95"][0] < cell["estimate"] < cell["ci95"][1]
            assert cell["ci95"][0] - 0.02 < value < cell["ci95"][1] + 0.02


def demo_scores(name: str, wrong: float, seed: int) -> Mapping[str, Mapping[str, CellScores]]:
    """What a model comes to under all labels, as the page of its run has it."""
    benchmark = demo()
    by_key = {(each.image, each.text): each for each in benchmark.questions}
    answers: dict[Question, Answer] = {}
    for line in answer_lines(benchmark, wrong, seed):
        each = by_key[line["image"], line["question"]]
        answers[each] = Answer(each, line["response"])
    return score(name, "demo", benchmark.label_sets, answers, "repope").cells


def true_scores(name: str, wrong: float, seed: int) -> dict[str, float]:
    figures = demo_scores(name, wrong, seed)["repope"]["mean"].figures
    return {figure: getattr(figures, figure) for figure in ("f1", "precision", "recall", "accuracy")}


def test_a_part_of_the_labels_will_do_and_all_of_them_are_exact(
    queue: Path, runs: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    half = write_labels(tmp_path / "half.jsonl", queue, 0.5)
    words = ("estimate", f"runs={runs}", "bench=demo", f"queue={queue}")
    result = command_line(*words, f"labels={half}", f"out={tmp_path / 'half'}")
    assert result.returncode == 0, result.stderr
    whole = tmp_path / "whole"
    everything = ("audit", f"runs={runs}", "bench=demo", "budget=2000", f"out={whole}")
    assert command_line(*everything).returncode == 0
    labels = write_labels(tmp_path / "all.jsonl", whole / "queue.jsonl")
    words = ("estimate", f"runs={runs}", "bench=demo", f"queue={whole / 'queue.jsonl'}", f"labels={labels}")
    assert command_line(*words, f"out={whole}").returncode == 0
    found = json.loads((whole / "estimates.json").read_text())["runs"]["steady"]["mean"]
    for figure, value in true_scores("steady", *MODELS["steady"]).items():
        assert found[figure]["estimate"] == pytest.approx(value, abs=1e-12)
        assert found[figure]["ci95"] == pytest.approx([value, value], abs=1e-12)


def test_what_a_file_in_popes_format_or_a_relabelled_queue_lacks_widens_the_intervals(
    queue: Path, runs: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    """What relabel wrote: the same estimates as from the annotator's file, which says that the rest is ambiguous."""
    labels = write_labels(tmp_path / "first.jsonl", queue)
    rows = [
        {"question_id": number, "image": line["image"], "text": line["question"], "label": line["label"]}
        for number, line in enumerate(lines_of(labels))
        if line["label"] != "ambiguous"
    ]
    relabelled = tmp_path / "relabelled.jsonl"
    relabelled.write_text("".join(json.dumps(row) + "\n" for row in rows))
    by_question = {(row["image"], row["text"]): row["label"] for row in rows}
    queued = [
        line | {"label": by_question[line["image"], line["question"]]}
        for line in lines_of(queue)
        if (line["image"], line["question"]) in by_question
    ]
    relabelled_queue = tmp_path / "relabelled_queue.jsonl"
    relabelled_queue.write_text("".join(json.dumps(line) + "\n" for line in queued))
    words = ("estimate", f"runs={runs}", "bench=demo", f"queue={queue}")
    documents = []
    for path in (labels, relabelled, relabelled_queue):
        result = command_line(*words, f"labels={path}", f"out={tmp_path / path.stem}")
        assert result.returncode == 0, result.stderr
        documents.append(json.loads((tmp_path / path.stem / "estimates.json").read_text()))
    known, *without = documents
    assert without[0] == without[1]
    n_missing = 300 - len(rows)
    assert (known["n_missing"], without[0]["n_missing"], known["n_looked"]) == (0, n_missing, 300)
    told = f"Without a label, be it as ambiguous, in dispute or not looked at: {n_missing} of the 300."
    assert told in result.stderr
    assert told in (tmp_path / path.stem / "estimates.html").read_text()
    exact, wider = (each["runs"]["steady"]["mean"]["f1"] for each in (known, without[0]))
    assert exact["estimate"] == wider["estimate"]
    assert wider["ci95"][0] < exact["ci95"][0] < exact["ci95"][1] < wider["ci95"][1]


def test_disputes_widen_what_is_estimated_and_are_told(
    queue: Path, runs: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    labels = write_labels(tmp_path / "settled.jsonl", queue)
    lines = [{name: line[name] for name in ("image", "question", "label")} for line in lines_of(labels)]
    open_ones = [line | {"label": None, "disputed": True} for line in lines[:12]]
    disputed = tmp_path / "disputed.jsonl"
    disputed.write_text("".join(json.dumps(line) + "\n" for line in [*open_ones, *lines[12:]]))
    cells = []
    for path in (labels, disputed):
        words = (f"queue={queue}", f"labels={path}", f"out={tmp_path / path.stem}")
        result = command_line("estimate", f"runs={runs}", "bench=demo", *words)
        assert result.returncode == 0, result.stderr
        document = json.loads((tmp_path / path.stem / "estimates.json").read_text())
        cells.append(document["runs"]["hasty"]["mean"]["f1"])
    assert (document["n_looked"], document["n_disputed"], document["n_missing"]) == (300, 12, 0)
    told = (
        "In dispute: 12 of the 300 looked at. They count nowhere, as ambiguous ones, but the intervals hold"
    )
    assert told in result.stderr
    assert told in (tmp_path / "disputed" / "estimates.html").read_text()
    settled, widened = cells
    assert widened["ci95"][0] < settled["ci95"][0] < settled["ci95"][1] < widened["ci95"][1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda line: {**line, "question": "Is it late?"},
            r"labels=.*: (\d+) of \1 labels are of questions",
        ),
        (
            lambda line: {**line, "label": "maybe"},
            "line 1: the label is 'maybe'; allowed are yes, no, ambiguous",
        ),
        (
            lambda line: {**line, "label": None},
            "none of the 131 questions that the queue has for certain is labelled",
        ),
        (lambda line: {"image": line["image"], "label": "yes"}, "line 1: lacks text"),
    ],
)
def test_labels_of_something_else_are_refused(
    change: Any, message: str, queue: Path, runs: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    import re

    labels = write_labels(tmp_path / "first.jsonl", queue)
    labels.write_text("".join(json.dumps(change(line)) + "\n" for line in lines_of(labels)))
    words = ("estimate", f"runs={runs}", "bench=demo", f"queue={queue}", f"labels={labels}")
    result = command_line(*words, f"out={tmp_path / 'out'}")
    assert result.returncode == 1
    (line,) = result.stderr.strip().splitlines()
    assert re.search(message, line), line


def test_a_queue_of_another_benchmark_is_refused(
    queue: Path, runs: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    labels = write_labels(tmp_path / "first.jsonl", queue)
    lines = lines_of(queue)
    lines[3]["image"] = "another.png"
    queue.write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ("estimate", f"runs={runs}", "bench=demo", f"queue={queue}", f"labels={labels}")
    result = command_line(*words, f"out={tmp_path / 'out'}")
    assert result.returncode == 1
    assert "1,025 are among the 1,026 of demo with their labels, first " in result.stderr
    assert "about another.png; give the queue that audit wrote of it" in result.stderr


def test_without_runs_there_is_nothing_to_audit(command_line: CommandLine, tmp_path: Path) -> None:
    result = command_line("audit", f"runs={tmp_path / 'none'}", "bench=demo")
    assert result.stderr.startswith(f"runs={tmp_path / 'none'}: no such folder")
    (tmp_path / "none").mkdir()
    result = command_line("audit", f"runs={tmp_path / 'none'}", "bench=demo")
    assert "holds no run folder" in result.stderr
    assert not (tmp_path / "work" / "audit").exists()


def test_a_copy_of_a_run_has_no_vote(runs: Path, command_line: CommandLine, tmp_path: Path) -> None:
    """A folder that lay there twice counted twice, and two of three outvoted the third."""
    twice = Path(shutil.copytree(runs, tmp_path / "runs"))
    shutil.copytree(runs / "hasty", twice / "theirs")
    lines = (twice / "theirs" / "answers.jsonl").read_text().splitlines(keepends=True)
    (twice / "theirs" / "answers.jsonl").write_text("".join(reversed(lines)))
    words = ("audit", "bench=demo", "budget=100", "sample=200")
    once = command_line(*words, f"runs={runs}", "out=once")
    again = command_line(*words, f"runs={twice}", "out=again")
    assert (once.returncode, again.returncode) == (0, 0), again.stderr
    assert again.stderr.startswith("theirs has the same answers as hasty, so it is left out\n")
    queues = [(tmp_path / "work" / out / "queue.jsonl").read_text() for out in ("once", "again")]
    assert queues[0] == queues[1]
    assert again.stdout.count("hasty") == 1
    assert "theirs" not in again.stdout


def test_a_run_that_is_not_read_has_no_rates(runs: Path, command_line: CommandLine, tmp_path: Path) -> None:
    there = Path(shutil.copytree(runs, tmp_path / "runs"))
    unread = (there / "hasty" / "answers.jsonl").read_text()
    (there / "hasty" / "answers.jsonl").write_text(
        re.sub(r'"response": "[^"]*"', '"response": "Unclear"', unread)
    )
    words = ("audit", "bench=demo", "budget=100", "sample=200", f"runs={there}")
    result = command_line(*words, "out=audit")
    assert result.returncode == 0, result.stderr
    assert result.stderr.startswith("hasty has no answer that reads as yes or no, so it is left out\n")
    assert "hasty" not in result.stdout
    for folder in there.iterdir():
        if folder.name != "hasty":
            shutil.rmtree(folder)
    result = command_line(*words, "out=none")
    assert result.returncode == 1
    assert "protocol=repope: reads no answer of these runs as yes or no; try another" in result.stderr
