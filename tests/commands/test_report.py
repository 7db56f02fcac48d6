"""`report` through the command line."""

import csv
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import CommandLine
from run_folders import answer_lines, demo, write_run

from repope_eval.errors import RepopeError
from repope_eval.leaderboard.report import report
from repope_eval.settings.config import ReportSettings

TABLES = ("standings", "leaderboard", "every_figure", "rank_agreement", "overtakings")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_papers_models_alone(papers_leaderboard: Path) -> None:
    out = papers_leaderboard
    taus = {
        row["variant"]: round(float(row["tau"]), 2) for row in rows(out / "tables" / "rank_agreement.csv")
    }
    assert taus["random"] == 0.25
    assert taus["popular"] == 0.10
    assert taus["adversarial"] == 0.57
    balanced = {row["variant"]: row for row in rows(out / "tables" / "rank_agreement.csv")}
    assert [
        round(float(balanced["random"][f"tau_{f}"]), 2) for f in ("f1_balanced", "balanced_accuracy")
    ] == [*(0.46, 0.37)]
    assert (
        "Of the re-ranking of the paper's models by F1, an estimated 27 % (random), 25 % (popular)"
        in (out / "said").read_text()
    )
    board = rows(out / "tables" / "leaderboard.csv")
    best = sorted(board, key=lambda row: int(row["rank_random_repope"]))[:3]
    assert [(row["model"], f"{float(row['f1_random_repope']):.4f}") for row in best] == [
        ("Ovis2-4B", "0.9591"),
        ("Ovis2-8B", "0.9589"),
        ("InternVL2.5-78B", "0.9553"),
    ]
    document = json.loads((out / "leaderboard.json").read_text())
    assert {model["source"] for model in document["models"]} == {"paper"}
    assert {model["ci95"] for model in document["models"]} == {"binomial approximation"}
    by_figure = {each["variant"]: each["by_figure"] for each in document["agreements"]}
    assert round(by_figure["adversarial"]["balanced_accuracy"]["kendall_tau"], 2) == 0.85
    assert {pair["probability"] for each in document["agreements"] for pair in each["overtakings"]} == {None}
    assert all("no answers" in each["reason_without_probability"] for each in document["agreements"])
    assert {each["ci95"] for each in document["agreements"]} == {None}
    assert "\\textbf{94.2}" in (out / "leaderboard.tex").read_text()
    for table in TABLES:
        for ending in ("csv", "md", "tex"):
            assert (out / "tables" / f"{table}.{ending}").stat().st_size > 0
    for chart in ("counts_mean", "counts_random", "ranking_popular", "precision_recall_adversarial"):
        assert (out / "figures" / f"{chart}.svg").read_bytes().startswith(b"<?xml")
        assert (out / "figures" / f"{chart}.pdf").read_bytes().startswith(b"%PDF")
    page = (out / "leaderboard.html").read_text()
    assert "binomial approximations" in page
    assert "so no probability can be told" in page


def test_runs_of_every_kind(command_line: CommandLine, tmp_path: Path) -> None:
    benchmark, runs = demo(), tmp_path / "runs"
    write_run(runs / "demo" / "a", benchmark, "a_model", answer_lines(benchmark, 0.0, labels=0))
    write_run(runs / "demo" / "b", benchmark, "b_model", answer_lines(benchmark, 0.02))
    write_run(runs / "demo" / "b_again", benchmark, "b_model", answer_lines(benchmark, 0.1, 1)[1:])
    write_run(runs / "demo" / "part", benchmark, "part", answer_lines(benchmark.first_images(5)))
    write_run(
        runs / "old", benchmark, "old", answer_lines(benchmark), lambda manifest: manifest.update(schema=0)
    )
    result = command_line("report", f"runs={runs}", "coverage=0.99")
    assert result.returncode == 0, result.stderr
    assert "left out: old: manifest.json: is of schema 0" in result.stderr
    assert "not ranked: demo/part: has answers about 5 of 100 images" in result.stderr
    assert "3 runs ranked" in result.stderr
    out = runs / "leaderboard"
    document = json.loads((out / "leaderboard.json").read_text())
    assert [model["name"] for model in document["models"]] == [
        "b_model (demo/b)",
        "a_model",
        "b_model (demo/b_again)",
    ]
    assert [model["n_answered"] for model in document["models"]] == [1026, 1026, 1025]
    assert [run["name"] for run in document["unranked"]] == ["part"]
    assert document["left_out"][0]["place"] == "old"
    page = (out / "leaderboard.html").read_text()
    for text in ("1,025 of 1,026", "is of schema 0", "has answers about 5 of 100 images"):
        assert text in page
    differences = rows(out / "tables" / "differences.csv")
    assert len(differences) == 6 * 4 * 2
    tested = [row for row in differences if "part" not in (row["first"], row["second"])]
    assert all(0 < float(row["p"]) <= float(row["p_adjusted"]) <= 1 for row in tested)
    assert {row["why_no_interval"] for row in differences if row not in tested} == {
        "5 images, and an interval takes 100",
        "their answers count alike in every image",
    }
    assert document["primary"] == {"labels": "repope", "variant": "mean"}
    families = [(row["variant"], row["labels"], row["family"]) for row in differences]
    assert families[:6] == [("mean", "RePOPE", "primary")] * 6
    assert {family for *_, family in families[6:]} == {"secondary"}
    told = {
        (name, variant, pair["family"])
        for name, by_variant in document["differences"].items()
        for variant, pairs in by_variant.items()
        for pair in pairs
    }
    assert {cell for cell in told if cell[2] == "primary"} == {("repope", "mean", "primary")}
    assert len(told) == 8
    pair = document["differences"]["repope"]["mean"][0]
    assert pair["n_questions"] > 900
    assert (pair["n_images"], pair["reason"]) == (100, None)
    assert pair["images_for_one_point"] > 0
    best = document["models"][0]
    low, high = best["ranks"]["repope"]["mean"]["joint_ci95_among_runs"]
    assert low <= best["ranks"]["repope"]["mean"]["rank"] <= high
    assert best["scores"]["pope"]["random"]["coverage"]["is_partial"] is False
    assert "1,026 of 1,026" in result.stdout
    assert "over the 1,025 of 1,026 questions that all 3 ranked runs answered" in result.stdout
    assert "100 images show a difference of F1 between two runs" in result.stdout
    assert "This family of pairs is the primary one. 7 others" in result.stdout
    assert "The primary family of pairs is mean under RePOPE; any other is secondary." in page


