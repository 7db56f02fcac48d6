"""Each command of the documentation is run here, or says why not.

`<!-- not run: WHY -->` before a block is for what no test can run, `<!-- run by tests/FILE.py -->` for what another
test runs. Readers see neither.
"""

import csv
import io
import json
import re
import shlex
import shutil
from functools import partial
from pathlib import Path

import pytest
from chat_server import serving
from coco_examples import write_shared_truth
from conftest import CommandLine, MadeOnce
from documentation_pages import (
    BLOCK,
    BLOCKS,
    PROGRAM,
    TEXTS,
    blocks_of,
    commands_in_prose,
    commands_to_run,
    marked_commands,
    unrunnable,
)
from PIL import Image
from run_folders import demo
from served import ended, served

from perf.chat_families.qwen import qwen2_5_vl
from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.relabelling.queue import Queued, write_queue
from repope_eval.settings.benchmark_words import spelt_out
from repope_eval.settings.commands import COMMANDS
from repope_eval.settings.quick_checks import misspelt_keys
from repope_eval.system.json_files import read_rows

FEW = "limit=2"
TILE = (64, 64)
"""The size of an image of which the demo's model makes one tile; others are many, which take their time."""
OWN_CODE = "docs/how-to/score-answers.md"


def serves(command: str) -> bool:
    """Whether a command goes on until it is ended."""
    return shlex.split(command)[3:4] == ["annotate"]


def needs_real_files(command: str) -> bool:
    return "repope_eval doctor" not in command and any(
        word in command for word in ("bench=repope", "bench=pope_gqa", "bench=all", "model=internvl2_5")
    )


RUN_HERE = [command for command in commands_to_run() if not serves(command)]


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
        ("kim", "annotator_first"),
        ("lee", "annotator_second"),
        ("sam", "decider"),
    ):
        shutil.copy(DEMO_FOLDER / f"{source}_random.jsonl", folder / f"{name}.jsonl")
    (folder / "images").symlink_to(DEMO_FOLDER / "images")
    write_table(folder / "table.csv")
    (folder / "audit").mkdir()
    write_audited(folder / "audit" / "queue.jsonl", folder / "relabelled_labels.jsonl")
    shutil.copytree(unbroken, folder / "runs" / "demo" / "earlier")
    make_dash_b(folder / "dash" / "dash_b")
    for group in ("model", "bench"):
        (folder / "mine" / group).mkdir(parents=True)
    model = own_file("docs/how-to/add-a-model.md", "# mine/model/my_internvl.yaml\n")
    (folder / "mine" / "model" / "my_internvl.yaml").write_text(
        model.replace("/models/my_internvl", "demo") + "recipe_dtype: float32\n"
    )
    benchmark = own_file("docs/tutorial/your-own-benchmark.md", "# mine/bench/kitchens.yaml\n")
    (folder / "mine" / "bench" / "kitchens.yaml").write_text(
        benchmark.replace("/data/kitchens/", f"{folder}/")
    )
    return folder


def own_file(page: str, start: str) -> str:
    """A configuration file that a page shows, which is known by its first line."""
    (text,) = (block.text for block in BLOCKS if block.page == page and block.text.startswith(start))
    return text


