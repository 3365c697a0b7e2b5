"""The processes that a process has started, according to Linux' /proc."""

from __future__ import annotations

from pathlib import Path


def descendants(pid: int) -> set[int]:
    """The ids of the processes that this one has started, directly or through others."""
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
    """Whether the process is one of Ray's that carries out tasks, and is alive."""
    return title(pid).startswith("ray::")


def reads(pid: int) -> bool:
    """Whether the process is one of Ray Data's actors that read pictures."""
    return of_ray(pid) and "PartReader" in title(pid)
