"""The README is kept true: each of its commands runs, its keys and defaults are the program's, its links lead."""

import csv
import dataclasses
import json
import re
import shlex
import shutil
import textwrap
from pathlib import Path

import pytest
from chat_server import serving
from conftest import PROJECT, CommandLine
from PIL import Image
from run_folders import demo
from served import ended, served
from tiny_checkpoints import qwen2_5_vl

from repope_eval.benchmarks.audit_queue import Queued, write_queue
from repope_eval.benchmarks.demo import DEMO_FOLDER
from repope_eval.settings import audit_commands, benchmark_commands, comparison_command, config
from repope_eval.settings.fields import fields_by_key

README = (PROJECT / "README.md").read_text(encoding="utf-8")
PROGRAM = "python -m repope_eval"


def commands() -> list[str]:
    """The lines of indented blocks that call the program and end, but for one that reads what own code wrote."""
    return [line for line in program_lines() if "answered.jsonl" not in line and not serves(line)]


def program_lines() -> list[str]:
    lines = [line.strip() for line in README.splitlines() if line.startswith("    ")]
    return [line for line in lines if line.startswith(PROGRAM)]


def serves(command: str) -> bool:
    """Whether a command goes on until it is ended."""
    return shlex.split(command)[3:4] == ["annotate"]


@pytest.fixture
def work(tmp_path: Path, command_line: CommandLine, unbroken: Path) -> Path:
    """The folder the commands run in, with the files they name."""
    folder = tmp_path / "work"
    shutil.copy(DEMO_FOLDER / "objects.jsonl", folder / "objects.jsonl")
    for name, source in (
        ("questions", "pope"),
        ("relabelled", "repope"),
        ("first", "annotator_first"),
        ("second", "annotator_second"),
        ("third", "decider"),
    ):
        shutil.copy(DEMO_FOLDER / f"{source}_random.jsonl", folder / f"{name}.jsonl")
    shutil.copytree(DEMO_FOLDER / "images", folder / "images")
    write_table(folder / "table.csv")
    write_audited(folder / "queue.jsonl", folder / "labels.jsonl")
    shutil.copytree(unbroken, folder / "runs" / "demo" / "earlier")
    make_dash_b(folder / "dash" / "dash_b")
    (folder / "mine" / "model").mkdir(parents=True)
    (folder / "mine" / "model" / "my_internvl.yaml").write_text(
        "family: internvl2_5\ncheckpoint: demo\nrecipe_dtype: float32\n"
    )
    return folder


def write_table(path: Path) -> None:
    """Some of the demo's questions, in columns and words of other names."""
    rows = map(json.loads, (DEMO_FOLDER / "pope_random.jsonl").read_text().splitlines())
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "prompt", "answer", "part"])
        words = {"yes": "present", "no": "absent"}
        writer.writerows([row["image"], row["text"], words[row["label"]], "own"] for row in rows)


def write_audited(queue: Path, labels: Path) -> None:
    """A queue of all questions of the demo, and what people found about each."""
    pope, repope = (label_set.distinct for label_set in demo().label_sets)
    write_queue(
        queue,
        [
            Queued(question=question, label=label, score=1, p_sampled=1, sampled=True)
            for question, label in pope.items()
        ],
    )
    words = {True: "yes", False: "no", None: "ambiguous"}
    lines = [
        {"image": question.image, "question": question.text, "label": words[repope.get(question)]}
        for question in pope
    ]
    labels.write_text("".join(json.dumps(line) + "\n" for line in lines))


def make_dash_b(folder: Path) -> None:
    """DASH-B's index files and images, with a single object in four images."""
    names = ["0.png", "1.png"]
    for kind in ("neg", "pos"):
        images = folder / kind / "coco" / "backpack"
        images.mkdir(parents=True)
        for name in names:
            Image.new("RGB", (64, 48), "teal").save(images / name)
        index = json.dumps({"coco": {"backpack": names}})
        (folder / f"dash_benchmark_{kind}.json").write_text(index)


