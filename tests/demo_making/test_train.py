import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path
from random import Random

import pytest
import torch
from conftest import PROJECT
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer

from demo_making import train as training
from demo_making.evaluation import held_out_accuracy
from demo_making.icons import KINDS
from demo_making.model import (
    MAX_TILES,
    TILE_SIDE,
    PromptTokens,
    answer_logits,
    caption_logits,
    caption_text,
    image_tokens,
    new_model,
)
from demo_making.pools import pixels_of, tiles_of
from demo_making.scenes import draw_scene
from demo_making.stages import Batch, Stage, captions_loss, stages
from demo_making.tokenizer import AFTER_IMAGE, AFTER_QUESTION, BEFORE_IMAGE, END, IMAGE, write_tokenizer
from demo_making.train import train
from repope_eval.benchmarks import chair
from repope_eval.benchmarks.pope_file import question_text
from repope_eval.models.internvl import tile_pixels
from repope_eval.models.loading import read_description
from repope_eval.settings.composition import model_settings

SHIPPED = PROJECT / "repope_eval" / "demo" / "checkpoint"
FILES = {
    "added_tokens.json",
    "config.json",
    "generation_config.json",
    "merges.txt",
    "model.safetensors",
    "special_tokens_map.json",
    "tokenizer_config.json",
    "vocab.json",
}


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    # Tests may run beside each other; two threads of torch on two cores then wait for one another.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    return AutoTokenizer.from_pretrained(folder, tokenizer_type="qwen2")


def imported(folder: Path):
    """A checkpoint in the native class, by nothing but renaming."""
    names = {
        "vision_model.embeddings.": "model.vision_tower.embeddings.",
        ".class_embedding": ".cls_token",
        ".position_embedding": ".position_embeddings",
        ".patch_embedding.": ".patch_embeddings.projection.",
        "vision_model.encoder.layers.": "model.vision_tower.encoder.layer.",
        ".norm1.": ".layernorm_before.",
        ".norm2.": ".layernorm_after.",
        ".ls1": ".lambda_1",
        ".ls2": ".lambda_2",
        ".attn.proj.": ".attention.projection_layer.",
        "mlp1.0.": "model.multi_modal_projector.layer_norm.",
        "mlp1.1.": "model.multi_modal_projector.linear_1.",
        "mlp1.3.": "model.multi_modal_projector.linear_2.",
        "language_model.lm_head.": "lm_head.",
        "language_model.model.": "model.language_model.",
    }
    native: dict[str, Tensor] = {}
    for name, tensor in load_file(folder / "model.safetensors").items():
        for original, replacement in names.items():
            name = name.replace(original, replacement)
        if ".attn.qkv." in name:
            for part, rows in zip("qkv", tensor.chunk(3), strict=True):
                native[name.replace(".attn.qkv.", f".attention.{part}_proj.")] = rows
        else:
            native[name] = tensor
    model = new_model(AutoTokenizer.from_pretrained(folder, tokenizer_type="qwen2"))
    model.load_state_dict(native)
    return model.eval()


def short(stage: Stage) -> Stage:
    return replace(stage, rounds=1, images_per_round=8, batch_size=4, passes=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory):
    """A checkpoint after a few steps, and the folder of its stages' states."""
    out, work = tmp_path_factory.mktemp("out"), tmp_path_factory.mktemp("work")
    plan = [short(stage) for stage in stages(1)]
    with pytest.MonkeyPatch.context() as patch:
        # A thread draws the same images, and is there at once.
        patch.setattr(training, "ProcessPoolExecutor", lambda number, _: ThreadPoolExecutor(number))
        return out, work, plan, train(out, work, plan, processes=1, held_out=3)


def test_every_word_of_the_prompts_is_one_token(tokenizer):
    text = BEFORE_IMAGE + IMAGE * 16 + AFTER_IMAGE + question_text("umbrella") + AFTER_QUESTION
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert ids.count(tokenizer.convert_tokens_to_ids(IMAGE)) == 16
    assert len(ids) - 16 < 40
    for word in ("Yes", "No", *(f" {kind}" for kind in KINDS)):
        assert len(tokenizer(word, add_special_tokens=False)["input_ids"]) == 1, word


def test_other_words_come_through_the_tokenizer(tokenizer):
    text = "Can you see a fire hydrant in this image? Please answer only with yes or no. 象é"
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


@pytest.mark.parametrize("seed", range(5))
def test_training_sees_the_pixels_of_the_evaluation(seed: int):
    image = draw_scene(Random(seed)).image
    expected = tile_pixels(image, TILE_SIDE, MAX_TILES)
    assert torch.equal(pixels_of(torch.from_numpy(tiles_of(image))), expected)


