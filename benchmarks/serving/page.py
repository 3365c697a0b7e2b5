"""The time from a stroke on the page to new probabilities, in headless Chromium: uv run python -m benchmarks.serving.page

It is measured with the tab Answer open, and with Inside, whose frames are timed too; then on the page without a server
(`mnistlab site`). There, the time from a first visit, through a link that holds a drawing, to the first answer is measured too.
The server, the browser and the script that moves the mouse share two cores. Needs Debian's package chromium. Let nothing else
run meanwhile.
"""

from __future__ import annotations

import base64
import itertools
import math
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from benchmarks.command import Command, Row, json_option, measure_rows, only_option, record_option
from benchmarks.serving.server import check_browser, offering, serving
from benchmarks.timing import p95, two_cores

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STEP = 0.016
"""How many seconds lie between two movements of the mouse."""
PAINTED = Path(__file__).parent / "painted.js"
DURATIONS = """name => {
  const durations = performance.getEntriesByName(name).map((entry) => entry.duration);
  performance.clearMeasures(name);
  return durations;
}"""
SINCE_THE_START = "performance.getEntriesByName('answer').map((entry) => entry.startTime + entry.duration)[0]"
KINDS = ("answer", "painted")
Offered = Callable[[], AbstractContextManager[tuple[str, int]]]
STROKES: dict[str, tuple[str, Offered, int]] = {
    "page": ("answer", serving, 60),
    "page-inside": ("inside", serving, 60),
    "site": ("answer", offering, 80),
}
"""For each row about strokes: the open tab, how the page is served, and how many milliseconds a reading may take."""
FIRST = "site-first"
MOST_A_FRAME, MOST_TO_FIRST = 33, 1500
"""How many milliseconds a frame of the tab Inside may take, and the first answer on the page without a server."""


@dataclass(frozen=True)
class Drawing:
    """The measurements for one drawn digit."""

    milliseconds: dict[str, list[float]]
    """For each kind, one number per new reading; if Inside is open, "overview" is the work for each of its frames."""
    moves: int
    seconds: float
    answer: str


def figure_eight(left: float, top: float, width: float, height: float) -> Iterator[tuple[float, float]]:
    """The points of an 8 drawn in one stroke, in the middle of a box, within a second."""
    for step in range(61):
        angle = 2 * math.pi * step / 60
        yield left + width * (0.5 + 0.13 * math.sin(2 * angle)), top + height * (0.5 - 0.3 * math.cos(angle))


def draw(page: Page, kinds: tuple[str, ...]) -> Drawing:
    """Draw an 8 with the mouse, wait for the page's last answer, and clear the sheet."""
    box = page.locator("#sheet").bounding_box()
    assert box is not None  # noqa: S101 - for mypy
    points = list(figure_eight(box["x"], box["y"], box["width"], box["height"]))
    page.mouse.move(*points[0])
    page.mouse.down()
    start = due = time.perf_counter()
    for point in points[1:]:
        due += STEP
        time.sleep(max(0, due - time.perf_counter()))
        page.mouse.move(*point)
    seconds = time.perf_counter() - start
    page.mouse.up()
    page.wait_for_timeout(300)  # until the last answer
    answer = page.inner_text("#answer")
    page.click("#clear")
    milliseconds = {kind: page.evaluate(DURATIONS, kind) for kind in kinds}
    if not milliseconds["answer"]:
        raise click.ClickException("The page gave no answer to a digit. Open it with `mnistlab serve` and see.")
    return Drawing(milliseconds, len(points) - 1, seconds, answer)


@contextmanager
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


