"""Watch it learn: the page computes a network's answers during training exactly, and says what it cannot show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect

from mnistlab.data.normalisation import Normalisation
from mnistlab.networks.deskew import deskew
from mnistlab.networks.network import NeuralNet, evaluating
from mnistlab.reading.reader import Reader
from mnistlab.runs.snapshots import NAME, Snapshots
from mnistlab.serving.models import ServedModel
from mnistlab.serving.trainings import SHIPPED, encoded
from mnistlab.training.whole import describe_layers, whole_state
from tests.serving.test_page import Open, browser, choose, draw, new_page, open_page, pytestmark  # noqa: F401 - fixtures
from tests.support import running_server
from tests.support.waiting import LIMIT

COMPUTED = """async ([layers, values, scales, vectors, images]) => {
    const {networksOf} = await import('/static/network.js');
    const {fromBase64} = await import('/static/state.js');
    const [network] = networksOf({
        layers, whole: [0], values: new Int8Array(fromBase64(values).buffer),
        scales: new Float32Array(fromBase64(scales).buffer), vectors: new Float32Array(fromBase64(vectors).buffer),
    });
    return images.map((image) => Array.from(network.look(image).at(-1).values));
}"""
STATE = "document.getElementById('learn-step').value"


def shipped() -> Snapshots:
    return Snapshots.read(SHIPPED / NAME, SHIPPED)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A run with snapshots, one with damaged ones, one that kept no whole states, and an ensemble."""
    folder, reader, own = tmp_path_factory.mktemp("runs"), Reader(), shipped()
    names = ("mine", "damaged", "large", "ensemble/members/first")
    for name in names:
        (folder / name).mkdir(parents=True)
    own.up_to(74).write(folder / "mine" / NAME)
    (folder / "damaged" / NAME).write_bytes(b"PK\x03\x04")
    old = {
        name: values for name, values in own.arrays().items() if name not in ("layers", "values", "scales", "vectors")
    }
    Snapshots(**{**old, "whole": np.zeros(0, np.int64)}).write(folder / "large" / NAME)
    own.write(folder / "ensemble" / "members" / "first" / NAME)
    runs = [None, *(folder / name.split("/")[0] for name in names), folder / "no-such"]
    models = [ServedModel(run.name if run else "mnistlab", "a title", reader, run) for run in runs]
    with running_server.thread(models) as running:
        yield running.url


def test_the_api_gives_the_trainings_of_the_runs_that_are_served(url: str) -> None:
    with httpx.Client(base_url=f"{url}/api/v1/", timeout=LIMIT) as client:
        listed = client.get("trainings").json()["trainings"]
        assert [one["id"] for one in listed] == ["mine", "damaged", "large", "ensemble", "quick"]
        film, own = client.get("trainings/quick").json(), shipped()
        assert (film["steps"], film["whole"]) == (own.steps.tolist(), own.whole.tolist())
        assert film["losses"][0] is None
        assert film["losses"][1:] == pytest.approx(own.losses[1:].tolist())
        assert (film["right"][-1], film["digits"]) == ((own.probabilities[-1].argmax(1) == own.labels).sum(), 50)
        assert client.get("trainings/ensemble").json()["values"] == film["values"]
        damaged = client.get("trainings/damaged")
        assert (damaged.status_code, "damaged" in damaged.json()["detail"]) == (422, True)
        assert client.get("trainings/none").status_code == 404


def test_the_page_has_each_states_own_weights(page: Page) -> None:
    values = page.evaluate(
        """async () => {
            const { loadFilm } = await import(new URL("static/films.js", location.href));
            return Array.from((await loadFilm("quick")).values);
        }"""
    )
    np.testing.assert_array_equal(values, shipped().values.ravel())


def test_the_page_computes_what_the_training_did(page: Page) -> None:
    """Its own answers to its hard digits, to which rounding to 8 bits and the training's bf16 make little difference."""
    own = shipped()
    images = own.images[:10].reshape(10, -1).tolist()
    for number, step in enumerate(own.whole.tolist()):
        state = [encoded(array[number]) for array in (own.values, own.scales, own.vectors)]
        logits = np.array(page.evaluate(COMPUTED, [json.loads(str(own.layers)), *state, images]))
        odds = np.exp(logits)
        kept = own.probabilities[own.steps.tolist().index(step), :10]
        np.testing.assert_allclose(odds / odds.sum(1, keepdims=True), kept, atol=0.02)


@pytest.mark.parametrize(
    "design",
    [
        {"widths": (4, 6), "kernel_size": (5, 3), "padding": ("valid", "same"), "hidden": 12, "dropout": 0.2},
        {"widths": (3, 5), "depth": (1, 2), "pooling": ("stride", "max"), "separable": True, "head": "average"},
        {"widths": (4, 4, 4), "pool_last": True, "pooling": ("max", "none", "stride")},
        {"widths": (4,), "batch_norm": False, "kernel_size": (4,), "padding": ("valid",), "hidden": 5},
        {"widths": (4,), "local_contrast": True},
    ],
    ids=["hidden", "separable", "pool last", "no batch norm", "contrast evened out"],
)
def test_every_kind_of_layer_is_computed_exactly(page: Page, design: dict[str, Any]) -> None:
    torch.manual_seed(0)
    model, normalisation = NeuralNet(**design), Normalisation(0.13, 0.3)
    images = shipped().images[:3]
    with torch.no_grad():
        model(torch.randn(64, 1, 28, 28))  # so that batch norm has something to do
        for layer in model.layers:
            if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):  # weights that 8 bits hold exactly
                scale = layer.weight.flatten(1).abs().amax(1).view(-1, *[1] * (layer.weight.dim() - 1)) / 127
                layer.weight.copy_((layer.weight / scale).round() * scale)
    state = whole_state(model)
    with evaluating(model):
        right = model(normalisation(torch.from_numpy(images[:, None]).float())).numpy()
    told = [json.loads(describe_layers(model, normalisation, False))]
    told += [encoded(array) for array in (state.values, state.scales, state.vectors)]
    given = page.evaluate(COMPUTED, [*told, images.reshape(3, -1).tolist()])
    np.testing.assert_allclose(given, right, rtol=1e-4, atol=1e-5)