@pytest.fixture
def coco(shared: Path, tmp_path: Path) -> Path:
    """A data folder with the real files of all benchmarks, and an image under each name that POPE's ask about."""
    shutil.copytree(shared / "annotations", tmp_path / "coco" / "annotations")
    images = tmp_path / "coco" / "val2014"
    images.mkdir()
    lines = (shared / "annotations" / "coco_pope_random.json").read_text().splitlines()
    others = json.loads((shared / "benchmarks" / "pope_seem" / "aokvqa_pope_seem_random.json").read_text())
    picture = Image.new("RGB", (64, 48), "teal")
    for name in {row["image"] for row in (*map(json.loads, lines), *others)}:
        picture.save(images / name)
    for folder in ("benchmarks/pope_seem", "benchmarks/popev2", "benchmarks/amber", "dash_b"):
        (tmp_path / "coco" / Path(folder).name).symlink_to(shared / folder)
    (tmp_path / "coco" / "gqa").mkdir()
    rows = json.loads((shared / "benchmarks" / "pope_seem" / "gqa_pope_seem_random.json").read_text())
    for name in {row["image"] for row in rows}:
        picture.save(tmp_path / "coco" / "gqa" / name)
    return tmp_path / "coco"


def with_a_small_model(words: list[str], coco: Path) -> list[str]:
    """A command with the demo's checkpoint in a real one's place, COCO where the test has it, and no cluster."""
    replaced = [word.replace("/datasets/coco/val2014", str(coco / "val2014")) for word in words]
    replaced = [word.replace("/scratch/repope", str(coco)) for word in replaced]
    if "hydra/launcher=submitit_slurm" in replaced:  # tests/cluster/test_real_slurm.py runs one
        return ["--cfg=hydra", *(word for word in replaced if word.startswith("hydra"))]
    if any(word.startswith("model=internvl2_5") for word in words):
        replaced += ["model.checkpoint=demo", "model.dtype=float32", "model.max_new_tokens=4"]
        if words[0] != "fetch" and not any(word.startswith("limit") for word in words):
            replaced.append("limit=4")
    if "model=chat" in words:
        checkpoint = coco.with_name("checkpoint")
        qwen2_5_vl(checkpoint)
        words_of_it = [
            f"model.checkpoint={checkpoint}",
            "model.dtype=float32",
            "model.max_new_tokens=4",
            "limit=2",
        ]
        replaced = [word for word in replaced if not word.startswith("model.checkpoint")] + words_of_it
    if "bench=repope" in words and not any(word.startswith("data_dir") for word in words):
        replaced.append(f"data_dir={coco}")
    return replaced


def needs_real_files(command: str) -> bool:
    return any(
        word in command for word in ("bench=repope", "bench=pope_gqa", "bench=all", "model=internvl2_5")
    )


@pytest.mark.parametrize("command", [command for command in commands() if not needs_real_files(command)])
def test_commands_run(command: str, command_line: CommandLine, work: Path) -> None:
    words = shlex.split(command.replace("/scratch/dash", str(work / "dash")))[3:]
    if words and not words[0].isalpha() and "limit" not in command:
        words.append("limit=4")
    if words[:1] in (["build"], ["relabel"]):  # they replace nothing
        (work / words[-1].removeprefix("out=")).unlink()
    result = command_line(*words)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", [command for command in commands() if needs_real_files(command)])
def test_commands_about_real_models_and_images_run(
    command: str, command_line: CommandLine, work: Path, coco: Path, shared: Path
) -> None:
    if "answers.jsonl" in command:
        shutil.copy(shared / "answers" / "llava-v1.5-13b.jsonl", work / "answers.jsonl")
        shutil.copy(shared / "answers" / "llava-v1.5_questions.jsonl", work / "questions.jsonl")
    with serving() as chat:
        replaced = command.replace("http://node7:8000/v1", chat.url)
        result = command_line(*with_a_small_model(shlex.split(replaced)[3:], coco))
        assert bool(chat.asked) == ("model=endpoint" in command)
    assert result.returncode == 0, result.stderr


