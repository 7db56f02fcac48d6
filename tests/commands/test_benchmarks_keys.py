"""The keys of a benchmark are the same in every command that reads one, and so is what they do."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import CommandLine

from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.settings.benchmark_words import spelt_out
from repope_eval.settings.commands import COMMANDS
from repope_eval.settings.config import BenchSettings
from repope_eval.settings.fields import fields_by_key

OF_NO_BENCHMARK = {"status", "models", "fetch", "build", "annotate", "relabel"}


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in OF_NO_BENCHMARK])
def test_every_command_that_reads_a_benchmark_has_all_its_keys(command: str) -> None:
    assert fields_by_key(COMMANDS[command]).keys() >= fields_by_key(BenchSettings, "bench.").keys()


def test_in_a_command_that_reads_runs_a_benchmark_is_chosen_by_its_name() -> None:
    report = COMMANDS["report"]
    assert spelt_out(report, ["bench=demo", "columns.label=truth"]) == [
        "bench.name=demo",
        "bench.columns.label=truth",
    ]
    assert spelt_out(report, ["bench=table", "bench.name=mine"]) == ["bench.name=mine"]
    assert spelt_out(report, ["bench=null"]) == []
    assert spelt_out(report, ["bench=[a,b]"]) == ["bench=[a,b]"]  # which is refused
    assert spelt_out(COMMANDS["run"], ["bench=demo"]) == ["bench=demo"]


def test_files_that_have_moved_are_named_as_they_are_for_a_run(
    command_line: CommandLine, tmp_path: Path
) -> None:
    before, now = tmp_path / "before", tmp_path / "to day"
    before.mkdir()
    shutil.copyfile(DEMO_FOLDER / "pope_random.jsonl", before / "mine.jsonl")
    images = f"bench.images={DEMO_FOLDER / 'images'}"
    runs = [
        command_line("bench=custom", f"bench.questions={before / 'mine.jsonl'}", images, "limit=2", *words)
        for words in ([], ["model.name=other", "model.question_suffix=!"])
    ]
    assert [run.returncode for run in runs] == [0, 0], runs[0].stderr + runs[1].stderr
    before.rename(now)
    words = ("bench=custom", f"bench.questions={now / 'mine.jsonl'}", images)
    done = {
        "audit": command_line("audit", *words, "budget=5", "sample=2"),
        "report": command_line("report", *words),
        "compare": command_line("compare", "a=runs/mine/tiny", "b=runs/mine/other", *words),
        "export": command_line("export", "run=runs/mine/tiny", "format=lmms_eval", "out=exported", *words),
    }
    labels = tmp_path / "labels.jsonl"
    queue = tmp_path / "work" / "audit" / "queue.jsonl"
    looked_at = [line for line in map(json.loads, queue.read_text().splitlines()) if line["sampled"]]
    keys = ("image", "question", "label")
    labels.write_text("".join(json.dumps({key: line[key] for key in keys}) + "\n" for line in looked_at))
    done["estimate"] = command_line("estimate", *words, f"queue={queue}", f"labels={labels}")
    assert {name: run.returncode for name, run in done.items()} == dict.fromkeys(done, 0), [
        run.stderr for run in done.values()
    ]
    without = command_line("report", "out=again")
    assert without.returncode == 1
    assert f"{before / 'mine.jsonl'}" in without.stderr


def test_an_export_is_of_the_benchmark_of_the_run(command_line: CommandLine, short_unbroken: Path) -> None:
    words = ("export", f"run={short_unbroken}", "format=lmms_eval", "out=exported")
    ended = command_line(*words, "bench=repope")
    assert ended.stderr == f"bench=repope: {short_unbroken} is of demo; leave bench= out\n"
    assert command_line(*words, "bench=demo").returncode == 0
