"""Finding run folders and their files."""

from pathlib import Path

from repope_eval.runs.layout import answer_files, share_path


def test_files_of_ranks_follow_the_answers_in_the_order_of_ranks(tmp_path: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    assert answer_files(answers) == []
    for path in (share_path(answers, 10), share_path(answers, 2), tmp_path / "answers.old.jsonl"):
        path.touch()
    assert answer_files(answers) == [share_path(answers, 2), share_path(answers, 10)]
    answers.touch()
    assert answer_files(answers)[0] == answers
