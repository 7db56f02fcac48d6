"""`python -m repope_eval slurm`: a sweep submitted to a cluster, or shown."""

import shlex
import textwrap
from collections.abc import Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from rich.box import SIMPLE_HEAD
from rich.table import Table

from repope_eval.cluster.submission import prepare, shell_script, submit
from repope_eval.cluster.sweep_plan import Group, plan_sweep, run_words
from repope_eval.reporting.console import print_table, print_text
from repope_eval.settings.composition import group_choices, register
from repope_eval.settings.config import RunSettings, SlurmSettings
from repope_eval.settings.validation import find_mistakes
from repope_eval.settings.words import quoted_texts

_MODELS_WIDTH = 60
"""Of the column of a sweep's models, in characters."""


def execute(settings: SlurmSettings, command: str) -> None:
    """Plans, then submits or shows."""
    hydra = HydraConfig.get()
    words = run_words(hydra.overrides.task)
    given = [
        Path(source.path) for source in hydra.runtime.config_sources if source.provider == "command-line"
    ]
    config_dir = given[0] if given else None

    def mistakes_in(words: Sequence[str]) -> Sequence[str]:
        return find_mistakes(RunSettings, quoted_texts(RunSettings, words, multirun=False), config_dir)

    known = group_choices("model")
    register(RunSettings, config_dir)
    try:
        plan = plan_sweep(settings, words, known, mistakes_in)
    finally:
        register(SlurmSettings, config_dir)  # with -m, another sweep is composed after this one
    options = [] if config_dir is None else ["--config-dir", str(config_dir)]
    submissions = prepare(plan, settings, options)
    _print_groups(plan.groups)
    if settings.dry_run:
        print_text(shell_script(submissions))
        return
    for job, what in submit(submissions):
        print_text(f"{job}: {what}")
    print_text(
        "how far they are: " + shlex.join(["python", "-m", "repope_eval", "status", f"runs={plan.runs}"])
    )


def _print_groups(groups: Sequence[Group]) -> None:
    """What a sweep asks of a cluster: a line for each array."""
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, title="Arrays, and what each of their tasks needs")
    for title in ("tasks", "GPUs", "cores", "memory", "time"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("models")
    for group in groups:
        needs = group.needs
        names = dict.fromkeys(run.model for run in group.runs)
        figures = (len(group.runs), needs.gpus, needs.cpus, needs.memory, needs.time)
        table.add_row(*map(str, figures), textwrap.fill(" ".join(names), _MODELS_WIDTH))
    print_table(table)
