"""The work that peers are measured on: a random checkpoint in transformers' layout, drawn images, and what is asked.

Beside them are the files by which this project knows the same benchmark.
"""

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from drawn_images import draw_images
from peer_job import Ask
from random_checkpoints import GOLDENS, KINDS, random_model
from safetensors.torch import save_file
from simulated_answers import VARIANTS, Truth, make_truth, questions_of, write_questions

from repope_eval.benchmarks.chair import PROMPTS
from repope_eval.captions.coco_files import COCO_FILES, image_name
from repope_eval.models.loading import Model

KIND = "llava_next"
"""The kind of checkpoint: transformers, vLLM and lmms-eval all know it."""
_WEIGHTS_AND_OUTPUTS = ("model.safetensors", "golden.json", "golden.safetensors")
"""Files of a golden that are not taken over."""

_PUBLISHED = {
    "model.language_model.": "language_model.model.",
    "lm_head.": "language_model.lm_head.",
    "model.vision_tower.vision_model.": "vision_tower.vision_model.",
    "model.vision_tower.": "vision_tower.vision_model.",
    "model.": "",
}
"""How names of weights begin in the native class -> in the published checkpoint. The first that fits counts."""


@dataclass(frozen=True, slots=True)
class Work:
    """What each peer is asked."""

    checkpoint: Path
    asks: tuple[Ask, ...]
    """In the order of POPE's three files, or of the images."""
    bench: tuple[str, ...]
    """The words by which this project's command line names the same benchmark."""
    parameters: int


def make_questions(folder: Path, n_images: int, shape: str) -> Work:
    """Writes the checkpoint, `images`, and the question files in `annotations` into a folder.

    Args:
        folder: an empty folder.
        n_images: how many images are drawn; each stands in 18 rows of the files, 10 of them distinct.
        shape: a key of SHAPES.
    """
    truth = make_truth(n_images)
    rows = _write_question_files(truth, folder / "annotations")
    names = [questions_of(truth, image)[0].image for image in range(n_images)]
    asked = [(row["image"], row["text"]) for row in rows]
    return _work(folder, shape, names, asked, ["bench=repope"])


def make_captions(folder: Path, n_images: int, shape: str) -> Work:
    """Writes the checkpoint, `images`, and what CHAIR reads in `annotations` and `images.txt` into a folder.

    COCO has a dog in every image: what captions are scored by changes no time, and nothing else is told of them.

    Args:
        folder: an empty folder.
        n_images: how many images are drawn, and described once each.
        shape: a key of SHAPES.
    """
    _write_question_files(
        make_truth(1), folder / "annotations"
    )  # CHAIR reads them, and describes other images
    images = [{"id": number, "file_name": image_name(number)} for number in range(n_images)]
    rows = [
        {"image_id": number, "category_id": 1, "bbox": [0, 0, 1, 1], "caption": "A dog."}
        for number in range(n_images)
    ]
    document = {"images": images, "annotations": rows, "categories": [{"id": 1, "name": "dog"}]}
    for name in COCO_FILES:
        (folder / "annotations" / name).write_text(json.dumps(document), encoding="utf-8")
    names = [image_name(number) for number in range(n_images)]
    image_list = folder / "images.txt"
    image_list.write_text("\n".join(names), encoding="utf-8")
    asked = [(name, PROMPTS["describe"]) for name in names]
    return _work(folder, shape, names, asked, ["bench=chair", f"bench.image_list={image_list}"])


def _work(
    folder: Path, shape: str, names: Sequence[str], asked: Iterable[tuple[str, str]], bench: Iterable[str]
) -> Work:
    """Writes the checkpoint and the images; returns the work of asking these texts about them.

    Args:
        folder: has the benchmark's files in `annotations`.
        shape: a key of SHAPES.
        names: the names of the images.
        asked: (image, text) of each asking.
        bench: words that name the benchmark, without where its files are.
    """
    model = random_model(KIND, shape, torch.device("cpu"), torch.float32)
    _write_checkpoint(model, folder / "checkpoint")
    images = folder / "images"
    images.mkdir()
    for name, image in zip(names, draw_images(len(names)), strict=True):
        image.save(images / name, quality=90)
    asks = tuple(Ask(str(images / name), text, model.recipe.prompt(text)) for name, text in asked)
    parameters = sum(weight.numel() for weight in model.network.parameters())
    words = (*bench, f"bench.annotations={folder / 'annotations'}", f"bench.images={images}")
    return Work(folder / "checkpoint", asks, words, parameters)


def _write_checkpoint(model: Model, folder: Path) -> None:
    """Writes the weights, and beside them what describes them, as the published checkpoint has it.

    The published chat template leaves out Vicuna's opening, which this project asks with: here it has it, so that
    a program that goes by the template asks with the same words.
    """
    folder.mkdir()
    weights = {_published(name): weight for name, weight in model.network.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    for file in (GOLDENS / KINDS[KIND].golden).iterdir():
        if file.name not in _WEIGHTS_AND_OUTPUTS:
            shutil.copy(file, folder)
    (folder / "config.json").write_text(json.dumps(model.checkpoint.config), encoding="utf-8")
    template = json.loads((folder / "chat_template.json").read_text(encoding="utf-8"))["chat_template"]
    opening = model.recipe.prompt("").partition("USER:")[0]
    template = json.dumps({"chat_template": opening + template})
    (folder / "chat_template.json").write_text(template, encoding="utf-8")


def _published(name: str) -> str:
    """The name that a weight of the native class has in the published checkpoint."""
    for start, published in _PUBLISHED.items():
        if name.startswith(start):
            return published + name.removeprefix(start)
    raise ValueError(f"{name} is no weight of LLaVA-NeXT")


def _write_question_files(truth: Truth, folder: Path) -> list[dict[str, str]]:
    """Writes the six files under the names of the published ones; returns the rows of POPE's three."""
    write_questions(truth, folder, VARIANTS)
    for file in list(folder.iterdir()):
        file.rename(folder / f"coco_{file.stem}.json")
    return [
        json.loads(line)
        for variant in VARIANTS
        for line in (folder / f"coco_pope_{variant}.json").read_text(encoding="utf-8").splitlines()
    ]
