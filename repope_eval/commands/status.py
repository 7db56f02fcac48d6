"""`python -m repope_eval status`: how far each run of a sweep is."""

import dataclasses
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from repope_eval.cluster.gathering import read_sweep
from repope_eval.cluster.run_state import STATES, RunState
from repope_eval.process.output import write
from repope_eval.process.timing import now
from repope_eval.quantities import duration_text
from repope_eval.reporting.console import clear_screen, print_document, print_table
from repope_eval.settings.config import StatusSettings
from repope_eval.wording import counted

STATE_COLUMNS = ("model", "state", "done", "questions/s", "left", "host", "job")


_ENDED_EARLY = ("interrupted", "failed")


def execute(settings: StatusSettings, command: str) -> None:
    """Shows it once, or again and again until nothing waits or runs."""
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
    """A line for each run of a sweep, what those ended with that ended early, and how many are in which state."""
    if states:
        table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
        for title in STATE_COLUMNS:
            table.add_column(title, justify="right" if title in ("done", "questions/s", "left") else "left")
        for state in states:
            table.add_row(*state_row(state))
        print_table(table)
    write("".join(f"{line}\n" for line in (*endings(states), summary(states))))


def state_row(state: RunState) -> tuple[str, ...]:
    """A run's cells, one for each of `STATE_COLUMNS`."""
    answered = f"{state.done:,}" if state.done or state.of is not None else ""
    return (
        _name(state),
        state.state if state.state in _ENDED_EARLY or not state.line else f"{state.state}, {state.line}",
        answered if state.of is None else f"{answered} of {state.of:,}",
        "" if state.rate is None else f"{state.rate:.2f}" if state.rate < 10 else f"{state.rate:.0f}",
        "" if state.seconds_left is None else duration_text(state.seconds_left),
        state.host or "",
        state.job or "",
    )


def endings(states: Sequence[RunState]) -> list[str]:
    """A line for each run that ended early: with what."""
    return [
        f"{_name(state)} {state.state}: {' '.join(state.line.split())}"
        for state in states
        if state.state in _ENDED_EARLY
    ]


def summary(states: Sequence[RunState]) -> str:
    """How many runs are in which state, and how long what is running still takes."""
    if not states:
        return "no runs"
    counts = Counter(state.state for state in states)
    parts = ", ".join(f"{counts[name]} {name}" for name in STATES if counts[name])
    left = [state.seconds_left for state in states if state.seconds_left is not None]
    running = f"; what is running has {duration_text(max(left))} left" if left else ""
    return f"{counted(len(states), 'run')}: {parts}{running}"


def state_document(runs: str, at: str, states: Sequence[RunState]) -> dict[str, Any]:
    """For programs: the same in full, rates in questions a second and times in seconds."""
    counts = Counter(state.state for state in states)
    return {
        "runs": runs,
        "at": at,
        "counts": {name: counts[name] for name in STATES},
        "states": [dataclasses.asdict(state) for state in states],
    }


def _name(state: RunState) -> str:
    """The folder, and the model where the folder is called otherwise."""
    name = state.out if state.out.rpartition("/")[2] == state.model else f"{state.model} ({state.out})"
    return " ".join(name.split())
