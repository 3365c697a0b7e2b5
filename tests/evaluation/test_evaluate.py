from __future__ import annotations

import dataclasses
import json
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from torch import nn

from mnistlab.augmentation.affine import Augmentation
from mnistlab.data.dataset import Arrays, DatasetSpec, Part, find_spec, open_dataset
from mnistlab.data.loader import MNISTDataLoader
from mnistlab.errors import MnistlabError, UserError
from mnistlab.evaluation.evaluate import evaluate, evaluate_run
from mnistlab.evaluation.result import Evaluation
from mnistlab.networks.checkpoint import save_model
from mnistlab.networks.network import NeuralNet
from mnistlab.recipes.catalog import RECIPES
from mnistlab.runs.run import Run
from mnistlab.runs.store import create_run

CLASSES = ("ant", "bee", "cat")


@dataclass(frozen=True)
class NumberedPictures:
    """A dataset in memory in which the first pixel of each picture is its number."""

    labels: tuple[int, ...]
    classes: tuple[str, ...] = CLASSES
    validation: None = None

    @property
    def spec(self) -> DatasetSpec:
        return DatasetSpec(
            "numbered", "Numbered", self.classes, mean=0.0, std=1.0, corrected_test_labels={0: 1, 1: None}
        )

    def read(self, part: Part) -> Arrays:
        images = np.zeros((len(self.labels), 28, 28), np.uint8)
        images[:, 0, 0] = np.arange(len(self.labels))
        return images, np.array(self.labels, np.int64)


class ChosenLogits(nn.Module):
    """Gives for each numbered picture the logits chosen for it."""

    def __init__(self, logits: list[list[float]]) -> None:
        super().__init__()
        self.register_buffer("logits", torch.tensor(logits))
        self.dropout = nn.Dropout(0.9)  # would spoil them in training mode

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        chosen: torch.Tensor = self.dropout(self.logits[(images[:, 0, 0, 0] * 255).round().long()])
        return chosen


def measure(labels: list[int], logits: list[list[float]], batch_size: int | None = None) -> Evaluation:
    loader = MNISTDataLoader("test", dataset=NumberedPictures(tuple(labels)), batch_size=batch_size)
    return evaluate(ChosenLogits(logits), loader)


def sure_of(label: int, probability: float = 0.9, classes: int = 3) -> list[float]:
    rest = (1 - probability) / (classes - 1)
    return [math.log(probability if index == label else rest) for index in range(classes)]


# counts


def test_rows_are_labels_and_columns_are_predictions() -> None:
    evaluation = measure([0, 0, 0, 1, 2], [sure_of(label) for label in (0, 1, 1, 1, 0)])

    assert evaluation.confusion.tolist() == [[1, 2, 0], [0, 1, 0], [1, 0, 0]]
    assert evaluation.confusion.dtype == np.int64
    assert (evaluation.correct, evaluation.total, evaluation.accuracy) == (2, 5, 0.4)
    assert evaluation.classes == CLASSES
    assert evaluation.split == "test"


def test_precision_and_recall_are_none_where_there_is_nothing_to_divide_by() -> None:
    evaluation = measure([0, 0, 0, 1], [sure_of(label) for label in (0, 0, 1, 1)])

    assert evaluation.precision == [1.0, 0.5, None]
    assert evaluation.recall == [2 / 3, 1.0, None]


def test_the_loss_is_the_mean_cross_entropy_in_nats() -> None:
    evaluation = measure([0, 1], [sure_of(0, 0.8), sure_of(0, 0.9)])

    assert evaluation.mean_loss == pytest.approx(-(math.log(0.8) + math.log(0.05)) / 2, rel=1e-5)


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [(95, 100, 0.88825, 0.97846), (0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (9900, 10000, 0.98785, 0.99178)],
)
def test_the_interval_is_wilsons(correct: int, total: int, low: float, high: float) -> None:
    confusion = np.array([[correct, total - correct], [0, 0]])
    evaluation = Evaluation("test", ("a", "b"), confusion, 0.0, np.zeros((15, 3)), ())

    assert evaluation.interval == pytest.approx((low, high), abs=1e-5)


