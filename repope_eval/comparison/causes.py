"""Two results brought to common ground: the gap between them by cause, how sure it is, and every question."""

from collections.abc import Sequence
from dataclasses import replace

from repope_eval.benchmarks.sources import find_local_images, label_set_phrase
from repope_eval.comparison.sides import OWN_PROTOCOL, Side, compared_settings, is_same_place
from repope_eval.comparison.view import ComparedLabels, ComparedResult, ComparisonView, ProtocolFigures
from repope_eval.errors import RepopeError
from repope_eval.records import LabelSet, Variant
from repope_eval.reporting.figure_texts import clipped
from repope_eval.runs.finished_runs import SAME_FIGURE
from repope_eval.scoring.equivalence import equivalences
from repope_eval.scoring.gap import Gaps, Result, figures_by_variant, gaps, paired_differences, restricted
from repope_eval.scoring.paired_answers import Readers, flip_rate, pair_answers, read_differently, tally
from repope_eval.scoring.protocol_scores import include_distinct
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.thresholds import check_thresholds
from repope_eval.settings import config
from repope_eval.settings.command_settings import CompareSettings
from repope_eval.wording import counted

Labels = tuple[LabelSet, LabelSet, LabelSet]
"""The labels of a's own figures, of b's own, and the common ones."""

LONGEST_NAME = 120
"""Characters of a result's name on a page."""


def compare_results(a: Side, b: Side, settings: CompareSettings) -> ComparisonView:
    """Takes the gap between two results apart.

    Raises:
        RepopeError: they are one and the same, or share no question, no variant, or no label set.
    """
    _require_two(a, b, settings)
    shared = a.answers.keys() & b.answers.keys()
    if not shared:
        raise RepopeError(
            f"a and b share no question: a answers {len(a.answers):,} and b {len(b.answers):,} of "
            f"{counted(len(b.benchmark.questions), 'distinct question', ',')} of {b.benchmark.name}, and none is among "
            "both; compare two results on the same images"
        )
    common = settings.protocol or (a.protocol if a.protocol == b.protocol else OWN_PROTOCOL)
    compared, noted = [], {a.letter: a.notes, b.letter: b.notes}
    for triple in _label_triples(a, b, settings):
        labels = _compared_labels(a, b, triple, common, settings.margin)
        compared.append(labels)
        for side, name in ((a, labels.a), (b, labels.b)):
            noted[side.letter] += tuple(_changed_scores(side, name, labels.gaps))
    readers = Readers(a=a.protocol, b=b.protocol, common=common)
    asked = (*a.benchmark.label_sets, *b.benchmark.label_sets)
    pairs = pair_answers(a.answers, b.answers, triple[2], readers, asked)
    unlike = read_differently(pairs, readers)
    images = {
        name: path
        for side in (b, a)
        for name, path in find_local_images(side.bench, side.data_dir, side.answers).items()
    }
    return ComparisonView(
        bench=b.benchmark.name,
        a=_result(a, noted[a.letter], is_name_enough=a.name != b.name),
        b=_result(b, noted[b.letter], is_name_enough=a.name != b.name),
        protocol=common,
        labels=tuple(compared),
        tally=tally(pairs, unlike),
        flip_rate=flip_rate(pairs),
        pairs=pairs,
        read_differently=unlike,
        settings=compared_settings(a.facts, b.facts),
        images=images,
    )


def _require_two(a: Side, b: Side, settings: CompareSettings) -> None:
    is_otherwise = a.protocol != b.protocol or settings.labels_a != settings.labels_b
    if is_same_place(a, b) and not is_otherwise:
        raise RepopeError(
            f"a and b are both {a.where}, read alike; name two results, or read the one in two ways: protocol_b="
            f"{next(name for name in PROTOCOLS if name != a.protocol)}, say"
        )


def _result(side: Side, notes: tuple[str, ...], *, is_name_enough: bool) -> ComparedResult:
    return ComparedResult(
        letter=side.letter,
        name=clipped(side.name if is_name_enough else f"{side.name} ({side.letter})", LONGEST_NAME),
        where=side.where,
        protocol=side.protocol,
        n_answers=len(side.answers),
        n_questions=len(side.benchmark.questions),
        edition=side.edition,
        notes=tuple(dict.fromkeys(notes)),
    )


