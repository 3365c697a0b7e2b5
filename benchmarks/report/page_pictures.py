"""The pictures of the page that README and LISEZMOI show: uv run python -m benchmarks.report.page_pictures (needs Chromium)"""

from __future__ import annotations

import importlib
import shutil
import sys
from typing import Any

import click
from playwright.sync_api import Page, sync_playwright

from benchmarks import records
from benchmarks.serving.rows import check_programs, serving
from mnistlab import UserError

STROKES: Any = importlib.import_module("tests.support.strokes").STROKES
IMAGES = records.ROOT / "docs" / "images"
VIEW = {"width": 1280, "height": 860}


@click.command(cls=records.Command, help=__doc__)
def main() -> None:
    check_programs(["page"])
    with serving() as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, locale, scheme, panel in (
            ("page.png", "en-GB", "light", "inside"),
            ("page-fr.png", "fr-FR", "dark", "why"),
        ):
            context = browser.new_context(viewport=VIEW, locale=locale, color_scheme=scheme)  # type: ignore[arg-type]
            page = context.new_page()
            page.goto(address)
            draw(page, (2, 0, 7))
            page.click(f"#tab-{panel}")
            page.wait_for_timeout(1500)
            page.screenshot(path=IMAGES / name)
            click.echo(f"{IMAGES / name}: reads {page.locator('#answer').text_content()}")
        browser.close()


def draw(page: Page, digits: tuple[int, ...]) -> None:
    """With the mouse, beside each other."""
    box = page.locator("#sheet").bounding_box()
    if box is None:
        raise UserError("The page shows no sheet.", "Open it in a browser to see why.")
    for number, digit in enumerate(digits):
        left, top, height = (
            box["x"] + box["width"] * (0.1 + 0.29 * number),
            box["y"] + 0.24 * box["height"],
            0.5 * box["height"],
        )
        for stroke in STROKES[digit]:
            points = [(left + x * height, top + y * height) for x, y in stroke]
            page.mouse.move(*points[0])
            page.mouse.down()
            for point in points[1:]:
                page.mouse.move(*point, steps=3)
            page.mouse.up()
    page.wait_for_timeout(800)


if __name__ == "__main__":
    sys.exit(main())
