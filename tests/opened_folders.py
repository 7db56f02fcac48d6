"""A run folder as tests open it, and the log that ends with each of them."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question
from repope_eval.runs.folder import RunFolder, close_log

IDENTITY = {"model.checkpoint": "a/b", "model.revision": "main", "bench.images": None}
ANSWER = Answer(Question("a.png", "Is there a car in the image?", "car"), "Yes")


@pytest.fixture(autouse=True)
def log_of_this_test_only(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.INFO, "repope_eval")
    yield
    close_log()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "demo" / "tiny"


def opened(path: Path, *, resume: bool = True, **changed: Any) -> RunFolder:
    """The folder as a process finds it that comes after the one before has ended."""
    with RunFolder(path, IDENTITY | changed, resume=resume) as folder:
        return folder


def answered(path: Path) -> RunFolder:
    folder = opened(path)
    folder.manifest.note(status="running")
    folder.write_answers([ANSWER])
    return folder


def refusal(path: Path, **how: Any) -> str:
    with pytest.raises(RepopeError) as caught:
        opened(path, **how)
    assert "\n" not in str(caught.value)
    return str(caught.value)
