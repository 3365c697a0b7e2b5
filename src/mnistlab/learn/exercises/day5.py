"""The exercises of day 5: keeping all images by some writers for validation, McNemar's test, and how many seeds a mean needs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mnistlab.learn.exercise import Exercise, Mistake
from mnistlab.learn.language import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Writers = NDArray[np.int64]

__all__ = ["EXERCISES"]


def kept(writers: Writers, every: int, first: int = 0) -> Bools:
    return np.isin(writers, np.unique(writers)[first::every])


def writers_and_every() -> list[tuple[Any, ...]]:
    random = np.random.default_rng(5)
    numbers = np.array([12, 13, 19, 40, 41, 77, 105, 230, 231, 502])
    return [(random.choice(numbers, size), every) for size, every in ((30, 3), (60, 4), (25, 2))]


def fair_coins(heads: int, tails: int, alternative: Literal["two-sided", "less", "greater"] = "two-sided") -> float:
    from scipy.stats import binomtest

    return float(binomtest(heads, heads + tails, alternative=alternative).pvalue)


def mistakes_of_two() -> list[tuple[Any, ...]]:
    random = np.random.default_rng(6)
    hard = random.random(400) < 0.05
    return [(hard | (random.random(400) < own), hard | (random.random(400) < 0.02)) for own in (0.05, 0.03, 0.06)]


def seeds(std: float, half: float, z: float = 1.96) -> int:
    return math.ceil((z * std / half) ** 2)


EXERCISES = (
    Exercise(
        name="keep_writers",
        asks=Text(
            "Write a split by writer: `writers`, int (N,), says who wrote each image. Return a bool array (N,) that is"
            " true for the images to keep for validation. Sort the writers by number, divide them into groups of `every`,"
            " and keep all the images by the first writer of each group.",
            "Écrivez un découpage par scripteur. `writers`, int (N,), dit qui a écrit chaque image. Renvoyez un"
            " tableau bool (N,), vrai pour les images à garder pour la validation : toutes celles d'un scripteur sur"
            " `every`, dans l'ordre des numéros, en commençant par le plus petit numéro.",
        ),
        parameters="writers, every",
        cases=writers_and_every,
        right=kept,
        mistakes=(
            Mistake(
                lambda writers, every: np.arange(len(writers)) % every == 0,
                Text(
                    "You kept one in `every` *images*. The same handwriting is then on both sides: keep all the images"
                    " of a writer, or none.",
                    "Vous avez gardé une *image* sur `every`. Les mêmes écritures sont alors des deux côtés : il faut"
                    " garder toutes les images d'un scripteur, ou aucune.",
                ),
            ),
            Mistake(
                lambda writers, every: writers % every == 0,
                Text(
                    "You divided the writers' numbers, but there are gaps between them. Count only the writers who"
                    " exist: what does `np.unique` give?",
                    "Vous avez divisé les numéros, mais la numérotation a des trous. Comptez les scripteurs qui"
                    " existent : que donne `np.unique` ?",
                ),
            ),
            Mistake(
                lambda writers, every: ~kept(writers, every),
                Text(
                    "That is the other side: the images to train on. True stands for the images kept for validation.",
                    "C'est l'autre côté : les images d'entraînement. Vrai désigne les images gardées pour la validation.",
                ),
            ),
            Mistake(
                lambda writers, every: kept(writers, every, every - 1),
                Text(
                    "You began with a later writer. The writer with the lowest number is the first to be kept.",
                    "Vous avez commencé trop loin. Le premier scripteur gardé est celui qui a le plus petit numéro.",
                ),
            ),
        ),
        hint=Text(
            "Two steps: list the writers' numbers, each once and in order (`np.unique`), and keep the first of each group of"
            " `every`; then find, for each image, whether its writer is among those kept (`np.isin`).",
            "Deux étapes : prenez les numéros des scripteurs, chacun une fois et dans l'ordre (`np.unique`), et"
            " gardez-en un sur `every` ; puis cherchez, pour chaque image, si son scripteur est parmi eux (`np.isin`).",
        ),
    ),
    Exercise(
        name="mcnemar",
        asks=Text(
            "Write McNemar's test: from two bool arrays (N,) that say which images the first and the second network"
            " got wrong, return the p-value. `binomtest` is allowed.",
            "Écrivez le test de McNemar : à partir de deux tableaux bool (N,) qui disent quelles images le premier et"
            " le second réseau ont mal lues, renvoyez la valeur p. `binomtest` est permis.",
        ),
        parameters="first_wrong, second_wrong",
        cases=mistakes_of_two,
        right=lambda first, second: fair_coins(int((first & ~second).sum()), int((second & ~first).sum())),
        mistakes=(
            Mistake(
                lambda first, second: fair_coins(int(first.sum()), int(second.sum())),
                Text(
                    "You also counted the images that both got wrong. They do not say which network is better: leave"
                    " them out.",
                    "Vous avez compté aussi les images que les deux ont mal lues. Elles ne disent pas lequel est le"
                    " meilleur : laissez-les de côté.",
                ),
            ),
            Mistake(
                lambda first, second: fair_coins(int((first & ~second).sum()), int((second & ~first).sum()), "greater"),
                Text(
                    "You counted one direction only. Before you looked, the second network could just as well have"
                    " been the worse one: both directions count.",
                    "Vous n'avez compté que dans un sens. Avant le test, le second réseau pouvait tout aussi bien"
                    " être le moins bon : les deux sens comptent.",
                ),
            ),
            Mistake(
                lambda first, second: fair_coins(int((first & ~second).sum()), int((second & ~first).sum()), "less"),
                Text(
                    "You asked only whether the first network is the better one. Before you looked, it could just as"
                    " well have been the worse one: both directions count.",
                    "Vous avez seulement demandé si le premier réseau est le meilleur. Avant le test, il pouvait"
                    " tout aussi bien être le moins bon : les deux sens comptent.",
                ),
            ),
            Mistake(
                lambda first, second: fair_coins(int((first == second).sum()), int((first != second).sum())),
                Text(
                    "You tested how often the two networks agree. Among the images on which they differ, how many does"
                    " each get wrong?",
                    "Votre test porte sur la fréquence à laquelle les deux réseaux sont d'accord. Parmi les images où ils"
                    " diffèrent, combien chacun en lit-il mal ?",
                ),
            ),
        ),
        hint=Text(
            "Count the images that only the first network got wrong, and those that only the second got wrong. Then"
            " ask: if a fair coin were tossed for each of these images, how often would the split be at least as uneven?",
            "Comptez les images que seul le premier réseau a mal lues, et celles que seul le second a mal lues. Cherchez"
            " ensuite ceci : si l'on lançait une pièce équilibrée pour chacune de ces images, à quelle fréquence le partage"
            " serait-il au moins aussi inégal ?",
        ),
    ),
    Exercise(
        name="seeds_needed",
        asks=Text(
            "The accuracies of single training runs of a recipe have the standard deviation `std`. Over how many"
            " seeds, at least, must you take the mean so that its 95 % interval, mean ± 1.96 standard errors, extends"
            " by at most `half` to each side?",
            "Les exactitudes des entraînements d'une recette ont pour écart type `std`. Sur combien de graines, au"
            " moins, faut-il prendre la moyenne pour que son intervalle à 95 %, moyenne ± 1,96 erreur type, s'étende"
            " de `half` au plus de chaque côté ?",
        ),
        parameters="std, half",
        cases=lambda: [(0.09, 0.02), (0.05, 0.01), (0.06, 0.05)],
        right=seeds,
        mistakes=(
            Mistake(
                lambda std, half: math.ceil(1.96 * std / half),
                Text(
                    "You assumed that the mean over n seeds is n times as precise as one run. It is only √n times as"
                    " precise.",
                    "Dans votre calcul, la moyenne de n graines est n fois plus précise qu'un seul entraînement. Elle"
                    " ne l'est que √n fois plus.",
                ),
            ),
            Mistake(
                lambda std, half: seeds(std, half, 1.0),
                Text(
                    "You left out the 1.96: an interval of one standard error to each side contains the truth in only 68 of"
                    " 100 cases.",
                    "Vous avez oublié le 1,96 : un intervalle d'une erreur type de chaque côté ne contient la vraie"
                    " valeur que 68 fois sur 100.",
                ),
            ),
            Mistake(
                lambda std, half: math.floor((1.96 * std / half) ** 2),
                Text(
                    "You rounded down. With that many seeds, the interval is still a little too wide.",
                    "Vous avez arrondi vers le bas. Avec ce nombre de graines, l'intervalle est encore un peu trop large.",
                ),
            ),
            Mistake(
                lambda std, half: seeds(std, half / 2),
                Text(
                    "You took `half` for the whole width, but `half` is how far the interval extends to one side.",
                    "Vous avez pris `half` pour la largeur totale, mais `half` est l'étendue d'un seul côté.",
                ),
            ),
        ),
        hint=Text(
            "The standard error of a mean of n values is std / √n. Solve 1.96 std / √n ≤ half for n, and round up to a"
            " whole number.",
            "L'erreur type d'une moyenne de n valeurs est std / √n. Cherchez à partir de quel n on a 1,96 std / √n ≤"
            " half, et arrondissez à l'entier supérieur.",
        ),
    ),
)
