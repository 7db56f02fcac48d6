"""Answers of yes or no against captions: the tables, the list of contradictions, the page and the document."""

import json

from asked_and_told import view_of

from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.comparison.asking_telling_page import (
    KINDS,
    asking_telling_document,
    confidence_table,
    contradiction_gallery,
    count_table,
    kappa_table,
    render_asking_telling,
    share_table,
)
from repope_eval.reporting.caption_page import CaptionCard
from repope_eval.reporting.gallery import AnsweredItem

NAUGHTY = "<script>alert(1)</script>"
SAID = {
    "1": {"dog": "nyn", "cat": "yyy", "car": "ynn", "cup": "?nn"},
    "2": {"dog": "nyy", "cat": "nna", "car": "nnn"},
    "3": {"dog": "yyy", "bus": "ynn"},
}
CAPTIONS = {
    "1": f"A dog, a cat and two cars; a cup. {NAUGHTY}",
    "2": "The dog is beside a cat.",
    "3": "A puppy.",
}
VIEW = view_of(SAID, CAPTIONS)


def test_the_shares_stand_under_each_label_set_with_what_they_are_of() -> None:
    rows = [[cell.text for cell in row.cells] for row in share_table(VIEW).rows]
    assert [column.title for column in share_table(VIEW).columns][2:] == [
        "under POPE",
        "of",
        "under RePOPE",
        "of",
    ]
    assert rows[0] == [
        "not there",
        "of those mentioned: denied when asked",
        "50.0",
        "1 of 2",
        "50.0",
        "1 of 2",
    ]
    assert rows[3][:2] == ["there", "of those not mentioned: affirmed when asked"]
    assert rows[4][2:] == ["50.0", "2 of 4", "66.7", "2 of 3"]


def test_counts_have_a_row_for_each_answer_that_there_is() -> None:
    rows = [(row.group, *(cell.text for cell in row.cells)) for row in count_table(VIEW).rows]
    assert rows[:3] == [
        ("Under POPE", "not there", "yes", "1", "1", "2"),
        ("Under POPE", "", "no", "1", "1", "2"),
        ("Under POPE", "", "neither", "1", "0", "1"),
    ]
    assert [row[1:3] for row in rows if row[0] == "Under RePOPE"][-2:] == [("ambiguous", "yes"), ("", "no")]
    assert not any(row[1] == "ambiguous" for row in rows if row[0] == "Under POPE")


def test_kappa_stands_beside_how_often_either_says_that_it_is_there() -> None:
    table = kappa_table(VIEW)
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    assert rows[0][:5] == ["", "all", "8", "50.0", "75.0"]
    assert [row[:3] for row in rows[1:]] == [
        ["POPE", "not there", "4"],
        ["POPE", "there", "4"],
        ["RePOPE", "not there", "4"],
        ["RePOPE", "there", "3"],
    ]
    assert table.columns[-1].title == "why no interval"
    assert not confidence_table(VIEW).rows


def test_contradictions_come_by_kind_with_their_mentions_marked() -> None:
    gallery = contradiction_gallery(VIEW)
    assert gallery.kinds == {
        "mentioned, denied: not there": 1,
        "mentioned, denied: there": 1,
        "mentioned, denied: ambiguous": 1,
        "mentioned, neither yes nor no": 1,
        "mentioned, affirmed: not there": 1,
    }
    assert [card.image for card in gallery.cards] == ["1", "2"]  # the third has none
    first = gallery.cards[0]
    assert isinstance(first, CaptionCard)
    marked = {part.text: part.kind for part in first.captions[""] if part.kind}
    assert marked == {
        "dog": "mentioned, denied: not there",
        "cars": "mentioned, affirmed: not there",
        "cup": "mentioned, neither yes nor no",
    }
    assert "".join(part.text for part in first.captions[""]) == CAPTIONS["1"]
    item = first.items[0]
    assert isinstance(item, AnsweredItem)
    assert (item.object, item.response, item.label_before, item.label_after) == ("dog", "No", "yes", "no")
    assert {kind for kind, _, _ in KINDS.values()} == gallery.kinds.keys()


def test_the_page_is_one_file_and_says_that_no_mention_is_no_denial() -> None:
    pictures = sorted((DEMO_FOLDER / "images").iterdir())
    view = view_of(SAID, CAPTIONS, (NAUGHTY, "two"), images={"1": pictures[0]})
    html = render_asking_telling(view, "python -m repope_eval compare a=x b=<y>")
    assert html.index("If these are two models") < html.index("Only 3 images are both asked about")
    assert "so not mentioning is no denial" in html
    assert NAUGHTY not in html
    assert "b=&lt;y&gt;" in html
    assert html.count("<img ") == 1
    assert '<mark class="excused" title="mentioned, denied: not there">dog</mark>' in html
    assert "POPE <b>yes</b>, RePOPE <b>no</b>" in html
    assert "http" not in html.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_a_page_without_anything_to_compare_says_so() -> None:
    html = render_asking_telling(view_of(SAID, {"9": "A dog."}), "")
    assert "No image is both asked about and described" in html
    assert '<section id="shares"' not in html
    assert '<section id="runs"' in html


def test_the_document_has_the_figures_and_every_pair() -> None:
    document = json.loads(json.dumps(asking_telling_document(VIEW)))
    assert document["kind"] == "asking_telling"
    assert document["verdict"] == VIEW.verdict
    assert (document["n_images"], document["n_pairs"], document["n_unparsed"]) == (3, 9, 1)
    repope = document["labels"]["repope"]
    assert repope["counts"]["ambiguous"]["no"] == {"mentioned": 1, "not_mentioned": 0}
    assert (repope["shares"]["mentioned_denied"]["part"], repope["shares"]["mentioned_denied"]["whole"]) == (
        1,
        2,
    )
    assert repope["kappa"]["no"]["reason"] == "3 images, and an interval takes 100"
    assert document["pairs"][0] == {
        "image": "1",
        "object": "dog",
        "question": "Is there a dog in the image?",
        "variants": ["random"],
        "response": "No",
        "read": "no",
        "mentioned": True,
        "labels": {"pope": "yes", "repope": "no"},
    }
    assert [document["answering"]["letter"], document["describing"]["letter"]] == ["a", "b"]
