"""The same answers under every protocol: what each protocol reads, and where they differ."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from repope_eval.records import Answer, Question
from repope_eval.scoring.protocols import PROTOCOLS, Reading, remembering, vlmevalkit_words
from repope_eval.settings.config import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """One response that the protocols read differently."""

    response: str
    n_answers: int
    """The number of questions that it is the answer to."""
    example: tuple[str, str]
    """Image and text of the first of these questions."""
    readings: Mapping[Protocol, Reading]
    reasons: Mapping[Protocol, str]
    """Why each protocol reads it so, in a few words: `has "no" in "snowboard"`."""


def disagreements(answers: Mapping[Question, Answer]) -> tuple[Disagreement, ...]:
    """The responses that at least two protocols read differently, those to the most questions first."""
    by_response: dict[str, list[Answer]] = {}
    for answer in answers.values():
        by_response.setdefault(answer.response, []).append(answer)
    found = []
    for response, same in by_response.items():
        if (readings := unlike_readings(response, PROTOCOLS)) is not None:
            question = same[0].question
            found.append(
                Disagreement(
                    response=response,
                    n_answers=len(same),
                    example=(question.image, question.text),
                    readings=readings,
                    reasons=reasons(response, readings),
                )
            )
    return tuple(sorted(found, key=lambda disagreement: -disagreement.n_answers))


def unparsed(answers: Mapping[Question, Answer], protocol: Protocol) -> tuple[Answer, ...]:
    """The answers in which a protocol finds neither yes nor no, in their order."""
    read = remembering(PROTOCOLS[protocol]).read
    return tuple(answer for answer in answers.values() if read(answer.response) is None)


def read_otherwise(answers: Mapping[Question, Answer], protocol: Protocol) -> dict[Protocol, int]:
    """How many of the answers each of the other protocols reads otherwise than this one."""
    n_each = Counter(answer.response for answer in answers.values())
    own = {response: PROTOCOLS[protocol].read(response) for response in n_each}
    return {
        name: sum(number for response, number in n_each.items() if other.read(response) is not own[response])
        for name, other in PROTOCOLS.items()
        if name != protocol
    }


def unlike_readings(response: str, protocols: Iterable[Protocol]) -> dict[Protocol, Reading] | None:
    """What each of the protocols reads of a response; None where all read it alike."""
    readings = {name: PROTOCOLS[name].read(response) for name in protocols}
    return readings if len(set(readings.values())) > 1 else None


def reasons(response: str, readings: Mapping[Protocol, Reading]) -> dict[Protocol, str]:
    """Why each protocol reads a response so, in a few words: `has "no" in "snowboard"`."""
    return {name: _REASONS[name](response, reading) for name, reading in readings.items()}


def _why_repope(response: str, reading: Reading) -> str:
    if reading is None:
        return 'has neither "yes" nor "no"'
    sought = "yes" if reading else "no"
    word = next(word for word in re.split(r"[^\w'-]+", response.lower()) if sought in word)
    return f'has "{sought}"' if word == sought else f'has "{sought}" in "{word}"'


def _why_pope(response: str, reading: Reading) -> str:
    if reading:
        return "no word of the first sentence is No, no or not"
    words = response.split(".")[0].replace(",", "").split(" ")
    return f'"{next(word for word in words if word in ("No", "no", "not"))}" is a word of the first sentence'


def _why_vlmevalkit(response: str, reading: Reading) -> str:
    if reading is None:
        both = "yes" in vlmevalkit_words(response)
        return 'both "yes" and "no" are words' if both else 'neither "yes" nor "no" is a word'
    return '"yes" is a word and "no" is not' if reading else '"no" is a word and "yes" is not'


def _why_lmms_eval(response: str, reading: Reading) -> str:
    if reading is None:
        return 'is more than "yes" or "no"' if response.strip() else "is empty"
    return f'is "{"yes" if reading else "no"}"'


_REASONS: Mapping[Protocol, Callable[[str, Reading], str]] = {
    "repope": _why_repope,
    "pope": _why_pope,
    "vlmevalkit": _why_vlmevalkit,
    "lmms_eval": _why_lmms_eval,
}
