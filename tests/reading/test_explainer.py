"""What a network sees, from the ONNX file alone: the same as PyTorch gives, layer by layer."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mnistlab.data.dataset import open_dataset
from mnistlab.data.normalisation import Normalisation
from mnistlab.errors import UserError
from mnistlab.export.onnx_file import OnnxFile
from mnistlab.networks.checkpoint import SavedModel
from mnistlab.networks.deskew import Deskewed
from mnistlab.networks.ensemble import Ensemble, Network
from mnistlab.networks.network import NeuralNet
from mnistlab.networks.shifts import Shifted
from mnistlab.reading.classifier import Classifier
from mnistlab.reading.explainer import Explainer
from mnistlab.reading.occlusion import log_odds
from mnistlab.reading.onnx_graph import ReceptiveField
from tests.support.foreign import foreign_classifier

CLASSES = tuple("0123456789")


def exported(network: Network, folder: Path, int8: np.ndarray | None = None) -> Classifier:
    """A classifier of a network with random weights."""
    saved = SavedModel(network.eval(), "mnist", CLASSES, Normalisation(0.13, 0.31))
    file = OnnxFile(saved, 1.0)
    if int8 is not None:
        file.quantise(int8)
    path = folder / "model.onnx"
    path.write_bytes(file.content({"mnistlab": "0", "dataset": "mnist", "classes": json.dumps(CLASSES)}))
    return Classifier(path)


@pytest.fixture(scope="module")
def image(data_dir: Path) -> np.ndarray:
    return open_dataset("mnist", data_dir).read("train")[0][0]  # a five


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    return Explainer(Classifier())


def normalised(image: np.ndarray) -> torch.Tensor:
    return (torch.from_numpy(image.copy())[None, None].float() / 255 - 0.13) / 0.31


def kinds(explainer: Explainer) -> list[str]:
    return [step.kind for step in explainer.steps]


def test_the_layers_are_those_of_pytorch(tmp_path: Path, image: np.ndarray) -> None:
    torch.manual_seed(1)
    network = NeuralNet((4, 6), depth=2, kernel_size=(5, 3), pooling=("stride", "max"), pool_last=True, hidden=8)
    layers = Explainer(exported(network, tmp_path)).layers(image)
    values, seen = normalised(image), {}
    with torch.no_grad():
        for name, layer in network.eval().layers.named_children():
            seen[name] = values = layer(values)
    for layer in layers:
        if layer.name.startswith(("linear2", "flatten")):
            name = "flatten" if layer.kind == "flatten" else "linear2"
            np.testing.assert_allclose(layer.values, seen[name][0].numpy().ravel(), atol=1e-4)
    relus = [layer.values for layer in layers if layer.kind == "relu"]
    for ours, name in zip(relus, ("relu1", "relu2", "relu3", "relu4", "relu5"), strict=True):
        np.testing.assert_allclose(ours, seen[name][0].numpy(), atol=1e-4)
    assert layers[-1].kind == "probabilities"
    assert layers[-1].values.sum() == pytest.approx(1, abs=1e-5)


def test_the_shipped_readers_layers(explainer: Explainer, image: np.ndarray) -> None:
    layers = explainer.layers(image)
    assert [layer.name for layer in layers if layer.kind == "convolution"] == ["conv1", "conv2", "conv3", "conv4"]
    assert layers[0].values.shape == (16, 24, 24)
    assert layers[0].filters is not None
    assert layers[0].filters.shape == (16, 1, 5, 5)
    assert layers[0].field == ReceptiveField(size=5, step=1, start=0)
    assert [layer.values.shape for layer in layers[-3:]] == [(288,), (10,), (10,)]
    assert layers[-1].values.argmax() == 5


def test_a_cell_sees_its_field_and_nothing_else(explainer: Explainer, image: np.ndarray) -> None:
    """Change the picture outside a cell's field and the cell stays; change all of the field and it does not."""
    before = explainer.layers(image)
    for number, layer in enumerate(before):
        if layer.field is None or layer.kind == "normalisation":
            continue
        row = layer.values.shape[1] // 2
        first = layer.field.start + row * layer.field.step
        inside = slice(max(first, 0), max(first + layer.field.size, 0))
        outside_changed, inside_changed = 255 - image, image.copy()
        outside_changed[inside, inside] = image[inside, inside]
        inside_changed[inside, inside] = 255 - image[inside, inside]
        same = explainer.layers(outside_changed)[number].values[:, row, row]
        other = explainer.layers(inside_changed)[number].values[:, row, row]
        np.testing.assert_allclose(same, layer.values[:, row, row], atol=1e-4)
        assert not np.allclose(other, layer.values[:, row, row], atol=1e-4)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (lambda: Ensemble([Shifted(NeuralNet((2, 3))), NeuralNet((3,))]), ["convolution", "pooling", "relu"] * 2),
        # as a model is once it was calibrated: in channels_last
        (
            lambda: NeuralNet((2, 4), separable=True, head="average").to(memory_format=torch.channels_last),
            ["convolution", "pooling", "relu", "convolution"],
        ),
    ],
    ids=["ensemble with test shifts", "separable in channels_last"],
)
def test_networks_of_other_shapes_are_followed(
    network: Sequence[object], expected: list[str], tmp_path: Path, image: np.ndarray
) -> None:
    made = network()  # type: ignore[operator]
    explainer = Explainer(exported(made, tmp_path))
    found = [kind for kind in kinds(explainer) if kind != "normalisation"]
    assert found[: len(expected)] == expected
    assert found[-1] == "linear"
    layers = explainer.layers(image)
    assert layers[-2].values.shape == (10,)
    assert {layer.values.ndim for layer in layers} <= {1, 3}
    assert {layer.field is None for layer in layers if layer.kind in ("convolution", "pooling", "relu")} == {False}
    numbers, probabilities = explainer.classifier.classify(image[None])
    np.testing.assert_allclose(layers[-1].values, probabilities[0], atol=1e-6)
    if not isinstance(made, Ensemble | Shifted):
        assert layers[-2].values.argmax() == numbers[0]


