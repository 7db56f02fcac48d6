"""Where the command stands among the words of a command line."""

import pytest

from repope_eval.settings.fields import command_place


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("score answers=a", "score"),
        ("--config-dir mine score answers=a", "score"),
        ("--config-dir=mine score", "score"),
        ("-cd mine -m score", "score"),
        ("-c job --package model score", "score"),
        ("--help score", "score"),
        ("--version", None),
        ("--config-dir", None),
        ("--config-dir score", None),
        ("--config-dir mine model=x score", None),  # where it is told that a command goes first
        ("-m model=a,b", None),
        ("--model tiny", None),  # which is a setting, as it is told
        ("+model=tiny score", None),
        ("", None),
    ],
)
def test_options_may_stand_before_a_command(words: str, command: str | None) -> None:
    listed = words.split()
    place = command_place(listed)
    assert (None if place is None else listed[place]) == command
