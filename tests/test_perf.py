"""The measuring programs run, and print figures that parse; how fast anything is, is not tested."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
import warm_commands
from conftest import PROJECT
from perf_programs import real_answers, run, table
from tiny_checkpoints import CHECKPOINTS

from repope_eval.machine.speed import named_card
from repope_eval.records import Question

pytestmark = pytest.mark.perf

PROGRAMS = sorted(
    path.stem
    for path in (PROJECT / "perf").glob("*.py")
    if 'if __name__ == "__main__"' in path.read_text(encoding="utf-8")
    and path.stem not in ("endpoint_server", "limited_memory")
)
"""What users start; endpoint.py and gpu.py start the two others."""


def test_the_coverage_of_intervals_over_draws_is_simulated() -> None:
    words = (
        "--models",
        "30",
        "--firmness",
        "0.2",
        "50",
        "--images",
        "100",
        "--f1",
        "0.85",
        "--draws",
        "1",
        "4",
    )
    rows = table(run("draw_coverage", *words, options=()), "firmness")
    assert [(row["firmness"], row["draws"]) for row in rows] == [
        ("0.2", "1"),
        ("0.2", "4"),
        ("50", "1"),
        ("50", "4"),
    ]
    assert all(float(row["F1"]) >= 0.8 for row in rows)
    firm, wavering = (float(row["draws' share"]) for row in rows if row["draws"] == "4")
    assert 0 < firm < 0.05 < wavering < 0.3
    assert {row["draws' share"] for row in rows if row["draws"] == "1"} == {"none"}
    # More draws narrow the interval where answers waver.
    assert float(rows[3]["width"]) < 0.9 * float(rows[2]["width"])


def test_no_program_imports_the_tests() -> None:
    """None would find them where only the package is installed, as `python perf/gpu.py` is run on a cluster."""
    programs = list((PROJECT / "perf").rglob("*.py"))
    of_tests = {path.stem for path in (PROJECT / "tests").rglob("*.py")} - {path.stem for path in programs}
    for program in programs:
        text = program.read_text(encoding="utf-8")
        imported = re.findall(r"^\s*(?:from|import) (\w+)", text, re.MULTILINE)
        assert {"tests", *of_tests} & set(imported) == set(), program


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_starts_without_the_tests_modules(program: str) -> None:
    """As a user types it: what pytest has on its path is not there, which `warm_program.py` sees to."""
    assert run(program, "--help", options=())[0].startswith(f"usage: {program}.py ")


def test_tiny_families_makes_the_one_that_is_named(tmp_path: Path) -> None:
    run("tiny_families", "llava", str(tmp_path / "llava"), options=())
    assert {"config.json", "model.safetensors", "processor_config.json", "tokenizer.json"} <= {
        path.name for path in (tmp_path / "llava").iterdir()
    }


def test_a_program_that_imports_a_module_of_the_tests_fails(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import remembered_features")
    ended = warm_commands.run(program=str(program), folder=PROJECT)
    assert "No module named 'remembered_features'" in ended.stderr
    assert ended.returncode == 1


@pytest.mark.parametrize("family", ["ovis2", "paligemma"])
def test_engine_compares_both_engines(family: str) -> None:
    lines = run("engine", "--images", "1", "--family", family)
    (row,) = table(lines, "family")
    assert row["family"] == family
    assert row["same"] == "2 of 2"
    assert float(row["distinct x"]) > 0
    # Both ratios are rounded to one digit.
    assert float(row["paper x"]) == pytest.approx(float(row["distinct x"]) * 18 / 2, abs=0.5)
    assert lines[-1] == "no answer differs"


def test_engine_describes_images_one_at_a_time_and_together() -> None:
    lines = run("engine", "--captions", "--images", "2", "--family", "ovis2")
    (row,) = table(lines, "family")
    assert row["same"] == "2 of 2"
    assert row["paper s"] == row["alone s"]  # one caption an image
    assert "1 questions each" in lines[0]


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
@pytest.mark.parametrize("family", ["ovis2", "paligemma"])
def test_stages_add_up(family: str) -> None:
    lines = run("stages", "--images", "1", "--batch-sizes", "1", "--family", family)
    stages = {row["stage"]: row for row in table(lines, "stage")}
    total = stages.pop("total")
    assert sum(float(row["seconds"]) for row in stages.values()) == pytest.approx(
        float(total["seconds"]), abs=0.001
    )
    for stage in ("encode", "questions", "decoding", *(["prefill"] if family == "ovis2" else [])):
        assert float(stages[stage]["seconds"]) > 0
        assert float(stages[stage]["of peak"].removesuffix("%")) > 0
    (batch,) = table(lines, "images a batch")
    assert batch["images a batch"] == "1"
    assert float(batch["peak GB"]) > 0


def test_preparing_says_how_many_images_a_core_prepares() -> None:
    (row,) = table(run("preparing", "--images", "1", "--family", "ovis2"), "family")
    milliseconds = float(row["opening ms"]) + float(row["preparing ms"])
    assert float(row["images a second"]) == pytest.approx(1000 / milliseconds, rel=0.05)
    assert row["tiles"] == "5.0"


def test_room_in_the_cache_saves_copies() -> None:
    words = ("--rows", "2", "--tokens", "32", "--layers", "2", "--steps", "8", "--size", "4")
    lines = run("cache_growth", *words, options=())
    assert lines[0] == "2 rows of 32 tokens, 2 layers of one head of 4 numbers, float32, 8 steps"
    plain, *roomy = table(lines, "layer")
    assert float(plain["times fewer"]) == 1
    assert all(float(row["times fewer"]) > 1 for row in roomy)
    assert all(float(row["ms a step"]) >= 0 for row in (plain, *roomy))


def test_decoding_takes_the_longer_of_the_hosts_time_and_the_devices() -> None:
    words = ("--shapes", "1b", "--layers", "2", "--images", "1", "2", "--questions", "2", "--launch", "20")
    one, two = table(run("decoding", *words, options=()), "shape")
    assert one["kernels a step"] == two["kernels a step"]
    assert float(one["host ms a step"]) == pytest.approx(int(one["kernels a step"]) * 0.02, abs=0.06)
    assert float(two["device ms a step"]) < float(two["host ms a step"])  # so graphs could save something
    share, saved = (float(two[name].removesuffix("%")) for name in ("decoding", "graphs save at most"))
    assert 0 < saved <= share < 100
    assert one["attention shapes"] == two["attention shapes"] == "5"  # encode, prefix, questions, two steps


def test_speed_on_paper_is_doctors_estimate_and_its_parts() -> None:
    lines = run("speed_on_paper", "ovis2_8b", "internvl2_5_26b", "--cards", "H100", "T4", options=())
    assert lines[0].startswith("estimated, not measured: 500 images, 5,127 distinct questions, answers of 3")
    small, large = table(lines, "model")
    assert (small["H100"], small["T4"]) == ("37 s", "-")
    assert (large["H100"], large["T4"]) == ("6.3 min", "-")
    (parts,) = table(run("speed_on_paper", "ovis2_8b", "--cards", "H100", "--parts", options=()), "model")
    assert (parts["all"], parts["computing"], parts["binds"]) == ("37 s", "37 s", "compute")


def test_speed_on_paper_takes_the_folder_of_a_chat_checkpoint(tmp_path: Path) -> None:
    from tiny_checkpoints import CHECKPOINTS

    CHECKPOINTS["llava"](tmp_path / "llava")
    (tmp_path / "llava" / "model.safetensors").unlink()
    words = (str(tmp_path / "llava"), "--cards", "L4", "--images", "10", "--questions", "30", "--parts")
    (parts,) = table(run("speed_on_paper", *words, options=()), "model")
    assert (parts["model"], parts["card"], parts["binds"]) == ("llava", "L4", "kernel launches")


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
def test_scaling_says_whether_it_is_linear() -> None:
    lines = run("scaling", "--images", "3", "--batch-size", "1", "--family", "paligemma")
    measured = table(lines, "images")
    assert [int(row["images"]) for row in measured] == [1, 2, 3]
    assert all(float(row["seconds"]) > 0 and float(row["peak GB"]) > 0 for row in measured)
    verdicts = dict(re.findall(r"^(linear|memory flat): (yes|no) \(", "\n".join(lines), re.MULTILINE))
    assert set(verdicts) == {"linear", "memory flat"}


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
def test_million_answers_times_each_stage_and_says_whether_it_is_within_bounds() -> None:
    lines = run("million_answers", "--images", "200", "--ranks", "3", options=())
    stages = {row["stage"]: row for row in table(lines, "stage")}
    assert list(stages) == ["questions", "merge", "answers", "scoring", "report", "total"]
    assert all(float(row["seconds"]) > 0 and float(row["peak GB"]) > 0 for row in stages.values())
    assert re.fullmatch(r"answers.jsonl: 0\.\d MB, 1\d\d bytes an answer", lines[-6])
    assert re.fullmatch(
        r"2000 answers .* reported in (.*) s \(under 60 s: yes\), .* (.*) GB \(under 4 GB: yes\)", lines[-1]
    )


def test_million_leaderboard_ranks_the_runs_it_made() -> None:
    lines = run("million_leaderboard", "--images", "50", "--runs", "2", options=())
    assert all(any(f"model {number}" in line for line in lines) for number in range(2))
    assert re.fullmatch(r"2 runs of 500 answers in [\d.]+ s \(processor: [\d.]+ s\) and [\d.]+ GB", lines[-1])


def test_chat_ways_shows_the_way_of_a_run_and_the_seconds_of_each(tmp_path: Path) -> None:
    for kind in ("llava", "mllama"):
        CHECKPOINTS[kind](tmp_path / kind)
    words = (
        str(tmp_path / "llava"),
        str(tmp_path / "mllama"),
        "--images",
        "2",
        "--questions",
        "2",
        "--turns",
        "1",
    )
    lines = run("chat_ways", *words, "--tokens", "2", options=())
    shared, plain = table(lines, "checkpoint")
    assert (shared["equal"], shared["unexplained"], shared["since"]) == ("4 of 4", "0", "-")
    assert shared["way"] == "the questions about several images together"
    assert (plain["equal"], plain["way"]) == ("0 of 0", "each question alone, with its image")
    seconds, _ = table(lines[4:], "checkpoint")
    assert seconds["same"] == "4 of 4"
    ratio = float(seconds["plain"]) / float(seconds["several"])
    assert float(seconds["plain x"]) == pytest.approx(ratio, rel=0.1)
    (wider,) = table(
        run("chat_ways", *words[:1], *words[2:], "--tokens", "2", "--wider", "2", options=())[4:],
        "checkpoint",
    )
    assert wider["same"] == "4 of 4"


def test_many_models_counts_what_each_adjustment_finds() -> None:
    title, line = run("many_models", "--images", "100", "--models", "5", options=())
    headings = re.split(r"\s{2,}", title)
    found = dict(zip(headings, line.split(), strict=True))
    assert (found["models"], found["pairs"]) == ("5", "10")
    assert all(0 <= int(found[name]) <= 10 for name in ("Holm", "Romano-Wolf", "Holm, normal p"))


def test_rank_agreement_says_how_often_each_interval_holds() -> None:
    words = ("--models", "5", "--images", "20", "--simulations", "2")
    rows = table(run("rank_agreement", *words, options=()), "models")
    assert len(rows) == 4
    for row in rows:
        assert all(-1 <= float(row[name]) <= 1 for name in ("true tau", "of answers", "of replicates"))
        assert all(0 <= float(row[name]) <= 1 for name in ("percentiles", "symmetric", "tau outside"))


def test_thresholds_says_how_often_intervals_hold_and_what_is_claimed() -> None:
    rows = table(run("thresholds", "--images", "100", "--simulations", "2", options=()), "images")
    assert len(rows) == 4
    for row in rows:
        assert 10 < float(row["threshold"]) < 20
        assert float(row["beyond"]) == pytest.approx(0 if row["better"] == "0" else 3, abs=0.2)
        assert all(
            0 <= float(row[name]) <= 1 for name in ("held: threshold", "held: beyond", "beats", "below")
        )


def test_compare_finds_equal_models_to_differ_in_no_more_than_one_of_twenty() -> None:
    lines = run("compare", "--differing", "4", "7", "--images", "100", options=())
    four, seven = table(lines, "differing images")
    assert (four["differing images"], four["bootstrap"], four["compare"]) == ("4", "0.125", "0.000")
    assert float(seven["compare"]) <= 0.055
    p_values = {row["all one way"]: row["p, compare"] for row in table(lines, "all one way")}
    assert p_values == {"4": "0.1250", "5": "0.0625", "6": "0.0312", "8": "0.0078"}


def test_a_shape_of_another_family_is_refused_in_one_line() -> None:
    words = ("--shape", "8b", "--family", "ovis2")
    ended = warm_commands.run(*words, program="perf/engine.py", folder=PROJECT)
    assert ended.returncode == 1
    assert ended.stderr == "--shape 8b is that of internvl2_5_internlm2: leave --family out\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
def test_memory_compares_the_formula_with_what_is_measured() -> None:
    (row,) = table(run("memory", "--family", "paligemma"), "family")
    formula, measured = (float(row[name]) for name in ("formula GB", "measured GB"))
    assert float(row["formula over measured"]) == pytest.approx(formula / measured, abs=0.02)
    # All but nothing here is the program itself.
    assert 0.6 < formula < 0.7
    assert 0.2 < measured < 2


def test_the_cost_of_a_sweep_adds_up() -> None:
    words = ("--dollars", "2", "--utilisation", "0.5", "0.25")
    lines = run("sweep_cost", *words, options=())
    *rows, total = table(lines, "model")
    assert len(rows) == 28
    assert total["model"] == "all 28"
    for column in ("PFLOP", "GPU-h at 25%", "$"):
        figures = [float(row[column].replace(",", "")) for row in rows]
        assert sum(figures) == pytest.approx(float(total[column].replace(",", "")), rel=0.02)
    for row in rows:
        assert float(row["$"]) == pytest.approx(2 * float(row["GPU-h at 25%"]), abs=0.007)
        assert float(row["GPU-h at 25%"]) > float(row["GPU-h at 50%"])
    by_formula = {row["family"]: float(row["paper x"]) for row in table(lines, "family")}
    assert by_formula["ovis2"] == pytest.approx(17.0, abs=0.5)  # as measured, perf/RESULTS.md


def test_endpoint_fills_the_cache_of_a_server() -> None:
    words = ("--images", "6", "--questions", "5", "--concurrency", "4", "--milliseconds", "50")
    in_order, at_once = table(run("endpoint", *words, options=()), "order")
    assert in_order["answers"] == at_once["answers"] == "30"
    assert in_order["hit rate"] == in_order["best hit rate"] == "0.760"
    assert float(at_once["hit rate"]) < 0.76
    for row in (in_order, at_once):
        share = 100 * float(row["a second"]) / float(row["allowed"])
        assert float(row["of allowed"].removesuffix("%")) == pytest.approx(share, abs=0.6)


def markdown_rows(text: str) -> list[list[str]]:
    """The cells of the table that perf/gpu.py writes, row by row."""
    return [re.split(r"\s*\|\s*", line)[1:-1] for line in text.splitlines() if line.startswith("| ")][1:]


def test_gpu_writes_a_section_with_what_this_device_has(tmp_path: Path) -> None:
    words = ("--device", "cpu", "--stages", "kernels", "--out", str(tmp_path / "gpu.md"))
    lines = run("gpu", *words, options=())
    text = (tmp_path / "gpu.md").read_text(encoding="utf-8")
    assert text.splitlines()[0].startswith("## `make gpu` on a CPU")
    assert "\n".join(lines).strip() == text.strip()
    assert "Tried in small: times, shares and memory say nothing about a GPU." in text
    timed, missing = markdown_rows(text)
    assert re.search(r"^[\d.]+ s a batch; the first batch of a new shape takes [+-][\d.]+ s$", timed[2])
    assert missing == ["kernels", "cuDNN's kernel allowed", "not on this device", "-"]


def test_gpu_asks_chat_models_about_several_images(tmp_path: Path) -> None:
    words = ("--device", "cpu", "--stages", "chat", "--out", str(tmp_path / "gpu.md"))
    run("gpu", *words, options=())
    rows = markdown_rows((tmp_path / "gpu.md").read_text(encoding="utf-8"))
    assert [row[3] for row in rows] == ["yes", "-"] * 2
    for _, what, found, _ in rows:
        assert re.fullmatch(r"model=chat, llava_\w+, (float32|bfloat16), 4 images", what)
        assert re.match(
            r"\d+ of 40 answers as one at a time; .* asked: the questions about several images together",
            found,
        )


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program perf/gpu.py."""
    monkeypatch.syspath_prepend(PROJECT / "perf")
    import gpu

    return gpu


