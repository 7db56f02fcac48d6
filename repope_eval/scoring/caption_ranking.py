"""Several models' captions of the same images: their places by CHAIRi, how surely, and what moves them.

The same drawn images serve every model, both truths and both lengths, so that what makes an image hard for all models
cancels out. The lowest CHAIRi is first: a caption that says less has less to be wrong about, so the places by the first
words of each caption stand beside those by whole captions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from repope_eval.captions.truth import CaptionTruth
from repope_eval.scoring.caption_comparison import FEW_DIFFERENT
from repope_eval.scoring.caption_counts import COUNTS, FIGURES, CountTable, differences_of, drawn_tables
from repope_eval.scoring.chair import caption_counts, first_words
from repope_eval.scoring.comparison import Overtaking, Standing, overtakings, standings_of
from repope_eval.scoring.confusion import Values, ratio
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.shared_questions import Sampled

FIGURE = "chair_i"
"""What models are ranked by, the lowest first."""
ALIKE_WORDS = 64
"""Captions are cut to so many words, so that models which write more or less can be compared."""

Basis = Literal["coco", "corrected", "first_words"]
"""What a ranking is made of: whole captions under either truth, or the first words of each under COCO's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionRanking:
    """The rankings of several models by CHAIRi, the lowest first."""

    standings: Mapping[Basis, tuple[Standing, ...]]
    """`corrected` only where there are verdicts. `Standing.value` is CHAIRi with its sign turned."""
    overtakings: Mapping[Basis, tuple[Overtaking, ...]]
    """Who is ahead of another there, and behind it by whole captions under COCO's truth."""
    lead: Estimate
    """CHAIRi of the first less that of the second, of whole captions under COCO's truth."""

    def standing(self, basis: Basis, name: str) -> Standing | None:
        """The standing of a model; None where there is no such ranking."""
        return next((each for each in self.standings.get(basis, ()) if each.model == name), None)


def rank_captions(captions: Mapping[str, Mapping[str, str]], truth: CaptionTruth) -> CaptionRanking:
    """Ranks two models or more.

    Args:
        captions: each model's captions by image, by its name; all are of the same images.
        truth: has the objects of these images.
    """
    names, images = list(captions), sorted(next(iter(captions.values())))
    whole = {name: {image: captions[name][image] for image in images} for name in names}
    cut = {
        name: {image: first_words(caption, ALIKE_WORDS) for image, caption in of_model.items()}
        for name, of_model in whole.items()
    }
    of_whole = [caption_counts(whole[name], truth) for name in names]
    counts: dict[Basis, list[Values]] = {
        "coco": [each["coco"] for each in of_whole],
        "first_words": [caption_counts(cut[name], truth)["coco"] for name in names],
    }
    if truth.verdicts:
        counts["corrected"] = [each["corrected"] for each in of_whole]
    tables = drawn_tables(
        {
            (basis, place): of_model
            for basis, of_basis in counts.items()
            for place, of_model in enumerate(of_basis)
        }
    )
    sampled: dict[Basis, Sampled] = {
        basis: _sampled([tables[basis, place] for place in range(len(names))]) for basis in counts
    }
    standings = {basis: standings_of(names, each, len(images), "CHAIRi") for basis, each in sampled.items()}
    first, second = (names.index(each.model) for each in standings["coco"][:2])
    lead = differences_of(tables["coco", second], tables["coco", first], FEW_DIFFERENT)[FIGURE]
    return CaptionRanking(
        standings=standings,
        overtakings={
            basis: overtakings(names, sampled["coco"], each)
            for basis, each in sampled.items()
            if basis != "coco"
        },
        lead=lead,
    )


def _sampled(tables: Sequence[CountTable]) -> Sampled:
    """CHAIRi of all models with its sign turned, so that more is better, all of the same drawn images."""
    drawn = [table.drawn for table in tables if table.drawn is not None]
    return Sampled(
        values=np.array([_turned(table.counts.sum(axis=0, keepdims=True))[0] for table in tables]),
        replicates=np.stack(list(map(_turned, drawn)), axis=1) if drawn else np.empty((0, len(tables))),
        influences=np.empty((0, len(tables))),
    )


def _turned(totals: Values) -> Values:
    """Minus CHAIRi of counts in sum, [rows] of [rows, counts]; NaN where undefined."""
    part, whole = (COUNTS.index(count) for count in FIGURES[FIGURE])
    return -ratio(totals[:, part], totals[:, whole])
