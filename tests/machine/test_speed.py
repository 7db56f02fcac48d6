"""The time of a run is estimated from a data sheet, the same way for all models, and says what binds."""

import re
from dataclasses import replace

import pytest

from repope_eval.benchmarks.benchmark import BenchmarkSize
from repope_eval.errors import RepopeError
from repope_eval.machine.fits import REPOPE
from repope_eval.machine.memory_need import Rehearsed, Shape, published_shape
from repope_eval.machine.speed import (
    CARDS,
    LAUNCHES_A_LAYER,
    MOST_WORKERS,
    SENTENCE_TOKENS,
    SpeedEstimate,
    automatic_workers,
    card_of,
    estimate_speed,
    named_card,
)
from repope_eval.settings.composition import model_settings

H100 = named_card("H100")

QWEN2_5_VL_7B = Rehearsed(
    parameters=8_292_166_656,
    quantizable=6_525_417_472,
    layers=28,
    held=2_179_990_176,
    rows=12,
    width=416,
    fed=416,
    answer=64,
    cached_values=28_672,
    widest=18_944,
    largest=67_895_296,
    operations=10_226_786_230_272,
    alone=7_533_823_909_888,
    further=244_814_756_398.5,
    launches=6167,
)
"""What `counting.rehearse` counts of a checkpoint with the published sizes, 391 image tokens and the default pixels."""


def shape(name: str) -> Shape:
    found = published_shape(model_settings(name).checkpoint)
    assert found is not None
    return found


def estimated(
    model: Shape | Rehearsed, card: str = "H100", size: BenchmarkSize = REPOPE.size, **more: float
) -> SpeedEstimate:
    found = estimate_speed(model, size, named_card(card), **{"workers": MOST_WORKERS, **more})  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("model", "tokens", "seconds"),
    [
        (shape("ovis2_8b"), 3, 34),
        (shape("internvl2_5_26b"), 3, 6 * 60),
        (shape("llava_next_vicuna_7b"), 3, 42),
        (shape("paligemma2_10b"), 3, 3.5 * 60),
        (QWEN2_5_VL_7B, 3, 46),
        (QWEN2_5_VL_7B, SENTENCE_TOKENS, 4.2 * 60),
    ],
)
def test_it_is_near_figures_that_were_reckoned_apart_from_it(
    model: Shape | Rehearsed, tokens: int, seconds: float
) -> None:
    """For all of RePOPE on an H100. These are no measurements either; a chat model was asked about one image then."""
    at_once = {"images_at_once": 1} if isinstance(model, Rehearsed) else {}
    ratio = estimated(model, answer_tokens=tokens, **at_once).seconds / seconds
    assert 1 / 1.5 < ratio < 1.5


def test_several_images_at_a_time_spare_a_chat_model_steps_but_feed_each_image() -> None:
    one, several = (
        estimated(QWEN2_5_VL_7B, answer_tokens=SENTENCE_TOKENS, images_at_once=number) for number in (1, 25)
    )
    assert several.seconds_launching_decoding == pytest.approx(one.seconds_launching_decoding / 25)
    assert several.seconds_launching_prefill == one.seconds_launching_prefill
    assert several.seconds_prefill == one.seconds_prefill


def test_the_longest_of_what_goes_on_at_the_same_time_is_the_time() -> None:
    parts = {
        "seconds_prefill": 4.0,
        "seconds_decoding": 1.0,
        "seconds_launching_prefill": 2.0,
        "seconds_launching_decoding": 3.0,
        "seconds_preparing": 5.0,
    }
    estimate = SpeedEstimate(**parts)
    assert (estimate.seconds, estimate.seconds_host, estimate.binds) == (7.0, 5.0, "compute")
    assert replace(estimate, seconds_preparing=8.0).seconds == 8.0
    assert replace(estimate, seconds_preparing=8.0).binds == "image preparation"
    assert replace(estimate, seconds_launching_prefill=4.5).binds == "kernel launches"
    assert replace(estimate, seconds_prefill=2.0, seconds_decoding=6.0).binds == "memory bandwidth"


def test_compute_is_the_operations_over_a_share_of_the_peak() -> None:
    """A card of half the rate takes twice as long for them, and other things stay."""
    whole = estimated(shape("internvl2_5_8b"))
    pcie = estimated(shape("internvl2_5_8b"), "H100 PCIe")
    assert whole.binds == "compute"
    assert pcie.seconds_prefill / whole.seconds_prefill == pytest.approx(989 / 756)
    assert pcie.seconds_decoding / whole.seconds_decoding == pytest.approx(3.35 / 2.0)
    assert pcie.seconds_host == whole.seconds_host
    twice = estimated(shape("internvl2_5_8b"), size=BenchmarkSize(1000, 10_254))
    assert twice.seconds_prefill == pytest.approx(2 * whole.seconds_prefill)


