"""`mnistlab read --to`: a folder of scans as rows in a file, whatever happens meanwhile."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console

from mnistlab.cli.app import run_app
from mnistlab.cli.reading_bar import reading_bar
from mnistlab.pictures import pages as file_pages
from mnistlab.reading import many
from mnistlab.reading.reader import Reader
from mnistlab.reading.rows import COLUMNS
from tests.support.comparing import assert_one_line
from tests.support.scans import EXAMPLE, make_scans
from tests.support.waiting import wait_until

COMMAND = str(Path(sys.executable).parent / "mnistlab")
ENDINGS = [".csv", ".jsonl", ".parquet"]


def rows_in(path: str | Path) -> list[dict[str, Any]]:
    """The rows of a file in Python's types; missing values are None."""
    path = Path(path)
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
        return rows
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    return csv_rows(path.read_text(encoding="utf-8"))


def csv_rows(text: str) -> list[dict[str, Any]]:
    numbers = {"page", "line", "position", "value", "x", "y", "width", "height"}
    kinds: dict[str, Callable[[str], Any]] = {
        **dict.fromkeys(numbers, int), "probability": float, "accepted": lambda cell: {"true": True, "false": False}[cell],
    }  # fmt: skip
    reader = csv.DictReader(io.StringIO(text, newline=""))
    return [{k: kinds.get(k, str)(cell) if cell else None for k, cell in row.items()} for row in reader]


