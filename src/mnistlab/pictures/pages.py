"""The pages of files in the formats that allow several pages: TIFF and PDF."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnistlab.dependencies import EXTRAS, find_missing
from mnistlab.errors import UserError
from mnistlab.files import printable, shorten
from mnistlab.messages.sentences import Clause
from mnistlab.pictures.decode import BROKEN, MOST_BYTES, check_effort, explained, is_pdf, of_bytes, read_bytes, unpack
from mnistlab.pictures.pixels import of_array, plain

__all__ = ["MOST_PAGES", "Pages", "every_page", "open_page", "pages_of"]

MOST_PAGES = 500
"""The most pages that one file may have."""
TIFF = re.compile(rb"II[*+]\x00|MM\x00[*+]")
SUBFILE, SMALLER_OR_MASK = 254, 0b101
"""TIFF's tag for a picture's kind, and the tag's bits for pictures that are not pages: a smaller copy of a page, or a mask."""
DPI = 200
"""PDFs are drawn at this many pixels per inch, as is usual for scans."""
LONGEST = 6000
"""The most pixels on the longer side of a PDF page as drawn, however large the page is."""
one_at_a_time = threading.Lock()
"""PDFium must not be used by two threads at once."""


class Pages(ABC):
    """The pages of one file, numbered from 0."""

    def __init__(self, name: str | Clause, count: int) -> None:
        self.name, self.count = name, count
        if count > MOST_PAGES:
            raise UserError("pictures.too_many_pages", name=name, most=MOST_PAGES)

    def __len__(self) -> int:
        return self.count

    def picture(self, number: int) -> NDArray[np.uint8]:
        """Page `number`, counted from 0, as `decode` would return it. Raises `UserError` if the page is broken or too large."""
        return plain(self._pixels(number, Clause("names.page_of", number=number + 1, name=self.name)))

    @abstractmethod
    def _pixels(self, number: int, name: Clause) -> NDArray[np.uint8]:
        """Page `number`, counted from 0: uint8 (H, W) or (H, W, 3)."""


def pages_of(content: bytes, name: str | Clause) -> Pages | None:
    """The pages in a file's content; None unless the file is a PDF, or a TIFF with several pages. Messages call the file `name`.

    Raises `UserError` if there are more than `MOST_PAGES` pages, if a PDF is broken or has a password, or if pypdfium2
    is needed but not installed.
    """
    if len(content) > MOST_BYTES:
        raise UserError("pictures.too_many_bytes", name=name)
    if is_pdf(content) and not TIFF.match(content):
        return PdfPages(content, name)
    if TIFF.match(content):
        tiff = TiffPages(content, name)
        return tiff if len(tiff) > 1 else None
    return None


def every_page(content: bytes, name: str | Clause) -> Pages:
    """Like `pages_of`, but where `pages_of` would return None, the file counts as one page."""
    return pages_of(content, name) or OnePicture(content, name)


def open_page(path: Path, number: int) -> NDArray[np.uint8]:
    """Page `number`, counted from 1, as `decode` would return it. Raises `UserError` if the file or page is missing or broken."""
    name = printable(path)
    content = read_bytes(path)
    pages = every_page(content, name)
    if not 1 <= number <= len(pages):
        raise UserError("pictures.no_such_page", name=name, number=number)
    return pages.picture(number - 1)


class OnePicture(Pages):
    """A file with one picture; messages about it name the file, but no page."""

    def __init__(self, content: bytes, name: str | Clause) -> None:
        super().__init__(name, 1)
        self.content = content

    def picture(self, number: int) -> NDArray[np.uint8]:
        """The only picture, whatever `number` is."""
        return of_bytes(self.content, self.name)

    def _pixels(self, number: int, name: Clause) -> NDArray[np.uint8]:
        return self.picture(number)


class TiffPages(Pages):
    """A TIFF's pictures except smaller copies and masks. A TIFF that cannot be opened at all counts as a single page."""

    def __init__(self, content: bytes, name: str | Clause) -> None:
        self.content, self.frames = content, [0]
        importlib.import_module("PIL.TiffImagePlugin")
        from PIL import Image

        with contextlib.suppress(*BROKEN, Image.DecompressionBombError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.image = Image.open(io.BytesIO(content), formats=("TIFF",))
            self.frames = list(page_frames(self.image))
        super().__init__(name, max(1, len(self.frames)))

    def _pixels(self, number: int, name: Clause) -> NDArray[np.uint8]:
        with warnings.catch_warnings(), explained(name):
            warnings.simplefilter("ignore")
            self.image.seek(self.frames[number])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_effort(self.image, self.content, name)
            with explained(name):
                page = self.image.copy()
            return of_array(unpack(page, name), name)


def page_frames(image: object) -> Iterator[int]:
    """The numbers, from 0, of the pictures that are pages, in a TIFF that Pillow has opened: at most `MOST_PAGES` + 1 numbers."""
    found = 0
    for number in range(4 * MOST_PAGES):
        try:
            image.seek(number)  # type: ignore[attr-defined]
        except EOFError:
            return
        except BROKEN:  # a page whose header cannot even be read counts as a broken page
            if number:
                yield number
            return
        if not int(image.tag_v2.get(SUBFILE, 0)) & SMALLER_OR_MASK:  # type: ignore[attr-defined]
            yield number
            found += 1
            if found > MOST_PAGES:
                return


class PdfPages(Pages):
    """A PDF's pages, as pypdfium2 draws them."""

    def __init__(self, content: bytes, name: str | Clause) -> None:
        if find_missing(EXTRAS["pdf"]):
            raise UserError("pictures.pdf_without_extra", name=name)
        import pypdfium2

        try:
            with one_at_a_time:
                self.document = pypdfium2.PdfDocument(content)
                count = len(self.document)
        except pypdfium2.PdfiumError as error:
            if "password" in str(error).lower():
                raise UserError("pictures.pdf_with_password", name=name) from None
            raise UserError("pictures.damaged", name=name, reason=shorten(str(error).rstrip("."))) from None
        if count == 0:
            raise UserError("pictures.pdf_without_pages", name=name)
        super().__init__(name, count)

    def _pixels(self, number: int, name: Clause) -> NDArray[np.uint8]:
        with one_at_a_time, explained(name):
            page = self.document[number]
            size = page.get_size()
            scale = min(DPI / 72, LONGEST / max(*size, 1.0))
            drawn = page.render(scale=scale, rev_byteorder=True)
            pixels = np.array(drawn.to_numpy())
        return of_array(pixels[..., :3] if pixels.ndim == 3 else pixels, name)
