"""What the answers of runs say of a benchmark's labels: how doubtful each is, and what it would change if wrong."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repope_eval.errors import RepopeError
from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.relabelling.design import question_effects
from repope_eval.relabelling.doubt import LabelDoubts, label_doubts
from repope_eval.relabelling.estimation import Tally, outcome_figures, outcome_tallies
from repope_eval.runs.finished_runs import FinishedRun
from repope_eval.runs.run_selection import names_of
from repope_eval.scoring.protocols import PROTOCOLS, Protocol, remembering
from repope_eval.settings.config import Protocol as ProtocolName

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtedLabels:
    """The labels of a benchmark as some models see them, and what they change of the models' F1."""

    answers: Mapping[str, Mapping[Question, Answer]]
    """Those of each model of which something is read as yes or no."""
    doubts: LabelDoubts
    tallies: Mapping[str, Mapping[Variant, Tally]]
    """What each model adds to the outcomes of each variant, with rows in the order of the labels."""
    effects: Mapping[Question, float]
    """How much a wrong label would change the F1 of the models and their differences, in the order of the labels."""


def doubted_labels(
    label_set: LabelSet, runs: Sequence[FinishedRun], protocol_name: ProtocolName
) -> DoubtedLabels:
    """What runs say of some labels.

    Raises:
        RepopeError: nothing that they answered is read as yes or no.
    """
    voters = voters_by_name(runs)
    says_yes = _votes(voters, protocol_name)
    answers = {name: voters[name].answers for name in says_yes}
    old, protocol = label_set.distinct, PROTOCOLS[protocol_name]
    tallies = {
        name: outcome_tallies(label_set.variants, list(old), of_run, protocol)
        for name, of_run in answers.items()
    }
    return DoubtedLabels(
        answers=answers,
        doubts=label_doubts(old, says_yes),
        tallies=tallies,
        effects=question_effects(tallies, old, outcome_figures(protocol)["f1"]),
    )


def voters_by_name(runs: Sequence[FinishedRun]) -> dict[str, FinishedRun]:
    """The runs by the names of their models, without those that have another's answers."""
    kept = _without_copies(runs)
    names = names_of(kept)
    return {names[run.folder]: run for run in kept}


def _votes(
    voters: Mapping[str, FinishedRun], protocol_name: ProtocolName
) -> dict[str, Mapping[Question, float]]:
    """How far each model says yes to each question; without models of which nothing is read as yes or no.

    Raises:
        RepopeError: nothing is read of any.
    """
    protocol = remembering(PROTOCOLS[protocol_name])
    says_yes = {name: said for name, run in voters.items() if (said := _says_yes(run, protocol))}
    for name in voters:
        if name not in says_yes:
            log.warning("%s has no answer that reads as yes or no, so it is left out", name)
    if not says_yes:
        raise RepopeError(
            f"protocol={protocol_name}: reads no answer of these runs as yes or no; try another, or other runs"
        )
    return says_yes


def _without_copies(runs: Sequence[FinishedRun]) -> list[FinishedRun]:
    """The runs that have answers of their own: a copy knows nothing that the first does not, and has no vote."""
    kept: dict[frozenset[Answer], FinishedRun] = {}
    for run in runs:
        first = kept.setdefault(frozenset(run.answers.values()), run)
        if first is not run:
            log.warning("%s has the same answers as %s, so it is left out", run.folder, first.folder)
    return list(kept.values())


def _says_yes(run: FinishedRun, protocol: Protocol) -> Mapping[Question, float]:
    """How far a run says yes to each question: its answer, drawn halfway to its probability where that is known."""
    yes_shares: dict[Question, float] = {}
    for question, answer in run.answers.items():
        reading = protocol.read(answer.response)
        if reading is None:
            continue
        yes_shares[question] = float(reading)
        if (confidence := answer.confidence) is not None:
            yes_shares[question] = (reading + confidence) / 2
    return yes_shares
