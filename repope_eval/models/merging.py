"""Merges a LoRA adapter into a checkpoint's weights as they are loaded.

A weight W becomes W + s B A, computed in float32 and then rounded once, to the number format in which W is loaded. So
the adapter costs no time and no memory later, and a model that is quantized is quantized with it.
"""

import logging
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from transformers import PreTrainedModel

from repope_eval.errors import RepopeError
from repope_eval.models.adapters import MERGING, LoraConfig, read_lora_config
from repope_eval.models.checkpoints import Adapter, Checkpoint
from repope_eval.models.transformers_internals import LoadingRules, changing_tensors
from repope_eval.models.weight_files import ADAPTER_CONFIG, ADAPTER_WEIGHTS, read_shapes
from repope_eval.settings.command_settings import HUB_ID
from repope_eval.settings.fields import closest
from repope_eval.wording import shown

log = logging.getLogger(__name__)

_PREFIX = "base_model.model."
"""What PEFT puts before the names of a model's modules."""

_ENDS = (".lora_A.weight", ".lora_B.weight")

_WEIGHT = ".weight"

_AGAIN = "download both again, or save the adapter again"


@dataclass(frozen=True, slots=True)
class Pair:
    """The two matrices that change one linear layer."""

    down: torch.Tensor
    """A, of shape [rank, inputs]."""
    up: torch.Tensor
    """B, of shape [outputs, rank]."""
    scale: float

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the weight that it changes: [outputs, inputs]."""
        return (self.up.shape[0], self.down.shape[1])

    def product(self, device: torch.device) -> torch.Tensor:
        """What is added to the weight, in float32."""
        up, down = (matrix.to(device, torch.float32) for matrix in (self.up, self.down))
        return self.scale * (up @ down)


@dataclass(frozen=True, slots=True)
class ChangedTensor:
    """A tensor of a checkpoint's files that an adapter changes."""

    name: str
    pairs: dict[str | None, Pair]
    """What changes the parts that loading makes of the tensor, by their names in the network; None: all of it."""
    rules: LoadingRules

    def changed(self, tensor: torch.Tensor) -> torch.Tensor:
        """The changed tensor, in float32."""
        changed = tensor.to(torch.float32, copy=True)
        if set(self.pairs) - {None}:
            places = torch.arange(tensor.numel(), device=tensor.device).view(tensor.shape)
            parts = self.rules.parts_of(self.name, places)  # where each part's numbers stand in the tensor
        for part, pair in self.pairs.items():
            product = pair.product(tensor.device)
            if part is None:
                changed += product
            else:
                changed.view(-1)[parts[part].reshape(-1)] += product.reshape(-1)
        return changed


@dataclass(frozen=True, slots=True)
class Place:
    """Where a weight of the network stands in a checkpoint's files."""

    tensor: str
    part: str | None
    """Its name in the network, where loading makes it out of the tensor; None: it is the tensor."""
    shape: tuple[int, ...]


@contextmanager
def merged_adapter(checkpoint: Checkpoint, network: PreTrainedModel) -> Iterator[None]:
    """Has a checkpoint's adapter, if it has one, merged into its weights as they are loaded in the block.

    Args:
        network: of the class that is loaded, on the meta device.

    Raises:
        RepopeError: as `read_changes`.
    """
    with changing_tensors({each.name: each.changed for each in read_changes(checkpoint, network)}):
        yield


def require_merged(checkpoint: Checkpoint, network: PreTrainedModel) -> None:
    """Refuses a network with weights that stay on disk, where a checkpoint has an adapter."""
    if checkpoint.adapter is not None and "disk" in getattr(network, "hf_device_map", {}).values():
        raise RepopeError(
            f"model.adapter={checkpoint.adapter.name}: weights that model.device_map leaves on disk are read from the "
            f"checkpoint's own files, where nothing is merged; {MERGING}"
        )


