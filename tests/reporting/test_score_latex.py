"""`scores.tex`: the scores of a run as a table for a paper."""

import dataclasses

from score_examples import CELL, RELABELLED, UNDEFINED_CELL, scores_of

from repope_eval.reporting.score_latex import scores_latex
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.protocol_scores import mean
from repope_eval.scoring.scores import Scores


def two_variants() -> Scores:
    return scores_of(
        {"random": CELL, "popular": CELL, "mean": mean([CELL, CELL])},
        {"random": RELABELLED, "popular": CELL, "mean": mean([RELABELLED, CELL])},
    )


def test_variants_have_rows_label_sets_groups_of_columns_and_f1_its_interval() -> None:
    text = scores_latex(two_variants())
    assert " & \\multicolumn{5}{c}{POPE} & \\multicolumn{5}{c}{RePOPE} \\\\\n" in text
    values = "random & 87.9 & 97.6 & 79.0 & 87.3\\rlap{$^\\dagger$} & 42.5 & 87.9 & 95.3 & 88.8 & 91.9 & 42.5"
    interval = "{\\scriptsize 85.1\\textendash{}89.3}"
    assert f"{values} \\\\[-2pt]\n &  &  &  & {interval} &  &  &  &  & {interval} &  \\\\[1pt]\n" in text
    assert "\\midrule\nmean & " in text
    assert "change" not in text


def test_the_caption_says_what_is_measured_on_what_and_what_its_marks_say() -> None:
    scores = dataclasses.replace(two_variants(), decoding="greedy")
    (caption,) = [line for line in scores_latex(scores).splitlines() if line.startswith("\\caption")]
    assert caption == (
        "\\caption{a-model under POPE and RePOPE, in percent: accuracy, precision, recall, F1, and the share of "
        "answers that are yes. In small type: F1's 95~\\% interval (bootstrap over images). Distinct questions about "
        "500 images: 3,000 under POPE and 2,887 under RePOPE; all answered; benchmark repope; protocol repope; "
        "decoding: greedy. $\\dagger$: F1 leaves out more than 1~\\% of the questions, which have no readable answer.}"
    )


def test_a_single_label_set_leaves_room_for_all_intervals() -> None:
    scores = scores_of({"random": CELL})
    estimates = scores.cells["pope"]["random"].estimates
    accuracy = Estimate(value=CELL.accuracy, interval=(0.86, 0.9), method="gamma")
    cell = dataclasses.replace(scores.cells["pope"]["random"], estimates={**estimates, "accuracy": accuracy})
    text = scores_latex(dataclasses.replace(scores, cells={"pope": {"random": cell}}))
    assert (
        " & {\\scriptsize 86.0\\textendash{}90.0} &  &  & {\\scriptsize 85.1\\textendash{}89.3} &  \\\\[1pt]"
        in text
    )
    assert "95~\\% intervals (bootstrap over images, or gamma where few images have errors)." in text


def test_what_is_undefined_is_a_dash_and_has_no_interval() -> None:
    scores = scores_of({"random": UNDEFINED_CELL})
    cell = scores.cells["pope"]["random"]
    without = {name: dataclasses.replace(each, interval=None) for name, each in cell.estimates.items()}
    cells = {"pope": {"random": dataclasses.replace(cell, estimates=without)}}
    text = scores_latex(dataclasses.replace(scores, cells=cells))
    assert "random & 87.9 & \\textendash{} & 79.0 & \\textendash{} & 42.5 \\\\\n" in text
    assert "interval" not in text
