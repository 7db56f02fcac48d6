"""`python -m repope_eval fetch`: a model's weights and configuration onto this machine, and nothing else."""

import logging

from repope_eval.settings.command_settings import FetchSettings
from repope_eval.wording import counted, memory_text

log = logging.getLogger(__name__)


def execute(settings: FetchSettings, command: str) -> None:
    """Downloads what is missing, checks that the files are whole and of the model's family, and says where they are."""
    from repope_eval.models.families import checkpoint_of

    checkpoint = checkpoint_of(settings.model)  # a mistake in the name is said before torch is imported
    from repope_eval.asking.chat.loading import describe_network
    from repope_eval.models.merging import read_changes
    from repope_eval.models.networks import fetch_whole

    described = describe_network(settings.model, checkpoint)
    files = fetch_whole(described)
    changes = read_changes(checkpoint, described.network)
    log.info(
        "%s is in %s: %s in %s of weights%s",
        checkpoint.name,
        checkpoint.folder,
        memory_text(files.bytes),
        counted(files.number, "file"),
        _commit_words(checkpoint.commit),
    )
    if adapter := checkpoint.adapter:
        log.info(
            "%s is in %s: it changes %s%s",
            adapter.name,
            adapter.folder,
            counted(len(changes), "tensor"),
            _commit_words(adapter.commit),
        )


def _commit_words(commit: str | None) -> str:
    return f", commit {commit}" if commit else ""
