"""`python -m repope_eval status`: how far each run of a sweep is."""

import dataclasses
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from repope_eval.cluster.run_state import STATES, RunState
from repope_eval.cluster.sweep_plan import read_sweep
from repope_eval.reporting.console import clear_screen, print_document, print_table
from repope_eval.reporting.tables import Table, number_field, table, text_field
from repope_eval.runs.layout import run_title
from repope_eval.settings.command_settings import StatusSettings
from repope_eval.system.environment import now
from repope_eval.system.hub import network_off
from repope_eval.system.output import write
from repope_eval.wording import counted, duration_text

_ENDED_EARLY = ("interrupted", "failed")


@network_off()
def execute(settings: StatusSettings, command: str) -> None:
    """Prints the states once, or every few seconds until no run waits or runs."""
    root = Path(settings.runs).expanduser()
    while True:
        states = read_sweep(root)
        if settings.json:
            print_document(state_document(str(root), now(), states))
        else:
            if settings.watch is not None:
                clear_screen()
            print_states(states)
        if settings.watch is None or not any(state.state in ("waiting", "running") for state in states):
            return
        time.sleep(settings.watch)


def print_states(states: Sequence[RunState]) -> None:
    """Prints a line for each run of a sweep, how runs ended that ended early, and how many are in which state."""
    if states:
        print_table(state_table(states))
    write("".join(f"{line}\n" for line in (*endings(states), summary(states))))


def state_table(states: Sequence[RunState]) -> Table:
    """The table of the runs of a sweep."""
    return table(
        "",
        [
            text_field("model", _run_name),
            text_field("state", _state_text),
            number_field("done", _done_text),
            number_field("questions/s", _rate_text),
            number_field("left", _left_text),
            text_field("host", lambda state: state.host or ""),
            text_field("job", lambda state: state.job or ""),
        ],
        states,
    )


def _state_text(state: RunState) -> str:
    return state.state if state.state in _ENDED_EARLY or not state.line else f"{state.state}, {state.line}"


def _done_text(state: RunState) -> str:
    if state.of is None:
        return f"{state.done:,}" if state.done else ""
    return f"{state.done:,} of {state.of:,}"


def _rate_text(state: RunState) -> str:
    return "" if state.rate is None else f"{state.rate:.2f}" if state.rate < 10 else f"{state.rate:.0f}"


def _left_text(state: RunState) -> str:
    return "" if state.seconds_left is None else duration_text(state.seconds_left)


def endings(states: Sequence[RunState]) -> list[str]:
    """A line for each run that ended early, with what it ended with."""
    return [f"{_run_name(state)} {state.sentence}" for state in states if state.state in _ENDED_EARLY]


def summary(states: Sequence[RunState]) -> str:
    """A line with the number of runs in each state, and the time until the last running one has ended."""
    if not states:
        return "no runs"
    counts = Counter(state.state for state in states)
    parts = ", ".join(f"{counts[name]} {name}" for name in STATES if counts[name])
    left = [state.seconds_left for state in states if state.seconds_left is not None]
    running = f"; what is running has {duration_text(max(left))} left" if left else ""
    return f"{counted(len(states), 'run')}: {parts}{running}"


def state_document(runs: str, at: str, states: Sequence[RunState]) -> dict[str, Any]:
    """The states as a JSON document, with rates in questions per second and times in seconds."""
    counts = Counter(state.state for state in states)
    return {
        "runs": runs,
        "at": at,
        "counts": {name: counts[name] for name in STATES},
        "states": [dataclasses.asdict(state) for state in states],
    }


def _run_name(state: RunState) -> str:
    return run_title(state.model, state.out)