def read_changes(checkpoint: Checkpoint, network: PreTrainedModel) -> list[ChangedTensor]:
    """Reads the matrices of a checkpoint's adapter, and finds the tensors that they change; without an adapter none.

    Its modules may be named as in the network, as in the checkpoint's files, or as in other checkpoints that the
    network's class reads.

    Raises:
        RepopeError: its file is missing or damaged, it is of another model, or it changes what is not merged here.
    """
    adapter = checkpoint.adapter
    if adapter is None:
        return []
    told = _require_base(adapter, checkpoint)
    path, rules = adapter.folder / ADAPTER_WEIGHTS, LoadingRules(network)
    pairs = read_pairs(path, read_lora_config(adapter.fields))
    places = _places(read_shapes(checkpoint.folder), rules)
    found = _placed_modules(path, pairs, places, rules, _tied_weights(network), checkpoint, adapter)
    _require_all_layers(path, found.values(), places.values(), checkpoint, adapter)
    if told:
        log.warning("%s; its shapes fit, but nothing says whether these are the same weights", told)
    changes: dict[str, dict[str | None, Pair]] = {}
    for module, place in found.items():
        changes.setdefault(place.tensor, {})[place.part] = pairs[module]
    return [ChangedTensor(name, parts, rules) for name, parts in changes.items()]


def _places(shapes: Mapping[str, Sequence[int]], rules: LoadingRules) -> dict[str, Place]:
    """Where each weight stands, by its name in the network and by its name in the files."""
    in_files: dict[str, Place] = {}
    in_network: dict[str, Place] = {}
    for name, shape in shapes.items():
        if name.endswith(_WEIGHT) and rules.has_place(name):
            tensor = torch.empty(shape, device="meta")
            in_files[name] = Place(name, None, tuple(shape))
            in_network |= {
                part: Place(name, None if made is tensor else part, tuple(made.shape))
                for part, made in rules.parts_of(name, tensor).items()
            }
    return {**in_files, **in_network}


def _placed_modules(
    path: Path,
    pairs: Mapping[str, Pair],
    places: Mapping[str, Place],
    rules: LoadingRules,
    tied: Collection[str],
    checkpoint: Checkpoint,
    adapter: Adapter,
) -> dict[str, Place]:
    """The weight that each of an adapter's modules changes."""
    found = {}
    for module, pair in pairs.items():
        own = f"{module}{_WEIGHT}"
        named = rules.name_of(own)
        if named in tied:
            raise RepopeError(
                f"{path}: changes {module} alone, and {checkpoint.folder} has one weight for it and the embeddings "
                "(tie_word_embeddings); take a checkpoint that has two"
            )
        place = places.get(own) or places.get(named)
        if place is None:
            known = [name.removesuffix(_WEIGHT) for name in places]
            alike = (closest(module, known) or known)[0]
            raise RepopeError(
                f"{path}: changes {module}, and {checkpoint.folder} has no such layer, but {alike}; "
                f"{_right_base(checkpoint, adapter)}"
            )
        if pair.shape != place.shape:
            raise RepopeError(
                f"{path}: changes a weight of shape {list(pair.shape)} in {module}, and that of {checkpoint.folder} is "
                f"{list(place.shape)}; {_right_base(checkpoint, adapter)}"
            )
        found[module] = place
    if len(set(found.values())) < len(found):
        raise RepopeError(
            f"{path}: changes one layer of {checkpoint.folder} twice, under two names; {_AGAIN}"
        )
    return found


def _require_base(adapter: Adapter, checkpoint: Checkpoint) -> str:
    """Refuses an adapter of another model on the Hub.

    Returns:
        What is to be told where a folder has another name, which proves nothing; empty where all is well.
    """
    base = adapter.base.rstrip("/")
    if not base or base.lower() == checkpoint.name.rstrip("/").lower():
        return ""
    told = (
        f"{adapter.fields.path}: was made for {shown(base)}, and model.checkpoint is {shown(checkpoint.name)}"
    )
    if checkpoint.commit is not None and re.fullmatch(HUB_ID, base) and not Path(base).exists():
        raise RepopeError(
            f"{told}; give model.checkpoint={base}, or, where both are the same weights, a copy of the adapter whose "
            "base_model_name_or_path says so"
        )
    return told


def _right_base(checkpoint: Checkpoint, adapter: Adapter) -> str:
    """What to do about an adapter of another model."""
    base = f", {shown(adapter.base)}" if adapter.base not in ("", checkpoint.name) else ""
    return f"give the checkpoint that the adapter was made for{base}, as model.checkpoint"


