"""Two models' captions: the gap is what is left on the images of both and what the other images add."""

import json
from collections.abc import Mapping

import pytest
from test_mentions import CHAIR, caption_rows

from repope_eval.captions.truth import CaptionTruth
from repope_eval.records import Answer, Question
from repope_eval.scoring.caption_comparison import ComparedCaptions, compare_captions

SCENE = frozenset({"dog"})


def compared(
    first: Mapping[str, str], second: Mapping[str, str], objects: Mapping[str, frozenset[str]]
) -> ComparedCaptions:
    answers = [
        [Answer(Question(image, "Describe.", ""), text) for image, text in captions.items()]
        for captions in (first, second)
    ]
    return compare_captions(answers[0], answers[1], CaptionTruth(objects))["coco"]


def test_the_parts_of_a_gap_add_up() -> None:
    first = {"a": "A dog and a cat.", "b": "A dog.", "c": "A cat."}
    second = {"a": "A dog.", "b": "A dog and a cat.", "d": "A cat and a cat."}
    found = compared(first, second, dict.fromkeys("abcd", SCENE))
    gap = found.gaps["chair_i"]
    assert gap.gap == pytest.approx(2 / 4 - 3 / 5)
    assert gap.difference.value == pytest.approx(1 / 3 - 1 / 3)
    assert gap.images == pytest.approx(2 / 4 - 3 / 5)
    assert found.shared[0].counts.captions == 2
    assert found.own[0].counts.captions == 3


def test_without_an_image_of_both_there_is_no_difference() -> None:
    found = compared({"a": "A dog."}, {"b": "A cat."}, dict.fromkeys("ab", SCENE))
    gap = found.gaps["chair_i"]
    assert gap.gap == -1
    assert gap.difference.value is None
    assert gap.images is None


def test_two_decodings_of_one_model_on_the_same_images() -> None:
    if not CHAIR.is_dir():
        pytest.skip(f"{CHAIR} is not here: public captions with their truth")
    truth = json.loads((CHAIR / "truth.json").read_text())
    objects = {number: frozenset(names) for number, names in truth.items()}
    beam, greedy = (
        {
            str(row["image_id"]): row["caption"]
            for row in caption_rows((CHAIR / "captions" / name).read_text())
        }
        for name in ("opera_llava15_beam5.jsonl", "opera_llava15_greedy.jsonl")
    )
    gap = compared(beam, greedy, objects).gaps["chair_i"]
    assert gap.gap == gap.difference.value == pytest.approx(0.13898 - 0.12784, abs=1e-5)
    assert gap.images == 0
    assert gap.difference.interval is not None
    low, high = gap.difference.interval
    assert low < gap.difference.value < high
