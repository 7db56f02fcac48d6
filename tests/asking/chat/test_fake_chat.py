"""Chat checkpoints on GPUs that are not there: shapes that follow from values, copies of caches, two devices."""

import copy
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from conftest import PROJECT
from tiny_checkpoints import CHECKPOINTS

from repope_eval.models.recipe import Prepared

with pytest.MonkeyPatch.context() as path:
    path.syspath_prepend(PROJECT / "perf")
    import fake_chat
    from fake_chat import NAMES, count_chat, count_first_way, fake_chat_model
    from fake_cuda import FIRST, MOST_NEW_TOKENS, SECOND, count, fake_model, prepared
    from fake_device import devices_that_are_not_there

pytestmark = pytest.mark.perf

FolderOf = Callable[[str], Path]

QUESTIONS = 3
FASTEST = {kind: "alone" if kind == "mllama" else "several images" for kind in CHECKPOINTS}
"""Mllama's processor says which tiles each token sees, which belongs to a question."""


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> FolderOf:
    """The folder of a tiny checkpoint of a kind, without weights."""

    def made(kind: str) -> Path:
        folder = tmp_path_factory.mktemp("fake") / kind
        CHECKPOINTS[kind](folder)
        (folder / "model.safetensors").unlink()
        return folder

    return cache(made)


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_a_class_is_followed_in_its_fastest_way_over_one_device_and_two(
    kind: str, folder_of: FolderOf
) -> None:
    way, alone = count_first_way(folder_of(kind), QUESTIONS)
    assert way == FASTEST[kind]
    assert [len(answer.token_ids) for answers in alone.answers for answer in answers] == [
        MOST_NEW_TOKENS
    ] * QUESTIONS
    for device in (FIRST, SECOND):
        spread_way, spread = count_first_way(folder_of(kind), QUESTIONS, device)
        assert (spread_way, spread.waits) == (way, alone.waits)
        assert spread.weights == pytest.approx(alone.weights, rel=0.05)


def test_sharing_an_image_takes_fewer_operations_and_waits_than_asking_alone(
    folder_of: FolderOf,
) -> None:
    found = {}
    for way, name in NAMES.items():
        with fake_chat_model(folder_of("qwen2_5_vl")) as (model, devices):
            found[name] = count_chat(model, devices, 8, way)
    assert found["together"].operations < found["after the prefix"].operations < found["alone"].operations
    assert found["together"].waits < found["alone"].waits
    assert len({counts.weights for counts in found.values()}) == 1


def test_the_program_says_what_it_cannot_follow(
    folder_of: FolderOf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [str(folder_of("idefics3")), str(tmp_path), "--questions", "2"]
    monkeypatch.setattr(sys, "argv", ["fake_chat.py", *words])
    fake_chat.main()
    *_, followed, lost, error = capsys.readouterr().out.splitlines()
    assert followed.split()[:2] == ["idefics3", "several"]
    assert followed.endswith("  2 of 2")
    assert lost.split()[1:3] == ["not", "followed"]
    assert error.startswith(f"{tmp_path.name}, one device: RepopeError: {tmp_path}: holds no config.json")


def test_shapes_that_follow_from_whole_numbers_are_real() -> None:
    with devices_that_are_not_there(0) as devices:
        numbers = torch.tensor([3, 3, 5, 5, 5], device=FIRST)
        devices.forget()
        kinds, lengths = numbers.unique_consecutive(return_counts=True)
        assert (kinds.tolist(), lengths.tolist()) == ([3, 5], [2, 3])
        features = torch.zeros(2, 7, device=FIRST)
        assert features.repeat_interleave(lengths, dim=0).shape == (5, 7)
        assert numbers.unique().tolist() == [3, 5]
        assert features[kinds > 3].shape == (1, 7)
        assert torch.histc(numbers.int(), bins=3, min=3, max=5).tolist() == [2, 0, 3]
        assert devices.waits.total() >= 6
        assert kinds.device == FIRST


def test_floating_point_numbers_have_values_where_they_follow_from_whole_numbers_alone() -> None:
    with devices_that_are_not_there(0):
        weights = torch.nn.functional.one_hot(torch.tensor([0, 2], device=FIRST), 4).float() / 2
        assert (weights.sum(dim=0) == 0).tolist() == [False, True, False, True]
        pixels = torch.zeros(4, device=FIRST)
        assert (pixels == 0).tolist() == [False] * 4  # made up: no pixel is padding
        assert (pixels + weights[0] > 5).tolist() == [True] * 4
        assert torch.isfinite(pixels).tolist() == [True] * 4


def test_a_copy_of_a_tensor_takes_its_memory_and_keeps_its_numbers() -> None:
    with devices_that_are_not_there(0) as devices:
        whole = torch.zeros(1000, 3, device=SECOND)
        copied = copy.deepcopy(whole[:5])
        assert devices.bytes[SECOND] == 2 * 12_288
        assert (copied.shape, copied.device) == ((5, 3), SECOND)
        numbers = torch.arange(6, device=FIRST)[2:]
        other = copy.deepcopy(numbers)
        numbers += 1
        assert (other.tolist(), numbers.tolist()) == ([2, 3, 4, 5], [3, 4, 5, 6])


def test_a_list_of_numbers_on_a_device_makes_a_tensor_and_is_waited_for() -> None:
    with devices_that_are_not_there(0) as devices:
        one, two = torch.tensor([4, 5], device=FIRST)
        devices.forget()
        assert torch.tensor([[one, two], [two, 1]], device=FIRST).tolist() == [[4, 5], [5, 1]]
        assert devices.waits.total() >= 3


@pytest.mark.parametrize("embeddings_on", [FIRST, SECOND], ids=str)
def test_internvl_answers_over_two_devices_with_all_its_layers(embeddings_on: torch.device) -> None:
    with fake_model("internvl2_5_1b", None, embeddings_on) as (model, devices):
        whole = prepared(model, QUESTIONS)
        counts = count(model, devices, [whole, Prepared(whole.inputs, whole.prompts[:1])])
        assert all(devices.bytes[device] > 2e8 for device in (FIRST, SECOND))
    assert [len(answers) for answers in counts.answers] == [QUESTIONS, 1]
