"""The page in a real browser: drawing with mouse and finger, in two languages, by keyboard, and without calls elsewhere."""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageDraw, ImageOps
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from mnistlab.reading.reader import Reader
from mnistlab.reading.sheets.layout import read_layout
from mnistlab.serving.models import ServedModel
from tests.support import running_server
from tests.support.strokes import STROKES
from tests.support.waiting import LIMIT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and "MNISTLAB_NEEDS_BROWSER" not in os.environ,  # .ci/run sets it: there they must not be skipped
    reason="needs a browser: apt-get install chromium",
)
PANELS = ("answer", "inside", "learn", "why", "break", "compare", "picture")
expect.set_options(timeout=1000 * LIMIT)
COUNTING = """
    window.underWay = 0;
    const fetchIt = window.fetch;
    window.fetch = async (...asked) => {
        window.underWay += 1;
        try {
            const response = await fetchIt(...asked);
            await response.clone().arrayBuffer();
            return response;
        } finally {
            window.underWay -= 1;
        }
    };
    window.Worker = class extends Worker {
        constructor(...given) {
            super(...given);
            this.addEventListener("message", ({ data }) => (window.underWay -= data.note ? 0 : 1));
        }
        postMessage(...given) {
            window.underWay += 1;
            super.postMessage(...given);
        }
    };
"""
"""Counts the requests to a server or to the page's worker whose answers are not complete."""
ALWAYS_LOOKED_AT = [("light", "en", 360), ("dark", "fr", 1440)]
AT_REST = """async () => {
    const end = performance.now() + 20000;
    for (let frames = 0; frames < 3 && performance.now() < end; ) {
        await new Promise((next) => {
            requestAnimationFrame(next);
            setTimeout(next, 200);
        });
        const moving = document.getAnimations().some((animation) => animation.playState === "running");
        frames = window.underWay === 0 && !moving ? frames + 1 : 0;
    }
}"""
"""Ends when no request is pending, everything is shown and nothing moves; or after a while, as a browser may stop drawing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    models = [
        ServedModel("mnistlab", "mnistlab's reader", Reader()),
        ServedModel("strict", "strict", Reader(threshold=1.0)),
    ]
    with running_server.thread(models) as running:
        yield running.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=1000 * LIMIT)
        yield browser
        browser.close()


Open = Callable[..., Page]


def new_page(browser: Browser, **settings: object) -> Page:
    """A page in a separate context with these settings."""
    usual = {"locale": "en-GB", "viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
    context = browser.new_context(**{**usual, **settings})  # type: ignore[arg-type]
    context.set_default_timeout(1000 * LIMIT)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.add_init_script(COUNTING)
    return context.new_page()


@pytest.fixture
def open_page(browser: Browser, url: str) -> Iterator[Open]:
    """Opens the page in a context with its own settings; at the end of the test nothing may have gone wrong in any."""
    pages: list[Page] = []
    wrong: list[str] = []

    def opened(path: str = "/", **settings: object) -> Page:
        page = new_page(browser, **settings)
        pages.append(page)
        page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request",
            lambda request: None if request.url.startswith((url, "blob:", "data:")) else wrong.append(request.url),
        )
        page.goto(url + path)
        expect(page.locator("#sheet")).to_be_visible()
        return page

    yield opened
    for page in pages:
        page.context.close()
    assert wrong == []


def move_pen(page: Page, digit: int, left: float = 0.35, top: float = 0.2, height: float = 0.6) -> None:
    """Draw with the mouse; left and top are fractions of the sheet, height one of its height."""
    box = page.locator("#sheet").bounding_box()
    assert box is not None
    for stroke in STROKES[digit]:
        points = [
            (box["x"] + left * box["width"] + x * height * box["height"], box["y"] + (top + y * height) * box["height"])
            for x, y in stroke
        ]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()


def draw(page: Page, digit: int, left: float = 0.35, top: float = 0.2, height: float = 0.6) -> None:
    """Draw, and wait for everything that follows."""
    move_pen(page, digit, left, top, height)
    page.evaluate(AT_REST)


def answer(page: Page) -> Locator:
    return page.locator("#answer")


def choose(page: Page, panel: str) -> None:
    page.click(f"#tab-{panel}")
    expect(page.locator(f"#panel-{panel}")).to_be_visible()
    page.evaluate(AT_REST)


def picture_of(*digits: int, margin: int | None = None) -> bytes:
    """The digits side by side on paper; with a margin, exactly that many pixels around their ink."""
    image = Image.new("L", (80 + 130 * len(digits), 240), 255)
    pen = ImageDraw.Draw(image)
    for number, digit in enumerate(digits):
        for stroke in STROKES[digit]:
            points = [(50 + 130 * number + 150 * x, 45 + 150 * y) for x, y in stroke]
            pen.line(points, fill=20, width=13, joint="curve")
    if margin is not None:
        left, top, right, bottom = ImageOps.invert(image).getbbox() or (0, 0, *image.size)
        image = image.crop((left - margin, top - margin, right + margin, bottom + margin))
    stream = io.BytesIO()
    image.save(stream, "png")
    return stream.getvalue()


def test_a_whole_number_its_bars_and_its_picture(open_page: Open) -> None:
    page = open_page()
    for number, digit in enumerate((2, 0, 7)):
        draw(page, digit, left=0.06 + 0.31 * number, height=0.5)
    expect(answer(page)).to_have_text("207")
    bars = page.locator("#bars [data-class]")
    expect(bars).to_have_count(10)
    chances = {bar.get_attribute("data-class"): float(bar.get_attribute("data-probability") or 0) for bar in bars.all()}
    assert max(chances, key=lambda name: chances[name]) == "7"  # the last one is looked at
    assert sum(chances.values()) == pytest.approx(1, abs=0.01)
    seen = page.evaluate(
        "[seen.width, seen.height, Math.max(...seen.getContext('2d').getImageData(0, 0, 28, 28).data)]"
    )
    assert seen == [28, 28, 255]
    expect(page.locator("#live")).to_contain_text("7")


def test_undo_and_clear(open_page: Open) -> None:
    page = open_page()
    draw(page, 1, left=0.1)
    expect(answer(page)).to_have_text("1")
    draw(page, 7, left=0.5)
    expect(answer(page)).to_have_text("17")
    page.click("#undo")
    expect(answer(page)).to_have_text("1")
    page.keyboard.press("Control+z")
    expect(answer(page)).to_have_text("")
    draw(page, 3)
    expect(answer(page)).to_have_text("3")
    page.locator("#sheet").focus()
    page.keyboard.press("Delete")
    expect(answer(page)).to_have_text("")


def test_what_is_no_digit_is_a_question_mark(open_page: Open) -> None:
    page = open_page()
    page.locator("#model").select_option("strict")  # which accepts nothing
    draw(page, 4)
    expect(answer(page)).to_have_text("?")


def test_a_finger_on_a_phone_draws_and_does_not_scroll(open_page: Open) -> None:
    page = open_page(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True, device_scale_factor=2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    session = page.context.new_cdp_session(page)
    box = page.locator("#sheet").bounding_box()
    assert box is not None
    points = [
        (box["x"] + box["width"] * (0.4 + 0.5 * x), box["y"] + box["height"] * (0.15 + 0.7 * y))
        for x, y in STROKES[7][0]
    ]
    before = page.evaluate("scrollY")
    for kind, (x, y) in (("touchStart", points[0]), *(("touchMove", point) for point in points[1:])):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(answer(page)).to_have_text("7")
    assert page.evaluate("scrollY") == before
    for panel in PANELS:
        choose(page, panel)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, panel


def test_why_follows_the_drawing(open_page: Open) -> None:
    page = open_page()
    draw(page, 7)
    expect(answer(page)).to_have_text("7")
    choose(page, "why")
    canvas = page.locator("#panel-why canvas").first
    expect(canvas).to_be_visible()
    first = canvas.screenshot()
    page.click("#clear")
    draw(page, 3)
    expect(answer(page)).to_have_text("3")
    assert canvas.screenshot() != first


def test_breaking_moves_the_answer_and_reset_brings_it_back(open_page: Open) -> None:
    page = open_page()
    draw(page, 7)
    expect(answer(page)).to_have_text("7")
    choose(page, "break")
    expect(page.locator("#break-answer")).to_contain_text("7")
    page.locator("#break-turn").fill("180")
    expect(page.locator("#break-answer")).not_to_contain_text("7")
    expect(page.locator("#break-before")).to_contain_text("Before: 7, ")
    page.click("#break-reset")
    expect(page.locator("#break-answer")).to_have_text("7")
    expect(page.locator("#break-before")).to_have_text("")
    page.locator("#model").select_option("strict")  # which is sure of nothing: its guess is told all the same
    expect(page.locator("#break-answer")).to_have_text("7?")
    expect(page.locator("#break-answer")).to_have_class("doubtful")
    page.locator("#break-turn").fill("20")
    expect(page.locator("#break-before")).to_contain_text("Before: 7?, ")
    page.locator("#break-noise").fill(page.locator("#break-noise").get_attribute("max") or "1")
    page.locator("#break-blur").fill("1")
    page.click("#break-reset")
    assert page.locator("#break-noise").input_value() == page.locator("#break-blur").input_value() == "0"


def test_an_answer_that_only_becomes_unsure_does_not_change(open_page: Open) -> None:
    page = open_page()
    draw(page, 3)
    choose(page, "break")
    found = page.locator(".slider", has=page.locator("#break-blur"))
    found.get_by_role("button").click()
    expect(found.locator(".note")).to_contain_text("The answer holds all the way. The network is no longer sure near ")
    assert found.locator(".runs span").evaluate_all(
        "marks => marks.every((one) => one.scrollWidth <= one.clientWidth + 1)"
    )


def test_two_models_beside_each_other(open_page: Open) -> None:
    page = open_page()
    draw(page, 8)
    expect(answer(page)).to_have_text("8")
    choose(page, "compare")
    page.locator("#compare-b").select_option("strict")
    expect(page.locator("#compare-text-a")).to_contain_text("8")
    expect(page.locator("#compare-text-b")).to_contain_text("?")


def test_on_a_phone_the_broken_picture_stays_in_sight(open_page: Open) -> None:
    page = open_page(viewport={"width": 360, "height": 640})
    draw(page, 7)
    choose(page, "break")
    page.locator("#break-erase").scroll_into_view_if_needed()
    page.locator("#break-erase").fill("14")
    box, slider = page.locator("#broken").bounding_box(), page.locator("#break-erase").bounding_box()
    assert box is not None
    assert slider is not None
    assert 0 <= box["y"] < box["y"] + box["height"] < slider["y"] < 640


def test_a_model_is_compared_with_a_network_before_and_after_its_training(browser: Browser) -> None:
    with running_server.thread() as running:  # one model alone
        page = new_page(browser)
        page.goto(running.url)
        draw(page, 7)
        choose(page, "compare")
        expect(page.locator("#compare-b")).to_have_value("last:quick")
        for side in "ab":
            expect(page.locator(f"#compare-text-{side}")).to_have_text("7")
        expect(page.locator("#compare-verdict")).to_have_text("They agree.")
        expect(page.locator("#compare-time-b")).to_contain_text("in your browser")
        page.locator("#compare-b").select_option("first:quick")
        expect(page.locator("#compare-verdict")).to_have_text("They disagree.")
        expect(page.locator("#compare-text-b mark")).to_have_count(1)
        chances = [
            float(bar.get_attribute("data-probability") or 0) for bar in page.locator("#compare-bars-b li").all()
        ]
        assert max(chances) < 0.2
        page.click("#language")
        expect(page.locator("#compare-verdict")).to_have_text("Ils ne sont pas d’accord.")
        expect(page.locator("#compare-b option:checked")).to_have_text("quick, non entraîné")
        page.context.close()


def test_a_picture_is_read_shown_and_taken_away(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    choose(page, "picture")
    page.locator("#file").set_input_files(
        {"name": "numbers.png", "mimeType": "image/png", "buffer": picture_of(4, 0, 7)}
    )
    expect(page.locator("#picture-text")).to_have_text("407")
    with page.expect_download() as download:
        page.click("#picture-csv")
    rows = download.value.path().read_text().split()
    assert rows[0] == "line,position,value,probability,accepted,x,y,width,height"
    assert [row.split(",")[2] for row in rows[1:]] == ["4", "0", "7"]
    with page.expect_download() as download:
        page.click("#picture-json")
    assert json.loads(download.value.path().read_text())["text"] == "407"
    page.click("#picture-copy")
    assert page.evaluate("navigator.clipboard.readText()") == "407"


def test_a_picture_is_pasted_and_dropped(open_page: Open) -> None:
    page = open_page()
    give = """([bytes, kind]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], 'given.png', {type: 'image/png'}));
        const event = kind === 'paste'
            ? new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})
            : new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true});
        document.body.dispatchEvent(event);
    }"""
    page.evaluate(give, [list(picture_of(3)), "paste"])
    expect(page.locator("#picture-text")).to_have_text("3")
    page.evaluate(give, [list(picture_of(8, 1)), "drop"])
    expect(page.locator("#picture-text")).to_have_text("81")


def sheet_of(*texts: tuple[str, float, float], lines: bool = False) -> bytes:
    """Numbers on paper of 600 x 360 pixels, each with the left and top of its first digit; a table's lines, if asked for."""
    image = Image.new("L", (600, 360), 255)
    pen = ImageDraw.Draw(image)
    if lines:
        for n in range(4):
            pen.line((30 + 180 * n, 30, 30 + 180 * n, 330), fill=60, width=3)
        for n in range(3):
            pen.line((30, 30 + 150 * n, 570, 30 + 150 * n), fill=60, width=3)
    for text, left, top in texts:
        for number, digit in enumerate(map(int, text)):
            for stroke in STROKES[digit]:
                pen.line(
                    [(left + 60 * number + 70 * x, top + 80 * y) for x, y in stroke], fill=20, width=7, joint="curve"
                )
    stream = io.BytesIO()
    image.save(stream, "png")
    return stream.getvalue()


