"""How each protocol reads yes or no from an answer's text, and what becomes of the rest.

A reading is True for yes, False for no, and None where the protocol finds neither ("unparsed").
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from repope_eval.settings import config

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
        rule="lower-cased text with “yes” anywhere is a yes, else with “no” anywhere a no; an answer with neither is "
        "in no count",
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
