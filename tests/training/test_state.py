from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from mnistlab.augmentation.affine import Augmentation
from mnistlab.augmentation.pipeline import Pipeline
from mnistlab.data.catalog import find_spec
from mnistlab.data.dataset import Arrays, DatasetSpec, Part
from mnistlab.errors import UserError
from mnistlab.networks.architecture import Architecture
from mnistlab.recipes.recipe import Recipe
from mnistlab.training.loop import fit
from mnistlab.training.optimizers import learning_rate
from mnistlab.training.state import TrainingState, pipeline_of
from tests.support.noting import Notes, on_disk_and_back, take_steps

CPU = torch.device("cpu")
# everything that draws random numbers or keeps a memory is on
RECIPE = Recipe().override(
    widths=(3, 4), kernel_size=3, hidden=6, dropout=0.3, batch_size=8, epochs=3, rotate=10, scale=0.1, shift=2, shear=0.1,
    elastic=1, averaging=0.9, precision="fp32",
)  # fmt: skip


@dataclass(frozen=True)
class Noise:
    """A dataset in memory: 48 pictures of noise in 4 classes."""

    count: int = 48
    validation: None = None

    @property
    def spec(self) -> DatasetSpec:
        return DatasetSpec("noise", "Noise", ("a", "b", "c", "d"), mean=0.5, std=0.3)

    def read(self, part: Part) -> Arrays:
        images = np.random.default_rng(0).integers(0, 256, (self.count, 28, 28), np.uint8)
        return images, np.arange(self.count, dtype=np.int64) % 4


def make_state(recipe: Recipe = RECIPE, seed: int = 0, dataset: Noise | None = None) -> TrainingState:
    return TrainingState(recipe, dataset or Noise(), seed, CPU, "fp32")


def assert_same_weights(first: TrainingState, second: TrainingState) -> None:
    for one, other in ((first.model, second.model), (first.final_model, second.final_model)):
        expected = other.state_dict()
        assert all(torch.equal(value, expected[name]) for name, value in one.state_dict().items())


# what is built


