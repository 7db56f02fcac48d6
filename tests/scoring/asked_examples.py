"""Questions about objects in images, answers and captions, written as short texts."""

from collections.abc import Mapping

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.asking_telling import AskingTelling, compare_asking_with_telling

Said = Mapping[str, str]
"""Of an image: by object a letter for the answer (y, n, ? for neither, - for none), and one for each label set
(y, n, or a where it has none): `yna` is answered yes, has label no, and is ambiguous."""

WORDS = {"y": "Yes", "n": "No", "?": "Maybe so."}


def asked(image: str, name: str) -> Question:
    return Question(image, f"Is there a {name} in the image?", name)


def label_sets(said: Mapping[str, Said]) -> tuple[LabelSet, LabelSet]:
    """POPE's and RePOPE's labels."""
    sets = []
    for place, name in enumerate(("pope", "repope"), 1):
        labels = {
            asked(image, each): letters[place] == "y"
            for image, of_image in said.items()
            for each, letters in of_image.items()
            if letters[place] != "a"
        }
        sets.append(LabelSet(name, {"random": labels}))
    return sets[0], sets[1]


def answers(said: Mapping[str, Said]) -> dict[Question, Answer]:
    return {
        asked(image, name): Answer(asked(image, name), WORDS[letters[0]])
        for image, of_image in said.items()
        for name, letters in of_image.items()
        if letters[0] != "-"
    }


def compared(said: Mapping[str, Said], captions: Mapping[str, str]) -> AskingTelling:
    questions = [asked(image, name) for image, of_image in said.items() for name in of_image]
    return compare_asking_with_telling(questions, answers(said), captions, label_sets(said), "repope")
