"""`plan` through the command line: what it prints and writes, and that each mistake is one line with its mend."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from compared import scored_run
from conftest import PROJECT, CommandLine
from run_folders import answer_lines, demo

from repope_eval.commands.plan import ComparisonPlan, plan_table, sentences
from repope_eval.scoring.planning import Spread
from repope_eval.scoring.power import Aim
from repope_eval.settings.command_settings import PlanSettings


def lines_about(n_images: int, wrong: float, seed: int) -> list[dict[str, Any]]:
    images = list(dict.fromkeys(question.image for question in demo().questions))[:n_images]
    return [line for line in answer_lines(demo(), wrong, seed) if line["image"] in images]


def pilot(folder: Path, n_runs: int = 2, n_images: int = 60) -> Path:
    """Runs on the first images, each worse than the one before."""
    for number in range(n_runs):
        scored_run(folder / f"m{number}", lines_about(n_images, 0.1 + 0.05 * number, number + 1))
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return pilot(tmp_path / "runs")


def planned(command_line: CommandLine, runs: Path, *words: str) -> tuple[str, list[dict[str, Any]]]:
    """What is printed, and the plans of the document."""
    out = runs.parent / "plan"
    result = command_line("plan", f"runs={runs}", "bench=demo", f"out={out}", *words)
    assert result.returncode == 0, result.stderr
    document = json.loads((out / "plan.json").read_text())
    return " ".join(result.stdout.split()), document["plans"]


def headline(plans: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return plans[-1]


def test_two_runs_say_what_it_takes(command_line: CommandLine, runs: Path) -> None:
    printed, plans = planned(command_line, runs)
    assert [(plan["label_set"], plan["variant"]) for plan in plans] == [
        (name, variant)
        for name in ("pope", "repope")
        for variant in ("random", "popular", "adversarial", "mean")
    ]
    mean = headline(plans)
    assert (mean["first"], mean["second"], mean["pilot_images"]) == ("m0", "m1", 60)
    assert mean["benchmark_images"] == 100
    assert mean["images_ci95"][0] < mean["images"] < mean["images_ci95"][1]
    error = mean["standard_error"]
    assert mean["images"] == pytest.approx(60 * (Aim().errors * error / 0.01) ** 2, abs=1)
    assert mean["detectable"] == pytest.approx(Aim().errors * error * (60 / 100) ** 0.5)
    about = f"{float(format(mean['images'], '.3g')):,.0f}"
    assert (
        "To see a difference of 1 point of F1 (mean under RePOPE) in 80 of 100 such comparisons about "
        f"{about} images like the 60 of the pilot are needed" in printed
    )
    assert f"demo has 100, which show differences from {100 * mean['detectable']:.2f} points on." in printed
    assert "assumption" not in printed
    assert "tested together" not in printed


def test_nothing_is_written_unless_it_is_asked_for(
    command_line: CommandLine, runs: Path, tmp_path: Path
) -> None:
    result = command_line("plan", f"runs={runs}")
    assert result.returncode == 0, result.stderr
    assert "Images that show a difference of 1 point of F1 in 80 of 100 comparisons" in result.stdout
    assert list((tmp_path / "work").iterdir()) == []


def test_more_is_asked_for_with_more_images(command_line: CommandLine, runs: Path) -> None:
    usual, half, surer, many = (
        headline(planned(command_line, runs, *words)[1])["images"]
        for words in ([], ["difference=0.005"], ["power=0.9"], ["comparisons=136"])
    )
    assert half == pytest.approx(4 * usual, rel=0.001)
    assert surer / usual == pytest.approx((3.24152 / 2.80158) ** 2, rel=0.001)
    assert many / usual == pytest.approx((Aim(comparisons=136).errors / 2.80158) ** 2, rel=0.001)


def test_the_sentence_says_what_was_asked_for(command_line: CommandLine, runs: Path) -> None:
    printed, _ = planned(command_line, runs, "difference=0.005", "power=0.95", "comparisons=136")
    assert (
        "To see a difference of 0.5 points of F1 (mean under RePOPE) in 95 of 100 such comparisons, with 136 pairs "
        "tested together, about" in printed
    )


def test_a_number_that_the_normal_distribution_does_not_tell_is_not_told(
    command_line: CommandLine, runs: Path
) -> None:
    printed, plans = planned(command_line, runs, "difference=0.2")
    assert headline(plans)["images"] < 100
    assert "comparisons fewer than 100 images like the 60 of the pilot are needed" in printed
    assert "< 100" in printed


def test_of_many_pairs_the_middle_one_and_the_hardest_are_shown(
    command_line: CommandLine, tmp_path: Path
) -> None:
    runs = pilot(tmp_path / "runs", 4)
    printed, plans = planned(command_line, runs)
    assert len(plans) == 8 * 6
    ordered = sorted(plan["images"] for plan in plans[-6:])
    hardest = next(plan for plan in plans[-6:] if plan["images"] == ordered[-1])
    title = f"{hardest['first']} and {hardest['second']}"
    assert f"hardest: {title}" in printed
    assert "middle of 6: m" in printed
    about = [f"about {float(format(images, '.3g')):,.0f}" for images in (ordered[3], ordered[-1])]
    assert f"{about[0]} images like the 60" in printed
    assert f"That is the middle one of 6 pairs; the hardest, {title}, takes {about[1]}." in printed
    assert "Each pair is tested alone here; comparisons=6 plans for all 6 tested together." in printed
    together, _ = planned(command_line, runs, "comparisons=6")
    assert "tested alone" not in together


def test_a_single_run_says_on_what_assumption_it_plans(command_line: CommandLine, tmp_path: Path) -> None:
    runs = pilot(tmp_path / "runs", 1)
    printed, plans = planned(command_line, runs)
    assert {(plan["first"], plan["second"], plan["images_ci95"]) for plan in plans} == {("m0", None, None)}
    assert "m0 and another run" in printed
    assert (
        "The pilot is a single run, so this rests on an assumption: another run answers 5 % of the questions otherwise "
        "(flips=0.05), each by chance. Twice as many take twice the images" in printed
    )
    twice, more = planned(command_line, runs, "flips=0.1")
    assert "another run answers 10 % of the questions otherwise (flips=0.1)" in twice
    assert headline(more)["images"] == pytest.approx(2 * headline(plans)["images"], abs=1)


def test_a_run_with_the_same_answers_is_said_to_tell_nothing(command_line: CommandLine, runs: Path) -> None:
    scored_run(runs / "copy", lines_about(60, 0.1, 1))
    result = command_line("plan", f"runs={runs}")
    assert result.returncode == 0, result.stderr
    assert (
        "no plan is made of copy and m0 (mean under RePOPE): their answers differ in 0 images, and a plan takes 20"
        in result.stderr
    )
    assert "That is the middle one of 2 pairs" in " ".join(result.stdout.split())


def test_sentences_are_about_the_last_labels_that_the_pilot_tells_something_of() -> None:
    """F1 is undefined where a variant has one label only, as AMBER's existence."""
    known = Spread(first="a", second="b", n_images=200, error=0.01, bounds=(0.009, 0.011))
    unknown = Spread(first="a", second="b", n_images=200, reason="F1 is undefined")
    plan = ComparisonPlan(
        bench="amber",
        runs=["a", "b"],
        settings=PlanSettings(),
        n_images={("amber", "state"): 1000, ("amber", "existence"): 1004},
        spreads={("amber", "state"): [known], ("amber", "existence"): [unknown]},
    )
    (sentence,) = sentences(plan)
    # 200 x 2.8016^2 = 1,569.8, and with 0.9 and 1.1 times the error 1,271.5 and 1,899.4
    assert "(state under AMBER) in 80 of 100 such comparisons about 1,570 images like the 200" in sentence
    assert "are needed (1,270 to 1,900, as far as these tell)" in sentence
    assert "amber has 1,000, which show differences from 1.25 points on." in sentence
    assert [[cell.text for cell in row.cells[-3:]] for row in plan_table(plan).rows] == [
        ["1,570", "1,000", "1.25"],
        ["–", "1,004", "–"],
    ]