def test_questions_asked_at_once_have_the_logits_of_separate_prompts(tokenizer):
    torch.manual_seed(0)
    model, tokens = new_model(tokenizer).eval(), PromptTokens.of(tokenizer)
    pixels = tile_pixels(draw_scene(Random(3)).image, TILE_SIDE, MAX_TILES)
    kinds, yes = torch.tensor([[1, 7, 23]]), torch.tensor([[True, False, True]])
    with torch.no_grad():
        first, second = answer_logits(model, tokens, image_tokens(model, pixels[None]), kinds, yes)
        for index, (kind, is_yes) in enumerate(zip(kinds[0].tolist(), yes[0].tolist(), strict=True)):
            question = question_text(KINDS[kind])
            prompt = BEFORE_IMAGE + IMAGE * 16 * len(pixels) + AFTER_IMAGE + question + AFTER_QUESTION
            ids = tokenizer(
                prompt + ("Yes" if is_yes else "No"), return_tensors="pt", add_special_tokens=False
            )
            alone = model(input_ids=ids["input_ids"], pixel_values=pixels).logits[0]
            torch.testing.assert_close(first[0, index], alone[-2], atol=1e-4, rtol=1e-4)
            torch.testing.assert_close(second[0, index], alone[-1], atol=1e-4, rtol=1e-4)


