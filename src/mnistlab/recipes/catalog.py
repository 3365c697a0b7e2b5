"""The recipes that come with mnistlab."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import cast

from mnistlab.errors import UserError
from mnistlab.files import shorten
from mnistlab.recipes.checks import ALONE
from mnistlab.recipes.finder import FinderRecipe
from mnistlab.recipes.line_reader import LineReaderRecipe
from mnistlab.recipes.papers import AnyRecipe, PaperRecipe
from mnistlab.recipes.recipe import OF_A_KIND, EnsembleRecipe, Recipe
from mnistlab.recipes.settings import DataSettings, NetworkSettings, OptimisationSettings

__all__ = ["ALL_RECIPES", "PAPER_RECIPES", "RECIPES", "find_classifier", "find_recipe", "member_of"]


DEFAULT = Recipe(
    name="default",
    summary="4 convolutions, 8 epochs: the best that fits into a minute",
    network=NetworkSettings(
        widths=(16, 64, 80),
        depth=(1, 1, 2),
        kernel_size=(5, 5, 3),
        padding=("valid", "valid", "same"),
        pooling=("stride", "max", "max"),
        hidden=0,
        dropout=0.3,
    ),
    data=DataSettings(rotate=10, scale=0.1, shift=2, shear=0.1),
    optimisation=OptimisationSettings(epochs=8, learning_rate=0.2, label_smoothing=0.05),
)
BEST = Recipe(
    name="best",
    summary="6 convolutions in pairs, 24 epochs, all 60,000 images, deskewed",
    network=NetworkSettings(
        widths=(16, 48, 96),
        depth=(2,),
        kernel_size=(3,),
        padding=("same",),
        hidden=0,
        dropout=0.3,
        deskew=True,
        test_shifts=True,
    ),
    data=DataSettings(split="train+val", rotate=8, scale=0.15, shift=2, shear=0.08),
    optimisation=OptimisationSettings(epochs=24, label_smoothing=0.05),
)
TINY = Recipe(
    name="tiny",
    network=NetworkSettings(
        depth=(1, 2, 2),
        kernel_size=(5, 3, 3),
        padding=("valid", "same", "same"),
        pooling=("max", "max", "none"),
        separable=True,
        head="average",
        hidden=0,
        dropout=0,
        deskew=True,
        test_shifts=True,
    ),
    data=DataSettings(rotate=8, scale=0.12, shift=2, shear=0.08),
    optimisation=OptimisationSettings(epochs=60, learning_rate=0.3),
)

RECIPES: dict[str, Recipe] = {  # of classifiers
    recipe.name: recipe
    for recipe in (
        DEFAULT,
        Recipe(
            name="quick",
            summary="3 convolutions, 260 steps: 99 % in a few seconds",
            network=NetworkSettings(
                widths=(16, 16, 64),
                kernel_size=(5, 3, 3),
                padding=("valid", "same", "same"),
                pooling=("stride", "max", "max"),
                hidden=64,
                dropout=0,
            ),
            optimisation=OptimisationSettings(
                epochs=1, steps=260, learning_rate=0.7, momentum=0.75, label_smoothing=0.1
            ),
        ),
        BEST,
        BEST.override(
            name="best-5x5",
            summary="like best, but with only 3 convolutions, which are larger",
            widths=(32, 48, 96),
            depth=(1,),
            kernel_size=(5,),
        ),
        BEST.override(
            name="best-pens",
            summary="like best, also trained on other pens and cameras; not deskewed",
            deskew=False,
            rotate=12,
            shear=0.15,
            writing=1,
        ),
        BEST.override(
            name="ensemble",
            summary="average of 3 networks: best, best-5x5 and best-pens",
            members=3,
            networks=("best", "best-5x5", "best-pens"),
        ),
        TINY.override(
            name="tiny-10k",
            summary="at most 10,000 parameters; digits are deskewed",
            widths=(8, 48, 48),
            most_parameters=10_000,
        ),
        TINY.override(
            name="tiny-5k",
            summary="at most 5,000 parameters; digits are deskewed",
            widths=(7, 32, 32),
            most_parameters=5_000,
        ),
        TINY.override(
            name="tiny-1k",
            summary="at most 1,500 parameters; digits are deskewed",
            widths=(5, 12, 16),
            most_parameters=1_500,
            scale=0.08,
            shift=1.5,
        ),
        DEFAULT.override(
            name="reader",
            summary="made for real pens, cameras and scanners; rejects non-digits",
            widths=(16, 64, 72),
            pooling=("max",),
            dropout=0.1,
            epochs=80,
            writing=1,
            rejects=0.5,
            label_smoothing=0.02,
        ),
        DEFAULT.override(
            name="robust",
            summary="holds up on pictures that are noisy, foggy or crossed by lines",
            widths=(16, 48, 96),
            kernel_size=(5, 5, 3),
            padding=("same",),
            pooling=("max",),
            local_contrast=True,
            test_shifts=True,
            split="train+val",
            rotate=14,
            scale=0.15,
            shift=2,
            shear=0.2,
            elastic=0.6,
            clutter=1,
            epochs=24,
        ),
        Recipe(
            name="two-conv",
            summary="2 convolutions, 8 epochs",
            data=DataSettings(rotate=10, scale=0.1, shift=2, shear=0.1),
            optimisation=OptimisationSettings(label_smoothing=0.05),
        ),
        Recipe(
            name="three-conv",
            summary="3 convolutions, 20 epochs",
            network=NetworkSettings(widths=(24, 48, 96), padding=("same",), dropout=0.3),
            data=DataSettings(rotate=12, scale=0.15, shift=2, shear=0.15),
            optimisation=OptimisationSettings(epochs=20, label_smoothing=0.05),
        ),
    )
}


PAPER_RECIPES: dict[str, PaperRecipe] = {
    recipe.name: recipe
    for recipe in (
        FinderRecipe(name="finder", summary="marks digits on pages for the reader; trained on generated pages"),
        LineReaderRecipe(name="line-reader", summary="reads whole lines of digits; trained on generated lines"),
    )
}
"""The recipes of the networks for pages: the finder and the line reader."""
ALL_RECIPES: Mapping[str, AnyRecipe] = ChainMap(
    cast(dict[str, AnyRecipe], PAPER_RECIPES), cast(dict[str, AnyRecipe], RECIPES)
)
"""The recipes of classifiers, including those that a program adds to `RECIPES`, and the recipes of the networks for pages."""


def find_recipe(name: str) -> AnyRecipe:
    """The recipe called `name`. Raises `UserError` if there is none."""
    try:
        return ALL_RECIPES[name]
    except (KeyError, TypeError):  # a list, for example, cannot be a key
        raise UserError("recipes.unknown_recipe", name=shorten(name), recipes=ALL_RECIPES) from None


def find_classifier(name: str) -> Recipe:
    """The recipe called `name`. Raises `UserError` if there is none, or if it is not a classifier's recipe."""
    recipe = find_recipe(name)
    if not isinstance(recipe, Recipe):
        raise UserError("recipes.not_a_classifier", name=name, recipes=RECIPES)
    return recipe


def member_of(recipe: EnsembleRecipe, number: int) -> Recipe:
    """The recipe of an ensemble's member `number`, counted from 0.

    If `networks` names a recipe for the member, the network and augmentation are that recipe's; other settings are from `recipe`.

    Raises `UserError` if that name is not the name of a classifier's recipe.
    """
    shared = {name: value for name, value in recipe.values().items() if name not in ALONE}
    if not recipe.ensemble.networks:
        return Recipe.from_dict({**shared, "name": f"{recipe.name[:33]}-member"})
    kind = find_classifier(recipe.ensemble.networks[number % len(recipe.ensemble.networks)])
    own = {name: value for name, value in kind.values().items() if name in OF_A_KIND}
    return Recipe.from_dict({**shared, **own, "name": f"{kind.name[:33]}-member"})
