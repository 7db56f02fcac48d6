"""`doctor`, with and without `check=true`, as it is typed."""

import re
from pathlib import Path

import pytest
from conftest import CommandLine
from machines import device, with_device
from tiny_checkpoints import CHECKPOINTS

from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.commands import doctor
from repope_eval.reporting import console
from repope_eval.settings.config import BenchSettings, DoctorSettings

REPOPE = BenchSettings(name="repope", source="coco", variants=POPE_VARIANTS)


def test_it_says_what_is_here_and_which_models_fit(command_line: CommandLine, tmp_path: Path) -> None:
    result = command_line("doctor", "device=cpu", "memory=4", f"data_dir={tmp_path}", HF_TOKEN="hf_secret")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line.split()}
    laptop = rows["internvl2_5_1b"]
    assert laptop.split() == ["internvl2_5_1b", "bfloat16", "2.9", "GB"]
    first = next(line.split()[0] for line in result.stdout.partition("Models in")[2].splitlines()[4:])
    assert (
        f"\n  python -m repope_eval model={first} bench=repope data_dir={tmp_path} device=cpu\n"
        in result.stdout
    )
    assert "2 x 80 GB with model.device_map=auto" in rows["internvl2_5_78b"]
    assert "0 of 6 files" in rows["annotations"]
    assert "qwen3_vl_8b" not in rows
    assert "chat models not counted, for want of small files, which this gets" in result.stdout
    assert "\n  python -m repope_eval models fetch=true\n" in result.stdout
    assert "hf_secret" not in result.stdout


def test_the_time_is_that_of_the_benchmark(command_line: CommandLine, tmp_path: Path) -> None:
    words = ("doctor", "device=cpu", f"data_dir={tmp_path}")
    result = command_line(*words, "bench=amber", "bench.images=/of mine")
    assert result.returncode == 0, result.stderr
    assert "amber takes about" in result.stdout
    assert f" bench=amber data_dir={tmp_path} 'bench.images=/of mine' device=cpu" in result.stdout
    assert "repope takes about" in command_line(*words).stdout
    without_file = command_line(*words, "bench=custom")
    assert without_file.returncode == 1
    (line,) = without_file.stderr.strip().splitlines()
    assert line.startswith("bench.questions is required")


def test_a_device_that_is_not_there_is_one_line(command_line: CommandLine) -> None:
    result = command_line("doctor", "device=cuda:7")
    assert result.returncode == 1
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("device=cuda:7: torch sees")


def test_the_time_on_a_gpu_is_estimated_and_said_to_be(command_line: CommandLine, tmp_path: Path) -> None:
    words = ("doctor", "device=cpu", f"data_dir={tmp_path}")
    result = command_line(*words, "gpu=h100", "model=llava_next_vicuna_7b")
    assert result.returncode == 0, result.stderr
    said = " ".join(result.stdout.split())
    assert "Models in 84.2 GB of H100" in said
    assert (
        "llava_next_vicuna_7b float16 16.3 GB 47 s Times are estimated for answers of yes or no, not measured: "
        "they assume 40 %" in said
    )
    assert "llava_next_vicuna_7b on H100: time by estimate, nothing was measured" in said
    assert "yes or no, 3 tokens 47 s 46 s 0.9 s 1.2 s 0.6 s compute" in said
    assert "On a CPU" not in said
    everything = command_line(*words, "gpu=T4").stdout
    assert "internvl2_5_4b" in everything
    assert "model.dtype=float16" in everything
    assert "time by estimate" not in everything
    here = command_line(*words, "model=ovis2_1b").stdout
    assert "Its time is estimated for a GPU whose figures are known: gpu=H100, say." in here


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gpu=H8",), "gpu=H8: no such card; there are B200, "),
        (("gpu=H100", "memory=24"), "memory=24: gpu=H100 has its own; leave one of them out"),
        (
            ("model=endpoint", "model.checkpoint=mine", "model.url=http://localhost/v1"),
            "model=endpoint: a server's model takes no memory of this machine; leave model= out",
        ),
    ],
)
def test_what_cannot_be_estimated_is_one_line(
    command_line: CommandLine, words: tuple[str, ...], said: str
) -> None:
    result = command_line("doctor", "device=cpu", *words)
    assert result.returncode == 1
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith(said)


