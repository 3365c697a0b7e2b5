"""The learner's diary: dated lines with exercises solved, accuracies of networks, and the learner's own notes."""

from __future__ import annotations

import datetime
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mnistlab.errors import UserError, number, plain
from mnistlab.files import explain_os_errors, link_target, why_unreadable, write_json
from mnistlab.learn.course import find_day
from mnistlab.learn.language import find_language, speaking
from mnistlab.messages.sentences import Clause

__all__ = ["NAME", "Entry", "best_accuracy", "draw_accuracies", "percent", "read_diary", "solved", "write_down"]

NAME = "diary.json"
POINT = {"en": ".", "fr": ","}


@dataclass(frozen=True)
class Entry:
    """A line of the diary."""

    date: str
    """For example "2026-11-26"."""
    day: str = ""
    """The day of the course that the line is about, such as "day3"; "" for none."""
    solved: tuple[str, ...] = ()
    """The names of exercises answered correctly for the first time."""
    accuracy: float | None = None
    """The accuracy that a network reached on the validation split, 0 to 1."""
    note: str = ""
    """The learner's own words."""

    def __post_init__(self) -> None:
        datetime.date.fromisoformat(self.date)
        texts = (self.date, self.day, self.note, *self.solved)
        whole = all(isinstance(text, str) for text in texts) and isinstance(self.solved, tuple)
        accuracy = 0.0 if self.accuracy is None else self.accuracy
        if not whole or isinstance(accuracy, bool) or not math.isfinite(accuracy) or not 0 <= accuracy <= 1:
            raise ValueError


def read_diary(folder: str | Path = ".", *, language: str | None = None) -> list[Entry]:
    """The entries of the diary in the folder, the oldest first; an empty list if there is no diary or it is damaged.

    A damaged diary is renamed, for example to diary.json.damaged, and a message on standard error says so.
    Raises `UserError` if the diary cannot be read.
    """
    path = Path(folder) / NAME
    try:
        return [entry_of(values) for values in json.loads(path.read_text(encoding="utf-8-sig"))["entries"]]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        path = link_target(path)
        kept = next(free for number in range(10**6) if not (free := beside(path, number)).exists())
        with explain_os_errors(kept):
            path.rename(kept)
        told = Clause("learn.diary_damaged", path=path, kept=kept)
        sys.stderr.write(told.said(find_language(language)) + "\n")
        return []
    except OSError as error:
        raise UserError("learn.diary_unreadable", path=path, reason=why_unreadable(error)) from None


def beside(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.damaged{number or ''}")


def entry_of(values: dict[str, Any]) -> Entry:
    return Entry(**{**values, "solved": tuple(values.get("solved", ()))})


def write_down(
    *,
    day: str = "",
    solved: Sequence[str] = (),
    accuracy: float | None = None,
    note: str = "",
    folder: str | Path = ".",
    language: str | None = None,
) -> None:
    """Add a line with today's date to the diary in `folder`, atomically.

    Parameters
    ----------
    day : str
        The day of the course that the line is about, such as "day3".
    solved : sequence of str
        Names of exercises.
    accuracy : float, 0 to 1, optional
        The accuracy of a network on the validation split.
    note : str
        The learner's own words.
    folder : str or path
        The learner's working folder.
    language : {"en", "fr"}, optional
        The language of messages; by default that of MNISTLAB_LANG or the locale (see `find_language`).

    Raises
    ------
    UserError
        For an unknown day or language, an accuracy that is out of range, or a diary that cannot be read or written.
    Failure
        If the disk is full or broken.
    """
    language = find_language(language)
    with speaking(language):
        if day:
            find_day(day)
        if accuracy is not None:
            accuracy = number(plain(accuracy), Clause("names.accuracy"), 0, 1)
        entries = read_diary(folder, language=language)
        today = datetime.datetime.now().astimezone().date().isoformat()
        entries.append(Entry(today, day, tuple(solved), accuracy, " ".join(note.split())))
        kept = [
            {name: value for name, value in asdict(entry).items() if value not in ("", (), None)} for entry in entries
        ]
        write_json(link_target(Path(folder) / NAME), {"entries": kept})


def solved(entries: Sequence[Entry], day: str) -> set[str]:
    """The names of the day's exercises that are solved according to the diary."""
    return {name for entry in entries if entry.day == day for name in entry.solved}


def best_accuracy(entries: Sequence[Entry], day: str) -> float | None:
    """The best accuracy of the day, 0 to 1; None if none is recorded."""
    return max((entry.accuracy for entry in entries if entry.day == day and entry.accuracy is not None), default=None)


WIDTH = 30
"""The length, in characters, of the bar for 99.9 %; the bar for 90 % is a third as long, the one for 99 % two thirds."""


def draw_accuracies(entries: Sequence[Entry], language: str, block: str = "█") -> list[str]:
    """The accuracies from day to day as bars, one per line, below their axis; an empty list if there are none.

    The step from 90 % to 99 % is as long as the step from 99 % to 99.9 %, because each leaves a tenth of the errors.
    """
    rows = [entry for entry in entries if entry.accuracy is not None]
    if not rows:
        return []
    marks = [f"{each:g} %".replace(".", POINT[language]) for each in (0, 90, 99, 99.9)]
    drawn = [" " * 29 + "".join(f"{mark:<{WIDTH // 3}}" for mark in marks).rstrip()]
    for entry in rows:
        assert entry.accuracy is not None  # noqa: S101 - for mypy: see above
        nines = -math.log10(max(1 - entry.accuracy, 1e-4))
        bar = block * min(round(WIDTH * nines / 3), WIDTH + 4)
        drawn.append(f"  {entry.date}  {entry.day:<5} {percent(entry.accuracy, language):>8} {bar}")
    return drawn


def percent(accuracy: float, language: str) -> str:
    """The accuracy in percent, for example "98.71 %", or "98,71 %" in French."""
    return f"{100 * accuracy:.2f}\N{NO-BREAK SPACE}%".replace(".", POINT[language])
