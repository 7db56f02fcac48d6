"""Which way runs of chat checkpoints take, and how much less each faster way computes than the plain one.

    OMP_NUM_THREADS=1 python perf/chat_ways.py FOLDER [FOLDER ...] [--dtype float32] [--tokens 3 32] [--wider 8]

FOLDER is a checkpoint that `model=chat` asks, such as a tiny one of random weights. `--wider` asks, in its place, one
of random weights whose language model is so many times wider, with the same processor.

The first table is of runs that check all of their images against the plain way: the way that they kept, how many of
the checked answers are equal, and how many differ by more than the number format explains. The second one has the
processor seconds of each way, the least of several turns, for all images and questions; x is how many times those of
several images together. Answers are as long as --tokens says, unless a model ends them.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from command_line import DTYPES, positive
from drawn_images import draw_images, pope_questions
from gauges import print_table
from transformers import AutoConfig, AutoModelForImageTextToText

from repope_eval.asking.chat.caches import CannotShareError
from repope_eval.asking.chat.generation import Limits, ask_alone
from repope_eval.asking.chat.loading import ChatModel, load_chat_model
from repope_eval.asking.chat.processor import ChatPrepared
from repope_eval.asking.chat.sharing import ask_after_prefix, ask_image_by_image, ask_together
from repope_eval.asking.chat.ways import Answers, Ways
from repope_eval.asking.native.generation import find_spellings
from repope_eval.asking.native.memory import memory_of
from repope_eval.settings.config import ModelSettings

SIZES = ((640, 480), (480, 640))
TIMED = {
    "plain": ask_alone,
    "one by one": ask_after_prefix,
    "one image": ask_image_by_image,
    "several": ask_together,
}
"""The heading of a column of seconds -> the way of asking that these are of."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A checkpoint, loaded, and what it is asked."""

    name: str
    model: ChatModel
    images: Sequence[ChatPrepared]

    def limits(self, tokens: int) -> Limits:
        """The limits of answers of at most so many tokens."""
        return Limits(max_new_tokens=tokens, spellings=find_spellings(self.model.processor))


def main() -> int:
    options = _options()
    print(
        f"cpu, {torch.get_num_threads()} threads, {options.dtype}, {options.images} images, {options.questions} "
        f"questions each, torch {torch.__version__}"
    )
    taken, seconds = [], []
    for folder in options.folders:
        with _checkpoint(folder, options.wider) as checkpoint:
            asked = _asked(folder.name, checkpoint, options)
        for tokens in options.tokens:
            taken.append(_way_row(asked, tokens))
            seconds += [] if options.turns == 0 else [_seconds_row(asked, tokens, options.turns)]
            print(" ".join(taken[-1]), file=sys.stderr, flush=True)  # a sign of life
    print_table(("checkpoint", "tokens", "equal", "unexplained", "way", "since"), taken)
    if seconds:
        print()
        print_table(("checkpoint", "tokens", *TIMED, "plain x", "one image x", "same"), seconds)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="of a checkpoint")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="default: float32")
    parser.add_argument(
        "--tokens", type=positive, nargs="+", default=[3, 32], help="longest answers; default: 3 32"
    )
    parser.add_argument("--images", type=positive, default=3, help="default: 3")
    parser.add_argument("--questions", type=positive, default=10, help="about each image; default: 10")
    parser.add_argument(
        "--wider", type=positive, default=1, help="times the language model's width; default: 1"
    )
    parser.add_argument(
        "--turns", type=int, default=3, help="how often each way is timed; 0: never; default: 3"
    )
    return parser.parse_args()


@contextmanager
def _checkpoint(folder: Path, wider: int) -> Iterator[Path]:
    """The folder of a checkpoint, or of one with a wider language model of random weights."""
    if wider == 1:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="wider_") as made:
        for path in folder.iterdir():
            if path.suffix != ".safetensors":
                shutil.copy(path, made)
        config = _widened(json.loads((folder / "config.json").read_text(encoding="utf-8")), wider)
        (Path(made) / "config.json").write_text(json.dumps(config), encoding="utf-8")
        torch.manual_seed(0)
        AutoModelForImageTextToText.from_config(AutoConfig.from_pretrained(made)).save_pretrained(made)
        yield Path(made)


_OF_WIDTH = ("hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads")


def _widened(config: Mapping[str, Any], times: int) -> dict[str, Any]:
    """A configuration whose language model has so many times the heads, and the width with them."""
    text, vision = dict(config["text_config"]), dict(config["vision_config"])
    if "head_dim" not in text:
        text["head_dim"] = text["hidden_size"] // text["num_attention_heads"]
    text |= {name: text[name] * times for name in _OF_WIDTH if name in text}
    if "out_hidden_size" in vision:
        vision["out_hidden_size"] = text["hidden_size"]
    return {**config, "text_config": text, "vision_config": vision}


def _asked(name: str, checkpoint: Path, options: argparse.Namespace) -> Asked:
    settings = ModelSettings(name=name, family="chat", checkpoint=str(checkpoint), dtype=options.dtype)
    model = load_chat_model(settings, torch.device("cpu"))
    questions = pope_questions(options.questions)
    images = [model.processor.prepare(image, questions) for image in draw_images(options.images, SIZES)]
    return Asked(name, model, images)


def _way_row(asked: Asked, tokens: int) -> list[str]:
    """What a run notes that checks all of its images."""
    ways = Ways(
        asked.model,
        "shared",
        asked.limits(tokens),
        verify=len(asked.images),
        batch_size="auto",
        memory=memory_of(asked.model.devices),
    )
    for _ in ways.ask(asked.images):
        pass
    facts = ways.facts()
    checked = facts.get("verified", {"equal": 0, "answers": 0, "unexplained": 0})
    return [
        asked.name,
        str(tokens),
        f"{checked['equal']} of {checked['answers']}",
        str(checked["unexplained"]),
        facts["way"],
        facts["why"] or "-",
    ]


def _seconds_row(asked: Asked, tokens: int, turns: int) -> list[str]:
    """The processor seconds of each way, and on how many answers the fastest and the plain one agree."""
    limits = asked.limits(tokens)
    answers: dict[str, Answers] = {}
    seconds: dict[str, float] = {}
    for _ in range(turns):  # by turns, since machines have bad moments
        for heading, ask in TIMED.items():
            started = time.process_time()
            try:
                answers[heading] = ask(asked.model, asked.images, limits)
            except CannotShareError:
                continue
            taken = time.process_time() - started
            seconds[heading] = min(taken, seconds.get(heading, taken))
    if "several" not in seconds:
        return [asked.name, str(tokens), f"{seconds['plain']:.3f}", *["-"] * 6]
    pairs = [
        pair
        for both in zip(answers["several"], answers["plain"], strict=True)
        for pair in zip(*both, strict=True)
    ]
    same = sum(one.token_ids == other.token_ids for one, other in pairs)
    return [
        asked.name,
        str(tokens),
        *(f"{seconds[heading]:.3f}" for heading in TIMED),
        f"{seconds['plain'] / seconds['several']:.1f}",
        f"{seconds['one image'] / seconds['several']:.1f}",
        f"{same} of {len(pairs)}",
    ]


if __name__ == "__main__":
    sys.exit(main())
