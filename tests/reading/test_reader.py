"""Reader: pictures of any kind in, digits with probabilities out; the same from each thread and each time."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import multiprocessing
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from PIL import Image

import mnistlab
from mnistlab import Reader
from mnistlab.errors import UserError, shown
from mnistlab.reading.classifier import BUNDLED
from mnistlab.reading.page import Digit, Line, Page
from mnistlab.recipes.catalog import RECIPES
from mnistlab.runs.store import create_run
from tests.support.drawing import Array, count_read, draw, written
from tests.support.notes import Digits
from tests.support.pages import EFFECTS, make_page
from tests.support.pages import Page as Drawn


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="module")
def drawn(digits: Digits) -> Drawn:
    """A clean page of 100 digits."""
    return make_page(
        1, digits[0][1150:1250], digits[1][1150:1250], size=(1500, 2000), paper="white", ruling="plain", pen="black gel", tilt=0,
        height=70, without=EFFECTS,
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(reader: Reader, drawn: Drawn) -> Page:
    """What is read on it."""
    return reader.read(drawn.picture)


def digit(value: int, x: int, *, accepted: bool = True, y: int = 0, width: int = 30, height: int = 50) -> Digit:
    image, probabilities = np.zeros((28, 28), np.uint8), np.full(10, 0.1, np.float32)
    return Digit(value, 0.9, (x, y, width, height), accepted, image, probabilities)


def top_of(drawn: Drawn) -> Array:
    """The first two lines or three."""
    first = min(y for _, y, _, _ in drawn.boxes)
    return drawn.picture[max(0, first - 60) : first + 340]


# read


def test_a_clean_page_is_read(drawn: Drawn, page: Page) -> None:
    assert [len(line.digits) for line in page.lines] == [10] * 10
    right = sum(found.value == label for found, label in zip(page.digits, drawn.labels, strict=True))
    assert right >= 97
    assert page.size == (1500, 2000)
    for found, box in zip(page.digits, drawn.boxes, strict=True):
        assert found.box == pytest.approx(box, abs=3)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_photographed_page_is_read(reader: Reader, digits: Digits, seed: int) -> None:
    page = make_page(seed, digits[0][:60], digits[1][:60], size=(1600, 1200))
    found = [found.to_dict() for found in reader.read(page.picture).digits]
    right = count_read(found, page)
    assert right >= 54, page.description


def test_each_kind_of_source_gives_the_same_page(reader: Reader, drawn: Drawn, tmp_path: Path) -> None:
    part = top_of(drawn)
    image = Image.fromarray(part)
    path = tmp_path / "page.png"
    image.save(path)
    stored = path.read_bytes()
    expected = reader.read(part)
    assert expected.digits
    for source in (path, str(path), stored, bytearray(stored), memoryview(stored), image):
        page = reader.read(source)
        assert page == expected
        assert page.to_dict() == expected.to_dict()


def test_what_a_page_tells(reader: Reader, page: Page) -> None:
    for found in page.digits:
        assert found.value in range(10)
        assert found.probability == pytest.approx(float(found.probabilities.max()))
        assert found.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert (found.image.shape, found.image.dtype) == ((28, 28), np.uint8)
        assert found.accepted == (found.probability >= reader.threshold)
        assert int(reader.classify(found.image[None])[0][0]) == found.value
        x, y, width, height = found.box
        assert 0 <= x < x + width <= 1500
        assert 0 <= y < y + height <= 2000
    assert page.digits == [found for line in page.lines for found in line.digits]
    assert page.text == "\n".join(line.text for line in page.lines)


def test_json_holds_plain_types(page: Page) -> None:
    content = page.to_dict()
    assert json.loads(json.dumps(content)) == content
    assert set(content) == {"text", "lines"}
    assert [set(line) for line in content["lines"]] == [{"text", "digits", "separators"}] * 10
    assert [line["text"] for line in content["lines"]] == content["text"].split("\n")
    for found in (found for line in content["lines"] for found in line["digits"]):
        assert set(found) == {"value", "probability", "box", "accepted"}
        assert [type(number) for number in found["box"]] == [int] * 4
        assert (type(found["value"]), type(found["probability"]), type(found["accepted"])) == (int, float, bool)
    assert Reader().read(np.full((50, 50), 255, np.uint8)).to_dict() == {"text": "", "lines": []}


@pytest.mark.parametrize(
    ("probability", "told"), [(0.98766, 0.9877), (0.99994, 0.9999), (0.99996, 0.9999), (1.0, 0.9999)]
)
def test_json_never_claims_certainty(probability: float, told: float) -> None:
    assert dataclasses.replace(digit(7, 0), probability=probability).to_dict()["probability"] == told


def test_the_same_picture_gives_the_same_page(reader: Reader, drawn: Drawn, page: Page) -> None:
    before = drawn.picture.copy()
    pages = [page, reader.read(drawn.picture), Reader(threads=1).read(drawn.picture)]
    assert np.array_equal(drawn.picture, before)
    assert pages[0] == pages[1]
    assert pages[0].to_dict()["text"] == pages[2].to_dict()["text"]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(pages[0].digits, pages[1].digits, strict=True))
    assert [d.probability for d in pages[0].digits] == pytest.approx([d.probability for d in pages[2].digits], abs=1e-5)


def test_reading_can_be_cancelled_between_its_steps(reader: Reader, drawn: Drawn) -> None:
    asked: list[None] = []
    reader.read(top_of(drawn), raise_if_cancelled=lambda: asked.append(None))
    assert len(asked) >= 5  # before the ink, the pieces and the digits, and while these are put together and cut
    for times in range(len(asked)):
        with pytest.raises(StopIteration):
            reader.read(top_of(drawn), raise_if_cancelled=partial(next, iter(range(times))))


def test_the_former_name_of_raise_if_cancelled_still_works(reader: Reader) -> None:
    asked: list[None] = []
    with pytest.warns(DeprecationWarning, match="raise_if_cancelled"):
        reader.read(np.full((50, 50), 255, np.uint8), check=lambda: asked.append(None))
    assert asked


@pytest.mark.parametrize("source", [3, None, ["page.png"], {"picture": 1}])
def test_what_is_no_picture_is_refused(reader: Reader, source: Any) -> None:
    with pytest.raises(UserError, match="is not a picture"):
        reader.read(source)


def test_a_missing_file_is_named(reader: Reader) -> None:
    with pytest.raises(UserError, match=r"no file nowhere\.png"):
        reader.read("nowhere.png")


# the threshold


def test_the_threshold_decides_what_is_accepted(drawn: Drawn) -> None:
    none, all_ = Reader(threshold=1.0), Reader(threshold=0.0)
    assert (none.threshold, all_.threshold) == (1.0, 0.0)
    page = all_.read(drawn.picture)
    assert all(found.accepted for found in page.digits)
    assert "?" not in page.text
    strict = none.read(drawn.picture)
    assert [found.value for found in strict.digits] == [found.value for found in page.digits]
    assert [found.accepted for found in strict.digits] == [found.probability >= 1 for found in strict.digits]
    assert strict.text.count("?") == sum(not found.accepted for found in strict.digits)


def test_without_one_it_is_the_models(reader: Reader) -> None:
    assert reader.threshold == float(reader.metadata["threshold"])
    assert 0 < reader.threshold < 1


@pytest.mark.parametrize("threshold", [-0.1, 1.01, float("nan"), float("inf")])
def test_a_threshold_that_is_none_is_refused(threshold: float) -> None:
    with pytest.raises(UserError, match="is not a probability"):
        Reader(threshold=threshold)


@pytest.mark.parametrize("threshold", [True, "0.9", [0.5], 0.5j])
def test_what_is_no_number_is_no_threshold(threshold: Any) -> None:
    with pytest.raises(UserError, match=r"is not a number\. Choose a number from 0 to 1, such as 0\.9\."):
        Reader(threshold=threshold)


def test_numpys_numbers_are_taken() -> None:
    reader = Reader(str(BUNDLED), threshold=np.float32(0.5), threads=np.int64(1))  # type: ignore[arg-type]
    assert (type(reader.threshold), reader.threshold, type(reader.threads)) == (float, 0.5, int)


# text


def test_what_is_not_accepted_is_a_question_mark() -> None:
    line = Line((digit(4, 0), digit(7, 50, accepted=False), digit(2, 100)))
    assert line.text == "4?2"
    assert Line(()).text == ""
    assert Page((line, Line((digit(0, 0, accepted=False),))), (200, 200)).text == "4?2\n?"
    assert Page((), (10, 10)).text == ""


def test_wide_gaps_are_spaces() -> None:
    close = [digit(value, 45 * value) for value in range(4)]
    far = [digit(value, 45 * value + 200) for value in range(4, 7)]
    assert Line((*close, *far)).text == "0123 456"
    assert Line(tuple(digit(value, 80 * value) for value in range(5))).text == "01234"
    assert Line((digit(1, 0), digit(2, 400))).text in ("12", "1 2")
    assert Line((digit(1, 0), digit(2, 20))).text == "12"  # their boxes overlap


def test_numbers_apart_on_a_line_are_apart_in_the_text(digits: Digits) -> None:
    images = [digits[0][digits[1] == value][0] for value in (3, 1, 0, 7)]
    inks = [draw(image, 60) for image in images]
    together = [written(inks[:2], 0.3, 0.5), written(inks[2:], 0.3, 0.5)]
    height = max(part.shape[0] for part in together)
    parts = [np.pad(part, ((height - part.shape[0], 0), (0, 0))) for part in together]
    line = np.hstack([parts[0], np.zeros((height, 150), np.uint8), parts[1]])
    assert Reader(threshold=0).read(255 - line).text == "31 07"


# models


def test_a_models_own_classes_are_named(reader: Reader, tmp_path: Path, digits: Digits) -> None:
    model = onnx.load(reader.path)
    names = [*"012345678", "neuf"]
    for entry in model.metadata_props:
        if entry.key == "classes":
            entry.value = json.dumps(names)
    path = tmp_path / "named.onnx"
    onnx.save(model, path)
    own = Reader(path)
    assert own.classes == tuple(names)
    page = own.read(digits[0][digits[1] == 9][0])
    assert [found.value for found in page.digits] == ["neuf"]
    assert json.loads(json.dumps(page.to_dict()))["lines"][0]["digits"][0]["value"] == "neuf"


# threads and processes


def test_several_threads_share_a_reader(reader: Reader, digits: Digits) -> None:
    pictures: list[NDArray[np.uint8]] = []
    for start in range(0, 50, 10):
        inks = [draw(image, 50) for image in digits[0][start : start + 5]]
        pictures.append(255 - written(inks))
    expected = [reader.read(picture) for picture in pictures]
    classes = reader.classify(digits[0][:500])

    def work(number: int) -> tuple[list[Page], Any]:
        own = pictures[number:] + pictures[:number]
        found = [reader.read(picture) for picture in own]
        return found[len(found) - number :] + found[: len(found) - number], reader.classify(digits[0][:500])

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(work, range(5)))
    for found, (values, probabilities) in answers:
        assert [page.text for page in found] == [page.text for page in expected]
        assert [d.box for page in found for d in page.digits] == [d.box for page in expected for d in page.digits]
        assert np.array_equal(values, classes[0])
        assert probabilities == pytest.approx(classes[1], abs=1e-5)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_readers_and_pages_can_be_copied_and_sent(copied: Callable[[Any], Any], drawn: Drawn, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(BUNDLED.read_bytes())
    reader = Reader(path, threshold=0.875, threads=1)
    path.unlink()  # a copy has the model with it
    other = copied(reader)
    assert (other.threshold, other.threads, other.path) == (0.875, 1, path)
    page = reader.read(top_of(drawn))
    for found in (other.read(top_of(drawn)), copied(page)):
        assert found == page
        for mine, its in zip(page.digits, found.digits, strict=True):
            assert np.array_equal(mine.image, its.image)
            assert np.array_equal(mine.probabilities, its.probabilities)


def test_a_pool_of_processes_shares_a_reader(digits: Digits) -> None:
    reader = Reader(threads=1)
    images = digits[0][:20]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        values, probabilities = pool.submit(reader.classify, images).result()
    assert np.array_equal(values, reader.classify(images)[0])
    assert probabilities == pytest.approx(reader.classify(images)[1], abs=1e-5)


def test_reading_imports_no_torch(drawn: Drawn, tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    Image.fromarray(top_of(drawn)).save(path)
    code = (
        "import sys; from mnistlab import Reader; print(Reader().read(sys.argv[1]).text);"
        "print(sorted({'torch', 'torchvision', 'matplotlib', 'scipy', 'onnx'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    *_, modules = result.stdout.splitlines()
    assert modules == "[]"
    assert result.stderr == ""


def test_the_folder_of_a_run_that_was_exported_is_taken_as_its_file(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(BUNDLED.read_bytes())
    for given in (tmp_path, str(tmp_path)):
        reader = Reader(given)
        assert (reader.path, reader.classes) == (file, Reader().classes)


def test_what_is_no_exported_file_gets_one_sentence_that_says_how_to_make_it(tmp_path: Path) -> None:
    remedy = "Give a file that mnistlab.export_model made from a run, or the folder that holds the model.onnx."
    run = create_run(tmp_path, RECIPES["quick"], "mnist", Path("data"), 0, {})
    for given, told in [
        ("latest", f"There is no model latest. {remedy}"),
        (run.path, f"{run.path} holds no model.onnx. Make model.onnx with mnistlab.export_model."),
        (run, f"model {shown(run)} is not a path. {remedy}"),
        (3, f"model 3 is not a path. {remedy}"),
    ]:
        with pytest.raises(UserError) as caught:
            Reader(given)
        assert str(caught.value) == told


def test_the_package_offers_the_reader() -> None:
    assert mnistlab.Reader is Reader
    assert "Reader" in mnistlab.__all__


def test_a_picture_in_memory_is_read(reader: Reader, digits: Digits) -> None:
    stored = io.BytesIO()
    Image.fromarray(255 - written([draw(digits[0][0], 60)])).save(stored, "PNG")
    assert [found.value for found in reader.read(stored.getvalue()).digits] == [digits[1][0]]
