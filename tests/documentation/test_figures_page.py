"""The page of figures has the keys of the files, and its formulas and its table of protocols give what is computed."""

import dataclasses
import re
from collections.abc import Mapping
from itertools import pairwise
from math import sqrt

import pytest
from documentation_pages import TEXTS

from repope_eval.scoring.calibration import CALIBRATION_FIGURES
from repope_eval.scoring.confusion import Confusion, Figures, figures
from repope_eval.scoring.detection import DETECTION_FIGURES
from repope_eval.scoring.protocol_scores import AmbiguityBounds, UnansweredBounds
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.relabelling_effect import PARTS
from repope_eval.settings.config import Protocol

PAGE = TEXTS["docs/reference/figures.md"]
COUNTS = Confusion(tp=40, fp=7, tn=50, fn=11)

FORMULAS = {
    key: formula.partition(", ")[0]
    for key, formula in re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]*/[^|]*) \|$", PAGE, re.MULTILINE)
    if key in {field.name for field in dataclasses.fields(Figures)}
}


def value_of(formula: str, names: Mapping[str, float]) -> float:
    """What a formula of the page comes to; numbers and names beside one another are multiplied."""
    tokens = re.findall(r"[\w.]+|[()+/√-]", formula.replace("−", "-").replace("counted answers", "counted"))
    parts = [tokens[0]]
    for before, token in pairwise(tokens):
        is_product = re.fullmatch(r"[\w.]+|\)", before) and re.fullmatch(r"[\w.]+|[(√]", token)
        parts += ["*", token] if is_product else [token]
    return float(eval(" ".join(parts).replace("√", "sqrt"), {"sqrt": sqrt, **names}))


@pytest.mark.parametrize("key", FORMULAS)
def test_a_formula_gives_what_is_computed(key: str) -> None:
    computed = dataclasses.asdict(figures(COUNTS, PROTOCOLS["repope"]))
    names = {name.upper(): getattr(COUNTS, name) for name in ("tp", "fp", "tn", "fn")}
    names |= {"recall": computed["recall"], "TNR": computed["tnr"], "counted": sum(names.values())}
    names |= {"FPR": names["FP"] / (names["FP"] + names["TN"])}
    assert value_of(FORMULAS[key], names) == pytest.approx(computed[key])


def test_every_share_has_a_formula() -> None:
    assert list(FORMULAS) == [
        *("precision", "recall", "f1", "tnr", "accuracy", "balanced_accuracy", "yes_ratio"),
        *("f1_balanced", "mcc"),
    ]


TITLES = {"F1 at 50 % yes": "f1_balanced", "yes ratio": "yes_ratio"}


@pytest.mark.parametrize("protocol", ["repope", "vlmevalkit", "lmms_eval"])
def test_what_the_protocols_exclude_changes_no_figure(protocol: Protocol) -> None:
    """And what they do not exclude changes one."""
    head, *rows = re.findall(r"^\| (.+) \| (.+) \| (.+) \| (.+) \|$", table_of_protocols(), re.MULTILINE)
    column = head.index(f"`{protocol}`")
    before = figures(COUNTS, PROTOCOLS[protocol])
    after = figures(dataclasses.replace(COUNTS, unparsed_yes=2, unparsed_no=1), PROTOCOLS[protocol])
    assert {row[0] for row in rows} > {"accuracy", "MCC"}
    for row in rows:
        for name in row[0].split(", "):
            field = TITLES.get(name, name.lower())
            changes = getattr(before, field) != getattr(after, field)
            assert changes == (row[column] != "excluded"), name


def table_of_protocols() -> str:
    text = PAGE.partition("| figure | `repope` |")
    return (text[1] + text[2]).partition("\n\n")[0].replace("|---|---|---|---|\n", "")


def test_an_unparsed_answer_is_an_answer_no_for_the_correlation_of_vlmevalkit() -> None:
    unparsed = dataclasses.replace(COUNTS, unparsed_yes=2, unparsed_no=1)
    said_no = dataclasses.replace(COUNTS, fn=COUNTS.fn + 2, tn=COUNTS.tn + 1)
    rule = PROTOCOLS["vlmevalkit"]
    assert figures(unparsed, rule).mcc == pytest.approx(figures(said_no, rule).mcc)


@pytest.mark.parametrize(
    "keys",
    [
        [field.name for field in dataclasses.fields(Figures)],
        [f"f1_parts.{part}" for part in PARTS],
        [field.name for field in dataclasses.fields(AmbiguityBounds) if not field.name.startswith("n_")],
        [field.name for field in dataclasses.fields(UnansweredBounds) if not field.name.startswith("n_")],
        ["auroc", "average_precision", "best_f1", "best_threshold", "reliability", *CALIBRATION_FIGURES],
        list(DETECTION_FIGURES),
    ],
)
def test_the_page_has_every_key(keys: list[str]) -> None:
    assert [key for key in keys if f"`{key}`" not in PAGE] == []