@given(total=st.integers(1, 20_000), share=st.floats(0, 1))
@settings(max_examples=60)
def test_the_interval_is_the_one_that_scipy_computes(total: int, share: float) -> None:
    correct = round(share * total)
    evaluation = Evaluation("test", ("a",), np.array([[correct, total - correct], [0, 0]]), 0.0, np.zeros((15, 3)), ())
    expected = binomtest(correct, total).proportion_ci(0.95, method="wilson")

    assert evaluation.interval == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= evaluation.interval[0] <= evaluation.accuracy <= evaluation.interval[1] <= 1


def test_the_calibration_error_by_hand() -> None:
    # four at confidence 0.9, half of them right; one at 0.5, right: (4 * |0.5 - 0.9| + 1 * |1 - 0.5|) / 5
    logits = [sure_of(0)] * 4 + [sure_of(2, 0.5)]
    evaluation = measure([0, 0, 1, 1, 2], logits)

    assert evaluation.calibration_error == pytest.approx((4 * 0.4 + 0.5) / 5, rel=1e-5)
    assert evaluation.confidence_bins[:, 0].sum() == 5
    assert evaluation.confidence_bins[13].tolist() == pytest.approx([4, 2, 3.6])


def test_a_model_that_is_sure_and_right_is_calibrated() -> None:
    evaluation = measure([0, 1, 2], [[100.0 if i == k else -100.0 for i in range(3)] for k in range(3)])

    assert evaluation.calibration_error == pytest.approx(0)
    assert evaluation.confidence_bins[14].tolist() == [3, 3, 3]
    assert evaluation.mistakes == ()


def test_a_mistake_says_which_example_and_how_sure() -> None:
    evaluation = measure([1, 0, 2], [sure_of(1), sure_of(2, 0.7), sure_of(2)])

    (mistake,) = evaluation.mistakes
    assert (mistake.index, mistake.label, mistake.predicted) == (1, 0, 2)
    assert mistake.probability == pytest.approx(0.7)
    assert mistake.label_probability == pytest.approx(0.15)
    assert mistake.image.dtype == np.uint8
    assert mistake.image.shape == (28, 28)
    assert mistake.image[0, 0] == 1  # it is that picture


@given(
    labels=st.lists(st.integers(0, 2), min_size=1, max_size=40),
    seed=st.integers(0, 1000),
    batch_size=st.integers(1, 40),
)
@settings(max_examples=30)
def test_the_batch_size_changes_nothing(labels: list[int], seed: int, batch_size: int) -> None:
    logits = torch.randn(len(labels), 3, generator=torch.Generator().manual_seed(seed)).tolist()
    whole = measure(labels, logits)
    parts = measure(labels, logits, min(batch_size, len(labels)))

    assert parts.confusion.tolist() == whole.confusion.tolist()
    assert parts.mean_loss == pytest.approx(whole.mean_loss, rel=1e-5)
    assert parts.calibration_error == pytest.approx(whole.calibration_error, rel=1e-6, abs=1e-9)
    assert [m.index for m in parts.mistakes] == [m.index for m in whole.mistakes]
    assert whole.correct + len(whole.mistakes) == whole.total == len(labels)


