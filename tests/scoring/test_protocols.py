"""Answer text to reading, a table a protocol, which grows with every odd answer; where protocols part."""

import time

import pytest

from repope_eval.records import Answer, Question
from repope_eval.scoring.protocols import (
    PROTOCOLS,
    Reading,
    answer_in,
    disagreements,
    is_thought_alone,
    read_lmms_eval,
    read_otherwise,
    read_pope,
    read_repope,
    read_vlmevalkit,
    unknown_tag,
    unknown_tags_line,
    unparsed,
)
from repope_eval.settings import config

YES, NO, UNPARSED = True, False, None


@pytest.mark.parametrize(
    ("response", "reading"),
    [
        ("Yes", YES),
        ("YES", YES),
        ("No", NO),
        ("No, there is not", NO),
        ("not", NO),
        ("nothing", NO),
        ("cannot", NO),
        ("I know", NO),
        ("There is a snowboard in the image.", NO),  # because of "snowboard"
        ("Noodles", NO),
        ("The man closes his eyes", YES),  # because of "eyes"
        ("Yes, there is no dog", YES),  # yes is looked for first
        ("No. Yes.", YES),
        ("yesno", YES),
        ("", UNPARSED),
        (" \n", UNPARSED),
        ("There is a dog in the image.", UNPARSED),
        ("maybe", UNPARSED),
        ("n o", UNPARSED),
        ("ye\ns", UNPARSED),
        ("是的", UNPARSED),
        ("Yes 👍", YES),
        ("ＹＥＳ", UNPARSED),  # full-width letters are others
        ("NÓ", UNPARSED),
        ("\ud83d no", NO),  # half a surrogate pair
        ("a" * 1_000_000 + " no", NO),
        ("no " * 300_000 + "yes", YES),
    ],
)
def test_repope_looks_for_yes_then_no_anywhere(response: str, reading: Reading) -> None:
    assert read_repope(response) is reading


@pytest.mark.parametrize(
    ("response", "reading"),
    [
        ("Yes", YES),
        ("No", NO),
        ("not", NO),
        ("NO", YES),  # only No, no and not are words of refusal
        ("Not sure", YES),
        ("No.", NO),
        ("No, there is not", NO),
        ("No,there is one", YES),  # "Nothere"
        ("There is not a dog", NO),
        ("There isn't a dog", YES),
        ("Yes. There is no dog.", YES),  # the first sentence alone counts
        ("Yes.There is no dog.", YES),
        (".No", YES),
        ("There is a snowboard in the image.", YES),
        ("cannot", YES),
        ("no!", YES),
        ("no\n", YES),  # split at single spaces only
        ("\nno", YES),
        ("\tno there", YES),
        ("no  dog", NO),
        (" no", NO),
        ("n,o", NO),  # commas vanish
        ("", YES),
        ("maybe", YES),
        ("否", YES),
        ("\u00a0no\u00a0", YES),  # a no-break space is no single space
        ("yes " * 200_000 + "not", NO),
        ("yes " * 200_000 + ". not", YES),
    ],
)
def test_pope_reads_a_no_from_a_word_of_the_first_sentence(response: str, reading: Reading) -> None:
    assert read_pope(response) is reading


@pytest.mark.parametrize(
    ("response", "reading"),
    [
        ("Yes", YES),
        ("yes.", YES),
        ("NO", NO),
        ("No, there is not", NO),
        ("not", UNPARSED),
        ("cannot", UNPARSED),
        ("I know", UNPARSED),
        ("There is a snowboard in the image.", UNPARSED),
        ("The man closes his eyes", UNPARSED),
        ("Yes, there is no dog", UNPARSED),  # both are words
        ("", UNPARSED),
        ("no\nno", NO),
        ("yes\tsir", YES),
        ("是, yes", YES),
        ("yes " * 200_000, YES),
        ("dog " * 200_000 + "no", NO),
    ],
)
def test_vlmevalkit_needs_one_of_two_words(response: str, reading: Reading) -> None:
    assert read_vlmevalkit(response) is reading


