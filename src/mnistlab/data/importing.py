"""Import raw files from one of the user's folders."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

from mnistlab.data.catalog import DatasetSpec, FileSpec
from mnistlab.data.download import read_bytes, write_verified
from mnistlab.data.formats import CorruptFileError, parse, raw_size
from mnistlab.errors import UserError
from mnistlab.files import check_links
from mnistlab.messages.sentences import Clause

__all__ = ["import_files"]


def import_files(spec: DatasetSpec, source: Path, data_dir: Path) -> None:
    """Import the raw files (plain or .gz) in `source`; all of them are verified before the first is written.

    Raises a `UserError` that names the missing or wrong file; in that case nothing has changed below `data_dir`.
    """
    check_links(source)
    if not source.is_dir():
        raise UserError("data.import_not_a_folder", source=source, name=spec.files[0].name)
    contents = {file.name: import_one(spec, file, source) for file in spec.files}
    write_verified(spec, data_dir / spec.folder, contents)


def import_one(spec: DatasetSpec, file: FileSpec, source: Path) -> bytes:
    for folder in (source, source / "raw", source / "gzip", source / spec.folder):
        for path in (folder / file.name, folder / f"{file.name}.gz"):
            if path.is_file():
                try:
                    content = unpack(path, raw_size(spec, file))
                    parse(spec, file, content)
                except CorruptFileError as error:
                    raise UserError(
                        "data.imported_file_corrupt", reason=error.reason.but(file=path), spec_name=spec.name
                    ) from None
                return content
    raise UserError(
        "data.import_file_missing",
        source=source,
        file_name=file.name,
        spec_name=spec.name,
        files=[f.name for f in spec.files],
    )


def unpack(path: Path, size: int | None) -> bytes:
    """The file's bytes; if its name ends in .gz, the unzipped bytes, at most `size` + 1: enough to notice excess bytes."""
    content = read_bytes(path)
    if path.suffix != ".gz":
        return content
    try:
        with gzip.open(io.BytesIO(content)) as file:
            return file.read(-1 if size is None else size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise CorruptFileError(Clause("data.not_gzip", file=path.name, error=error)) from None
