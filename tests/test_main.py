"""The program as users start it, most of it in processes of its own: its words, its imports, and how it ends."""

import json
import os
import signal
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from conftest import PROJECT, RUN_FILES, CommandLine, visible_files

from repope_eval import __main__ as program
from repope_eval import __version__
from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.commands import command_line
from repope_eval.system import signals

NO_ANSWERS = "no_such_file.json: cannot be read (No such file or directory)"


@pytest.fixture
def work(command_line: CommandLine, tmp_path: Path) -> Path:
    """The folder that `command_line` runs in."""
    return tmp_path / "work"


def _answers(work: Path, name: str = "answers.json") -> Path:
    question = json.loads((DEMO_FOLDER / "pope_random.jsonl").read_text().splitlines()[0])
    answer = {"image": question["image"], "question": question["text"], "response": "Yes"}
    (work / name).write_text(json.dumps([answer]))
    return work / name


def test_a_folder_of_own_files_may_be_named_before_a_command(command_line: CommandLine, work: Path) -> None:
    (work / "mine" / "bench").mkdir(parents=True)
    (work / "mine" / "bench" / "few.yaml").write_text("source: demo\nvariants: [random]\n")
    option, words = ["--config-dir", "mine"], ["questions", "bench=few", "fetch_images=false"]
    before = command_line(*option, *words, "out=before.jsonl")
    behind = command_line(*words, "out=behind.jsonl", *option)
    assert (before.returncode, behind.returncode) == (0, 0), before.stderr + behind.stderr
    assert (work / "before.jsonl").read_bytes() == (work / "behind.jsonl").read_bytes()


def test_an_own_file_that_hides_a_shipped_one_is_told_and_noted(
    command_line: CommandLine, work: Path
) -> None:
    for group, name, text in [
        (
            "model",
            "tiny",
            "family: internvl2_5\ncheckpoint: demo\nrecipe_dtype: float32\nmax_new_tokens: 8\n",
        ),
        ("bench", "demo", "source: demo\nvariants: [random]\n"),
    ]:
        (work / "mine" / group).mkdir(parents=True)
        (work / "mine" / group / f"{name}.yaml").write_text(text)
    (work / "mine" / "model" / "other.yaml").write_bytes((work / "mine" / "model" / "tiny.yaml").read_bytes())
    ended = command_line("--config-dir", "mine", "model=tiny", "limit=1")
    assert ended.returncode == 0, ended.stderr
    own = {
        word: str(work / "mine" / f"{word.replace('=', '/')}.yaml") for word in ("bench=demo", "model=tiny")
    }
    said = [line for line in ended.stderr.splitlines() if "is your own" in line]
    assert said == [
        f"{word} is your own {path}, not the shipped configuration of that name" for word, path in own.items()
    ]
    assert json.loads((work / "runs" / "demo" / "tiny" / "manifest.json").read_text())["own_files"] == own
    shipped = command_line("--config-dir", "mine", "model=other", "bench=repope", "--cfg", "job")
    assert "is your own" not in shipped.stderr


def test_mistakes_end_with_status_1_a_line_each(command_line: CommandLine, work: Path) -> None:
    ended = command_line("limit=0", "modle=tiny", "bench=nothing", "+device=cpu")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(ended.stderr.splitlines()) == 4
    assert not list(work.iterdir())


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["scroe"], "scroe: no such command (did you mean score?); there are run, score, "),
        (["limit"], "limit: no such command; there are run, "),
        (["--nonsense"], "unrecognized arguments: --nonsense (--help shows what can be given)"),
        (["--model=tiny"], "--model=tiny: settings have no dashes; give model=tiny"),
        (["score", "--data-dir", "--limit=2"], "--data-dir: settings have no dashes; give data_dir=VALUE"),
        (["--config-dir"], "argument --config-dir/-cd: expected one argument (--help shows"),
        (["--config-dir", "nowhere", "model=mine"], "--config-dir nowhere: no such folder"),
        (["--config-dir", ""], "--config-dir '': no such folder"),
        (["--config-dir", "a\nb"], r"--config-dir a\nb: no such folder"),
        (["--config-name", "foo"], "--config-name is of no use here: "),
        (
            ["-sc", "install=bash"],
            "--shell-completion is not offered, since Hydra's completion knows no commands: ",
        ),
        (["--hydra-help"], "--hydra-help is of no use here: --help shows what can be given"),
        (["--resolve"], "--resolve goes with --cfg (--help shows"),
        (["--cfg", "job", "-m"], "one of --run, --multirun, "),
        (["limit=0", "-m", "engine=x"], "limit=0: must be at least 1\nengine=x: allowed are "),
        (["help", "foo"], "foo: no such command; "),
        (["a\x1b]0;x\x07"], r"a\x1b]0;x\x07: no such command; "),
        (["x" * 100_000], f"{'x' * 117}...: no such command; "),
        (["build"], "objects is required: give objects=..."),
    ],
)
def test_what_is_no_command_or_option_ends_with_status_1(
    words: list[str], line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["repope-eval", *words])
    with pytest.raises(SystemExit) as caught:
        program.main()
    assert caught.value.code == 1
    assert capsys.readouterr().err.startswith(line)


