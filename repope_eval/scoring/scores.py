"""The scores of a run: all that its answers come to. Its page, the console, `scores.json` and trackers read them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import label_set_phrase
from repope_eval.errors import RepopeError
from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import DISTINCT, MEAN
from repope_eval.scoring.confusion import is_unread
from repope_eval.scoring.draws import ChangingAnswer, answers_by_draw, changing_answers
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.evidence import Evidence, evidence
from repope_eval.scoring.object_rates import object_rates
from repope_eval.scoring.own_figures import OwnFigures, own_figures
from repope_eval.scoring.protocol_scores import (
    AmbiguityBounds,
    ProtocolScores,
    Record,
    UnansweredBounds,
    mean,
    missing,
    resolutions,
    score,
)
from repope_eval.scoring.protocols import PROTOCOLS, Disagreement, disagreements, read_otherwise, unparsed
from repope_eval.scoring.relabelling_effect import (
    Effect,
    TurnedVerdict,
    Verdict,
    effects_by_object,
    effects_by_variant,
    remaining_errors,
    turned_verdicts,
    verdicts_of,
)
from repope_eval.scoring.score_document import (
    answered_phrase,
    cells_document,
    changes_document,
    draws_document,
    evidence_document,
    lead_of,
    lead_phrase,
    plain,
    rates_document,
)
from repope_eval.settings import config
from repope_eval.wording import counted

if TYPE_CHECKING:  # slow to import, and only frames need it
    import pandas


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores(ProtocolScores):
    """What answers come to: the figures by the protocol that counts, and all else that they tell.

    A part that has nothing to tell is empty.
    """

    n_questions: int
    """Distinct questions; one that is asked several times counts as often."""
    n_answered: int
    """Those of them that have an answer."""
    part: str = ""
    """Which part of the benchmark's images they are about: `10 of 100 images`; empty where it is all."""
    decoding: str = ""
    """How the answers were decoded, such as `greedy`; empty where that is not known."""
    n_draws: int = 1
    """How often each question was asked. Of several draws, the parts below are of the first one, but for `changing`,
    `unparsed`, `read_otherwise`, `disagreements`, `resolutions` and `missing`, which are of all."""
    changing: Sequence[ChangingAnswer] = ()
    """The answers that are not read alike in all draws."""
    unparsed: Sequence[Answer] = ()
    """The answers in which the protocol finds neither yes nor no."""
    read_otherwise: Mapping[config.Protocol, int] = field(default_factory=dict)
    """How many answers each of the other protocols reads otherwise."""
    other_protocols: Sequence[ProtocolScores] = ()
    """The scores of the same answers by the other protocols, where all were asked for."""
    disagreements: Sequence[Disagreement] = ()
    """The responses that protocols read differently, where all were asked for."""
    own: Sequence[OwnFigures] = ()
    """The figures that the benchmark has beside those of all benchmarks."""
    evidence: Mapping[str, Mapping[Variant, Evidence]] = field(default_factory=dict)
    """The figures that need no threshold, by label set and variant."""
    effects: Sequence[Effect] = ()
    """What the relabelling did, by variant."""
    object_effects: Sequence[Effect] = ()
    """What the relabelling did, by object."""
    verdicts: Sequence[TurnedVerdict] = ()
    """The answers whose verdict the relabelling turned or removed, then the errors that remain."""
    resolutions: Mapping[Variant, AmbiguityBounds] = field(default_factory=dict)
    """F1 for what the ambiguous questions might be, by variant."""
    missing: Mapping[str, Mapping[Variant, UnansweredBounds]] = field(default_factory=dict)
    """F1 for what might have been answered to questions without a readable answer, by label set and variant."""

    @property
    def is_unread(self) -> bool:
        """Whether there are answers, and none of them is a yes or a no."""
        return is_unread(self.n_answered, len(self.unparsed))

    @property
    def leading(self) -> OwnFigures | None:
        """The benchmark's own figures that stand in the place of F1; None where F1 stands first."""
        return next((one for one in self.own if one.section.leads), None)

    @property
    def sentence(self) -> str:
        """The figure that stands first, as a paper prints it, with what it is over and how it came about."""
        lead = lead_of(self.parts, is_unread=self.is_unread)
        name = list(lead.part.cells)[-1]
        counted_once = list(self.parts[-1].cells[name].values())[-1].figures
        if self.leading is not None:
            figure = self.leading.phrase
        elif self.is_unread:
            figure = f"no figure, since no answer is read as yes or no, under {label_set_phrase(name)}"
        else:
            figure = lead_phrase(lead)
        n_questions = int(counted_once.n_questions)
        images = self.part or counted(self.n_images, "image", ",")
        parts = (
            figure,
            f"{counted(n_questions, 'question', ',')} about {images}",
            self.decoding,
            f"protocol {self.protocol}",
            answered_phrase(n_questions, int(counted_once.n_answered), counted_once.n_unparsed),
        )
        return ", ".join(filter(None, parts))

    def to_dict(self) -> dict[str, Any]:
        """What `scores.json` holds of them; undefined figures and intervals are None, and `reasons` says why."""
        protocols = (self, *self.other_protocols) if self.other_protocols else ()
        distinct = {} if self.distinct is None else cells_document(self.distinct)
        parts: dict[str, Any] = {
            "model": self.model,
            "bench": self.bench,
            "protocol": self.protocol,
            "n_images": self.n_images,
            "sentence": self.sentence,
            "scores": cells_document(self),
            "change": changes_document(self),
            **draws_document(self, self.n_draws, len(self.changing)),
            "distinct": {name: by_variant[DISTINCT] for name, by_variant in distinct.items()},
            "protocols": {each.protocol: cells_document(each) for each in protocols},
            **{one.section.kind: one.document for one in self.own},
            "evidence": evidence_document(self.evidence),
            "relabelling": {
                "variants": plain(self.effects),
                "objects": plain(self.object_effects),
                "object_rates": rates_document(object_rates(self.object_effects, list(self.cells))),
            }
            if self.effects
            else {},
            "ambiguous": plain(self.resolutions),
            "missing": plain(self.missing),
        }
        held = {name: part for name, part in parts.items() if part != {}}
        document: dict[str, Any] = json.loads(json.dumps(held))  # with lists, as who reads the file has them
        return document

    def to_frame(self) -> "pandas.DataFrame":
        """The figures in a table, a row for each label set, variant and figure.

        Returns:
            Columns `label_set`, `variant`, `figure`, `value`, `low` and `high` (the ends of the 95 % interval),
            `method` and `reason`, named as in `scores.json`. `change` is a label set here: the second less the first.

        Raises:
            RepopeError: pandas is not installed.
        """
        return estimate_frame("label_set", self._estimates())

    def _estimates(self) -> Iterator[tuple[str, Variant, Mapping[str, Estimate]]]:
        """All figures by label set and variant, those that have no interval too."""
        for part in self.parts:
            for label_set, by_variant in part.cells.items():
                for variant, cell in by_variant.items():
                    plain = {name: Estimate(value=value) for name, value in asdict(cell.figures).items()}
                    yield label_set, variant, {**plain, **cell.estimates}
            for variant, change in part.changes.items():
                yield "change", variant, change.estimates
        for label_set, of_evidence in self.evidence.items():
            for variant, of_variant in of_evidence.items():
                yield label_set, variant, of_variant.estimates

    def __repr__(self) -> str:
        variants = next(iter(self.cells.values()), {})
        shown = MEAN if MEAN in variants else next(iter(variants), "")
        f1 = [
            f"{name} {_estimate_text(of_variants[shown].estimates['f1'])}"
            for name, of_variants in self.cells.items()
            if shown in of_variants
        ]
        return (
            f"Scores of {self.model} on {self.bench}, protocol {self.protocol}: {self.n_answered:,} of "
            f"{counted(self.n_questions, 'question', ',')} answered\nF1 ({shown}): {'; '.join(f1)}"
        )


