"""Devices, device maps, number formats, quantization and attention kernels.

Whatever a machine or an installation lacks is refused here, before any weight is read.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import BitsAndBytesConfig, PreTrainedConfig, PreTrainedModel

from repope_eval.errors import RepopeError
from repope_eval.models.transformers_internals import repeating_heads
from repope_eval.settings.config import Attention, ModelSettings
from repope_eval.system.json_files import read_json
from repope_eval.system.ranks import Ranks, is_told_cpu
from repope_eval.wording import counted


def choose_attention(settings: ModelSettings, config: PreTrainedConfig) -> Attention:
    """The attention that the settings ask for; `auto` is sdpa, or eager where the model caps attention's scores.

    Raises:
        RepopeError: sdpa was asked for, which would leave out the cap.
    """
    is_capped = getattr(config.get_text_config(), "attn_logit_softcapping", None) is not None
    asked = settings.attn_implementation
    if asked == "auto":
        return "eager" if is_capped else "sdpa"
    if is_capped and asked in ("sdpa", "sdpa_cudnn"):
        raise RepopeError(
            f"model.attn_implementation={asked}: this model caps attention's scores, which sdpa leaves out; use eager"
        )
    return asked


@contextmanager
def attention_kernels(attention: Attention) -> Iterator[None]:
    """Keeps torch from choosing cuDNN's kernel while the context lasts; under `sdpa_cudnn` the choice is torch's own.

    On GPUs without FlashAttention, keys and values that several heads share are repeated for torch. Its
    memory-efficient kernel takes no others, so that a prompt would be computed by the plain formulas, which hold all
    attention scores: 0.3 GB for each image of InternVL2.5-1B in 16 bits, several times over. Sources: torch's
    documentation of `enable_gqa`, and github.com/huggingface/transformers/issues/48633, which saw it on a T4.

    With cuDNN above 9.15, torch prefers that kernel on cards of the H100's and the B200's kind (source:
    `check_prefer_cudnn_attention` in torch's sdp_utils.cpp). cuDNN builds a plan on the host for each combination of
    sizes and strides of queries, keys, values and mask (`MHAParams` in torch's MHA.cpp). One report has 0.44 s a plan,
    on a B200 with a mask (github.com/modelscope/FunASR/issues/3704). Here most batches bring five new combinations:
    the tiles of the vision tower, the prefixes, the questions, and each token of an answer, whose cache is one longer.
    A 1B needs about a second for a whole batch (perf/RESULTS.md, perf/decoding.py).

    Lengths padded to multiples of 64 would not avoid it: the number of tiles and of images would still vary, and the
    padding would be computed. Torch's other kernels are built for any size: FlashAttention takes what has no mask, and
    the memory-efficient one takes masks.

    None of this was measured on a GPU yet: if `sdpa_cudnn` proves faster there, it should become the default.
    """
    was_enabled = torch.backends.cuda.cudnn_sdp_enabled()
    torch.backends.cuda.enable_cudnn_sdp(was_enabled and attention == "sdpa_cudnn")
    try:
        with repeating_heads() if _lacks_flash_attention() else nullcontext():
            yield
    finally:
        torch.backends.cuda.enable_cudnn_sdp(was_enabled)


FLASH_CAPABILITY = (8, 0)
"""The lowest compute capability for which torch has FlashAttention: Ampere's. Turing (T4, RTX 20, GTX 16) has 7.5, and
Volta (V100) 7.0."""


def _lacks_flash_attention() -> bool:
    """Whether torch has no FlashAttention for the current GPU; False where this process uses none."""
    return torch.cuda.is_initialized() and torch.cuda.get_device_capability() < FLASH_CAPABILITY


_STRATEGIES = ("auto", "balanced", "balanced_low_0", "sequential")
"""The ways in which transformers can spread a model over devices by itself."""


def choose_device(name: str) -> torch.device:
    """The device of that name; `auto` is the first CUDA device, else Apple's GPU, else the CPU.

    Raises:
        RepopeError: a GPU was asked for that is not there.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise RepopeError(
            "device=mps: torch sees no Apple GPU here (it takes a Mac with Apple silicon and macOS 14); use device=cpu"
        )
    if device.type == "cuda":
        number = _count_gpus()
        if (device.index or 0) >= number:
            raise RepopeError(
                f"device={name}: torch sees {number} CUDA devices here; use device=cpu, or check the driver "
                "and that torch was installed with CUDA"
            )
    return device


def device_of_rank(name: str, ranks: Ranks) -> str:
    """The device of one of several ranks: each rank has a GPU of its own, by its number on this machine.

    Raises:
        RepopeError: there are more ranks here than GPUs, or all were given the same one.
    """
    if name == "auto" and is_told_cpu():
        return "cpu"
    if not ranks.are_several or name in ("cpu", "mps"):
        return name
    if name.startswith("cuda:"):
        raise RepopeError(f"device={name}: {ranks.count} processes would share it; leave out the number")
    number = _count_gpus()
    if name == "auto" and not number:
        return name
    if ranks.local_rank >= number:
        raise RepopeError(
            f"{ranks.local_count} processes were started here and torch sees {counted(number, 'CUDA device')}: "
            f"start as many processes as there are GPUs (--num_processes {max(1, number)})"
        )
    return f"cuda:{ranks.local_rank}"


def _count_gpus() -> int:
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def require_number_format(dtype: torch.dtype, device: torch.device) -> None:
    """Refuses a number format that the device lacks.

    Raises:
        RepopeError: the device does not multiply matrices of that format, or only by emulation.
    """
    name = str(dtype).removeprefix("torch.")
    try:
        ones = torch.ones(2, 2, dtype=dtype, device=device)
        torch.nn.functional.linear(ones, ones)
        lacking = device.type == "cuda" and dtype == torch.bfloat16 and not _multiplies_bfloat16(device)
    except (RuntimeError, TypeError):  # the second is how MPS says it
        lacking = True
    if lacking:
        raise RepopeError(f"{device} has no {name}: use model.dtype=float16 or model.dtype=float32")


def _multiplies_bfloat16(device: torch.device) -> bool:
    """Whether a GPU has instructions for bfloat16; torch answers for the current device."""
    with torch.cuda.device(device):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def device_map(settings: ModelSettings, device: torch.device) -> str | dict[str, Any]:
    """What `from_pretrained` is told of placement: everything on `device`, or what the settings say.

    Raises:
        RepopeError: the settings name neither a way that transformers knows nor a JSON file of modules and devices
            that this machine has.
    """
    if settings.device_map is None:
        return {"": device}
    if settings.device_map in _STRATEGIES:
        return settings.device_map
    if not settings.device_map.endswith(".json"):
        raise RepopeError(
            f"model.device_map={settings.device_map}: one of {', '.join(_STRATEGIES)}, or a JSON file of module and "
            "device, is expected"
        )
    placed = read_json(Path(settings.device_map).expanduser())
    if not isinstance(placed, dict):
        raise RepopeError(
            f"{settings.device_map}: a JSON object is expected that gives modules a device number, cpu or disk"
        )
    gpus = range(_count_gpus())
    named = [*(f"cuda:{number}" for number in gpus), *(["cuda"] if gpus else [])]
    devices = ["cpu", "disk", *(["mps"] if torch.backends.mps.is_available() else []), *gpus, *named]
    for module, where in placed.items():
        if isinstance(where, bool) or where not in devices:
            raise RepopeError(
                f"{settings.device_map}: {module!r} is put on {where!r}; this machine has "
                f"{', '.join(map(str, devices))}"
            )
    return placed


def require_modules(settings: ModelSettings, placed: str | dict[str, Any], network: PreTrainedModel) -> None:
    """Checks that a device map names modules that are there, and places every weight."""
    if isinstance(placed, str) or ("" in placed and len(placed) == 1):
        return
    names = {name for name, _ in network.named_modules()} | {name for name, _ in network.named_parameters()}
    strange = sorted(set(placed) - names)
    if strange:
        raise RepopeError(f"{settings.device_map}: the model has no module {strange[0]!r}; leave it out")
    for name, _ in network.named_parameters():
        if not any(module == "" or name == module or name.startswith(f"{module}.") for module in placed):
            raise RepopeError(
                f"{settings.device_map}: places no module that {name} is in; give it one, or all of them, as "
                '"", a device'
            )


def embed_where_inputs_are(network: PreTrainedModel) -> None:
    """Has embeddings come back to the device of the token ids, wherever a device map put their weights.

    Otherwise they stay on the device of their weights, and neither the engines nor transformers can put features
    and masks of the inputs' device together with them.
    """
    network.get_input_embeddings().register_forward_hook(
        lambda embeddings, inputs, output: output.to(inputs[0].device)
    )


def require_quantization(settings: ModelSettings, device: torch.device) -> None:
    """Refuses quantization where it cannot be had.

    Raises:
        RepopeError: bitsandbytes is not installed, or not for this device.
    """
    if settings.quantization == "none":
        return
    if device.type == "mps":
        raise RepopeError(
            f"model.quantization={settings.quantization}: bitsandbytes is not for {device}; leave it out, and where "
            "memory is short take a smaller model (python -m repope_eval doctor lists those that fit)"
        )
    if find_spec("bitsandbytes") is None:
        raise RepopeError(
            f"model.quantization={settings.quantization} needs bitsandbytes: pip install bitsandbytes"
        )


def quantization(
    settings: ModelSettings, dtype: torch.dtype, network: PreTrainedModel
) -> BitsAndBytesConfig | None:
    """What `from_pretrained` is told of quantization."""
    kept = list(modules_around(network, network.get_decoder()))
    match settings.quantization:
        case "int8":
            # At each product of matrices, bitsandbytes warns that it computes in float16.
            logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
            return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=kept)
        case "nf4":
            return BitsAndBytesConfig(
                load_in_4bit=True,
                bnb_4bit_quant_type="nf4",
                bnb_4bit_compute_dtype=dtype,
                llm_int8_skip_modules=kept,
            )
        case _:
            return None


def modules_around(network: nn.Module, language_model: nn.Module, prefix: str = "") -> Iterator[str]:
    """Names of the largest modules that hold nothing of the language model, whatever the native class calls them.

    They are not quantized: they are small and matter more than the language model's linear layers.
    """
    for name, module in network.named_children():
        if module is language_model:
            continue
        if language_model in module.modules():
            yield from modules_around(module, language_model, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def require_attention(settings: ModelSettings, device: torch.device) -> None:
    """Refuses an attention kernel that is not installed, or that the device cannot run."""
    if settings.attn_implementation != "flash_attention_2":
        return
    if find_spec("flash_attn") is None:
        raise RepopeError(
            "model.attn_implementation=flash_attention_2: flash-attn is not installed; "
            "pip install flash-attn --no-build-isolation, or use sdpa"
        )
    if device.type != "cuda":
        raise RepopeError(f"model.attn_implementation=flash_attention_2: not on {device}; use sdpa")
    if torch.cuda.get_device_capability(device) < FLASH_CAPABILITY:
        raise RepopeError(
            f"model.attn_implementation=flash_attention_2: {torch.cuda.get_device_name(device)} is too old for it "
            "(compute capability below 8.0); use sdpa"
        )
