"""What is affirmed when asked against what is mentioned unasked, against counts made by hand."""

import pytest
from asked_examples import answers, asked, compared, label_sets

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.asking_telling import SHARE_RULES, CountedShare, compare_asking_with_telling

SAID = {
    "1": {"dog": "yyy", "cat": "nnn", "car": "ynn", "cup": "nyy"},
    "2": {"dog": "nyy", "cat": "ynn", "car": "?nn", "cup": "yya", "bus": "-nn"},
    "3": {"dog": "yyy"},
}
CAPTIONS = {"1": "A dog and two cats, and a kite.", "2": "A cat on a car with a cup, a cup.", "4": "A dog."}


def test_each_pair_counts_by_answer_mention_and_label_of_images_with_a_caption() -> None:
    found = compared(SAID, CAPTIONS)
    assert (found.n_images, len(found.pairs), found.n_unparsed, found.n_unanswered) == (2, 8, 1, 1)
    assert found.n_unasked == 1  # the kite
    assert found.unmapped == {}
    counts = found.under["pope"].counts
    shown = {
        label: {
            ("?" if reading is None else "ny"[reading], told): n for (reading, told), n in each.items() if n
        }
        for label, each in counts.items()
    }
    assert shown == {
        "no": {("n", True): 1, ("y", False): 1, ("y", True): 1, ("?", True): 1},
        "yes": {("y", True): 2, ("n", False): 2},
        "ambiguous": {},
    }
    assert found.under["repope"].counts["ambiguous"][True, True] == 1
    assert found.under["repope"].counts["yes"][True, True] == 1


def test_shares_are_of_what_is_answered_with_yes_or_no() -> None:
    found = compared(SAID, CAPTIONS).under["pope"].shares
    parts = {key: (share.part, share.whole) for key, share in found.items()}
    assert parts == {
        "mentioned_denied": (1, 2),  # cat of 1; cat of 2 is affirmed, and the car's answer is neither
        "unmentioned_denied": (0, 1),  # car of 1
        "affirmed_mentioned": (1, 2),  # cat of 2; car of 1
        "unmentioned_affirmed": (0, 2),  # cup of 1, dog of 2
        "mentioned_affirmed": (2, 2),  # dog of 1, cup of 2
    }
    assert found.keys() == SHARE_RULES.keys()
    assert found["mentioned_denied"].estimate.value == 0.5
    assert found["mentioned_denied"].estimate.method == "gamma"


def test_a_share_of_nothing_is_undefined_and_says_so() -> None:
    found = compared({"1": {"dog": "yyy"}}, {"1": "A dog."}).under["repope"].shares["mentioned_denied"]
    assert (found.part, found.whole, found.estimate.value) == (0, 0, None)
    assert found.estimate.reason == "there is no such object"


def test_kappa_over_all_and_within_a_label() -> None:
    found = compared(SAID, CAPTIONS)
    # Seven pairs: affirmed and mentioned 3, affirmed alone 1, mentioned alone 1, neither 2.
    assert found.kappa.value == pytest.approx((5 * 7 - (4 * 4 + 3 * 3)) / (49 - (4 * 4 + 3 * 3)))
    assert found.kappa.reason == "2 images, and an interval takes 100"
    # Not there: affirmed and mentioned 1, affirmed alone 1, mentioned alone 1.
    assert found.under["pope"].kappas["no"].value == pytest.approx((3 - 5) / (9 - 5))
    assert found.under["pope"].kappas["yes"].value == 1


def test_many_images_have_intervals_around_their_figures() -> None:
    patterns = ({"dog": "yyy", "cat": "nnn"}, {"dog": "nnn", "cat": "ynn"}, {"dog": "yyy", "cat": "ynn"})
    said = {str(number): patterns[number % 3] for number in range(300)}
    texts = ("A dog and a cat.", "A dog.", "A cat.", "A field.")
    found = compared(said, {image: texts[int(image) % 4] for image in said})
    shares = found.under["repope"].shares
    assert shares["mentioned_affirmed"].estimate.method == "gamma"  # all of them are
    for share in (shares["mentioned_denied"], shares["affirmed_mentioned"]):
        assert share.estimate.method == "bootstrap"
        low, high = share.estimate.interval or (1, 0)
        assert low < (share.estimate.value or 0) < high
    kappa = found.under["repope"].kappas["no"]
    assert kappa.interval is not None
    assert kappa.interval[0] < (kappa.value or 0) < kappa.interval[1]


def test_a_pair_in_several_variants_is_one() -> None:
    said = {"1": {"dog": "yyy"}}
    labels = label_sets(said)[0].variants["random"]
    of_variants = LabelSet("pope", {"random": labels, "popular": labels})
    question = asked("1", "dog")
    found = compare_asking_with_telling(
        [question, question], answers(said), {"1": "A dog."}, [of_variants], "repope"
    )
    (pair,) = found.pairs
    assert pair.variants == ("random", "popular")
    assert found.under["pope"].counts["yes"][True, True] == 1
    assert found.n_unlike == 0


def test_the_first_of_two_texts_about_a_pair_counts_and_unlike_answers_are_told() -> None:
    first, second = asked("1", "dog"), Question("1", "Is there any dog?", "dog")
    labels = LabelSet("pope", {"random": {first: True}, "popular": {second: True}})
    said = {first: Answer(first, "No"), second: Answer(second, "Yes")}
    found = compare_asking_with_telling([first, second], said, {"1": "A dog."}, [labels], "repope")
    (pair,) = found.pairs
    assert (pair.question.text, pair.reading, pair.variants) == (first.text, False, ("random", "popular"))
    assert found.n_unlike == 1
    del said[first]
    (pair,) = compare_asking_with_telling([first, second], said, {"1": ""}, [labels], "repope").pairs
    assert pair.reading is True


def test_what_is_none_of_cocos_objects_is_counted_and_compared_with_nothing() -> None:
    said = {"1": {"dog": "yyy", "puppy": "yyy", "red car": "nnn"}, "2": {"puppy": "nnn"}}
    found = compared(said, {"1": "A puppy.", "2": "A puppy."})
    assert [pair.question.object for pair in found.pairs] == ["dog"]
    assert found.pairs[0].is_mentioned  # a puppy is a dog to CHAIR
    assert dict(found.unmapped) == {"puppy": 2, "red car": 1}
    assert found.n_unasked == 1  # the dog of the second image


def test_mean_confidence_in_yes_where_it_is_stored() -> None:
    said = {str(number): {"dog": "yyy", "cat": "nnn"} for number in range(4)}
    captions = {image: "A dog." if int(image) % 2 else "A cat." for image in said}
    known = {
        question: Answer(question, answer.response, p_yes=0.8 if question.object == "dog" else 0.1, p_no=0.1)
        for question, answer in answers(said).items()
    }
    questions = list(known)
    found = compare_asking_with_telling(questions, known, captions, label_sets(said), "repope")
    means = found.under["repope"].confidences
    assert means["yes", True].estimate.value == pytest.approx(0.8 / 0.9)
    assert means["no", False].estimate.value == pytest.approx(0.5)
    assert means["no", True].whole == 2
    assert means["ambiguous", True] == CountedShare(
        part=0, whole=0, estimate=means["ambiguous", False].estimate
    )
    assert compared(said, captions).under["repope"].confidences == {}


def test_without_an_image_of_both_there_is_nothing() -> None:
    found = compared(SAID, {"9": "A dog."})
    assert (found.n_images, found.pairs, found.kappa.value) == (0, [], None)
    assert found.kappa.reason == "there is no such object"
