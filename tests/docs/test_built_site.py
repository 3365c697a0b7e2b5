"""The built site in a real browser: nothing broken, nothing from elsewhere, accessible, also on a phone.

Build it first: uv run --group docs python -m docs.site.
"""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect, sync_playwright

from docs.site.build import WHERE
from docs.site.gather import DOCUMENTS
from docs.site.lessons import lessons
from docs.site.links import faults_in
from mnistlab.messages.sentences import LANGUAGES
from tests.support.waiting import LIMIT

SITE = Path(os.environ.get("MNISTLAB_SITE", WHERE / "html"))  # where it is set, they must not be skipped
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SITE.is_dir() and "MNISTLAB_SITE" not in os.environ, reason="needs the built site"),
]
KINDS = (
    "index",
    "day3",
    "operations",
    "errors",
    "read",
    "inside",
    "results",
    "models",
    "glossary",
    "reference",
    "docs/COMMANDS",
    "search",
)
"""A page of each kind."""


def pages_of(language: str) -> set[str]:
    return {str(path.relative_to(SITE / language).with_suffix("")) for path in (SITE / language).rglob("*.html")}


def test_no_link_is_broken_and_nothing_is_loaded_from_elsewhere() -> None:
    assert faults_in(SITE) == []


def test_each_page_has_its_counterpart_and_none_is_missing() -> None:
    assert pages_of("en") == pages_of("fr")
    documents = {name.removesuffix(".md") for name in DOCUMENTS}
    assert pages_of("en") >= {*KINDS, *(lesson.name for lesson in lessons()), *documents}
    for language, other in (LANGUAGES, LANGUAGES[::-1]):
        for name in pages_of(language):
            html = (SITE / language / f"{name}.html").read_text(encoding="utf-8")
            assert f'href="{"../" * (name.count("/") + 1)}{other}/{name}.html"' in html, name
            assert f'<html class="no-js" lang="{language}"' in html


def test_each_figure_of_a_lesson_has_words() -> None:
    for language in LANGUAGES:
        for lesson in lessons():
            html = (SITE / language / f"{lesson.name}.html").read_text(encoding="utf-8")
            article = html[html.index("<article") : html.index("</article>")]
            assert 'alt=""' not in article
            assert "_images/" in article or lesson.name == "errors"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=1000 * LIMIT)
        yield browser
        browser.close()


def test_the_front_page_is_the_one_to_draw_on_and_leads_to_the_documentation(browser: Browser, url: str) -> None:
    for language, locale in (("en", "en-GB"), ("fr", "fr-FR")):
        page = browser.new_page(locale=locale)
        page.set_default_timeout(1000 * LIMIT)
        page.goto(url)
        expect(page.locator("#answer")).not_to_be_empty()  # the example that it draws is read
        page.click("#documentation")
        expect(page).to_have_url(f"{url}{language}/index.html")
        page.close()


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", KINDS)
def test_everybody_can_read_it_on_a_desk_and_on_a_phone(
    name: str, language: str, theme: str, width: int, browser: Browser, url: str
) -> None:
    context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 844})  # type: ignore[arg-type]
    context.set_default_timeout(1000 * LIMIT)
    page = context.new_page()
    wrong: list[str] = []
    page.on("request", lambda request: None if request.url.startswith((url, "data:")) else wrong.append(request.url))
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{url}{language}/{name}.html")
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]][:3]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
    assert wrong == []


@pytest.mark.parametrize(
    ("language", "word", "found"), [("en", "shuffling", "Day 2"), ("fr", "convolutions", "Jour 3")]
)
def test_the_search_finds_a_word_in_its_language(
    language: str, word: str, found: str, browser: Browser, url: str
) -> None:
    page = browser.new_page()
    page.goto(f"{url}{language}/search.html?q={word}")
    expect(page.locator("#search-results")).to_contain_text(found, timeout=1000 * LIMIT)
    page.close()


def test_the_first_page_is_that_to_draw_on_and_leads_to_the_documentation_in_the_browsers_language(
    browser: Browser, url: str
) -> None:
    for locale, language in (("fr-CA", "fr"), ("de-DE", "en")):
        context = browser.new_context(locale=locale)
        page = context.new_page()
        page.goto(url)
        expect(page.locator("#sheet")).to_be_visible(timeout=1000 * LIMIT)
        expect(page.locator("html")).to_have_attribute("lang", language)
        page.click("nav a")
        page.wait_for_url(f"{url}{language}/index.html", timeout=1000 * LIMIT)
        context.close()
