"""`data` through the command line: fetching from a server, verifying, and the table of label changes."""

import functools
import io
import json
import re
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from coco_examples import write_shared_truth
from conftest import CommandLine
from fault_server import serving, unanswered_port
from hub_server import HubServer
from PIL import Image

from repope_eval.benchmarks import coco
from repope_eval.benchmarks.sources import SOURCES

TABLE = """
    random      yes  1500  139 (9.3 %)  207 (13.8 %)  1159
    random      no   1500    5 (0.3 %)   19 (1.3 %)   1615
    popular     yes  1500  139 (9.3 %)  207 (13.8 %)  1193
    popular     no   1500   39 (2.6 %)   66 (4.4 %)   1534
    adversarial yes  1500  139 (9.3 %)  207 (13.8 %)  1187
    adversarial no   1500   33 (2.2 %)  109 (7.3 %)   1497
"""


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder and counts what it was asked for."""

    asked: list[str]

    def log_message(self, *_: object) -> None:
        type(self).asked.append(self.path)


@pytest.fixture
def published(shared: Path, tmp_path: Path) -> Path:
    """The annotation files, and an image under each name that they ask about."""
    folder = tmp_path / "published"
    shutil.copytree(shared / "annotations", folder)
    names = {
        json.loads(line)["image"] for line in (folder / "coco_pope_random.json").read_text().splitlines()
    }
    Image.new("RGB", (8, 6), "teal").save(folder / "one.jpg")
    for name in names:
        shutil.copy(folder / "one.jpg", folder / name)
    return folder


@pytest.fixture
def server(published: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of a server of the published files, and the list of what it was asked for."""
    handler = type("Handler", (QuietHandler,), {"asked": []})
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(handler, directory=str(published))
    ) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", handler.asked
        running.shutdown()
        thread.join()


def words(line: str) -> str:
    return " ".join(line.split())


def test_what_is_missing_is_fetched_once_and_the_label_changes_are_the_papers(
    command_line: CommandLine, server: tuple[str, list[str]], tmp_path: Path
) -> None:
    address, asked = server
    data = tmp_path / "data"
    data.mkdir()
    command = (
        "data",
        "bench=repope",
        f"data_dir={data}",
        f"bench.annotations_url={address}",
        f"bench.images_url={address}",
    )
    result = command_line(*command)
    assert result.returncode == 0, result.stderr
    assert len(list((data / "val2014").iterdir())) == 500
    assert len(list((data / "annotations").iterdir())) == 6
    assert len(asked) == 506
    printed = [words(line) for line in result.stdout.splitlines()]
    assert [line for line in printed if re.match(r"(random|popular|adversarial) (yes|no) ", line)] == [
        words(line) for line in TABLE.strip().splitlines()
    ]
    assert "annotations of github.com/YanNeu/RePOPE at commit" in result.stdout
    assert "random POPE 3,000 3,000 1,500 1,500 500" in printed
    assert "random RePOPE 2,774 2,774 1,159 1,615 500" in printed
    assert f"coco_pope_random.json {coco.ANNOTATIONS.sha256['coco_pope_random.json']}" in printed
    assert command_line(*command).returncode == 0
    assert len(asked) == 506


def test_another_hash_is_told_with_both_and_how_to_use_ones_own_file(
    command_line: CommandLine, shared: Path, tmp_path: Path
) -> None:
    shutil.copytree(shared / "annotations", tmp_path / "annotations")
    path = tmp_path / "annotations" / "coco_repope_random.json"
    path.write_text(path.read_text().replace('"yes"', '"no"', 1))
    result = command_line("data", "bench=repope_random", f"data_dir={tmp_path}", "fetch_images=false")
    assert result.returncode == 1
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith(f"{path}: SHA-256 is ")
    assert "expected f464fcaf60b24ce2f280cf33f122e000dbdd35c8e88f77c4141c9c2cba864611" in line
    assert "bench=custom bench.questions=FILE" in line


def test_without_a_server_one_line_says_how_many_images_are_missing_and_how_to_get_them(
    command_line: CommandLine, shared: Path, tmp_path: Path
) -> None:
    shutil.copytree(shared / "annotations", tmp_path / "annotations")
    result = command_line(
        "data", "bench=repope", f"data_dir={tmp_path}", "bench.images_url=http://127.0.0.1:9"
    )
    assert result.returncode == 1
    line = result.stderr.strip().splitlines()[-1]
    assert "500 of 500 COCO images missing (COCO_val2014_" in line
    assert str(tmp_path / "val2014") in line
    assert "bench.images=FOLDER" in line
    assert "Traceback" not in result.stderr


@pytest.fixture
def everything(shared: Path, tmp_path: Path) -> Path:
    """A folder like data_dir with the question files of all benchmarks, which are links."""
    data = tmp_path / "data"
    data.mkdir()
    for folder in (shared / "dash_b", *(shared / "benchmarks").iterdir()):
        if folder.is_dir():
            (data / folder.name).symlink_to(folder)
    write_shared_truth(shared, data / "annotations")
    return data


