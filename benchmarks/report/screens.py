"""Make the pictures that the documents show: uv run python -m benchmarks.report.screens (needs Chromium)

page.png and page-fr.png show the web page, with 207 drawn on it; read.jpg is a computer-generated page of squared paper with
digits from MNIST's split `val-random`, as `mnistlab read --annotate` shows it. All go to docs/images.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks import records
from benchmarks.command import Command, data_option
from benchmarks.serving.server import check_browser, serving
from mnistlab import Reader, open_dataset
from mnistlab.data.splits import read_split
from mnistlab.reading.annotation import annotate
from tests.support import pages as drawn_pages
from tests.support.strokes import STROKES

IMAGES = records.ROOT / "docs" / "images"
VIEW = {"width": 1280, "height": 860}
SEED = 21


def save_pages() -> None:
    """Save the page in English with the light theme, and in French with the dark one."""
    with serving() as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, locale, scheme, panel in (
            ("page.png", "en-GB", "light", "inside"),
            ("page-fr.png", "fr-FR", "dark", "why"),
        ):
            look: dict[str, Any] = {"locale": locale, "color_scheme": scheme, "reduced_motion": "reduce"}
            context = browser.new_context(viewport=VIEW, **look)  # type: ignore[arg-type]
            page = context.new_page()
            page.goto(address)
            draw(page, (2, 0, 7))
            expect(page.locator("#answer")).to_have_text("207", timeout=60_000)
            page.click(f"#tab-{panel}")
            page.wait_for_timeout(3000)  # until everything has come to rest
            page.screenshot(path=IMAGES / name)
            click.echo(f"{IMAGES / name}: reads {page.locator('#answer').text_content()}")
        browser.close()


def draw(page: Page, digits: tuple[int, ...]) -> None:
    """With the mouse, draw digits side by side."""
    box = page.locator("#sheet").bounding_box()
    if box is None:
        raise click.UsageError("The page shows no sheet. Open it in a browser to see why.")
    top, height = box["y"] + 0.24 * box["height"], 0.5 * box["height"]
    for number, digit in enumerate(digits):
        left = box["x"] + box["width"] * (0.1 + 0.29 * number)
        for stroke in STROKES[digit]:
            points = [(left + x * height, top + y * height) for x, y in stroke]
            page.mouse.move(*points[0])
            page.mouse.down()
            for point in points[1:]:
                page.mouse.move(*point, steps=3)
            page.mouse.up()
    page.wait_for_timeout(800)


def save_reading(data_dir: Path) -> None:
    """Save a computer-generated page with boxes around the digits that were read."""
    images, labels = read_split(open_dataset("mnist", data_dir), "val-random")
    page = drawn_pages.make_page(
        SEED, images[:40], labels[:40], size=(1300, 800), paper="white", ruling="squared", pen="blue ballpoint",
        height=62, tilt=-6, per_line=10, without=("show-through",),
    )  # fmt: skip
    found = Reader().read(page.picture)
    annotate(page.picture, found).save(IMAGES / "read.jpg", quality=88)
    click.echo(f"{IMAGES / 'read.jpg'}: reads\n{found.text}")


@click.command(cls=Command, help=__doc__)
@data_option
def main(data_dir: Path) -> None:
    check_browser()
    save_pages()
    save_reading(data_dir)


if __name__ == "__main__":
    main()
