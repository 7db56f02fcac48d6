"""Answer text to reading, a table a protocol; each grows with every odd answer that is met."""

import pytest

from repope_eval.scoring.protocols import (
    PROTOCOLS,
    Reading,
    read_lmms_eval,
    read_pope,
    read_repope,
    read_vlmevalkit,
)

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
