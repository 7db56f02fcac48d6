"""Runs are ranked together only where they are of one benchmark and about the same images; the others are named."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from run_folders import answer_lines, demo, write_run

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.errors import RepopeError
from repope_eval.runs.finished_runs import read_runs
from repope_eval.runs.run_selection import Selection, require_some, select
from repope_eval.settings.config import ANY_BENCH, BenchSettings, ReportSettings


@pytest.fixture(scope="module")
def benchmark() -> Benchmark:
    return demo()


def selected(folder: Path, **settings: Any) -> Selection:
    runs, left_out = read_runs(folder, unfinished_runs)
    return select(runs, ReportSettings(runs=str(folder), out="", **settings), left_out)


def named(name: str) -> BenchSettings:
    """What `bench=NAME` says in a command that reads runs."""
    return replace(ANY_BENCH, name=name)


def answers_to_random(benchmark: Benchmark) -> list[dict[str, Any]]:
    """Answers to the questions of one variant."""
    texts = {(question.image, question.text) for question in benchmark.ids["random"].values()}
    return [line for line in answer_lines(benchmark) if (line["image"], line["question"]) in texts]


def custom(questions: Path, hashes: dict[str, str]) -> Any:
    """Makes a manifest one of a user's own questions."""

    def change(manifest: dict[str, Any]) -> None:
        manifest["settings"]["bench"] = {
            "name": "custom",
            "source": "custom",
            "variants": ["custom"],
            "questions": str(questions),
        }
        manifest["benchmark"] = {"name": "custom", "sha256": hashes}

    return change