def test_a_caption_has_the_logits_of_its_prompt(tokenizer):
    torch.manual_seed(0)
    model, tokens = new_model(tokenizer).eval(), PromptTokens.of(tokenizer)
    pixels = tile_pixels(draw_scene(Random(3)).image, TILE_SIDE, MAX_TILES)
    written = tokens.captions(["apple", "car", "key"])
    assert tokens.text(written) == f"There is an apple, a car and a key in the image.{END}"
    prompt = BEFORE_IMAGE + IMAGE * 16 * len(pixels) + AFTER_IMAGE + "Describe this image." + AFTER_QUESTION
    ids = tokenizer(prompt + tokens.text(written), return_tensors="pt", add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        together = caption_logits(model, tokens, image_tokens(model, pixels[None]), torch.tensor([written]))
        alone = model(input_ids=ids, pixel_values=pixels).logits[0]
    torch.testing.assert_close(together[0], alone[-len(written) - 1 :], atol=1e-4, rtol=1e-4)


def test_the_prompts_are_those_that_the_program_asks_with():
    recipe = read_description(model_settings("tiny")).recipe
    tokens = PromptTokens.of(AutoTokenizer.from_pretrained(SHIPPED, tokenizer_type="qwen2"))
    (image,) = recipe.feature_token_ids
    around = (
        tokens.before_image.tolist(),
        [image] * recipe.count_features(64, 128),
        tokens.after_image.tolist(),
    )
    asked = recipe.prompt_ids(chair.PROMPTS["describe"], 64, 128)
    assert list(asked) == [*chain(*around), *tokens.describe.tolist()]
    for kind, question, end in zip(KINDS, tokens.questions.tolist(), tokens.answer_at.tolist(), strict=True):
        asked = recipe.prompt_ids(question_text(kind), 64, 128)
        assert list(asked) == [*chain(*around), *question[:end]]


def test_every_kind_of_a_caption_is_read_as_a_mention_of_it():
    assert chair.DEMO_VOCABULARY.objects == KINDS
    for named in (caption_text(KINDS), " and ".join(f"{kind}s" for kind in KINDS)):
        assert tuple(each.object for each in chair.DEMO_VOCABULARY.mentions(named)) == KINDS
    assert caption_text(["car"]) == "There is a car in the image."


def test_captions_move_the_language_model_alone(trained):
    _, work, plan, _ = trained
    states = [torch.load(work / f"stage_{number}.pt", weights_only=True)["model"] for number in range(3, 8)]
    assert [stage.trains_all for stage in plan] == [True] * 3 + [False] * 4
    for before, after in pairwise(states):
        moved = {name for name in before if not torch.equal(before[name], after[name])}
        assert moved == {name for name in before if name.startswith(("model.language_model.", "lm_head."))}


def test_answers_are_held_to_those_before_captions(trained):
    """A model that has not moved has nothing to be held to but its captions; one that has is drawn back."""
    out, work, _, _ = trained
    learner = training._new_learner(training._read_tokenizer(out))
    training._restore(learner, work / "stage_3.pt")
    pixels = pixels_of(torch.from_numpy(tiles_of(draw_scene(Random(3)).image)))[None]
    batch = Batch(pixels, torch.tensor([[kind in ("car", "key") for kind in KINDS]]), torch.zeros(1))
    losses = []
    for past in (3, 2):
        training._restore(learner, work / f"stage_{past}.pt")
        learner.past.load_state_dict(learner.model.state_dict())
        training._restore(learner, work / "stage_3.pt")
        torch.manual_seed(0)
        losses.append(captions_loss(4, 1, 1.0)(learner)(batch)[0].item())
    rows = torch.tensor([learner.tokens.captions(["car", "key"])])
    with torch.no_grad():
        images = image_tokens(learner.model, pixels)
        logits = caption_logits(learner.model, learner.tokens, images, rows[:, :-1])
    assert losses[0] == pytest.approx(float(cross_entropy(logits[0], rows[0])), rel=1e-4)
    assert losses[1] > losses[0]


def test_training_writes_a_whole_checkpoint_and_counts_all_kinds(trained):
    out, _, _, accuracy = trained
    assert {path.name for path in out.iterdir()} == FILES
    asked = accuracy.tallies["positives"].asked + accuracy.tallies["negatives"].asked
    assert asked == 3 * len(KINDS)
    assert "balanced" in str(accuracy)
    assert set(accuracy.captions) == {"CHAIRi", "CHAIRs", "recall"}


def test_the_written_tensors_are_the_trained_ones(trained):
    out, work, plan, _ = trained
    last = torch.load(work / f"stage_{len(plan)}.pt", weights_only=True)["model"]
    written = imported(out).state_dict()
    assert set(written) == set(last)
    assert all(torch.equal(written[name], last[name]) for name in last)


def test_a_whole_stage_is_not_run_again(trained, tmp_path: Path):
    out, work, plan, accuracy = trained

    def refuse(executor, seeds):
        raise AssertionError("a finished stage is run again")

    again = train(tmp_path, work, [replace(stage, draw=refuse) for stage in plan], processes=1, held_out=3)
    assert again.tallies == accuracy.tallies
    assert (tmp_path / "model.safetensors").read_bytes() == (out / "model.safetensors").read_bytes()


def test_the_layout_is_the_original_one(trained):
    out = trained[0]
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    tensors = load_file(out / "model.safetensors")
    assert config["architectures"] == ["InternVLChatModel"]
    assert config["llm_config"]["architectures"] == ["Qwen2ForCausalLM"]
    assert "auto_map" not in config
    vision, text = config["vision_config"], config["llm_config"]
    assert tensors["vision_model.embeddings.class_embedding"].shape == (1, 1, vision["hidden_size"])
    width = vision["hidden_size"]
    for layer in range(vision["num_hidden_layers"]):
        name = f"vision_model.encoder.layers.{layer}"
        assert tensors[f"{name}.attn.qkv.weight"].shape == (3 * width, width)
        assert tensors[f"{name}.attn.qkv.bias"].shape == (3 * width,)
        assert tensors[f"{name}.ls1"].shape == (width,)
    embedded = tensors["language_model.model.embed_tokens.weight"]
    assert embedded.shape == (text["vocab_size"], text["hidden_size"])
    assert tensors["language_model.lm_head.weight"].shape == embedded.shape
    assert all(name.startswith(("vision_model.", "mlp1.", "language_model.")) for name in tensors)


def test_the_shipped_checkpoint_is_small_and_whole():
    assert {path.name for path in SHIPPED.iterdir()} == FILES
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= 5_000_000


def test_the_shipped_checkpoint_answers_and_describes_well():
    model = imported(SHIPPED)
    tokens = PromptTokens.of(AutoTokenizer.from_pretrained(SHIPPED, tokenizer_type="qwen2"))
    accuracy = held_out_accuracy(model, tokens, scenes=30)
    assert accuracy.balanced > 0.95
    assert (accuracy.captions["recall"] or 0) > 0.7
    assert (accuracy.captions["CHAIRi"] or 0) < 0.3


def test_the_shipped_model_says_yes_or_no_and_stops():
    model = imported(SHIPPED)
    tokenizer = AutoTokenizer.from_pretrained(SHIPPED, tokenizer_type="qwen2")
    scene = draw_scene(Random(11))
    pixels = tile_pixels(scene.image, TILE_SIDE, MAX_TILES)
    for kind in (scene.objects[-1].kind, "heart"):
        question = question_text(kind)
        prompt = BEFORE_IMAGE + IMAGE * 16 * len(pixels) + AFTER_IMAGE + question + AFTER_QUESTION
        ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
        said = model.generate(**ids, pixel_values=pixels, max_new_tokens=5, do_sample=False)
        said = said[0, ids["input_ids"].shape[1] :]
        assert tokenizer.decode(said) in ("Yes<|im_end|>", "No<|im_end|>")
