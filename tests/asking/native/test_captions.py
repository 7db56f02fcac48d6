"""One prompt an image and answers of many tokens: several images together are answered as each one alone.

The photographs differ in size, so that their prompts do in length, and answers end at different steps.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest
from remembered_features import remembering

from perf.golden import GOLDENS, ONE_OF_EACH_FAMILY, Golden, golden_model, read_golden
from repope_eval.asking.native import shared
from repope_eval.asking.native.generation import Generation, find_spellings
from repope_eval.asking.native.rows import CopiedPrefixes
from repope_eval.asking.native.sequential import generate_sequentially
from repope_eval.asking.native.shared import generate_shared
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared

PROMPT = "Describe this image."
MOST_TOKENS = 64
NEVER_SAID = 10**6
"""A token that no vocabulary has."""

CAUSAL = [name for name in ONE_OF_EACH_FAMILY if not name.startswith("paligemma")]


@pytest.fixture(scope="module", params=GOLDENS)
def golden(request: pytest.FixtureRequest) -> Golden:
    return read_golden(Path(__file__).parents[2] / "goldens" / request.param)


@pytest.fixture(scope="module")
def model(golden: Golden) -> Model:
    return remembering(golden_model(golden.folder))


@pytest.fixture(scope="module")
def prepared(golden: Golden, model: Model) -> list[Prepared]:
    return [model.recipe.prepare(golden.photograph(name), [PROMPT]) for name in golden.cases_by_image()]


@pytest.fixture(scope="module")
def described(model: Model, prepared: list[Prepared]) -> list[Generation]:
    """What the model says of all photographs together."""
    return together(model, prepared)


def together(model: Model, images: Sequence[Prepared]) -> list[Generation]:
    answers = generate_shared(model, images, MOST_TOKENS, find_spellings(model.recipe))
    return [generation for (generation,) in answers]


def alone(model: Model, images: Sequence[Prepared]) -> list[Generation]:
    return [generation for image in images for generation in together(model, [image])]


def plain(model: Model, images: Sequence[Prepared]) -> list[Generation]:
    answers = generate_sequentially(model, images, MOST_TOKENS, find_spellings(model.recipe))
    return [generation for (generation,) in answers]


def require_same(model: Model, one: Sequence[Generation], other: Sequence[Generation]) -> None:
    assert [each.token_ids for each in one] == [each.token_ids for each in other]
    texts = ([model.recipe.decode(each.token_ids) for each in answers] for answers in (one, other))
    assert next(texts) == next(texts)
    for first, second in zip(one, other, strict=True):
        assert (first.p_yes, first.p_no) == pytest.approx((second.p_yes, second.p_no), abs=1e-6)


def test_several_images_are_described_as_each_one_alone(
    golden: Golden, model: Model, prepared: list[Prepared], described: list[Generation]
) -> None:
    require_same(model, described, alone(model, prepared))
    require_same(model, described, plain(model, prepared))
    lengths = {len(each.token_ids) for each in described}
    has_one_size = golden.folder.name.startswith("paligemma")
    assert (len({len(image.prompts[0]) for image in prepared}) == 1) == has_one_size
    assert len(lengths) > 1 or has_one_size, "the tiny PaliGemmas never stop by themselves"


@pytest.mark.parametrize("golden", ONE_OF_EACH_FAMILY, indirect=True)
def test_answers_of_all_tokens_are_the_same_and_leave_the_batch_at_whatever_ends_them(
    model: Model, prepared: list[Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ends them then is a token of the first answer, which others may say later or never."""
    monkeypatch.setattr(model.recipe, "stop_token_ids", (NEVER_SAID,))
    unending = together(model, prepared)
    assert {len(each.token_ids) for each in unending} == {MOST_TOKENS}
    require_same(model, unending, plain(model, prepared))
    stop = unending[0].token_ids[3]
    monkeypatch.setattr(model.recipe, "stop_token_ids", (stop,))
    expected = [
        each.token_ids[: each.token_ids.index(stop) + 1] if stop in each.token_ids else each.token_ids
        for each in unending
    ]
    assert [each.token_ids for each in together(model, prepared)] == expected


@pytest.mark.parametrize("golden", CAUSAL, indirect=True)
def test_rows_of_copied_prefixes_give_the_same(
    model: Model,
    prepared: list[Prepared],
    described: list[Generation],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shared, "_empty_rows", CopiedPrefixes)
    require_same(model, together(model, prepared), described)


@pytest.mark.parametrize("golden", ["internvl2_5_qwen2"], indirect=True)
def test_answers_follow_their_images_into_any_order(
    model: Model, prepared: list[Prepared], described: list[Generation]
) -> None:
    assert len({each.token_ids for each in described}) == len(described)
    require_same(model, together(model, prepared[::-1])[::-1], described)