def test_answers_are_counted_alike_from_logits_and_from_probabilities() -> None:
    labels = [1, 0, 2, 2]
    logits = [sure_of(1), sure_of(2, 0.7), sure_of(2), sure_of(0, 0.6)]
    by_logits = measure(labels, logits)
    probabilities = torch.tensor(logits).softmax(dim=1).numpy()
    counted = Evaluation.of("val", CLASSES, probabilities, np.array(labels))

    assert counted.split == "val"
    assert counted.confusion.tolist() == by_logits.confusion.tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 1]]
    assert counted.confidence_bins.tolist() == by_logits.confidence_bins.tolist()
    assert counted.loss_sum == pytest.approx(by_logits.loss_sum, rel=1e-6)
    assert counted.mistakes == ()  # there are no images to show
    images = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((4, 28, 28), np.uint8)
    listed = Evaluation.of("val", CLASSES, probabilities, np.array(labels), images=images, corrected={3: 0})
    assert [(m.index, m.label, m.predicted, m.label_known_wrong) for m in listed.mistakes] == [
        (1, 0, 2, False), (3, 2, 0, True),
    ]  # fmt: skip
    assert [int(m.image[0, 0]) for m in listed.mistakes] == [1, 3]


def test_a_label_with_probability_0_costs_no_infinite_loss() -> None:
    evaluation = Evaluation.of("val", ("a", "b"), np.array([[1, 0]], np.float32), np.array([1]))
    assert evaluation.loss_sum == pytest.approx(87.34, abs=0.01)


def test_a_last_batch_that_is_left_out_is_not_counted() -> None:
    loader = MNISTDataLoader("test", dataset=NumberedPictures((0, 1, 2)), batch_size=2, drop_last=True)
    assert evaluate(ChosenLogits([sure_of(label) for label in (0, 1, 1)]), loader).total == 2


# the model's mode, the loader's order


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_put_back_and_nothing_is_learnt(training: bool) -> None:
    model = ChosenLogits([sure_of(0)] * 4).train(training)
    loader = MNISTDataLoader("test", dataset=NumberedPictures((0, 0, 0, 0)), batch_size=2)

    assert evaluate(model, loader).correct == 4  # dropout was off
    assert model.training is training
    assert model.dropout.training is training


def test_batch_norm_learns_nothing_from_a_test() -> None:
    model = NeuralNet((3,), classes=3).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evaluate(model, MNISTDataLoader("test", dataset=NumberedPictures((0, 1, 2)), batch_size=2))

    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_mode_is_put_back_after_a_refusal_too() -> None:
    model = ChosenLogits([[0.0, 1.0]]).train()
    with pytest.raises(UserError):
        evaluate(model, MNISTDataLoader("test", dataset=NumberedPictures((0,)), batch_size=1))
    assert model.training


def test_a_loader_that_shuffles_is_refused() -> None:
    numbered = NumberedPictures(tuple([0, 1, 2] * 8))
    for loader in (
        MNISTDataLoader("train", dataset=numbered, batch_size=3),
        MNISTDataLoader("test", dataset=numbered, batch_size=3, shuffle=True),
        MNISTDataLoader("test", dataset=numbered, batch_size=3, augment=Augmentation(rotate=10)),
    ):
        with pytest.raises(UserError, match="shuffles or augments"):
            evaluate(ChosenLogits([sure_of(0)] * 24), loader)


@pytest.mark.parametrize("classes", [1, 2, 4, 10])
def test_a_model_with_other_classes_is_refused(classes: int) -> None:
    loader = MNISTDataLoader("test", dataset=NumberedPictures((0, 1, 2)), batch_size=3)
    with pytest.raises(UserError, match="has 3 classes"):
        evaluate(ChosenLogits([[0.0] * classes] * 3), loader)


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_logits_that_are_no_numbers_are_refused(value: float) -> None:
    with pytest.raises(MnistlabError):
        measure([0, 1], [[value, 0.0, 0.0], [0.0, 1.0, 0.0]])


# plain types


