"""`python -m repope_eval slurm`: a sweep submitted to a cluster, or shown."""

import shlex
import textwrap
from collections.abc import Sequence

from hydra.core.hydra_config import HydraConfig

from repope_eval.cluster.submission import prepare, shell_script, submit
from repope_eval.cluster.sweep_plan import Group, plan_sweep, run_words
from repope_eval.reporting.console import print_table, print_text
from repope_eval.reporting.tables import number_field, table, text_field
from repope_eval.settings.composition import group_choices, register
from repope_eval.settings.config import RunSettings, SlurmSettings
from repope_eval.settings.launching import own_folder
from repope_eval.settings.validation import check
from repope_eval.settings.words import quoted_texts

_MODELS_WIDTH = 60
"""Characters of a line of the column of models."""


def execute(settings: SlurmSettings, command: str) -> None:
    """Plans the sweep, then submits it or shows what would be submitted."""
    words = run_words(HydraConfig.get().overrides.task)
    config_dir = own_folder()

    def mistakes_in(words: Sequence[str]) -> Sequence[str]:
        return check(RunSettings, quoted_texts(RunSettings, words, multirun=False), config_dir).mistakes

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
    """Prints what a sweep asks of a cluster: one line for each array."""
    print_table(
        table(
            "Arrays, and what each of their tasks needs",
            [
                number_field("tasks", lambda group: str(len(group.runs))),
                number_field("GPUs", lambda group: str(group.needs.gpus)),
                number_field("cores", lambda group: str(group.needs.cpus)),
                number_field("memory", lambda group: group.needs.memory),
                number_field("time", lambda group: group.needs.time),
                text_field("models", _models),
            ],
            groups,
        ),
        padded=True,
    )


def _models(group: Group) -> str:
    names = dict.fromkeys(run.model for run in group.runs)
    return textwrap.fill(" ".join(names), _MODELS_WIDTH)
