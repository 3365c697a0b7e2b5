"""What the journeys share: processes that start in a tenth of a second."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import torch

COMMAND = str(Path(sys.executable).parent / "mnistlab")
Start = Callable[..., BaseProcess]


@pytest.fixture(scope="session")
def start() -> Iterator[Start]:
    """Starts `target(*arguments)` as a process of its own, with `mnistlab.cli.main`'s imports done already.

    They come from a server that has imported torch and computed nothing, so that each start takes no time.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mnistlab.experiments", "mnistlab.progress"])
    begun: list[BaseProcess] = []

    def begin(target: Callable[..., None], *arguments: object) -> BaseProcess:
        process = context.Process(target=target, args=arguments)
        process.start()
        begun.append(process)
        return process

    yield begin
    for process in begun:
        if process.is_alive():
            process.kill()
        process.join()


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks only wait for a second thread; the processes that are started inherit it."""
    before, torch_threads = os.environ.get("OMP_NUM_THREADS"), torch.get_num_threads()
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(torch_threads)
    if before is None:
        del os.environ["OMP_NUM_THREADS"]
    else:
        os.environ["OMP_NUM_THREADS"] = before
