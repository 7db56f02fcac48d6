"""Models ranked by what their captions of the same images mention."""

import pytest

from repope_eval.captions.truth import CaptionTruth
from repope_eval.records import Label
from repope_eval.scoring.caption_ranking import rank_captions

IMAGES = [f"{number}.jpg" for number in range(200)]


def said(share: float, *, end: str = "a cat") -> dict[str, str]:
    return {
        image: f"A dog and {end}." if place < share * 200 else "A dog." for place, image in enumerate(IMAGES)
    }


def truth(verdicts: dict[str, Label] | None = None) -> CaptionTruth:
    of_each = dict.fromkeys(IMAGES, verdicts) if verdicts else {}
    return CaptionTruth(dict.fromkeys(IMAGES, frozenset({"dog"})), of_each)  # type: ignore[arg-type]


def test_the_lowest_chair_is_first_with_an_interval_of_its_rank() -> None:
    ranking = rank_captions({"high": said(0.5), "low": said(0.1), "near": said(0.11)}, truth())
    first, second, third = ranking.standings["coco"]
    assert [each.model for each in (first, second, third)] == ["low", "near", "high"]
    assert first.value == pytest.approx(-20 / 220)
    assert (third.interval, third.joint_interval) == ((3, 3), (3, 3))
    assert first.interval is not None
    assert first.interval[0] == 1
    assert ranking.lead.value == pytest.approx(20 / 220 - 22 / 222)
    assert set(ranking.standings) == {"coco", "first_words"}


def test_the_order_of_images_does_not_matter() -> None:
    turned = dict(reversed(list(said(0.3).items())))
    one = rank_captions({"a": said(0.3), "b": said(0.1)}, truth())
    assert rank_captions({"a": turned, "b": said(0.1)}, truth()) == one


def test_overtakings_under_the_corrected_truth_have_a_probability() -> None:
    ranking = rank_captions(
        {"cats": said(0.5), "horses": said(0.2, end="a horse")}, truth({"cat": "yes", "horse": "no"})
    )
    assert [each.model for each in ranking.standings["corrected"]] == ["cats", "horses"]
    (pair,) = ranking.overtakings["corrected"]
    assert (pair.model, pair.overtaken, pair.probability) == ("cats", "horses", 1.0)


def test_the_first_words_leave_out_what_comes_later() -> None:
    padding = " ".join(["very"] * 70)
    ranking = rank_captions({"long": said(0.9, end=f"{padding} a cat"), "short": said(0.2)}, truth())
    assert [each.model for each in ranking.standings["coco"]] == ["short", "long"]
    assert [each.model for each in ranking.standings["first_words"]] == ["long", "short"]
    assert ranking.overtakings["first_words"][0].model == "long"


def test_a_model_that_mentions_nothing_has_no_place() -> None:
    ranking = rank_captions({"silent": dict.fromkeys(IMAGES, "Rien."), "a": said(0.2)}, truth())
    last = ranking.standings["coco"][-1]
    assert (last.model, last.place, last.reason) == ("silent", None, "CHAIRi is undefined")
    assert ranking.lead.value is None


def test_few_images_have_ranks_without_an_interval() -> None:
    few = {name: dict(list(said(share).items())[:50]) for name, share in (("a", 0.1), ("b", 0.2))}
    ranking = rank_captions(few, truth())
    assert {each.place for each in ranking.standings["coco"]} == {1, 2}
    assert {each.interval for each in ranking.standings["coco"]} == {None}
    assert ranking.lead.interval is None