def make_way(folder: Path, out: str) -> None:
    """Removes what a command would find where it writes, or beside that."""
    for path in folder.glob(f"{Path(out).stem}*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


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
            Image.new("RGB", TILE, "teal").save(images / name)
        index = json.dumps({"coco": {"backpack": names}})
        (folder / f"dash_benchmark_{kind}.json").write_text(index)


@pytest.fixture
def coco(shared: Path, made_once: MadeOnce) -> Path:
    """A data folder with the real files of all benchmarks, and an image under each name that POPE's ask about."""
    return made_once("documented_data", partial(make_coco, shared))


def make_coco(shared: Path, folder: Path) -> None:
    shutil.copytree(shared / "annotations", folder / "annotations")
    for name in ("benchmarks/pope_seem", "benchmarks/popev2", "benchmarks/amber", "dash_b"):
        (folder / Path(name).name).symlink_to(shared / name)
    write_shared_truth(shared, folder / "annotations")
    encoded = io.BytesIO()
    Image.new("RGB", TILE, "teal").save(encoded, "JPEG")
    for images, questions in (
        ("val2014", "annotations/coco_pope_random.json"),
        ("val2014", "pope_seem/aokvqa_pope_seem_random.json"),
        ("gqa", "pope_seem/gqa_pope_seem_random.json"),
    ):
        (folder / images).mkdir(exist_ok=True)
        for name in {row["image"] for row in read_rows(folder / questions)}:
            (folder / images / name).write_bytes(encoded.getvalue())


def with_a_small_model(words: list[str], work: Path, coco: Path) -> list[str]:
    """A command with the demo's checkpoint in a real one's place, COCO where the test has it, and no cluster."""
    replaced = [word.replace("/datasets/coco/val2014", str(coco / "val2014")) for word in words]
    replaced = [word.replace("/scratch/repope", str(coco)) for word in replaced]
    replaced = [re.sub(r"^limit=\d+$", FEW, word) for word in replaced]
    if "hydra/launcher=submitit_slurm" in replaced:  # tests/cluster/test_real_slurm.py runs one
        return ["--cfg=hydra", *(word for word in replaced if word.startswith("hydra"))]
    if any(word.startswith("model=internvl2_5") for word in words):
        replaced += ["model.checkpoint=demo", "model.dtype=float32", "model.max_new_tokens=4"]
        if words[0] != "fetch" and not any(word.startswith("limit") for word in words):
            replaced.append(FEW)
    if "model=chat" in words:
        checkpoint = work / "checkpoint"
        qwen2_5_vl(checkpoint)
        words_of_it = [
            f"model.checkpoint={checkpoint}",
            "model.dtype=float32",
            "model.max_new_tokens=4",
            FEW,
        ]
        replaced = [word for word in replaced if not word.startswith("model.checkpoint")] + words_of_it
    if "bench=repope" in words and not any(word.startswith("data_dir") for word in words):
        replaced.append(f"data_dir={coco}")
    return replaced


def test_every_command_is_run_or_says_why_not() -> None:
    wrong = [mistake for block in BLOCKS for mistake in unrunnable(block)]
    assert not wrong, "\n".join(wrong)
    assert len(RUN_HERE) >= 30


@pytest.mark.parametrize(
    ("block", "mistake"),
    [
        ("```sh\nmake demo\n```", "page.md:1: `make demo` is not run here"),
        ("Text.\n\n```sh\nls \\\n  -l\n```", "page.md:3: `ls -l` is not run here"),
        ("```python\nprint()\n```", "page.md:1: says neither"),
        ("```\nls\n```", "page.md:1: says no language"),
        ("<!-- run by tests/none.py -->\n```sh\nls\n```", "page.md:2: tests/none.py is not there"),
        ("<!-- not run: -->\n```sh\nls\n```", "page.md:2: `ls` is not run here"),
        ("<!-- not run: it lists -->\n\n```sh\nls\n```", None),
        ("<!-- run by tests/test_main.py -->\n```sh\nls\n```", None),
        (f"```sh\n# Ask.\n{PROGRAM} \\\n  limit=4\n```", None),
    ],
)
def test_a_command_that_is_neither_run_nor_marked_is_refused(block: str, mistake: str | None) -> None:
    (found,) = blocks_of("page.md", block)
    assert [text.startswith(mistake) for text in unrunnable(found) if mistake] == ([True] if mistake else [])


def test_no_command_hides_in_an_indented_block() -> None:
    lines = [
        f"{page}: {line.strip()}"
        for page, text in TEXTS.items()
        for line in BLOCK.sub("", text).splitlines()
        if line.startswith("    ") and line.lstrip().startswith((PROGRAM, "make ", "pip "))
    ]
    assert not lines, "\n".join(lines)


@pytest.mark.parametrize(
    ("command", "mark"),
    [
        pytest.param(command, mark, id=f"{command} [{mark}]")
        for command, mark in [*marked_commands(), *commands_in_prose()]
    ],
)
def test_what_is_not_run_here_exists_with_its_keys(command: str, mark: str) -> None:
    """The names of these tests list the commands that are not run, each with the reason or the page."""
    program, _, rest = command.rpartition("repope_eval ")
    if command in dict(marked_commands()) and not program:
        return  # another program's
    words = [word for word in shlex.split(rest) if not word.startswith(("-", "...", "DIR"))]
    name = words.pop(0) if words and "=" not in words[0] else "run"
    if name == "help":
        name = words.pop(0) if words else "run"
    if name.isupper():
        return  # stands for any command
    assert name in COMMANDS, mark
    keys = [word for word in words if "=" in word and "..." not in word]
    assert not misspelt_keys(COMMANDS[name], spelt_out(COMMANDS[name], keys)), mark


@pytest.mark.parametrize("command", [command for command in RUN_HERE if not needs_real_files(command)])
def test_commands_run(command: str, command_line: CommandLine, work: Path) -> None:
    words = shlex.split(command.replace("/scratch/dash", str(work / "dash")))[3:]
    if not (words and words[0].isalpha()) and "limit" not in command:
        words.append(FEW)
    if words[:1] in (["audit"], ["build"], ["relabel"]):  # they replace nothing
        make_way(work, words[-1].removeprefix("out="))
    if "runs/demo/tiny" in command:  # what the first command of such a page makes
        (work / "runs" / "demo" / "earlier").rename(work / "runs" / "demo" / "tiny")
    result = command_line(*words)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", [command for command in RUN_HERE if needs_real_files(command)])
def test_commands_about_real_models_and_images_run(
    command: str, command_line: CommandLine, work: Path, coco: Path, shared: Path
) -> None:
    if "answers.jsonl" in command:
        shutil.copy(shared / "answers" / "llava-v1.5-13b.jsonl", work / "answers.jsonl")
        shutil.copy(shared / "answers" / "llava-v1.5_questions.jsonl", work / "questions.jsonl")
    with serving() as chat:
        replaced = command.replace("http://node7:8000/v1", chat.url)
        result = command_line(*with_a_small_model(shlex.split(replaced)[3:], work, coco))
        assert bool(chat.asked) == ("model=endpoint" in command)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", [command for command in commands_to_run() if serves(command)])
def test_commands_that_serve_begin_to(command: str, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(work)
    words = shlex.split(command)[3:]
    (out,) = (word.removeprefix("out=") for word in words if word.startswith("out="))
    Path(out).unlink(missing_ok=True)
    with served(*words) as (process, address):
        assert address.startswith("http://127.0.0.1:")
        assert ended(process).returncode == 143


def test_questions_that_own_code_answers_are_scored(
    command_line: CommandLine, work: Path, coco: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = [block for block in BLOCKS if block.page == OWN_CODE and block.mark]
    (code,) = (block.text for block in blocks if block.language == "python")
    (scoring,) = (command for block in blocks for command in block.commands)
    asking = ["questions", "bench=repope", "out=asked.jsonl", "limit=4"]
    assert f"{PROGRAM} {' '.join(asking[:-1])}\n" in TEXTS[OWN_CODE]
    assert command_line(*asking, f"data_dir={coco}").returncode == 0
    monkeypatch.chdir(work)
    exec(
        code,
        {"my_model": lambda path, _: f"Yes: {Path(path).name}"},
    )
    result = command_line(*shlex.split(scoring)[3:], f"data_dir={coco}")
    assert result.returncode == 0, result.stderr


def test_a_benchmark_of_ones_own_is_known_by_its_file(command_line: CommandLine, work: Path) -> None:
    result = command_line("--config-dir", "mine", "bench=kitchens", FEW)
    assert result.returncode == 0, result.stderr
    assert (work / "runs" / "kitchens" / "tiny" / "scores.json").is_file()
