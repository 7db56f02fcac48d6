"""The mentions of captions: the authors' rules, rule by rule, and all captions of public files."""

import json
from pathlib import Path
from typing import Any

import pytest

from docs_making.singular_forms import FILE, singular_forms
from repope_eval.captions.mentions import Vocabulary, coco_vocabulary

CHAIR = Path(__file__).parents[3] / "shared" / "chair"


def mentioned(caption: str) -> list[str]:
    return [each.object for each in coco_vocabulary().mentions(caption)]


@pytest.mark.parametrize(
    ("caption", "objects"),
    [
        ("A puppy and two Dogs.", ["dog", "dog"]),
        ("People watch a girl's kite", ["person", "person", "kite"]),
        ("a baseball bat, a bat", ["baseball bat"]),
        ("a hot dog beside a dog", ["hot dog", "dog"]),
        ("wine, glasses", []),  # a sign is a token, so the two words are no neighbours
        ("a baby elephant with an adult giraffe", ["elephant", "giraffe"]),
        ("a passenger train on the train track", ["train"]),
        ("a bow tie", ["tie"]),
        ("a toilet with its seat up, and a chair", ["toilet", "chair"]),
        ("a seat", ["chair"]),
        ("a toilet seat", ["toilet"]),
        ("an old-fashioned clock at 4 o'clock", ["clock"]),
        ("a tree and a house", []),
        ("", []),
        ("Ein Hund und eine Katze", []),
        ("dog...cat", ["dog", "cat"]),
        ('the sign says "dog."', ["dog"]),
        ("dog.cat", []),
        ('a dog.) and "a cat."', ["cat"]),  # inside the text, this is no end of a sentence
        ('a dog. ) "', ["dog"]),
        ("a hot's dog", ["dog"]),
        ("a hot and a dog, a hot\n dog", ["dog", "hot dog"]),
    ],
)
def test_rules(caption: str, objects: list[str]) -> None:
    assert mentioned(caption) == objects


@pytest.mark.parametrize("word", ["bus", "ties", "cheesecake"])
def test_what_the_authors_miss_is_missed_here(word: str) -> None:
    assert mentioned(f"a {word}") == []
    assert mentioned("buses") == ["bus"]


def test_places_are_those_of_the_words() -> None:
    caption = "İ see two Teddy  bears, and the men's skis!"
    found = coco_vocabulary().mentions(caption)
    assert [caption[each.start : each.end] for each in found] == ["Teddy  bears", "men", "skis"]


def test_there_are_the_80_objects_of_coco() -> None:
    objects = coco_vocabulary().objects
    assert len(objects) == 80
    assert {"tv", "couch", "potted plant", "hair drier"} <= set(objects)


def test_another_vocabulary_has_other_objects() -> None:
    own = Vocabulary(
        object_of={"boat": "boat", "ship": "boat", "ship wheel": "wheel", "oar": "oar"},
        singular_forms={"ships": "ship"},
        double_words={"ship wheel": "ship wheel"},
        parts={"oar": "boat"},
    )
    assert own.objects == ("boat", "wheel", "oar")
    caption = "Two ships, a ship wheel, an oar and a dog."
    assert [(each.object, caption[each.start : each.end]) for each in own.mentions(caption)] == [
        ("boat", "ships"),
        ("wheel", "ship wheel"),
        ("oar", "oar"),
    ]
    assert [each.object for each in own.mentions("an oar in a boat")] == ["boat"]


def test_singular_forms_are_current() -> None:
    lines = [f"{form} {singular}\n" for form, singular in singular_forms().items()]
    assert FILE.read_text(encoding="utf-8") == "".join(lines)


def caption_rows(text: str) -> list[dict[str, Any]]:
    """The objects of a file that has an array of them, or one after another."""
    if text.startswith("["):
        return list(json.loads(text))
    decoder, place, rows = json.JSONDecoder(), 0, []
    while text[place:].strip():
        row, place = decoder.raw_decode(text, place + len(text[place:]) - len(text[place:].lstrip()))
        rows.append(row)
    return rows


@pytest.mark.parametrize(
    "name",
    [
        "opera_llava15_beam5.jsonl",
        "opera_llava15_greedy.jsonl",
        "pope_llava_describe.json",
        "pope_llava_short.json",
        "pope_minigpt4_describe.json",
        "pope_mmgpt_short.json",
    ],
)
def test_mentions_are_those_of_the_authors_rules(name: str) -> None:
    if not CHAIR.is_dir():
        pytest.skip(f"{CHAIR} is not here: public captions, and their mentions")
    expected = json.loads((CHAIR / "expected" / f"{name.partition('.')[0]}.json").read_text())["mentions"]
    captions = [
        row.get("caption") or row["text"] for row in caption_rows((CHAIR / "captions" / name).read_text())
    ]
    assert [mentioned(caption) for caption in captions] == expected
