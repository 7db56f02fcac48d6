"""An asker that needs no torch and no model, as one behind a server would be."""

from collections.abc import Generator, Sequence
from typing import Any, ClassVar

from repope_eval.asking.asker import AskedImage, Asker
from repope_eval.errors import RepopeError
from repope_eval.records import Answer
from repope_eval.settings.askers import ASKERS, AskerEntry
from repope_eval.settings.config import RunSettings
from repope_eval.system.ranks import Ranks

ASKERS["fake"] = AskerEntry(
    "fake_asker:load_fake_asker", heeds=ASKERS["transformers"].heeds, because="it has no server"
)


class FakeAsker(Asker):
    """Says Yes to every question, about one image after another."""

    version: ClassVar[str] = "1"
    answers_images: ClassVar[int | None] = None
    """After so many images a request fails; None: none does."""
    asked: ClassVar[list[str]] = []
    """The images that it was asked about."""
    ended: ClassVar[list[str]] = []
    """What has ended: a generator that was closed, or read to its end."""

    def __init__(self, checkpoint: str) -> None:
        self._checkpoint = checkpoint

    @property
    def source(self) -> dict[str, Any]:
        return {"server": {"model": self._checkpoint, "version": self.version}}

    @property
    def device(self) -> dict[str, Any]:
        return {}

    def ask(self, images: Sequence[AskedImage]) -> Generator[list[Answer], None, None]:
        try:
            for index, image in enumerate(images):
                if index == self.answers_images:
                    raise RepopeError(f"{image.path.name}: the server answered 500; start it again")
                self.asked.append(image.path.name)
                yield [Answer(question, "Yes", None, None, None) for question in image.questions]
        finally:
            self.ended.append("asking")

    def facts(self) -> dict[str, Any]:
        return {"engine": "fake"}


def load_fake_asker(settings: RunSettings, ranks: Ranks) -> FakeAsker:
    if ranks.are_several or settings.batch_size != "auto":
        raise RepopeError("batch_size: this asker has none; leave it out")
    return FakeAsker(settings.model.checkpoint)
