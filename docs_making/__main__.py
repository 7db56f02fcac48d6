"""Writes the made files of the documentation anew: python -m docs_making

They are part of the repository, so that they can be read there, and a test says which of them is not current.
"""

from collections.abc import Mapping
from pathlib import Path

from docs_making.architecture import architecture_drawing, architecture_page
from docs_making.reference import commands_page, models_page

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"


def made_files() -> Mapping[str, str]:
    """The text of each made file, by its name in `docs/reference`."""
    return {
        "commands.md": commands_page(),
        "models.md": models_page(),
        "architecture.md": architecture_page(),
        "architecture.svg": architecture_drawing(),
    }


if __name__ == "__main__":
    for name, text in made_files().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
