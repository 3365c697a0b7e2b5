"""How the processes that torchrun has just started recognise one another, and ignore processes of an earlier start."""

from __future__ import annotations

import time
import uuid
from typing import Any

__all__ = ["agreed_word"]

POLL = 0.02
"""Seconds between two checks of what the other processes have written."""


def agreed_word(store: Any, rank: int, count: int) -> str:
    """A word shared by these processes, but not by earlier ones, whose entries the store may still hold.

    torchrun's own count of its restarts would not do, because it is not the same on all machines.
    """
    mine = uuid.uuid4().hex
    if rank:
        store.set(f"hello/{rank}", mine)
        while not store.check([f"welcome/{mine}"]):
            time.sleep(POLL)
        word: str = store.get(f"welcome/{mine}").decode()
        store.set(f"thanks/{mine}", word)
        return word
    missing = set(range(1, count))
    while missing:
        for other in list(missing):
            if store.check([f"hello/{other}"]):
                name = store.get(f"hello/{other}").decode()  # perhaps of a process that has ended and will not reply
                store.set(f"welcome/{name}", mine)
                if store.check([f"thanks/{name}"]) and store.get(f"thanks/{name}").decode() == mine:
                    missing.remove(other)
        time.sleep(POLL)
    return mine
