"""The processes that torchrun has started to train one network: which of them this one is, and what they tell each other.

Without torchrun, this module connects to no other process, and torch.distributed is not imported.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from mnistlab.errors import Failure, Interrupted, MnistlabError, UserError
from mnistlab.messages.sentences import Clause
from mnistlab.training.meeting import agreed_word

if TYPE_CHECKING:
    import torch

__all__ = ["Processes", "here", "joined", "noticing_the_lost", "of_first", "says", "started_with_others", "writes"]

Value = TypeVar("Value")

NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""The environment variables by which torchrun tells a process that it is one of several, and where to meet the others."""
LOST = ("closed by peer", "reset by peer", "Broken pipe", "gloo", "NCCL")
"""If another process is gone, torch's error messages contain one of these."""
trainings = itertools.count()
"""Counts this process's training runs. All processes count alike, so that messages of one run do not reach the next."""


class Processes:
    """This process and the others that train the same network, connected to one another.

    Attributes
    ----------
    rank : int
        The number of this process, from 0; only process 0 writes the run folder.
    count : int
        How many processes there are.
    local_rank, local_count : int
        The same, counting only the processes on this machine.
    """

    def __init__(self) -> None:
        """Connect to the other processes; this waits until the last one has started."""
        import torch
        import torch.distributed as dist
        from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

        environment = os.environ
        self.rank, self.count = int(environment["RANK"]), int(environment["WORLD_SIZE"])
        self.local_rank = int(environment.get("LOCAL_RANK", self.rank))
        self.local_count = int(environment.get("LOCAL_WORLD_SIZE", self.count))
        if self.local_count == self.count and sys.platform == "linux":
            environment.setdefault("GLOO_SOCKET_IFNAME", "lo")  # their traffic need not leave the machine
        hosts = self.rank == 0 and environment.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
        meeting = TCPStore(environment["MASTER_ADDR"], int(environment["MASTER_PORT"]), is_master=hosts)
        self.launch = PrefixStore(f"mnistlab/{next(trainings)}", meeting)
        """A store whose entries are kept as long as torchrun is running, even if it restarts the processes."""
        self.store = PrefixStore(agreed_word(self.launch, self.rank, self.count), self.launch)
        with_gpus = torch.cuda.is_available() and dist.is_nccl_available()
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if with_gpus else "gloo",
            store=self.store, rank=self.rank, world_size=self.count, timeout=datetime.timedelta(hours=1),
        )  # fmt: skip

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes and shows what all processes have done."""
        return self.rank == 0

    def device(self, target: torch.device, *, automatic: bool) -> torch.device:
        """The device of this process: a GPU of its own if `target` is CUDA. `automatic` means that nobody asked for `target`.

        Raises `UserError` if `target` is one particular GPU for several processes, if there are fewer GPUs than processes, or
        if somebody asked for MPS, which cannot be shared.
        """
        import torch

        if target.type == "cpu" or (target.type == "mps" and automatic):
            return torch.device("cpu")
        if target.type == "mps":
            raise UserError("training.mps_with_others")
        if str(target) != "cuda" and self.local_count > 1:
            raise UserError("training.one_gpu_for_all", device=str(target), processes=self.local_count)
        if self.local_count > (gpus := torch.cuda.device_count()):
            raise UserError("training.too_few_gpus", processes=self.local_count, gpus=gpus)
        number = self.local_rank if target.index is None else target.index
        torch.cuda.set_device(number)
        return torch.device("cuda", number)

    def compare(self, what: Mapping[str, object]) -> None:
        """Raise `UserError`, in all processes, if one of these values differs between the processes.

        The key of each value is also the key of the clause that names the value in the error message.
        """
        import torch.distributed as dist

        everyone: list[Any] = [None] * self.count
        dist.all_gather_object(everyone, dict(what))
        for key, value in everyone[0].items():
            if others := [rank for rank, theirs in enumerate(everyone) if theirs[key] != value]:
                raise UserError("training.processes_differ", what=Clause(key), rank=others[0])

    def tell(self, value: Any) -> Any:
        """Return, in every process, the value that the first process gives."""
        import torch.distributed as dist

        told: list[Any] = [value]
        dist.broadcast_object_list(told, src=0)
        return told[0]

    def largest(self, number: int) -> int:
        """The largest of the numbers that the processes give. No process gets the result before all have given their numbers."""
        import torch
        import torch.distributed as dist

        given = torch.tensor([number])
        dist.all_reduce(given, op=dist.ReduceOp.MAX)
        return int(given)

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """The mean of `values` over the processes, with the shape and on the device of `values`, without gradients."""
        import torch.distributed as dist

        total = values.detach().clone()
        dist.all_reduce(total)
        return total / self.count

    def begin(self, run: str) -> None:
        """Note which run is being written, in case torchrun restarts the processes."""
        self.launch.set("run", run)

    def begun(self) -> str | None:
        """The run that was being written when torchrun restarted the processes; None if there was no such run."""
        return self.launch.get("run").decode() if self.launch.check(["run"]) else None

    def leave(self, error: BaseException) -> None:
        """Record, before others notice, that this process is ending with an error: only the first to end reports its error."""
        try:
            is_first = self.store.add("ended", 1) == 1
        except RuntimeError:  # the machine with the store is gone
            is_first = True
        if isinstance(error, MnistlabError):
            error.is_said_elsewhere = not is_first


current: Processes | None = None


def here() -> Processes | None:
    """The processes that `joined` has connected, including this one; None if `joined` has connected none."""
    return current


def started_with_others() -> bool:
    """Whether torchrun has started this process together with others."""
    return all(name in os.environ for name in NEEDED) and os.environ["WORLD_SIZE"] != "1"


@contextlib.contextmanager
def joined() -> Iterator[Processes | None]:
    """Inside `with`, this process is connected to those that torchrun started with it; yields None without torchrun.

    `joined` also yields None if the caller has already connected the processes for purposes of its own. SIGTERM raises
    KeyboardInterrupt until an error occurs, and is then ignored, because torchrun sends it to all processes as soon as one
    of them has ended, and this process may still have to report its error.

    Raises `Failure` if another process is lost, and `Interrupted` in place of KeyboardInterrupt.
    """
    global current  # noqa: PLW0603 - torch's process group is global, too
    if current or not all(name in os.environ for name in NEEDED):
        yield current
        return
    import torch.distributed as dist

    if dist.is_initialized():
        yield None
        return
    current = Processes()
    try:
        with terminated_as_interrupted(), noticing_the_lost():
            yield current
    except KeyboardInterrupt:
        stop = Interrupted("learn.interrupted")
        current.leave(stop)
        raise stop from None
    except BaseException as error:
        current.leave(error)
        raise
    finally:
        current = None
        dist.destroy_process_group()


@contextlib.contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Inside `with`, SIGTERM raises KeyboardInterrupt; if an error makes `noticing_the_lost` ignore SIGTERM, it stays ignored."""
    before = signal.getsignal(signal.SIGTERM)
    on_sigterm(signal.default_int_handler)
    yield
    on_sigterm(before)


