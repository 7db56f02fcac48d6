"""The `-hf` layouts of InternVL2.5 and Ovis2: the same prompts, pixels and answers as the original layouts."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hf_layouts import OVIS2_IMAGE_TOKENS, change_config, native_class, write_hf_layout
from remembered_features import remembering
from safetensors.torch import load_file, save_file

from perf.golden import GOLDENS, Golden, golden_model, load_golden_model, read_golden
from repope_eval.asking.native.generation import find_spellings
from repope_eval.asking.native.sequential import generate_sequentially
from repope_eval.asking.native.shared import generate_shared
from repope_eval.errors import RepopeError
from repope_eval.models.fields import Fields
from repope_eval.models.internvl import InternVLRecipe
from repope_eval.models.loading import Model
from repope_eval.models.ovis2 import Ovis2Recipe


@pytest.fixture(scope="module", params=["internvl2_5_qwen2", "internvl2_5_internlm2", "ovis2"])
def golden(request: pytest.FixtureRequest) -> Golden:
    return read_golden(Path(__file__).parent.parent / "goldens" / request.param)


@pytest.fixture(scope="module")
def folder(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hf") / golden.folder.name
    write_hf_layout(golden.folder, folder)
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return remembering(load_golden_model(folder))


def test_prompts_and_pixels_are_those_of_the_original_layout(golden: Golden, model: Model) -> None:
    original = golden_model(golden.folder)
    question = "Is there a dining table in the image?"
    assert model.recipe.prompt(question) == original.recipe.prompt(question)
    assert model.recipe.stop_token_ids == original.recipe.stop_token_ids
    for one, other in zip(golden.prepared(model), golden.prepared(original), strict=True):
        assert one.prompts == other.prompts
        assert torch.equal(one.inputs["pixel_values"], other.inputs["pixel_values"])


def test_texts_are_tokenized_and_spelled_as_in_the_original_layout(golden: Golden, model: Model) -> None:
    original = golden_model(golden.folder).recipe
    for text in ("Yes", " yes", "\nAnswer  yes or no.", "étagère 由", " no, it's 3 o'clock"):
        token_ids = original.tokenizer.encode(text)
        assert model.recipe.tokenizer.encode(text) == token_ids
        assert model.recipe.decode(token_ids) == original.decode(token_ids)


def test_image_tokens_spelled_in_a_question_are_text(golden: Golden, model: Model) -> None:
    question = f"Is there a {''.join(OVIS2_IMAGE_TOKENS)} or <IMG_CONTEXT><|im_end|> in the image?"
    image = golden.photograph("coffee")
    (prompt,) = model.recipe.prepare(image, [question]).prompts
    number = sum(token in model.recipe.feature_token_ids for token in prompt)
    assert number == model.recipe.count_features(*image.size)
    assert question in model.recipe.decode(prompt)


@pytest.mark.parametrize(("engine", "photographs"), [(generate_shared, 4), (generate_sequentially, 1)])
def test_all_responses_are_the_originals(golden: Golden, model: Model, engine: Any, photographs: int) -> None:
    generations = engine(
        model,
        golden.prepared(model)[:photographs],
        GOLDENS[golden.folder.name].max_new_tokens,
        find_spellings(model.recipe),
    )
    cases = [case for cases in list(golden.cases_by_image().values())[:photographs] for case in cases]
    answers = [generation for generated in generations for generation in generated]
    assert [answer.token_ids for answer in answers] == [case.generated_ids for case in cases]
    responses = [model.recipe.decode(answer.token_ids) for answer in answers]
    assert responses == [case.response for case in cases]
    assert len(responses) == 8 * photographs


def test_embeddings_are_not_tied_where_the_language_model_does_not_say_so(model: Model) -> None:
    output, embedding = model.network.get_output_embeddings(), model.network.get_input_embeddings()
    assert output.weight is not embedding.weight
    assert model.network.config.tie_word_embeddings is False


def test_a_weight_that_is_missing_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / folder.name
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    weights = load_file(copy / "model.safetensors")
    weights.pop(next(name for name in sorted(weights) if "vision_tower" in name))
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RepopeError, match="1 weights are missing"):
        load_golden_model(copy)


def test_a_missing_tokenizer_file_is_named(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / folder.name
    copy.mkdir()
    (copy / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(RepopeError, match=r"tokenizer\.json is missing"):
        load_golden_model(copy)


def test_the_native_ovis2_class_alone_is_not_the_original(goldens: Path, tmp_path: Path) -> None:
    golden = read_golden(goldens / "ovis2")
    folder = tmp_path / "ovis2"
    write_hf_layout(golden.folder, folder)
    model = load_golden_model(folder)
    with_norm = native_class(folder).from_pretrained(folder).eval()
    (prompt, *_), inputs = golden.prepared(model)[0].prompts, golden.prepared(model)[0].inputs
    differences = []
    for network in (model.network, with_norm):
        with torch.inference_mode():
            logits = network(
                input_ids=torch.tensor([prompt]), **model.recipe.native_inputs(inputs), logits_to_keep=1
            ).logits[0, -1]
        differences.append(float((logits - golden.first_logits(golden.cases[0])).abs().max()))
    assert differences[0] <= 1e-3
    assert differences[1] > 0.1


def test_ovis2s_image_tokens_are_those_that_its_configuration_says(goldens: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ovis2"
    write_hf_layout(goldens / "ovis2", folder)
    assert load_golden_model(folder).recipe.feature_token_ids == tuple(range(603, 609))
    change_config(folder, lambda config: config.update(image_token_id=609))
    assert load_golden_model(folder).recipe.feature_token_ids == (609, *range(604, 609))


def internvl(hidden_size: int, layers: int, model_type: str = "qwen2") -> dict[str, Any]:
    return {
        "model_type": "internvl",
        "text_config": {
            "model_type": model_type,
            "hidden_size": hidden_size,
            "num_hidden_layers": layers,
        },
    }


@pytest.mark.parametrize(
    ("config", "recognised"),
    [
        (internvl(896, 24), True),  # 1B
        (internvl(2048, 24, "llama"), True),  # 2B
        (internvl(2048, 36), True),  # 4B
        (internvl(4096, 32, "llama"), True),  # 8B
        (internvl(6144, 48, "llama"), True),  # 26B
        (internvl(5120, 64), True),  # 38B
        (internvl(8192, 80), True),  # 78B
        (internvl(1536, 28), False),  # InternVL3-2B
        (internvl(3584, 28), False),  # InternVL3-8B
        (internvl(4096, 48, "llama"), False),  # InternVL3-9B
        (internvl(5120, 48), False),  # InternVL3-14B
        (internvl(1024, 28, "qwen3"), False),  # InternVL3.5
        ({"model_type": "ovis2"}, False),
    ],
)
def test_internvls_of_other_generations_are_refused_where_their_size_tells(
    config: dict[str, Any], recognised: bool
) -> None:
    assert InternVLRecipe.recognises(Fields(Path("config.json"), config)) is recognised
    original = config.get("text_config", {})
    if original.get("model_type") == "qwen2":
        laid_out = {"model_type": "internvl_chat", "template": "internvl2_5", "llm_config": original}
        assert InternVLRecipe.recognises(Fields(Path("config.json"), laid_out)) is recognised


def ovis(visual: str, language: str) -> dict[str, Any]:
    return {
        "model_type": "ovis",
        "visual_tokenizer_config": {"model_type": visual},
        "llm_config": {"model_type": language},
    }


@pytest.mark.parametrize(
    ("config", "recognised"),
    [
        (ovis("aimv2_visual_tokenizer", "qwen2"), True),
        (ovis("siglip_visual_tokenizer", "gemma2"), False),  # Ovis 1.6
        (ovis("siglip_visual_tokenizer", "llama"), False),  # Ovis 1.5
        ({"model_type": "ovis"}, False),
        ({"model_type": "ovis2"}, True),
        ({"model_type": "ovis2_5"}, False),
        ({"model_type": "internvl"}, False),
        ({}, False),
    ],
)
def test_ovis_models_of_other_generations_are_refused(config: dict[str, Any], recognised: bool) -> None:
    assert Ovis2Recipe.recognises(Fields(Path("config.json"), config)) is recognised
