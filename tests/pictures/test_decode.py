"""Pictures of every format come out as the same pixels; anything else, broken files and traps are refused in one sentence."""

from __future__ import annotations

import io
import os
import resource
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from mnistlab.errors import UserError
from mnistlab.files import printable
from mnistlab.pictures import decode as decoding
from mnistlab.pictures.decode import MOST_BYTES, decode

Array = NDArray[Any]

PICTURE = np.full((40, 60), 255, np.uint8)
PICTURE[8:30, 10:14] = 0
PICTURE[8:12, 10:30] = 40
"""Ink on white without any symmetry."""
GREY = Image.fromarray(PICTURE)
COLOUR = np.stack([PICTURE, PICTURE, np.where(PICTURE < 255, 120, 255).astype(np.uint8)], 2)
ORIENTATION = 0x0112


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def deep(values: Array) -> Image.Image:
    """In 16 bits."""
    return Image.fromarray(values.astype(np.uint16))


def rgba(ink: tuple[int, int, int]) -> Image.Image:
    """Ink on nothing."""
    return Image.fromarray(np.dstack([np.full((*PICTURE.shape, 3), ink, np.uint8), 255 - PICTURE]))


def assert_refused(source: Any, *words: str) -> None:
    with pytest.raises(UserError) as caught:
        decode(source)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert caught.value.remedy
    for word in words:
        assert word in text


# every kind of file

ANIMATED = {"save_all": True, "append_images": [GREY.convert("RGB").rotate(90)]}
EXACT = {
    "PNG L": saved(GREY, "PNG"),
    "PNG RGB": saved(GREY.convert("RGB"), "PNG"),
    "PNG palette": saved(GREY.convert("P"), "PNG"),
    "PNG with alpha, all opaque": saved(GREY.convert("RGBA"), "PNG"),
    "PNG LA": saved(GREY.convert("LA"), "PNG"),
    "PNG of transparent paper and dark ink": saved(rgba((0, 0, 0)), "PNG"),
    "PNG palette, its white transparent": saved(GREY.convert("P"), "PNG", transparency=255),
    "PNG grey, its white transparent": saved(GREY, "PNG", transparency=255),
    "PNG 16 bits": saved(deep(PICTURE * 257.0), "PNG"),
    "WebP": saved(GREY.convert("RGB"), "WEBP", lossless=True),
    "WebP, animated": saved(GREY.convert("RGB"), "WEBP", lossless=True, **ANIMATED),
    "BMP": saved(GREY, "BMP"),
    "BMP RGB": saved(GREY.convert("RGB"), "BMP"),
    "TIFF": saved(GREY, "TIFF"),
    "TIFF LZW": saved(GREY.convert("RGB"), "TIFF", compression="tiff_lzw"),
    "TIFF of pages": saved(GREY, "TIFF", save_all=True, append_images=[GREY.rotate(90)]),
    "TIFF CMYK": saved(GREY.convert("CMYK"), "TIFF"),
    "TIFF 16 bits": saved(deep(PICTURE * 257.0), "TIFF"),
    "TIFF 32 bits": saved(GREY.convert("I"), "TIFF"),
    "TIFF of floats to 1": saved(Image.fromarray((PICTURE / 255).astype(np.float32)), "TIFF"),
    "TIFF of floats to 255": saved(Image.fromarray(PICTURE.astype(np.float32)), "TIFF"),
    "GIF": saved(GREY, "GIF"),
    "GIF, animated": saved(GREY.convert("P"), "GIF", **ANIMATED),
    "PGM": saved(GREY, "PPM"),
    "PGM 16 bits": b"P5 60 40 65535\n" + (PICTURE * 257.0).astype(">u2").tobytes(),
    "PGM to 250": b"P5\n# by a scanner\n60 40\n250\n" + (PICTURE * (250 / 255) + 0.5).astype(np.uint8).tobytes(),
    "PPM": saved(GREY.convert("RGB"), "PPM"),
}
ABOUT = {
    "12 bits in 16": (saved(deep(PICTURE * 16.0), "TIFF"), 2),
    "JPEG": (saved(GREY, "JPEG", quality=95), 30),
    "JPEG RGB": (saved(GREY.convert("RGB"), "JPEG", quality=95), 30),
    "JPEG progressive": (saved(GREY.convert("RGB"), "JPEG", quality=95, progressive=True), 30),
    "JPEG CMYK": (saved(GREY.convert("CMYK"), "JPEG", quality=95), 30),
    "JPEG with a second picture, as phones make": (saved(GREY.convert("RGB"), "MPO", quality=95, **ANIMATED), 30),
    "WebP lossy": (saved(GREY.convert("RGB"), "WEBP", quality=95), 60),
    "TIFF LAB": (saved(GREY.convert("LAB"), "TIFF"), 3),
}


