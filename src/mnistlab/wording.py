"""Values as they stand in a sentence or a table: counts, folders, probabilities."""

from __future__ import annotations

from pathlib import Path

__all__ = ["counted", "place", "rounded"]


def counted(count: int, noun: str) -> str:
    """Such as "1 run", "2 runs", "10,000 classes"."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"


def place(path: Path) -> str:
    """The folder as a sentence can begin or end with it: "the current folder" for ".", whose dot would read as a full stop."""
    if path == Path():
        return "the current folder"
    return str(path.resolve() if path.name == ".." else path)


def rounded(probability: float, digits: int) -> float:
    """The probability with so many decimals, but never 1: a network is not certain, it is only rounded to that."""
    most = 1 - 0.1**digits
    return round(min(probability, most), digits)