def files_in(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["file"] for row in rows))


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pictures that this process decodes, by name, in order."""
    seen: list[str] = []
    decode = file_pages.of_bytes

    def of_bytes(content: bytes, name: Any) -> Any:
        seen.append(Path(str(name)).name)
        return decode(content, name)

    monkeypatch.setattr(file_pages, "of_bytes", of_bytes)
    return seen


# rows


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_row_for_each_digit_and_one_for_a_file_without(
    here: Path, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    assert run_app(["read", "scans", "--to", f"out{ending}"]) == 2
    out, err = capsys.readouterr()
    assert out == f"out{ending}: 5 pictures, 8 digits; 1 picture could not be read\n"
    assert err.startswith("error: scans/d.png is not a PNG")
    rows = rows_in(f"out{ending}")
    expected: list[dict[str, Any]] = []
    for name in ("a", "b", "c", "d", "e"):
        file = f"scans/{name}.png"
        if name in "cd":
            error = err.removeprefix("error: ").strip() if name == "d" else None
            expected.append(
                {**dict.fromkeys(COLUMNS), "file": file, "page": 1 if name == "c" else None, "error": error}
            )
            continue
        for number, line in enumerate(Reader().read(file).lines, 1):
            for position, digit in enumerate(line.digits, 1):
                told = digit.to_dict()
                place = dict(zip(("x", "y", "width", "height"), told.pop("box"), strict=True))
                where = {"file": file, "page": 1, "line": number, "position": position, "text": line.text}
                expected.append({**where, **told, **place, "error": None})
    assert rows == expected
    assert [list(row) for row in rows] == [list(COLUMNS)] * len(rows)
    assert sorted(path.name for path in here.iterdir()) == [f"out{ending}", f"out{ending}.state", "scans"]


def test_rows_say_which_page_they_are_of(here: Path) -> None:
    picture = Image.open("scans/b.png")
    picture.save("scan.tif", save_all=True, append_images=[Image.new("L", picture.size, 255), picture])
    assert run_app(["read", "scan.tif", "--to", "out.csv"]) == 0
    rows = rows_in("out.csv")
    assert [(row["page"], row["value"]) for row in rows] == [(1, 2), (1, 0), (2, None), (3, 2), (3, 0)]
    before = Path("out.csv").read_bytes()
    assert run_app(["read", "scan.tif", "--to", "out.csv", "--resume"]) == 0
    assert Path("out.csv").read_bytes() == before


def test_processes_write_what_one_writes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("f", "g", "h"):
        shutil.copy("scans/a.png", f"scans/{name}.png")
    assert run_app(["read", "scans", "--to", "one.csv", "--jobs", "1"]) == 2
    assert run_app(["read", "scans", "--to", "two.csv", "--jobs", "2", "--annotate", "boxes"]) == 2
    assert Path("one.csv").read_bytes() == Path("two.csv").read_bytes()
    assert files_in(rows_in("one.csv")) == [f"scans/{name}.png" for name in "abcdefgh"]
    assert sorted(path.stem for path in Path("boxes").iterdir()) == list("abcefgh")


def test_rows_on_standard_output_are_those_in_a_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["read", "scans", "--to", "out.csv"]) == 2
    capsys.readouterr()
    assert run_app(["read", "scans", "--to", "-"]) == 2
    out, err = capsys.readouterr()
    assert out == Path("out.csv").read_text()
    assert len(err.splitlines()) == 1
    assert not Path("-").exists()


@pytest.mark.parametrize("ending", ENDINGS)
def test_files_of_one_name_and_odd_names_stay_apart(here: Path, ending: str) -> None:
    names = [f"{n}/x.png" for n in range(10)] + ['say "hi", é\n.png', "\udcff.png", "=1+1.png"]
    for name in names:
        Path(name).parent.mkdir(exist_ok=True)
        shutil.copy("scans/b.png", name)
    assert run_app(["read", *names, names[0], "--to", f"out{ending}"]) == 0
    rows = rows_in(f"out{ending}")
    shown = ["\\udcff.png" if name == "\udcff.png" and ending != ".jsonl" else name for name in names]
    assert files_in(rows) == shown
    assert [row["value"] for row in rows] == [2, 0] * len(names)  # the one given twice is read once
    assert run_app(["read", *names, "--to", f"out{ending}", "--resume"]) == 0
    assert rows_in(f"out{ending}") == rows


@pytest.mark.parametrize("ending", ENDINGS)
def test_names_of_classes_are_values_too(here: Path, ending: str) -> None:
    from tests.cli.test_read import small_model

    small_model(Path("small.onnx"), classes=3)
    assert run_app(["read", "scans/b.png", "--model", "small.onnx", "--to", f"out{ending}"]) == 0
    if ending == ".csv":
        assert {line.split(",")[5] for line in Path("out.csv").read_text().splitlines()[1:]} <= set("abc")
    else:
        assert {row["value"] for row in rows_in(f"out{ending}")} <= set("abc")


# what is read


def test_folders_in_folders(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("scans/deep/er", "scans/.hidden", "elsewhere"):
        Path(folder).mkdir(parents=True)
        shutil.copy("scans/b.png", folder)
    Path("scans/deep/round").symlink_to(here / "scans")
    Path("scans/deep/link.png").symlink_to(here / "scans/b.png")
    assert run_app(["read", "scans", "--recursive", "--to", "out.csv"]) == 2
    names = ["a.png", "b.png", "c.png", "d.png", "deep/er/b.png", "deep/link.png", "e.png"]
    assert files_in(rows_in("out.csv")) == [f"scans/{name}" for name in names]
    Path("empty/deep").mkdir(parents=True)
    capsys.readouterr()
    assert run_app(["read", "empty", "--recursive", "--to", "none.csv"]) == 2
    assert_one_line(capsys, "There are no pictures in empty.")
    assert not Path("none.csv").exists()


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named_and_the_others_read(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("scans/locked").mkdir(mode=0)
    assert run_app(["read", "scans", "--recursive", "--to", "out.csv"]) == 2
    assert "scans/locked cannot be read: Permission denied." in capsys.readouterr().err
    assert len(files_in(rows_in("out.csv"))) == 5


def stdin_of(monkeypatch: pytest.MonkeyPatch, content: bytes, terminal: bool = False) -> None:
    stream = io.TextIOWrapper(io.BytesIO(content))
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stdin", stream)


def test_a_picture_on_standard_input(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin_of(monkeypatch, Path("scans/a.png").read_bytes())
    assert run_app(["read", "-"]) == 0
    assert capsys.readouterr() == ("2026\n", "")
    stdin_of(monkeypatch, Path("scans/a.png").read_bytes())
    assert run_app(["read", "-", "scans/b.png", "--to", "out.csv", "--annotate", "boxes"]) == 0
    assert files_in(rows_in("out.csv")) == ["-", "scans/b.png"]
    assert sorted(path.name for path in Path("boxes").iterdir()) == ["-.png", "b.png"]
    capsys.readouterr()
    stdin_of(monkeypatch, b"")
    assert run_app(["read", "-"]) == 2
    assert_one_line(capsys, "The picture on standard input is empty (0 bytes).")
    stdin_of(monkeypatch, b"P5 300 200 255\n" + b"\xe6" * 60_000)
    assert run_app(["read", "-"]) == 0
    assert capsys.readouterr() == ("", "The picture on standard input: no digits found\n")
    stdin_of(monkeypatch, b"", terminal=True)
    assert run_app(["read", "-"]) == 2
    assert_one_line(capsys, "is a terminal or has been closed", "Pipe a picture")
    monkeypatch.setattr(sys, "stdin", None)
    assert run_app(["read", "-"]) == 2
    assert_one_line(capsys, "is a terminal or has been closed", "Pipe a picture")


@pytest.mark.parametrize(
    "address", ["https://example.org/a/scan.png", "HTTP://example.org/scan.png", "s3://scans/1.png"]
)
def test_an_address_is_not_read(here: Path, capsys: pytest.CaptureFixture[str], address: str) -> None:
    assert run_app(["read", address]) == 2
    assert_one_line(capsys, f"{address} is an address, not a file. Download the picture first.")
    for part in ("a/" * 200, "a" * 300):
        assert run_app(["read", f"{address}?{part}b"]) == 2
        assert_one_line(capsys, f"{part[-100:]}b is an address, not a file. Download the picture first.")


# going on


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_there_is_not_read_again(
    here: Path, capsys: pytest.CaptureFixture[str], reads: list[str], ending: str
) -> None:
    command = ["read", "scans", "--to", f"out{ending}", "--resume"]  # nothing is there yet
    assert run_app(command) == 2
    before = content(here)[f"out{ending}"]
    assert reads == ["a.png", "b.png", "c.png", "d.png", "e.png"]
    reads.clear()
    capsys.readouterr()
    assert run_app(command) == 2  # as the first time, for d.png still cannot be read
    told = "5 pictures, 8 digits; 5 pictures read earlier; 1 picture could not be read"
    assert capsys.readouterr().out == f"out{ending}: {told}\n"
    assert reads == []
    assert content(here)[f"out{ending}"] == before


@pytest.mark.parametrize("ending", ENDINGS)
def test_new_and_changed_pictures_are_read_and_the_rows_are_in_order(here: Path, reads: list[str], ending: str) -> None:
    shutil.copy("scans/a.png", "aa.png")
    shutil.move("scans/c.png", "c.png")
    assert run_app(["read", "scans", "--to", f"out{ending}"]) == 2
    reads.clear()
    shutil.move("c.png", "scans/c.png")
    shutil.move("aa.png", "scans/aa.png")
    shutil.copy("scans/e.png", "scans/b.png")
    shutil.copy("scans/a.png", "scans/d.png")
    assert run_app(["read", "scans", "--to", f"out{ending}", "--resume"]) == 0
    assert sorted(reads) == ["aa.png", "b.png", "c.png", "d.png"]
    assert run_app(["read", "scans", "--to", f"new{ending}"]) == 0
    assert rows_in(f"out{ending}") == rows_in(f"new{ending}")


def test_rows_of_pictures_that_are_not_named_any_more_stay(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Scans are moved away once they have been read, and the next folder's come after them."""
    assert run_app(["read", "scans", "--to", "all.csv"]) == 2
    shutil.move("scans", "done")
    make_scans(here / "second")
    assert run_app(["read", "second", "--to", "all.csv", "--resume"]) == 2
    names = "abcde"
    assert files_in(rows_in("all.csv")) == [f"{folder}/{n}.png" for folder in ("scans", "second") for n in names]
    assert capsys.readouterr().out.endswith("all.csv: 5 pictures, 8 digits; 1 picture could not be read\n")


