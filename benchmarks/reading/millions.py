"""Many small pictures through Ray: uv run --group scale python -m benchmarks.reading.millions

Pictures of a few handwritten digits each, one in a hundred of them broken, are read by whole commands on two cores:

ray-rate    pictures per second of `read --engine ray` and of `read --jobs 2`, from process start to end, measured in turn
ray-memory  the most memory that the command itself holds (VmHWM), for a tenth of the pictures and for all
ray-kills   a process that reads is killed every 20 seconds (--every); the command itself is killed once and continued with
            --resume; more pictures are added until the time (--lasting) is up

Each row checks that each picture is in the output exactly once, and each broken one with its error. Let nothing else run
meanwhile.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np
import pyarrow.parquet
from PIL import Image

from benchmarks.command import (
    MNISTLAB,
    Command,
    Row,
    data_option,
    json_option,
    measure_rows,
    only_option,
    record_option,
)
from benchmarks.timing import median_and_range, two_cores
from mnistlab.data.dataset import open_dataset
from tests.support.processes import descendants, reads

ROWS = ("ray-rate", "ray-memory", "ray-kills")
BROKEN = 100
"""One in this many pictures is broken."""


def draw_pictures(folder: Path, count: int, data_dir: Path) -> None:
    """Make `count` pictures in the folder, each with a row of 3 to 8 training digits that are 56 pixels high."""
    images, _ = open_dataset("mnist", data_dir).read("train")
    folder.mkdir(parents=True)
    for number in range(count):
        draw = np.random.default_rng(number)
        digits = images[draw.integers(len(images), size=int(draw.integers(3, 9)))]
        picture = Image.fromarray(255 - np.pad(np.hstack(list(digits)), 12)).resize((56 * len(digits), 104))
        path = folder / f"{number:08}.png"
        picture.save(path)
        if number % BROKEN == BROKEN // 2:
            path.write_bytes(path.read_bytes()[:200])


def command(pictures: str, *more: str) -> list[str]:
    return [*MNISTLAB, "read", pictures, *more]


def seconds(folder: Path, *arguments: str) -> float:
    start = time.perf_counter()
    done = subprocess.run(command("pictures", *arguments), cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 2):
        raise RuntimeError(done.stderr)
    return time.perf_counter() - start


def check_output(folder: Path) -> dict[str, int]:
    """How many pictures the output has, and how many of them are broken.

    Raises `RuntimeError` if one is missing or repeated, or if the pictures with an error are not exactly the broken ones.
    """
    table = pyarrow.parquet.read_table(folder / "out", columns=["file", "page", "line", "position", "error"])
    rows = Counter(zip(*(table[name].to_pylist() for name in ("file", "page", "line", "position")), strict=True))
    files = {str(path.relative_to(folder)) for path in (folder / "pictures").iterdir()}
    errors = {row["file"] for row in table.select(["file", "error"]).to_pylist() if row["error"] is not None}
    broken = {file for file in files if int(Path(file).stem) % BROKEN == BROKEN // 2}
    twice = [row for row, count in rows.items() if count > 1]
    if twice or {row[0] for row in rows} != files or errors != broken:
        raise RuntimeError(f"{len(files - {row[0] for row in rows})} missing, {len(twice)} rows twice")
    return {"pictures": len(files), "broken": len(errors)}


def measure_rate(folder: Path, rounds: int) -> dict[str, Any]:
    rates: dict[str, list[float]] = {"ray": [], "plain": []}
    count = sum(1 for _ in (folder / "pictures").iterdir())
    for _ in range(rounds):
        for name, arguments in (
            ("plain", ("--to", "out.parquet", "--jobs", "2")),
            ("ray", ("--to", "out", "--engine", "ray")),
        ):
            rates[name].append(count / seconds(folder, *arguments))
            if name == "ray":
                found = check_output(folder)
            for path in folder.glob("out*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    return {**found, "pictures_per_second": rates}


def tell_rate(result: dict[str, Any]) -> list[str]:
    ray, plain = (result["pictures_per_second"][name] for name in ("ray", "plain"))
    return [
        f"{median(ray) / median(plain):.2f} times as many pictures a second on Ray, of {result['pictures']:,}",
        f"ray:   {median_and_range(ray, 'pictures/s')}",
        f"plain: {median_and_range(plain, 'pictures/s')}",
    ]


def peak(folder: Path) -> float:
    """The most memory, in MiB, that the command's own process held while it read the pictures in the folder."""
    most = 0
    arguments = command("pictures", "--to", "out", "--engine", "ray")
    with subprocess.Popen(arguments, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as started:
        while started.poll() is None:
            try:
                lines = Path(f"/proc/{started.pid}/status").read_text(encoding="utf-8").splitlines()
                most = max([most, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))])
            except OSError:  # the process has just ended
                pass
            time.sleep(0.1)
    check_output(folder)
    shutil.rmtree(folder / "out")
    return most / 1024


