"""How well Reader reads what it was not trained on, and how fast: uv run python -m benchmarks.reading.rows

mnist     MNIST's test images, through the reader's own model
semeion   each picture as it was published, through `Reader.read`: right where one digit is found, and it is the one
digits    scikit-learn's 8x8 digits, likewise
pages     MNIST's test digits on pages of paper that tests/support/pages.py draws: found, and read right
reject    at the threshold that accepts 99 % of MNIST's test images: clothes, letters and noise below it
process   `mnistlab read one.png`, process start to answer
page-time an A4 page at 300 dpi with 100 digits, from its file, after a warm-up
classify  10,000 images, images a second, on two cores

Semeion is not in this repository: get semeion.data (Semeion Handwritten Digit, UCI Machine Learning Repository) and name its
folder with --foreign. scikit-learn's digits come with `uv pip install scikit-learn`, Fashion-MNIST with Debian's
dataset-fashion-mnist or `mnistlab data --dataset fashion`. Letters are written with the fonts of OpenCV and those found in
--fonts that are not of matplotlib's families (the recipe `reader` sees those); Debian has handwritten ones in fonts-breip,
fonts-femkeklaver, fonts-dkg-handwriting, fonts-bwht, fonts-dancingscript, fonts-humor-sans, fonts-kaushanscript and
fonts-comic-neue, printed ones in fonts-liberation. Each family counts alike. Let nothing else run beside the last three rows.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks import records
from mnistlab.data.dataset import find_spec, import_files, open_dataset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mnistlab import Reader

pages: Any = importlib.import_module("tests.support.pages")

COMMAND = Path(sys.executable).parent / "mnistlab"
DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")
DIGITS_A_PAGE = 100
LIKE_DIGITS = "BDGIOQSZbgiloqsz"
"""Letters that a person may take for 8, 0, 6, 1, 0, 0, 5, 2 and 6, 9, 1, 1, 0, 9, 5, 2: not asked for."""
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
"""Further letters that are like digits as these fonts write them."""
ACCEPTED = 0.99
"""Of MNIST's test images, where the threshold of the row `reject` lies."""

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Box = tuple[float, float, float, float]


class SkipError(Exception):
    """A row cannot be measured here; the text says why and what would mend it."""


@dataclass(frozen=True)
class Setting:
    """What the rows are measured with."""

    reader: Reader
    model: Path | None
    pages: int
    first_page: int
    times: int
    rounds: int
    foreign: Path | None
    fonts: tuple[Path, ...]
    data_dir: Path
    test: tuple[Images, Labels]


