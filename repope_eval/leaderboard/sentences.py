"""Sentences about a leaderboard, for the terminal and the page."""

from collections.abc import Iterator, Mapping, Sequence

from repope_eval.benchmarks.sources import label_set_phrase
from repope_eval.leaderboard.entries import (
    PAPER_MARK,
    Entry,
    Leaderboard,
)
from repope_eval.leaderboard.moves import certain_moves
from repope_eval.reporting.figure_texts import PARTIAL, percent_text
from repope_eval.scoring.differences import Difference
from repope_eval.scoring.power import LEVEL
from repope_eval.scoring.score_document import figure_phrase
from repope_eval.wording import counted, listed_words, part_of_images

GROUPS = {"runs": "the runs", "paper": "the paper's models"}
"""The groups of models whose rankings are compared, with their names in sentences."""

_MOST_NAMES = 5


def sentences(board: Leaderboard) -> tuple[str, ...]:
    """The sentences that apply to a leaderboard."""
    parts = (
        _what_would_rank,
        _common_questions,
        _paper_apart,
        _partial_entries,
        _share_of_yes,
        _differing_pairs,
        _power,
        decodings,
    )
    return tuple(sentence for part in parts for sentence in part(board))


def decodings(board: Leaderboard) -> Iterator[str]:
    """How the runs' answers were decoded."""
    if board.runs:
        yield decoding_sentence({run.name: run.decoding for run in board.runs})


def decoding_sentence(of_runs: Mapping[str, str]) -> str:
    """How answers were decoded, by the names of the runs; where that differs, which runs decode how."""
    names: dict[str, list[str]] = {}
    for name, decoding in of_runs.items():
        names.setdefault(decoding or "unknown", []).append(name)
    told = [
        f"{decoding} ({listed_words(_first_names(of_decoding))})" if len(names) > 1 else decoding
        for decoding, of_decoding in sorted(names.items())
    ]
    first = (
        " Of several draws, the first alone counts here." if any("draws" in each for each in names) else ""
    )
    return f"Decoding: {'; '.join(told)}.{first}"


def paper_apart(board: Leaderboard) -> str:
    """Why the paper's models have no place where they are apart."""
    return (
        f"The paper's counts are over all {board.n_benchmark_questions:,} questions, the runs' figures over "
        f"{board.n_questions:,}: no ranking holds both, so the paper's models stand after the runs without a place."
    )


def apart_note(board: Leaderboard) -> str:
    """The same at the end of the caption of a chart or a table; empty where they are not apart."""
    return f" {paper_apart(board)}" if board.paper_is_apart else ""


def verdict(board: Leaderboard) -> str | None:
    """Says who leads, how sure that is, and how many ranks the relabelling changes; None where nobody leads."""
    leader = leader_sentence(board)
    return None if leader is None else " ".join([leader, *_sureness(board), *_moves(board)])


def leader_sentence(board: Leaderboard) -> str | None:
    """Says which model is first under each label set, and where the best run is beside the paper's models."""
    leaders = {name: _leaders(board, name) for name in reversed(board.label_sets)}
    led: list[str] = []
    said: list[Entry] = []
    for name, entries in leaders.items():
        if entries:
            led.append(_leaders_clause(board, name, entries, is_named=entries != said))
            said = entries
    if not led:
        return None
    verb = "is" if all(len(entries) <= 1 for entries in leaders.values()) else "are"
    first = "First of your runs" if board.paper_is_apart else "First"
    return " ".join([f"{first} by F1 {verb} {listed_words(led)}.", *_best_run(board)])


def paper_sentence(board: Leaderboard) -> str | None:
    """The runs' figures as a paper prints them, with what they are over; None where no run is ranked."""
    if not board.runs or board.n_questions is None:
        return None
    name, variant = board.primary
    shown = _first_names(
        [figure_phrase(run.name, run.cells[name][variant].estimates["f1"]) for run in board.runs]
    )
    images = limited_images(board) or counted(board.n_images or 0, "image", ",")
    several = f" ({variant} of {len(board.variants) - 1} variants)" if len(board.variants) > 1 else ""
    all_of = f"all {len(board.runs)} runs" if len(board.runs) > 1 else "the run"
    return (
        f"F1 under {label_set_phrase(name)}{several}, on {counted(board.n_questions, 'question', ',')} about "
        f"{images} that {all_of} answered, protocol {board.protocol}: {'; '.join(shown)}"
    )


def _leaders(board: Leaderboard, label_set: str) -> list[Entry]:
    """Those that are first under a label set, among the models of which an answer was read under each."""
    read = [
        entry
        for entry in board.entries
        if not any(entry.cells[name][board.headline].figures.is_unread for name in board.label_sets)
    ]
    return _entries_at(board, label_set, read, 1)


