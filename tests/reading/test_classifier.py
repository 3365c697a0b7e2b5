"""Classifier: 28x28 images in, calibrated probabilities out; models that are not ours are refused with a sentence."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest

from mnistlab.dependencies import import_onnxruntime
from mnistlab.errors import UserError
from mnistlab.reading.classifier import BUNDLED, Classifier
from tests.support.notes import Digits


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier()


def test_mnists_digits_are_read(classifier: Classifier, digits: Digits) -> None:
    values, probabilities = classifier.classify(digits[0])
    assert (values == digits[1]).mean() >= 0.99
    assert (probabilities.max(1) >= classifier.threshold).mean() >= 0.95


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 300])
def test_any_number_of_images(classifier: Classifier, digits: Digits, count: int) -> None:
    values, probabilities = classifier.classify(digits[0][:count])
    assert (values.shape, values.dtype) == ((count,), np.int64)
    assert (probabilities.shape, probabilities.dtype) == ((count, 10), np.float32)
    assert probabilities.sum(1) == pytest.approx(np.ones(count), abs=1e-5)
    assert probabilities.min(initial=0) >= 0
    assert np.array_equal(values, probabilities.argmax(1))


def test_all_at_once_and_one_by_one_agree(classifier: Classifier, digits: Digits) -> None:
    values, probabilities = classifier.classify(digits[0][:300])
    alone = [classifier.classify(image[None]) for image in digits[0][:300]]
    assert np.array_equal(values, np.concatenate([one[0] for one in alone]))
    assert probabilities == pytest.approx(np.concatenate([one[1] for one in alone]), abs=1e-5)


def test_images_need_not_lie_in_one_block(classifier: Classifier, digits: Digits) -> None:
    images = digits[0][:20]
    expected = classifier.classify(images[::2])[1]
    assert np.array_equal(classifier.classify(np.asfortranarray(images)[::2])[1], expected)
    before = images.copy()
    classifier.classify(images)
    assert np.array_equal(images, before)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((28, 28), np.uint8),
        np.zeros((2, 1, 28, 28), np.uint8),
        np.zeros((2, 27, 28), np.uint8),
        np.zeros((2, 28, 28), np.float32),
        np.zeros((2, 28, 28), np.int64),
        np.zeros((2, 28, 28), bool),
        np.zeros(0, np.uint8),
        [[1, 2]],
    ],
)  # fmt: skip
def test_other_shapes_and_types_are_refused(classifier: Classifier, images: Any) -> None:
    with pytest.raises(UserError, match=r"takes an array of type uint8 and shape \(N, 28, 28\), but was given"):
        classifier.classify(images)


@pytest.mark.parametrize(
    ("threads", "words"),
    [
        (0, "0 is out of range"), (-1, "-1 is out of range"), (2**70, "is out of range"), (1.0, "1.0 is not a whole number"),
        (True, "True is not a whole number"), ("2", "'2' is not a whole number"),
    ],
)  # fmt: skip
def test_no_threads_are_refused(threads: Any, words: str) -> None:
    with pytest.raises(UserError, match=f"Number of threads .*{words}. Choose a whole number from 1 to 1,024."):
        Classifier(threads=threads)


def test_scribbles_are_not_accepted_as_often_as_digits(classifier: Classifier) -> None:
    """Tangles of five strokes: some look like a digit, most do not."""
    rng = np.random.default_rng(2)
    images = np.zeros((60, 28, 28), np.uint8)
    for image in images:
        cv2.polylines(image, [rng.integers(4, 24, (8, 1, 2)).astype(np.int32)], False, 255, 2, cv2.LINE_AA)
    assert (classifier.classify(images)[1].max(1) >= classifier.threshold).mean() < 0.7


def test_a_str_and_a_path_name_a_model(classifier: Classifier) -> None:
    assert Classifier(str(classifier.path)).classes == classifier.classes == tuple("0123456789")


def make_model(
    path: Path, *, size: int = 28, dtype: int = onnx.TensorProto.UINT8, outputs: int = 10, **facts: str
) -> Path:
    """The smallest model: the first row of the picture, as numbers."""
    helper = onnx.helper
    image = helper.make_tensor_value_info("images", dtype, ["N", 1, size, size])
    answer = helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["N", outputs])
    nodes = [
        helper.make_node("Cast", ["images"], ["real"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Flatten", ["real"], ["flat"]),
        helper.make_node("Slice", ["flat", "from", "to", "axis"], ["row"]),
        helper.make_node("Softmax", ["row"], ["probabilities"]),
    ]
    numbers = {"from": 0, "to": outputs, "axis": 1}
    constants = [helper.make_tensor(name, onnx.TensorProto.INT64, [1], [number]) for name, number in numbers.items()]
    graph = helper.make_graph(nodes, "tiny", [image], [answer], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, facts)
    path.write_bytes(model.SerializeToString())
    return path


TEN = json.dumps(list("0123456789"))


def test_the_smallest_model_of_ours_is_taken(tmp_path: Path) -> None:
    own = Classifier(make_model(tmp_path / "m.onnx", classes=TEN))
    assert own.classify(np.zeros((2, 28, 28), np.uint8))[1] == pytest.approx(np.full((2, 10), 0.1))
    assert (own.threshold, own.temperature) == (0.5, 1.0)


def test_what_the_file_says_of_itself(classifier: Classifier) -> None:
    assert classifier.path == BUNDLED
    assert classifier.content == BUNDLED.read_bytes()
    assert classifier.threshold == float(classifier.metadata["threshold"])
    assert classifier.temperature == float(classifier.metadata["temperature"])
    assert classifier.values == list(range(10))


def test_other_threads_give_the_same_without_the_file(tmp_path: Path, digits: Digits) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(BUNDLED.read_bytes())
    classifier = Classifier(path)
    path.unlink()
    single = classifier.with_threads(1)
    assert (single.threads, classifier.threads) == (1, None)
    assert single.session is not classifier.session
    assert single.classify(digits[0][:20])[1] == pytest.approx(classifier.classify(digits[0][:20])[1], abs=1e-5)
    with pytest.raises(UserError, match="Number of threads 0 is out of range"):
        classifier.with_threads(0)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_a_copy_has_the_model_with_it_and_a_session_of_its_own(
    copied: Callable[[Any], Any], classifier: Classifier, digits: Digits
) -> None:
    other = copied(classifier)
    assert other.session is not classifier.session
    assert np.array_equal(other.classify(digits[0][:20])[1], classifier.classify(digits[0][:20])[1])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": 32, "classes": TEN}, r"takes tensor\(uint8\) \[N, 1, 32, 32\], not uint8 images"),
        ({"dtype": onnx.TensorProto.FLOAT, "classes": TEN}, "not uint8 images"),
        ({"outputs": 9, "classes": TEN}, r"\[\w+, 9\]; for its 10 classes it should be tensor\(float\) \[N, 10\]"),
        ({}, "does not say in its metadata what its classes are"),
        ({"classes": "0123456789"}, "does not say"),
        ({"classes": "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"}, "does not say"),
        ({"classes": "null"}, "does not say"),
        ({"classes": "{"}, "does not say"),
        (
            {"classes": TEN, "threshold": "high"},
            "metadata that its threshold is 'high', which is not a number from 0 to 1",
        ),
        ({"classes": TEN, "threshold": "nan"}, "its threshold is 'nan'"),
        ({"classes": TEN, "threshold": "7"}, "its threshold is '7'"),
        ({"classes": TEN, "temperature": "warm"}, "its temperature is 'warm', which is not a number from 1e-6 to 1e6"),
        ({"classes": TEN, "temperature": "0"}, "its temperature is '0'"),
    ],
)
def test_models_that_are_not_ours_are_refused(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    path = make_model(tmp_path / "other.onnx", **options)
    with pytest.raises(UserError, match=words) as caught:
        Classifier(path)
    assert str(path) in str(caught.value)
    assert "mnistlab.export_model" in str(caught.value)


def test_a_model_that_cannot_be_read_is_not_called_missing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"Cannot read the model .*file.model\.onnx: Not a directory\. Check"):
        Classifier(tmp_path / "file" / "model.onnx")
    with pytest.raises(UserError, match=r"There is no model .*model\.onnx\."):
        Classifier(tmp_path / "model.onnx")


def test_a_model_whose_names_are_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(BUNDLED.read_bytes().replace(b"threshold", b"thresh\xff\xfe\xfd"))
    with pytest.raises(UserError, match=r"model\.onnx is damaged: the names in it are not text"):
        Classifier(tmp_path / "model.onnx")


def test_a_programming_error_is_not_taken_for_a_bad_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_onnxruntime(), "InferenceSession", None)
    with pytest.raises(TypeError, match="is not callable"):
        Classifier()
