"""Asking the embedded model: in this process, or by two processes as a launcher starts them."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from repope_eval.benchmarks.demo import DEMO_FOLDER
from repope_eval.errors import RepopeError
from repope_eval.inference.asker import group_by_image
from repope_eval.records import Answer, Question
from repope_eval.runs.answer_store import read_answers
from repope_eval.settings.config import Engine, ModelSettings

LAUNCHER = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
"""What starts two processes of one run."""

LONGEST_SECONDS = 120
"""How long two processes may take; they take about ten seconds."""

_OF_LAUNCHER = re.compile(r"[IWE]\d{4} ")
"""How a line of the launcher's own begins; one with an E begins its report of a process that failed."""


def ask(model: ModelSettings, engine: Engine, device: str, questions: Sequence[Question]) -> list[Answer]:
    """Loads a model in this process and asks it about images of the embedded benchmark.

    Raises:
        RepopeError: it cannot be loaded or asked; libraries raise their own errors, too.
    """
    from repope_eval.inference.batches import TransformersAsker
    from repope_eval.models.loading import load_model
    from repope_eval.models.placement import choose_device

    asker = TransformersAsker(
        load_model(model, choose_device(device)),
        engine=engine,
        batch_size="4",
        workers="auto",
        max_new_tokens=model.max_new_tokens,
    )
    paths = {question.image: DEMO_FOLDER / "images" / question.image for question in questions}
    images = asker.in_order(group_by_image(questions, paths))
    return [answer for answers in asker.ask(images) for answer in answers]


def ask_by_two_processes(device: str, images: int) -> tuple[Answer, ...]:
    """Has two processes, each with a GPU of its own, ask about the first images of the embedded benchmark.

    Raises:
        RepopeError: they failed, or took too long.
    """
    with TemporaryDirectory(prefix="repope_eval_check_") as folder:
        run = Path(folder) / "run"
        words = ["-m", "repope_eval", f"device={device}", f"limit={images}", f"out={run}"]
        with subprocess.Popen(
            [*LAUNCHER, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                _, errors = process.communicate(timeout=LONGEST_SECONDS)
            except BaseException as error:
                process.terminate()  # the launcher ends its processes
                if isinstance(error, subprocess.TimeoutExpired):
                    raise RepopeError(f"not done within {LONGEST_SECONDS} seconds") from error
                raise
        if process.returncode:
            raise RepopeError(_last_said(errors) or f"ended with exit status {process.returncode}")
        return read_answers(run / "answers.jsonl")


def _last_said(errors: str) -> str:
    """The last line that one of the processes wrote before the launcher's report of its failure."""
    said = re.split(r"^E\d{4} ", errors, maxsplit=1, flags=re.MULTILINE)[0].splitlines()
    return next((line for line in reversed(said) if line.strip() and not _OF_LAUNCHER.match(line)), "")
