"""`report.html`: one self-contained page about a run."""

from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from repope_eval import __version__
from repope_eval.reporting.score_table import COLUMNS, UNDEFINED, score_rows
from repope_eval.scoring.scores import Scores


def render_page(scores: Scores, settings: dict[str, Any], facts: dict[str, Any]) -> str:
    """The page of a run's scores.

    Args:
        scores: what is shown.
        settings: the configuration, by dotted key.
        facts: further lines about the run, by title.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(files(__package__).joinpath("report.html.j2").read_text("utf-8"))
    return template.render(
        version=__version__,
        scores=scores,
        columns=COLUMNS.values(),
        rows=list(score_rows(scores)),
        settings={key: _shown(value) for key, value in settings.items()},
        facts={title: _shown(value) for title, value in facts.items()},
    )


def _shown(value: Any) -> Any:
    """A setting as people write it: lists without brackets, a dash for what is not set."""
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return UNDEFINED if value is None else value
