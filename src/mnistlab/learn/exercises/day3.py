"""The exercises of day 3: sides of feature maps, the convolution itself, and cross-entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnistlab.learn.exercise import Exercise, Mistake
from mnistlab.learn.language import Text

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["EXERCISES"]


def convolve(picture: Tensor, kernel: Tensor, padding: int = 0) -> Tensor:
    from torch.nn.functional import conv2d

    return conv2d(picture[None, None], kernel[None, None], padding=padding)[0, 0]


def pictures_and_kernels() -> list[tuple[Any, ...]]:
    import torch

    generator = torch.Generator().manual_seed(3)
    sizes = [((6, 6), (3, 3)), ((5, 7), (3, 3)), ((9, 6), (2, 2))]
    return [tuple(torch.randn(size, generator=generator) for size in pair) for pair in sizes]


def logits_and_labels() -> list[tuple[Any, ...]]:
    import torch

    generator = torch.Generator().manual_seed(4)
    return [(torch.randn(10, generator=generator) * 3, label) for label in (0, 3, 9)]


EXERCISES = (
    Exercise(
        name="side",
        asks=Text(
            "A 28x28 picture goes through a 5x5 convolution without padding, then a 2x2 max-pool. How long is the"
            " side of the result?",
            "Une image de 28x28 passe par une convolution 5x5 sans bord de zéros, puis par un max-pooling 2x2."
            " Combien mesure le côté du résultat ?",
        ),
        right=lambda: (28 - 5 + 1) // 2,
        mistakes=(
            Mistake(
                lambda: 28 // 2,
                Text(
                    "You kept the 28 pixels through the convolution: only padding keeps them. At how many places does"
                    " a kernel of side 5 fit into 28 pixels?",
                    "Vous avez gardé 28 pixels après la convolution : il faudrait pour cela un bord de zéros. Combien"
                    " de positions un noyau de côté 5 peut-il prendre le long de 28 pixels ?",
                ),
            ),
            Mistake(
                lambda: (28 - 5) // 2,
                Text(
                    "You counted 28 - 5 places for the kernel. Count them on a small picture: at how many places does"
                    " a kernel of side 5 fit into 5 pixels?",
                    "Vous avez compté 28 - 5 positions pour le noyau. Comptez sur une petite image : combien de"
                    " positions un noyau de côté 5 peut-il prendre le long de 5 pixels ?",
                ),
            ),
            Mistake(
                lambda: 28 - 5 + 1,
                Text(
                    "That is the side after the convolution. The max-pool comes after it.",
                    "C'est le côté après la convolution. Il reste encore le max-pooling.",
                ),
            ),
            Mistake(
                lambda: 28 // 2 - 5 + 1,
                Text(
                    "You pooled first. Here the convolution comes first.",
                    "Vous avez commencé par le max-pooling. Ici, la convolution vient d'abord.",
                ),
            ),
        ),
        hint=Text(
            "Do it in two steps: at how many places does the kernel fit along 28 pixels, and what does the max-pool"
            " leave of that number?",
            "Procédez en deux temps : combien de positions le noyau peut-il prendre le long de 28 pixels, et que"
            " laisse le max-pooling de ce nombre ?",
        ),
    ),
    Exercise(
        name="convolve",
        asks=Text(
            "Write the convolution of a picture (H, W) with a square kernel, as `nn.Conv2d` computes it without"
            " padding, for pictures and kernels of any size.",
            "Écrivez la convolution d'une image (H, W) par un noyau carré, telle que `nn.Conv2d` la calcule sans"
            " bord de zéros, quelles que soient les tailles.",
        ),
        parameters="picture, kernel",
        cases=pictures_and_kernels,
        right=convolve,
        mistakes=(
            Mistake(
                lambda picture, kernel: convolve(picture, kernel.flip(0, 1)),
                Text(
                    "You flipped the kernel, as mathematicians do in a convolution. `nn.Conv2d` uses it as it is.",
                    "Vous avez retourné le noyau, comme le veut la convolution des mathématiciens. `nn.Conv2d` le"
                    " pose tel quel.",
                ),
            ),
            Mistake(
                lambda picture, kernel: convolve(picture, kernel.T),
                Text(
                    "The kernel's rows and columns are swapped. The first index is the row.",
                    "Les lignes et les colonnes du noyau sont échangées. Le premier indice est la ligne.",
                ),
            ),
            Mistake(
                lambda picture, kernel: convolve(picture, kernel)[:-1, :-1],
                Text(
                    "The last row and the last column are missing: a kernel of side k fits at H - k + 1 places, not"
                    " at H - k.",
                    "Il manque la dernière ligne et la dernière colonne : un noyau de côté k peut prendre H - k + 1"
                    " positions, et non H - k.",
                ),
            ),
            Mistake(
                lambda picture, kernel: convolve(picture, kernel, padding=len(kernel) // 2),
                Text(
                    "You added a border of zeros. Without padding, the kernel stays inside the picture.",
                    "Vous avez ajouté un bord de zéros. Sans lui, le noyau ne sort pas de l'image.",
                ),
            ),
            Mistake(
                lambda picture, kernel: convolve(picture, kernel) / kernel.numel(),
                Text(
                    "You took the mean of the products. A convolution takes their sum.",
                    "Vous avez pris la moyenne des produits. Une convolution en prend la somme.",
                ),
            ),
        ),
        hint=Text(
            "For each place: cut the window out of the picture, multiply it by the kernel, take the sum. Try it on"
            " the 6x6 picture in the day's text, where you know the result.",
            "Pour chaque position : découpez la fenêtre dans l'image, multipliez-la par le noyau, prenez la somme."
            " Essayez sur l'image 6x6 du texte du jour, dont vous connaissez le résultat.",
        ),
    ),
    Exercise(
        name="loss_of",
        asks=Text(
            "Write a function that computes the cross-entropy of one picture from its ten `logits` and its"
            " `label`, without `CrossEntropyLoss`.",
            "Écrivez une fonction qui calcule l'entropie croisée d'une seule image à partir de ses dix `logits` et"
            " de son étiquette `label`, sans `CrossEntropyLoss`.",
        ),
        parameters="logits, label",
        cases=logits_and_labels,
        right=lambda logits, label: -logits.log_softmax(0)[label],
        mistakes=(
            Mistake(
                lambda logits, label: logits.log_softmax(0)[label],
                Text(
                    "The minus sign is missing. The logarithm of a probability is negative, but a loss must not be.",
                    "Il manque le signe moins. Le logarithme d'une probabilité est négatif, alors qu'une perte ne"
                    " doit pas l'être.",
                ),
            ),
            Mistake(
                lambda logits, label: logits.softmax(0)[label],
                Text(
                    "That is the probability of the right digit. The loss is minus its logarithm.",
                    "C'est la probabilité du bon chiffre. La perte est l'opposé de son logarithme.",
                ),
            ),
            Mistake(
                lambda logits, label: -logits.softmax(0).log_softmax(0)[label],
                Text(
                    "You applied softmax twice: cross-entropy takes logits, not probabilities.",
                    "Vous avez appliqué le softmax deux fois : l'entropie croisée prend des logits, pas des probabilités.",
                ),
            ),
            Mistake(
                lambda logits, label: -logits[label],
                Text(
                    "You left out the other digits: divide by the sum of all ten exponentials, or subtract the"
                    " logarithm of that sum.",
                    "Vous avez oublié les autres chiffres : divisez par la somme des dix exponentielles, ou"
                    " soustrayez le logarithme de cette somme.",
                ),
            ),
            Mistake(
                lambda logits, label: -logits.log_softmax(0).mean(),
                Text(
                    "You took the mean over all ten digits. Only the right one, `label`, counts.",
                    "Vous avez pris la moyenne sur les dix chiffres. Seul compte le bon, `label`.",
                ),
            ),
        ),
        hint=Text(
            "Three steps: the softmax of the logits, the probability at position `label`, minus its logarithm.",
            "Trois étapes : le softmax des logits, la probabilité à la position `label`, l'opposé de son logarithme.",
        ),
    ),
)
