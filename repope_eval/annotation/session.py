"""What the page of one annotator shows and stores; how it travels is the server's affair."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from repope_eval.annotation.label_file import Judgement, LabelFile
from repope_eval.records import Question


class TakenOverError(Exception):
    """The annotator has opened the page anew, in another tab; this one stores nothing."""


@dataclass(slots=True)
class Session:
    """The questions of one annotator, whose labels one tab of theirs may store at a time."""

    questions: Sequence[Question]
    """In the order in which they are shown; the image of each is there."""
    images: Mapping[str, Path]
    """The files of the images by name."""
    file: LabelFile
    views: Mapping[Question, Sequence[Judgement]] = field(default_factory=dict)
    """What others say of a question, for a person who decides between them; an annotator sees no such thing."""
    num_skipped: int = 0
    """How many questions are left out because their images are missing."""
    tab: int = 0
    """The number of the tab that may store: the one that was opened last."""
    image_names: Sequence[str] = field(init=False)
    """The images in the order in which they are shown. The browser knows them by their places in it."""

    def __post_init__(self) -> None:
        self.image_names = list(dict.fromkeys(question.image for question in self.questions))

    @property
    def num_labelled(self) -> int:
        """How many of the questions have a label."""
        return len(self.file.labels.keys() & set(self.questions))

    def open(self) -> dict[str, Any]:
        """All that a tab which has just been opened is told; from now on it is the one that stores.

        A question is told with the annotator's own label and, where they decide, with what the others say. Folders
        of an image's name are left out: those of DASH-B hold the label.
        """
        self.tab += 1
        places = {name: place for place, name in enumerate(self.image_names)}
        numbers = {question: number for number, question in enumerate(self.questions)}
        return {
            "tab": self.tab,
            "num_skipped": self.num_skipped,
            "images": [PurePath(name).name for name in self.image_names],
            "questions": [self._told(question, places) for question in self.questions],
            "labelled": [numbers[question] for question in self.file.labels if question in numbers],
        }

    def require_tab(self, tab: int) -> None:
        """Refuses a tab that another one has taken over from.

        Raises:
            TakenOverError: it is not the one that was opened last.
        """
        if tab != self.tab:
            raise TakenOverError

    def store(self, tab: int, number: int, judgement: Judgement) -> None:
        """Puts what the annotator says of a question on the disk.

        Args:
            tab: the tab that it comes from.
            number: the place of the question among all.
            judgement: what they say.

        Raises:
            TakenOverError: another tab has taken over.
            RepopeError: the file cannot be written.
        """
        self.require_tab(tab)
        self.file.append(self.questions[number], judgement)

    def _told(self, question: Question, places: Mapping[str, int]) -> dict[str, Any]:
        own = self.file.judgements.get(question, Judgement(None))
        views = self.views.get(question, ())
        return {
            "image": places[question.image],
            "text": question.text,
            "label": own.label,
            "note": own.note,
            "views": [{"label": view.label, "note": view.note} for view in views],
        }
