"""From questions to stored answers: all of them, or this rank's share, in as many starts as it takes."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import find_benchmark_images
from repope_eval.errors import InterruptionError, RepopeError
from repope_eval.inference.asking_line import asking_line
from repope_eval.inference.contents import note_images
from repope_eval.process.garbage import looked_for_often
from repope_eval.process.ranks import Ranks
from repope_eval.process.signals import FinishBatch
from repope_eval.process.timing import Seconds, now, rounded, timed
from repope_eval.records import Answer, Question
from repope_eval.runs.answer_store import AnswerStore
from repope_eval.runs.folder import FollowedFolder, RunFolder
from repope_eval.runs.layout import share_path
from repope_eval.runs.rank_shares import count_stored, merge_shares
from repope_eval.settings import config
from repope_eval.wording import counted

if TYPE_CHECKING:
    from repope_eval.inference.asking import Asking

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What one start of a run has to do, and where its answers go."""

    settings: config.RunSettings
    benchmark: Benchmark
    data_dir: Path
    folder: RunFolder | FollowedFolder
    ranks: Ranks
    all_images: int | None
    """Of the whole benchmark, where `limit` leaves some out."""
    command: str
    """How it was started: shown where it is interrupted."""

    def collect(self, seconds: Seconds) -> tuple[Mapping[Question, Answer], dict[str, int]]:
        """Asks what has no answer yet.

        Args:
            seconds: takes what loading and asking took.

        Returns:
            All answers, which the main rank alone has where there are several; and how many questions were asked,
            and how many had answers, in the newest start that asked any.

        Raises:
            RepopeError: something a user can mend. Answers that were stored stay.
            InterruptionError: a signal came, or another rank is gone; the same.
        """
        store = AnswerStore(self.folder.answers, self.benchmark.questions)
        unanswered = [question for question in self.benchmark.questions if question not in store.answers]
        resumed = len(store.answers)
        counts = {"asked": len(unanswered), "resumed": resumed}
        if not unanswered:
            log.info("nothing to ask: all %d answers are in %s", resumed, store.path)
            return store.answers, {**counts, **self.folder.counts}
        try:
            with looked_for_often():
                self._ask(unanswered, store, seconds)
        except KeyboardInterrupt as error:
            status = getattr(error, "exit_status", 130)
            raise self._interrupted(self.ranks.lost() or "interrupted", status) from error
        except InterruptionError as error:
            raise self._interrupted(str(error), error.exit_status) from error
        if self.ranks.are_several and self.ranks.is_main:
            merge_shares(self.folder.answers)
            store = AnswerStore(self.folder.answers, self.benchmark.questions)
            store.require_all()
        return store.answers, counts

    def _ask(self, questions: Sequence[Question], store: AnswerStore, seconds: Seconds) -> None:
        """Loads the model and asks; torch is imported here, so that mistakes and finished runs need not wait."""
        names = list(dict.fromkeys(question.image for question in questions))
        with self.ranks.main_first():
            images = find_benchmark_images(self.settings.bench, self.data_dir, names)
            if isinstance(self.folder, RunFolder):
                note_images(self.settings.bench, self.data_dir, self.folder, store.answers, images)
        with timed(seconds, "load"), self.ranks.together():
            asking = self._prepare(questions, images) if self.ranks.rank < len(images) else None
        total = len(self.benchmark.questions)
        self.folder.note(asking={"began": now(), "answered": total - len(questions), "of": total})
        if asking is None:
            log.info("%s left to ask about: none for this process", counted(len(images), "image"))
        else:
            own = self._own_store(store, asking.questions)
            self._run(asking, own, seconds)
        with timed(seconds, "inference"):
            facts = self.ranks.exchange({} if asking is None else asking.facts())
        self.folder.note(seconds=rounded(seconds), inference=self._joined(facts))
        if self.ranks.is_main:
            log.info("%s", asking_line(facts, self.all_images))

    def _prepare(self, questions: Sequence[Question], images: Mapping[str, Path]) -> "Asking":
        """The model on its device, and this rank's share of the questions."""
        from repope_eval.models.families import checkpoint_of

        checkpoint = checkpoint_of(self.settings.model)  # a mistake is said before torch is imported
        from repope_eval.inference.asking import Asking, AskingSettings
        from repope_eval.models.loading import describe_device, describe_model, load_model
        from repope_eval.models.placement import choose_device, device_of_rank

        settings = self.settings
        device = choose_device(device_of_rank(settings.device, self.ranks))
        log.info("loading %s", settings.model.checkpoint)
        model = load_model(settings.model, device, checkpoint)
        self.folder.note_model(**describe_model(model))
        self.folder.note_start(device=describe_device(model.device))
        how = AskingSettings(
            engine=settings.engine,
            batch_size=settings.batch_size,
            workers=settings.workers,
            max_new_tokens=settings.model.max_new_tokens,
            ranks=self.ranks,
        )
        asking = Asking(model, questions, images, how)
        shared = f" by {self.ranks.count} processes" if self.ranks.are_several else ""
        log.info(
            "asking %s about %s%s",
            counted(len(questions), "question"),
            counted(len(images), "image"),
            shared,
        )
        return asking

    def _own_store(self, store: AnswerStore, questions: Sequence[Question]) -> AnswerStore:
        """Where this rank's answers go: one of several has a file of its own."""
        if not self.ranks.are_several:
            return store
        return AnswerStore(share_path(self.folder.answers, self.ranks.rank), questions)

    def _run(self, asking: "Asking", store: AnswerStore, seconds: Seconds) -> None:
        try:
            with timed(seconds, "inference"), FinishBatch() as signals:
                asking.run(store, signals.check)
        except BaseException as error:
            with suppress(RepopeError):  # of a full disk, say: the error that is on its way says more
                self.folder.note(seconds=rounded(seconds), inference=asking.facts())
            if self.ranks.are_several and isinstance(error, RepopeError):
                # The others are asking: what started them ends them once this one has ended.
                raise InterruptionError(str(error), error.exit_status) from error
            raise

    def _joined(self, facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What a manifest says of how it went: the main rank's facts, and each one's where there are several."""
        return {**facts[0], **({"ranks": facts} if self.ranks.are_several else {})}

    def _interrupted(self, reason: str, exit_status: int) -> InterruptionError:
        """Counted on the disk: a signal may have come between writing a batch and noting that it is."""
        safe = count_stored(self.folder.answers, self.benchmark.questions)
        kept = f"{safe} of {len(self.benchmark.questions)} answers are safe in {self._place()}; go on with"
        what = kept if safe else "before the first answer; start again with"
        return InterruptionError(f"{reason}: {what}: {self.command}{self._launch()}", exit_status)

    def _place(self) -> Path:
        return self.folder.path if self.ranks.are_several else self.folder.answers

    def _launch(self) -> str:
        return " (with any number of processes)" if self.ranks.are_several else ""