def test_the_schedule_of_a_training_ends_where_it_should() -> None:
    state = make_state()
    assert state.steps == 3 * (44 // 8)
    notes = Notes(state)
    fit(state, notes)

    assert notes.rates == [learning_rate(RECIPE.optimisation, step, 15) for step in range(15)]
    assert notes.rates[0] == pytest.approx(RECIPE.learning_rate / 25)
    assert max(notes.rates) == pytest.approx(RECIPE.learning_rate, rel=0.1)
    assert learning_rate(RECIPE.optimisation, 15, 15) == pytest.approx(RECIPE.learning_rate / 25_000)
    assert (state.steps_done, state.epochs_done) == (15, 3)


def test_the_recipe_decides_on_the_network() -> None:
    architecture = make_state().model.architecture

    assert architecture.widths == (3, 4)
    assert (architecture.classes, architecture.hidden, architecture.dropout) == (4, 6, 0.3)


def test_every_field_of_the_network_reaches_it() -> None:
    fields: dict[str, Any] = {
        "widths": (3, 4, 5), "depth": (1, 2, 1), "kernel_size": (5, 3, 1), "padding": ("valid", "same", "same"),
        "pooling": ("max", "stride", "none"), "separable": True, "batch_norm": False, "pool_last": True,
        "head": "average", "hidden": 7, "dropout": 0.25, "deskew": True, "test_shifts": True,
        "local_contrast": True,
    }  # fmt: skip
    state = make_state(RECIPE.override(**fields))

    assert state.final_model.architecture == Architecture(**fields, classes=4)
    assert {f.name for f in dataclasses.fields(Architecture)} - set(fields) == {
        "classes",
        "image_size",
    }  # and there is no other
    assert state.model.architecture == Architecture(**{**fields, "deskew": False, "test_shifts": False}, classes=4)


def test_the_most_parameters_are_allowed_and_one_more_is_refused() -> None:
    count = make_state().model.parameters_count
    assert make_state(RECIPE.override(most_parameters=count)).model.parameters_count == count
    with pytest.raises(UserError) as caught:
        make_state(RECIPE.override(name="small", most_parameters=count - 1))
    assert (
        caught.value.message
        == f"The network has {count:,} parameters, but the recipe small allows at most {count - 1:,}."
    )
    assert "--widths" in caught.value.command_remedy


@pytest.mark.parametrize(("steps", "expected"), [(0, 15), (2, 2), (7, 7), (15, 15), (16, 15), (10**9, 15)])
def test_a_training_ends_after_its_steps_or_its_epochs_whichever_come_first(steps: int, expected: int) -> None:
    state = make_state(RECIPE.override(steps=steps))  # three epochs of five steps

    notes = Notes(state)
    fit(state, notes)
    assert state.steps == state.steps_done == len(notes.losses) == expected


def test_training_on_everything_leaves_no_validation() -> None:
    state = make_state(RECIPE.override(split="train+val"))

    assert state.val_loader is None
    assert len(state.loader.dataset) == 48
    assert make_state().val_loader is not None
    assert len(make_state().loader.dataset) == 44


def test_the_final_model_is_the_average_where_the_recipe_averages() -> None:
    averaged = make_state()
    take_steps(averaged, 4)
    plain = make_state(RECIPE.override(averaging=0.0))
    take_steps(plain, 4)

    assert plain.final_model is plain.model
    assert averaged.final_model is not averaged.model
    name = "layers.conv1.weight"
    assert not torch.equal(averaged.final_model.state_dict()[name], averaged.model.state_dict()[name])
    assert torch.equal(plain.model.state_dict()[name], averaged.model.state_dict()[name])  # averaging only looks on


def test_the_seed_decides_on_everything() -> None:
    losses = [take_steps(make_state(seed=seed), 6) for seed in (3, 3, 4)]

    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_a_batch_larger_than_the_split_is_refused() -> None:
    with pytest.raises(UserError, match="Batch size 45 does not fit"):
        make_state(RECIPE.override(batch_size=45))


def test_widths_that_leave_no_pixel_are_refused() -> None:
    with pytest.raises(UserError, match="leaves no pixel"):
        make_state(RECIPE.override(widths=(2,) * 6))


# saved and put back


WRITTEN = {"writing": 1, "rejects": 0.5}


@pytest.mark.parametrize("changed", [{}, {"optimizer": "adamw"}, WRITTEN], ids=["sgd", "adamw", "writing and rejects"])
@pytest.mark.parametrize("before", [0, 1, 5, 7, 10])
def test_going_on_from_a_saved_state_is_going_on_as_if_nothing_had_been(changed: dict[str, Any], before: int) -> None:
    recipe = RECIPE.override(learning_rate=0.01, **changed)
    straight = make_state(recipe)
    expected = Notes(straight, save_after=before)
    fit(straight, expected)

    torch.manual_seed(99)  # whatever the process did meanwhile
    resumed = make_state(recipe, seed=5)  # nothing of its own beginning may remain
    resumed.load_state_dict(expected.saved)
    notes = Notes(resumed)
    fit(resumed, notes)

    assert (notes.losses, notes.rates) == (expected.losses[before:], expected.rates[before:])
    assert_same_weights(resumed, straight)
    assert resumed.steps_done == straight.steps_done == 15


def test_the_books_come_back_too() -> None:
    state = make_state()
    state.epochs_done, state.seconds, state.metrics = 2, 12.5, [{"epoch": 1, "val_accuracy": None, "seconds": 1.5}]
    state.losses[3] = 0.25
    resumed = make_state()
    resumed.load_state_dict(on_disk_and_back(state.state_dict()))

    assert (resumed.epochs_done, resumed.seconds, resumed.metrics) == (2, 12.5, state.metrics)
    assert torch.equal(resumed.losses, state.losses)


def test_a_state_saved_before_a_recipe_had_some_fields_is_taken() -> None:
    saved = on_disk_and_back(make_state().state_dict())
    del saved["recipe"]["writing"], saved["recipe"]["rejects"]
    make_state().load_state_dict(saved)
    with pytest.raises(UserError, match="the recipe is different"):  # for then there were none
        make_state(RECIPE.override(writing=1)).load_state_dict(saved)


def test_a_state_taken_earlier_does_not_change_with_the_training() -> None:
    state = make_state()
    saved = on_disk_and_back(state.state_dict())
    take_steps(state, 5)
    fresh = make_state()
    fresh.load_state_dict(saved)

    assert_same_weights(fresh, make_state())


@pytest.mark.parametrize(
    "change",
    [
        {"widths": (3, 5)},
        {"hidden": 0},
        {"batch_norm": False},
        {"batch_size": 11},
        {"optimizer": "adamw"},
    ],
)
def test_the_state_of_another_recipe_is_refused(change: dict[str, Any]) -> None:
    other = make_state(RECIPE.override(**change))
    take_steps(other, 2)
    with pytest.raises(UserError, match="does not fit"):
        make_state().load_state_dict(other.state_dict())


def test_a_state_without_the_average_that_the_recipe_wants_is_refused() -> None:
    other = make_state(RECIPE.override(averaging=0.0))
    with pytest.raises(UserError, match="does not fit"):
        make_state().load_state_dict(other.state_dict())


@pytest.mark.parametrize("content", [None, [], "text", {}, {"format": "mnistlab resume 0"}, {"format": None}])
def test_what_is_no_state_is_refused(content: Any) -> None:
    with pytest.raises(UserError, match="not written by this version"):
        make_state().load_state_dict(content)


@pytest.mark.parametrize("key", sorted(set(make_state().state_dict()) - {"format"}))
def test_a_state_with_a_part_missing_is_refused(key: str) -> None:
    state = make_state().state_dict()
    del state[key]
    with pytest.raises(UserError, match=f"does not fit.*{key}"):
        make_state().load_state_dict(state)


@pytest.mark.parametrize("steps", [None, "many", [3]])
def test_a_state_whose_steps_are_no_number_is_refused(steps: Any) -> None:
    with pytest.raises(UserError, match="does not fit"):
        make_state().load_state_dict({**make_state().state_dict(), "steps_done": steps})


def test_a_dataset_that_has_grown_is_refused() -> None:
    with pytest.raises(UserError, match="does not fit"):
        make_state(dataset=Noise(96)).load_state_dict(make_state().state_dict())


def test_the_first_loss_is_that_of_guessing() -> None:
    recipe = RECIPE.override(dropout=0.0, batch_size=40)
    assert take_steps(make_state(recipe), 1)[0] == pytest.approx(math.log(4), abs=0.5)


@pytest.mark.parametrize("name", ["mnist", "usps", "fashion", "emnist-letters", "emnist-balanced"])
def test_the_recipe_and_the_dataset_decide_what_becomes_of_images(name: str) -> None:
    """Letters get no strokes of digits, and no letters as rejects."""
    recipe = Recipe().override(
        rotate=1, scale=0.2, shift=3, shear=0.4, elastic=5, writing=0.6, rejects=0.7, clutter=0.8
    )
    digits = tuple(range(10)) if name in ("mnist", "usps") else ()
    assert pipeline_of(recipe, find_spec(name)) == Pipeline(Augmentation(1, 0.2, 3, 0.4, 5), 0.6, 0.7, digits, 0.8)
    assert not pipeline_of(Recipe(), find_spec(name))
