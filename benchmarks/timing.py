"""Comparable timing: the same two cores everywhere, and medians with their range."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import numpy as np


@contextmanager
def two_cores() -> Iterator[None]:
    """Use only two cores inside `with`, even if there are more."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(before)[:2]))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def percent(part: float, whole: float = 1) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"


def median_and_range(values: list[float], unit: str = "s") -> str:
    return f"median {median(values):.3g} {unit} ({min(values):.3g} to {max(values):.3g}, n = {len(values)})"


def p95(values: list[float]) -> float:
    return float(np.percentile(values, 95))
