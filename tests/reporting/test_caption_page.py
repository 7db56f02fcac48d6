"""The page and the tables of a run that describes images, from captions by hand."""

from collections.abc import Mapping

import pytest
from html_pages import Page

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.captions.truth import CaptionTruth
from repope_eval.records import Answer, Label, Question
from repope_eval.reporting.caption_page import caption_gallery, render_caption_page, verdict
from repope_eval.reporting.caption_tables import caption_table, known_remark, silent_remark
from repope_eval.reporting.page import RunView
from repope_eval.scoring.caption_scores import CaptionScores, score_caption_benchmark

SCENE = frozenset({"dog", "couch"})
PROMPT = "Describe <this> image."


def scores_of(
    captions: Mapping[str, str], verdicts: Mapping[str, Mapping[str, Label]] | None = None
) -> CaptionScores:
    questions = {image: Question(image, PROMPT, "", describes=True) for image in captions}
    truth = CaptionTruth(dict.fromkeys(captions, SCENE), verdicts or {})
    benchmark = Benchmark("chair", (), {"describe": questions}, {}, truth=truth)
    answers = {questions[image]: Answer(questions[image], text) for image, text in captions.items()}
    return score_caption_benchmark(benchmark, answers, "a-model", max_new_tokens=64, decoding="greedy")


def page_of(scores: CaptionScores) -> str:
    return render_caption_page(RunView(scores=scores, settings={"bench.source": "chair"})).html


JUDGED: Mapping[str, Mapping[str, Label]] = {
    "a": {"dog": "yes", "cat": "no"},
    "b": {"dog": "no", "cup": "ambiguous"},
}


def test_the_page_marks_each_mention_by_what_is_known_of_it() -> None:
    html = page_of(scores_of({"a": "A dog, a cat, a tie.", "b": "A dog & a cup on a couch."}, JUDGED))
    for mark in (
        '<mark class="there" title="there">dog</mark>',
        '<mark class="stays" title="not there">cat</mark>',
        '<mark class="open" title="not there, unchecked">tie</mark>',
        '<mark class="blamed" title="not there, COCO errs">dog</mark>',
        '<mark class="removed" title="ambiguous">cup</mark>',
        '<mark class="there" title="there, unchecked">couch</mark>',
    ):
        assert mark in html
    assert " &amp; a " in html
    assert "Describe &lt;this&gt; image." in html
    assert "at most 64 tokens" in html
    assert "Decoding: greedy" in html


def test_images_with_most_that_is_not_there_come_first() -> None:
    gallery = caption_gallery(scores_of({"a": "A dog.", "b": "A cat and a cup.", "c": "A cat."}))
    assert gallery is not None
    assert [card.image for card in gallery.cards] == ["b", "c", "a"]


def headlines(scores: CaptionScores) -> list[str]:
    return [text for text in Page(page_of(scores)).texts if text.startswith(("CHAIRi, ", "CHAIRs, "))][:4]


def test_corrected_figures_stand_first_where_half_of_the_mentions_are_judged() -> None:
    captions = {"a": "A dog and a cat.", "b": "A dog and a cup."}
    titles = [
        f"{name}, {truth}" for name in ("CHAIRi", "CHAIRs") for truth in ("COCO's truth", "corrected truth")
    ]
    assert headlines(scores_of(captions, JUDGED)) == titles
    few = scores_of({**captions, **dict.fromkeys("cdefg", "A dog.")}, {"a": {"cat": "no"}})
    assert headlines(few)[:2] == [titles[0], titles[2]]
    assert "The verdicts of RePOPE on 11.1 % of the mentions change CHAIRi by " in verdict(few)


def test_captions_of_another_language_are_told() -> None:
    silent = scores_of({"a": "Un chien.", "b": "Un chat."})
    assert verdict(silent).startswith("No caption mentions one of COCO's 80 objects in English")
    remark = silent_remark(silent)
    assert remark is not None
    assert "look faultless here and are not" in remark
    assert silent_remark(scores_of({"a": "A dog.", "b": "A cat."})) is None


def test_the_table_has_a_row_a_truth_and_their_change() -> None:
    shown = caption_table("caption", scores_of({"a": "A dog and a cat."}, JUDGED))
    assert [row.cells[1].text for row in shown.rows] == ["COCO's truth", "corrected truth", "change"]
    assert shown.rows[0].cells[2].text == "50.0"


@pytest.mark.parametrize(
    ("verdicts", "told"), [(None, None), (JUDGED, "100 % of the mentions (2 of 2) have a verdict of RePOPE.")]
)
def test_how_much_is_judged(verdicts: Mapping[str, Mapping[str, Label]] | None, told: str | None) -> None:
    remark = known_remark(scores_of({"a": "A dog and a cat."}, verdicts))
    assert (remark and remark[: len(told or "")]) == told