def _leaders_clause(board: Leaderboard, label_set: str, leaders: Sequence[Entry], *, is_named: bool) -> str:
    """Those that are first under a label set, with their names unless these were just said, and their F1."""
    value = percent_text(leaders[0].cells[label_set][board.headline].estimates["f1"].value)
    figure = f"{value} %" if len(leaders) == 1 else f"a tie at {value} %"
    names = f"{_entry_names(board, leaders)} " if is_named else ""
    return f"{names}under {label_set_phrase(label_set)} ({figure})"


def _sureness(board: Leaderboard) -> Iterator[str]:
    """Says how sure the first place of a single leader is: a run's by its rank, and else by the intervals of F1."""
    name, variant = board.primary
    leaders = _leaders(board, name)
    if len(leaders) != 1 or len(board.entries) < 2:
        return
    (leader,), under = leaders, label_set_phrase(name)
    standing = board.standing(name, variant, leader.name)
    if standing is not None and standing.interval is not None and len(board.runs) > 1:
        low, high = standing.interval
        ranks = f"{low} to {high}" if low < high else f"{low}"
        yield (
            f"The 95 % interval of the rank of {_entry_names(board, leaders)} under {under} is {ranks} of "
            f"{len(board.runs)} runs."
        )
    elif leader.is_paper and (interval := leader.cells[name][variant].estimates["f1"].interval):
        others = [entry.cells[name][variant].estimates["f1"].interval for entry in board.entries]
        n_near = sum(other is not None and other[1] >= interval[0] for other in others) - 1
        near = counted(n_near, "other model") if n_near else "no other model"
        yield (
            f"Under {under}, the 95 % interval of the F1 of {_entry_names(board, leaders)} overlaps with "
            f"{'those' if n_near > 1 else 'that'} of {near}."
        )


def _moves(board: Leaderboard) -> Iterator[str]:
    """Says how many models change their rank from the first of two label sets to the second."""
    if len(board.label_sets) != 2 or len(board.entries) < 2:
        return
    before, after = (board.places[name][board.headline] for name in board.label_sets)
    moves = [(name, old - new) for name, old in before.items() if old and (new := after[name])]
    rising, falling = certain_moves(board, board.headline)
    moved = [name in (rising if move > 0 else falling) for name, move in moves if move]
    old_labels, new_labels = map(label_set_phrase, board.label_sets)
    if moved:
        yield (
            f"From {old_labels} to {new_labels}, {len(moved)} of {counted(len(moves), 'model')} "
            f"{'change' if len(moved) > 1 else 'changes'} rank; {sum(moved) or 'none'} of these moves "
            f"{'are' if sum(moved) > 1 else 'is'} more than chance, each taken by itself."
        )
    elif len(moves) > 1:
        yield f"From {old_labels} to {new_labels}, no model changes rank."


def _best_run(board: Leaderboard) -> Iterator[str]:
    """Says where the best of the runs stands among the paper's models."""
    if board.has_paper and board.runs and not board.paper_is_apart:
        best, name = board.runs[0], board.label_sets[-1]
        place = board.places[name][board.headline][best.name]
        if place is not None:
            equals = _entries_at(board, name, board.runs, place)
            yield (
                f"The best of your runs {'is' if len(equals) == 1 else 'are'} {_entry_names(board, equals)}, in place "
                f"{place} of {len(board.entries)} under {label_set_phrase(name)}."
            )


def _entries_at(board: Leaderboard, label_set: str, entries: Sequence[Entry], place: int) -> list[Entry]:
    """Those of the entries that have a place under a label set; several where they tie."""
    places = board.places[label_set][board.headline]
    return [entry for entry in entries if places[entry.name] == place]


def _entry_names(board: Leaderboard, entries: Sequence[Entry]) -> str:
    """Names in a sentence, which says of which ones the paper has the figures if there are runs."""
    names = [
        f"{entry.name}{PAPER_MARK}"
        if board.runs and entry.is_paper and not entry.name.endswith(PAPER_MARK)
        else entry.name
        for entry in entries
    ]
    return listed_words(_first_names(names))


def _common_questions(board: Leaderboard) -> Iterator[str]:
    """Says which questions the figures are over, if ranked runs answered different questions."""
    apart = {run.n_answered for run in board.runs} - {board.n_questions}
    if board.n_questions is not None and apart:
        whose = "The runs' figures" if board.has_paper else "Figures"
        yield (
            f"{whose} and ranks are over the {board.n_questions:,} of {board.runs[0].n_questions:,} questions that "
            f"all {len(board.runs)} ranked runs answered."
        )


def ranking_ways(board: Leaderboard) -> str:
    """Which `coverage` ranks the fullest run and which ranks all that can be; empty where a run is ranked, or none is.

    It goes on after `the same command`.
    """
    could_be = [each for each in board.unranked if each.coverage is not None]
    shares = sorted({each.coverage for each in could_be if each.coverage is not None})
    if board.runs or not shares:
        return ""
    best = _entry_names(board, [each.entry for each in could_be if each.coverage == shares[-1]])
    ways = [f"with coverage={shares[-1]:g} ranks {best}"]
    if len(shares) > 1:
        ways.append(f"with coverage={shares[0]:g} it ranks {len(could_be)} runs")
    return ", and ".join(ways)