def test_version_is_the_packages(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["repope-eval", "--version"])
    with pytest.raises(SystemExit) as caught:
        program.main()
    assert (caught.value.code, capsys.readouterr().out) == (0, f"{__version__}\n")


@pytest.mark.parametrize("words", [["--help"], ["help"]])
def test_help_is_shown_and_nothing_else_done(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["repope-eval", *words])
    with pytest.raises(SystemExit) as caught:
        program.main()
    assert caught.value.code == 0
    assert "Settings, given as key=value" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["score", "--help"], ["help", "score"]])
def test_help_is_of_the_command_that_is_named(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["repope-eval", *words])
    with pytest.raises(SystemExit) as caught:
        program.main()
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("python -m repope_eval score answers=... ")


def test_a_text_is_what_was_typed(command_line: CommandLine, work: Path) -> None:
    name = "it's LLaVA (7B), [a]=ü.json"
    _answers(work, name)
    ended = command_line("score", f"answers={name}", "out= results")
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False)
    manifest = json.loads((work / " results" / "manifest.json").read_text())
    assert manifest["settings"]["answers"] == name


def test_full_error_shows_where_a_mistake_was_found(command_line: CommandLine) -> None:
    before = command_line("model=foo", HYDRA_FULL_ERROR="1")
    during = command_line("score", "answers=no_such_file.json", HYDRA_FULL_ERROR="1")
    for ended, line in ((before, "model=foo: no such model"), (during, NO_ANSWERS)):
        assert ended.returncode == 1
        assert "Traceback (most recent call last)" in ended.stderr
        assert f"repope_eval.errors.RepopeError: {line}" in ended.stderr


def test_single_run_leaves_its_run_folder_and_nothing_of_hydra(command_line: CommandLine, work: Path) -> None:
    _answers(work)
    ended = command_line("score", "answers=answers.json", "out=results")
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False)
    assert {path.name for path in work.iterdir()} == {"answers.json", "results"}
    assert visible_files(work / "results") == RUN_FILES


def test_sweep_goes_on_after_a_run_that_failed(command_line: CommandLine, work: Path) -> None:
    _answers(work, "first.json")
    _answers(work, "last.json")
    words = ("answers=first.json,no_such_file.json,last.json", "out='results/${answers}'")
    ended = command_line("score", "-m", *words)
    assert ended.returncode == 1
    assert NO_ANSWERS in ended.stderr.splitlines()
    assert "Traceback" not in ended.stderr
    for name in ("first.json", "last.json"):
        assert json.loads((work / "results" / name / "manifest.json").read_text())["status"] == "complete"
        assert "no_such_file" not in (work / "results" / name / "run.log").read_text()


def test_sweep_with_a_benchmark_that_fails_runs_the_others(command_line: CommandLine, work: Path) -> None:
    _answers(work)
    ended = command_line("score", "-m", "answers=answers.json", "bench=custom,demo", "model=m")
    assert ended.returncode == 1
    assert "bench.questions is required: give bench.questions=FILE, a file in POPE's format" in ended.stderr
    assert (work / "runs" / "demo" / "m" / "scores.json").exists()


FORKING_LAUNCHER = '''
import multiprocessing
from dataclasses import dataclass

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn


class ForkingLauncher(BasicLauncher):
    """Runs jobs in another process, from which only what they return or raise comes back."""

    def launch(self, job_overrides, initial_job_idx):
        def run():
            jobs = BasicLauncher.launch(self, job_overrides, initial_job_idx)
            there.send([(job.status, job._return_value) for job in jobs])

        here, there = multiprocessing.Pipe()
        process = multiprocessing.get_context("fork").Process(target=run)
        process.start()
        there.close()
        returned = here.recv()
        process.join()
        return [JobReturn(status=status, _return_value=value) for status, value in returned]


@dataclass
class Settings:
    _target_: str = "hydra_plugins.forking.ForkingLauncher"


ConfigStore.instance().store(group="hydra/launcher", name="forking", node=Settings)
'''


def test_failure_in_a_launchers_own_process_is_a_failure(command_line: CommandLine, work: Path) -> None:
    plugins = work / "path" / "hydra_plugins"
    plugins.mkdir(parents=True)
    (plugins / "forking.py").write_text(FORKING_LAUNCHER)
    ended = command_line(
        "score", "-m", "answers=no_such_file.json", "hydra/launcher=forking", PYTHONPATH=str(work / "path")
    )
    assert ended.returncode == 1
    assert NO_ANSWERS in ended.stderr.splitlines()
    assert "Traceback" not in ended.stderr


