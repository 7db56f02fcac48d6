"""`python -m repope_eval annotate`: a page on which a person labels questions, or decides between two others."""

import logging
import os
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import Timeout

from repope_eval.benchmarks.images import locate_images
from repope_eval.errors import InterruptionError, RepopeError
from repope_eval.records import Label, Question
from repope_eval.relabelling.guideline import GUIDELINE, read_guideline
from repope_eval.relabelling.label_file import Disputes, LabelFile, read_disputes
from repope_eval.relabelling.queue import blind_order, read_questions
from repope_eval.relabelling.session import Session
from repope_eval.settings.command_settings import AnnotateSettings, EstimateSettings
from repope_eval.settings.config import listed
from repope_eval.settings.named_files import named_folder
from repope_eval.system.folders import hold, named_holder
from repope_eval.system.hub import network_off
from repope_eval.system.output import write
from repope_eval.system.writing import is_same_file, make_folder
from repope_eval.wording import counted, first_few, installing_extra

if TYPE_CHECKING:  # it computes, and who only labels needs nothing of it
    from repope_eval.relabelling.narrowing import Narrowing

PATIENCE = 1.0
"""Seconds to wait for a program that has the annotator's file and may be ending."""

PACKAGES = ("starlette", "uvicorn")
"""Packages of the extra `repope-eval[annotate]`."""

log = logging.getLogger(__name__)


def execute(settings: AnnotateSettings, command: str) -> None:
    """Serves the page until the program is ended.

    Raises:
        RepopeError: a file, folder or port cannot be used, or another program has the annotator's file.
        InterruptionError: a signal ended the program, as one always does; says what is stored and how to go on.
    """
    _require_packages()
    names = (*listed(settings.questions), *settings.annotators, *listed(settings.guideline))
    inputs = [Path(name).expanduser() for name in names]
    out = Path(settings.out).expanduser()
    _refuse_an_input(settings, out, inputs)
    guideline = read_guideline(Path(settings.guideline).expanduser()) if settings.guideline else GUIDELINE
    asked, known, disputes = _questions_asked(settings)
    narrowing = _narrowing(settings)
    images = _images_there(settings, asked)
    with _held_file(settings, out):
        file = LabelFile(out, settings.annotator, known)
        shown = blind_order((question for question in asked if question.image in images), settings.annotator)
        views = disputes.views if disputes else {}
        num_skipped = len(asked) - len(shown)
        session = Session(shown, images, file, views, guideline=guideline, num_skipped=num_skipped)
        with _telling(session, narrowing):
            _serve_page(settings, session, command)


def _require_packages() -> None:
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise RepopeError(f"annotate needs {' and '.join(missing)}: {installing_extra('annotate')}")


def _refuse_an_input(settings: AnnotateSettings, out: Path, inputs: Sequence[Path]) -> None:
    if any(out == source or is_same_file(out, source) for source in inputs):
        raise RepopeError(f"out={settings.out}: is one of the files to be read; choose another out=")


def _questions_asked(
    settings: AnnotateSettings,
) -> tuple[Sequence[Question], Sequence[Question], Disputes | None]:
    """The questions to be asked, those that the annotator's file may be about, and what a decider decides."""
    paths = [Path(name).expanduser() for name in listed(settings.questions)]
    questions = read_questions(paths) if paths else None
    if not settings.decide:
        if settings.annotators:
            raise RepopeError(
                "annotators=: only a person who decides sees others' labels; give decide=true as well"
            )
        if questions is None:
            raise RepopeError(
                "questions=: which questions? Give a file of them, such as the queue.jsonl of `audit`"
            )
        return questions, questions, None
    if len(settings.annotators) != 2:
        raise RepopeError(
            "decide=true: between whom? Give two people's files, annotators=[first.jsonl,second.jsonl]"
        )
    disputes = read_disputes(
        [Path(name).expanduser() for name in settings.annotators], questions, settings.annotator
    )
    return list(disputes.views), [*disputes.labelled, *(questions or ())], disputes


def _images_there(settings: AnnotateSettings, asked: Sequence[Question]) -> Mapping[str, Path]:
    """The files of the images; says which are missing."""
    folder = named_folder("images", settings.images)
    images, missing = locate_images((question.image for question in asked), [folder])
    skipped = sum(question.image not in images for question in asked)
    if not images:
        raise RepopeError(
            f"images={settings.images}: holds none of the {counted(len(missing), 'image')} of the questions, first "
            f"{missing[0]}; name the folder that they lie in"
        )
    log.info("%s about %s", counted(len(asked) - skipped, "question"), counted(len(images), "image"))
    if missing:
        log.warning(
            "%s left out, for %s not in %s: %s",
            f"{counted(skipped, 'question')} {'is' if skipped == 1 else 'are'}",
            f"{counted(len(missing), 'image')} {'is' if len(missing) == 1 else 'are'}",
            settings.images,
            first_few(missing),
        )
    return images


