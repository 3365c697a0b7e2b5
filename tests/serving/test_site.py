"""The page without a server, from a plain file server, in a real browser: the answers are Python's, also without a network."""

from __future__ import annotations

import base64
import copy
import dataclasses
import functools
import http.server
import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from mnistlab.cli.app import run_app
from mnistlab.data.dataset import open_dataset
from mnistlab.data.normalisation import Normalisation
from mnistlab.dependencies import import_onnxruntime
from mnistlab.errors import UserError
from mnistlab.export.onnx_file import OnnxFile
from mnistlab.networks.architecture import Architecture
from mnistlab.networks.checkpoint import SavedModel
from mnistlab.networks.ensemble import for_use
from mnistlab.networks.network import NeuralNet
from mnistlab.reading.finder import BUNDLED as FINDER
from mnistlab.reading.reader import Reader
from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.recipe import EnsembleRecipe
from mnistlab.serving.compact import BUNDLED_BITS, compact, rounded
from mnistlab.serving.models import ServedModel
from mnistlab.serving.site import known_operators, site_files, write_site
from tests.serving.test_page import (  # noqa: F401
    AT_REST,
    PANELS,
    Open,
    answer,
    browser,
    draw,
    new_page,
    open_page,
    pytestmark,
)
from tests.support.pages import make_page
from tests.support.strokes import STROKES

BELOW = "school/digits"
"""The path below which the server offers the site."""
DRAWN = """async (drawings) => {
    const [{ read }, { greyBitmap }, { drawStrokes, WIDTH }] = await Promise.all(
        ['api', 'bitmap', 'drawing'].map((name) => import(new URL(`static/${name}.js`, location.href))));
    const canvas = new OffscreenCanvas(250, 200);
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const answers = [];
    for (const strokes of drawings) {
        context.setTransform(1, 0, 0, 1, 0, 0);
        context.fillStyle = 'white';
        context.fillRect(0, 0, 250, 200);
        context.setTransform(250 / WIDTH, 0, 0, 250 / WIDTH, 0, 0);
        drawStrokes(context, strokes, 'black');
        const file = greyBitmap(context.getImageData(0, 0, 250, 200));
        const { text, lines } = await read('mnistlab', file, 'image/bmp');
        answers.push({ file: btoa(String.fromCharCode(...file)), text, lines });
    }
    return answers;
}"""
"""Draws strokes as the sheet does: the file that it would send, and what the page reads in it by itself."""
TENSORS = """async ([content, inputs]) => {
    const load = (name) => import(new URL(`static/onnx/${name}.js`, location.href));
    const [{ readOnnx }, { Session }] = await Promise.all([load('file'), load('session')]);
    const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const graph = readOnnx(bytes(content));
    const given = Object.fromEntries(Object.entries(inputs).map(([name, { shape, data, type }]) =>
        [name, { shape, values: type === 'uint8' ? bytes(data) : new Float32Array(bytes(data).buffer) }]));
    const names = graph.nodes.flatMap(({ outputs }) => outputs);
    const made = new Session(graph).run(given, names);
    return names.map((name) => [name, made.get(name).shape, Array.from(made.get(name).values)]);
}"""
"""What the page makes of each tensor of an ONNX graph."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(threads=1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, reader: Reader) -> Path:
    """The server's folder: the site at its root, and below a path."""
    root = tmp_path_factory.mktemp("root")
    models = [ServedModel("mnistlab", "mnistlab's reader", reader)]
    write_site(root, models)
    write_site(root / BELOW, [*models, ServedModel("strict", "strict", Reader(threshold=1.0, threads=1))])
    return root


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def drawing(chance: random.Random) -> list[dict[str, Any]]:
    """One to six digits on the sheet, some of them half drawn, some with dots beside them."""
    count = chance.choice([1, 1, 1, 2, 3, 6])
    high = min(chance.uniform(150, 620), 900 / count / 0.75)
    pen = max(14.0, min(chance.gauss(30, 8), high / 7))
    left, top = chance.uniform(20, max(21, 960 - 0.75 * high * count)), chance.uniform(20, 780 - 1.1 * high)
    strokes = []
    for place in range(count):
        digit, slant, share = chance.randrange(10), chance.gauss(0, 0.15), 1.0 if chance.random() < 0.8 else 0.5
        for line in STROKES[digit]:
            kept = line[: max(2, int(share * len(line)))]
            points = [
                {"x": left + (0.8 * place + x + slant * (0.5 - y)) * high, "y": top + (y + 0.03 * place) * high}
                for x, y in kept
            ]
            strokes.append({"width": pen, "points": points})
    if chance.random() < 0.2:
        dot = {"x": left + 0.8 * count * high, "y": top + high}
        strokes.append({"width": pen, "points": [dot, {"x": dot["x"] + 4, "y": dot["y"] + 4}]})
    return strokes


