"""A checkpoint's chat template, rendered within bounds: it is a program that somebody else wrote."""

from collections.abc import Callable, Mapping
from pathlib import Path

from repope_eval.errors import RepopeError
from repope_eval.models.fields import first_line
from repope_eval.models.transformers_internals import render_jinja_template
from repope_eval.process.bounded_work import bounded_work

MOST_SECONDS = 5.0
"""The longest that a rendering may compute; it takes milliseconds."""

MOST_BYTES = 2**30
"""The most memory that a rendering may take; a prompt is a few thousand characters."""

MOST_CHARACTERS = 100_000
"""The most characters that a template may put around a text."""


class ChatTemplate:
    """A chat template in Jinja, of which transformers renders one user turn: an image, then a text."""

    def __init__(self, path: Path, template: str, special_tokens: Mapping[str, str]) -> None:
        """
        Args:
            path: file that it is from.
            template: its text.
            special_tokens: role -> token, which it may name.

        Raises:
            RepopeError: it cannot be rendered, or not within the bounds.
        """
        self.path = path
        self._template = template
        self._special_tokens = dict(special_tokens)
        self.render("")

    def render(self, text: str) -> str:
        """Renders the turn, and the opening of the answer.

        Raises:
            RepopeError: the template's expressions fail, or it makes too much of the text.
        """
        content = [{"type": "image"}, {"type": "text", "text": text}]

        def render() -> str:
            (prompt,), _ = render_jinja_template(
                conversations=[[{"role": "user", "content": content}]],
                chat_template=self._template,
                add_generation_prompt=True,
                **self._special_tokens,
            )
            return str(prompt)

        return rendered(self.path, len(text), render)


def rendered(path: Path, given: int, render: Callable[[], str]) -> str:
    """What a template makes of a text, within the bounds, whichever text it is.

    Args:
        path: the template's file.
        given: the characters of what is put into it.
        render: renders it.

    Raises:
        RepopeError: its expressions fail, it takes too much time or memory, or it makes too much of the text.
    """
    try:
        with bounded_work(MOST_SECONDS, MOST_BYTES):
            prompt = str(render())
    except Exception as error:  # its expressions raise whatever they do
        raise RepopeError(f"{path}: the chat template cannot be rendered ({first_line(error)})") from error
    if len(prompt) > given + MOST_CHARACTERS:
        raise RepopeError(
            f"{path}: the chat template makes {len(prompt):,} characters of {given:,}; at most {MOST_CHARACTERS:,} "
            "more are expected"
        )
    return prompt
