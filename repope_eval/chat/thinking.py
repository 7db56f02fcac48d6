"""Tells a model's answer from its thoughts: what lies in the thinking part is no answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from repope_eval.models.description import TOKENIZER_CONFIG
from repope_eval.models.fields import blamed_on
from repope_eval.scoring.thoughts import TAGS, THOUGHT_FIELDS, unknown_tag


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """What is an answer in what a model generated."""

    response: str
    """The text after the thoughts, special tokens left out; empty where there is none."""
    first: int | None
    """The index of its first token that is more than white space; None where there is none, or it is unknown."""
    is_cut: bool = False
    """Whether the model was still thinking when it ended: there is no answer."""
    unknown_tag: str | None = None
    """The tag around what may be a thought, and stands in the answer as far as its tokens are no special ones."""


class AnswerReader:
    """Reads answers by a checkpoint's response template, or else by the tags around thoughts."""

    def __init__(self, tokenizer: Any, folder: Path) -> None:
        """Looks for a response template in the tokenizer, whose files are in a folder.

        Raises:
            RepopeError: there is one, and transformers cannot use it.
        """
        self._tokenizer = tokenizer
        self._has_template = getattr(tokenizer, "response_template", None) is not None
        if self._has_template:
            with blamed_on(f"{folder / TOKENIZER_CONFIG}: response_template"):
                tokenizer.parse_response("", prefix="")
        self._tags = _tags(getattr(tokenizer, "response_template", None))

    def read(self, token_ids: Sequence[int], prompt: str) -> ReadAnswer:
        """Reads the answer in generated tokens.

        Args:
            token_ids: what was generated.
            prompt: the whole prompt as text, in which a template may have opened the thoughts.
        """
        text = self._tokenizer.decode(list(token_ids), skip_special_tokens=False)
        closing = next((closing for _, closing in self._tags if closing in text), None)
        if closing is not None:
            return self._answer(token_ids, self._end_of_thoughts(token_ids, closing), text, prompt)
        is_opened = any(
            prompt.rstrip().endswith(opening.rstrip()) or text.lstrip().startswith(opening)
            for opening, _ in self._tags
        )
        if is_opened:
            return ReadAnswer("", None, is_cut=True)
        found = self._answer(token_ids, 0, text, prompt)
        return replace(found, unknown_tag=unknown_tag(text))

    def _answer(self, token_ids: Sequence[int], start: int, text: str, prompt: str) -> ReadAnswer:
        """The answer whose tokens begin at an index."""
        if self._has_template:
            message = self._tokenizer.parse_response(text, prefix=prompt)
            response = str(message.get("content") or "")
        else:
            response = self._decode(token_ids[start:])
            response = response.lstrip() if start else response
        worded = (
            index
            for index in range(start, len(token_ids))
            if self._decode(token_ids[index : index + 1]).strip()
        )
        return ReadAnswer(response, next(worded, None) if start else 0)

    def _end_of_thoughts(self, token_ids: Sequence[int], closing: str) -> int:
        """How many tokens it takes until the end of the thoughts is whole."""
        low, high = 0, len(token_ids)
        while low < high:
            middle = (low + high) // 2
            if closing in self._tokenizer.decode(list(token_ids[:middle]), skip_special_tokens=False):
                high = middle
            else:
                low = middle + 1
        return low

    def _decode(self, token_ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(token_ids), skip_special_tokens=True))


def _tags(template: Any) -> Sequence[tuple[str, str]]:
    """What thoughts stand between: by a response template, as far as it says so in plain texts, or as models write."""
    fields = template.get("fields", {}) if isinstance(template, Mapping) else {}
    for name in THOUGHT_FIELDS:
        field = fields.get(name, {})
        opening, closing = field.get("open"), field.get("close")
        if isinstance(opening, str) and isinstance(closing, str):
            return [(opening, closing)]
    return TAGS
