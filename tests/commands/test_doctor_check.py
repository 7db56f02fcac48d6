"""`doctor check=true`, as it is typed."""

import re
from pathlib import Path

from conftest import CommandLine


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
