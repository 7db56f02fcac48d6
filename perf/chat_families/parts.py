"""What the tiny checkpoints have in common: tokenizer, sizes, templates, and how weights are drawn and saved."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoConfig, PreTrainedTokenizerFast
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as IMAGE_CLASSES
from transformers.models.auto.modeling_auto import AutoModelForImageTextToText, AutoModelForMultimodalLM

VOCABULARY = Path(__file__).parent.parent.parent / "tests" / "goldens" / "internvl2_5_qwen2"
"""The folder whose vocab.json and merges.txt the tokenizer is made of."""

LANGUAGE = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}


def tokenizer(special: Sequence[str], **named: Any) -> PreTrainedTokenizerFast:
    """Bytes, a few words, and the special tokens, the first of which begins a text of the class's own accord."""
    vocabulary = json.loads((VOCABULARY / "vocab.json").read_text(encoding="utf-8"))
    lines = (VOCABULARY / "merges.txt").read_text(encoding="utf-8").splitlines()[1:]
    merges = [(left, right) for left, right in (line.split() for line in lines if line)]
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=backend, **named)
    made.add_special_tokens({"additional_special_tokens": list(special)})
    return made


def chatml(image: str, begin: str = "") -> str:
    """A template of turns between <|im_start|> and <|im_end|>, with what it writes in the image's place."""
    return (
        f"{begin}{{% for message in messages %}}<|im_start|>{{{{ message['role'] }}}}\n"
        f"{{% for part in message['content'] %}}{{% if part['type'] == 'image' %}}{image}"
        "{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
    )


def plain_turns(image: str, before: str, after: str, begin: str = "") -> str:
    """A template that writes each turn's parts between two texts."""
    return (
        f"{begin}{{% for message in messages %}}{before}"
        f"{{% for part in message['content'] %}}{{% if part['type'] == 'image' %}}{image}"
        f"{{% else %}}{{{{ part['text'] }}}}{{% endif %}}{{% endfor %}}{after}{{% endfor %}}"
    )


def ends(words: PreTrainedTokenizerFast) -> dict[str, int]:
    """The tokens that begin, end and pad a text, as a configuration names them."""
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    return {name: getattr(words, name) for name in names}


def ids(words: PreTrainedTokenizerFast, tokens: Mapping[str, str]) -> dict[str, int]:
    """The number of each token, under the names that a configuration has for them."""
    return {name: words.convert_tokens_to_ids(token) for name, token in tokens.items()}


def save(folder: Path, words: PreTrainedTokenizerFast, model_type: str, seed: int = 0, **config: Any) -> None:
    """Saves a network of random weights, which are spread so that answers depend on the image and the question."""
    torch.manual_seed(seed)
    made = AutoConfig.for_model(model_type, **config)
    auto = AutoModelForImageTextToText if model_type in IMAGE_CLASSES else AutoModelForMultimodalLM
    network = auto.from_config(made).eval()
    spread(network)
    network.generation_config.eos_token_id = words.eos_token_id
    network.generation_config.pad_token_id = words.pad_token_id
    network.save_pretrained(folder)


@torch.no_grad()
def spread(network: torch.nn.Module) -> None:
    """Makes the weights of matrices larger, and draws those that begin as zeros."""
    for name, parameter in network.named_parameters():
        if parameter.dim() > 1 and not parameter.any():  # Gemma 3's projector of image features
            parameter.normal_(std=0.1)
        elif parameter.dim() > 1:
            parameter.mul_(3.0 if "lm_head" not in name else 10.0)
