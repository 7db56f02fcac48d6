"""Python looks seldom for unreachable objects, but often while a model is asked."""

import gc
from collections.abc import Iterator

import pytest

from repope_eval.process.garbage import look_seldom, looked_for_often


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_it_looks_as_usual_while_a_model_is_asked_and_seldom_after() -> None:
    usual = gc.get_threshold()
    look_seldom()
    seldom = gc.get_threshold()
    assert seldom[0] > usual[0]
    with looked_for_often():
        assert gc.get_threshold() == usual
    assert gc.get_threshold() == seldom
