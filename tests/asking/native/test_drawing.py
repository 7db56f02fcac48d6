"""Runs with several draws of each answer: stopped and gone on with, continued with more draws, and by two processes."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import warm_commands
from demo_runs import answers, comparable, start
from test_several_ranks import ended, start_ranks

IMAGES = 20
DRAWS = 3
SAMPLED = ("model.temperature=1", f"limit={IMAGES}", f"repeats={DRAWS}", "verify=0")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of three draws that nobody stopped."""
    folder = tmp_path_factory.mktemp("drawn") / "run"
    warm_commands.run(f"out={folder}", *SAMPLED).check_returncode()
    return folder


def scores(folder: Path) -> dict[str, Any]:
    """What scores are the same however a run went; those of probabilities are but for rounding."""
    document: dict[str, Any] = json.loads((folder / "scores.json").read_text())
    return {name: part for name, part in document.items() if name != "evidence"}


def test_each_question_has_its_draws_which_differ(drawn: Path) -> None:
    lines = answers(drawn)
    by_draw = [{(line["image"], line["question"]): line for line in lines if line.get("draw", 0) == draw}
               for draw in range(DRAWS)]  # fmt: skip
    assert len(lines) == sum(map(len, by_draw))
    assert by_draw[0].keys() == by_draw[1].keys() == by_draw[2].keys()
    changing = {asked for asked in by_draw[0] if len({of_draw[asked]["response"] for of_draw in by_draw}) > 1}
    assert 0 < len(changing) < len(by_draw[0]) / 2
    # Before a token is drawn, nothing hangs on the draw.
    assert all(
        of_draw[asked]["p_yes"] == pytest.approx(line["p_yes"], abs=1e-5)
        for asked, line in by_draw[0].items()
        for of_draw in by_draw
    )


def test_scores_and_page_say_how_answers_were_decoded(drawn: Path) -> None:
    decoding = "sampled, T 1, seed 0, 3 draws"
    assert decoding in scores(drawn)["sentence"]
    page = (drawn / "report.html").read_text()
    assert f"Decoding: <b>{decoding}</b>" in page
    assert "means over 3 draws" in page
    assert "; mean over 3 draws" in page
    n_questions = len(answers(drawn)) // DRAWS
    assert f"all {n_questions} questions about the first 20 of 100 images are answered, 3 times each" in page
    assert "; in the first draw, of " in page
    assert "are not answered alike in all draws" in page
    assert decoding in (drawn / "scores.tex").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_of_several_draws_that_is_stopped_goes_on_to_the_same(
    drawn: Path, tmp_path: Path, number: int
) -> None:
    folder = tmp_path / "run"
    process = start(folder, *SAMPLED)
    process.send_signal(number)
    _, errors = process.communicate()
    left = len(answers(drawn)) - len(answers(folder))
    assert 0 < left < len(answers(drawn)) - 100
    if number == signal.SIGINT:
        assert f"{len(answers(folder))} of {len(answers(drawn))} answers are safe" in errors
    status = warm_commands.run("status", f"runs={tmp_path}")
    assert f"{len(answers(folder)):,} of {len(answers(drawn)):,}" in status.stdout.replace("\n", " ")
    result = warm_commands.run(f"out={folder}", *SAMPLED)
    assert result.returncode == 0, result.stderr
    assert f"asking {left} questions in 3 draws about " in result.stderr
    assert comparable(folder) == comparable(drawn)
    assert scores(folder) == scores(drawn)


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("model.temperature=0.5",), "model.temperature is 1.0 there and 0.5 here"),
        (("model.temperature=1", "model.top_p=0.9"), "model.top_p is 1.0 there and 0.9 here"),
        (("model.temperature=1", "model.seed=1"), "model.seed is 0 there and 1 here"),
        ((), "model.temperature is 1.0 there and not set here"),
    ],
)
def test_answers_decoded_otherwise_are_not_mixed(drawn: Path, words: tuple[str, ...], key: str) -> None:
    before = (drawn / "answers.jsonl").read_bytes()
    result = warm_commands.run(f"out={drawn}", f"limit={IMAGES}", "verify=0", *words)
    assert result.returncode == 1
    assert key in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert (drawn / "answers.jsonl").read_bytes() == before


def test_with_more_draws_a_run_goes_on_and_with_fewer_its_scores_are_kept(
    drawn: Path, tmp_path: Path
) -> None:
    folder, words = tmp_path / "run", (*SAMPLED[:2], "verify=0")
    warm_commands.run(f"out={folder}", *words).check_returncode()  # a single draw
    n_questions = len(answers(folder))
    result = warm_commands.run(f"out={folder}", *words, f"repeats={DRAWS}")
    assert result.returncode == 0, result.stderr
    assert f"asking {2 * n_questions} questions" in result.stderr
    assert comparable(folder) == comparable(drawn)
    assert scores(folder) == scores(drawn)
    refused = warm_commands.run(f"out={folder}", *words, "repeats=2")
    assert refused.returncode == 1
    assert "has the scores over 3 draws, which repeats=2 would replace by those of fewer" in refused.stderr
    assert "give repeats=3" in refused.stderr


def test_two_processes_draw_what_one_draws(drawn: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    ranks = start_ranks(2, f"out={folder}", *SAMPLED)
    said = [ended(rank) for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], said
    assert comparable(folder) == comparable(drawn)
    assert scores(folder) == scores(drawn)


def test_several_draws_of_captions_are_refused_and_one_is_not(tmp_path: Path) -> None:
    words = ("bench=demo_captions", "limit=3", "model.temperature=1", f"out={tmp_path / 'run'}")
    refused = warm_commands.run(*words, "repeats=2")
    assert refused.returncode == 1
    assert "repeats=2: demo_captions asks for captions, whose figures are of one draw" in refused.stderr
    assert not (tmp_path / "run").exists()
    result = warm_commands.run(*words)
    assert result.returncode == 0, result.stderr
    assert "sampled, T 1, seed 0, a single draw" in (tmp_path / "run" / "report.html").read_text()
