"""Reading the goldens: what the original code made of four photographs and eight questions each.

`gpu.py` reads them, and so do the tests, which import this as `perf.golden`.
"""

import copy
import dataclasses
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from repope_eval.models.loading import Model, load_model
from repope_eval.models.placement import choose_device
from repope_eval.models.recipe import Prepared, Recipe
from repope_eval.settings.composition import model_settings


class Asked(NamedTuple):
    """As which model a golden's checkpoint is loaded, and the longest answers it was asked for."""

    family: str
    model: str
    """Name of the shipped configuration file."""
    max_new_tokens: int


GOLDENS = {
    "internvl2_5_qwen2": Asked("internvl2_5", "internvl2_5_1b", 24),
    "internvl2_5_internlm2": Asked("internvl2_5", "internvl2_5_1b", 24),
    "ovis2": Asked("ovis2", "ovis2_1b", 24),
    "llava_next_vicuna": Asked("llava_next", "llava_next_vicuna_7b", 15),
    "llava_next_mistral": Asked("llava_next", "llava_next_mistral_7b", 15),
    "llava_next_llama3": Asked("llava_next", "llava_next_llama3_8b", 15),
    "llava_onevision": Asked("llava_onevision", "llava_onevision_0_5b", 15),
    "paligemma": Asked("paligemma", "paligemma_3b", 15),
    "paligemma2": Asked("paligemma", "paligemma2_3b", 15),
}
"""Folder of a golden -> how it is asked."""

_PREPARED: dict[int, tuple[Recipe, list[Prepared]]] = {}
"""What recipes made of the photographs with their questions: id of a recipe -> the recipe, and what it made."""

ONE_OF_EACH_FAMILY = ("internvl2_5_qwen2", "ovis2", "llava_next_mistral", "llava_onevision", "paligemma2")

INTERNVL_GOLDENS = ("internvl2_5_qwen2", "internvl2_5_internlm2")


@dataclass(frozen=True, slots=True)
class Case:
    """One question and what the original code did with it."""

    image: str
    question: str
    prompt_ids_before_image: list[int]
    prompt_ids_after_image: list[int]
    n_image_tokens: int
    generated_ids: tuple[int, ...]
    response: str
    prompt_ids_with_placeholders: list[int]
    """Ovis2's in place of the three above: negative ids stand for a part's atoms and for indicators."""


@dataclass(frozen=True, slots=True)
class Golden:
    """A tiny checkpoint and the original code's outputs."""

    folder: Path
    cases: tuple[Case, ...]
    tensors: dict[str, torch.Tensor]

    def photograph(self, image: str) -> Image.Image:
        """One of the four photographs."""
        return Image.open(self.folder.parent / "images" / f"{image}.png")

    def cases_by_image(self) -> dict[str, list[Case]]:
        """The cases of each photograph."""
        by_image: dict[str, list[Case]] = {}
        for case in self.cases:
            by_image.setdefault(case.image, []).append(case)
        return by_image

    def first_logits(self, case: Case) -> torch.Tensor:
        """The original's logits of the first generated token."""
        name = case.question.removeprefix("Is there a ").removeprefix("Is there an ")
        return self.tensors[f"first_logits/{case.image}/{name.removesuffix(' in the image?')}"]

    def prepared(self, model: Model) -> list[Prepared]:
        """The photographs with their questions, as the project prepares them."""
        recipe, prepared = _PREPARED.get(id(model.recipe), (None, None))
        if prepared is None or recipe is not model.recipe:
            prepared = [
                model.recipe.prepare(self.photograph(image), [case.question for case in cases])
                for image, cases in self.cases_by_image().items()
            ]
            _PREPARED[id(model.recipe)] = model.recipe, prepared
        return [dataclasses.replace(each, inputs=dict(each.inputs)) for each in prepared]


def read_golden(folder: Path) -> Golden:
    """A golden's cases and tensors."""
    content = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    cases = tuple(
        Case(
            case["image"],
            case["question"],
            case.get("prompt_ids_before_image", []),
            case.get("prompt_ids_after_image", []),
            case.get("n_image_tokens", 0),
            tuple(case["generated_ids"]),
            case["response"],
            case.get("input_ids_with_placeholders", []),
        )
        for case in content["cases"]
    )
    return Golden(folder, cases, load_file(folder / "golden.safetensors"))


@functools.cache
def _loaded(folder: Path) -> Model:
    return load_golden_model(folder)


def golden_model(folder: Path) -> Model:
    """The golden's model in float32. Its files are read once; its network is a copy, which a test may change."""
    model = _loaded(folder)
    return dataclasses.replace(model, network=copy.deepcopy(model.network))


def load_golden_model(folder: Path, *, device: str = "cpu", **changes: str) -> Model:
    """Loads the golden's checkpoint, in float32 unless changed; a copy elsewhere is InternVL's."""
    family, model, _ = GOLDENS.get(folder.name, GOLDENS["internvl2_5_qwen2"])
    settings = dataclasses.replace(
        model_settings(model),
        **{"family": family, "checkpoint": str(folder), "dtype": "float32", **changes},  # type: ignore[arg-type]
    )
    return load_model(settings, choose_device(device))


def strided_sample(tensor: torch.Tensor, most: int) -> torch.Tensor:
    """The sample that the goldens keep of a large tensor: every (n // most)-th element, at most `most`."""
    flat = tensor.flatten()
    return flat[:: max(1, flat.numel() // most)][:most]


def change_weights(folder: Path, **changes: torch.Tensor | None) -> None:
    """Replaces weights of a copied checkpoint, or takes out those given as None."""
    weights = load_file(folder / "model.safetensors")
    for name, tensor in changes.items():
        weights.pop(name, None)
        if tensor is not None:
            weights[name] = tensor
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