def assert_same_answers(answers: list[dict[str, Any]], reader: Reader, sources: list[Any]) -> None:
    """The page read in each source what Python reads: the same digits in the same places, the probabilities within 1e-3.

    The page without a server has no line reader, so Python reads without one too.
    """
    reader = copy.copy(reader)
    reader.line_reader = None
    for told, source in zip(answers, sources, strict=True):
        page = reader.read(source)
        assert told["text"] == page.text
        found = [digit for line in told["lines"] for digit in line["digits"]]
        assert [digit["box"] for digit in found] == [list(digit.box) for digit in page.digits]
        assert [digit["value"] for digit in found] == [digit.value for digit in page.digits]
        given = np.array([digit["probabilities"] for digit in found]).reshape(-1, 10)
        wanted = np.array([digit.probabilities for digit in page.digits]).reshape(-1, 10)
        assert np.abs(given - wanted).max(initial=0) < 1e-3


def assert_reads_drawings(page: Page, reader: Reader, seeds: range) -> None:
    for first in seeds[::20]:
        drawings = [drawing(random.Random(seed)) for seed in seeds[first - seeds[0] : first - seeds[0] + 20]]
        answers = page.evaluate(DRAWN, drawings)
        assert_same_answers(answers, reader, [base64.b64decode(one["file"]) for one in answers])


def test_the_page_alone_reads_drawings_as_python_does(open_page: Open, reader: Reader) -> None:  # noqa: F811
    assert_reads_drawings(open_page(), reader, range(8))


@pytest.mark.slow
def test_the_page_alone_reads_500_drawings_as_python_does(open_page: Open, reader: Reader) -> None:  # noqa: F811
    assert_reads_drawings(open_page(), reader, range(500))


def assert_reads(page: Page, reader: Reader, photo: np.ndarray[Any, Any]) -> None:
    """`photo`: uint8 (H, W, 3)."""
    told = page.evaluate(
        """async ([pixels, width, height]) => {
            const load = (name) => import(new URL(`static/${name}.js`, location.href));
            const [{ Classifier }, { Finder }, { readPicture }] = await Promise.all(
                ['onnx/classifier', 'reading/finder', 'reading/reader'].map(load));
            const file = async (name) => new Uint8Array(await (await fetch(`models/${name}.onnx`)).arrayBuffer());
            window.networks ??= [new Finder(await file('finder')), new Classifier(await file('mnistlab'))];
            const [finder, classifier] = window.networks;
            const values = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
            const { text, lines } = await readPicture(() => finder, classifier, { width, height, channels: 3, values });
            for (const line of lines)
                for (const digit of line.digits) digit.probabilities = Array.from(digit.probabilities);
            return { text, lines };
        }""",
        [base64.b64encode(photo.tobytes()).decode(), photo.shape[1], photo.shape[0]],
    )
    assert_same_answers([told], reader, [photo])


def assert_reads_photos(page: Page, reader: Reader, data_dir: Path, seeds: range) -> None:
    images, labels = open_dataset("mnist", data_dir).read("train")
    for seed in seeds:
        count, first = 3 + seed % 12, 20 * seed
        photo = make_page(seed, images[first : first + count], labels[first : first + count], size=(360, 270)).picture
        assert_reads(page, reader, photo)


def test_the_page_alone_reads_a_photo_as_python_does(open_page: Open, reader: Reader, data_dir: Path) -> None:  # noqa: F811
    assert_reads_photos(open_page(), reader, data_dir, range(2, 3))


