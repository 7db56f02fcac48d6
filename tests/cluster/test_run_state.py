"""What tasks recorded, and the rules by which a run is in one state or another."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from repope_eval.cluster.run_state import (
    QUIET,
    QueuedJob,
    Signs,
    TaskRecord,
    announce,
    read_task_records,
    run_state,
)
from repope_eval.errors import RepopeError
from repope_eval.runs.trace import RunTrace

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
WAITING, RUNNING = QueuedJob("PENDING", "Resources"), QueuedJob("RUNNING", "None")


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def trace(**changes: Any) -> RunTrace:
    """A folder whose run began ten minutes ago as job 7_0 on node1, and has asked for eight."""
    found = RunTrace(
        model="ovis2_1b",
        bench="repope",
        complete=False,
        held=False,
        host="node1",
        job="7_0",
        started=ago(600),
        touched=ago(QUIET * 2),
        stored=1200,
        total=5127,
        asked_from=240,
        asking_began=ago(480),
        ended=None,
        line="",
    )
    return dataclasses.replace(found, **changes)


def record(**changes: Any) -> TaskRecord:
    """What job 7_0 noted when it began, ten minutes ago."""
    found = TaskRecord(
        job="7_0", out=Path("/runs/ovis2_1b"), log=None, host="node1", started=ago(600), ended=""
    )
    return dataclasses.replace(found, **changes)


def signs(**known: Any) -> Signs:
    """What is known, nothing unless given, looked at from another machine."""
    nothing = {"trace": None, "record": None, "log_line": "", "queue": None, "here": "login", "now": NOW}
    return Signs(**{**nothing, **known})


FAILED = {"ended": "failed", "line": "an image is broken"}
STOPPED = {"ended": "interrupted", "line": "SIGTERM: 1200 answers are safe"}
JUST_NOW = ago(3)
GONE = "left no word of its end"
QUEUED, GOING = {"7_0": WAITING}, {"7_0": RUNNING}
REQUEUED, STOPPED_RUN, FAILED_RUN = record(ended="requeued"), trace(**STOPPED), trace(**FAILED)


@pytest.mark.parametrize(
    ("known", "state", "line"),
    [
        # The folder alone, on this machine.
        ({"trace": trace(held=True)}, "running", ""),
        ({"trace": trace(held=True, asking_began=None)}, "running", "loading"),
        ({"trace": trace(held=True, complete=True)}, "running", ""),
        ({"trace": trace(complete=True)}, "complete", ""),
        ({"trace": FAILED_RUN}, "failed", FAILED["line"]),
        ({"trace": STOPPED_RUN}, "interrupted", STOPPED["line"]),
        ({"trace": trace(job=None), "here": "node1"}, "interrupted", f"its process is gone, and {GONE}"),
        # Elsewhere, or another's, where a lock may not be seen.
        ({"trace": trace(touched=ago(20))}, "running", ""),
        ({"trace": trace(held=None, touched=ago(20)), "here": "node1"}, "running", ""),
        ({"trace": trace(touched=ago(1800))}, "interrupted", "no sign of life from node1 for 30 minutes"),
        # What SLURM says of its job.
        ({"trace": trace(), "queue": GOING}, "running", ""),
        ({"trace": trace(), "queue": QUEUED}, "waiting", "for Resources"),
        ({"trace": trace(touched=NOW), "queue": {}}, "interrupted", f"SLURM job 7_0 is gone, and {GONE}"),
        # A task that has not begun; that has no folder yet; that ended before it had one.
        ({"record": record(started=None), "queue": QUEUED}, "waiting", "for Resources"),
        ({"record": record(started=None)}, "waiting", ""),
        (
            {"record": record(started=None), "queue": {}},
            "interrupted",
            "SLURM job 7_0 left the queue before it began",
        ),
        ({"record": record(), "queue": GOING}, "running", "loading"),
        ({"record": record(started=JUST_NOW)}, "running", "loading"),
        ({"record": record(ended="1"), "log_line": "no such key"}, "failed", "no such key"),
        ({"record": record(ended="1")}, "failed", "exit status 1"),
        ({"record": record(ended="143"), "log_line": "Terminated"}, "interrupted", "Terminated"),
        # A task and its folder.
        ({"record": record(ended="1"), "trace": FAILED_RUN}, "failed", FAILED["line"]),
        ({"record": record(ended="143"), "trace": STOPPED_RUN}, "interrupted", STOPPED["line"]),
        ({"record": record(ended="0"), "trace": trace(complete=True), "queue": {}}, "complete", ""),
        ({"record": record(), "trace": trace(), "queue": GOING}, "running", ""),
        # Queued again: told to stop; waiting; started, but not yet at the folder; lost.
        ({"record": REQUEUED, "trace": STOPPED_RUN, "queue": GOING}, "waiting", ""),
        ({"record": REQUEUED, "trace": STOPPED_RUN, "queue": QUEUED}, "waiting", "for Resources"),
        ({"record": record(started=JUST_NOW), "trace": STOPPED_RUN, "queue": GOING}, "running", "loading"),
        ({"record": REQUEUED, "trace": STOPPED_RUN, "queue": {}}, "interrupted", STOPPED["line"]),
        # A node that vanished: nobody wrote of it, and SLURM has the task again, or has not.
        ({"record": record(), "trace": trace(), "queue": QUEUED}, "waiting", "for Resources"),
        (
            {"record": record(), "trace": trace(), "queue": {}},
            "interrupted",
            f"SLURM job 7_0 is gone, and {GONE}",
        ),
        # Submitted again where an earlier start failed; failing before it is at the folder; with nothing to do.
        (
            {"record": record(job="9_0", started=None), "trace": FAILED_RUN, "queue": {"9_0": WAITING}},
            "waiting",
            "for Resources",
        ),
        (
            {
                "record": record(job="9_0", started=JUST_NOW, ended="1"),
                "trace": STOPPED_RUN,
                "log_line": "no such key",
            },
            "failed",
            "no such key",
        ),
        (
            {
                "record": record(job="9_0", started=None),
                "trace": trace(complete=True),
                "queue": {"9_0": WAITING},
            },
            "complete",
            "",
        ),
    ],
)
def test_a_run_is_in_the_state_that_its_newest_signs_tell(
    known: dict[str, Any], state: str, line: str
) -> None:
    found = run_state("ovis2_1b", signs(**known))
    assert (found.state, found.line) == (state, line)


def test_a_running_run_has_a_rate_and_a_time_left_by_what_this_start_has_asked() -> None:
    found = run_state("ovis2_1b", signs(trace=trace(held=True)))
    assert (found.done, found.of, found.rate) == (1200, 5127, 2.0)
    assert found.seconds_left == (5127 - 1200) / 2
    assert (found.host, found.job) == ("node1", "7_0")


@pytest.mark.parametrize("changes", [{"asked_from": 1200}, {"asked_from": None, "asking_began": None}])
def test_there_is_no_rate_before_the_first_answer(changes: dict[str, Any]) -> None:
    found = run_state("ovis2_1b", signs(trace=trace(held=True, **changes)))
    assert (found.state, found.rate, found.seconds_left) == ("running", None, None)


def test_a_waiting_run_is_on_no_machine_yet_and_named_by_its_folder() -> None:
    waiting = signs(record=record(started=None, host=""), queue={"7_0": WAITING})
    found = run_state("deeper/ovis2_1b", waiting)
    assert (found.model, found.host, found.job, found.done, found.of) == ("ovis2_1b", None, "7_0", 0, None)


def test_a_smaller_limit_than_there_are_answers_is_no_more_than_all_done() -> None:
    found = run_state("x", signs(trace=trace(held=True, total=80)))
    assert (found.done, found.seconds_left) == (80, 0)


def test_a_complete_run_shows_which_part_of_the_questions_has_answers() -> None:
    part = run_state("x", signs(trace=trace(complete=True, stored=2942, covered=(2942, 5127))))
    assert (part.state, part.done, part.of) == ("complete", 2942, 5127)
    uncounted = run_state("x", signs(trace=trace(complete=True, stored=2942, total=None)))
    assert (uncounted.done, uncounted.of) == (2942, 2942)


@pytest.mark.parametrize(("stored", "line"), [(9, ""), (3, "but only 3 of 9 answers are left")])
def test_a_complete_run_whose_answers_are_gone_is_told(stored: int, line: str) -> None:
    found = run_state("m", signs(trace=trace(complete=True, stored=stored, covered=(9, 9))))
    assert (found.state, found.line) == ("complete", line)


def test_the_state_is_said_once_where_the_runs_own_last_line_begins_with_it() -> None:
    ended = trace(ended="interrupted", line="interrupted: 312 of 1026 answers\nare safe")
    found = run_state("a", signs(trace=ended))
    assert found.sentence == "interrupted: 312 of 1026 answers are safe"


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
