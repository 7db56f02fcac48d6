"""CHAIR by hand, its bounds and lengths, the figures of public captions, and how often the intervals hold."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from test_mentions import CHAIR, caption_rows

from repope_eval.captions.truth import CaptionTruth
from repope_eval.records import Answer, Label, Question
from repope_eval.scoring.caption_counts import COUNTS, drawn_tables
from repope_eval.scoring.chair import FIRST_WORDS, Found, VariantCaptions, first_words, score_captions

SCENE = frozenset({"dog", "couch", "cup"})
ANNOTATIONS = Path(__file__).parents[3] / "shared" / "annotations"


def scored(
    captions: Mapping[str, str],
    objects: Mapping[str, frozenset[str]],
    verdicts: Mapping[str, Mapping[str, Label]] | None = None,
) -> VariantCaptions:
    answers = [Answer(Question(image, "Describe this image.", ""), text) for image, text in captions.items()]
    return score_captions(answers, CaptionTruth(objects, verdicts or {}))


def test_counts_by_hand() -> None:
    found = scored(
        {"a.jpg": "A dog and a cat, a dog on a sofa.", "b.jpg": "A cup. Another cup.", "c.jpg": "A tree."},
        dict.fromkeys(("a.jpg", "b.jpg", "c.jpg"), SCENE),
    ).figures["coco"]
    counts = found.counts
    assert (counts.captions, counts.captions_with, counts.mentions, counts.hallucinated) == (3, 1, 6, 1)
    assert (counts.truths, counts.recalled, counts.words) == (9, 3, 16)
    values = {name: each.value for name, each in found.estimates.items()}
    assert values == {
        "chair_i": 1 / 6,
        "chair_s": 1 / 3,
        "recall": 3 / 9,
        "mentions_per_caption": 2,
        "words_per_caption": 16 / 3,
    }
    assert found.estimates["words_per_caption"].reason == "fewer than 100 captions"


def test_verdicts_correct_the_truth() -> None:
    caption = "A dog, a cat, a cup, a chair and a bus with buses."
    verdicts: dict[str, dict[str, Label]] = {
        "a.jpg": {"dog": "no", "cat": "yes", "cup": "ambiguous", "chair": "no", "kite": "yes"}
    }
    found = scored({"a.jpg": caption}, {"a.jpg": SCENE}, verdicts)
    assert found.figures["coco"].estimates["chair_i"].value == 3 / 5
    corrected = found.figures["corrected"].counts
    assert (corrected.mentions, corrected.hallucinated) == (
        4,
        3,
    )  # the dog, the chair, and the buses as COCO has them
    assert (corrected.truths, corrected.recalled) == (3, 1)  # the cat, the couch and the kite
    assert found.changes["chair_i"].value == pytest.approx(3 / 4 - 3 / 5)
    assert found.found[True] == {
        Found.HALLUCINATED: 1, Found.TRUE: 0, Found.AMBIGUOUS: 1, Found.NOT_JUDGED: 0,
    }  # fmt: skip
    assert found.found[False] == {
        Found.HALLUCINATED: 1, Found.TRUE: 1, Found.AMBIGUOUS: 0, Found.NOT_JUDGED: 1,
    }  # fmt: skip


def test_bounds_hold_every_resolution() -> None:
    verdicts: dict[str, dict[str, Label]] = {"a.jpg": {"dog": "no", "cat": "ambiguous", "couch": "yes"}}
    bounds = scored({"a.jpg": "A dog, a cat, a couch, a cup."}, {"a.jpg": SCENE}, verdicts).bounds
    assert bounds["chair_i"].lowest.value == 1 / 4
    assert bounds["chair_i"].highest.value == 3 / 4
    assert bounds["chair_s"].lowest.value == bounds["chair_s"].highest.value == 1


def test_without_verdicts_there_is_no_corrected_figure() -> None:
    found = scored({"a.jpg": "A dog."}, {"a.jpg": SCENE})
    assert set(found.figures) == {"coco"}
    assert not found.bounds
    assert not found.changes


def test_captions_without_a_mention_have_no_chair() -> None:
    found = scored({"a.jpg": "Un chien.", "b.jpg": "Une tasse."}, dict.fromkeys(("a.jpg", "b.jpg"), SCENE))
    estimates = found.figures["coco"].estimates
    assert estimates["chair_i"].value is None
    assert estimates["chair_i"].reason == "no caption mentions an object"
    assert estimates["chair_s"].value is None


def test_first_words_are_a_beginning_of_the_caption() -> None:
    assert first_words("A  dog\non a couch", 3) == "A  dog\non"
    assert first_words("A dog", 3) == "A dog"
    assert first_words(" ", 3) == ""


def test_figures_of_the_first_words() -> None:
    caption = "word " * 15 + "baseball bat"
    found = scored({"a.jpg": caption}, {"a.jpg": frozenset({"baseball bat"})})
    assert found.cut[16]["coco"].counts.mentions == 0  # a baseball alone names nothing
    assert found.cut[32]["coco"].counts.mentions == 1
    assert found.n_longer == {16: 1, 32: 0, 64: 0, 128: 0}
    assert tuple(found.cut) == FIRST_WORDS


def test_objects_stand_with_their_denominators() -> None:
    found = scored(
        {"a.jpg": "A dog, a dog, a cat.", "b.jpg": "A cat and a dog."},
        {"a.jpg": SCENE, "b.jpg": frozenset({"cat"})},
        {"a.jpg": {"cat": "ambiguous"}},
    ).objects
    assert [(each.object, each.mentions["coco"], each.hallucinated["coco"]) for each in found] == [
        ("dog", 3, 1),
        ("cat", 2, 1),
    ]
    assert found[1].mentions["corrected"] == 1
    assert found[1].hallucinated["corrected"] == 0


def test_few_captions_have_gamma_intervals_and_many_have_percentiles() -> None:
    few = scored({f"{n}.jpg": "A cat." for n in range(20)}, {f"{n}.jpg": SCENE for n in range(20)})
    assert few.figures["coco"].estimates["chair_i"].method == "gamma"
    captions = {f"{n}.jpg": "A cat and a dog." if n % 3 else "A dog." for n in range(300)}
    many = scored(captions, dict.fromkeys(captions, SCENE))
    assert many.figures["coco"].estimates["chair_i"].method == "bootstrap"
    assert many.figures["coco"].estimates["mentions_per_caption"].interval is not None


def test_tables_that_are_drawn_together_are_drawn_as_alone() -> None:
    counts = np.random.default_rng(2).integers(0, 5, (2, 150, len(COUNTS))).astype(float)
    together = drawn_tables(dict(enumerate(counts)))
    for number, each in enumerate(counts):
        alone = drawn_tables({"": each})[""].drawn
        drawn = together[number].drawn
        assert alone is not None
        assert drawn is not None
        assert (drawn == alone).all()
    assert drawn_tables({"": counts[0, :50]})[""].drawn is None


def _verdicts() -> dict[str, dict[str, Label]]:
    """RePOPE's verdict on each pair of POPE: ambiguous where its files lack the question."""
    labels: list[dict[tuple[str, str], Label]] = []
    for kind in ("pope", "repope"):
        rows = [
            json.loads(line)
            for variant in ("random", "popular", "adversarial")
            for line in (ANNOTATIONS / f"coco_{kind}_{variant}.json").read_text().splitlines()
        ]
        labels.append({(row["image"], _object(row["text"])): row["label"] for row in rows})
    found: dict[str, dict[str, Label]] = {}
    for image, name in labels[0]:
        found.setdefault(image, {})[name] = labels[1].get((image, name), "ambiguous")
    return found


