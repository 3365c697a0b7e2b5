"""Read raw files, and fetch those that are missing: from the copy in the package or from torchvision's mirrors."""

from __future__ import annotations

import contextlib
import json
import logging
import lzma
import shlex
import shutil
import tempfile
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from filelock import Timeout
from numpy.typing import NDArray

from mnistlab.data.catalog import DATASETS, DatasetSpec, FileSpec
from mnistlab.data.formats import CorruptFileError, parse
from mnistlab.data.mirrors import SourceError, torchvision_download
from mnistlab.errors import Failure, MnistlabError, UserError
from mnistlab.files import check_folder, check_links, explain_os_errors, sha256, write_bytes, write_json
from mnistlab.locks import file_lock
from mnistlab.messages.sentences import Clause

__all__ = ["MISSING", "inspect_files", "read_bytes", "read_files", "write_verified"]


MISSING = "data.file_missing"
"""The key of the message with which `inspect_files` reports a missing file."""

logger = logging.getLogger("mnistlab.data")


def read_files(
    spec: DatasetSpec, files: Iterable[FileSpec], data_dir: Path, download: bool = False
) -> list[NDArray[Any]]:
    """The arrays of the raw `files` below `data_dir`, verified; missing or corrupt files are fetched first.

    The copy in the package is tried first, then torchvision's mirrors; with `download`, the mirrors are tried first.
    Raises `UserError` if a file can neither be read nor fetched, and `Failure` if a file disappears or changes meanwhile.
    """
    files = tuple(files)
    folder = data_dir / spec.folder
    try:
        return read_verified(spec, files, folder)
    except (FileNotFoundError, CorruptFileError) as error:
        fault_found = reason_of(error)
    try:
        check_folder(folder)
    except UserError as error:
        raise UserError("data.nowhere_to_fetch", fault=fault_found, cause=error) from None
    fetch(spec, data_dir, download)  # checks again under its lock, because another process may have fetched the files
    try:
        return read_verified(spec, files, folder)
    except (FileNotFoundError, CorruptFileError) as error:
        raise Failure("data.changed_while_read", spec_name=spec.name, reason=reason_of(error)) from error


def reason_of(error: FileNotFoundError | CorruptFileError) -> Clause:
    return error.reason if isinstance(error, CorruptFileError) else Clause(MISSING, file=error.filename)


def read_verified(spec: DatasetSpec, files: Iterable[FileSpec], folder: Path) -> list[NDArray[Any]]:
    recorded = recorded_sums(folder)
    arrays: list[NDArray[Any]] = []
    unknown = {}
    for file in files:
        content = read_bytes(folder / file.name)
        try:
            arrays += parse(spec, file, content, recorded.get(file.name))
        except CorruptFileError as error:
            raise CorruptFileError(error.reason.but(file=folder / file.name)) from None
        if file.sha256 is None and file.name not in recorded:
            unknown[file.name] = sha256(content)
    if unknown:  # files from elsewhere: from now on, a change to them is noticed
        with contextlib.suppress(MnistlabError):
            write_json(folder / "checksums.json", recorded | unknown)
    return arrays