def test_a_file_that_is_missing_is_looked_for_again_and_keeps_its_place(here: Path, reads: list[str]) -> None:
    command = ["read", "scans/a.png", "later.png", "scans/b.png", "--to", "out.csv", "--resume"]
    assert run_app(command) == 2
    before = Path("out.csv").read_bytes()
    assert run_app(command) == 2
    assert Path("out.csv").read_bytes() == before
    shutil.copy("scans/a.png", "later.png")
    assert run_app(command) == 0
    assert files_in(rows_in("out.csv")) == ["scans/a.png", "later.png", "scans/b.png"]
    assert reads == ["a.png", "b.png", "later.png"]


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which scans/ was read into all three kinds of file."""
    folder = tmp_path_factory.mktemp("complete")
    make_scans(folder / "scans")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        for ending in ENDINGS:
            assert run_app(["read", "scans", "--to", f"out{ending}"]) == 2
    return folder


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ending=st.sampled_from(ENDINGS),
    kept=st.floats(0, 1),
    written=st.floats(0, 1),
    garbage=st.sampled_from([b"", b"\0\0\0", b'{"file": 1', b"\0\n"]),
)
def test_wherever_a_kill_cuts_the_files_the_resumed_output_is_the_whole_one(
    complete: Path, monkeypatch: pytest.MonkeyPatch, ending: str, kept: float, written: float, garbage: bytes
) -> None:
    monkeypatch.chdir(complete)
    whole, state = Path(f"out{ending}").read_bytes(), Path(f"out{ending}.state").read_bytes()
    state = state[: state.rindex(b'{"output"')]  # it is written when all is read
    torn = Path(f"torn{ending}")
    header = state.index(b"\n") + 1  # nothing is written into the output before that is there
    Path(f"torn{ending}.state").write_bytes(state[: header + round(kept * (len(state) - header))] + garbage)
    torn.unlink(missing_ok=True)
    if ending != ".parquet":
        torn.write_bytes(whole[: round(written * len(whole))])
    assert run_app(["read", "scans", "--to", str(torn), "--resume"]) == 2
    assert rows_in(torn) == rows_in(f"out{ending}")
    assert torn.read_bytes() == whole


def kill_while_reading(folder: Path, times: int, jobs: int) -> None:
    """Kill -9 at random moments, that many times; then read on, and compare with an uninterrupted reading."""
    scans = folder / "scans"
    scans.mkdir()
    picture = Image.open(EXAMPLE).convert("L").resize((160, 60))
    for number in range(12 * times):
        picture.crop((0, 0, 40 * (1 + number % 4), 60)).save(scans / f"{number:04}.png")
    draw, out = random.Random(times), folder / "out.csv"
    command = [COMMAND, "read", "scans", "--to", out.name, "--resume", "--jobs", str(jobs)]

    def size() -> int:
        return out.stat().st_size if out.exists() else 0

    for _ in range(times):
        goal = size() + draw.randrange(1, 1000)
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as reading:
            wait_until(lambda goal=goal, reading=reading: size() >= goal or reading.poll() is not None)
            reading.kill()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        assert run_app(["read", "scans", "--to", "whole.csv"]) == 0
    assert out.read_bytes() == (folder / "whole.csv").read_bytes()
    assert len(files_in(rows_in(out))) == 12 * times


def test_killed_a_few_times(tmp_path: Path) -> None:
    kill_while_reading(tmp_path, times=3, jobs=2)


@pytest.mark.slow
def test_killed_fifty_times(tmp_path: Path) -> None:
    kill_while_reading(tmp_path, times=50, jobs=2)


def interrupt_at(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Ctrl-C while that picture is read."""
    read_one, numbers = many.read_one, iter(range(1, 100))

    def interrupted(*arguments: Any, **options: Any) -> Any:
        if next(numbers) == count:
            os.kill(os.getpid(), signal.SIGINT)
        return read_one(*arguments, **options)

    monkeypatch.setattr(many, "read_one", interrupted)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("ending", ENDINGS)
