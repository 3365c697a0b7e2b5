"""Many pictures in several processes: in order, within bounds, and ending whatever happens."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mnistlab.errors import Failure, UserError
from mnistlab.files import sha256
from mnistlab.pictures import pages as file_pages
from mnistlab.reading.many import AHEAD, PER_PROCESS, Outcome, Task, count_processes, read_each
from mnistlab.reading.page import Page
from mnistlab.reading.reader import Reader
from tests.support.waiting import wait_until

PICTURE = Path(__file__).parents[2] / "examples" / "2026.png"


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a picture and a file that is not one."""
    shutil.copy(PICTURE, tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no picture")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(outcomes: Iterator[tuple[Path, Page | UserError]]) -> list[tuple[str, str]]:
    return [(str(path), one.text if isinstance(one, Page) else str(one)) for path, one in outcomes]


@pytest.mark.parametrize("jobs", [None, 1, 2])
def test_each_file_comes_with_its_page_or_its_error_in_order(here: Path, reader: Reader, jobs: int | None) -> None:
    paths = ["a.png", Path("b.png"), "a.png", "nothing.png"]
    found = told(reader.read_many(paths, jobs=jobs))
    errors = []
    for path in ("b.png", "nothing.png"):
        with pytest.raises(UserError) as caught:
            reader.read(path)
        errors.append(str(caught.value))
    assert found == [("a.png", "2026"), ("b.png", errors[0]), ("a.png", "2026"), ("nothing.png", errors[1])]


def test_processes_read_what_one_thread_reads_with_the_same_threshold(here: Path) -> None:
    reader = Reader(threshold=0.9999)
    pages = [[page for _, page in reader.read_many(["a.png"] * 3, jobs=jobs)] for jobs in (None, 1, 2)]
    assert pages[0] == pages[1] == pages[2] == [reader.read("a.png")] * 3


def test_no_picture_is_no_trouble(reader: Reader) -> None:
    assert list(reader.read_many([])) == list(reader.read_many([], jobs=2)) == []


@pytest.mark.parametrize("jobs", [0, -1, 1025, True, 1.5, "2"])
def test_a_number_of_jobs_out_of_range_is_named_at_once(reader: Reader, jobs: Any) -> None:
    with pytest.raises(UserError, match=r"Number of processes .* Choose a whole number from 1 to 1,024\."):
        reader.read_many([], jobs=jobs)


@pytest.mark.parametrize(
    ("pictures", "jobs", "processes"),
    [(0, None, 1), (1, None, 1), (2 * PER_PROCESS - 1, None, 1), (2 * PER_PROCESS, None, 2), (10_000, None, 4),
     (10_000, 1, 1), (10_000, 9, 9), (3, 9, 3), (0, 2, 1)],
)  # fmt: skip
def test_as_many_processes_as_there_are_cores_and_work(
    monkeypatch: pytest.MonkeyPatch, pictures: int, jobs: int | None, processes: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    assert count_processes(pictures, jobs) == processes


def test_what_is_known_is_not_read_again(here: Path, reader: Reader) -> None:
    content = Path("a.png").read_bytes()
    tasks = [
        Task(Path("a.png"), known=sha256(content)),
        Task(Path("a.png"), known=sha256(b"")),
        Task(Path("-"), content),
    ]
    known, changed, given = read_each(reader, tasks)
    assert (known, known.is_known) == (Outcome((), None, sha256(content)), True)
    for outcome in (changed, given):
        (page,) = outcome.pages
        assert isinstance(page, Page)
        assert (page.text, outcome.sha256, outcome.is_known) == ("2026", sha256(content), False)


def test_too_little_memory_is_a_picture_s_own_trouble(
    here: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(file_pages, "of_bytes", too_large)
    assert told(reader.read_many(["a.png"])) == [("a.png", "a.png does not fit into memory. Make the picture smaller.")]


class Counting(list[Task]):
    """Tasks that know how many of them were taken."""

    taken = 0

    def __iter__(self) -> Iterator[Task]:
        for task in super().__iter__():
            self.taken += 1
            yield task


def test_few_pictures_are_under_way_and_no_process_is_left(here: Path, reader: Reader) -> None:
    tasks = Counting([Task(Path("a.png"))] * 1000)
    outcomes = read_each(reader, tasks, jobs=2)
    assert tasks.taken == 0
    next(outcomes)
    assert tasks.taken == 2 * AHEAD + 1
    for _ in range(9):
        next(outcomes)
    assert tasks.taken == 2 * AHEAD + 10
    outcomes.close()
    assert multiprocessing.active_children() == []


def kill_the_second(file: Path, picture: NDArray[np.uint8], page: Page) -> None:
    if file.name == "killed.png":
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_a_killed_process_is_a_sentence(here: Path, reader: Reader) -> None:
    shutil.copy("a.png", "killed.png")
    tasks = [Task(Path(name)) for name in ("a.png", "killed.png", *["a.png"] * 20)]
    with pytest.raises(Failure, match="A process that was reading pictures ended: it was killed") as caught:
        list(read_each(reader, tasks, jobs=2, finish=kill_the_second))
    assert caught.value.exit_code == 1
    assert multiprocessing.active_children() == []


SCRIPT = """
import multiprocessing, sys, time
from mnistlab.reading.reader import Reader
if __name__ == "__main__":
    pages = Reader().read_many([sys.argv[1]] * 100_000, jobs=2)
    for _ in range(3):
        next(pages)
    print(*[child.pid for child in multiprocessing.active_children()], flush=True)
    sys.stdin.read()
"""


def is_running(pid: int) -> bool:
    """Whether there is such a process; a zombie does not count."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_no_process_outlives_the_one_that_it_reads_for(tmp_path: Path) -> None:
    """Not even if that was killed and could not tell them, while they wait for their next picture."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(PICTURE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as started:
        assert started.stdout is not None
        pids = [int(pid) for pid in started.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(is_running, pids))
        started.kill()
    wait_until(lambda: not any(map(is_running, pids)))
