"""`python -m repope_eval fetch`: a model's weights and configuration onto this machine, and nothing else."""

import logging

from repope_eval.quantities import memory_text
from repope_eval.settings.config import FetchSettings
from repope_eval.wording import counted

log = logging.getLogger(__name__)


def execute(settings: FetchSettings, command: str) -> None:
    """Downloads what is missing, checks that the files are whole and of the model's family, and says where they are."""
    from repope_eval.models.checkpoints import find_checkpoint

    find_checkpoint(settings.model.checkpoint, settings.model.revision)  # known without torch
    from repope_eval.models.loading import fetch_whole, read_description

    described = read_description(settings.model)
    files = fetch_whole(described)
    checkpoint = described.checkpoint
    commit = f", commit {checkpoint.commit}" if checkpoint.commit else ""
    log.info(
        "%s is in %s: %s in %s of weights%s",
        checkpoint.name,
        checkpoint.folder,
        memory_text(files.bytes),
        counted(files.number, "file"),
        commit,
    )
