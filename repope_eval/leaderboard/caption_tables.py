"""The tables of a leaderboard of captions, for the page and for files alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from repope_eval.leaderboard.caption_entries import (
    CaptionBoard,
    CaptionEntry,
    CaptionGroup,
    DescribedImages,
    UnrankedCaptions,
)
from repope_eval.leaderboard.moves import CERTAIN
from repope_eval.leaderboard.ranking_table import move_cell, place_span
from repope_eval.leaderboard.tables import PLACE_ENDS, left_out_table, places_text, settings_table, value_cell
from repope_eval.reporting.caption_tables import figure_cell
from repope_eval.reporting.figure_texts import UNDEFINED, percent_text, shortened
from repope_eval.reporting.tables import (
    Cell,
    Field,
    Record,
    Table,
    interval_field,
    points_cell,
    table,
    text_field,
    value_field,
)
from repope_eval.scoring.caption_counts import FIGURE_TITLES
from repope_eval.scoring.caption_ranking import ALIKE_WORDS, FIGURE, Basis
from repope_eval.scoring.chair import Truth
from repope_eval.wording import counted, percentage

UNKNOWN = "not known"
LONGEST_PROMPT = 72
"""So many characters of a prompt are shown."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A model in its group."""

    group: CaptionGroup
    entry: CaptionEntry

    def place(self, basis: Basis) -> int | None:
        """Its rank in the group; None where it has none."""
        standing = self.group.ranking and self.group.ranking.standing(basis, self.entry.name)
        return standing.place if standing else None


def placed(groups: Sequence[CaptionGroup]) -> list[Placed]:
    """The models of groups, in order."""
    return [Placed(group, entry) for group in groups for entry in group.entries]


def caption_tables(board: CaptionBoard) -> dict[str, Table]:
    """The tables that are written to files, by name: those that have rows."""
    every = placed([*board.groups, *board.alone])
    corrected = [one for one in every if "corrected" in one.entry.captions.figures]
    made = {
        "captions": table(
            f"CHAIR under {board.truth.annotation}'s truth in percent, and mean lengths, with 95 % intervals; runs are "
            "ranked only with runs of the same prompt, images and limit of length.",
            [_name_field({}), *_group_fields(), _rank_field(), *_figure_fields(is_ranked=True)],
            every,
        ),
        "captions_corrected": table(
            "CHAIR under the corrected truth in percent, with 95 % intervals, and its bounds.",
            [_name_field({}), *_group_fields(), *_corrected_fields()],
            corrected,
        ),
        "captions_unranked": unranked_table(board.unranked),
        "captions_left_out": left_out_table(board.left_out),
        "captions_settings": settings_table([each for group in board.groups for each in group.differences]),
    }
    return {name: shown for name, shown in made.items() if shown.rows}


def standings_table(group: CaptionGroup, addresses: Mapping[str, str]) -> Table:
    """The order of a group's models under COCO's truth."""
    return table(
        f"CHAIR under {group.annotation}'s truth in percent, and mean lengths, with 95 % intervals; the lowest CHAIRi "
        "is first",
        [_rank_field(), _name_field(addresses), *_figure_fields(is_ranked=True)],
        placed([group]),
    )


def corrected_table(group: CaptionGroup) -> Table:
    """What the corrected truth makes of a group's figures and ranks."""
    rows = [one for one in placed([group]) if "corrected" in one.entry.captions.figures]
    return table(
        "CHAIR under the corrected truth in percent, with 95 % intervals, and its bounds",
        [_name_field({}), *_corrected_fields()],
        rows,
    )


def alone_table(board: CaptionBoard, addresses: Mapping[str, str]) -> Table:
    """The runs that there is no other to rank with."""
    return table(
        f"CHAIR under {board.truth.annotation}'s truth in percent, and mean lengths, with 95 % intervals",
        [_name_field(addresses), *_group_fields(), *_figure_fields(is_ranked=False)],
        placed(board.alone),
    )


def unranked_table(unranked: Sequence[UnrankedCaptions]) -> Table:
    """The runs whose captions have no place, and why."""

    def n_captions(each: UnrankedCaptions) -> Cell:
        return _captions_cell(each.described)

    return table(
        "Runs of captions that are not ranked",
        [
            text_field("model", lambda each: each.described.name, stays=True),
            _prompt_field(lambda each: each.described.prompt),
            value_field("captions", n_captions, "n_captions", "n_asked"),
            text_field("why", lambda each: each.reason, wraps=True),
        ],
        unranked,
    )


def _captions_cell(described: DescribedImages) -> Cell:
    """How many captions there are, and of how many that were asked for."""
    n_captions, asked = len(described.answers), described.n_asked
    note = "" if asked in (None, n_captions) else f"of {asked:,}"
    return Cell(text=f"{n_captions:,}", values=(n_captions, asked), note=note)


def _prompt_field(prompt: Callable[[Record], str]) -> Field[Record]:
    """The prompt, shortened where it is read; a file for programs has all of it."""
    named: Field[Record] = text_field("prompt", prompt, wraps=True)

    def cell(record: Record) -> Cell:
        whole = prompt(record)
        return Cell(text=shortened(whole, LONGEST_PROMPT), values=(whole,))

    return Field(named.column, cell)


def _name_field(addresses: Mapping[str, str]) -> Field[Placed]:
    named: Field[Placed] = text_field("model", lambda one: one.entry.name, stays=True)

    def cell(one: Placed) -> Cell:
        return replace(named.cell(one), address=addresses.get(one.entry.name, ""))

    return Field(named.column, cell)


