"""The exercises of day 4: how far a cell sees, occlusion, and accuracy by corrected labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.learn.exercise import Exercise, Mistake
from mnistlab.learn.language import Text
from mnistlab.reading.onnx_graph import ReceptiveField

__all__ = ["EXERCISES"]

FIRST, POOL, LAST = 7, 2, 5
"""Sides of the kernels of the exercise's first convolution, its pooling and its last convolution."""

Image = NDArray[np.float64]
Score = Callable[[Image], float]


def sides(pool_stride: int = POOL) -> int:
    """The side of the square that a cell of the last map looks at, in pixels."""
    field = ReceptiveField(size=1, step=1, start=0).after(FIRST, 1, 0).after(POOL, pool_stride, 0)
    return field.after(LAST, 1, 0).size


def slide(image: Image, size: int, value: Callable[[int, int], float], step: int = 1) -> Image:
    """What `value` returns for the top left corner of each square that lies within the image."""
    height, width = image.shape
    return np.array(
        [[value(y, x) for x in range(0, width - size + 1, step)] for y in range(0, height - size + 1, step)]
    )


def covered(image: Image, y: int, x: int, size: int) -> Image:
    """The image itself, not a copy, with a square of zeros put on it."""
    image[y : y + size, x : x + size] = 0
    return image


def occlusion(score: Score, image: Image, size: int, step: int = 1) -> Image:
    """By how much the score falls when each square is covered."""
    return slide(image, size, lambda y, x: score(image) - score(covered(image.copy(), y, x, size)), step)


def all_covered(score: Score, image: Image, size: int) -> Image:
    """What `occlusion` gives if no square is uncovered again: a typical mistake."""
    before = score(image)
    return slide(image, size, lambda y, x: before - score(covered(image, y, x, size)))


def compared_with_itself(score: Score, image: Image, size: int) -> Image:
    """What `occlusion` gives if the image and the covered image are the same array: a typical mistake."""
    return slide(image, size, lambda y, x: score(covered(image, y, x, size)) - score(image))


def occlusion_cases() -> list[tuple[Any, ...]]:
    random = np.random.default_rng(4)
    weights = random.normal(size=(6, 7))

    def score(image: Image) -> float:
        return float(np.tanh((image * weights).sum() / 4))

    return [(score, random.uniform(0.1, 1, (6, 7)), size) for size in (2, 3)]


Labels = NDArray[np.int64]
Corrected = Mapping[int, int | None]


def corrected_accuracy(predicted: Labels, labels: Labels, corrected: Corrected) -> float:
    """The fraction of predictions that are right by the corrected labels, leaving out examples that have no right label."""
    return float((predicted == better(labels, corrected))[has_label(labels, corrected)].mean())


def better(labels: Labels, corrected: Corrected) -> Labels:
    """The corrected labels, -1 for examples that have no right label."""
    changed = labels.copy()
    for index, label in corrected.items():
        changed[index] = -1 if label is None else label
    return changed


def has_label(labels: Labels, corrected: Corrected) -> NDArray[np.bool_]:
    return better(labels, corrected) >= 0


def without_the_listed(predicted: Labels, labels: Labels, corrected: Corrected) -> float:
    kept = np.delete(np.arange(len(labels)), list(corrected))
    return float((predicted == labels)[kept].mean())


def corrected_cases() -> list[tuple[Any, ...]]:
    random = np.random.default_rng(4)
    labels = random.integers(0, 10, 60)
    predicted = labels.copy()
    predicted[:14] = (labels[:14] + 1) % 10  # wrong by the old labels
    listed = {index: int(predicted[index]) for index in (0, 1, 2)} | {
        3: int(labels[3] + 5) % 10,
        4: None,
        5: None,
        20: None,
    }
    few = {int(index): None for index in (7, 30)} | {31: int(labels[31] + 3) % 10, 8: int(predicted[8])}
    return [(predicted, labels, listed), (predicted, labels, few)]


