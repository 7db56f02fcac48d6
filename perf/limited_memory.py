"""Asks the demo's model in small batches, then in one large batch where hardly any memory is left to be had.

    python limited_memory.py MEBIBYTES

Prints the log, and whether the answers of both are the same.
"""

import logging
import resource
import sys

import psutil

from demo_making.icons import KINDS
from repope_eval.asking.asker import group_by_image
from repope_eval.asking.native.batches import TransformersAsker
from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.benchmarks.pope_file import question_text
from repope_eval.models.loading import Model, load_model
from repope_eval.models.placement import choose_device
from repope_eval.records import Question
from repope_eval.settings.config import ModelSettings


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    settings = ModelSettings(
        name="demo", family="internvl2_5", checkpoint="demo", dtype="float32", max_new_tokens=4
    )
    model = load_model(settings, choose_device("cpu"))
    expected = responses(model, "4")
    most = psutil.Process().memory_info().vms + int(sys.argv[1]) * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    print("same answers:", responses(model, "64") == expected)


def responses(model: Model, batch_size: str) -> dict[Question, str]:
    images = {path.name: path for path in sorted((DEMO_FOLDER / "images").iterdir())[:64]}
    questions = [Question(image, question_text(kind), kind) for image in images for kind in KINDS[:3]]
    asker = TransformersAsker(model, engine="shared", batch_size=batch_size, workers="0", max_new_tokens=4)
    found = asker.ask(asker.order_images(group_by_image(questions, images)))
    return {answer.question: answer.response for answers in found for answer in answers}


if __name__ == "__main__":
    main()