def test_questions_that_own_code_answers_are_scored(
    command_line: CommandLine, work: Path, coco: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = re.search(r"    rows = .*?\n\n", README, re.DOTALL)
    (scoring,) = re.findall(r"    (python -m repope_eval score answers=answered\.jsonl .*)", README)
    asking = ["questions", "bench=repope", "out=asked.jsonl", "limit=4"]
    assert f"{PROGRAM} {' '.join(asking[:-1])}\n" in README
    assert command_line(*asking, f"data_dir={coco}").returncode == 0
    monkeypatch.chdir(work)
    assert code is not None
    exec(
        textwrap.dedent(code[0]),
        {"json": json, "Path": Path, "my_model": lambda path, _: f"Yes: {Path(path).name}"},
    )
    result = command_line(*shlex.split(scoring)[3:], f"data_dir={coco}")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", [line for line in program_lines() if serves(line)])
def test_commands_that_serve_begin_to(command: str, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work)
    if "decide=true" in command:
        shutil.copy("first.jsonl", "kim.jsonl")
        shutil.copy("second.jsonl", "lee.jsonl")
    with served(*shlex.split(command)[3:]) as (process, address):
        assert address.startswith("http://127.0.0.1:")
        assert ended(process).returncode == 143


def test_the_commands_were_found() -> None:
    assert len(commands()) >= 10


@pytest.mark.parametrize(
    "record",
    [
        config.RunSettings,
        config.ScoreSettings,
        config.ReportSettings,
        config.StatusSettings,
        config.SlurmSettings,
        benchmark_commands.DataSettings,
        config.ModelsSettings,
        config.DoctorSettings,
        config.FetchSettings,
        benchmark_commands.QuestionsSettings,
        benchmark_commands.BuildSettings,
        benchmark_commands.AnnotateSettings,
        benchmark_commands.RelabelSettings,
        audit_commands.AuditSettings,
        audit_commands.EstimateSettings,
        comparison_command.CompareSettings,
    ],
)
def test_every_key_is_in_the_table_with_its_meaning_and_default(record: type) -> None:
    table = [line for line in README.splitlines() if line.startswith("| `")]
    for key, item in fields_by_key(record).items():
        if item.record:
            continue
        default = "" if item.default is dataclasses.MISSING else json.dumps(item.default).strip('"')
        lines = [line for line in table if line.startswith(f"| `{key}` | {item.metadata['help']}")]
        assert any(line.endswith(f"| `{default}` |" if default else "| |") for line in lines), key


def test_the_table_of_a_real_models_scores_is_what_the_program_computes(
    shared: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    result = command_line(
        "score",
        f"answers={shared / 'answers' / 'llava-v1.5-13b.jsonl'}",
        f"questions={shared / 'answers' / 'llava-v1.5_questions.jsonl'}",
        "bench=repope",
        f"data_dir={shared}",
        f"out={tmp_path / 'run'}",
    )
    assert result.returncode == 0, result.stderr
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())["scores"]
    for variant in ("random", "adversarial"):
        for label_set, title in (("pope", "POPE"), ("repope", "RePOPE")):
            cell = scores[label_set][variant]
            counts = " | ".join(str(cell[name]) for name in ("tp", "fp", "tn", "fn"))
            ratios = " | ".join(f"{cell[name]:.4f}".lstrip("0") for name in ("precision", "recall", "f1"))
            assert f"| {variant} | {title} | {counts} | {ratios} |" in README


def test_files_and_modules_it_names_exist() -> None:
    for path in re.findall(r"`((?:repope_eval|configs|tests)/[\w/.]+)`", README):
        if "NAME" not in path:
            assert (PROJECT / path).exists(), path
    for module in re.findall(r"`python -m (repope_eval\.demo\.\w+)`", README):
        assert (PROJECT / (module.replace(".", "/") + ".py")).exists(), module


def test_its_pictures_are_there_and_are_made_by_a_program() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\((docs/pictures/\w+\.png)\)", README)
    assert len(pictures) == 3
    assert {PROJECT / name for name in pictures} == set((PROJECT / "docs" / "pictures").iterdir())
    for name in pictures:
        with Image.open(PROJECT / name) as picture:
            assert picture.size == (1184, 800)
