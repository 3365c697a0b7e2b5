"""The tab Inside in a real browser: one screen, every number as the network computes it, and a note for what cannot be shown."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from mnistlab.networks.deskew import Deskewed
from mnistlab.networks.ensemble import Ensemble
from mnistlab.networks.network import NeuralNet
from mnistlab.networks.shifts import Shifted
from mnistlab.reading.reader import Reader
from mnistlab.serving.models import ServedModel
from tests.reading.test_explainer import exported
from tests.serving.test_page import AT_REST, Open, browser, choose, draw, open_page, pytestmark  # noqa: F401
from tests.support import running_server
from tests.support.foreign import foreign_classifier

MODELS = ("mnistlab", "several", "foreign")
ADDS_UP = """async ([model, seed]) => {
    const [{makeReading}, api, {networkOf}, {sightOf, arrayBefore}, reckon] = await Promise.all(
        ['state', 'api', 'inside/network', 'inside/columns', 'inside/arithmetic'].map((name) => import(`/static/${name}.js`)));
    let state = seed;
    const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
    const pixels = Uint8Array.from({length: 784}, (_, i) => {
        const [y, x] = [Math.floor(i / 28), i % 28];
        return Math.abs(Math.hypot(x - 14, y - 14) - 8) < 2 ? 255 - Math.floor(60 * random()) : 0;
    });
    const [answer, network] = [await api.explain(model, pixels, 'layers'), await networkOf(model)];
    const sight = sightOf({...answer, network, pixels});
    const wrong = [], counts = {};
    for (const [number, {shape, values}] of sight.arrays.entries()) {
        const step = network.layers[number];
        const before = arrayBefore(sight, number);
        const most = Math.max(...values.map(Math.abs));
        for (let i = 0; i < 60; i += 1) {
            const index = Math.floor(random() * values.length);
            const made = reckon.howMade(step, before, shape, reckon.cellOf(shape, index));
            counts[step.kind] = (counts[step.kind] ?? 0) + 1;
            if (!(Math.abs(made.value - values[index]) <= 1e-4 * Math.abs(values[index]) + 1e-6 * most))
                wrong.push([step.name, index, made.value, values[index]]);
        }
    }
    const {probabilities} = reckon.combine(sight.looks, network.looks, sight.temperature);
    const shares = sight.probabilities.map((given, i) => Math.abs(probabilities[i] - given) / Math.max(given, 1e-6));
    return {wrong, counts, answer: Math.max(...shares)};
}"""
"""Computes 60 random cells of each layer for a ring from the layer before, by the page's code; and the answer from the looks."""
PLACE = """([index, line]) => import('/static/inside.js').then(({shownScene}) => {
    const box = document.getElementById('network').getBoundingClientRect();
    const {x, y, width, height} = shownScene().layout.columns[index].items[line];
    return [box.left + x + width * 0.4, box.top + y + height * 0.4];
})"""
"""A point on a map: in column `index`, the `line`-th from the top."""
AT_REST_INSIDE = """() => import('/static/inside.js').then(async ({shownScene}) => {
    while (!shownScene().atRest) await new Promise(requestAnimationFrame);
    while (document.getElementById('overview').classList.contains('wave')) await new Promise(requestAnimationFrame);
})"""
"""Ends when the pen has rested long enough for the maps to be sorted, and the wave, if any, is over."""
POINTED = "import('/static/inside.js').then(({shownScene}) => shownScene().pointed)"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    torch.manual_seed(5)
    made = NeuralNet((2, 4), separable=True, head="average", pooling=("stride", "max"), hidden=6)
    several = exported(Ensemble([Deskewed(Shifted(made)), NeuralNet((3,))]), tmp_path_factory.mktemp("several"))
    other = foreign_classifier(tmp_path_factory.mktemp("foreign") / "model.onnx")
    readers = [Reader(), Reader(several.path), Reader(other.path)]
    with running_server.thread(
        [ServedModel(name, name, reader) for name, reader in zip(MODELS, readers, strict=True)]
    ) as running:
        yield running.url