def read_pairs(path: Path, config: LoraConfig) -> dict[str, Pair]:
    """The matrices in an adapter's file of weights, by module.

    Raises:
        RepopeError: the file is missing or damaged, half of a pair is missing, or a rank is not the configuration's;
            or it holds something else.
    """
    tensors = _read_tensors(path)
    for name in tensors:
        if not (name.startswith(_PREFIX) and name.endswith(_ENDS)):
            raise RepopeError(
                f"{path}: holds {shown(name)}, and only {_PREFIX}MODULE{_ENDS[0]} and {_ENDS[1]} are merged here (no "
                f"biases, embeddings or whole modules); {MERGING}"
            )
    modules = dict.fromkeys(
        name.removeprefix(_PREFIX).removesuffix(_ENDS[0]).removesuffix(_ENDS[1]) for name in tensors
    )
    if not modules:
        raise RepopeError(f"{path}: holds no tensor; {_AGAIN}")
    return {module: _pair(path, module, tensors, config) for module in modules}


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    pickled = path.with_suffix(".bin")
    if not path.is_file():
        mend = (
            f"{pickled.name} is not read, since pickled files may run code: load the adapter with peft where you trust "
            "it, and save it with save_pretrained"
            if pickled.exists()
            else "download it again, or save the adapter with peft's save_pretrained"
        )
        raise RepopeError(f"{path.parent}: holds no {path.name}; {mend}")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise RepopeError(f"{path}: is damaged ({error}); {_AGAIN}") from error


def _pair(path: Path, module: str, tensors: Mapping[str, torch.Tensor], config: LoraConfig) -> Pair:
    """The matrices of one module."""
    down, up = (tensors.get(f"{_PREFIX}{module}{end}") for end in _ENDS)
    if down is None or up is None:
        there, missing = _ENDS if up is None else _ENDS[::-1]
        raise RepopeError(f"{path}: holds {module}{there} and no {module}{missing}; {_AGAIN}")
    if not (down.ndim == up.ndim == 2 and down.is_floating_point() and up.is_floating_point()):
        shapes = " and ".join(str(list(half.shape)) for half in (down, up))
        raise RepopeError(
            f"{path}: the tensors of {module} have shapes {shapes}, not a linear layer's; {MERGING}"
        )
    rank = config.rank_of(module)
    if not rank == down.shape[0] == up.shape[1]:
        raise RepopeError(
            f"{path}: {module} has rank {down.shape[0]} in {_ENDS[0][1:]} and {up.shape[1]} in {_ENDS[1][1:]}, and "
            f"{ADAPTER_CONFIG} says {rank}; {_AGAIN}"
        )
    return Pair(down, up, config.scale_of(module))


def _tied_weights(network: PreTrainedModel) -> frozenset[str]:
    """Names of weights that the network has at several places."""
    places: dict[int, list[str]] = {}
    for name, weight in network.named_parameters(remove_duplicate=False):
        places.setdefault(id(weight), []).append(name)
    return frozenset(name for names in places.values() if len(names) > 1 for name in names)


def _require_all_layers(
    path: Path,
    changed: Collection[Place],
    places: Collection[Place],
    checkpoint: Checkpoint,
    adapter: Adapter,
) -> None:
    """Refuses an adapter that changes some of a stack's layers alone, unless it says that this is meant.

    An adapter of a model with fewer layers of the same width would fit otherwise.
    """
    targets = adapter.config.get("target_modules")
    is_chosen = any(adapter.config.get(name) for name in ("layers_to_transform", "exclude_modules"))
    if is_chosen or not isinstance(targets, list) or any(re.search(r"\d+\.", str(name)) for name in targets):
        return
    there, own = (Counter(map(_stack, set(each))) for each in (places, changed))
    for stack, number in own.items():
        if number < there[stack]:
            raise RepopeError(
                f"{path}: changes {number} layers {stack}, and {checkpoint.folder} has {there[stack]}; "
                f"{_right_base(checkpoint, adapter)}"
            )


def _stack(place: Place) -> str:
    """A weight's name without the numbers of layers."""
    return re.sub(r"(?<=\.)\d+(?=\.)", "*", place.part or place.tensor).removesuffix(_WEIGHT)
