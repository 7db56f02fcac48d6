"""One start of a run: the questions that have no answer yet are asked, and the answers are stored as they come."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repope_eval.asking.asker import AskedImage, Asker, group_by_image
from repope_eval.asking.identity import note_images
from repope_eval.benchmarks.benchmark import Benchmark, questions_by_image
from repope_eval.benchmarks.images import image_hashes
from repope_eval.benchmarks.sources import find_shown_images
from repope_eval.errors import InterruptionError, RepopeError
from repope_eval.records import Answer, Question
from repope_eval.runs.answer_store import AnswerStore, count_stored, merge_shares
from repope_eval.runs.folder import FollowedFolder, RunFolder
from repope_eval.runs.layout import share_path
from repope_eval.runs.manifest import waiting_line
from repope_eval.settings.config import RunSettings
from repope_eval.system.environment import Seconds, now, rounded, timed
from repope_eval.system.progress import Progress
from repope_eval.system.ranks import Ranks
from repope_eval.system.signals import FinishBatch
from repope_eval.wording import counted, duration_text, memory_text

log = logging.getLogger(__name__)


SECONDS_BETWEEN_LINES = 30.0
"""How often the log says how far the asking is, where no terminal shows a bar."""


@dataclass(frozen=True, slots=True)
class StoredAnswers:
    """What was stored of one benchmark's answers so far."""

    store: AnswerStore
    wanted: Collection[Question]
    """The questions whose answers it takes: those of the benchmark that had none."""
    facts: dict[str, Any] = field(default_factory=lambda: {"images": 0, "questions": 0, "seconds": 0.0})
    """The number of images and questions that have been answered, and the seconds that took. The time of checks is left
    out; the time of other benchmarks, which are asked at the same time, is not."""
    _images: set[str] = field(default_factory=set)

    def add(self, answers: Sequence[Answer], seconds: float) -> None:
        """Stores those of the answers that are wanted here."""
        own = [answer.as_stored() for answer in answers if answer.question in self.wanted]
        if own:
            self.store.append(own)
            self._images.update(answer.question.image for answer in own)
            self.facts["images"] = len(self._images)
            self.facts["questions"] += len(own)
        self.facts["seconds"] = round(seconds, 3)


def store_answers(asker: Asker, images: Sequence[AskedImage], stored: Sequence[StoredAnswers]) -> None:
    """Stores the answers as they come, until all are there or a signal ends the asking between two batches."""
    total = sum(len(image.questions) for image in images)
    with (
        FinishBatch() as signals,
        Progress(total, "", "question", SECONDS_BETWEEN_LINES) as progress,
        closing(asker.ask(images)) as batches,
    ):
        for answers in batches:
            if answers:
                for each in stored:
                    each.add(answers, progress.seconds)
                progress.advance(len(answers))
            signals.check()
            with progress.paused():
                asker.verify()
            signals.check()
    for each in stored:
        each.store.require_all()


