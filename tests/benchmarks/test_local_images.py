"""Images that are shown as far as they are here; nothing about them is an error."""

from pathlib import Path

import pytest

from repope_eval.benchmarks.local_images import find_local_images
from repope_eval.records import Question
from repope_eval.settings.config import BenchSettings

QUESTIONS = (Question("a.png", "Is there a cat?", "cat"), Question("b.png", "Is there a cat?", "cat"))


def test_images_are_found_as_far_as_they_are_here(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    settings = BenchSettings(name="mine", source="custom", variants=("custom",), images=str(tmp_path))
    assert find_local_images(settings, tmp_path, QUESTIONS) == {"a.png": tmp_path / "a.png"}


@pytest.mark.parametrize("name", ["/no/such/folder", "~no-such-user/images", "a" * 5000, "a\0b"])
def test_a_folder_that_cannot_be_looked_into_has_none(tmp_path: Path, name: str) -> None:
    settings = BenchSettings(name="mine", source="custom", variants=("custom",), images=name)
    assert find_local_images(settings, tmp_path, QUESTIONS) == {}
