"""The API over real HTTP: what it answers, what it refuses, and what it never does."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import re
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnistlab.pictures.decode import FORMATS
from mnistlab.reading.classifier import Classifier
from mnistlab.reading.explainer import Explainer
from mnistlab.reading.page import Page
from mnistlab.reading.reader import Reader
from mnistlab.serving.limits import ClientGone, Limits
from mnistlab.serving.models import ServedModel
from mnistlab.serving.patterns import is_quick
from mnistlab.serving.static import PAGE
from tests.support import running_server
from tests.support.drawing import png
from tests.support.problems import assert_problem
from tests.support.waiting import LIMIT, wait_until

serving_with = running_server.thread


# --- what it answers ---


def test_read_gives_what_the_reader_reads(client: httpx.Client, reader: Reader, picture: bytes) -> None:
    page = reader.read(picture)
    assert page.text == "504"
    answer = client.post("/api/v1/read", content=picture, headers={"Content-Type": "image/png"}).json()
    assert answer["text"] == "504"
    assert answer["size"] == [420, 200]
    (line,) = answer["lines"]
    assert line == {"text": "504", "digits": [digit.to_dict() for digit in page.digits], "separators": []}


def test_read_takes_a_form_and_tells_details(client: httpx.Client, reader: Reader, picture: bytes) -> None:
    sent = client.post("/api/v1/read?detail=true", files={"file": ("504.png", picture)}, data={"note": "mine"})
    digits = sent.json()["lines"][0]["digits"]
    for digit, expected in zip(digits, reader.read(picture).digits, strict=True):
        assert base64.b64decode(digit["image"]) == expected.image.tobytes()
        np.testing.assert_allclose(digit["probabilities"], expected.probabilities, atol=1e-6)


def test_read_gives_fields_and_tables(client: httpx.Client, reader: Reader, picture: bytes) -> None:
    asked = {"field": ["whole=0,0,1,1", "nothing=0,0,0.05,0.05"]}
    fields = client.post("/api/v1/read", params=asked, content=picture).json()["fields"]
    assert {name: field["text"] for name, field in fields.items()} == {"whole": "504", "nothing": ""}
    assert fields["whole"]["digits"]
    lines = Image.new("L", (300, 200), 235)
    for n in range(4):
        lines.paste(40, (20, 20 + 50 * n, 280, 22 + 50 * n))
        lines.paste(40, (20 + 86 * n, 20, 22 + 86 * n, 172))
    table = client.post("/api/v1/read?table=true", content=png(lines)).json()["table"]
    assert (table["rows"], table["columns"], len(table["cells"])) == (3, 3, 9)
    assert "table" not in client.post("/api/v1/read?table=true", content=picture).json()


def form_of(picture: bytes, layout: str, **files: bytes) -> dict[str, tuple[str, bytes]]:
    """A form as curl -F file=@sheet.png -F layout=@layout.toml sends it."""
    parts = {"file": picture, "layout": layout.encode(), **files}
    return {name: (name, content) for name, content in parts.items()}


A_LAYOUT = '[[field]]\nname = "year"\nbox = [0, 0, 1, 1]\npattern = "\\\\d{4}"\n'


def test_read_takes_a_layout_and_says_what_to_check_in_the_language_that_is_asked_for(
    client: httpx.Client, picture: bytes
) -> None:
    told = client.post("/api/v1/read", files=form_of(picture, A_LAYOUT)).json()
    assert (told["fields"]["year"]["text"], told["fields"]["year"]["check"]) == ("504", True)
    assert told["fields"]["year"]["why"][-1] == "504 does not match \\d{4}"
    assert told["layout"] == {
        "sheet": "picture",
        "form": None,
        "fields": [{"name": "year", "box": [0, 0, 1, 1], "pattern": "\\d{4}"}],
    }
    assert told["sheet"] == [[-0.5, -0.5], [419.5, -0.5], [419.5, 199.5], [-0.5, 199.5]]
    french = {"Accept-Language": "de, fr-CA;q=0.8, en;q=0.5"}
    told = client.post("/api/v1/read", files=form_of(picture, A_LAYOUT), headers=french).json()
    assert told["fields"]["year"]["why"][-1] == "504 ne correspond pas à \\d{4}"
    refused = client.post("/api/v1/read", content=b"x", headers=french)
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("L")


def test_a_layout_by_an_empty_form_comes_with_its_picture(client: httpx.Client, picture: bytes) -> None:
    layout = 'form = "empty.png"\n' + A_LAYOUT
    refused = client.post("/api/v1/read", files=form_of(picture, layout))
    assert refused.status_code == 422
    assert "'empty.png'" in refused.json()["detail"]
    printed = Image.new("L", (420, 200), 255)
    ImageDraw.Draw(printed).text((10, 10), "A form of its own\nfor three digits", fill=0, font_size=30)
    told = client.post("/api/v1/read", files=form_of(png(printed), layout, form=png(printed))).json()
    assert told["layout"]["form"] == "empty.png"
    assert np.allclose(told["sheet"], [[0, 0], [420, 0], [420, 200], [0, 200]], atol=1.5)


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ("", ["no fields"]),
        ("x = ", ["layout.toml"]),
        ('[[field]]\nname = "a"\nbox = [0, 0, 1, 1]\npattern = "(1+)+2"\n', ["(1+)+2", "'a'", "server"]),
        ('sheet = "corners"\n' + A_LAYOUT, ["corners", "sheet of paper"]),
    ],
)
def test_a_layout_that_cannot_be_used_is_refused_with_a_sentence(
    client: httpx.Client, picture: bytes, layout: str, words: list[str]
) -> None:
    answer = client.post("/api/v1/read", files=form_of(picture, layout))
    assert answer.status_code == 422
    assert all(word in answer.json()["detail"] for word in words), answer.text
    assert client.post("/api/v1/read?table=true", files=form_of(picture, layout)).status_code == 422


@pytest.mark.parametrize(
    "pattern", ["", r"\d{4,8}", r"\d{2}-?\d{4}", "[(+*]+", r"(?:12|34)\d", r"\(+1", "(19|20)[0-9]{2}", r"(\d{2}){3}"]
)
def test_plain_patterns_are_tried(pattern: str) -> None:
    assert is_quick(pattern)


@pytest.mark.parametrize("pattern", ["(1+)+2", "(1|11)*2", r"\d*\d*\d*\d*2", "((1?)1)+", "(?:1{1,9}){2,}", "1+?1+?"])
def test_patterns_that_a_text_could_keep_busy_are_not(pattern: str) -> None:
    assert not is_quick(pattern)


def test_a_frame_and_a_sheet_are_found_in_a_picture(client: httpx.Client) -> None:
    drawn = Image.new("L", (400, 300), 255)
    ImageDraw.Draw(drawn).rectangle((40, 30, 360, 270), outline=0, width=3)
    told = client.post("/api/v1/sheet", content=png(drawn)).json()
    assert (told["by"], told["size"]) == ("frame", [400, 300])
    assert np.allclose(told["corners"], [[41, 31], [359, 31], [359, 269], [41, 269]], atol=3)
    refused = client.post("/api/v1/sheet?by=corners", content=png(drawn))
    assert refused.status_code == 422
    assert "four corners" in refused.json()["detail"]
    whole = client.post("/api/v1/sheet?by=picture", content=png(drawn)).json()
    assert whole["corners"] == [[-0.5, -0.5], [399.5, -0.5], [399.5, 299.5], [-0.5, 299.5]]
    assert client.post("/api/v1/sheet?by=lines", content=png(drawn)).status_code == 422


def test_a_picture_without_digits_has_no_lines(client: httpx.Client) -> None:
    answer = client.post("/api/v1/read", content=png(Image.new("L", (100, 60), 255))).json()
    assert (answer["text"], answer["lines"]) == ("", [])


@pytest.mark.parametrize("count", [1, 5, 300])
@pytest.mark.parametrize("form", ["bytes", "json"])
def test_classify_gives_what_the_reader_gives(
    client: httpx.Client, reader: Reader, images: np.ndarray, count: int, form: str
) -> None:
    numbers, probabilities = reader.classify(images[:count])
    if form == "bytes":
        response = client.post("/api/v1/classify", content=images[:count].tobytes())
    else:
        response = client.post("/api/v1/classify", json={"images": images[:count].tolist()})
    answer = response.json()
    assert answer["model"] == "mnistlab"
    assert answer["values"] == numbers.tolist()
    np.testing.assert_allclose(answer["probabilities"], probabilities, atol=1e-6)
    assert answer["accepted"] == (probabilities.max(1) >= reader.threshold).tolist()


def test_no_images_have_no_classes(client: httpx.Client) -> None:
    answer = client.post("/api/v1/classify", json={"images": []}).json()
    assert (answer["values"], answer["probabilities"], answer["accepted"]) == ([], [], [])


def test_each_of_many_small_requests_gets_its_own_answer(
    client: httpx.Client, reader: Reader, images: np.ndarray
) -> None:
    """They are classified together; none may get another's answer."""
    expected = reader.classify(images)[0]

    def ask(number: int) -> list[int]:
        part = images[number : number + 1 + number % 3]
        values: list[int] = client.post("/api/v1/classify", content=part.tobytes()).json()["values"]
        return values

    with ThreadPoolExecutor(24) as pool:
        for number, values in enumerate(pool.map(ask, range(290))):
            assert values == expected[number : number + 1 + number % 3].tolist()


