"""Images prepared ahead of the device: decoded, cut into tiles and tokenized by worker processes."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Self

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from repope_eval.asking.asker import AskedImage
from repope_eval.benchmarks.images import image_size, open_image
from repope_eval.errors import RepopeError
from repope_eval.models.networks import LoadedNetwork
from repope_eval.models.recipe import Prepared, Recipe
from repope_eval.models.sampling import Sampling
from repope_eval.records import Question
from repope_eval.system.environment import usable_cores
from repope_eval.system.signals import ENDING

AHEAD = 32
"""Images that are prepared and wait for the device, at most; a photograph's pixels are up to 16 MB in 16 bits.

So no more workers are of use. A small model takes some 30 ms for an image on a large GPU, and a core as long or longer
to prepare one (perf/RESULTS.md).
"""

_WORKER_IS_GONE = "DataLoader worker (pid"
"""How torch's texts about a worker begin that exited, was killed or had no shared memory (a bus error).

Sources: `_try_get_data` of torch/utils/data/dataloader.py, and torch/csrc/DataLoader.cpp. An error that a worker or the
thread that pins memory raised has another text.
"""

_PR_SET_PDEATHSIG = 1
"""Linux's number for: send me this signal when my parent dies."""

Prepare = Callable[[Image.Image | None, Sequence[str]], Prepared]
"""What makes an image, if one is shown, and the texts of its questions ready for a model, such as `Recipe.prepare`."""


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """An image, ready for the model, and its questions."""

    questions: tuple[Question, ...]
    prepared: Prepared

    def pin_memory(self) -> "PreparedImage":
        """Moves pixels into memory that a GPU copies from by itself; torch's loader calls this method by its name."""
        inputs = {name: tensor.pin_memory() for name, tensor in self.prepared.inputs.items()}
        return replace(self, prepared=replace(self.prepared, inputs=inputs))


def longest_first(recipe: Recipe, images: Sequence[AskedImage]) -> list[AskedImage]:
    """The images sorted by the length of what the model is fed, the longest first, equals in their order.

    The images of a batch then need little padding, and no batch needs more memory than the first.
    """
    return sorted(images, key=lambda image: _count_image_tokens(recipe, image), reverse=True)


def _count_image_tokens(recipe: Recipe, asked: AskedImage) -> int:
    """How many image tokens the model is fed for an image and its questions."""
    if asked.path is None:
        return 0
    size = image_size(asked.path)
    with _blaming_file(asked.path):
        features = recipe.count_features(*size)
    return features * len(asked.questions) if recipe.attends_both_ways else features


class Loader:
    """Hands out prepared images in order, and counts the seconds that its caller waits for them."""

    def __init__(
        self,
        model: LoadedNetwork,
        prepare: Prepare,
        asked: Sequence[AskedImage],
        workers: str,
        programs: int,
        sampling: Sampling | None = None,
    ) -> None:
        """Starts no process yet.

        Args:
            model: the model that the images are prepared for.
            prepare: what makes an image and its questions ready, in whichever process.
            asked: the images in order.
            workers: the number of processes that prepare them, or `auto`.
            programs: the number of programs like this one that share the machine's cores.
            sampling: how answers are drawn; None where they are greedy.
        """
        self.workers = _count_workers(workers, model.device, len(asked), programs)
        self.seconds_waited = 0.0
        self._loader = DataLoader(
            _Images(prepare, asked, model.dtype, sampling),
            batch_size=None,
            num_workers=self.workers,
            prefetch_factor=max(1, AHEAD // self.workers) if self.workers else None,
            pin_memory=model.device.type == "cuda",
            worker_init_fn=_start_worker,
            # Starting anew would cost seconds a worker, and on Linux nothing here forbids to fork.
            multiprocessing_context="fork" if self.workers and sys.platform == "linux" else None,
        )
        self._images: Iterator[PreparedImage | RepopeError] = iter(())

    def __enter__(self) -> Self:
        self._images = iter(self._loader)
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Ends the workers, which ignore the signal by which Python ends processes left over when it exits.

        Raises:
            RepopeError: a worker was gone. The library raises that as a RuntimeError, in `next` or wherever the program
                is when the signal comes that a child ended.
        """
        images, self._images = self._images, iter(())
        if self.workers:
            images._shutdown_workers()  # type: ignore[attr-defined]  # what the library itself does once unused
        if isinstance(error, RuntimeError) and str(error).startswith(_WORKER_IS_GONE):
            raise RepopeError(
                f"a process that prepares images ended ({str(error).splitlines()[0]}): give it memory (in a "
                "container, shared memory: --shm-size=8g), or run the same command with workers=0"
            ) from error

    def next(self, number: int) -> list[PreparedImage]:
        """The next images: as many as asked for, or those that are left."""
        started = time.perf_counter()
        try:
            images = list(islice(self._images, number))
        finally:
            self.seconds_waited += time.perf_counter() - started
        return [_require_prepared(image) for image in images]


def _require_prepared(image: PreparedImage | RepopeError) -> PreparedImage:
    if isinstance(image, RepopeError):
        raise image
    return image


class _Images(Dataset[PreparedImage | RepopeError]):
    """What a worker prepares. An error is handed over as a value: raised, it would come wrapped in a traceback."""

    def __init__(
        self,
        prepare: Prepare,
        asked: Sequence[AskedImage],
        dtype: torch.dtype,
        sampling: Sampling | None,
    ) -> None:
        self._prepare = prepare
        self._sampling = sampling
        self._asked = asked
        self._dtype = dtype

    def __len__(self) -> int:
        return len(self._asked)

    def __getitem__(self, index: int) -> PreparedImage | RepopeError:
        asked = self._asked[index]
        texts = [question.text for question in asked.questions]
        try:
            if asked.path is None:
                prepared = self._prepare(None, texts)
            else:
                image = open_image(asked.path)
                with _blaming_file(asked.path):
                    prepared = self._prepare(image, texts)
        except RepopeError as error:
            return error
        draws = () if self._sampling is None else tuple(map(self._sampling.draw, asked.questions))
        return PreparedImage(asked.questions, replace(prepared.cast(self._dtype), draws=draws))


@contextmanager
def _blaming_file(path: Path) -> Iterator[None]:
    """Puts the file's name before the text of a recipe's refusal."""
    try:
        yield
    except RepopeError as error:
        raise RepopeError(f"{path}: {error}") from error


def _count_workers(asked_for: str, device: torch.device, images: int, programs: int) -> int:
    """How many processes prepare images. On a CPU the model itself keeps all cores busy: none by default.

    Beside a GPU one core is left to the loop, and each worker prepares an image of those that may be ahead.
    """
    if asked_for != "auto":
        return min(int(asked_for), images)
    if device.type == "cpu":
        return 0
    return max(1, min(usable_cores() // programs - 1, AHEAD, images))


def _start_worker(_: int) -> None:
    """Has a worker ignore what ends a run, which reaches all processes: the loop ends it after the batch in hand."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # threads of the parent's do not live on here
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        # When the loop is killed, torch's worker waits for ever to hand over what it has prepared.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