def test_all_benchmarks_are_verified_by_one_command(command_line: CommandLine, everything: Path) -> None:
    result = command_line("data", "bench=all", f"data_dir={everything}", "fetch_images=false")
    assert result.returncode == 0, result.stderr
    assert [
        line.split(":")[0] for line in result.stderr.splitlines() if "question files are right" in line
    ] == [
        "repope",
        "pope_aokvqa",
        "pope_gqa",
        "popev2",
        "amber",
        "dash_b",
        "chair",
    ]
    for licence in ("licence: MIT", "licence: Apache-2.0", "licence: none stated"):
        assert licence in result.stdout


def test_where_one_benchmark_cannot_be_had_the_others_are(
    command_line: CommandLine, everything: Path
) -> None:
    (everything / "popev2").unlink()
    (everything / "popev2").mkdir()
    (everything / "popev2" / "annotations.json").write_text("[]")
    result = command_line("data", "bench=all", f"data_dir={everything}", "fetch_images=false")
    assert result.returncode == 1
    lines = [line for line in result.stderr.splitlines() if not line.startswith("reading ")]
    *_, reason, first, second, third, last = lines
    assert "popev2/annotations.json: SHA-256 is " in reason
    assert first.startswith("amber: question files are right")
    assert second.startswith("dash_b: question files are right")
    assert third.startswith("chair: question files are right")
    assert last.startswith("1 benchmark of 7 cannot be had whole: popev2; the lines above say why")


def test_all_files_of_several_benchmarks_come_from_the_first_mirror_that_has_the_right_ones(
    command_line: CommandLine, shared: Path, tmp_path: Path
) -> None:
    """Of two benchmarks: the first mirror is gone, the second has other files, and the third the right ones."""
    folder = shared / "benchmarks" / "pope_seem"
    data = tmp_path / "data"
    data.mkdir()
    with serving() as wrong, serving() as right:
        for dataset in ("aokvqa", "gqa"):
            for path in folder.glob(f"{dataset}_*.json"):
                wrong.files[path.name] = wrong.files[f"{dataset}/{path.name}"] = b"[]"
                right.files[path.name] = right.files[f"{dataset}/{path.name}"] = path.read_bytes()
        mirrors = f"bench.annotations_url='http://127.0.0.1:{unanswered_port()} {wrong.url} {right.url}'"
        result = command_line(
            "data", "bench=[pope_aokvqa,pope_gqa]", f"data_dir={data}", "fetch_images=false", mirrors
        )
    assert result.returncode == 0, result.stderr
    fetched = {path.name: path.read_bytes() for path in (data / "pope_seem").iterdir()}
    assert fetched == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert result.stderr.count("question files are right") == 2


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(buffer, "JPEG")
    return buffer.getvalue()


def write_dataset(path: Path, columns: dict[str, list[Any]]) -> None:
    """A Parquet file like the Hub's, with an image in each row."""
    path.parent.mkdir(exist_ok=True)
    images = [{"bytes": picture(), "path": None} for _ in next(iter(columns.values()))]
    pyarrow.parquet.write_table(pyarrow.table({"image": images, **columns}), path)


def test_images_come_out_of_datasets_of_a_hub_the_first_of_which_is_gone(
    command_line: CommandLine, everything: Path, shared: Path, tmp_path: Path
) -> None:
    """POPE's dataset is not at its new home, but at its old one; AMBER's has three files."""
    rows = json.loads((shared / "benchmarks" / "amber" / "query_discriminative.json").read_text())
    ids = list({row["image"]: row["id"] for row in rows}.values())
    lines = (shared / "annotations" / "coco_pope_random.json").read_text().splitlines()
    names = sorted({json.loads(line)["image"].removesuffix(".jpg") for line in lines})
    write_dataset(tmp_path / "pope" / "test-00000.parquet", {"image_source": names})
    for number, part in enumerate(("existence", "attribute", "relation")):
        write_dataset(tmp_path / "amber" / f"discriminative-{part}-0.parquet", {"id": ids[number::3]})
    (everything / "amber").unlink()
    shutil.copytree(shared / "benchmarks" / "amber", everything / "amber")
    repositories = {"lmms-lab/POPE": tmp_path / "pope", "MM-Hallu/amber-benchmark": tmp_path / "amber"}
    with HubServer(repositories) as hub:
        result = command_line(
            "data",
            "bench=[repope,amber]",
            f"data_dir={everything}",
            "bench.images_from=hub",
            HF_ENDPOINT=hub.address,
            HF_HUB_OFFLINE="0",
            HF_HUB_DISABLE_XET="1",
        )
    assert result.returncode == 0, result.stderr
    assert "lmms-lab-encoder/POPE" in result.stderr
    assert "; trying lmms-lab/POPE next" in result.stderr
    assert "500 images, all there" in result.stderr
    assert "1004 images, all there" in result.stderr
    assert {path.read_bytes() for path in (everything / "val2014").iterdir()} == {picture()}
    assert len(list((everything / "amber" / "images").iterdir())) == 1004


def test_what_a_benchmark_does_not_read_is_refused(command_line: CommandLine, everything: Path) -> None:
    result = command_line("data", "bench=pope_gqa", f"data_dir={everything}", "bench.images_from=hub")
    assert result.returncode == 1
    assert result.stderr.startswith("bench.images_from: not read by bench=pope_gqa; leave it out")


def test_what_the_figures_tell_is_said(command_line: CommandLine) -> None:
    result = command_line("data", "bench=demo")
    assert result.returncode == 0, result.stderr
    assert f"\n{SOURCES['demo'].measures}\n" in result.stdout
