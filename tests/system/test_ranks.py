"""What ranks say to one another; the processes themselves are in test_several_ranks.py."""

import os
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from repope_eval import pipeline
from repope_eval.asking import loaders
from repope_eval.commands import command_line
from repope_eval.errors import InterruptionError, RepopeError, SaidElsewhereError
from repope_eval.models.placement import device_of_rank
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import BenchSettings, ModelSettings, RunSettings
from repope_eval.system.ranks import Ranks, join_ranks, rank_here

MINE = RepopeError("mine")


def hearing(monkeypatch: pytest.MonkeyPatch, rank: int, *others: list[str | None]) -> Ranks:
    """A rank of three that hears what the others say, one list of all three an exchange; None at its place."""
    said = iter(others)

    def exchange(self: Ranks, value: Any) -> list[Any]:
        return [value if place == self.rank else text for place, text in enumerate(next(said))]

    monkeypatch.setattr(Ranks, "exchange", exchange)
    return Ranks(rank=rank, count=3)


@pytest.mark.parametrize("count", [1, 3, 7])
def test_each_item_is_one_ranks(count: int) -> None:
    shares = [Ranks(rank=rank, count=count).share(range(5)) for rank in range(count)]
    assert sorted(item for share in shares for item in share) == [0, 1, 2, 3, 4]
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_alone_nothing_is_waited_for_and_torch_is_not_needed() -> None:
    code = (
        "import sys\nfrom repope_eval.system.ranks import join_ranks\nranks = join_ranks()\n"
        "with ranks.main_first(), ranks.together():\n    assert ranks.exchange(5) == [5]\n"
        "assert not {'torch', 'accelerate'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_connects_ranks_has_ended_before_the_program_does(tmp_path: Path, warm_python: Path) -> None:
    """Threads that were left to the end of the program aborted one run in eight, all its work done."""
    script = tmp_path / "rank.py"
    script.write_text(
        "import torch.distributed\nfrom repope_eval.system.ranks import join_ranks, leave_ranks\n"
        "leave_ranks()  # not joined yet\nranks = join_ranks()\nassert ranks.exchange(ranks.rank) == [0, 1]\n"
        "assert torch.distributed.is_initialized()\nleave_ranks()\n"
        "assert not torch.distributed.is_initialized()\n"
    )
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    environment = {**os.environ, "PYTHON_EXEC": str(warm_python)}
    subprocess.run([sys.executable, "-m", *torchrun], env=environment, check=True, timeout=120)


@pytest.mark.parametrize("exit_status", [0, 1])
def test_the_program_leaves_the_ranks_when_all_is_done(
    monkeypatch: pytest.MonkeyPatch, exit_status: int
) -> None:
    happened: list[str] = []
    monkeypatch.setattr(command_line, "_launch", lambda *_: happened.append("launched") or exit_status)
    monkeypatch.setattr(command_line, "leave_ranks", lambda: happened.append("left"))
    assert command_line._main(["limit=1"]) == exit_status
    assert happened == ["launched", "left"]


@pytest.mark.parametrize(
    ("rank", "mine", "heard", "raised"),
    [
        (0, None, [None, None, None], None),
        (0, MINE, [None, None, None], MINE),
        (2, MINE, ["first", None, None], SaidElsewhereError("rank 0 ended: first")),
        (0, MINE, [None, None, "third"], MINE),
        (1, None, [None, None, "third"], SaidElsewhereError("rank 2 ended: third")),
    ],
)
def test_an_error_is_said_by_the_first_that_had_one(
    monkeypatch: pytest.MonkeyPatch,
    rank: int,
    mine: RepopeError | None,
    heard: list[str | None],
    raised: RepopeError | None,
) -> None:
    def go_through() -> None:
        with hearing(monkeypatch, rank, heard).together():
            if mine is not None:
                raise mine

    if raised is None:
        go_through()
        return
    with pytest.raises(type(raised)) as caught:
        go_through()
    assert str(caught.value) == str(raised)


@pytest.mark.parametrize(("rank", "exchanges_before"), [(0, 0), (1, 1)])
def test_the_main_rank_is_through_before_the_others_begin(
    monkeypatch: pytest.MonkeyPatch, rank: int, exchanges_before: int
) -> None:
    exchanges: list[int] = []

    def exchange(self: Ranks, value: Any) -> list[Any]:
        exchanges.append(self.rank)
        return [value]

    monkeypatch.setattr(Ranks, "exchange", exchange)
    with Ranks(rank=rank, count=2).main_first():
        assert len(exchanges) == exchanges_before
    assert len(exchanges) == 2


def test_the_others_do_not_begin_where_the_main_rank_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    with (
        pytest.raises(SaidElsewhereError, match="rank 0 ended: no such file"),
        hearing(monkeypatch, 1, ["no such file", None, None]).main_first(),
    ):
        begun.append(1)
    assert not begun


def test_a_rank_that_has_ended_is_named() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # nobody has asked yet how
    here = (platform.node(), os.getpid())
    of_two = Ranks(rank=0, count=2, processes=(here, (platform.node(), ended.pid)))
    assert of_two.lost() == f"rank 1 (process {ended.pid}) has ended"
    ended.wait()
    assert of_two.lost() == f"rank 1 (process {ended.pid}) has ended"
    assert Ranks(rank=0, count=2, processes=(here, ("elsewhere", ended.pid))).lost() == ""


def test_what_the_library_says_of_a_lost_rank_is_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(**_: Any) -> None:
        raise RuntimeError("Connection closed by peer [127.0.0.1]:29182")

    monkeypatch.setattr(torch.distributed, "barrier", lost)
    with pytest.raises(InterruptionError, match="another rank of this run has ended"):
        Ranks(rank=0, count=2).exchange(None)


@pytest.mark.parametrize(
    ("environment", "rank"),
    [({}, 0), ({"RANK": "3", "WORLD_SIZE": "4"}, 3), ({"RANK": "3"}, 0), ({"WORLD_SIZE": "4"}, 0)],
)
def test_a_rank_is_known_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], rank: int
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert rank_here() == rank


