"""How many non-digits are rejected: uv run python -m benchmarks.reading.reject --fonts FOLDER

The threshold is the one that accepts 99 % of MNIST's test images; pictures of clothes, letters and noise below it are rejected.

Fashion-MNIST comes with Debian's package dataset-fashion-mnist or with `mnistlab data --dataset fashion`. Letters are written
with OpenCV's fonts and those in the folders of --fonts, except matplotlib's families, on which the recipe `reader` is trained.
Debian has handwritten fonts in fonts-breip, fonts-femkeklaver, fonts-dkg-handwriting, fonts-bwht, fonts-dancingscript,
fonts-humor-sans, fonts-kaushanscript and fonts-comic-neue, and printed ones in fonts-liberation. Each family counts equally.
"""

from __future__ import annotations

import importlib
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import mean
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.command import Command, Row, SkipError, data_option, json_option, measure_rows, record_option
from benchmarks.reading.model import Images, describe, mnist_test, model_option
from benchmarks.timing import percent
from mnistlab.data.dataset import find_spec, import_files, open_dataset
from mnistlab.reading.reader import Reader

DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")
LIKE_DIGITS = "BDGIOQSZbgiloqsz"
"""The letters that are left out because people may take them for 8, 0, 6, 1, 0, 0, 5, 2 and 6, 9, 1, 1, 0, 9, 5, 2."""
LETTERS = "".join(c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in LIKE_DIGITS)
LIKE_DIGITS_IN = {
    "Because We": "d",
    "Breip": "Jj",
    "Dancing Script": "f",
    "DkgHandwriting": "Jdfy",
    "Humor Sans": "d",
    "Ecolier": LETTERS,  # its fine strokes are lost in 28 pixels
    "Joscelyn": LETTERS,  # of the 16th century
}
"""Further letters that are left out in these fonts: those that look like digits, or all of them."""
ACCEPTED = 0.99
"""The share of MNIST's test images that the threshold accepts."""


def measure(reader: Reader, digits: Images, fonts: Iterable[Path], data_dir: Path) -> dict[str, Any]:
    largest = np.sort(reader.classify(digits)[1].max(1))
    threshold = float(largest[round((1 - ACCEPTED) * len(largest))])
    result: dict[str, Any] = {
        "threshold": threshold,
        "mnist_accepted": float((largest >= threshold).mean()),
        "own_threshold": reader.threshold,
        "rejected": {},
        "kinds": {},
        "skipped": {},
    }

    def rejected(images: Images) -> float:
        return float((reader.classify(images)[1].max(1) < threshold).mean())

    try:
        result["rejected"]["fashion"] = rejected(fashion(data_dir))
    except SkipError as error:
        result["skipped"]["fashion"] = str(error)
    letters = draw_letters(fonts)
    by_family: dict[str, list[float]] = defaultdict(list)
    for (family, _), (images, _) in letters.items():
        by_family[family].append(rejected(images))
    result["kinds"]["letters by family"] = {family: mean(shares) for family, shares in by_family.items()}
    names = np.concatenate([np.array(list(texts)) for _, texts in letters.values()])
    images = np.concatenate([images for images, _ in letters.values()])
    result["kinds"]["letters"] = {name: rejected(images[names == name]) for name in sorted(set(names.tolist()))}
    result["rejected"]["letters"] = mean(result["kinds"]["letters by family"].values())
    noises = draw_noise()
    result["kinds"]["noise"] = {name: rejected(images) for name, images in noises.items()}
    result["rejected"]["noise"] = mean(result["kinds"]["noise"].values())
    result["mean"] = mean(result["rejected"].values())
    return result


def fashion(data_dir: Path) -> Images:
    dataset = open_dataset("fashion", data_dir)
    if dataset.at_hand:
        return dataset.read("test")[0]
    if not DEBIAN_FASHION.is_dir():
        raise SkipError("needs Fashion-MNIST: mnistlab data --dataset fashion, or Debian's dataset-fashion-mnist")
    with tempfile.TemporaryDirectory() as folder:
        import_files(find_spec("fashion"), DEBIAN_FASHION, Path(folder))
        return open_dataset("fashion", Path(folder)).read("test")[0]


def as_mnist(picture: Images) -> Images:
    """A picture of any size, ink 255 on 0, in MNIST's form: uint8 (28, 28), scaled to fit 20x20 pixels, centred by mass."""
    on = np.argwhere(picture > 30)
    (top, left), (bottom, right) = on.min(0), on.max(0) + 1
    ink = picture[top:bottom, left:right].astype(np.float32)
    scale = 20 / max(ink.shape)
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[: size[1], : size[0]]
    weight = float(small.sum())
    x0, y0 = round(14 - 0.5 - float((x * small).sum()) / weight), round(14 - 0.5 - float((y * small).sum()) / weight)
    x0, y0 = min(max(x0, 0), 28 - size[0]), min(max(y0, 0), 28 - size[1])
    image = np.zeros((28, 28), np.uint8)
    image[y0 : y0 + size[1], x0 : x0 + size[0]] = small * (255 / small.max())
    return image


