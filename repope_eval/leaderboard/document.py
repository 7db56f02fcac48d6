"""`leaderboard.json`: all that a leaderboard shows, for programs."""

import dataclasses
from typing import Any

from repope_eval.leaderboard.entries import Entry, Leaderboard, RankAgreement
from repope_eval.leaderboard.sentences import paper_apart
from repope_eval.records import Variant
from repope_eval.scoring.score_document import f1_parts_document

SCHEMA_VERSION = 2
"""The version of the document's form; it is raised when a reader of older documents would go wrong."""

COUNTS_ALONE = "the paper gives counts and no answers, so there is nothing to draw from"
"""The reason why the paper's models have no intervals of places, and no probability of overtaking."""


def leaderboard_document(board: Leaderboard) -> dict[str, Any]:
    """The whole document; undefined values are null."""
    return {
        "schema": SCHEMA_VERSION,
        "bench": board.bench,
        "protocol": board.protocol,
        "ranked_by": {"figure": "f1", "labels": board.label_sets[-1], "variant": board.headline},
        "primary": {"labels": board.primary[0], "variant": board.primary[1]},
        "coverage": board.coverage,
        "n_images": board.n_images,
        "n_benchmark_images": board.n_benchmark_images,
        "n_questions": board.n_questions,
        "n_benchmark_questions": board.n_benchmark_questions,
        "models": [_entry(entry) | {"ranks": _ranks(board, entry)} for entry in board.entries],
        "unranked": [
            _entry(each.entry) | {"reason": each.reason, "ranked_with_coverage": each.coverage}
            for each in board.unranked
        ],
        "left_out": [{"place": run.folder, "reason": run.reason} for run in board.left_out],
        "agreements": [_agreement(each) for each in board.agreements],
        "differences": _differences(board),
        "settings_that_differ": [dataclasses.asdict(each) for each in board.differences],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "model": entry.model,
        "source": "paper" if entry.is_paper else "run",
        "run_folder": entry.folder,
        "n_images": entry.n_images,
        "n_questions": entry.n_questions,
        "n_answered": entry.n_answered,
        "ci95": "binomial approximation"
        if entry.is_paper
        else "bootstrap over images, or gamma where few images have errors",
        "scores": {
            name: {variant: _cell(entry, name, variant) for variant in by_variant}
            for name, by_variant in entry.cells.items()
        },
        "f1_parts": {variant: f1_parts_document(change) for variant, change in entry.changes.items()},
    }


def _cell(entry: Entry, name: str, variant: Variant) -> dict[str, Any]:
    cell = entry.cells[name][variant]
    return dataclasses.asdict(cell.figures) | {
        "ci95": {figure: found.interval for figure, found in cell.estimates.items()},
        "coverage": None if entry.is_paper else dataclasses.asdict(entry.coverage[name][variant]),
    }


def _ranks(board: Leaderboard, entry: Entry) -> dict[str, Any]:
    """The place of a model among all, with its intervals among the runs: for this model alone, and for all at once."""
    found: dict[str, dict[Variant, dict[str, Any]]] = {}
    for name in board.label_sets:
        found[name] = {}
        for variant in board.variants:
            standing = board.standing(name, variant, entry.name)
            is_apart = entry.is_paper and board.paper_is_apart
            found[name][variant] = {
                "rank": board.places[name][variant][entry.name],
                "ci95_among_runs": standing.interval if standing else None,
                "joint_ci95_among_runs": standing.joint_interval if standing else None,
                "reason": standing.reason if standing else paper_apart(board) if is_apart else COUNTS_ALONE,
            }
    return found


def _agreement(each: RankAgreement) -> dict[str, Any]:
    found = each.agreement
    taus = {
        figure: {"kendall_tau": tau.value, "ci95": tau.interval, "reason": tau.reason}
        for figure, tau in found.taus.items()
    }
    return {
        "of": each.group,
        "variant": each.variant,
        "n_models": each.n_models,
        **taus["f1"],
        "by_figure": taus,
        "share_of_yes": found.share_of_yes,
        "overtakings": [dataclasses.asdict(pair) for pair in found.overtakings],
        "reason_without_probability": COUNTS_ALONE if each.group == "paper" else None,
    }


def _differences(board: Leaderboard) -> dict[str, Any]:
    if board.comparison is None:
        return {}
    return {
        name: {
            variant: [dataclasses.asdict(pair) | {"family": board.family(name, variant)} for pair in pairs]
            for variant, pairs in by_variant.items()
        }
        for name, by_variant in board.comparison.differences.items()
    }