@pytest.mark.parametrize(
    ("response", "reading"),
    [
        # A mark that stands beside no space becomes one: words apart.
        ("yes,no", UNPARSED),  # "yes no"
        ("yes,sir", YES),  # "yes sir"
        ("(yes)", YES),  # " yes "
        ('yes;/[]"{}()=+\\_-><@`,?!', YES),
        ("yes_no", UNPARSED),
        # A mark that stands beside a space somewhere vanishes everywhere: words joined.
        ("yes, sir", YES),  # "yes sir"
        ("yes,no and, well", UNPARSED),  # "yesno and well"
        ("yes,sir and, well", UNPARSED),  # "yessir and well"
        ("a -b no-one", UNPARSED),  # "a b noone"
        ("a -b no,one", NO),  # the comma stands beside no space
        ("yes !", YES),
        ("yes (sir)no", UNPARSED),  # "(" vanishes, ")" becomes a space: "yes sir no"
        ("yes (sir) no", UNPARSED),
        ("no (sir)yes", UNPARSED),
        ("yes (a)b", YES),
        # A comma between digits anywhere makes every mark vanish.
        ("yes,it is 1,000", UNPARSED),  # "yesit is 1000"
        ("yes, it is 1,000", YES),
        ("yes-no 1,000", UNPARSED),  # "yesno 1000"
        ("(no)1,000", UNPARSED),  # "no1000"
        ("yes,it is 1,a", YES),  # no digit after the comma
        # Full stops vanish unless between digits.
        ("no.", NO),
        (".no", NO),
        ("yes.no", UNPARSED),  # "yesno"
        ("y.e.s", YES),
        ("no.1", UNPARSED),  # "no1"
        ("no 1.5", NO),
        ("1.no", UNPARSED),  # "1no"
        ("no 1. yes", UNPARSED),
        ("no. there are 1.5", NO),
        # What is no mark stays.
        ("yes:", UNPARSED),
        ("**Yes**", UNPARSED),
        ("Yes。", UNPARSED),
        ("yes\n,no", UNPARSED),  # a newline is no space here: "yes", "no"
        ("yes\u00a0sir", YES),  # words are split at a no-break space
    ],
)
def test_vlmevalkit_cleans_punctuation(response: str, reading: Reading) -> None:
    assert read_vlmevalkit(response) is reading


@pytest.mark.parametrize("mark", list(';/[]"{}()=+\\_-><@`,?!'))
def test_each_mark_of_vlmevalkit_is_cleaned_by_the_rule(mark: str) -> None:
    assert read_vlmevalkit(f"yes{mark}sir") is YES  # a space
    assert read_vlmevalkit(f"yes{mark}sir {mark}") is UNPARSED  # "yessir"
    assert read_vlmevalkit(f"yes{mark}sir{mark} ") is UNPARSED
    assert read_vlmevalkit(f"yes{mark}sir 1,000") is UNPARSED


@pytest.mark.parametrize(
    ("response", "reading"),
    [
        ("yes", YES),
        ("Yes", YES),
        ("YES", YES),
        (" no\n", NO),
        ("\u3000No\u00a0", NO),
        ("Yes.", UNPARSED),
        ("No, there is not", UNPARSED),
        ("yes yes", UNPARSED),
        ("not", UNPARSED),
        ("", UNPARSED),
        (" ", UNPARSED),
        ("ｙｅｓ", UNPARSED),
        ("no" * 1_000_000, UNPARSED),
    ],
)
def test_lmms_eval_reads_the_two_words_alone(response: str, reading: Reading) -> None:
    assert read_lmms_eval(response) is reading


def test_unparsed_answers_count_as_each_protocol_says() -> None:
    treatment = {name: (protocol.unparsed, protocol.yes_ratio_of) for name, protocol in PROTOCOLS.items()}
    assert treatment == {
        "repope": ("dropped", "answers"),
        "pope": ("dropped", "answers"),
        "vlmevalkit": ("not_yes", "answers"),
        "lmms_eval": ("wrong", "labels"),
    }


