"""The objects that a caption mentions, by the rules of CHAIR's authors.

Source: A. Rohrbach, L. A. Hendricks, K. Burns, T. Darrell and K. Saenko, "Object Hallucination in Image Captioning",
EMNLP 2018, and its program (repository LisaAnne/Hallucination, `utils/chair.py`). The rules are kept with what they
miss, since published figures rest on them: "bus" is no mention of a bus, for its singular is "bu" there, "ties" is none
of a tie, and "cheesecake" none of a cake, for the list of synonyms has two spaces before it.

`synonyms.txt` is theirs (`data/synonyms.txt`; its licence is in `LICENSE.synonyms`), `singular_forms.txt` is made by
`docs_making/singular_forms.py`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent

_PAIRS = (
    "motor bike, motor cycle, air plane, traffic light, street light, traffic signal, stop light, fire hydrant, "
    "stop sign, parking meter, suit case, sports ball, baseball bat, baseball glove, tennis racket, wine glass, "
    "hot dog, cell phone, mobile phone, teddy bear, hair drier, potted plant, laptop computer, stove top oven, "
    "home plate, train track"
)
_ANIMALS = "bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, animal, cub"

DOUBLE_WORDS: Mapping[str, str] = {
    **{pair: pair for pair in _PAIRS.split(", ")},
    **{f"{age} {animal}": animal for age in ("baby", "adult") for animal in _ANIMALS.split(", ")},
    **{f"passenger {vehicle}": vehicle for vehicle in ("jet", "train")},
    "bow tie": "tie",
    "toilet seat": "toilet",
    "wine glas": "wine glass",
}
"""Two neighbouring words that are one, and the word that they are. `home plate` and `train track` name nothing, so that
no plate and no train is found in them. Three words are never joined, so `stove top oven` is not found."""


def _read_synonyms() -> dict[str, str]:
    """The object of each word or double word; a line has an object and its synonyms, with ", " between them."""
    lines = (_FOLDER / "synonyms.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.strip().split(", ") for line in lines if line.strip()]
    return {word: words[0] for words in rows for word in words}


def _read_singular_forms() -> dict[str, str]:
    lines = (_FOLDER / "singular_forms.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines)


OBJECT_OF: Mapping[str, str] = _read_synonyms()
"""The object that each word names, by words in the singular: `puppy` names `dog`."""

OBJECTS: tuple[str, ...] = tuple(dict.fromkeys(OBJECT_OF.values()))
"""The names of COCO's 80 objects, each the first word of its line."""

_SINGULAR: Mapping[str, str] = _read_singular_forms()
"""The singular of the plurals, and of the other words, that the rules take for another word."""

# The tokens are those of NLTK's `word_tokenize`, which the authors use, as far as a mention hangs on them.
_MARKS = re.compile(
    r"""\.{2,} | --+ | [;@#$%&?!"“”„‘’`«»()\[\]{}<>] | [:,](?!\d)  # signs that are tokens wherever they are
        | \.(?=\s|$) | \.(?=["')\]}>”’»\s]*$)                      # a full stop ends a sentence, no abbreviation""",
    re.VERBOSE,
)
_CONTRACTION = re.compile(r"'(?:s|m|d|re|ve|ll)?$")
"""What is a token of its own at the end of a word."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A word of a caption that names an object."""

    object: str
    """Which object it names, one of `OBJECTS`."""
    start: int
    """Where the word begins in the caption, in characters."""
    end: int
    """Where the word ends, in characters."""


@dataclass(frozen=True, slots=True)
class _Word:
    """A word in the singular, or a double word, and its place in the caption."""

    text: str
    start: int
    end: int


def mentions(caption: str) -> tuple[Mention, ...]:
    """The mentions of a caption in their order; what is mentioned twice is there twice."""
    words = _joined(
        [_Word(_SINGULAR.get(token, token), start, end) for token, start, end in _tokens(caption)]
    )
    if any(word.text == "toilet" for word in words):
        words = [word for word in words if word.text != "seat"]
    return tuple(
        Mention(OBJECT_OF[word.text], word.start, word.end) for word in words if word.text in OBJECT_OF
    )


def _joined(words: Sequence[_Word]) -> list[_Word]:
    """The words, with each two that are a double word made one."""
    joined: list[_Word] = []
    place = 0
    while place < len(words):
        word, place = words[place], place + 1
        if place < len(words) and (double := DOUBLE_WORDS.get(f"{word.text} {words[place].text}")):
            word, place = _Word(double, word.start, words[place].end), place + 1
        joined.append(word)
    return joined


def _tokens(caption: str) -> Iterator[tuple[str, int, int]]:
    """The tokens in lower case with their places; signs are tokens, so that no double word reaches over one."""
    # A letter whose lower case is longer, such as İ, stays as it is: it would move all places behind it.
    lower = "".join(low if len(low := letter.lower()) == 1 else letter for letter in caption)
    start = 0
    for mark in _MARKS.finditer(lower):
        yield from _spaced_tokens(lower, start, mark.start())
        yield mark.group(), mark.start(), mark.end()
        start = mark.end()
    yield from _spaced_tokens(lower, start, len(lower))


def _spaced_tokens(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """The tokens of a part of a text that has no signs in it: its words, and the contractions at their ends."""
    for spaced in re.compile(r"\S+").finditer(text, start, end):
        word, begin = spaced.group(), spaced.start()
        contraction = _CONTRACTION.search(word)
        cut = contraction.start() if contraction else len(word)
        for token, first in ((word[:cut], begin), (word[cut:], begin + cut)):
            if token:
                yield token, first, first + len(token)
