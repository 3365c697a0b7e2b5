"""The exercises of day 6: a photo as the network's input, the box of a digit, and the digit's centre of mass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.learn.exercise import Exercise, Mistake
from mnistlab.learn.language import Text

__all__ = ["EXERCISES"]

MEAN, STD = 0.1307, 0.3081


def photos() -> list[tuple[Any, ...]]:
    random = np.random.default_rng(6)
    return [(random.integers(0, 256, (28, 28)).astype(np.uint8),) for _ in range(2)]


def normalised(pixels: NDArray[Any]) -> NDArray[Any]:
    """Pixels from 0 to 1, normalised for the network: float (1, 1, 28, 28)."""
    return ((pixels - MEAN) / STD).reshape(1, 1, 28, 28)


def sizes() -> list[tuple[Any, ...]]:
    return [(120, 60), (60, 150), (37, 37), (10, 4), (47, 30), (300, 5)]


def in_box(height: int, width: int, side: float = 20, of: float | None = None) -> tuple[int, int]:
    scale = side / (max(height, width) if of is None else of)
    return max(1, round(height * scale)), max(1, round(width * scale))


def cut_short(height: int, width: int) -> tuple[int, int]:
    scale = 20 / max(height, width)
    return max(1, int(height * scale)), max(1, int(width * scale))


def images() -> list[tuple[Any, ...]]:
    random = np.random.default_rng(7)
    cases = []
    for top, left in ((0, 3), (10, 1), (4, 9)):
        image = np.zeros((28, 28), np.uint8)
        wedge = np.tri(17, 11) * np.linspace(1, 0.1, 17)[:, None]  # widest below, brightest above
        image[top : top + 17, left : left + 11] = random.integers(100, 256, (17, 11)) * wedge
        cases.append((image,))
    return cases


def to_middle(image: NDArray[Any]) -> tuple[int, int]:
    """By how many pixels to move the image down and to the right to bring its centre of mass to (14, 14)."""
    rows, columns = np.indices(image.shape)
    mass = image.astype(float)
    return round(14 - float((rows * mass).sum() / mass.sum())), round(14 - float((columns * mass).sum() / mass.sum()))


def box_to_middle(image: NDArray[Any]) -> tuple[int, int]:
    """By how many pixels to move the image down and to the right to bring the middle of the ink's box to (14, 14)."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return round(14 - float(rows[0] + rows[-1]) / 2), round(14 - float(columns[0] + columns[-1]) / 2)


