"""What a leaderboard comes to, in sentences."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from run_folders import answer_lines, demo, write_run

from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.leaderboard.entries import Leaderboard
from repope_eval.leaderboard.making import make_leaderboard
from repope_eval.leaderboard.sentences import leader_sentence, paper_sentence, sentences, verdict
from repope_eval.runs.finished_runs import read_runs
from repope_eval.runs.run_selection import select
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.score_document import figure_phrase
from repope_eval.settings.config import ReportSettings


def board_of(folder: Path, **settings: Any) -> Leaderboard:
    runs, left_out = read_runs(folder, unfinished_runs)
    report = ReportSettings(runs=str(folder), out="", **settings)
    return make_leaderboard(select(runs, report, left_out), report)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two that are whole, and seven that lack most of the "no" answers."""
    folder, benchmark = tmp_path_factory.mktemp("runs"), demo()
    for name, labels in (("popes", 0), ("repopes", 1)):
        write_run(folder / name, benchmark, name, answer_lines(benchmark, 0.01, labels, labels=labels))
    for number in range(7):
        lines = answer_lines(benchmark, 0.1, number)
        kept = [line for place, line in enumerate(lines) if line["response"] == "Yes" or place % 10 == 0]
        write_run(folder / f"lacks_{number}", benchmark, f"lacks_{number}", kept)
    return folder


@pytest.fixture(scope="module")
def board(runs: Path) -> Leaderboard:
    return board_of(runs)


@pytest.fixture(scope="module")
def lenient(runs: Path) -> Leaderboard:
    """With all of them ranked."""
    return board_of(runs, coverage=0.3)


def test_there_is_a_sentence_for_each_thing_that_is_so(board: Leaderboard) -> None:
    mix, pairs, power, decoding = sentences(board)
    assert mix == (
        "F1 marked with † (lacks_0, lacks_1, lacks_2, lacks_3, lacks_4 and 2 more) leaves out more than 1 % of "
        "the questions with label yes, or of those with label no, which have no answer or none that reads as yes or "
        "no: it is about another mix of labels, or about the easier questions."
    )
    assert re.match(r"Of \d\d pairs of runs that could be tested, \d+ are shown to differ in F1 ", pairs)
    assert pairs.endswith(
        " (mean under RePOPE; adjusted p up to 0.05). This family of pairs is the primary one. 7 others, of the other "
        "label sets and variants, are secondary: adjusted p hold within one family only."
    )
    assert re.match(
        r"100 images show a difference of F1 between two runs \(mean under RePOPE\) of \d\.\d to \d\.\d points or "
        r"more \(80 % power, two-sided 5 %\); one of 1 point would take [\d,]+ to [\d,]+ images\.",
        power,
    )
    assert decoding == "Decoding: greedy."


def test_questions_that_all_ranked_runs_answered_are_told_where_they_are_not_all(
    lenient: Leaderboard,
) -> None:
    common, *_ = sentences(lenient)
    assert common.startswith("Figures and ranks are over the ")
    assert common.endswith(" of 1,026 questions that all 9 ranked runs answered.")


def test_where_no_run_is_ranked_it_is_said_what_ranks_one_and_what_ranks_all(tmp_path: Path) -> None:
    for name, n_missing in (("a", 30), ("b", 300)):
        write_run(tmp_path / name, demo(), name, answer_lines(demo())[n_missing:])
    said, *_ = sentences(board_of(tmp_path))
    assert said == (
        "The same command with coverage=0.99 ranks a, and with coverage=0.72 it ranks 2 runs, over the questions that "
        "all ranked runs answered."
    )
    assert [len(board_of(tmp_path, coverage=share).runs) for share in (0.99, 0.72)] == [1, 2]


def test_the_papers_re_ranking_is_prevalence_in_part(tmp_path: Path) -> None:
    board = board_of(tmp_path, reference="paper")
    (share_of_yes,) = sentences(board)
    assert share_of_yes == (
        "Of the re-ranking of the paper's models by F1, an estimated 27 % (random), 25 % (popular), 10 % (adversarial) "
        "and 20 % (mean) come from prevalence: the relabelling changes the share of questions with label yes, and "
        "F1 at 50 % yes is not re-ranked by so much. The rest comes from corrected labels and from questions left out, "
        "which this does not tell apart. These estimates, of 17 models, have no interval: chance re-ranks models, too."
    )
    first, *others = board.agreements
    taus = {**first.agreement.taus, "f1_balanced": Estimate(value=0.1)}
    untold = dataclasses.replace(first, agreement=dataclasses.replace(first.agreement, taus=taus))
    (share_of_yes,) = sentences(dataclasses.replace(board, agreements=(untold, *others)))
    assert (
        " an estimated 25 % (popular), 10 % (adversarial) and 20 % (mean) come from prevalence, and no share can be "
        "told of random: "
    ) in share_of_yes


def test_of_a_single_run_there_is_nothing_to_say_but_its_decoding(board: Leaderboard, tmp_path: Path) -> None:
    write_run(tmp_path / "a", demo(), "a", answer_lines(demo()))
    assert sentences(board_of(tmp_path)) == ("Decoding: greedy.",)
    nothing = dataclasses.replace(board, entries=(), unranked=(), comparison=None, agreements=())
    assert sentences(nothing) == ()


def test_the_first_under_each_label_set_is_named(board: Leaderboard) -> None:
    assert (leader_sentence(board) or "").startswith("First by F1 is repopes under RePOPE (98.")
    assert " and popes under POPE (98." in (leader_sentence(board) or "")
    assert leader_sentence(dataclasses.replace(board, entries=())) is None