@pytest.mark.parametrize(
    "network",
    [lambda: Deskewed(NeuralNet((2, 3))), lambda: NeuralNet((2, 3), local_contrast=True)],
    ids=["upright", "even"],
)
def test_what_a_cell_of_a_picture_that_is_changed_first_looks_at_is_no_square_of_it(
    network: Callable[[], Deskewed | NeuralNet], tmp_path: Path, image: np.ndarray
) -> None:
    explainer = Explainer(exported(network(), tmp_path))
    layers = explainer.layers(image)
    assert [layer.kind for layer in layers][:2] == ["convolution", "pooling"]
    assert {layer.field for layer in layers} == {None}


def test_8_bits_are_shown_as_the_numbers_they_stand_for(tmp_path: Path, image: np.ndarray, data_dir: Path) -> None:
    torch.manual_seed(2)
    network = NeuralNet((4, 6))
    some = open_dataset("mnist", data_dir).read("train")[0][:200]
    layers = Explainer(exported(network, tmp_path, int8=some)).layers(image)
    assert [layer.kind for layer in layers if layer.kind == "convolution"] == ["convolution"] * 2
    weight = network.layers.conv1.weight.detach().numpy()
    assert layers[0].filters is not None
    np.testing.assert_allclose(layers[0].filters, weight, atol=float(np.abs(weight).max()) / 60)


def test_looks_and_their_weights_make_the_answer(tmp_path: Path, image: np.ndarray) -> None:
    """Five shifts of one network and one look of another: a tenth of the mean each, and a half."""
    torch.manual_seed(3)
    members = [Deskewed(Shifted(NeuralNet((2, 3)))), NeuralNet((3,))]
    explainer = Explainer(exported(Ensemble(members), tmp_path))
    sight = explainer.see(image)
    assert [look.weight for look in explainer.looks] == pytest.approx([0.1] * 5 + [0.5])
    with torch.no_grad():
        alone = members[1].eval()(normalised(image))[0]
        whole = Ensemble(members).eval()(normalised(image))[0]
    np.testing.assert_allclose(sight.looks[-1], alone.numpy(), atol=1e-4)
    assert sight.logits is not None
    np.testing.assert_allclose(sight.logits, whole.numpy(), atol=1e-4)
    np.testing.assert_allclose(sight.looks[0], sight.layers[-2].values, atol=1e-6)


def test_a_graph_that_is_not_ours_shows_the_layers_that_it_shares(tmp_path: Path, image: np.ndarray) -> None:
    """A sigmoid after the first convolution: the convolution is shown, and nothing false is said about how the answer follows."""
    sight = Explainer(foreign_classifier(tmp_path / "model.onnx")).see(image)
    assert [layer.kind for layer in sight.layers] == ["convolution", "probabilities"]
    assert (sight.looks, sight.logits) == ([], None)


