"""The tiny InternVL2.5 in transformers' native class, and how it is asked many questions at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import (
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLVisionConfig,
    PreTrainedTokenizerBase,
    Qwen2Config,
)

from demo_making.icons import KINDS
from demo_making.tokenizer import AFTER_IMAGE, AFTER_QUESTION, ANSWERS, BEFORE_IMAGE, END, IMAGE, PAD
from repope_eval.benchmarks.chair import PROMPTS
from repope_eval.benchmarks.pope_file import question_text, with_article
from repope_eval.wording import listed_words

TILE_SIDE, PATCH_SIDE, MAX_TILES = 64, 8, 12
TOKENS_PER_TILE = (TILE_SIDE // PATCH_SIDE // 2) ** 2
WIDTH, HEADS = 128, 4
VISION_LAYERS, VISION_INNER = 4, 320
TEXT_LAYERS, TEXT_INNER, KEY_HEADS = 3, 192, 2
VOCABULARY = 512
"""Rows of the embedding; a few more than there are tokens, as in the real checkpoints."""


def new_model(tokenizer: PreTrainedTokenizerBase) -> nn.Module:
    """An untrained model, parameters drawn from torch's global random state."""
    end, pad, image = (_id_of(tokenizer, token) for token in (END, PAD, IMAGE))
    vision = InternVLVisionConfig(
        hidden_size=WIDTH,
        num_hidden_layers=VISION_LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=VISION_INNER,
        attention_bias=True,
        use_qk_norm=False,
        norm_type="layer_norm",
        image_size=TILE_SIDE,
        patch_size=PATCH_SIDE,
        initializer_range=0.04,
        layer_scale_init_value=1.0,
    )
    text = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        num_hidden_layers=TEXT_LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=KEY_HEADS,
        intermediate_size=TEXT_INNER,
        max_position_embeddings=8192,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        rms_norm_eps=1e-6,
        initializer_range=0.04,
        tie_word_embeddings=False,
        use_sliding_window=False,
        bos_token_id=pad,
        eos_token_id=end,
    )
    config = InternVLConfig(
        vision_config=vision,
        text_config=text,
        image_token_id=image,
        image_seq_length=TOKENS_PER_TILE,
        downsample_ratio=0.5,
        vision_feature_layer=-1,
        tie_word_embeddings=False,
    )
    model = InternVLForConditionalGeneration(config)
    _start_well(model)
    native: nn.Module = model
    return native


