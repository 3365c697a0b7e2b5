from __future__ import annotations

import contextlib
import errno
import fcntl
import gc
import gzip
import hashlib
import http.server
import io
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import tracemalloc
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.error import URLError

import numpy as np
import pytest
import torchvision.datasets

from mnistlab.data import download as fetching
from mnistlab.data import mirrors
from mnistlab.data.dataset import find_spec, import_files, open_dataset
from mnistlab.data.download import MISSING, inspect_files, read_files
from mnistlab.data.mirrors import PacedResponse
from mnistlab.errors import Failure, UserError
from mnistlab.messages.sentences import Clause
from tests.support.raw_files import idx, small, write_raw
from tests.support.waiting import LIMIT

MNIST = find_spec("mnist")
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = (file.name for file in MNIST.files)
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
needs_fashion = pytest.mark.skipif(
    not DEBIAN.is_dir()
    and "MNISTLAB_NEEDS_FASHION" not in os.environ,  # .ci/run sets it: there they must not be skipped
    reason="needs the real Fashion-MNIST: apt-get install dataset-fashion-mnist",
)


@pytest.fixture(autouse=True)
def no_mirrors(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here uses the internet: torchvision's mirrors are a local port that refuses, with or without a network."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    for name in ("MNIST", "FashionMNIST", "KMNIST"):
        monkeypatch.setattr(getattr(torchvision.datasets, name), "mirrors", [address])
    monkeypatch.setattr(torchvision.datasets.EMNIST, "url", address + "gzip.zip")
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """The folder of MNIST's raw files below `tmp_path`, empty."""
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    return folder


def fill(raw: Path, data_dir: Path, *names: str) -> None:
    """Put intact MNIST files into `raw`."""
    for name in names or [file.name for file in MNIST.files]:
        shutil.copy(data_dir / "MNIST" / "raw" / name, raw)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_labels(data: Path, download: bool = False) -> list[int]:
    """The test labels, read through mnistlab: the smallest file, so that the reading itself is quick."""
    return read_files(MNIST, MNIST.files[3:], data, download)[0].tolist()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# The copy in the package


def test_an_empty_folder_is_filled_with_the_real_mnist(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    images, labels = open_dataset("mnist", tmp_path / "new").read("test")
    assert (images.shape, labels.shape) == ((10_000, 28, 28), (10_000,))
    raw = tmp_path / "new" / "MNIST" / "raw"
    assert {name: digest(raw / name) for name in (f.name for f in MNIST.files)} == {
        f.name: f.sha256 for f in MNIST.files
    }
    assert names(raw) - {f.name for f in MNIST.files} <= {"checksums.json", ".fetch.lock"}
    assert not warnings_in(caplog)


def test_what_is_there_is_not_fetched_again(tmp_path: Path, raw: Path, data_dir: Path) -> None:
    fill(raw, data_dir)
    before = {path: path.stat().st_mtime_ns for path in raw.iterdir()}
    read_labels(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in raw.iterdir()} == before  # not even a lock file is new


def test_a_missing_file_is_fetched(tmp_path: Path, raw: Path, data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(raw, data_dir, TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES)
    assert read_labels(tmp_path)[:3] == [7, 2, 1]
    assert digest(raw / TEST_LABELS) == MNIST.files[3].sha256
    assert not warnings_in(caplog)


def flip(content: bytes) -> bytes:
    """One bit of the twenty-first byte from the end is changed."""
    return content[:-20] + bytes([content[-20] ^ 1]) + content[-19:]


@pytest.mark.parametrize(
    ("damage", "words"),
    [(flip, "has SHA-256"), (lambda content: content[:-1], "is truncated: 10,007 bytes"), (lambda _: b"", "is empty")],
    ids=["flipped byte", "truncated", "empty"],
)
def test_a_corrupt_file_is_named_kept_and_fetched_again(
    tmp_path: Path, raw: Path, data_dir: Path, caplog: pytest.LogCaptureFixture, damage: object, words: str
) -> None:
    fill(raw, data_dir)
    assert callable(damage)
    wrong = damage((raw / TEST_LABELS).read_bytes())
    (raw / TEST_LABELS).write_bytes(wrong)
    assert read_labels(tmp_path)[:3] == [7, 2, 1]
    assert digest(raw / TEST_LABELS) == MNIST.files[3].sha256
    assert (raw / f"{TEST_LABELS}.corrupt").read_bytes() == wrong
    (warning,) = warnings_in(caplog)
    assert str(raw / TEST_LABELS) in warning
    assert words in warning


def test_inspection_tells_and_changes_nothing(tmp_path: Path, raw: Path, data_dir: Path) -> None:
    fill(raw, data_dir, TRAIN_LABELS, TEST_LABELS)
    (raw / TEST_LABELS).write_bytes(b"x")
    found = inspect_files(MNIST, tmp_path)
    images, test_images = (Clause(MISSING, file=name) for name in (TRAIN_IMAGES, TEST_IMAGES))
    assert found == {
        TRAIN_IMAGES: images, TRAIN_LABELS: None, TEST_IMAGES: test_images, TEST_LABELS: Clause("data.not_idx", file=TEST_LABELS)
    }  # fmt: skip
    assert names(raw) == {TRAIN_LABELS, TEST_LABELS}


def test_folders_of_killed_processes_are_cleared_away(tmp_path: Path, raw: Path, data_dir: Path) -> None:
    fill(raw, data_dir, TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES)
    (raw / ".fetch-abc" / "MNIST").mkdir(parents=True)
    (raw / ".fetch-abc" / "MNIST" / "part").write_bytes(b"x" * 1000)
    read_labels(tmp_path)
    assert not list(raw.glob(".fetch-*"))


@pytest.mark.parametrize("sums", ["", "{", "[1, 2]", '{"t10k-labels-idx1-ubyte": 3}'])
def test_a_damaged_list_of_sums_is_no_obstacle(tmp_path: Path, raw: Path, data_dir: Path, sums: str) -> None:
    fill(raw, data_dir)
    (raw / "checksums.json").write_text(sums)
    assert read_labels(tmp_path)[:3] == [7, 2, 1]


def test_data_are_fetched_where_files_cannot_be_locked(
    tmp_path: Path, raw: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(raw, data_dir, TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES)
    monkeypatch.setattr(fcntl, "flock", Mock(side_effect=OSError(errno.EOPNOTSUPP, "no locks")))
    assert read_labels(tmp_path)[:3] == [7, 2, 1]
    assert not list(raw.glob(".fetch*"))


def test_a_link_to_a_data_folder_that_is_gone_is_the_user_s_to_mend(tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(tmp_path / "gone")
    with pytest.raises(UserError, match=r"data is a link to .*gone, which does not exist"):
        open_dataset("mnist", tmp_path / "data").read("test")
    assert not (tmp_path / "gone").exists()


def test_two_processes_that_start_at_once_both_succeed(tmp_path: Path) -> None:
    """This process and another one, which has everything imported at the start signal; both unpack the copy."""
    code = (
        "import sys; from mnistlab import open_dataset; print('ready', flush=True); sys.stdin.readline();"
        "print(open_dataset('mnist', sys.argv[1]).read('test')[1].sum())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "data")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "ready\n"
        other.stdin.write("\n")
        other.stdin.flush()
        mine = open_dataset("mnist", tmp_path / "data").read("test")[1].sum()
        theirs = other.communicate(timeout=LIMIT)
    assert (theirs[0], other.returncode) == (f"{mine}\n", 0), theirs[1]
    raw = tmp_path / "data" / "MNIST" / "raw"
    assert all(digest(raw / file.name) == file.sha256 for file in MNIST.files)
    assert not list(raw.glob(".*.tmp")) + list(raw.glob(".fetch-*")) + list(raw.glob("*.corrupt"))


@pytest.fixture
def locked(data_dir: Path, tmp_path: Path) -> Iterator[Path]:
    """The folder with intact MNIST, in a place where this process may not write."""
    place = tmp_path / "locked"
    if os.geteuid() == 0:  # permission bits mean nothing to root, a read-only mount does
        place.mkdir()
        for command in (["mount", "--bind", str(data_dir), str(place)], ["mount", "-o", "remount,ro,bind", str(place)]):
            if (done := subprocess.run(command, capture_output=True, text=True, check=False)).returncode:
                pytest.skip(f"cannot mount read-only: {done.stderr.strip()}")
        yield place
        subprocess.run(["umount", str(place)], check=True)
    else:
        shutil.copytree(data_dir, place)
        folders = [place, place / "MNIST", place / "MNIST" / "raw"]
        for folder in folders:
            folder.chmod(0o555)
        yield place
        for folder in folders:
            folder.chmod(0o755)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_intact_data_in_a_folder_without_write_access_is_read(locked: Path) -> None:
    assert not os.access(locked / "MNIST" / "raw", os.W_OK)
    assert read_labels(locked)[:3] == [7, 2, 1]


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_missing_data_in_a_folder_without_write_access_is_the_user_s_to_mend(locked: Path) -> None:
    with pytest.raises(UserError, match="no write access"):
        open_dataset("fashion", locked).read("test")


def test_a_data_folder_that_is_a_file_is_the_user_s_to_mend(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"x")
    with pytest.raises(UserError, match="data"):
        open_dataset("mnist", tmp_path / "data").read("test")


@pytest.mark.parametrize("name", ["fashion", "kmnist", "emnist-letters"])
def test_what_can_be_had_from_nowhere_is_answered_with_import(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="could not be fetched") as caught:
        open_dataset(name, tmp_path).read("train")
    assert f"mnistlab data --dataset {name} --from DIR" in caught.value.command_remedy
    assert "refused" in caught.value.message
    assert not re.search("urlopen|Errno", caught.value.message)
    assert names(tmp_path / find_spec(name).folder) <= {".fetch.lock"}


def test_damage_is_noticed_where_only_the_fetching_recorded_the_sums(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spec = small("kmnist")
    import_files(spec, write_raw(spec, tmp_path / "theirs"), tmp_path / "data")
    path = tmp_path / "data" / "KMNIST" / "raw" / TRAIN_IMAGES
    good = path.read_bytes()
    assert read_files(spec, spec.files, tmp_path / "data")[0].shape == (6, 28, 28)
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(UserError, match="could not be fetched"):
        read_files(spec, spec.files, tmp_path / "data")
    assert [TRAIN_IMAGES in message and "has SHA-256" in message for message in warnings_in(caplog)] == [True]


def test_data_that_changes_while_it_is_read_is_told_in_the_users_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = small("kmnist")
    (write_raw(spec, tmp_path) / TRAIN_IMAGES).write_bytes(b"wrong")
    monkeypatch.setattr(fetching, "fetch", lambda *_: None)  # another process has damaged the file again
    with pytest.raises(Failure, match=r"kmnist changed while it was being read: .* is not an IDX file\.") as caught:
        read_files(spec, spec.files, tmp_path)
    assert f"{TRAIN_IMAGES} n'est pas un fichier IDX." in caught.value.for_command_line("fr")


def test_damage_is_noticed_in_files_that_somebody_else_put_there(tmp_path: Path) -> None:
    spec = small("kmnist")
    path = write_raw(spec, tmp_path) / TRAIN_IMAGES
    read_files(spec, spec.files, tmp_path)
    assert inspect_files(spec, tmp_path)[TRAIN_IMAGES] is None
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "has SHA-256" in str(inspect_files(spec, tmp_path)[TRAIN_IMAGES])


# Mirrors


@dataclass
class Mirror:
    """A server on this machine: its address, and what it was asked for."""

    address: str
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def zipped(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MNIST's four files as .gz."""
    folder = tmp_path_factory.mktemp("zipped")
    for file in MNIST.files:
        content = (data_dir / "MNIST" / "raw" / file.name).read_bytes()
        (folder / f"{file.name}.gz").write_bytes(gzip.compress(content, 1))
    return folder


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Mirror, Path]]:
    """An HTTP server that torchvision takes for MNIST's mirror, and the folder that it serves."""
    root = tmp_path / "site"
    root.mkdir()
    mirror = Mirror("")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(root))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            mirror.asked.append(self.path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        mirror.address = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [mirror.address])
        monkeypatch.setattr(mirrors, "PATIENCE_WITH_COPY", 600.0)  # a busy machine is not a slow mirror
        monkeypatch.setattr(mirrors, "clock", lambda: 0.0)
        yield mirror, root
        server.shutdown()
        thread.join()


def publish(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torchvision expect the .gz files as they are in `root`."""
    rows = [
        (name, hashlib.md5((root / name).read_bytes()).hexdigest()) for name, _ in torchvision.datasets.MNIST.resources
    ]
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", rows)


def test_torchvision_s_download_is_used(
    site: tuple[Mirror, Path],
    zipped: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    mirror, root = site
    shutil.copytree(zipped, root, dirs_exist_ok=True)
    publish(root, monkeypatch)
    with caplog.at_level(logging.INFO, "mnistlab.data"):
        assert read_labels(tmp_path / "data", download=True)[:3] == [7, 2, 1]
    assert "mnist: downloaded by torchvision" in caplog.messages
    assert {path.strip("/") for path in mirror.asked} == {f"{file.name}.gz" for file in MNIST.files}
    raw = tmp_path / "data" / "MNIST" / "raw"
    assert {file.name: digest(raw / file.name) for file in MNIST.files} == {f.name: f.sha256 for f in MNIST.files}
    assert names(raw) == {file.name for file in MNIST.files} | {"checksums.json", ".fetch.lock"}


def test_a_mirror_with_corrupt_files_gives_way_to_the_copy(
    site: tuple[Mirror, Path],
    zipped: Path,
    tmp_path: Path,
    raw: Path,
    data_dir: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fill(raw, data_dir, TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES)
    mirror, root = site
    for path in zipped.iterdir():
        (root / path.name).write_bytes(flip(path.read_bytes()))
    with caplog.at_level(logging.INFO, "mnistlab.data"):
        assert read_labels(tmp_path, download=True)[:3] == [7, 2, 1]
    assert mirror.asked
    assert any("the mirrors could not be used" in message for message in caplog.messages)
    assert "; unpacked the copy that ships with mnistlab" in caplog.messages[-1]


def test_a_mirror_with_other_files_gives_way_to_the_copy(
    site: tuple[Mirror, Path],
    zipped: Path,
    tmp_path: Path,
    raw: Path,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Files that satisfy torchvision's own sum, but not ours."""
    fill(raw, data_dir, TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES)
    _, root = site
    shutil.copytree(zipped, root, dirs_exist_ok=True)
    labels = np.zeros(10_000, np.uint8)
    (root / f"{TEST_LABELS}.gz").write_bytes(gzip.compress(idx(labels)))
    publish(root, monkeypatch)
    with caplog.at_level(logging.INFO, "mnistlab.data"):
        assert read_labels(tmp_path, download=True)[:3] == [7, 2, 1]
    assert any(f"{TEST_LABELS} from the mirrors has SHA-256" in message for message in caplog.messages)
    assert digest(raw / TEST_LABELS) == MNIST.files[3].sha256


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # torchvision leaves the server's 404 answers open
def test_a_mirror_without_the_files_gives_way_to_the_copy(
    site: tuple[Mirror, Path], tmp_path: Path, raw: Path, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(raw, data_dir, TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES)
    mirror, _ = site
    with caplog.at_level(logging.INFO, "mnistlab.data"):
        assert read_labels(tmp_path, download=True)[:3] == [7, 2, 1]
    assert mirror.asked
    assert any("404" in message for message in caplog.messages)
    gc.collect()  # those answers, before another test is blamed for them


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[list[socket.socket]]:
    """A mirror that accepts connections, sends the test's parameter, and then nothing; yields the connections."""
    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connections.append(connection)
                if request.param:
                    connection.recv(1000)
                    connection.sendall(request.param)

        thread = threading.Thread(target=accept)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [address])
        monkeypatch.setattr(mirrors, "PATIENCE_WITH_COPY", 0.5)
        yield connections
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in connections:
            connection.close()


@pytest.mark.parametrize(
    "hanging",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50_000],
    ids=["at once", "half-way"],
    indirect=True,
)
def test_a_mirror_that_hangs_is_given_up(
    hanging: list[socket.socket], tmp_path: Path, raw: Path, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(raw, data_dir, TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES)  # so that little is to be unpacked
    before = socket.getdefaulttimeout()
    with caplog.at_level(logging.INFO, "mnistlab.data"):
        assert read_labels(tmp_path, download=True)[:3] == [7, 2, 1]
    assert hanging  # it was asked
    assert "timed out" in caplog.messages[-1]
    assert "; unpacked the copy that ships with mnistlab" in caplog.messages[-1]
    assert socket.getdefaulttimeout() == before


class Ticking:
    """A clock that advances by `step` seconds each time that it is read, until `stopped`."""

    def __init__(self, step: float, stopped: Callable[[], object] = lambda: False) -> None:
        self.now, self.step, self.stopped = 0.0, step, stopped

    def __call__(self) -> float:
        self.now += 0 if self.stopped() else self.step
        return self.now


class Dripping(io.BytesIO):
    """A response that has at most `piece` bytes ready at a time."""

    def __init__(self, content: bytes, piece: int) -> None:
        super().__init__(content)
        self.piece = piece

    def read1(self, amount: int | None = -1) -> bytes:
        return self.read(min(self.piece, amount or 0))


@pytest.mark.parametrize(("piece", "enough"), [(2_000, False), (49_000, False), (51_000, True), (1_000_000, True)])
def test_the_rate_of_a_mirror_decides(piece: int, enough: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece comes each second."""
    monkeypatch.setattr(mirrors, "clock", Ticking(1))
    content = bytes(range(256)) * 4_000
    reasons: list[str] = []
    response = PacedResponse(Dripping(content, piece), reasons.append)
    if enough:
        chunks = list(iter(lambda: response.read(510_000), b""))
        assert b"".join(chunks) == content
        assert [len(chunk) for chunk in chunks] == [510_000, 510_000, 4_000]
        assert not reasons
    else:
        with pytest.raises(URLError, match="kB/s is too slow: at least 50 kB/s is expected"):
            response.read(len(content))
        assert [str(reason) for reason in reasons] == [
            f"{piece / 1000:.1f} kB/s is too slow: at least 50 kB/s is expected"
        ]


@pytest.fixture
def slow(site: tuple[Mirror, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A mirror from which, by the clock put in, a piece comes each hour; the clock stops when `site` is asked."""
    mirror, (fast, _) = Mirror(""), site
    monkeypatch.setattr(mirrors, "clock", Ticking(3600, lambda: fast.asked))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            mirror.asked.append(self.path)
            with contextlib.suppress(OSError):  # nobody is listening any more
                self.send_response(200)
                self.send_header("Content-Length", "100000")
                self.end_headers()
                self.wfile.write(bytes(100_000))

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        mirror.address = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield mirror
        server.shutdown()
        thread.join()


def test_after_a_slow_mirror_the_next_is_asked(
    slow: Mirror,
    site: tuple[Mirror, Path],
    zipped: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    mirror, root = site
    shutil.copytree(zipped, root, dirs_exist_ok=True)
    publish(root, monkeypatch)
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [slow.address, mirror.address])
    with caplog.at_level(logging.INFO, "mnistlab.data"):
        assert read_labels(tmp_path / "data", download=True)[:3] == [7, 2, 1]
    assert "mnist: downloaded by torchvision" in caplog.messages
    assert len(set(slow.asked)) == 1  # for the first file only, then never again
    assert {path.strip("/") for path in mirror.asked} == {f"{file.name}.gz" for file in MNIST.files}


def test_after_slow_mirrors_alone_the_copy_is_used_with_one_sentence(
    slow: Mirror,
    tmp_path: Path,
    raw: Path,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fill(raw, data_dir, TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES)
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [slow.address])
    before = urllib.request._opener  # type: ignore[attr-defined]
    with caplog.at_level(logging.INFO, "mnistlab.data"):
        assert read_labels(tmp_path, download=True)[:3] == [7, 2, 1]
    asking, told = caplog.messages
    assert asking == "mnist: asking torchvision's mirrors"
    assert "the mirrors could not be used: " in told
    assert "kB/s is too slow: at least 50 kB/s is expected;" in told
    reason: Any = caplog.records[-1].msg
    assert "c'est trop lent" in reason.said("fr")
    assert told.endswith("; unpacked the copy that ships with mnistlab")
    assert urllib.request._opener is before  # type: ignore[attr-defined]


def test_the_copy_is_used_at_once_and_no_mirror_asked(
    site: tuple[Mirror, Path], tmp_path: Path, raw: Path, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(raw, data_dir, TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES)
    mirror, _ = site
    with caplog.at_level(logging.INFO, "mnistlab.data"):
        assert read_labels(tmp_path)[:3] == [7, 2, 1]
    assert caplog.messages == ["mnist: unpacked the copy that ships with mnistlab"]
    assert not mirror.asked


def test_a_damaged_copy_gives_way_to_the_mirrors(
    site: tuple[Mirror, Path], zipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror, root = site
    shutil.copytree(zipped, root, dirs_exist_ok=True)
    publish(root, monkeypatch)
    monkeypatch.setattr(fetching.resources, "files", lambda _: tmp_path / "nowhere")
    assert read_labels(tmp_path / "data")[:3] == [7, 2, 1]
    assert mirror.asked


def test_a_folder_of_pictures_cannot_be_downloaded(pictures: Path) -> None:
    with pytest.raises(UserError, match=r"^There is nothing to download: .* is a folder of pictures\."):
        open_dataset(str(pictures), download=True)


# Importing


@pytest.mark.parametrize("folder", ["", "raw", "MNIST/raw"])
@pytest.mark.parametrize("zip_it", [False, True], ids=["plain", "gz"])
def test_files_are_taken_over(folder: str, zip_it: bool, tmp_path: Path) -> None:
    spec = small("mnist")
    written = write_raw(spec, tmp_path / "theirs")
    source = tmp_path / "source"
    (source / folder).mkdir(parents=True)
    for file in spec.files:
        content = (written / file.name).read_bytes()
        name = file.name + ".gz" * zip_it
        (source / folder / name).write_bytes(gzip.compress(content) if zip_it else content)
    import_files(spec, source, tmp_path / "data")
    for file in spec.files:
        assert (tmp_path / "data" / "MNIST" / "raw" / file.name).read_bytes() == (written / file.name).read_bytes()
    images, labels = read_files(spec, spec.part_files("train"), tmp_path / "data")
    assert (images.shape, labels.shape) == ((6, 28, 28), (6,))


def test_a_folder_can_be_imported_into_itself(tmp_path: Path) -> None:
    spec = small("kmnist")
    folder = write_raw(spec, tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    import_files(spec, folder, tmp_path)
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert names(folder) == {*before, "checksums.json"}


def test_what_is_replaced_by_an_import_is_kept(tmp_path: Path) -> None:
    spec = small("kmnist")
    old = write_raw(spec, tmp_path / "data", seed=1)
    content = (old / TRAIN_IMAGES).read_bytes()
    import_files(spec, write_raw(spec, tmp_path / "new", seed=2), tmp_path / "data")
    assert (old / f"{TRAIN_IMAGES}.corrupt").read_bytes() == content
    assert (old / TRAIN_IMAGES).read_bytes() == (tmp_path / "new" / "KMNIST" / "raw" / TRAIN_IMAGES).read_bytes()


@needs_fashion
def test_the_real_fashion_mnist_is_taken_over(tmp_path: Path) -> None:
    spec = find_spec("fashion")
    import_files(spec, DEBIAN, tmp_path)
    assert set(inspect_files(spec, tmp_path).values()) == {None}
    images, labels = open_dataset("fashion", tmp_path).read("test")
    assert np.bincount(labels).tolist() == [1000] * 10
    assert spec.classes[labels[0]] == "Ankle boot"
    images, _ = open_dataset("fashion", tmp_path).read("train")
    mean = images.sum(dtype=np.int64) / images.size
    mean_of_squares = (np.arange(256) ** 2).astype(np.uint16)[images].sum(dtype=np.int64) / images.size
    assert (round(mean / 255, 4), round((mean_of_squares - mean**2) ** 0.5 / 255, 4)) == (spec.mean, spec.std)


@needs_fashion
def test_fashion_mnist_is_not_taken_for_mnist(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is train-images-idx3-ubyte of fashion, not train-images-idx3-ubyte of mnist"):
        import_files(MNIST, DEBIAN, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_source_that_is_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere is not a folder"):
        import_files(MNIST, tmp_path / "nowhere", tmp_path / "data")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Six train and four test images for KMNIST, in a folder to import from."""
    return write_raw(small("kmnist"), tmp_path / "theirs")


def refused(source: Path, data: Path) -> str:
    """The error of importing the files in `source`, none of which is written."""
    with pytest.raises(UserError) as caught:
        import_files(small("kmnist"), source, data)
    assert not data.exists()
    return str(caught.value)


@pytest.mark.parametrize("name", [TRAIN_IMAGES, TEST_LABELS])
def test_a_missing_file_is_named(name: str, source: Path, tmp_path: Path) -> None:
    (source / name).unlink()
    assert f"There is neither {name} nor {name}.gz in {source}." in refused(source, tmp_path / "data")


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"x" * 1000)[:-30], gzip.compress(b"x")[:-8] + b"\0" * 8, b"\x1f\x8b\x08" + b"\xff" * 50, b""],
    ids=["plain", "truncated", "wrong sum", "nonsense", "empty"],
)  # fmt: skip
def test_a_broken_gzip_file_is_named(content: bytes, source: Path, tmp_path: Path) -> None:
    (source / TEST_LABELS).unlink()
    path = source / f"{TEST_LABELS}.gz"
    path.write_bytes(content)
    text = refused(source, tmp_path / "data")
    assert str(path) in text
    assert "is not an intact gzip file" in text or "is empty" in text


def test_a_gzip_file_that_may_not_be_read_is_not_called_damaged(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source / f"{TRAIN_IMAGES}.gz"
    (source / TRAIN_IMAGES).rename(path)
    monkeypatch.setattr(Path, "read_bytes", Mock(side_effect=PermissionError(errno.EACCES, "Permission denied")))
    assert refused(source, tmp_path / "data") == (
        f"Cannot read {path}: Permission denied. Put a readable file there, or choose another folder."
    )


def test_one_wrong_file_stops_the_import_of_all(source: Path, tmp_path: Path) -> None:
    (source / TEST_LABELS).write_bytes(idx(np.array([0, 1, 2], np.uint8)))
    assert f"{source / TEST_LABELS} holds 3 labels, not 4." in refused(source, tmp_path / "data")


def test_one_wrong_file_leaves_what_was_there(source: Path, tmp_path: Path) -> None:
    old = write_raw(small("kmnist"), tmp_path / "data", seed=1)
    before = {path.name: path.read_bytes() for path in old.iterdir()}
    (source / TEST_LABELS).write_bytes(b"wrong")
    with pytest.raises(UserError, match="is not an IDX file"):
        import_files(small("kmnist"), source, tmp_path / "data")
    assert {path.name: path.read_bytes() for path in old.iterdir()} == before


def test_another_dataset_s_files_are_refused(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is train-images-idx3-ubyte of mnist, not train-images-idx3-ubyte of kmnist"):
        import_files(find_spec("kmnist"), data_dir / "MNIST" / "raw", tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_gzip_bomb_is_refused_without_unpacking_it(source: Path, tmp_path: Path) -> None:
    member = gzip.compress(idx(np.zeros(4, np.uint8)) + bytes(16 << 20))
    (source / TEST_LABELS).unlink()
    (source / f"{TEST_LABELS}.gz").write_bytes(member * 256)  # 4 GiB
    tracemalloc.start()
    try:
        text = refused(source, tmp_path / "data")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "is longer than 12 bytes" in text
    assert peak < 32 << 20


def test_an_import_repairs_what_cannot_be_fetched(tmp_path: Path) -> None:
    spec = replace(small("fashion"), bundled=False)
    with pytest.raises(UserError, match="import_files"):
        read_files(spec, spec.files, tmp_path / "data")
    import_files(spec, write_raw(spec, tmp_path / "theirs"), tmp_path / "data")
    assert len(read_files(spec, spec.files, tmp_path / "data")) == 4


def test_a_dataset_that_torchvision_does_not_offer_has_to_be_imported(tmp_path: Path) -> None:
    spec = replace(find_spec("kmnist"), name="own", torchvision_class="")
    with pytest.raises(
        UserError, match=r"own is missing or damaged in .* \(torchvision does not offer this dataset\)\."
    ) as caught:
        fetching.fetch(spec, tmp_path, download=False)
    assert caught.value.for_command_line().endswith(f"mnistlab data --dataset own --from DIR --data-dir {tmp_path}")
