"""A checkpoint's chat template, rendered within bounds: it is a program that somebody else wrote."""

import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psutil

from repope_eval.errors import RepopeError
from repope_eval.models.fields import first_line
from repope_eval.models.transformers_internals import render_jinja_template

MOST_SECONDS = 5.0
"""The longest that a template's first rendering may take; it takes milliseconds."""

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
        with bounded_rendering():
            self.render("")

    def render(self, text: str) -> str:
        """Renders the turn, and the opening of the answer.

        Raises:
            RepopeError: the template's expressions fail, or it makes too much of the text.
        """
        content = [{"type": "image"}, {"type": "text", "text": text}]
        try:
            (prompt,), _ = render_jinja_template(
                conversations=[[{"role": "user", "content": content}]],
                chat_template=self._template,
                add_generation_prompt=True,
                **self._special_tokens,
            )
        except Exception as error:  # its expressions raise whatever they do
            raise RepopeError(f"{self.path}: cannot be rendered ({first_line(error)})") from error
        if len(prompt) > len(text) + MOST_CHARACTERS:
            raise RepopeError(
                f"{self.path}: makes {len(prompt):,} characters of {len(text):,}; at most {MOST_CHARACTERS:,} more "
                "are expected"
            )
        return str(prompt)


@contextmanager
def bounded_rendering() -> Iterator[None]:
    """Raises an exception in what takes longer than `MOST_SECONDS`, or more memory than `MOST_BYTES`.

    Only the main thread receives signals, and only Linux limits memory: elsewhere nothing is bounded.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        yield
        return
    import resource  # which other systems do not have

    def refuse(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"takes longer than {MOST_SECONDS:g} s")

    before = signal.signal(signal.SIGALRM, refuse)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = psutil.Process().memory_info().vms + MOST_BYTES
    try:
        if soft == resource.RLIM_INFINITY or wanted < soft:
            resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
        signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGALRM, before)
