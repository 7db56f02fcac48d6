"""The page of an annotator: its document, and the files that it asks for."""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined

from repope_eval.annotation.label_file import MOST_NOTE_CHARACTERS

MEDIA_TYPES = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "server.js": "text/javascript",
    "zoom.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
"""The files that the page asks for."""


def page(annotator: str, token: str, *, decides: bool) -> str:
    """The document of the page.

    Args:
        annotator: whose page it is.
        token: goes with each file that the page asks for.
        decides: whether the annotator decides between two others.
    """
    return (
        _environment()
        .get_template("page.html.j2")
        .render(annotator=annotator, token=token, decides=decides, longest_note=MOST_NOTE_CHARACTERS)
    )


def page_file(name: str) -> str:
    """The content of a file of this package."""
    return files(__package__).joinpath(name).read_text("utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(page_file),
    )
