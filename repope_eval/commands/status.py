"""`python -m repope_eval status`: how far each run of a sweep is."""

import time
from pathlib import Path

from repope_eval.config import StatusSettings
from repope_eval.reporting.console import clear_screen, print_document, print_states
from repope_eval.reporting.state_table import state_document
from repope_eval.sweep.gathering import read_sweep
from repope_eval.timing import now

SETTINGS = StatusSettings


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