def _narrowing(settings: AnnotateSettings) -> "Narrowing | None":
    """What tells how narrow the runs' intervals are; None where no runs are given."""
    if settings.runs is None:
        if settings.width is not None:
            raise RepopeError("width=: of which runs' interval? Give runs=FOLDER as well")
        return None
    if settings.decide:
        raise RepopeError(
            "runs=: a person who decides is asked about disputes alone, which say nothing of the rest; leave runs= out"
        )
    queues = listed(settings.questions)
    if len(queues) != 1:
        raise RepopeError(
            "runs=: goes with one queue; give questions=QUEUE, the queue.jsonl that audit wrote"
        )
    from repope_eval.relabelling.narrowing import Narrowing
    from repope_eval.relabelling.queued_runs import read_queued_runs

    of_estimate = EstimateSettings(
        runs=settings.runs,
        bench=settings.bench,
        labels=settings.out,
        queue=queues[0],
        protocol=settings.protocol,
        data_dir=settings.data_dir,
    )
    with network_off():
        runs = read_queued_runs(of_estimate, "questions")
    runs.sample({question: "missing" for question, each in runs.queue.items() if each.sampled})
    return Narrowing(runs, settings.width)


@contextmanager
def _telling(session: Session, narrowing: "Narrowing | None") -> Iterator[None]:
    """Tells how narrow the intervals are, at the beginning, after each batch of labels, and at the end.

    A thread of its own reckons it after a batch, so that the page does not wait for it.
    """
    if narrowing is None:
        yield
        return
    from repope_eval.relabelling.narrowing import BATCH

    def tell(labels: Mapping[Question, Label]) -> None:
        try:
            log.info("%s", narrowing.sentence(labels))
        except Exception as error:
            log.warning("how narrow the interval is cannot be told (%s); labels are stored as ever", error)

    def tell_each_batch() -> None:
        if session.num_labelled % BATCH == 0:
            thread.submit(tell, dict(session.file.labels))

    if session.num_labelled:
        tell(session.file.labels)
    session.on_label = tell_each_batch
    with ThreadPoolExecutor(1) as thread:
        try:
            yield
        finally:
            if session.num_labelled:
                thread.submit(tell, dict(session.file.labels))


@contextmanager
def _held_file(settings: AnnotateSettings, out: Path) -> Iterator[None]:
    """Keeps other programs out of the annotator's file; others in its folder are free."""
    if out.exists() and not (out.is_file() or out.is_char_device()):
        raise RepopeError(f"out={settings.out}: is no file; choose another out=")
    out = Path(os.path.realpath(out))
    make_folder(out.parent, "out", out)
    try:
        lock = hold(out.parent, PATIENCE, out.name)
    except Timeout as error:
        holder = named_holder(out.parent, out.name)
        gone = f"; if {holder.process} is gone, remove {holder.file}" if holder else ""
        raise RepopeError(
            f"out={settings.out}: another `annotate` has this file; go on there, or end it first{gone}"
        ) from error
    except OSError as error:
        raise RepopeError(
            f"out={settings.out}: cannot be written ({error.strerror}); choose another out="
        ) from error
    try:
        yield
    finally:
        lock.release()


def _serve_page(settings: AnnotateSettings, session: Session, command: str) -> None:
    """Serves the page, and says in the end what is stored."""
    from repope_eval.relabelling.server import (
        address_of,
        application,
        is_for_others,
        listening,
        new_token,
        serve,
    )

    token = new_token()
    with listening(settings.host, settings.port) as listener:
        address = address_of(listener, token)
        log.info("%s; open this page, and end it with Ctrl-C:", _progress_text(settings, session))
        if is_for_others(listener):
            log.warning("whoever reads this address can see the images and label, and nothing is encrypted:")
        try:
            write(f"{address}\n")
            if settings.open:
                webbrowser.open(address)
            serve(application(session, token), listener)
        except KeyboardInterrupt as error:
            raise InterruptionError(
                f"{_progress_text(settings, session)}; to go on: {command}",
                int(getattr(error, "exit_status", 130)),
            ) from error


def _progress_text(settings: AnnotateSettings, session: Session) -> str:
    asked = counted(len(session.questions), "question")
    return f"{settings.out} has {counted(session.num_labelled, 'label')} of {asked}"
