"""The exercises of day 2: normalising pixels, counting batches, taking a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from mnistlab.learn.exercise import Exercise, Mistake
from mnistlab.learn.language import Text

__all__ = ["EXERCISES"]


def pixels_and_scales() -> list[tuple[Any, ...]]:
    """Pixels uint8, a mean and a standard deviation."""
    return [
        (np.array([[0, 51], [102, 255]], np.uint8), 0.1307, 0.3081),
        (np.array([[255, 0, 7]], np.uint8), 0.5, 0.25),
    ]


def shuffled_images() -> list[tuple[Any, ...]]:
    """Small images (10, 2, 2), an order, a batch's number, and a batch size; in one case, the batch is the last, smaller one."""
    images = np.arange(40).reshape(10, 2, 2)
    order = np.array([7, 1, 9, 4, 0, 3, 8, 2, 6, 5])
    return [(images, order, number, 4) for number in (1, 2, 0)]


EXERCISES = (
    Exercise(
        "normalised",
        Text(
            "Do with `pixels`, a NumPy array of `uint8`, what `ToTensor` and then `Normalize` do; `mean` and `std` are the"
            " mean and the standard deviation of pixels scaled to the range from 0 to 1.",
            "Faites ce que font `ToTensor` puis `Normalize` à partir de `pixels`, un tableau NumPy de `uint8` ;"
            " `mean` et `std` sont la moyenne et l'écart type des pixels ramenés entre 0 et 1.",
        ),
        right=lambda pixels, mean, std: (pixels / 255 - mean) / std,
        mistakes=(
            Mistake(
                lambda pixels, mean, std: (pixels.astype(np.float64) - mean) / std,
                Text(
                    "`ToTensor` is missing: the pixels still go up to 255, but the mean is that of pixels from 0 to 1.",
                    "Il manque `ToTensor` : les pixels vont encore jusqu'à 255, alors que la moyenne est celle de"
                    " pixels de 0 à 1.",
                ),
            ),
            Mistake(
                lambda pixels, mean, std: pixels / 255,
                Text("That is `ToTensor` alone.", "C'est `ToTensor` tout seul."),
            ),
            Mistake(
                lambda pixels, mean, std: (pixels / 255 - std) / mean,
                Text(
                    "You swapped the mean and the standard deviation. Which one moves the pixels' centre to 0?",
                    "Vous avez échangé la moyenne et l'écart type. Lequel des deux soustrait-on pour centrer les valeurs sur 0 ?",
                ),
            ),
            Mistake(
                lambda pixels, mean, std: pixels / 255 - mean / std,
                Text(
                    "Division comes before subtraction: only the mean was divided. Brackets are missing.",
                    "La division passe avant la soustraction : seule la moyenne a été divisée. Il manque des"
                    " parenthèses.",
                ),
            ),
            Mistake(
                lambda pixels, mean, std: (pixels / 255 - mean) * std,
                Text(
                    "You multiplied by the standard deviation. That makes the spread even smaller, but it should"
                    " become 1.",
                    "Vous avez multiplié par l'écart type. La dispersion diminue encore, alors qu'elle doit"
                    " atteindre 1.",
                ),
            ),
        ),
        hint=Text(
            "Two steps: first bring the pixels to the range from 0 to 1, then subtract one number and divide by the other.",
            "En deux temps : ramenez d'abord les pixels entre 0 et 1, puis soustrayez un des deux nombres et divisez par"
            " l'autre.",
        ),
        parameters="pixels, mean, std",
        cases=pixels_and_scales,
    ),
    Exercise(
        "batch_count",
        Text(
            "A loader gives 60,000 pictures in batches of 128, the last of which may be smaller. What is"
            " `len(loader)`?",
            "Un chargeur fournit 60 000 images en lots de 128, dont le dernier peut être plus petit. Que vaut"
            " `len(loader)` ?",
        ),
        right=lambda: -(-60_000 // 128),
        mistakes=(
            Mistake(
                lambda: 60_000 // 128,
                Text(
                    "You rounded down: the pictures that remain after the last full batch are lost. That is what"
                    " `drop_last=True` does.",
                    "Vous avez arrondi vers le bas : ce qui reste après le dernier lot complet est perdu. C'est"
                    " l'effet de `drop_last=True`.",
                ),
            ),
            Mistake(
                lambda: 60_000,
                Text(
                    "That is `len(loader.dataset)`, the number of pictures. A loader counts batches.",
                    "C'est `len(loader.dataset)`, le nombre d'images. Un chargeur compte des lots.",
                ),
            ),
            Mistake(
                lambda: 128,
                Text(
                    "That is how many pictures a batch holds. How many batches do you need?",
                    "C'est le nombre d'images d'un lot. Combien de lots faut-il ?",
                ),
            ),
            Mistake(
                lambda: -(-60_000 // 64),
                Text(
                    "You counted batches of 64, as in the day's text. Here they hold 128.",
                    "Vous avez compté des lots de 64, comme dans le texte du jour. Ici, ils sont de 128.",
                ),
            ),
        ),
        hint=Text(
            "Divide, and ask yourself what happens to the pictures that are left over.",
            "Divisez, puis demandez-vous ce que deviennent les images qui restent.",
        ),
    ),
    Exercise(
        "take_batch",
        Text(
            "An epoch visits `images` (N, H, W) in batches of `batch_size`, in the order given by"
            " `order` (N,), which holds positions in `images`. Return the images of batch `number`, counted from 0.",
            "Une époque parcourt `images` (N, H, W) par lots de `batch_size`, dans l'ordre que donne"
            " `order` (N,), qui contient des positions dans `images`. Renvoyez les images du lot `number`, compté à partir de 0.",
        ),
        right=lambda images, order, number, batch_size: images[order[number * batch_size : (number + 1) * batch_size]],
        mistakes=(
            Mistake(
                lambda images, order, number, batch_size: images[number * batch_size : (number + 1) * batch_size],
                Text(
                    "These are the images in the order of the file. `order` says in which order to take them.",
                    "Ce sont les images dans l'ordre du fichier. C'est `order` qui dit dans quel ordre les prendre.",
                ),
            ),
            Mistake(
                lambda images, order, number, batch_size: order[number * batch_size : (number + 1) * batch_size],
                Text(
                    "These are the positions of the images. Take the images at those positions.",
                    "Ce sont les positions des images. Prenez les images qui s'y trouvent.",
                ),
            ),
            Mistake(
                lambda images, order, number, batch_size: images[order[number : number + batch_size]],
                Text(
                    "Your batches overlap: batch 1 begins one image after batch 0. Where does batch 0 end?",
                    "Vos lots se chevauchent : le lot 1 commence une image après le lot 0. Où finit le lot 0 ?",
                ),
            ),
            Mistake(
                lambda images, order, number, batch_size: images[
                    order[max(number - 1, 0) * batch_size : number * batch_size]
                ],
                Text(
                    "You count batches from 1. The first one is batch 0.",
                    "Vous comptez les lots à partir de 1. Le premier est le lot 0.",
                ),
            ),
            Mistake(
                lambda images, order, number, batch_size: images[
                    np.argsort(order)[number * batch_size : (number + 1) * batch_size]
                ],
                Text(
                    "You used the inverse permutation: `order[0]` is the position of the image that comes first.",
                    "Vous avez pris la permutation inverse : `order[0]` est la position de l'image qui vient en premier.",
                ),
            ),
        ),
        hint=Text(
            "Cut the batch's piece out of `order`, then use it as an index into `images`, as `LittleLoader` does.",
            "Découpez dans `order` la part du lot, puis servez-vous-en pour indexer `images`, comme le fait"
            " `LittleLoader`.",
        ),
        parameters="images, order, number, batch_size",
        cases=shuffled_images,
    ),
)
