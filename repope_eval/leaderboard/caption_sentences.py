"""Sentences about a leaderboard of captions: who is first in a group, how sure that is, and what it may be due to."""

from collections.abc import Iterator

from repope_eval.leaderboard.caption_entries import CaptionBoard, CaptionEntry, CaptionGroup
from repope_eval.leaderboard.sentences import decoding_sentence
from repope_eval.leaderboard.tables import places_text
from repope_eval.reporting.figure_texts import (
    change_interval_text,
    change_text,
    number_text,
    percent_text,
)
from repope_eval.scoring.caption_ranking import ALIKE_WORDS, FIGURE, Basis, CaptionRanking
from repope_eval.scoring.comparison import Standing
from repope_eval.scoring.estimates import Estimate, leaves_out_zero
from repope_eval.wording import counted, listed_words, percentage


def scope_sentence(board: CaptionBoard) -> str:
    """How many runs are ranked together, and why not all."""
    n_alone, n_ranked = len(board.alone), len(board.ranked)
    ranked = (
        f"{counted(n_ranked, 'run')} in {counted(len(board.groups), 'group')}"
        if board.groups
        else "no two runs are alike in these"
    )
    alone = f", and {counted(n_alone, 'run')} with no other to be ranked with" if n_alone else ""
    return (
        "CHAIR depends on the prompt, on the images and on how long a caption may become, so runs are ranked together "
        f"only where all three are the same: {ranked}{alone if board.groups else ''}."
    )


def group_sentences(group: CaptionGroup) -> list[str]:
    """The sentences about a group, the one about who is first and how sure that is before the others.

    There are none of a single run.
    """
    if group.ranking is None:
        return []
    leaders = _leaders(group.ranking, "coco")
    if not leaders:
        return [f"No run has a CHAIRi: no caption mentions one of {group.annotation}'s objects in English."]
    first = " ".join([*_lead(group, group.ranking, leaders), *_unknown(group)])
    decoding = decoding_sentence({each.name: each.described.run.decoding for each in group.entries})
    return [
        first,
        decoding,
        *_lengths(group, group.ranking, leaders),
        *_corrected(group, group.ranking, leaders),
    ]


def _leaders(ranking: CaptionRanking, basis: Basis) -> list[Standing]:
    return [each for each in ranking.standings[basis] if each.place == 1]


def _chair(standing: Standing) -> str:
    """CHAIRi of a standing, whose sign is turned there."""
    return f"{percent_text(None if standing.value is None else -standing.value)} %"


def _names(standings: list[Standing]) -> str:
    return listed_words([each.model for each in standings])


def _lead(group: CaptionGroup, ranking: CaptionRanking, leaders: list[Standing]) -> Iterator[str]:
    """Who is first, how far ahead, and how sure that is."""
    first = leaders[0]
    if len(leaders) > 1:
        yield f"First by CHAIRi under {group.annotation}'s truth are {_names(leaders)}, a tie at {_chair(first)}."
        return
    second = ranking.standings["coco"][1]
    said = f"First by CHAIRi under {group.annotation}'s truth is {first.model} ({_chair(first)})"
    if second.value is None:
        yield f"{said}; no other run has one."
        return
    yield f"{said}, before {second.model} ({_chair(second)}): {_points(ranking.lead)}."
    n_runs = len(group.entries)
    if n_runs > 2 and first.interval and first.joint_interval:
        alone, joint = places_text(first.interval), places_text(first.joint_interval)
        at_once = "" if alone == joint else f", and {joint} where the ranks of all runs are to hold at once"
        yield f"The 95 % interval of its rank is {alone} of {n_runs} runs{at_once}."


def _points(difference: Estimate) -> str:
    """A difference in points with its interval, and whether chance would do."""
    points = f"{change_text('f1', difference.value)} points"
    if difference.interval is None:
        return f"{points}, of which no interval can be made ({difference.reason})"
    sure = "more than chance" if leaves_out_zero(difference.interval) else "which is within chance"
    return f"{points} (95 % {change_interval_text('f1', difference.interval)}), {sure}"