def give_picture(page: Page, kind: str, picture: bytes) -> None:
    choose(page, "picture")
    page.check(f"[name=picture-kind][value={kind}]")
    page.locator("#file").set_input_files({"name": "sheet.png", "mimeType": "image/png", "buffer": picture})
    expect(page.locator("#picture-result")).to_be_visible()
    page.evaluate(AT_REST)


TABLE = sheet_of(("7", 90, 60), ("40", 240, 60), ("1", 480, 210), lines=True)


def test_a_table_beside_its_picture_copied_saved_and_made_a_layout(open_page: Open) -> None:
    page = open_page()
    give_picture(page, "table", TABLE)
    cells, places = page.locator("#found-table td"), page.locator("#boxes .place")
    expect(cells).to_have_text(["7", "40", "", "", "", "1"])
    expect(page.locator("#picture-summary")).to_have_text("2 × 3 cells, none doubtful")
    cells.nth(1).click()
    expect(places.nth(1)).to_have_class("place chosen")
    expect(page.locator("#picture-selected")).to_have_text("B1: 40")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#picture-selected")).to_have_text("C2: 1")
    expect(places.nth(5)).to_have_class("place chosen")
    places.nth(0).click()
    expect(cells.nth(0)).to_have_class("chosen")
    with page.expect_download() as download:
        page.click("#table-csv")
    assert (download.value.suggested_filename, download.value.path().read_text()) == ("table.csv", "7,40,\n,,1\n")
    page.click("#table-copy")
    assert page.evaluate("navigator.clipboard.readText()") == "7\t40\t\n\t\t1\n"
    page.click("#table-layout")
    fields = page.locator("#field-rows tbody")
    expect(fields.locator(".read")).to_have_text(["7", "40", "–", "–", "–", "1"])
    assert [field.locator("input").first.input_value() for field in fields.all()] == [
        "A1",
        "B1",
        "C1",
        "A2",
        "B2",
        "C2",
    ]
    expect(page.locator("#layout-by")).to_have_value("frame")
    give_picture(page, "table", picture_of(4, 2))
    expect(page.locator("#picture-summary")).to_contain_text("No ruled table was found")
    expect(page.locator("#picture-text")).to_have_text("42")


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag on the picture, in pixels of a sheet of 600 x 360, and wait for all that follows."""
    page.locator("#picture").scroll_into_view_if_needed()
    box = page.locator("#boxes").bounding_box()
    assert box is not None
    places = [
        (box["x"] + x * box["width"] / 600, box["y"] + y * box["height"] / 360)
        for x, y in (start, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), end)
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place)
    page.mouse.up()
    page.evaluate(AT_REST)


def test_a_layout_is_made_by_dragging_saved_and_opened_again(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    form = sheet_of(("407", 60, 60), ("71", 380, 230))
    give_picture(page, "fields", form)
    expect(page.locator("#picture-summary")).to_have_text("Drag a box around each place where a number is written.")
    read, why = page.locator("#field-rows .read"), page.locator("#field-rows .why-check")
    drag(page, (40, 40), (270, 170))
    expect(read).to_have_text(["407"])
    drag(page, (420, 300), (430, 310))  # too small for the second number, and in it
    drag(page, (430, 310), (540, 330))  # by its lower right corner
    drag(page, (420, 300), (350, 200))  # and by its upper left one
    expect(read).to_have_text(["407", "71"])
    page.get_by_label("Name of Field 1").fill("account")
    page.keyboard.press("Tab")
    page.get_by_label("Pattern of account").fill("\\d{2}")
    page.keyboard.press("Tab")
    expect(why.first).to_have_text("Check this: 407 does not match \\d{2}")
    expect(page.locator("#picture-summary")).to_have_text("2 fields, 1 to check")
    expect(page.locator("#boxes .place").first).to_have_class(re.compile("doubtful"))
    drag(page, (150, 55), (150, 215))  # away from the number
    expect(read).to_have_text(["–", "71"])
    drag(page, (150, 215), (150, 55))
    expect(read).to_have_text(["407", "71"])
    with page.expect_download() as download:
        page.click("#layout-save")
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    layout = read_layout(saved)
    assert (saved.name, layout.sheet, [field.name for field in layout.fields]) == (
        "layout.toml", "picture", ["account", "Field 2"],
    )  # fmt: skip
    assert layout.fields[0].pattern == "\\d{2}"
    assert layout.fields[0].box == pytest.approx((40 / 600, 40 / 360, 230 / 600, 130 / 360), abs=0.02)
    (tmp_path / "sheet.png").write_bytes(form)
    entries = Reader().read(tmp_path / "sheet.png", layout=layout).fields  # and as the command line reads it
    assert {name: (entry.text, bool(entry.why)) for name, entry in entries.items()} == {
        "account": ("407", True),
        "Field 2": ("71", False),
    }

    french = open_page(locale="fr-FR")
    give_picture(french, "fields", form)
    french.locator("#layout-open").set_input_files(saved)
    expect(french.locator("#field-rows .read")).to_have_text(["407", "71"])
    expect(french.locator("#field-rows .why-check").first).to_have_text(
        re.compile("À vérifier\\s: 407 ne correspond pas à")
    )
    french.click("#language")
    expect(french.locator("#field-rows .why-check").first).to_have_text("Check this: 407 does not match \\d{2}")


def test_a_layout_is_made_with_the_keyboard_alone(open_page: Open) -> None:
    page = open_page()
    give_picture(page, "fields", sheet_of(("71", 250, 140)))
    page.locator("#field-add").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#picture")).to_be_focused()
    for key, times in (("ArrowUp", 20), ("ArrowLeft", 4), ("Shift+ArrowDown", 50), ("Shift+ArrowRight", 12)):
        for _ in range(times):
            page.keyboard.press(key)
    page.evaluate(AT_REST)
    expect(page.locator("#field-rows .read")).to_have_text(["71"])
    page.keyboard.press("PageDown")
    page.keyboard.press("Delete")
    expect(page.locator("#field-rows .read")).to_have_count(0)
    expect(page.locator("#picture-summary")).to_have_text("Drag a box around each place where a number is written.")


def test_what_is_wrong_with_a_layout_is_said_and_the_boxes_stay(browser: Browser, url: str) -> None:
    page = new_page(browser)  # the browser notes a 422 as an error: without open_page's watch
    page.goto(url)
    give_picture(page, "fields", sheet_of(("71", 250, 140)))
    drag(page, (230, 120), (400, 240))
    expect(page.locator("#field-rows .read")).to_have_text(["71"])
    page.get_by_label("Pattern of Field 1").fill("[")
    page.keyboard.press("Tab")
    expect(page.locator("#message")).to_contain_text("'Field 1'")
    page.get_by_label("Pattern of Field 1").fill("")
    page.keyboard.press("Tab")
    expect(page.locator("#field-rows .read")).to_have_text(["71"])
    page.select_option("#layout-by", "frame")
    expect(page.locator("#message")).to_contain_text("no printed frame")
    expect(page.locator("#layout-by")).to_have_value("picture")
    bad = {"name": "layout.toml", "mimeType": "application/toml", "buffer": b"[[feld]]\nx = 1\n"}
    page.locator("#layout-open").set_input_files(bad)
    expect(page.locator("#message")).to_contain_text("feld")
    expect(page.locator("#field-rows tbody")).to_have_count(1)
    page.context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_frames_and_labels_are_seen_whole_where_the_ink_fills_the_picture(open_page: Open, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 900})
    choose(page, "picture")
    for digits in ((4, 0, 7), (1, 2, 3, 4, 5, 6, 7, 8)):
        picture = picture_of(*digits, margin=3)
        page.locator("#file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": picture})
        expect(page.locator("#picture-text")).to_have_text("".join(map(str, digits)))
        seen = page.evaluate(
            """() => {
                const edges = (element) => {
                    const {left, top, right, bottom} = element.getBoundingClientRect();
                    return [left, top, right, bottom];
                };
                const image = document.getElementById('picture-image');
                const {a, d, e, f} = document.getElementById('boxes').getScreenCTM();
                return {
                    all: edges(document.getElementById('picture')),
                    parts: [...document.querySelectorAll('#boxes rect, #boxes text')].map(edges),
                    labels: [...document.querySelectorAll('#boxes text')].map((label) => label.textContent),
                    image: edges(image),
                    drawn: [e, f, e + a * image.naturalWidth, f + d * image.naturalHeight],
                };
            }"""
        )
        assert seen["labels"] == list(map(str, digits))
        left, top, right, bottom = seen["all"]
        for part in seen["parts"]:
            assert left < part[0] < part[2] < right
            assert top < part[1] < part[3] < bottom
        assert seen["image"] == pytest.approx(seen["drawn"], abs=0.5)  # frames lie where the digits are


def test_a_file_that_fails_takes_the_old_result_away(browser: Browser, url: str) -> None:
    page = new_page(browser)  # the browser notes a 422 as an error: without open_page's watch
    page.goto(url)
    draw(page, 4)
    expect(answer(page)).to_have_text("4")
    choose(page, "picture")
    files = page.locator("#file")
    files.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": picture_of(8, 1)})
    expect(page.locator("#picture-text")).to_have_text("81")
    files.set_input_files({"name": "notes.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.locator("#message")).to_contain_text("not a PNG")
    expect(page.locator("#picture-summary")).to_have_text("This file could not be read.")
    expect(page.locator("#picture-result")).to_be_hidden()
    choose(page, "answer")
    expect(answer(page)).to_have_text("4")  # what the sheet holds, and no digit of the picture before
    choose(page, "picture")
    page.click("#language")
    expect(page.locator("#picture-summary")).to_have_text("Ce fichier n’a pas pu être lu.")
    files.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": picture_of(3)})
    expect(page.locator("#picture-text")).to_have_text("3")
    expect(page.locator("#picture-summary")).to_have_text("1 chiffre, aucun douteux")
    page.context.close()


def test_an_answer_that_was_asked_for_before_a_failure_leaves_its_sentence(browser: Browser, url: str) -> None:
    page = new_page(browser)
    page.goto(url)
    draw(page, 7, left=0.1)
    choose(page, "why")
    held: list[Route] = []
    page.route("**/explain?*", lambda route: held.append(route))  # noqa: PLW0108 - playwright marks its handlers
    with page.expect_request("**/explain?*"):
        move_pen(page, 1, left=0.5)
    page.locator("#file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.locator("#message")).to_contain_text("not a PNG")
    for route in held:
        route.continue_()
    page.unroute("**/explain?*")
    page.evaluate(AT_REST)
    expect(page.locator("#message")).to_contain_text("not a PNG")
    choose(page, "answer")
    draw(page, 4, left=0.6)  # asked for afterwards: all is well again
    expect(page.locator("#message")).to_have_text("")
    page.context.close()


def test_french_and_back(open_page: Open) -> None:
    page = open_page(locale="fr-FR")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator("#tab-why")).to_have_text("Pourquoi")
    expect(page.locator("#clear")).to_have_text("Effacer")
    expect(page.locator("#model option").first).to_have_text("Lecteur de mnistlab")
    page.click("#language")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#tab-why")).to_have_text("Why")
    expect(page.locator("#model option").first).to_have_text("mnistlab's reader")
    page.reload()
    expect(page.locator("#tab-why")).to_have_text("Why")  # remembered
    page.goto(page.url + "?lang=fr")
    expect(page.locator("#tab-why")).to_have_text("Pourquoi")


def test_every_word_is_there_in_both_languages(open_page: Open) -> None:
    words = open_page().evaluate("import('/static/i18n.js').then(module => module.WORDS)")
    assert words["en"].keys() == words["fr"].keys()
    assert all(words["fr"].values())


def test_dark_and_light(open_page: Open) -> None:
    def lightness(page: Page) -> float:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3

    page = open_page(color_scheme="dark")
    assert lightness(page) < 60
    page.click("#theme")
    assert lightness(page) > 200
    page.reload()
    assert lightness(page) > 200  # remembered
    draw(page, 6)  # the ink's colour on the screen is not what is read
    expect(answer(page)).to_have_text("6")


def test_with_the_keyboard_alone(open_page: Open) -> None:
    """To the sheet by Tab, pen down, a line, pen up: a one; then through the tabs."""
    page = open_page()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "sheet":
            break
    else:
        pytest.fail("the sheet cannot be reached by Tab")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Space")
    for _ in range(6):
        page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Space")
    expect(answer(page)).to_have_text("1")
    page.locator("#tab-answer").focus()
    for panel in PANELS[1:]:
        page.keyboard.press("ArrowRight")
        expect(page.locator(f"#panel-{panel}")).to_be_visible()
        expect(page.locator(f"#tab-{panel}")).to_have_attribute("aria-selected", "true")
        assert page.evaluate("document.activeElement.id") == f"tab-{panel}"


@pytest.mark.parametrize(
    ("scheme", "language", "width"),
    [
        pytest.param(*each, marks=() if each in ALWAYS_LOOKED_AT else pytest.mark.slow)
        for each in itertools.product(("light", "dark"), ("en", "fr"), (360, 1440))
    ],
)
def test_axe_finds_nothing(open_page: Open, scheme: str, language: str, width: int) -> None:
    page = open_page(f"/?lang={language}", color_scheme=scheme, viewport={"width": width, "height": 800})
    found = {"empty": Axe().run(page)}
    draw(page, 5, left=0.1)
    draw(page, 9, left=0.5)
    expect(answer(page)).to_have_text("59")
    for panel in PANELS:
        choose(page, panel)
        if panel == "picture":
            page.locator("#file").set_input_files(
                {"name": "a.png", "mimeType": "image/png", "buffer": picture_of(4, 2)}
            )
            expect(page.locator("#picture-text")).to_have_text("42")
            page.evaluate(AT_REST)
        found[panel] = Axe().run(page)
    for kind, picture in (("table", TABLE), ("fields", TABLE)):
        give_picture(page, kind, picture)
        if kind == "fields":
            drag(page, (40, 40), (200, 170))
            drag(page, (215, 40), (380, 170))
        found[kind] = Axe().run(page)
    page.goto(page.url.split("?")[0] + "docs")
    found["docs"] = Axe().run(page)
    assert {name: result.generate_report() for name, result in found.items() if result.violations_count} == {}


def test_the_token_comes_with_the_link_and_leaves_the_address(browser: Browser) -> None:
    with running_server.thread(token="s3cret") as running:
        page = new_page(browser)
        page.goto(f"{running.url}/#token=s3cret")
        expect(page.locator("#sheet")).to_be_visible()
        assert "s3cret" not in page.evaluate("location.href")
        draw(page, 7)
        expect(answer(page)).to_have_text("7")
        page.context.close()
        page = new_page(browser)  # another visitor has no token, and is asked for it
        page.goto(running.url)
        draw(page, 7)
        give_token(page, "s3cret")
        page.click("#clear")
        draw(page, 7)
        expect(answer(page)).to_have_text("7")
        page.context.close()


def give_token(page: Page, token: str) -> None:
    page.locator("#token").fill(token)
    page.keyboard.press("Enter")


def test_a_picture_waits_for_the_token(browser: Browser) -> None:
    with running_server.thread(token="s3cret") as running:
        page = new_page(browser)
        page.goto(running.url)
        choose(page, "picture")
        files, summary = page.locator("#file"), page.locator("#picture-summary")
        files.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": picture_of(4, 0)})
        for token in ("wrong", "s3cret"):
            expect(summary).to_have_text("The picture will be read once you have given the token.")
            expect(page.locator("#message")).to_have_text("This server requires the token that it was started with.")
            give_token(page, token)
        expect(page.locator("#picture-text")).to_have_text("40")  # without being chosen again
        expect(page.locator("#message")).to_have_text("")
        page.evaluate("sessionStorage.setItem('mnistlab-token', 'no longer')")
        files.set_input_files({"name": "b.png", "mimeType": "image/png", "buffer": picture_of(8, 1)})
        expect(summary).to_have_text("The picture will be read once you have given the token.")
        expect(page.locator("#picture-result")).to_be_hidden()  # the picture before is not taken for it
        give_token(page, "s3cret")
        expect(page.locator("#picture-text")).to_have_text("81")
        page.context.close()