def _what_would_rank(board: Leaderboard) -> Iterator[str]:
    """Says which `coverage` would rank runs, if no run is ranked."""
    if ways := ranking_ways(board):
        yield f"The same command {ways}, over the questions that all ranked runs answered."


def limited_images(board: Leaderboard) -> str:
    """Which part of the benchmark's images the figures of runs are about, `10 of 100 images`; empty where all."""
    return part_of_images(board.n_images, board.n_benchmark_images)


def _paper_apart(board: Leaderboard) -> Iterator[str]:
    """Says why the paper's models have no place among the runs."""
    if board.paper_is_apart:
        yield f"{paper_apart(board)} They are ranked together where every ranked run answered all."


def _partial_entries(board: Leaderboard) -> Iterator[str]:
    """Says which entries have a marked F1, and why."""
    entries = [*board.entries, *(each.entry for each in board.unranked)]
    marked = [
        entry.name
        for entry in entries
        if any(entry.is_partial(name, variant) for name in board.label_sets for variant in board.variants)
    ]
    if marked:
        yield (
            f"F1 marked with {PARTIAL} ({listed_words(_first_names(marked))}) leaves out more than 1 % of the "
            "questions with label yes, or of those with label no, which have no answer or none that reads as yes or "
            "no: it is about another mix of labels, or about the easier questions."
        )


def _share_of_yes(board: Leaderboard) -> Iterator[str]:
    """Says how much of a re-ranking may come from prevalence, and what the rest comes from."""
    for group, models in GROUPS.items():
        of_group = [each for each in board.agreements if each.group == group]
        shares = [
            f"{100 * share:.0f} % ({each.variant})"
            for each in of_group
            if (share := each.agreement.share_of_yes) is not None
        ]
        if shares:
            untold = [each.variant for each in of_group if each.agreement.share_of_yes is None]
            yield (
                f"Of the re-ranking of {models} by F1, an estimated {listed_words(shares)} "
                f"{'comes' if len(shares) == 1 else 'come'} from prevalence"
                f"{f', and no share can be told of {listed_words(untold)}' if untold else ''}: the relabelling "
                "changes the share of questions with label yes, and F1 at 50 % yes is not re-ranked by so much. The "
                "rest comes from corrected labels and from questions left out, which this does not tell apart. These "
                f"estimates, of {of_group[0].n_models} models, have no interval: chance re-ranks models, too."
            )


def _differing_pairs(board: Leaderboard) -> Iterator[str]:
    """Says how many pairs of runs differ in the primary family, and that the others are secondary."""
    pairs = [pair for pair in _primary_pairs(board) if pair.p_adjusted is not None]
    if pairs:
        n_found = sum(pair.p_adjusted <= LEVEL for pair in pairs if pair.p_adjusted is not None)
        n_others = len(board.label_sets) * len(board.variants) - 1
        others = (
            f" This family of pairs is the primary one. {counted(n_others, 'other')}, of the other label sets and "
            f"variants, {'is' if n_others == 1 else 'are'} secondary: adjusted p hold within one family only."
        )
        yield (
            f"Of {counted(len(pairs), 'pair')} of runs that could be tested, {n_found or 'none'} "
            f"{'are' if n_found > 1 else 'is'} shown to differ in F1 ({_primary_title(board)}; adjusted p up to "
            f"{LEVEL:g}).{others if n_others else ''}"
        )


def _power(board: Leaderboard) -> Iterator[str]:
    """Says which differences so many images can show, and how many images a difference of 0.01 would take."""
    pairs = [pair for pair in _primary_pairs(board) if pair.detectable is not None]
    if pairs:
        smallest = _range_text([100 * (pair.detectable or 0) for pair in pairs], ".1f")
        images = _range_text([pair.images_for_one_point or 0 for pair in pairs], ",")
        n_images = _range_text([pair.n_images for pair in pairs], ",")
        yield (
            f"{n_images} images show a difference of F1 between two runs ({_primary_title(board)}) of "
            f"{smallest} points or more (80 % power, two-sided 5 %); one of 1 point would take {images} images."
        )


def _primary_pairs(board: Leaderboard) -> Sequence[Difference]:
    label_set, variant = board.primary
    return board.comparison.differences[label_set][variant] if board.comparison else ()


def _primary_title(board: Leaderboard) -> str:
    label_set, variant = board.primary
    return f"{variant} under {label_set_phrase(label_set)}"


def _range_text(values: Sequence[float], form: str) -> str:
    low, high = (format(value, form) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _first_names(names: Sequence[str]) -> list[str]:
    """The first names, as many as a sentence has room for; the others are counted."""
    return [*names[:_MOST_NAMES], *([f"{len(names) - _MOST_NAMES} more"] if len(names) > _MOST_NAMES else [])]