EXERCISES = (
    Exercise(
        name="field_side",
        asks=Text(
            f"A network begins with a {FIRST}x{FIRST} convolution, a {POOL}x{POOL} max-pool and a {LAST}x{LAST}"
            " convolution. A cell of the last map looks at a square of the picture: how many pixels long is the side of"
            " that square?",
            f"Un réseau commence par une convolution de {FIRST}x{FIRST}, un max-pooling de {POOL}x{POOL} et une"
            f" convolution de {LAST}x{LAST}. Une case de la dernière carte regarde un carré de l'image : combien de"
            " pixels mesure le côté de ce carré ?",
        ),
        right=sides,
        mistakes=(
            Mistake(
                lambda: sides(pool_stride=1),
                Text(
                    "You let the pooling look at more pixels, but you did not let it halve the map. After it, how many"
                    " pixels apart are two neighbouring cells?",
                    "Vous laissez le max-pooling regarder plus de pixels, mais sans réduire la carte de moitié. Après"
                    " lui, combien de pixels de l'image séparent deux cases voisines ?",
                ),
            ),
            Mistake(
                lambda: FIRST + POOL + LAST,
                Text(
                    "You added up the sides, but the squares of neighbouring cells overlap. Go layer by layer, and"
                    " ask yourself each time how far apart the outermost cells under the kernel are.",
                    "Vous avez additionné les côtés, mais les carrés de deux cases voisines se chevauchent."
                    " Avancez couche par couche, en vous demandant chaque fois quelle distance sépare les cases"
                    " extrêmes sous le noyau.",
                ),
            ),
            Mistake(
                lambda: LAST,
                Text(
                    "That is the side counted in cells of the previous map; but each of these cells already looks"
                    " at a square of the picture.",
                    "C'est le côté compté en cases de la carte précédente ; mais chacune de ces cases regarde déjà"
                    " un carré de l'image.",
                ),
            ),
            Mistake(
                lambda: POOL * LAST,
                Text(
                    "You counted the distance from cell to cell. The first convolution and the pooling make each"
                    " cell look at a square that is wider than that.",
                    "Vous avez compté l'écart d'une case à l'autre. Avec la première convolution et le"
                    " max-pooling, chaque case regarde un carré plus large que cet écart.",
                ),
            ),
        ),
        hint=Text(
            "Go layer by layer with two numbers that begin at 1: the side of the square and the distance between"
            " neighbouring cells. A layer with a kernel of side k adds k - 1 distances to the side; the pooling"
            " then doubles the distance.",
            "Avancez couche par couche avec deux nombres qui valent 1 au départ : le côté du carré et l'écart"
            " entre deux cases voisines. Un noyau de côté k ajoute k - 1 écarts au côté ; le max-pooling double"
            " ensuite l'écart.",
        ),
    ),
    Exercise(
        name="occlusion",
        parameters="score, image, size",
        asks=Text(
            "`image` is a NumPy array (height, width), and `score(image)` gives a number. Cover the image with a"
            " square of zeros, `size` pixels wide, at every place where the square lies wholly inside the image, one"
            " after the other. Return how far the score falls each time, as an array of shape (height - size + 1,"
            " width - size + 1).",
            "`image` est un tableau NumPy (hauteur, largeur), et `score(image)` donne un nombre. Couvrez l'image"
            " d'un carré de zéros large de `size` pixels, tour à tour à chaque endroit où il tient tout entier."
            " Renvoyez un tableau de forme (hauteur - size + 1, largeur - size + 1), qui dit de combien le score"
            " baisse chaque fois.",
        ),
        right=occlusion,
        cases=occlusion_cases,
        mistakes=(
            Mistake(
                all_covered,
                Text(
                    "Your squares stay: each new one is put on an image that is already covered elsewhere."
                    " `covered = image` gives the same array a second name; it does not copy it.",
                    "Vos carrés restent : chacun se pose sur une image déjà couverte ailleurs. `covered = image`"
                    " donne un second nom au même tableau, sans le copier.",
                ),
            ),
            Mistake(
                compared_with_itself,
                Text(
                    "The score never falls, because you compare the covered image with itself: both names stand"
                    " for one array, which the square covers. Copy the image before you cover it.",
                    "Le score ne baisse jamais, car vous comparez l'image couverte à elle-même : les deux noms"
                    " désignent un seul tableau, celui que couvre le carré. Copiez l'image avant de la couvrir.",
                ),
            ),
            Mistake(
                lambda score, image, size: -occlusion(score, image, size),
                Text(
                    "The sign is reversed: when important ink is covered, the score falls, and the fall is positive.",
                    "Le signe est inversé : quand on couvre de l'encre importante, le score baisse, et la baisse est"
                    " positive.",
                ),
            ),
            Mistake(
                lambda score, image, size: slide(image, size, lambda y, x: score(covered(image.copy(), y, x, size))),
                Text(
                    "These are the scores of the covered images. The exercise asks how far they are below the score"
                    " of the uncovered image.",
                    "Ce sont les scores des images couvertes. On demande de combien ils sont au-dessous du score de"
                    " l'image intacte.",
                ),
            ),
            Mistake(
                lambda score, image, size: occlusion(score, image, size, step=size),
                Text(
                    "Your squares lie side by side. Move the square by one pixel at a time, so that neighbours"
                    " overlap.",
                    "Vos carrés sont posés côte à côte. Déplacez le carré d'un pixel à la fois : deux voisins se"
                    " chevauchent.",
                ),
            ),
        ),
        hint=Text(
            "At each place: copy the image, set the square to 0 in the copy, and subtract the copy's score from"
            " that of the image.",
            "À chaque endroit : copiez l'image, mettez le carré à 0 dans la copie, et retranchez le score de la"
            " copie de celui de l'image.",
        ),
    ),
    Exercise(
        name="corrected_accuracy",
        parameters="predicted, labels, corrected",
        asks=Text(
            "`predicted` and `labels` are NumPy arrays of whole numbers (N,); the dictionary `corrected` gives, by"
            " index, the right label of each example whose label is known to be wrong, or `None` if the example has"
            " no right label. Return the accuracy by the corrected labels, from 0 to 1; examples without a right"
            " label do not count.",
            "`predicted` et `labels` sont des tableaux NumPy d'entiers (N,) ; le dictionnaire `corrected` donne,"
            " par indice, la bonne étiquette de chaque exemple que l'on sait mal étiqueté, ou `None` si l'exemple"
            " n'en a pas de bonne. Renvoyez l'exactitude selon les étiquettes corrigées, de 0 à 1, sans compter les"
            " exemples qui n'ont pas de bonne étiquette.",
        ),
        right=corrected_accuracy,
        cases=corrected_cases,
        mistakes=(
            Mistake(
                lambda predicted, labels, corrected: float((predicted == labels).mean()),
                Text(
                    "That is the accuracy by the original labels: `corrected` has no effect on it.",
                    "C'est l'exactitude selon les étiquettes d'origine : `corrected` n'y change rien.",
                ),
            ),
            Mistake(
                lambda predicted, labels, corrected: float((predicted == better(labels, corrected)).mean()),
                Text(
                    "An example without a right label still counts here, as a mistake. Nobody can get it right, so"
                    " leave it out of both counts: that of the right answers and that of the examples.",
                    "Un exemple sans bonne étiquette compte encore ici, comme une erreur. Personne ne peut y"
                    " répondre correctement : retirez-le des deux nombres, celui des bonnes réponses et celui des exemples.",
                ),
            ),
            Mistake(
                without_the_listed,
                Text(
                    "You left out every example in `corrected`. Most of them have a right label, by which the answer"
                    " can be judged; only those with `None` do not.",
                    "Vous avez retiré tous les exemples de `corrected`. La plupart ont une bonne étiquette, selon"
                    " laquelle on peut juger la réponse ; seuls ceux à `None` n'en ont pas.",
                ),
            ),
            Mistake(
                lambda predicted, labels, corrected: float((predicted == labels)[has_label(labels, corrected)].mean()),
                Text(
                    "You left out the examples that have to be left out, but you judge the others by the old labels."
                    " Put in the corrected labels before you compare.",
                    "Vous avez retiré les exemples qu'il fallait, mais vous jugez les autres selon les anciennes"
                    " étiquettes. Mettez d'abord les étiquettes corrigées à leur place.",
                ),
            ),
        ),
        hint=Text(
            "Copy the labels, put the corrected ones in, leave out the examples for which `corrected` gives `None`,"
            " and return the fraction of the other answers that agree with their labels.",
            "Copiez les étiquettes, mettez les étiquettes corrigées à la place des fausses, retirez les exemples pour lesquels"
            " `corrected` donne `None`, et renvoyez la part des autres réponses qui concordent avec leurs étiquettes.",
        ),
    ),
)
