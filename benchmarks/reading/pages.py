"""How well digits on computer-generated pages are found and read: uv run python -m benchmarks.reading.pages --pages 40

tests/support/pages.py draws the pages with MNIST's test digits: seven papers, five rulings, nine pens, tilts of up to
10 degrees, shadows, noise. No digit is on two of the first 100 pages.
"""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np

from benchmarks.command import Command, Row, data_option, json_option, measure_rows, record_option
from benchmarks.reading.model import Images, Labels, describe, mnist_test, model_option
from benchmarks.timing import percent
from mnistlab.reading.reader import Reader
from tests.support import pages as drawn_pages

DIGITS_A_PAGE = 100

Box = tuple[float, float, float, float]


def page_of(test: tuple[Images, Labels], number: int, **options: Any) -> Any:
    """The page with this number; its digits come from MNIST's test images, and none is on another of the first 100 pages."""
    images, labels = test
    order = np.random.default_rng(0).permutation(len(labels))
    start = number * DIGITS_A_PAGE % len(order)
    chosen = order[start : start + DIGITS_A_PAGE]
    return drawn_pages.make_page(number, images[chosen], labels[chosen], **options)


def match(truth: list[Box], found: list[Box]) -> dict[int, int]:
    """For the index of each true box that is found, the index of its match; each is used at most once, the best overlaps first.

    Two boxes match if their intersection over union is above 0.5, or if each contains the other's centre.
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
    """How much of a page was read correctly, as counts of digits and lines."""
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


def measure(reader: Reader, test: tuple[Images, Labels], first: int, count: int) -> dict[str, Any]:
    total: dict[str, int] = defaultdict(int)
    kinds: dict[str, dict[str, list[int]]] = {name: defaultdict(lambda: [0, 0]) for name in ("paper", "ruling", "pen")}
    each, seconds = [], []
    for number in range(first, first + count):
        page = page_of(test, number)
        start = time.perf_counter()
        read = reader.read(page.picture)
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
    return {**total, "pages": count, "seconds_a_page": median(seconds), "kinds": shares, "each": each}


def tell(result: dict[str, Any]) -> list[str]:
    lines = [
        f"{percent(result['right'], result['of'])} (n = {result['of']}, {result['pages']} pages)",
        f"missed {result['missed']}, wrong {result['wrong']}, false finds {result['false_finds']} "
        f"({result['false_finds_accepted']} accepted)",
        f"accepted {percent(result['accepted'], result['of'])}, "
        f"of them right {percent(result['accepted_right'], result['accepted'])}",
        f"lines right {percent(result['lines_right'], result['lines'])}, {result['seconds_a_page']:.2f} s a page",
    ]
    for kind, groups in result["kinds"].items():
        parts = (f"{group} {percent(right, of)}" for group, (right, of) in groups.items())
        lines.append(f"{kind}: {', '.join(parts)}")
    return lines


@click.command(cls=Command, help=__doc__)
@model_option
@click.option("--pages", "count", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--first-page", "first", type=click.IntRange(min=0), default=0, show_default=True, help="Its seed.")
@data_option
@json_option
@record_option("reader")
def main(model: Path | None, count: int, first: int, data_dir: Path, as_json: bool, record: bool) -> None:
    reader, test = Reader(model), mnist_test(data_dir)
    measure_rows("reader", {"pages": Row(lambda: measure(reader, test, first, count), tell)}, model=describe(reader))


if __name__ == "__main__":
    main()