def test_runs_on_other_images_are_planned_by_what_they_share(command_line: CommandLine, runs: Path) -> None:
    scored_run(runs / "whole", answer_lines(demo(), 0.2, 9))
    _, plans = planned(command_line, runs)
    assert {plan["pilot_images"] for plan in plans} == {60}


def running(manifest: dict[str, Any]) -> None:
    manifest["status"] = "running"


def test_a_run_that_has_not_ended_is_left_out(command_line: CommandLine, runs: Path) -> None:
    scored_run(runs / "going", lines_about(60, 0.2, 9), change=running)
    result = command_line("plan", f"runs={runs}")
    assert result.returncode == 0, result.stderr
    assert "going is left out: it " in result.stderr
    assert "going" not in result.stdout


def make(kind: str, folder: Path) -> None:
    folder.mkdir()
    if kind == "few":
        pilot(folder, 2, 40)
    elif kind == "alike":
        pilot(folder, 1)
        scored_run(folder / "copy", lines_about(60, 0.1, 1))
    elif kind == "going":
        scored_run(folder / "m", lines_about(60, 0.1, 1), change=running)
    elif kind == "whole":
        pilot(folder)


@pytest.mark.parametrize(
    ("kind", "words", "message"),
    [
        ("whole", ["runs=none"], "runs=none: no such folder; name the one that run folders lie in"),
        ("empty", [], "holds no run folder; one is what a run writes (by default runs/BENCH/MODEL), with "),
        ("whole", ["difference=0"], "difference=0.0: must be at least 0.0001"),
        ("whole", ["difference=1"], "difference=1.0: must be at most 0.5"),
        ("whole", ["power=1"], "power=1.0: must be at most 0.999"),
        ("whole", ["comparisons=0"], "comparisons=0: must be at least 1"),
        ("whole", ["flips=0"], "flips=0.0: must be at least 0.001"),
        ("whole", ["out=pilot/m0/manifest.json"], "manifest.json: cannot be made or written"),
        (
            "few",
            [],
            "runs=pilot: are too small a pilot: m0 and m1 (mean under RePOPE): 40 images, and a plan takes 50; have "
            "the runs answer about more images (limit=)",
        ),
        ("alike", [], "their answers differ in 0 images, and a plan takes 20; have the runs answer about"),
        (
            "going",
            [],
            "runs=pilot: a pilot takes a run that has ended, and m ",
        ),
    ],
)
def test_a_mistake_is_one_line(
    kind: str, words: list[str], message: str, command_line: CommandLine, tmp_path: Path
) -> None:
    make(kind, tmp_path / "work" / "pilot")
    chosen = [] if any(word.startswith("runs=") for word in words) else ["runs=pilot"]
    result = command_line("plan", *chosen, *words)
    assert result.returncode == 1
    (line,) = result.stderr.strip().splitlines()
    assert message in line
    assert "reference=" not in line
    assert result.stdout == ""


