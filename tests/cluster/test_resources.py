"""What models need: the shipped table, and tables that are wrong."""

import re
from pathlib import Path

import pytest
from conftest import FAMILY_MODELS

from repope_eval.cluster.sweep_plan import Needs, ResourceRow, read_resources, row_of
from repope_eval.errors import RepopeError
from repope_eval.settings.named_files import shipped_folder

HEAD = "models,gpus,cpus,memory,time,overrides\n"
SHIPPED = shipped_folder("slurm") / "resources.csv"

WEIGHTS = {"78b": 78.4, "38b": 38.4, "34b": 34.9, "26b": 25.5, "16b": 16.2, "10b": 9.7, "8b": 8.9, "7b": 8.1}
"""Billions of parameters of the models, by the ends of their names; two bytes each in bfloat16."""

GPU_GIGABYTES = 80
ROOM = 0.9
"""Of a GPU's memory for weights, at most; the rest is for images, caches and the software itself."""


def write(folder: Path, text: str) -> Path:
    path = folder / "resources.csv"
    path.write_text(text)
    return path


def test_shipped_models_have_the_gpus_that_hold_their_weights() -> None:
    rows = read_resources(SHIPPED)
    for model in FAMILY_MODELS:
        row = row_of(model, rows)
        assert row is not None
        size = re.search(r"_(\d+b)(_mpo)?$", model)
        gigabytes = 2 * WEIGHTS.get(size[1], 0) if size else 0
        assert gigabytes <= ROOM * GPU_GIGABYTES * row.needs.gpus, model
        assert row.needs.gpus == {"78b": 4, "38b": 2, "34b": 2, "26b": 2}.get(size[1] if size else "", 1), (
            model
        )
        # One process holds a model of several GPUs, which takes its being spread over them.
        assert ("model.device_map=auto" in row.overrides) == (row.needs.gpus > 1), model


def test_the_first_row_that_matches_counts(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEAD}a b*,2,8,128G,1-00:00:00,model.device_map=auto limit=3\n*,0,1,4G,30,\n")
    rows = read_resources(path)
    assert rows[0] == ResourceRow(
        line=2,
        patterns=("a", "b*"),
        needs=Needs(gpus=2, cpus=8, memory="128G", time="1-00:00:00"),
        overrides=("model.device_map=auto", "limit=3"),
    )
    assert [row_of(model, rows) for model in ("a", "bc", "ab", "")] == [rows[0], rows[0], rows[1], rows[1]]


def test_a_model_that_no_row_matches_has_none(tmp_path: Path) -> None:
    rows = read_resources(write(tmp_path, f"{HEAD}*_8b,1,4,64G,04:00:00,\n"))
    assert row_of("tiny", rows) is None


@pytest.mark.parametrize(
    ("row", "mistakes"),
    [
        ("*,one,4,64G,04:00:00,", ["gpus is 'one'; a number of GPUs is expected"]),
        ("*,1,0,64G,04:00:00,", ["cpus is '0'; a number of cores is expected"]),
        ("*,1,4,64 GB,04:00:00,", ["memory is '64 GB'; memory such as 64G is expected"]),
        (
            "*,1,4,64G,4 hours,",
            ["time is '4 hours'; a time limit such as 04:00:00 or 2-00:00:00 is expected"],
        ),
        (",1,4,64G,04:00:00,", ["models is empty; give names or patterns such as *_78b"]),
        ("*,1,4", ["has not 6 cells; overrides go into one, separated by spaces"]),
        ("*,1,4,64G,04:00:00,'a=1", ["overrides: a quote is not closed"]),
        (
            "*,,4,,04:00:00,",
            [
                "gpus is empty; a number of GPUs is expected",
                "memory is empty; memory such as 64G is expected",
            ],
        ),
    ],
)
def test_each_mistake_is_told_by_its_line(tmp_path: Path, row: str, mistakes: list[str]) -> None:
    path = write(tmp_path, f"{HEAD}tiny,1,4,64G,04:00:00,\n{row}\n")
    with pytest.raises(RepopeError) as caught:
        read_resources(path)
    assert str(caught.value).splitlines() == [f"{path}, line 3: {mistake}" for mistake in mistakes]


@pytest.mark.parametrize(("text", "columns"), [("", "none"), ("models,gpus\n*,1\n", "'models, gpus'")])
def test_a_table_without_its_columns_is_refused(tmp_path: Path, text: str, columns: str) -> None:
    with pytest.raises(RepopeError, match=f"has columns {columns}; expected: models, gpus, cpus"):
        read_resources(write(tmp_path, text))


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=r"none\.csv: cannot be read \(No such file.*give resources=FILE$"):
        read_resources(tmp_path / "none.csv")
