"""The processes that share a run: one, or as many as accelerate or torchrun started on this machine."""

import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

from repope_eval.errors import InterruptionError, RepopeError, SaidElsewhereError

Item = TypeVar("Item")

_STARTED_BY_OTHERS = {"RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK"}
"""In the environment of a process that torchrun or MPI started as one of several."""

_POLL_SECONDS = 0.05
_PATIENCE = timedelta(days=30)
"""Ranks wait for one another while one downloads, or has a longer share; one that is gone is noticed at once."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those of its run. With one process nothing waits, and torch is not imported."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    """Among those on this machine: which GPU is its own."""
    local_count: int = 1
    processes: tuple[tuple[str, int], ...] = ()
    """Host and process id of each, where there are several."""

    @property
    def is_main(self) -> bool:
        """Whether this one has the run folder, scores and reports."""
        return self.rank == 0

    @property
    def are_several(self) -> bool:
        """Whether there are others."""
        return self.count > 1

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """What is this rank's of a list that all have: every so-manieth, so that a sorted list is shared evenly."""
        return items[self.rank :: self.count]

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """The main rank goes through, then the others, who find what it fetched and made; then all go on.

        Raises:
            RepopeError: the main rank's, there.
            SaidElsewhereError: on the others, in its place.
            InterruptionError: a rank is gone.
        """
        if not self.is_main:
            with self.together():
                pass
        with self.together():
            yield
        if self.is_main:
            with self.together():
                pass

    @contextmanager
    def together(self) -> Iterator[None]:
        """All go through before one goes on; an error of one is everybody's, said by the first that had one.

        Raises:
            RepopeError: this rank's own.
            SaidElsewhereError: another's.
            InterruptionError: a rank is gone.
        """
        error: RepopeError | None = None
        try:
            yield
        except RepopeError as raised:
            error = raised
        errors = self.exchange(None if error is None else str(error))
        failed = [rank for rank, text in enumerate(errors) if text is not None]
        if error is not None and failed[0] == self.rank:
            raise error
        if failed:
            raise SaidElsewhereError(f"rank {failed[0]} ended: {errors[failed[0]]}") from error

    def exchange(self, value: Item) -> list[Item]:
        """What each rank gives, in their order, once all have.

        Raises:
            InterruptionError: a rank is gone.
        """
        if not self.are_several:
            return [value]
        import torch.distributed
        from accelerate.utils import gather_object

        try:
            # Asked for again and again, so that a signal is heard meanwhile: the library's own wait is deaf.
            everybody = torch.distributed.barrier(async_op=True)
            while not everybody.is_completed():
                time.sleep(_POLL_SECONDS)
            everybody.wait()
            gathered: list[Item] = gather_object([value])
        except RuntimeError as error:
            raise InterruptionError(f"{self.lost() or 'another rank of this run has ended'}", 1) from error
        return gathered

    def lost(self) -> str:
        """Which ranks of this machine have ended, in words; empty where none is."""
        gone = [
            f"rank {rank} (process {process})"
            for rank, (host, process) in enumerate(self.processes)
            if host == platform.node() and _is_dead(process)
        ]
        return f"{', '.join(gone)} {'has' if len(gone) == 1 else 'have'} ended" if gone else ""


@cache
def join_ranks() -> Ranks:
    """This process among those that a launcher started; alone where none did."""
    count = rank_count()
    if count == 1:
        return Ranks()
    from accelerate import PartialState
    from accelerate.utils import gather_object

    # A few words go between ranks, and no tensor: over gloo, which needs no GPU.
    state = PartialState(cpu=True, backend="gloo", timeout=_PATIENCE)
    here: Any = [(platform.node(), os.getpid())]
    return Ranks(
        rank=state.process_index,
        count=state.num_processes,
        local_rank=state.local_process_index,
        local_count=int(os.environ.get("LOCAL_WORLD_SIZE", count)),
        processes=tuple(gather_object(here)),
    )


def leave_ranks() -> None:
    """Ends the connections to the other ranks, when all is done; does nothing where there are none.

    Left to the end of the program, their threads may still be running when it takes them down, which aborts it.
    """
    if join_ranks.cache_info().currsize and join_ranks().are_several:
        from accelerate import PartialState

        PartialState().destroy_process_group()


def replace_by_ranks(words: Sequence[str]) -> None:
    """Starts as many processes as `accelerate launch --cpu --num_processes N` was told, in this one's place.

    On CPUs accelerate (1.15) starts a single one, whatever the number, and leaves the number in its own command line
    only. Does nothing otherwise.
    """
    if not is_told_cpu() or _STARTED_BY_OTHERS & set(os.environ):
        return
    count = _asked_of_accelerate()
    if count > 1:
        torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
        os.execv(sys.executable, [sys.executable, *torchrun, "-m", "repope_eval", *words])


def is_told_cpu() -> bool:
    """Whether this is of `accelerate launch --cpu`."""
    return os.environ.get("ACCELERATE_USE_CPU", "").lower() == "true"


def _asked_of_accelerate() -> int:
    """The number of processes in the command line of the accelerate that started this process; 1 without one."""
    import psutil

    try:
        started_by = psutil.Process().parent()
        words = started_by.cmdline() if started_by is not None else []
    except psutil.Error:
        return 1
    if "launch" not in words:
        return 1
    from accelerate.commands.launch import launch_command_parser

    options, _ = launch_command_parser().parse_known_args(words[words.index("launch") + 1 :])
    return options.num_processes or 1


def rank_here() -> int:
    """Which rank this process was started as, before it has met the others; 0 where it is alone."""
    return int(os.environ.get("RANK", "0")) if rank_count() > 1 else 0


def rank_count() -> int:
    """How many processes a launcher started, this one among them; 1 where none did."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


def _is_dead(process: int) -> bool:
    """Whether a process is gone, or has ended and nobody has asked yet how."""
    import psutil

    try:
        return bool(psutil.Process(process).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
