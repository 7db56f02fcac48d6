"""`python -m repope_eval slurm`: a sweep submitted to a cluster, or shown."""

import shlex
import textwrap
from collections.abc import Sequence

from hydra.core.hydra_config import HydraConfig

from repope_eval.cluster.submission import Submissions, prepare, shell_script, submit
from repope_eval.cluster.sweep_plan import Group, SweepPlan, plan_sweep, run_words
from repope_eval.errors import RepopeError
from repope_eval.reporting.console import print_table, print_text
from repope_eval.reporting.tables import number_field, table, text_field
from repope_eval.settings.composition import group_choices, register
from repope_eval.settings.config import RunSettings, SlurmSettings
from repope_eval.settings.launching import bench_words, own_folder
from repope_eval.settings.validation import check
from repope_eval.settings.words import quoted_texts

_MODELS_WIDTH = 60
"""Characters of a line of the column of models."""


def execute(settings: SlurmSettings, command: str) -> None:
    """Plans the sweep, then submits it or shows what would be submitted."""
    execute_together([settings], command)


def execute_together(settings: Sequence[SlurmSettings], command: str) -> None:
    """As `execute`, for several benchmarks: each has arrays, a folder and a leaderboard of its own.

    Raises:
        RepopeError: something is wrong with one of them, and nothing is submitted; or sbatch refused one, and those
            before it stay submitted.
    """
    if len({each.runs for each in settings}) < len(settings):
        raise RepopeError(
            f"runs={settings[0].runs}: is one folder for {len(settings)} benchmarks, each of which needs its own; "
            "leave runs= away, or name the benchmark in it: runs='runs/${bench.name}'"
        )
    prepared = [_prepared_sweep(each) for each in settings]
    for each, (plan, submissions) in zip(settings, prepared, strict=True):
        _print_groups(each.bench.name, plan.groups)
        if each.dry_run:
            print_text(shell_script(submissions))
            continue
        for job, what in submit(submissions):
            print_text(f"{job}: {what}")
        status = ["python", "-m", "repope_eval", "status", f"runs={plan.runs}"]
        print_text(f"how far they are: {shlex.join(status)}")


def _prepared_sweep(settings: SlurmSettings) -> tuple[SweepPlan, Submissions]:
    """The plan of a benchmark's sweep, and what is to be submitted."""
    bench, *_ = bench_words(settings.bench.name)
    typed = HydraConfig.get().overrides.task
    words = run_words([bench if word.startswith("bench=") else word for word in typed])
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
    return plan, prepare(plan, settings, options)


def _print_groups(bench: str, groups: Sequence[Group]) -> None:
    """Prints what a sweep asks of a cluster: one line for each array."""
    print_table(
        table(
            f"Arrays of {bench}, and what each of their tasks needs",
            [
                number_field("tasks", lambda group: str(len(group.runs))),
                number_field("GPUs", lambda group: str(group.needs.gpus)),
                number_field("cores", lambda group: str(group.needs.cpus)),
                number_field("memory", lambda group: group.needs.memory),
                number_field("time", lambda group: group.needs.time),
                text_field("models", _model_names),
            ],
            groups,
        ),
        padded=True,
    )


def _model_names(group: Group) -> str:
    names = dict.fromkeys(run.model for run in group.runs)
    return textwrap.fill(" ".join(names), _MODELS_WIDTH)
