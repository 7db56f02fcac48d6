"""How large a model is, computed from its shape: no weight is read, and nothing but numbers is needed."""

from dataclasses import dataclass

from repope_eval.capacity.shapes import LanguageShape, Shape, VisionShape

BYTES_PER_QUANTIZED = {"int8": 1.0, "nf4": 0.5 + 4 / 64}
"""Of a weight; nf4 keeps a float32 scale for each 64 weights."""

INDICATORS = 5
"""Words of Ovis2's visual vocabulary that stand between an image's parts, and that its head does not predict."""


@dataclass(frozen=True, slots=True)
class Size:
    """Numbers of parameters."""

    parameters: int
    quantizable: int
    """Those in the language model's linear layers, which quantization shrinks."""

    def weight_bytes(self, quantization: str, value_bytes: float = 2.0) -> float:
        """Memory of the weights.

        Args:
            quantization: `int8` or `nf4`; of anything else nothing is quantized.
            value_bytes: of each weight that is not.
        """
        quantized = BYTES_PER_QUANTIZED.get(quantization, value_bytes)
        return self.quantizable * quantized + (self.parameters - self.quantizable) * value_bytes


def size_of(shape: Shape) -> Size:
    """The size of a model; tied weights count once.

    Counts what the native classes of transformers hold: a test compares the two, family by family.
    """
    language = shape.language
    linear = language.layers * layer_parameters(language)
    norms = language.layers * (4 if language.kind == "gemma2" else 2) * language.hidden + language.hidden
    embeddings = language.vocabulary * language.hidden * (1 if language.tied else 2)
    vision = _vision_parameters(shape.vision)
    return Size(linear + norms + embeddings + vision + bridge_parameters(shape), linear)


def layer_parameters(language: LanguageShape) -> int:
    """In the linear layers of one layer of a language model: queries, keys, values, output, and three of a gated
    feed-forward network."""
    queries = language.heads * language.head_size
    rows = queries + 2 * language.key_value_heads * language.head_size
    biases = rows if language.kind == "qwen2" else 0
    attention = language.hidden * (rows + queries) + biases
    return attention + 3 * language.hidden * language.intermediate


def vision_layer_parameters(vision: VisionShape) -> int:
    """In one layer of a vision tower, norms and all."""
    hidden, intermediate = vision.hidden, vision.intermediate
    matrices = 4 * hidden**2 + vision.feed_forward_matrices * hidden * intermediate
    if vision.kind == "aimv2":  # without biases, with two norms that only scale
        return matrices + 2 * hidden
    biases = 4 * hidden + intermediate + hidden
    norms = 4 * hidden
    if vision.kind == "intern_vit_300m":
        norms += 2 * hidden  # what scales the layer's two parts
    if vision.kind == "intern_vit_6b":  # queries, keys and values without bias; norms of queries and keys
        biases -= 3 * hidden
        norms += 2 * hidden
    return matrices + biases + norms


def bridge_parameters(shape: Shape) -> int:
    """In what makes a vision tower's features the language model's: a projector, or Ovis2's visual words."""
    inputs, hidden = shape.vision.hidden, shape.language.hidden
    match shape.family:
        case "internvl2_5":  # a norm and two layers; four neighbours become one
            return 2 * 4 * inputs + _linear(4 * inputs, hidden) + _linear(hidden, hidden)
        case "ovis2":  # a head, its norm, and the embeddings of visual words; four neighbours become one
            predicted = shape.visual_vocabulary - INDICATORS
            return 4 * inputs * predicted + 2 * predicted + shape.visual_vocabulary * hidden
        case "paligemma":
            return _linear(inputs, hidden)
        case _:  # two layers, and what stands at the end of a row
            return _linear(inputs, hidden) + _linear(hidden, hidden) + hidden


def _linear(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def _vision_parameters(vision: VisionShape) -> int:
    hidden = vision.hidden
    patches = 3 * vision.patch**2 * hidden
    positions = vision.tokens * hidden
    around = {  # biases of the patches, tokens for the whole, and norms before and after the layers
        "intern_vit_300m": 2 * hidden,
        "intern_vit_6b": 2 * hidden,
        "aimv2": 3 * hidden,
        "clip": 5 * hidden,
        "siglip": 3 * hidden,
    }[vision.kind]
    return patches + positions + around + vision.layers * vision_layer_parameters(vision)
