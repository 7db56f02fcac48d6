"""The environment of the templates of pages. Values in a page are text unless they were made as markup."""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from repope_eval import __version__
from repope_eval.wording import counted, visible

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""Replaces characters that no page may hold."""
SCRIPTS = ("page.js", "enlarging.js", "heatmaps.js")
"""The files of what a page runs, one after another."""
STYLES = ("page.css", "heatmaps.css")
"""The files of how a page looks, one after another."""

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Control characters, which HTML and XML forbid, and lone surrogates, which no encoding can write."""


def printable(text: str) -> str:
    """The text without the characters that a page or a figure cannot hold."""
    return _UNPRINTABLE.sub(REPLACEMENT, text)


def one_line(text: str) -> str:
    """The text on one line, with an escape for each character that no text file may hold or that nobody sees."""
    return visible(printable(" ".join(text.split())))


def render(template: str, **context: Any) -> str:
    """Fills in the template of that file name in this package.

    Every value is escaped, and stripped of what a page cannot hold; markup is only what comes as `Markup`.
    """
    return _environment().get_template(template).render(**context)


@cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_source_text),
        finalize=_finalized_value,
    )
    script = "\n".join(map(_source_text, SCRIPTS))
    environment.globals |= {
        "version": __version__,
        "counted": counted,
        "style": Markup("".join(map(_source_text, STYLES))),
        "script": Markup(script),
        # What a browser may run is this one script: its text is named, and no other is.
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }
    return environment


def _source_text(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _finalized_value(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
