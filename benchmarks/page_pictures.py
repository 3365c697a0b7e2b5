"""The pictures of the page that README and LISEZMOI show: uv run python benchmarks/page_pictures.py (needs Chromium)"""

from __future__ import annotations

import importlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from typing import Any

import click
from playwright.sync_api import Page, sync_playwright

import records
from mnistlab import UserError

sys.path.insert(0, str(records.ROOT / "tests"))
STROKES: Any = importlib.import_module("strokes").STROKES
IMAGES = records.ROOT / "docs" / "images"
VIEW = {"width": 1280, "height": 860}


@click.command(cls=records.Command, help=__doc__)
def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise UserError("There is no Chromium.", "Install it: apt-get install chromium")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mnistlab", "serve", "--no-browser", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name, locale, scheme, panel in (
                ("page.png", "en-GB", "light", "inside"),
                ("page-fr.png", "fr-FR", "dark", "why"),
            ):
                context = browser.new_context(viewport=VIEW, locale=locale, color_scheme=scheme)  # type: ignore[arg-type]
                page = context.new_page()
                page.goto(f"http://127.0.0.1:{port}/")
                draw(page, (2, 0, 7))
                page.click(f"#tab-{panel}")
                page.wait_for_timeout(1500)
                page.screenshot(path=IMAGES / name)
                click.echo(f"{IMAGES / name}: reads {page.locator('#answer').text_content()}")
            browser.close()
    finally:
        server.terminate()
        server.wait()


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


def wait_for(address: str) -> None:
    """Until the server answers."""
    deadline = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(address, timeout=1).close()  # noqa: S310 - our own server
            return
        except OSError:
            if time.monotonic() > deadline:
                raise UserError(f"The server does not answer at {address}.", "Try: mnistlab serve") from None
            time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
