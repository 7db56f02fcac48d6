"""`doctor`, as it is typed."""

from pathlib import Path

from conftest import CommandLine


def test_it_says_what_is_here_and_which_models_fit(command_line: CommandLine, tmp_path: Path) -> None:
    result = command_line("doctor", "device=cpu", "memory=4", f"data_dir={tmp_path}", HF_TOKEN="hf_secret")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line.split()}
    laptop = rows["internvl2_5_1b"]
    assert f"python -m repope_eval model=internvl2_5_1b bench=repope data_dir={tmp_path} device=cpu" in laptop
    assert "bfloat16" in laptop
    assert "2 x 80 GB with model.device_map=auto" in rows["internvl2_5_78b"]
    assert "0 of 6 files" in rows["annotations"]
    assert "qwen3_vl_8b" not in rows
    assert "chat models not counted, for want of small files: python -m repope_eval models" in result.stdout
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
