"""The exercises of day 1: pictures as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from mnistlab.learn.exercise import Exercise, Mistake
from mnistlab.learn.language import Text

__all__ = ["EXERCISES"]


def some_images() -> list[tuple[Any, ...]]:
    """Images uint8 (28, 28) with paper, full ink and greys."""
    stroke = np.zeros((28, 28), np.uint8)
    stroke[4:24, 12:15] = [90, 255, 130]
    ramp = np.arange(784).reshape(28, 28) % 256
    return [(stroke,), (ramp.astype(np.uint8),)]


EXERCISES = (
    Exercise(
        "position",
        Text(
            "A digit of 28x28 pixels is laid out as a row of 784 numbers. At which position is the pixel of row"
            " `row` and column `column`? Rows, columns and positions are all counted from 0.",
            "Les 28x28 pixels d'un chiffre sont alignés en une seule rangée de 784 nombres. À quelle position se"
            " trouve le pixel de la ligne `row` et de la colonne `column` ? Tout se compte à partir de 0.",
        ),
        right=lambda row, column: row * 28 + column,
        mistakes=(
            Mistake(
                lambda row, column: column * 28 + row,
                Text(
                    "You laid the columns end to end. `reshape` goes through a whole row before it begins the next one.",
                    "Vous avez mis les colonnes bout à bout. `reshape` parcourt toute une ligne avant d'entamer la"
                    " suivante.",
                ),
            ),
            Mistake(
                lambda row, column: (row - 1) * 28 + column - 1,
                Text(
                    "You count rows and columns from 1. Python's first row is row 0.",
                    "Vous comptez les lignes et les colonnes à partir de 1. Pour Python, la première est la ligne 0.",
                ),
            ),
            Mistake(
                lambda row, column: row * 28 + column + 1,
                Text(
                    "Positions are counted from 0 too: where is the very first pixel?",
                    "La position se compte aussi à partir de 0 : où se trouve le tout premier pixel ?",
                ),
            ),
            Mistake(
                lambda row, column: row * 27 + column,
                Text(
                    "The last index of a row is 27, but how many pixels does a whole row hold?",
                    "Le dernier indice d'une ligne est 27, mais combien de pixels une ligne entière contient-elle ?",
                ),
            ),
        ),
        hint=Text(
            "How many whole rows come before the pixel's own row, and how many pixels is that?",
            "Combien de lignes entières viennent avant celle du pixel, et combien de pixels cela fait-il ?",
        ),
        parameters="row, column",
        cases=lambda: [(0, 0), (0, 27), (1, 0), (13, 14), (27, 27)],
    ),
    Exercise(
        "ink_share",
        Text(
            "What share of an image's pixels have ink, however little? `image` is a NumPy array of `uint8` in"
            " which 0 is paper; return a number from 0 to 1.",
            "Quelle part des pixels d'une image porte de l'encre, si peu que ce soit ? `image` est un tableau"
            " NumPy de `uint8`, où 0 est le papier ; renvoyez un nombre de 0 à 1.",
        ),
        right=lambda image: (image > 0).mean(),
        mistakes=(
            Mistake(
                lambda image: image.mean() / 255,
                Text(
                    "That is how much ink a pixel has on average: a grey pixel counts for less than one of full"
                    " ink. For the share, each pixel with ink counts the same.",
                    "C'est la quantité moyenne d'encre par pixel : un pixel gris y compte moins qu'un pixel"
                    " d'encre pleine. Ici, chaque pixel encré compte autant qu'un autre.",
                ),
            ),
            Mistake(
                lambda image: image.mean(),
                Text(
                    "That is the average of the numbers, from 0 to 255. Ask of each pixel a question whose answer is"
                    " yes or no.",
                    "C'est la moyenne des nombres, de 0 à 255. Posez plutôt à chaque pixel une question à laquelle"
                    " on répond par oui ou par non.",
                ),
            ),
            Mistake(
                lambda image: (image > 0).sum(),
                Text(
                    "That is how many pixels have ink. A share is a fraction of the whole.",
                    "C'est le nombre de pixels encrés. Une part est une fraction du tout.",
                ),
            ),
            Mistake(
                lambda image: (image == 0).mean(),
                Text("That is the share of paper.", "C'est la part du papier."),
            ),
            Mistake(
                lambda image: (image == 255).mean(),
                Text(
                    "You count full ink only. A grey pixel has ink too.",
                    "Vous ne comptez que l'encre pleine. Un pixel gris est encré, lui aussi.",
                ),
            ),
        ),
        hint=Text(
            "`image > 0` is True where there is ink, and True counts as 1.",
            "`image > 0` vaut True là où il y a de l'encre, et True compte pour 1.",
        ),
        parameters="image",
        cases=some_images,
    ),
    Exercise(
        "brighter",
        Text(
            "Add `by` (a whole number from 0 to 255) to each pixel of `image`, a NumPy array of `uint8`. Values that"
            " would exceed 255 become 255.",
            "Ajoutez `by` (un nombre entier de 0 à 255) à chaque pixel de `image`, un tableau NumPy de `uint8`. Ce"
            " qui dépasserait 255 devient 255.",
        ),
        right=lambda image, by: np.minimum(image.astype(np.int64) + by, 255),
        mistakes=(
            Mistake(
                lambda image, by: (image.astype(np.int64) + by) % 256,
                Text(
                    "Some bright pixels came out dark: the sum started again from 0 after 255, before you could limit"
                    " it. Which type was it computed in?",
                    "Des pixels clairs sont devenus sombres : la somme est repartie de zéro après 255, avant que vous"
                    " ayez pu la limiter. Dans quel type a-t-elle été calculée ?",
                ),
            ),
            Mistake(
                lambda image, by: image.astype(np.int64) + by,
                Text(
                    "Some of your pixels exceed 255. Which function limits an array to a range?",
                    "Certains de vos pixels dépassent 255. Quelle fonction limite à un intervalle les valeurs"
                    " d'un tableau ?",
                ),
            ),
            Mistake(
                lambda image, by: np.where(image.astype(np.int64) + by > 255, image, image + by),
                Text(
                    "The pixels that would exceed 255 stayed as they were.",
                    "Les pixels qui auraient dépassé 255 sont restés tels quels.",
                ),
            ),
        ),
        hint=Text(
            "Change the type, add, then limit the result with `np.minimum` or `np.clip`.",
            "Changez de type, ajoutez, puis limitez le résultat avec `np.minimum` ou `np.clip`.",
        ),
        parameters="image, by",
        cases=lambda: [(image, by) for (image,) in some_images() for by in (10, 100)],
    ),
)