def test_why_points_at_what_decides(explainer: Explainer) -> None:
    """A seven with the bar of a European one: the top stroke speaks for it, and nothing is said where no ink is."""
    image = np.zeros((28, 28), np.uint8)
    image[5:8, 7:20] = 255
    for step in range(16):
        image[7 + step, 18 - step // 2 : 20 - step // 2 + 1] = 255
    assert explainer.classifier.classify(image[None])[0][0] == 7
    map_ = explainer.why(image)
    assert map_.shape == (28, 28)
    assert map_.dtype == np.float32
    assert (map_[image == 0] == 0).all()
    without_bar = image.copy()
    without_bar[5:8, 7:16] = 0
    whole, less = (log_odds(explainer.classifier.classify(i[None])[1], 7)[0] for i in (image, without_bar))
    assert less < whole
    assert map_[5:8, 7:16].sum() > 0  # as without it the answer is less sure


def test_why_of_an_empty_picture_is_empty(explainer: Explainer) -> None:
    assert not explainer.why(np.zeros((28, 28), np.uint8)).any()


def test_log_odds_do_not_end_where_probabilities_round_to_one() -> None:
    probabilities = np.array([[1.0, 1e-12], [1.0, 1e-20]], np.float32)
    first, second = log_odds(probabilities, 0)
    assert first == pytest.approx(np.log(1e12), rel=1e-3)
    assert second == pytest.approx(np.log(1e20), rel=1e-3)


@pytest.mark.parametrize("wrong", [np.zeros((28, 28)), np.zeros((1, 28, 28), np.uint8), np.zeros((20, 20), np.uint8)])
def test_other_images_are_refused(explainer: Explainer, wrong: np.ndarray) -> None:
    for method in (explainer.layers, explainer.why):
        with pytest.raises(UserError, match=r"uint8 and shape \(28, 28\)"):
            method(wrong)


def test_without_onnx_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"uv sync --extra serve"):
        Explainer(Classifier())


def write_graph(path: Path, nodes: list[Any], constants: list[Any], images: int | str = "N") -> Path:
    """A model of these nodes from "images" to "probabilities", with one class, as somebody else may have made it."""
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        nodes,
        "another",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, [images, 1, 28, 28])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [images, 1])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"classes": '["ink"]'})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def mean_of(values: str) -> list[Any]:
    """Nodes from maps to one probability."""
    from onnx import helper

    return [
        helper.make_node("ReduceMax", [values], ["most"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["most", "one"], ["column"]),
        helper.make_node("Softmax", ["column"], ["probabilities"], axis=1),
    ]


def test_graphs_that_were_not_made_here(tmp_path: Path, image: np.ndarray) -> None:
    from onnx import TensorProto, helper

    cast = helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT)
    one = helper.make_tensor("one", TensorProto.INT64, [1], [1])
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [2, 1, 3, 3], [0.5] * 18)
    plain = write_graph(tmp_path / "plain.onnx", [cast, *mean_of("floats")], [one])
    assert Explainer(Classifier(plain)).layers(image) == []
    fixed = write_graph(tmp_path / "fixed.onnx", [cast, *mean_of("floats")], [one], images=4)
    with pytest.raises(UserError, match="exactly 4 images at a time"):
        Classifier(fixed)
    for more, field in (
        ({}, ReceptiveField(3, 1, 0)),
        ({"dilations": [2, 2]}, None),
        ({"auto_pad": "SAME_UPPER"}, None),
    ):
        convolution = helper.make_node("Conv", ["floats", "weights"], ["maps"], **more)  # its kernel's shape left out
        path = write_graph(tmp_path / "conv.onnx", [cast, convolution, *mean_of("maps")], [one, weights])
        layers = Explainer(Classifier(path)).layers(image)
        assert [layer.kind for layer in layers] == ["convolution", "probabilities"]
        assert layers[0].field == field
    # A layer that has neither maps nor a row of values ends what can be shown.
    flat = helper.make_node("Reshape", ["maps", "column"], ["flat"])
    relu = helper.make_node("Relu", ["flat"], ["kept"])
    answer = [
        helper.make_node("ReduceMax", ["kept"], ["most"], axes=[0], keepdims=1),
        helper.make_node("Reshape", ["most", "row"], ["square"]),
        helper.make_node("Softmax", ["square"], ["probabilities"], axis=1),
    ]
    shapes = [
        helper.make_tensor("column", TensorProto.INT64, [1], [-1]),
        helper.make_tensor("row", TensorProto.INT64, [2], [1, 1]),
    ]
    path = write_graph(tmp_path / "flat.onnx", [cast, convolution, flat, relu, *answer], [weights, *shapes])
    layers = Explainer(Classifier(path)).layers(image)
    assert [layer.kind for layer in layers] == ["convolution", "probabilities"]


def test_a_field_grows_layer_by_layer() -> None:
    field = ReceptiveField(size=1, step=1, start=0).after(5, 1, 2)
    assert dataclasses.astuple(field) == (5, 1, -2)
    assert dataclasses.astuple(field.after(2, 2, 0)) == (6, 2, -2)
    assert dataclasses.astuple(field.after(2, 2, 0).after(3, 1, 1)) == (10, 2, -4)
