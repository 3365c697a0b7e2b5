"""`mnistlab read --engine ray`: what it takes, what it refuses, and what is there whatever happens."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from PIL import Image

from mnistlab import dependencies
from mnistlab.cli import read_on_ray
from mnistlab.cli.app import run_app
from mnistlab.errors import Failure, StorageFailure
from mnistlab.messages.sentences import counted
from mnistlab.reading import parts
from mnistlab.reading.parts import Job, Tally, read_parts
from mnistlab.reading.reader import Reader
from mnistlab.reading.rows import COLUMNS
from mnistlab.training import cluster
from tests.cli.test_read_to import content
from tests.support.comparing import assert_one_line
from tests.support.dying import DiesAt, DiesOnce
from tests.support.processes import descendants, of_ray, title
from tests.support.stores import needs_scale, s3_server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.*")  # Ray sets what it calls deprecated

RAY = ["--engine", "ray"]


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patched, s3_server():
        patched.setattr(cluster, "cores_here", lambda: 2)
        with cluster.cluster() as started:
            yield started


@pytest.fixture
def on_ray(ray: Any, monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The command takes the cluster that is there; the addresses that it was asked for."""
    addresses: list[str | None] = []

    @contextlib.contextmanager
    def there(address: str | None = None) -> Iterator[Any]:
        addresses.append(address)
        yield ray

    monkeypatch.setattr(cluster, "cluster", there)
    return addresses


