"""The parts of a job: listed, read and written in this process. tests/cli/test_read_on_ray.py has them on a real Ray."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from PIL import Image

from mnistlab.errors import MnistlabError, StorageFailure, UserError
from mnistlab.reading import parts
from mnistlab.reading.deaths import Deaths
from mnistlab.reading.page import Page
from mnistlab.reading.parts import Job, PartReader, Tally, as_block, packed, parts_to_read
from mnistlab.reading.reader import Reader
from mnistlab.reading.remaining import parts_in
from tests.support.stores import needs_scale, s3_server

EXAMPLE = Path(__file__).parents[2] / "examples" / "2026.png"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which this process stands, with 24 pictures, 0.png to 23.png, of which 7.png is none; parts are of five."""
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "scans", 24)
    (tmp_path / "scans" / "07.png").write_text("no picture")
    return tmp_path


def draw(folder: Path, count: int) -> None:
    picture = Image.open(EXAMPLE).convert("L").resize((80, 30))
    folder.mkdir(exist_ok=True)
    for number in range(count):
        picture.save(folder / f"{number:02}.png")


def job(here: Path, *sources: str, out: str | None = None) -> Job:
    return Job(sources or ("scans",), False, out or str(here / "out"), str(here), size=5)


def rows_in(folder: Path | str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(folder).to_pylist()
    return rows


def added(tallies: Iterator[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total = total.plus(tally)
    return total


def listed(given: Job) -> list[Tally]:
    return [Tally(**block.to_pylist()[0]) for block in parts_to_read(None, given)]


def test_parts_are_the_same_however_often_they_are_listed_and_last_comes_what_was_read(here: Path) -> None:
    first = listed(job(here))
    assert [len(each.names.split(b"\0")) for each in first[:-1]] == [5, 5, 5, 5, 4]
    assert first[-1] == Tally(listed=24)
    reader = PartReader(Reader(threads=1), job(here))
    tally = Tally(**reader(as_block(first[1])).to_pylist()[0])
    assert tally[2:6] == (5, 16, 1, 0)
    assert parts_in(str(here / "out")) == [tally.part]
    before = Path("out", tally.part).read_bytes()
    assert Tally(**reader(as_block(first[1])).to_pylist()[0]) == tally  # as after a kill between writing and telling
    assert Path("out", tally.part).read_bytes() == before
    assert listed(job(here)) == [first[0], *first[2:-1], Tally(pictures=5, digits=16, failed=1, before=5, listed=24)]
    assert reader(as_block(first[-1])).to_pylist() == as_block(first[-1]).to_pylist()


@needs_scale
def test_what_is_written_to_a_store_is_known_there(here: Path) -> None:
    with s3_server() as bucket:
        given = job(here, out=f"s3://{bucket}/out")
        tally = listed(given)[0]
        assert Tally(**PartReader(Reader(threads=1), given)(as_block(tally)).to_pylist()[0])[2:6] == (5, 20, 0, 0)
        assert listed(given)[-1] == Tally(pictures=5, digits=20, before=5, listed=24)
        assert len(parts_in(given.out)) == 1


def test_names_that_are_not_utf8_are_read_and_known(here: Path) -> None:
    Path("scans/00.png").rename("scans/\udcff, é\n.png")
    assert added(map(read_in_this_process, listed(job(here)))).pictures == 24
    assert "scans/\\udcff, é\n.png" in {row["file"] for row in rows_in(here / "out")}
    assert listed(job(here))[-1].before == 24


def read_in_this_process(tally: Tally) -> Tally:
    given = job(Path.cwd())
    return Tally(**PartReader(Reader(threads=1), given)(as_block(tally)).to_pylist()[0])


def failure_of(tally: Tally) -> MnistlabError:
    error = pickle.loads(tally.failure)
    assert isinstance(error, MnistlabError)
    return error


def test_what_is_wrong_with_the_machine_ends_the_job_and_a_picture_does_not(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"scans/{number:02}.png" for number in range(12)]

    def breaks(*_: Any, **__: Any) -> Page:
        raise ZeroDivisionError("nobody foresaw it.")

    monkeypatch.setattr(Reader, "read", breaks)
    few = read_in_this_process(Tally(names=packed(names[:9])))
    assert (few.pictures, few.failed) == (9, 9)
    errors = [row["error"] for row in rows_in(here / "out")]
    assert errors[0].startswith("scans/00.png cannot be read, for an unexpected reason: ZeroDivisionError: nobody")
    error = failure_of(read_in_this_process(Tally(names=packed([*names[:7], *names[8:]]))))
    assert "failed to read 11 pictures in a row. The first error: scans/00.png cannot be read" in str(error)
    assert len(parts_in(str(here / "out"))) == 1

    monkeypatch.setattr(parts, "content_of", fails)
    gone = failure_of(read_in_this_process(Tally(names=packed(names))))
    assert "scans/00.png cannot be read: Input/output error." in str(gone)


def fails(path: str) -> bytes:
    raise UserError("pictures.read_failed", name=path, reason="Input/output error")


def test_a_full_disk_a_missing_folder_and_a_broken_part_are_told(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    names = Tally(names=packed(["scans/00.png"]))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))  # Python ignores the signal, so write() fails
    try:
        full = failure_of(read_in_this_process(names))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert isinstance(full, StorageFailure)
    assert list(Path("out").iterdir()) == []
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir("scans")
        gone = Job(("scans",), False, str(here / "out"), str(here / "gone"))
        for tally in (listed(gone)[0], Tally(**PartReader(Reader(threads=1), gone)(as_block(names)).to_pylist()[0])):
            assert f"does not have the folder {here}/gone, in which the job was started" in str(failure_of(tally))
    Path("out/part-0.parquet").write_bytes(b"nothing")
    error = failure_of(listed(job(here))[0])
    assert str(error).startswith(f"{here}/out/part-0.parquet cannot be read: ")
    assert str(error).endswith("Delete this file: the pictures whose rows it holds will be read again.")


def test_a_picture_at_which_processes_die_is_given_up_and_noted_from_the_second_try_on(here: Path) -> None:
    Path("out").mkdir()
    note = str(here / "out" / ".part-1.parquet.note")
    first = Deaths(note)
    assert all(first.may_be_read(number) for number in range(5))
    assert Path(note).read_bytes() == b""
    for died in (2, 1, 2, 2):
        deaths = Deaths(note)
        assert all(deaths.may_be_read(number) for number in range(died + 1))
    deaths = Deaths(note)
    assert [deaths.may_be_read(number) for number in range(4)] == [True, True, False, True]
    with deaths:
        Path(note).unlink()
    with Deaths(note):
        assert Path(note).exists()
    assert not Path(note).exists()


def test_a_part_with_such_a_picture_is_read_without_it(here: Path) -> None:
    tally = listed(job(here))[0]
    part = read_in_this_process(tally).part
    Path("out", part).unlink()
    Path("out", f".{part}.note").write_bytes(b"3 1 3 3")
    assert read_in_this_process(tally)[2:6] == (5, 16, 1, 0)
    errors = {row["file"]: row["error"] for row in rows_in(here / "out") if row["error"]}
    assert errors == {
        "scans/03.png": "scans/03.png cannot be read: 3 processes died while reading it. Make the picture smaller."
    }
    assert [path.name for path in Path("out").iterdir()] == [part]