_TOKENS = {"tokens_in": "tokens sent", "tokens_out": "answered"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkRun:
    """One benchmark's part in a session: what is asked of it, and where its answers go."""

    settings: RunSettings
    benchmark: Benchmark
    folder: RunFolder | FollowedFolder
    seconds: Seconds
    """The time of loading and of asking is added here."""
    n_images: int
    """Images of the whole benchmark, of which `limit` may leave some out."""

    def read_store(self) -> AnswerStore:
        """The answers in the run folder."""
        return AnswerStore(self.folder.answers, self.benchmark.asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Left:
    """The questions of a benchmark that have no answer yet."""

    run: BenchmarkRun
    store: AnswerStore
    questions: Sequence[Question]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One start of a run: who is asked what, and where the answers go.

    The questions of several benchmarks about one image are asked together; a question in two of them is asked once.
    """

    runs: Sequence[BenchmarkRun]
    """They differ in nothing but the benchmark."""
    data_dir: Path
    load_asker: Callable[[RunSettings, Ranks], Asker]
    ranks: Ranks
    command: str
    """How the run was started; it is shown where the run is interrupted."""

    def ask_what_is_left(self) -> list[tuple[Mapping[Question, Answer], dict[str, int]]]:
        """Asks each question of the benchmarks that has no answer yet.

        Returns:
            For each benchmark all answers (only the main one of several ranks has them), and how many questions were
            `asked` and `resumed` (had answers before) in the newest start that asked any.

        Raises:
            RepopeError: something a user can mend. Answers that were stored stay.
            InterruptionError: a signal came, or another rank is gone. Answers that were stored stay.
        """
        results, left = [], []
        for run in self.runs:
            store = run.read_store()
            unanswered = [question for question in run.benchmark.asked if question not in store.answers]
            counts = {"asked": len(unanswered), "resumed": len(store.answers)}
            if unanswered:
                left.append(_Left(run=run, store=store, questions=unanswered))
            else:
                log.info("nothing to ask: all %d answers are in %s", len(store.answers), store.path)
                counts |= run.folder.manifest.counts
            results.append((store.answers, counts))
        if left:
            try:
                self._ask(left)
            except (KeyboardInterrupt, InterruptionError) as error:
                raise self._interruption(error) from error
        if left and self.ranks.are_several and self.ranks.is_main:
            results = [
                (self._put_together(run), counts) for run, (_, counts) in zip(self.runs, results, strict=True)
            ]
        return results

    def _put_together(self, run: BenchmarkRun) -> Mapping[Question, Answer]:
        """The answers of all ranks to a benchmark's questions."""
        merge_shares(run.folder.answers)
        store = run.read_store()
        store.require_all()
        return store.answers

    def _ask(self, left: Sequence[_Left]) -> None:
        """Asks the questions, each rank its share of the images, and notes how it went."""
        images = self._find_images(left)
        with _timed_stage(left, "load"), self.ranks.together():
            # Where there are fewer images than ranks, some ranks have nothing to ask.
            asker, share = self._load(left, images) if self.ranks.rank < len(images) else (None, ())
        with _timed_stage(left, "inference"):
            self._choose_way(asker, share)
        for each in left:
            total = len(each.run.benchmark.asked)
            answered = {"answered": total - len(each.questions), "of": total}
            each.run.folder.manifest.note(asking={"began": now(), **answered})
        if asker is None:
            log.info("%s left to ask about: none for this process", counted(len(images), "image"))
        facts = [{}, *({} for _ in left)] if asker is None else self._ask_share(asker, share, left)
        with _timed_stage(left, "inference"):
            together, *by_run = zip(*self.ranks.exchange(facts), strict=True)
        for each, of_ranks in zip(left, by_run, strict=True):
            ranks = {"ranks": list(of_ranks)} if self.ranks.are_several else {}
            others = [other.run.benchmark.name for other in left if other is not each]
            asked_with = {"asked_with": others} if others else {}
            facts_of_run = {**of_ranks[0], **asked_with, **ranks}
            each.run.folder.manifest.note_inference(facts_of_run, rounded(each.run.seconds))
        if self.ranks.is_main:
            log.info("%s", asking_line(together, _all_images(left)))
            if waiting := waiting_line(together):
                log.warning("%s", waiting)

    def _find_images(self, left: Sequence[_Left]) -> list[AskedImage]:
        """The images that are left to ask about, each with its questions. What their files hold is noted."""
        all_own: dict[str, Path] = {}
        files: dict[str, Path | None] = {}
        with self.ranks.main_first():
            for each in left:
                names = list(dict.fromkeys(question.image for question in each.questions))
                bench, folder = each.run.settings.bench, each.run.folder
                shown = find_shown_images(each.run.benchmark, names)
                _require_same_images(all_own, shown.own)
                if isinstance(folder, RunFolder):
                    note_images(bench, self.data_dir, folder, each.store.answers, shown.own)
                all_own = {**shown.own, **all_own}
                files = {**shown.files, **files}
        asked = dict.fromkeys(question for each in left for question in each.questions)
        return group_by_image(list(asked), files)

    def _load(
        self, left: Sequence[_Left], images: Sequence[AskedImage]
    ) -> tuple[Asker, Sequence[AskedImage]]:
        """The asker, whose source must be that of the answers so far, and the images that this rank asks it about."""
        asker = self.load_asker(self.runs[0].settings, self.ranks)
        for each in left:
            each.run.folder.manifest.note_asker(asker.source, asker.device)
        share = self.ranks.share(asker.order_images(images))
        n_draws = self.runs[0].settings.repeats
        log.info(
            "asking %s%s about %s%s",
            counted(sum(len(image.questions) for image in images), "question"),
            f" in {n_draws} draws" if n_draws > 1 else "",
            counted(len(images), "image"),
            f" by {self.ranks.count} processes" if self.ranks.are_several else "",
        )
        return asker, share

    def _choose_way(self, asker: Asker | None, images: Sequence[AskedImage]) -> None:
        """Has all ranks ask the same way, where there is a choice: that of the one that can choose least."""
        if not self.ranks.are_several:
            return
        with self.ranks.together():
            choice = None if asker is None else asker.try_out(images)
        choices = [each for each in self.ranks.exchange(choice) if each is not None]
        if asker is not None and choices:
            asker.take_choices(choices)

    def _ask_share(
        self, asker: Asker, images: Sequence[AskedImage], left: Sequence[_Left]
    ) -> list[dict[str, Any]]:
        """Asks about this rank's images and stores the answers.

        Returns:
            What a manifest would say of all benchmarks together, then what the manifest of each one says.
        """
        stored = [StoredAnswers(self._share_store(each, images), set(each.questions)) for each in left]
        try:
            with _timed_stage(left, "inference"):
                store_answers(asker, images, stored)
        except BaseException as error:
            for each, so_far in zip(left, stored, strict=True):
                with suppress(RepopeError):  # such as a full disk's: the error that is on its way says more
                    facts = so_far.facts | asker.facts()
                    each.run.folder.manifest.note_inference(facts, rounded(each.run.seconds))
            if self.ranks.are_several and isinstance(error, RepopeError):
                # The other ranks are asking: what started them ends them once this one has ended.
                raise InterruptionError(str(error), error.exit_status) from error
            raise
        together = {
            "images": len(images),
            "questions": sum(len(image.questions) for image in images),
            "seconds": stored[0].facts["seconds"],
        }
        return [facts | asker.facts() for facts in (together, *(each.facts for each in stored))]

    def _share_store(self, left: _Left, images: Sequence[AskedImage]) -> AnswerStore:
        """The store of this rank's answers to a benchmark's questions."""
        if not self.ranks.are_several:
            return left.store
        own = set(left.questions)
        questions = [question for image in images for question in image.questions if question in own]
        return AnswerStore(share_path(left.run.folder.answers, self.ranks.rank), questions)

    def _interruption(self, error: KeyboardInterrupt | InterruptionError) -> InterruptionError:
        """The error that says what happened, how many answers are safe, and how to go on.

        The answers are counted on the disk: a signal may have come between writing a batch and noting that it is.
        """
        reason = str(error) if isinstance(error, InterruptionError) else self.ranks.lost() or "interrupted"
        safe = sum(count_stored(run.folder.answers, run.benchmark.asked) for run in self.runs)
        of = sum(len(run.benchmark.asked) for run in self.runs)
        places = [run.folder.path if self.ranks.are_several else run.folder.answers for run in self.runs]
        kept = f"{safe} of {of} answers are safe in {' and '.join(map(str, places))}; go on with"
        what = kept if safe else "before the first answer; start again with"
        processes = " (with any number of processes)" if self.ranks.are_several else ""
        return InterruptionError(
            f"{reason}: {what}: {self.command}{processes}", getattr(error, "exit_status", 130)
        )


@contextmanager
def _timed_stage(left: Sequence[_Left], stage: str) -> Iterator[None]:
    """Adds the time that something takes to the stage of all benchmarks that it is done for."""
    with ExitStack() as stack:
        for each in left:
            stack.enter_context(timed(each.run.seconds, stage))
        yield


def _all_images(left: Sequence[_Left]) -> int | None:
    """Images of the whole benchmarks, where `limit` leaves some out; None where it leaves out none."""
    asked = sum(len(questions_by_image(each.run.benchmark.questions)) for each in left)
    every = sum(each.run.n_images for each in left)
    return every if asked < every else None


def _require_same_images(paths: Mapping[str, Path], others: Mapping[str, Path]) -> None:
    """Refuses images of two benchmarks that have one name and are not the same: they are asked about together."""
    shared = {name: path for name, path in others.items() if name in paths and paths[name] != path}
    known, here = image_hashes({name: paths[name] for name in shared}), image_hashes(shared)
    differing = [name for name in shared if known[name] != here[name]]
    if differing:
        name = differing[0]
        raise RepopeError(
            f"bench: the image {name} of one benchmark is not that of another ({paths[name]}, {shared[name]}); ask "
            "these benchmarks one after the other"
        )


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
        f"in {duration_text(seconds)}: {questions / seconds:.1f} questions a second{memory}{_spent_tokens(asked, 1)}"
    )
    if all_images is None:
        return line
    whole, times = counted(all_images, "image", ","), all_images / images
    return (
        f"{line}; all {whole} would take about {duration_text(seconds * times)}{_spent_tokens(asked, times)}"
    )


def _spent_tokens(asked: Sequence[Mapping[str, Any]], times: float) -> str:
    """The tokens that a server counted and what they cost, so many times; empty where nothing was counted."""
    spent = {
        name: sum(facts[name] for facts in asked) * times
        for name in ("tokens_in", "tokens_out", "price")
        if all(facts.get(name) is not None for facts in asked)
    }
    tokens = [f"{spent[name]:,.0f} {word}" for name, word in _TOKENS.items() if name in spent]
    price = f" for {spent['price']:,.2f}" if "price" in spent else ""
    return f", {' and '.join(tokens)}{price}" if tokens else ""
