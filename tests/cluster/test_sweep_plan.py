"""Plans: groups, what every run is told, and mistakes that are found before anything is submitted."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from repope_eval.cluster.sweep_plan import Group, ListedRun, Needs, SweepPlan, plan_sweep, run_words
from repope_eval.errors import RepopeError
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import BenchSettings, SlurmSettings

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
