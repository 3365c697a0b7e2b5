from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import logging
import os
import re
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock, SoftFileLock, Timeout
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.errors import Failure, UserError, shown
from mnistlab.files import (
    check_folder,
    check_target,
    explain_os_errors,
    given_path,
    local_text,
    read_json,
    resolved,
    sha256,
    write_bytes,
    write_json,
    write_output,
)
from mnistlab.locks import file_lock, warn_without_flock

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.mark.parametrize("value", [None, 3, 0.5, [], b"runs", object()], ids=lambda value: type(value).__name__)
def test_what_is_no_path_gets_a_sentence(value: object) -> None:
    with pytest.raises(UserError) as caught:
        given_path(value, "runs_dir")
    assert str(caught.value) == f"runs_dir {shown(value)} is not a path. Give text or a pathlib.Path."


def test_text_and_paths_are_taken_as_a_path(tmp_path: Path) -> None:
    assert given_path("a/b", "runs_dir") == given_path(Path("a/b"), "runs_dir") == Path("a/b")


def mount_tmpfs(folder: Path, options: str) -> None:
    """Mount a RAM disk on `folder`; skip the test where this machine does not let us."""
    if not ROOT:
        pytest.skip("only root can mount a RAM disk")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"cannot mount a RAM disk: {done.stderr.strip()}")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount_tmpfs(folder, "size=64k")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Path]:
    """A folder with `old.txt` in which this process may not write."""
    folder = tmp_path / "locked"
    folder.mkdir()
    if ROOT:  # permission bits mean nothing to root, a read-only disk does
        mount_tmpfs(folder, "size=64k")
        (folder / "old.txt").write_bytes(b"old")
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield folder
        subprocess.run(["umount", str(folder)], check=True)
    else:
        (folder / "old.txt").write_bytes(b"old")
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@given(st.binary(max_size=3000))
def test_what_is_written_is_read(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.bin"
        write_bytes(path, content)
        assert path.read_bytes() == content
        assert names(path.parent) == ["a.bin"]


def test_an_existing_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_bytes(path, b"a long old content")
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.txt"]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a" / "b" / "c.txt", b"x")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == b"x"


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX's")
def test_a_new_file_has_the_umask_s_permissions(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a.txt", b"x")
    (tmp_path / "b.txt").write_bytes(b"x")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a.txt", "b.txt")}
    assert len(modes) == 1


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    contents = {bytes([value]) * 200_000 for value in (1, 2)}
    write_bytes(path, min(contents))
    stop = threading.Event()
    seen: set[bytes] = set()

    def read() -> None:
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(30):
        for content in contents:
            write_bytes(path, content)
    stop.set()
    reader.join()
    assert seen <= contents
    assert seen


def test_writers_at_the_same_time_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    contents = [bytes([value]) * 50_000 for value in range(8)]
    threads = [threading.Thread(target=write_bytes, args=(path, content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents
    assert names(tmp_path) == ["a.bin"]


def test_a_full_disk_leaves_the_old_file(tiny_disk: Path) -> None:
    path = tiny_disk / "a.bin"
    write_bytes(path, b"old")
    with pytest.raises(Failure, match="the disk is full") as caught:
        write_bytes(path, b"x" * 100_000)
    assert str(path) in caught.value.message
    assert "free some space" in caught.value.remedy
    assert path.read_bytes() == b"old"
    assert names(tiny_disk) == ["a.bin"]


def test_a_write_that_fails_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="file size limits are POSIX's")
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))  # Python ignores SIGXFSZ, so that write() says EFBIG
    try:
        with pytest.raises(Failure, match=re.escape(f"Cannot write {path}: {os.strerror(errno.EFBIG)}")):
            write_bytes(path, b"x" * (2 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_folder_without_write_access_is_the_user_s_to_mend(unwritable: Path) -> None:
    for name in ("old.txt", "new.txt"):
        with pytest.raises(UserError, match="no write access") as caught:
            write_bytes(unwritable / name, b"new")
        assert str(unwritable) in caught.value.message
    assert names(unwritable) == ["old.txt"]
    assert (unwritable / "old.txt").read_bytes() == b"old"


@pytest.mark.parametrize("below", ["a.txt", "deeper/a.txt"])
def test_a_path_below_a_file_is_the_user_s_to_mend(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(UserError, match="is a file, not a folder"):
        write_bytes(tmp_path / "file" / below, b"new")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_folder_where_the_file_should_be_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(Failure, match="Cannot write"):
        write_bytes(tmp_path / "a", b"new")
    assert names(tmp_path) == ["a"]
    assert names(tmp_path / "a") == ["b"]


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.EACCES, UserError, "no write access"),
        (errno.EPERM, UserError, "no write access"),
        (errno.EROFS, UserError, "no write access"),
        (errno.ENOTDIR, UserError, "not a folder"),
        (errno.EEXIST, UserError, "not a folder"),
        (errno.ENOSPC, Failure, "disk is full"),
        (errno.EIO, Failure, os.strerror(errno.EIO)),
    ],
)
def test_each_error_of_the_system_is_put_in_words(number: int, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words) as caught, explain_os_errors(Path("there/file.txt")):
        raise OSError(number, os.strerror(number))
    assert isinstance(caught.value, kind)
    assert isinstance(caught.value.__cause__, OSError)


def test_no_file_is_named_that_nobody_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: Any, **__: Any) -> bool:
        raise PermissionError(errno.EACCES, "denied")

    monkeypatch.setattr(Path, "exists", closed)
    with pytest.raises(UserError, match=f"^Cannot write {tmp_path / 'runs'}: no write access to it or to {tmp_path}"):
        check_folder(tmp_path / "runs")