@pytest.mark.parametrize("name", EXACT)
def test_files_of_every_kind_give_the_same_pixels(name: str) -> None:
    picture = decode(EXACT[name])
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, PICTURE)


@pytest.mark.parametrize("name", ABOUT)
def test_files_that_lose_a_little_give_about_the_same(name: str) -> None:
    content, most = ABOUT[name]
    picture = decode(content).astype(int)
    grey = picture if picture.ndim == 2 else picture.mean(2)
    assert grey.shape == PICTURE.shape
    assert np.abs(grey - PICTURE).max() <= most


def test_one_bit_gives_black_and_white() -> None:
    for kind in ("PNG", "BMP", "TIFF", "GIF"):
        assert np.array_equal(decode(saved(GREY.convert("1", dither=Image.Dither.NONE), kind)), (PICTURE > 127) * 255)


def test_colours_stay() -> None:
    for kind in ("PNG", "BMP", "TIFF"):
        assert np.array_equal(decode(saved(Image.fromarray(COLOUR), kind)), COLOUR)


def test_light_ink_on_nothing_comes_on_black_and_a_card_on_white() -> None:
    assert np.array_equal(decode(rgba((255, 255, 255))), 255 - PICTURE)
    card = np.dstack([PICTURE, PICTURE, PICTURE, np.zeros_like(PICTURE)])
    card[5:35, 5:40, 3] = 255
    assert np.array_equal(decode(card), PICTURE)
    assert (decode(np.zeros((9, 9, 4), np.uint8)) == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_pictures_come_upright(kind: str, orientation: int) -> None:
    """What a viewer shows after rotating or mirroring the stored pixels as EXIF says."""
    undone = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = GREY.transpose(undone[orientation]) if orientation > 1 else GREY
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    picture = decode(saved(stored.convert("RGB"), kind, exif=exif, **options))
    assert picture.shape == PICTURE.shape
    assert np.abs(picture.astype(int) - PICTURE).max() <= (30 if kind == "JPEG" else 0)


@pytest.mark.parametrize(
    "exif", [b"", b"nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12"]
)
def test_broken_exif_does_not_matter(exif: bytes) -> None:
    picture = decode(saved(GREY, "PNG", exif=exif))
    assert np.array_equal(picture, PICTURE)


def test_paths_bytes_and_buffers(tmp_path: Path) -> None:
    content = EXACT["PNG L"]
    path = tmp_path / "no picture's ending.txt"
    path.write_bytes(content)
    for source in (path, str(path), content, bytearray(content), memoryview(content)):
        assert np.array_equal(decode(source), PICTURE)


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "LA", "PA", "CMYK", "YCbCr", "HSV", "I", "F", "La", "RGBa"])
def test_pillow_images_of_every_mode(mode: str) -> None:
    source = GREY.convert({"La": "LA", "RGBa": "RGBA"}.get(mode, "RGB" if mode == "HSV" else "L")).convert(mode)
    size, info = source.size, dict(source.info)
    assert np.abs(decode(source).astype(int) - PICTURE).max() <= 2
    assert (source.mode, source.size, source.info) == (mode, size, info)


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
def test_pillow_images_of_16_bits(mode: str) -> None:
    assert np.array_equal(decode(deep(PICTURE * 257.0).convert("I").convert(mode)), PICTURE)


def test_a_pillow_image_that_cannot_be_loaded_is_refused() -> None:
    assert_refused(Image.open(io.BytesIO(EXACT["PNG L"][:-30])), "damaged or incomplete")
    closed = Image.open(io.BytesIO(EXACT["PNG L"]))
    closed.close()
    assert_refused(closed, "damaged or incomplete")
    assert_refused(Image.new("L", (0, 5)), "no pixels")
    assert_refused(Image.new("1", (30_001, 1)), "30,001 x 1")


