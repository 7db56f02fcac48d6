"""The card of a relabelling: all of its parts, and that names of others stay names."""

from relabelling_examples import relabelling_view

from repope_eval.relabelling.page import RULE, relabelling_card
from repope_eval.relabelling.view import verdict


def test_the_card_has_all_its_parts() -> None:
    view = relabelling_view()
    card = relabelling_card(view, {"a.jsonl": "12ab"})
    title, summary, *parts = card.split("\n\n")
    assert title == r"# Relabelling of pope\_\<b\>.jsonl"
    assert summary == verdict(view)
    assert [part for part in parts if part.startswith("## ")] == [
        "## Licence",
        "## Who labelled, and when",
        "## Rule",
        "## Agreement",
        "## Label changes",
        "## Files",
    ]
    assert "Licence of the labels: (fill in)" in parts
    assert RULE in parts
    assert r"- second annotator: B\|n \<b\>, 6 labels, from 2026-01-05 00:00 to 2026-01-05 05:00 UTC" in card
    assert "| first: yes       |           1 |          2 |                 0 |" in card
    assert r"| pope_a\|b.jsonl | yes   |" in card
    assert "| a.jsonl | 12ab    |" in card
    assert card.endswith("|\n")
