"""Every shipped model at its published size, asked on GPUs that are not there: memory, waiting and attention.

    python perf/fake_cuda.py [MODEL ...] [--images 1] [--questions 10] [--engine sequential] [--quantization nf4]

The engines run as they are, on tensors that have shapes and no memory (perf/fake_device.py says what is real of
them). `peak` is the most that tensors hold at once, weights and all; `formula` is `repope_eval.machine.memory_need`
without the program's own share. `waits` is how often the host waits for the GPU: in lines of this package, and in
lines of transformers. `shapes of attention` is how many different calls of a fused kernel there are, each of which a
library may prepare before its first use. Kernels' own workspaces are in none of the figures.
"""

import argparse
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from unittest.mock import patch

import torch
from accelerate import dispatch_model
from command_line import positive
from drawn_images import draw_images, pope_questions
from fake_device import FakeDevices, devices_that_are_not_there
from gauges import print_table
from published_models import published_checkpoint, published_recipe, shipped_shape
from torch import nn
from transformers import PreTrainedModel

from repope_eval.asking.native import shared
from repope_eval.asking.native.batches import ENGINES
from repope_eval.asking.native.generation import Generation, find_spellings
from repope_eval.machine.memory_need import PROGRAM, memory_need
from repope_eval.models.families import FAMILIES
from repope_eval.models.loading import Model
from repope_eval.models.placement import choose_attention, embed_where_inputs_are
from repope_eval.models.recipe import Prepared
from repope_eval.settings.composition import listed_models, model_settings
from repope_eval.settings.config import Engine