def read_bytes(path: Path) -> bytes:
    """The file's content. Raises `FileNotFoundError` if there is no such file, `UserError` if it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        check_links(path)
        raise UserError("data.unreadable", path=path, strerror=error.strerror) from error


def recorded_sums(folder: Path) -> dict[str, str]:
    """The SHA-256 that each file had when it was fetched or first read."""
    try:
        sums = json.loads((folder / "checksums.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in sums.items()} if isinstance(sums, dict) else {}


def fetch(spec: DatasetSpec, data_dir: Path, download: bool) -> None:
    """Make sure that all raw files of the dataset exist and are intact; only one process at a time does this."""
    folder = data_dir / spec.folder
    with explain_os_errors(folder / ".fetch.lock"):
        folder.mkdir(parents=True, exist_ok=True)
        lock = file_lock(folder / ".fetch.lock")
        try:
            lock.acquire(timeout=1)
        except Timeout:
            logger.info(Clause("data.fetched_by_another_process", dataset=spec.name))
            lock.acquire()
    try:
        for stale in folder.glob(".fetch-*"):  # left by a process that was killed
            shutil.rmtree(stale, ignore_errors=True)
        wanted = [file for file in spec.files if needs_fetching(spec, file, folder)]
        if not wanted:
            return
        reasons: list[Clause] = []
        sources = [(from_mirrors, Clause("data.downloaded"))]
        if spec.bundled:
            sources.insert(int(download), (from_package, Clause("data.unpacked")))
        for source, how in sources:
            try:
                source(spec, wanted, data_dir)
            except (SourceError, CorruptFileError) as error:
                reasons.append(error.reason)
            else:
                logger.info(Clause("data.fetched", dataset=spec.name, told=[*reasons, how]))
                return
        typed = shlex.quote(str(data_dir))
        raise UserError("data.cannot_be_fetched", dataset=spec.name, data_dir=data_dir, typed=typed, reasons=reasons)
    finally:
        lock.release()


def inspect_files(spec: DatasetSpec, data_dir: Path) -> dict[str, Clause | None]:
    """For each raw file below `data_dir`, what is wrong with it, or None if it is intact; nothing is fetched."""
    folder = data_dir / spec.folder
    return {file.name: fault(spec, file, folder) for file in spec.files}


def fault(spec: DatasetSpec, file: FileSpec, folder: Path) -> Clause | None:
    try:
        parse(spec, file, read_bytes(folder / file.name), recorded_sums(folder).get(file.name))
    except FileNotFoundError:
        return Clause(MISSING, file=file.name)
    except CorruptFileError as error:
        return error.reason
    return None


def needs_fetching(spec: DatasetSpec, file: FileSpec, folder: Path) -> bool:
    reason = fault(spec, file, folder)
    if reason is not None and reason.key != MISSING:
        logger.warning(Clause("data.fetching_again", reason=reason.but(file=folder / file.name)))
    return reason is not None


def write_verified(spec: DatasetSpec, folder: Path, contents: dict[str, bytes]) -> None:
    """Write verified files and record their checksums; a corrupt file that one of them replaces is kept under another name."""
    sums = recorded_sums(folder)
    for name, content in contents.items():
        path = folder / name
        if path.exists() and path.read_bytes() != content:
            with explain_os_errors(path):
                shutil.copyfile(path, path.with_name(name + ".corrupt"))
            logger.info(Clause("data.corrupt_file_kept", name=name))
        write_bytes(path, content)
        sums[name] = sha256(content)
    write_json(folder / "checksums.json", sums)


def from_package(spec: DatasetSpec, wanted: list[FileSpec], data_dir: Path) -> None:
    """Unpack the wanted files from the copy that ships in the package."""
    contents = {}
    for file in wanted:
        packed = resources.files("mnistlab") / "bundled" / spec.name / f"{file.name}.xz"
        try:
            contents[file.name] = lzma.decompress(packed.read_bytes())
        except (OSError, lzma.LZMAError) as error:
            raise SourceError(Clause("data.copy_damaged")) from error
        parse(spec, file, contents[file.name])
    write_verified(spec, data_dir / spec.folder, contents)


def from_mirrors(spec: DatasetSpec, wanted: list[FileSpec], data_dir: Path) -> None:
    """Let torchvision download into a temporary folder, then verify the wanted files and copy them into `data_dir`."""
    if not spec.torchvision_class:
        raise SourceError(Clause("data.not_in_torchvision"))
    logger.info(Clause("data.asking_mirrors", dataset=spec.name))
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=data_dir / spec.folder, ignore_cleanup_errors=True) as name:
        temporary = Path(name)
        torchvision_download(spec, temporary)
        contents = {}
        for file in wanted:
            try:
                contents[file.name] = (temporary / spec.folder / file.name).read_bytes()
            except OSError as error:
                raise SourceError(Clause("data.not_delivered", file=file.name, strerror=error.strerror)) from error
            try:
                parse(spec, file, contents[file.name])
            except CorruptFileError as error:
                raise SourceError(error.reason.but(file=Clause("data.file_of_mirrors", name=file.name))) from error
        write_verified(spec, data_dir / spec.folder, contents)
        keep_siblings(spec, temporary / spec.folder, data_dir / spec.folder)


def keep_siblings(spec: DatasetSpec, source: Path, folder: Path) -> None:
    """Also keep other datasets' files that the download brought, because EMNIST's six datasets come in one archive."""
    for other in DATASETS.values():
        if other.folder != spec.folder or other is spec or not all((source / f.name).exists() for f in other.files):
            continue
        contents = {file.name: (source / file.name).read_bytes() for file in other.files}
        with contextlib.suppress(CorruptFileError):
            for file in other.files:
                parse(other, file, contents[file.name])
            write_verified(other, folder, contents)
