"""How much faster the shared-prefix engine is than asking each question alone.

    python perf/engine.py [--images 4] [--questions 10] [--checkpoint FOLDER]

Both engines answer the same questions about the same drawn images in one run on one machine; their answers
are compared. The paper's loop asks each question once a variant, 18 askings an image on POPE, where 10.25 of
them are distinct; its time is the time of one asking alone, times 18.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from random import Random

import torch

from repope_eval.benchmarks.pope_file import question_text
from repope_eval.config import ModelSettings
from repope_eval.demo.icons import KINDS
from repope_eval.demo.scenes import draw_scene
from repope_eval.inference.generation import Generation, find_spellings
from repope_eval.inference.sequential import generate_sequentially
from repope_eval.inference.shared import generate_shared
from repope_eval.models.loading import Model, load_model
from repope_eval.models.placement import choose_device
from repope_eval.models.recipe import Prepared

ASKINGS_OF_THE_PAPER = 18
"""A POPE image's questions in the three variants: 3 x (3 positives + 3 negatives)."""
PHOTOGRAPH = (640, 480)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--questions", type=int, default=10)
    parser.add_argument("--checkpoint", default="demo", help="an InternVL2.5 checkpoint; default: the demo's")
    options = parser.parse_args()
    settings = ModelSettings(
        name="perf", family="internvl2_5", checkpoint=options.checkpoint, dtype="float32", max_new_tokens=8
    )
    model = load_model(settings, choose_device("auto"))
    images = _images(model, options.images, options.questions)
    # The first call of either engine pays for what is set up once.
    _timed(generate_shared, model, images[:1])
    _timed(generate_sequentially, model, images[:1])
    shared, shared_seconds = _timed(generate_shared, model, images)
    alone, alone_seconds = _timed(generate_sequentially, model, images)
    askings = options.images * options.questions
    same = sum(
        one.token_ids == other.token_ids
        for answers, others in zip(shared, alone, strict=True)
        for one, other in zip(answers, others, strict=True)
    )
    paper_seconds = alone_seconds / options.questions * ASKINGS_OF_THE_PAPER
    print(f"device {model.device}, {torch.get_num_threads()} threads, checkpoint {options.checkpoint}")
    print(
        f"{options.images} images of {len(images[0].inputs['pixel_values'])} tiles, {options.questions} questions each"
    )
    print(f"each question alone   {alone_seconds:8.2f} s")
    print(f"shared prefix         {shared_seconds:8.2f} s")
    print(f"same answers          {same} of {askings}")
    print(f"ratio, a distinct question {alone_seconds / shared_seconds:6.1f}")
    print(f"ratio, the paper's loop    {paper_seconds / shared_seconds:6.1f}")


def _images(model: Model, number: int, questions: int) -> list[Prepared]:
    random = Random(0)
    texts = [question_text(kind) for kind in KINDS[:questions]]
    return [model.recipe.prepare(draw_scene(random).image.resize(PHOTOGRAPH), texts) for _ in range(number)]


Engine = Callable[..., list[list[Generation]]]


def _timed(engine: Engine, model: Model, images: Sequence[Prepared]) -> tuple[list[list[Generation]], float]:
    started = time.perf_counter()
    generations = engine(model, images, 8, find_spellings(model.recipe))
    if model.device.type == "cuda":
        torch.cuda.synchronize(model.device)
    return generations, time.perf_counter() - started


if __name__ == "__main__":
    main()
