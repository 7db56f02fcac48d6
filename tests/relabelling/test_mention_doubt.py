"""Which mentions are asked about, in which order, and the sentences that they are in."""

import pytest
from mention_examples import CAPTIONS, FIRST, SECOND, TRUTH, answers_of, mention_view

from repope_eval.captions.truth import CaptionTruth
from repope_eval.relabelling.mention_doubt import Passage, UnjudgedObject, unjudged_mentions

MENTIONS = mention_view().mentions
OBJECTS = {(each.question.image, each.question.object): each for each in MENTIONS.objects}


def test_each_object_that_nobody_has_judged_is_asked_about_once() -> None:
    assert set(OBJECTS) == {
        (FIRST, "dog"),
        (FIRST, "cat"),
        (FIRST, "clock"),
        (SECOND, "cup"),
        (SECOND, "kite"),
    }
    assert (MENTIONS.n_mentions, MENTIONS.n_unjudged) == (9, 8)
    assert OBJECTS[FIRST, "cat"].question.text == "Is there a cat in the image?"
    assert {key for key, each in OBJECTS.items() if each.is_there} == {(FIRST, "dog"), (SECOND, "cup")}


@pytest.mark.parametrize(
    ("image", "name", "n_mentions", "doubt"),
    [
        (FIRST, "cat", 3, 1 + 2 / 4),
        (FIRST, "clock", 1, 1 + 1 / 4),
        (SECOND, "kite", 1, 1 + 1 / 3),
        (FIRST, "dog", 1, 1 - 1 / 4),
        (SECOND, "cup", 2, 1 - 2 / 3),
    ],
)
def test_what_coco_lacks_is_doubtful_where_many_mention_it_and_what_it_has_where_few_do(
    image: str, name: str, n_mentions: int, doubt: float
) -> None:
    found = OBJECTS[image, name]
    assert found.n_mentions == n_mentions
    assert found.doubt == pytest.approx(doubt)


def test_two_models_that_agree_weigh_more_than_one_alone() -> None:
    def doubt(n_mention: int, n_models: int) -> float:
        each = OBJECTS[FIRST, "cat"]
        passages = {str(number): each.passages["two"] for number in range(n_mention)}
        return UnjudgedObject(
            question=each.question, is_there=False, passages=passages, n_models=n_models
        ).doubt

    assert doubt(2, 2) > doubt(1, 1) > doubt(1, 2)


def test_a_mention_is_shown_in_its_sentence() -> None:
    assert OBJECTS[FIRST, "cat"].passages["one"] == [
        Passage("It looks at a ", "cat", ", and the cat looks back."),
        Passage("It looks at a cat, and the ", "cat", " looks back."),
    ]
    assert OBJECTS[FIRST, "clock"].passages["two"] == [Passage("There is a ", "clock", ", too.")]
    assert OBJECTS[FIRST, "cat"].passages["two"] == [Passage("Two ", "cats", " sleep.")]


def test_images_that_are_not_asked_about_do_not_count() -> None:
    truth = CaptionTruth({FIRST: TRUTH.objects[FIRST]}, TRUTH.verdicts)
    mentions = unjudged_mentions({name: answers_of(each) for name, each in CAPTIONS.items()}, truth)
    assert {each.question.image for each in mentions.objects} == {FIRST}
    assert mentions.n_mentions == 6