def _unknown(group: CaptionGroup) -> Iterator[str]:
    """What is not known to be the same in all runs of the group."""
    unknown = [
        *([] if group.knows_prompt else ["what was asked"]),
        *([] if group.max_new_tokens else ["how long captions could become"]),
    ]
    if unknown:
        yield (
            f"It is not known of these runs {listed_words(unknown)}: where that was not the same, it is a part of what "
            "the figures differ by."
        )


def _lengths(group: CaptionGroup, ranking: CaptionRanking, leaders: list[Standing]) -> Iterator[str]:
    """How long captions are, and who is first where all are cut to one length."""
    names = {each.model for each in leaders}
    own = _words([entry for entry in group.entries if entry.name in names])
    others = _words([entry for entry in group.entries if entry.name not in names])
    if own and others:
        yield (
            f"The captions of {_names(leaders)} have {own} words on average, those of the other{_s(group, leaders)} "
            f"{others}."
        )
    if not any(entry.captions.n_longer[ALIKE_WORDS] for entry in group.entries):
        return
    yield from _elsewhere(
        ranking, "first_words", f"In the first {ALIKE_WORDS} words of each caption", leaders
    )


def _s(group: CaptionGroup, leaders: list[Standing]) -> str:
    return "s" if len(group.entries) - len(leaders) > 1 else ""


def _words(entries: list[CaptionEntry]) -> str:
    """The mean lengths of captions, from the shortest to the longest."""
    values = [entry.captions.figures["coco"].estimates["words_per_caption"].value for entry in entries]
    texts = [number_text(value, ".0f") for value in sorted(v for v in values if v is not None)]
    return " to ".join(dict.fromkeys([texts[0], texts[-1]])) if texts else ""


def _elsewhere(ranking: CaptionRanking, basis: Basis, where: str, leaders: list[Standing]) -> Iterator[str]:
    """Who is first in another ranking."""
    first = _leaders(ranking, basis)
    if not first:
        return
    if {each.model for each in first} == {each.model for each in leaders}:
        yield f"{where}, the first {'is' if len(first) == 1 else 'are'} the same ({_chair(first[0])})."
        return
    own = ranking.standing(basis, leaders[0].model)
    beside = f", and {leaders[0].model} has {_chair(own)}" if own and own not in first else ""
    yield f"{where}, first {'is' if len(first) == 1 else 'are'} {_names(first)} ({_chair(first[0])}){beside}."


def _corrected(group: CaptionGroup, ranking: CaptionRanking, leaders: list[Standing]) -> Iterator[str]:
    """Who is first under the corrected truth, and whether the bounds leave that open."""
    if "corrected" not in ranking.standings:
        return
    judged, total = (sum(numbers) for numbers in zip(*(entry.judged for entry in group.entries), strict=True))
    yield from _elsewhere(ranking, "corrected", "Under the corrected truth", leaders)
    yield f"Of the mentions, {percentage(judged, total):g} % have a verdict."
    if _bounds_overlap(group, {each.model for each in _leaders(ranking, "corrected")}):
        yield "The bounds, which allow for all that was not judged, leave open who is first."


def _bounds_overlap(group: CaptionGroup, leaders: set[str]) -> bool:
    """Whether another run may have a lower CHAIRi than the first, by the bounds of both."""
    highest = [
        entry.captions.bounds[FIGURE].highest.value for entry in group.entries if entry.name in leaders
    ]
    lowest = [
        entry.captions.bounds[FIGURE].lowest.value for entry in group.entries if entry.name not in leaders
    ]
    known = (
        [value for value in highest if value is not None],
        [value for value in lowest if value is not None],
    )
    return bool(known[0] and known[1]) and max(known[0]) >= min(known[1])
