"""From the words of a command line to the call of a command, once or once for each run of a sweep."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from repope_eval.composition import CONFIG_NAME, named, register
from repope_eval.errors import RepopeError
from repope_eval.mistakes import find_mistakes


def launch(record: type, execute: Callable[[DictConfig], None], words: Sequence[str]) -> None:
    """Checks the words of a command line, then has Hydra call `execute` once, or once a job of a sweep.

    Raises:
        RepopeError: something is wrong with the words; a line for each mistake.
    """
    options = _options(words)
    config_dir = Path(options.config_dir).absolute() if options.config_dir else None
    if config_dir is not None and not config_dir.is_dir():
        raise RepopeError(f"--config-dir {config_dir}: no such folder")
    register(record, config_dir)
    mistakes = find_mistakes(record, options.overrides, config_dir, multirun=options.multirun)
    if mistakes:
        raise RepopeError("\n".join(mistakes))

    def execute_named(composed: DictConfig) -> None:
        execute(named(record, composed, HydraConfig.get().runtime.choices))

    # Of a function of a module, Hydra takes the package's folders for groups: `models=FILE` would choose of one.
    execute_named.__module__ = "__main__"
    sys.argv[1:] = words
    hydra.main(version_base="1.3", config_path=None, config_name=CONFIG_NAME)(execute_named)()


@contextmanager
def told_by_launcher() -> Iterator[None]:
    """What submitit raises where it does not queue a job again: by its signal handler, wherever the run is then.

    Raises:
        RepopeError: in its place.
    """
    try:
        yield
    except Exception as error:
        if type(error).__name__ != "UncompletedJobError":
            raise
        raise RepopeError(
            f"{str(error).rstrip('.')}; the same command goes on from the answers so far, and with "
            "hydra.launcher.max_num_timeout=9 a job queues itself again so often"
        ) from error


def _options(words: Sequence[str]) -> argparse.Namespace:
    def refuse(message: str) -> NoReturn:
        raise RepopeError(f"{message} (--help shows what can be given)")

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]  # argparse's own prints its usage and exits with 2
    return parser.parse_args(list(words))