def test_error_of_a_run_stands_in_its_log(command_line: CommandLine, work: Path) -> None:
    (work / "here").mkdir()  # one that the run made itself would go with it
    question = {
        "question_id": 1,
        "image": "nowhere.png",
        "text": "Is there a car in the image?",
        "label": "no",
    }
    (work / "questions.jsonl").write_text(json.dumps(question))
    ended = command_line(
        "bench=custom", "bench.questions=questions.jsonl", f"bench.images={work}", "out=here"
    )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"1 of 1 image missing in {work}: nowhere.png; put them there")
    assert line in (work / "here" / "run.log").read_text()


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_interruption_before_asking_ends_with_130(work: Path) -> None:
    pipe = work / "questions.jsonl"
    os.mkfifo(pipe)
    words = ["bench=custom", f"bench.questions={pipe}", "bench.images=."]
    process = subprocess.Popen(
        [sys.executable, "-m", "repope_eval", *words], cwd=work, stderr=subprocess.PIPE, text=True
    )
    writer = os.open(pipe, os.O_WRONLY)  # waits until the other process waits for questions
    process.send_signal(signal.SIGINT)
    _, shown = process.communicate(timeout=30)
    os.close(writer)
    assert (process.returncode, shown) == (130, "interrupted\n")


def test_interruption_while_the_program_is_imported_is_no_traceback(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom repope_eval import __main__\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'repope_eval.commands.command_line':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "__main__.main()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, "interrupted\n")


def test_interruption_that_a_library_turns_into_an_error_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def turn(_: list[str]) -> int:
        try:
            signals.interrupt(signal.SIGTERM)
        except KeyboardInterrupt as error:
            raise AttributeError("no such attribute") from error

    monkeypatch.setattr(signals, "_came", [])
    monkeypatch.setattr(command_line, "_main", turn)
    with pytest.raises(SystemExit) as caught:
        program.main()
    assert (caught.value.code, capsys.readouterr().err) == (143, "interrupted\n")


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("models >&-", None),
        ("--config-dir own model=m", "model=m: its file's defaults name one another without end"),
        (
            "-m model=tiny,internvl2_5_1b bench=demo",
            "hydra.sweep.dir=runs/.sweeps: cannot be made or written",
        ),
        ("status", "the working folder is not there any more"),
    ],
)
def test_odd_places_to_start_from(work: Path, shell: str, line: str | None) -> None:
    (work / "own" / "model").mkdir(parents=True)
    (work / "own" / "model" / "m.yaml").write_text("defaults:\n  - m\n")
    (work / "runs").touch()
    (work / "gone").mkdir()
    leave = "cd gone; rmdir ../gone;" if shell == "status" else ""
    command = f"{leave} {sys.executable} -m repope_eval {shell}"
    ended = subprocess.run(command, shell=True, cwd=work, capture_output=True, text=True, check=False)
    assert "Traceback" not in ended.stderr
    assert ended.returncode == (0 if line is None else 1)
    if line is not None:
        (said,) = ended.stderr.splitlines()
        assert said.startswith(line)


QUICK_SECONDS = 2.0  # of a processor, of which torch alone would take as much


def _modules_of(word: str, work: Path) -> tuple[set[str], float, str]:
    """What a run with one word imports, how long it takes a processor, and its standard error besides."""
    before = os.times()
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "repope_eval", *word.split()],
        cwd=work,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    lines = ended.stderr.splitlines()
    imported = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    return imported, seconds, "\n".join(line for line in lines if not line.startswith("import time:"))


@pytest.mark.parametrize("words", ["--help", "modle=tiny"])
def test_what_needs_no_settings_composed_ends_without_hydra(words: str, work: Path) -> None:
    imported, seconds, _ = _modules_of(words, work)
    assert "repope_eval.errors" in imported
    assert not imported & {"hydra", "omegaconf", "numpy", "repope_eval.pipeline"}
    assert seconds < QUICK_SECONDS / 4


def test_a_python_that_lacks_the_packages_is_told_where_they_are(tmp_path: Path) -> None:
    """Such as the system's, where nobody activated the environment."""
    python = [sys.executable, "-S", "-m", "repope_eval"]  # without site-packages
    ended = subprocess.run(
        python,
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"hydra is not installed for {sys.executable}: activate the environment")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("modle=tiny", "modle: no such key (did you mean model?) (--help lists the keys)"),
        ("model=foo", "model=foo: no such model; `python -m repope_eval models` lists them; "),
        ("score answers=no_such_file.json", NO_ANSWERS),
    ],
)
def test_mistake_ends_soon_with_one_line_and_without_torch(words: str, line: str, work: Path) -> None:
    imported, seconds, shown = _modules_of(words, work)
    assert shown.startswith(line)
    assert "\n" not in shown
    assert seconds < QUICK_SECONDS
    assert "repope_eval.errors" in imported
    assert not imported & {"torch", "transformers", "datasets", "accelerate"}


def test_console_script_is_the_same_program() -> None:
    (script,) = entry_points(group="console_scripts", name="repope-eval")
    assert script.load() is program.main
