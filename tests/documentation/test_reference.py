"""The pages of the reference that a program makes are current, and say what the settings records say."""

import dataclasses
import re
from xml.etree import ElementTree

import pytest
from conftest import FAMILY_MODELS, PROJECT

from docs_making.__main__ import REFERENCE, made_files
from docs_making.architecture import layers, purpose
from repope_eval.settings.commands import COMMANDS
from repope_eval.settings.fields import groups_of, told_fields, typed


@pytest.mark.parametrize("name", made_files())
def test_made_files_are_current(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == made_files()[name], "python -m docs_making"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_key_is_in_the_table_with_its_meaning_and_default(command: str) -> None:
    text = made_files()["commands.md"]
    record = COMMANDS[command]
    section = text.partition(f"\n## {command}\n")[2].partition("\n## ")[0]
    assert record.__doc__ is not None
    assert record.__doc__ in section
    for item in told_fields(record):
        key = item.key
        group = key.partition(".")[0]
        table = section if group not in groups_of(record) else text.partition("\n## Keys of a model\n")[2]
        default = "" if item.default is dataclasses.MISSING else typed(item.default)
        start = f"| `{key}` | {item.metadata['help']}"
        lines = [line for line in table.splitlines() if line.startswith(start)]
        assert len(lines) == 1, key
        assert lines[0].endswith(f"| `{default}` |" if default else "| |"), key


def test_a_default_is_shown_as_it_is_typed() -> None:
    text = made_files()["commands.md"]
    assert "| `bench.labels.yes` | table: labels that mean yes | `[yes,true,1]` |" in text
    assert "| `bench.labels.left_out` | table: labels of questions that are left out | `[]` |" in text


def test_every_model_has_its_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", made_files()["models.md"], re.MULTILINE)
    assert set(FAMILY_MODELS) <= set(rows)
    assert "endpoint" not in rows


def test_the_drawing_has_every_layer_with_what_it_says_of_itself() -> None:
    drawing = ElementTree.fromstring(made_files()["architecture.svg"])
    space = "{http://www.w3.org/2000/svg}"
    names = [element.text for element in drawing.iter(f"{space}text")]
    assert names == [name for row in layers() for name in row]
    titles = [element.text for element in drawing.iter(f"{space}title")][1:]
    assert titles == [purpose(name) for row in layers() for name in row]
    folders = {path.parent.name for path in (PROJECT / "repope_eval").glob("*/__init__.py")} - {"demo"}
    assert folders <= set(names)
