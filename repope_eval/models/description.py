"""What a checkpoint's small files say of its texts and images, whichever file says it."""

from pathlib import Path

import torch
from PIL import Image
from transformers import GenerationConfig

from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.fields import Fields, blamed_on, fields_of, require_bounded
from repope_eval.models.pixels import PixelProcessor
from repope_eval.system.json_files import read_json

TOKENIZER_CONFIG = "tokenizer_config.json"
SPECIAL_TOKENS_MAP = "special_tokens_map.json"
PREPROCESSOR_CONFIG = "preprocessor_config.json"
PROCESSOR_CONFIG = "processor_config.json"
GENERATION_CONFIG = "generation_config.json"

_TEMPLATE_FILES = ("chat_template.json", PROCESSOR_CONFIG, TOKENIZER_CONFIG)
"""Files in which the field `chat_template` is looked for, in this order."""


def read_fields(checkpoint: Checkpoint, name: str) -> Fields:
    """Reads the fields of a JSON file; a file that is missing has none.

    Raises:
        RepopeError: it cannot be read, or is no JSON object.
    """
    path = checkpoint.path(name)
    return fields_of(path, read_json(path) if path.is_file() else {})


def read_special_tokens(checkpoint: Checkpoint) -> dict[str, str]:
    """Role -> token, such as `eos_token` -> `</s>`.

    tokenizer_config.json counts, and special_tokens_map.json for a role that it leaves out.
    """
    tokens: dict[str, str] = {}
    for name in (SPECIAL_TOKENS_MAP, TOKENIZER_CONFIG):
        fields = read_fields(checkpoint, name)
        for role in ("bos_token", "eos_token", "unk_token", "pad_token"):
            spelled = isinstance(fields.values.get(role), dict)
            token = fields.part(role).text("content", "") if spelled else fields.text(role, "")
            tokens |= {role: token} if token else {}
    return tokens


def read_added_tokens(checkpoint: Checkpoint) -> dict[str, int]:
    """Token -> id of the tokens that a tokenizer's files add to its vocabulary, or give another name.

    tokenizer_config.json may name all of them; added_tokens.json names only those behind the vocabulary.
    """
    token_ids: dict[str, int] = {}
    named = read_fields(checkpoint, TOKENIZER_CONFIG).part("added_tokens_decoder")
    for token_id in named.values:
        described = named.part(token_id)
        token = described.text("content", "")
        for flag in ("lstrip", "rstrip", "single_word", "normalized", "special"):
            described.flag(flag, False)
        if not (token and token_id.isdecimal()):
            raise named.error(token_id, "a token's id and its content are expected")
        token_ids[token] = int(token_id)
    added = read_fields(checkpoint, "added_tokens.json")
    return token_ids | {token: added.count(token, 0) for token in added.values}


def require_generation_config(checkpoint: Checkpoint) -> None:
    """Checks what transformers reads of generation_config.json by itself, when weights are loaded."""
    fields = read_fields(checkpoint, GENERATION_CONFIG)
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        fields.token_ids(name)
    with blamed_on(fields.path):
        GenerationConfig.from_dict(fields.values)


def read_chat_template(checkpoint: Checkpoint) -> tuple[Path, str]:
    """A checkpoint's chat template, with the file it is in: chat_template.jinja, or one of several JSON files.

    The tokenizer's own template comes last, because it may know nothing of images.

    Raises:
        RepopeError: there is none.
    """
    plain = checkpoint.path("chat_template.jinja")
    if plain.is_file():
        with blamed_on(plain):
            return plain, plain.read_text(encoding="utf-8")
    for name in _TEMPLATE_FILES:
        fields = read_fields(checkpoint, name)
        if template := _named_template(fields):
            return fields.path, template
    raise RepopeError(
        f"{checkpoint.folder}: holds no chat template, neither as chat_template.jinja nor in "
        f"{', '.join(_TEMPLATE_FILES)}; download it again"
    )


def _named_template(fields: Fields) -> str:
    """The text of the field; if it lists templates by name, the template named default."""
    listed = fields.values.get("chat_template")
    if isinstance(listed, list):
        named = [fields_of(fields.path, each) for each in listed]
        return next((each.text("template", "") for each in named if each.text("name", "") == "default"), "")
    return fields.text("chat_template", "")


def read_image_processor(processor_class: type, checkpoint: Checkpoint) -> PixelProcessor:
    """The image processor that preprocessor_config.json describes, else a part of processor_config.json.

    It is tried on an image, because its class checks few settings until then.

    Raises:
        RepopeError: a setting is not the class's, or numbers of pixels depend on more than their values.
    """
    settings = read_image_settings(checkpoint)
    require_bounded(settings)
    with blamed_on(settings.path):
        processor = processor_class(**settings.values)
        trial = Image.merge("RGB", [Image.linear_gradient("L").rotate(angle) for angle in (0, 90, 180)])
        trial = trial.resize((64, 32))
        own = torch.from_numpy(processor(images=trial, return_tensors="np")["pixel_values"])
        looked_up = PixelProcessor(processor)
        pixels, _ = looked_up(trial)
    if not torch.equal(pixels.nan_to_num(), own.flatten(0, -4).nan_to_num()):
        raise RepopeError(
            f"{settings.path}: pads images after it normalised them; leave out do_pad and pad_size"
        )
    return looked_up


def read_image_settings(checkpoint: Checkpoint) -> Fields:
    """The fields of preprocessor_config.json, else of a part of processor_config.json."""
    settings = read_fields(checkpoint, PREPROCESSOR_CONFIG)
    if not settings.path.is_file():
        settings = read_fields(checkpoint, PROCESSOR_CONFIG).part("image_processor")
    if not settings.values:
        raise RepopeError(
            f"{checkpoint.folder}: says nothing of images, neither in {PREPROCESSOR_CONFIG} nor under image_processor "
            f"in {PROCESSOR_CONFIG}; download it again"
        )
    return settings