def rows_in(folder: str | Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(folder).to_pylist()
    return rows


@needs_scale
def test_the_rows_are_those_that_read_to_writes(
    here: Path, on_ray: list[str | None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_app(["read", "scans", "--to", "plain.parquet"]) == 2
    capsys.readouterr()
    assert run_app(["read", "scans", "--to", "out", *RAY]) == 2
    assert capsys.readouterr() == ("out: 5 pictures, 8 digits; 1 picture could not be read\n", "")
    assert on_ray == [None]
    assert rows_in("out") == rows_in("plain.parquet")
    assert list(pyarrow.parquet.read_schema(next(Path("out").glob("part-*"))).names) == list(COLUMNS)
    assert sorted(path.name.partition("-")[0] for path in Path("out").iterdir()) == ["_job.json", "_job.lock", "part"]

    before = content(here)
    assert run_app(["read", "scans", "--to", "out", *RAY]) == 2
    assert_one_line(
        capsys, "out already holds rows that were read earlier. Add --resume to continue, or choose another name."
    )
    assert run_app(["read", "scans", "--to", "out", "--resume", "--threshold", "0.5", *RAY]) == 2
    assert_one_line(capsys, "out was begun differently: threshold 0.", ", not 0.5. Use the same")
    assert content(here) == before

    shutil.copy("scans/a.png", "scans/f.png")
    assert run_app(["read", "scans", "nowhere.png", "--to", "out", "--resume", "--jobs", "1", *RAY]) == 2
    told = "7 pictures, 12 digits; 5 pictures read earlier; 2 pictures could not be read"
    assert capsys.readouterr().out == f"out: {told}\n"
    assert {name: kept for name, kept in content(here).items() if name in before} == before
    assert Counter(row["file"] for row in rows_in("out"))["scans/a.png"] == 4


@needs_scale
def test_each_picture_is_read_once_though_a_process_is_killed(here: Path, ray: Any) -> None:
    reader, job = DiesOnce(threads=1), small_job(here)
    reader.mark = here / "mark"
    shutil.copy("scans/a.png", "scans/f.png")
    assert added(read_parts(ray, reader, job, 2))[2:6] == (6, 12, 1, 0)
    assert reader.mark.exists()
    assert_each_once(6, 12)
    assert [path.name for path in Path("out").iterdir() if path.name.startswith(".")] == []


@needs_scale
@pytest.mark.slow
def test_a_process_that_lists_and_is_killed_leaves_no_picture_out_unsaid(here: Path, ray: Any) -> None:
    lost = small_job(here)._replace(sources=("scans", str(here / "pipe.txt")))
    os.mkfifo("pipe.txt")  # whoever lists waits here
    raised: list[BaseException] = []

    def read() -> None:
        try:
            added(read_parts(ray, Reader(threads=1), lost, 1))
        except BaseException as error:
            raised.append(error)

    reading = threading.Thread(target=read)
    reading.start()
    wait_until(lambda: len(list(Path("out").glob("part-*"))) == 2)
    lists = [pid for pid in descendants(os.getpid()) if "parts_to_read" in title(pid)]
    os.kill(*lists, signal.SIGKILL)
    while reading.is_alive():
        with contextlib.suppress(OSError):  # nobody reads the pipe yet
            os.close(os.open("pipe.txt", os.O_WRONLY | os.O_NONBLOCK))
        reading.join(0.05)
    assert [getattr(error, "key", error) for error in raised] in ([], ["reading.listing_ended"])
    if not raised:
        assert_each_once(5, 8)


@needs_scale
@pytest.mark.slow
def test_a_cluster_that_runs_is_joined_and_stays(here: Path, ray: Any) -> None:
    """Its token stands in the environment, which the command inherits."""
    address = ray.get_runtime_context().gcs_address
    command = [
        sys.executable,
        "-m",
        "mnistlab",
        "read",
        "scans",
        "--to",
        "out",
        "--jobs",
        "1",
        *RAY,
        "--address",
        address,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "")  # nothing of Ray's either
    assert done.stdout == "out: 5 pictures, 8 digits; 1 picture could not be read\n"
    assert_each_once(5, 8)
    assert ray.cluster_resources()["CPU"] == 2


@needs_scale
@pytest.mark.slow
def test_a_picture_that_kills_its_process_each_time_is_a_row_with_its_error(here: Path, ray: Any) -> None:
    Image.new("L", (99, 60), 255).save("scans/b.png")
    reader = DiesAt(threads=1)
    reader.width = 99
    assert added(read_parts(ray, reader, small_job(here), 1))[2:6] == (5, 6, 2, 0)
    errors = {row["file"]: row["error"] for row in rows_in("out") if row["error"]}
    assert errors["scans/b.png"].startswith("scans/b.png cannot be read: 3 processes died while reading it")


def small_job(here: Path) -> Job:
    """Parts of two pictures."""
    return Job(("scans",), False, str(here / "out"), str(here), size=2)


def added(tallies: Iterator[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total = total.plus(tally)
    return total


def assert_each_once(pictures: int, digits: int) -> None:
    """So many are in the output, each once, and d.png with its error."""
    rows = rows_in("out")
    assert len({row["file"] for row in rows}) == pictures
    assert sum(row["value"] is not None for row in rows) == digits
    assert max(Counter((row["file"], row["position"]) for row in rows).values()) == 1
    assert [row["file"] for row in rows if row["error"] is not None] == ["scans/d.png"]


@needs_scale
def test_from_a_store_into_a_store(here: Path, on_ray: list[str | None], capsys: pytest.CaptureFixture[str]) -> None:
    from mnistlab.reading.sources import content_of, entries, write_to

    for path in Path("scans").iterdir():
        write_to(f"s3://scans/in/{path.name}", path.read_bytes())
    command = ["read", "s3://scans/in/", "--to", "s3://scans/digits", "--jobs", "1", *RAY]
    assert run_app(command) == 2
    assert capsys.readouterr() == ("s3://scans/digits: 5 pictures, 8 digits; 1 picture could not be read\n", "")
    assert [name.partition("-")[0] for name, _ in entries("s3://scans/digits")] == ["_job.json", "part"]
    assert json.loads(content_of("s3://scans/digits/_job.json"))["columns"] == list(COLUMNS)
    assert run_app(command) == 2
    assert_one_line(capsys, "s3://scans/digits already holds rows that were read earlier.")
    assert run_app(["read", "s3://no-such-bucket/", "--to", "out", *RAY]) == 2
    assert_one_line(capsys, "s3://no-such-bucket/ cannot be reached: ", "AWS_ACCESS_KEY_ID")


@needs_scale
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_command_that_is_killed_goes_on_with_each_picture_once(
    here: Path, on_ray: list[str | None], capsys: pytest.CaptureFixture[str]
) -> None:
    count = 3 * parts.PART
    picture = Image.open("scans/a.png").resize((80, 30))
    for number in range(count):
        picture.save(f"scans/{number:03}.png")
    command = ["read", "scans", "--to", "out", *RAY]
    below = set[int]()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # for what Ray leaves when it is killed
        given = {**os.environ, "TMPDIR": folder}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen([sys.executable, "-m", "mnistlab", *command], env=given, **quiet) as driver:  # type: ignore[call-overload]
            try:
                wait_until(lambda: driver.poll() is not None or list(Path("out").glob("part-*")))
                below = descendants(driver.pid)
            finally:
                driver.kill()
        wait_until(lambda: not any(map(of_ray, below)))
    there = list(Path("out").glob("part-*"))
    assert there
    Path("out/.part-x.parquet.1.tmp").touch()  # as a kill leaves it
    assert run_app([*command, "--resume"]) == 2
    read_before = len({row["file"] for path in there for row in rows_in(path)})
    told = f"{count + 5} pictures, {4 * count + 8:,} digits; {counted(read_before, 'picture')} read earlier"
    assert told in capsys.readouterr().out
    assert_each_once(count + 5, 4 * count + 8)
    assert list(Path("out").glob(".*")) == []


# without a cluster


@pytest.fixture
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray counts as installed, and is not begun."""
    monkeypatch.setattr(read_on_ray, "require", lambda *_: None)
    monkeypatch.setattr(cluster, "cluster", lambda address: contextlib.nullcontext(OneCore()))


class OneCore:
    """A cluster that does nothing."""

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 1.0}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            [],
            [
                "--engine ray writes a folder of Parquet files, but --to does not name a folder",
                "Add --to with a folder",
            ],
        ),
        (["--to", "-"], ["--to does not name a folder"]),
        (["--to", "out.csv"], ["--to out.csv is the name of a file", "Name a folder, such as --to digits"]),
        (["--to", "out.parquet"], ["--to out.parquet is the name of a file"]),
        (["--to", "scans"], ["scans holds something other than the rows"]),
        (["--to", "mine", "--resume"], ["mine holds something other than the rows"]),
        (["--to", "file"], ["file is a file, not a folder"]),
        (["--to", "file/deep"], ["file is a file, not a folder"]),
        (["--to", "other", "--resume"], ["other holds something other than the rows"]),
        (["--to", "older", "--resume"], ["older was begun differently: mnistlab older, not "]),
        (["--to", "ftp://a/b"], ["ftp://a/b is not the address of an object store", "s3://bucket/folder"]),
        (["--to", "out", "--json"], ["--json would have no effect with --engine ray"]),
        (["--to", "out", "--annotate", "boxes", "--table"], ["--annotate, --table would have no effect"]),
        (["--to", "out", "--field", "a=0,0,1,1", "--csv", "a.csv"], ["--field, --csv would have no effect"]),
        (["--to", "out", "-"], ["no picture can be read from standard input (-)"]),
        (
            ["--to", "out", "--jobs", "0"],
            ["Number of processes 0 is out of range", "Choose a whole number from 1 to 100,000"],
        ),
        (["--to", "out", "--model", "nothing.onnx"], ["There is no model nothing.onnx"]),
        (["--to", "out", "--engine", "dask"], ["--engine", "'dask'"]),
        (["--to", "out", "--engine", "plain", "--address", "auto"], ["--address would have no effect without"]),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    here: Path, no_ray: None, capsys: pytest.CaptureFixture[str], arguments: list[str], words: list[str]
) -> None:
    for name, job in (
        ("mine", None),
        ("other", "no JSON"),
        ("older", json.dumps({"columns": COLUMNS, "mnistlab": "older"})),
    ):
        Path(name).mkdir()
        Path(name, "notes.txt" if job is None else "_job.json").write_text(job or "mine")
    Path("file").touch()
    before = content(here)
    assert run_app(["read", "scans", *RAY, *arguments]) == 2
    assert_one_line(capsys, *words)
    assert content(here) == before


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("empty", "There are no pictures in empty. The name of a picture must end in"),
        ("scans/*.pdf", "There are no pictures in scans/*.pdf"),
        ("empty.txt", "There are no pictures in empty.txt"),
        ("none.txt", "There is no file none.txt"),
        ("http://a/b.png", "http://a/b.png is not the address of an object store"),
    ],
)
def test_what_holds_no_picture_is_named_and_the_others_are_read(
    here: Path,
    no_ray: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    words: str,
) -> None:
    Path("empty").mkdir()
    Path("empty.txt").touch()
    assert run_app(["read", source, "--to", "out", *RAY]) == 2
    assert_one_line(capsys, words)
    assert not Path("out").exists()
    asked: list[tuple[str, ...]] = []

    def noted(ray: Any, reader: Any, job: parts.Job, processes: int) -> Iterator[Tally]:
        asked.append(job.sources)
        yield Tally(pictures=3, digits=7)

    monkeypatch.setattr(parts, "read_parts", noted)
    assert run_app(["read", source, "scans", "--to", "out", *RAY]) == 2
    out, err = capsys.readouterr()
    assert out == "out: 3 pictures, 7 digits\n"
    assert words in err
    assert asked == [("scans",)]


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (StorageFailure("files.disk_full", path="out/part-1.parquet"), 1, ["the disk is full", "again with --resume."]),
        (Failure("reading.ray_failed", reason="The actor died"), 1, ["The actor died", "continue with --resume"]),
        (KeyboardInterrupt(), 130, ["Interrupted: the rows of 3 pictures were added to out. Continue with --resume."]),
    ],
    ids=["full disk", "Ray", "Ctrl-C"],
)
def test_what_ends_a_job_is_a_sentence_and_how_to_go_on(
    here: Path,
    no_ray: None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    words: list[str],
) -> None:
    def ends(*_: Any) -> Iterator[Tally]:
        yield Tally(pictures=5, before=2)
        raise error

    monkeypatch.setattr(parts, "read_parts", ends)
    assert run_app(["read", "scans", "--to", "out", *RAY]) == code
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert all(word in line for word in words)
    assert sorted(path.name for path in Path("out").iterdir()) == ["_job.json", "_job.lock"]


def test_rows_that_another_machine_keeps_for_itself_are_missed(
    here: Path, no_ray: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "read_parts", lambda *_: (yield Tally(part="part-1.parquet", pictures=3)))
    assert run_app(["read", "scans", "--to", "out", *RAY]) == 2
    assert_one_line(
        capsys, "Rows were written on another machine, and are not in", "that all machines of the cluster share"
    )


def test_two_commands_do_not_write_one_folder(here: Path, no_ray: None, capsys: pytest.CaptureFixture[str]) -> None:
    from mnistlab.locks import file_lock

    Path("out").mkdir()
    with file_lock(Path("out/_job.lock")):
        assert run_app(["read", "scans", "--to", "out", *RAY]) == 2
    assert_one_line(capsys, "out is being written by another process. Wait until the other process has ended.")
    assert [path.name for path in Path("out").iterdir()] == ["_job.lock"]


def test_without_ray_the_install_line_is_given(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies, "find_missing", lambda packages: ["ray"] if "ray" in packages else [])
    assert run_app(["read", "scans", "--to", "out", *RAY]) == 2
    assert_one_line(capsys, "not installed: ray", "uv sync --extra scale")
    assert not Path("out").exists()


def test_an_address_where_nothing_answers_leaves_nothing(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    monkeypatch.setattr(read_on_ray, "require", lambda *_: None)
    monkeypatch.setattr(cluster, "import_ray", lambda **_: None)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert run_app(["read", "scans", "--to", "out", *RAY, "--address", f"127.0.0.1:{port}"]) == 2
    assert_one_line(
        capsys, f"No Ray cluster can be reached at '127.0.0.1:{port}': Connection refused", "that --address is right"
    )
    assert not Path("out").exists()