def measure_memory(folder: Path, tenth: Path) -> dict[str, Any]:
    return {"mebibytes": {str(sum(1 for _ in (each / "pictures").iterdir())): peak(each) for each in (tenth, folder)}}


def tell_memory(result: dict[str, Any]) -> list[str]:
    (few, small), (many, large) = result["mebibytes"].items()
    return [
        f"{100 * (large / small - 1):+.1f} %: {small:.0f} MiB for {int(few):,} pictures, {large:.0f} for {int(many):,}"
    ]


def measure_kills(folder: Path, every: float, lasting: float, data_dir: Path) -> dict[str, Any]:
    """Kill readers until the time is up, and the command itself at half-time; more pictures are added all the while."""
    draw, killed, drivers, round_number = random.Random(0), 0, 0, 0  # noqa: S311 - whom to kill
    end, half = time.monotonic() + lasting, time.monotonic() + lasting / 2
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as left:  # what a killed Ray leaves behind
        while round_number == 0 or time.monotonic() < end:
            given = command("pictures", "--to", "out", "--engine", "ray", "--resume")
            due = time.monotonic() + every
            started = subprocess.Popen(given, cwd=folder, env={**os.environ, "TMPDIR": left}, stderr=subprocess.PIPE)
            with started:
                while started.poll() is None:
                    time.sleep(0.2)
                    readers = sorted(filter(reads, descendants(started.pid)))
                    if drivers == 0 and readers and time.monotonic() > half:
                        started.kill()
                        drivers += 1
                    elif readers and due < time.monotonic() < end:
                        os.kill(draw.choice(readers), signal.SIGKILL)
                        killed, due = killed + 1, time.monotonic() + every
                if started.returncode not in (0, 2, -signal.SIGKILL) and started.stderr is not None:
                    raise RuntimeError(started.stderr.read().decode())
            if started.returncode >= 0 and time.monotonic() < end:
                round_number += 1
                draw_pictures(folder / "more", 2000, data_dir)
                for path in (folder / "more").iterdir():
                    path.rename(folder / "pictures" / f"{int(path.stem) + 10_000_000 * round_number:08}.png")
                (folder / "more").rmdir()
            elif started.returncode >= 0:
                break
    return {**check_output(folder), "killed": killed, "drivers_killed": drivers, "every": every, "seconds": lasting}


def tell_kills(result: dict[str, Any]) -> list[str]:
    return [
        f"each of {result['pictures']:,} pictures once, {result['broken']} of them broken and told",
        f"{result['killed']} readers killed, one every {result['every']:g} s for {result['seconds']:g} s, and the command"
        f" {result['drivers_killed']} times",
    ]


@click.command(cls=Command, help=__doc__)
@click.option("--pictures", type=click.IntRange(min=100), default=20_000, show_default=True, help="Pictures in all.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Rounds of rate.")
@click.option("--every", type=float, default=20.0, show_default=True, help="Seconds between two kills.")
@click.option("--lasting", type=float, default=180.0, show_default=True, help="Seconds of kills.")
@only_option(*ROWS)
@data_option
@json_option
@record_option("reader")
def main(
    pictures: int,
    rounds: int,
    every: float,
    lasting: float,
    only: list[str],
    data_dir: Path,
    as_json: bool,
    record: bool,
) -> None:
    with tempfile.TemporaryDirectory() as name, two_cores():
        folder, tenth = Path(name) / "all", Path(name) / "tenth"
        draw_pictures(folder / "pictures", pictures, data_dir)
        draw_pictures(tenth / "pictures", pictures // 10, data_dir)
        rows = {
            "ray-rate": Row(lambda: measure_rate(folder, rounds), tell_rate),
            "ray-memory": Row(lambda: measure_memory(folder, tenth), tell_memory),
            "ray-kills": Row(lambda: measure_kills(folder, every, lasting, data_dir), tell_kills),
        }
        measure_rows("reader", {row: rows[row] for row in ROWS if row in only})


if __name__ == "__main__":
    main()
