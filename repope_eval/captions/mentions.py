"""The objects that a caption mentions, by the rules of CHAIR's authors and a vocabulary.

Source: A. Rohrbach, L. A. Hendricks, K. Burns, T. Darrell and K. Saenko, "Object Hallucination in Image Captioning",
EMNLP 2018, and its program (repository LisaAnne/Hallucination, `utils/chair.py`). The rules are kept with what they
miss, since published figures rest on them: "bus" is no mention of a bus, for its singular is "bu" there, "ties" is none
of a tie, and "cheesecake" none of a cake, for the list of synonyms has two spaces before it.

`synonyms.txt` is theirs (`data/synonyms.txt`; its licence is in `LICENSE.synonyms`), `singular_forms.txt` is made by
`docs_making/singular_forms.py`.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path

_PAIRS = (
    "motor bike, motor cycle, air plane, traffic light, street light, traffic signal, stop light, fire hydrant, "
    "stop sign, parking meter, suit case, sports ball, baseball bat, baseball glove, tennis racket, wine glass, "
    "hot dog, cell phone, mobile phone, teddy bear, hair drier, potted plant, laptop computer, stove top oven, "
    "home plate, train track"
)
_ANIMALS = "bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, animal, cub"

_DOUBLE_WORDS: Mapping[str, str] = {
    **{pair: pair for pair in _PAIRS.split(", ")},
    **{f"{age} {animal}": animal for age in ("baby", "adult") for animal in _ANIMALS.split(", ")},
    **{f"passenger {vehicle}": vehicle for vehicle in ("jet", "train")},
    "bow tie": "tie",
    "toilet seat": "toilet",
    "wine glas": "wine glass",
}
"""Two neighbouring words that are one, and the word that they are. `home plate` and `train track` name nothing, so that
no plate and no train is found in them. Three words are never joined, so `stove top oven` is not found."""


# The tokens are those of NLTK's `word_tokenize`, which the authors use, as far as a mention hangs on them.
_CLOSING = r"""["')\]}>”’»]"""
"""What may stand behind the full stop of the last sentence."""
_SPACED = rf"\S+(?:(?=(?:{_CLOSING}|\s)*\Z)(?P<last>))?"
"""What stands between white space; it has the group `last` where at most closing marks follow in the text."""
_SIGN = r"""\.{2,}|--+|[;@#$%&?!"“”„‘’`«»()\[\]{}<>]|[:,](?!\d)"""
"""Signs that are tokens wherever they are."""
_CONTRACTION = r"'(?:s|m|d|re|ve|ll)?$"
"""What is a token of its own at the end of a word."""
_MOST_KEPT = 50_000
"""Captions have a small vocabulary: for so many of its words it is kept what they are."""

_Word = tuple[str, int, int]
"""A word in the singular, or a double word, with its start and end in the text."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A word of a caption that names an object."""

    object: str
    """Which object it names, one of the vocabulary's."""
    start: int
    """Where the word begins in the caption, in characters."""
    end: int
    """Where the word ends, in characters."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The objects that captions are read for, and the words that name them."""

    object_of: Mapping[str, str]
    """The object that each word in the singular, or double word, names: `puppy` names `dog`, and `dog` itself."""
    singular_forms: Mapping[str, str] = field(default_factory=dict)
    """The singular of the plurals, and of other words that are taken for another."""
    double_words: Mapping[str, str] = field(default_factory=dict)
    """Two neighbouring words that are one, and the word that they are."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """Words that a caption loses for another that it has, of which they are a part: a `seat` for a `toilet`."""

    @cached_property
    def objects(self) -> tuple[str, ...]:
        """The names of the objects, each once."""
        return tuple(dict.fromkeys(self.object_of.values()))

    @cached_property
    def words(self) -> Collection[str]:
        """The words in the singular that matter: any other names nothing, and is no part of what does."""
        doubles = (part for double in self.double_words for part in double.split())
        return {*self.object_of, *doubles, *self.parts, *self.parts.values()}

    def mentions(self, caption: str) -> tuple[Mention, ...]:
        """The mentions of a caption in their order; what is mentioned twice is there twice."""
        # The lower case of this letter alone is longer, and would move all places behind it.
        lower = "İ".join(part.lower() for part in caption.split("İ"))
        words = _joined(lower, list(_words(lower, self)), self.double_words)
        lost = {part for part, whole in self.parts.items() if any(word == whole for word, _, _ in words)}
        return tuple(
            Mention(self.object_of[word], start, end)
            for word, start, end in words
            if word in self.object_of and word not in lost
        )


@cache
def coco_vocabulary() -> Vocabulary:
    """COCO's 80 objects with the words of CHAIR's authors."""
    # A line has an object and its synonyms, with ", " between them.
    synonyms = [line.strip().split(", ") for line in _lines("synonyms.txt") if line.strip()]
    return Vocabulary(
        object_of={word: words[0] for words in synonyms for word in words},
        singular_forms=dict(line.split(" ", 1) for line in _lines("singular_forms.txt")),
        double_words=_DOUBLE_WORDS,
        parts={"seat": "toilet"},
    )


def _lines(name: str) -> list[str]:
    return (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()


def _joined(text: str, words: Sequence[_Word], double_words: Mapping[str, str]) -> list[_Word]:
    """The words, with each two that are a double word made one; between these is nothing but white space."""
    joined: list[_Word] = []
    place = 0
    while place < len(words):
        (word, start, end), place = words[place], place + 1
        if place < len(words):
            following, begin, stop = words[place]
            double = double_words.get(f"{word} {following}")
            if double and not text[end:begin].strip():
                word, end, place = double, stop, place + 1
        joined.append((word, start, end))
    return joined


def _words(text: str, vocabulary: Vocabulary) -> Iterator[_Word]:
    """The words of a text in lower case that matter."""
    for spaced in re.finditer(_SPACED, text):
        place = spaced.start()
        for word, start, end in _spaced_words(spaced.group(), spaced.lastgroup is not None, vocabulary):
            yield word, place + start, place + end


@lru_cache(_MOST_KEPT)
def _spaced_words(spaced: str, is_last: bool, vocabulary: Vocabulary) -> tuple[_Word, ...]:
    """The same of what stands between white space, with their places in it."""
    singular = vocabulary.singular_forms
    words = ((singular.get(token, token), start, end) for token, start, end in _tokens(spaced, is_last))
    return tuple(each for each in words if each[0] in vocabulary.words)


def _tokens(spaced: str, is_last: bool) -> Iterator[_Word]:
    """The tokens of what stands between white space: signs, words, and the contractions at the ends of words."""
    stop = rf"\.(?={_CLOSING}*$)" if is_last else r"\.$"  # any other full stop is an abbreviation's
    start = 0
    for sign in re.finditer(f"{_SIGN}|{stop}|$", spaced):
        contraction = re.search(_CONTRACTION, spaced[start : sign.start()])
        cut = start + contraction.start() if contraction else sign.start()
        for first, end in ((start, cut), (cut, sign.start()), sign.span()):
            yield spaced[first:end], first, end
        start = sign.end()
