"""Explanations of runs and exported models: each number in the picture comes from the network, in both languages."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from mnistlab.cli.app import run_app
from mnistlab.data.catalog import find_spec
from mnistlab.data.dataset import open_dataset
from mnistlab.data.normalisation import Normalisation
from mnistlab.data.splits import read_split
from mnistlab.errors import UserError
from mnistlab.evaluation.examples import draw_exciting, draw_misread, find_exciting, find_misread
from mnistlab.evaluation.explanation import erase, explain, find_picture
from mnistlab.evaluation.looking import Look, TorchLook, look_into
from mnistlab.evaluation.slide import draw_explanation
from mnistlab.messages.sentences import Clause
from mnistlab.networks.checkpoint import SavedModel, save_model
from mnistlab.networks.deskew import Deskewed, deskew
from mnistlab.networks.ensemble import Ensemble, for_use
from mnistlab.networks.network import NeuralNet
from mnistlab.networks.shifts import Shifted
from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.finder import FinderRecipe
from mnistlab.recipes.recipe import Recipe
from mnistlab.runs.run import Run

SPEC = find_spec("mnist")
ZERO = Normalisation(SPEC.mean, SPEC.std)
NUMBER = re.compile(r"\N{MINUS SIGN}?\d[\d,.\N{NO-BREAK SPACE}]*\d|\d")
SOURCE = Clause("explain.picture", name="seven.png")


@pytest.fixture(scope="module")
def digits(data_dir: Path) -> tuple[np.ndarray, np.ndarray]:
    images, labels = read_split(open_dataset("mnist", data_dir), "val")
    return images[:300], labels[:300]


def look_at(model: Any, name: str = "net") -> TorchLook:
    return TorchLook(SavedModel(model.eval(), "mnist", SPEC.classes, ZERO), name)


def texts(figure: Figure) -> list[str]:
    return [found.get_text() for found in figure.findobj(Text) if found.get_text()]


def numbers(words: list[str]) -> Iterator[str]:
    """The numbers in the texts, without those in names."""
    for text in words:
        yield from NUMBER.findall(re.sub(r"[A-Za-z]+\d+", "", text))


def own_layers(network: NeuralNet, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """What each layer gives, by hooks."""
    found: dict[str, torch.Tensor] = {}
    hooks = [
        layer.register_forward_hook(lambda _, __, out, name=name: found.__setitem__(name, out[0].detach().clone()))
        for name, layer in network.layers.named_children()
    ]
    with torch.inference_mode():
        network(images)
    for hook in hooks:
        hook.remove()
    return found


def is_of(recipe: Any) -> bool:
    return isinstance(recipe, Recipe) and recipe.kind == "single"


@pytest.mark.parametrize(
    ("name", "language"),
    [(name, "en") for name, recipe in RECIPES.items() if is_of(recipe)] + [("quick", "fr"), ("best", "fr")],
)
def test_each_number_in_the_picture_is_the_networks_own(
    name: str, language: str, digits: tuple[np.ndarray, np.ndarray]
) -> None:
    recipe = RECIPES[name]
    assert isinstance(recipe, Recipe)
    torch.manual_seed(3)
    architecture = recipe.network.architecture(10, (28, 28))
    network = NeuralNet.of(architecture).eval()
    model = for_use(network, architecture).eval()
    image = digits[0][7]
    values = ZERO(torch.from_numpy(image[None, None]).float())
    explained = explain(look_at(model), image, SOURCE, why=True)
    figure = draw_explanation(explained, language)

    own = own_layers(network, deskew(values) if architecture.deskew else values)
    with torch.inference_mode():
        before = model(values)[0].double().softmax(0)
        assert explained.why is not None
        after = model(ZERO(torch.from_numpy(explained.why.erased[None, None]).float()))[0].double().softmax(0)
    shown = set(numbers(texts(figure)))

    def said(value: float) -> str:
        text = f"{value:.2f}".replace("-0.00", "0.00").replace("-", "\N{MINUS SIGN}")
        return text.replace(".", ",") if language == "fr" else text

    expected = {said(100 * min(float(p), 0.9999)) for p in before} | {said(100 * float(after[before.argmax()]))}
    expected |= {said(100 * float(after.max()))} if after.argmax() != before.argmax() else set()
    last = list(own)[-1]
    expected |= {said(float(value)) for value in own[last]}
    for layer, result in own.items():
        if not layer.startswith(("dropout", "contrast")) and layer != last:
            expected |= {said(float(result.min())), said(float(result.max()))}
    decimals = {number for number in shown if re.search(r"[.,]\d\d$", number)}
    near = {
        said(float(number.replace("\N{MINUS SIGN}", "-").replace(",", ".")) + step)
        for number in expected
        for step in (-0.01, 0.0, 0.01)
    }  # fmt: skip - sums in another order may round otherwise
    assert decimals <= near
    assert len(decimals) >= len(expected) - 3


def test_the_layers_are_those_that_hooks_see(digits: tuple[np.ndarray, np.ndarray]) -> None:
    torch.manual_seed(0)
    network = NeuralNet((4, 6), hidden=5, dropout=0.5, separable=True).eval()
    image = digits[0][0]
    layers = explain(look_at(network), image, SOURCE).layers
    own = own_layers(network, ZERO(torch.from_numpy(image[None, None]).float()))
    assert [layer.name for layer in layers] == [n for n in own if not n.startswith("dropout")] + ["probabilities"]
    for layer in layers[:-1]:
        np.testing.assert_allclose(layer.values, own[layer.name].numpy(), atol=1e-5)


def test_a_run_and_its_exported_file_look_alike(mnist_run: Run, tmp_path: Path, digits: tuple[np.ndarray, Any]) -> None:
    from mnistlab.export.export import export_model

    export_model(mnist_run, tmp_path / "model.onnx")
    one, other = look_into(mnist_run), look_into(tmp_path / "model.onnx")
    mine, theirs = (look.layers(digits[0][3]) for look in (one, other))
    assert [layer.kind for layer in mine] == [layer.kind for layer in theirs]
    for first, second in zip(mine[:-1], theirs[:-1], strict=True):
        np.testing.assert_allclose(first.values, second.values, atol=2e-4)
        assert first.field == second.field
    warmed = np.exp(mine[-2].values / other.temperature)
    np.testing.assert_allclose(theirs[-1].values, warmed / warmed.sum(), atol=1e-4)
    channel = mine[0].name
    for look in (one, other):
        (values,) = look.maps(digits[0][:20], channel)
        np.testing.assert_allclose(values[3], mine[0].values if look is one else theirs[0].values, atol=2e-4)


@pytest.mark.parametrize(
    ("model", "keys"),
    [
        (lambda nets: nets[0], []),
        (lambda nets: Shifted(nets[0]), ["explain.of_shifts"]),
        (lambda nets: Deskewed(Shifted(nets[0])), ["explain.made_upright", "explain.of_shifts"]),
        (Ensemble, ["explain.of_ensemble"]),
    ],
    ids=["alone", "shifts", "deskewed", "ensemble"],
)
def test_what_is_around_the_network_is_said(model: Any, keys: list[str], digits: tuple[np.ndarray, np.ndarray]) -> None:
    torch.manual_seed(0)
    whole = model([NeuralNet((2,)).eval(), NeuralNet((3,)).eval()])
    explained = explain(look_at(whole), digits[0][0], SOURCE)
    assert [note.key for note in explained.look.around] == keys
    with torch.inference_mode():
        expected = whole(ZERO(torch.from_numpy(digits[0][:1, None]).float()))[0].double().softmax(0)
    np.testing.assert_allclose(explained.probabilities, expected.numpy(), atol=1e-6)
    assert explained.layers[0].values.shape[0] == 2  # the first network's
    words = " ".join(texts(draw_explanation(explained))).replace("\n", " ")
    for note in explained.look.around:
        assert str(note) in words
    averages = {"explain.of_shifts", "explain.of_ensemble"} & {*keys}
    assert ("mean of the softmaxes" in words, "softmax of the logits" in words) == (bool(averages), not averages)
    explained.look.temperature = 0.5
    divided = "logarithm of the mean, divided by 0.500" if averages else "logits divided by 0.500"
    assert divided in texts(draw_explanation(explained))


def test_the_reader_that_comes_with_mnistlab_is_explained_and_its_temperature_said(
    digits: tuple[np.ndarray, np.ndarray],
) -> None:
    look = look_into(None)
    explained = explain(look, digits[0][5], SOURCE, why=True)
    words = texts(draw_explanation(explained, "fr"))
    assert f"logits divisés par {look.temperature:.3f}".replace(".", ",") in words
    assert "probabilités" in words


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.9))
def test_what_is_named_first_is_erased_first_and_no_more_than_the_share(seed: int, share: float) -> None:
    random = np.random.default_rng(seed)
    image = (random.integers(0, 256, (9, 9)) * (random.random((9, 9)) < 0.4)).astype(np.uint8)
    named = random.standard_normal((9, 9))
    erased = erase(image, named, share)
    gone = (image > 0) & (erased == 0)
    assert (erased[~gone] == image[~gone]).all()
    if image.any():
        last = named[gone].min()
        assert (named[(image > 0) & ~gone] <= last).all()
        assert image[gone].sum() >= share * image.sum() > image[gone & (named > last)].sum()


def deleted(look: Look, images: np.ndarray, named: list[np.ndarray]) -> float:
    """The average fall of the answers' log-probability without the tenth of the ink that is named first."""
    before = look.probabilities(images)
    answers, rows = before.argmax(axis=1), np.arange(len(images))
    after = look.probabilities(np.stack([erase(image, map_) for image, map_ in zip(images, named, strict=True)]))
    return float(np.mean(np.log(before[rows, answers]) - np.log(after[rows, answers])))


