"""The host waits for the device as often in a batch, however many images and questions it has."""

import sys
from types import ModuleType

import pytest
import torch
from conftest import PROJECT

from repope_eval.inference import shared
from repope_eval.inference.question_rows import CopiedPrefixes
from repope_eval.models.recipe import Prepared


@pytest.fixture
def synchronisations(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program of perf/ that counts."""
    monkeypatch.syspath_prepend(PROJECT / "perf")
    import synchronisations

    return synchronisations


@pytest.mark.parametrize("kind", ["internvl2_5_qwen2", "llava_onevision", "paligemma"])
def test_questions_add_no_waiting(synchronisations: ModuleType, kind: str) -> None:
    from drawn_images import draw_images, pope_questions
    from random_checkpoints import random_model

    model = random_model(kind, "tiny", torch.device("meta"), torch.float32)
    prepared = model.recipe.prepare(*draw_images(1), pope_questions(20))
    few = Prepared(prepared.inputs, prepared.prompts[:3])
    counts = synchronisations.count(model, [few] * 2)
    assert counts["numbers asked for"] <= 9
    assert counts["copies waited for"] <= 1  # transformers has one in LLaVA's image features
    assert synchronisations.count(model, [prepared] * 2) == counts
    more_images = synchronisations.count(model, [few] * 6)
    assert more_images["numbers asked for"] == counts["numbers asked for"]
    assert more_images["copies waited for"] == counts["copies waited for"]
    assert more_images["copies not waited for"] - counts["copies not waited for"] <= 4 * 2  # pixels and sizes


def test_what_copies_prefixes_waits_no_more_often(
    synchronisations: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from drawn_images import draw_images, pope_questions
    from random_checkpoints import random_model

    monkeypatch.setattr(shared, "_rows", CopiedPrefixes)
    model = random_model("internvl2_5_qwen2", "tiny", torch.device("meta"), torch.float32)
    few, many = (
        synchronisations.count(model, [model.recipe.prepare(*draw_images(1), pope_questions(number))] * 2)
        for number in (3, 20)
    )
    assert few == many
    assert few["copies waited for"] == 0


def test_the_program_prints_a_table(
    synchronisations: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["synchronisations.py", "--family", "ovis2", "--images", "2", "--questions", "3"]
    monkeypatch.setattr(sys, "argv", words)
    synchronisations.main()
    assert capsys.readouterr().out.splitlines()[-1].split()[:2] == ["ovis2", "5"]
