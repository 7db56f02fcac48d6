"""What the program prints to be typed next runs as it is printed, in a shell, with spaces in all paths."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cluster.sweep_tasks import program
from demo_runs import FIRST_IMAGES

from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.relabelling.estimates_view import EstimatesView

IMAGES = DEMO_FOLDER / "images"

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """An empty folder to work in."""
    folder = tmp_path / "my work"
    folder.mkdir()
    return folder


@pytest.fixture
def environment(tmp_path: Path, warm_python: Path) -> dict[str, str]:
    """That of a shell in which `python` is the one that has this program."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python").symlink_to(warm_python)
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}


@pytest.fixture
def shell(work: Path, environment: dict[str, str]) -> Shell:
    """Runs a line in bash."""

    def run(line: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-c", line],
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def own(work: Path) -> str:
    """The words for questions of one's own, and a model."""
    lines = (DEMO_FOLDER / "pope_random.jsonl").read_text().splitlines(keepends=True)
    (work / "my questions.jsonl").write_text("".join(lines[:24]))
    return f"bench=custom 'bench.questions=my questions.jsonl' bench.images={IMAGES} verify=0"


def printed(text: str) -> str:
    """The one command in a text, to the end of its line or of its backticks."""
    (command,) = re.findall(r"python -m repope_eval [^`\n]*", text)
    return command


def test_a_run_has_its_scores_by_another_protocol_made_by_what_it_prints(
    shell: Shell, work: Path, own: str
) -> None:
    first = shell(f"python -m repope_eval {own} 'out=my runs/a run'")
    assert first.returncode == 0, first.stderr
    refused = shell(f"python -m repope_eval {own} 'out=my runs/a run' protocol=pope")
    assert refused.returncode == 1
    scored = shell(printed(refused.stderr))
    assert scored.returncode == 0, scored.stderr
    scores = json.loads((work / "my runs" / "a run_pope" / "scores.json").read_text())
    assert (scores["bench"], scores["protocol"], scores["n_images"]) == ("my questions", "pope", 4)


def test_another_of_several_benchmarks_is_named_by_its_own_file(shell: Shell, work: Path) -> None:
    (work / "my files" / "bench").mkdir(parents=True)
    (work / "my files" / "bench" / "few.yaml").write_text("name: fewer\nsource: demo\nvariants: [random]\n")
    words = (
        f"'bench=[demo,few]' {FIRST_IMAGES} verify=0 'out=my runs/${{bench.name}}' --config-dir 'my files'"
    )
    first = shell(f"python -m repope_eval {words}")
    assert first.returncode == 0, first.stderr
    (work / "my runs" / "demo" / "scores.json").unlink()
    refused = shell(f"python -m repope_eval {words} protocol=pope")
    scored = shell(printed(refused.stderr))
    assert scored.returncode == 0, scored.stderr
    assert json.loads((work / "my runs" / "fewer_pope" / "scores.json").read_text())["bench"] == "fewer"


@pytest.mark.parametrize(
    "words",
    [
        "bench=table 'bench.questions=my table.csv' columns.label=truth",
        "bench=few --config-dir 'my files' 'data_dir=my data'",
    ],
)
def test_questions_that_somebody_answered_are_scored_by_what_is_printed(
    shell: Shell, work: Path, words: str
) -> None:
    (work / "my data").mkdir()
    (work / "my files" / "bench").mkdir(parents=True)
    (work / "my files" / "bench" / "few.yaml").write_text("source: demo\nvariants: [random]\n")
    (work / "my table.csv").write_text("image,question,truth\na.png,Is it late?,yes\n")
    path = work / "to answer.jsonl"
    written = shell(f"python -m repope_eval questions {words} fetch_images=false 'out={path.name}'")
    assert written.returncode == 0, written.stderr
    rows = [json.loads(line) | {"response": "Yes"} for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    scored = shell(printed(written.stderr))
    assert scored.returncode == 0, scored.stderr
    assert ("data_dir" in printed(written.stderr)) == ("data_dir" in words)


@pytest.fixture
def served(work: Path, environment: dict[str, str]) -> Callable[[str], str]:
    """Starts `annotate` by a line in bash, ends it once it serves, and gives what it said."""

    def serve(line: str) -> str:
        serving = subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            cwd=work,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert serving.stdout is not None
        address = serving.stdout.readline()
        serving.send_signal(signal.SIGTERM)
        said = serving.communicate(timeout=60)[1]
        assert address.startswith("http://"), said
        return said

    return serve


def test_an_audit_prints_what_brings_its_queue_to_people(
    shell: Shell, own: str, served: Callable[[str], str]
) -> None:
    for number in (1, 2):
        words = f"{own} model.name=m{number} model.max_new_tokens={number} limit=2"
        assert shell(f"python -m repope_eval {words}").returncode == 0
    audited = shell("python -m repope_eval audit 'out=my audit' budget=4 sample=2")
    assert audited.returncode == 0, audited.stderr
    said = served(printed(audited.stderr))
    again = served(printed(said))  # how to go on
    assert "has 0 labels of 6 questions; to go on: python -m repope_eval annotate " in said
    assert printed(again) == printed(said)


def test_labels_in_dispute_are_brought_to_a_third_person_by_what_estimate_prints(
    served: Callable[[str], str],
) -> None:
    """By its words, with what is meant in place of the names in capitals."""
    view = EstimatesView(
        bench="demo",
        protocol="repope",
        rows=(),
        n_questions=9,
        n_looked=3,
        n_more=0,
        n_disputed=1,
        n_missing=0,
    )
    (words,) = re.findall(r"`(annotate [^`]*)`", view.open_sentences[0])
    first, second = (DEMO_FOLDER / f"annotator_{who}_random.jsonl" for who in ("first", "second"))
    for name, meant in (("FIRST", first), ("SECOND", second), ("FOLDER", IMAGES), ("DECIDED", "third.jsonl")):
        words = words.replace(name, str(meant))
    assert "third.jsonl has 0 labels of " in served(f"python -m repope_eval {words}")


def test_a_sweep_prints_what_submits_it_and_what_tells_how_far_it_is(
    shell: Shell, work: Path, tmp_path: Path
) -> None:
    (work / "my models.txt").write_text("tiny\n")
    told = "'models=my models.txt' 'runs=my runs' bench=demo limit=1"
    shown = shell(f"python -m repope_eval slurm {told} dry_run=true")
    assert shown.returncode == 0, shown.stderr
    calls = tmp_path / "calls"
    program(tmp_path / "programs" / "sbatch", f'echo "$RUNS" >> {shlex.quote(str(calls))}; echo 7')
    script = "\n".join(line for line in shown.stdout.splitlines() if " sbatch " in line)
    pasted = shell(script)
    assert (pasted.returncode, pasted.stderr) == (0, "")
    submitted = shell(f"python -m repope_eval slurm {told}")
    assert submitted.returncode == 0, submitted.stderr
    assert calls.read_text().splitlines() == [str(work / "my runs")] * 4
    status = shell(printed(submitted.stdout))
    assert status.returncode == 0, status.stderr
    assert "1 waiting" in status.stdout or "1 run:" in status.stdout


def test_what_doctor_prints_can_be_typed(shell: Shell, work: Path) -> None:
    (work / "my data").mkdir()
    told = shell(
        "python -m repope_eval doctor memory=4 device=cpu bench=amber 'bench.images=my images' 'data_dir=my data'"
    )
    assert told.returncode == 0, told.stderr
    commands = re.findall(r"python -m repope_eval (?:model|data)[^|\n]*", told.stdout)
    assert commands
    for command in (commands[0], next(each for each in commands if "model=" in each)):
        typed = re.split(r"  +|, or | \(", command)[0]
        shown = shell(f"{typed} --cfg job")
        assert shown.returncode == 0, f"{typed}: {shown.stderr}"
        assert "data_dir: my data" in shown.stdout


def test_missing_images_are_fetched_into_the_same_folder_by_what_is_printed(
    shell: Shell, work: Path, shared: Path
) -> None:
    shutil.copytree(shared / "annotations", work / "my data" / "annotations")
    words = "bench=repope 'data_dir=my data' model=tiny bench.images_url=http://127.0.0.1:9/"
    refused = shell(f"python -m repope_eval {words}")
    assert refused.returncode == 1
    shown = shell(f"{printed(refused.stderr)} --cfg job")
    assert shown.returncode == 0, shown.stderr
    assert "data_dir: my data" in shown.stdout


def test_a_refusal_names_a_folder_that_can_be_given(shell: Shell, work: Path, own: str) -> None:
    assert shell(f"python -m repope_eval {own} 'out=my run' limit=1").returncode == 0
    refused = shell(f"python -m repope_eval {own} 'out=my run' limit=1 model.question_suffix=!")
    (word,) = re.findall(r"such as ('out=[^']*'|out=\S+),", refused.stderr)
    assert shell(f"python -m repope_eval {own} {word} limit=1 model.question_suffix=!").returncode == 0
    assert (work / "my run-2" / "scores.json").exists()
