"""Run folders are found and read as they are, and what cannot be read is named with its reason."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from run_folders import answer_lines, demo, write_run

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.runs.finished_runs import read_runs
from repope_eval.runs.trace import read_trace


@pytest.fixture(scope="module")
def benchmark() -> Benchmark:
    return demo()


def test_folders_are_found_at_any_depth_in_natural_order_and_hidden_ones_are_not(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    lines = answer_lines(benchmark)[:3]
    for place in ("demo/m_10b", "demo/m_2b", "deep/er/run", ".sweeps/now/run", "demo/.old/run"):
        write_run(tmp_path / place, benchmark, "m", lines)
    runs, left_out = read_runs(tmp_path, unfinished_runs)
    assert [run.folder for run in runs] == ["deep/er/run", "demo/m_2b", "demo/m_10b"]
    assert not left_out


def test_links_that_lead_round_in_circles_are_followed_once(benchmark: Benchmark, tmp_path: Path) -> None:
    write_run(tmp_path / "elsewhere" / "run", benchmark, "m", answer_lines(benchmark)[:3])
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "runs")
    assert [run.folder for run in read_runs(tmp_path / "runs", unfinished_runs)[0]] == ["linked/run"]


def test_nothing_is_a_run_where_there_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "manifest.json").write_text('{"name": "an app"}')
    assert read_runs(tmp_path, unfinished_runs) == ([], [])
    assert read_runs(tmp_path / "none", unfinished_runs) == ([], [])


@pytest.mark.parametrize(
    ("first", "newest", "limit"),
    [({}, {}, None), ({"limit": None}, {"limit": 5}, 5), ({"limit": 5}, {"limit": None}, None)],
)
def test_the_limit_is_the_newest_starts_and_all_answers_stay(
    first: dict[str, Any], newest: dict[str, Any], limit: int | None, benchmark: Benchmark, tmp_path: Path
) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["settings"] |= first
        manifest["starts"] = [{"settings": {}, "asked": 9}, {"settings": newest, "asked": 0}]

    write_run(tmp_path / "run", benchmark, "m", answer_lines(benchmark), change)
    (run,) = read_runs(tmp_path, unfinished_runs)[0]
    assert (run.limit, len(run.answers)) == (limit, 1026)


def test_settings_and_versions_are_facts_by_dotted_key(benchmark: Benchmark, tmp_path: Path) -> None:
    write_run(tmp_path / "run", benchmark, "m", answer_lines(benchmark)[:3])
    (run,) = read_runs(tmp_path, unfinished_runs)[0]
    assert run.facts["model.name"] == "m"
    assert run.facts["model.dtype"] == "float32"
    assert run.facts["versions.python"] == "3.11.0"
    assert run.facts["data_dir"] == "not set"


@pytest.mark.parametrize(
    ("model", "answers", "name"),
    [
        (None, "/x/llava.jsonl", "llava"),
        (None, ["/x/llava_random.jsonl", "/x/llava_popular.jsonl"], "llava"),
        (None, ["/x/llava/random.jsonl", "/x/llava/popular.jsonl"], "llava"),
        (None, "/x/llava/...jsonl", "llava"),
    ],
)
def test_foreign_answers_are_called_as_they_were_scored(
    model: str | None, answers: str | list[str], name: str, benchmark: Benchmark, tmp_path: Path
) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["settings"] |= {"model": model, "answers": answers}

    write_run(tmp_path / "run", benchmark, "m", answer_lines(benchmark)[:3], change)
    (run,) = read_runs(tmp_path, unfinished_runs)[0]
    assert run.model == name


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda manifest: manifest.update(schema=2), "manifest.json: is of schema 2, another version's"),
        (lambda manifest: manifest.pop("settings"), "manifest.json: lacks settings"),
        (lambda manifest: manifest.update(benchmark={"sha256": None}), "manifest.json: is no run's manifest"),
        (
            lambda manifest: manifest["settings"]["bench"].update(shape="round"),
            "manifest.json: its settings are not this version's (Key 'shape'",
        ),
        (lambda manifest: manifest["settings"]["bench"].update(source="moon"), "source=moon"),
    ],
)
def test_a_manifest_of_another_make_is_left_out_with_the_reason(
    change: Callable[[dict[str, Any]], Any], reason: str, benchmark: Benchmark, tmp_path: Path
) -> None:
    write_run(tmp_path / "run", benchmark, "m", answer_lines(benchmark)[:3], change)
    runs, (left_out,) = read_runs(tmp_path, unfinished_runs)
    assert not runs
    assert left_out.folder == "run"
    assert reason in left_out.reason
    assert "\n" not in left_out.reason


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("manifest.json", "{", "manifest.json: is no JSON"),
        ("manifest.json", None, "manifest.json: is missing"),
        ("answers.jsonl", None, "answers.jsonl: is missing"),
        ("answers.jsonl", "{}\n", "answers.jsonl, line 1: is no answer (image is missing)"),
        ("manifest.json", "[" * 500 + "]" * 500, "manifest.json: is no run's manifest"),
    ],
)
def test_a_broken_or_missing_file_is_named(
    name: str, content: str | None, reason: str, benchmark: Benchmark, tmp_path: Path
) -> None:
    path = write_run(tmp_path / "run", benchmark, "m", answer_lines(benchmark)[:3]) / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content.encode("latin-1"))
    runs, (left_out,) = read_runs(tmp_path, unfinished_runs)
    assert not runs
    assert left_out.reason.startswith(reason)


@pytest.mark.parametrize("name", ["manifest.json", "answers.jsonl"])
def test_a_named_pipe_in_a_files_place_is_not_waited_for(
    name: str, benchmark: Benchmark, tmp_path: Path
) -> None:
    write_run(tmp_path / "good", benchmark, "m", answer_lines(benchmark)[:3])
    folder = write_run(tmp_path / "odd", benchmark, "m", answer_lines(benchmark)[:3])
    (folder / name).unlink()
    os.mkfifo(folder / name)
    (run,), (left_out,) = read_runs(tmp_path, unfinished_runs)
    assert (run.folder, left_out.folder) == ("good", "odd")
    read_trace(folder)