def test_the_page_alone_reads_a_figure_as_python_does(open_page: Open, reader: Reader, data_dir: Path) -> None:  # noqa: F811
    images, labels = open_dataset("mnist", data_dir).read("train")
    figure = np.full((260, 300, 3), 255, np.uint8)
    figure[40:208, 60:228] = images[5].repeat(6, 0).repeat(6, 1)[..., None]  # a light digit on a black square
    assert reader.read(figure).text == str(labels[5])
    assert_reads(open_page(), reader, figure)


@pytest.mark.slow
def test_the_page_alone_reads_50_photos_as_python_does(open_page: Open, reader: Reader, data_dir: Path) -> None:  # noqa: F811
    assert_reads_photos(open_page(), reader, data_dir, range(50))


def assert_computes_alike(page: Page, content: bytes, inputs: dict[str, np.ndarray]) -> None:
    """Every tensor of the graph is ONNX Runtime's, to a part in 10,000 of the tensor's largest value.

    In 8 bits, where a value between two steps may be rounded either way, to a part in 20.
    """
    model = onnx.load_from_string(content)
    names = [name for node in model.graph.node for name in node.output]
    share = 0.05 if any(node.op_type == "QuantizeLinear" for node in model.graph.node) else 1e-4
    known = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    wanted = dict(zip(names, session.run(names, inputs), strict=True))
    given = {
        name: {"shape": array.shape, "type": array.dtype.name, "data": base64.b64encode(array.tobytes()).decode()}
        for name, array in inputs.items()
    }
    for name, shape, values in page.evaluate(TENSORS, [base64.b64encode(content).decode(), given]):
        array = np.asarray(wanted[name], np.float64)
        assert list(array.shape) == shape, name
        most = float(np.abs(array).max(initial=0)) or 1.0
        within = max(1.0, share * most) if np.asarray(wanted[name]).dtype in (np.uint8, np.int8) else share * most
        assert np.abs(np.array(values).reshape(shape) - array).max(initial=0) <= within, name


@pytest.fixture(scope="module")
def some_images(data_dir: Path) -> np.ndarray:
    """Three digits: symmetric input would leave sums of nothing but rounding."""
    return open_dataset("mnist", data_dir).read("train")[0][:3, None]


@pytest.mark.parametrize("change", [bytes, compact])
def test_every_value_of_the_shipped_models_is_onnxruntimes(
    open_page: Open,  # noqa: F811
    reader: Reader,
    some_images: np.ndarray,
    change: Any,
) -> None:
    page = open_page()
    assert_computes_alike(page, change(reader.classifier.content), {"images": some_images})
    contrast = np.random.default_rng(1).normal(0, 1, (1, 1, 24, 32)).astype(np.float32)
    assert_computes_alike(page, change(FINDER.read_bytes()), {"contrast": contrast})


def file_of(recipe: str, images: np.ndarray, *, int8: bool = False) -> bytes:
    """The export of a recipe's network with random weights; for an ensemble, of the first member's recipe."""
    import torch

    found = RECIPES[recipe]
    settings = RECIPES[found.networks[0]].network if isinstance(found, EnsembleRecipe) else found.network
    known = {field.name for field in dataclasses.fields(Architecture)}
    values = dataclasses.asdict(settings)
    architecture = Architecture(**{name: value for name, value in values.items() if name in known})
    torch.manual_seed(1)
    made = for_use(NeuralNet.of(architecture), architecture)
    file = OnnxFile(SavedModel(made.eval(), "mnist", tuple("0123456789"), Normalisation(0.13, 0.31)), 1.3)
    if int8:
        file.quantise(images[:, 0])
    return file.content({"mnistlab": "0", "dataset": "mnist", "classes": json.dumps(list("0123456789"))})


@pytest.mark.parametrize("recipe", ["quick", *(pytest.param(name, marks=pytest.mark.slow) for name in RECIPES)])
def test_every_value_of_a_recipes_network_is_onnxruntimes(
    open_page: Open,  # noqa: F811
    recipe: str,
    some_images: np.ndarray,
) -> None:
    content = file_of(recipe, some_images)
    assert {node.op_type for node in onnx.load_from_string(content).graph.node} <= known_operators()
    assert_computes_alike(open_page(), content, {"images": some_images})


