"""The size and the shape of a model that a checkpoint's own files describe, counted in its native class."""

from PIL import Image
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import PreTrainedModel

from repope_eval.capacity.shapes import Shape, Size
from repope_eval.models.recipe import Recipe

PHOTOGRAPH = (640, 480)
"""Width and height in pixels of most of COCO's images."""


def size_of(network: PreTrainedModel) -> Size:
    """The size of a network, with or without weights; tied ones count once."""
    linear = {
        parameter
        for module in network.get_decoder().modules()
        if isinstance(module, nn.Linear)
        for parameter in module.parameters()
    }
    everything = set(network.parameters())
    return Size(parameters=_number(everything), quantizable=_number(linear & everything))


def _number(parameters: set[nn.Parameter]) -> int:
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
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        intermediate=text.intermediate_size,
        heads=text.num_attention_heads,
        key_value_heads=text.num_key_value_heads,
        head_size=getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads,
        vocabulary=text.vocab_size,
        keeps_scores=getattr(text, "attn_logit_softcapping", None) is not None,
        attends_both_ways=recipe.attends_both_ways,
        image_tokens=recipe.count_features(*PHOTOGRAPH),
        # Pixels are held twice: those of each image, and of all images together.
        vision_values=recipe.vision_values(tiles) + 2 * pixels["pixel_values"].numel(),
        vision_operations=int(counter.get_total_flops()),
    )
