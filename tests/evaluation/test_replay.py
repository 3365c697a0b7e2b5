"""A run keeps snapshots of its training, and replay shows them: real states, intact or refused."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text
from PIL import Image

from mnistlab.cli.app import run_app
from mnistlab.data.dataset import open_dataset
from mnistlab.errors import Interrupted, UserError
from mnistlab.evaluation.models import load_model
from mnistlab.evaluation.replay import Replay, hard_digits, read_snapshots, write_mp4
from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.finder import FinderRecipe
from mnistlab.runs.run import Run
from mnistlab.runs.snapshots import MOST, NAME, WHOLE_BYTES, Snapshots, snapshot_steps, whole_steps
from mnistlab.training.display import Silent
from mnistlab.training.experiment import resume, train
from mnistlab.training.film import Film
from mnistlab.training.state import TrainingState

RECIPE = RECIPES["two-conv"].override({
    "widths": (3,), "kernel_size": 3, "hidden": 0, "epochs": 3, "batch_size": 8, "precision": "fp32",
})  # fmt: skip


@pytest.fixture(scope="module")
def run(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(RECIPE, dataset=str(pictures), runs_dir=tmp_path_factory.mktemp("runs"))[0]


@pytest.fixture
def own(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A copy of it, in the current folder."""
    monkeypatch.chdir(tmp_path)
    return Run.open(Path(shutil.copytree(run.path, tmp_path / "runs" / "one")))


@given(st.integers(1, 10**7))
def test_states_are_kept_at_steps_that_grow_to_the_last(steps: int) -> None:
    kept = snapshot_steps(steps)
    assert kept[:2] == [0, 1]
    assert kept[-1] == steps
    assert len(kept) <= MOST
    gaps = np.diff(kept)
    assert (gaps >= 1).all()
    assert (np.diff(gaps) >= -1).all()  # steps are whole


@given(st.integers(1, 10**7), st.integers(1, 10**7))
def test_few_states_are_kept_whole(steps: int, size: int) -> None:
    kept = whole_steps(steps, size)
    assert len(kept) * size <= WHOLE_BYTES
    assert set(kept) <= set(snapshot_steps(steps))
    assert not kept or (kept[0], kept[-1]) == (0, steps)
    assert kept or 2 * size > WHOLE_BYTES


def test_a_run_keeps_its_states(run: Run) -> None:
    found = Snapshots.read(run.path / NAME, run.path)
    last = run.metrics[-1]["step"]
    assert found.steps.tolist() == snapshot_steps(last)
    assert np.isnan(found.losses[0])
    assert np.isfinite(found.losses[1:]).all()
    assert found.filters.shape[1:] == (3, 3, 3)
    np.testing.assert_allclose(found.probabilities.sum(axis=2), 1, atol=1e-5)
    assert len(set(found.weights.tolist())) == len(found.steps)
    images, labels = open_dataset(run.dataset, run.data_dir).read("train")
    for image, label in zip(found.images, found.labels, strict=True):
        assert any(np.array_equal(image, other) and label == its for other, its in zip(images, labels, strict=True))


def test_the_last_state_is_the_model_that_was_saved(run: Run) -> None:
    found, saved = Snapshots.read(run.path / NAME, run.path), load_model(run)
    weight = next(p for name, p in saved.model.named_parameters() if name.endswith("conv1.weight"))
    np.testing.assert_array_equal(found.filters[-1], weight.detach()[:, 0].numpy())
    with torch.inference_mode():
        pixels = torch.from_numpy(found.images[:, None]).float()
        chances = saved.model(saved.normalisation(pixels)).softmax(1).numpy()
    np.testing.assert_allclose(found.probabilities[-1], chances, atol=1e-5)