def _compared_labels(
    a: Side, b: Side, triple: Labels, protocol: config.Protocol, margin: float | None
) -> ComparedLabels:
    of_a, of_b, common = triple
    shared = a.answers.keys() & b.answers.keys()
    results = (
        Result(answers=a.answers, labels=of_a, protocol=a.protocol),
        Result(answers=b.answers, labels=of_b, protocol=b.protocol),
    )
    both = [restricted(side.answers, shared) for side in (a, b)]
    by_protocol = {name: [figures_by_variant(each, common, name) for each in both] for name in PROTOCOLS}
    chance = paired_differences(a.answers, b.answers, common, protocol)
    by_variant = gaps(*results, common, protocol, chance)
    return ComparedLabels(
        a=of_a.name,
        b=of_b.name,
        common=common.name,
        gaps=by_variant,
        chance=chance,
        protocols={
            variant: [
                ProtocolFigures(protocol=name, a=one[variant], b=other[variant])
                for name, (one, other) in by_protocol.items()
            ]
            for variant in by_variant
        },
        equivalence={} if margin is None else equivalences(a.answers, b.answers, common, protocol, margin),
        thresholds=check_thresholds(a.answers, b.answers, common, PROTOCOLS[protocol]),
    )


def _changed_scores(side: Side, label_set: str, by_variant: Gaps) -> list[str]:
    """Where the run folder has another F1 than its answers come to now."""
    for variant, of_figure in by_variant.items():
        gap = of_figure["f1"]
        own = (gap.a if side.letter == "a" else gap.b).own
        stored = side.stored_f1.get(label_set, {}).get(variant)
        if stored is not None and own is not None and abs(stored - own) > SAME_FIGURE:
            return [
                f"Its scores.json has F1 {stored:.4f} ({variant} under {label_set_phrase(label_set)}), and its "
                f"answers come to {own:.4f} by the labels of today: it was scored by others, or by another version."
            ]
    return []


def _label_triples(a: Side, b: Side, settings: CompareSettings) -> list[Labels]:
    """The label sets that are compared: each with itself, or the two that are named."""
    of_a, of_b = ({each.name: each for each in side.benchmark.label_sets} for side in (a, b))
    wanted = (settings.labels_a, settings.labels_b)
    if wanted == (None, None):
        names = [(name, name) for name in of_a if name in of_b]
    elif None in wanted:
        given, other = ("a", "b") if settings.labels_a else ("b", "a")
        raise RepopeError(f"labels_{given}= stands alone; give labels_{other}= too, be it the same")
    else:
        names = [(str(settings.labels_a), str(settings.labels_b))]
        for key, name, known in zip(("labels_a", "labels_b"), names[0], (of_a, of_b), strict=True):
            if name not in known:
                raise RepopeError(f"{key}={name}: no such label set; there are {', '.join(known)}")
    triples = [
        _labels_in_shared_variants((of_a[one], of_b[other], _common_labels(one, other, of_a, of_b)))
        for one, other in names
    ]
    if not triples or not triples[0][0].variants:
        said = " and ".join(_shape_of_side(side) for side in (a, b))
        raise RepopeError(f"a and b share no label set with a variant: {said}; compare two results of one")
    return triples


def _shape_of_side(side: Side) -> str:
    names = ", ".join(each.name for each in side.benchmark.label_sets)
    return f"{side.letter} has {names} of {', '.join(side.benchmark.label_sets[0].variants)}"


def _common_labels(one: str, other: str, of_a: dict[str, LabelSet], of_b: dict[str, LabelSet]) -> LabelSet:
    """The later of two label sets, the corrected one, in b's files where they have it."""
    known = {**of_a, **of_b}
    order = list(known)
    return known[max(one, other, key=order.index)]


def _labels_in_shared_variants(triple: Labels) -> Labels:
    """The labels in the variants that all have; with all questions as one, where a mean would be undefined."""
    shared: Sequence[Variant] = [
        variant for variant in triple[0].variants if all(variant in each.variants for each in triple)
    ]
    kept = [
        replace(each, variants={variant: each.variants[variant] for variant in shared}) for each in triple
    ]
    a, b, common = include_distinct(kept) if shared else kept
    return a, b, common