def test_the_ink_that_is_named_first_is_what_counts(mnist_run: Run, digits: tuple[np.ndarray, np.ndarray]) -> None:
    from mnistlab.evaluation.explanation import find_why

    look, images, random = look_into(mnist_run), digits[0][:25], np.random.default_rng(0)
    named = deleted(look, images, [find_why(look, image).map for image in images])
    by_chance = deleted(look, images, [random.random(image.shape) for image in images])
    assert named >= 5 * max(by_chance, 0.001)


def test_a_channel_is_most_excited_by_the_digits_that_are_shown(
    mnist_run: Run, digits: tuple[np.ndarray, np.ndarray]
) -> None:
    look = look_into(mnist_run)
    images, labels = digits
    found, field = find_exciting(look, images, labels, "relu2:3", 5)
    assert field is not None
    model = look.network  # type: ignore[union-attr]
    with torch.inference_mode():
        values = ZERO(torch.from_numpy(images[:, None]).float())
        for name, layer in model.layers.named_children():
            values = layer(values)
            if name == "relu2":
                break
    most = values[:, 3].amax((1, 2)).numpy()
    assert [one.index for one in found] == np.argsort(-most, kind="stable")[:5].tolist()
    for one in found:
        assert one.place is not None
        assert values[one.index, 3][one.place] == pytest.approx(one.value)
        assert one.label == labels[one.index]
    words = texts(draw_exciting(look, "relu2:3", found, field))
    assert {f"{one.value:.2f}" for one in found} <= set(words)
    single, nowhere = find_exciting(look, images, labels, "linear1:0", 3)
    assert (nowhere, {one.place for one in single}) == (None, {None})


