"""How the processes that torchrun has started tell each other from those that it ended before."""

from __future__ import annotations

import time
import uuid
from typing import Any

__all__ = ["agreed_word"]

POLL = 0.02
"""Seconds between two attempts to see another process."""


def agreed_word(store: Any, rank: int, count: int) -> str:
    """A word that these processes share with each other, but not with earlier ones, whose traces the store may hold.

    torchrun's own count of its restarts is not the same on all machines.
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
                name = store.get(f"hello/{other}").decode()  # perhaps of one that was ended, and will not thank
                store.set(f"welcome/{name}", mine)
                if store.check([f"thanks/{name}"]) and store.get(f"thanks/{name}").decode() == mine:
                    missing.remove(other)
        time.sleep(POLL)
    return mine