# arrays


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a, lambda a: a[None], lambda a: a[..., None], lambda a: np.dstack([a] * 3),
        lambda a: np.dstack([a] * 3 + [np.full_like(a, 255)]), lambda a: a.astype(np.int64), lambda a: a.astype(">u2"),
        lambda a: a * np.uint16(257), lambda a: a / 255, lambda a: (a / 255).astype(np.float32), lambda a: a.astype(np.float16),
        lambda a: a * 257.0, np.asfortranarray, lambda a: np.flip(np.ascontiguousarray(np.flip(a))),
        lambda a: a.astype(np.longdouble), lambda a: a * 1e300, lambda a: a.astype(np.uint64) << np.uint64(50),
    ],
)  # fmt: skip
def test_arrays_of_every_kind(change: Callable[[Array], Array]) -> None:
    array = change(PICTURE)
    before = array.copy()
    picture = decode(array)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert np.abs(picture.astype(int) - PICTURE).max() <= 1
    assert np.array_equal(array, before)


def test_an_array_of_bool_is_black_and_white() -> None:
    assert np.array_equal(decode(PICTURE > 127), (PICTURE > 127) * 255)
    assert np.array_equal(decode(np.dstack([PICTURE > 127] * 3 + [PICTURE >= 0])), (PICTURE > 127) * 255)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((3, 3), np.nan), "not numbers"), (np.array([[0, np.inf]]), "not numbers"),
        (np.array([[0, -np.inf]]), "not numbers"), (np.zeros((5, 0, 3)), "shape (5, 0, 3)"),
        (np.full((3, 3), -1), "a pixel with the value -1"), (np.array([[0.5, -0.1]]), "a pixel with the value -0.1"),
        (np.zeros((0, 0)), "shape (0, 0)"), (np.zeros((0, 5), np.uint8), "shape (0, 5)"),
        (np.array(3), "shape ()"), (np.zeros(5), "shape (5,)"), (np.zeros((2, 5, 2)), "shape (2, 5, 2)"),
        (np.zeros((3, 28, 28), np.uint8), "shape (3, 28, 28)"), (np.zeros((1, 1, 28, 28)), "shape (1, 1, 28, 28)"),
        (np.array([[None]]), "type object"), (np.array([[1]], object), "type object"), (np.zeros((3, 3), complex), "complex128"),
        (np.array([["a"]]), "type <U1"), (np.zeros((2, 2), "m8[s]"), "timedelta"), (np.zeros((2, 2), "M8[s]"), "datetime"),
        (np.broadcast_to(np.uint8(0), (20_000, 20_000)), "20,000 x 20,000"),
        (None, "NoneType"), (3, "int"), ([[0]], "list"),
    ],
)  # fmt: skip
def test_other_arrays_and_things_are_refused(array: Any, words: str) -> None:
    assert_refused(array, words)


# not a picture, or broken

OTHERS = ("ICO", "EPS", "TGA", "PCX", "DDS", "SGI", "ICNS", "TGA", "DIB")


