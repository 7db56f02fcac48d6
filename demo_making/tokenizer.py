"""A small byte-level BPE in Qwen2's files, trained on the only prompts that the tiny model ever sees."""

import json
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from demo_making.icons import KINDS
from repope_eval.benchmarks.pope_file import question_text

SYSTEM_MESSAGE = (
    "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、"
    "清华大学及多家合作单位联合开发的多模态大语言模型。"
)
BEFORE_IMAGE = f"<|im_start|>system\n{SYSTEM_MESSAGE}<|im_end|>\n<|im_start|>user\n<img>"
AFTER_IMAGE = "</img>\n"
AFTER_QUESTION = "<|im_end|>\n<|im_start|>assistant\n"
ANSWERS = ("No", "Yes")

END, PAD, IMAGE = "<|im_end|>", "<|endoftext|>", "<IMG_CONTEXT>"
SPECIAL_TOKENS = (
    END,
    PAD,
    "<|im_start|>",
    "<img>",
    "</img>",
    IMAGE,
    "<quad>",
    "</quad>",
    "<ref>",
    "</ref>",
    "<box>",
    "</box>",
)
"""In the order of their ids, which follow the ordinary tokens'."""

# How Qwen2 cuts text before its merges apply, from the Qwen2 tokenizer of transformers.
_CUTS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)


def write_tokenizer(folder: Path) -> None:
    """Train the tokenizer and write its five files; every word of the prompts becomes one token."""
    tokenizer = _trained()
    model = json.loads(tokenizer.to_str())["model"]
    ids = {token: len(model["vocab"]) + index for index, token in enumerate(SPECIAL_TOKENS)}
    _write_json(folder / "vocab.json", model["vocab"])
    merges = "".join(f"{left} {right}\n" for left, right in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}", encoding="utf-8")
    _write_json(folder / "added_tokens.json", ids)
    named = {"eos_token": END, "pad_token": PAD, "unk_token": PAD}
    others = [token for token in SPECIAL_TOKENS if token not in named.values()]
    _write_json(
        folder / "special_tokens_map.json",
        {"additional_special_tokens": [_described(token) for token in others]}
        | {name: _described(token) for name, token in named.items()},
    )
    decoder = {str(ids[token]): _described(token) | {"special": True} for token in SPECIAL_TOKENS}
    _write_json(
        folder / "tokenizer_config.json",
        {"added_tokens_decoder": decoder, "additional_special_tokens": others, **named}
        | {"bos_token": None, "clean_up_tokenization_spaces": False, "errors": "replace"}
        | {"model_max_length": 8192, "split_special_tokens": False, "tokenizer_class": "Qwen2Tokenizer"},
    )


def _trained() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CUTS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=2000,  # Never reached: merging ends when every word is one token.
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    words = ["system", "user", "assistant", *ANSWERS, SYSTEM_MESSAGE]
    tokenizer.train_from_iterator([*words, *map(question_text, KINDS)], trainer)
    return tokenizer


def _described(token: str) -> dict[str, Any]:
    return {"content": token, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
