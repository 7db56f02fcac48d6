"""The page of mentions that nobody has judged: the reasons, what is left out, and that nothing of others is markup."""

from mention_examples import CAPTIONS, FIRST, mention_view

from repope_eval.relabelling.mention_page import (
    LONGEST_SIDE,
    MentionedItem,
    MentionQueueView,
    mention_gallery,
    mention_table,
    mention_verdict,
    render_mention_page,
)
from repope_eval.relabelling.queue_page import MOST_RESPONSES

NAUGHTY = "<script>alert(1)</script>"


def page(view: MentionQueueView) -> str:
    return render_mention_page(view, "python -m repope_eval annotate", "python -m repope_eval audit")


def items(view: MentionQueueView) -> list[MentionedItem]:
    found = [item for card in mention_gallery(view).cards for item in card.items]
    assert all(isinstance(item, MentionedItem) for item in found)
    return found  # type: ignore[return-value]


def test_each_question_has_what_coco_says_and_the_sentences_of_the_models() -> None:
    first = page(mention_view()).split("<b>1.</b>")[1].split("<b>2.</b>")[0]
    assert "Is there a cat in the image?" in first
    assert '<span class="kind added">COCO does not have it</span>' in first
    assert "2 of 3 models that describe the image mention it, 3 times:" in first
    assert (
        '<q class="said">It looks at a <mark>cat</mark>, and the cat looks back.</q> '
        '<span class="quiet said">(one)</span>'
    ) in first
    last = page(mention_view()).split("<b>5.</b>")[1]
    assert '<span class="kind lost">COCO has it</span>' in last
    assert "not among those to be looked at" in last


def test_the_verdict_counts_mentions_and_questions() -> None:
    assert mention_verdict(mention_view()) == (
        "Of 9 mentions in captions of 3 models, 8 (88.9 %) have no verdict of RePOPE. They are 5 questions, each about "
        "an object in an image: COCO does not have 3 of these objects, and has 2."
    )


def test_a_sentence_of_several_models_stands_once() -> None:
    view = mention_view({"one": {FIRST: "A cat."}, "two": {FIRST: "A cat."}, "three": {FIRST: "The cat."}})
    (item,) = items(view)
    assert [(each.passage.before, each.names) for each in item.sentences] == [
        ("A ", "one, two"),
        ("The ", "three"),
    ]


def test_sentences_are_few_and_cut() -> None:
    captions = {str(place): {FIRST: f"{'a' * (300 + place)} cat {'b' * 300}"} for place in range(9)}
    (item,) = items(mention_view(captions))
    assert len(item.sentences) == MOST_RESPONSES
    assert item.n_further == 9 - MOST_RESPONSES
    first = item.sentences[0].passage
    assert first.before.startswith("…a")
    assert len(first.before) == len(first.after) == LONGEST_SIDE + 1
    assert "and 3 further sentences" in page(mention_view(captions))


def test_objects_that_coco_most_often_lacks_come_first() -> None:
    rows = [[cell.text for cell in row.cells] for row in mention_table(mention_view()).rows]
    assert rows == [
        ["cat", "1", "0", "3"],
        ["clock", "1", "0", "1"],
        ["kite", "1", "0", "1"],
        ["cup", "0", "1", "2"],
        ["dog", "0", "1", "1"],
    ]


def test_what_is_not_on_the_page_is_said() -> None:
    html = page(mention_view())
    assert "All 5 questions, the most doubtful first." in html
    assert "No picture is shown" in html


def test_nothing_of_others_is_markup() -> None:
    captions = {NAUGHTY: {FIRST: f"{NAUGHTY} A cat{NAUGHTY}"}, **CAPTIONS}
    html = page(mention_view(captions))
    assert NAUGHTY not in html
    assert "&lt;script&gt;" in html