def test_a_whole_state_is_its_network_within_half_a_step_of_its_weights(run: Run) -> None:
    found, layers = Snapshots.read(run.path / NAME, run.path), load_model(run).model.layers
    assert found.whole.tolist() == whole_steps(run.metrics[-1]["step"], found.values[0].nbytes)
    told = json.loads(str(found.layers))
    assert [layer["kind"] for layer in told[:2]] == ["picture", "convolution"]
    values, scales, vectors = found.values[-1], found.scales[-1], found.vectors[-1]
    for layer in told:
        own = getattr(layers, layer["name"]) if "name" in layer else None
        if "shape" in layer:
            (rows, *_), size = layer["shape"], math.prod(layer["shape"])
            weights = (values[:size].reshape(rows, -1) * scales[:rows, None]).reshape(layer["shape"])
            step = scales[:rows].reshape(-1, *[1] * (len(layer["shape"]) - 1))
            assert (abs(weights - own.weight.detach().numpy()) <= 0.5001 * step).all()
            values, scales = values[size:], scales[rows:]
            if layer["bias"]:
                np.testing.assert_array_equal(vectors[:rows], own.bias.detach().numpy())
                vectors = vectors[rows:]
        elif layer["kind"] == "normalisation":
            ones = torch.ones(1, layer["size"], *[1] * isinstance(own, torch.nn.BatchNorm2d) * 2)
            with torch.inference_mode():
                given = [own.eval()(factor * ones).flatten().numpy() for factor in (0, 2)]
            factors, summands = vectors[: 2 * layer["size"]].reshape(2, -1)
            np.testing.assert_allclose(summands, given[0], rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(2 * factors + summands, given[1], rtol=1e-5, atol=1e-6)
            vectors = vectors[2 * layer["size"] :]
    assert values.size == scales.size == vectors.size == 0


@pytest.mark.parametrize("field", ["layers", "whole", "values", "scales", "vectors"])
def test_a_file_without_whole_states_is_read_but_not_one_with_half_of_them(field: str, own: Run) -> None:
    found, path = read_snapshots(own), own.path / NAME
    Snapshots(**{name: values for name, values in found.arrays().items() if name not in
                 ("layers", "whole", "values", "scales", "vectors")}).write(path)  # fmt: skip
    assert "whole" not in np.load(path)
    before = read_snapshots(own)
    assert (len(before.whole), before.steps.tolist()) == (0, found.steps.tolist())
    arrays = {name: values for name, values in found.arrays().items() if name != field}
    np.savez(path, sha256=np.array(found.sha256), **arrays)
    with pytest.raises(UserError, match="damaged"):
        read_snapshots(own)


def test_the_first_state_is_the_network_that_the_seed_makes(run: Run) -> None:
    """Including what the training draws at random: taking snapshots is not a step."""
    state = TrainingState(
        run.classifier, open_dataset(run.dataset, run.data_dir), run.seed, torch.device("cpu"), "fp32"
    )
    random = torch.get_rng_state()
    film = Film(state, run.path)
    assert torch.equal(torch.get_rng_state(), random)
    assert state.model.training
    found = Snapshots.read(run.path / NAME, run.path)
    assert film.taken.weights[0] == found.weights[0]


class Stop(Silent):
    """Presses Ctrl-C after an epoch."""

    def epoch(self, row: dict[str, Any]) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("ctrl_c_is_heard", "no_drawing")
def test_a_resumed_run_keeps_the_same_states(run: Run, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(RECIPE, dataset=str(pictures), runs_dir=tmp_path, display=Stop())
    (folder,) = tmp_path.iterdir()
    stopped = Snapshots.read(folder / NAME, folder)
    assert 0 < stopped.steps[-1] < run.metrics[-1]["step"]
    resumed, _ = resume(folder)
    assert (resumed.path / NAME).read_bytes() == (run.path / NAME).read_bytes()


@pytest.mark.usefixtures("ctrl_c_is_heard", "no_drawing")
def test_a_run_whose_snapshots_are_lost_goes_on_without_them(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(RECIPE, dataset=str(pictures), runs_dir=tmp_path, display=Stop())
    (folder,) = tmp_path.iterdir()
    (folder / NAME).write_bytes(b"PK\x03\x04")
    resumed, _ = resume(folder)
    found = Snapshots.read(resumed.path / NAME, resumed.path)
    assert found.steps[0] > 0
    assert found.steps[-1] == resumed.metrics[-1]["step"]


@pytest.mark.parametrize("deskew", [False, True])
def test_no_file_is_too_large(deskew: bool, data_dir: Path, tmp_path: Path) -> None:
    """Wide filters, and as many states as possible; random numbers do not compress."""
    recipe = RECIPE.override(
        {"widths": (64,), "kernel_size": 27, "padding": "same", "deskew": deskew, "batch_size": 64}
    )
    state = TrainingState(recipe, open_dataset("mnist", data_dir), 0, torch.device("cpu"), "fp32")
    film = Film(state, tmp_path)
    assert film.taken.filters.shape[1] * 27 * 27 <= 4096
    taken = film.taken
    random = np.random.default_rng(0)
    full = dataclasses.replace(
        taken, steps=np.arange(MOST), losses=np.zeros(MOST, np.float32), weights=np.repeat(taken.weights[:1], MOST),
        filters=random.random((MOST, *taken.filters.shape[1:]), np.float32),
        probabilities=random.random((MOST, *taken.probabilities.shape[1:]), np.float32),
    )  # fmt: skip
    if len(taken.whole):
        many = WHOLE_BYTES // taken.values.nbytes
        full = dataclasses.replace(
            full, whole=np.arange(many), values=random.integers(-127, 128, (many, taken.values.size)).astype(np.int8),
            scales=np.repeat(taken.scales, many, 0), vectors=np.repeat(taken.vectors, many, 0),
        )  # fmt: skip
    full.write(tmp_path / NAME)
    assert (tmp_path / NAME).stat().st_size <= 3_000_000


# replay


def test_replay_draws_each_state_with_its_own_numbers(own: Run, capsys: pytest.CaptureFixture[str]) -> None:
    found = read_snapshots(own)
    shown = Replay(own, found, "fr")
    place = len(found.steps) // 2
    words = {text.get_text() for text in shown.draw(place).findobj(Text)}
    assert f"pas {found.steps[place]} sur {found.steps[-1]}" in words
    for digit in shown.digits:
        label = found.labels[digit]
        percent = f"{100 * found.probabilities[place, digit, label]:.1f}".replace(".", ",")
        assert f"{label}\N{NO-BREAK SPACE}: {percent}\N{NO-BREAK SPACE}%" in words
    assert found.classes.tolist() == list(load_model(own).classes)


def test_some_of_the_digits_are_learnt_and_some_are_not(own: Run) -> None:
    found, count = read_snapshots(own), 20
    labels, right = np.arange(count) % 3, np.arange(count) % 2 == 0
    chances = np.full((len(found.steps), count, 3), 0.3, np.float32)
    chances[:, np.arange(count), labels] = np.linspace(0.1, 0.2, count)  # the first are the hardest
    found = dataclasses.replace(found, labels=labels, probabilities=chances)
    chances[-1, right, labels[right]] = 0.9
    assert hard_digits(found) == [1, 3, 0, 2, 4, 6]
    chances[-1, np.arange(count), labels] = 0.1
    assert hard_digits(found) == [0, 1, 2, 3, 4, 5]
    chances[-1, np.arange(count), labels] = 0.9
    assert hard_digits(found) == [0, 1, 2, 3, 4, 5]


def test_the_command_writes_an_animation(own: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["replay", str(own.path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    found = read_snapshots(own)
    assert told["steps"] == found.steps.tolist()
    assert told["sha256"] == found.sha256
    with Image.open("replay.gif") as film:
        assert (film.n_frames, film.size) == (len(found.steps), (960, 540))  # type: ignore[attr-defined]
        assert film.info["loop"] == 0
    assert Path("replay.gif").stat().st_size < 4_000_000
    assert told["files"] == ["replay.gif"] + ["replay.mp4"] * bool(shutil.which("ffmpeg"))


def test_a_film_is_written_where_ffmpeg_is(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (64, 36), colour) for colour in ("white", "blue")]
    assert write_mp4(tmp_path / "a.mp4", frames) == bool(shutil.which("ffmpeg"))
    if not shutil.which("ffmpeg"):
        pytest.skip("needs ffmpeg")
    probe = [
        "ffprobe",
        "-v",
        "error",
        "-count_frames",
        "-show_entries",
        "stream=nb_read_frames,width",
        "-of",
        "csv=p=0",
    ]
    done = subprocess.run([*probe, str(tmp_path / "a.mp4")], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "64,33"


def test_without_ffmpeg_the_animation_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not write_mp4(tmp_path / "a.mp4", [Image.new("RGB", (8, 8))])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", ["gone", "cut", "turned", "empty", "other", "no zip", "folder"])
def test_a_run_without_sound_snapshots_is_refused(change: str, own: Run, capsys: pytest.CaptureFixture[str]) -> None:
    path = own.path / NAME
    content = bytearray(path.read_bytes())
    match change:
        case "gone":
            path.unlink()
        case "cut":
            path.write_bytes(content[:-50])
        case "turned":
            found = read_snapshots(own)
            arrays = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
            arrays["losses"] = found.losses[::-1]
            np.savez(path, sha256=np.array(found.sha256), **arrays)
        case "empty":
            path.write_bytes(b"")
        case "other":
            np.savez(path, steps=np.zeros(3))
        case "no zip":
            path.write_bytes(b"text")
        case "folder":
            path.unlink()
            path.mkdir()
    said = {
        "gone": ("has no snapshots", "aucun instantané"),
        "folder": ("cannot be read: it is a folder", "c'est un dossier"),
    }
    for language, words in zip(("en", "fr"), said.get(change, ("damaged or was changed", "endommagé")), strict=True):
        assert run_app(["replay", str(own.path), "--lang", language]) == 2
        assert words in capsys.readouterr().err
    assert not Path("replay.gif").exists()


def test_other_kinds_of_runs_are_refused(own: Run) -> None:
    ensemble = dataclasses.replace(own, recipe=own.classifier.override({"members": 2}))
    with pytest.raises(UserError, match="has no snapshots"):
        read_snapshots(ensemble)
    (own.path / "members" / "first").mkdir(parents=True)
    with pytest.raises(UserError, match=r"is an ensemble.* such as .*members.first"):
        read_snapshots(ensemble)
    with pytest.raises(UserError, match="is not a classifier"):
        read_snapshots(dataclasses.replace(own, recipe=FinderRecipe()))