def show(done: int, total: int, what: str) -> None:
    if done % max(1, total // 10) == 0:
        click.echo(f"  {what}: {done} of {total}", err=True)


# Digits that were never on a page


def measure_mnist(setting: Setting) -> dict[str, Any]:
    images, labels = setting.test
    values, _ = setting.reader.classify(images)
    return {"right": int((values == labels).sum()), "of": len(labels)}


def read_one_by_one(reader: Reader, images: Images, labels: Labels, what: str) -> dict[str, Any]:
    counts = dict.fromkeys(("right", "none", "several", "accepted", "accepted_right"), 0)
    confused: dict[str, int] = defaultdict(int)
    start = time.perf_counter()
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        show(number, len(labels), what)
        found = [digit for line in reader.read(image).lines for digit in line.digits]
        if len(found) != 1:
            counts["several" if found else "none"] += 1
            continue
        is_right = int(found[0].value) == int(label)
        counts["right"] += is_right
        counts["accepted"] += found[0].accepted
        counts["accepted_right"] += found[0].accepted and is_right
        if not is_right:
            confused[f"{int(label)} as {int(found[0].value)}"] += 1
    most = dict(sorted(confused.items(), key=lambda item: -item[1])[:8])
    seconds = time.perf_counter() - start
    return {**counts, "of": len(labels), "confused": most, "ms_each": round(1000 * seconds / len(labels), 2)}


def measure_semeion(setting: Setting) -> dict[str, Any]:
    folder = setting.foreign
    if folder is not None and (folder / "semeion.npz").is_file():
        with np.load(folder / "semeion.npz") as content:
            images, labels = content["images"], content["labels"]
    elif folder is not None and (folder / "semeion.data").is_file():
        table = np.loadtxt(folder / "semeion.data")  # 256 pixels, then a column a digit
        images, labels = (table[:, :256].reshape(-1, 16, 16) * 255).astype(np.uint8), table[:, 256:].argmax(1)
    else:
        raise SkipError("name the folder of semeion.data or semeion.npz with --foreign (see --help)")
    return read_one_by_one(setting.reader, images, labels.astype(np.int64), "semeion")


def measure_digits(setting: Setting) -> dict[str, Any]:
    try:
        loaded = importlib.import_module("sklearn.datasets").load_digits()
    except ImportError:
        raise SkipError("needs scikit-learn: uv pip install scikit-learn") from None
    images = np.round(loaded.images * 255 / 16).astype(np.uint8)
    return read_one_by_one(setting.reader, images, loaded.target.astype(np.int64), "scikit-learn's digits")


# Pages


def page_of(setting: Setting, number: int, **options: Any) -> Any:
    """The page with this number, with MNIST's test digits that no other of the first 100 pages has."""
    images, labels = setting.test
    order = np.random.default_rng(0).permutation(len(labels))
    start = number * DIGITS_A_PAGE % len(order)
    chosen = order[start : start + DIGITS_A_PAGE]
    return pages.make_page(number, images[chosen], labels[chosen], **options)


def match(truth: list[Box], found: list[Box]) -> dict[int, int]:
    """Which found box is which true one, by overlap, each once: their union less than twice what they share, or both
    centres in the other's box.
    """
    pairs = []
    for a, one in enumerate(truth):
        for b, other in enumerate(found):
            shared_x = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
            shared_y = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
            if shared_x <= 0 or shared_y <= 0:
                continue
            shared = shared_x * shared_y
            overlap = shared / (one[2] * one[3] + other[2] * other[3] - shared)
            if overlap > 0.5 or (centre_in(one, other) and centre_in(other, one)):
                pairs.append((overlap, a, b))
    matched: dict[int, int] = {}
    taken = set()
    for _, a, b in sorted(pairs, reverse=True):
        if a not in matched and b not in taken:
            matched[a] = b
            taken.add(b)
    return matched


def centre_in(one: Box, other: Box) -> bool:
    x, y = one[0] + one[2] / 2, one[1] + one[3] / 2
    return other[0] <= x <= other[0] + other[2] and other[1] <= y <= other[1] + other[3]


def compare(page: Any, read: Any) -> dict[str, int]:
    """What of a page was read right."""
    lines = [[(digit, int(digit.value)) for digit in line.digits] for line in read.lines]
    found = [pair for line in lines for pair in line]
    matched = match(page.boxes, [tuple(digit.box) for digit, _ in found])
    right = [a for a, b in matched.items() if found[b][1] == page.labels[a]]
    accepted = [a for a, b in matched.items() if found[b][0].accepted]
    texts: dict[tuple[int, ...], str] = {}
    number = 0
    of_found = {b: a for a, b in matched.items()}
    for line in lines:
        texts[tuple(of_found.get(number + k, -1) for k in range(len(line)))] = "".join(str(v) for _, v in line)
        number += len(line)
    lines_right, start = 0, 0
    for text in page.lines:
        lines_right += texts.get(tuple(range(start, start + len(text)))) == text
        start += len(text)
    return {
        "of": len(page.labels),
        "right": len(right),
        "missed": len(page.labels) - len(matched),
        "wrong": len(matched) - len(right),
        "false_finds": len(found) - len(matched),
        "accepted": len(accepted),
        "accepted_right": len(set(accepted) & set(right)),
        "false_finds_accepted": sum(digit.accepted for b, (digit, _) in enumerate(found) if b not in of_found),
        "lines": len(page.lines),
        "lines_right": lines_right,
    }


def measure_pages(setting: Setting) -> dict[str, Any]:
    total: dict[str, int] = defaultdict(int)
    kinds: dict[str, dict[str, list[int]]] = {name: defaultdict(lambda: [0, 0]) for name in ("paper", "ruling", "pen")}
    each, seconds = [], []
    for number in range(setting.first_page, setting.first_page + setting.pages):
        page = page_of(setting, number)
        start = time.perf_counter()
        read = setting.reader.read(page.picture)
        seconds.append(time.perf_counter() - start)
        counts = compare(page, read)
        for name, value in counts.items():
            total[name] += value
        for name, groups in kinds.items():
            groups[page.drawn[name]][0] += counts["right"]
            groups[page.drawn[name]][1] += counts["of"]
        each.append({"seed": number, "drawn": page.description, **counts, "seconds": round(seconds[-1], 3)})
        click.echo(
            f"  page {number}: {counts['right']} of {counts['of']} right, {counts['missed']} missed, {counts['wrong']} wrong, "
            f"{counts['false_finds']} false finds, {counts['lines_right']} of {counts['lines']} lines, {seconds[-1]:.2f} s: "
            f"{page.description}",
            err=True,
        )
    shares = {name: dict(sorted(groups.items())) for name, groups in kinds.items()}
    return {**total, "pages": setting.pages, "seconds_a_page": median(seconds), "kinds": shares, "each": each}


# What is no digit


def measure_reject(setting: Setting) -> dict[str, Any]:
    reader = setting.reader
    largest = np.sort(reader.classify(setting.test[0])[1].max(1))
    threshold = float(largest[round((1 - ACCEPTED) * len(largest))])
    result: dict[str, Any] = {
        "threshold": threshold,
        "mnist_accepted": float((largest >= threshold).mean()),
        "own_threshold": getattr(reader, "threshold", None),
        "rejected": {},
        "kinds": {},
        "skipped": {},
    }

    def rejected(images: Images) -> float:
        return float((reader.classify(images)[1].max(1) < threshold).mean())

    try:
        result["rejected"]["fashion"] = rejected(fashion(setting.data_dir))
    except SkipError as error:
        result["skipped"]["fashion"] = str(error)
    letters = draw_letters(setting.fonts)
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
    """Ink 255 on 0 of any size as MNIST was made: into 20x20 with its aspect, anti-aliased, centre of mass in the middle."""
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
    """Of each font, by family and style, the letters as MNIST-like images and which they are."""
    drawn: dict[tuple[str, str], tuple[Images, str]] = {}
    for name in sorted(name for name in dir(cv2) if name.startswith("FONT_HERSHEY")):
        for italic in (0, cv2.FONT_ITALIC):
            images = np.stack([as_mnist(write_with_opencv(c, getattr(cv2, name) | italic)) for c in LETTERS])
            if not any(np.array_equal(images, other) for other, _ in drawn.values()):  # OpenCV 5 draws some alike
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
    """Pictures of nothing."""
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


# Speed


@contextmanager
def two_cores() -> Iterator[None]:
    """Where there are more, keep to two."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(before)[:2]))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def measure_process(setting: Setting) -> dict[str, Any]:
    image = setting.test[0][0]
    command = [str(COMMAND)] if COMMAND.exists() else [sys.executable, "-m", "mnistlab"]
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "one.png"
        page = pages.make_page(
            0, image[None], [7], size=(400, 300), height=120, paper="white", ruling="plain", per_line=1
        )
        pages.save(page, picture)
        command += ["read", str(picture), *(["--model", str(setting.model)] if setting.model else [])]
        seconds = []
        for _ in range(setting.times + 1):  # the first start reads the files from disk
            start = time.perf_counter()
            ended = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
            seconds.append(time.perf_counter() - start)
            if ended.returncode:
                raise SkipError(f"`mnistlab read` failed: {(ended.stderr.strip().splitlines() or ['no message'])[-1]}")
    return {"seconds": seconds[1:], "answer": ended.stdout.strip()}


def measure_page_time(setting: Setting) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {"JPEG": [], "PNG": []}
    with tempfile.TemporaryDirectory() as folder, two_cores():
        for number in range(3):
            page = page_of(setting, number, size=(2480, 3508))
            for kind in seconds:
                path = Path(folder) / f"{number}.{kind.lower()}"
                pages.save(page, path, kind)
                setting.reader.read(path)
        for _ in range(setting.rounds):
            for kind, measured in seconds.items():
                for number in range(3):
                    start = time.perf_counter()
                    setting.reader.read(Path(folder) / f"{number}.{kind.lower()}")
                    measured.append(time.perf_counter() - start)
    return {"seconds": seconds}


def measure_classify(setting: Setting) -> dict[str, Any]:
    from mnistlab import Reader

    images = setting.test[0]
    with two_cores():
        reader = Reader(setting.model)  # anew, for as many threads as there are cores now
        reader.classify(images)
        rates = []
        for _ in range(setting.rounds):
            start = time.perf_counter()
            reader.classify(images)
            rates.append(len(images) / (time.perf_counter() - start))
    return {"images_per_second": rates}


ROWS: dict[str, Callable[[Setting], dict[str, Any]]] = {
    "mnist": measure_mnist,
    "semeion": measure_semeion,
    "digits": measure_digits,
    "pages": measure_pages,
    "reject": measure_reject,
    "process": measure_process,
    "page-time": measure_page_time,
    "classify": measure_classify,
}


# Telling


def percent(part: float, whole: float = 1) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"


def spread(values: list[float], unit: str = "s") -> str:
    return f"median {median(values):.3g} {unit} ({min(values):.3g} to {max(values):.3g}, n = {len(values)})"


def is_skipped(result: dict[str, Any]) -> bool:
    """Whether the row could not be measured at all; of `reject`, parts may be missing."""
    return isinstance(result.get("skipped"), str)


def tell(name: str, result: dict[str, Any]) -> tuple[str, list[str]]:
    """The figure of a row, and what stands below it."""
    if is_skipped(result):
        return "skipped", [result["skipped"]]
    if name == "mnist":
        return percent(result["right"], result["of"]), []
    if name in ("semeion", "digits"):
        more = [
            f"none found {result['none']}, several {result['several']}; most often {result['confused']}",
            f"accepted {percent(result['accepted'], result['of'])}, "
            f"of them right {percent(result['accepted_right'], result['accepted'])}; {result['ms_each']} ms each",
        ]
        return f"{percent(result['right'], result['of'])} (n = {result['of']})", more
    if name == "pages":
        more = [
            f"missed {result['missed']}, wrong {result['wrong']}, false finds {result['false_finds']} "
            f"({result['false_finds_accepted']} accepted)",
            f"accepted {percent(result['accepted'], result['of'])}, "
            f"of them right {percent(result['accepted_right'], result['accepted'])}",
            f"lines right {percent(result['lines_right'], result['lines'])}, {result['seconds_a_page']:.2f} s a page",
        ]
        for kind, groups in result["kinds"].items():
            parts = (f"{group} {percent(right, of)}" for group, (right, of) in groups.items())
            more.append(f"{kind}: {', '.join(parts)}")
        return f"{percent(result['right'], result['of'])} (n = {result['of']}, {result['pages']} pages)", more
    if name == "reject":
        more = [f"{kind} {percent(share)}" for kind, share in result["rejected"].items()]
        more += [f"{kind}: skipped, {why}" for kind, why in result["skipped"].items()]
        for kind, shares in result["kinds"].items():
            worst = sorted(shares.items(), key=lambda item: item[1])[:12]
            more.append(f"{kind}, worst of {len(shares)}: {', '.join(f'{a} {100 * b:.0f} %' for a, b in worst)}")
        more.append(f"threshold {result['threshold']:.4f} (the reader's own: {result['own_threshold']})")
        return percent(result["mean"]), more
    if name == "process":
        return spread(result["seconds"]), [f"it says: {result['answer']!r}"]
    if name == "page-time":
        return spread(result["seconds"]["JPEG"]), [f"as PNG: {spread(result['seconds']['PNG'])}"]
    return spread(result["images_per_second"], "images/s"), []


def describe_model(reader: Reader, path: Path | None) -> dict[str, Any]:
    """Which model was measured."""
    used = path or Path(getattr(reader, "path", ""))
    facts: dict[str, Any] = {"name": used.name, "metadata": dict(getattr(reader, "metadata", {}))}
    if used.is_file():
        facts |= {"bytes": used.stat().st_size, "sha256": hashlib.sha256(used.read_bytes()).hexdigest()[:12]}
    return facts


def chosen_rows(context: click.Context, parameter: click.Parameter, value: str | None) -> list[str]:
    names = [name.strip() for name in value.split(",")] if value else list(ROWS)
    if unknown := [name for name in names if name not in ROWS]:
        raise click.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(ROWS)}", context, parameter)
    return names


FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command(cls=records.Command, help=(__doc__ or "").replace("\n\nmnist", "\n\n\b\nmnist"))
@click.option("--only", "names", callback=chosen_rows, metavar="ROW,ROW,...", help="Some of the rows.")
@click.option("--model", type=click.Path(path_type=Path, exists=True), help="An exported model; else the bundled one.")
@click.option("--pages", "count", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--first-page", type=click.IntRange(min=0), default=0, show_default=True, help="Its seed.")
@click.option("--times", type=click.IntRange(min=1), default=20, show_default=True, help="Processes.")
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="Of page-time and classify.")
@click.option("--foreign", type=FOLDER, help="The folder of semeion.data or semeion.npz.")
@click.option("--fonts", type=FOLDER, multiple=True, help="Folders of fonts.  [default: /usr/share/fonts]")
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The results as one JSON object.")
@click.option("--record", is_flag=True, help="Add each row to docs/results/reader.jsonl.")
def main(
    names: list[str], model: Path | None, count: int, first_page: int, times: int, rounds: int, foreign: Path | None,
    fonts: tuple[Path, ...], data_dir: Path, as_json: bool, record: bool,
) -> None:  # fmt: skip
    from mnistlab import Reader

    reader = Reader(model)
    usual = tuple(path for path in [Path("/usr/share/fonts")] if path.is_dir())
    test = open_dataset("mnist", data_dir).read("test")
    setting = Setting(reader, model, count, first_page, times, rounds, foreign, fonts or usual, data_dir, test)
    results: dict[str, dict[str, Any]] = {}
    for name in names:
        try:
            results[name] = ROWS[name](setting)
        except SkipError as error:
            results[name] = {"skipped": str(error)}
        if record and not is_skipped(results[name]):
            records.append("reader", {"row": name, "model": describe_model(reader, model), **results[name]})
        if not as_json:
            figure, more = tell(name, results[name])
            click.echo(f"{name:<10} {figure}")
            for line in more:
                click.echo(f"{'':<12} {line}")
    if as_json:
        click.echo(json.dumps({"model": describe_model(reader, model), "rows": results}))


if __name__ == "__main__":
    main()
