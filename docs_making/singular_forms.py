"""Writes the singular forms of the words that captions name objects by anew: python -m docs_making.singular_forms

CHAIR's authors take the singular of every word with the function `singularize` of the package pattern, which nobody
maintains. The package inflect gives the same forms of all words that matter here, but takes seconds to import, so its
answers are a file of the package. Only forms of a word in `synonyms.txt`, or of a part of a double word, matter: any
other word names nothing, whatever its singular is.
"""

from collections.abc import Iterable
from pathlib import Path

from repope_eval.captions import mentions
from repope_eval.captions.mentions import coco_vocabulary

FILE = Path(mentions.__file__).with_name("singular_forms.txt")

PATTERNS_OWN = {"ties": "ty"}
"""Where pattern has another form than inflect. It knows tie among the nouns in -ie, but looks for `^tie`."""

_ENDINGS = (("", "s"), ("", "es"), ("y", "ies"), ("f", "ves"), ("fe", "ves"))
"""What a word may end in, and what its plural may end in then."""


def singular_forms() -> dict[str, str]:
    """The singular of each word that the rules would take for another word, in the order of the alphabet."""
    import inflect

    engine = inflect.engine()

    def singular(word: str) -> str:
        return str(engine.singular_noun(word) or word)

    forms = {}
    for word in sorted(_words()):
        if singular(word) != word:
            forms[word] = singular(word)
        forms |= {
            plural: word for plural in {*_plurals(word), str(engine.plural(word))} if singular(plural) == word
        }
    return dict(sorted((forms | PATTERNS_OWN).items()))


def _words() -> set[str]:
    """The words in lower case that name an object, or are a part of what does."""
    phrases = coco_vocabulary().words
    return {part.lower() for phrase in phrases for part in phrase.split()} - {"glas"}


def _plurals(word: str) -> Iterable[str]:
    for ending, plural in _ENDINGS:
        if word.endswith(ending):
            yield word.removesuffix(ending) + plural


if __name__ == "__main__":
    FILE.write_text(
        "".join(f"{form} {singular}\n" for form, singular in singular_forms().items()), encoding="utf-8"
    )
