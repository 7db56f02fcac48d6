"""What a threshold on b's confidence in yes gives, beside what a has over b: in sentences, tables and fields."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from repope_eval.benchmarks.sources import label_set_phrase, label_set_title
from repope_eval.comparison.view import (
    SURE,
    ComparedLabels,
    ComparisonView,
    chance_fields,
)
from repope_eval.records import Variant
from repope_eval.reporting.figure_texts import (
    UNDEFINED,
    p_text,
    points_interval_text,
    points_text,
    share_text,
    threshold_text,
)
from repope_eval.reporting.tables import Cell, Table, number_field, table, text_field, value_field
from repope_eval.scoring.differences import Difference
from repope_eval.scoring.gap import LEAST
from repope_eval.scoring.thresholds import (
    BASELINE,
    BEST,
    EQUAL,
    METHOD,
    Flips,
    ThresholdCheck,
    ThresholdGains,
)
from repope_eval.wording import counted


def are_thresholds_known(view: ComparisonView) -> bool:
    """Whether b's confidences are known, so that thresholds on them are held against a."""
    return all(labels.thresholds.is_known for labels in view.labels)


def threshold_verdict(view: ComparisonView) -> str:
    """Whether a is better than b with a threshold of its own; empty where the answers of both are read the same."""
    if view.tally.n_same == view.tally.n_shared:
        return ""
    say = _known_sentences if are_thresholds_known(view) else _unknown_sentences
    return " ".join(say(view))


def _known_sentences(view: ComparisonView) -> Iterator[str]:
    if view.tally.n_only_a or view.tally.n_only_b:
        yield f"Of the {counted(view.tally.n_shared, 'question', ',')} that both answered:"
    for labels in view.labels:
        yield _verdict_under_labels(view, labels)
    yield "These thresholds are judged on other images than they were chosen on."


def _verdict_under_labels(view: ComparisonView, labels: ComparedLabels) -> str:
    a, b = view.headings
    found = labels.thresholds.variants[labels.headline]
    under = f"Under {label_set_phrase(labels.common)},"
    gain, best, beyond = found.gains[METHOD], found.gains[BEST], found.beyond[BEST]
    if gain.value is None or best.value is None or beyond.value is None:
        missing = next(each for each in (gain, best, beyond) if each.value is None)
        return f"{under} no threshold can be held against {a}: {missing.reason}."
    return (
        f"{under} {a} has {points_text(gain.value)} points of F1{_of_headline(labels)} over {b}; a threshold of "
        f"{threshold_text(labels.thresholds.thresholds[BEST])} on {b} gives {points_text(best.value)} "
        f"({_certainty(best)}). {_against_threshold(a, beyond)}."
    )


def _against_threshold(a: str, beyond: Difference) -> str:
    """Whether a beats the threshold; claimed only where it is more than chance."""
    if beyond.p is None or beyond.value is None:
        return f"{a} has the same F1 as that ({beyond.reason})"
    found = f"{points_text(beyond.value)} ({_certainty(beyond)}, p {p_text(beyond.p)})"
    if beyond.p > SURE:
        return f"{a} is not shown to beat that: {found}, within chance"
    return f"{a} {'beats that by' if beyond.value > 0 else 'is below that:'} {found}, more than chance"


def yes_ratio_remark(view: ComparisonView) -> str:
    """What it gives b to say yes as often as a, and what a has beyond it; empty where that is not known."""
    if not are_thresholds_known(view):
        return ""
    labels, (a, b) = view.labels[-1], view.headings
    found = labels.thresholds.variants[labels.headline]
    gain, beyond = found.gains[EQUAL], found.beyond[EQUAL]
    if gain.value is None or beyond.value is None:
        return ""
    said_a, said_b = (share_text(found.yes_ratios[name]) for name in (METHOD, BASELINE))
    return (
        f"{a} says yes to {said_a} % and {b} to {said_b} %: under {label_set_phrase(labels.common)}, saying yes as "
        f"often as {a}, by a threshold of {threshold_text(labels.thresholds.thresholds[EQUAL])}, gives {b} "
        f"{points_text(gain.value)} ({_certainty(gain)}), and {a} has {points_text(beyond.value)} beyond that "
        f"({_certainty(beyond)})."
    )


def _certainty(difference: Difference) -> str:
    if difference.interval is None:
        return f"no interval: {difference.reason}"
    return f"95 % {points_interval_text(difference.interval)}"


def _unknown_sentences(view: ComparisonView) -> Iterator[str]:
    """That no threshold can be tried, and what the answers alone tell of a shift in how often b says yes."""
    labels, (a, b) = view.labels[-1], view.headings
    check = labels.thresholds
    known = f"only for {check.n_known:,}" if check.n_known else "for none"
    yield (
        f"Whether a threshold on {b} gives as much as {a} has cannot be told: p_yes and p_no of {b} are known {known} "
        f"of the {counted(check.n_questions, 'question', ',')} that both answered and that have a label."
    )
    flips = check.flips.get(labels.headline)
    if flips is not None and flips.gain >= LEAST:
        yield _flips_sentence(view, labels, flips)