def test_a_name_without_the_ending_or_of_the_ending_alone_is_refused_whole(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^\.png is not a file name with the ending \.png\. Use this name: a\.png"):
        check_target(Path(".png"), "a.png")
    with pytest.raises(UserError, match=r"x\.jpg is not a file name .* Use this name: x+\.png$"):
        check_target(Path("x" * 250 + ".jpg"), "a.png")


def test_a_file_that_may_not_be_read_needs_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: Any, **__: Any) -> str:
        raise PermissionError(errno.EACCES, "denied")

    monkeypatch.setattr(Path, "read_text", closed)
    with pytest.raises(UserError, match="permission to read this file") as caught:
        read_json(tmp_path / "a.json", "remedies.restore_or_train")
    assert caught.value.remedy == "Change the permissions, or ask for access."


def test_other_errors_pass_unchanged() -> None:
    with pytest.raises(KeyError), explain_os_errors(Path("x")):
        raise KeyError("x")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.sampled_from([None, 2]))
def test_json_comes_back_as_it_was(content: Any, indent: int | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.json"
        write_json(path, content, indent)
        assert read_json(path, "remedies.restore_or_train") == content
        assert path.read_bytes().endswith(b"\n")


def test_json_keeps_accents_readable(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"été": "œuf"})
    assert "été" in (tmp_path / "a.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_has_not_are_refused(tmp_path: Path, value: float) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"loss": 1.5})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"loss": value})
    assert json.loads(path.read_text()) == {"loss": 1.5}
    assert names(tmp_path) == ["a.json"]


def test_a_missing_json_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read_json(tmp_path / "a.json", "remedies.restore_or_train")
    assert caught.value.message == f"{tmp_path / 'a.json'} is missing."
    assert caught.value.remedy == "Restore the file, or train again."


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1} x', b"\xff\xfe{}", b"\x00\x01"], ids=repr)
def test_what_is_not_json_is_named_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read") as caught:
        read_json(path, "remedies.restore_or_train")
    assert str(path) in caught.value.message
    assert caught.value.remedy == "Restore the file, or train again."


def test_a_folder_called_like_the_json_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(UserError, match="cannot be read"):
        read_json(tmp_path / "a.json", "remedies.restore_or_train")


def test_json_that_is_nested_too_deeply_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[" * 200_000)
    with pytest.raises(UserError, match="cannot be read"):
        read_json(tmp_path / "a.json", "remedies.restore_or_train")


def test_json_holds_file_names_that_are_not_utf_8(tmp_path: Path) -> None:
    """A path or class folder made on a Latin-1 system reaches Python with a lone surrogate."""
    name = os.fsdecode(b"\xe9t\xe9")
    write_json(tmp_path / "a.json", {"dataset": name})
    assert read_json(tmp_path / "a.json", "remedies.restore_or_train")["dataset"] == name


@given(st.binary())
def test_sha256_is_sha256(content: bytes) -> None:
    assert sha256(content) == hashlib.sha256(content).hexdigest()


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": "é"}', encoding="utf-8-sig")
    assert read_json(tmp_path / "a.json", "remedies.restore_or_train") == {"a": "é"}


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_names_are_spelled_as_this_process_does_whatever_the_locale_they_were_stored_in(name: str) -> None:
    in_ascii = name.encode().decode("ascii", "surrogateescape")
    assert local_text(name) == local_text(in_ascii) == name


@pytest.mark.parametrize("inside", ["", "a", "a/b"])
def test_a_link_to_what_is_not_there_is_named(tmp_path: Path, inside: str) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "gone")
    for attempt in (lambda: check_folder(link / inside), lambda: write_bytes(link / inside / "file", b"")):
        with pytest.raises(UserError, match=r"link is a link to .*gone, which does not exist\.") as caught:
            attempt()
        assert caught.value.remedy == "Create what the link points to, or choose another path."
    assert names(tmp_path) == ["link"]