def test_ctrl_c_leaves_what_was_read(
    here: Path, ctrl_c: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    command = ["read", "scans", "--to", f"out{ending}"]
    with monkeypatch.context() as patched:
        interrupt_at(patched, 3)
        assert run_app(command) == 130
    assert_one_line(capsys, f"Interrupted: out{ending} holds the rows of 2 of 5 pictures. Continue with --resume.")
    assert files_in(rows_in(f"out{ending}")) == ["scans/a.png", "scans/b.png"]
    with monkeypatch.context() as patched:
        interrupt_at(patched, 1)
        assert run_app([*command, "--resume"]) == 130
    assert_one_line(capsys, f"out{ending} holds the rows of 2 of 5 pictures.")  # those of before count too
    assert run_app([*command, "--resume"]) == 2
    assert "5 pictures, 8 digits; 2 pictures read earlier; 1 picture could" in capsys.readouterr().out
    assert files_in(rows_in(f"out{ending}")) == [f"scans/{n}.png" for n in "abcde"]


@pytest.mark.parametrize("count", [1, 3])
def test_ctrl_c_leaves_a_whole_list(
    here: Path, ctrl_c: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    interrupt_at(monkeypatch, count)
    assert run_app(["read", "scans", "--json"]) == 130
    out, err = capsys.readouterr()
    assert err.strip() == "Interrupted."
    assert [one["file"] for one in json.loads(out)] == ["scans/a.png", "scans/b.png"][: count - 1]


# bad input


def refused(here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], *words: str) -> None:
    before = content(here)
    assert run_app(["read", *arguments]) == 2
    assert_one_line(capsys, *words)
    assert content(here) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--jobs", "0"], ["Number of processes 0", "Choose a whole number from 1 to 1,024."]),
        (["--jobs", "1.5"], ["'1.5' is not a whole number"]),
        (["--to", "out.txt"], ["out.txt does not end in .csv, .jsonl or .parquet", "digits.csv", "digits.parquet"]),
        (["--to", "out"], ["out does not end in"]),
        (["--to", "scans"], ["'scans' is a folder", "scans/digits.csv"]),
        (["--to", "mine.csv"], ["mine.csv holds something other", "Choose another name."]),
        (["--to", "mine.csv", "--resume"], ["mine.csv holds something other"]),
        (["--to", "mine.jsonl"], ["mine.jsonl holds something other"]),
        (["--to", "mine.parquet", "--resume"], ["mine.parquet holds something other"]),
        (["--to", "pipe.csv"], ["pipe.csv holds something other"]),
        (["--to", "half.jsonl"], ["half.jsonl already exists", "half.jsonl.state, which records"]),
        (["--to", "ours.csv", "--resume"], ["ours.csv already exists", "ours.csv.state, which records"]),
        (["--to", "other.csv", "--resume"], ["other.csv.state is in the way"]),
        (["--to", "mine.csv/deep/out.csv"], ["mine.csv is a file, not a folder"]),
        (["--to", "x" * 300 + ".csv"], ["too long"]),
        (["--to", "loop.csv"], ["loop.csv is a link that leads back to itself"]),
        (["--to", "out.csv", "--json"], ["--json and --to", "Leave out one of these options."]),
        (["--resume"], ["--to does not name a file"]),
        (["--to", "-", "--resume"], ["--to does not name a file"]),
        (["--to", "out.csv", "--model", "nothing.onnx"], ["There is no model nothing.onnx"]),
        (["--to", "out.csv", "--threshold", "2"], ["The threshold 2 is not a probability"]),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_read_or_written(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: list[str]
) -> None:
    Path("mine.csv").write_text("name,mark\nme,1\n")
    Path("mine.jsonl").write_text('{"name": "me"}\n')
    Path("half.jsonl").write_text('{"file": "a')
    Path("mine.parquet").write_text("mine")
    Path("ours.csv").write_text(",".join(COLUMNS) + "\n")
    Path("other.csv.state").write_text("mine\n")
    os.mkfifo("pipe.csv")
    Path("loop.csv").symlink_to("loop.csv")
    refused(here, capsys, ["scans", *arguments], *words)


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_access_is_named_first(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("closed").mkdir(mode=0o500)
    refused(here, capsys, ["scans", "--to", "closed/out.csv"], "There is no write access to closed.")


def test_nothing_that_is_there_is_written_over(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scans = ["scans/a.png", "scans/b.png", "--to", "out.csv"]
    Path("out.csv").touch()  # nothing is lost with that
    assert run_app(["read", *scans]) == 0
    capsys.readouterr()
    refused(here, capsys, scans, "out.csv was begun earlier", "Add --resume to continue, or choose another name.")
    refused(here, capsys, [*scans, "--resume", "--threshold", "0.25"], "threshold 0.", ", not 0.25. Use the same")
    kept = Path("out.csv").read_bytes()
    Path("out.csv").write_bytes(kept.replace(b",2,", b",7,"))
    refused(here, capsys, [*scans, "--resume"], "out.csv has been changed since this command wrote it")
    Path("out.csv").write_bytes(b"corrected," + kept)
    refused(here, capsys, [*scans, "--resume"], "out.csv holds something other")
    Path("out.csv").unlink()
    refused(here, capsys, scans, "out.csv.state records what has been read so far")
    assert run_app(["read", *scans, "--resume"]) == 0
    assert Path("out.csv").read_bytes() == kept
    state = Path("out.csv.state").read_text()
    Path("out.csv.state").write_text(state.replace('"mnistlab":"', '"mnistlab":"older-'))
    capsys.readouterr()
    refused(here, capsys, [*scans, "--resume"], "out.csv was begun differently: mnistlab older-")
    Path("out.csv.state").write_text(state.replace('"finder":"', '"finder":"0', 1))
    refused(here, capsys, [*scans, "--resume"], "out.csv was begun differently: another finder. Use the same")
    Path("out.csv.state").write_text(state.replace('"position"', '"place"', 1))
    refused(here, capsys, [*scans, "--resume"], "out.csv holds something other")


@pytest.mark.skipif(os.name != "posix", reason="the system has locks of another kind")
def test_two_commands_do_not_write_one_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import fcntl

    assert run_app(["read", "scans/a.png", "--to", "out.csv"]) == 0
    capsys.readouterr()
    with Path("out.csv.state").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        refused(here, capsys, ["scans", "--to", "out.csv", "--resume"], "out.csv is being written by another process.")


@pytest.mark.parametrize("lines", [0, 1, 2, 4])
@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_a_full_disk_leaves_whole_lines_to_go_on_with(
    here: Path, capsys: pytest.CaptureFixture[str], ending: str, lines: int
) -> None:
    assert run_app(["read", "scans", "--to", f"new{ending}"]) == 2
    capsys.readouterr()
    most = 20 + len(b"".join(Path(f"new{ending}.state").read_bytes().splitlines(keepends=True)[:lines]))
    command = ["read", "scans", "--to", f"out{ending}"]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))  # Python ignores the signal, so write() fails
    try:
        assert run_app(command) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "d.png" not in line]
    assert line.startswith(f"error: Cannot write out{ending}")
    if lines == 0:
        assert list(Path().glob("out*")) == []
    else:
        written = Path(f"out{ending}").read_bytes()
        assert written == Path(f"new{ending}").read_bytes()[: len(written)]
        assert written[-1:] in (b"", b"\n")
        assert len(files_in(rows_in(f"out{ending}"))) <= lines - 1
        assert Path(f"out{ending}.state").read_bytes().endswith(b"\n")
        assert "with --resume" in line
    assert run_app([*command, "--resume"]) == 2
    assert Path(f"out{ending}").read_bytes() == Path(f"new{ending}").read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_link_to_the_output_stays(here: Path) -> None:
    Path("elsewhere").mkdir()
    Path("out.csv").symlink_to("elsewhere/digits.csv")
    assert run_app(["read", "scans/b.png", "--to", "out.csv"]) == 0
    assert run_app(["read", "scans/b.png", "scans/e.png", "--to", "out.csv", "--resume"]) == 0
    assert Path("out.csv").is_symlink()
    assert files_in(rows_in("elsewhere/digits.csv")) == ["scans/b.png", "scans/e.png"]


