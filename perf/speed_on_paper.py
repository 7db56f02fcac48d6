"""How long each shipped model would take for a benchmark on GPUs that are named, by estimate; nothing is measured.

    python perf/speed_on_paper.py [MODEL ...] [--cards H100 L4] [--images 500 --questions 5127] [--tokens 3] [--parts]

MODEL is a shipped model, or the folder of a checkpoint of family chat, of which the small files are enough. The
estimate is that of `doctor gpu=` (repope_eval/machine/speed.py has what it assumes), for one GPU, 32 processes that
prepare images, and the number format of the published results. `-` stands where a GPU does not hold a model so; none
is quantized here. `--parts` has a row for each card, with what the time consists of and what binds.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from command_line import positive
from gauges import print_table

from repope_eval.benchmarks.benchmark import BenchmarkSize
from repope_eval.errors import RepopeError
from repope_eval.machine.fits import HEADROOM, REPOPE, shape_or_count
from repope_eval.machine.memory_need import ANSWER_TOKENS, Rehearsed, Shape, memory_need, value_bytes_of
from repope_eval.machine.speed import (
    MOST_WORKERS,
    Card,
    SpeedEstimate,
    assumptions,
    estimate_speed,
    named_card,
)
from repope_eval.models.families import FAMILIES
from repope_eval.settings.askers import CHAT
from repope_eval.settings.composition import listed_models, model_settings
from repope_eval.settings.config import ModelSettings
from repope_eval.wording import estimated_duration

CARDS = ("H100", "A100_80GB", "L40S", "L4", "RTX_4090", "T4")
PARTS = ("model", "card", "all", "computing", "reading memory", "launching kernels", "preparing", "binds")

CountedModel = tuple[ModelSettings, Shape | Rehearsed]


def main() -> None:
    options = _options()
    try:
        cards = [named_card(name) for name in options.cards]
        models = [(settings, shape_or_count(settings)) for settings in map(_settings, options.models)]
    except RepopeError as error:
        raise SystemExit(str(error)) from error
    size = BenchmarkSize(options.images, options.questions)
    print(
        f"estimated, not measured: {size.images:,} images, {size.questions:,} distinct questions, answers of "
        f"{options.tokens} tokens"
    )
    for card in cards if options.parts else cards[:1]:
        print(f"{card.name}: {assumptions(card, MOST_WORKERS)}")
    if options.parts:
        print_table(PARTS, list(_rows_of_parts(models, cards, size, options.tokens)))
        return
    rows = []
    for model in models:
        estimates = [_estimate(model, card, size, options.tokens) for card in cards]
        rows.append(
            [model[0].name, *(estimated_duration(each.seconds) if each else "-" for each in estimates)]
        )
    print_table(("model", *(card.name for card in cards)), rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", default=_names(), help="default: all shipped")
    parser.add_argument("--cards", nargs="+", default=CARDS, help=f"default: {' '.join(CARDS)}")
    parser.add_argument("--images", type=positive, default=REPOPE.size.images, help="default: RePOPE's")
    parser.add_argument("--questions", type=positive, default=REPOPE.size.questions, help="of all images")
    parser.add_argument("--tokens", type=positive, default=ANSWER_TOKENS, help="of an answer; default: 3")
    parser.add_argument("--parts", action="store_true", help="what the time consists of")
    return parser.parse_args()


def _names() -> list[str]:
    """The shipped models of the families, whose shapes are known without their files; of twins one."""
    listed = [model.name for model in listed_models() if model.family in FAMILIES and model.name != "tiny"]
    return [name for name in listed if not name.endswith("_mpo")]


def _settings(model: str) -> ModelSettings:
    if Path(model).is_dir():
        return ModelSettings(name=Path(model).name, family=CHAT, checkpoint=model)
    return model_settings(model)


def _estimate(model: CountedModel, card: Card, size: BenchmarkSize, tokens: int) -> SpeedEstimate | None:
    """The estimate for a model; None where the card does not hold it, or where its operations are not known."""
    settings, counted = model
    value_bytes = value_bytes_of(settings)
    if memory_need(counted, value_bytes=value_bytes).total * HEADROOM > card.memory:
        return None
    return estimate_speed(
        counted, size, card, workers=MOST_WORKERS, answer_tokens=tokens, value_bytes=value_bytes
    )


def _rows_of_parts(
    models: Sequence[CountedModel], cards: Sequence[Card], size: BenchmarkSize, tokens: int
) -> Iterator[list[str]]:
    for model in models:
        for card in cards:
            if estimate := _estimate(model, card, size, tokens):
                seconds = (
                    estimate.seconds,
                    estimate.seconds_prefill,
                    estimate.seconds_decoding,
                    estimate.seconds_host,
                    estimate.seconds_preparing,
                )
                yield [model[0].name, card.name, *map(estimated_duration, seconds), estimate.binds]


if __name__ == "__main__":
    main()