@pytest.mark.slow
def test_every_value_of_a_network_in_8_bits_is_onnxruntimes(open_page: Open, some_images: np.ndarray) -> None:  # noqa: F811
    assert_computes_alike(open_page(), file_of("quick", some_images, int8=True), {"images": some_images})


def ready_offline(page: Page) -> None:
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")


@pytest.mark.parametrize("path", ["/", f"/{BELOW}/"])
def test_every_panel_works_and_after_the_first_visit_without_a_network(open_page: Open, path: str) -> None:  # noqa: F811
    page = open_page(path)
    draw(page, 7)
    expect(answer(page)).to_have_text("7")
    ready_offline(page)
    page.context.set_offline(True)
    page.reload()
    page.click("#clear")
    draw(page, 3)
    expect(answer(page)).to_have_text("3")
    for panel in PANELS:
        page.click(f"#tab-{panel}")
        page.evaluate(AT_REST)
        expect(page.locator("#message")).to_have_text("")
        violations = Axe().run(page).response["violations"]
        assert violations == [], (panel, [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations])
    page.click("#tab-inside")
    expect(page.locator("#steps li").first).to_be_visible()
    page.click("#tab-picture")
    expect(page.locator("#picture-alone")).to_contain_text("on your computer: mnistlab serve")


def test_what_the_panels_show_is_what_the_server_would_tell(open_page: Open, reader: Reader) -> None:  # noqa: F811
    image = reader.read(_seven()).digits[0].image
    page = open_page()
    told = page.evaluate(
        """async (pixels) => {
            const { explain, classify, network } = await import(new URL('static/api.js', location.href));
            const { unpack } = await import(new URL('static/colours.js', location.href));
            const answer = await explain('mnistlab', Uint8Array.from(pixels), 'layers,why');
            const values = (array) => Array.from(unpack(array).values);
            const { layers } = await network('mnistlab');
            return {
                ...answer, why: values(answer.why), given: values(answer.given),
                layers: answer.layers.map(({ name, kind, array, field }) => ({ name, kind, field, values: values(array) })),
                steps: layers.map(({ name, kind, window }) => ({ name, kind, window })),
                classified: await classify('mnistlab', Uint8Array.from(pixels)),
            };
        }""",
        image.ravel().tolist(),
    )
    served = ServedModel("mnistlab", "reader", reader)
    sight = served.explainer.see(image)
    for key in ("value", "accepted", "classes", "temperature"):
        assert told[key] == getattr(served.explain(image, ["layers"], lambda: None), key)
    assert [(layer["name"], layer["kind"]) for layer in told["layers"]] == [
        (one.name, one.kind) for one in sight.layers
    ]
    for layer, wanted in zip(told["layers"], sight.layers, strict=True):
        np.testing.assert_allclose(layer["values"], wanted.values.ravel(), atol=2e-3 * np.abs(wanted.values).max())
        field = wanted.field and {"size": wanted.field.size, "step": wanted.field.step, "start": wanted.field.start}
        assert layer["field"] == field
    np.testing.assert_allclose(told["looks"][0], sight.looks[0], atol=0.02)
    np.testing.assert_allclose(told["why"], served.explainer.why(image).ravel(), atol=0.02)
    np.testing.assert_allclose(told["classified"]["probabilities"][0], told["probabilities"], atol=1e-6)
    steps = served.network().model_dump(mode="json")["layers"]
    assert told["steps"] == [{name: step[name] for name in ("name", "kind", "window")} for step in steps]


def _seven() -> np.ndarray:
    picture = np.full((200, 250), 255, np.uint8)
    picture[40:52, 80:150] = picture[52:160, 130:142] = 0
    return picture


def test_webassembly_refused_is_said_and_the_answers_are_the_same(
    browser: Browser,  # noqa: F811
    url: str,
    reader: Reader,
) -> None:
    page = new_page(browser)
    page.context.route(
        "**/onnx/wasm.js",
        lambda route: route.fulfill(
            body="const WebAssembly = undefined;\n" + route.fetch().text(), content_type="text/javascript"
        ),
    )
    page.goto(url)
    expect(page.locator("#notice")).to_have_text("The browser refuses WebAssembly, so answers take longer.")
    assert_reads_drawings(page, reader, range(2))
    page.context.close()


