"""Turn pictures of many kinds (files, bytes, Pillow images, NumPy arrays) into arrays. Files must be in one of the `FORMATS`."""

from __future__ import annotations

import contextlib
import importlib
import io
import math
import re
import stat
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import UserError
from mnistlab.files import printable, shorten
from mnistlab.messages.sentences import Clause
from mnistlab.pictures.pixels import check_size, of_array, plain, strips

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["FORMATS", "MOST_BYTES", "SUFFIXES", "Source", "decode", "is_pdf", "of_bytes", "read_bytes"]


Source: TypeAlias = "str | Path | bytes | bytearray | memoryview | NDArray[Any] | Image.Image"


class Format(NamedTuple):
    """A file format: its name, the pattern that files begin with, Pillow's decoder, the endings of file names, the media type."""

    name: str
    start: bytes
    plugin: str
    suffixes: tuple[str, ...]
    media_type: str


ADDRESS = re.compile(r"(https?|ftp|s3|gs):[/\\]+", re.IGNORECASE)
"""How a web address begins, even after `Path` has turned its two slashes into one."""
NETPBM = rb"(?:(?:\s|#[^\r\n]{0,200}[\r\n]){1,50}+\d{1,9}){3}\s"  # Pillow would spend a long time on endless comments
FORMATS = (
    Format("PNG", rb"\x89PNG\r\n\x1a\n", "Png", (".png",), "image/png"),
    Format("JPEG", rb"\xff\xd8\xff", "Jpeg", (".jpg", ".jpeg"), "image/jpeg"),
    Format("WebP", rb"RIFF....WEBP", "WebP", (".webp",), "image/webp"),
    Format("BMP", rb"BM", "Bmp", (".bmp",), "image/bmp"),
    Format("TIFF", rb"II[*+]\x00|MM\x00[*+]", "Tiff", (".tif", ".tiff"), "image/tiff"),
    Format("GIF", rb"GIF8[79]a", "Gif", (".gif",), "image/gif"),
    Format("PGM", b"P5" + NETPBM, "Ppm", (".pgm",), "image/x-portable-graymap"),
    Format("PPM", b"P6" + NETPBM, "Ppm", (".ppm",), "image/x-portable-pixmap"),
)
"""All formats that are read; decoders for other formats are not imported."""
SUFFIXES = tuple(suffix for kind in FORMATS for suffix in kind.suffixes)
MOST_BYTES = 64 * 2**20
PDF_HEADER = 1024
"""How many bytes at the beginning of a file are searched for a PDF's header."""
MOST_WORK = 2_000_000_000
"""The highest accepted product of a progressive JPEG's numbers of pixels and scans; a file at this limit takes a few seconds to
decode. Ordinary files have about ten scans; a small file can have millions."""
SCAN, END = b"\xff\xda", b"\xff\xd9"
NEXT_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
"""Finds a JPEG's next marker, passing over a scan's data, where 255 is followed by 0 or begins a restart marker."""
TILE_WIDTH, TILE_LENGTH = 322, 323
"""The numbers of TIFF's tags for a tile's width and height."""
MOST_SLOW_PIXELS = 1_000_000
"""The most pixels that a PGM or PPM may have if its top value is neither 255 nor, in a PGM, 65535: Pillow decodes such files
pixel by pixel in Python."""
BROKEN = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError, TypeError,
    ValueError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's decoders raise for broken files."""


