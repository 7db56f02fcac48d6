"""Plans of sweeps: lists of models, what these need, what every run is told, and mistakes found before submission."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import FAMILY_MODELS

from repope_eval.cluster.sweep_plan import (
    Group,
    ListedRun,
    Needs,
    ResourceRow,
    SweepPlan,
    list_text,
    plan_sweep,
    read_model_list,
    read_resources,
    row_of,
    run_words,
    shared_folders,
)
from repope_eval.errors import RepopeError
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import BenchSettings, SlurmSettings
from repope_eval.settings.named_files import shipped_folder

KNOWN = ["tiny", "ovis2_1b", "internvl2_5_78b"]
TABLE = "models,gpus,cpus,memory,time,overrides\n*_78b,4,16,256G,24:00:00,model.device_map=auto\n"


def settings(**given: Any) -> SlurmSettings:
    bench = BenchSettings(name="demo", source="demo", variants=("random",))
    return SlurmSettings(model=model_settings("tiny"), bench=bench, **({"runs": "runs"} | given))


def no_mistakes(words: Sequence[str]) -> list[str]:
    return []


def plan(
    folder: Path, lines: str, words: Sequence[str] = (), table: str | None = None, **given: Any
) -> SweepPlan:
    (folder / "list").write_text(lines)
    if table is not None:
        (folder / "table").write_text(table)
        given["resources"] = str(folder / "table")
    find = given.pop("find_mistakes", no_mistakes)
    return plan_sweep(settings(models=str(folder / "list"), **given), words, KNOWN, find)


def test_runs_of_one_need_are_one_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = "tiny\ninternvl2_5_78b limit=3\novis2_1b\n"
    small, large = (
        Needs(gpus=1, cpus=4, memory="64G", time="04:00:00"),
        Needs(gpus=4, cpus=16, memory="256G", time="24:00:00"),
    )
    words = ("model.device_map=auto", "limit=3")
    assert plan(tmp_path, lines, ["bench=demo"]) == SweepPlan(
        groups=(
            Group(needs=small, runs=(ListedRun(line=1, model="tiny"), ListedRun(line=3, model="ovis2_1b"))),
            Group(needs=large, runs=(ListedRun(line=2, model="internvl2_5_78b", words=words),)),
        ),
        words=("bench=demo",),
        runs=tmp_path / "runs",
    )


def test_a_time_limit_of_the_command_is_everyones(tmp_path: Path) -> None:
    groups = plan(tmp_path, "tiny\ninternvl2_5_78b\n", time="01:00:00").groups
    assert [group.needs.time for group in groups] == ["01:00:00"] * 2


def test_the_shipped_list_and_table_are_taken_where_none_is_named() -> None:
    names = [line.split()[0] for line in _shipped_lines()]
    groups = plan_sweep(settings(), [], names, no_mistakes).groups
    assert sorted(run.model for group in groups for run in group.runs) == sorted(names)


def _shipped_lines() -> list[str]:
    from repope_eval.settings.named_files import shipped_folder

    return (shipped_folder("slurm") / "models.txt").read_text().splitlines()


def test_all_mistakes_of_a_list_are_told_by_line(tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []

    def find(words: Sequence[str]) -> list[str]:
        asked.append(tuple(words))
        return [f"{word}: wrong" for word in words if word.startswith("lmit")]

    lines = "tinny\ntiny lmit=2\n\nmodel=tiny\novis2_1b lmit=2\ntiny limit=3\n"
    with pytest.raises(RepopeError) as caught:
        plan(tmp_path, lines, find_mistakes=find)
    path = tmp_path / "list"
    assert str(caught.value).splitlines() == [
        f"{path}, line 1: tinny: no such model (did you mean tiny?); `models` lists them",
        f"{path}, line 2: lmit=2: wrong",
        f"{path}, line 4: model=tiny: a line begins with the name of a model; its overrides follow",
        f"{path}, line 5: lmit=2: wrong",
    ]
    assert len(asked) == len(set(asked))  # what stands in many lines is composed once


def test_a_model_that_no_row_matches_is_told(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=r"list, line 2: tiny: no row of .*table says what it needs"):
        plan(tmp_path, "internvl2_5_78b\ntiny\n", table=TABLE)


def test_mistakes_in_the_overrides_of_a_row_are_the_tables(tmp_path: Path) -> None:
    def find(words: Sequence[str]) -> list[str]:
        return [f"{word}: wrong" for word in words]

    with pytest.raises(RepopeError, match=r"table, line 2: model\.device_map=auto: wrong"):
        plan(tmp_path, "internvl2_5_78b\n", table=TABLE, find_mistakes=find)


@pytest.mark.parametrize("words", [[], ["model.name=same"]])
def test_runs_that_share_a_folder_are_told(tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(RepopeError, match="line 2: tiny would write into"):
        plan(tmp_path, "tiny\ntiny limit=3\n", words)


def test_a_setup_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=r"^setup=none\.sh: no such file$"):
        plan(tmp_path, "tiny\n", setup="none.sh")


@pytest.mark.parametrize("word", ["model=tiny", "out=elsewhere"])
def test_what_is_the_lists_to_say_is_refused(word: str) -> None:
    with pytest.raises(RepopeError, match=f"^{word}: a sweep has a list of models.*give models=FILE"):
        run_words(["bench=demo", word])


def test_every_run_is_told_what_is_not_the_sweeps_own() -> None:
    own = [
        "models=a",
        "runs=b",
        "dry_run=true",
        'sbatch=["--qos=x"]',
        "partition=gpu",
        "account=me",
        "time=5",
    ]
    own += ["setup=s", "resources=r"]
    assert {word.partition("=")[0] for word in own} <= {
        item.name for item in dataclasses.fields(SlurmSettings)
    }
    told = ["bench=demo", "limit=3", "model.quantization=nf4", "data_dir=/x"]
    assert run_words([*own, *told]) == tuple(told)


@pytest.mark.parametrize(("word", "found"), [("model.system_prompt='a\nb'", r"\n"), ("out=a\x1bb", r"\x1b")])
def test_a_word_that_no_line_of_a_list_can_hold_is_refused(word: str, found: str) -> None:
    with pytest.raises(RepopeError) as caught:
        run_words(["bench=demo", word])
    (line,) = str(caught.value).splitlines()
    assert f": holds the character {found}, and a task reads its words from a line of a list" in line


@pytest.mark.parametrize(
    ("lines", "place"),
    [("tiny 'data_dir=a\x1bb'\n", r"list, line 1: data_dir=a\x1bb"), ("tiny\n", r"table, line 3: out=a\nb")],
)
def test_such_words_of_the_list_and_the_table_are_told_by_line(
    tmp_path: Path, lines: str, place: str
) -> None:
    table = "models,gpus,cpus,memory,time,overrides\n*,1,4,64G,1:00:00,\"'out=a\nb'\"\n"
    with pytest.raises(RepopeError) as caught:
        plan(tmp_path, lines, table=table)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{tmp_path / place}: holds the character ")


def write_model_list(folder: Path, text: str) -> Path:
    path = folder / "models.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_lines_keep_their_numbers(tmp_path: Path) -> None:
    text = "\ufeffovis2_1b\r\n\n# larger ones\n  ovis2_2b  limit=3 'model.question_suffix=\" yes or no\"'\n"
    assert read_model_list(write_model_list(tmp_path, text)) == (
        ListedRun(line=1, model="ovis2_1b"),
        ListedRun(line=4, model="ovis2_2b", words=("limit=3", 'model.question_suffix=" yes or no"')),
    )


def test_a_list_written_again_is_the_same_without_blank_lines(tmp_path: Path) -> None:
    runs = read_model_list(write_model_list(tmp_path, "a 'x=it'\"'\"'s  so' y=2\n\n# c\nb\n"))
    text = list_text(runs)
    assert text.count("\n") == 2
    assert [(run.model, run.words) for run in read_model_list(write_model_list(tmp_path, text))] == [
        (run.model, run.words) for run in runs
    ]


@pytest.mark.parametrize("text", ["", "# none yet\n"])
def test_a_list_of_nothing_is_refused(tmp_path: Path, text: str) -> None:
    path = write_model_list(tmp_path, text)
    with pytest.raises(RepopeError, match=f"^{re.escape(str(path))}: names no model; give one a line$"):
        read_model_list(path)


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=r"none\.txt: cannot be read \(No such file.*give models=FILE$"):
        read_model_list(tmp_path / "none.txt")


def test_an_open_quote_is_told_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match="line 2: a quote is not closed"):
        read_model_list(write_model_list(tmp_path, "tiny\ntiny 'limit=2\n"))


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        ((), "/runs/tiny"),
        (("limit=2", "model.name=a"), "/runs/a"),
        (("model.name=a", "model.name=b"), "/runs/b"),
        (("model.name=a", "out=/elsewhere"), "/elsewhere"),
    ],
)
def test_the_folder_of_a_run(words: tuple[str, ...], folder: str) -> None:
    assert ListedRun(line=1, model="tiny", words=words).folder(Path("/runs")) == Path(folder)


def test_runs_that_share_a_folder_are_told_with_both_lines() -> None:
    runs = [
        ListedRun(line=1, model="tiny"),
        ListedRun(line=3, model="tiny", words=("model.name=a",)),
        ListedRun(line=4, model="tiny", words=("limit=2",)),
        ListedRun(line=5, model="ovis2_1b", words=("model.name=a",)),
    ]
    assert list(shared_folders(Path("list"), runs, Path("/runs"))) == [
        "list, line 4: tiny would write into /runs/tiny, as line 1 does; give it a name of its own with "
        "model.name=NAME",
        "list, line 5: ovis2_1b would write into /runs/a, as line 3 does; give it a name of its own with "
        "model.name=NAME",
    ]


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        RepopeError, match=r"models\.txt, line 2: has 10001 characters; at most 10000 are read"
    ):
        read_model_list(write_model_list(tmp_path, "tiny\n" + "x" * 10_001))


HEAD = "models,gpus,cpus,memory,time,overrides\n"
SHIPPED = shipped_folder("slurm") / "resources.csv"

WEIGHTS = {"78b": 78.4, "38b": 38.4, "34b": 34.9, "26b": 25.5, "16b": 16.2, "10b": 9.7, "8b": 8.9, "7b": 8.1}
"""Billions of parameters of the models, by the ends of their names; two bytes each in bfloat16."""

GPU_GIGABYTES = 80
ROOM = 0.9
"""Of a GPU's memory for weights, at most; the rest is for images, caches and the software itself."""