def _flips_sentence(view: ComparisonView, labels: ComparedLabels, flips: Flips) -> str:
    a, b = view.headings
    said_a, said_b = map(share_text, flips.yes_ratios)
    start = f"Under {label_set_phrase(labels.common)}, {a} says yes to {said_a} % and {b} to {said_b} %"
    if max(abs(flips.drawn), abs(flips.wrong)) < LEAST:
        return (
            f"{start}: its {points_text(flips.gain)} points are not those of saying yes more or less often."
        )
    if flips.gain > flips.wrong:
        end = (
            f"on these questions more than any threshold at which {b} says yes as often, unless {b} was sampled, whose "
            "answers a threshold turns both ways"
        )
    elif flips.gain > flips.drawn:
        end = "the answers alone do not tell whether a threshold gives as much"
    else:
        end = "chance gives as much"
    return (
        f"{start}: were as many answers of {b} turned, its F1{_of_headline(labels)} would change by "
        f"{points_text(flips.drawn)} points on average if chance drew them, and by {points_text(flips.wrong)} at most. "
        f"{a} has {points_text(flips.gain)} over {b}: {end}."
    )


def _of_headline(labels: ComparedLabels) -> str:
    return f" ({labels.headline})" if len(labels.gaps) > 1 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One of the sets of answers whose F1 is compared, under one label set."""

    labels: ComparedLabels
    name: str
    title: str

    @property
    def found(self) -> ThresholdGains:
        return self.labels.thresholds.variants[self.labels.headline]

    @property
    def threshold(self) -> str:
        threshold = self.labels.thresholds.thresholds.get(self.name)
        return "" if threshold is None else threshold_text(threshold)


def threshold_table(view: ComparisonView) -> Table:
    """F1 of a, of b, and of b with either threshold, in the variant that sums up the others."""
    a, b = view.headings
    titles = {
        METHOD: a,
        BEST: f"{b}, best threshold",
        EQUAL: f"{b}, yes as often as {a}",
        BASELINE: b,
    }
    rows = [
        _Row(labels=labels, name=name, title=title)
        for labels in view.labels
        for name, title in titles.items()
    ]
    check = view.labels[-1].thresholds
    return table(
        f"F1{_of_headline(view.labels[-1])} in percent, differences in points, on what both answered of the labelled "
        f"questions ({check.n_questions:,} about {counted(check.n_images, 'image', ',')} under "
        f"{label_set_phrase(view.labels[-1].common)})",
        [
            text_field("labels", lambda row: label_set_title(row.labels.common), stays=True),
            text_field("answers", lambda row: row.title, wraps=True),
            number_field("threshold", lambda row: row.threshold),
            number_field("yes ratio", lambda row: share_text(row.found.yes_ratios[row.name])),
            number_field("F1", lambda row: share_text(row.found.f1[row.name])),
            value_field(f"less {b}, 95 %", lambda row: _difference_cell(row.found.gains.get(row.name))),
            value_field(f"{a} less this, 95 %", lambda row: _difference_cell(_beyond(row))),
            number_field("p", lambda row: _p_text(_beyond(row))),
        ],
        rows,
        n_naming=2,
        starts_group=lambda row: row.name == METHOD,
    )


def _beyond(row: _Row) -> Difference | None:
    """What a has beyond the answers of a row; none beyond its own."""
    return row.found.gains[METHOD] if row.name == BASELINE else row.found.beyond.get(row.name)


def threshold_variants_table(view: ComparisonView) -> Table:
    """The same differences in each variant."""
    a, b = view.headings
    rows: list[tuple[ComparedLabels, Variant, ThresholdGains]] = [
        (labels, variant, found)
        for labels in view.labels
        for variant, found in labels.thresholds.variants.items()
    ]
    return table(
        "Differences of F1 in points, by variant",
        [
            text_field("labels", lambda row: label_set_title(row[0].common), stays=True),
            text_field("variant", lambda row: row[1]),
            value_field(f"{a} less {b}", lambda row: _difference_cell(row[2].gains[METHOD])),
            value_field("best threshold", lambda row: _difference_cell(row[2].gains[BEST])),
            value_field(f"{a} beyond that", lambda row: _difference_cell(row[2].beyond[BEST])),
            value_field("yes as often", lambda row: _difference_cell(row[2].gains[EQUAL])),
            value_field(f"{a} beyond this", lambda row: _difference_cell(row[2].beyond[EQUAL])),
        ],
        rows,
        n_naming=2,
        starts_group=lambda row: row[1] == next(iter(row[0].gaps)),
    )


def _difference_cell(difference: Difference | None) -> Cell:
    if difference is None:
        return Cell(text="")
    note = "" if difference.interval is None else points_interval_text(difference.interval)
    return Cell(text=points_text(difference.value), note=note)


def _p_text(difference: Difference | None) -> str:
    return "" if difference is None else p_text(difference.p) if difference.value is not None else UNDEFINED


def threshold_fields(check: ThresholdCheck) -> dict[str, Any]:
    """A check as a part of the document: the method is a, and the baseline b."""
    return {
        "n_questions": check.n_questions,
        "n_known": check.n_known,
        "n_images": check.n_images,
        "thresholds": dict(check.thresholds),
        "variants": {
            variant: {
                "f1": dict(found.f1),
                "yes_ratio": dict(found.yes_ratios),
                "gains": {name: chance_fields(each) for name, each in found.gains.items()},
                "beyond": {name: chance_fields(each) for name, each in found.beyond.items()},
            }
            for variant, found in check.variants.items()
        },
        "flips": {
            variant: None
            if flips is None
            else {
                "yes_ratio": dict(zip((METHOD, BASELINE), flips.yes_ratios, strict=True)),
                "gain": flips.gain,
                "drawn": flips.drawn,
                "wrong": flips.wrong,
            }
            for variant, flips in check.flips.items()
        },
    }
