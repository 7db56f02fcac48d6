"""What a machine or an installation lacks is said before weights are read."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch

from perf.golden import load_golden_model
from repope_eval.errors import RepopeError
from repope_eval.models import placement
from repope_eval.models.placement import choose_device, require_number_format, require_quantization
from repope_eval.settings.config import ModelSettings


def test_a_gpu_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(RepopeError, match="torch sees 0 CUDA devices"):
        choose_device("cuda")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")


def test_apples_gpu_is_taken_where_there_is_one_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == choose_device("mps") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cuda:0")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(RepopeError, match="device=mps: torch sees no Apple GPU here"):
        choose_device("mps")


@pytest.mark.parametrize("how", ["int8", "nf4"])
def test_quantization_is_refused_where_bitsandbytes_does_not_run(how: Any) -> None:
    settings = ModelSettings(name="small", family="ovis2", checkpoint="demo", quantization=how)
    with pytest.raises(RepopeError, match=f"model.quantization={how}: bitsandbytes is not for mps"):
        require_quantization(settings, torch.device("mps"))


def test_a_model_says_which_devices_it_is_on(goldens: Path) -> None:
    assert load_golden_model(goldens / "internvl2_5_qwen2").devices == (torch.device("cpu"),)


def lacking(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Makes a package look as if it were not installed."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(placement, "find_spec", lambda name: None if name == package else find_spec(name))


@pytest.mark.parametrize(
    ("package", "changes", "message"),
    [
        ("flash_attn", {"attn_implementation": "flash_attention_2"}, "pip install flash-attn"),
        ("bitsandbytes", {"quantization": "nf4"}, "pip install bitsandbytes"),
    ],
)
def test_what_is_not_installed_comes_with_the_command_that_installs_it(
    goldens: Path, monkeypatch: pytest.MonkeyPatch, package: str, changes: dict[str, Any], message: str
) -> None:
    lacking(monkeypatch, package)
    with pytest.raises(RepopeError, match=message):
        load_golden_model(goldens / "internvl2_5_qwen2", **changes)


def test_flash_attention_is_refused_where_it_cannot_run(
    goldens: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placement, "find_spec", lambda name: object())
    with pytest.raises(RepopeError, match="not on cpu; use sdpa"):
        load_golden_model(goldens / "internvl2_5_qwen2", attn_implementation="flash_attention_2")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_number_formats_that_the_device_has_are_taken(dtype: torch.dtype) -> None:
    require_number_format(dtype, torch.device("cpu"))


def test_a_number_format_that_the_device_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> torch.Tensor:
        raise RuntimeError("not implemented for 'Half'")

    monkeypatch.setattr(torch.nn.functional, "linear", refuse)
    with pytest.raises(RepopeError, match=r"cpu has no float16: use model\.dtype=.*float32"):
        require_number_format(torch.float16, torch.device("cpu"))


@pytest.mark.parametrize(("index", "is_taken"), [(0, True), (1, False)])
def test_bfloat16_is_asked_of_the_device_that_is_used(
    monkeypatch: pytest.MonkeyPatch, index: int, is_taken: bool
) -> None:
    """Of two GPUs the first multiplies bfloat16 and the second does not; the current one is the first."""
    current = [0]

    @contextmanager
    def made_current(device: torch.device) -> Iterator[None]:
        before, current[0] = current[0], device.index
        yield
        current[0] = before

    ones = torch.ones(2, 2)
    monkeypatch.setattr(torch, "ones", lambda *_, **__: ones)
    monkeypatch.setattr(torch.cuda, "device", made_current)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: current == [0])
    with nullcontext() if is_taken else pytest.raises(RepopeError, match=r"cuda:1 has no bfloat16"):
        require_number_format(torch.bfloat16, torch.device("cuda", index))