def _group_fields() -> list[Field[Placed]]:
    """What the runs of a group share."""
    return [
        _prompt_field(lambda one: one.group.prompt),
        value_field("most tokens", lambda one: _tokens_cell(one.group), "max_new_tokens"),
        value_field("images", lambda one: value_cell(one.group.n_images), "n_images"),
    ]


def _tokens_cell(group: CaptionGroup) -> Cell:
    longest = group.max_new_tokens
    return Cell(text=UNKNOWN if longest is None else f"{longest:,}", values=(longest,))


def _rank_field() -> Field[Placed]:
    """The rank by CHAIRi under COCO's truth with its 95 % interval below it, and drawn."""

    def cell(one: Placed) -> Cell:
        standing = one.group.ranking and one.group.ranking.standing("coco", one.entry.name)
        if not standing or standing.place is None:
            return Cell(text=UNDEFINED, values=(None,) * len(PLACE_ENDS))
        alone, joint = standing.interval or (None, None), standing.joint_interval or (None, None)
        return Cell(
            text=str(standing.place),
            values=(standing.place, *alone, *joint),
            note=places_text(standing.interval) if standing.interval else "",
            span=place_span(standing, len(one.group.entries)),
        )

    return value_field("rank", cell, *(f"rank{end}" for end in PLACE_ENDS))


def _figure_fields(*, is_ranked: bool) -> list[Field[Placed]]:
    """CHAIR and recall of whole captions, then CHAIRi at one length for all, then how long captions are."""
    rank: Field[Placed] = value_field(
        f"rank, {ALIKE_WORDS} words",
        lambda one: value_cell(one.place("first_words")),
        f"rank_first_{ALIKE_WORDS}",
    )
    shares, means = list(FIGURE_TITLES)[:3], list(FIGURE_TITLES)[3:]
    return [
        *(_figure_field("coco", name) for name in shares),
        interval_field(
            f"CHAIRi, {ALIKE_WORDS} words",
            f"{FIGURE}_first_{ALIKE_WORDS}",
            lambda one: figure_cell(FIGURE, one.entry.captions.cut[ALIKE_WORDS]["coco"].estimates[FIGURE]),
        ),
        *([rank] if is_ranked else []),
        *(_figure_field("coco", name) for name in means),
    ]


def _figure_field(truth: Truth, name: str) -> Field[Placed]:
    def cell(one: Placed) -> Cell:
        return figure_cell(name, one.entry.captions.figures[truth].estimates[name])

    title = FIGURE_TITLES[name] if truth == "coco" else f"{FIGURE_TITLES[name]}, corrected"
    return interval_field(title, f"{name}_{truth}", cell)


def _corrected_fields() -> list[Field[Placed]]:
    return [
        value_field("judged mentions", _judged_cell, "judged"),
        *(
            field
            for name in ("chair_i", "chair_s")
            for field in (_figure_field("corrected", name), _bounds_field(name))
        ),
        interval_field(
            "change of CHAIRi", "chair_i_change", lambda one: points_cell(one.entry.captions.changes[FIGURE])
        ),
        value_field("rank, corrected", lambda one: value_cell(one.place("corrected")), "rank_corrected"),
        value_field("move", _move_cell, "move"),
    ]


def _judged_cell(one: Placed) -> Cell:
    """The share of its mentions that have a verdict, rounded down."""
    judged, total = one.entry.judged
    return Cell(
        text=f"{percentage(judged, total):g} %" if total else UNDEFINED,
        values=(judged / total if total else None,),
        note=f"{judged:,} of {total:,}",
    )


def _bounds_field(name: str) -> Field[Placed]:
    """The lowest and the highest figure, over every resolution of what is ambiguous or was not judged."""

    def cell(one: Placed) -> Cell:
        bounds = one.entry.captions.bounds[name]
        ends = bounds.lowest.value, bounds.highest.value
        return Cell(text="–".join(map(percent_text, ends)) if None not in ends else UNDEFINED, values=ends)

    return value_field(f"{FIGURE_TITLES[name]}, bounds", cell, f"{name}_lowest", f"{name}_highest")


def _move_cell(one: Placed) -> Cell:
    """By how many places the corrected truth moves a model, and whether that may be chance."""
    return move_cell(
        one.entry.name,
        one.place("coco"),
        one.place("corrected"),
        certain_caption_moves(one.group, "corrected"),
    )


def certain_caption_moves(group: CaptionGroup, basis: Basis) -> tuple[set[str], set[str]]:
    """Who overtakes another there in 95 % of the drawn sets of images or more, and who is overtaken so."""
    pairs = [
        pair
        for pair in (group.ranking.overtakings.get(basis, ()) if group.ranking else ())
        if (pair.probability or 0) >= CERTAIN
    ]
    return {pair.model for pair in pairs}, {pair.overtaken for pair in pairs}


def group_words(group: CaptionGroup) -> str:
    """What the runs of a group have in common."""
    prompt = (
        f"prompt “{shortened(group.prompt, LONGEST_PROMPT)}”" if group.knows_prompt else f"prompt {UNKNOWN}"
    )
    longest = group.max_new_tokens
    length = f"limit of length {UNKNOWN}" if longest is None else f"at most {counted(longest, 'token', ',')}"
    return f"{prompt}, {counted(group.n_images, 'image', ',')}, {length}"
