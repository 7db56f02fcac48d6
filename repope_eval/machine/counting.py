"""Counts what a model needs by its small files, and by a rehearsal without weights: no formula holds for any class."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import GenerationConfig, PreTrainedConfig, PreTrainedModel

from repope_eval.asking.chat.caches import CannotShareError
from repope_eval.asking.chat.generation import Limits, ask_one
from repope_eval.asking.chat.loading import ChatModel, DescribedChat
from repope_eval.asking.chat.processor import ChatPrepared
from repope_eval.asking.chat.sharing import shows_question
from repope_eval.asking.chat.ways import PLAIN, WAYS
from repope_eval.asking.native.generation import find_spellings
from repope_eval.asking.native.rows import common_prefix_length
from repope_eval.machine.hollow_tensors import HollowTensors
from repope_eval.machine.memory_need import LONGEST_ANSWER, Rehearsed, Shape, Size, values_a_token
from repope_eval.models.attention_shape import attention_shape
from repope_eval.models.description import GENERATION_CONFIG
from repope_eval.models.fields import bounded_reading, first_line
from repope_eval.models.loading import Described
from repope_eval.models.networks import DescribedNetwork, network_dtype
from repope_eval.models.recipe import Recipe
from repope_eval.settings.config import Attention, ModelSettings

PHOTOGRAPH = (640, 480)
"""Width and height in pixels of most of COCO's images."""


def size_of(network: PreTrainedModel) -> Size:
    """The size of a network, with or without weights; tied ones count once."""
    linear = {parameter for module in _quantized_layers(network) for parameter in module.parameters()}
    everything = set(network.parameters())
    return Size(parameters=_count_values(everything), quantizable=_count_values(linear & everything))


def _quantized_layers(network: Any) -> list[nn.Linear]:
    """The layers of the language model that quantization shrinks."""
    return [module for module in network.get_decoder().modules() if isinstance(module, nn.Linear)]


def _count_values(parameters: set[nn.Parameter]) -> int:
    return sum(parameter.numel() for parameter in parameters)


def shape_of(recipe: Recipe) -> Shape:
    """The shape of the model that a recipe's checkpoint describes."""
    network = recipe.network_without_weights()
    size, text = size_of(network), network.config.get_text_config()
    pixels = recipe.prepare(Image.new("RGB", PHOTOGRAPH), ["Is there a dog in the image?"]).inputs
    with FlopCounterMode(display=False) as counter:
        recipe.features_without_numbers(network, pixels)
    side = pixels["pixel_values"].shape[-1]
    tiles = pixels["pixel_values"].numel() // (3 * side**2)
    return Shape(
        parameters=size.parameters,
        quantizable=size.quantizable,
        **attention_shape(text),
        hidden=text.hidden_size,
        intermediate=text.intermediate_size,
        vocabulary=text.vocab_size,
        keeps_scores=getattr(text, "attn_logit_softcapping", None) is not None,
        attends_both_ways=recipe.attends_both_ways,
        image_tokens=recipe.count_features(*PHOTOGRAPH),
        # Pixels are held twice: those of each image, and of all images together.
        vision_values=recipe.vision_values(tiles) + 2 * pixels["pixel_values"].numel(),
        vision_operations=int(counter.get_total_flops()),
    )


_OBJECTS = (
    *("person", "car", "dog", "chair", "bottle", "handbag"),
    *("dining table", "traffic light", "potted plant", "wine glass", "sports ball", "tennis racket"),
)
"""The objects that are asked about: as many of COCO's as POPE asks about an image at most."""

REHEARSED_ANSWER = 2
"""Tokens of an answer: the first comes of the prompt, the second of the first."""

QUESTIONS = tuple(f"Is there a {name} in the image?" for name in _OBJECTS)


@dataclass(frozen=True, slots=True)
class _Followed:
    """What was counted in a rehearsal."""

    held: int
    operations: int
    alone: int
    """Those of the operations that one question takes with its image."""
    launches: int
    rows: int


def count_need(settings: ModelSettings, described: DescribedNetwork) -> Shape | Rehearsed:
    """What the need of a model of any family follows from.

    Args:
        described: the checkpoint, whose network is of no use afterwards.

    Raises:
        RepopeError: the settings ask for an attention that the model does not have, or it takes too long.
    """
    with bounded_reading(described.checkpoint.folder):
        if isinstance(described, DescribedChat):
            return rehearse(settings, described)
        assert isinstance(described, Described)
        return shape_of(described.recipe)


