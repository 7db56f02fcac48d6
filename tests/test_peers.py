"""Other programs are asked the same questions and measured; one that is not there is a row that says so."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import warm_commands
from conftest import PROJECT

pytestmark = pytest.mark.perf


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program perf/peers.py."""
    monkeypatch.syspath_prepend(PROJECT / "perf")
    import peers

    return peers


def rows_of(text: str) -> list[list[str]]:
    """The cells of the printed table, headings left out; columns are two spaces or more apart."""
    lines = text.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("program  "))
    return [re.split(r"\s{2,}", line) for line in lines[start + 1 : lines.index("", start)]]


@pytest.fixture
def measured(
    peers: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Runs the program with words of its command line, its peers forked; returns what it printed."""
    from peer_process import Ended

    def forked(command: Sequence[str], environment: Mapping[str, str], log: Path, _: float) -> Ended:
        assert command[0] == sys.executable
        ended = warm_commands.run(command[2], program=command[1], environment=environment)
        return Ended(ended.returncode, 2.0, 1.0, ended.stderr)

    def run(*words: str) -> str:
        monkeypatch.setattr(peers, "run_measured", forked)
        monkeypatch.setattr(sys, "argv", ["peers.py", "--shape", "tiny", *words])
        status = peers.main()
        printed = capfd.readouterr()
        assert status == 0, printed
        return printed.out

    return run


def number_of_different_answers(printed: str) -> int:
    (different,) = re.findall(r"^different answers: (\d+)", printed, re.MULTILINE)
    return int(different)


def test_this_harness_and_transformers_give_the_same_answers(
    peers: ModuleType, measured: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = peers.WORKLOADS["questions"]

    def some_asks(*arguments: object) -> object:
        work = questions.make(*arguments)
        return replace(
            work, asks=tuple(work.asks[place] for place in (0, 1, 4, 6))
        )  # the last is the first again

    monkeypatch.setattr(peers, "WORKLOADS", {"questions": replace(questions, make=some_asks)})
    printed = measured("--images", "1", "--peers", "ours", "generate_batches")
    ours, theirs = rows_of(printed)
    assert (ours[0], theirs[0]) == ("repope_eval, verify=0", "transformers, batches of an image")
    assert ours[1] == theirs[1] == "3"
    assert ours[-1] == theirs[-1] == "4 of 4"
    assert ours[-3:-1] == ["1.00", "1.00"]
    assert float(theirs[-3]) == pytest.approx(float(theirs[2]) / float(ours[2]), rel=0.2)
    assert number_of_different_answers(printed) > 1  # or equal answers would say little


def test_this_harness_and_transformers_describe_images_alike(measured: Callable[..., str]) -> None:
    words = ("--work", "captions", "--images", "3", "--max-new-tokens", "12")
    printed = measured(*words, "--peers", "ours", "ours_one_image", "generate")
    assert "3 images of 640x480, 3 askings, 3 distinct, answers of at most 12 tokens" in printed
    assert [(row[1], row[-1]) for row in rows_of(printed)] == [("3", "3 of 3")] * 3
    assert number_of_different_answers(printed) == 3


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (None, "no environment {0}/vllm; make it with sh perf/peer_environments.sh {0} cpu vllm"),
        (
            "ERROR: No matching distribution",
            "its environment could not be made: ERROR: No matching distribution",
        ),
    ],
)
def test_a_peer_without_an_environment_is_a_row_that_says_why(
    peers: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    log: str | None,
    reason: str,
) -> None:
    if log is not None:
        (tmp_path / "vllm.log").write_text(f"Collecting vllm\n{log}\n", encoding="utf-8")
    nothing = replace(peers.WORKLOADS["captions"], make=lambda folder, *_: peers.Work(folder, (), (), 0))
    monkeypatch.setattr(peers, "WORKLOADS", {"captions": nothing})
    words = ("--work", "captions", "--peers", "vllm")
    monkeypatch.setattr(sys, "argv", ["peers.py", *words, "--environments", str(tmp_path)])
    assert peers.main() == 1
    printed = capsys.readouterr().out
    assert rows_of(printed) == [["vLLM, the files' order", *["-"] * 7, "not measured"]]
    assert printed.splitlines()[-1] == f"vLLM, the files' order: {reason.format(tmp_path)}"


def test_a_program_is_measured_with_its_children(peers: ModuleType, tmp_path: Path) -> None:
    counting = "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done"
    ended = peers.run_measured(["sh", "-c", f"sh -c '{counting}'; echo so; exit 3"], {}, tmp_path / "log", 60)
    assert (ended.status, ended.said) == (3, "so")
    assert ended.processor > 0
    stuck = peers.run_measured(["sleep", "60"], {}, tmp_path / "log", 0.1)
    assert (stuck.status, stuck.said) == (-9, "")
    assert 0.1 < stuck.wall < 30
    assert stuck.processor < ended.processor


def test_repeated_asks_have_the_answer_of_the_first(peers: ModuleType, tmp_path: Path) -> None:
    from peer_job import Ask, Job, Stopwatch, read_report, write_report

    one, other, third = (Ask(image, text, text) for image, text in [("a", "1"), ("b", "1"), ("a", "2")])
    asks = (one, other, third, other, one)
    job = Job("checkpoint", asks, (), 2, "cpu", "", str(tmp_path), str(tmp_path / "report.json"))
    assert job.distinct() == (one, third, other)
    write_report(job, job.distinct(), [" yes", "no", "maybe "], Stopwatch(), ())
    report = read_report(Path(job.report))
    assert report.responses == ("yes", "maybe", "no", "maybe", "yes")
    assert report.prompts == 3
    with pytest.raises(ValueError, match=r"^2 responses came to 5 prompts$"):
        write_report(job, asks, ["yes", "no"], Stopwatch(), ())