def decode(source: Source) -> NDArray[np.uint8]:
    """The picture, turned upright: uint8 (H, W) if it is grey, otherwise RGB, uint8 (H, W, 3). Transparent pixels become paper.

    `source` is a path, a file's bytes, a Pillow image, or an array (H, W), (1, H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of
    bool, integers (up to 255, 4095 or 65535) or floats (up to 1, 255 or 65535). The first picture of an
    animation or of a TIFF with several pages is used; `mnistlab.pictures.pages` reads a TIFF's other pages.

    Raises `UserError` if the source is not a picture, is broken, has an
    unknown format, or is too large: more than 64 MiB, 80 million pixels or 30,000 pixels per side.
    """
    if isinstance(source, np.ndarray):
        return plain(of_array(source, Clause("names.array"), computed=True))
    if isinstance(source, str | Path):
        return of_bytes(read_bytes(Path(source)), printable(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return of_bytes(bytes(source), Clause("names.picture"))
    from PIL import Image

    if isinstance(source, Image.Image):
        check_size(source.size, Clause("names.picture"))
        with explained(Clause("names.picture")):
            image = source.copy()  # because `unpack` rotates it
        return plain(of_array(unpack(image, Clause("names.picture")), Clause("names.picture")))
    raise UserError("pictures.not_a_source", name=type(source).__name__)


def read_bytes(path: Path) -> bytes:
    """A file's content, for `of_bytes` to decode. Raises `UserError` if the file cannot be read or is larger than 64 MiB."""
    name = printable(path)
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            raise UserError("pictures.is_a_folder", name=name)
        if not stat.S_ISREG(about.st_mode):  # a pipe may never send anything, and a device may never stop
            raise UserError("pictures.not_a_file", name=name)
        if about.st_size > MOST_BYTES:
            raise UserError("pictures.file_too_large", name=name, mebibytes=math.ceil(about.st_size / 2**20))
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)  # the file may grow meanwhile
    except PermissionError:
        raise UserError("pictures.not_readable", name=name) from None
    except (OSError, ValueError) as error:
        if address := ADDRESS.match(text := str(path)):  # perhaps with a part that is too long for a file's name
            name = printable(f"{address[1]}://{text[address.end() :]}")
            raise UserError("pictures.is_an_address", name=name) from None
        if isinstance(error, FileNotFoundError):
            raise UserError("pictures.missing", name=name) from None
        reason = getattr(error, "strerror", None) or error
        raise UserError("pictures.read_failed", name=name, reason=reason) from None


def is_pdf(content: bytes) -> bool:
    """Whether a file's content says that it is a PDF."""
    return b"%PDF-" in content[:PDF_HEADER]


def of_bytes(content: bytes, name: str | Clause) -> NDArray[np.uint8]:
    """The array that `decode` returns for a file's content; messages call the file `name`. Raises what `decode` raises."""
    if not content:
        raise UserError("pictures.empty_file", name=name)
    if len(content) > MOST_BYTES:
        raise UserError("pictures.too_many_bytes", name=name)
    kind = next((kind for kind in FORMATS if re.match(kind.start, content, re.DOTALL)), None)
    if kind is None and is_pdf(content):
        raise UserError("pictures.is_a_pdf", name=name)
    if kind is None:
        raise UserError("pictures.unknown_format", name=name, kinds=[kind.name for kind in FORMATS])
    from PIL import Image, UnidentifiedImageError

    importlib.import_module(f"PIL.{kind.plugin}ImagePlugin")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd metadata, which is not used; real problems raise errors
        with explained(name):
            try:
                image = Image.open(io.BytesIO(content), formats=(kind.plugin,))
            except UnidentifiedImageError:
                reason = Clause("pictures.nothing_after_start", format=kind.name)
                raise UserError("pictures.damaged", name=name, reason=reason) from None
        with image:
            check_effort(image, content, name)
            pixels = unpack(image, name)
    return plain(of_array(pixels, name))


@contextlib.contextmanager
def explained(name: str | Clause) -> Iterator[None]:
    """Inside `with`, turn a decoder's errors into a `UserError`, in which the picture is called `name`."""
    from PIL.Image import DecompressionBombError

    try:
        yield
    except MemoryError:
        raise UserError("pictures.out_of_memory", name=name) from None
    except DecompressionBombError:
        raise UserError("pictures.too_many_pixels", name=name) from None
    except BROKEN as error:
        reason = shorten(str(error).strip().rstrip(".") or type(error).__name__)
        raise UserError("pictures.damaged", name=name, reason=reason) from None


def check_effort(image: Image.Image, content: bytes, name: str | Clause) -> None:
    """Before a file is decoded, raise `UserError` if it would take minutes or gigabytes to unpack."""
    check_size(image.size, name)
    width, height = image.size
    if image.format in ("JPEG", "MPO") and (scans := count_scans(content)) * width * height > MOST_WORK:
        raise UserError("pictures.too_many_scans", name=name, scans=scans)
    if image.format == "PPM" and width * height > MOST_SLOW_PIXELS and image.tile[0][0] != "raw":  # type: ignore[attr-defined]
        raise UserError("pictures.unusual_pgm", name=name)
    if image.format == "TIFF":
        with explained(name):  # a tag may hold anything
            tags = image.tag_v2  # type: ignore[attr-defined]
            check_size((tags.get(TILE_WIDTH, 1), tags.get(TILE_LENGTH, 1)), name)  # a tile is unpacked whole


def count_scans(jpeg: bytes) -> int:
    """The number of scans (passes over the picture) in a JPEG."""
    scans, at = 0, 2
    while (marker := NEXT_MARKER.search(jpeg, at)) and marker[0] != END:
        at = marker.end() + int.from_bytes(jpeg[marker.end() : marker.end() + 2], "big")
        scans += marker[0] == SCAN
    return scans


def unpack(image: Image.Image, name: str | Clause) -> NDArray[Any]:
    """Pillow's image as an upright array: grey, RGB or RGBA in 8 bits; a grey image with more than 8 bits keeps all its bits.

    The image that is passed in is itself turned upright too.
    """
    from PIL import ImageOps

    check_size(image.size, name)
    with explained(name):
        image.load()
        with contextlib.suppress(*BROKEN):  # the picture may be fine even if its EXIF data is broken
            ImageOps.exif_transpose(image, in_place=True)
        if image.mode == "La":
            image = image.convert("LA")  # the only mode that Pillow converts it to
        if image.mode.startswith("I") or image.mode == "F":
            mode = image.mode
        elif image.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in image.info:
            mode = "RGBA"
        else:
            mode = "L" if image.mode in ("1", "L") else "RGB"
        pixels: NDArray[Any] | None = None
        for rows in strips(image.height, image.width):
            strip = np.asarray(image.crop((0, rows.start, image.width, rows.stop)).convert(mode))
            if pixels is None:
                pixels = np.empty((image.height, *strip.shape[1:]), strip.dtype)
            pixels[rows] = strip
    assert pixels is not None  # noqa: S101 - there is a strip, because there is a pixel
    return pixels
