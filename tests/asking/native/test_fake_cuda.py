"""Every shipped model at its published size on GPUs that are not there, as perf/fake_device.py stands in for them.

Each half of a model has two layers here, and three where it matters what a layer adds; perf/fake_cuda.py runs all
layers. No kernel runs, so that nothing is shown of speed, of results and of kernels' own memory. Of nf4 and int8 the
layers are bitsandbytes' own, and what its kernels allocate is written after them; loading is not tried.
"""

import re
import sys
from functools import cache
from typing import Any, NamedTuple

import pytest
import torch
from conftest import FAMILY_MODELS, PROJECT

from repope_eval.asking.native import shared
from repope_eval.asking.native.rows import CachedRows, CopiedPrefixes, ImageRows
from repope_eval.machine.counting import size_of
from repope_eval.models import placement
from repope_eval.models.recipe import Prepared

with pytest.MonkeyPatch.context() as path:
    path.syspath_prepend(PROJECT / "perf")
    import fake_cuda
    from fake_cuda import FIRST, SECOND, Counts, count, fake_model, formula_bytes, prepared
    from fake_device import devices_that_are_not_there
    from published_models import PUBLISHED, published_recipe, shipped_shape

pytestmark = pytest.mark.perf

PAGE = " ".join((PROJECT / "docs" / "how-to" / "check-a-machine.md").read_text(encoding="utf-8").split())
QUESTIONS = 10
LAYERS = 2
MORE_LAYERS = LAYERS + 1

OWN_WAITS = 5
"""The engine waits for each of at most four tokens, and for the probabilities of yes and no."""
OTHER_WAITS = {"internvl2_5_internlm2": 10, "ovis2": 1, "llava": 1, "paligemma": 3}
"""The most waits in lines of transformers, by the golden's name or its beginning: rotary embeddings that depend on
the length, Ovis2's indicators, sizes of images, masks."""
OF_EACH_FAMILY = (
    "internvl2_5_1b",
    "internvl2_5_2b",
    "ovis2_1b",
    "llava_next_mistral_7b",
    "llava_onevision_0_5b",
    "paligemma_3b",
    "paligemma2_3b",
)


class Counted(NamedTuple):
    """What the shared engine takes for one image and its questions."""

    few: Counts
    more: Counts
    """What it takes with `MORE_LAYERS` in each half of the model."""


@cache
def counted(name: str, quantization: str) -> Counted:
    return Counted(*(_counted(name, layers, quantization) for layers in (LAYERS, MORE_LAYERS)))


def _counted(name: str, layers: int | None, quantization: str = "none") -> Counts:
    with fake_model(name, layers, quantization=quantization) as (model, devices):
        return count(model, devices, [prepared(model, QUESTIONS)])


def peak_of_all_layers(name: str, quantization: str = "none") -> float:
    """The most bytes of a model with all its layers, reckoned from two numbers of layers."""
    few, more = counted(name, quantization)
    shape = shipped_shape(name)

    def grown(few_bytes: int, more_bytes: int, layers: int) -> int:
        return few_bytes + (more_bytes - few_bytes) * (layers - LAYERS)

    encoding = grown(few.encoding, more.encoding, PUBLISHED[name].vision["num_hidden_layers"])
    answering = grown(few.answering, more.answering, shape.layers)
    return shape.weight_bytes(quantization) + max(encoding, answering)


def test_every_shipped_model_is_here() -> None:
    names = {name.removesuffix("_mpo") for name in FAMILY_MODELS} - {"tiny"}
    assert set(PUBLISHED) == names
    assert len(FAMILY_MODELS) - 1 == 28


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_model_takes_the_memory_and_the_waiting_that_are_said(name: str) -> None:
    """The documentation says how far above the peak the formula may be; it counts hidden states that transformers kept
    before 5.24, which are much of LLaVA-OneVision 0.5B's need.
    """
    said = re.search(r"at most (\d+) % above it \((\d+) % for LLaVA-OneVision 0.5B\)", PAGE)
    assert said is not None
    percent = int(said[2 if name == "llava_onevision_0_5b" else 1])
    peak, formula = peak_of_all_layers(name), formula_bytes(name, QUESTIONS)
    assert peak <= formula <= (1 + percent / 100) * peak
    counts = counted(name, "none").few
    others = [waits for start, waits in OTHER_WAITS.items() if PUBLISHED[name].golden.startswith(start)]
    assert counts.waits_here <= OWN_WAITS
    assert counts.waits - counts.waits_here <= sum(others)
    lengths = [len(answer.token_ids) for answers in counts.answers for answer in answers]
    assert lengths == [1, 1, 1, 2, 2, 3, 4, 4, 4, 4]  # answers leave the batch as they end


