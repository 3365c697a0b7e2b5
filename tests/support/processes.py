"""Processes below this one, by Linux' /proc."""

from __future__ import annotations

from pathlib import Path


def descendants(pid: int) -> set[int]:
    """The processes below one."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parts[2]))
    below, look = set[int](), [pid]
    while look:
        children = parents.get(look.pop(), [])
        below |= set(children)
        look += children
    return below


def title(pid: int) -> str:
    """What a process calls itself; "" once it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode(errors="replace")
    except OSError:
        return ""


def of_ray(pid: int) -> bool:
    """Whether it is a process of Ray's that carries out tasks, and alive."""
    return title(pid).startswith("ray::")


def reads(pid: int) -> bool:
    """Whether it is one that reads pictures: an actor of Ray Data's."""
    return of_ray(pid) and "PartReader" in title(pid)
