"""Each family of which there is a tiny checkpoint gives the answers of the plain way, or is refused in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import GOLDENS
from tiny_checkpoints import CHECKPOINTS, chat_settings

from perf.chat_families.families import FAMILIES, WITH_TIMM
from repope_eval.asking.asker import AskedImage
from repope_eval.asking.chat.tried import ALONE, SHARED, tried_line
from repope_eval.asking.chat.ways import PLAIN
from repope_eval.asking.loaders import load_chat_asker
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question
from repope_eval.settings.config import BenchSettings, Engine, RunSettings
from repope_eval.system.ranks import Ranks

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword"  # Glm4vImageProcessorPil's, of a torch tensor
)

DEMO = BenchSettings(name="demo", source="demo", variants=POPE_VARIANTS)
IMAGES = [GOLDENS / "images" / f"{name}.png" for name in ("coffee", "rocket", "astronaut")]
OBJECTS = ("cup", "very large grey dog that sleeps", "boat")

USUAL = ("qwen3_5", "gemma4", "glm4v", "mistral3", "internvl3_5", "lfm2_vl", "aya_vision", "smolvlm")
"""Families that every run of the tests asks, of those that no other test does; the others are for `make test-perf`."""

REFUSED = ("llama4",)
"""Families whose class fails, whatever it is asked."""


def marked(family: str) -> Any:
    return pytest.param(family, marks=() if family in USUAL else pytest.mark.perf)


def asked(folder: Path, engine: Engine) -> tuple[list[Answer], dict[str, Any]]:
    """The answers to all questions about all images, and what a manifest says of how they were asked."""
    images = [
        AskedImage(
            path,
            tuple(Question(path.name, f"Is there a {thing} in the image?", thing) for thing in OBJECTS),
        )
        for path in IMAGES
    ]
    settings = RunSettings(
        model=chat_settings(folder), bench=DEMO, device="cpu", engine=engine, verify=len(images)
    )
    asker = load_chat_asker(settings, Ranks())
    answers = [answer for part in asker.ask(images) for answer in part]
    return answers, dict(asker.facts())


@pytest.mark.parametrize("family", [marked(family) for family in FAMILIES if family not in REFUSED])
def test_every_answer_is_the_one_of_the_plain_way(family: str, checkpoint: Callable[[str], Path]) -> None:
    if family in WITH_TIMM:
        pytest.importorskip("timm")
    found, facts = asked(checkpoint(family), "shared")
    plain, _ = asked(checkpoint(family), "sequential")
    assert len(found) == len(IMAGES) * len(OBJECTS)
    for one, other in zip(found, plain, strict=True):
        assert (one.question, one.response, one.n_tokens) == (other.question, other.response, other.n_tokens)
        assert (one.p_yes, one.p_no) == pytest.approx((other.p_yes, other.p_no), abs=1e-3)
    assert len({answer.response for answer in plain}) > 1, "the answers depend on nothing"
    config = json.loads((checkpoint(family) / "config.json").read_text())
    kind = config.get("thinker_config", config)["model_type"]
    assert (facts["way"] == PLAIN.name) == (kind in ALONE), facts["why"]
    assert kind in SHARED or kind in ALONE


@pytest.mark.perf
@pytest.mark.parametrize("family", REFUSED)
def test_a_class_that_fails_is_told_in_one_line(family: str, checkpoint: Callable[[str], Path]) -> None:
    with pytest.raises(
        RepopeError, match=r"Llama4\w+ of transformers \S+ cannot answer with what its processor makes"
    ) as caught:
        asked(checkpoint(family), "shared")
    assert "\n" not in str(caught.value)


def test_other_tests_ask_the_families_that_these_leave_out() -> None:
    assert not set(USUAL) & set(CHECKPOINTS)
    assert {*USUAL, *CHECKPOINTS, *REFUSED} <= set(FAMILIES)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (
            "gemma3",
            "what an image's prompts share is fed once, as tried with a tiny checkpoint of its kind (gemma3)",
        ),
        (
            "mllama",
            "each question is asked alone, with its image: its processor says which tiles each token of a",
        ),
        ("new", "no checkpoint of its kind (new) was tried yet: a run checks its own way of asking"),
    ],
)
def test_what_to_expect_is_told_by_the_kind(kind: str, line: str) -> None:
    assert tried_line(kind).startswith(line)
