"""`compare.html` and `compare.json`: the gap between two results, its chart, and the questions answered differently."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from repope_eval.comparison.equivalence import (
    equivalence_fields,
    equivalence_table,
    equivalence_verdict,
    flip_fields,
)
from repope_eval.comparison.tables import (
    are_protocols_alike,
    causes_table,
    gap_table,
    protocol_run_table,
    read_differently_table,
    result_table,
    right_and_wrong_table,
    settings_table,
    settings_that_do_not_differ,
    tally_table,
)
from repope_eval.comparison.thresholds import (
    are_thresholds_known,
    threshold_fields,
    threshold_table,
    threshold_variants_table,
    threshold_verdict,
    yes_ratio_remark,
)
from repope_eval.comparison.view import ComparedLabels, ComparisonView, chance_fields, paper_sentence, verdict
from repope_eval.records import Answer
from repope_eval.reporting.figure_texts import clipped, reading_text
from repope_eval.reporting.gallery import Gallery, Item, gallery_of, render_with_gallery
from repope_eval.scoring.gap import GAP_FIGURES, Gap
from repope_eval.scoring.paired_answers import DIFFERING, PairedAnswer, PairKind
from repope_eval.scoring.protocols import PROTOCOLS, Reading

if TYPE_CHECKING:  # drawing needs matplotlib, which takes a while to import
    from repope_eval.reporting.charts.drawing import Chart

_LOOKS: Mapping[PairKind, str] = {
    "only a is right": "lost",
    "only b is right": "added",
    "read differently": "open",
    "neither is right": "removed",
    "no label": "removed",
    "only a answered": "removed",
    "only b answered": "removed",
}
"""The look of each kind in a gallery."""

_LONE_ANSWER_KINDS: tuple[PairKind, ...] = ("only a answered", "only b answered")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAnswer:
    """What one result answered, as the page says it."""

    name: str
    """That of the result."""
    response: str
    reading: str
    """By its own protocol."""
    alike: str
    """By the common protocol, where that reads it otherwise; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedItem(Item):
    """A question with the answers of both results."""

    answers: tuple[ShownAnswer, ...]

    @property
    def remarked(self) -> tuple[str, ...]:
        """The answers of the results."""
        return tuple(answer.response for answer in self.answers)


def comparison_gallery(pairs: Sequence[PairedAnswer], names: Sequence[str]) -> Gallery:
    """The questions whose answers differ, image by image, without pictures.

    Where there is no room for all, those that only one result answers make room for the others.
    """
    items = [(pair.question.image, _item(pair, names)) for pair in pairs if pair.kind in DIFFERING]
    gallery = gallery_of(items, DIFFERING)
    if not gallery.n_left_out:
        return gallery
    answered_by_both = [(image, item) for image, item in items if item.kind not in _LONE_ANSWER_KINDS]
    smaller = gallery_of(answered_by_both, DIFFERING)
    n_of_one = len(items) - len(answered_by_both)
    return replace(smaller, n_questions=len(items), n_left_out=smaller.n_left_out + n_of_one)


def _item(pair: PairedAnswer, names: Sequence[str]) -> ComparedItem:
    label = "ambiguous" if pair.label is None else reading_text(pair.label)
    shown = (
        _shown_answer(names[index], answer, pair.own[index], pair.common[index])
        for index, answer in enumerate((pair.a, pair.b))
        if answer is not None
    )
    return ComparedItem(
        question=clipped(pair.question.text),
        object=clipped(pair.question.object, 80),
        variants=tuple(clipped(variant, 80) for variant in pair.variants),
        kind=pair.kind,
        verdict=_LOOKS[pair.kind],
        label_before=label,
        label_after=label,
        answers=tuple(shown),
    )


def _shown_answer(name: str, answer: Answer, own: Reading, common: Reading) -> ShownAnswer:
    return ShownAnswer(
        name=name,
        response=clipped(answer.response),
        reading=reading_text(own),
        alike="" if own is common else reading_text(common),
    )


_READINGS: Mapping[Reading, str | None] = {True: "yes", False: "no", None: None}


def comparison_document(view: ComparisonView) -> dict[str, Any]:
    """The document; undefined figures are null. Questions that differ stand in it one by one."""
    return {
        "verdict": verdict(view),
        "equivalence_verdict": equivalence_verdict(view),
        "threshold_verdict": threshold_verdict(view) or None,
        "bench": view.bench,
        "protocol": view.protocol,
        "a": dataclasses.asdict(view.a),
        "b": dataclasses.asdict(view.b),
        "labels": [_labels(each) for each in view.labels],
        "answers": dataclasses.asdict(view.tally),
        "flip_rate": flip_fields(view),
        "read_differently": [
            {**dataclasses.asdict(each), "readings": _reading_words(each.readings)}
            for each in view.read_differently
        ],
        "settings": {
            group.name: {
                "state": group.state,
                "differ": {pair.key: [pair.a, pair.b] for pair in group.pairs},
            }
            for group in view.settings
        },
        "questions": [_question(pair) for pair in view.pairs if pair.kind in DIFFERING],
    }


