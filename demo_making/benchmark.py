"""Makes the embedded benchmark: `python -m demo_making.benchmark` writes the folder `benchmark` anew.

It goes the way that POPE and RePOPE went. Scenes are annotated with the objects they show, not without
errors: objects listed that are not there, objects left out. POPE's construction turns the lists into
questions. Two annotators, and a third where those two say yes and no, look at each question again, and
find some objects too hidden or too small to tell. The relabelling rule does the rest. The rates are the
paper's (arXiv 2504.15707): 9.3 % of the yes labels wrong and 13.8 % ambiguous; of the no labels 0.3 to
2.6 % wrong and 1.3 to 7.3 % ambiguous, least among random negatives.
"""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from demo_making.icons import KINDS
from demo_making.scenes import BENCHMARK_SEED, THEMES, PlacedObject, Scene, draw_scene
from repope_eval.benchmarks.construction import ConstructedVariant, ObjectList, construct
from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.benchmarks.pope_file import Row, write_rows
from repope_eval.records import Label
from repope_eval.relabelling.rule import relabel

VARIANTS: tuple[ConstructedVariant, ...] = ("random", "popular", "adversarial")
NUM_SCENES = 140
"""Scenes drawn; questions are made about NUM_IMAGES of those with enough objects."""
NUM_IMAGES = 100
QUESTION_SEED = 28
"""Of construction; chosen so that the rates come out near the paper's on so few questions."""

LISTED_WITHOUT_BEING_THERE = 0.5
"""How often an annotation lists an object that the scene does not show."""
LEFT_OUT = {True: 0.08, False: 0.02}
"""How often it leaves out an object that can be seen well: of a frequent kind, which nobody is surprised
by, and of another."""
HARD_TO_SEE = 0.7
"""Objects whose `clearness` is below this are ambiguous to an annotator, give or take DOUBT."""
DOUBT = 0.06
UNSURE_OF_ABSENCE = {True: 0.05, False: 0.002}
"""How often an annotator cannot rule an absent object out: of a kind that is to be expected, and another."""
SLIPS = 0.005
"""How often an annotator errs between yes and no; the third one settles it."""
LARGE = 24
"""Longer side in pixels from which an object is not small."""
FREQUENT_KINDS = frozenset(theme[0] for theme in THEMES.values())


@dataclass(frozen=True, slots=True)
class DemoBenchmark:
    """The embedded benchmark's content."""

    scenes: Mapping[str, Scene]
    """By file name."""
    object_lists: tuple[ObjectList, ...]
    pope: Mapping[ConstructedVariant, tuple[Row, ...]]
    """By variant, as all that follow."""
    annotators: Mapping[ConstructedVariant, tuple[tuple[Row, ...], tuple[Row, ...]]]
    decider: Mapping[ConstructedVariant, tuple[Row, ...]]
    repope: Mapping[ConstructedVariant, tuple[Row, ...]]


def make_benchmark() -> DemoBenchmark:
    """Draws, annotates, asks and relabels; always the same."""
    scenes = {
        f"scene_{number:03d}.png": draw_scene(Random(BENCHMARK_SEED + number)) for number in range(NUM_SCENES)
    }
    lists = tuple(_annotated(image, scene) for image, scene in scenes.items())
    pope = {
        variant: construct(lists, images=NUM_IMAGES, variant=variant, seed=QUESTION_SEED)
        for variant in VARIANTS
    }
    annotators = {
        variant: (_looked_at(rows, scenes, "first"), _looked_at(rows, scenes, "second"))
        for variant, rows in pope.items()
    }
    decider = {variant: _looked_at(rows, scenes, "third", slips=0) for variant, rows in pope.items()}
    repope = {
        variant: relabel(rows, *annotators[variant], decider[variant]) for variant, rows in pope.items()
    }
    asked = {row.question.image for row in pope["random"]}
    shown = {image: scene for image, scene in scenes.items() if image in asked}
    return DemoBenchmark(shown, lists, pope, annotators, decider, repope)


