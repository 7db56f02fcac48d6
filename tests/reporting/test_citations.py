"""What a page asks to be cited follows from where the questions come from, not from a name."""

import dataclasses

import pytest
from score_examples import CELL, scores_of

from repope_eval.benchmarks.sources import SOURCES
from repope_eval.reporting.citations import AMBER, CITED, DASH, POPE, REPOPE, citations
from repope_eval.reporting.page import RunView, render_run_page

WITHOUT = {"custom", "table", "popev2"}
"""Files of one's own, and a benchmark that has no paper of its own in the table."""


def test_every_source_has_its_own() -> None:
    assert CITED.keys() | WITHOUT == SOURCES.keys()
    assert citations("coco") == f"{POPE}\n\n{REPOPE}"
    assert citations("pope_gqa") == POPE  # RePOPE relabelled COCO's questions alone
    assert (citations("amber"), citations("dash_b")) == (AMBER, DASH)
    assert not any(map(citations, WITHOUT))


@pytest.mark.parametrize("name", ["amber-x", "mine"])
def test_a_table_cites_nobody_whatever_it_is_called(name: str) -> None:
    scores = dataclasses.replace(scores_of({"random": CELL}), bench=name)
    html = render_run_page(RunView(scores=scores, settings={"bench.source": "table"})).html
    assert "Cite the source of the questions." in html
    assert "@article" not in html


def test_a_known_benchmark_is_cited_whatever_it_is_called() -> None:
    scores = dataclasses.replace(scores_of({"random": CELL}), bench="mine")
    assert (
        "@article{wang2023amber,"
        in render_run_page(RunView(scores=scores, settings={"bench.source": "amber"})).html
    )
