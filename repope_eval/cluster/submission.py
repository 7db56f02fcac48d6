"""Submits a plan to SLURM: an array for each group, and a leaderboard after all of them have ended."""

import hashlib
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from repope_eval.cluster.run_state import FOLDER, announce
from repope_eval.cluster.sweep_plan import Group, SweepPlan, list_text
from repope_eval.errors import RepopeError
from repope_eval.settings.config import SlurmSettings
from repope_eval.settings.named_files import shipped_folder
from repope_eval.system.writing import make_folder, write_text
from repope_eval.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One call of sbatch."""

    what: str
    """A description of what is submitted."""
    environment: Mapping[str, str]
    """Further environment variables of the script; their values may hold commas, at which --export would split."""
    options: tuple[str, ...]
    script: Path
    outs: tuple[Path, ...] = ()
    """The run folders of the tasks of an array."""

    def words(self, after: Sequence[str] = ()) -> list[str]:
        """The command; the job starts after the jobs `after` have ended."""
        dependency = [f"--dependency=afterany:{':'.join(after)}"] if after else []
        return ["sbatch", "--parsable", *dependency, *self.options, str(self.script)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submissions:
    """All calls of sbatch of a sweep."""

    arrays: tuple[Submission, ...]
    report: Submission
    runs: Path
    """The folder that the run folders lie in."""


def prepare(plan: SweepPlan, settings: SlurmSettings, options: Sequence[str] = ()) -> Submissions:
    """Writes the list of each array, and returns what is to be submitted.

    A list is named by its content: tasks of an earlier sweep that still wait have theirs as it was.

    Args:
        options: Hydra's own options, which stand behind the words of every run's command line.

    Raises:
        RepopeError: the folder of runs cannot be written.
    """
    tasks = plan.runs / FOLDER
    make_folder(tasks, "runs", plan.runs)
    told = {"RUNS": str(plan.runs), "PYTHON": sys.executable}
    if settings.setup is not None:
        told["SETUP"] = str(Path(settings.setup).expanduser().absolute())
    overrides = shlex.join([*plan.words, *options])
    site = [f"--{name}={value}" for name in ("partition", "account") if (value := getattr(settings, name))]
    logs = str(tasks).replace("%", "%%")  # sbatch fills in what follows a single %
    return Submissions(
        arrays=tuple(
            _array_submission(group, {**told, "OVERRIDES": overrides}, tasks, (*site, *settings.sbatch), logs)
            for group in plan.groups
        ),
        report=Submission(
            what="leaderboard",
            environment=told,
            options=(f"--output={logs}/report-%j.log", *site, *settings.sbatch),
            script=shipped_folder("slurm") / "report.sbatch",
        ),
        runs=plan.runs,
    )


def _array_submission(
    group: Group, environment: Mapping[str, str], tasks: Path, site: Sequence[str], logs: str
) -> Submission:
    text = list_text(group.runs)
    path = tasks / f"models-{hashlib.sha256(text.encode()).hexdigest()[:8]}.txt"
    write_text(path, text)
    needs = group.needs
    return Submission(
        what=f"array of {len(group.runs)} with {counted(needs.gpus, 'GPU')} each",
        environment={"MODELS": str(path), **environment},
        options=(
            f"--array=0-{len(group.runs) - 1}",
            f"--gres={f'gpu:{needs.gpus}' if needs.gpus else 'none'}",
            f"--cpus-per-task={needs.cpus}",
            f"--mem={needs.memory}",
            f"--time={needs.time}",
            f"--output={logs}/%A_%a.log",
            *site,
        ),
        script=shipped_folder("slurm") / "sweep.sbatch",
        outs=tuple(run.folder(tasks.parent).absolute() for run in group.runs),
    )


def shell_script(submissions: Submissions) -> str:
    """The submissions as lines for a shell."""
    lines, jobs = [], []
    for number, array in enumerate(submissions.arrays, 1):
        lines.append(f"job{number}=$({_environment_words(array)} {shlex.join(array.words())})")
        jobs.append(f"${{job{number}%%;*}}")  # on one of several clusters, sbatch names it after the number
    program, parsable, *rest = submissions.report.words()
    dependency = f'"--dependency=afterany:{":".join(jobs)}"'
    lines.append(
        f"{_environment_words(submissions.report)} {program} {parsable} {dependency} {shlex.join(rest)}"
    )
    return "\n".join(lines)


def _environment_words(submission: Submission) -> str:
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in submission.environment.items())


def submit(submissions: Submissions) -> list[tuple[str, str]]:
    """Submits everything or nothing; returns the number and the description of each job.

    Raises:
        RepopeError: sbatch is missing, or refused; what it had taken before is cancelled. Or all are submitted, and a
            record of their tasks cannot be written.
    """
    jobs: list[tuple[str, str]] = []
    try:
        for array in submissions.arrays:
            jobs.append((_submit_job(array), array.what))
        after = [job for job, _ in jobs]
        jobs.append((_submit_job(submissions.report, after), submissions.report.what))
    except (RepopeError, KeyboardInterrupt):
        _cancel_jobs([job for job, _ in jobs])
        raise
    for array, (job, _) in zip(submissions.arrays, jobs, strict=False):  # the report's is the last
        announce(submissions.runs, job, array.outs)
    return jobs


def _submit_job(submission: Submission, after: Sequence[str] = ()) -> str:
    """Submits a job and returns its number."""
    environment = {**os.environ, **submission.environment}
    exported = environment.get("SBATCH_EXPORT", "ALL")
    if "ALL" not in exported.split(","):  # a site's own choice, which leaves out what the script is told
        kept = [] if exported in ("NONE", "NIL") else [exported]
        environment["SBATCH_EXPORT"] = ",".join([*kept, *submission.environment])
    try:
        ended = subprocess.run(
            submission.words(after), env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise RepopeError(
            "sbatch: no such program here; submit from a machine of the cluster, or see with dry_run=true what would "
            "be submitted"
        ) from error
    if ended.returncode != 0:
        said = " ".join(ended.stderr.split()) or f"exit status {ended.returncode}"
        raise RepopeError(f"{submission.what}: not submitted, and nothing else of this sweep: {said}")
    return ended.stdout.strip().partition(";")[0]


def _cancel_jobs(jobs: Sequence[str]) -> None:
    """Cancels jobs if possible. An error here is ignored, since the user needs to read what sbatch said."""
    if jobs:
        with suppress(FileNotFoundError):
            subprocess.run(["scancel", *jobs], capture_output=True, check=False)
