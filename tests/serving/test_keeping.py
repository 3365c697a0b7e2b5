"""The first screen, and what outlives the page: a link, this tab's storage, a picture; large type for a class."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from playwright.sync_api import Page, expect

from tests.serving.test_page import AT_REST, Open, answer, browser, choose, draw, new_page, open_page, pytestmark, url  # noqa: F401
from tests.support import running_server

STROKES = st.lists(
    st.builds(
        lambda width, points: {"width": width, "points": [{"x": x, "y": y} for x, y in points]},
        st.integers(14, 60),
        st.lists(st.tuples(st.floats(-50, 1100), st.floats(-50, 900)), min_size=1, max_size=40),
    ),
    max_size=4,
)
TWICE = """async (strokes) => {
    const {decode, encode} = await import('/static/link.js');
    const once = encode(strokes);
    return [once, decode(once), encode(decode(once))];
}"""


@given(STROKES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_link_holds_a_drawing_nearly_as_it_is_and_no_less_the_next_time(page: Page, strokes: list[Any]) -> None:
    once, given, again = page.evaluate(TWICE, strokes)
    assert again == once
    assert re.fullmatch(r"[\w-]+", once)
    assert [stroke["width"] for stroke in given] == [stroke["width"] for stroke in strokes]
    for stroke, kept in zip(strokes, given, strict=True):
        for point in stroke["points"]:
            x, y = min(max(point["x"], 0), 1020), min(max(point["y"], 0), 1020)
            assert min(abs(x - other["x"]) + abs(y - other["y"]) for other in kept["points"]) <= 4 * 5 * 1.5 + 4


def test_a_link_brings_the_drawing_to_somebody_else(open_page: Open) -> None:  # noqa: F811
    page = open_page()
    expect(page.locator("#link")).to_be_disabled()
    draw(page, 7, left=0.1)
    draw(page, 3, left=0.5)
    page.click("#link")
    expect(page.locator("#notice")).to_have_text("The link with your drawing is copied.")
    link = page.evaluate("navigator.clipboard.readText()")
    assert len(link) < 400
    other = open_page(link.removeprefix(page.url.rstrip("/")))
    expect(answer(other)).to_have_text("73")
    assert "#" not in other.url
    other.evaluate("(hash) => { location.hash = hash; }", "d=broken!")
    expect(other.locator("#notice")).to_contain_text("The drawing in this link is damaged")
    expect(answer(other)).to_have_text("73")  # as it was
    draw(other, 1, left=0.85, height=0.4)
    expect(other.locator("#notice")).to_have_text("")


@pytest.mark.parametrize("broken", ["", "x", "AQ", "AR4", "AR4BAA", "Ah4BABER", "AQABABER", "AR4BABERiA", "é"])
def test_a_broken_link_is_a_sentence_and_the_rest_works(broken: str, page: Page, url: str) -> None:  # noqa: F811
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    page.goto(f"{url}/?lang=fr#d={broken}")
    page.evaluate(AT_REST)
    notice = "Le dessin de ce lien est endommagé" if broken != "AQ" else ""  # a drawing without strokes
    expect(page.locator("#notice")).to_contain_text(notice)
    expect(page.locator("#hint")).to_be_visible()


def test_the_drawing_survives_a_reload_and_the_way_to_the_description(open_page: Open, url: str) -> None:  # noqa: F811
    page = open_page()
    draw(page, 7)
    page.reload()
    expect(answer(page)).to_have_text("7")
    page.click("nav a")
    page.click(".wordmark a")
    expect(answer(page)).to_have_text("7")
    page.click("nav a")
    page.go_back()
    expect(answer(page)).to_have_text("7")
    page.goto("about:blank")
    page.goto(f"{url}/#d=x")  # a broken link does not cost it
    expect(page.locator("#notice")).to_contain_text("damaged")
    expect(answer(page)).to_have_text("7")
    page.click("#clear")
    page.reload()
    expect(page.locator("#hint")).to_be_visible()


def test_a_browser_that_keeps_nothing_is_told_of_and_all_works(browser: Any, url: str) -> None:  # noqa: F811
    page = new_page(browser, locale="fr-FR")
    page.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, name, {get() { throw new DOMException('refused', 'SecurityError'); }});"
    )
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(url)
    draw(page, 7)
    expect(answer(page)).to_have_text("7")
    expect(page.locator("#notice")).to_contain_text("Votre navigateur ne garde rien")
    page.click("#theme")
    page.click("#language")
    expect(page.locator("#notice")).to_contain_text("Your browser stores nothing")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("#hint")).to_be_visible()
    assert wrong == []
    page.context.close()


def test_a_token_in_a_link_with_a_drawing_is_taken_and_goes_into_no_link(browser: Any) -> None:  # noqa: F811
    with running_server.thread(token="s3cret") as running:
        page = new_page(browser)
        page.goto(f"{running.url}/?lang=en#d=AR4CAIh9PIh9lg&token=s3cret")  # an upright line
        expect(answer(page)).to_have_text("1")
        page.click("#link")
        expect(page.locator("#notice")).to_contain_text("copied")
        link = page.evaluate("navigator.clipboard.readText()")
        assert (link.split("#")[0], "s3cret" in link) == (f"{running.url}/", False)
        page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')); }")
        page.click("#link")
        expect(page.locator("#notice")).to_contain_text("address bar")
        assert page.url == link
        page.context.close()


def test_the_drawing_and_the_answer_are_saved_as_a_picture(open_page: Open) -> None:  # noqa: F811
    page = open_page()
    draw(page, 7)
    ink, longest_bar, positive = (0x1D, 0x1B, 0x1A), (0xB3, 0x37, 0x1B), (0xBF, 0x5A, 0x08)
    heights = []
    for panel, wanted in (("answer", {ink, longest_bar}), ("inside", {ink, longest_bar, positive})):
        choose(page, panel)
        with page.expect_download() as download:
            page.click("#save")
        assert download.value.suggested_filename == "mnistlab.png"
        with Image.open(io.BytesIO(download.value.path().read_bytes())) as picture:
            assert picture.width == 1600
            heights.append(picture.height)
            assert wanted <= {colour for _, colour in picture.convert("RGB").getcolors(2**20) or []}
    assert heights[1] > heights[0]  # the network stands below
    expect(page.locator("#notice")).to_have_text("The picture is saved as mnistlab.png.")


def test_a_digit_draws_itself_until_the_hand_takes_over(open_page: Open) -> None:  # noqa: F811
    page = open_page(reduced_motion="no-preference")
    expect(answer(page)).to_have_text("5")
    page.reload()  # it is not the visitor's, and so not kept
    draw(page, 7)
    expect(answer(page)).to_have_text("7")  # and no 5 beside it
    page.click("#undo")
    expect(page.locator("#hint")).to_be_visible()
    page.reload()
    expect(answer(page)).to_have_text("5")
    page.locator("#sheet").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#hint")).to_be_visible()
    about = open_page("/#d=x", reduced_motion="no-preference")
    expect(answer(about)).to_have_text("5")
    expect(about.locator("#notice")).to_contain_text("damaged")  # and no digit that draws itself takes that away
    still = open_page()
    still.evaluate(AT_REST)
    expect(still.locator("#hint")).to_be_visible()


def test_large_type_and_a_key_for_each_tab(open_page: Open) -> None:  # noqa: F811
    page = open_page("/?present", viewport={"width": 1280, "height": 720})
    smallest = page.evaluate(
        """() => Math.min(...[...document.querySelectorAll('body *')]
            .filter((element) => element.checkVisibility())
            .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
            .map((element) => parseFloat(getComputedStyle(element).fontSize)))"""
    )
    assert smallest >= 720 / 55
    draw(page, 7)
    assert Axe().run(page).violations_count == 0
    tabs = page.locator("[role=tab]")
    for number in range(tabs.count(), 0, -1):
        page.keyboard.press(str(number))
        expect(tabs.nth(number - 1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("f")
    expect(page.locator("#full-screen")).to_have_text("Leave full screen (F)")
    page.click("#full-screen")
    expect(page.locator("#full-screen")).to_have_text("Full screen (F)")
    plain = open_page()
    plain.keyboard.press("2")
    expect(plain.locator("#tab-answer")).to_have_attribute("aria-selected", "true")
