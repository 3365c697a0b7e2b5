"""Several processes that train one network, as torchrun starts them: forked from a process that has imported torch already."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import torch
import torch.distributed as dist

from mnistlab.cli.app import run_app
from mnistlab.errors import MnistlabError
from mnistlab.evaluation import plots

__all__ = ["Group", "group", "said_by"]

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.support.launched", "tests.conftest", "mnistlab.training.replica", "torch._dynamo"])


class Group:
    """Does for the processes what torchrun does: starts and restarts them, and hosts the store at which they meet."""

    def __init__(self) -> None:
        self.store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        self.running: list[BaseProcess] = []

    def start(self, *calls: Callable[[], Any]) -> list[Connection]:
        """Start a process for each call, in the order of the ranks; what a call returns, or its error, comes through its pipe."""
        pipes = []
        for rank, call in enumerate(calls):
            ours, theirs = FORKS.Pipe()
            environment = {
                "RANK": str(rank), "WORLD_SIZE": str(len(calls)), "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(self.store.port), "TORCHELASTIC_USE_AGENT_STORE": "True",
            }  # fmt: skip
            process = FORKS.Process(target=carry_out, args=(environment, call, theirs), daemon=True)
            process.start()
            theirs.close()
            self.running.append(process)
            pipes.append(ours)
        return pipes

    def run(self, *calls: Callable[[], Any]) -> list[Any]:
        """Start a process for each call and wait for all; returns for each its result, its error, or None if it was killed."""
        given = [answer(pipe) for pipe in self.start(*calls)]
        for process in self.running:
            process.join()
        return given


@contextlib.contextmanager
def group() -> Iterator[Group]:
    """A `Group`, whose processes are killed at the end."""
    made = Group()
    yield made
    for process in made.running:
        process.kill()
        process.join()


def answer(pipe: Connection) -> Any:
    try:
        return pipe.recv()
    except EOFError:
        return None


def carry_out(environment: dict[str, str], call: Callable[[], Any], pipe: Connection) -> None:
    from tests.conftest import leave_pictures

    os.environ |= environment
    torch.set_num_threads(1)
    plots.draw_run = leave_pictures
    try:
        given = call()
    except MnistlabError as error:
        given = error, error.is_said_elsewhere
    pipe.send(given)


def said_by(arguments: list[str]) -> tuple[int, str, str]:
    """Run a command in this process; returns its exit code, standard output and standard error."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = run_app(arguments)
    return code, out.getvalue(), err.getvalue()
