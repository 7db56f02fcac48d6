"""Run folders that a stranger sent: the commands that read them reach nothing that the user did not name.

What the folders hold was found to work once: variables of the environment, pipes and devices, pictures of any folder,
addresses, links, edited scores, and a run that votes twice.
"""

import json
import os
import shutil
import socket
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.font_manager
import pytest
import yaml
from conftest import PROJECT
from exported_runs import asked, write_scored_run
from run_folders import answer_lines, demo
from watched_commands import Watched, watch

from repope_eval.benchmarks.custom import DEMO_FOLDER

TOKEN = "hf_0123456789_secret"

PROGRAMS_OWN = (
    *{sys.prefix, sys.base_prefix, sys.exec_prefix, *sysconfig.get_paths().values()},
    *(str(PROJECT / name) for name in ("repope_eval", "configs")),
    *(f"/usr/{name}" for name in ("share", "lib")),
    *(f"/{name}" for name in ("lib", "etc", "sys", "dev/null")),
    *(f"/proc/{name}" for name in ("meminfo", "cpuinfo", "stat", "mounts", "sys/kernel/random/boot_id")),
    *(f"/proc/self/{name}" for name in ("status", "cgroup", "mountinfo")),
)
"""Where the interpreter, the package, libraries and the machine's own settings and fonts lie."""


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """What lies on the user's machine, and is nobody's business."""
    folder = tmp_path / "private"
    shutil.copytree(DEMO_FOLDER / "images", folder / "images")
    shutil.copyfile(DEMO_FOLDER / "pope_random.jsonl", folder / "questions.jsonl")
    (folder / "figures").mkdir()
    (folder / "key").write_text("the last line of a key\n")
    (folder / "images.json").write_text("{}")
    return folder


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """The stranger's server, which notes who comes by taking connections into its queue."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


@pytest.fixture
def stranger(tmp_path: Path, private: Path, server: socket.socket) -> Path:
    """The run folders, as the stranger packed them."""
    root = tmp_path / "stranger"
    url = f"http://127.0.0.1:{server.getsockname()[1]}"
    pipe = root / "waits.jsonl"
    root.mkdir()
    os.mkfifo(pipe)

    def places(**bench: Any) -> Any:
        def change(manifest: dict[str, Any]) -> None:
            asked(manifest)
            manifest["settings"]["bench"] |= {
                "images": str(private / "images"),
                "annotations": str(private),
                "annotations_url": f"{url}/${{oc.env:MY_TOKEN}}",
                "images_url": url,
                "images_from": "hub",
                "hub_dataset": str(private),
                **bench,
            }
            manifest["settings"] |= {"data_dir": str(private)}
            manifest["seal"] = "0" * 64

        return change

    for name, wrong in (("good", 0.05), ("better", 0.1)):
        run = write_scored_run(
            root / "demo" / name, answer_lines(demo(), wrong), change=places(), is_own=False
        )
        document = json.loads((run / "scores.json").read_text())
        for cell in document["scores"]["repope"].values():
            cell["f1"] = 0.999
        (run / "scores.json").write_text(json.dumps(document))
    shutil.copytree(root / "demo" / "good", root / "demo" / "best")
    (root / "demo" / "good" / "images.json").symlink_to(private / "images.json")
    (root / "demo" / "good" / "answers.rank-0.jsonl").symlink_to(private / "questions.jsonl")
    files = {
        "pipe": {"questions": str(pipe)},
        "memory": {"questions": "/proc/self/mem", "relabels": "/dev/zero"},
        "file": {"questions": str(private / "questions.jsonl")},
        "variable": {"questions": "${oc.env:MY_TOKEN}", "variants": ["${oc.env:MY_TOKEN}"]},
    }
    for name, named in files.items():
        bench = {"name": name, "source": "custom", "variants": ["custom"], **named}
        write_scored_run(root / name, change=places(**bench), is_own=False)
    bench = {"name": "repope", "source": "coco"}
    write_scored_run(root / "coco", change=places(**bench), is_own=False)
    bench = {"name": "hub", "source": "table", "variants": [], "questions": "hub:some/one"}
    write_scored_run(root / "hub", change=places(**bench), is_own=False)
    linked = write_scored_run(root / "linked", change=places(), is_own=False)
    for name in ("answers.jsonl", "scores.json"):
        (linked / name).replace(private / name)
        (linked / name).symlink_to(private / name)
    (root / "tasks").mkdir()
    (root / "tasks" / "7_0.task").write_text(f"out={root / 'new'}\nlog={private / 'key'}\nended=1\n")
    return root


def alike(run: Path) -> list[str]:
    """Words by which a run is compared with itself, read in another way."""
    return [f"a={run}", f"b={run}", "protocol_b=pope"]


def commands(stranger: Path) -> list[list[str]]:
    """All commands that read runs, on each of the folders."""
    runs, names = f"runs={stranger}", ("pipe", "memory", "file", "variable", "repope", "hub")
    folders = [stranger / ("coco" if name == "repope" else name) for name in (*names, "linked", "demo/good")]
    better = stranger / "demo" / "better"
    return [
        ["audit", runs, "bench=demo"],
        ["estimate", runs, "bench=demo", "queue=audit/queue.jsonl", "labels=labels.jsonl"],
        ["status", runs],
        *(["report", runs, f"bench={name}", f"out=report_{name}"] for name in ("demo", *names)),
        ["compare", f"a={better}", f"b={stranger / 'demo' / 'best'}", "out=compare_better"],
        [
            "compare",
            *alike(stranger / "file"),
            "bench=custom",
            "bench.questions=mine.jsonl",
            "out=compare_given",
        ],
        *(["compare", *alike(folder), f"out=compare_{folder.name}"] for folder in folders),
        *(
            ["export", f"run={folder}", "format=model_card", "dataset=me/mine", f"out=export_{folder.name}"]
            for folder in (better, *folders)
        ),
    ]


def outside(command: Watched, work: Path, *allowed: str) -> list[tuple[str, str]]:
    """What a command that ran in a folder asked for that lies in no allowed one, wherever links lead."""
    roots = [os.path.realpath(root) for root in (work, *allowed)]
    found = []
    for event, place in command.events:
        path = os.path.realpath(work / place)
        is_inside = any(path == root or path.startswith(f"{root}/") for root in roots)
        is_of_files = not event.startswith(("socket", "subprocess"))
        if not (is_inside and is_of_files) and (event, place) != ("subprocess.Popen", "squeue"):
            found.append((event, place))
    return found


def test_nothing_is_reached_that_the_user_did_not_name(
    stranger: Path, private: Path, server: socket.socket, tmp_path: Path
) -> None:
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    shutil.copyfile(DEMO_FOLDER / "pope_random.jsonl", work / "mine.jsonl")
    labels = [{"image": each.image, "question": each.text, "label": "no"} for each in demo().questions[:300]]
    (work / "labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in labels))
    before = {path: path.read_bytes() for path in private.rglob("*") if path.is_file()}
    environment = {**os.environ, "HOME": str(home), "MY_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0"}
    environment |= {"XDG_CONFIG_HOME": str(home / "config"), "XDG_CACHE_HOME": str(home / "cache")}
    environment |= {
        "MPLCONFIGDIR": matplotlib.get_cachedir()
    }  # with the list of fonts, or they are looked for
    environment.pop("HF_HOME")
    given = commands(stranger)
    ended = watch(given, work, tmp_path / "noted", environment)
    reached = {
        shown: found
        for words, command in zip(given, ended, strict=True)
        if (
            found := outside(
                command, work, str(stranger), str(home), environment["MPLCONFIGDIR"], *PROGRAMS_OWN
            )
        )
        for shown in [" ".join(words)]
    }
    assert not reached, json.dumps(reached, indent=1)
    with pytest.raises(BlockingIOError):
        server.accept()
    assert {path: path.read_bytes() for path in private.rglob("*") if path.is_file()} == before
    written = "".join(path.read_text(errors="replace") for path in work.rglob("*") if path.is_file())
    said = "".join(command.output for command in ended)
    assert TOKEN not in said + written
    assert "the last line of a key" not in said
    _require_lines(given, ended, work)


def _require_lines(given: list[list[str]], ended: list[Watched], work: Path) -> None:
    """What can be done is done, and each of the others ends with one line that says what to do."""
    outcomes = {" ".join([words[0], words[-1]]): command for words, command in zip(given, ended, strict=True)}
    fine = [name for name, command in outcomes.items() if command.status == 0]
    assert fine == [
        "audit bench=demo",
        "estimate labels=labels.jsonl",
        "status " + given[2][1],
        "report out=report_demo",
        "compare out=compare_better",
        "compare out=compare_given",
        "export out=export_better",
        "export out=export_good",
    ], {name: command.output for name, command in outcomes.items()}
    assert all(command.status == 1 for name, command in outcomes.items() if name not in fine)
    assert "Traceback" not in "".join(command.output for command in ended)
    assert "has the same answers as" in outcomes["audit bench=demo"].output
    assert "data:image" in (work / "compare_better" / "compare.html").read_text(), (
        "those of the benchmark itself"
    )
    assert "data:image" not in (work / "compare_given" / "compare.html").read_text()
    card = yaml.safe_load((work / "export_better" / "model_card.md").read_text().split("---")[1])
    assert "0.999" not in json.dumps(card)