@pytest.mark.parametrize("quantization", ["int8", "nf4"])
@pytest.mark.parametrize("name", ["internvl2_5_8b", "ovis2_1b", "paligemma_3b"])
def test_a_quantized_model_takes_the_memory_that_the_formula_says(
    monkeypatch: pytest.MonkeyPatch, name: str, quantization: str
) -> None:
    pytest.importorskip("bitsandbytes", reason="it is not for this system")
    monkeypatch.syspath_prepend(PROJECT / "perf")
    size = size_of(published_recipe(name, LAYERS).network_without_weights())
    assert counted(name, quantization).few.weights == pytest.approx(size.weight_bytes(quantization), rel=2e-3)
    peak, formula = peak_of_all_layers(name, quantization), formula_bytes(name, QUESTIONS, quantization)
    assert peak <= formula <= 1.1 * peak


def test_memory_grows_by_the_same_with_each_layer() -> None:
    assert peak_of_all_layers("internvl2_5_1b") == pytest.approx(
        _counted("internvl2_5_1b", None).peak, rel=1e-3
    )


@pytest.mark.parametrize("name", OF_EACH_FAMILY)
def test_the_sequential_engine_runs_at_size(name: str) -> None:
    with fake_model(name, LAYERS) as (model, devices):
        counts = count(model, devices, [prepared(model, 1)], "sequential")
    assert [len(answer.token_ids) for (answer,) in counts.answers] == [4]
    assert counts.waits_here <= 5


@pytest.mark.parametrize("name", ["internvl2_5_1b", "llava_onevision_0_5b", "paligemma_3b"])
def test_more_questions_and_images_add_no_waiting(name: str) -> None:
    with fake_model(name, LAYERS) as (model, devices):
        many = prepared(model, 20)
        few = Prepared(many.inputs, many.prompts[:3])
        counts = [count(model, devices, images) for images in ([few] * 2, [many] * 2, [few] * 6)]
    assert len({(each.waits, each.waits_here) for each in counts}) == 1
    assert counts[0].copies == counts[1].copies
    assert counts[2].copies - counts[0].copies <= 4 * 2  # pixels and sizes


@pytest.mark.parametrize("embeddings_on", [FIRST, SECOND], ids=str)
@pytest.mark.parametrize("name", OF_EACH_FAMILY)
def test_a_model_may_be_on_two_devices(name: str, embeddings_on: torch.device) -> None:
    """One image's questions have all ended before the other's, whose rows both devices keep."""
    with fake_model(name, LAYERS, embeddings_on) as (model, devices):
        assert set(model.devices) == {FIRST, SECOND}
        images = [prepared(model, 3)] * 2
        counts = count(model, devices, images)
        lengths = [[len(answer.token_ids) for answer in answers] for answers in counts.answers]
        assert lengths == [[1, 1, 2], [3, 4, 4]]
        if embeddings_on == SECOND:
            count(model, devices, [Prepared(images[0].inputs, images[0].prompts[:1])], "sequential")


def test_what_copies_prefixes_runs_at_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows that FlashAttention has, which is not installed; the kernel called here is torch's own."""
    monkeypatch.setattr(shared, "_empty_rows", CopiedPrefixes)
    with fake_model("internvl2_5_1b", LAYERS) as (model, devices):
        few, many = (count(model, devices, [prepared(model, number)] * 2) for number in (3, 20))
    assert few.waits_here == many.waits_here == OWN_WAITS
    assert few.waits == many.waits
    assert few.copies == many.copies
    with fake_model("internvl2_5_1b", LAYERS, SECOND) as (model, devices):
        count(model, devices, [prepared(model, 3)] * 2)


# What was wrong once is found: each test puts it back.


def test_layers_on_another_device_than_the_rows_kept_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def select(self: CachedRows, rows: list[int]) -> None:
        indexes = torch.tensor(rows).to(self._model.device)
        self._owners = self._owners[indexes]
        self._cache.batch_select_indices(indexes)

    monkeypatch.setattr(CachedRows, "_select", select)
    with (
        fake_model("internvl2_5_1b", LAYERS, FIRST) as (model, devices),
        pytest.raises(RuntimeError, match=r"same device as the indexed tensor \(cuda:1\), not on cuda:0"),
    ):
        count(model, devices, [prepared(model, 3)] * 2)


