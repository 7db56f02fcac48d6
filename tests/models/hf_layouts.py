"""Writes a golden's checkpoint in the layout of the `-hf` conversions, as the published ones are laid out."""

import json
from pathlib import Path
from typing import Any

from sentencepiece import SentencePieceProcessor
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    InternVLForConditionalGeneration,
    Ovis2ForConditionalGeneration,
    PreTrainedModel,
    Qwen2Tokenizer,
)

from perf.golden import golden_model

OVIS2_IMAGE_TOKENS = ("<IMG_ATOM>", "<IMG_START>", "<IMG_GRID>", "<IMG_COL>", "<IMG_ROW>", "<IMG_END>")


def write_hf_layout(golden: Path, folder: Path) -> None:
    """The same weights under the native class's names, its config.json, and a tokenizer.json."""
    network = golden_model(golden).network
    native = native_class(golden)(network.config)
    native.load_state_dict(network.state_dict())
    native.save_pretrained(folder)
    change_config(folder, as_published)
    if (golden / "tokenizer.model").is_file():
        internlm2_tokenizer(golden).save(str(folder / "tokenizer.json"))
        return
    tokenizer = Qwen2Tokenizer.from_pretrained(golden)
    if golden.name == "ovis2":
        tokenizer.add_special_tokens({"additional_special_tokens": list(OVIS2_IMAGE_TOKENS)})
    tokenizer.save_pretrained(folder)


def native_class(golden: Path) -> type[PreTrainedModel]:
    return Ovis2ForConditionalGeneration if golden.name == "ovis2" else InternVLForConditionalGeneration


def change_config(folder: Path, change: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


def as_published(config: dict[str, Any]) -> None:
    """As transformers 4 wrote it: tied embeddings stated by the language model alone, rope in two fields."""
    del config["tie_word_embeddings"]
    text = config["text_config"]
    rope = text.pop("rope_parameters")
    text["rope_theta"] = rope.pop("rope_theta")
    text["rope_scaling"] = None if rope["rope_type"] == "default" else rope


def internlm2_tokenizer(golden: Path) -> Tokenizer:
    """InternLM2's SentencePiece model as a tokenizer.json holds it: BPE with merges in order of their result."""
    pieces = SentencePieceProcessor(model_file=str(golden / "tokenizer.model"))
    named = json.loads((golden / "tokenizer_config.json").read_text())["added_tokens_decoder"]
    added = {token["content"]: int(number) for number, token in named.items()}
    names = {number: token for token, number in added.items()}
    vocabulary = {
        names.get(number, pieces.id_to_piece(number)): number for number in range(pieces.vocab_size())
    }
    merges = sorted(
        (
            (piece[:cut], piece[cut:])
            for piece in vocabulary
            for cut in range(1, len(piece))
            if piece[:cut] in vocabulary and piece[cut:] in vocabulary
        ),
        key=lambda pair: -pieces.get_score(vocabulary["".join(pair)]),
    )
    tokenizer = Tokenizer(
        models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    special = sorted(added, key=added.__getitem__)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    assert all(tokenizer.token_to_id(token) == number for token, number in added.items())
    return tokenizer