def on_sigterm(handler: Any) -> None:
    """Handle SIGTERM with `handler` from now on; outside the main thread, where Python allows no handlers, do nothing."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)


@contextlib.contextmanager
def noticing_the_lost() -> Iterator[None]:
    """Inside `with`, raise `Failure` in place of torch's error if another process is gone; after an error, SIGTERM is ignored."""
    try:
        yield
    except BaseException as error:
        on_sigterm(signal.SIG_IGN)  # the error has yet to be reported
        if not isinstance(error, RuntimeError) or not any(word in str(error) for word in LOST):
            raise
        raise Failure("training.process_lost") from None


def of_first(processes: Processes | None, make: Callable[[], Value]) -> Value:
    """The value of `make()`; if there are several processes, only the first calls `make`, and all of them return the value."""
    if processes is None:
        return make()
    given: Value = processes.tell(make() if processes.is_first else None)
    return given


def writes(processes: Processes | None) -> bool:
    """Whether this process is the one that writes files and shows the progress: the only process, or the first of several."""
    return processes is None or processes.is_first


def says(error: MnistlabError) -> bool:
    """Whether this process reports the error: it does if it failed first or, before all processes connect, if its rank is 0."""
    if error.is_said_elsewhere is None:
        return not started_with_others() or os.environ["RANK"] == "0"
    return not error.is_said_elsewhere
