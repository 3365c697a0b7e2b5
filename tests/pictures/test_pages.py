"""Files of several pages: TIFF and PDF."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from mnistlab.errors import UserError
from mnistlab.pictures import pages as room
from mnistlab.pictures.pages import MOST_PAGES, pages_of


def grey(level: int, size: tuple[int, int] = (40, 30)) -> Image.Image:
    return Image.new("L", size, level)


def tiff(*pages: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    pages[0].save(stream, "tiff", save_all=True, append_images=pages[1:], **options)
    return stream.getvalue()


def pdf(*pages: Image.Image) -> bytes:
    stream = io.BytesIO()
    pages[0].save(stream, "pdf", save_all=True, append_images=pages[1:], resolution=200)
    return stream.getvalue()


def test_each_page_of_a_tiff_is_there() -> None:
    pages = pages_of(tiff(grey(10), Image.new("RGB", (20, 50), (200, 0, 0)), grey(30)), "scan.tif")
    assert pages is not None
    assert len(pages) == 3
    first, second, third = (pages.picture(number) for number in range(3))
    assert (first.shape, int(first[0, 0])) == ((30, 40), 10)
    assert (second.shape, second[0, 0].tolist()) == ((50, 20, 3), [200, 0, 0])
    assert int(third[0, 0]) == 30
    assert int(pages.picture(0)[0, 0]) == 10


def test_files_of_one_picture_have_no_pages() -> None:
    stream = io.BytesIO()
    grey(10).save(stream, "png")
    for content in (tiff(grey(10)), stream.getvalue(), b"", b"anything"):
        assert pages_of(content, "a") is None


def test_smaller_copies_in_a_tiff_are_no_pages() -> None:
    stream = io.BytesIO()
    small = grey(20, (20, 15))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    grey(10).save(stream, "tiff", save_all=True, append_images=[small, grey(30)])
    pages = pages_of(stream.getvalue(), "scan.tif")
    assert pages is not None
    assert [int(pages.picture(number)[0, 0]) for number in range(len(pages))] == [10, 30]


def test_a_broken_page_is_named_and_the_others_are_there() -> None:
    content = bytearray(
        tiff(*(Image.fromarray(np.full((30, 40), n, np.uint8)) for n in (10, 20, 30)), compression="tiff_lzw")
    )
    image = Image.open(io.BytesIO(content))
    image.seek(1)
    start, length = image.tag_v2[273][0], image.tag_v2[279][0]
    content[start : start + length] = b"\xff" * length
    pages = pages_of(bytes(content), "scan.tif")
    assert pages is not None
    assert int(pages.picture(0)[0, 0]) == 10
    assert int(pages.picture(2)[0, 0]) == 30
    with pytest.raises(UserError, match=r"^scan.tif \(page 2\) is damaged or incomplete"):
        pages.picture(1)


def test_pages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = struct.Struct("<HHII")
    tags = [
        (256, 3, 1, 1),
        (257, 3, 1, 1),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (279, 4, 1, 1),
    ]
    content = bytearray(b"II*\0" + struct.pack("<I", 16) + bytes(8))
    for _ in range(10_000):
        content += struct.pack("<H", len(tags)) + b"".join(entry.pack(*tag) for tag in tags)
        content += struct.pack("<I", len(content) + 4)
    content[-4:] = bytes(4)
    with pytest.raises(UserError, match=f"scan.tif has more than {MOST_PAGES} pages"):
        pages_of(bytes(content), "scan.tif")
    monkeypatch.setattr(room, "MOST_PAGES", 2)
    with pytest.raises(UserError, match=r"a\.pdf has more than 2 pages"):
        pages_of(pdf(grey(10), grey(20), grey(30)), "a.pdf")


def test_each_page_of_a_pdf_is_drawn() -> None:
    pages = pages_of(pdf(grey(10), grey(200, (60, 20))), "a.pdf")
    assert pages is not None
    assert len(pages) == 2
    assert pages.picture(0).shape[:2] == pytest.approx((30, 40), abs=1)
    assert pages.picture(1).shape[:2] == pytest.approx((20, 60), abs=1)
    assert int(np.median(pages.picture(1))) == pytest.approx(200, abs=3)


def test_a_page_however_large_is_drawn_small() -> None:
    document = pypdfium2.PdfDocument.new()
    document.new_page(14_000, 100)
    stream = io.BytesIO()
    document.save(stream)
    pages = pages_of(stream.getvalue(), "a.pdf")
    assert pages is not None
    assert max(pages.picture(0).shape) == room.LONGEST


ENCRYPTED = Path(__file__).with_name("encrypted.pdf")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"%PDF-1.7\nnothing more", "a.pdf is damaged or incomplete"),
        (pdf(grey(10))[:400], "a.pdf is damaged or incomplete"),
    ],
)
def test_a_broken_pdf_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(UserError, match=says):
        pages_of(content, "a.pdf")


def test_a_pdf_with_a_password_is_refused() -> None:
    with pytest.raises(UserError, match=r"a\.pdf is a PDF that needs a password"):
        pages_of(ENCRYPTED.read_bytes(), "a.pdf")


def test_a_pdf_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "find_missing", list)
    with pytest.raises(
        UserError, match=r"a\.pdf is a PDF, and pypdfium2, which draws the pages of PDFs, is not installed"
    ) as raised:
        pages_of(pdf(grey(10)), "a.pdf")
    assert "--extra pdf" in raised.value.for_command_line()
