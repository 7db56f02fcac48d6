"""`leaderboard.json`: all that a leaderboard shows, for programs."""

import dataclasses
from typing import Any

from repope_eval.reporting.leaderboard_entries import Entry, Leaderboard, RankAgreement

SCHEMA_VERSION = 1
"""Raised when a reader of older documents would go wrong."""


def leaderboard_document(board: Leaderboard) -> dict[str, Any]:
    """The document; what is undefined is null."""
    return {
        "schema": SCHEMA_VERSION,
        "bench": board.bench,
        "protocol": board.protocol,
        "ranked_by": {"figure": "f1", "labels": board.label_sets[-1], "variant": board.headline},
        "n_images": board.n_images,
        "n_benchmark_images": board.n_benchmark_images,
        "models": [_entry(entry) | {"ranks": _ranks(board, entry)} for entry in board.entries],
        "unranked": [_entry(each.entry) | {"reason": each.reason} for each in board.unranked],
        "left_out": [dataclasses.asdict(run) for run in board.left_out],
        "agreements": [_agreement(each) for each in board.agreements],
        "differences": _differences(board),
        "settings_that_differ": [dataclasses.asdict(each) for each in board.differences],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "model": entry.model,
        "source": "paper" if entry.is_paper else "run",
        "run_folder": entry.place,
        "n_images": entry.n_images,
        "n_questions": entry.n_questions,
        "n_answered": entry.n_answered,
        "ci95": "binomial approximation" if entry.is_paper else "bootstrap over images",
        "scores": {
            name: {
                variant: dataclasses.asdict(figures) | {"ci95": dict(entry.intervals[name][variant])}
                for variant, figures in by_variant.items()
            }
            for name, by_variant in entry.figures.items()
        },
    }


def _ranks(board: Leaderboard, entry: Entry) -> dict[str, Any]:
    """The place among all models, and its interval among the runs."""
    return {
        name: {
            variant: {
                "rank": board.ranks[name][variant][entry.name],
                "ci95_among_runs": board.rank_interval(name, variant, entry.name),
            }
            for variant in board.variants
        }
        for name in board.label_sets
    }


def _agreement(each: RankAgreement) -> dict[str, Any]:
    return {
        "of": each.group,
        "variant": each.variant,
        "n_models": each.n_models,
        "kendall_tau": each.tau,
        "ci95": each.interval,
        "overtakings": [dataclasses.asdict(pair) for pair in each.overtakers],
    }


def _differences(board: Leaderboard) -> dict[str, Any]:
    if board.comparison is None:
        return {}
    return {
        name: {variant: [dataclasses.asdict(pair) for pair in pairs] for variant, pairs in by_variant.items()}
        for name, by_variant in board.comparison.differences.items()
    }
