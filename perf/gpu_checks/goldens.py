"""The answers that are known: those of the original code to the goldens, and those of a trained model."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from disagreement import describe_difference
from golden import GOLDENS, Golden, load_golden_model, read_golden

from gpu_checks.asking import ask_demo, demo_model
from gpu_checks.rows import ALLOWED_SHARE, Row, count_equal, until_error
from gpu_checks.scale import scale_for
from repope_eval.asking.native.batches import ENGINES
from repope_eval.asking.native.generation import Generation, find_spellings
from repope_eval.models.loading import Model

FOLDER = Path(__file__).parent.parent.parent / "tests" / "goldens"

Tokens = dict[tuple[str, str], tuple[int, ...]]
"""The tokens of each answer by photograph and question."""


_FORMATS = ("float32", "bfloat16")


def goldens(device: torch.device) -> Iterator[Row]:
    """Both engines against the original code, in float32 and in bfloat16; then both on the demo's trained model."""
    for name in GOLDENS:
        yield from until_error(name, _golden_rows(read_golden(FOLDER / name), device))
    yield from until_error("the demo's trained model", _demo_rows(device))


def _golden_rows(golden: Golden, device: torch.device) -> Iterator[Row]:
    for dtype in _FORMATS:
        yield _golden_row(golden, dtype, device)


def _demo_rows(device: torch.device) -> Iterator[Row]:
    for dtype, share in ALLOWED_SHARE.items():
        yield _demo_row(device, dtype, share)


def _golden_row(golden: Golden, dtype: str, device: torch.device) -> Row:
    name = golden.folder.name
    model = load_golden_model(golden.folder, device=str(device), dtype=dtype)
    photographs = list(golden.cases_by_image().items())[: scale_for(device).photographs]
    original: Tokens = {
        (image, case.question): case.generated_ids for image, cases in photographs for case in cases
    }
    most = GOLDENS[name].max_new_tokens
    shared, alone = (_tokens(model, golden, original, most, generate) for generate in ENGINES.values())
    equal = [count_equal(shared, original), count_equal(alone, original), count_equal(shared, alone)]
    found = "as the original {} (shared) and {} (sequential) of {}; engines agree on {}".format(
        *equal[:2], len(original), equal[2]
    )
    if dtype == "bfloat16":
        return Row(f"{name}, {dtype}", found)
    differences = [
        _difference(model, golden, case, original[case], answers[case])
        for answers in (shared, alone)
        for case in original
        if answers[case] != original[case]
    ]
    return Row(f"{name}, {dtype}", "; ".join([found, *differences[:1]]), not differences)


def _tokens(
    model: Model,
    golden: Golden,
    original: Tokens,
    max_new_tokens: int,
    generate: Callable[..., list[list[Generation]]],
) -> Tokens:
    """What an engine answers to the questions that the original has answers to, all images in one batch."""
    images = dict.fromkeys(image for image, _ in original)
    questions = {image: [text for photograph, text in original if photograph == image] for image in images}
    prepared = [model.recipe.prepare(golden.photograph(image), questions[image]) for image in images]
    generated = generate(model, prepared, max_new_tokens, find_spellings(model.recipe))
    return {
        (image, question): generation.token_ids
        for image, answers in zip(images, generated, strict=True)
        for question, generation in zip(questions[image], answers, strict=True)
    }


def _difference(
    model: Model, golden: Golden, case: tuple[str, str], original: Sequence[int], found: Sequence[int]
) -> str:
    image, question = case
    prepared = model.recipe.prepare(golden.photograph(image), [question])
    said = describe_difference(model, prepared, original, found, names=("originally", "here"))
    return f'{image}, "{question}": {said}'


def _demo_row(device: torch.device, dtype: str, share: float) -> Row:
    model = demo_model(device, dtype)
    shared, alone = (ask_demo(model, engine).answers for engine in ENGINES)
    differing, allowed = len(alone) - count_equal(shared, alone), int(share * len(alone))
    return Row(
        f"the demo's trained model, {dtype}",
        f"engines agree on {len(alone) - differing} of {len(alone)} answers; {allowed} may differ",
        differing <= allowed,
    )
