"""The page of a run that describes images: CHAIR under both truths first, then the captions with marked mentions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from repope_eval.captions.mentions import Mention
from repope_eval.captions.truth import REPOPE, CaptionTruth
from repope_eval.records import Answer, Variant
from repope_eval.reporting import caption_tables
from repope_eval.reporting.figure_texts import change_text, clipped, figure_interval_text, percent_text
from repope_eval.reporting.gallery import Card, Gallery, Item, gallery_of_cards, render_with_gallery
from repope_eval.reporting.page import RunPage, RunView, run_context
from repope_eval.reporting.tables import Table
from repope_eval.scoring.caption_counts import FIGURE_TITLES
from repope_eval.scoring.caption_scores import CaptionScores
from repope_eval.scoring.chair import Found, JudgedMention, VariantCaptions, judged_mentions
from repope_eval.scoring.estimates import leaves_out_zero
from repope_eval.wording import counted, percentage

LEAST_JUDGED = 0.5
"""The share of the mentions that must have a verdict, so that corrected figures stand first on the page."""
LONGEST_CAPTION = 2_000
"""Characters of a caption that the page shows."""

KINDS: Mapping[tuple[bool, Found], tuple[str, str, str]] = {
    (False, Found.HALLUCINATED): (
        "not there",
        "stays",
        "{annotation} does not have it, and by {judge} it is not there.",
    ),
    (True, Found.HALLUCINATED): (
        "not there, {annotation} errs",
        "blamed",
        "{annotation} has it, and by {judge} it is not there.",
    ),
    (False, Found.TRUE): (
        "there, {annotation} errs",
        "excused",
        "{annotation} does not have it, and by {judge} it is there.",
    ),
    (False, Found.NOT_JUDGED): (
        "not there, unchecked",
        "open",
        "{annotation} does not have it, and nobody has looked since.",
    ),
    (False, Found.AMBIGUOUS): ("ambiguous", "removed", "It cannot be decided, by {judge}."),
    (True, Found.AMBIGUOUS): ("ambiguous", "removed", "It cannot be decided, by {judge}."),
    (True, Found.TRUE): ("there", "there", "{annotation} has it, and by {judge} it is there."),
    (True, Found.NOT_JUDGED): (
        "there, unchecked",
        "there",
        "{annotation} has it, and nobody has looked since.",
    ),
}
"""The kind of a mention by what is annotated and what was found, what gives it its colour, and what it means; `{judge}`
is by whom that was found."""


def _kind(truth: CaptionTruth, judged: JudgedMention) -> tuple[str, str]:
    """The kind of a mention, and what gives it its colour."""
    kind, colour, _ = KINDS[judged.is_there, judged.found]
    return truth.told(kind), colour


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionPart:
    """A piece of a caption: a mention, or what is between two."""

    text: str
    colour: str = ""
    """Of a mention: the one of its kind; empty between mentions."""
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionItem(Item):
    """An object that a caption mentions."""

    number: int
    """How often the captions mention it."""

    @property
    def lines(self) -> int:
        """The line that it takes on paper below the caption."""
        return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionCard(Card):
    """One image with its captions, in pieces, by variant."""

    captions: Mapping[Variant, Sequence[CaptionPart]] = field(default_factory=dict)

    @property
    def texts(self) -> tuple[str, ...]:
        """What a page holds of the captions besides markup."""
        return tuple(part.text for parts in self.captions.values() for part in parts)


def render_caption_page(view: RunView) -> RunPage:
    """The page of a run that describes images, which needs no file and no network."""
    scores = view.scores
    assert isinstance(scores, CaptionScores), "answers of yes or no have a page of their own"
    judge = " or ".join(scores.truth.judges) or REPOPE
    html = render_with_gallery(
        "captions.html.j2",
        caption_gallery(scores),
        view.images,
        **run_context(view),
        scores=scores,
        headline=_headline(scores),
        verdict=verdict(scores),
        kinds={
            scores.truth.told(kind): (colour, scores.truth.told(told, judge=judge))
            for kind, colour, told in KINDS.values()
        },
        corrected_by="What RePOPE corrects" if judge == REPOPE else "What the verdicts correct",
        tables=_tables(scores),
        known=caption_tables.known_remark(scores),
    )
    return RunPage(html=html, figures={})


def _tables(scores: CaptionScores) -> dict[str, Table]:
    """The tables that have rows, by name."""
    tables = {
        "scores": caption_tables.caption_table("In percent, with 95 % intervals; lengths are means", scores),
        "counts": caption_tables.count_table(scores),
        "found": caption_tables.found_table(scores) if len(scores.truths) > 1 else None,
        "bounds": caption_tables.bounds_table(scores),
        "lengths": caption_tables.length_table(scores),
        "objects": caption_tables.object_table(scores),
    }
    return {name: shown for name, shown in tables.items() if shown is not None and shown.rows}


def _headline(scores: CaptionScores) -> list[tuple[str, str, str]]:
    """CHAIRi and CHAIRs of the first prompt under each truth: what it is, the figure, its interval.

    Where little has been judged, the corrected figures are the others but for a few mentions, and do not stand first.
    """
    first = _first(scores)
    judged, total = caption_tables.judged_and_all(scores)
    truths = scores.truths if judged >= LEAST_JUDGED * total else scores.truths[:1]
    return [
        (
            f"{FIGURE_TITLES[name]}, {scores.titles[truth]}",
            percent_text(one.value),
            "" if one.interval is None else figure_interval_text("f1", one.interval),
        )
        for name in ("chair_i", "chair_s")
        for truth in truths
        for one in (first.figures[truth].estimates[name],)
    ]


def _first(scores: CaptionScores) -> VariantCaptions:
    return next(iter(scores.variants.values()))


def verdict(scores: CaptionScores) -> str:
    """The one sentence that the page says first."""
    if scores.is_unread:
        return (
            f"No caption mentions one of {scores.truth.annotation}'s {len(scores.truth.vocabulary.objects)} objects in "
            "English, so there is nothing to measure."
        )
    counts = _first(scores).figures["coco"].counts
    sentence = (
        f"Of {counted(counts.mentions, 'mention', ',')} in {counted(counts.captions, 'caption', ',')}, "
        f"{counts.hallucinated:,} are of objects that {scores.truth.annotation} does not have in the "
        "image"
    )
    change = _first(scores).changes.get("chair_i")
    if change is None or change.value is None:
        return f"{sentence}."
    certain = leaves_out_zero(change.interval)
    doubt = (
        ""
        if certain
        else ", which is within chance"
        if change.interval
        else ", of which no interval can be made"
    )
    points = change_text("f1", change.value)
    judged, total = caption_tables.judged_and_all(scores)
    return (
        f"{sentence}. The verdicts of {scores.truth.judge} on {percentage(judged, total):g} % of the mentions change "
        f"CHAIRi by {points} points{doubt}."
    )


def caption_gallery(scores: CaptionScores) -> Gallery | None:
    """The captions, image by image, those with most that is not there first; None where there is none."""
    captions: dict[str, dict[Variant, Answer]] = {}
    for variant, prompt in scores.prompts.items():
        for question, answer in scores.answers.items():
            if question.text == prompt:
                captions.setdefault(question.image, {})[variant] = answer
    cards = [_card(image, of_image, scores.truth) for image, of_image in captions.items()]
    ordered = sorted(cards, key=lambda card: -sum(item.number for item in _doubtful(card)))
    kinds = list(dict.fromkeys(scores.truth.told(kind) for kind, _, _ in KINDS.values()))
    return gallery_of_cards(ordered, kinds) if ordered else None


def _doubtful(card: CaptionCard) -> list[MentionItem]:
    return [
        item for item in card.items if isinstance(item, MentionItem) and item.kind.startswith("not there")
    ]


def _card(image: str, answers: Mapping[Variant, Answer], truth: CaptionTruth) -> CaptionCard:
    items: dict[tuple[str, str], MentionItem] = {}
    captions = {}
    for variant, answer in answers.items():
        caption = clipped(answer.response, LONGEST_CAPTION)
        judged = judged_mentions(image, caption, truth)
        captions[variant] = caption_parts(caption, [(each.mention, *_kind(truth, each)) for each in judged])
        for each in judged:
            kind, colour = _kind(truth, each)
            name = each.mention.object
            known = items.get((name, kind))
            items[name, kind] = MentionItem(
                question="",
                object=name,
                variants=tuple(dict.fromkeys([*(known.variants if known else ()), variant])),
                kind=kind,
                verdict=colour,
                label_before="",
                label_after="",
                number=1 + (known.number if known else 0),
            )
    return CaptionCard(image=image, items=tuple(items.values()), captions=captions)


def caption_parts(caption: str, marked: Iterable[tuple[Mention, str, str]]) -> list[CaptionPart]:
    """A caption in pieces.

    Args:
        marked: the mentions that are marked, in their order, each with its kind and its colour.
    """
    parts, place = [], 0
    for mention, kind, colour in marked:
        parts += [
            CaptionPart(text=caption[place : mention.start]),
            CaptionPart(text=caption[mention.start : mention.end], colour=colour, kind=kind),
        ]
        place = mention.end
    return [*parts, CaptionPart(text=caption[place:])]