@pytest.mark.parametrize(
    "channel", ["nothing:0", "conv1", "conv1:", ":1", "conv1:x", "conv1:-1", "probabilities:0", ""]
)
def test_a_channel_that_is_not_there_is_refused(
    channel: str, mnist_run: Run, digits: tuple[np.ndarray, np.ndarray]
) -> None:
    with pytest.raises(UserError, match=r"There is no channel .* such as conv1:0; the layers are conv1, "):
        find_exciting(look_into(mnist_run), *digits, channel)


def test_a_model_without_a_convolution_says_so(digits: tuple[np.ndarray, np.ndarray]) -> None:
    look = look_into(None)
    look.explainer.steps = []  # type: ignore[union-attr]
    with pytest.raises(UserError, match="mnistlab cannot be shown: there is no convolution among them"):
        find_exciting(look, *digits, "conv1:0")


def test_a_channel_of_another_number_is_refused(mnist_run: Run, digits: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(UserError, match=r"Channel 4 is out of range\. Choose a whole number from 0 to 3"):
        find_exciting(look_into(mnist_run), *digits, "conv1:4")


def test_the_worst_mistakes_are_those_that_it_is_surest_of(
    mnist_run: Run, digits: tuple[np.ndarray, np.ndarray]
) -> None:
    look, (images, labels) = look_into(mnist_run), digits
    found, total = find_misread(look, images, labels, 4)
    chances = look.probabilities(images)
    assert total == (chances.argmax(axis=1) != labels).sum() >= 4
    regret = [float(one.probabilities[one.label] - one.probabilities.max()) for one in found]
    assert regret == sorted(regret)
    assert all(one.read != one.label for one in found)
    words = texts(draw_misread(look, found, total, len(images), "fr", why=True))
    assert f"Erreurs en validation\N{NO-BREAK SPACE}: {total} sur 300" in words
    first = 100 * float(found[0].probabilities.max())
    assert f"lu {found[0].read}\N{NO-BREAK SPACE}: {first:.2f}\N{NO-BREAK SPACE}%".replace(".", ",") in words


# pictures


def test_a_picture_of_one_digit_is_brought_into_mnists_form(
    tmp_path: Path, digits: tuple[np.ndarray, np.ndarray]
) -> None:
    look, image = look_at(NeuralNet((2,))), digits[0][0]
    large = np.full((300, 300), 255, np.uint8)
    large[60:228, 60:228] = 255 - np.kron(image, np.ones((6, 6), np.uint8))
    for pixels in (image, 255 - image, large):
        Image.fromarray(pixels).save(tmp_path / "one.png")
        found, source = find_picture(look, tmp_path / "one.png", 0, tmp_path)
        assert str(source) == "one.png"
        assert found.shape == (28, 28)
        assert np.corrcoef(found.ravel(), image.ravel())[0, 1] > (0.9 if pixels is large else 0.9999)


def blank() -> np.ndarray:
    return np.full((200, 200), 255, np.uint8)


def test_a_picture_without_ink_or_with_two_digits_is_refused(
    tmp_path: Path, digits: tuple[np.ndarray, np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    two = np.full((200, 400), 255, np.uint8)
    for place in (0, 1):
        two[16:184, 16 + 190 * place : 184 + 190 * place] = 255 - np.kron(digits[0][place], np.ones((6, 6), np.uint8))
    for pixels, words, french in (
        (blank(), "No digit was found in a.png. Give a picture of one digit", "Aucun chiffre"),
        (two, "a.png shows 2 digits, but only one can be explained at a time. Cut out", "montre 2 chiffres"),
        (blank()[:28, :28] * 0, "There is no ink in a.png, so there is nothing to explain. Choose", "pas d'encre"),
    ):
        Image.fromarray(pixels).save(tmp_path / "a.png")
        for language, expected in (("en", words), ("fr", french)):
            arguments = ["explain", str(tmp_path / "a.png"), "--output", str(tmp_path / "b.png"), "--lang", language]
            assert run_app(arguments) == 2
            assert expected in capsys.readouterr().err
            assert not (tmp_path / "b.png").exists()


def test_a_network_of_other_pictures_explains_its_own_size_alone(tmp_path: Path) -> None:
    look = look_at(NeuralNet((2,), image_size=(16, 16)))
    Image.fromarray(blank()).save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.png cannot be turned into .* takes 16x16 pixels"):
        find_picture(look, tmp_path / "a.png", 0, tmp_path)
    small = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(small).save(tmp_path / "a.png")
    found, _ = find_picture(look, tmp_path / "a.png", 0, tmp_path)
    assert explain(look, found, SOURCE, why=False).layers[0].values.shape[0] == 2


# the command


@pytest.fixture
def here(mnist_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_writes_one_picture_and_tells_its_figures(
    here: Path, mnist_run: Run, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["explain", str(mnist_run.path), "--example", "3", "--why", "--data-dir", str(data_dir), "--json"]
    assert run_app(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    look = look_into(mnist_run)
    image, source = find_picture(look, None, 3, data_dir)
    expected = explain(look, image, source, why=True).to_dict()
    assert told == json.loads(json.dumps({**expected, "picture": "explain.png"}))
    assert [path.name for path in here.iterdir()] == ["explain.png"]
    with Image.open("explain.png") as picture:
        assert picture.size[0] == 1536


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--channel", "conv1:0", "--misread"], "These options ask for different pictures: --channel, --misread."),
        (["--misread", "--example", "3"], "--example would have no effect with --misread."),
        (["--channel", "conv1:0", "--why"], "--why would have no effect with --channel."),
        (["x.png", "--example", "3"], "--example would have no effect with PICTURE."),
        (["--output", "x.jpg"], ".png"),
        (["--example", "-1"], "Example -1 is out of range. Choose a whole number from 0 to 5,003."),
        (["nosuchrun"], "nosuchrun"),
        (["nosuch.onnx"], "nosuch.onnx"),
        (["nosuch.pth"], "nosuch.pth"),
        (["nosuch.png"], "nosuch.png"),
        (["--lang", "it"], "it"),
    ],
)
def test_what_does_not_fit_is_refused(
    arguments: list[str], words: str, here: Path, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_app(["explain", *arguments, "--data-dir", str(data_dir)]) == 2
    assert words in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_a_model_that_misreads_nothing_says_so(
    here: Path, mnist_run: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mnistlab.evaluation.examples.find_misread", lambda *_: ([], 0))
    assert run_app(["explain", str(mnist_run.path), "--misread", "--data-dir", str(data_dir)]) == 2
    assert "misreads none of the validation examples (5,004)" in capsys.readouterr().err


def test_the_network_that_finds_digits_is_refused(mnist_run: Run) -> None:
    with pytest.raises(UserError, match="is not a classifier: it finds digits on pages"):
        look_into(dataclasses.replace(mnist_run, recipe=FinderRecipe()))


def test_a_file_of_a_model_is_explained(here: Path) -> None:
    torch.manual_seed(0)
    save_model("small.pth", NeuralNet((2,)), SPEC)
    assert look_into("small.pth").name == "small.pth"
