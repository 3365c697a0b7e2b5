"""What each recipe promises: its size, that it learns, and how fast the quick one does."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import pytest
import torch

from mnistlab.data.dataset import open_dataset
from mnistlab.data.loader import MNISTDataLoader
from mnistlab.errors import UserError
from mnistlab.evaluation.evaluate import evaluate
from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.recipe import Recipe
from mnistlab.training.loop import cross_entropy
from mnistlab.training.state import TrainingState
from tests.support.few import few_of_mnist
from tests.support.noting import take_steps

CPU = torch.device("cpu")
PARAMETERS = {
    "default": 133_370,
    "quick": 49_754,
    "best": 163_802,
    "best-5x5": 163_402,
    "best-pens": 163_802,
    "ensemble": 163_802,  # its first member
    "tiny-10k": 9_754,
    "tiny-5k": 4_998,
    "tiny-1k": 1_474,
    "reader": 117_466,
    "robust": 153_178,
    "two-conv": 129_394,
    "three-conv": 257_074,
}


def make_state(name: str, data_dir: Path) -> TrainingState:
    return TrainingState(RECIPES[name], few_of_mnist(data_dir), 0, CPU, "fp32")


def test_these_are_the_recipes() -> None:
    assert list(RECIPES) == list(PARAMETERS)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_the_parameters_it_claims_and_takes_two_steps_with_finite_gradients(
    name: str, data_dir: Path
) -> None:
    state = make_state(name, data_dir)
    assert state.model.parameters_count == PARAMETERS[name]

    before = {key: value.clone() for key, value in state.model.named_parameters()}
    batches = iter(state.loader)
    state.model.train()
    for _ in range(2):
        images, labels = next(batches)
        assert (labels < 0).sum() == round(state.recipe.rejects * state.recipe.batch_size)
        smoothing, rejects = state.recipe.label_smoothing, state.recipe.rejects > 0
        loss = cross_entropy(state.model(images), labels, smoothing, rejects=rejects)
        state.optimizer.zero_grad()
        loss.backward()
        assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in state.model.parameters())
        state.optimizer.step()

    assert all(not torch.equal(value, before[key]) for key, value in state.model.named_parameters())


@pytest.mark.parametrize("name", ["tiny-10k", "tiny-5k", "tiny-1k"])
def test_a_tiny_recipe_cannot_outgrow_its_limit(name: str, data_dir: Path) -> None:
    recipe = RECIPES[name].override({"widths": (8, 64, 64)})

    with pytest.raises(
        UserError, match=rf"has 15,978 parameters, but the recipe {name} allows at most {recipe.most_parameters:,}"
    ):
        TrainingState(recipe, open_dataset("mnist", data_dir), 0, CPU, "fp32")


def test_quick_reads_95_percent_after_a_tenth_of_its_steps(data_dir: Path) -> None:
    quick, val = RECIPES["quick"], MNISTDataLoader("val", data_dir=data_dir, batch_size=None)
    recipe = quick.override(steps=quick.steps // 10)
    accuracies = []
    for seed in range(3):
        state = TrainingState(recipe, open_dataset("mnist", data_dir), seed, CPU, "fp32")
        take_steps(state, state.steps)
        accuracies.append(evaluate(state.model, val).accuracy)

    assert mean(accuracies) > 0.95


@pytest.mark.parametrize("widths", [(16,), (16, 32), (8, 12, 16), (16, 32, 64, 64)], ids=str)
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_takes_blocks_more_or_less(name: str, widths: tuple[int, ...], pictures: Path) -> None:
    def model_of(recipe: Recipe) -> torch.nn.Module:
        return TrainingState(recipe, open_dataset(str(pictures)), 0, CPU, "fp32").model

    recipe = RECIPES[name].override({"widths": widths, "most_parameters": 0, "batch_size": 8})
    if name == "two-conv" and len(widths) > 2:  # its 5x5 convolutions keep no edge: two blocks leave 4x4
        fits = ",".join(["valid", "valid", *["same"] * (len(widths) - 2)])
        with pytest.raises(UserError, match=f"Block 3 of {len(widths)} leaves no pixel.*or padding {fits}"):
            model_of(recipe)
        recipe = recipe.override({"padding": fits.split(",")})
    model = model_of(recipe)
    assert model.architecture.widths == widths
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 3)
