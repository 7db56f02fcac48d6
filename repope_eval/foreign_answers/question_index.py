"""Finding a benchmark's question by what a row of an answer file says of it: image and text, or an id."""

import re
from collections import defaultdict
from collections.abc import Mapping

from repope_eval.benchmarks.asked_texts import MISSPELT, plain_question
from repope_eval.errors import RepopeError
from repope_eval.records import Question, Variant

_EXTENSION = re.compile(r"\.(jpe?g|png|webp|bmp|gif|tiff?|avif|heic)$", re.IGNORECASE)
_SENTENCE_END = (".", "?", "!", "。", "？")

Ids = Mapping[Variant, Mapping[int | str, Question]]
"""A benchmark's questions by variant and id (see `Benchmark.ids`)."""


class QuestionIndex:
    """A benchmark's questions, found by image and text, or by the id of its only variant."""

    def __init__(self, ids: Ids) -> None:
        self.variants = tuple(ids)
        self._asked: dict[str, dict[str, Question]] = defaultdict(dict)
        for questions in ids.values():
            for question in questions.values():
                self._asked[question.image][plain_question(question.text)] = question
        self._images: dict[str, list[str]] = defaultdict(list)
        for image in self._asked:
            self._images[_stem(image)].append(image)
        self._found: dict[str, str | None] = {}
        only = next(iter(ids.values())) if len(ids) == 1 else {}
        self._by_id = {str(key): question for key, question in only.items()}

    def by_text(self, image: str, text: str) -> Question | None:
        """The question about an image that a text is, or begins with before an instruction.

        What POPE's older files misspelt is taken for what they meant (see `is_misspelt`).

        Raises:
            RepopeError: the image may be one or another of the benchmark's.
        """
        if image not in self._found:
            self._found[image] = self._image(image)
        name = self._found[image]
        if name is None:
            return None
        asked = self._asked[name]
        plain = plain_question(text)
        if plain in asked:
            return asked[plain]
        begun = [known for known in asked if _begins_with(plain, known)]
        return asked[max(begun, key=len)] if begun else None

    def by_id(self, question_id: str) -> Question | None:
        """The question of that id, in a benchmark of one variant."""
        return self._by_id.get(question_id)

    def _image(self, image: str) -> str | None:
        """The benchmark's own name of an image; None where the image is none of its images."""
        if image in self._asked:
            return image
        likely = [known for known in self._images.get(_stem(image), ()) if same_image(image, known)]
        exact = [known for known in likely if _parts(known)[-1] == _parts(image)[-1]]
        if len(exact or likely) > 1:
            raise RepopeError(
                f"the image {image!r} may be {' or '.join((exact or likely)[:3])}; name images as the "
                "benchmark's file does"
            )
        return next(iter(exact or likely), None)


def same_image(image: str, other: str) -> bool:
    """Whether two names may mean one image: equal but for its extension and folders that one of them leaves out."""
    *folders, _ = _parts(image)
    *others, _ = _parts(other)
    depth = min(len(folders), len(others))
    return _stem(image) == _stem(other) and folders[len(folders) - depth :] == others[len(others) - depth :]


def is_question(text: str, question: str) -> bool:
    """Whether a text is a question, alone or with an instruction after it."""
    plain, asked = plain_question(text), plain_question(question)
    return plain == asked or _begins_with(plain, asked)


def is_misspelt(text: str, question: str) -> bool:
    """Whether a text is a question in the spelling of POPE's older files, which is no longer the question's."""
    return MISSPELT in text and MISSPELT not in question


def _begins_with(text: str, question: str) -> bool:
    """Whether an instruction follows the question: on a line of its own, or after the question's last mark."""
    if not question or not text.startswith(question) or len(text) == len(question):
        return False
    following = text[len(question)]
    return following == "\n" or (following.isspace() and question.endswith(_SENTENCE_END))


def _parts(image: str) -> list[str]:
    return [part for part in image.replace("\\", "/").split("/") if part not in ("", ".")] or [""]


def _stem(image: str) -> str:
    """An image's name without folder and extension; a dot in the name is none."""
    return _EXTENSION.sub("", _parts(image)[-1])