TOLD_THREE = {"ACCELERATE_USE_CPU": "True", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
"""What `accelerate launch --cpu --num_processes 3` tells the one process that it starts."""


def test_one_process_in_place_of_several_is_refused_with_the_command_that_starts_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in TOLD_THREE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["repope_eval", "limit=2", "out=my run"])
    with pytest.raises(RepopeError) as caught:
        join_ranks.__wrapped__()
    assert str(caught.value) == (
        "accelerate launch --cpu started one process, whatever --num_processes is; start N of them with: "
        "torchrun --nproc-per-node N -m repope_eval limit=2 'out=my run'"
    )


@pytest.mark.parametrize(
    "environment",
    [
        {"ACCELERATE_USE_CPU": "True"},  # no number, or one
        TOLD_THREE | {"ACCELERATE_USE_CPU": "False"},
    ],
)
def test_one_process_is_alone_where_no_more_were_to_be_started(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert join_ranks.__wrapped__() == Ranks()


TWO = Ranks(rank=1, count=2, local_rank=1, local_count=2)


@pytest.mark.parametrize(
    ("name", "of", "gpus", "device"),
    [
        ("auto", Ranks(), 2, "auto"),
        ("cuda", TWO, 2, "cuda:1"),
        ("auto", TWO, 0, "auto"),
        ("cpu", TWO, 2, "cpu"),
        ("cuda:0", Ranks(), 2, "cuda:0"),
    ],
)
def test_each_rank_has_a_gpu_of_its_own(
    monkeypatch: pytest.MonkeyPatch, name: str, of: Ranks, gpus: int, device: str
) -> None:
    see_gpus(monkeypatch, gpus)
    assert device_of_rank(name, of) == device


@pytest.mark.parametrize(
    ("name", "gpus", "message"),
    [
        ("auto", 1, r"2 processes were started here and torch sees 1 CUDA device: .*--num_processes 1\)"),
        ("cuda", 0, "torch sees 0 CUDA devices"),
        ("cuda:0", 2, "device=cuda:0: 2 processes would share it; leave out the number"),
    ],
)
def test_ranks_without_a_gpu_of_their_own_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, gpus: int, message: str
) -> None:
    see_gpus(monkeypatch, gpus)
    with pytest.raises(RepopeError, match=message):
        device_of_rank(name, TWO)


@pytest.mark.parametrize(
    ("device", "ranks", "current"),
    [("auto", TWO, ["cuda:1"]), ("cuda:1", Ranks(), ["cuda:1"]), ("cuda", Ranks(), []), ("cpu", TWO, [])],
)
def test_the_gpu_of_a_rank_becomes_the_current_one(
    monkeypatch: pytest.MonkeyPatch, device: str, ranks: Ranks, current: list[str]
) -> None:
    """Otherwise the thread that pins memory would open a context on the first GPU for each rank."""
    see_gpus(monkeypatch, 2)
    made_current: list[str] = []
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: made_current.append(str(device)))
    model = ModelSettings(name="small", family="ovis2", checkpoint="demo")
    settings: Any = SimpleNamespace(device=device, model=model)
    loaders._rank_device(settings, ranks)
    assert made_current == current


def test_accelerate_told_to_use_the_cpu_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    see_gpus(monkeypatch, 2)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    assert device_of_rank("auto", TWO) == "cpu"


def see_gpus(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: number > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: number)


def test_one_model_over_all_gpus_and_several_ranks_exclude_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = replace(model_settings("tiny"), device_map="auto")
    bench = BenchSettings(name="demo", source="demo", variants=())
    monkeypatch.setattr(pipeline, "join_ranks", lambda: hearing(monkeypatch, 0, [None, None, None]))
    with pytest.raises(
        RepopeError, match=r"model.device_map=auto spreads one model .* and 3 processes were started"
    ):
        pipeline.run(RunSettings(model=model, bench=bench), "")
