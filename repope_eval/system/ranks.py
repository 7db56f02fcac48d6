"""The processes that share a run: one, or as many as accelerate or torchrun started on this machine."""

import os
import platform
import shlex
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

_POLL_SECONDS = 0.05
_PATIENCE = timedelta(days=30)
"""Ranks wait for one another while one downloads or has a longer share; a rank that is gone is noticed at once."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those of its run. Where it is the only one, nothing waits and torch is not imported."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    """The index of this process among those on this machine, and of the GPU that is its own."""
    local_count: int = 1
    processes: tuple[tuple[str, int], ...] = ()
    """Host and process id of each rank, where there are several."""

    @property
    def is_main(self) -> bool:
        """Whether this rank has the run folder, scores and reports."""
        return self.rank == 0

    @property
    def are_several(self) -> bool:
        """Whether there are other ranks."""
        return self.count > 1

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """This rank's part of a list that all ranks have: every `count`-th item, which shares a sorted list evenly."""
        return items[self.rank :: self.count]

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """Lets the main rank through, then the non-main ranks, which find what it fetched and made; then all go on.

        Raises:
            RepopeError: on the main rank, its own.
            SaidElsewhereError: on non-main ranks, in place of the main rank's error.
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
        """Waits at the end until all ranks are there. An error of one ends all; the first rank that had one says it.

        Raises:
            RepopeError: this rank's own error.
            SaidElsewhereError: another rank had an error.
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
        """The value of each rank, by rank, once all have given theirs.

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
            raise InterruptionError(self.lost() or "another rank of this run has ended", 1) from error
        return gathered

    def lost(self) -> str:
        """Which ranks of this machine have ended, in words; empty where none has."""
        gone = [
            f"rank {rank} (process {process})"
            for rank, (host, process) in enumerate(self.processes)
            if host == platform.node() and _is_dead(process)
        ]
        return f"{', '.join(gone)} {'has' if len(gone) == 1 else 'have'} ended" if gone else ""


@cache
def join_ranks() -> Ranks:
    """This process among those that a launcher started; alone where none did.

    Raises:
        RepopeError: accelerate was told to start several on CPUs, and started one.
    """
    count = rank_count()
    if count == 1:
        _refuse_one_process_for_several()
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
    """Ends the connections to the other ranks, if any, when all is done.

    Left to the end of the program, their threads may still run when Python takes them down, which aborts it.
    """
    if join_ranks.cache_info().currsize and join_ranks().are_several:
        from accelerate import PartialState

        PartialState().destroy_process_group()


def is_told_cpu() -> bool:
    """Whether `accelerate launch --cpu` started this process."""
    return os.environ.get("ACCELERATE_USE_CPU", "").lower() == "true"


def _refuse_one_process_for_several() -> None:
    """Refuses to be the single process that `accelerate launch --cpu` (1.15) starts, whatever number it is told.

    A number above one shows in the address that such a process is given to meet others at.
    """
    if is_told_cpu() and "MASTER_PORT" in os.environ:
        words = shlex.join(sys.argv[1:])
        raise RepopeError(
            "accelerate launch --cpu started one process, whatever --num_processes is; start N of them with: "
            f"torchrun --nproc-per-node N -m repope_eval {words}".rstrip()
        )


def rank_here() -> int:
    """The rank that this process was started as, known before it meets the others; 0 where it is alone."""
    return int(os.environ.get("RANK", "0")) if rank_count() > 1 else 0


def rank_count() -> int:
    """How many processes a launcher started, this one included; 1 where there was no launcher."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


def _is_dead(process: int) -> bool:
    """Whether a process is gone, or has ended without its parent having asked how."""
    import psutil

    try:
        return bool(psutil.Process(process).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