def test_the_evaluation_as_json() -> None:
    evaluation = measure([0, 0, 1], [sure_of(0), sure_of(1), sure_of(1)])
    plain = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))

    assert {key: plain[key] for key in ("split", "correct", "total", "confusion", "classes")} == {
        "split": "test", "correct": 2, "total": 3, "confusion": [[1, 1, 0], [0, 1, 0], [0, 0, 0]],
        "classes": list(CLASSES),
    }  # fmt: skip
    assert plain["mistakes"] == [
        {"index": 1, "label": 0, "predicted": 1, "probability": 0.9, "label_probability": 0.05,
         "label_known_wrong": True}
    ]  # fmt: skip
    score = evaluation.score()
    assert score["interval"] == list(evaluation.interval)
    assert (score["interval_by_writer"], plain["writers"]) == (None, None)  # their writers are unknown
    assert score["corrected"] == {"correct": 1, "total": 2, "accuracy": 0.5}  # 0 is a 1, and 1 shows no digit


def test_corrected_labels_and_writers_are_counted() -> None:
    """The second of five images has another label than it says, and the fourth has none."""
    read_as = [0, 1, 1, 2, 2]
    probabilities = torch.tensor([sure_of(label) for label in read_as]).softmax(dim=1).numpy()
    evaluation = Evaluation.of(
        "test", CLASSES, probabilities, np.array([0, 0, 1, 2, 0]), corrected={1: 1, 4: None, 9: 0},
        writers=np.array([7, 7, 3, 3, 3], np.int16),
    )  # fmt: skip
    assert (evaluation.correct, evaluation.corrected) == (3, (4, 4))
    assert evaluation.by_writer is not None
    assert evaluation.by_writer.tolist() == [[3, 3, 2], [7, 2, 1]]
    assert evaluation.to_dict()["writers"] == [[3, 3, 2], [7, 2, 1]]
    low, high = evaluation.score()["interval_by_writer"]
    assert low < 3 / 5 < high


# real MNIST


