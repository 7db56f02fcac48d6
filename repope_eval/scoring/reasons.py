"""Why a figure is undefined: in words, for whoever meets a null or a dash."""

from collections.abc import Mapping

from repope_eval.records import Variant
from repope_eval.scoring.confusion import Figures
from repope_eval.scoring.intervals import INTERVAL_FIGURES
from repope_eval.scoring.protocols import Protocol
from repope_eval.wording import counted

Reasons = Mapping[str, str]
"""By figure; only of those that are undefined, or have no interval."""


def undefined(cell: Figures, protocol: Protocol) -> Reasons:
    """Of one variant's figures, by what each divides by."""
    if cell.n_answered == 0:
        causes = dict.fromkeys(("precision", "recall", "tnr", "accuracy"), "no question has an answer")
    elif cell.n_answered == cell.n_unparsed and protocol.unparsed == "dropped":
        cause = f"none of {counted(cell.n_answered, 'answer')} is read as yes or no"
        causes = dict.fromkeys(("precision", "recall", "tnr", "accuracy"), cause)
    else:
        read = "answered" if protocol.unparsed == "not_yes" else "answered and parsed"
        causes = {
            "precision": "no question is read as yes: precision divides by 0",
            "recall": f"no question with label yes is {read}: recall divides by 0",
            "tnr": f"no question with label no is {read}: the true negative rate divides by 0",
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


def undefined_in_variants(by_variant: Mapping[Variant, Figures]) -> Reasons:
    """Of the mean over these variants' figures."""
    found = {}
    for figure in INTERVAL_FIGURES:
        lacking = [variant for variant, cell in by_variant.items() if getattr(cell, figure) is None]
        if lacking:
            found[figure] = f"undefined in {', '.join(lacking)}"
    return found
