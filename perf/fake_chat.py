"""Chat checkpoints on CUDA devices that are not there, asked as `model=chat` asks them, by their small files alone.

    python perf/fake_chat.py FOLDER [FOLDER ...] [--questions 10]

Each checkpoint's own class and processor run as they are, in bfloat16, about one image (perf/fake_device.py says what
is real of the devices): in the fastest way that the class allows, on one device, and on two, with the embeddings on
the first and on the second (`over two devices` says how many of these two run). `waits` is how often the host waits for
the device, in lines of this package and of others.

What a class decides by whole numbers is real, also where a shape follows from it (`unique`, `nonzero`, masks, repeats),
and so are floating-point numbers that follow from whole numbers alone. What it decides by pixels or features is made
up: no pixel counts as padding, and all tokens are sent to the same experts. What cannot be followed has its error below
the table: an operation whose shape nobody knows without its numbers, or what fails on a real device, too, as where a
class does not expect its embeddings on another device. `device_map=auto` may place modules otherwise than here.
"""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from command_line import positive
from drawn_images import draw_images, pope_questions
from fake_cuda import DTYPE, FIRST, MOST_NEW_TOKENS, SECOND, Counts, counts_of, over_two_devices, put
from fake_device import GOING_ON, FakeDevices, devices_that_are_not_there
from gauges import print_table

from repope_eval.asking.chat.generation import Limits
from repope_eval.asking.chat.loading import ChatModel, read_chat_description
from repope_eval.asking.chat.processor import ChatPrepared
from repope_eval.asking.chat.ways import WAYS, Way
from repope_eval.asking.native.generation import find_spellings
from repope_eval.models.fields import first_line
from repope_eval.settings.askers import CHAT
from repope_eval.settings.config import ModelSettings

HEADINGS = (
    "checkpoint",
    "questions of an image",
    "weights MB",
    "peak MB",
    "waits here",
    "other waits",
    "operations",
    "shapes of attention",
    "over two devices",
)

NAMES: Mapping[Way, str] = dict(
    zip(
        WAYS["shared"],
        ("several images", "several, fed one by one", "together", "after the prefix", "alone"),
        strict=True,
    )
)
"""The ways of asking, the fastest first, each with a name that is short enough for a table."""

STOP = 1
"""The made-up token that ends an answer."""


@contextmanager
def fake_chat_model(
    folder: Path, embeddings_on: torch.device | None = None
) -> Iterator[tuple[ChatModel, FakeDevices]]:
    """A chat checkpoint, and the devices that it is on.

    Args:
        folder: of the checkpoint; weights in it are not read.
        embeddings_on: the model is spread over two devices, with its embeddings on that one; None: all of it is on
            one device.

    Raises:
        RepopeError: it is no checkpoint that model=chat takes.
    """
    settings = ModelSettings(
        name=folder.name,
        family=CHAT,
        checkpoint=str(folder),
        dtype="bfloat16",
        max_new_tokens=MOST_NEW_TOKENS,
    )
    described = read_chat_description(settings)
    attention, network = described.attention(settings), described.network
    network.set_attn_implementation(attention.removesuffix("_cudnn"))
    network.to(DTYPE).eval()
    network.generation_config.eos_token_id = STOP
    with devices_that_are_not_there(STOP) as devices:
        placed = {"": FIRST} if embeddings_on is None else over_two_devices(network, embeddings_on)
        put(network, devices, placed)
        yield (
            ChatModel(
                processor=described.processor,
                network=network,
                checkpoint=described.checkpoint,
                dtype=DTYPE,
                device=FIRST,
                attention=attention,
            ),
            devices,
        )


def count_chat(model: ChatModel, devices: FakeDevices, questions: int, way: Way) -> Counts:
    """Asks about a drawn image in one way.

    Args:
        questions: about the image.
        way: of asking about images.
    """
    (image,) = draw_images(1)
    prepared = model.processor.prepare(image, pope_questions(questions)).cast(DTYPE)
    assert isinstance(prepared, ChatPrepared)
    limits = Limits(max_new_tokens=MOST_NEW_TOKENS, spellings=find_spellings(model.processor))
    weights = devices.bytes.total()
    devices.forget()
    answers = way.ask(model, [prepared], limits)
    return counts_of(devices, answers, weights)


def count_first_way(
    folder: Path, questions: int, embeddings_on: torch.device | None = None
) -> tuple[str, Counts]:
    """The fastest way that a checkpoint can be asked in, as a run would find it, and what it takes."""
    failures = []
    with fake_chat_model(folder, embeddings_on) as (model, devices):
        devices.stop = GOING_ON  # the most that answers may take
        for way, name in NAMES.items():
            try:
                return name, count_chat(model, devices, questions, way)
            except Exception as error:  # a class that was not made for this raises whatever it does
                failures.append(error)
    raise failures[-1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="of a checkpoint")
    parser.add_argument("--questions", type=positive, default=10, help="about the image; default: 10")
    options = parser.parse_args()
    print(f"1 image, {options.questions} questions, answers of {MOST_NEW_TOKENS} tokens, bfloat16")
    errors: list[str] = []
    print_table(HEADINGS, [_row(folder, options.questions, errors) for folder in options.folders])
    print("\n".join(errors))


def _row(folder: Path, questions: int, errors: list[str]) -> list[str]:
    """A checkpoint's cells. Why it cannot be followed, in all or over two devices, is added to the errors."""
    devices = {"one device": None, **{f"embeddings on {device}": device for device in (FIRST, SECOND)}}
    found: dict[str, tuple[str, Counts]] = {}
    for words, embeddings_on in devices.items():
        try:
            found[words] = count_first_way(folder, questions, embeddings_on)
        except Exception as error:  # a class that was not made for this raises whatever it does
            errors.append(f"{folder.name}, {words}: {first_line(error)}")
            if embeddings_on is None:
                return [folder.name, "not followed", *["-"] * (len(HEADINGS) - 2)]
    way, counts = found.pop("one device")
    return [
        folder.name,
        way,
        f"{counts.weights / 1e6:.3f}",
        f"{counts.peak / 1e6:.3f}",
        str(counts.waits_here),
        str(counts.waits - counts.waits_here),
        str(counts.operations),
        str(counts.attention_shapes),
        f"{len(found)} of 2",
    ]


if __name__ == "__main__":
    main()
