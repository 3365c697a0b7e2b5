"""How tests wait: for a condition, never for a time, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

LIMIT = 300
"""Seconds after which something counts as hanging. No test's outcome depends on how much sooner it ends."""


def wait_until(holds: Callable[[], object]) -> None:
    """Wait until `holds()` returns something true."""
    end = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.005)