def _object(text: str) -> str:
    match = re.match(r"Is there an? (.+) in the ", text)
    assert match
    return match[1]


def _truth() -> CaptionTruth:
    objects = json.loads((CHAIR / "truth.json").read_text())
    by_image = {f"COCO_val2014_{int(number):012d}.jpg": frozenset(of) for number, of in objects.items()}
    return CaptionTruth(by_image, _verdicts())


@pytest.fixture(scope="module")
def truth() -> CaptionTruth:
    if not (CHAIR.is_dir() and ANNOTATIONS.is_dir()):
        pytest.skip(
            f"{CHAIR} or {ANNOTATIONS} is not here: COCO's truth of public captions, and RePOPE's labels"
        )
    return _truth()


def test_what_repope_says_of_the_truth(truth: CaptionTruth) -> None:
    counts: dict[tuple[bool, str], int] = {}
    for image, verdicts in truth.verdicts.items():
        for name in truth.objects[image] | verdicts.keys():
            key = name in truth.objects[image], verdicts.get(name, "not asked")
            counts[key] = counts.get(key, 0) + 1
    of_truths = {verdict: number for (is_there, verdict), number in counts.items() if is_there}
    assert of_truths == {"yes": 1154, "no": 139, "ambiguous": 207, "not asked": 664}
    assert counts[False, "yes"] == 49
    assert counts[False, "ambiguous"] == 141


@pytest.mark.parametrize("name", ["opera_llava15_greedy.jsonl", "pope_mmgpt_short.json"])
def test_figures_of_public_captions(name: str, truth: CaptionTruth) -> None:
    expected = json.loads((CHAIR / "expected" / f"{name.partition('.')[0]}.json").read_text())["figures"]
    rows = caption_rows((CHAIR / "captions" / name).read_text())
    captions = {f"COCO_val2014_{row['image_id']:012d}.jpg": row.get("caption") or row["text"] for row in rows}
    figures = scored(captions, truth.objects, truth.verdicts).figures["coco"]
    counts = {count: getattr(figures.counts, count) for count in expected.keys() & {*dir(figures.counts)}}
    values = {figure: figures.estimates[figure].value for figure in ("chair_i", "chair_s", "recall")}
    assert counts | values == expected


def test_intervals_of_few_images_hold_the_truth() -> None:
    """Images differ in how much is hallucinated about them; 95 % of 200 sets of images are expected to be held."""
    generator, n_images, held = np.random.default_rng(5), 50, 0
    for _ in range(200):
        rates = generator.beta(0.6, 4.0, n_images)
        captions = {
            f"{number}.jpg": _simulated_caption(generator.random(4) < rate)
            for number, rate in enumerate(rates)
        }
        interval = _interval_alone(captions)
        held += interval[0] <= 0.6 / 4.6 <= interval[1]
    assert held / 200 >= 0.91


def _simulated_caption(are_hallucinated: Sequence[bool] | np.ndarray) -> str:
    return " and ".join("a cat" if each else "a dog" for each in are_hallucinated)


def _interval_alone(captions: Mapping[str, str]) -> tuple[float, float]:
    found = scored(captions, dict.fromkeys(captions, SCENE)).figures["coco"].estimates["chair_i"]
    assert found.interval is not None
    return found.interval
