"""What compare says of thresholds on b: what is claimed, what is not, and where it cannot be told."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from compared import answer_file, compared, scored_run
from run_folders import DEMO, answer_lines, demo, told_lines

from repope_eval.comparison.page import comparison_document, render_comparison_page
from repope_eval.comparison.thresholds import (
    are_thresholds_known,
    threshold_table,
    threshold_variants_table,
    threshold_verdict,
    yes_ratio_remark,
)
from repope_eval.comparison.view import ComparisonView
from repope_eval.scoring.differences import Difference
from repope_eval.scoring.estimates import Interval
from repope_eval.scoring.thresholds import (
    BASELINE,
    BEST,
    EQUAL,
    METHOD,
    Flips,
    ThresholdCheck,
    ThresholdGains,
)


@pytest.fixture(scope="module")
def shifted(tmp_path_factory: pytest.TempPathFactory) -> ComparisonView:
    """A method that is its baseline at another threshold: .48 where that has .7."""
    folder = tmp_path_factory.mktemp("shifted")
    method, baseline = (scored_run(folder / name, told_lines(demo(), threshold))
                        for name, threshold in (("method", 0.48), ("baseline", 0.7)))  # fmt: skip
    return compared(method, baseline)


@pytest.fixture(scope="module")
def untold(tmp_path_factory: pytest.TempPathFactory) -> ComparisonView:
    """The same without probabilities of the baseline."""
    folder = tmp_path_factory.mktemp("untold")
    blank = [{**line, "p_yes": None, "p_no": None} for line in told_lines(demo(), 0.7)]
    method = scored_run(folder / "method", told_lines(demo(), 0.48))
    return compared(method, scored_run(folder / "baseline", blank))


def difference(
    value: float | None, interval: Interval = None, p: float | None = None, **fields: Any
) -> Difference:
    return Difference(
        first="",
        second="",
        n_questions=9,
        n_images=500,
        n_differing=99,
        value=value,
        interval=interval,
        p=p,
        **fields,
    )


def made_up(view: ComparisonView, beyond: Mapping[str, Difference] | None = None) -> ComparisonView:
    """The same with made-up gains in the mean under each label set."""
    gains = ThresholdGains(
        f1=dict.fromkeys((METHOD, BEST, EQUAL, BASELINE), 0.8),
        yes_ratios={METHOD: 0.45, BEST: 0.46, EQUAL: 0.4501, BASELINE: 0.4},
        gains={
            METHOD: difference(0.012),
            BEST: difference(0.014, (0.003, 0.024), 0.01),
            EQUAL: difference(0.011, (0.002, 0.02), 0.02),
        },
        beyond={BEST: difference(-0.002, (-0.01, 0.006), 0.6), EQUAL: difference(0.001, (-0.004, 0.006), 0.7)}
        | dict(beyond or {}),
    )
    check = ThresholdCheck(
        n_questions=9, n_known=9, n_images=500, thresholds={BEST: 0.41, EQUAL: 0.3}, variants={"mean": gains}
    )
    return replace(view, labels=tuple(replace(each, thresholds=check) for each in view.labels))


def test_a_gain_that_a_threshold_gives_too_is_not_claimed(shifted: ComparisonView) -> None:
    text = threshold_verdict(made_up(shifted))
    of_each = (
        "{}, method has +1.20 points of F1 (mean) over baseline; a threshold of 0.410 on baseline gives +1.40 (95 % "
        "+0.30 to +2.40). method is not shown to beat that: −0.20 (95 % −1.00 to +0.60, p 0.600), within chance."
    )
    assert text == (
        f"{of_each.format('Under POPE')} {of_each.format('Under RePOPE')} These thresholds are judged on other images "
        "than they were chosen on."
    )


def test_what_the_share_of_yes_gives_is_told_apart(shifted: ComparisonView) -> None:
    assert yes_ratio_remark(made_up(shifted)) == (
        "method says yes to 45.00 % and baseline to 40.00 %: under RePOPE, saying yes as often as method, by a "
        "threshold of 0.300, gives baseline +1.10 (95 % +0.20 to +2.00), and method has +0.10 beyond that (95 % −0.40 "
        "to +0.60)."
    )
    assert yes_ratio_remark(made_up(shifted, {EQUAL: difference(None)})) == ""


@pytest.mark.parametrize(
    ("beyond", "words"),
    [
        (
            difference(0.02, (0.01, 0.03), 0.0001),
            "method beats that by +2.00 (95 % +1.00 to +3.00, p < 0.001), more than chance.",
        ),
        (
            difference(-0.02, (-0.03, -0.01), 0.05),
            "method is below that: −2.00 (95 % −3.00 to −1.00, p 0.050), more than chance.",
        ),
        (
            difference(0.02, (0, 0.04), 0.051),
            "method is not shown to beat that: +2.00 (95 % 0.00 to +4.00, p 0.051), within chance.",
        ),
        (
            difference(0.02, p=0.3, reason="40 images, and an interval takes 100"),
            "method is not shown to beat that: +2.00 (no interval: 40 images, and an interval takes 100, p 0.300), "
            "within chance.",
        ),
        (
            difference(0.0, reason="their answers count alike in every image"),
            "method has the same F1 as that (their answers count alike in every image).",
        ),
        (
            difference(None, reason="F1 is undefined"),
            "no threshold can be held against method: F1 is undefined.",
        ),
    ],
)
def test_what_is_claimed_is_more_than_chance(beyond: Difference, words: str, shifted: ComparisonView) -> None:
    assert words in threshold_verdict(made_up(shifted, {BEST: beyond}))


def test_a_method_that_is_a_threshold_is_found_to_be_one(shifted: ComparisonView) -> None:
    assert are_thresholds_known(shifted)
    for labels in shifted.labels:
        found = labels.thresholds.variants["mean"]
        assert found.gains[METHOD] == replace(
            labels.chance["mean"], first=METHOD, second=BASELINE, p_adjusted=found.gains[METHOD].p_adjusted
        )
        assert (found.gains[METHOD].value or 0) > 0.05
        assert found.beyond[EQUAL].value == pytest.approx(0, abs=0.002)
    assert threshold_verdict(shifted).count("method is not shown to beat that: ") == 2


def test_the_table_has_both_thresholds_under_both_label_sets(shifted: ComparisonView) -> None:
    table = threshold_table(shifted)
    assert [column.title for column in table.columns] == [
        "labels", "answers", "threshold", "yes ratio", "F1", "less baseline, 95 %", "method less this, 95 %", "p",
    ]  # fmt: skip
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    titles = ["method", "baseline, best threshold", "baseline, yes as often as method", "baseline"]
    assert [row[:2] for row in rows] == [[labels, title] for labels in ("POPE", "RePOPE") for title in titles]
    assert [bool(row[2]) for row in rows[:4]] == [False, True, True, False]
    assert [bool(row[5]) for row in rows[:4]] == [True, True, True, False]
    assert [bool(row[6]) for row in rows[:4]] == [False, True, True, True]
    method, best, _, baseline = rows[:4]
    assert method[5] == baseline[6]
    assert float(best[5]) + float(best[6].replace("−", "-")) == pytest.approx(float(method[5]), abs=0.011)
    assert "(943 about 100 images under RePOPE)" in table.caption


def test_each_variant_has_its_differences(shifted: ComparisonView) -> None:
    rows = threshold_variants_table(shifted).rows
    assert [row.cells[1].text for row in rows] == ["random", "popular", "adversarial", "mean"] * 2
    assert all(cell.note for row in rows for cell in row.cells[2:4])


def test_page_and_document_have_it(shifted: ComparisonView) -> None:
    html = render_comparison_page(shifted, "")
    assert '<section id="thresholds">' in html
    assert '<a href="#thresholds">What a threshold gives</a>' in html
    for text in (threshold_verdict(shifted), yes_ratio_remark(shifted)):
        assert text.replace(" %", "\u00a0%") in html
    document = json.loads(json.dumps(comparison_document(shifted)))
    assert document["threshold_verdict"] == threshold_verdict(shifted)
    for labels in document["labels"]:
        found = labels["thresholds"]
        assert found["thresholds"].keys() == {"best_threshold", "equal_yes_ratio"}
        assert found["variants"].keys() == {"random", "popular", "adversarial", "mean"}
        for cell in found["variants"].values():
            assert cell["gains"]["method"]["value"] == pytest.approx(
                cell["f1"]["method"] - cell["f1"]["baseline"]
            )
            assert cell["beyond"].keys() == {"best_threshold", "equal_yes_ratio"}
            assert len(cell["gains"]["best_threshold"]["ci95"]) == 2


def test_without_probabilities_it_says_that_it_cannot_tell(untold: ComparisonView) -> None:
    assert not are_thresholds_known(untold)
    assert yes_ratio_remark(untold) == ""
    text = threshold_verdict(untold)
    assert text.startswith(
        "Whether a threshold on baseline gives as much as method has cannot be told: p_yes and p_no of baseline are "
        "known for none of the 943 questions that both answered and that have a label. Under RePOPE, method says yes"
    )
    assert text.endswith(": the answers alone do not tell whether a threshold gives as much.")
    html = render_comparison_page(untold, "")
    assert '<section id="thresholds">' in html
    assert "best threshold" not in html
    document = json.loads(json.dumps(comparison_document(untold)))
    flips = document["labels"][-1]["thresholds"]["flips"]["mean"]
    assert flips["drawn"] < flips["gain"] <= flips["wrong"]
    assert flips["yes_ratio"]["method"] > flips["yes_ratio"]["baseline"]


@pytest.mark.parametrize(
    ("flips", "ending"),
    [
        (
            Flips(yes_ratios=(0.45, 0.44), gain=0.03, drawn=-0.004, wrong=0.02),
            "Under RePOPE, method says yes to 45.00 % and baseline to 44.00 %: were as many answers of baseline "
            "turned, its F1 (mean) would change by −0.40 points on average if chance drew them, and by +2.00 at most. "
            "method has +3.00 over baseline: on these questions more than any threshold at which baseline says yes as "
            "often, unless baseline was sampled, whose answers a threshold turns both ways.",
        ),
        (
            Flips(yes_ratios=(0.45, 0.44), gain=0.02, drawn=-0.004, wrong=0.02),
            "the answers alone do not tell whether a threshold gives as much.",
        ),
        (
            Flips(yes_ratios=(0.45, 0.4), gain=0.01, drawn=0.01, wrong=0.02),
            "method has +1.00 over baseline: chance gives as much.",
        ),
        (
            Flips(yes_ratios=(0.4, 0.4), gain=0.01, drawn=0, wrong=0),
            "baseline to 40.00 %: its +1.00 points are not those of saying yes more or less often.",
        ),
        (
            Flips(yes_ratios=(0.4, 0.3), gain=-0.01, drawn=0, wrong=0.02),
            "both answered and that have a label.",
        ),
        (None, "both answered and that have a label."),
    ],
)
def test_what_the_answers_alone_tell(flips: Flips | None, ending: str, untold: ComparisonView) -> None:
    labels = untold.labels[-1]
    check = replace(labels.thresholds, flips={"mean": flips})
    assert threshold_verdict(replace(untold, labels=(replace(labels, thresholds=check),))).endswith(ending)


def test_some_probabilities_are_not_enough_under_either_label_set(
    untold: ComparisonView, shifted: ComparisonView
) -> None:
    """Where those of the questions under one label set are enough, and under the other are not."""
    some = replace(untold.labels[-1].thresholds, n_known=900, flips={})
    labels = (shifted.labels[0], replace(untold.labels[-1], thresholds=some))
    text = threshold_verdict(replace(untold, labels=labels))
    assert text.endswith(
        "are known only for 900 of the 943 questions that both answered and that have a label."
    )
    labels = (replace(untold.labels[-1], thresholds=some), shifted.labels[0])
    assert threshold_verdict(replace(untold, labels=labels)).startswith("Whether a threshold")


def test_answers_that_are_the_same_have_no_gain_to_hold_against_one(tmp_path: Path) -> None:
    run = scored_run(tmp_path / "run", told_lines(demo()))
    view = compared(run, run, protocol_b="lmms_eval")
    assert threshold_verdict(view) == ""
    html = render_comparison_page(view, "")
    assert "threshold" not in html
    assert comparison_document(view)["threshold_verdict"] is None


def test_results_of_other_questions_are_held_against_each_other_where_both_answered(tmp_path: Path) -> None:
    a = answer_file(tmp_path / "a.jsonl", told_lines(demo(), 0.48)[:900])
    b = answer_file(tmp_path / "b.jsonl", told_lines(demo(), 0.7)[100:])
    view = compared(a, b, bench=DEMO)
    assert threshold_verdict(view).startswith("Of the 800 questions that both answered: Under POPE, a has +")
    for labels in view.labels:
        found = labels.thresholds.variants["mean"].gains[METHOD]
        assert (found.value, found.interval) == (labels.chance["mean"].value, labels.chance["mean"].interval)


def test_a_figure_of_answers_that_are_not_read_is_undefined(tmp_path: Path) -> None:
    mute = scored_run(tmp_path / "mute", answer_lines(demo(), yes="Hm", no="Hm"))
    view = compared(mute, scored_run(tmp_path / "baseline", told_lines(demo())))
    assert (
        "Under RePOPE, no threshold can be held against mute: F1 is undefined on the questions that both answered."
    ) in threshold_verdict(view)
    assert '<section id="thresholds">' in render_comparison_page(view, "")
    reverse = compared(tmp_path / "baseline", mute)
    assert threshold_verdict(reverse).endswith("both answered and that have a label.")