def refused_runs(command_line: CommandLine, *words: str) -> list[str]:
    """The lines that say of each run why no plan can be made with it."""
    result = command_line("plan", "runs=pilot", *words)
    assert result.returncode == 1
    first, *others = result.stderr.strip().splitlines()
    assert first.endswith("runs=pilot: no run folder in it can be reported")
    return others


def test_runs_of_another_benchmark_are_named(command_line: CommandLine, tmp_path: Path) -> None:
    pilot(tmp_path / "work" / "pilot")
    assert refused_runs(command_line, "bench=repope") == [
        f"  {name}: is of benchmark demo, not repope; bench=demo reports it" for name in ("m0", "m1")
    ]


def test_runs_that_describe_images_are_named(command_line: CommandLine) -> None:
    assert command_line("bench=demo_captions", "limit=2", "out=pilot/m").returncode == 0
    (line,) = refused_runs(command_line, "bench=demo_captions")
    assert line.startswith(
        "  m: describes images, and these figures are of answers of yes and no; its own page has its figures"
    )


def test_the_commands_of_its_how_to_run_one_after_another(command_line: CommandLine) -> None:
    text = (PROJECT / "docs" / "how-to" / "plan-a-study.md").read_text(encoding="utf-8")
    program = "python -m repope_eval"
    commands = [shlex.split(line)[3:] for line in text.splitlines() if line.startswith(program)]
    assert [words[0] for words in commands].count("plan") == len(commands) - 2 == 4
    printed = []
    for words in commands:
        result = command_line(*words)
        assert result.returncode == 0, result.stderr
        printed.append(" ".join(result.stdout.split()))
    *images, labels = printed[2:]
    assert all("images like the 60 of the pilot are needed" in each for each in images)
    assert "people look at about 186 of the 1,026 questions" in labels
    table_of_page = text.partition("wrong of 100 labels")[2].partition("```")[0]
    assert " ".join(table_of_page.split()) in labels