def test_all_that_tie_for_the_first_place_are_named(lenient: Leaderboard) -> None:
    board, names = lenient, [entry.name for entry in lenient.entries]

    def tied(n_tied: int) -> Leaderboard:
        ranks = {name: max(1, place - n_tied + 1) for place, name in enumerate(names, 1)}
        places = {**board.places["repope"], board.headline: ranks}
        return dataclasses.replace(board, places={**board.places, "repope": places})

    sentence = leader_sentence(tied(3)) or ""
    assert sentence.startswith(
        f"First by F1 are {names[0]}, {names[1]} and {names[2]} under RePOPE (a tie at "
    )
    assert sentence.count("a tie") == 1
    assert " under POPE (9" in sentence
    many = leader_sentence(tied(7)) or ""
    assert many.startswith(f"First by F1 are {', '.join(names[:5])} and 2 more under RePOPE (a tie at ")


def test_the_best_run_has_its_place_among_the_papers_models(tmp_path: Path) -> None:
    paper = board_of(tmp_path, reference="paper")
    mine = dataclasses.replace(paper.entries[3], folder="mine")
    board = dataclasses.replace(paper, entries=(*paper.entries[:3], mine, *paper.entries[4:]))
    assert "best of your runs" not in (leader_sentence(paper) or "")
    assert (leader_sentence(board) or "").endswith(
        f"The best of your runs is {mine.name}, in place 4 of 17 under RePOPE."
    )


def test_the_verdict_says_who_leads_how_sure_and_what_the_relabelling_changed(
    board: Leaderboard, tmp_path: Path
) -> None:
    assert (verdict(board) or "").endswith(
        " The 95 % interval of the rank of repopes under RePOPE is 1 of 2 runs. From POPE to RePOPE, 2 of 2 models "
        "change rank; 2 of these moves are more than chance, each taken by itself."
    )
    paper = board_of(tmp_path, reference="paper")
    assert verdict(paper) == (
        "First by F1 is Ovis2-4B under RePOPE (94.2 %) and InternVL2.5-26B under POPE (90.1 %). Under RePOPE, the "
        "95 % interval of the F1 of Ovis2-4B overlaps with those of 4 other models. From POPE to RePOPE, 17 of 17 "
        "models change rank; 9 of these moves are more than chance, each taken by itself."
    )
    assert verdict(dataclasses.replace(board, entries=())) is None


def test_the_verdict_says_no_more_than_is_known(board: Leaderboard, tmp_path: Path) -> None:
    of_pope = dict.fromkeys(board.label_sets, board.places["pope"])
    assert (verdict(dataclasses.replace(board, places=of_pope)) or "").endswith("no model changes rank.")
    single = verdict(dataclasses.replace(board, label_sets=("repope",))) or ""
    assert single.endswith("is 1 of 2 runs.")
    write_run(tmp_path / "a", demo(), "a", answer_lines(demo(), 0.1))
    alone = verdict(board_of(tmp_path)) or ""
    assert re.fullmatch(
        r"First by F1 is a under RePOPE \(\d\d\.\d %\) and under POPE \(\d\d\.\d %\)\.", alone
    )
    few = demo().first_images(5)
    for name, wrong in (("b", 0.1), ("c", 0.4)):
        write_run(tmp_path / "few" / name, few, name, answer_lines(few, wrong))
    assert "interval" not in (
        verdict(board_of(tmp_path / "few")) or "interval"
    )  # of so few images there is none


def test_the_runs_figures_stand_as_a_paper_prints_them(board: Leaderboard, tmp_path: Path) -> None:
    found = paper_sentence(board)
    assert found is not None
    figures = [board.runs[place].cells["repope"]["mean"].estimates["f1"] for place in (0, 1)]
    assert found == (
        "F1 under RePOPE (mean of 3 variants), on 1,026 questions about 100 images that all 2 runs answered, protocol "
        f"repope: {figure_phrase('repopes', figures[0])}; {figure_phrase('popes', figures[1])}"
    )
    assert paper_sentence(board_of(tmp_path, reference="paper")) is None


def test_runs_that_decode_otherwise_are_named_and_of_several_draws_the_first_counts(tmp_path: Path) -> None:
    sampled = {"temperature": 0.7, "top_p": 0.9, "seed": 3}

    def draws(manifest: dict[str, Any]) -> None:
        manifest["settings"] |= {"model": {"name": "b", **sampled}, "repeats": 2}

    def unknown(manifest: dict[str, Any]) -> None:
        manifest["settings"] |= {"model": "c", "answers": "mine.jsonl"}

    further = [line | {"draw": 1} for line in answer_lines(demo(), seed=5)]
    write_run(tmp_path / "a", demo(), "a", answer_lines(demo()))
    write_run(tmp_path / "b", demo(), "b", [*answer_lines(demo(), seed=1), *further], draws)
    write_run(tmp_path / "c", demo(), "c", answer_lines(demo(), seed=2), unknown)
    board = board_of(tmp_path)
    assert sentences(board)[-1] == (
        "Decoding: greedy (a); sampled, T 0.7, top-p 0.9, seed 3, 2 draws (b); unknown (c). Of several draws, the "
        "first alone counts here."
    )
    assert [(each.value, each.names) for each in board.differences if each.key == "decoding"] == [
        ("greedy", ("a",)),
        ("sampled, T 0.7, top-p 0.9, seed 3, 2 draws", ("b",)),
        ("not set", ("c",)),
    ]
    assert {entry.name: entry.n_answered for entry in board.entries}["b"] == len(demo().questions)
