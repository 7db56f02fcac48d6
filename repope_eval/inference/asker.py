"""Who is asked: the interface between a run and what answers its questions, and the table of all askers."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from repope_eval.process.ranks import Ranks
from repope_eval.records import Answer, Question
from repope_eval.settings.config import ModelSettings, RunSettings

ASKERS = {
    "transformers": "repope_eval.inference.transformers_asker:TransformersAsker",
}
"""Name -> where the asker is. A `model.family` of that name has this asker; transformers has all other families."""


@dataclass(frozen=True, slots=True)
class AskedImage:
    """An image and the questions to be asked about it."""

    path: Path
    questions: tuple[Question, ...]


def group_by_image(questions: Sequence[Question], paths: Mapping[str, Path]) -> list[AskedImage]:
    """The questions of each image together, images in the order of their first question.

    Args:
        questions: in any order.
        paths: where each image lies, by name.
    """
    by_image: dict[str, list[Question]] = {}
    for question in questions:
        by_image.setdefault(question.image, []).append(question)
    return [AskedImage(paths[name], tuple(theirs)) for name, theirs in by_image.items()]


class Asker(ABC):
    """Answers questions about images, by a model on this machine's devices or by one behind a server.

    The class itself says what a run must know before anything is loaded, and imports no torch. Making an asker loads
    what it needs.
    """

    source: Mapping[str, Any]
    """What the answers come from, for the manifest, such as a checkpoint and the content of its files.

    A run goes on only with an asker of the same source.
    """
    device: Mapping[str, Any]
    """What the asker computes on, for the manifest; empty where that is not known."""

    @staticmethod
    @abstractmethod
    def refuse_mistakes(settings: RunSettings, ranks: Ranks) -> None:
        """Refuses settings that this asker cannot follow, before anything is read or loaded.

        Raises:
            RepopeError: which setting, and what to do.
        """

    @staticmethod
    @abstractmethod
    def identity(settings: ModelSettings) -> dict[str, Any]:
        """The settings that answers depend on, by dotted key; in other words all but how fast they are made."""

    @staticmethod
    def fingerprint(settings: ModelSettings) -> dict[str, str]:
        """What stands for the content of each file that answers come from, by name, without loading any.

        It is compared where a checkpoint lies elsewhere than it did. Empty where nothing is on this machine.
        """
        del settings
        return {}

    @abstractmethod
    def __init__(self, settings: RunSettings, ranks: Ranks) -> None:
        """Loads what it takes to ask.

        Raises:
            RepopeError: what is missing or does not fit, and what to do.
        """

    def in_order(self, images: Sequence[AskedImage]) -> Sequence[AskedImage]:
        """The images in the order in which they are best asked about. Of several ranks each takes every n-th one.

        Raises:
            RepopeError: a file is no image that can be asked about.
        """
        return images

    @abstractmethod
    def ask(self, images: Sequence[AskedImage]) -> Generator[Sequence[Answer], None, None]:
        """Asks about one image after another, and yields answers as they come.

        Each item holds all answers to one image, or to several that were asked together. They are stored before the
        next item is asked for. The caller may close the generator between items, which ends the work.

        Raises:
            RepopeError: a question has no answer, because its image is damaged, a request failed, or the like. An
                error is never an answer. Answers yielded before stay.
        """

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What a manifest says of how the asking went so far, such as engine, batch size and memory."""


def find_asker(family: str) -> type[Asker]:
    """The asker of the models of a family; its module is imported here."""
    module, _, name = ASKERS.get(family, ASKERS["transformers"]).partition(":")
    found: type[Asker] = getattr(import_module(module), name)
    return found