def unpack(array: dict[str, object]) -> np.ndarray:
    kind = {8: "u1", 32: "<f4"}[array["bits"]]  # type: ignore[index]
    numbers = np.frombuffer(base64.b64decode(str(array["data"])), kind).reshape(array["shape"])
    if kind == "<f4":
        return numbers
    low, high = float(array["low"]), float(array["high"])  # type: ignore[arg-type]
    return low + (high - low) * numbers / np.iinfo(kind).max


@pytest.mark.parametrize("form", ["bytes", "json", "picture", "multipart"])
def test_explain_gives_what_the_explainer_gives(
    client: httpx.Client, reader: Reader, images: np.ndarray, picture: bytes, form: str
) -> None:
    image = images[0] if form in ("bytes", "json") else reader.read(picture).digits[2].image
    content = {
        "bytes": {"content": image.tobytes()},
        "json": {"json": {"image": image.tolist()}},
        "picture": {"content": picture, "headers": {"Content-Type": "image/png"}},
        "multipart": {"files": {"file": picture}},
    }[form]
    answer = client.post("/api/v1/explain?digit=2", **content).json()  # type: ignore[arg-type]
    assert answer["value"] == (5 if form in ("bytes", "json") else 4)
    assert (unpack(answer["image"]) == image).all()
    explainer = Explainer(reader.classifier)
    for layer, expected in zip(answer["layers"], explainer.layers(image), strict=True):
        assert (layer["name"], layer["kind"]) == (expected.name, expected.kind)
        np.testing.assert_allclose(unpack(layer["array"]), expected.values, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(answer["logits"], explainer.layers(image)[-2].values, atol=1e-4)
    np.testing.assert_allclose(answer["looks"], [answer["logits"]], atol=1e-4)
    odds = np.exp(np.array(answer["logits"]) / answer["temperature"])
    np.testing.assert_allclose(odds / odds.sum(), answer["probabilities"], atol=1e-4)
    why = explainer.why(image)
    np.testing.assert_allclose(unpack(answer["why"]), why, atol=np.abs(why).max() / 255 + 1e-3)


def test_the_network_and_the_explanation_fit(client: httpx.Client, reader: Reader, images: np.ndarray) -> None:
    network = client.get("/api/v1/network").json()
    answer = client.post("/api/v1/explain?parts=layers", content=images[0].tobytes()).json()
    assert [layer["name"] for layer in network["layers"]] == [layer["name"] for layer in answer["layers"][:-1]]
    assert (network["complete"], network["deskewed"], network["looks"]) == (True, False, [1.0])
    for step, layer in zip(network["layers"], answer["layers"], strict=False):
        if step["kind"] in ("convolution", "linear"):
            assert step["bias"]["shape"] == layer["array"]["shape"][:1]
        if step["kind"] == "normalisation":
            assert step["scale"]["shape"] == step["shift"]["shape"] == layer["array"]["shape"][:1]
        assert (step["window"] is not None) == (step["kind"] in ("convolution", "pooling"))
    linear = network["layers"][-1]
    made = unpack(linear["weights"]) @ unpack(answer["layers"][-3]["array"]) + unpack(linear["bias"])
    np.testing.assert_allclose(made, answer["logits"], rtol=1e-4, atol=1e-4)
    given = (images[0] / 255 - 0.13) / 0.31  # about: the normalisation is the training images'
    np.testing.assert_allclose(unpack(answer["given"])[0], given, atol=0.1)
    assert_problem(client.get("/api/v1/network?model=none"), 404)


def test_only_the_parts_that_are_asked_for_are_explained(client: httpx.Client, images: np.ndarray) -> None:
    answer = client.post("/api/v1/explain?parts=why", content=images[0].tobytes()).json()
    assert answer["layers"] == []
    assert answer["why"] is not None
    answer = client.post("/api/v1/explain?parts=layers", content=images[0].tobytes()).json()
    assert answer["why"] is None
    assert answer["layers"]


def test_models_health_and_metrics(client: httpx.Client, reader: Reader, images: np.ndarray) -> None:
    (model,) = client.get("/api/v1/models").json()["models"]
    assert (model["id"], model["recipe"], model["dataset"]) == ("mnistlab", "reader", "mnist")
    assert model["classes"] == list("0123456789")
    assert model["threshold"] == reader.threshold
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}

    def counted() -> float:
        found = re.search(r'^mnistlab_images_total{model="mnistlab"} (\S+)$', client.get("/metrics").text, re.MULTILINE)
        return float(found[1]) if found else 0

    before = counted()
    client.post("/api/v1/classify", content=images[:7].tobytes())
    assert counted() == before + 7


