"""How answers are read: without the thought before them, as yes or no by each protocol, and where these differ.

A reading is True for yes, False for no, and None where the protocol finds neither ("unparsed").
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from repope_eval.records import Answer, Question
from repope_eval.settings import config
from repope_eval.settings.config import Protocol as ProtocolName
from repope_eval.wording import counted, first_few

CHANNELS = ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>")
"""What stands around a thought of gpt-oss, and of the models made of it."""

TAGS = (
    ("<think>", "</think>"),  # DeepSeek's, Qwen's, GLM's and most others
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),  # Magistral
    ("◁think▷", "◁/think▷"),  # Kimi-VL-Thinking
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A Reasoning
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # OpenThinker
    ("<|channel>thought", "<channel|>"),  # Gemma 4
    CHANNELS,
)
"""What stands around a thought where it is not kept apart from the answer."""

THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")
"""Where a thought that is kept apart from the answer stands: names in servers' messages and response templates."""

THOUGHT_PARTS = ("thinking", "redacted_thinking", "reasoning", "thought")
"""Types of the parts of a message's content that are thoughts."""

_BARE_CHANNELS = re.compile(r"analysis.*assistantfinal", re.DOTALL)
"""The channels of gpt-oss where special tokens are left out."""

_CLOSED = re.compile(r"(?:<(\w[\w:.-]*)>.*</\1>|\[(\w+)\].*\[/\2\]|◁(\w+)▷.*◁/\3▷)\s*\S", re.DOTALL)
"""What begins with a tag or a word in brackets that closes before the end."""


def is_thought_alone(text: str) -> bool:
    """Whether a text ends in a thought that has not ended."""
    text = _text_without_thoughts(text)
    return any(text.startswith(opening) and closing not in text for opening, closing in TAGS)


def has_thought(text: str) -> bool:
    """Whether a text has a thought, or a part of one, which is no part of the answer."""
    return is_thought_alone(text) or any(closing in _tagged_channels(text) for _, closing in TAGS)


def answer_in(text: str) -> str:
    """What comes after the thought, or before it where nothing comes after it.

    The whole text is the answer where there is no thought, and there is none where the thought has not ended.
    """
    if not has_thought(text):
        return text
    return "" if is_thought_alone(text) else _text_without_thoughts(text)


def unknown_tag(text: str) -> str | None:
    """The tag that a text begins with and closes before it goes on, as around a thought; None where there is none.

    Such a text is an answer as it is: nobody knows what the tag means.
    """
    text = text.lstrip()
    match = None if has_thought(text) else _CLOSED.match(text)
    if match is None:
        return None
    end = min(match.end(group) for group in (1, 2, 3) if match[group])
    return text[: end + 1][:80]


def unknown_tags_line(tags: Mapping[str, int]) -> str:
    """What is said of answers that begin with unknown tags, given how many begin with each."""
    named = first_few(
        [f"{tag} {number:,}" for tag, number in sorted(tags.items(), key=lambda item: -item[1])]
    )
    return (
        f"{counted(sum(tags.values()), 'answer', ',')} with a tag first that may hold a thought ({named}): no such tag "
        "is known, so it stands in the answer, and is read with it"
    )


def _text_without_thoughts(text: str) -> str:
    """What is left of a text without the thoughts that have ended."""
    text = _tagged_channels(text).lstrip()
    for opening, closing in TAGS:
        if closing in text:
            before, _, after = text.rpartition(closing)
            earlier = before.partition(opening)[0] if opening in before else ""
            text = after.lstrip() or earlier.rstrip()
    return text


def _tagged_channels(text: str) -> str:
    """A text in which gpt-oss' channels are those of a thought and of an answer, without the tokens around them."""
    if match := _BARE_CHANNELS.match(text):
        return CHANNELS[1] + text[match.end() :]
    if "<|channel|>" not in text:
        return text
    text = re.sub(r"<\|start\|>assistant", "", text)
    text = re.sub(
        r"<\|channel\|>commentary[^<]{0,200}(?:<\|constrain\|>[^<]{0,200})?<\|message\|>", CHANNELS[0], text
    )
    text = re.sub(r"<\|(?:end|return|call)\|>\s*$", "", text)
    return re.sub(r"<\|end\|>(?:<\|channel\|>final<\|message\|>)?", CHANNELS[1], text)


Reading = bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """A rule for reading answers, and how unparsed ones count."""

    read: Callable[[str], Reading]
    unparsed: Literal["dropped", "wrong", "not_yes"]
    """dropped: in no count at all. wrong: in no count, but in accuracy's denominator. not_yes: a missed yes
    where the label is yes, and wrong for accuracy and the true negative rate where it is no."""
    yes_ratio_of: Literal["answers", "labels"] = "answers"
    """Whether the yes ratio is that of the answers or of the labels."""
    rule: str
    """All of it in words, which go on after the protocol's name and a colon."""


def remembering(protocol: Protocol) -> Protocol:
    """The same protocol, which reads each text once, since most answers are one of a few."""
    return replace(protocol, read=cache(protocol.read))


def read_repope(response: str) -> Reading:
    """RePOPE's evaluation: a "yes" anywhere in the lower-cased text is a yes, else a "no" anywhere is a no.

    So "eyes" holds a yes, and "cannot" or "know" a no. Source: `eval_utils.py` of the paper's code.
    """
    text = response.lower()
    if "yes" in text:
        return True
    return False if "no" in text else None


