"""`python -m repope_eval build`: construct POPE questions from lists of the objects in images."""

import logging
from pathlib import Path

from repope_eval.benchmarks.construction import construct, read_object_lists
from repope_eval.benchmarks.pope_file import write_rows
from repope_eval.settings.command_settings import BuildSettings
from repope_eval.system.writing import refuse_existing
from repope_eval.wording import counted

log = logging.getLogger(__name__)


def execute(settings: BuildSettings, command: str) -> None:
    """Reads object lists, constructs questions about them, and writes the questions."""
    objects, out = Path(settings.objects).expanduser(), Path(settings.out).expanduser()
    refuse_existing(out, settings.out, [objects])
    pool = read_object_lists(objects)
    rows = construct(pool, images=settings.images, variant=settings.variant, seed=settings.seed)
    write_rows(out, rows)
    log.info(
        "%s has %s about %s",
        settings.out,
        counted(len(rows), f"{settings.variant} question"),
        counted(settings.images, "image"),
    )
