"""`python -m repope_eval slurm`: a sweep submitted to a cluster, or shown."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from repope_eval.cluster.submission import prepare, shell_script, submit
from repope_eval.cluster.sweep_plan import plan_sweep, run_words
from repope_eval.composition import register
from repope_eval.config import RunSettings, SlurmSettings
from repope_eval.mistakes import find_mistakes, group_choices
from repope_eval.reporting.console import print_groups, print_text
from repope_eval.typed_words import as_typed

SETTINGS = SlurmSettings


def execute(settings: SlurmSettings, command: str) -> None:
    """Plans, then submits or shows."""
    hydra = HydraConfig.get()
    words = run_words(hydra.overrides.task)
    given = [
        Path(source.path) for source in hydra.runtime.config_sources if source.provider == "command-line"
    ]
    config_dir = given[0] if given else None

    def mistakes_in(words: Sequence[str]) -> Sequence[str]:
        return find_mistakes(RunSettings, as_typed(RunSettings, words, multirun=False), config_dir)

    known = group_choices("model")
    register(RunSettings, config_dir)
    try:
        plan = plan_sweep(settings, words, known, mistakes_in)
    finally:
        register(SlurmSettings, config_dir)  # with -m, another sweep is composed after this one
    options = [] if config_dir is None else ["--config-dir", str(config_dir)]
    submissions = prepare(plan, settings, options)
    print_groups(plan.groups)
    if settings.dry_run:
        print_text(shell_script(submissions))
        return
    for job, what in submit(submissions):
        print_text(f"{job}: {what}")
    print_text(
        "how far they are: " + shlex.join(["python", "-m", "repope_eval", "status", f"runs={plan.runs}"])
    )
