"""Pictures of any kind as arrays: files, bytes, Pillow's images, NumPy's arrays. Nothing is decoded that is not named here."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import stat
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import UserError
from mnistlab.files import shorten

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["BROKEN", "SUFFIXES", "Source", "decode", "printable"]


Source: TypeAlias = "str | Path | bytes | bytearray | memoryview | NDArray[Any] | Image.Image"

FORMATS = {
    b"\x89PNG\r\n\x1a\n": "Png",
    b"\xff\xd8\xff": "Jpeg",
    b"RIFF....WEBP": "WebP",
    b"BM": "Bmp",
    b"II[*+]\0": "Tiff",
    b"MM\0[*+]": "Tiff",
    b"GIF8[79]a": "Gif",
    rb"P[56](?:(?:\s|#[^\r\n]{0,200}[\r\n]){1,50}+\d{1,9}){3}\s": "Ppm",  # Pillow would take long over endless comments
}
"""How files begin, and the name of Pillow's decoder for them: the only ones that are imported."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".pgm", ".ppm")
MOST_BYTES = 64 * 2**20
MOST_PIXELS = 80_000_000
"""An A4 page at 600 dpi has 35 million, a phone's picture 12 to 50."""
LONGEST_SIDE = 30_000
"""Some decoders make room for many rows at once, and OpenCV turns no picture with a side of 32,768."""
MOST_WORK = 2_000_000_000
"""Pixels times scans of a progressive JPEG: a few seconds; ordinary ones have about ten scans, a small file can have millions."""
SCAN, END = b"\xff\xda", b"\xff\xd9"
NEXT_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
"""In a JPEG; among a scan's coefficients 255 is followed by 0 or a marker that means nothing here."""
TILE_WIDTH, TILE_LENGTH = 322, 323
"""Numbers of TIFF's tags."""
MOST_SLOW_PIXELS = 1_000_000
"""Of a PGM or PPM with another maximum than 255 or (PGM) 65535, which Pillow reads pixel by pixel in Python."""
STRIP = 2_000_000
"""Pixels that are converted at a time: what a picture needs besides itself stays small."""
BROKEN = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError, TypeError,
    ValueError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's decoders raise at broken files."""
KINDS = "PNG, JPEG, WebP, BMP, TIFF, GIF or PPM"
LONGEST_NAME = 200
SMALLER = "Save it smaller, or as JPEG."


