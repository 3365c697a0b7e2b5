"""Ctrl-C and SIGTERM stop training between two steps, not in the middle of one."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["StopSignals"]


class StopSignals:
    """Inside `with`, the first Ctrl-C (SIGINT) or SIGTERM only sets `received` to the signal's number.

    The second signal interrupts the program or, if `second_interrupts` is False, does nothing. Outside the main thread, `with`
    changes nothing, because Python allows signal handlers only in the main thread.
    """

    def __init__(self) -> None:
        self.received = 0
        self.second_interrupts = True
        self.before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self.before[number] = signal.signal(number, self.receive)
        return self

    def receive(self, number: int, frame: FrameType | None) -> None:
        """The handler: record the first signal, interrupt at the second."""
        if self.received and self.second_interrupts:
            raise KeyboardInterrupt
        self.received = self.received or number

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
