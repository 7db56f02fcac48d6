from pathlib import Path

import pytest
from relabelled_files import write_questions_and_labels


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that names are given in, with questions about three things and two annotators' files for `relabel`."""
    monkeypatch.chdir(tmp_path)
    write_questions_and_labels(tmp_path)
    return tmp_path