def test_digits_are_made_upright_as_in_training(page: Page) -> None:
    images = shipped().images[:8]
    blank = np.zeros((1, 28, 28), np.uint8)
    pixels = np.concatenate([images, blank])
    given = page.evaluate(
        "async (images) => { const {deskewed} = await import('/static/deskew.js');"
        " return images.map((image) => Array.from(deskewed(image))); }",
        pixels.reshape(len(pixels), -1).tolist(),
    )
    right = deskew(torch.from_numpy(pixels[:, None]).float()).numpy().reshape(len(pixels), -1)
    np.testing.assert_allclose(given, right, atol=0.01)


def test_numbers_that_do_not_fit_their_layers_are_refused(page: Page) -> None:
    own = shipped()
    state = [encoded(array[0]) for array in (own.values, own.scales, own.vectors[:, 1:])]
    with pytest.raises(Exception, match="do not fit"):
        page.evaluate(COMPUTED, [json.loads(str(own.layers)), *state, []])


def test_a_drawing_is_looked_at_by_the_network_at_each_step(open_page: Open) -> None:  # noqa: F811
    page = open_page()
    choose(page, "learn")
    expect(page.locator("#learn-draw")).to_be_visible()  # filters without a drawing
    draw(page, 7)
    guesses = page.locator("#learn-guesses li")
    expect(guesses).to_have_count(8)
    expect(guesses.nth(7).locator("b")).to_have_text("7")
    expect(page.locator("#learn-heading")).to_have_text("Before training")
    slider, bars = page.locator("#learn-step"), page.locator("#learn-bars [data-class]")
    shown = []
    for place, step in enumerate(shipped().whole.tolist()):
        slider.fill(str(place))
        expect(page.locator("#learn-heading")).to_have_text(f"After {step} steps" if step else "Before training")
        chances = [float(bar.get_attribute("data-probability") or 0) for bar in bars.all()]
        assert sum(chances) == pytest.approx(1)
        shown.append((chances, page.locator("#learn-filters").screenshot()))
        best = str(int(np.argmax(chances)))
        expect(guesses.nth(place).locator("b")).to_have_text(best)
        assert best in (slider.get_attribute("aria-valuetext") or "")
    assert len({tuple(chances) for chances, _ in shown}) == len({picture for _, picture in shown}) == 8
    assert shown[-1][0][7] > 0.9
    right = (shipped().probabilities[-1].argmax(1) == shipped().labels).sum()
    expect(page.locator("#learn-figures")).to_have_text(f"Loss 0.46; {right} of 50 hard digits right")
    expect(page.locator("#learn-ends")).to_contain_text("0.46 at step 280")
    expect(page.locator("#learn-note")).to_contain_text("but one that was trained for a short time")
    draw(page, 3, left=0.05)  # live, at the state that is shown
    expect(page.locator("#learn-answer")).to_contain_text("3,")
    guesses.nth(0).click()
    expect(page.locator("#learn-heading")).to_have_text("Before training")
    page.clock.install(time=0)
    page.clock.pause_at(1000)  # from here on the page's time is what the test says, however busy the machine is
    page.click("#learn-play")
    page.clock.run_for(900)  # the time for which a state is shown
    expect(page.locator("#learn-heading")).to_have_text("After 5 steps")
    page.click("#learn-play")
    expect(page.locator("#learn-play")).to_have_text("Play")


def test_damaged_and_missing_states_are_a_sentence_and_the_rest_works(browser: Any, url: str) -> None:  # noqa: F811
    page = new_page(browser, locale="fr-FR")  # the browser notes a 422 as an error: without open_page's watch
    page.goto(url)
    draw(page, 7)
    choose(page, "learn")
    expect(page.locator("#learn-guesses li")).to_have_count(
        8
    )  # the model's own training is not known: the one that ships
    page.locator("#model").select_option("mine")
    expect(page.locator("#learn-guesses li")).to_have_count(6)
    expect(page.locator("#learn-note")).not_to_contain_text("autre réseau")  # it is the model's own
    choice, problem = page.locator("#learn-training"), page.locator("#learn-problem")
    for name, words in (("damaged", "endommagés"), ("large", "aucun état complet")):
        choice.select_option(name)
        expect(problem).to_contain_text(words)
        expect(page.locator("#learn-film")).to_be_hidden()
        choice.select_option("quick")
        expect(problem).to_have_text("")
        expect(page.locator("#learn-guesses li b").nth(7)).to_have_text("7")
    page.context.close()