PAGES = ("/", "/docs", "/openapi.json", "/favicon.ico", "/static/style.css")


@pytest.mark.parametrize("path", [*PAGES, "/healthz", "/readyz", "/metrics", "/api/v1/models"])
def test_head_is_get_without_the_body(client: httpx.Client, running: running_server.Running, path: str) -> None:
    got = client.get(path)
    with running.connect() as connection:  # httpx would pass over a body
        connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 ")
    assert f"content-type: {got.headers['content-type']}" in head
    assert got.content
    assert body == ""


def test_several_models_are_asked_by_name(images: np.ndarray) -> None:
    strict = ServedModel("strict", "a strict one", Reader(threshold=1.0))
    surest = images[Reader().classify(images)[1].max(1).argmax()]
    with serving_with([ServedModel("mnistlab", "reader", Reader()), strict]) as running, running.client() as client:
        for name, accepted in (("mnistlab", True), ("strict", False)):
            answer = client.post(f"/api/v1/classify?model={name}", content=surest.tobytes()).json()
            assert (answer["model"], answer["accepted"]) == (name, [accepted])
        assert_problem(client.post("/api/v1/read?model=x", content=b"x"), 404, "'x'", "Choose 'mnistlab' or 'strict'.")


# --- what it refuses ---

EMPTY_IMAGE = [[0] * 28] * 28