@pytest.mark.parametrize("inside", ["", "a", "a/b"])
def test_a_link_that_leads_round_in_a_circle_is_named(tmp_path: Path, inside: str) -> None:
    (tmp_path / "loop1").symlink_to("loop2")
    (tmp_path / "loop2").symlink_to("loop1")
    folder = tmp_path / "loop1" / inside
    assert resolved(folder) == folder
    for attempt in (lambda: check_folder(folder), lambda: write_bytes(folder / "file", b"")):
        with pytest.raises(UserError) as caught:
            attempt()
        assert caught.value.message == f"{tmp_path / 'loop1'} is a link that leads back to itself."
        assert caught.value.remedy == "Remove the link, or choose another path."
    assert names(tmp_path) == ["loop1", "loop2"]


@pytest.mark.parametrize("there", [True, False])
def test_a_file_that_the_user_names_is_written_through_its_link(tmp_path: Path, there: bool) -> None:
    link, file = tmp_path / "link.png", tmp_path / "file.png"
    link.symlink_to("file.png")
    if there:
        file.write_bytes(b"old")
    check_target(link, "a.png")
    write_output(link, b"new")
    assert (link.is_symlink(), file.read_bytes()) == (True, b"new")
    assert names(tmp_path) == ["file.png", "link.png"]


def test_a_file_that_is_a_link_in_a_circle_is_refused_and_stays(tmp_path: Path) -> None:
    link = tmp_path / "loop.png"
    link.symlink_to("loop.png")
    for attempt in (lambda: check_target(link, "a.png"), lambda: write_output(link, b"new")):
        with pytest.raises(UserError, match=r"loop\.png is a link that leads back to itself"):
            attempt()
    assert link.readlink() == Path("loop.png")


# locks


@pytest.fixture(params=["ENOSYS", "EOPNOTSUPP", "ENOLCK"])
def no_flock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a file system that has no locks."""

    def refuse(*_: Any) -> None:
        raise OSError(getattr(errno, request.param), "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    warn_without_flock.cache_clear()
    yield
    warn_without_flock.cache_clear()


@pytest.mark.usefixtures("no_flock")
def test_where_there_are_no_locks_a_marker_stands_in_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".lock").touch()  # left by a process on a file system that has locks, and free
    with file_lock(tmp_path / ".lock").acquire(timeout=0):
        assert names(tmp_path) == [".lock", ".lock-held"]
        with pytest.raises(Timeout):
            file_lock(tmp_path / ".lock").acquire(timeout=0)
    with file_lock(tmp_path / ".lock").acquire(timeout=0):
        pass
    assert names(tmp_path) == [".lock"]
    (tmp_path / "another").mkdir()
    assert isinstance(file_lock(tmp_path / "another" / ".lock"), SoftFileLock)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "this file system has no file locks" in caplog.text


@pytest.mark.usefixtures("no_flock")
def test_the_marker_of_a_process_that_was_killed_holds_nobody_up(tmp_path: Path) -> None:
    code = "import os, sys; from filelock import SoftFileLock\n"
    code += "lock = SoftFileLock(sys.argv[1]); lock.acquire(); os._exit(1)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / ".lock-held")], check=False)
    assert names(tmp_path) == [".lock-held"]
    with file_lock(tmp_path / ".lock").acquire(timeout=30):
        pass


def test_where_there_are_locks_nothing_is_said_and_nothing_else_is_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lock = file_lock(tmp_path / ".lock")
    with lock.acquire(timeout=0):
        assert isinstance(lock, FileLock)
        assert names(tmp_path) == [".lock"]
    assert caplog.records == []
