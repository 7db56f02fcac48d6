"""Which runs of captions are ranked together, and which are not."""

from typing import Any

import pytest
from caption_boards import IMAGES, board_of, captions, run_of

from repope_eval.leaderboard.caption_entries import CaptionGroup


def names(group: CaptionGroup) -> list[str]:
    return [entry.name for entry in group.entries]


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "Please describe this image in detail."},
        {"facts": {"model.max_new_tokens": "512"}},
        {"facts": {"model.max_new_tokens": "64", "answers": "captions.json"}},
    ],
    ids=["prompt", "length", "length that is not known"],
)
def test_runs_are_ranked_only_with_those_of_the_same_prompt_and_length(other: dict[str, Any]) -> None:
    board = board_of(
        run_of("a", captions(30)), run_of("b", captions(10)), run_of("other", captions(0), **other)
    )
    assert [names(group) for group in board.groups] == [["b", "a"]]
    assert [names(group) for group in board.alone] == [["other"]]


def test_runs_are_ranked_only_with_those_of_the_same_images() -> None:
    board = board_of(
        run_of("a", captions(30)), run_of("b", captions(10)), run_of("part", captions(0, IMAGES[:110]))
    )
    assert [names(group) for group in board.groups] == [["b", "a"]]
    assert [(names(group), group.n_images) for group in board.alone] == [(["part"], 110)]


def test_coverage_lets_a_run_that_lacks_some_images_in_on_the_images_of_all() -> None:
    runs = run_of("a", captions(30)), run_of("b", captions(10)), run_of("part", captions(0, IMAGES[:110]))
    (group,) = board_of(*runs, coverage=0.9).groups
    assert (names(group), group.n_images) == (["part", "b", "a"], 110)
    assert {entry.captions.figures["coco"].counts.captions for entry in group.entries} == {110}


def test_incomplete_runs_are_told_and_have_no_place() -> None:
    asked = {"counts": {"questions": 120}}
    board = board_of(
        run_of("a", captions(30)),
        run_of("few", captions(0, IMAGES[:100]), manifest=asked),
        run_of("going", captions(0), status="running", unfinished="is running"),
    )
    assert [names(group) for group in board.alone] == [["a"]]
    assert {each.described.name: each.reason for each in board.unranked} == {
        "few": "describes 100 of 120 images (83.3 %), and coverage=1 is the least share to be ranked",
        "going": "is running",
    }


def test_a_run_with_two_prompts_is_in_the_group_of_each() -> None:
    two = run_of("two", captions(20))
    other = run_of("two", captions(5), prompt="Another.")
    two = run_of("two", {}, answers={**two.answers, **other.answers}, manifest={"counts": {"questions": 240}})
    board = board_of(two, run_of("one", captions(10)))
    assert [names(group) for group in (*board.groups, *board.alone)] == [["one", "two"], ["two"]]


def test_the_largest_group_is_first_and_settings_that_differ_are_named() -> None:
    def fact(value: str) -> dict[str, str]:
        return {"model.max_new_tokens": "64", "model.dtype": value, "bench.annotations": value}

    board = board_of(
        run_of("x", captions(1), prompt="Another."),
        run_of("y", captions(2), prompt="Another."),
        *(run_of(name, captions(3), facts=fact(name)) for name in "abc"),
    )
    assert [len(group.entries) for group in board.groups] == [3, 2]
    assert {each.key for each in board.groups[0].differences} == {"model.dtype"}
    assert not board.groups[1].differences


def test_of_images_without_a_verdict_there_is_no_corrected_truth() -> None:
    board = board_of(
        *(run_of(name, captions(9, IMAGES[:110])) for name in "ab"), verdicts={IMAGES[-1]: {"dog": "no"}}
    )
    assert list(board.groups[0].entries[0].captions.figures) == ["coco"]
