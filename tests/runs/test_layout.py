"""Finding run folders and their files."""

from pathlib import Path

from repope_eval.runs.layout import answer_files, find_run_folders, share_path


def test_files_of_ranks_follow_the_answers_in_the_order_of_ranks(tmp_path: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    assert answer_files(answers) == []
    for path in (share_path(answers, 10), share_path(answers, 2), tmp_path / "answers.old.jsonl"):
        path.touch()
    assert answer_files(answers) == [share_path(answers, 2), share_path(answers, 10)]
    answers.touch()
    assert answer_files(answers)[0] == answers


def test_run_folders_are_those_with_answers_or_a_manifest_of_a_run(tmp_path: Path) -> None:
    for place, name, text in (
        ("b_10", "answers.jsonl", ""),
        ("b_2", "manifest.json", '{"identity": {}}'),
        ("other", "manifest.json", '{"name": "another program"}'),
        ("broken", "manifest.json", "{"),
        (".sweeps/a", "answers.jsonl", ""),
        ("deep/er", "answers.jsonl", ""),
    ):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / name).write_text(text)
    (tmp_path / "deep" / "round").symlink_to(tmp_path)
    assert [folder.relative_to(tmp_path).as_posix() for folder in find_run_folders(tmp_path)] == [
        "b_2",
        "b_10",
        "deep/er",
    ]