def opened(open_page: Open, model: str = "mnistlab", **settings: object) -> Page:  # noqa: F811
    """The tab with a five drawn."""
    page = open_page(viewport={"width": 1280, "height": 720}, **settings)
    page.locator("#model").select_option(model)
    draw(page, 5)
    choose(page, "inside")
    expect(page.locator("#steps li").first).to_be_visible()
    page.evaluate(AT_REST)
    return page


def test_all_of_it_is_on_one_screen_in_the_graphs_order_and_large_enough(open_page: Open) -> None:  # noqa: F811
    page = opened(open_page)
    assert page.evaluate("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]") == [720, 1280]
    names = page.locator("#steps b").all_inner_texts()
    block = ["pool", "ReLU"]
    assert names == ["picture", "conv1", *block, "conv2", *block, "conv3", "ReLU", "conv4", *block, "linear1"]
    assert next(name for name in page.locator("#steps li").all_inner_texts() if "norm" in name).split("\n")[-2:] == [
        "+ norm",
        "12×12",
    ]
    low, right = page.evaluate(
        """() => {
            const boxes = [...document.querySelectorAll('#steps li, #inside-bars li, #told, footer, #sheet')]
                .map((element) => element.getBoundingClientRect());
            return [Math.max(...boxes.map((box) => box.bottom)), Math.max(...boxes.map((box) => box.right))];
        }"""
    )
    assert low <= 720
    assert right <= 1280
    page.mouse.click(*page.evaluate(PLACE, [4, 1]))
    sizes = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter((one) => one.checkVisibility() && [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
            .map((one) => parseFloat(getComputedStyle(one).fontSize))"""
    )
    assert min(sizes) >= 14
    violations = Axe().run(page)
    assert violations.violations_count == 0, violations.generate_report()


@pytest.mark.parametrize("model", ["mnistlab", "several"])
def test_what_is_shown_adds_up_to_what_the_network_gives(open_page: Open, model: str) -> None:  # noqa: F811
    kinds = {
        "mnistlab": {"convolution", "pooling", "normalisation", "relu", "flatten", "linear"},
        "several": {"convolution", "pooling", "normalisation", "relu", "average", "flatten", "linear"},
    }
    page = open_page()
    found = page.evaluate(ADDS_UP, [model, 3])
    assert found["wrong"] == []
    assert set(found["counts"]) >= kinds[model] - {"normalisation", "pooling"}
    assert sum(found["counts"].values()) >= 500
    assert found["answer"] < 1e-4


def test_a_filter_lights_up_its_map_and_a_cell_its_window_by_mouse_and_keys(open_page: Open) -> None:  # noqa: F811
    page = opened(open_page)
    x, y = page.evaluate(
        """() => import('/static/inside.js').then(({shownScene}) => {
            const box = document.getElementById('network').getBoundingClientRect();
            const {x, y, side} = shownScene().filters[2];
            return [box.left + x + side / 2, box.top + y + side / 2];
        })"""
    )
    page.mouse.move(x, y)
    third = page.evaluate(
        "import('/static/inside.js').then(({shownScene}) => shownScene().layout.columns[1].items[2].map)"
    )
    assert page.evaluate(POINTED)["map"] == third
    expect(page.locator("#told")).to_contain_text(f"conv1, map {third + 1}, row")
    lights = """([index, line]) => Promise.all([import('/static/inside.js'), import('/static/inside/lights.js')])
        .then(([{shownScene}, {lightsOf}]) => {
            const {sight, layout} = shownScene();
            const cell = {index, map: layout.columns[index].items[line].map, row: 1, column: 1};
            return lightsOf(sight, layout, cell).map(({box}) => [box.x, box.y, box.width, box.height]);
        })"""
    shown = page.evaluate(
        "import('/static/inside.js').then(({shownScene}) => shownScene().layout.columns[3].items.length)"
    )
    assert (
        len(page.evaluate(lights, [4, 0])) == 3 + shown
    )  # map, cell, the part of the picture, a window on each map before
    page.mouse.move(5, 5)
    page.locator("#network").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#told")).to_contain_text("row 1, column 2")
    expect(page.locator("#told")).to_contain_text("5 × 5 pixels")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#told")).to_contain_text("pool, map")
    page.keyboard.press("Enter")
    expect(page.locator("#how")).to_contain_text("largest of the 4 values")
    page.keyboard.press("Escape")
    expect(page.locator("#how")).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "network"


def test_how_a_number_was_made_and_the_window_slides(open_page: Open) -> None:  # noqa: F811
    page = opened(open_page)
    how = page.locator("#how")
    words = {1: "25 products", 4: "16 maps", 5: "Batch norm", 6: "zero", 12: "count most"}
    for index, text in words.items():
        page.mouse.click(*page.evaluate(PLACE, [index, 1]))
        expect(how).to_contain_text(text)
        page.click("#how-close")
    page.locator("#inside-bars li").nth(5).click()
    expect(how).to_contain_text("temperature 0.54")
    expect(how.locator(".result")).to_have_text(page.locator("#inside-bars li").nth(5).locator(".value").inner_text())
    page.click("#how-close")
    page.mouse.click(*page.evaluate(PLACE, [1, 0]))
    where, play = page.locator("#how-where"), page.locator("#how-play")
    expect(where).to_contain_text(
        re.compile(r"row \d+, column \d+")
    )  # which cell was hit depends on the layout's pixels
    row, column = map(int, re.findall(r"(?:row|column) (\d+)", where.inner_text()))
    assert 9 <= row <= 12
    later = f"row {row + (column + 40) // 24},"
    page.clock.install(time=0)
    page.clock.pause_at(1000)  # from here on the page's time is what the test says, however busy the machine is
    play.click()
    page.clock.run_for(500)  # of the 7 seconds for 24 x 24 cells: about 41 cells on from the chosen one
    expect(where).to_contain_text(later)
    play.click()
    expect(play).to_have_text("Continue")
    page.clock.run_for(500)
    expect(where).to_contain_text(later)
    page.clock.resume()
    page.click("#how-percent")  # the way from the sums to the answer, though the panel may cover the bars
    expect(where).to_contain_text("Softmax, probability of 5")


def test_the_wave_runs_once_the_pen_rests_unless_no_motion_is_wanted(open_page: Open) -> None:  # noqa: F811
    for motion, waves in (("no-preference", True), ("reduce", False)):
        page = opened(open_page, reduced_motion=motion)
        page.evaluate(
            """() => {
                window.waves = 0;
                new MutationObserver(() => {
                    if (document.getElementById('overview').classList.contains('wave')) window.waves += 1;
                }).observe(document.getElementById('overview'), {attributes: true});
            }"""
        )
        page.click("#clear")
        draw(page, 7)
        expect(page.locator("#answer")).to_have_text("7")
        page.evaluate(AT_REST_INSIDE)
        assert (page.evaluate("window.waves") > 0) == waves
        expect(page.locator("#overview")).not_to_have_class("wave")


def test_several_looks_and_models_that_are_not_ours_are_named(open_page: Open) -> None:  # noqa: F811
    page = opened(open_page, "several")
    none = page.locator("#inside-none")
    expect(none).to_contain_text("the mean of 6 answers")
    expect(none).to_contain_text("The model first deskews the digit")
    page.locator("#inside-bars li").nth(3).click()
    expect(page.locator("#how")).to_contain_text("mean of the probabilities")
    expect(page.locator("#how .result").last).to_have_text(
        page.locator("#inside-bars li").nth(3).locator(".value").inner_text()
    )
    page.click("#how-close")
    page.locator("#model").select_option("foreign")
    expect(none).to_contain_text("Only the steps of this model that the page knows")
    assert page.locator("#steps b").all_inner_texts() == ["picture", "convolution1"]
    page.locator("#inside-bars li").nth(3).click()
    expect(page.locator("#how")).to_contain_text("cannot be shown")


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1440, "light")])
def test_axe_finds_nothing_in_how_a_number_was_made(open_page: Open, width: int, scheme: str) -> None:  # noqa: F811
    page = open_page("/?lang=fr", viewport={"width": width, "height": 800}, color_scheme=scheme)
    draw(page, 5)
    choose(page, "inside")
    page.locator("#network").focus()
    for _ in range(3):  # from the first convolution to the second
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#how")).to_contain_text("16 cartes de l’étape précédente")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