@pytest.mark.parametrize(
    ("path", "content", "kind", "words"),
    [
        ("read", b"", "image/png", ["empty (0 bytes)"]),
        ("read", b"hello", "image/png", ["not a PNG, JPEG"]),
        ("read", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "image/png", ["damaged or incomplete"]),
        ("read", b"--x", "multipart/form-data", ["form data cannot be read: no boundary.", "'file'"]),
        ("read", b"--x--\r\n", "multipart/form-data; boundary=x", ["not contain a complete file", "'file'"]),
        ("read?detail=perhaps", b"x", "image/png", ["detail is 'perhaps': it must be true or false. See /docs."]),
        ("read?field=a", b"x", "image/png", ["'a'", "Write NAME=x,y,width,height, as"]),
        ("read?field=a=0,0,2,1", b"x", "image/png", ["'a'", "sheet"]),
        ("read?field=a=0,0,1,1&field=a=0,0,1,1", b"x", "image/png", ["two fields"]),
        ("read?field=a=0,0,1,1&table=true", b"x", "image/png", ["at the same time. Read the"]),
        ("classify", b"", "", ["0 bytes, which is not one or more images", "784"]),
        ("classify", b"x" * 783, "", ["783 bytes", "784"]),
        ("classify", b"[", "application/json", ["not JSON"]),
        ("classify", b"[]", "application/json", ["'images'"]),
        ("classify", json.dumps({"images": [[1, 2], [3]]}), "application/json", ["Image 0", "28 rows"]),
        ("classify", json.dumps({"images": EMPTY_IMAGE}), "application/json", ["Image 0", "28 rows"]),
        ("classify", json.dumps({"images": [[[0.5] * 28] * 28]}), "application/json", ["whole numbers"]),
        ("classify", json.dumps({"images": [[[256] * 28] * 28]}), "application/json", ["0 to 255"]),
        ("classify", json.dumps({"images": [[["a"] * 28] * 28]}), "application/json", ["whole numbers"]),
        ("classify", json.dumps({"images": [[[2**70] * 28] * 28]}), "application/json", ["JSON"]),
        ("classify", json.dumps({"images": None}), "application/json", ["'images'"]),
        ("classify", json.dumps({"images": ["a" * 300_000, *"b" * 1000]}), "application/json", ["Image 0"]),
        ("classify", json.dumps({"images": [[28] * 28]}), "application/json", ["Image 0", "28 rows"]),
        ("classify", json.dumps({"images": [[]] * 5000}), "application/json", ["5,000 images", "4,096"]),
        ("explain", json.dumps({"image": [EMPTY_IMAGE]}), "application/json", ["The image is", '"image": [[0, 2']),
        ("explain?digit=-1", b"x" * 784, "", ["digit is '-1': it must be at least 0."]),
        ("explain?digit=a", b"x" * 784, "", ["digit is 'a': it must be a whole number."]),
        ("explain?parts=all", b"x" * 784, "", ["parts is 'all': it must match ^(layers|why|"]),
        ("sheet?by=a", b"x", "", ["by is 'a': it must be one of 'picture', 'frame', 'corners'."]),
        ("explain", b"x" * 785, "", ["not a PNG, JPEG"]),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(
    client: httpx.Client, path: str, content: bytes | str, kind: str, words: list[str]
) -> None:
    response = client.post(f"/api/v1/{path}", content=content, headers={"Content-Type": kind} if kind else {})
    assert_problem(response, 422, *words)


def test_a_wrong_parameter_is_named_in_french(client: httpx.Client) -> None:
    response = client.post("/api/v1/sheet?by=a", content=b"x", headers={"Accept-Language": "fr"})
    assert_problem(response, 422, "by vaut 'a'", "il faut l'une des valeurs 'picture', 'frame', 'corners'. Voir /docs.")


def test_a_digit_that_is_not_there_cannot_be_explained(client: httpx.Client, picture: bytes) -> None:
    assert_problem(client.post("/api/v1/explain?digit=3", content=picture), 422, "'digit' is 3", "3 digits")


def test_bombs_and_cut_off_pictures_are_refused(client: httpx.Client, picture: bytes) -> None:
    bomb = bytearray(png(Image.new("L", (10, 10))))
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2  # its header claims 3.6 billion pixels
    assert_problem(client.post("/api/v1/read", content=bytes(bomb)), 422)
    assert_problem(client.post("/api/v1/read", content=picture[: len(picture) // 2]), 422, "damaged or incomplete")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/api/v1/read", 405),
        ("POST", "/", 405),
        ("POST", "/healthz", 405),
        ("GET", "/api/v2/read", 404),
    ],
)
def test_other_addresses_and_methods(client: httpx.Client, method: str, path: str, status: int) -> None:
    assert_problem(client.request(method, path), status, "/docs")


@pytest.mark.parametrize(
    "name",
    [
        "..%2f..%2fserver.py",
        "%2e%2e/server.py",
        "server.py",
        "a/b",
        "words",
        "words/../index.html/..",
        ".",
        "%00",
        "index.html%00",
    ],
)
def test_nothing_but_the_pages_files_is_given(client: httpx.Client, name: str) -> None:
    assert_problem(client.get(f"/static/{name}"), 404)


def test_a_body_over_the_limit_is_refused_before_it_is_sent(running: running_server.Running) -> None:
    with running.connect() as connection:
        connection.sendall(b"POST /api/v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n")
        answer = everything(connection)  # and the connection is closed
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"2 MiB" in answer


def test_a_body_of_unknown_length_is_counted(client: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(300):
            yield b"x" * 10_000

    assert_problem(client.post("/api/v1/read", content=endless()), 413, "2 MiB")


def test_every_answer_has_the_headers_that_keep_a_browser_safe(client: httpx.Client) -> None:
    for path in ("/", "/docs", "/static/style.css", "/api/v1/models", "/nothing", "/healthz"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert not [name for name in headers if name.startswith("access-control-") or name in ("server", "set-cookie")]


# --- what goes wrong ---


class Broken(Reader):
    def read(self, *_: object, **__: object) -> Page:
        raise RuntimeError("the secret plan")


def test_an_error_of_its_own_is_told_to_the_log_and_not_to_the_client(caplog: pytest.LogCaptureFixture) -> None:
    broken = ServedModel("broken", "broken", Reader())
    with serving_with([broken]) as running, running.client() as client:
        broken.reader = Broken()
        response = client.post("/api/v1/read", content=b"x")
        document = assert_problem(response, 500, "log")
        assert "secret" not in response.text
        wait_until(lambda: "the secret plan" in caplog.text)  # it is written once the answer is out
        assert str(document["request_id"]) in caplog.text
        assert client.get("/healthz").status_code == 200


class Held(Reader):
    """Reads when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()

    def read(self, source: bytes, *, raise_if_cancelled: Callable[[], None]) -> Page:  # type: ignore[override]
        assert self.let.wait(LIMIT)
        return super().read(source, raise_if_cancelled=raise_if_cancelled)


def test_over_capacity_the_rest_is_told_to_come_back_at_once(picture: bytes) -> None:
    served = ServedModel("held", "held", Reader())
    with serving_with([served], limits=running_server.PATIENT(waiting=2)) as running, running.client() as client:
        served.reader = held = Held()
        places = (os.cpu_count() or 1) + 2
        ask = lambda _: client.post("/api/v1/read", content=picture)  # noqa: E731
        with ThreadPoolExecutor(places) as pool:
            accepted = pool.map(ask, range(places))
            wait_until(lambda: f"mnistlab_jobs {places:.1f}" in client.get("/metrics").text)
            for refused in map(ask, range(10)):  # while none of the others has been worked on
                assert_problem(refused, 503, "Try again")
                assert int(refused.headers["retry-after"]) >= 1
            held.let.set()
            assert [answer.json()["text"] for answer in accepted] == places * ["504"]
        assert ask(0).status_code == 200  # the places are free again


class Endless(Reader):
    """Reads until it is told to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.stopped = threading.Event(), threading.Event()

    def read(self, source: object, *, raise_if_cancelled: object = None) -> Page:
        self.begun.set()
        try:
            wait_until(raise_if_cancelled)  # type: ignore[arg-type]  # which gives None, again and again
        except ClientGone:
            self.stopped.set()
            raise
        raise AssertionError


def test_a_client_that_leaves_stops_its_work() -> None:
    served = ServedModel("slow", "slow", Reader())
    with serving_with([served]) as running, running.client() as client:
        served.reader = endless = Endless()
        with running.connect() as connection:
            connection.sendall(b"POST /api/v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx")
            assert endless.begun.wait(LIMIT)
        assert endless.stopped.wait(LIMIT)
        wait_until(lambda: 'path="/api/v1/read",status="499"' in client.get("/metrics").text)
        assert "mnistlab_jobs 0.0" in client.get("/metrics").text


def everything(connection: socket.socket) -> bytes:
    """What comes until the connection is closed."""
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            answer += part
    return answer


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /api/v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 784\r\n\r\nx",
        b"POST /api/v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 784\r\n\r\nx",
        b"POST /api/v1/read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    ],
    ids=["half a picture", "half an image", "half a form of unknown length"],
)
def test_bodies_that_come_too_slowly_are_not_waited_for(sent: bytes) -> None:
    with serving_with(limits=Limits(body_seconds=0.2)) as running, running.connect() as connection:
        connection.sendall(sent)
        answer = everything(connection)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"problem+json" in answer
        with running.client() as client:
            wait_until(lambda: "mnistlab_jobs 0.0" in client.get("/metrics").text)


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"POST /api/v1/read HTTP/1.1\r\nHost: loc"])
def test_headers_that_do_not_come_are_not_waited_for(sent: bytes) -> None:
    with serving_with(patience=0.2) as running, running.connect() as connection:
        connection.sendall(sent)
        assert everything(connection) == b""


def test_a_request_under_way_is_waited_for_however_long_a_connection_may_rest(picture: bytes) -> None:
    served = ServedModel("held", "held", Reader())
    with serving_with([served], patience=0.2) as running, running.connect() as connection:
        served.reader = held = Held()
        connection.sendall(
            b"POST /api/v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(picture) + picture
        )
        with running.connect() as resting:  # closed, so the other has been looked at as well
            assert everything(resting) == b""
        held.let.set()
        assert b'"504"' in everything(connection)


def test_work_that_takes_too_long_is_given_up() -> None:
    served = ServedModel("slow", "slow", Reader())
    with serving_with([served], limits=Limits(job_seconds=0.2)) as running, running.client() as client:
        served.reader = endless = Endless()
        assert_problem(client.post("/api/v1/read", content=b"x"), 503, "Try again")
        assert endless.stopped.is_set()


def test_who_does_not_take_the_answer_is_cut_off() -> None:
    """The answer is larger than the system's buffer for a connection, so that the server holds the rest of it."""
    with serving_with(patience=0.2) as running, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(LIMIT)
        connection.connect(running.address)
        ask = b"GET /api/v1/network HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.sendall(20 * ask)
        with pytest.raises(ConnectionError):
            wait_until(lambda: connection.sendall(b"\r\n"))


def test_a_slow_body_takes_no_place(picture: bytes) -> None:
    with serving_with(limits=running_server.PATIENT(waiting=0)) as running, contextlib.ExitStack() as stack:
        for _ in range(30):
            slow = stack.enter_context(running.connect())
            slow.sendall(b"POST /api/v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 784\r\n\r\nx")
        client = stack.enter_context(running.client())
        assert client.post("/api/v1/read", content=picture).json()["text"] == "504"


def test_bodies_together_have_a_limit(picture: bytes) -> None:
    limits = running_server.PATIENT(memory_bytes=300_000)
    with serving_with(limits=limits) as running, running.connect() as large, running.client() as client:
        large.sendall(
            b"POST /api/v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300001\r\n\r\n" + bytes(299_000)
        )
        app = running.app
        assert app is not None
        wait_until(lambda: app.intake.held == 299_000)  # all of it has come
        ask = lambda: client.post("/api/v1/read", content=picture)  # noqa: E731
        assert_problem(ask(), 503, "Try again")
        large.close()
        wait_until(lambda: app.intake.held == 0)
        assert ask().status_code == 200


def test_requests_that_do_not_wait_for_the_answer_before_them_are_answered_in_turn() -> None:
    with serving_with() as running, running.connect() as connection:
        last = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + last)
        answers = everything(connection)
        assert 0 < answers.index(b'{"status":"alive"}') < answers.index(b'{"status":"ready"}')


def test_what_follows_a_body_is_counted() -> None:
    with serving_with() as running, running.connect() as connection:
        connection.sendall(
            b"POST /api/v1/classify HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        )
        with contextlib.suppress(ConnectionError):
            for _ in range(500):
                connection.sendall(b"a: %s\r\n" % (b"x" * 4000))
        assert b"200 OK" not in everything(connection)


@pytest.mark.parametrize("after", [b"", b"\r\n", b"G"], ids=["nothing", "a line's end", "a letter"])
def test_idle_connections_are_closed(after: bytes) -> None:
    with serving_with(patience=0.2) as running, running.connect() as connection:
        with contextlib.suppress(ConnectionError):  # where a busy machine's client was too slow already
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(65536)
            connection.sendall(after)
        everything(connection)  # ends


def test_an_unread_body_closes_the_connection(running: running_server.Running) -> None:
    with running.connect() as connection:
        connection.sendall(b"POST /api/v1/read?model=x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx")
        answer = everything(connection)
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"421"),
    ],
)
def test_what_is_no_request_is_refused(running: running_server.Running, sent: bytes, status: bytes) -> None:
    with running.connect() as connection:
        connection.sendall(sent)
        answer = everything(connection)
    assert answer.split()[1] == status
    assert (b"The request has more than one Host header. Send exactly one." in answer) == (status == b"421")


