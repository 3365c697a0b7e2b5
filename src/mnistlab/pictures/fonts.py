"""The fonts of the letters and digits on which networks are trained: those of `FONT_PACKAGES`, and matplotlib's."""

from __future__ import annotations

import functools
import importlib.util
import io
from pathlib import Path

from PIL import ImageFont

from mnistlab.dependencies import FONT_PACKAGES, require
from mnistlab.errors import UserError
from mnistlab.files import sha256

__all__ = ["font_files", "fonts_digest", "matplotlib_font", "opened"]

OTHERS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSerif",
    "DejaVuSansMono",
    "STIXGeneral",
    "STIXGeneralBol",
    "cmr10",
    "cmss10",
)
"""Those of matplotlib's fonts whose digits have the usual form."""


@functools.cache
def font_files() -> tuple[Path, ...]:
    """Fonts of `FONT_PACKAGES` and matplotlib, in a fixed order, so that drawings do not depend on what else is installed.

    Raises `UserError` if one of the packages is missing.
    """
    require("train", "matplotlib", *FONT_PACKAGES)
    files: list[Path] = []
    for package in FONT_PACKAGES:
        folder = folder_of(package) / "files"
        files += sorted(file for file in folder.glob("*") if file.suffix in (".ttf", ".otf"))
    files += [matplotlib_font(name) for name in OTHERS]
    return tuple(file for file in files if not any(word in file.name for word in ("Variable", "Thin", "ExtraLight")))


def folder_of(package: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package.replace("-", "_"))
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else Path()


@functools.cache
def fonts_digest() -> str:
    """The SHA-256 of all fonts together; equal values mean equal fonts. Raises `UserError` as `font_files` does."""
    return sha256("".join(sha256(content(font)) for font in font_files()).encode())


def content(font: Path) -> bytes:
    """The content of the font's file. Raises `UserError` if the file cannot be read."""
    try:
        return font.read_bytes()
    except OSError as error:
        raise UserError("fonts.unreadable", font=font, reason=error.strerror or error) from None


def matplotlib_font(name: str) -> Path:
    """The file of one of matplotlib's fonts. Raises `UserError` if matplotlib is missing."""
    require("train", "matplotlib")
    return folder_of("matplotlib") / "mpl-data" / "fonts" / "ttf" / f"{name}.ttf"


@functools.cache
def opened(font: Path, pixels: int) -> ImageFont.FreeTypeFont:
    """The font at a size of `pixels`. Raises `UserError` if its file is missing or damaged."""
    try:
        return ImageFont.truetype(io.BytesIO(content(font)), pixels)
    except OSError as error:
        raise UserError("fonts.unreadable", font=font, reason=error) from None