def write_resources(folder: Path, text: str) -> Path:
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
    path = write_resources(
        tmp_path, f"{HEAD}a b*,2,8,128G,1-00:00:00,model.device_map=auto limit=3\n*,0,1,4G,30,\n"
    )
    rows = read_resources(path)
    assert rows[0] == ResourceRow(
        line=2,
        patterns=("a", "b*"),
        needs=Needs(gpus=2, cpus=8, memory="128G", time="1-00:00:00"),
        overrides=("model.device_map=auto", "limit=3"),
    )
    assert [row_of(model, rows) for model in ("a", "bc", "ab", "")] == [rows[0], rows[0], rows[1], rows[1]]


def test_a_model_that_no_row_matches_has_none(tmp_path: Path) -> None:
    rows = read_resources(write_resources(tmp_path, f"{HEAD}*_8b,1,4,64G,04:00:00,\n"))
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
    path = write_resources(tmp_path, f"{HEAD}tiny,1,4,64G,04:00:00,\n{row}\n")
    with pytest.raises(RepopeError) as caught:
        read_resources(path)
    assert str(caught.value).splitlines() == [f"{path}, line 3: {mistake}" for mistake in mistakes]


@pytest.mark.parametrize(("text", "columns"), [("", "none"), ("models,gpus\n*,1\n", "'models, gpus'")])
def test_a_table_without_its_columns_is_refused(tmp_path: Path, text: str, columns: str) -> None:
    with pytest.raises(RepopeError, match=f"has columns {columns}; expected: models, gpus, cpus"):
        read_resources(write_resources(tmp_path, text))


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=r"none\.csv: cannot be read \(No such file.*give resources=FILE$"):
        read_resources(tmp_path / "none.csv")
