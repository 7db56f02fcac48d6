"""What the page of one annotator shows and stores; how it travels is the server's affair."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.relabelling.guideline import GUIDELINE
from repope_eval.relabelling.label_file import UNSAID, Judgement, LabelFile

WINDOW = 200
"""The questions that a page is told at once: a million take longer than a browser waits."""


class TakenOverError(Exception):
    """The annotator has opened the page anew, in another tab; this one stores nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that an annotator did on the page: they said something of a question, or took their last label back."""

    tab: int
    """The tab that it comes from."""
    place: int
    """Its place among the tab's acts, from 1. A page that has no reply sends the same act again."""
    number: int | None = None
    """The place of the question among all; None: the label that was given last is taken back."""
    judgement: Judgement = UNSAID
    """All that is said of the question from now on."""


@dataclass(slots=True)
class Session:
    """The questions of one annotator, whose labels one tab of theirs may store at a time."""

    questions: Sequence[Question]
    """The questions in the order in which they are shown; the image of each is there."""
    images: Mapping[str, Path]
    """The files of the images by name."""
    file: LabelFile
    views: Mapping[Question, Sequence[Judgement]] = field(default_factory=dict)
    """What others say of a question, for a person who decides between them; an annotator sees no such thing."""
    guideline: Sequence[str] = GUIDELINE
    """The paragraphs that say what the labels mean."""
    on_label: Callable[[], None] | None = None
    """What is done when a question has got its first label; the page waits for it."""
    num_skipped: int = 0
    """How many questions are left out because their images are missing."""
    tab: int = 0
    """The number of the tab that may store: the one that was opened last."""
    image_names: Sequence[str] = field(init=False)
    """The images in the order in which they are shown. The browser knows them by their places in it."""
    _places: Mapping[str, int] = field(init=False)
    """The images' places by name."""
    _labelled: dict[int, None] = field(init=False)
    """The numbers of the labelled questions, the one that was labelled last behind all others."""
    _has_label: bytearray = field(init=False)
    """Whether each question is labelled; bytes, so that the next one that is not is searched for at once."""
    _stored: dict[int, tuple[int, int]] = field(init=False, default_factory=dict)
    """The last act that each tab has stored, by its place, and the question that it was about."""

    def __post_init__(self) -> None:
        self.image_names = list(dict.fromkeys(question.image for question in self.questions))
        self._places = {name: place for place, name in enumerate(self.image_names)}
        labels = self.file.labels
        numbers = {question: number for number, question in enumerate(self.questions) if question in labels}
        self._labelled = dict.fromkeys(numbers[question] for question in labels if question in numbers)
        self._has_label = bytearray(len(self.questions))
        for number in self._labelled:
            self._has_label[number] = True

    @property
    def num_labelled(self) -> int:
        """How many of the questions have a label."""
        return len(self._labelled)

    def open(self) -> dict[str, Any]:
        """What a tab which has just been opened is told; from now on it is the one that stores."""
        self.tab += 1
        return {
            "tab": self.tab,
            "num_questions": len(self.questions),
            "num_told": WINDOW,
            "num_images": len(self.image_names),
            "num_skipped": self.num_skipped,
            **self._progress(-1),
        }

    def told_from(self, start: int) -> list[dict[str, Any]]:
        """What a page is told of the questions from one on, `WINDOW` at the most.

        A question is told with the annotator's own label and, where they decide, with what the others say. Folders
        of an image's name are left out: those of DASH-B hold the label.
        """
        return [
            self._told_question(number) for number in range(start, min(start + WINDOW, len(self.questions)))
        ]

    def require_tab(self, tab: int) -> None:
        """Refuses a tab that another one has taken over from.

        Raises:
            TakenOverError: it is not the one that was opened last.
        """
        if tab != self.tab:
            raise TakenOverError

    def store(self, act: Act) -> dict[str, Any]:
        """Puts what the annotator did on the disk, once however often it is sent.

        Returns:
            What the page is to show from now on.

        Raises:
            TakenOverError: another tab has taken over, and the act was not stored before.
            RepopeError: the file cannot be written, or there is no label to take back.
        """
        place, number = self._stored.get(act.tab, (0, None))
        if number is None or act.place > place:
            self.require_tab(act.tab)
            number = self._append_act(act)
            self._stored[act.tab] = (act.place, number)
        return {"number": number, "question": self._told_question(number), **self._progress(number)}

    def _append_act(self, act: Act) -> int:
        """Stores an act; returns the question that it was about."""
        if act.number is None:
            if not self._labelled:
                raise RepopeError("no question has a label that could be taken back")
            number = next(reversed(self._labelled))
            judgement = replace(self._judgement(number), label=None)
        else:
            number, judgement = act.number, act.judgement
        before = self._judgement(number)
        self.file.append(self.questions[number], judgement)
        self._has_label[number] = judgement.label is not None
        if judgement.label is None:
            self._labelled.pop(number, None)
        elif judgement.label != before.label or judgement.note == before.note:  # else it is a note alone
            self._labelled.pop(number, None)
            self._labelled[number] = None
        if self.on_label is not None and before.label is None and judgement.label is not None:
            self.on_label()
        return number

    def _progress(self, number: int) -> dict[str, Any]:
        """How far the annotator is: the number of labels, and the next question without one, behind this one if any."""
        following = self._has_label.find(False, number + 1)
        following = self._has_label.find(False) if following < 0 else following
        return {"num_labelled": self.num_labelled, "next": None if following < 0 else following}

    def _judgement(self, number: int) -> Judgement:
        return self.file.judgements.get(self.questions[number], UNSAID)

    def _told_question(self, number: int) -> dict[str, Any]:
        question, own = self.questions[number], self._judgement(number)
        views = self.views.get(question, ())
        return {
            "image": self._places[question.image],
            "name": PurePath(question.image).name,
            "text": question.text,
            "label": own.label,
            "note": own.note,
            "views": [{"label": view.label, "note": view.note} for view in views],
        }
