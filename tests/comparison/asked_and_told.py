"""Views of a run that answers yes or no and one that describes images, of answers and captions written as texts."""

from collections.abc import Mapping
from pathlib import Path

from asked_examples import Said, answers, asked, label_sets

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.captions.truth import CaptionTruth
from repope_eval.comparison.asking_telling import AskingTellingView
from repope_eval.comparison.captions import CaptionSide
from repope_eval.comparison.sides import Facts, Side
from repope_eval.records import Answer, Question
from repope_eval.scoring.asking_telling import compare_asking_with_telling
from repope_eval.settings.config import BenchSettings

PROMPT = "Describe this image."


def facts(**values: str) -> Facts:
    """What is known of a run, `checkpoint` and the like being of its model."""
    return Facts(values={f"model.{key}": value for key, value in values.items()}, pictures={})


def view_of(
    said: Mapping[str, Said],
    captions: Mapping[str, str],
    names: tuple[str, str] = ("one", "one"),
    known: tuple[Facts | None, Facts | None] = (None, None),
    images: Mapping[str, Path] | None = None,
) -> AskingTellingView:
    labels = label_sets(said)
    questions = [asked(image, name) for image, of_image in said.items() for name in of_image]
    answering = Side(
        letter="a",
        name=names[0],
        paths=(Path("runs/answering"),),
        where="runs/answering",
        bench=BenchSettings(name="repope", source="coco", variants=("random",)),
        data_dir=Path("data"),
        benchmark=Benchmark("repope", labels, {"random": dict(enumerate(questions))}, {}),
        answers=answers(said),
        protocol="repope",
        facts=known[0],
        stored_f1={},
        edition="",
        notes=(),
    )
    describing = CaptionSide(
        name=names[1],
        where="runs/describing",
        prompt=PROMPT,
        max_new_tokens="64",
        answers=[Answer(Question(image, PROMPT, ""), text) for image, text in captions.items()],
        truth=CaptionTruth({}),
        facts=known[1],
    )
    return AskingTellingView(
        answering=answering,
        describing=describing,
        protocol="repope",
        compared=compare_asking_with_telling(questions, answering.answers, captions, labels, "repope"),
        captions=captions,
        images=images or {},
    )