def test_a_broken_cache_is_gone_round(open_page: Open) -> None:  # noqa: F811
    page = open_page()
    ready_offline(page)
    page.evaluate("caches.keys().then((names) => Promise.all(names.map((name) => caches.delete(name))))")
    page.reload()
    draw(page, 7)
    expect(answer(page)).to_have_text("7")


def foreign(reader: Reader) -> bytes:
    """The reader's model with an operator that the page does not know."""
    model = onnx.load_from_string(reader.classifier.content)
    relu = next(node for node in model.graph.node if node.op_type == "Relu")
    relu.op_type = "Softsign"
    return bytes(model.SerializeToString())


def test_the_page_names_an_operator_that_it_does_not_know(open_page: Open, root: Path, reader: Reader) -> None:  # noqa: F811
    file = root / BELOW / "models" / "strict.onnx"
    whole = file.read_bytes()
    try:
        file.write_bytes(foreign(reader))
        page = open_page(f"/{BELOW}/")
        page.select_option("#model", "strict")
        draw(page, 7)
        expect(page.locator("#message")).to_contain_text("cannot compute: Softsign")
        page.select_option("#model", "mnistlab")
        expect(answer(page)).to_have_text("7")
        expect(page.locator("#message")).to_have_text("")
    finally:
        file.write_bytes(whole)


def test_the_command_refuses_what_the_page_cannot_show_and_folders_of_others(
    tmp_path: Path, reader: Reader, capsys: pytest.CaptureFixture[str]
) -> None:
    model, taken, file = tmp_path / "foreign.onnx", tmp_path / "taken", tmp_path / "file"
    model.write_bytes(foreign(reader))
    taken.mkdir()
    (taken / "index.html").write_text("mine")
    file.touch()
    for arguments, said in (
        (["site", str(tmp_path / "new"), "--model", str(model)], "Softsign"),
        (["site", str(taken)], "is not empty"),
        (["site", str(file)], str(file)),
    ):
        assert run_app(arguments) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    assert [path.name for path in taken.iterdir()] == ["index.html"]


def test_a_site_of_ours_is_renewed_and_what_it_no_longer_needs_removed(tmp_path: Path, reader: Reader) -> None:
    folder = tmp_path / "site"
    write_site(folder, [ServedModel("old", "old", reader)])
    (folder / "CNAME").write_text("digits.example")  # other people's files stay
    write_site(folder, [ServedModel("new", "new", reader)])
    assert sorted(path.name for path in (folder / "models").iterdir()) == ["finder.onnx", "new.onnx"]
    assert (folder / "CNAME").read_text() == "digits.example"
    told = json.loads((folder / "site.json").read_bytes())
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == {
        *told["files"],
        "CNAME",
    }
    (folder / "site.json").write_text("{}")
    with pytest.raises(UserError, match="does not hold a site"):
        write_site(folder, [ServedModel("new", "new", reader)])


def test_the_page_leads_to_the_documentation_in_the_visitors_language_and_to_no_api(reader: Reader) -> None:
    models = [ServedModel("mnistlab", "reader", reader)]
    plain, documented = (
        site_files(models, addresses)["index.html"].decode()
        for addresses in ({}, {"en": "en/index.html", "fr": "fr/index.html"})
    )
    assert 'name="mnistlab-site" content="site.json"' in plain
    assert 'href="docs"' not in plain + documented
    assert 'data-en="en/index.html" data-fr="fr/index.html"' in documented


def test_the_bundled_networks_are_held_exactly(reader: Reader) -> None:
    """Their weights were rounded to as many bits as a site has of them."""
    for content in (FINDER.read_bytes(), reader.classifier.content):
        assert rounded(content, BUNDLED_BITS) == content


def test_the_site_is_small_once_compressed(root: Path) -> None:
    import gzip

    told = json.loads((root / "site.json").read_bytes())
    assert sum(len(gzip.compress((root / name).read_bytes(), 9)) for name in told["files"]) < 1e6