def measure(updates: int, panel: str, offered: Offered) -> dict[str, Any]:
    kinds = (*KINDS, "overview") if panel == "inside" else KINDS

    drawings: list[Drawing] = []
    with offered() as (address, _), chromium() as browser:
        page = browser.new_page(reduced_motion="reduce")  # so that no digit draws itself, and the first tab is open
        page.add_init_script(path=PAINTED)
        page.goto(address)
        page.wait_for_load_state("networkidle")
        page.click(f"#tab-{panel}")
        draw(page, kinds)  # to warm up
        while sum(len(drawing.milliseconds["answer"]) for drawing in drawings) < updates:
            drawings.append(draw(page, kinds))
    moves = sum(drawing.moves for drawing in drawings)
    return {
        "milliseconds": {
            kind: list(itertools.chain.from_iterable(drawing.milliseconds[kind] for drawing in drawings))
            for kind in kinds
        },
        "moves": moves,
        "ms_a_move": 1000 * sum(drawing.seconds for drawing in drawings) / moves,
        "answer": drawings[-1].answer,
        "browser": "headless Chromium",
        "note": "answer: from the newest pointer event that the shown reading knows (its time stamp) to the DOM that"
        " shows it; painted: to the end of the main thread's painting of that frame. Server, browser and the script that"
        " moves the mouse every 16 ms share the cores; sending the picture, reading it and the answer are in it. overview: the"
        " main thread's work for a frame of the tab Inside, from the explanation that came to the canvas painted.",
    }


def measure_first(visits: int) -> dict[str, Any]:
    """The time from a new visitor's first request to the answer, for visitors who follow a link that holds a drawing."""
    points = [min(255, round(value)) for point in figure_eight(0, 0, 250, 200) for value in point]
    far = b"".join(bytes([0x88, x, y]) for x, y in zip(points[::2], points[1::2], strict=True))
    drawing = base64.urlsafe_b64encode(bytes([1, 30, len(points) // 2, 0]) + far).decode().rstrip("=")
    milliseconds = []
    with offering() as (address, _), chromium() as browser:
        for _ in range(visits + 1):  # the first visit is to warm up
            page = browser.new_context(reduced_motion="reduce").new_page()
            page.goto(f"{address}/#d={drawing}")
            page.wait_for_function("performance.getEntriesByName('answer').length")
            milliseconds.append(page.evaluate(SINCE_THE_START))
            answer = page.inner_text("#answer")
            page.context.close()
    note = (
        "From the start of the navigation to the DOM that shows the first answer; service worker and caches are empty."
    )
    return {"milliseconds": milliseconds[1:], "answer": answer, "browser": "headless Chromium", "note": note}


def tell_first(result: dict[str, Any]) -> list[str]:
    values = result["milliseconds"]
    return [
        f"{median(values):.0f} ms to the first answer ({min(values):.0f} to {max(values):.0f}, n = {len(values)}); at most"
        f" {MOST_TO_FIRST}; it says {result['answer']!r}"
    ]


def tell(most: int, result: dict[str, Any]) -> list[str]:
    return [
        *(
            f"{kind}: median {median(values):.1f} ms, p95 {p95(values):.1f} ms (n = {len(values)}); at most"
            f" {MOST_A_FRAME if kind == 'overview' else most}"
            for kind, values in result["milliseconds"].items()
        ),
        f"{result['moves']} movements, one every {result['ms_a_move']:.1f} ms; it says {result['answer']!r}",
    ]


@click.command(cls=Command, help=__doc__)
@click.option("--updates", type=click.IntRange(min=1), default=200, show_default=True, help="New readings, at least.")
@click.option("--visits", type=click.IntRange(min=1), default=10, show_default=True, help="First visits.")
@json_option
@record_option("serving")
@only_option(*STROKES, FIRST)
def main(only: list[str], updates: int, visits: int, as_json: bool, record: bool) -> None:
    check_browser()
    rows = {FIRST: Row(partial(measure_first, visits), tell_first)} | {
        name: Row(partial(measure, updates, panel, offered), partial(tell, most))
        for name, (panel, offered, most) in STROKES.items()
    }
    with two_cores():
        measure_rows("serving", {name: rows[name] for name in only})


if __name__ == "__main__":
    main()
