"""A run as a function, for other programs: `repope_eval.evaluate`."""

import logging
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from omegaconf import DictConfig

from repope_eval.errors import InterruptionError, RepopeError
from repope_eval.pipeline import run
from repope_eval.process.ranks import rank_count
from repope_eval.runs.log import close_log
from repope_eval.scoring.scores import Scores
from repope_eval.settings.benchmark_words import spelt_out
from repope_eval.settings.config import RunSettings
from repope_eval.settings.launching import launch_within
from repope_eval.settings.schema import settings_from
from repope_eval.settings.words import words_of

_INTERRUPTED = 130
"""The status of a program that Ctrl-C ended."""


def evaluate(
    model: str,
    bench: str,
    *,
    model_settings: Mapping[str, Any] | None = None,
    bench_settings: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Scores:
    """Asks a model the questions of a benchmark that have no answer yet, and scores it, as the command does.

    The run folder is the command's, `runs/BENCH/MODEL` unless `out` is given: a second call asks nothing anew, and
    loads no model. Nothing is printed; the lines of the run's log go to Python's logger `repope_eval`, too.

    Args:
        model: what follows `model=` on the command line: the name of a configuration file.
        bench: what follows `bench=`; one benchmark.
        model_settings: what follows `model.`: `{"checkpoint": "/models/mine", "dtype": "float32"}`.
        bench_settings: what follows `bench.`: `{"questions": "t.csv", "columns": {"label": "truth"}}`.
        **settings: the others by their keys: `limit=10`, `out="runs/x"`, `protocol="all"`.

    Returns:
        The scores of the run; `to_dict()` is what its `scores.json` holds.

    Raises:
        RepopeError: settings are wrong, a line for each mistake as on the command line; or something else that a user
            can mend. Answers that were stored stay.
        KeyboardInterrupt: Ctrl-C, once the batch in hand is stored; at once where it comes again.
        SystemExit: another signal told the program to end.
    """
    if rank_count() > 1:
        raise RepopeError(
            "evaluate asks with one process; for several, start python -m repope_eval with torchrun"
        )
    groups = {"model": model, "bench": bench}
    others = {"model": model_settings or {}, "bench": bench_settings or {}, **settings}
    words = spelt_out(RunSettings, [*words_of(RunSettings, groups), *words_of(RunSettings, others)])
    command = shlex.join(["python", "-m", "repope_eval", *words])
    found: list[Scores | None] = []

    def execute(composed: Sequence[DictConfig]) -> None:
        found.append(run(settings_from(RunSettings, composed[0]), command, show=lambda _: None))

    with _logged(), _interruptible():
        launch_within(RunSettings, execute, words)
    (scores,) = found
    assert scores is not None, "a single process is the main rank"
    return scores


@contextmanager
def _logged() -> Iterator[None]:
    """Has the run folder's log written, whatever else the program logs."""
    package = logging.getLogger("repope_eval")
    level = package.level
    package.setLevel(min(logging.INFO, package.getEffectiveLevel()))
    try:
        yield
    finally:
        close_log()
        package.setLevel(level)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Turns the error of an interrupted run into what ends other programs."""
    try:
        yield
    except InterruptionError as error:
        if error.exit_status == _INTERRUPTED:
            raise KeyboardInterrupt(str(error)) from error
        raise SystemExit(error.exit_status) from error