def test_a_stage_that_fails_is_a_row_and_the_others_go_on(
    gpu: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from gpu_checks.rows import Row

    def broken(_: torch.device) -> Iterator[Row]:
        yield Row("asked", "2 of 2", True)
        raise RuntimeError("CUDA error: no kernel image | none\nmore of it")

    def fine(_: torch.device) -> Iterator[Row]:
        yield Row("measured", "3 s")

    monkeypatch.setattr(gpu, "STAGES", {"broken": broken, "fine": fine})
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--device", "cpu", "--out", str(tmp_path / "gpu.md")])
    assert gpu.main() == 1
    assert markdown_rows((tmp_path / "gpu.md").read_text(encoding="utf-8")) == [
        ["broken", "asked", "2 of 2", "yes"],
        ["broken", "ended with an error", "RuntimeError: CUDA error: no kernel image / none", "**NO**"],
        ["fine", "measured", "3 s", "-"],
    ]


def test_gpu_holds_the_time_against_the_estimate(gpu: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from gpu_checks import speed
    from gpu_checks.asking import Asked
    from random_checkpoints import random_model

    model = random_model("paligemma", "tiny", torch.device("cpu"), torch.float32)
    questions = [Question(f"{number}.jpg", "Is it?", "it") for number in range(20)]
    asked = Asked(dict.fromkeys(questions, "yes"), {"workers": 2, "batch_size": 4}, 3.0)
    row = speed._estimate_row("paligemma", model, asked, 20)
    assert row.found == "no data sheet of this device is known"
    monkeypatch.setattr(speed, "card_here", lambda _: named_card("T4"))
    row = speed._estimate_row("paligemma", model, asked, 20)
    # 20 images of 0.04 s by two processes
    assert row.found == (
        "3.0 s, where 0.4 s were estimated for T4, bound by image preparation: 7.50 times that"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
def test_million_rows_reads_each_kind_of_table() -> None:
    lines = run("million_rows", "--rows", "100", options=())
    kinds = {row["kind"]: row for row in table(lines, "kind")}
    assert list(kinds) == ["custom jsonl", "table jsonl", "table csv", "table parquet"]
    assert kinds["custom jsonl"]["custom x"] == "1.00"
    assert all(float(row["seconds"]) > 0 and float(row["peak GB"]) > 0 for row in kinds.values())
    assert lines[-1] == "100 rows of each kind were read, and each row is a question"


def test_audit_finds_what_the_documentation_says(shared: Path) -> None:
    lines = run("audit", options=real_answers(shared))
    orders = {row["order"]: row for row in table(lines, "order")}
    assert set(orders) == {"votes alone", "audit", "aim"}
    figures = ("flipped in 5 %", "flipped in 10 %", "either in 10 %", "either in 20 %")
    page = (PROJECT / "docs" / "how-to" / "find-doubtful-labels.md").read_text(encoding="utf-8")
    for order, words in (
        ("audit", "| `audit` | 54 % | 71 % | 47 % | 66 % |"),
        ("votes alone", "| votes alone | 41 % | 68 % | 44 % | 55 % |"),
    ):
        assert words in page
        assert [f"{float(orders[order][figure]):.0%}".replace("%", " %") for figure in figures] == re.findall(
            r"\d+ %", words
        )
    assert float(orders["audit"]["average precision"]) >= 0.30
    assert lines[-1].startswith("5,127 distinct questions, 188 flipped and 348 ambiguous")


def test_models_that_answer_one_variant_cost_audit_no_more_than_chance(shared: Path) -> None:
    """A sign test of the flips that are gained and lost, 5 % on both sides by the normal approximation."""
    decoding = shared / "answers" / "decoding"
    if not decoding.is_dir():
        pytest.skip(f"{decoding} is not there: it holds answers of LLaVA-1.5 to one variant each")
    parts = [str(path) for path in sorted(decoding.glob("*.jsonl"))]
    lines = run("audit", "--parts", *parts, options=real_answers(shared))
    rows = [row for row in table(lines, "answers") if row["answers"].startswith("and ")]
    assert len(rows) == 7  # each two of the four, and all
    for row in rows:
        for budget in ("5 %", "10 %", "20 %", "30 %"):
            gained, lost = map(int, re.findall(r"\d+", row[f"gained and lost in {budget}"]))
            assert lost - gained <= 1.96 * (gained + lost) ** 0.5, (row, budget)


def test_estimate_repeats_each_design(shared: Path) -> None:
    lines = run("estimate", *real_answers(shared), "--repetitions", "3", options=())
    rows = table(lines, "drawn by: labels")
    assert [row["labels"] for row in rows] == [number for number in ("250", "500", "1000") for _ in range(7)]
    assert all(0 < float(row["width"]) < 0.2 for row in rows)
    assert all(0 < float(row["diff. width"]) < 0.2 for row in rows)
    assert all(abs(float(row["bias"])) < 0.05 for row in rows)
    assert lines[-1].endswith("mean F1 over the variants of llava-v1.5-13b under RePOPE: 0.9034")


def test_estimate_says_what_disputes_cost(shared: Path) -> None:
    words = ("--repetitions", "1", "--disputed", "0.02", "0.4")
    lines = run("estimate", *real_answers(shared), *words, options=())
    rows = table(lines, "labels")
    assert [row["disputes"] for row in rows] == ["left out", "without a label"] * 6
    for left_out, kept in zip(rows[::2], rows[1::2], strict=True):
        assert float(kept["width"]) > float(left_out["width"])
        assert kept["holds %"] == "100.0"
    assert lines[-1].startswith("1 repetitions; 170 of 5,127 questions would be in dispute")


def test_rates_of_objects_hold_the_truth_and_predict_better_than_raw_ones(shared: Path) -> None:
    lines = run("object_rates", *real_answers(shared), "--runs", "20", options=())
    simulated = table(lines, "objects")
    assert [row["objects"] for row in simulated] == [number for number in ("5", "20", "80") for _ in range(8)]
    assert all(float(row["holds"]) > 0.9 for row in simulated if row["objects"] == "80")
    real = table(lines, "model")
    assert [(row["labels"], row["kind"]) for row in real[:4]] == [
        (labels, kind) for labels in ("POPE", "RePOPE") for kind in ("hallucinated", "missed")
    ]
    for row in real:
        assert 0.94 <= float(row["holds"]) <= 0.97
        for what in ("error", "bits"):
            shrunken, *others = (float(row[f"{what}, {which}"]) for which in ("shrunken", "raw", "mean"))
            assert shrunken < min(others)


def test_equivalence_says_how_often_results_are_shown_to_be_the_same(shared: Path) -> None:
    words = ("--images", "100", "--simulations", "2")
    lines = run("equivalence", *real_answers(shared), *words, options=())
    errors, powers = table(lines, "images"), table(lines[lines.index("") :], "images")
    assert {row["turned"] for row in errors} == {"single", "both ways", "half images", "whole images"}
    assert all(float(row["true"]) > 0 and 0 <= float(row["bootstrap"]) <= 1 for row in errors)
    assert all(row["compare"] == "0.000" for row in errors if row["turned"] != "whole images")
    assert [row["differing"] for row in powers if row["right turned"] == "0"] == ["0.0", "0.0"]
    assert all(int(row["it takes"]) > 100 for row in powers if row["margin"] == "0.50")


def test_confidence_says_how_often_intervals_hold() -> None:
    rows = table(
        run("confidence", "--models", "2", "--images", "100", "--truth", "2000", options=()), "images"
    )
    kinds = {row["models"] for row in rows}
    assert len(rows) == 5 * len(kinds)
    plain = [row for row in rows if row["figure"] == "ece"]
    assert {row["given"] for row in plain} == {"0.000"}
    assert {row["percentiles"] for row in plain if float(row["true"]) == 0} == {"0.000"}
    assert all(0 <= float(row["holds"]) <= 1 for row in rows if row["holds"] != "-")
