"""The page of a queue: the most doubtful labels first, what is left out, and that nothing of others is markup."""

import re
from dataclasses import replace
from pathlib import Path

from PIL import Image
from queue_examples import NAUGHTY, queue_view

from repope_eval.relabelling.queue_page import (
    MOST_NAMES,
    MOST_RESPONSES,
    MOST_SHOWN,
    PAGE_BYTES,
    DoubtedItem,
    queue_gallery,
    render_queue_page,
)
from repope_eval.relabelling.queue_view import QueueView

NEXT = "python -m repope_eval annotate questions=audit/queue.jsonl images=FOLDER annotator=NAME out=audit/NAME.jsonl"


def page(view: QueueView) -> str:
    return render_queue_page(view, NEXT, "python -m repope_eval audit")


def items(view: QueueView) -> list[DoubtedItem]:
    found = [item for card in queue_gallery(view).cards for item in card.items]
    assert all(isinstance(item, DoubtedItem) for item in found)
    return found  # type: ignore[return-value]


def pictures(folder: Path, number: int, side: int = 640, grain: int = 16) -> dict[str, Path]:
    """Pictures of noise; the finer its grain, the larger they are."""
    noise = Image.effect_noise((side // grain, side // grain), 80).convert("RGB").resize((side, side))
    for place in range(number):
        noise.save(folder / f"{place}.png", compress_level=1)
    return {f"{place}.png": folder / f"{place}.png" for place in range(number)}


def test_each_question_has_its_rank_its_label_and_why_it_is_doubtful() -> None:
    html = page(queue_view())
    ranks = re.findall(r"<b>(\d+)\.</b> <span class=\"said\">Is there a (\w+) in the image\?", html)
    assert ranks == [("1", "cat"), ("2", "cat"), ("3", "dog"), ("4", "dog"), ("5", "cow"), ("6", "cow")]
    first = html.split("<b>1.</b>")[1].split("<b>2.</b>")[0]
    assert '<span class="kind lost">label yes</span>' in first
    assert "2 of 2 models say no:" in first
    assert (
        '<q class="said">No</q> <span class="quiet">(no) <span class="said">steady (2.0 % sure of yes), hasty'
        in first
    )
    assert "Of 2 answers to the 1 other question about “cat” with label yes, 1 (50.0 %) says no." in first
    assert html.count("not among those to be looked at") == 1
    assert "No model answered it with yes or no." in html.split("<b>6.</b>")[1]


def test_the_verdict_comes_first_then_what_doubt_is_worth_and_the_way_on() -> None:
    before, after = page(queue_view()).split('<section id="gallery"')
    assert "2 (33.3\u00a0%) are contradicted by every answer of the 2 models" in before
    assert "Doubt is no proof" in before
    assert "Whoever is to label these questions should not read on" in before
    assert f'<pre class="selected">{NEXT}</pre>' in before
    assert "In place of FOLDER give the folder of the images." in before
    assert "All 6 questions, the most doubtful first." in after
    assert "<pre>python -m repope_eval audit</pre>" in after


def test_what_contradicts_the_label_comes_first_and_many_answers_and_models_are_cut() -> None:
    _, divided, *_ = items(queue_view())
    assert [(response.text, response.reading) for response in divided.responses] == [
        ("No", "no"),
        ("Yes", "yes"),
    ]
    view = queue_view()
    answers = view.answers["hasty"]
    many = {**{f"model {number}": answers for number in range(MOST_NAMES + 2)}, **view.answers}
    first = items(replace(view, answers=many))[0]
    assert first.responses[0].names.endswith(") and 4 further models")
    question = view.queue[0].question
    different = {
        f"model {number}": {question: replace(answers[question], response=f"No {number}")}
        for number in range(MOST_RESPONSES + 3)
    }
    first = items(replace(view, answers=different))[0]
    assert (len(first.responses), first.n_further) == (MOST_RESPONSES, 3)
    assert "and 3 further answers" in page(replace(view, answers=different))


def test_names_and_answers_are_text() -> None:
    view = queue_view((NAUGHTY, "hasty"), said=[(NAUGHTY, True, f"No {NAUGHTY}", "No")])
    html = page(view)
    assert NAUGHTY not in html
    assert html.count("<script") == 1


def test_the_page_shows_the_first_questions_with_pictures(tmp_path: Path) -> None:
    said = [("cat", True, "No", "Yes")] * (MOST_SHOWN + 20)
    html = page(queue_view(said=said, images=pictures(tmp_path, MOST_SHOWN + 20)))
    assert f"<b>The first {MOST_SHOWN} of {MOST_SHOWN + 20} questions</b>" in html
    assert html.count('<img src="data:image/webp') == MOST_SHOWN
    assert "for the page's size" not in html
    assert "In place of FOLDER" not in html


def test_the_page_stays_small_and_says_which_pictures_it_leaves_out(tmp_path: Path) -> None:
    said = [("cat", True, "No", "Yes")] * MOST_SHOWN
    html = page(queue_view(said=said, images=pictures(tmp_path, MOST_SHOWN, grain=1)))
    n_shown = html.count('<img src="data:image/webp')
    assert f"Pictures of {MOST_SHOWN - n_shown} images are left out, for the page's size." in html
    assert 0 < n_shown < MOST_SHOWN
    assert len(html.encode()) <= PAGE_BYTES


def test_images_that_are_not_there_or_damaged_are_told(tmp_path: Path) -> None:
    assert "No picture is shown: the images are not on this machine" in page(queue_view())
    images = pictures(tmp_path, 5, side=64)
    images["1.png"].write_bytes(b"no image")
    html = page(queue_view(images=images))
    assert html.count('<img src="data:image/webp') == 4
    assert "2 questions without a picture: the image is not on this machine, or damaged." in html
