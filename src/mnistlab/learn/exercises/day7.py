"""The exercises of day 7: the multiplications in a convolution, the side of the maps after some blocks, and an augmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnistlab.learn.exercise import Exercise, Mistake
from mnistlab.learn.language import Text

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["EXERCISES"]


def layers() -> list[tuple[int, int, int, int]]:
    return [(1, 16, 5, 12), (16, 64, 3, 6), (32, 96, 3, 7), (3, 8, 1, 28)]


def blocks() -> list[tuple[int, int]]:
    return [(28, 1), (28, 2), (64, 3), (57, 2), (101, 4)]


def side_left(side: int, blocks: int, kernel: int = 5) -> int:
    for _ in range(blocks):
        side = (side - kernel + 1) // 2
    return side


def rounded_up(side: int, blocks: int) -> int:
    for _ in range(blocks):
        side = -(-(side - 4) // 2)
    return side


def one_too_few(side: int, blocks: int) -> int:
    for _ in range(blocks):
        side = (side - 5) // 2
    return side


def batches() -> list[tuple[Any, ...]]:
    import torch

    generator = torch.Generator().manual_seed(7)
    return [(torch.rand(count, 1, 28, 28, generator=generator) * 255,) for count in (1, 3)]


def moved(images: Tensor, down: int, right: int) -> Tensor:
    """The images, moved, with paper (0) where nothing moves in."""
    from torch.nn.functional import pad

    padded = pad(images, (2, 2, 2, 2))
    return padded[..., 2 - down : 30 - down, 2 - right : 30 - right]


def rolled(images: Tensor) -> Tensor:
    return images.roll(2, dims=3)


def filled_with_edge(images: Tensor) -> Tensor:
    result = rolled(images)
    result[..., :2] = images[..., :1]
    return result


EXERCISES = (
    Exercise(
        name="multiplications",
        asks=Text(
            "How many multiplications does a convolution take for one image? It receives `channels` maps, makes"
            " `width` maps of `side` by `side` pixels, and its kernels are `kernel` by `kernel`. Write the function for any"
            " values.",
            "Combien de multiplications une convolution demande-t-elle pour une image ? Elle reçoit `channels` cartes,"
            " produit `width` cartes de `side` sur `side` pixels, et ses noyaux mesurent `kernel` sur `kernel`."
            " Écrivez la fonction pour des valeurs quelconques.",
        ),
        parameters="channels, width, kernel, side",
        cases=layers,
        right=lambda channels, width, kernel, side: channels * width * kernel**2 * side**2,
        mistakes=(
            Mistake(
                lambda channels, width, kernel, side: channels * width * kernel**2,
                Text(
                    "That is the number of weights. Each weight is used again at every pixel of the result.",
                    "C'est le nombre de poids. Chaque poids sert une fois pour chaque pixel du résultat.",
                ),
            ),
            Mistake(
                lambda channels, width, kernel, side: width * kernel**2 * side**2,
                Text(
                    "You forgot the maps that come in: each filter looks at all of them.",
                    "Vous avez oublié les cartes qui arrivent : chaque filtre les regarde toutes.",
                ),
            ),
            Mistake(
                lambda channels, width, kernel, side: channels * width * kernel * side**2,
                Text(
                    "A kernel of side 3 has 9 weights, not 3.",
                    "Un noyau de côté 3 a 9 poids, et non 3.",
                ),
            ),
            Mistake(
                lambda channels, width, kernel, side: channels * width * kernel**2 * side,
                Text(
                    "You counted the pixels of one row. A map has `side` rows.",
                    "Vous avez compté les pixels d'une seule ligne. Une carte a `side` lignes.",
                ),
            ),
            Mistake(
                lambda channels, width, kernel, side: (channels + width) * kernel**2 * side**2,
                Text(
                    "You added the number of maps that come in and the number that go out. But each map that comes in has"
                    " its own kernel for each map that goes out.",
                    "Vous avez additionné les cartes qui entrent et celles qui sortent. Mais chaque carte qui entre a son"
                    " propre noyau pour chaque carte qui sort.",
                ),
            ),
        ),
        hint=Text(
            "Find first how many weights a kernel has, then how many kernels there are, then how often each is applied."
            " Compare the product with the table that `describe()` gives in the day's text.",
            "Cherchez d'abord le nombre de poids d'un noyau, puis le nombre de noyaux, puis combien de fois chacun est posé."
            " Comparez le produit avec le tableau que donne `describe()` dans le texte du jour.",
        ),
    ),
    Exercise(
        name="side_left",
        asks=Text(
            "A picture whose sides are `side` pixels long goes through `blocks` blocks. Each block is a 5x5"
            " convolution without padding, then a 2x2 max-pool. Return the side that is left.",
            "Une image de `side` pixels de côté traverse `blocks` blocs : chacun comprend une convolution"
            " 5x5 sans bord de zéros, puis un max-pooling 2x2. Renvoyez le côté du résultat, en pixels.",
        ),
        parameters="side, blocks",
        cases=blocks,
        right=side_left,
        mistakes=(
            Mistake(
                lambda side, blocks: side // 2**blocks,
                Text(
                    "You only halved. Without padding, each convolution takes some pixels away as well.",
                    "Vous n'avez fait que diviser par deux. Sans bord de zéros, chaque convolution enlève aussi des pixels.",
                ),
            ),
            Mistake(
                lambda side, blocks: side - 4 * blocks,
                Text(
                    "You counted only the convolutions. A max-pool follows each of them.",
                    "Vous n'avez compté que les convolutions. Un max-pooling suit chacune d'elles.",
                ),
            ),
            Mistake(
                one_too_few,
                Text(
                    "You took 5 pixels away per convolution. At how many places does a kernel of side 5 fit into 5 pixels?",
                    "Vous avez enlevé 5 pixels par convolution. Combien de positions un noyau de côté 5 peut-il"
                    " prendre le long de 5 pixels ?",
                ),
            ),
            Mistake(
                rounded_up,
                Text(
                    "You rounded up. When a side is odd, max-pool leaves out the last row.",
                    "Vous avez arrondi vers le haut. Quand un côté est impair, le max-pooling laisse tomber la dernière ligne.",
                ),
            ),
            Mistake(
                lambda side, blocks: (side - 4 * blocks) // 2**blocks,
                Text(
                    "You did all the convolutions first, then all the max-pools. Here they alternate, and the later"
                    " convolutions trim a smaller picture.",
                    "Vous avez fait toutes les convolutions, puis toutes les réductions par max-pooling. Ici, elles"
                    " alternent, et les convolutions suivantes rognent une image plus petite.",
                ),
            ),
            Mistake(
                lambda side, blocks: side_left(side, 1),
                Text(
                    "That is the side after one block. The picture goes through `blocks` of them.",
                    "C'est le côté après un seul bloc. L'image en traverse `blocks`.",
                ),
            ),
        ),
        hint=Text(
            "Write a loop over the blocks: the side after the convolution, then half of it, rounded down.",
            "Écrivez une boucle sur les blocs : le côté après la convolution, puis sa moitié, arrondie vers le bas.",
        ),
    ),
    Exercise(
        name="shift_right",
        asks=Text(
            "Write an augmentation that moves every image of a batch (B, 1, 28, 28) two pixels to the right. The pixels"
            " that come in on the left are paper, 0. Return the images alone, of the same type as those received.",
            "Écrivez une augmentation qui déplace chaque image d'un lot (B, 1, 28, 28) de deux pixels vers la droite. Ce"
            " qui entre par la gauche est du papier, 0. Renvoyez seulement les images, du même type qu'à l'entrée.",
        ),
        parameters="images",
        cases=batches,
        right=lambda images: moved(images, 0, 2),
        mistakes=(
            Mistake(
                rolled,
                Text(
                    "With `roll`, the columns that leave on the right come in again on the left. Turn these columns into paper.",
                    "`roll` fait rentrer par la gauche les colonnes qui sortent par la droite. Remplacez-les par du"
                    " papier.",
                ),
            ),
            Mistake(
                lambda images: moved(images, 2, 0),
                Text(
                    "Your images move down. The columns are the last dimension, the rows the one before.",
                    "Vos images descendent. Les colonnes sont la dernière dimension, les lignes l'avant-dernière.",
                ),
            ),
            Mistake(
                lambda images: moved(images, 0, -2),
                Text(
                    "Your images move to the left. A pixel of the result comes from a column two places further left.",
                    "Vos images vont vers la gauche. Un pixel du résultat vient d'une colonne située deux rangs plus à"
                    " gauche.",
                ),
            ),
            Mistake(
                filled_with_edge,
                Text(
                    "You repeated the edge. The pixels that come in from outside are paper, 0.",
                    "Vous avez répété le bord. Ce qui vient de l'extérieur est du papier, 0.",
                ),
            ),
        ),
        hint=Text(
            "Begin with zeros of the same shape, and copy into them all columns except the last two, moving each column"
            " two places to the right.",
            "Partez d'un tenseur de zéros de même forme, et copiez-y toutes les colonnes, sauf les deux dernières,"
            " deux rangs plus à droite.",
        ),
    ),
)
