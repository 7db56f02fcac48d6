import re

import pytest

from repope_eval.commands.help import SETTINGS_TITLE, help_page
from repope_eval.settings.commands import COMMANDS
from repope_eval.settings.fields import groups_of, told_fields, typed
from repope_eval.settings.named_files import choices


@pytest.mark.parametrize("command", COMMANDS)
def test_page_fits_a_terminal_of_100_columns(command: str) -> None:
    assert max(len(line) for line in help_page(command, COMMANDS).splitlines()) <= 100


@pytest.mark.parametrize("command", COMMANDS)
def test_page_has_every_key_with_what_it_may_be(command: str) -> None:
    record = COMMANDS[command]
    page = help_page(command, COMMANDS)
    _, _, settings = page.partition("Settings, given as key=value")
    for field in told_fields(record):
        key = field.key
        _, found, entry = settings.partition(f"\n  {key} ")
        assert found, key
        entry = entry.partition("]\n")[0]
        assert all(word in entry for word in field.allowed), key


@pytest.mark.parametrize("command", COMMANDS)
def test_page_lists_the_configuration_files(command: str) -> None:
    page = " ".join(help_page(command, COMMANDS).split())
    for group, choice in groups_of(COMMANDS[command]).items():
        assert f"{group}=NAME [{choice or 'null'}] {', '.join(choices(group))}" in page


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_own_keys_come_before_those_of_its_groups(command: str) -> None:
    record = COMMANDS[command]
    _, _, settings = help_page(command, COMMANDS).partition(SETTINGS_TITLE)
    keys = {field.key for field in told_fields(record)}
    order = [key for key in re.findall(r"^  (\S+) ", settings, re.MULTILINE) if key in keys]
    assert sorted(order) == sorted(keys)
    groups = [key.partition(".")[0] in groups_of(record) for key in order]
    assert groups == sorted(groups)


def test_the_keys_of_a_group_follow_its_names() -> None:
    page = help_page("score", COMMANDS)
    settings, names, keys = page.partition("\nbench=NAME [demo]\n")
    assert names
    assert (
        f"{SETTINGS_TITLE}\n  bench                       which benchmark; names are below [demo]\n"
        in settings
    )
    assert "\n  answers " in settings
    assert "bench." not in settings
    assert keys.startswith("  amber, ")
    assert "table\n\n  bench.name " in keys


def test_the_keys_that_a_command_has_from_another_come_last() -> None:
    page = help_page("slurm", COMMANDS)
    assert page.index("\n  models ") < page.index("\n  dry_run ") < page.index("\n  engine ")


def test_first_page_says_what_each_command_does() -> None:
    page = help_page("run", COMMANDS)
    for command, record in COMMANDS.items():
        if command != "run":
            assert f"  {command:<10}{record.__doc__}" in page


def test_required_keys_are_marked() -> None:
    page = " ".join(help_page("build", COMMANDS).split())
    assert page.startswith(
        "python -m repope_eval build objects=... images=... variant=... out=... [key=value"
    )
    assert page.count("[required]") == 4
    assert "seed of the drawing of images and objects [0]" in page


def test_values_are_shown_as_they_are_written() -> None:
    page = " ".join(help_page("run", COMMANDS).split())
    assert "only the first so many images; null: all [null]" in page
    assert "false: refuse a folder that has some [true]" in page
    assert "[runs/${bench.name}/${model.name}]" in page
    assert "labels that mean yes [[yes,true,1]]" in page
    assert "labels of questions that are left out [[]]" in page


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "true"),
        (2, "2"),
        ((), "[]"),
        (("yes", "1"), "[yes,1]"),
        ([None, False], "[null,false]"),
    ],
)
def test_a_value_is_written_as_it_is_typed(value: object, words: str) -> None:
    assert typed(value) == words
