"""One start of a run: the questions that have no answer yet are asked, and the answers are stored."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import find_benchmark_images
from repope_eval.errors import InterruptionError, RepopeError
from repope_eval.inference.asker import AskedImage, Asker, group_by_image
from repope_eval.inference.identity import note_images
from repope_eval.process.progress import Progress
from repope_eval.process.ranks import Ranks
from repope_eval.process.signals import FinishBatch
from repope_eval.process.timing import Seconds, now, rounded, timed
from repope_eval.quantities import duration_text, memory_text
from repope_eval.records import Answer, Question
from repope_eval.runs.answer_store import AnswerStore
from repope_eval.runs.folder import FollowedFolder, RunFolder
from repope_eval.runs.layout import share_path
from repope_eval.runs.rank_shares import count_stored, merge_shares
from repope_eval.settings.config import RunSettings
from repope_eval.wording import counted

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 30.0
"""How often the log says how far the asking is, where no terminal shows a bar."""

_TOKENS = {"tokens_in": "tokens sent", "tokens_out": "answered"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One start of a run: who is asked what, and where the answers go."""

    settings: RunSettings
    benchmark: Benchmark
    data_dir: Path
    load_asker: Callable[[RunSettings, Ranks], Asker]
    folder: RunFolder | FollowedFolder
    ranks: Ranks
    seconds: Seconds
    """Takes what loading and asking took."""
    all_images: int | None
    """Images of the whole benchmark, where `limit` leaves some out; None where it leaves out none."""
    command: str
    """How the run was started; it is shown where the run is interrupted."""

    def ask_what_is_left(self) -> tuple[Mapping[Question, Answer], dict[str, int]]:
        """Asks each question of the benchmark that has no answer yet.

        Returns:
            All answers (of several ranks the main one alone has them), and how many questions were `asked` and
            `resumed` (had answers before) in the newest start that asked any.

        Raises:
            RepopeError: something a user can mend. Answers that were stored stay.
            InterruptionError: a signal came, or another rank is gone. Answers that were stored stay.
        """
        store = self._read_store()
        unanswered = [question for question in self.benchmark.questions if question not in store.answers]
        counts = {"asked": len(unanswered), "resumed": len(store.answers)}
        if not unanswered:
            log.info("nothing to ask: all %d answers are in %s", len(store.answers), store.path)
            return store.answers, counts | self.folder.manifest.counts
        try:
            self._ask(unanswered, store)
        except (KeyboardInterrupt, InterruptionError) as error:
            raise self._interruption(error) from error
        if self.ranks.are_several and self.ranks.is_main:
            merge_shares(self.folder.answers)
            store = self._read_store()
            store.require_all()
        return store.answers, counts

    def _read_store(self) -> AnswerStore:
        return AnswerStore(self.folder.answers, self.benchmark.questions)

    def _ask(self, questions: Sequence[Question], store: AnswerStore) -> None:
        """Asks the questions, each rank its share of the images, and notes how it went."""
        images = self._find_images(questions, store)
        with timed(self.seconds, "load"), self.ranks.together():
            # Where there are fewer images than ranks, some ranks have nothing to ask.
            asker, share = self._load(images) if self.ranks.rank < len(images) else (None, ())
        total = len(self.benchmark.questions)
        self.folder.manifest.note(asking={"began": now(), "answered": total - len(questions), "of": total})
        if asker is None:
            log.info("%s left to ask about: none for this process", counted(len(images), "image"))
        facts = {} if asker is None else self._ask_share(asker, share, store)
        with timed(self.seconds, "inference"):
            of_ranks = self.ranks.exchange(facts)
        ranks = {"ranks": of_ranks} if self.ranks.are_several else {}
        self.folder.manifest.note_inference({**of_ranks[0], **ranks}, rounded(self.seconds))
        if self.ranks.is_main:
            log.info("%s", asking_line(of_ranks, self.all_images))

    def _find_images(self, questions: Sequence[Question], store: AnswerStore) -> list[AskedImage]:
        """The images that are left to ask about, each with its questions. What their files hold is noted."""
        names = list(dict.fromkeys(question.image for question in questions))
        with self.ranks.main_first():
            paths = find_benchmark_images(self.settings.bench, self.data_dir, names)
            if isinstance(self.folder, RunFolder):
                note_images(self.settings.bench, self.data_dir, self.folder, store.answers, paths)
        return group_by_image(questions, paths)

    def _load(self, images: Sequence[AskedImage]) -> tuple[Asker, Sequence[AskedImage]]:
        """The asker, whose source must be that of the answers so far, and the images that this rank asks it about."""
        asker = self.load_asker(self.settings, self.ranks)
        self.folder.manifest.note_asker(asker.source, asker.device)
        share = self.ranks.share(asker.in_order(images))
        log.info(
            "asking %s about %s%s",
            counted(sum(len(image.questions) for image in images), "question"),
            counted(len(images), "image"),
            f" by {self.ranks.count} processes" if self.ranks.are_several else "",
        )
        return asker, share

    def _ask_share(self, asker: Asker, images: Sequence[AskedImage], store: AnswerStore) -> dict[str, Any]:
        """Asks about this rank's images and stores the answers; returns what a manifest says of it."""
        if self.ranks.are_several:
            questions = [question for image in images for question in image.questions]
            store = AnswerStore(share_path(self.folder.answers, self.ranks.rank), questions)
        asked = {"images": 0, "questions": 0, "seconds": 0.0}
        try:
            with timed(self.seconds, "inference"):
                _store_answers(asker, images, store, asked)
        except BaseException as error:
            with suppress(RepopeError):  # of a full disk, say: the error that is on its way says more
                self.folder.manifest.note_inference(asked | asker.facts(), rounded(self.seconds))
            if self.ranks.are_several and isinstance(error, RepopeError):
                # The other ranks are asking: what started them ends them once this one has ended.
                raise InterruptionError(str(error), error.exit_status) from error
            raise
        return asked | asker.facts()

    def _interruption(self, error: KeyboardInterrupt | InterruptionError) -> InterruptionError:
        """The error that says what happened, how many answers are safe, and how to go on.

        The answers are counted on the disk: a signal may have come between writing a batch and noting that it is.
        """
        reason = str(error) if isinstance(error, InterruptionError) else self.ranks.lost() or "interrupted"
        safe = count_stored(self.folder.answers, self.benchmark.questions)
        where = self.folder.path if self.ranks.are_several else self.folder.answers
        kept = f"{safe} of {len(self.benchmark.questions)} answers are safe in {where}; go on with"
        what = kept if safe else "before the first answer; start again with"
        processes = " (with any number of processes)" if self.ranks.are_several else ""
        return InterruptionError(
            f"{reason}: {what}: {self.command}{processes}", getattr(error, "exit_status", 130)
        )


