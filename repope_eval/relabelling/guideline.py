"""What the labels mean, in paragraphs that an annotator reads before the first question."""

from pathlib import Path

from repope_eval.errors import RepopeError
from repope_eval.system.texts import lines_of, read_text

GUIDELINE = (
    "Yes: the object is in the image. It may be small, far away or partly hidden.",
    "No: the object is not in the image. What looks like it is something else.",
    "Ambiguous: two careful people could answer differently, and a closer look would not settle it. The image does not "
    "show enough, or it depends on what the word includes: a toy bear where a bear is asked for, a picture of a dog on "
    "a wall, a van where a car is asked for.",
    "Look closer before you say ambiguous: a question that is found ambiguous is removed from the corrected labels. A "
    "note says why to whoever reads the labels later.",
)
"""The program's own guideline. It follows RePOPE's three labels, and its words and examples are not RePOPE's."""

MOST_CHARACTERS = 5_000
"""The longest guideline: about two pages."""


def read_guideline(path: Path) -> tuple[str, ...]:
    """The paragraphs of a text file in UTF-8, which blank lines part.

    Raises:
        RepopeError: the file cannot be read, has no text, or is longer than `MOST_CHARACTERS`.
    """
    text = read_text(path, "give guideline= a text file, or leave it out for the program's own")
    if len(text) > MOST_CHARACTERS:
        raise RepopeError(
            f"{path}: has {len(text):,} characters, and a guideline has at most {MOST_CHARACTERS:,}; shorten it"
        )
    lines = "\n".join(line.strip() for line in lines_of(text))
    paragraphs = tuple(" ".join(part.split()) for part in lines.split("\n\n") if part.strip())
    if not paragraphs:
        raise RepopeError(
            f"{path}: has no text; write what yes, no and ambiguous mean, or leave guideline= out"
        )
    return paragraphs
