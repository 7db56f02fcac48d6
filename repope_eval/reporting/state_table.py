"""The states of a sweep's runs as rows of text, as a summary and as a JSON document."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

from repope_eval.sweep.run_state import STATES, RunState
from repope_eval.wording import counted

STATE_COLUMNS = ("model", "state", "done", "questions/s", "left", "host", "job")


_ENDED_EARLY = ("interrupted", "failed")


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


def duration_text(seconds: float) -> str:
    """`0.4 s`, `45 s`, `12 min`, `3 h 05 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def _name(state: RunState) -> str:
    """The folder, and the model where the folder is called otherwise."""
    name = state.out if state.out.rpartition("/")[2] == state.model else f"{state.model} ({state.out})"
    return " ".join(name.split())