def _store_answers(
    asker: Asker, images: Sequence[AskedImage], store: AnswerStore, asked: dict[str, Any]
) -> None:
    """Stores the answers as they come, until all are there or a signal ends the asking between two batches.

    Args:
        asker: the asker.
        images: the images that it is asked about.
        store: takes the answers.
        asked: takes the number of images and questions that have been answered, and the seconds that took. The time
            of checks is not among them.
    """
    total = sum(len(image.questions) for image in images)
    names: set[str] = set()
    with (
        FinishBatch() as signals,
        Progress(total, "", "question", SECONDS_BETWEEN_LINES) as progress,
        closing(asker.ask(images)) as batches,
    ):
        for answers in batches:
            if answers:
                store.append(answers)
                names.update(answer.question.image for answer in answers)
                asked["images"] = len(names)
                asked["questions"] += len(answers)
                asked["seconds"] = round(progress.seconds, 3)
                progress.advance(len(answers))
            signals.check()
            with progress.paused():
                asker.verify()
            signals.check()
    store.require_all()


def asking_line(ranks: Sequence[Mapping[str, Any]], all_images: int | None) -> str:
    """How many questions were asked in what time, and how long the whole benchmark would take if `limit` left some out.

    The estimate goes by the number of images: an image is most of the work, whatever the number of its questions.

    Args:
        ranks: for each rank what a manifest says of its asking; empty for a rank that had nothing to ask.
        all_images: images of the whole benchmark; None where nothing was left out.
    """
    asked = [facts for facts in ranks if facts.get("images")]
    if not asked:
        return "nothing was asked"
    images, questions = (sum(facts[name] for facts in asked) for name in ("images", "questions"))
    seconds = max(0.001, *(facts["seconds"] for facts in asked))
    peaks = [facts["peak_memory_bytes"] for facts in asked if facts.get("peak_memory_bytes") is not None]
    memory = f", peak memory {memory_text(sum(peaks))}" if len(peaks) == len(asked) else ""
    several = f" by {len(asked)} processes" if len(asked) > 1 else ""
    line = (
        f"asked {counted(questions, 'question', ',')} about {counted(images, 'image', ',')}{several} "
        f"in {duration_text(seconds)}: {questions / seconds:.1f} questions a second{memory}{_spent(asked, 1)}"
    )
    if all_images is None:
        return line
    whole, times = counted(all_images, "image", ","), all_images / images
    return f"{line}; all {whole} would take about {duration_text(seconds * times)}{_spent(asked, times)}"


def _spent(asked: Sequence[Mapping[str, Any]], times: float) -> str:
    """The tokens that a server counted and what they cost, so many times; empty where nothing was counted."""
    spent = {
        name: sum(facts[name] for facts in asked) * times
        for name in ("tokens_in", "tokens_out", "price")
        if all(facts.get(name) is not None for facts in asked)
    }
    tokens = [f"{spent[name]:,.0f} {word}" for name, word in _TOKENS.items() if name in spent]
    price = f" for {spent['price']:,.2f}" if "price" in spent else ""
    return f", {' and '.join(tokens)}{price}" if tokens else ""
