"""A begun run, for the tests of what may go on from it."""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from begun_runs import Place
from conftest import GOLDENS

from perf.golden import read_golden
from repope_eval.reporting import page
from repope_eval.runs.folder import close_log


@pytest.fixture(scope="session")
def drawn() -> list[Any]:
    """The charts of one page, for all: drawing them for each would be most of what these tests take."""
    return []


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A run that was told to ask about two of the four photographs."""
    goldens = GOLDENS
    place = Place(tmp_path_factory.mktemp("begun") / "place")
    shutil.copytree(goldens / "ovis2", place.checkpoint, ignore=shutil.ignore_patterns("golden*"))
    shutil.copytree(goldens / "images", place.images)
    for name, every in (("questions", 2), ("relabels", 3)):
        lines = [
            {
                "question_id": number,
                "image": f"{case.image}.png",
                "text": case.question,
                "label": "no" if number % every else "yes",
            }
            for number, case in enumerate(read_golden(goldens / "ovis2").cases)
        ]
        (place.path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    place.start(limit=2, verify=1)
    close_log()
    shutil.copytree(place.path, place.path.with_name("kept"))
    return place


@pytest.fixture
def place(begun: Place, drawn: list[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The same for each test: paths stand in its manifest, so that it has one place."""
    draw = page._charts
    monkeypatch.setattr(page, "_charts", lambda *shown: drawn or drawn.extend(draw(*shown)) or drawn)
    yield begun
    close_log()
    shutil.rmtree(begun.path)
    shutil.copytree(begun.path.with_name("kept"), begun.path)
