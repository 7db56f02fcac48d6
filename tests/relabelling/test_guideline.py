"""The guideline that annotators read: ours, and a person's own file."""

from pathlib import Path

import pytest

from repope_eval.errors import RepopeError
from repope_eval.relabelling.guideline import GUIDELINE, MOST_CHARACTERS, read_guideline


def test_it_says_what_each_label_means() -> None:
    assert [paragraph.partition(":")[0] for paragraph in GUIDELINE[:3]] == ["Yes", "No", "Ambiguous"]
    assert len("\n\n".join(GUIDELINE)) < 1_000


def test_blank_lines_part_the_paragraphs_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.write_bytes("\ufeffOne\r\n  goes on.\r\n \t\r\n\r\nZwei: ä.\n".encode())
    assert read_guideline(path) == ("One goes on.", "Zwei: ä.")
    path.write_text("x" * MOST_CHARACTERS)
    assert read_guideline(path) == ("x" * MOST_CHARACTERS,)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            None,
            "cannot be read (No such file or directory); give guideline= a text file, or leave it out for",
        ),
        (b" \n\n", "has no text; write what yes, no and ambiguous mean, or leave guideline= out"),
        (b"x" * 5_001, "has 5,001 characters, and a guideline has at most 5,000; shorten it"),
        (b"%PDF-1.7", "is a PDF document, not text; is it the right file?"),
    ],
)
def test_what_is_no_guideline_is_refused_in_a_line(
    content: bytes | None, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "own.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RepopeError) as caught:
        read_guideline(path)
    message = str(caught.value)
    assert expected in message
    assert "\n" not in message
