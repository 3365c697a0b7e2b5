"""What the journeys share: processes that start in a tenth of a second."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess

import pytest

Start = Callable[..., BaseProcess]


@pytest.fixture(scope="session")
def start() -> Iterator[Start]:
    """Start `target(*arguments)` in a separate process, with `mnistlab.cli.main`'s imports done already.

    They come from a server that has imported torch and computed nothing, so that each start takes no time.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mnistlab.training.experiment", "mnistlab.cli.progress"])
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
