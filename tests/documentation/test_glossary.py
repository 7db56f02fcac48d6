"""The glossary's terms are in alphabetical order, and are words that pages and settings use."""

import re
from typing import get_args

from documentation_pages import TEXTS

from repope_eval.settings.config import Protocol

PAGE = TEXTS["docs/reference/glossary.md"]
TERMS = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)


def test_terms_are_in_alphabetical_order() -> None:
    assert sorted(map(str.casefold, TERMS)) == [term.casefold() for term in TERMS]


def test_every_term_has_a_sentence_or_a_few() -> None:
    sections = re.split(r"^## .+\n", PAGE, flags=re.MULTILINE)[1:]
    assert all(10 <= len(section.split()) <= 80 for section in sections)


def test_it_names_the_protocols() -> None:
    assert all(f"`{name}`" in PAGE for name in get_args(Protocol))
