"""What tasks recorded: whole, told again, half written."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from repope_eval.cluster.run_state import TaskRecord, announce, read_task_records
from repope_eval.errors import RepopeError

START = (
    "words=model=tiny 'out=/runs/a b' bench=demo\nout=/runs/a b\nlog=/runs/tasks/7_0.log\nhost=node1\n"
    "started=2025-04-15T10:00:00+00:00\nrestarts=0\nended=\n"
)


def write(root: Path, job: str, text: str) -> Path:
    path = root / "tasks" / f"{job}.task"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_task_that_has_started(tmp_path: Path) -> None:
    write(tmp_path, "7_0", START)
    assert read_task_records(tmp_path) == (
        TaskRecord(
            job="7_0",
            out=Path("/runs/a b"),
            log=Path("/runs/tasks/7_0.log"),
            host="node1",
            started=datetime(2025, 4, 15, 10, tzinfo=UTC),
            ended="",
        ),
    )


def test_a_task_that_was_submitted_waits_until_it_starts(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    outs = [Path("/runs/a"), Path("/runs/b")]
    announce(tmp_path, "7", outs)
    waiting = read_task_records(tmp_path)
    assert [(record.job, record.out, record.started) for record in waiting] == [
        ("7_0", outs[0], None),
        ("7_1", outs[1], None),
    ]


def test_a_task_that_started_before_it_was_announced_has_started(tmp_path: Path) -> None:
    write(tmp_path, "7_0", START)
    (before,) = read_task_records(tmp_path)
    announce(tmp_path, "7", [before.out])
    assert read_task_records(tmp_path) == (before,)


def test_what_is_said_later_counts(tmp_path: Path) -> None:
    again = START.replace("10:00", "11:00").replace("node1", "node2")
    write(tmp_path, "7_0", f"{START}ended=requeued\n{again}ended=143\n")
    (record,) = read_task_records(tmp_path)
    assert (record.host, record.ended) == ("node2", "143")
    assert record.started == datetime(2025, 4, 15, 11, tzinfo=UTC)


@pytest.mark.parametrize(("cut", "ended"), [("ended=1", "requeued"), ("en", "requeued"), ("ended=1\n", "1")])
def test_a_line_that_is_not_whole_says_nothing(tmp_path: Path, cut: str, ended: str) -> None:
    write(tmp_path, "7_0", f"{START}ended=requeued\n{cut}")
    (record,) = read_task_records(tmp_path)
    assert record.ended == ended


@pytest.mark.parametrize("text", ["", "words=model=tiny\n", "words='model\nout=/ru"])
def test_a_record_that_has_no_run_folder_yet_is_none(tmp_path: Path, text: str) -> None:
    write(tmp_path, "7_0", text)
    assert read_task_records(tmp_path) == ()


def test_odd_values_stop_nobody(tmp_path: Path) -> None:
    odd = "words=model='tiny\nout=a\nstarted=soon\n\nno key\n"
    write(tmp_path, "7_0", odd)
    (record,) = read_task_records(tmp_path)
    assert (record.out, record.started, record.log, record.ended) == (Path("a"), None, None, "")


def test_records_lie_at_any_depth_and_come_in_the_order_of_their_jobs(tmp_path: Path) -> None:
    write(tmp_path / "repope", "9_0", START.replace("10:00", "12:00"))
    write(tmp_path / "dash_b", "10_0", START.replace("10:00", "13:00"))
    write(tmp_path / "repope", "9_1", START)
    write(tmp_path / "repope", "9_11", START)
    assert [record.job for record in read_task_records(tmp_path)] == ["9_0", "9_1", "9_11", "10_0"]


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "tasks" / "7_0.task").mkdir(parents=True)
    with pytest.raises(RepopeError, match=r"7_0\.task: is no file"):
        read_task_records(tmp_path)