FIRST, SECOND = torch.device("cuda:0"), torch.device("cuda:1")
DTYPE = torch.bfloat16
MOST_NEW_TOKENS = 4
HEADINGS = (
    "model",
    "weights GB",
    "peak GB",
    "formula GB",
    "formula over peak",
    "waits here",
    "waits in transformers",
    "operations",
    "shapes of attention",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names of shipped models; default: all")
    parser.add_argument("--images", type=positive, default=1, help="of the batch; default: 1")
    parser.add_argument("--questions", type=positive, default=10, help="about each image; default: 10")
    parser.add_argument("--layers", type=positive, help="of each half of a model; default: all")
    parser.add_argument("--engine", choices=list(ENGINES), default="shared")
    parser.add_argument("--quantization", choices=("none", "int8", "nf4"), default="none")
    options = parser.parse_args()
    print(f"{options.images} images, {options.questions} questions each, {options.engine} engine")
    rows = []
    for name in options.models or _names():
        with fake_model(name, options.layers, quantization=options.quantization) as (model, devices):
            images = [prepared(model, options.questions)] * options.images
            rows.append([name, *_cells(name, count(model, devices, images, options.engine), options)])
    print_table(HEADINGS, rows)


def _names() -> list[str]:
    """The shipped models of the families, without the package's own."""
    return [model.name for model in listed_models() if model.family in FAMILIES and model.name != "tiny"]


def _cells(name: str, counts: "Counts", options: argparse.Namespace) -> list[str]:
    formula = formula_bytes(name, options.questions, options.quantization)
    # The formula is for one image and its questions, answered together by the whole model.
    is_formulas = (options.images, options.layers, options.engine) == (1, None, "shared")
    compared = [f"{formula / 1e9:.3f}", f"{formula / counts.peak:.3f}"]
    return [
        f"{counts.weights / 1e9:.3f}",
        f"{counts.peak / 1e9:.3f}",
        *(compared if is_formulas else ["-", "-"]),
        str(counts.waits_here),
        str(counts.waits - counts.waits_here),
        str(counts.operations),
        str(counts.attention_shapes),
    ]


def formula_bytes(name: str, questions: int, quantization: str = "none") -> float:
    """What the formula says that a shipped model, one image and its questions take, the program left out."""
    need = memory_need(shipped_shape(name), questions=questions, quantization=quantization)
    return need.total - PROGRAM


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was counted while a batch was answered."""

    answers: list[list[Generation]]
    weights: int
    """Bytes on all devices."""
    encoding: int
    """The most bytes besides weights while images were encoded."""
    answering: int
    """The most bytes besides weights from there on."""
    waits: int
    waits_here: int
    """How many of the waits are in lines of this package."""
    copies: int
    """Copies from the host that it did not wait for."""
    operations: int
    attention_shapes: int

    @property
    def peak(self) -> int:
        """The most bytes at once, weights and all."""
        return self.weights + max(self.encoding, self.answering)


@contextmanager
def fake_model(
    name: str,
    layers: int | None = None,
    embeddings_on: torch.device | None = None,
    quantization: str = "none",
) -> Iterator[tuple[Model, FakeDevices]]:
    """A shipped model at its published size, and the devices that it is on.

    Args:
        name: of the model.
        layers: of the language model and of the vision tower each; None: as many as are published.
        embeddings_on: the model is spread over two devices, with its embeddings on that one; None: all of it is on
            one device.
        quantization: none, int8 or nf4, on one device.
    """
    recipe = published_recipe(name, layers)
    attention = choose_attention(model_settings(name), recipe.network_config())
    with torch.device("meta"):
        network = recipe.network_class()._from_config(
            recipe.network_config(), dtype=DTYPE, attn_implementation=attention
        )
    network.eval()
    with devices_that_are_not_there(recipe.stop_token_ids[0]) as devices:
        if embeddings_on is None:
            put(network, devices, {"": FIRST})
            if quantization != "none":
                from fake_quantized import quantize  # bitsandbytes takes a while to import

                quantize(network, devices, quantization)
        else:
            put(network, devices, over_two_devices(network, embeddings_on))
        model = Model(
            recipe=recipe,
            network=network,
            checkpoint=published_checkpoint(name, layers),
            dtype=DTYPE,
            device=FIRST,
            attention=attention,
        )
        yield model, devices


def put(network: PreTrainedModel, devices: FakeDevices, placed: Mapping[str, torch.device]) -> None:
    """Puts a network without weights on devices, as loading with that device map does."""
    tied: dict[int, nn.Parameter] = {}
    for path, module in network.named_modules():
        for name, tensor in module.named_parameters(recurse=False, remove_duplicate=False):
            if id(tensor) not in tied:
                fake = devices.tensor(tensor.data, _device_of(f"{path}.{name}", placed))
                tied[id(tensor)] = nn.Parameter(fake, requires_grad=False)
            setattr(module, name, tied[id(tensor)])
        for name, tensor in module.named_buffers(recurse=False):
            setattr(module, name, devices.tensor(tensor, _device_of(f"{path}.{name}", placed)))
    if len(placed) > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a name is a parameter's and not a module's
            dispatch_model(network, device_map=dict(placed), skip_keys=network._skip_keys_device_placement)
        embed_where_inputs_are(network)


def _device_of(name: str, placed: Mapping[str, torch.device]) -> torch.device:
    while name not in placed:
        name = name.rpartition(".")[0]
    return placed[name]


def over_two_devices(network: PreTrainedModel, embeddings_on: torch.device) -> dict[str, torch.device]:
    """A device map with the last of the layers and the norm on the second device, the vision tower on the first.

    If the embeddings are on the second device, all layers are, as accelerate's own device maps have it.
    """
    decoder = network.get_decoder()
    text = next(name for name, module in network.named_modules() if module is decoder)
    placed: dict[str, torch.device] = {}
    around: nn.Module = network
    for part in text.split("."):
        placed |= dict.fromkeys(_names_beside(network, around, part), FIRST)
        around = getattr(around, part)
    placed |= {f"{text}.{name}": FIRST for name, _ in decoder.named_children() if name != "layers"}
    for index in range(len(decoder.layers)):
        is_early = embeddings_on == FIRST and index < len(decoder.layers) // 2
        placed[f"{text}.layers.{index}"] = FIRST if is_early else SECOND
    is_tied = network.get_output_embeddings().weight is network.get_input_embeddings().weight
    placed[f"{text}.embed_tokens"] = embeddings_on
    placed[f"{text}.norm"] = SECOND
    placed["lm_head"] = embeddings_on if is_tied else SECOND
    return placed


def _names_beside(network: nn.Module, around: nn.Module, part: str) -> list[str]:
    """The whole names of what a module has beside one of its parts."""
    path = next(name for name, module in network.named_modules() if module is around)
    own = [
        around.named_children(),
        around.named_parameters(recurse=False),
        around.named_buffers(recurse=False),
    ]
    return [f"{path}.{name}".lstrip(".") for kind in own for name, _ in kind if name != part]


def prepared(model: Model, questions: int) -> Prepared:
    """A drawn image and so many questions about it."""
    return _prepared(model.checkpoint.name, questions)


@cache
def _prepared(name: str, questions: int) -> Prepared:
    (image,) = draw_images(1)
    return published_recipe(name).prepare(image, pope_questions(questions)).cast(DTYPE)


def count(
    model: Model, devices: FakeDevices, images: Sequence[Prepared], engine: Engine = "shared"
) -> Counts:
    """Has an engine answer a batch."""
    weights = devices.bytes.total()
    encoding = 0
    encode = shared.encode

    def encode_apart(model: Model, images: Sequence[Prepared]) -> list[torch.Tensor]:
        nonlocal encoding
        features = encode(model, images)
        encoding = devices.peak.total() - weights
        devices.peak = devices.bytes.copy()
        return features

    devices.forget()
    with patch.object(shared, "encode", encode_apart):
        answers = ENGINES[engine](model, images, MOST_NEW_TOKENS, find_spellings(model.recipe))
    return counts_of(devices, answers, weights, encoding)


def counts_of(
    devices: FakeDevices, answers: Sequence[Sequence[Generation]], weights: int, encoding: int = 0
) -> Counts:
    """What was counted on devices since they were to forget.

    Args:
        answers: what was generated meanwhile.
        weights: bytes that the devices held before.
        encoding: the bytes of the peak while images were encoded, where that was counted apart.
    """
    return Counts(
        answers=[list(each) for each in answers],
        weights=weights,
        encoding=encoding,
        answering=devices.peak.total() - weights,
        waits=devices.waits.total(),
        waits_here=devices.waits_in("repope_eval"),
        copies=devices.copies,
        operations=devices.operations,
        attention_shapes=len(devices.attention),
    )


if __name__ == "__main__":
    main()