def test_captions_take_their_steps_in_batches_of_as_many_as_have_128_questions() -> None:
    """Of 512 images with one question each."""
    captions = estimated(shape("internvl2_5_1b"), size=BenchmarkSize(512, 512), answer_tokens=101)
    assert captions.seconds_launching_decoding == pytest.approx(4 * 100 * 24 * LAUNCHES_A_LAYER * 10e-6)
    several = estimated(shape("internvl2_5_1b"), size=BenchmarkSize(512, 5120), answer_tokens=101)
    assert several.seconds_launching_decoding == pytest.approx(16 * 100 * 24 * LAUNCHES_A_LAYER * 10e-6)


def test_one_image_at_a_time_has_the_host_launch_more() -> None:
    batches, alone = (
        estimated(shape("internvl2_5_1b"), images_at_once=number, answer_tokens=5) for number in (25, 1)
    )
    assert alone.seconds_host == pytest.approx(25 * batches.seconds_host)
    assert alone.seconds_prefill == batches.seconds_prefill
    assert alone.seconds_launching_decoding == pytest.approx(500 * 4 * 24 * LAUNCHES_A_LAYER * 10e-6)
    assert (batches.binds, alone.binds) == ("compute", "kernel launches")


def test_a_small_memory_takes_fewer_images_at_a_time() -> None:
    large, small = (estimated(shape("internvl2_5_8b"), card) for card in ("H100", "RTX 4090"))
    assert small.seconds_host > large.seconds_host


def test_few_workers_bind_and_quantized_weights_are_read_faster() -> None:
    assert estimated(shape("internvl2_5_1b"), workers=1).binds == "image preparation"
    plain, nf4 = (
        estimated(shape("llava_next_vicuna_7b"), images_at_once=1, quantization=way).seconds_decoding
        for way in ("none", "nf4")
    )
    assert 0.25 < nf4 / plain < 0.5


def test_questions_that_are_asked_one_by_one_are_launched_one_by_one() -> None:
    together, one_by_one = (
        estimated(replace(QWEN2_5_VL_7B, rows=rows), size=BenchmarkSize(100, 1200), images_at_once=1)
        for rows in (12, 1)
    )
    # The launches that were counted are those of all questions either way; each has its own steps of decoding.
    assert one_by_one.seconds_launching_decoding == pytest.approx(12 * together.seconds_launching_decoding)
    uncounted = replace(QWEN2_5_VL_7B, launches=0)
    assert estimated(uncounted).seconds_launching_prefill == pytest.approx(500 * 3 * 28 * 45 * 10e-6)


def test_what_was_not_counted_is_not_estimated() -> None:
    uncounted = replace(QWEN2_5_VL_7B, operations=0, alone=0)
    assert estimate_speed(uncounted, REPOPE.size, H100, workers=8) is None


@pytest.mark.parametrize(
    ("device", "card"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H100 80GB HBM3, compute capability 9.0, driver 550.54", "H100"),
        ("NVIDIA H100 PCIe", "H100 PCIe"),
        ("NVIDIA A100-SXM4-80GB", "A100 80GB"),
        ("NVIDIA A100 80GB PCIe", "A100 80GB PCIe"),
        ("NVIDIA A100-SXM4-40GB", "A100"),
        ("Tesla V100-SXM2-32GB", "V100"),
        ("Tesla T4", "T4"),
        ("NVIDIA GeForce GTX 1650", "GTX 1650"),
        ("NVIDIA L40", None),  # neither an L4 nor an L40S
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", None),
        ("Apple GPU", None),
    ],
)
def test_a_card_is_known_by_the_words_of_its_name(device: str, card: str | None) -> None:
    found = card_of(device)
    assert (found.name if found else None) == card


def test_each_card_is_named_by_its_own_name_in_any_case() -> None:
    for card in CARDS:
        assert named_card(card.name.lower().replace(" ", "_")) is card
    with pytest.raises(RepopeError, match=r"^gpu=H8: no such card; there are B200, GH200, H200_NVL"):
        named_card("H8")


def test_workers_are_as_many_as_the_loader_has() -> None:
    from repope_eval.asking.native import loader

    assert loader.AHEAD == MOST_WORKERS
    assert [automatic_workers(cores) for cores in (1, 2, 6, 64)] == [1, 1, 5, 32]


def test_the_kernels_of_a_layer_are_those_that_were_counted() -> None:
    """The table of perf/RESULTS.md has kernels a step of decoding, with 24 layers and with 32."""
    from conftest import PROJECT

    text = (PROJECT / "perf" / "RESULTS.md").read_text(encoding="utf-8")
    for name, layers in (("1b", 24), ("8b", 32)):
        found = re.search(rf"^\| {name} \| 1 \|.*?\|.*?\| (\d+) \|", text, re.MULTILINE)
        assert found is not None
        assert int(found[1]) / layers == pytest.approx(LAUNCHES_A_LAYER, abs=0.5)