def _labels(labels: ComparedLabels) -> dict[str, Any]:
    return {
        "a": labels.a,
        "b": labels.b,
        "common": labels.common,
        "headline": labels.headline,
        "variants": {
            variant: {
                **{figure: _gap(gap) for figure, gap in of_figure.items()},
                "chance": chance_fields(labels.chance[variant]),
                "equivalence": equivalence_fields(labels.equivalence.get(variant)),
            }
            for variant, of_figure in labels.gaps.items()
        },
        "protocols": {
            variant: {
                each.protocol: {"a": dataclasses.asdict(each.a), "b": dataclasses.asdict(each.b)}
                for each in of_variant
            }
            for variant, of_variant in labels.protocols.items()
        },
        "thresholds": threshold_fields(labels.thresholds),
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "gap": gap.value,
        "parts": {cause: part.value for cause, part in gap.parts.items()},
        "parts_ci95": {cause: part.interval for cause, part in gap.parts.items()},
        "parts_by_order": {cause: part.order_bounds for cause, part in gap.parts.items()},
        "parts_reason": {cause: part.reason or None for cause, part in gap.parts.items()},
        "a": dataclasses.asdict(gap.a),
        "b": dataclasses.asdict(gap.b),
    }


def _question(pair: PairedAnswer) -> dict[str, Any]:
    return {
        "image": pair.question.image,
        "question": pair.question.text,
        "variants": pair.variants,
        "kind": pair.kind,
        "label": _READINGS[pair.label],
        "a": pair.a.response if pair.a else None,
        "b": pair.b.response if pair.b else None,
        "read": [_READINGS[each] for each in pair.own],
        "read_alike": [_READINGS[each] for each in pair.common],
    }


def _reading_words(readings: Mapping[Any, Reading]) -> dict[str, str | None]:
    return {protocol: _READINGS[reading] for protocol, reading in readings.items()}


def render_comparison_page(view: ComparisonView, command: str) -> str:
    """The page, which needs no file and no network; as many pictures as it has room for.

    Args:
        command: how it was started; shown in the page.
    """
    protocols = dict.fromkeys((view.a.protocol, view.b.protocol, view.protocol))
    context = {
        "view": view,
        "verdict": verdict(view),
        "equivalence_verdict": equivalence_verdict(view),
        "equivalence": equivalence_table(view),
        "paper_sentence": paper_sentence(view),
        "results": result_table(view),
        "causes": [causes_table(view, labels) for labels in reversed(view.labels)],
        "gaps": gap_table(view, has_orders=False),
        "every_gap": gap_table(view, GAP_FIGURES),
        "chart": _causes_chart(view),
        "right_and_wrong": right_and_wrong_table(view),
        "tally": tally_table(view),
        "threshold_verdict": threshold_verdict(view),
        "yes_ratio_remark": yes_ratio_remark(view),
        "thresholds": [threshold_table(view), threshold_variants_table(view)]
        if are_thresholds_known(view)
        else [],
        "settings": settings_table(view),
        "other_settings": settings_that_do_not_differ(view),
        "protocols": protocol_run_table(view),
        "are_protocols_alike": are_protocols_alike(view),
        "readings": read_differently_table(view),
        "rules": {protocol: PROTOCOLS[protocol].rule for protocol in protocols},
        "command": command,
    }
    gallery = comparison_gallery(view.pairs, view.headings)
    context |= {"kind_titles": _kind_titles(view), "preset": _answered_by_both(gallery)}
    return render_with_gallery("comparison.html.j2", gallery, view.images, **context)


def _kind_titles(view: ComparisonView) -> dict[str, str]:
    """What the page calls each kind of question: with the names of the results."""
    names = dict(zip("ab", view.headings, strict=True))
    return {kind: re.sub(r"(?<=only )[ab]\b", lambda letter: names[letter[0]], kind) for kind in DIFFERING}


def _answered_by_both(gallery: Gallery) -> tuple[str, ...]:
    """The kinds that the page shows at first: without questions that one result alone answers, if there are others."""
    both = tuple(kind for kind in gallery.kinds if kind not in _LONE_ANSWER_KINDS)
    return both if both and len(both) < len(gallery.kinds) else ()


def _causes_chart(view: ComparisonView) -> "Chart | None":
    """The chart of the causes; None where the gap cannot be taken apart."""
    from repope_eval.comparison.causes_chart import causes_chart  # drawing takes a while to import

    labels = view.labels[-1]
    gap = labels.gaps[labels.headline]["f1"]
    values = (gap.value, *(part.value for part in gap.parts.values()))
    return None if None in values else causes_chart(view)