@pytest.mark.parametrize("kind", OTHERS)
def test_no_other_format_is_decoded_whatever_its_name(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(saved(GREY.convert("RGB"), kind))
    assert_refused(path, "picture.png is not a PNG, JPEG, WebP, BMP, TIFF, GIF, PGM or PPM file")


def test_a_pdf_is_refused_as_one_with_what_reads_its_pages(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(saved(GREY.convert("RGB"), "PDF"))
    assert_refused(path, "picture.png is a PDF, which cannot be read as a single picture")


def test_only_the_decoder_that_is_needed_is_imported() -> None:
    code = "import sys; from mnistlab.pictures.decode import decode; decode(sys.stdin.buffer.read())\n"
    code += "print([n for n in sys.modules if n.startswith('PIL.') and n.endswith('ImagePlugin')])"
    done = subprocess.run([sys.executable, "-c", code], input=EXACT["WebP"], capture_output=True, check=True)
    for name in (b"Eps", b"Psd", b"Pdf", b"Ico", b"Tiff"):
        assert name not in done.stdout


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty (0 bytes)"), (b"\0", "is not a PNG"), (b"hello\n" * 100, "is not a PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is not a PNG"), (b"8BPS" + bytes(100), "is not a PNG"),
        (b"BMW is a car", "damaged or incomplete"), (b"\x89PNG\r\n\x1a\n", "damaged or incomplete"),
        (b"\xff\xd8\xff", "damaged or incomplete"), (b"GIF89a", "damaged or incomplete"), (b"II*\0", "damaged or incomplete"),
        (b"RIFF\0\0\0\0WEBP", "damaged or incomplete"), (b"P5 9 9 255 x", "damaged or incomplete"),
        (b"P5 ", "is not a PNG"), (b"P2 1 1 255 9", "is not a PNG"), (b"P5 " + b"#\n" * 30_000_000, "is not a PNG"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused(content: bytes, words: str) -> None:
    assert_refused(content, words)


SEEDS = {**EXACT, **{name: content for name, (content, _) in ABOUT.items()}}


@given(name=st.sampled_from(sorted(SEEDS)), data=st.data())
@settings(max_examples=300)
def test_cut_and_damaged_files_give_a_picture_or_a_sentence(name: str, data: st.DataObject) -> None:
    content = bytearray(SEEDS[name])
    if data.draw(st.booleans(), label="cut"):
        content = content[: data.draw(st.integers(0, len(content) - 1), label="at")]
    else:
        for _ in range(data.draw(st.integers(1, 6), label="damages")):
            place = data.draw(st.integers(0, min(len(content), 400) - 1), label="place")
            content[place] = data.draw(st.integers(0, 255), label="value")
    try:
        picture = decode(bytes(content))
    except UserError as error:
        assert "object at 0x" not in str(error)
    else:
        assert picture.dtype == np.uint8
        assert picture.ndim in (2, 3)


@given(
    st.binary(max_size=2000), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"GIF89a"])
)
@settings(max_examples=100)
def test_random_bytes_are_refused(content: bytes, start: bytes) -> None:
    assert_refused(start + content)


def test_a_programming_error_is_not_taken_for_a_broken_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(stored, "PNG")
    for name in ("check_effort", "unpack", "of_array"):
        with monkeypatch.context() as patched, pytest.raises(TypeError, match="is not callable"):
            patched.setattr(decoding, name, None)
            decode(stored.getvalue())


def test_odd_metadata_is_no_warning() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decode(saved(GREY, "TIFF", exif=exif)[:-7] + bytes(7))


# files that are none, or may not be read


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert_refused(tmp_path, "is a folder")
    assert_refused(tmp_path / "nothing.png", "There is no file", "nothing.png")
    (tmp_path / "file").touch()
    assert_refused(tmp_path / "file" / "x.png", "file/x.png")
    assert_refused("x" * 5000 + ".png", "cannot be read")
    assert_refused("a\0b.png", "cannot be read", "a\\x00b")
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    assert_refused(loop, "loop.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_devices_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert_refused(tmp_path / "pipe.png", "is a pipe or a device")
    assert_refused("/dev/zero", "is a pipe or a device")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_no_read_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(EXACT["PNG L"])
    path.chmod(0)
    assert_refused(path, "cannot be read: you do not have permission")


def test_odd_names_stay_in_one_line(tmp_path: Path) -> None:
    for name in ("a\nb.png", "a\x1b[31mb.png", "\udcff.png"):
        (tmp_path / name).write_bytes(b"")
        assert_refused(tmp_path / name, "is empty (0 bytes)")
    assert printable("é 手 a.png") == "é 手 a.png"
    assert printable("a\n\udcff") == "a\\n\\udcff"
    assert printable("/x" * 5000 + "/7.png") == "…x" + "/x" * 96 + "/7.png"


def test_64_mebibytes_are_the_most(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    assert_refused(path, "large.png is 65 MiB, but the limit is 64 MiB")
    assert_refused(EXACT["PNG L"] + bytes(MOST_BYTES), "is larger than 64 MiB")


# files that are small and unpack to much


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, content: bytes, *extra: bytes, depth: int = 8) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def tiff(*tags: tuple[int, int]) -> bytes:
    """A TIFF of 20 x 20 pixels with further tags of four bytes, then 100 compressed bytes."""
    content = zlib.compress(bytes(400))
    own = {256: 20, 257: 20, 258: 8, 259: 8, 262: 1, 277: 1, **dict(tags)}
    place = 8 + 2 + 12 * len(own) + 12 * 2 + 4
    own |= {324: place, 325: len(content)} if 322 in own else {273: place, 279: len(content)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(own.items()))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(own)) + entries + bytes(4) + content


def gif(screen: tuple[int, int], frame: tuple[int, int]) -> bytes:
    start = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return start + b"\x2c" + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02\x4c\x01\0;"


def rle(width: int) -> bytes:
    """A BMP whose run-length code jumps 255 rows down at once."""
    code = b"\0\2\xff\xff" * 10
    head = struct.pack("<IHHI", 54 + 1024 + len(code), 0, 0, 54 + 1024)
    return (
        b"BM" + head + struct.pack("<IiiHHIIiiII", 40, width, 1, 1, 8, 1, len(code), 0, 0, 256, 0) + bytes(1024) + code
    )


def layered(scans: int) -> bytes:
    """A progressive JPEG of 16 million pixels whose last scan is repeated over and over."""
    plain = saved(Image.new("L", (4000, 4000), 255), "JPEG", progressive=True)
    return plain[:-2] + plain[plain.rindex(b"\xff\xda") : -2] * scans + plain[-2:]


ROWS = zlib.compress(bytes(110))
BOMB = zlib.compress(bytes(200_000_000), 9)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (png(50_000, 50_000, ROWS), "too many pixels"),
        (png(9_000, 9_000, ROWS), "9,000 x 9,000 pixels"),
        (png(2**31 - 1, 2**31 - 1, ROWS), "too many pixels"),
        (png(80_000, 10, ROWS), "80,000 x 10 pixels"),
        (png(10, 10, ROWS, chunk(b"zTXt", b"a\0\0" + BOMB)), "too large"),
        (png(10, 10, ROWS, chunk(b"iTXt", b"a\0\1\0\0\0" + BOMB)), "too large"),
        (png(10, 10, ROWS, chunk(b"iCCP", b"a\0\0" + BOMB)), "too large"),
        (gif((10, 10), (65_535, 65_535)), "too many pixels"),
        (gif((9_000, 9_000), (10, 10)), "9,000 x 9,000 pixels"),
        (tiff((322, 32_000), (323, 32_000)), "32,000 x 32,000 pixels"),
        (rle(80_000_000), "80,000,000 x 1 pixels"),
        (layered(1000), "scans"),
        (b"P5 9000 9000 255 ", "9,000 x 9,000 pixels"),
        (b"P6 2000 1000 254 " + bytes(6_000_000), "unusual maximum"),
        (b"RIFF\x1e\0\0\0WEBPVP8L\x11\0\0\0\x2f\xff\xff\xff\x0f" + bytes(20), ""),
    ],
    ids=["50,000 a side", "81 million", "2 billion a side", "long", "text", "Unicode text", "profile", "GIF frame", "GIF screen",
         "TIFF tile", "BMP rows", "JPEG layers", "PGM", "slow PPM", "WebP"],
)  # fmt: skip
def test_bombs_do_not_go_off(content: bytes, words: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert_refused(content, words)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


def test_what_only_looks_like_a_bomb_is_read() -> None:
    assert decode(png(10, 10, BOMB)).shape == (10, 10)  # more rows than there are
    assert decode(tiff()).shape == (20, 20)
    assert decode(layered(3)).shape == (4000, 4000)


PEAK = """
import resource, sys
from mnistlab.pictures.decode import decode
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
picture = decode(sys.argv[1])
print(*picture.shape, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(("mode", "height", "most"), [("1", 9_875, 300), ("RGBA", 2_500, 400)])
def test_large_pictures_take_bounded_memory(mode: str, height: int, most: int, tmp_path: Path) -> None:
    """79 million pixels of 1 bit, 20 million of 32; `most` is in MiB, Pillow alone takes 75 and 76."""
    path = tmp_path / "large.png"
    Image.new(mode, (8_000, height)).save(path, compress_level=1)
    done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True)
    *shape, kilobytes = done.stdout.split()
    assert shape == [str(height), "8000"]
    assert int(kilobytes) < most * 1024