@pytest.mark.parametrize("name", ["internvl2_5_1b", "ovis2_1b", "llava_next_mistral_7b"])
def test_embeddings_on_another_device_than_the_inputs_are_found(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(fake_cuda, "embed_where_inputs_are", lambda network: None)
    with (
        fake_model(name, LAYERS, SECOND) as (model, devices),
        pytest.raises(RuntimeError, match=r"one device, not on|same device as the indexed tensor"),
    ):
        count(model, devices, [prepared(model, 3)])


def test_waiting_for_each_question_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 32 images and 10 questions each, 1,056 waits: three for each prefix and each question."""
    embed = CachedRows._embed

    def wait_and_embed(self: CachedRows, stretches: Any, *more: Any) -> torch.Tensor:
        for stretch in stretches if len(stretches[0].tokens) > 1 else ():
            tokens = torch.tensor(stretch.tokens, device=self._model.device)
            features = torch.tensor(self._model.recipe.feature_token_ids, device=self._model.device)
            torch.isin(tokens, features).nonzero()
        return embed(self, stretches, *more)

    monkeypatch.setattr(CachedRows, "_embed", wait_and_embed)
    with fake_model("internvl2_5_1b", LAYERS) as (model, devices):
        counts = count(model, devices, [prepared(model, QUESTIONS)] * 32)
    assert counts.waits_here == 1056 + OWN_WAITS


def test_an_unlike_number_format_in_attention_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = ImageRows._mask
    monkeypatch.setattr(ImageRows, "_mask", lambda self, owners, dtype: mask(self, owners, torch.float32))
    with (
        fake_model("internvl2_5_1b", LAYERS) as (model, devices),
        pytest.raises(TypeError, match=r"attention.* of .*bfloat16.*float32"),
    ):
        count(model, devices, [prepared(model, 3)])


# The devices themselves.


def test_bytes_count_for_as_long_as_a_view_is_alive() -> None:
    with devices_that_are_not_there(0) as devices:
        whole = torch.zeros(1000, 3, device=FIRST)
        assert devices.bytes[FIRST] == 12_288  # 12,000 bytes in blocks of 512
        part = whole[:5].view(-1)
        part += 1
        del whole
        assert devices.bytes[FIRST] == 12_288
        del part
        assert devices.bytes[FIRST] == 0
        twice = torch.ones(100, device=SECOND) + torch.ones(100, device=SECOND)
        del twice
        assert devices.peak == {FIRST: 12_288, SECOND: 3 * 512}


def test_whole_numbers_are_real_and_asking_for_them_is_waiting() -> None:
    with devices_that_are_not_there(7) as devices:
        numbers = torch.arange(6).to(FIRST, non_blocking=True).view(2, 3)
        assert (devices.copies, devices.waits.total()) == (1, 0)
        assert numbers[numbers > 2].tolist() == [3, 4, 5]  # its own indexes are the other wait
        assert devices.waits.total() == 2
        logits = torch.zeros(6, 50, device=FIRST)
        assert logits.argmax(dim=-1).tolist() == [7, 7, 3, 3, 3, 3]
        assert bool(torch.isfinite(logits).all())
        assert devices.waits.total() == 4
        torch.tensor([1, 2], device=FIRST)
        assert devices.waits.total() == 5


@pytest.mark.parametrize(
    "wrong",
    [
        lambda here, there: here + there,
        lambda here, there: torch.mm(here, torch.zeros(3, 3)),
        lambda here, there: here[torch.zeros(1, dtype=torch.long, device=SECOND)],
        lambda here, there: torch.cat([here, there]),
    ],
)
def test_tensors_of_two_devices_are_refused(wrong: Any) -> None:
    with devices_that_are_not_there(0):
        here, there = (torch.zeros(3, 3, device=device) for device in (FIRST, SECOND))
        with pytest.raises(RuntimeError, match="device"):
            wrong(here, there)
        assert (here + torch.tensor(1.0)).device == FIRST
        assert here[torch.tensor([0, 1])].shape == (2, 3)
        with pytest.raises(TypeError, match=r"float32.*bfloat16"):
            torch.mm(here, here.bfloat16())


def test_the_program_prints_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["fake_cuda.py", "paligemma_3b", "--layers", "2", "--questions", "2"])
    fake_cuda.main()
    *figures, attention_shapes = capsys.readouterr().out.splitlines()[-1].split()
    assert figures[0] == "paligemma_3b"
    assert int(attention_shapes) == 5


@pytest.mark.parametrize("name", ["internvl2_5_1b", "ovis2_1b", "llava_next_mistral_7b"])
def test_repeated_heads_take_no_more_than_the_feed_forward_network(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """GPUs without FlashAttention get as many heads of keys as of queries; the most memory is where it was."""
    usual = counted(name, "none").few
    monkeypatch.setattr(placement, "_lacks_flash_attention", lambda: True)
    with fake_model(name, LAYERS) as (model, devices):
        counts = count(model, devices, [prepared(model, QUESTIONS)])
        heads = {(call.queries[1], call.keys[1]) for call in devices.attention}
    assert all(queries == keys for queries, keys in heads)
    assert (counts.encoding, counts.answering) == (usual.encoding, usual.answering)
    assert counts.answers == usual.answers
