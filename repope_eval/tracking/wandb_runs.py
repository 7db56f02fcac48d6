"""Runs passed on to Weights & Biases: its server, or with `WANDB_MODE=offline` files on this machine."""

from repope_eval.errors import RepopeError
from repope_eval.tracking.tracked_run import TrackedRun


def log_run(run: TrackedRun) -> str:
    """Logs one run; its address, or the folder that holds it.

    Raises:
        RepopeError: it is switched off.
        wandb.Error: nobody is logged in, or the server cannot be reached.
    """
    import wandb  # slow to import, and an extra

    # What is sent is what is given here: no console, no code, no command line, nothing of the machine.
    settings = wandb.Settings(
        silent=True,
        console="off",
        save_code=False,
        disable_git=True,
        disable_job_creation=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_disable_stats=True,
        x_save_requirements=False,
    )
    # Silent before it looks for a login: a run that ends at night must not wait at a question.
    wandb.setup(settings)
    with wandb.init(
        project=run.project, name=run.name, config=dict(run.configuration), settings=settings
    ) as logged:
        if logged.disabled:
            raise RepopeError("it is switched off by WANDB_MODE=disabled")
        logged.log(dict(run.figures))
        folder, address = logged.settings.sync_dir, logged.url
    return address or f"{folder} (wandb sync sends it)"
