"""What a model affirms against what it mentions: tables, the list of contradictions, the page and the document."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repope_eval.benchmarks.sources import label_set_phrase, label_set_title
from repope_eval.comparison.asking_telling import AskingTellingView, remarks
from repope_eval.comparison.captions import CaptionSide
from repope_eval.comparison.sides import Side, decoding_of_facts
from repope_eval.records import Label
from repope_eval.reporting.caption_page import LONGEST_CAPTION, CaptionCard, caption_parts
from repope_eval.reporting.figure_texts import (
    clipped,
    coefficient_text,
    percent_text,
    reading_text,
)
from repope_eval.reporting.gallery import AnsweredItem, Gallery, gallery_of_cards, render_with_gallery
from repope_eval.reporting.tables import (
    Field,
    Table,
    estimate_field,
    number_field,
    table,
    text_field,
)
from repope_eval.scoring.asking_telling import LABELS, SHARE_RULES, AskedPair, CountedShare, LabelledPairs
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.protocols import PROTOCOLS, Reading
from repope_eval.scoring.score_document import plain

PLACES: Mapping[Label, str] = {"no": "not there", "yes": "there", "ambiguous": "ambiguous"}
"""What a label says of an object."""

SHARE_TITLES: Mapping[str, str] = {
    "mentioned_denied": "of those mentioned: denied when asked",
    "unmentioned_denied": "of those not mentioned: denied when asked",
    "affirmed_mentioned": "of those affirmed when asked: mentioned",
    "unmentioned_affirmed": "of those not mentioned: affirmed when asked",
    "mentioned_affirmed": "of those mentioned: affirmed when asked",
}

KINDS: Mapping[tuple[Reading, Label], tuple[str, str, str]] = {
    (False, "no"): (
        "mentioned, denied: not there",
        "excused",
        "The caption mentions what is not there, and the answer denies it.",
    ),
    (False, "yes"): (
        "mentioned, denied: there",
        "blamed",
        "The caption mentions what is there, and the answer denies it.",
    ),
    (False, "ambiguous"): (
        "mentioned, denied: ambiguous",
        "removed",
        "The caption mentions it, the answer denies it, and it cannot be decided.",
    ),
    (None, "no"): ("mentioned, neither yes nor no", "open", "The answer reads as neither yes nor no."),
    (None, "yes"): ("mentioned, neither yes nor no", "open", "The answer reads as neither yes nor no."),
    (None, "ambiguous"): ("mentioned, neither yes nor no", "open", "The answer reads as neither yes nor no."),
    (True, "no"): (
        "mentioned, affirmed: not there",
        "stays",
        "The caption mentions what is not there, and the answer affirms it.",
    ),
}
"""The kinds of mentioned objects that are listed, by what is read of the answer and by the label: what each is called,
what gives it its colour, and what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _ShareRow:
    key: str
    is_first: bool


def share_table(view: AskingTellingView) -> Table:
    """The shares under each label set, each with its interval and what it is of."""
    labels = [rule.label for rule in SHARE_RULES.values()]
    rows = [
        _ShareRow(key=key, is_first=place == 0 or labels[place - 1] != labels[place])
        for place, key in enumerate(SHARE_RULES)
    ]
    fields: list[Field[_ShareRow]] = [
        text_field("objects", lambda row: PLACES[SHARE_RULES[row.key].label] if row.is_first else ""),
        text_field("share", lambda row: SHARE_TITLES[row.key], stays=True),
    ]
    for name, under in view.compared.under.items():
        fields += _share_fields(label_set_phrase(name), under)
    return table(
        "Shares of the objects that are answered with yes or no, in percent, with 95 % intervals",
        fields,
        rows,
        n_naming=2,
        starts_group=lambda row: row.is_first,
    )


def _share_fields(phrase: str, under: LabelledPairs) -> list[Field[_ShareRow]]:
    return [
        estimate_field(f"under {phrase}", lambda row: under.shares[row.key].estimate),
        number_field("of", lambda row: _part_of_whole(under.shares[row.key])),
    ]


def _part_of_whole(share: CountedShare) -> str:
    return f"{share.part:,.0f} of {share.whole:,}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _CountRow:
    group: str
    label: Label
    reading: Reading
    n_mentioned: int
    n_unmentioned: int