def decode(source: Source) -> NDArray[np.uint8]:
    """The picture upright, uint8 (H, W) where it is grey and (H, W, 3) RGB else; what is transparent is paper.

    `source` is a path, a file's bytes, a Pillow image, or an array (H, W), (1, H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of
    bool, whole numbers (to 255, 4095 or 65535) or floats (to 1, 255 or 65535). Of an animation or a file of several pages, the
    first. Raises `UserError` for what is no picture, is broken, is of another format, or is too large: more than 64 MiB,
    80 million pixels or 30,000 a side.
    """
    if isinstance(source, np.ndarray):
        return plain(of_array(source, "The array"))
    if isinstance(source, str | Path):
        return of_bytes(read_bytes(Path(source)), printable(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return of_bytes(bytes(source), "The picture")
    from PIL import Image

    if isinstance(source, Image.Image):
        check_size(source.size, "The picture")
        with explained("The picture"):
            image = source.copy()  # for it is turned
        return plain(of_array(unpack(image, "The picture"), "The picture"))
    raise UserError(f"A {type(source).__name__} is not a picture.", "Give a path, bytes, a Pillow image or an array.")


def printable(path: str | Path) -> str:
    """A file's name as a sentence can hold it: in one line, without control characters, of a very long path the end."""
    text = str(path)
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= LONGEST_NAME else "…" + text[1 - LONGEST_NAME :]


def read_bytes(path: Path) -> bytes:
    name = printable(path)
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            raise UserError(f"{name} is a folder, not a picture.", "Name a picture in it.")
        if not stat.S_ISREG(about.st_mode):  # a pipe may never say anything, a device never stop
            raise UserError(f"{name} is a pipe or a device, not a file.", "Save the picture as a file first.")
        if about.st_size > MOST_BYTES:
            raise UserError(f"{name} has {about.st_size / 2**20:,.0f} MiB, and at most 64 are read.", SMALLER)
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)  # it may grow meanwhile
    except FileNotFoundError:
        raise UserError(f"There is no file {name}.", "Check the path.") from None
    except PermissionError:
        raise UserError(f"{name} may not be read by you.", "Change its permissions, or copy it.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{name} cannot be read: {reason}.", "Check the path and the disk.") from None


def of_bytes(content: bytes, name: str) -> NDArray[np.uint8]:
    """A file's content as an array. `name` is what messages call it."""
    if not content:
        raise UserError(f"{name} is empty (0 bytes).", "Save or copy it again.")
    if len(content) > MOST_BYTES:
        raise UserError(f"{name} has more than 64 MiB.", SMALLER)
    plugin = next((plugin for start, plugin in FORMATS.items() if re.match(start, content, re.DOTALL)), None)
    if plugin is None:
        raise UserError(f"{name} is not a {KINDS} picture.", "Save it as one of these.")
    from PIL import Image, UnidentifiedImageError

    importlib.import_module(f"PIL.{plugin}ImagePlugin")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata, which is not used; what matters raises
        with explained(name):
            try:
                image = Image.open(io.BytesIO(content), formats=(plugin,))
            except UnidentifiedImageError:
                raise ValueError(f"no picture after the first bytes, which are those of {plugin.upper()}") from None
        with image:
            check_effort(image, content, name)
            pixels = unpack(image, name)
    return plain(of_array(pixels, name))


@contextlib.contextmanager
def explained(name: str) -> Iterator[None]:
    """What a decoder stumbles over, in a sentence."""
    from PIL.Image import DecompressionBombError

    try:
        yield
    except MemoryError:
        raise UserError(f"{name} does not fit into the memory.", "Make it smaller.") from None
    except DecompressionBombError:
        raise UserError(f"{name} has too many pixels.", "Make it smaller.") from None
    except BROKEN as error:
        reason = shorten(str(error).strip().rstrip(".") or type(error).__name__)
        raise UserError(f"{name} is broken or cut off ({reason}).", "Save or copy it again.") from None


def check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height == 0:
        raise UserError(f"{name} has no pixels ({width} x {height}).", "Give one that has.")
    if width * height > MOST_PIXELS or max(size) > LONGEST_SIDE:
        raise UserError(
            f"{name} has {width:,} x {height:,} pixels, and at most {MOST_PIXELS // 1_000_000} million are read,"
            f" {LONGEST_SIDE:,} a side.",
            "Make it smaller, or scan it with 600 dpi at most.",
        )


def check_effort(image: Image.Image, content: bytes, name: str) -> None:
    """Refuse what is small, and would take minutes or gigabytes to unpack; known from headers, before a pixel is."""
    check_size(image.size, name)
    width, height = image.size
    if image.format in ("JPEG", "MPO") and (scans := count_scans(content)) * width * height > MOST_WORK:
        raise UserError(f"{name} comes in {scans:,} layers, more than are read.", "Save it again as an ordinary JPEG.")
    if image.format == "PPM" and width * height > MOST_SLOW_PIXELS and image.tile[0][0] != "raw":  # type: ignore[attr-defined]
        raise UserError(f"{name} is a large PGM or PPM with an unusual maximum.", "Save it as PNG.")
    if image.format == "TIFF":
        with explained(name):  # a tag may be anything
            tags = image.tag_v2  # type: ignore[attr-defined]
            check_size((tags.get(TILE_WIDTH, 1), tags.get(TILE_LENGTH, 1)), name)  # a tile is unpacked whole


def count_scans(jpeg: bytes) -> int:
    """How often a JPEG goes over its picture."""
    scans, at = 0, 2
    while (marker := NEXT_MARKER.search(jpeg, at)) and marker[0] != END:
        at = marker.end() + int.from_bytes(jpeg[marker.end() : marker.end() + 2], "big")
        scans += marker[0] == SCAN
    return scans


def unpack(image: Image.Image, name: str) -> NDArray[Any]:
    """Pillow's image as an array, upright: grey or RGB or RGBA in 8 bits, or what is grey in more bits as it is.

    The image itself is turned.
    """
    from PIL import ImageOps

    check_size(image.size, name)
    with explained(name):
        image.load()
        with contextlib.suppress(*BROKEN):  # whatever is wrong with its EXIF, the picture may be fine
            ImageOps.exif_transpose(image, in_place=True)
        if image.mode == "La":
            image = image.convert("LA")  # the only mode that Pillow makes of it
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
    assert pixels is not None  # noqa: S101 - there is a strip, for there is a pixel
    return pixels


def strips(height: int, width: int) -> Iterator[slice]:
    """All rows, in groups of so few that converting them takes little memory."""
    step = max(1, STRIP // width)
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


def of_array(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """8 bits, grey or RGB, alpha taken for paper."""
    if array.ndim == 3 and array.shape[0] == 1 and array.shape[2] not in (1, 3, 4):
        array = array[0]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise UserError(
            f"An array of shape {array.shape} is not a picture.", "Give (height, width) or (height, width, 3 or 4)."
        )
    check_size((array.shape[1], array.shape[0]), name)
    values = array if array.dtype == np.uint8 else in_8_bits(array, name)
    return on_paper(values) if values.ndim == 3 and values.shape[2] == 4 else values


def in_8_bits(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """From the smallest usual range that holds the largest value, to 0 to 255."""
    kind = array.dtype.kind
    if kind not in "buif":
        raise UserError(f"Pixels of type {array.dtype} are not numbers.", "Give uint8, uint16, bool or float.")
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all():  # NaN is the smallest and the largest wherever there is one
        raise UserError(f"{name} has pixels that are not numbers (NaN or infinite).", "Give finite values.")
    if low < 0:
        raise UserError(f"{name} has a pixel of {low:g}.", "Give values from 0 on: 0 to 1, 255 or 65535.")
    ranges = {"b": (1,), "f": (1, 255, 65535)}.get(kind, (255, 4095, 65535))  # 12 bits come in 16
    top = next((r for r in ranges if high <= r), high)
    values = np.empty(array.shape, np.uint8)
    for rows in strips(*array.shape[:2]):
        values[rows] = array[rows] * (255 / top) + 0.5
    return values


def on_paper(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA on paper: white, or black where the ink is light."""
    height, width = values.shape[:2]
    step = 1 + int((height * width / STRIP) ** 0.5)
    some = values[::step, ::step].astype(np.float32)
    alpha, light = some[..., 3] / 255, some[..., :3].mean(2)
    ink = max(float(alpha.sum()), 1e-6)
    is_light = (light * alpha).sum() > 150 * ink and alpha.mean() < 0.6 and alpha[light < 100].sum() < 0.003 * ink
    paper = np.float32(0 if is_light else 255)
    result = np.empty((height, width, 3), np.uint8)
    for rows in strips(height, width):
        opaque = values[rows, :, 3:].astype(np.float32) / 255
        result[rows] = paper + opaque * (values[rows, :, :3] - paper) + np.float32(0.5)
    return result


def plain(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey where all channels say the same."""
    if picture.ndim == 3:
        coarse = picture[::7, ::7]
        if (coarse[..., 0] == coarse[..., 1]).all() and (coarse[..., 1] == coarse[..., 2]).all():
            red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
            if np.array_equal(red, green) and np.array_equal(green, blue):
                picture = red
    return np.ascontiguousarray(picture)