# how far it is, and how much memory it takes


def test_a_bar_tells_pictures_a_second_and_the_time_left() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100, color_system=None, _environ={})
    with reading_bar(4, console) as advance:
        advance()
        advance()
    assert "2/4" in out.getvalue()
    assert "pictures/s left " in out.getvalue()
    assert "\x1b[?25h" in out.getvalue()  # the cursor is back


PEAK = """
import resource, sys
from mnistlab.cli.app import run_app
assert run_app(["read", sys.argv[1], "--to", "out.csv", "--jobs", "2"]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_is_flat_however_many_pictures_there_are(tmp_path: Path) -> None:
    peaks = []
    picture = Image.open(EXAMPLE).convert("L").resize((80, 30))
    for count in (1_000, 10_000):
        folder = tmp_path / str(count)
        (folder / "scans").mkdir(parents=True)
        for number in range(count):
            picture.save(folder / "scans" / f"{number:05}.png")
        done = subprocess.run(
            [sys.executable, "-c", PEAK, "scans"], cwd=folder, capture_output=True, text=True, check=True
        )
        assert len(files_in(rows_in(folder / "out.csv"))) == count
        peaks.append(int(done.stdout.split()[-1]) / 1024)
    assert np.diff(peaks)[0] < 40, peaks  # MiB; the pages of the 9,000 more pictures are a hundred