class Stuck(Classifier):
    """Fails when it is told to."""

    broken = True

    def classify(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.broken:
            raise MemoryError
        return super().classify(images)


def test_a_batch_that_fails_does_not_hold_up_the_next(images: np.ndarray) -> None:
    served = ServedModel("mnistlab", "reader", Reader())
    with serving_with([served]) as running, running.client() as client:
        served.few = 16  # however fast this machine's network is
        served.batches.classifier = stuck = Stuck(threads=1)
        with ThreadPoolExecutor(8) as pool:
            send = lambda _: client.post("/api/v1/classify", content=images[0].tobytes()).status_code  # noqa: E731
            assert set(pool.map(send, range(16))) == {500}
            stuck.broken = False
            assert set(pool.map(send, range(16))) == {200}


def test_endless_headers_end(running: running_server.Running) -> None:
    with running.connect() as connection, pytest.raises(ConnectionError):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        for number in range(500):
            connection.sendall(b"X-%d: %s\r\n" % (number, b"y" * 4000))
        connection.recv(1)


def test_nothing_that_is_sent_touches_the_disk(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a folder for temporary files an upload of over a megabyte, which Starlette would put there, works."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    noise = Image.fromarray(np.random.default_rng(0).integers(200, 255, (1200, 1200)).astype(np.uint8))
    large = png(noise)
    assert len(large) > 2**20
    assert client.post("/api/v1/read", files={"file": ("noise.png", large)}).status_code == 200


# --- the page's files, and the description ---


def test_the_pages_files_are_small_whole_and_of_one_origin(client: httpx.Client) -> None:
    files = [path for path in PAGE.rglob("*") if path.is_file()]
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 200_000
    for path in files:
        address = f"/static/{path.relative_to(PAGE).as_posix()}"
        response = client.get(address)
        assert response.text.count("\n") <= 250, f"{address} is too long: it holds two ideas"
        assert response.content == path.read_bytes()
        if path.suffix == ".js":
            assert response.headers["content-type"].startswith("text/javascript")
        again = client.get(address, headers={"If-None-Match": response.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        text = response.text
        if path.suffix in (".html", ".js", ".css"):
            assert not re.search(r"(src|href|url\(|import|from)\s*[=( ]?\s*['\"]?(https?:)?//", text), path.name
    html = client.get("/").text
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", html)


def test_the_description_is_complete(client: httpx.Client) -> None:
    schema = client.get("/openapi.json").json()
    assert set(schema["paths"]) == {
        "/api/v1/read", "/api/v1/sheet", "/api/v1/classify", "/api/v1/explain", "/api/v1/network", "/api/v1/models",
        "/api/v1/trainings", "/api/v1/trainings/{name}", "/healthz", "/readyz", "/metrics",
    }  # fmt: skip
    assert "Problem" in schema["components"]["schemas"]
    read = schema["paths"]["/api/v1/read"]["post"]
    for kind in FORMATS:
        assert kind.name in read["description"]
        assert kind.media_type in read["requestBody"]["content"]
    docs = client.get("/docs")
    assert docs.headers["content-type"].startswith("text/html")
    for path in schema["paths"]:
        assert path in docs.text
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=", docs.text)


def test_the_examples_call_the_server_where_it_was_reached(running: running_server.Running) -> None:
    port = running.address[1]
    for name in (f"127.0.0.1:{port}", f"localhost:{port}", "localhost", "[::1]:8443"):
        docs = httpx.get(f"{running.url}/docs", headers={"Host": name}, timeout=LIMIT).text
        assert set(re.findall(r"https?://[^/\s<]+(?=/api/)", docs)) == {f"http://{name}"}
        assert f'<pre tabindex="0">curl http://{name}/api/v1/models</pre>' in docs
    assert "http://127.0.0.1:8000" not in docs