def rehearse(settings: ModelSettings, described: DescribedChat) -> Rehearsed:
    """What a chat model's run takes if it asks about one photograph at a time, and checks its way of asking.

    Args:
        described: the checkpoint, whose network is of no use afterwards.
    """
    network, attention = described.network, described.attention(settings)
    size, cached_values = size_of(network), _cached_values(network.config)
    layers = attention_shape(network.config.get_text_config(decoder=True))["layers"]
    # Numbers alone: a weight that is referred to here would be held beside the one in the run's format.
    matrices = [layer.weight.shape for layer in _quantized_layers(network)]
    image = described.processor.prepare(Image.new("RGB", PHOTOGRAPH, "gray"), QUESTIONS)
    width, shared = max(map(len, image.prompts)), common_prefix_length(image.prompts)
    note = ""
    try:
        followed = _follow(_hollow_model(settings, described, attention), image)
    except Exception as error:  # a class that needs values of what has none raises whatever it does
        cache = len(QUESTIONS) * width * cached_values * network_dtype(settings).itemsize
        followed = _Followed(cache, 0, 0, 0, len(QUESTIONS))
        note = f"only weights and cache are counted ({first_line(error)})"
    return Rehearsed(
        parameters=size.parameters,
        quantizable=size.quantizable,
        layers=layers,
        held=followed.held,
        operations=followed.operations,
        alone=followed.alone,
        further=(followed.operations - followed.alone) / (len(QUESTIONS) - 1),
        rows=followed.rows,
        width=width,
        fed=max(width, followed.rows * (width - shared)),
        answer=min(settings.max_new_tokens, LONGEST_ANSWER),
        cached_values=cached_values,
        widest=max((shape[0] for shape in matrices), default=0),
        largest=max((shape.numel() for shape in matrices), default=0),
        launches=followed.launches,
        note=note,
    )


def _hollow_model(settings: ModelSettings, described: DescribedChat, attention: Attention) -> ChatModel:
    """The model as it is loaded for a run, except that its network has no weights yet."""
    network, checkpoint = described.network, described.checkpoint
    network.set_attn_implementation(attention.removesuffix("_cudnn"))
    network.eval()
    if checkpoint.path(GENERATION_CONFIG).is_file():
        network.generation_config = GenerationConfig.from_pretrained(checkpoint.folder)
    network.generation_config.eos_token_id = 1  # made-up tokens are 0, and none of them is to end an answer
    return ChatModel(
        processor=described.processor,
        network=network,
        checkpoint=checkpoint,
        dtype=network_dtype(settings),
        device=torch.device("cpu"),
        attention=attention,
    )


@torch.inference_mode()
def _follow(model: ChatModel, image: ChatPrepared) -> _Followed:
    """Asks about an image without weights, the plain way as well, as a run's check does."""
    limits = Limits(max_new_tokens=REHEARSED_ANSWER, spellings=find_spellings(model.processor))
    with HollowTensors() as tensors:
        tensors.empty(model.network, model.dtype)
        weights = size_of(model.network).parameters * model.dtype.itemsize
        with suppress(CannotShareError):
            shows_question(model, image)  # as a run looks first
        looked, watched = tensors.operations, tensors.launches
        is_shared = _ask_sharing(model, image, limits)
        operations, launches = tensors.operations - looked, tensors.launches - watched
        ask_one(model, image, 0, limits)
        alone = tensors.operations - looked - operations
        questions = len(image.prompts)
        if not is_shared:
            operations, launches = questions * alone, questions * (tensors.launches - watched - launches)
        return _Followed(
            held=tensors.peak - weights,
            operations=operations,
            alone=alone,
            launches=launches,
            rows=questions if is_shared else 1,
        )


def _ask_sharing(model: ChatModel, image: ChatPrepared, limits: Limits) -> bool:
    """Asks the fastest way that feeds once what the prompts share; says whether there is one."""
    for way in WAYS["shared"]:
        try:
            if way is not PLAIN:
                way.ask(model, [image], limits)
                return True
        except CannotShareError:
            continue
    return False


def _cached_values(config: PreTrainedConfig) -> int:
    """Numbers that the cache holds for each token, if all layers keep keys and values of all heads and tokens.

    Some layers of some models keep less: those with a window, or with a state. 0 where the configuration does not say.
    """
    attention = attention_shape(config.get_text_config(decoder=True))
    return values_a_token(attention["layers"], attention["key_value_heads"], attention["head_size"])