def test_a_chat_model_has_a_line_for_answers_in_sentences(command_line: CommandLine, tmp_path: Path) -> None:
    CHECKPOINTS["llava"](tmp_path / "llava")
    words = ("device=cpu", "gpu=L4", "model=chat", f"model.checkpoint={tmp_path / 'llava'}")
    result = command_line("doctor", *words)
    assert result.returncode == 0, result.stderr
    said = " ".join(result.stdout.split())
    assert re.search(r"yes or no, 3 tokens .* a sentence, 30 tokens .* kernel launches", said)


def test_of_captions_the_length_is_told_and_the_time_is_of_that_length(
    command_line: CommandLine, tmp_path: Path
) -> None:
    def said(*words: str) -> str:
        result = command_line("doctor", "device=cpu", f"data_dir={tmp_path}", "bench=demo_captions", *words)
        assert result.returncode == 0, result.stderr
        return " ".join(result.stdout.split())

    long = said("gpu=h100", "model=internvl2_5_8b")
    assert "Times are estimated for captions of at most 120 tokens, not measured" in long
    assert re.search(r"captions, 120 tokens .* the longest captions, 1024 tokens .* memory bandwidth", long)
    assert "at the latest after model.max_new_tokens: 1024 tokens for internvl2_5_8b. Needs" in long
    assert "yes or no" not in long
    unsaid = said("gpu=h100", "model=llava_next_vicuna_7b")
    assert "at the latest after model.max_new_tokens: 1024 tokens for llava_next_vicuna_7b. Needs" in unsaid
    short = said("gpu=h100", "model=llava_next_vicuna_7b", "model.max_new_tokens=15")
    assert "captions, 120 tokens" not in short
    assert "15 tokens cut most descriptions short: add model.max_new_tokens=512, say." in short
    everything = said()
    assert "demo_captions takes about" in everything
    assert "at the latest after model.max_new_tokens: 1024 tokens for internvl2_5_1b" in everything
    assert "Times are computed for captions of 120 tokens" in everything
    assert "one image at a time with the longest captions" in everything


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_on_a_terminal_all_fits_and_commands_are_whole(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = with_device(device("cpu", 25))
    monkeypatch.setattr(doctor, "examine", lambda *_: machine)
    monkeypatch.setattr(console, "terminal_width", lambda: columns)
    doctor.execute(DoctorSettings(bench=REPOPE), "doctor")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    assert "  python -m repope_eval models fetch=true" in lines
    assert any(line.startswith("  python -m repope_eval model=") for line in lines)
    assert sum(line.split()[:1] == ["internvl2_5_1b"] for line in lines) == (2 if columns == 60 else 1)


def lines_of(output: str) -> dict[str, str]:
    """What the table of checks says of each, by its name."""
    _, _, checks = output.partition("The embedded model on this device")
    rows = (line.strip().split("  ", 1) for line in checks.splitlines() if "  " in line.strip())
    return {row[0]: row[1].strip() for row in rows}


def test_on_this_machine_every_check_passes(command_line: CommandLine, tmp_path: Path) -> None:
    result = command_line("doctor", "check=true", "device=cpu")
    assert result.returncode == 0, result.stdout + result.stderr
    results = re.findall(r"  (pass|fail|not tried)  ", result.stdout)
    assert results == [*["pass"] * 6, "not tried"]
    assert "MatMul8bitLt" not in result.stderr
    assert not list((tmp_path / "work").iterdir())


def test_a_broken_library_fails_its_lines_alone(command_line: CommandLine, tmp_path: Path) -> None:
    stub = tmp_path / "work" / "bitsandbytes"
    stub.mkdir()
    (stub / "__init__.py").write_text("raise ImportError('libbitsandbytes is broken\\nin all its parts')\n")
    result = command_line("doctor", "check=true", "device=cpu", OMP_NUM_THREADS="1")
    assert result.returncode == 1
    lines = lines_of(result.stdout)
    for engine in ("shared", "sequential"):
        exact, half = (
            lines[f"{number_format}, {engine} engine"] for number_format in ("float32", "bfloat16")
        )
        assert exact.split("  ")[0] == half.split("  ")[0] == "pass"
        assert "61 of 61 answers equal, p_yes within 0.0" in exact
        assert "answers equal, p_yes within 0.0" in half
    for name in ("int8", "nf4"):
        assert lines[name].startswith("fail")
        assert "ImportError: libbitsandbytes is broken" in lines[name]
    assert lines["two processes"].startswith("not tried")
    _, _, report = result.stdout.partition("In a report, send")
    assert "repope-eval " in report
    assert "CPU, " in report
    last = result.stderr.splitlines()[-1]
    assert last.startswith("check=true: 2 of 7 checks failed (int8; nf4): mend what their lines say")