def estimate_frame(
    truth: str, estimates: Iterable[tuple[str, Variant, Mapping[str, Estimate]]]
) -> "pandas.DataFrame":
    """Figures in a table, a row for each; the first column is called `truth`, and says by what the figure is.

    Raises:
        RepopeError: pandas is not installed.
    """
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise RepopeError("to_frame: pandas is not installed; pip install pandas") from error
    rows = [
        (name, variant, figure, one.value, *(one.interval or (None, None)), one.method, one.reason)
        for name, variant, of_variant in estimates
        for figure, one in of_variant.items()
    ]
    columns = [truth, "variant", "figure", "value", "low", "high", "method", "reason"]
    return pandas.DataFrame(rows, columns=columns).astype({"value": float, "low": float, "high": float})


def _estimate_text(one: Estimate) -> str:
    if one.value is None:
        return "undefined"
    if one.interval is None:
        return f"{100 * one.value:.1f} % (no interval)"
    low, high = one.interval
    return f"{100 * one.value:.1f} % ({100 * low:.1f}–{100 * high:.1f})"


def score_benchmark(
    benchmark: Benchmark,
    answers: Mapping[Question, Answer],
    model: str,
    protocol: config.ProtocolChoice = config.DEFAULT_PROTOCOL,
    *,
    part: str = "",
    decoding: str = "",
) -> Scores:
    """Scores a model's answers to questions of a benchmark.

    Args:
        benchmark: whose label sets, groups and own figures count.
        answers: none to other questions.
        protocol: how yes or no is read; by `all`, the default one counts, and the others stand beside it.
        part: which part of the benchmark's images the answers are about: `10 of 100 images`; empty where it is all.
        decoding: how the answers were decoded; empty where that is not known.
    """
    label_sets, n_draws = benchmark.label_sets, benchmark.n_draws
    names = sorted(PROTOCOLS, key=lambda name: name != config.DEFAULT_PROTOCOL)
    counting, *others = (
        score(model, benchmark.name, label_sets, answers, name, n_draws)
        for name in (names if protocol == "all" else [protocol])
    )
    by_draw = answers_by_draw(answers, n_draws)
    verdicts_by_draw = [verdicts_of(label_sets, of_draw, counting.protocol) for of_draw in by_draw]
    first, verdicts = by_draw[0], verdicts_by_draw[0]
    asked = benchmark.asked
    return Scores(
        **{each.name: getattr(counting, each.name) for each in fields(counting)},
        n_questions=len(asked),
        n_answered=sum(question in answers for question in asked),
        n_draws=n_draws,
        changing=changing_answers(by_draw, PROTOCOLS[counting.protocol]) if n_draws > 1 else (),
        part=part,
        decoding=decoding,
        unparsed=unparsed(answers, counting.protocol),
        read_otherwise=read_otherwise(answers, counting.protocol),
        other_protocols=others,
        disagreements=disagreements(answers) if others else (),
        own=own_figures(benchmark, first, counting.protocol),
        evidence=evidence(label_sets, first),
        effects=effects_by_variant(verdicts),
        object_effects=effects_by_object(verdicts),
        verdicts=(*turned_verdicts(verdicts), *remaining_errors(verdicts)),
        **_bounds(counting, label_sets, verdicts_by_draw),
    )


def _bounds(
    scores: ProtocolScores, label_sets: Sequence[LabelSet], verdicts_by_draw: Sequence[Sequence[Verdict]]
) -> dict[str, Any]:
    """F1 for what ambiguous and unanswered questions might be, in the mean over draws."""
    by_draw = scores.confusions_by_draw or (scores.confusions,)
    resolved = [
        resolutions(confusions[label_sets[-1].name], verdicts, scores.protocol)
        for confusions, verdicts in zip(by_draw, verdicts_by_draw, strict=True)
        if verdicts
    ]
    return {
        "resolutions": _mean_by_variant(resolved) if resolved else {},
        "missing": {
            each.name: _mean_by_variant(
                [missing(each, confusions[each.name], scores.protocol) for confusions in by_draw]
            )
            for each in label_sets
        },
    }


def _mean_by_variant(by_draw: Sequence[Mapping[Variant, Record]]) -> dict[Variant, Record]:
    """The mean over draws of the records of each variant."""
    return {variant: mean([each[variant] for each in by_draw]) for variant in by_draw[0]}
