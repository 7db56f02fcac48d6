"""Answers of yes or no against captions: the sentences that come first, and what is said beside them."""

import pytest
from asked_and_told import facts, view_of

from repope_eval.comparison.asking_telling import AskingTellingView, remarks
from repope_eval.comparison.sides import Facts

SAID = {"1": {"dog": "yyy", "cat": "nnn"}, "2": {"dog": "yyn", "cat": "ynn"}}
CAPTIONS = {"1": "A dog and a cat.", "2": "A dog."}


def many() -> AskingTellingView:
    """Three hundred images, in which what is mentioned is affirmed a little more often than what is not."""
    patterns = ({"dog": "yyy", "cat": "nnn"}, {"dog": "yyy", "cat": "ynn"}, {"dog": "nyy", "cat": "nnn"})
    said = {str(number): patterns[number % 3] for number in range(300)}
    texts = {0: "A dog.", 1: "A dog and a cat.", 2: "A cat."}
    return view_of(said, {image: texts[int(image) % 3 if int(image) % 2 else 0] for image in said})


def test_the_verdict_says_what_is_denied_of_what_is_mentioned_and_not_there() -> None:
    verdict = many().verdict
    assert verdict.startswith(
        "Of the 100 objects that the captions mention and that are not there under RePOPE, the answers deny 50, which "
        "is 50.0 % (95 % "
    )
    assert "; of the 200 that are neither there nor mentioned, 150, which is 75.0 % (95 % " in verdict
    assert (
        "Of the 100 objects that the answers affirm and that are not there under RePOPE, the captions mention 50"
        in verdict
    )
    assert "affirming and mentioning agree more than by chance (Cohen's kappa 0.250, 95 % " in verdict
    assert "Only" not in verdict


def test_few_images_are_told_before_anything_that_is_made_of_them() -> None:
    verdict = view_of(SAID, CAPTIONS).verdict
    assert verdict.startswith(
        "Only 2 images are both asked about and described, which says little of others. Of the 2 objects that"
    )
    assert "of which no interval can be made (2 images, and an interval takes 100)" in verdict


def test_without_a_mention_of_what_is_not_there_no_share_is_told() -> None:
    verdict = view_of({"1": {"dog": "yyy"}}, {"1": "A dog."}).verdict
    assert (
        "The captions mention no object that was asked about and that is not there under RePOPE." in verdict
    )
    assert "cannot be compared (there is no such object)" in verdict


@pytest.mark.parametrize(
    ("said", "captions", "told"),
    [
        (
            SAID,
            {"9": "A dog."},
            "No image is both asked about and described, so there is nothing to compare.",
        ),
        (
            {"1": {"puppy": "yyy"}},
            {"1": "A dog."},
            "No question about a described image asks for one of COCO's 80",
        ),
        (
            {"1": {"dog": "?yy"}},
            {"1": "A dog."},
            "No answer about a described image is yes or no, so there is",
        ),
        (
            SAID,
            {"1": "Un chien.", "2": "Un chat."},
            "No caption mentions one of COCO's 80 objects in English, so",
        ),
    ],
)
def test_where_nothing_can_be_compared_the_verdict_says_why(
    said: dict[str, dict[str, str]], captions: dict[str, str], told: str
) -> None:
    assert view_of(said, captions).verdict.startswith(told)


@pytest.mark.parametrize(
    ("names", "known", "told"),
    [
        (("one", "one"), (None, None), ""),
        (("one", "one"), (facts(checkpoint="a/b"), facts(checkpoint="a/b")), ""),
        (("one", "two"), (facts(checkpoint="a/b"), facts(checkpoint="a/b")), ""),
        (
            ("one", "two"),
            (None, facts(checkpoint="a/b")),
            "The answers are of one and the captions of two. If these are two models, this compares the two, and",
        ),
        (
            ("one", "two"),
            (facts(checkpoint="a/a"), facts(checkpoint="a/b")),
            "The answers and the captions are of two models, one and two (model.checkpoint differs): this compares the",
        ),
        (
            ("one", "one"),
            (facts(checkpoint="a/a", revision="x"), facts(checkpoint="a/a", revision="y")),
            "The answers and the captions are of two models, two checkpoints of one (model.revision differs): this",
        ),
    ],
)
def test_two_models_are_told_first(
    names: tuple[str, str], known: tuple[Facts | None, Facts | None], told: str
) -> None:
    verdict = view_of(SAID, CAPTIONS, names, known).verdict
    assert verdict.startswith(told or "Only 2 images are both asked about")


def test_the_same_files_in_two_places_are_one_checkpoint() -> None:
    known = [Facts(values={"checkpoint_files": "m.safetensors (sha256:1)", "model.checkpoint": place}, pictures={})
             for place in ("/a", "/b")]  # fmt: skip
    assert view_of(SAID, CAPTIONS, ("one", "two"), (known[0], known[1])).verdict.startswith("Only 2 images")


def test_what_is_left_out_is_said() -> None:
    said = {"1": {"dog": "?yy", "cat": "-nn", "puppy": "ynn", "car": "ynn"}}
    lines = remarks(view_of(said, {"1": "A kite and a car."}))
    assert [line.partition(",")[0] for line in lines] == [
        "1 further object that the benchmark asks about in these images has no answer",
        "1 answer is neither yes nor no by protocol repope: only the table of counts has them.",
        "1 question about these images asks for what is none of COCO's 80 objects (puppy): captions are not searched "
        "for it.",
        "The captions of these images mention 1 further object that no question asks about",
        "That both are of one model",
    ]
    assert remarks(view_of(SAID, CAPTIONS, known=(facts(checkpoint="a"), facts(checkpoint="a")))) == ()
