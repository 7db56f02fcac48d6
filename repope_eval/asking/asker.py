"""Who is asked: the interface between a run and what answers its questions, and how a model's asker is found.

A thought that the limit cut off is stored as an empty answer. The same limit would cut it again, so a question without
an answer would keep its run from ever ending. A larger limit makes another run, which asks all questions, in a folder
of its own.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.benchmark import questions_by_image
from repope_eval.models.families import require_family
from repope_eval.records import Answer, Question
from repope_eval.settings.askers import ASKERS, asker_entry
from repope_eval.settings.config import RunSettings
from repope_eval.system.ranks import Ranks
from repope_eval.wording import counted


@dataclass(frozen=True, slots=True)
class AskedImage:
    """An image and the questions to be asked about it."""

    path: Path | None
    """The file of what is shown; None: the questions are asked without an image."""
    questions: tuple[Question, ...]


class Asker(ABC):
    """Answers questions about images, by a model on this machine's devices or by one behind a server."""

    @property
    @abstractmethod
    def source(self) -> Mapping[str, Any]:
        """What the answers come from, for the manifest, such as a checkpoint and the content of its files.

        A run goes on only with an asker of the same source.
        """

    @property
    @abstractmethod
    def device(self) -> Mapping[str, Any]:
        """What the asker computes on, for the manifest; empty where that is not known."""

    def order_images(self, images: Sequence[AskedImage]) -> Sequence[AskedImage]:
        """The images in the order in which they are best asked about. Each of several ranks takes every n-th one.

        Raises:
            RepopeError: a file is no image that can be asked about.
        """
        return images

    def try_out(self, images: Sequence[AskedImage]) -> Any:
        """Finds out how it can be asked, by the first of the images, where there is a choice; returns what it chose.

        Each of several ranks does so before it asks: `take_choices` then has them all ask the same way.

        Raises:
            RepopeError: as in `ask`.
        """
        return None

    def take_choices(self, choices: Sequence[Any]) -> None:
        """Takes note of what `try_out` returned, on each rank that has images to ask about."""
        return

    @abstractmethod
    def ask(self, images: Sequence[AskedImage]) -> Generator[Sequence[Answer], None, None]:
        """Asks about one image after another, and yields answers as they come.

        Each item holds answers to one image or to several, and those to one image may come in several items. They are
        stored before the next item is asked for. The caller may close the generator between items, which ends the
        work; an asker that waits for long yields an empty item now and then.

        Raises:
            RepopeError: a question has no answer, because its image is damaged, a request failed, or the like. An
                error is never an answer. Answers yielded before stay.
        """

    def verify(self) -> None:
        """Checks answers that came, where the asker can get them another way as well, and logs what it finds.

        It is called between two items of `ask`, once these are stored. What it finds is among the facts.
        """
        return

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What a manifest says of how the asking went so far, such as engine, batch size and memory."""


def find_asker(family: str) -> Callable[[RunSettings, Ranks], Asker]:
    """The function that loads the asker of a family's models, and that says what is missing or does not fit.

    Raises:
        RepopeError: there is no such family.
    """
    if family not in ASKERS:
        require_family(family)
    module, _, name = asker_entry(family).loader.partition(":")
    loader: Callable[[RunSettings, Ranks], Asker] = getattr(import_module(module), name)
    return loader


def group_by_image(questions: Sequence[Question], paths: Mapping[str, Path | None]) -> list[AskedImage]:
    """The questions of each image together, images in the order of their first question.

    Args:
        paths: the file that is shown for each image, by its name.
    """
    return [AskedImage(paths[name], tuple(theirs)) for name, theirs in questions_by_image(questions).items()]


def cut_thoughts_line(number: int, max_new_tokens: int) -> str:
    """What the log says of the number of questions whose thoughts the limit cut off."""
    return (
        f"{counted(number, 'question')} unanswered: the model was still thinking after "
        f"{counted(max_new_tokens, 'token')}, so the text is empty; in another folder (out=) give it a larger "
        "model.max_new_tokens, or turn its thinking off (family chat: model.chat_template, where its template can)"
    )