def test_runs_that_lack_answers_are_compared_and_not_ranked(
    shared: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    """Answers to an older POPE, all of them and a part: 7B was ahead of 13B by the questions that it lacks."""
    answers, questions = (
        shared / "answers" / name for name in ("llava-v1.5-13b.jsonl", "llava-v1.5_questions.jsonl")
    )
    if not answers.is_file():
        pytest.skip(f"{answers} is not there")
    part = tmp_path / "part.jsonl"
    part.write_text("".join(answers.read_text().splitlines(keepends=True)[:3000]))
    for path in (answers, part):
        words = (f"answers={path}", f"questions={questions}", f"data_dir={shared}")
        scored = command_line("score", *words, "bench=repope", f"out={tmp_path / 'runs' / path.stem}")
        assert scored.returncode == 0, scored.stderr
    result = command_line("report", f"runs={tmp_path / 'runs'}", f"data_dir={shared}")
    assert result.returncode == 0, result.stderr
    out = tmp_path / "runs" / "leaderboard"
    document = json.loads((out / "leaderboard.json").read_text())
    assert document["models"] == []
    reasons = {run["name"]: run["reason"] for run in document["unranked"]}
    assert "of 5,127 questions (" in reasons["part"]
    (pair,) = document["differences"]["repope"]["popular"]
    assert {pair["first"], pair["second"]} == {"llava-v1.5-13b", "part"}
    assert (pair["value"], pair["p"]) == (0, None)
    cells = {run["name"]: run["scores"]["repope"]["random"]["coverage"] for run in document["unranked"]}
    assert cells["part"]["is_partial"]
    assert cells["part"]["no"] < 0.2 < cells["part"]["yes"]
    page = (out / "leaderboard.html").read_text()
    assert "†" in page
    assert "†" in result.stdout
    assert 'id="differences"' in page
    assert "No run is ranked" in page


def test_a_second_report_leaves_nothing_of_the_first_and_nothing_else_changes(
    command_line: CommandLine, tmp_path: Path
) -> None:
    benchmark, out = demo(), tmp_path / "out"
    first = write_run(tmp_path / "runs" / "a", benchmark, "a", answer_lines(benchmark))
    second = write_run(tmp_path / "runs" / "b", benchmark, "b", answer_lines(benchmark, 0.2))
    before = {path: path.read_bytes() for path in first.iterdir()}
    assert command_line("report", f"runs={tmp_path / 'runs'}", f"out={out}").returncode == 0
    assert {path: path.read_bytes() for path in first.iterdir()} == before
    assert (out / "tables" / "differences.csv").exists()
    assert (out / "figures" / "ranking_mean.pdf").exists()
    (out / "tables" / "notes.txt").write_text("mine")
    shutil.rmtree(second)
    assert command_line("report", f"runs={tmp_path / 'runs'}", f"out={out}").returncode == 0
    assert not (out / "tables" / "differences.csv").exists()
    assert not (out / "figures" / "ranking_mean.pdf").exists()
    assert (out / "tables" / "notes.txt").exists()


def test_scored_foreign_answers_are_runs_too(command_line: CommandLine, tmp_path: Path) -> None:
    lines = answer_lines(demo(), 0.05)
    (tmp_path / "foreign.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    scored = command_line("score", f"answers={tmp_path / 'foreign.jsonl'}", f"out={tmp_path / 'runs' / 'x'}")
    assert scored.returncode == 0, scored.stderr
    result = command_line("report", f"runs={tmp_path / 'runs'}", f"out={tmp_path / 'out'}")
    assert result.returncode == 0, result.stderr
    (model,) = json.loads((tmp_path / "out" / "leaderboard.json").read_text())["models"]
    scores = json.loads((tmp_path / "runs" / "x" / "scores.json").read_text())["scores"]
    assert model["name"] == "foreign"
    assert model["scores"]["repope"]["mean"]["f1"] == scores["repope"]["mean"]["f1"]
    assert model["scores"]["repope"]["mean"]["ci95"]["f1"] == scores["repope"]["mean"]["ci95"]["f1"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "runs=runs: no such folder"),
        (("runs=.",), "holds no run folder; one is what a run writes"),
        (("reference=papers",), "allowed are none, paper"),
        (("run=x",), "did you mean runs?"),
        (("coverage=95",), "coverage=95.0: must be at most 1"),
    ],
)
def test_mistakes_are_told_in_a_line(words: tuple[str, ...], said: str, command_line: CommandLine) -> None:
    result = command_line("report", *words)
    assert result.returncode == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unwritable_out_is_told_in_a_line(command_line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = command_line("report", "reference=paper", f"out={tmp_path / 'file' / 'out'}")
    assert result.returncode == 1
    assert "choose another out=" in result.stderr
    assert "Traceback" not in result.stderr


def test_runs_that_cannot_be_used_are_all_named(command_line: CommandLine, tmp_path: Path) -> None:
    def old(manifest: dict[str, Any]) -> None:
        manifest["schema"] = 0

    write_run(tmp_path / "runs" / "a", demo(), "a", [], old)
    result = command_line("report", f"runs={tmp_path / 'runs'}")
    assert result.returncode == 1
    assert "no run folder in it can be reported\n  a: manifest.json: is of schema 0" in result.stderr


@pytest.mark.parametrize("name", ["leaderboard.html", "leaderboard.json", "leaderboard.tex"])
def test_a_file_that_is_of_no_report_is_not_replaced(name: str, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    (out / name).write_text('{"of": "a game"}')
    settings = ReportSettings(runs=str(tmp_path), reference="paper", out=str(out))
    with pytest.raises(RepopeError, match=f"{name} there is of no report; choose another out="):
        report(settings, "report")
    assert (out / name).read_text() == '{"of": "a game"}'


def test_the_last_line_says_what_would_rank_where_no_run_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    for name, n_missing in (("a", 30), ("b", 300)):
        write_run(tmp_path / name, demo(), name, answer_lines(demo())[n_missing:])
    report(ReportSettings(runs=str(tmp_path), out=str(tmp_path / "out")), "report")
    assert caplog.messages[-1].startswith(
        "0 runs ranked (the same command with coverage=0.99 ranks a, and with coverage=0.72 it ranks 2 runs); "
    )


def test_runs_about_a_part_of_the_images_say_so_where_they_stand(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    write_run(tmp_path / "a", demo(), "a", answer_lines(demo().first_images(10)))
    report(ReportSettings(runs=str(tmp_path), out=str(tmp_path / "out")), "report")
    said = capsys.readouterr().out
    assert "| 10 of 100 |" in said
    assert "These figures are about 10 of 100 images only." in said
    assert caplog.messages[-1].startswith("1 run ranked by 10 of 100 images; ")
    (row,) = rows(tmp_path / "out" / "tables" / "standings.csv")
    assert (row["n_images"], row["n_benchmark_images"]) == ("10", "100")
    assert ">10 of 100<" in (tmp_path / "out" / "leaderboard.html").read_text()


@pytest.mark.parametrize("name", ["figures", "tables"])
def test_a_report_into_the_folder_of_runs_of_others_is_written_through_no_link(
    name: str, tmp_path: Path
) -> None:
    """By default it lies in the folder of the runs; figures and tables of the user's own were replaced."""
    write_run(tmp_path / "runs" / "a", demo(), "a", answer_lines(demo()))
    out = tmp_path / "runs" / "leaderboard"
    (tmp_path / "mine").mkdir()
    out.mkdir()
    (out / name).symlink_to(tmp_path / "mine")
    with pytest.raises(
        RepopeError, match=f"^out={out}: {name} there is a link, to {tmp_path / 'mine'}, and would"
    ):
        report(ReportSettings(runs=str(tmp_path / "runs"), out=str(out)), "")
    assert not list((tmp_path / "mine").iterdir())