def write_benchmark(benchmark: DemoBenchmark, folder: Path) -> None:
    """Writes images, object lists, questions, annotators' labels and corrected labels."""
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    for name, scene in benchmark.scenes.items():
        scene.image.save(images / name, optimize=True)
    lines = [
        json.dumps({"image": item.image, "objects": list(item.objects)}) for item in benchmark.object_lists
    ]
    (folder / "objects.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for variant in VARIANTS:
        first, second = benchmark.annotators[variant]
        for name, rows in (
            ("pope", benchmark.pope[variant]),
            ("annotator_first", first),
            ("annotator_second", second),
            ("decider", benchmark.decider[variant]),
            ("repope", benchmark.repope[variant]),
        ):
            write_rows(folder / f"{name}_{variant}.jsonl", rows)


def clearness(placed: PlacedObject) -> float:
    """How well an object can be seen, 0 to 1: its visible part, less where it is small."""
    left, top, right, bottom = placed.box
    return placed.visible * min(1.0, max(right - left, bottom - top) / LARGE)


def _annotated(image: str, scene: Scene) -> ObjectList:
    """The kinds that a hurried annotator lists."""
    random = Random(f"{BENCHMARK_SEED} {image} annotation")
    clear = _clearness_by_kind(scene)
    listed = [
        kind
        for kind in clear
        if clear[kind] < HARD_TO_SEE or random.random() >= LEFT_OUT[kind in FREQUENT_KINDS]
    ]
    if random.random() < LISTED_WITHOUT_BEING_THERE:
        likely = [kind for kind in KINDS if kind not in clear and _belongs(kind, scene)]
        listed.append(random.choice(likely or [kind for kind in KINDS if kind not in clear]))
    return ObjectList(image, tuple(listed))


def _looked_at(
    rows: Sequence[Row], scenes: Mapping[str, Scene], annotator: str, slips: float = SLIPS
) -> tuple[Row, ...]:
    """The rows with the labels of an annotator who looks at each question."""
    return tuple(
        replace(row, label=_label(row.question.object, scenes[row.question.image], row, annotator, slips))
        for row in rows
    )


def _label(kind: str, scene: Scene, row: Row, annotator: str, slips: float) -> Label:
    """What an annotator says; the same for the same pair in every variant."""
    random = Random(f"{BENCHMARK_SEED} {row.question.image} {kind} {annotator}")
    clear = _clearness_by_kind(scene)
    slipped = random.random() < slips
    if kind in clear:
        if clear[kind] < HARD_TO_SEE + random.uniform(-DOUBT, DOUBT):
            return "ambiguous"
        return "no" if slipped else "yes"
    if random.random() < UNSURE_OF_ABSENCE[kind in FREQUENT_KINDS or _belongs(kind, scene)]:
        return "ambiguous"
    return "yes" if slipped else "no"


def _clearness_by_kind(scene: Scene) -> dict[str, float]:
    """For each kind shown, how well the clearest object of that kind can be seen."""
    clear: dict[str, float] = {}
    for placed in scene.objects:
        clear[placed.kind] = max(clear.get(placed.kind, 0.0), clearness(placed))
    return clear


def _belongs(kind: str, scene: Scene) -> bool:
    """Whether a kind would be no surprise in a scene: at least two others of its theme are there."""
    shown = {placed.kind for placed in scene.objects}
    return any(kind in theme and len(shown.intersection(theme)) >= 2 for theme in THEMES.values())


def main(words: Iterable[str] | None = None) -> None:
    """Writes the benchmark into the package, or into another folder."""
    parser = argparse.ArgumentParser(description="Writes the embedded benchmark.")
    parser.add_argument(
        "--out", type=Path, default=DEMO_FOLDER, help="folder to write (default: the package's)"
    )
    options = parser.parse_args(None if words is None else list(words))
    write_benchmark(make_benchmark(), options.out)


if __name__ == "__main__":
    main()
