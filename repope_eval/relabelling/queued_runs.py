"""The runs that a queue was made of, and what each adds to the counts of its questions."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repope_eval.captions.truth import CaptionTruth
from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.errors import RepopeError
from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.relabelling.estimation import (
    FIGURES,
    FigureOf,
    Tally,
    outcome_figures,
    outcome_tallies,
)
from repope_eval.relabelling.findings import Finding, looked_at
from repope_eval.relabelling.mention_estimation import (
    CAPTION_VARIANT,
    QueuedMentions,
    chair_of,
    mention_tally,
    old_chair,
    queued_mentions,
    truth_before,
)
from repope_eval.relabelling.mention_estimation import FIGURE as CHAIR
from repope_eval.relabelling.queue import Queued, read_queue
from repope_eval.relabelling.sampled_labels import Sample
from repope_eval.reporting.figure_texts import FIGURE_TITLES
from repope_eval.runs.caption_runs import CaptionRuns, audited_runs
from repope_eval.runs.run_selection import Selection, names_of
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.caption_counts import FIGURE_TITLES as CHAIR_TITLES
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.protocol_scores import score
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.settings.command_settings import EstimateSettings
from repope_eval.settings.config import Protocol
from repope_eval.wording import counted, shown

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedRuns:
    """Runs of a benchmark, and the queue of its labels, or of what captions mention."""

    bench: str
    queue: Mapping[Question, Queued]
    tallies: Mapping[str, Mapping[Variant, Tally]]
    """What each run adds to the counts of each variant, in the order of the queue."""
    figures: Mapping[str, FigureOf]
    """What can be estimated, the leading figure first."""
    titles: Mapping[str, str]
    """What the figures are called."""
    protocol: Protocol | None
    """How yes or no is read from the answers; None where these are captions."""
    asked: Callable[[str], Mapping[Variant, Collection[Question]]]
    """The questions of the queue that a run is asked about, those of all variants under their mean."""
    old: Callable[[str], Mapping[Variant, Mapping[str, Estimate]]]
    """The figures of a run by the old labels; their intervals, over images, take a while."""

    def sample(self, findings: Mapping[Question, Finding]) -> Sample:
        """What is known where people found this, with the questions in the order of the queue.

        Raises:
            RepopeError: as `looked_at`.
        """
        old = {question: each.label for question, each in self.queue.items()}
        return Sample.of(old, *looked_at(self.queue, findings))


def read_queued_runs(settings: EstimateSettings, word: str = "queue") -> QueuedRuns:
    """Reads the runs of a benchmark and its queue.

    Args:
        settings: where both are.
        word: the setting by which the user gave the queue.

    Raises:
        RepopeError: there is no such run, files cannot be found or are broken, or the queue is of something else.
    """
    selection = audited_runs(settings, unfinished_runs)
    queue = read_queue(Path(settings.queue).expanduser())
    where = f"{word}={settings.queue}"
    if isinstance(selection, CaptionRuns):
        return _runs_of_captions(selection, queue, where)
    return _runs_of_answers(selection, queue, settings.protocol, where)


def _runs_of_answers(
    selection: Selection, queue: Mapping[Question, Queued], protocol: Protocol, where: str
) -> QueuedRuns:
    benchmark = selection.benchmark
    assert benchmark is not None, "runs were selected without their benchmark"
    original = benchmark.label_sets[0]
    _require_queue_of(benchmark.name, queue, original.distinct, where)
    names = names_of(selection.runs)
    answers = {names[run.folder]: run.answers for run in selection.runs}
    asked = {MEAN: original.distinct, **original.variants}
    return QueuedRuns(
        bench=benchmark.name,
        queue=queue,
        tallies={
            name: outcome_tallies(original.variants, list(queue), of_run, PROTOCOLS[protocol])
            for name, of_run in answers.items()
        },
        figures=outcome_figures(PROTOCOLS[protocol]),
        titles={figure: FIGURE_TITLES[figure] for figure in FIGURES},
        protocol=protocol,
        asked=lambda _: asked,
        old=lambda name: _old_scores(name, original, answers[name], protocol),
    )


def _old_scores(
    name: str, original: LabelSet, answers: Mapping[Question, Answer], protocol: Protocol
) -> dict[Variant, Mapping[str, Estimate]]:
    cells = score(name, "", [original], answers, protocol).cells[original.name]
    return {variant: cell.estimates for variant, cell in cells.items()}


def _require_queue_of(
    bench: str, queue: Mapping[Question, Queued], labels: Mapping[Question, bool], where: str
) -> None:
    """Refuses a queue of another benchmark, or one that was made of other labels."""
    strange = [question for question, each in queue.items() if labels.get(question) != each.label]
    if strange or len(queue) < len(labels):
        example = f", first {shown(strange[0].text)} about {strange[0].image}" if strange else ""
        raise RepopeError(
            f"{where}: has {counted(len(queue), 'question', ',')}, of which {len(queue) - len(strange):,} are "
            f"among the {len(labels):,} of {bench} with their labels{example}; give the queue that audit wrote of it"
        )


def _runs_of_captions(selection: CaptionRuns, queue: Mapping[Question, Queued], where: str) -> QueuedRuns:
    """CHAIRi of each run, and of each prompt of a run that has several."""
    for left in selection.left_out:
        log.warning("%s is left out: it %s", left.folder, left.reason)
    truth = truth_before(selection.truth, queue)
    names = names_of(selection.runs)
    captions: dict[str, list[Answer]] = {}
    for run in selection.runs:
        prompts = dict.fromkeys(question.text for question in run.answers)
        for prompt in prompts:
            name = names[run.folder] if len(prompts) == 1 else f"{names[run.folder]}, {prompt}"
            captions[name] = [answer for answer in run.answers.values() if answer.question.text == prompt]
    mentioned = {name: _mentions_of(name, each, truth, queue, where) for name, each in captions.items()}
    order = list(queue)
    return QueuedRuns(
        bench=selection.bench,
        queue=queue,
        tallies={name: {CAPTION_VARIANT: mention_tally(each, order)} for name, each in mentioned.items()},
        figures={CHAIR: chair_of},
        titles={CHAIR: CHAIR_TITLES[CHAIR]},
        protocol=None,
        asked=lambda name: {CAPTION_VARIANT: mentioned[name].queued},
        old=lambda name: {CAPTION_VARIANT: {CHAIR: old_chair(captions[name], truth)}},
    )


def _mentions_of(
    name: str,
    captions: Sequence[Answer],
    truth: CaptionTruth,
    queue: Mapping[Question, Queued],
    where: str,
) -> QueuedMentions:
    mentioned = queued_mentions(captions, truth, queue)
    if mentioned.strange:
        first = mentioned.strange[0]
        raise RepopeError(
            f"{where}: {name} mentions {counted(len(mentioned.strange), 'object', ',')} that nobody has judged "
            f"and that the queue does not ask about, first {first.object} in {first.image}; give the queue that audit "
            "wrote of these runs"
        )
    return mentioned
