"""Two runs of captions compared: the verdict, the tables, the page and the document."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from repope_eval.captions.truth import CaptionTruth
from repope_eval.comparison import captions
from repope_eval.comparison.captions import (
    CaptionComparison,
    CaptionSide,
    caption_comparison_document,
    compare_caption_runs,
    describing_letters,
    gap_table,
    length_table,
    render_caption_comparison,
    side_table,
)
from repope_eval.comparison.sides import Facts
from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question
from repope_eval.scoring.caption_comparison import compare_captions
from repope_eval.scoring.chair import score_captions
from repope_eval.settings.command_settings import CompareSettings

SCENE = frozenset({"dog"})


def side(name: str, captions: Mapping[str, str]) -> CaptionSide:
    answers = [Answer(Question(image, "Describe.", ""), text) for image, text in captions.items()]
    truth = CaptionTruth(
        dict.fromkeys(captions, SCENE), {image: {"cat": "yes"} for image in list(captions)[:30]}
    )
    return CaptionSide(
        name=name, where=f"runs/{name}", prompt="Describe.", max_new_tokens="64", answers=answers, truth=truth
    )


def compared(first: Mapping[str, str], second: Mapping[str, str]) -> CaptionComparison:
    sides = side("one", first), side("two", second)
    truth = CaptionTruth(
        {**sides[0].truth.objects, **sides[1].truth.objects},
        {**sides[0].truth.verdicts, **sides[1].truth.verdicts},
    )
    return CaptionComparison(
        sides=sides,
        names=("one", "two"),
        truth=truth,
        compared=compare_captions(sides[0].answers, sides[1].answers, truth),
        captions=(score_captions(sides[0].answers, truth), score_captions(sides[1].answers, truth)),
    )


IMAGES = [f"{number:03}" for number in range(120)]
WORSE = dict.fromkeys(IMAGES, "A dog and a cat.")
BETTER = {image: "A dog." if int(image) % 2 else "A dog and a cat." for image in IMAGES}


def test_the_verdict_says_the_difference_and_whether_chance_would_do() -> None:
    sentence = compared(WORSE, BETTER).verdict
    assert sentence.startswith(
        "CHAIRi of one less that of two, on the 120 images that both describe, under COCO's truth: +16.7 points (95 % "
    )
    assert "more than chance. Under corrected truth it is " in sentence
    assert "come of images" not in sentence
    assert "Their captions have 5 and 4 words on average" in sentence


def test_other_images_contribute_their_part() -> None:
    view = compared(WORSE | {"extra": "A dog."}, BETTER)
    assert "of which −0.2 come of images that only one of the two describes" in view.verdict
    titles = [column.title for column in gap_table(view).columns]
    assert titles[-1] == "of which the images"


def test_captions_of_other_images_are_not_compared() -> None:
    view = compared({"a": "A dog."}, {"b": "A cat."})
    assert view.verdict.startswith("No image is described by both")


def test_runs_of_two_benchmarks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sides = {"a": compared(WORSE, BETTER).sides[0]}
    sides["b"] = replace(sides["a"], truth=replace(sides["a"].truth, annotation="the annotation"))
    monkeypatch.setattr(captions, "read_captions", lambda letter, _: sides[letter])
    with pytest.raises(RepopeError, match="a=x and b=y: describe images of two benchmarks"):
        compare_caption_runs(CompareSettings(a="x", b="y"))


def test_few_images_have_no_interval() -> None:
    few = compared({"a": "A dog and a cat."}, {"a": "A dog."})
    assert "(no interval: fewer than 100 captions)" in few.verdict


def test_tables_page_and_document() -> None:
    view = compared(WORSE, BETTER)
    gap, *_ = gap_table(view).rows
    assert [cell.text for cell in gap.cells] == ["COCO's truth", "CHAIRi", "50.0", "33.3", "+16.7"]
    assert len(length_table(view).rows) == 4
    row = [cell.text for cell in side_table(view).rows[0].cells]
    assert row[2:6] == ["Describe.", "64", "not known", "120"]
    sampled = Facts(values={"decoding": "sampled, T 1, seed 0, a single draw"}, pictures={})
    sides = (replace(view.sides[0], facts=sampled), view.sides[1])
    told = side_table(replace(view, sides=sides)).rows
    assert [each.cells[4].text for each in told] == ["sampled, T 1, seed 0, a single draw", "not known"]
    page = render_caption_comparison(view, "python -m repope_eval compare a=x b=<y>")
    assert view.names[0] in page
    assert "b=&lt;y&gt;" in page
    document = caption_comparison_document(view)
    assert document["truths"]["coco"]["gaps"]["chair_i"]["gap"] == pytest.approx(1 / 2 - 1 / 3)
    assert document["a"]["max_new_tokens"] == "64"


@pytest.mark.parametrize(
    ("manifest", "describes"),
    [
        ('{"settings": {"bench": {"source": "chair"}}}', True),
        ('{"settings": {"bench": {"source": "coco"}}}', False),
        ('{"settings": {}}', False),
        ("no JSON", False),  # what is wrong with it is told by what reads the run
    ],
)
def test_the_manifest_alone_says_whether_a_run_describes_images(
    tmp_path: Path, manifest: str, describes: bool
) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    assert describing_letters(CompareSettings(a=str(tmp_path), b="answers.jsonl")) == (
        ("a",) if describes else ()
    )


def test_several_answer_files_are_no_run_of_captions() -> None:
    with pytest.raises(RepopeError, match="is several files, and the other describes images"):
        compare_caption_runs(CompareSettings(a=("one.jsonl", "two.jsonl"), b="runs/chair/m"))
