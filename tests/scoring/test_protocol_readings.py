"""Where protocols part over the same answers, and why."""

import pytest

from repope_eval.records import Answer, Question
from repope_eval.scoring.protocols import PROTOCOLS, disagreements, read_otherwise, unparsed
from repope_eval.settings import config


def answers(*responses: str) -> dict[Question, Answer]:
    asked = [Question(f"{n}.jpg", f"Is there a {n} in the image?", str(n)) for n in range(len(responses))]
    return {question: Answer(question, response) for question, response in zip(asked, responses, strict=True)}


NO_WORD, MORE, NEITHER = (
    "no word of the first sentence is No, no or not",
    'is more than "yes" or "no"',
    'neither "yes" nor "no" is a word',
)


@pytest.mark.parametrize(
    ("response", "readings", "reasons"),
    [
        ("A snowboard.", (False, True, None, None), ('has "no" in "snowboard"', NO_WORD, NEITHER, MORE)),
        (
            "I can not say yes",
            (True, False, True, None),
            ('has "yes"', '"not" is a word of the first sentence', '"yes" is a word and "no" is not', MORE),
        ),
        ("No; yes", (True, True, None, None), ('has "yes"', NO_WORD, 'both "yes" and "no" are words', MORE)),
        (
            "NO",
            (False, True, False, False),
            ('has "no"', NO_WORD, '"no" is a word and "yes" is not', 'is "no"'),
        ),
        (" \n", (None, True, None, None), ('has neither "yes" nor "no"', NO_WORD, NEITHER, "is empty")),
        ("Two eyes, I KNOW.", (True, True, None, None), ('has "yes" in "eyes"', NO_WORD, NEITHER, MORE)),
    ],
)
def test_what_each_protocol_reads_and_why(
    response: str, readings: tuple[bool | None, ...], reasons: tuple[str, ...]
) -> None:
    (found,) = disagreements(answers(response))
    assert tuple(found.readings) == tuple(found.reasons) == ("repope", "pope", "vlmevalkit", "lmms_eval")
    assert tuple(found.readings.values()) == readings
    assert tuple(found.reasons.values()) == reasons


ODD = (
    *(
        "yes",
        "YES",
        "no",
        "No.",
        "yes!",
        "nO",
        "not",
        "cannot",
        "noyes",
        "yes,no",
        "no no",
        "eyes-no",
        "Élysées",
        "ＮＯ",
    ),
    *(
        "no\n",
        "\tno",
        "1,000 no",
        "",
        ".",
        "No. Yes.",
        "NO-ONE",
        "yes/no",
        "don't know",
        "n o",
        "<no>",
        "KNO\u0130",
    ),
)


def test_there_is_a_reason_for_every_reading_of_odd_responses() -> None:
    for found in disagreements(answers(*ODD)):
        assert dict(found.readings) == {name: rule.read(found.response) for name, rule in PROTOCOLS.items()}
        assert all(found.reasons.values())


def test_what_all_read_alike_is_left_out() -> None:
    assert disagreements(answers("yes", "No", "no", "Yes")) == ()
    assert disagreements({}) == ()


def test_a_response_stands_once_and_the_most_frequent_first() -> None:
    found = disagreements(answers("yes.", "maybe", "No", "maybe"))
    assert [(d.response, d.n_answers, d.example) for d in found] == [
        ("maybe", 2, ("1.jpg", "Is there a 1 in the image?")),
        ("yes.", 1, ("0.jpg", "Is there a 0 in the image?")),
    ]


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [("repope", ["hm"]), ("pope", []), ("vlmevalkit", ["eyes", "hm"]), ("lmms_eval", ["eyes", "hm", "No."])],
)
def test_answers_that_a_protocol_finds_neither_in(protocol: config.Protocol, expected: list[str]) -> None:
    found = unparsed(answers("eyes", "yes", "hm", "No."), protocol)
    assert [answer.response for answer in found] == expected


def test_answers_that_other_protocols_read_otherwise_are_counted() -> None:
    """ "eyes" holds a yes for the paper's rule, and is none of POPEs noes; the other two read neither."""
    given = answers("I do not see one; only the eyes of a dog.", "Yes", "No.", "No.")
    assert read_otherwise(given, "repope") == {"pope": 1, "vlmevalkit": 1, "lmms_eval": 3}
    assert read_otherwise(given, "lmms_eval") == {"repope": 3, "pope": 3, "vlmevalkit": 2}