def test_each_protocol_reads_by_its_own_rule() -> None:
    response = "Not sure, no-one closes"
    readings = {name: protocol.read(response) for name, protocol in PROTOCOLS.items()}
    # repope finds "no" (in "not"); pope no such word; vlmevalkit the words "no one"; lmms_eval neither.
    assert readings == {"repope": NO, "pope": YES, "vlmevalkit": NO, "lmms_eval": UNPARSED}


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


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("No", "No"),
        ("<think>I see ears, yes maybe.</think> No", "No"),
        ("<think>\nyes\n</think>\n\nNo, there is none.", "No, there is none."),
        ("I see ears, yes maybe.</think>\nNo", "No"),  # where the prompt opened the thought
        ("  <think>yes, but", ""),
        ("<think></think>", ""),
        ("Yes <think", "Yes <think"),
        ("[THINK]yes[/THINK]No", "No"),  # Magistral
        ("◁think▷yes◁/think▷\nNo", "No"),  # Kimi-VL-Thinking
        ("<thinking>yes</thinking>No", "No"),
        ("<reasoning>yes</reasoning>\nNo", "No"),
        ("<|START_THINKING|>yes<|END_THINKING|>No", "No"),
        ("<think>yes</think><thinking>yes</thinking>No", "No"),
        ("<think>yes</think><think>or", ""),
        ("Yes.<reasoning>I see no cat</reasoning>", "Yes."),
        ("<reflection>yes</reflection>No", "<reflection>yes</reflection>No"),
        ("[YES] no", "[YES] no"),
    ],
)
def test_the_answer_is_what_comes_after_the_thought(text: str, answer: str) -> None:
    assert answer_in(text) == answer


ANALYSIS, FINAL = "<|channel|>analysis<|message|>", "<|channel|>final<|message|>"
ASSISTANT = "<|end|><|start|>assistant"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (f"{ANALYSIS}yes{ASSISTANT}{FINAL}No", "No"),
        (f"{ANALYSIS}yes{ASSISTANT}{FINAL}No<|return|>", "No"),
        (f"{ANALYSIS}yes{ASSISTANT}{ANALYSIS}or{ASSISTANT}{FINAL}No<|end|>\n", "No"),
        (f"{FINAL}No", "No"),
        (f"{ANALYSIS}yes<|end|>No", "No"),  # llama.cpp, where it is told to leave thoughts
        (f"{ANALYSIS}yes", ""),
        (f"{ANALYSIS}yes<|end|>", ""),
        (f"{ANALYSIS}yes{ASSISTANT}<|channel|>commentary to=f <|constrain|>json<|message|>{{}}<|call|>", ""),
        ("analysisIs it? yes.assistantfinalNo, there is none.", "No, there is none."),
        ("analysis of the image: no", "analysis of the image: no"),
    ],
)
def test_the_answer_is_the_final_channel(text: str, answer: str) -> None:
    assert answer_in(text) == answer
    assert is_thought_alone(text) == (answer == "")


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("<reflection>Hm.</reflection>\nNo", "<reflection>"),
        (" [REASON]Hm.[/REASON] No", "[REASON]"),
        ("◁hm▷Hm.◁/hm▷No", "◁hm▷"),
        ("<SUMMARY>Hm.</SUMMARY><CONCLUSION>No</CONCLUSION>", "<SUMMARY>"),
        ("<answer>No</answer>", None),  # nothing comes after it
        ("No, <b>none</b> here", None),
        ("<think>Hm.</think>No", None),
        ("<reflection>Hm. No", None),
        ("[No] there is none", None),
    ],
)
def test_a_tag_that_nobody_knows_is_told(text: str, tag: str | None) -> None:
    assert unknown_tag(text) == tag


def test_unknown_tags_are_one_line() -> None:
    assert unknown_tags_line({"<a>": 2, "[B]": 1}).startswith(
        "3 answers with a tag first that may hold a thought (<a> 2, [B] 1): no such tag is known, so it stands"
    )


@pytest.mark.parametrize(
    "piece", ["<think>", "</think>", "<a>", "[A]", "<|channel|>commentary", "<|end|>", " "]
)
def test_a_text_of_any_length_is_read_in_little_time(piece: str) -> None:
    began = time.process_time()
    text = piece * (400_000 // len(piece))
    answer_in(text), is_thought_alone(text), unknown_tag(text)
    assert time.process_time() - began < 2


def test_only_a_thought_that_has_not_ended_stands_alone() -> None:
    assert is_thought_alone("<think>yes")
    assert not is_thought_alone("<think>yes</think>")
    assert not is_thought_alone("yes")