def draw_letters(folders: Iterable[Path]) -> dict[tuple[str, str], tuple[Images, str]]:
    """By family and style, the letters of each font: their images in MNIST's form, and which letters they are."""
    drawn: dict[tuple[str, str], tuple[Images, str]] = {}
    for name in sorted(name for name in dir(cv2) if name.startswith("FONT_HERSHEY")):
        for italic in (0, cv2.FONT_ITALIC):
            images = np.stack([as_mnist(write_with_opencv(c, getattr(cv2, name) | italic)) for c in LETTERS])
            if not any(np.array_equal(images, other) for other, _ in drawn.values()):  # OpenCV 5 draws some fonts alike
                drawn["OpenCV", f"{name[13:]}{' italic' if italic else ''}"] = images, LETTERS
    theirs = families(Path(importlib.import_module("matplotlib").get_data_path()) / "fonts" / "ttf")
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".ttf", ".otf")):
            try:
                font = ImageFont.truetype(path, 96)
            except OSError:
                continue
            family, style = (part or "" for part in font.getname())
            if any(family.startswith(other) for other in theirs):
                continue
            unfair = "".join(letters for other, letters in LIKE_DIGITS_IN.items() if family.startswith(other))
            missing = write_with_pillow("\uf123", font)
            pictures = {letter: write_with_pillow(letter, font) for letter in LETTERS if letter not in unfair}
            known = "".join(a for a, b in pictures.items() if (b > 30).any() and not np.array_equal(b, missing))
            if known:
                drawn[family, style] = np.stack([as_mnist(pictures[letter]) for letter in known]), known
    return drawn


def families(folder: Path) -> set[str]:
    return {str(ImageFont.truetype(path, 20).getname()[0]) for path in folder.glob("*.ttf")}


def write_with_opencv(letter: str, font: int) -> Images:
    picture = np.zeros((300, 300), np.uint8)
    cv2.putText(picture, letter, (80, 200), font, 4, (255,), 8, cv2.LINE_AA)
    return picture


def write_with_pillow(letter: str, font: ImageFont.FreeTypeFont) -> Images:
    picture = Image.new("L", (400, 400))
    ImageDraw.Draw(picture).text((200, 200), letter, 255, font, anchor="mm")
    return np.asarray(picture)


def draw_noise(count: int = 2000) -> dict[str, Images]:
    """Pictures of noise, uint8 (N, 28, 28), by kind."""
    rng = np.random.default_rng(0)
    white = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    smooth = np.stack(
        [stretched(cv2.GaussianBlur(rng.standard_normal((28, 28)), (0, 0), s)) for s in rng.uniform(0.7, 5, count)]
    )
    blobs = np.stack([np.where(image > rng.integers(70, 200), 255, 0) for image in smooth])
    edges = [cv2.GaussianBlur(image.astype(np.float32), (0, 0), 0.6) for image in blobs]
    specks = np.where(rng.random((count, 28, 28)) < rng.uniform(0.002, 0.2, (count, 1, 1)), 255, 0)
    even = np.repeat(np.arange(256, dtype=np.uint8), 28 * 28).reshape(-1, 28, 28)
    return {
        "white": white,
        "smooth": smooth,
        "thresholded": np.clip(np.stack(edges) + 0.5, 0, 255).astype(np.uint8),
        "specks": specks.astype(np.uint8),
        "blank, of each grey": even,
    }


def stretched(field: NDArray[Any]) -> Images:
    low, high = float(field.min()), float(field.max())
    return ((field - low) / (high - low) * 255).astype(np.uint8)


def tell(result: dict[str, Any]) -> list[str]:
    lines = [percent(result["mean"])]
    lines += [f"{kind} {percent(share)}" for kind, share in result["rejected"].items()]
    lines += [f"{kind}: skipped, {why}" for kind, why in result["skipped"].items()]
    for kind, shares in result["kinds"].items():
        worst = sorted(shares.items(), key=lambda item: item[1])[:12]
        lines.append(f"{kind}, worst of {len(shares)}: {', '.join(f'{a} {100 * b:.0f} %' for a, b in worst)}")
    return [*lines, f"threshold {result['threshold']:.4f} (the reader's own: {result['own_threshold']})"]


@click.command(cls=Command, help=__doc__)
@model_option
@click.option(
    "--fonts",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    help="Folders of fonts.  [default: /usr/share/fonts]",
)
@data_option
@json_option
@record_option("reader")
def main(model: Path | None, fonts: tuple[Path, ...], data_dir: Path, as_json: bool, record: bool) -> None:
    usual = tuple(path for path in [Path("/usr/share/fonts")] if path.is_dir())
    reader, digits = Reader(model), mnist_test(data_dir)[0]
    row = Row(lambda: measure(reader, digits, fonts or usual, data_dir), tell)
    measure_rows("reader", {"reject": row}, model=describe(reader))


if __name__ == "__main__":
    main()
