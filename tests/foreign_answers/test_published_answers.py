"""A real model's answers, made for an older POPE, scored against both label sets: known counts and figures."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import PROJECT, RUN_FILES, CommandLine, visible_files
from real_answers import VARIANTS, benchmark, joined, published
from score_examples import CELL_KEYS

from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.formats import join_file
from repope_eval.scoring.confusion import Figures
from repope_eval.scoring.protocol_scores import score
from repope_eval.settings.config import ColumnSettings
from repope_eval.system.json_files import read_rows
from repope_eval.system.rows import RowFile

DOCUMENTATION = PROJECT / "docs"

#             no answer, TP, FP, TN, FN, precision, recall, F1
EXPECTED = {
    ("random", "pope"): (228, 1150, 28, 1288, 306, "0.9762", "0.7898", "0.8732"),
    ("random", "repope"): (221, 1002, 49, 1375, 127, "0.9534", "0.8875", "0.9193"),
    ("popular", "pope"): (44, 1150, 59, 1441, 306, "0.9512", "0.7898", "0.8630"),
    ("popular", "repope"): (41, 1009, 64, 1458, 155, "0.9404", "0.8668", "0.9021"),
    ("adversarial", "pope"): (58, 1150, 116, 1370, 306, "0.9084", "0.7898", "0.8450"),
    ("adversarial", "repope"): (55, 1009, 104, 1367, 149, "0.9066", "0.8713", "0.8886"),
}
EXPECTED_WITH_MISSPELT = {
    ("random", "pope"): (84, 1182, 31, 1385, 318, "0.9744", "0.7880", "0.8714"),
    ("random", "repope"): (82, 1030, 53, 1480, 129, "0.9511", "0.8887", "0.9188"),
    ("popular", "pope"): (0, 1182, 59, 1441, 318, "0.9525", "0.7880", "0.8625"),
    ("popular", "repope"): (0, 1036, 67, 1467, 157, "0.9393", "0.8684", "0.9024"),
    ("adversarial", "pope"): (0, 1182, 117, 1383, 318, "0.9099", "0.7880", "0.8446"),
    ("adversarial", "repope"): (0, 1036, 108, 1389, 151, "0.9056", "0.8728", "0.8889"),
}
"""The same with the rows whose question is spelt as POPE's older files had it."""


def row(cell: Figures) -> tuple[object, ...]:
    ratios = (f"{ratio:.4f}" for ratio in (cell.precision, cell.recall, cell.f1))
    return (cell.n_questions - cell.n_answered, cell.tp, cell.fp, cell.tn, cell.fn, *ratios)


def test_every_published_count_and_figure_is_reproduced(shared: Path) -> None:
    questions = benchmark(shared)
    found = joined(shared, questions)
    cells = score("llava-v1.5-13b", "repope", questions.label_sets, found.answers, "repope").cells
    assert {(v, name): row(cells[name][v].figures) for v, name in EXPECTED} == EXPECTED
    assert all(cells[name][variant].figures.n_unparsed == 0 for variant, name in EXPECTED)


def test_questions_that_older_files_lack_have_no_answer(shared: Path) -> None:
    found = joined(shared, benchmark(shared))
    assert (found.n_rows, len(found.answers), len(found.unjoined), found.n_conflicts) == (8664, 4885, 0, 0)


def test_rows_in_the_spelling_of_the_older_files_are_joined(shared: Path) -> None:
    questions = benchmark(shared)
    found = joined(shared, questions, misspelt=True)
    assert (found.n_rows, len(found.answers), found.unjoined) == (8910, 5043, ())
    assert found.n_misspelt == 246
    cells = score("llava-v1.5-13b", "repope", questions.label_sets, found.answers, "repope").cells
    assert {(v, name): row(cells[name][v].figures) for v, name in EXPECTED} == EXPECTED_WITH_MISSPELT


def test_ids_of_the_older_questions_are_not_taken_for_todays(shared: Path) -> None:
    answer_file, _ = published(shared)
    whole = benchmark(shared)
    one = replace(whole, ids={"adversarial": whole.ids["adversarial"]})
    with pytest.raises(RepopeError, match=re.escape("(an older POPE?), so give questions=FILE")):
        join_file(RowFile(where="answers", rows=read_rows(answer_file)), ColumnSettings(), one, None)


def test_the_command_scores_them_without_torch(
    shared: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    answer_file, question_file = published(shared)
    run = tmp_path / "run"
    result = command_line(
        "score",
        f"answers={answer_file}",
        f"questions={question_file}",
        "bench=repope",
        f"bench.annotations={shared / 'annotations'}",
        f"data_dir={tmp_path}",
        f"out={run}",
        PYTHONPROFILEIMPORTTIME="1",
    )
    assert result.returncode == 0, result.stderr[-2000:]
    imported = set(re.findall(r"\| +([\w.]+)$", result.stderr, re.MULTILINE))
    assert "repope_eval.scoring.confusion" in imported
    assert not {name for name in imported if name.split(".")[0] in ("torch", "transformers", "datasets")}
    assert visible_files(run) == RUN_FILES
    document = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    assert (document["model"], document["bench"], document["protocol"]) == (
        "llava-v1.5-13b",
        "repope",
        "repope",
    )
    for label_set in ("pope", "repope"):
        assert list(document["scores"][label_set]) == [*VARIANTS, "mean"]
        assert all(set(cell) == CELL_KEYS for cell in document["scores"][label_set].values())
    for (variant, label_set), expected in EXPECTED_WITH_MISSPELT.items():
        cell = document["scores"][label_set][variant]
        assert (
            cell["n_questions"] - cell["n_answered"],
            *(cell[n] for n in ("tp", "fp", "tn", "fn")),
        ) == expected[:5]
        ratios = [cell[name] for name in ("precision", "recall", "f1")]
        assert tuple(f"{ratio:.4f}" for ratio in ratios) == expected[5:]
        assert all(f" {100 * ratio:.1f}" in result.stdout for ratio in ratios)
    answers = read_rows(run / "answers.jsonl")
    assert len(answers) == 5043
    assert set(answers[0]) == {"image", "question", "response", "n_tokens", "p_yes", "p_no"}
    assert len({(answer["image"], answer["question"]) for answer in answers}) == 5043
    assert json.loads((run / "manifest.json").read_text(encoding="utf-8"))["status"] == "complete"
    assert '246 rows with image spelt "imange"' in result.stderr
    explained = " ".join((DOCUMENTATION / "concepts" / "relabelling.md").read_text(encoding="utf-8").split())
    random_ones = {name: f"{100 * value:.1f} %" for name, value in document["ambiguous"]["random"].items()}
    assert (
        "F1 on random is {removed} without them, {all_no} if all of them are taken for no, {all_yes} if for yes, "
        "and {lowest} to {highest} whatever each of them is.".format(**random_ones)
    ) in explained
    page = (run / "report.html").read_text(encoding="utf-8")
    assert page.count("<script") == 1  # the page's own