def count_table(view: AskingTellingView) -> Table:
    """How many objects are affirmed, denied and neither, and mentioned or not, by label under each label set."""
    rows = [
        _CountRow(
            group=f"Under {label_set_phrase(name)}",
            label=label,
            reading=reading,
            n_mentioned=under.counts[label][reading, True],
            n_unmentioned=under.counts[label][reading, False],
        )
        for name, under in view.compared.under.items()
        for label in LABELS
        if any(under.counts[label].values())
        for reading in (True, False, None)
        if reading is not None or under.counts[label][None, True] or under.counts[label][None, False]
    ]
    return table(
        "Pairs of image and object, by the answer and by the caption",
        [
            text_field("objects", lambda row: PLACES[row.label] if row.reading is True else ""),
            text_field("answer", lambda row: reading_text(row.reading), stays=True),
            number_field("mentioned", lambda row: f"{row.n_mentioned:,}"),
            number_field("not mentioned", lambda row: f"{row.n_unmentioned:,}"),
            number_field("in all", lambda row: f"{row.n_mentioned + row.n_unmentioned:,}"),
        ],
        rows,
        n_naming=2,
        starts_group=lambda row: row.reading is True,
        group=lambda row: row.group,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _KappaRow:
    among: str
    label_set: str
    pairs: Sequence[AskedPair]
    kappa: Estimate


def kappa_table(view: AskingTellingView) -> Table:
    """Cohen's kappa of affirming and mentioning, over all pairs and among those of each label."""
    read = [pair for pair in view.compared.pairs if pair.reading is not None]
    rows = [_KappaRow(among="all", label_set="", pairs=read, kappa=view.compared.kappa)]
    for name, under in view.compared.under.items():
        rows += [
            _KappaRow(
                among=PLACES[label],
                label_set=label_set_phrase(name),
                pairs=[pair for pair in read if pair.labels[name] == label],
                kappa=kappa,
            )
            for label, kappa in under.kappas.items()
        ]
    fields: list[Field[_KappaRow]] = [
        text_field("under", lambda row: row.label_set),
        text_field("objects", lambda row: row.among, stays=True),
        number_field("number", lambda row: f"{len(row.pairs):,}"),
        number_field("affirmed, %", lambda row: _share_of(row.pairs, lambda pair: pair.reading is True)),
        number_field("mentioned, %", lambda row: _share_of(row.pairs, lambda pair: pair.is_mentioned)),
        estimate_field("kappa", lambda row: row.kappa, coefficient_text),
    ]
    if any(row.kappa.reason for row in rows):
        fields.append(text_field("why no interval", lambda row: row.kappa.reason, wraps=True))
    return table(
        "Cohen's kappa of affirming and mentioning, with 95 % intervals",
        fields,
        rows,
        n_naming=2,
        starts_group=lambda row: row.among != PLACES["yes"],
    )


def _share_of(pairs: Sequence[AskedPair], holds: Callable[[AskedPair], bool]) -> str:
    return percent_text(sum(map(holds, pairs)) / len(pairs) if pairs else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ConfidenceRow:
    label_set: str
    label: Label
    means: Mapping[bool, CountedShare]
    is_first: bool


def confidence_table(view: AskingTellingView) -> Table:
    """The mean confidence in yes of what is mentioned and of what is not; without a row where none is stored."""
    rows = [
        _ConfidenceRow(
            label_set=label_set_phrase(name),
            label=label,
            means={told: under.confidences[label, told] for told in (True, False)},
            is_first=label == LABELS[0],
        )
        for name, under in view.compared.under.items()
        if under.confidences
        for label in LABELS
        if any(under.confidences[label, told].whole for told in (True, False))
    ]
    return table(
        "Mean confidence in yes, in percent, with 95 % intervals",
        [
            text_field("under", lambda row: row.label_set if row.is_first else ""),
            text_field("objects", lambda row: PLACES[row.label], stays=True),
            estimate_field("mentioned", lambda row: row.means[True].estimate),
            number_field("of", lambda row: f"{row.means[True].whole:,}"),
            estimate_field("not mentioned", lambda row: row.means[False].estimate),
            number_field("of", lambda row: f"{row.means[False].whole:,}"),
        ],
        rows,
        n_naming=2,
        starts_group=lambda row: row.is_first,
    )


def run_table(view: AskingTellingView) -> Table:
    """The two runs."""
    asked, told = view.answering, view.describing
    tokens = told.max_new_tokens or "not known"
    rows: list[tuple[str, str, Side | CaptionSide, str]] = [
        ("yes or no", view.names[0], asked, f"read by {view.protocol}"),
        ("captions", view.names[1], told, f"“{told.prompt}”, most tokens {tokens}"),
    ]
    return table(
        "The two runs",
        [
            text_field("what", lambda row: row[0], stays=True),
            text_field("model", lambda row: row[1]),
            text_field("where", lambda row: row[2].where, wraps=True),
            text_field("how", lambda row: row[3], wraps=True),
            text_field("decoding", lambda row: decoding_of_facts(row[2].facts), wraps=True),
            number_field("answers", lambda row: f"{len(row[2].answers):,}"),
        ],
        rows,
    )


def contradiction_gallery(view: AskingTellingView) -> Gallery:
    """The mentioned objects that are denied, or affirmed and not there, image by image, without pictures."""
    by_image: dict[str, list[AskedPair]] = {}
    for pair in view.compared.pairs:
        if pair.is_mentioned and (pair.reading, pair.labels[view.label_set]) in KINDS:
            by_image.setdefault(pair.question.image, []).append(pair)
    kinds = list(dict.fromkeys(kind for kind, _, _ in KINDS.values()))
    cards = [_card(image, pairs, view, kinds) for image, pairs in by_image.items()]
    return gallery_of_cards(sorted(cards, key=lambda card: kinds.index(card.items[0].kind)), kinds)


def _card(
    image: str, pairs: Sequence[AskedPair], view: AskingTellingView, kinds: Sequence[str]
) -> CaptionCard:
    caption = clipped(view.captions[image], LONGEST_CAPTION)
    looks = {pair.question.object: KINDS[pair.reading, pair.labels[view.label_set]][:2] for pair in pairs}
    marked = [
        (each, *looks[each.object])
        for each in view.describing.truth.vocabulary.mentions(caption)
        if each.object in looks
    ]
    items = [_item(pair, view.label_set) for pair in pairs]
    return CaptionCard(
        image=image,
        items=tuple(sorted(items, key=lambda item: kinds.index(item.kind))),
        captions={"": caption_parts(caption, marked)},
    )


def _item(pair: AskedPair, label_set: str) -> AnsweredItem:
    kind, colour, _ = KINDS[pair.reading, pair.labels[label_set]]
    before, *_ = pair.labels.values()
    return AnsweredItem(
        question=clipped(pair.question.text),
        object=pair.question.object,
        variants=tuple(clipped(variant, 80) for variant in pair.variants),
        kind=kind,
        verdict=colour,
        label_before=before,
        label_after=pair.labels[label_set],
        response=clipped(pair.answer.response),
    )


def render_asking_telling(view: AskingTellingView, command: str) -> str:
    """The page, which needs no file and no network; as many pictures as it has room for.

    Args:
        command: how it was started; shown in the page.
    """
    tables = {
        "shares": share_table(view),
        "counts": count_table(view),
        "kappas": kappa_table(view),
        "confidences": confidence_table(view),
    }
    return render_with_gallery(
        "asking_telling.html.j2",
        contradiction_gallery(view),
        view.images,
        view=view,
        remarks=remarks(view),
        tables=tables,
        runs=run_table(view),
        kinds={kind: (colour, told) for kind, colour, told in KINDS.values()},
        label_titles=[label_set_title(name) for name in view.compared.under],
        phrase=label_set_phrase(view.label_set) if view.compared.under else "",
        rule=PROTOCOLS[view.protocol].rule,
        command=command,
    )


def asking_telling_document(view: AskingTellingView) -> dict[str, Any]:
    """The document; undefined figures are null. All pairs stand in it one by one."""
    compared, told = view.compared, view.describing
    return {
        "kind": "asking_telling",
        "verdict": view.verdict,
        "remarks": list(remarks(view)),
        "protocol": view.protocol,
        "answering": {
            "letter": view.answering.letter,
            "name": view.answering.name,
            "bench": view.answering.benchmark.name,
            "n_answers": len(view.answering.answers),
        },
        "describing": {
            "letter": "b" if view.answering.letter == "a" else "a",
            "name": told.name,
            "prompt": told.prompt,
            "max_new_tokens": told.max_new_tokens or None,
            "n_captions": len(told.answers),
        },
        "n_images": compared.n_images,
        "n_pairs": len(compared.pairs),
        "n_unanswered": compared.n_unanswered,
        "n_unparsed": compared.n_unparsed,
        "n_unlike": compared.n_unlike,
        "n_unasked": compared.n_unasked,
        "unmapped": dict(compared.unmapped),
        "kappa": plain(compared.kappa),
        "labels": {name: _labelled(under) for name, under in compared.under.items()},
        "pairs": [_pair(pair) for pair in compared.pairs],
    }


def _labelled(under: LabelledPairs) -> dict[str, Any]:
    return {
        "counts": {
            label: {
                reading_text(reading): {
                    "mentioned": of_label[reading, True],
                    "not_mentioned": of_label[reading, False],
                }
                for reading in (True, False, None)
            }
            for label, of_label in under.counts.items()
        },
        "kappa": plain(under.kappas),
        "shares": plain(under.shares),
        "confidence": {
            told: {
                label: plain(mean)
                for (label, is_mentioned), mean in under.confidences.items()
                if is_mentioned is (told == "mentioned")
            }
            for told in ("mentioned", "not_mentioned")
        },
    }


def _pair(pair: AskedPair) -> dict[str, Any]:
    return {
        "image": pair.question.image,
        "object": pair.question.object,
        "question": pair.question.text,
        "variants": pair.variants,
        "response": pair.answer.response,
        "read": None if pair.reading is None else reading_text(pair.reading),
        "mentioned": pair.is_mentioned,
        "labels": dict(pair.labels),
    }