def test_finished_runs_about_all_images_are_ranked(benchmark: Benchmark, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_run(tmp_path / name, benchmark, name, answer_lines(benchmark))
    selection = selected(tmp_path)
    assert [run.folder for run in selection.ranked] == ["a", "b"]
    assert not selection.unranked
    assert not selection.left_out


def test_a_run_that_has_not_ended_is_not_ranked_even_with_all_answers(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    write_run(tmp_path / "a", benchmark, "a", answer_lines(benchmark))
    for name, n_answers in (("b", 50), ("c", 1026)):
        lines = answer_lines(benchmark)[:n_answers]
        write_run(tmp_path / name, benchmark, name, lines, lambda manifest: manifest.update(status="running"))
    selection = selected(tmp_path)
    assert [run.folder for run in selection.ranked] == ["a"]
    assert [(each.run.folder, len(each.run.answers)) for each in selection.unranked] == [
        ("b", 50),
        ("c", 1026),
    ]
    assert {each.reason for each in selection.unranked} == {"running: loading; wait for it"}
    assert {each.coverage for each in selection.unranked} == {None}


def test_runs_about_fewer_images_than_others_are_not_ranked(benchmark: Benchmark, tmp_path: Path) -> None:
    write_run(tmp_path / "all", benchmark, "a", answer_lines(benchmark))
    write_run(tmp_path / "few", benchmark, "b", answer_lines(benchmark.first_images(7)))
    selection = selected(tmp_path)
    assert [run.folder for run in selection.ranked] == ["all"]
    (few,) = selection.unranked
    assert (few.run.folder, few.coverage) == ("few", 0.06)
    assert few.reason == "has answers about 7 of 100 images, not about the 100 that ranked runs have"


def test_a_run_that_lacks_answers_is_ranked_from_the_coverage_on_that_is_asked_for(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    """A run whose wrong answers were deleted stood first."""
    write_run(tmp_path / "a", benchmark, "a", answer_lines(benchmark))
    write_run(tmp_path / "b", benchmark, "b", answer_lines(benchmark)[1:])
    selection = selected(tmp_path)
    assert [run.folder for run in selection.ranked] == ["a"]
    assert [(each.run.folder, each.reason, each.coverage) for each in selection.unranked] == [
        (
            "b",
            "has answers to 1,025 of 1,026 questions (99.9 %), and coverage=1 is the least share to be ranked",
            0.99,
        )
    ]
    assert len(selected(tmp_path, coverage=1025 / 1026).ranked) == 2


def test_a_run_that_lacks_whole_images_is_ranked_where_it_covers_enough(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    write_run(tmp_path / "a", benchmark, "a", answer_lines(benchmark))
    write_run(tmp_path / "b", benchmark, "b", answer_lines(benchmark.first_images(95)))
    assert [run.folder for run in selected(tmp_path, coverage=0.9).ranked] == ["a", "b"]
    (unranked,) = selected(tmp_path).unranked
    assert unranked.reason == "has answers about 95 of 100 images, not about the 100 that ranked runs have"


@pytest.mark.parametrize("n_missing", [1, 1000])
def test_the_coverage_that_is_said_to_rank_a_run_does(
    n_missing: int, benchmark: Benchmark, tmp_path: Path
) -> None:
    write_run(tmp_path / "a", benchmark, "a", answer_lines(benchmark)[n_missing:])
    (unranked,) = selected(tmp_path).unranked
    assert len(selected(tmp_path, coverage=unranked.coverage).ranked) == 1


def test_the_images_that_most_finished_runs_are_about_count(benchmark: Benchmark, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_run(tmp_path / name, benchmark, name, answer_lines(benchmark.first_images(7)))
    write_run(tmp_path / "c", benchmark, "c", answer_lines(benchmark))
    for name in ("d", "e"):
        lines = answer_lines(benchmark.first_images(3))
        write_run(tmp_path / name, benchmark, name, lines, lambda manifest: manifest.update(status="running"))
    selection = selected(tmp_path)
    assert len(selection.images) == 7
    assert [run.folder for run in selection.ranked] == ["a", "b"]
    assert selection.unranked[0].reason == (
        "has answers about 100 of 100 images, not about the 7 that ranked runs have"
    )


def test_a_run_without_answers_or_with_answers_to_other_questions_is_left_out(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    lines = answer_lines(benchmark)
    write_run(tmp_path / "a", benchmark, "a", lines)
    write_run(tmp_path / "b", benchmark, "b", [*lines, lines[0] | {"question": "Is there a unicorn?"}])
    write_run(tmp_path / "c", benchmark, "c", [])
    selection = selected(tmp_path)
    assert [run.folder for run in selection.ranked] == ["a"]
    assert [(run.folder, run.reason) for run in selection.left_out] == [
        ("b", "has 1 of 1027 answers to questions that the benchmark does not have"),
        ("c", "has no answers yet"),
    ]


def test_the_benchmark_of_most_runs_is_reported_unless_one_is_named(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    def one_variant(manifest: dict[str, Any]) -> None:
        manifest["settings"]["bench"] |= {"name": "demo_random", "variants": ["random"]}
        manifest["benchmark"]["sha256"] = {
            name: value for name, value in benchmark.hashes.items() if "random" in name
        }

    for name in ("a", "b"):
        write_run(tmp_path / name, benchmark, name, answer_lines(benchmark))
    write_run(tmp_path / "c", benchmark, "c", answers_to_random(benchmark), one_variant)
    selection = selected(tmp_path)
    assert [run.folder for run in selection.ranked] == ["a", "b"]
    (left_out,) = selection.left_out
    assert left_out.reason == "is of benchmark demo_random, not demo; bench=demo_random reports it"
    other = selected(tmp_path, bench=named("demo_random"))
    assert [run.folder for run in other.ranked] == ["c"]
    assert other.benchmark is not None
    assert list(other.benchmark.label_sets[0].variants) == ["random"]
    with pytest.raises(RepopeError, match=r"no run folder in it can be reported\n  a: is of benchmark demo"):
        require_some(selected(tmp_path, bench=named("moon")), tmp_path)


def test_runs_of_other_question_files_are_left_out_with_the_files_name(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    def other(manifest: dict[str, Any]) -> None:
        manifest["benchmark"]["sha256"]["pope_random.jsonl"] = "0" * 64

    for name in ("a", "b"):
        write_run(tmp_path / name, benchmark, name, answer_lines(benchmark))
    write_run(tmp_path / "c", benchmark, "c", answer_lines(benchmark), other)
    selection = selected(tmp_path)
    assert [run.folder for run in selection.ranked] == ["a", "b"]
    (left_out,) = selection.left_out
    assert left_out.reason == "was asked from other question files: SHA-256 of pope_random.jsonl differs"


def test_of_a_users_own_files_under_one_name_those_of_most_runs_count(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    hashes = {"pope_random.jsonl": benchmark.hashes["pope_random.jsonl"]}
    mine, gone = DEMO_FOLDER / "pope_random.jsonl", tmp_path / "gone.jsonl"
    write_run(tmp_path / "a", benchmark, "a", answer_lines(benchmark), custom(gone, {"gone.jsonl": "1"}))
    for name in ("b", "c"):
        write_run(tmp_path / name, benchmark, name, answers_to_random(benchmark), custom(mine, hashes))
    selection = selected(tmp_path)
    assert [run.folder for run in selection.ranked] == ["b", "c"]
    assert [run.folder for run in selection.left_out] == ["a"]


def test_question_files_that_are_gone_are_an_error(benchmark: Benchmark, tmp_path: Path) -> None:
    change = custom(tmp_path / "gone.jsonl", {"gone.jsonl": "1"})
    write_run(tmp_path / "a", benchmark, "a", answer_lines(benchmark), change)
    with pytest.raises(RepopeError, match=r"gone\.jsonl: cannot be read"):
        selected(tmp_path)


def test_beside_the_paper_only_runs_about_its_images_stand(benchmark: Benchmark, tmp_path: Path) -> None:
    write_run(tmp_path / "a", benchmark, "a", answer_lines(benchmark))
    selection = selected(tmp_path, reference="paper")
    assert selection.benchmark is None
    assert "the paper's figures are of POPE's and RePOPE's COCO images" in selection.left_out[0].reason


def test_places_are_what_they_are_in_this_environment_and_no_address_is(
    benchmark: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the user's own manifest, that is."""
    monkeypatch.setenv("QUESTIONS", str(DEMO_FOLDER))
    monkeypatch.setenv("TOKEN", "s3cret")

    def change(manifest: dict[str, Any]) -> None:
        custom(Path("${oc.env:QUESTIONS}/pope_random.jsonl"), dict(manifest["benchmark"]["sha256"]))(manifest)
        manifest["settings"]["bench"]["annotations_url"] = "https://elsewhere/${oc.env:TOKEN}"
        manifest["settings"]["data_dir"] = "${oc.env:UNSET}/data"

    write_run(tmp_path / "a", benchmark, "a", answers_to_random(benchmark), change)
    ((run,), left_out) = read_runs(tmp_path, unfinished_runs)
    assert not left_out
    assert run.bench.questions == str(DEMO_FOLDER / "pope_random.jsonl")
    assert run.bench.annotations_url is None  # not asked, whatever a manifest says
    with pytest.raises(RepopeError, match=r"a: data_dir is .*there is no UNSET in this environment; set it"):
        selected(tmp_path)
    monkeypatch.delenv("QUESTIONS")
    _, (left,) = read_runs(tmp_path, unfinished_runs)
    assert (
        "bench.questions is ${oc.env:QUESTIONS}/pope_random.jsonl, and there is no QUESTIONS" in left.reason
    )


def test_files_that_a_strangers_manifest_names_are_not_looked_at(
    benchmark: Benchmark, tmp_path: Path
) -> None:
    """A manifest may name what never ends, what waits, or what is nobody's business."""
    mine, hashes = (
        DEMO_FOLDER / "pope_random.jsonl",
        {"pope_random.jsonl": benchmark.hashes["pope_random.jsonl"]},
    )
    os.mkfifo(tmp_path / "pipe")
    for name, place in (("a", tmp_path / "pipe"), ("b", Path("/proc/self/mem")), ("c", Path("/dev/zero"))):
        runs = tmp_path / f"of {name}"
        write_run(
            runs / name, benchmark, name, answers_to_random(benchmark), custom(place, hashes), is_own=False
        )
        with pytest.raises(RepopeError) as caught:
            selected(runs)
        assert str(caught.value) == (
            f"{name}: its manifest says bench.questions={place}, and no run of yours here wrote that, so it is not "
            "looked at; give bench=custom bench.questions=FILE"
        )
        given = replace(named("custom"), questions=str(mine))
        assert [run.folder for run in selected(runs, bench=given).ranked] == [name]
    write_run(tmp_path / "of a" / "own", benchmark, "own", answers_to_random(benchmark), custom(mine, hashes))
    assert [run.folder for run in selected(tmp_path / "of a").ranked] == ["a", "own"], (
        "an own run names the files"
    )


def test_of_the_users_own_files_too_only_ordinary_ones_are_read(benchmark: Benchmark, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    change = custom(tmp_path / "link", {"link": "1"})
    write_run(tmp_path / "runs" / "a", benchmark, "a", answers_to_random(benchmark), change)
    with pytest.raises(
        RepopeError, match=r"^bench.questions=.*link: is a pipe or a device; name an ordinary file$"
    ):
        selected(tmp_path / "runs")
