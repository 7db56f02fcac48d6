"""How many images a second one core prepares, from JPEG file to pixels and prompts, for each native family.

    python perf/preparing.py [--images 20] [--questions 10] [--family ovis2]

What a worker process does while the GPU computes (`repope_eval/asking/native/loader.py`), in one thread. A core that
prepares 10 images a second keeps a GPU busy that takes 100 ms for an image. Tiles and tokens are the published ones;
photographs have COCO's usual sizes. Of each image's times the shortest of several rounds counts: other programs on the
machine only make it longer.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from command_line import parser
from drawn_images import SIZES, pope_questions, write_files
from gauges import print_table
from random_checkpoints import GOLDENS, KINDS

from repope_eval.benchmarks.images import open_image
from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.recipe import Recipe, RecipeOptions

ROUNDS = 5


def main() -> None:
    options = parser(__doc__, images=len(SIZES)).parse_args()
    torch.set_num_threads(1)
    questions = pope_questions(options.questions)
    print(f"{_processor()}, one thread, {options.images} images, {len(questions)} questions each, bfloat16")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(options.images, Path(folder), SIZES)
        for name in [options.family] if options.family else KINDS:
            checkpoint = find_checkpoint(str(GOLDENS / KINDS[name].golden), "main")
            recipe = recipe_of(KINDS[name].family, checkpoint, RecipeOptions())
            tiles, opening, preparing = _measure(recipe, files, questions)
            rate = len(files) / (opening + preparing)
            per_image = [f"{1000 * seconds / len(files):.1f}" for seconds in (opening, preparing)]
            rows.append([name, f"{tiles / len(files):.1f}", *per_image, f"{rate:.1f}"])
    print_table(("family", "tiles", "opening ms", "preparing ms", "images a second"), rows)


def _processor() -> str:
    """The processor's name as Linux has it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "processor")


def _measure(recipe: Recipe, files: Sequence[Path], questions: Sequence[str]) -> tuple[int, float, float]:
    """The tiles of all images, the seconds for opening the files, and those for preparing what is in them."""
    tiles, opening, preparing = 0, 0.0, 0.0
    for file in files:
        timed = [_measure_image(recipe, file, questions) for _ in range(ROUNDS)]
        tiles += timed[0][0]
        opening += min(opened for _, opened, _ in timed)
        preparing += min(prepared for _, _, prepared in timed)
    return tiles, opening, preparing


def _measure_image(recipe: Recipe, file: Path, questions: Sequence[str]) -> tuple[int, float, float]:
    started = time.process_time()
    image = open_image(file)
    opened = time.process_time()
    prepared = recipe.prepare(image, questions).cast(torch.bfloat16)
    ended = time.process_time()
    return len(prepared.inputs["pixel_values"]), opened - started, ended - opened


if __name__ == "__main__":
    main()
