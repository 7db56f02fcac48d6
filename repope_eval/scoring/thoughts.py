"""Tells an answer from the thought before it, in a text: what a model thinks is no answer."""

import re
from collections.abc import Mapping

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

_WITHOUT_SPECIAL_TOKENS = re.compile(r"analysis.*assistantfinal", re.DOTALL)
"""The channels of gpt-oss where special tokens are left out."""

_CLOSED = re.compile(r"(?:<(\w[\w:.-]*)>.*</\1>|\[(\w+)\].*\[/\2\]|◁(\w+)▷.*◁/\3▷)\s*\S", re.DOTALL)
"""What begins with a tag or a word in brackets that closes before the end."""


def is_thought_alone(text: str) -> bool:
    """Whether a text ends in a thought that has not ended."""
    text = _rest(text)
    return any(text.startswith(opening) and closing not in text for opening, closing in TAGS)


def has_thought(text: str) -> bool:
    """Whether a text has a thought, or a part of one, which is no part of the answer."""
    return is_thought_alone(text) or any(closing in _tagged(text) for _, closing in TAGS)


def answer_in(text: str) -> str:
    """What comes after the thought, or before it where nothing comes after it.

    The whole text is the answer where there is no thought, and there is none where the thought has not ended.
    """
    if not has_thought(text):
        return text
    return "" if is_thought_alone(text) else _rest(text)


def unknown_tag(text: str) -> str | None:
    """The tag that a text begins with and closes before it goes on, as around a thought; None where there is none.

    Such a text is an answer as it is: nobody knows what the tag means.
    """
    text = text.lstrip()
    found = None if has_thought(text) else _CLOSED.match(text)
    if found is None:
        return None
    end = min(found.end(group) for group in (1, 2, 3) if found[group])
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


def _rest(text: str) -> str:
    """What is left of a text without the thoughts that have ended."""
    text = _tagged(text).lstrip()
    for opening, closing in TAGS:
        if closing in text:
            before, _, after = text.rpartition(closing)
            earlier = before.partition(opening)[0] if opening in before else ""
            text = after.lstrip() or earlier.rstrip()
    return text


def _tagged(text: str) -> str:
    """A text in which gpt-oss' channels are those of a thought and of an answer, without the tokens around them."""
    if found := _WITHOUT_SPECIAL_TOKENS.match(text):
        return CHANNELS[1] + text[found.end() :]
    if "<|channel|>" not in text:
        return text
    text = re.sub(r"<\|start\|>assistant", "", text)
    text = re.sub(
        r"<\|channel\|>commentary[^<]{0,200}(?:<\|constrain\|>[^<]{0,200})?<\|message\|>", CHANNELS[0], text
    )
    text = re.sub(r"<\|(?:end|return|call)\|>\s*$", "", text)
    return re.sub(r"<\|end\|>(?:<\|channel\|>final<\|message\|>)?", CHANNELS[1], text)