EXERCISES = (
    Exercise(
        name="prepare",
        asks=Text(
            "`photo` is greyscale, dark ink on light paper, uint8 (28, 28). Turn it into what the network takes: bright"
            " ink, values scaled to the range 0 to 1, then normalised with MNIST's mean 0.1307 and standard deviation"
            " 0.3081, shape (1, 1, 28, 28).",
            "`photo` est en niveaux de gris, encre sombre sur papier clair, uint8 (28, 28). Faites-en ce que le"
            " réseau attend : encre claire, valeurs ramenées entre 0 et 1, puis normalisées avec la moyenne"
            " 0,1307 et l'écart type 0,3081 de MNIST, forme (1, 1, 28, 28).",
        ),
        parameters="photo",
        cases=photos,
        right=lambda photo: normalised(1 - photo / 255),
        mistakes=(
            Mistake(
                lambda photo: normalised(photo / 255),
                Text(
                    "The ink is still dark on light. MNIST's is bright on black: invert the values.",
                    "L'encre est restée sombre sur fond clair. Celle de MNIST est claire sur noir : inversez les"
                    " valeurs.",
                ),
            ),
            Mistake(
                lambda photo: normalised((-photo) / 255),
                Text(
                    "In uint8, a minus sign wraps around: -1 is 255, but -0 stays 0, so the blackest ink is lost. Subtract"
                    " the photo from 255 instead.",
                    "En uint8, le signe moins déborde : -1 donne 255, mais -0 reste 0, et l'encre la plus noire se"
                    " perd. Retranchez plutôt l'image de 255.",
                ),
            ),
            Mistake(
                lambda photo: normalised(-(photo / 255)),
                Text(
                    "A minus sign alone does not invert a picture: it leaves values below 0. White, now 1, has to"
                    " become 0, and black, now 0, has to become 1.",
                    "Un signe moins ne suffit pas à inverser une image : il donne des valeurs négatives. Le blanc, qui"
                    " vaut 1, doit devenir 0, et le noir, qui vaut 0, doit devenir 1.",
                ),
            ),
            Mistake(
                lambda photo: normalised(255.0 - photo),
                Text(
                    "The mean and the standard deviation are those of values from 0 to 1; yours go up to 255.",
                    "La moyenne et l'écart type valent pour des valeurs de 0 à 1 ; les vôtres vont jusqu'à 255.",
                ),
            ),
            Mistake(
                lambda photo: (1 - photo / 255).reshape(1, 1, 28, 28),
                Text(
                    "The values are inverted and from 0 to 1, but not normalised: from each value that the network has"
                    " seen, MNIST's mean was subtracted, and the result was divided by MNIST's standard deviation.",
                    "Les valeurs sont inversées, de 0 à 1, mais pas normalisées : le réseau n'a vu que des valeurs diminuées"
                    " de la moyenne de MNIST, puis divisées par son écart type.",
                ),
            ),
            Mistake(
                lambda photo: 1 - normalised(photo / 255),
                Text(
                    "These are the right steps in the wrong order: you normalised before inverting.",
                    "Les bonnes étapes, dans le mauvais ordre : vous avez normalisé avant d'inverser.",
                ),
            ),
        ),
        hint=Text(
            "Four steps, in this order: invert 0 to 255 into 255 to 0, divide by 255, normalise, reshape. What value"
            " should a white pixel have just before you normalise?",
            "Quatre étapes, dans cet ordre : inverser l'échelle (0 devient 255, et 255 devient 0), diviser"
            " par 255, normaliser, changer la forme. Que doit valoir un pixel blanc juste avant la normalisation ?",
        ),
    ),
    Exercise(
        name="size_in_box",
        asks=Text(
            "A piece of ink is `height` by `width` pixels. Return the height and width, in whole pixels and at least 1,"
            " that MNIST's preparation gives it: as large as fits into a box of 20x20, with its proportions kept.",
            "Un morceau d'encre mesure `height` sur `width` pixels. Renvoyez la hauteur et la largeur (des nombres"
            " entiers de pixels, au moins 1) que lui donne le prétraitement de MNIST : aussi grandes que le permet un"
            " carré de 20x20, sans changer les proportions.",
        ),
        parameters="height, width",
        cases=sizes,
        right=in_box,
        mistakes=(
            Mistake(
                lambda height, width: (20, 20),
                Text(
                    "You stretched the piece to fill the box. Remember what that did to the 1s.",
                    "Vous avez étiré le morceau pour remplir le carré. Souvenez-vous de ce que devenaient les 1.",
                ),
            ),
            Mistake(
                lambda height, width: in_box(height, width, of=height),
                Text(
                    "You always made the height 20. What happens to a piece that is wider than it is tall?",
                    "Vous avez toujours amené la hauteur à 20. Qu'arrive-t-il à un morceau plus large que haut ?",
                ),
            ),
            Mistake(
                lambda height, width: in_box(height, width, of=width),
                Text(
                    "You always made the width 20. What happens to a 1?",
                    "Vous avez toujours amené la largeur à 20. Qu'arrive-t-il à un 1 ?",
                ),
            ),
            Mistake(
                cut_short,
                Text(
                    "`int` cuts off everything after the decimal point: 12.8 becomes 12. Use `round`.",
                    "`int` coupe ce qui suit la virgule : 12,8 devient 12. Servez-vous de `round`.",
                ),
            ),
            Mistake(
                lambda height, width: tuple(round(side * 20 / max(height, width)) for side in (height, width)),
                Text(
                    "Nearly: a very thin piece gets a side of 0 pixels. It must have at least 1.",
                    "Presque : un morceau très fin se retrouve avec un côté de 0 pixel. Il doit en garder au moins 1.",
                ),
            ),
            Mistake(
                lambda height, width: in_box(height, width, side=28),
                Text(
                    "That fills the whole image. The box is smaller than 28 pixels and leaves a margin.",
                    "Cela remplit l'image entière. Le carré a moins de 28 pixels de côté et laisse une marge.",
                ),
            ),
        ),
        hint=Text(
            "One scale for both sides: the one that makes the longer side 20. Then `round`, and never less than 1.",
            "Une seule échelle pour les deux côtés : celle qui amène le plus grand à 20. Puis `round`, et jamais moins"
            " de 1.",
        ),
    ),
    Exercise(
        name="to_middle",
        asks=Text(
            "Return how many whole pixels an `image` (28, 28), bright ink on 0, has to move down and to the right, as"
            " (down, right), so that its centre of mass comes to lie at (14, 14). Up and left are negative.",
            "Renvoyez de combien de pixels entiers il faut déplacer une `image` (28, 28), encre claire sur fond à 0,"
            " vers le bas et vers la droite, sous la forme (bas, droite), pour que son centre de masse arrive en"
            " (14, 14). Vers le haut et vers la gauche, les nombres sont négatifs.",
        ),
        parameters="image",
        cases=images,
        right=to_middle,
        mistakes=(
            Mistake(
                lambda image: to_middle(image)[::-1],
                Text(
                    "Down and right are swapped. Down is along the rows, the first index.",
                    "Vous avez échangé le bas et la droite. Vers le bas, on compte en lignes, et c'est le premier"
                    " indice.",
                ),
            ),
            Mistake(
                lambda image: tuple(-way for way in to_middle(image)),
                Text(
                    "The sign is reversed: an image that sits too high has to move down, by a positive number.",
                    "Le signe est inversé : un chiffre placé trop haut doit descendre, et le nombre est alors positif.",
                ),
            ),
            Mistake(
                box_to_middle,
                Text(
                    "You centred the box of the ink. The centre of mass weighs each pixel by how bright it is.",
                    "Vous avez centré le cadre de l'encre. Dans le centre de masse, chaque pixel pèse selon sa clarté.",
                ),
            ),
            Mistake(
                lambda image: to_middle(image > 0),
                Text(
                    "You gave every pixel with ink the same weight. A bright one weighs more than a faint one.",
                    "Vous avez donné le même poids à tous les pixels encrés. Un pixel très clair pèse plus qu'un"
                    " pixel gris foncé.",
                ),
            ),
        ),
        hint=Text(
            "For the rows, the centre of mass is the sum of row times brightness over all pixels, divided by the sum of their"
            " brightness; likewise for the columns. How far is it from there to 14?",
            "Pour chaque pixel, multipliez le numéro de sa ligne par sa clarté ; faites la somme des produits et"
            " divisez-la par la somme des clartés : voilà le centre de masse ; de même pour les colonnes."
            " Combien reste-t-il jusqu'à 14 ?",
        ),
    ),
)
