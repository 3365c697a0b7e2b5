"""What folders, patterns and lists of names stand for, here and on a real S3 server of this computer."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnistlab.errors import StorageFailure, UserError
from mnistlab.pictures.decode import MOST_BYTES
from mnistlab.reading import sources
from mnistlab.reading.sources import content_of, in_advance, is_address, names_in, write_to
from tests.support.stores import needs_scale, s3_server

TREE = ["a.png", "b.JPG", "c.txt", "deep/d.pdf", "deep/er/e.png", "deep/.hidden.png", ".trash/f.png", "other/g.tif"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which this process stands, with `TREE` in scans/."""
    for name in TREE:
        path = tmp_path / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The address of a bucket with `TREE` in scans/."""
    with s3_server() as name:
        for each in TREE:
            write_to(f"s3://{name}/scans/{each}", each.encode())
        yield f"s3://{name}"


SOURCES = [
    ("scans", False, ["a.png", "b.JPG"]),
    ("scans/", True, ["a.png", "b.JPG", "deep/d.pdf", "deep/er/e.png", "other/g.tif"]),
    ("scans/*.png", False, ["a.png"]),
    ("scans/*", False, ["a.png", "b.JPG", "c.txt", "deep/d.pdf", "other/g.tif"]),
    ("scans/?e*", True, ["deep/d.pdf", "deep/er/e.png"]),
    ("scans/**/*.png", False, ["a.png", "deep/er/e.png"]),
    ("scans/**", False, ["a.png", "b.JPG", "c.txt", "deep/d.pdf", "deep/er/e.png", "other/g.tif"]),
    ("scans/[do]*/*.[pt]*", False, ["deep/d.pdf", "other/g.tif"]),
    ("scans/nothing/*.png", False, []),
    ("scans/a.png/*", False, []),
    ("scans/c.png", False, ["c.png"]),  # missing: its row says so
]


@pytest.mark.parametrize(("source", "recursive", "names"), SOURCES)
def test_a_source_stands_for_these_files(here: Path, source: str, recursive: bool, names: list[str]) -> None:
    found = list(names_in(source, recursive))
    assert len(found) == len(set(found)) or "**" in source
    assert sorted(set(found)) == [f"scans/{name}" for name in names]
    absolute = list(names_in(str(here / source), recursive))
    assert [os.path.relpath(name, here) for name in absolute] == found


@needs_scale
@pytest.mark.parametrize(("source", "recursive", "names"), SOURCES)
def test_a_store_s_sources_are_those_of_a_folder(bucket: str, source: str, recursive: bool, names: list[str]) -> None:
    assert sorted(set(names_in(f"{bucket}/{source}", recursive))) == [f"{bucket}/scans/{name}" for name in names]


def test_a_list_has_names_of_files_and_of_folders(here: Path) -> None:
    Path("list.txt").write_bytes("\ufeffscans/a.png\r\n\n  missing é.png \nscans/deep/\n".encode() + b"\xff.png")
    found = ["scans/a.png", "missing é.png", "scans/deep/d.pdf", "\udcff.png"]
    assert list(names_in("list.txt", False)) == found
    assert "scans/deep/er/e.png" in list(names_in("list.txt", True))
    Path("folder.TXT").mkdir()
    for name, words in (("none.txt", "There is no file none.txt"), ("folder.TXT", "folder.TXT cannot be read: Is a")):
        with pytest.raises(UserError, match=words):
            list(names_in(name, False))


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(here: Path) -> None:
    Path("scans/page[1].png").touch()
    assert list(names_in("scans/page[1].png", False)) == ["scans/page[1].png"]


def test_links_to_folders_are_no_part_of_a_folder_and_links_to_files_are(here: Path) -> None:
    Path("scans/deep/round").symlink_to(here / "scans")
    Path("scans/deep/link.png").symlink_to(here / "scans/a.png")
    assert list(names_in("scans/deep", True)) == [f"scans/deep/{name}" for name in ("d.pdf", "link.png", "er/e.png")]


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named_for_its_row(here: Path) -> None:
    Path("scans/deep").chmod(0)
    try:
        assert "scans/deep" in list(names_in("scans", True))
        with pytest.raises(UserError, match="scans/deep cannot be read: you do not have permission"):
            content_of("scans/deep")
    finally:
        Path("scans/deep").chmod(0o700)


def test_a_folder_in_the_place_of_a_file_is_told(here: Path) -> None:
    with pytest.raises(UserError, match="scans/deep is a folder, not a picture"):
        content_of("scans/deep")


@pytest.mark.parametrize("address", ["https://example.org/scans", "s3://", "ftp://a/b"])
def test_an_address_that_is_no_store_s_is_named(address: str) -> None:
    assert is_address(address)
    with pytest.raises(UserError, match="is not the address of an object store") as caught:
        list(names_in(address, False))
    assert address in str(caught.value)


@needs_scale
def test_what_a_store_has_is_fetched_and_what_it_has_not_is_named(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert content_of(f"{bucket}/scans/deep/d.pdf") == b"deep/d.pdf"
    with pytest.raises(UserError, match=f"There is no file {bucket}/none.png"):
        content_of(f"{bucket}/none.png")
    monkeypatch.setattr(sources, "MOST_BYTES", 3)
    with pytest.raises(UserError, match=r"d\.pdf is larger than"):
        content_of(f"{bucket}/scans/deep/d.pdf")
    write_to(f"{bucket}/list.txt", f"{bucket}/scans/a.png\n{bucket}/scans/deep/\n".encode())
    found = [f"{bucket}/scans/{name}" for name in ("a.png", "deep/d.pdf")]
    assert list(names_in(f"{bucket}/list.txt", False)) == found
    with pytest.raises(StorageFailure, match=r"Cannot write s3://none/a: .* Check the address, the network"):
        write_to("s3://none/a", b"")


def test_a_store_that_fails_is_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(address: str) -> None:
        raise OSError(f"{address}: timed out")

    monkeypatch.setattr(sources, "located", fail)
    with pytest.raises(UserError, match=r"a\.png cannot be read: .*timed out\. Check the address, the network"):
        content_of("s3://scans/a.png")


def test_a_folder_s_file_is_fetched_as_read_fetches_it(here: Path) -> None:
    assert content_of("scans/a.png") == b"a.png"
    with Path("large.png").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(UserError, match="the limit is 64 MiB"):
        content_of("large.png")


def test_few_are_worked_on_in_advance_and_come_in_order() -> None:
    begun, open_gate = list[int](), threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number == 0:
            open_gate.wait()
        return number * number

    results = in_advance(work, iter(range(100)), ahead=3)
    threading.Thread(target=lambda: (time.sleep(0), open_gate.set())).start()
    assert [(item, result.result()) for item, result in [next(results)]] == [(0, 0)]
    assert max(begun) <= 4
    assert [result.result() for _, result in results] == [number * number for number in range(1, 100)]
