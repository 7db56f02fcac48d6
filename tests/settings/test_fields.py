"""Where the command stands among the words of a command line, and Hydra's options."""

import pytest
from hydra._internal.utils import get_args_parser

from repope_eval.settings.fields import FLAGS, OPTIONS_WITH_VALUE, REFUSED, command_place


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("score answers=a", "score"),
        ("--config-dir mine score answers=a", "score"),
        ("-cd mine -m score", "score"),
        ("--help score", "score"),
        ("--config-dir", None),
        ("--config-dir score", None),
        ("--config-dir mine model=x score", None),  # where it is told that a command goes first
        ("--model tiny", None),  # which is a setting, as it is told
        ("", None),
    ],
)
def test_options_may_stand_before_a_command(words: str, command: str | None) -> None:
    listed = words.split()
    place = command_place(listed)
    assert (None if place is None else listed[place]) == command


def test_each_option_is_taken_or_refused() -> None:
    """Of those taken it is known whether a value follows, as settings/options.py finds the command behind them."""
    actions = [action for action in get_args_parser()._actions if action.option_strings]
    taken = [action for action in actions if action.dest not in REFUSED]
    assert {action.dest for action in actions} - {action.dest for action in taken} == set(REFUSED)
    alone = {name for action in taken if action.nargs == 0 for name in action.option_strings}
    assert alone == set(FLAGS)
    assert {name for action in taken for name in action.option_strings} - alone == set(OPTIONS_WITH_VALUE)
