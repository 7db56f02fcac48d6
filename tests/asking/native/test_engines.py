"""Both engines against each other and, in ways that no run takes, against the goldens; whole runs: test_same_answers.

A faster path must give the same answers.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from remembered_features import remembering
from transformers.integrations import sdpa_attention

from perf.golden import GOLDENS, ONE_OF_EACH_FAMILY, Golden, golden_model, read_golden
from repope_eval.asking.native import rows as image_rows
from repope_eval.asking.native import shared
from repope_eval.asking.native.generation import Generation, Spellings, find_spellings
from repope_eval.asking.native.rows import CopiedPrefixes, ImageRows
from repope_eval.asking.native.sequential import generate_sequentially
from repope_eval.asking.native.shared import generate_shared
from repope_eval.asking.native.verification import compare
from repope_eval.errors import RepopeError
from repope_eval.models.loading import Model
from repope_eval.models.placement import attention_kernels
from repope_eval.models.recipe import Prepared
from repope_eval.settings.config import Attention

CAUSAL = [name for name in ONE_OF_EACH_FAMILY if not name.startswith("paligemma")]


@pytest.fixture(scope="module", params=ONE_OF_EACH_FAMILY)
def golden(request: pytest.FixtureRequest) -> Golden:
    return read_golden(Path(__file__).parents[2] / "goldens" / request.param)


@pytest.fixture(scope="module")
def model(golden: Golden) -> Model:
    return remembering(golden_model(golden.folder))


@pytest.fixture(scope="module")
def prepared(golden: Golden, model: Model) -> list[Prepared]:
    return golden.prepared(model)


@pytest.fixture(scope="module")
def max_new_tokens(golden: Golden) -> int:
    return GOLDENS[golden.folder.name].max_new_tokens


def tokens(generations: Sequence[Sequence[Generation]]) -> list[list[tuple[int, ...]]]:
    return [[generation.token_ids for generation in answers] for answers in generations]


def expected(golden: Golden) -> list[list[tuple[int, ...]]]:
    return [[case.generated_ids for case in cases] for cases in golden.cases_by_image().values()]


@pytest.mark.parametrize("golden", CAUSAL, indirect=True)
def test_copied_prefixes_give_the_same_tokens_where_attention_takes_padding_alone(
    golden: Golden,
    model: Model,
    prepared: list[Prepared],
    max_new_tokens: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shared, "_empty_rows", CopiedPrefixes)
    generations = generate_shared(model, prepared[:1], max_new_tokens, find_spellings(model.recipe))
    assert tokens(generations) == expected(golden)[:1]


@pytest.mark.parametrize("golden", CAUSAL, indirect=True)
def test_tokens_that_are_fed_a_few_at_a_time_give_the_same(
    golden: Golden,
    model: Model,
    prepared: list[Prepared],
    max_new_tokens: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    masked: list[int] = []
    make = ImageRows._mask

    def counted(rows: ImageRows, owners: torch.Tensor, dtype: torch.dtype) -> torch.Tensor | None:
        mask = make(rows, owners, dtype)
        masked.extend([] if mask is None else [mask.shape[2]])
        return mask

    monkeypatch.setattr(ImageRows, "_mask", counted)
    monkeypatch.setattr(image_rows, "COLUMNS_AT_ONCE", 5)
    generations = generate_shared(model, prepared[:1], max_new_tokens, find_spellings(model.recipe))
    assert tokens(generations) == expected(golden)[:1]
    assert max(masked) == 5


def test_flash_attention_gets_rows_that_need_no_mask_but_of_padding(goldens: Path) -> None:
    model = golden_model(goldens / "internvl2_5_qwen2")
    assert isinstance(shared._empty_rows(model), ImageRows)
    assert isinstance(shared._empty_rows(replace(model, attention="flash_attention_2")), CopiedPrefixes)


@pytest.mark.parametrize("generate", [generate_shared, generate_sequentially])
@pytest.mark.parametrize(("attention", "expected"), [("sdpa", False), ("sdpa_cudnn", True)])
def test_both_engines_have_torch_choose_among_the_kernels_that_attention_means(
    goldens: Path, generate: Any, attention: Attention, expected: bool
) -> None:
    golden = read_golden(goldens / "ovis2")
    model = replace(golden_model(golden.folder), attention=attention)
    seen: set[bool] = set()
    for part in (model.network.model.vision_tower, model.network.model.language_model):
        part.register_forward_pre_hook(lambda *_: seen.add(torch.backends.cuda.cudnn_sdp_enabled()))
    first = [Prepared(image.inputs, image.prompts[:1]) for image in golden.prepared(model)[:1]]
    generate(model, first, 2, find_spellings(model.recipe))
    assert seen == {expected}
    assert torch.backends.cuda.cudnn_sdp_enabled()


@pytest.mark.parametrize("generate", [generate_shared, generate_sequentially])
def test_gpus_without_flash_attention_are_given_heads_that_share_nothing_and_answer_alike(
    golden: Golden,
    prepared: list[Prepared],
    max_new_tokens: int,
    monkeypatch: pytest.MonkeyPatch,
    generate: Any,
) -> None:
    """Their one kernel that holds no attention scores takes no keys and values that several heads share."""
    model = golden_model(golden.folder)
    attend = torch.nn.functional.scaled_dot_product_attention
    calls: list[tuple[bool, bool]] = []

    def noted(query: torch.Tensor, key: torch.Tensor, *rest: Any, **how: Any) -> torch.Tensor:
        calls.append((how.get("enable_gqa", False), query.shape[1] == key.shape[1]))
        return attend(query, key, *rest, **how)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", noted)
    image = [Prepared(prepared[0].inputs, prepared[0].prompts[:2])]
    arguments = (model, image, max_new_tokens, find_spellings(model.recipe))
    (usual,) = generate(*arguments)
    text = model.network.config.get_text_config()
    if text.num_key_value_heads < text.num_attention_heads and not model.recipe.attends_both_ways:
        assert (True, False) in calls  # what the other GPUs are given
    calls.clear()
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 5))
    (repeated,) = generate(*arguments)
    assert set(calls) == {(False, True)}
    for one, other in zip(usual, repeated, strict=True):
        assert one.token_ids == other.token_ids
        assert (one.p_yes, one.p_no) == pytest.approx((other.p_yes, other.p_no), abs=1e-6)
        assert one.best_logits == pytest.approx(other.best_logits, abs=1e-4)


def test_other_gpus_leave_sharing_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = sdpa_attention.use_gqa_in_sdpa
    for is_initialized, capability, is_repeated in (
        (False, (7, 5), False),  # nothing was put on a GPU
        (True, (7, 0), True),
        (True, (8, 0), False),
        (True, (12, 0), False),
    ):
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda value=is_initialized: value)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda value=capability: value)
        with attention_kernels("sdpa"):
            assert (sdpa_attention.use_gqa_in_sdpa is not chosen) == is_repeated
        assert sdpa_attention.use_gqa_in_sdpa is chosen


def test_the_sequential_engine_gives_the_originals_tokens_and_the_same_evidence(
    golden: Golden, model: Model, prepared: list[Prepared], max_new_tokens: int
) -> None:
    spellings = find_spellings(model.recipe)
    smallest = [Prepared(prepared[0].inputs, prepared[0].prompts[:2])]
    alone = generate_sequentially(model, smallest, max_new_tokens, spellings)
    together = generate_shared(model, smallest, max_new_tokens, spellings)
    assert tokens(alone) == [expected(golden)[0][:2]]
    for one, other in zip(alone[0], together[0], strict=True):
        assert one.p_yes == pytest.approx(other.p_yes, abs=1e-5)
        assert one.p_no == pytest.approx(other.p_no, abs=1e-5)
        assert compare(other, one, "float32").is_explained
        assert len(one.leads) == len(one.token_ids)
        assert min(one.leads) > 0
        assert len(one.best_logits) == len(one.token_ids)


def test_answers_stop_at_the_limit_in_both_engines(model: Model, prepared: list[Prepared]) -> None:
    spellings = find_spellings(model.recipe)
    images = [Prepared(prepared[0].inputs, prepared[0].prompts[:2])]
    for limit in (1, 3):
        alone = generate_sequentially(model, images, limit, spellings)
        together = generate_shared(model, images, limit, spellings)
        assert tokens(alone) == tokens(together)
        assert max(len(generation.token_ids) for generation in together[0]) == limit


def test_an_image_with_a_single_question_is_asked_too(
    golden: Golden, model: Model, prepared: list[Prepared], max_new_tokens: int
) -> None:
    single = Prepared(prepared[0].inputs, prepared[0].prompts[:1])
    generations = generate_shared(model, [single], max_new_tokens, find_spellings(model.recipe))
    assert tokens(generations) == [expected(golden)[0][:1]]


@pytest.mark.parametrize("golden", ["ovis2"], indirect=True)
def test_logits_that_are_not_finite_are_no_answer(golden: Golden, prepared: list[Prepared]) -> None:
    broken = golden_model(golden.folder)
    with torch.no_grad():
        broken.network.get_output_embeddings().weight[0] = float("nan")
    for engine in (generate_shared, generate_sequentially):
        with pytest.raises(RepopeError, match="NaN or infinite"):
            engine(broken, prepared[:1], 2, Spellings({"yes": 1}, {"no": 2}))


@pytest.mark.parametrize("generate", [generate_shared, generate_sequentially])
def test_logits_that_are_not_finite_after_the_first_token_are_no_answer(goldens: Path, generate: Any) -> None:
    golden = read_golden(goldens / "internvl2_5_qwen2")
    broken = golden_model(golden.folder)
    seen: list[torch.Tensor] = []

    def spoil(_: object, __: object, logits: torch.Tensor) -> torch.Tensor:
        seen.append(logits)
        return logits if len(seen) == 1 else logits.where(torch.arange(logits.shape[-1]) > 0, -torch.inf)

    broken.network.get_output_embeddings().register_forward_hook(spoil)
    with pytest.raises(RepopeError, match="NaN or infinite"):
        generate(broken, golden.prepared(broken)[:1], 3, Spellings({"yes": 1}, {"no": 2}))
    assert len(seen) > 1


@pytest.mark.parametrize(
    ("lengths", "most", "groups"),
    [
        ([5, 5, 5, 5], 10, [[0, 1], [2, 3]]),
        ([3, 9, 4], 8, [[1], [0, 2]]),  # a row that is longer is alone
        ([3, 9, 4], 100, [[0, 1, 2]]),
        ([], 8, []),
    ],
)
def test_rows_are_grouped_by_length_and_tokens(
    lengths: list[int], most: int, groups: list[list[int]]
) -> None:
    assert shared.groups_of_like_length(lengths, most) == groups


@pytest.mark.parametrize("most", [1, 700])
def test_groups_of_rows_change_no_token(goldens: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    golden = read_golden(goldens / "paligemma2")
    model = golden_model(golden.folder)
    monkeypatch.setattr(shared, "MOST_TOKENS", {"cpu": most})
    images = golden.prepared(model)[:2]
    long = model.recipe.prepare(golden.photograph("chelsea"), ["Is there " + "a very " * 80 + "old cat?"])
    generations = generate_shared(model, [long, *images], 4, find_spellings(model.recipe))
    assert tokens(generations)[1:] == [[answer[:4] for answer in asked] for asked in expected(golden)[:2]]


@pytest.mark.parametrize("golden", CAUSAL, indirect=True)
def test_questions_without_an_image_are_answered_alike_by_both_engines(
    model: Model, max_new_tokens: int
) -> None:
    questions = ["Is there a cat in the image?", "Is there a dining table in the image?", "A cup?"]
    blind = model.recipe.prepare(None, questions)
    assert not blind.inputs
    assert not {*model.recipe.feature_token_ids} & {token for prompt in blind.prompts for token in prompt}
    spellings = find_spellings(model.recipe)
    shared, sequential = (
        generate(model, [blind, blind], max_new_tokens, spellings)
        for generate in (generate_shared, generate_sequentially)
    )
    assert tokens(shared) == tokens(sequential)
    for one, other in zip(shared[0], sequential[0], strict=True):
        assert one.p_yes == pytest.approx(other.p_yes, abs=1e-4)