def read_pope(response: str) -> Reading:
    """POPE's evaluation: the first sentence is a no if No, no or not is a word of it, and otherwise a yes.

    Source: `evaluate.py` of the POPE repository. Nothing is unparsed.
    """
    words = response.split(".")[0].replace(",", "").split(" ")
    return not {"No", "no", "not"} & set(words)


def read_vlmevalkit(response: str) -> Reading:
    """VLMEvalKit: yes if "yes" is a word and "no" is not, no the other way round, after cleaning punctuation."""
    words = vlmevalkit_words(response)
    if ("yes" in words) == ("no" in words):
        return None
    return "yes" in words


def vlmevalkit_words(response: str) -> set[str]:
    """The lower-cased words of a response as VLMEvalKit cleans it."""
    return set(_without_punctuation(response.lower()).split())


def read_lmms_eval(response: str) -> Reading:
    """lmms-eval: the whole text, lower-cased and stripped, is "yes" or "no"."""
    return {"yes": True, "no": False}.get(response.lower().strip())


_MARKS = ';/[]"{}()=+\\_-><@`,?!'
_THOUSANDS = re.compile(r"\d,\d")
_FULL_STOP = re.compile(r"(?<!\d)\.|\.(?!\d)")


def _without_punctuation(text: str) -> str:
    """Marks beside a space anywhere in the text, or in a text with `1,000`, vanish; others become a space."""
    cleaned = text
    thousands = _THOUSANDS.search(text) is not None
    for mark in _MARKS:
        beside_space = f"{mark} " in text or f" {mark}" in text
        cleaned = cleaned.replace(mark, "" if beside_space or thousands else " ")
    return _FULL_STOP.sub("", cleaned)


PROTOCOLS: Mapping[config.Protocol, Protocol] = {
    "repope": Protocol(
        read=read_repope,
        unparsed="dropped",
        rule="lower-cased text with “yes” anywhere is a yes, else with “no” anywhere a no; other answers are "
        "excluded",
    ),
    "pope": Protocol(
        read=read_pope,
        unparsed="dropped",
        rule="“No”, “no” or “not” as a word of the first sentence is a no, all else a yes",
    ),
    "vlmevalkit": Protocol(
        read=read_vlmevalkit,
        unparsed="not_yes",
        rule="“yes” as a word and “no” not, or the reverse, after punctuation is cleaned; an answer with neither or "
        "both is a missed yes, or a wrong no",
    ),
    "lmms_eval": Protocol(
        read=read_lmms_eval,
        unparsed="wrong",
        yes_ratio_of="labels",
        rule="the whole text is “yes” or “no”, in any case; any other answer is wrong for accuracy and in no other "
        "count, so that accuracy is over all answers, and the yes ratio is that of the labels",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """One response that the protocols read differently."""

    response: str
    n_answers: int
    """The number of questions that it is the answer to."""
    example: tuple[str, str]
    """Image and text of the first of these questions."""
    readings: Mapping[ProtocolName, Reading]
    reasons: Mapping[ProtocolName, str]
    """Why each protocol reads it so, in a few words: `has "no" in "snowboard"`."""


def disagreements(answers: Mapping[Question, Answer]) -> tuple[Disagreement, ...]:
    """The responses that at least two protocols read differently, those to the most questions first."""
    by_response: dict[str, list[Answer]] = {}
    for answer in answers.values():
        by_response.setdefault(answer.response, []).append(answer)
    responses = []
    for response, same in by_response.items():
        if (readings := unlike_readings(response, PROTOCOLS)) is not None:
            question = same[0].question
            responses.append(
                Disagreement(
                    response=response,
                    n_answers=len(same),
                    example=(question.image, question.text),
                    readings=readings,
                    reasons=reasons(response, readings),
                )
            )
    return tuple(sorted(responses, key=lambda disagreement: -disagreement.n_answers))


def unparsed(answers: Mapping[Question, Answer], protocol: ProtocolName) -> tuple[Answer, ...]:
    """The answers in which a protocol finds neither yes nor no, in their order."""
    read = remembering(PROTOCOLS[protocol]).read
    return tuple(answer for answer in answers.values() if read(answer.response) is None)


def read_otherwise(answers: Mapping[Question, Answer], protocol: ProtocolName) -> dict[ProtocolName, int]:
    """How many of the answers each of the other protocols reads otherwise than this one."""
    n_each = Counter(answer.response for answer in answers.values())
    own = {response: PROTOCOLS[protocol].read(response) for response in n_each}
    return {
        name: sum(number for response, number in n_each.items() if other.read(response) is not own[response])
        for name, other in PROTOCOLS.items()
        if name != protocol
    }


def unlike_readings(response: str, protocols: Iterable[ProtocolName]) -> dict[ProtocolName, Reading] | None:
    """What each of the protocols reads of a response; None where all read it alike."""
    readings = {name: PROTOCOLS[name].read(response) for name in protocols}
    return readings if len(set(readings.values())) > 1 else None


def reasons(response: str, readings: Mapping[ProtocolName, Reading]) -> dict[ProtocolName, str]:
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


_REASONS: Mapping[ProtocolName, Callable[[str, Reading], str]] = {
    "repope": _why_repope,
    "pope": _why_pope,
    "vlmevalkit": _why_vlmevalkit,
    "lmms_eval": _why_lmms_eval,
}