class AlwaysZero(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(len(images), 10)
        logits[:, 0] = 1
        return logits


def test_labels_known_to_be_wrong_are_marked_in_mnists_test_split(data_dir: Path) -> None:
    dataset = open_dataset("mnist", data_dir)
    evaluation = evaluate(AlwaysZero(), MNISTDataLoader("test", dataset=dataset, batch_size=None))

    labels = dataset.read("test")[1]
    known = {index for index in dataset.spec.corrected_test_labels if labels[index] != 0}
    assert known
    assert {m.index for m in evaluation.mistakes if m.label_known_wrong} == known
    # 2462 and 3558, said to be 2 and 5, are zeros; 1621 and 6651, said to be zeros, are sixes.
    assert evaluation.corrected == (980, 9_995)
    assert evaluation.by_writer is not None
    assert evaluation.by_writer.shape == (297, 3)
    assert evaluation.by_writer.sum(axis=0).tolist()[1:] == [10_000, 980]
    assert (evaluation.correct, evaluation.total) == (980, 10_000)


def test_no_label_is_marked_outside_the_test_split(data_dir: Path) -> None:
    dataset = open_dataset("mnist", data_dir)
    evaluation = evaluate(AlwaysZero(), MNISTDataLoader("val", dataset=dataset, batch_size=None))

    assert evaluation.total == 5004
    assert not any(m.label_known_wrong for m in evaluation.mistakes)


# runs


@pytest.fixture
def run(tmp_path: Path, data_dir: Path) -> Iterator[Run]:
    """A run on MNIST that has a model, though not one that has learnt anything."""
    made = create_run(tmp_path / "runs", RECIPES["two-conv"], "mnist", data_dir, 0, {})
    save_model(made.model_path, NeuralNet((2,), kernel_size=3), find_spec("mnist"))
    return made


def test_a_run_is_tested_and_the_test_written(run: Run) -> None:
    evaluation = evaluate_run(run, device="cpu")

    assert evaluation.total == 10_000
    assert run.test == json.loads(json.dumps(evaluation.to_dict()))
    again = evaluate_run(run, device="cpu", data_dir=run.data_dir)
    assert again.confusion.tolist() == evaluation.confusion.tolist()


def test_a_run_is_evaluated_by_its_path_and_as_the_latest(run: Run) -> None:
    expected = evaluate_run(run, "val", device="cpu").to_dict()
    runs_dir = str(run.path.parent)
    for name in (run.path, "latest"):
        found = evaluate_run(name, "val", runs_dir=runs_dir, data_dir=str(run.data_dir), device=torch.device("cpu"))
        assert found.to_dict() == expected


def test_a_run_from_another_machine_is_tested_and_its_folders_are_not_made(
    run: Run, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = run.path.parents[1]
    monkeypatch.chdir(place)
    (place / "data").symlink_to(data_dir)
    moved = dataclasses.replace(run, data_dir=r"C:\Users\Anna\data")

    assert evaluate_run(moved, "val", device="cpu").total == 5004
    pictures = dataclasses.replace(run, dataset=r"C:\Users\Anna\digits")
    with pytest.raises(UserError, match="The folder of pictures"):
        evaluate_run(pictures, device="cpu")
    assert {path.name for path in place.iterdir()} == {"runs", "data"}


def test_a_look_at_the_validation_split_writes_nothing(run: Run) -> None:
    before = sorted(p.name for p in run.path.iterdir())

    assert evaluate_run(run, "val", device="cpu").total == 5004
    assert sorted(p.name for p in run.path.iterdir()) == before


def test_a_run_without_a_model_says_how_to_make_it(run: Run) -> None:
    run.model_path.unlink()
    with pytest.raises(UserError, match=r"Finish the run with mnistlab.resume"):
        evaluate_run(run)


def test_a_run_without_a_model_that_is_being_trained_is_to_be_waited_for(run: Run) -> None:
    run.model_path.unlink()
    with run.lock(), pytest.raises(UserError) as caught:
        evaluate_run(run)
    assert str(caught.value) == f"{run.path} has no model.pth. The run is being trained now: wait until it is finished."


def test_of_a_run_that_is_being_trained_it_is_said_whose_model_is_tested(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    run.append_metrics({"epoch": 1, "train_loss": 2.0, "val_loss": 2.0, "val_accuracy": 0.5, "seconds": 1.0})
    with caplog.at_level(logging.INFO, "mnistlab"), run.lock():
        assert evaluate_run(run, device="cpu").total == 10_000
    assert caplog.messages == [f"{run.path} is being trained now: this is its model after 1 of 8 epochs."]
    assert run.test is None  # the training writes its own

    caplog.clear()
    with caplog.at_level(logging.INFO, "mnistlab"):
        evaluate_run(run, device="cpu")
    assert caplog.messages == [f"{run.path} is not finished: this is its model after 1 of 8 epochs."]
    assert run.test is not None


@pytest.mark.parametrize(
    "spec", [find_spec("fashion"), dataclasses.replace(find_spec("mnist"), classes=tuple("abcdefghij"))]
)
def test_a_model_of_another_dataset_is_refused(run: Run, spec: DatasetSpec) -> None:
    save_model(run.model_path, NeuralNet((2,)), spec)
    with pytest.raises(UserError, match=r"model\.pth was trained on"):
        evaluate_run(run, device="cpu")
    assert run.test is None


def test_an_old_test_stays_when_the_model_is_damaged(run: Run) -> None:
    evaluate_run(run, device="cpu")
    before = (run.path / "test.json").read_bytes()
    run.model_path.write_bytes(run.model_path.read_bytes()[:1000])

    with pytest.raises(UserError, match="damaged"):
        evaluate_run(run, device="cpu")
    assert (run.path / "test.json").read_bytes() == before


@pytest.mark.parametrize("split", ["foo", "train", "train+val"])
def test_a_run_is_evaluated_on_val_or_test_only(split: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        evaluate_run("latest", split, runs_dir=tmp_path)
    assert str(caught.value) == f"Unknown split {split!r}. Choose one of val, test."
