"""Why a figure, or its interval, is undefined: in words, for whoever meets a null or a dash."""

from collections.abc import Mapping

from repope_eval.records import Variant
from repope_eval.scoring.bootstrap import INTERVAL_FIGURES, MEAN, Bootstrap
from repope_eval.scoring.confusion import Figures
from repope_eval.scoring.protocols import Protocol

Reasons = Mapping[str, str]
"""By figure; only of those that are undefined, or have no interval."""


def reasons(
    figures: Mapping[str, Mapping[Variant, Figures]], bootstrap: Bootstrap, protocol: Protocol
) -> dict[str, dict[Variant, Reasons]]:
    """The reasons by label set and variant."""
    found: dict[str, dict[Variant, Reasons]] = {}
    for label_set, by_variant in figures.items():
        found[label_set] = {}
        for variant, cell in by_variant.items():
            undefined = _undefined_in_variants(by_variant) if variant == MEAN else _undefined(cell, protocol)
            without_interval = {
                figure: _no_interval(bootstrap, bootstrap.n_undefined[label_set][variant][figure])
                for figure in INTERVAL_FIGURES
                if bootstrap.intervals[label_set][variant][figure] is None
            }
            found[label_set][variant] = {**without_interval, **undefined}
    return found


def _no_interval(bootstrap: Bootstrap, n_undefined: int) -> str:
    if bootstrap.n_replicates == 0:
        images = "a single image has" if bootstrap.n_images else "no image has"
        return f"{images} answers: nothing to draw from"
    return f"undefined in {n_undefined} of {bootstrap.n_replicates} replicates"


def _undefined(cell: Figures, protocol: Protocol) -> Reasons:
    """Of one variant's figures, by what each divides by."""
    if cell.n_answered == 0:
        causes = dict.fromkeys(("precision", "recall", "tnr", "accuracy"), "no question has an answer")
    elif cell.n_answered == cell.n_unparsed and protocol.unparsed == "dropped":
        cause = f"none of the {cell.n_answered:.0f} answers is read as yes or no"
        causes = dict.fromkeys(("precision", "recall", "tnr", "accuracy"), cause)
    else:
        counted = "answered" if protocol.unparsed == "not_yes" else "answered and parsed"
        causes = {
            "precision": "no question is read as yes: precision divides by 0",
            "recall": f"no question with label yes is {counted}: recall divides by 0",
            "tnr": f"no question with label no is {counted}: the true negative rate divides by 0",
        }
    causes["yes_ratio"] = causes.get("accuracy", "")
    causes["f1"] = causes["precision" if cell.precision is None else "recall"]
    causes["f1_balanced"] = causes["f1"] if cell.f1 is None else causes["tnr"]
    causes["mcc"] = _undefined_correlation(cell, causes)
    causes["balanced_accuracy"] = causes["recall" if cell.recall is None else "tnr"]
    return {figure: cause for figure, cause in causes.items() if getattr(cell, figure) is None}


def _undefined_correlation(cell: Figures, causes: Reasons) -> str:
    """A correlation divides by the numbers of both labels and of both readings."""
    lacking = [name for name in ("recall", "tnr", "precision") if getattr(cell, name) is None]
    return causes[lacking[0]] if lacking else "no question is read as no: a correlation needs both readings"


def _undefined_in_variants(by_variant: Mapping[Variant, Figures]) -> Reasons:
    """Of the mean over variants."""
    found = {}
    for figure in INTERVAL_FIGURES:
        lacking = [
            variant
            for variant, cell in by_variant.items()
            if variant != MEAN and getattr(cell, figure) is None
        ]
        if lacking:
            found[figure] = f"undefined in {', '.join(lacking)}"
    return found
