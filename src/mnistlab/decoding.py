"""Pictures of any kind as arrays: files, bytes, Pillow's images, NumPy's arrays. Nothing is decoded that is not named here."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["FORMATS", "SUFFIXES", "Source", "decode"]

Source: TypeAlias = "str | Path | bytes | bytearray | memoryview | NDArray[Any] | Image.Image"

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
MOST_BYTES = 64 * 2**20
MOST_PIXELS = 80_000_000
"""An A4 page at 600 dpi has 35 million, a phone's picture 12 to 50."""
KINDS = "Give a PNG, JPEG, WebP, BMP, TIFF or GIF picture."


def decode(source: Source) -> NDArray[np.uint8]:
    """The picture upright, uint8 (H, W) where it is grey and (H, W, 3) RGB else; what is transparent is paper.

    `source` is a path, a file's bytes, a Pillow image, or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8, uint16,
    bool or float (0 to 1, or to 255). Of an animation or a file of several pages, the first. Raises `UserError` for what is
    no picture, is broken, is of another format, or has more than 64 MiB or 80 million pixels.
    """
    if isinstance(source, np.ndarray):
        return plain(of_array(source))
    if isinstance(source, str | Path):
        return of_bytes(read_bytes(Path(source)), str(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return of_bytes(bytes(source), "The picture")
    from PIL import Image

    if isinstance(source, Image.Image):
        check_size(source.size, "The picture")
        return plain(of_image(source, "The picture"))
    raise UserError(f"A {type(source).__name__} is not a picture.", "Give a path, bytes, a Pillow image or an array.")


def read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder, not a picture.", "Name a picture in it.")
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise UserError(
                f"{path} has {size / 2**20:,.0f} MiB, and at most {MOST_BYTES // 2**20} are read.",
                "Save it smaller, or as JPEG.",
            )
        with path.open("rb") as file:  # what grows meanwhile, or is a device, is cut off
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.", "Check the path.") from None
    except PermissionError:
        raise UserError(f"{path} may not be read by you.", "Change its permissions, or copy it.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}.", "Check the path and the disk.") from None
    return content


def of_bytes(content: bytes, name: str) -> NDArray[np.uint8]:
    """A file's content as an array. `name` is what messages call it."""
    import warnings

    from PIL import Image, UnidentifiedImageError

    if not content:
        raise UserError(f"{name} is empty (0 bytes).", "Save or copy it again.")
    if len(content) > MOST_BYTES:
        raise UserError(f"{name} has more than {MOST_BYTES // 2**20} MiB.", "Save it smaller, or as JPEG.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata, which is not used; what matters raises
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                check_size(image.size, name)  # known from the header, before a pixel is decoded
                return plain(of_image(image, name))
    except UnidentifiedImageError:
        raise UserError(f"{name} is not a picture that can be read.", KINDS) from None
    except Image.DecompressionBombError:
        raise UserError(f"{name} has too many pixels.", "Make it smaller.") from None
    except (OSError, ValueError, SyntaxError, TypeError, IndexError, KeyError, EOFError, MemoryError) as error:
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise UserError(f"{name} is broken or cut off ({reason}).", "Save or copy it again.") from None


def check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height > MOST_PIXELS:
        raise UserError(
            f"{name} has {width:,} x {height:,} pixels, and at most {MOST_PIXELS // 1_000_000} million are read.",
            "Make it smaller, or scan it with 600 dpi at most.",
        )


def of_image(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """Upright, 8 bits, grey or RGB."""
    from PIL import ImageOps

    upright: Image.Image = ImageOps.exif_transpose(image)
    if upright.mode in ("1", "L"):
        return np.asarray(upright.convert("L"))
    if upright.mode.startswith("I") or upright.mode == "F":
        return of_array(np.asarray(upright))
    if upright.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in upright.info:
        return of_array(np.asarray(upright.convert("RGBA")))
    return np.asarray(upright.convert("RGB"))


def of_array(array: NDArray[Any]) -> NDArray[np.uint8]:
    """8 bits, grey or RGB, alpha taken for paper."""
    if array.ndim == 3 and array.shape[0] == 1 and array.shape[2] not in (1, 3, 4):
        array = array[0]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise UserError(
            f"An array of shape {array.shape} is not a picture.", "Give (height, width) or (height, width, 3 or 4)."
        )
    check_size((array.shape[1], array.shape[0]), "The picture")
    if array.dtype == np.bool_:
        values = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype == np.uint8:
        values = array
    elif np.issubdtype(array.dtype, np.integer) or np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all():
            raise UserError("The picture has pixels that are not numbers (NaN or infinite).", "Give finite values.")
        low, high = float(array.min()), float(array.max())
        if low < 0:
            raise UserError(f"The picture has a pixel of {low:g}.", "Give values from 0 on: 0 to 1, 255 or 65535.")
        floating = np.issubdtype(array.dtype, np.floating)
        ranges = (1, 255, 65535) if floating else (255, 4095, 65535)  # 12 bits come in 16
        top = next((r for r in ranges if high <= r), high)
        values = (array * (255 / top) + 0.5).astype(np.uint8)
    else:
        raise UserError(f"Pixels of type {array.dtype} are not numbers.", "Give uint8, uint16, bool or float.")
    return on_paper(values) if values.ndim == 3 and values.shape[2] == 4 else values


def on_paper(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA on paper: white, or black where the ink is light."""
    alpha = values[..., 3:].astype(np.float32) / 255
    colour = values[..., :3].astype(np.float32)
    total = float(alpha.sum())
    if alpha.min() == 1:
        return np.ascontiguousarray(values[..., :3])
    ink = float((colour.mean(2, keepdims=True) * alpha).sum() / total) if total else 0.0
    paper = 0.0 if ink > 150 and float(alpha.mean()) < 0.6 else 255.0
    return (colour * alpha + paper * (1 - alpha) + 0.5).astype(np.uint8)


def plain(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey where all channels say the same."""
    if picture.ndim == 3:
        coarse = picture[::7, ::7]
        if (coarse[..., 0] == coarse[..., 1]).all() and (coarse[..., 1] == coarse[..., 2]).all():
            red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
            if np.array_equal(red, green) and np.array_equal(green, blue):
                picture = red
    return np.ascontiguousarray(picture)
