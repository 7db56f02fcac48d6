"""What is said about who is first in a group of captions, and how sure that is."""

from typing import Any

from caption_boards import IMAGES, PADDING, board_of, captions, run_of

from repope_eval.foreign_answers.captions import UNKNOWN_PROMPT
from repope_eval.leaderboard.caption_entries import CaptionBoard
from repope_eval.leaderboard.caption_sentences import group_sentences, scope_sentence
from repope_eval.records import Label


def said(board: CaptionBoard) -> str:
    return " ".join(group_sentences(board.groups[0]))


def test_a_lead_within_chance_is_said_to_be_so() -> None:
    text = said(board_of(run_of("a", captions(31)), run_of("b", dict(reversed(list(captions(30).items()))))))
    assert text.startswith("First by CHAIRi under COCO's truth is b (20.0 %), before a (20.5 %): −0.5 points")
    text = said(board_of(run_of("a", captions(60)), run_of("b", captions(30, end="a frog, a cat"))))
    assert "more than chance" in text


def test_few_images_have_no_interval_of_the_lead() -> None:
    text = said(board_of(*(run_of(name, captions(n, IMAGES[:20])) for name, n in (("a", 5), ("b", 9)))))
    assert "of which no interval can be made (fewer than 100 captions)" in text
    assert "chance" not in text


def test_of_three_runs_the_rank_has_its_interval() -> None:
    text = said(board_of(*(run_of(name, captions(n)) for name, n in (("a", 5), ("b", 50), ("c", 90)))))
    assert "The 95 % interval of its rank is 1 of 3 runs." in text


def test_a_tie_is_said_to_be_one() -> None:
    text = said(board_of(run_of("a", captions(30)), run_of("b", captions(30))))
    assert text.startswith("First by CHAIRi under COCO's truth are a and b, a tie at 20.0 %.")


def test_what_is_not_known_to_be_alike_stands_beside_the_lead() -> None:
    unknown: dict[str, Any] = {"prompt": UNKNOWN_PROMPT, "facts": {}}
    board = board_of(run_of("a", captions(30), **unknown), run_of("b", captions(10), **unknown))
    assert (
        "It is not known of these runs what was asked and how long captions could become: where that was not the same"
        in group_sentences(board.groups[0])[0]
    )
    assert "not known" not in said(board_of(run_of("a", captions(30)), run_of("b", captions(10))))


def test_a_lead_that_comes_of_the_length_is_told() -> None:
    text = said(board_of(run_of("short", captions(20)), run_of("long", captions(60, end=f"{PADDING} a cat"))))
    assert "before long" in text
    assert "The captions of short have 2 words on average, those of the other 39." in text
    assert "In the first 64 words of each caption, first is long (0.0 %), and short has 14.3 %." in text


def test_captions_that_mention_nothing_lead_nothing() -> None:
    silent = run_of("silent", dict.fromkeys(IMAGES, "Un chien."))
    text = said(board_of(silent, run_of("a", captions(30))))
    assert text.startswith("First by CHAIRi under COCO's truth is a (20.0 %); no other run has one.")
    assert said(board_of(silent, run_of("other", dict.fromkeys(IMAGES, "Un chat.")))).startswith(
        "No run has a CHAIRi"
    )


def test_the_corrected_truth_and_its_bounds() -> None:
    verdicts: dict[str, dict[str, Label]] = {image: {"cat": "yes", "dog": "yes"} for image in IMAGES}
    runs = run_of("a", captions(30)), run_of("b", captions(10) | {IMAGES[0]: "A dog, a cat and a horse."})
    text = said(board_of(*runs, verdicts=verdicts))
    assert "Under the corrected truth, first is a (0.0 %), and b has 0.8 %." in text
    assert "Of the mentions, 99.6 % have a verdict." in text
    assert "leave open who is first" in text
    assert "leave open" not in said(
        board_of(
            *runs[:1],
            run_of("b", captions(40)),
            verdicts={image: {"cat": "no", "dog": "yes"} for image in IMAGES},
        )
    )


def test_the_scope_says_why_not_all_are_ranked_together() -> None:
    board = board_of(
        run_of("a", captions(30)), run_of("b", captions(10)), run_of("c", captions(1), prompt="Another.")
    )
    assert scope_sentence(board).endswith("2 runs in 1 group, and 1 run with no other to be ranked with.")
    assert scope_sentence(board_of(run_of("a", captions(30)))).endswith("no two runs are alike in these.")