@torch.no_grad()
def _start_well(model: InternVLForConditionalGeneration) -> None:
    """Starting values from which a tiny tower learns sooner than from the class's own."""
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Linear) and name != "lm_head":
            nn.init.xavier_uniform_(layer.weight)
    embeddings = model.model.vision_tower.embeddings
    # Colours are random here and shapes are not: most filters start blind to plain colour.
    filters = embeddings.patch_embeddings.projection.weight
    nn.init.normal_(filters, std=0.15)
    blind = 3 * WIDTH // 4
    filters[:blind] -= filters[:blind].mean((2, 3), keepdim=True)
    # Neighbouring patches start with similar positions: waves along both axes.
    across = TILE_SIDE // PATCH_SIDE
    frequencies = 10 ** (-1.5 * torch.linspace(0, 1, WIDTH // 4))
    angles = torch.arange(across).unsqueeze(1) * frequencies
    waves = 0.3 * torch.cat([angles.sin(), angles.cos()], 1)
    down, right = waves.unsqueeze(1).expand(-1, across, -1), waves.unsqueeze(0).expand(across, -1, -1)
    embeddings.position_embeddings[0, 1:] = torch.cat([down, right], -1).flatten(0, 1)


def _id_of(tokenizer: PreTrainedTokenizerBase, token: str) -> int:
    number = tokenizer.convert_tokens_to_ids(token)
    assert isinstance(number, int)
    return number


@dataclass(frozen=True, slots=True)
class PromptTokens:
    """Token ids of the prompt's parts, and of the question about each kind."""

    before_image: Tensor
    """Shape [tokens]."""
    after_image: Tensor
    """Shape [tokens]."""
    questions: Tensor
    """Question, end of the user's turn, answer and padding, with "No" as the answer; [kinds, longest]."""
    answer_at: Tensor
    """Where in `questions` the answer stands; shape [kinds]."""
    answers: Tensor
    """Ids of "No" and "Yes"."""
    describe: Tensor
    """The prompt that asks for a caption, to the end of the user's turn; shape [tokens]."""
    captions: Callable[[Sequence[str]], list[int]]
    """The ids of the caption that names some kinds, and of the token that ends it."""
    text: Callable[[Sequence[int]], str]
    """What the ids of a caption spell."""
    end: int
    """Id of the token that ends an answer."""

    @staticmethod
    def of(tokenizer: PreTrainedTokenizerBase) -> "PromptTokens":
        """The prompts' tokens under a tokenizer."""

        def ids(text: str) -> list[int]:
            return list(tokenizer(text, add_special_tokens=False)["input_ids"])

        answers = [ids(answer) for answer in ANSWERS]
        assert all(len(answer) == 1 for answer in answers), "an answer is more than one token"
        asked = [ids(question_text(kind) + AFTER_QUESTION) for kind in KINDS]
        longest = max(map(len, asked)) + 1
        padding = ids(PAD) * longest
        rows = [[*question, answers[0][0], *padding][:longest] for question in asked]
        return PromptTokens(
            before_image=torch.tensor(ids(BEFORE_IMAGE)),
            after_image=torch.tensor(ids(AFTER_IMAGE)),
            questions=torch.tensor(rows),
            answer_at=torch.tensor([len(question) for question in asked]),
            answers=torch.tensor([answer[0] for answer in answers]),
            describe=torch.tensor(ids(PROMPTS["describe"] + AFTER_QUESTION)),
            captions=lambda kinds: ids(caption_text(kinds) + END),
            text=lambda written: str(tokenizer.decode(written)),
            end=ids(END)[0],
        )


def caption_text(kinds: Sequence[str]) -> str:
    """The caption that names some kinds: "There is a car, a cat and a key in the image."."""
    return f"There is {listed_words([with_article(kind) for kind in kinds])} in the image."


def image_tokens(model: nn.Module, pixels: Tensor) -> Tensor:
    """The image tokens of scenes [scenes, tiles, 3, side, side], as [scenes, tokens, width]."""
    scenes, tiles = pixels.shape[:2]
    features: Tensor = model.model.get_image_features(pixels.flatten(0, 1)).pooler_output  # type: ignore[union-attr,operator]
    return features.reshape(scenes, tiles * TOKENS_PER_TILE, WIDTH)


def answer_logits(
    model: nn.Module, tokens: PromptTokens, images: Tensor, kinds: Tensor, yes: Tensor
) -> tuple[Tensor, Tensor]:
    """Ask several questions about each scene in one pass.

    The questions follow the image in one row; each sees the image and itself, at the positions that it would
    have if it were asked alone, so the logits are those of separate prompts.

    Args:
        model: The native model.
        tokens: The prompts.
        images: Image tokens, shape [scenes, tokens, width].
        kinds: Indices of the kinds asked about, shape [scenes, questions].
        yes: 1 where the answer that follows is "Yes", shape [scenes, questions].

    Returns:
        Logits for the answer and for the token after it, each of shape [scenes, questions, vocabulary].
    """
    rows = tokens.questions[kinds]
    answer_at = tokens.answer_at[kinds].unsqueeze(-1)
    rows = rows.scatter(2, answer_at, tokens.answers[yes.long()].unsqueeze(-1))
    hidden = _hidden(model, tokens, images, rows)
    index = answer_at.unsqueeze(-1).expand(-1, -1, 1, WIDTH)
    head: nn.Module = model.lm_head  # type: ignore[assignment]
    first = head(hidden.gather(2, index - 1).squeeze(2))
    second = head(hidden.gather(2, index).squeeze(2))
    return first, second


def caption_logits(model: nn.Module, tokens: PromptTokens, images: Tensor, captions: Tensor) -> Tensor:
    """The logits for each token of a caption, after the prompt that asks for one, and for the token behind it.

    Args:
        model: The native model.
        tokens: The prompts.
        images: Image tokens, shape [scenes, tokens, width].
        captions: Ids of the captions' tokens, shape [scenes, tokens].

    Returns:
        Logits of shape [scenes, tokens + 1, vocabulary].
    """
    prompt = tokens.describe.expand(len(captions), -1)
    hidden = _hidden(model, tokens, images, torch.cat([prompt, captions], 1).unsqueeze(1)).squeeze(1)
    head: nn.Module = model.lm_head  # type: ignore[assignment]
    logits: Tensor = head(hidden[:, prompt.shape[1] - 1 :])
    return logits


def _hidden(model: nn.Module, tokens: PromptTokens, images: Tensor, rows: Tensor) -> Tensor:
    """Hidden states [scenes, rows, tokens, width] of rows of tokens, each of which follows the image alone."""
    scenes, asked, length = rows.shape
    embed = model.get_input_embeddings()  # type: ignore[operator]
    before = embed(tokens.before_image).expand(scenes, -1, -1)
    after = embed(tokens.after_image).expand(scenes, -1, -1)
    inputs = torch.cat([before, images.to(before.dtype), after, embed(rows.flatten(1))], 1)
    prefix = inputs.shape[1] - asked * length
    mask, positions = _side_by_side(prefix, asked, length)
    hidden: Tensor = model.model.language_model(  # type: ignore[union-attr,operator]
        inputs_embeds=inputs,
        attention_mask={"full_attention": mask},
        position_ids=positions,
        use_cache=False,
    ).last_hidden_state
    return hidden[:, prefix:].reshape(scenes, asked, length, WIDTH)


def _side_by_side(prefix: int, asked: int, length: int) -> tuple[Tensor, Tensor]:
    """Attention mask [1, 1, tokens, tokens], true where seen, and positions [1, tokens]."""
    total = prefix + asked * length
    question = torch.cat([torch.full((prefix,), -1), torch.arange(asked).repeat_interleave(length)])
    shared = question.unsqueeze(0) == -1
    same = question.unsqueeze(0) == question.unsqueeze(1)
    mask = torch.ones(total, total, dtype=torch.bool).tril() & (shared | same)
    positions = torch.cat([torch.arange(prefix), prefix + torch.arange(length).repeat(asked)])
    return mask[None, None], positions[None]
