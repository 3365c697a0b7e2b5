"""Run folders that version 0.1.0 wrote (written_by_0.1.0.zip) are read, evaluated and resumed."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from mnistlab.doctor.model import check_run
from mnistlab.errors import UserError
from mnistlab.evaluation.evaluate import evaluate_run
from mnistlab.evaluation.models import load_model
from mnistlab.networks.deskew import Deskewed
from mnistlab.networks.ensemble import Ensemble
from mnistlab.networks.shifts import Shifted
from mnistlab.recipes.recipe import EnsembleRecipe
from mnistlab.runs.run import Run
from mnistlab.training.experiment import resume
from tests.support.comparing import weights

pytestmark = pytest.mark.usefixtures("no_drawing")


@pytest.fixture
def runs(data_dir: Path, tmp_path: Path) -> Path:
    """The folders, on this machine: DATA and RUNS in their files are where data and runs are now."""
    folder = tmp_path / "runs"
    with zipfile.ZipFile(Path(__file__).with_name("written_by_0.1.0.zip")) as archive:
        archive.extractall(folder)
    for path in folder.rglob("*.json"):
        text = path.read_text().replace('"DATA"', json.dumps(str(data_dir))).replace('"RUNS/', f'"{folder.as_posix()}/')
        path.write_text(text)
    return folder


def test_they_are_read_as_todays(runs: Path) -> None:
    finished, combined, ensemble = (Run.open(runs / name) for name in ("finished", "combined", "ensemble"))
    assert (finished.kind, finished.progress, finished.members) == ("single", (1, 1), ())
    assert finished.recipe.network.widths == (4, 6)
    assert (finished.recipe.data.split, finished.recipe.data.validation) == ("train-random", "val-random")
    assert finished.summary()["epochs"] == [1, 1]
    for run, members in ((combined, (str(runs / "combined-1"), str(runs / "combined-2"))), (ensemble, ())):
        assert (run.kind, run.progress, run.is_finished, run.members) == ("ensemble", (2, 2), True, members)
        assert isinstance(run.recipe, EnsembleRecipe)
        assert run.recipe.ensemble.members == 2
        assert [row["member"] for row in run.metrics] == [1, 2]
        assert not any("epoch" in row for row in run.metrics)
        assert run.summary()["members"] == [2, 2]
        assert "epochs" not in run.summary()


@pytest.mark.parametrize("name", ["deskewed", "combined"])
def test_they_evaluate_to_what_they_did(runs: Path, name: str) -> None:
    run = Run.open(runs / name)
    before = json.loads((run.path / "test.json").read_text())
    found = evaluate_run(run, "test", device="cpu").to_dict()
    model = load_model(run.model_path).model
    if name == "combined":
        assert isinstance(model, Ensemble)
    else:
        assert isinstance(model, Deskewed)
        assert isinstance(model.network, Shifted)

    assert set(found) == {*before, "interval_by_writer", "corrected", "writers"}
    assert found["mean_loss"] == pytest.approx(before["mean_loss"], rel=1e-4)
    assert (
        np.abs(np.subtract(found["confusion"], before["confusion"])).sum() <= 4
    )  # another machine's sums may turn an image
    assert {m["index"] for m in before["mistakes"]} <= {m["index"] for m in found["mistakes"]}


@pytest.mark.parametrize(("begun", "ended"), [("halfway", "finished"), ("ensemble-halfway", "ensemble")])
def test_what_was_half_done_ends_as_it_would_have(runs: Path, begun: str, ended: str) -> None:
    run, evaluation = resume(runs / begun)
    expected = Run.open(runs / ended)

    assert run.is_finished
    state, before = weights(run), weights(expected)
    assert list(state) == list(before)
    for name, value in state.items():
        torch.testing.assert_close(value, before[name], rtol=1e-3, atol=1e-4)
    assert [row["train_loss"] for row in run.metrics] == pytest.approx(
        [row["train_loss"] for row in expected.metrics], rel=1e-3
    )
    assert [row[run.unit] for row in run.metrics] == [row[run.unit] for row in expected.metrics]
    assert evaluation.accuracy == pytest.approx((expected.test or {})["correct"] / 10_000, abs=2e-3)


def test_a_combined_run_is_made_again_from_its_members(runs: Path) -> None:
    run = Run.open(runs / "combined")
    kept, metrics = weights(run), run.metrics
    (run.path / "model.pth").unlink()
    (run.path / "metrics.jsonl").unlink()
    run, _ = resume(run)
    assert all(torch.equal(value, kept[name]) for name, value in weights(run).items())
    assert [row["val_loss"] for row in run.metrics] == pytest.approx([row["val_loss"] for row in metrics], rel=1e-4)

    shutil.rmtree(runs / "combined-1")
    with pytest.raises(UserError, match="combined-1"):
        resume(run)


@pytest.mark.parametrize("version", [0, 4])
def test_a_run_folder_of_an_unknown_version_is_refused_with_its_version(runs: Path, version: object) -> None:
    path = runs / "finished" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": version}))
    with pytest.raises(UserError, match=rf"was written by another version of mnistlab \(config version {version}\)"):
        Run.open(path.parent)


def test_a_kind_that_its_recipe_is_not_of_is_damage(runs: Path) -> None:
    path = runs / "finished" / "config.json"
    config = json.loads(path.read_text())
    for kind in ("ensemble", "sweep", None):
        path.write_text(json.dumps(config | {"version": 2, "kind": kind}))
        with pytest.raises(UserError, match=r"config\.json is damaged: the run's kind is"):
            Run.open(path.parent)


@pytest.mark.parametrize("content", [None, "", "[]", '{"members": 3}'])
def test_an_ensemble_whose_environment_is_damaged_is_still_listed_or_named(runs: Path, content: str | None) -> None:
    path = runs / "ensemble" / "environment.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    try:
        assert Run.open(path.parent).members == ()
    except UserError as error:
        assert str(path.parent) in error.message


def test_a_run_of_0_1_is_validated_on_the_images_that_it_kept(
    runs: Path, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = Run.open(runs / "finished")
    with caplog.at_level("INFO", "mnistlab.evaluation"):
        found = evaluate_run(run, "val", device="cpu")
    assert (found.split, found.total) == ("val-random", 5000)
    assert found.accuracy == pytest.approx(run.metrics[-1]["val_accuracy"], abs=4 / 5000)
    assert "without regard to who wrote them (val-random" in caplog.text
    assert run.summary()["validation"] == "val-random"


def test_version_2_is_read_as_what_it_was(runs: Path) -> None:
    """It differs from version 3 only in the name of its split "train", and only if the writers are known."""
    path = runs / "finished" / "config.json"
    version_3 = Run.open(path.parent)
    config = json.loads(path.read_text()) | {"version": 2, "kind": "single"}
    for dataset, split in (("mnist", "train-random"), ("fashion", "train")):
        path.write_text(json.dumps(config | {"dataset": dataset}))
        assert Run.open(path.parent).recipe == version_3.recipe.override(split=split)


def test_a_run_of_0_1_is_examined_with_the_images_that_it_kept(runs: Path) -> None:
    run = Run.open(runs / "finished")
    wrong = [m for m in evaluate_run(run, "val", device="cpu").mistakes if m.index < 1000]
    (check,) = [check for check in check_run(run) if check.name == "input"]
    assert f"{(1000 - len(wrong)) / 10:.1f} % of 1,000 validation images read correctly" in check.detail
