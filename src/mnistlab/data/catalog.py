"""One row for each dataset that can be used like MNIST: where its files are, what they hold, and its pitfalls."""

from __future__ import annotations

import string
from dataclasses import dataclass, field, replace
from typing import Literal

from mnistlab.data.normalisation import Normalisation
from mnistlab.errors import UserError
from mnistlab.files import shorten

__all__ = ["DATASETS", "DatasetSpec", "FileSpec", "Part", "find_spec"]


Part = Literal["train", "test"]
PARTS: tuple[Part, Part] = ("train", "test")


@dataclass(frozen=True)
class FileSpec:
    """One raw file: its name, what it holds, how many examples, and its SHA-256 if one has been published."""

    name: str
    kind: Literal["images", "labels", "both"]
    count: int
    sha256: str | None = None


@dataclass(frozen=True)
class DatasetSpec:
    """What is known about a dataset before it is read: a row of `DATASETS`.

    Parameters
    ----------
    name, title : str
        The dataset's name in commands, and its name in sentences.
    classes : tuple of str
        The name of each class, in the order of the labels.
    mean, std : float
        Mean and standard deviation of the training images' pixels, scaled to [0, 1].
    folder : str
        The folder in which torchvision keeps the raw files, relative to torchvision's root.
    files : tuple of FileSpec
        Training images, training labels, test images, test labels; or a training and a test file, each with images and labels.
    torchvision_class, torchvision_arguments : str, dict
        The class that downloads the dataset, and its arguments; the class is "" if torchvision lacks the dataset.
    image_size : (int, int)
        Height and width in pixels.
    transposed : bool
        Whether rows and columns are swapped in the files (EMNIST); reading puts the images upright.
    first_label : int
        The label that the first class has in the files (EMNIST letters and USPS start at 1).
    bundled : bool
        Whether a copy ships in the package.
    corrected_test_labels : dict
        By index, the right label of each test example whose label is known to be wrong; None if no label would be right.
    writers : dict
        For "train" and "test", the SHA-256 of the packaged file that says who wrote each example; empty if unknown.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    mean: float
    std: float
    folder: str = ""
    files: tuple[FileSpec, ...] = ()
    torchvision_class: str = ""
    torchvision_arguments: dict[str, str] = field(default_factory=dict)
    image_size: tuple[int, int] = (28, 28)
    transposed: bool = False
    first_label: int = 0
    bundled: bool = False
    corrected_test_labels: dict[int, int | None] = field(default_factory=dict)
    writers: dict[Part, str] = field(default_factory=dict)

    @property
    def normalisation(self) -> Normalisation:
        """The mean and std together, as a `Normalisation`."""
        return Normalisation(self.mean, self.std)

    @property
    def digits(self) -> tuple[int, ...]:
        """The digit of each class; empty unless every class is a digit."""
        return tuple(int(name) for name in self.classes) if set(self.classes) <= set("0123456789") else ()

    def part_files(self, part: Part) -> tuple[FileSpec, ...]:
        """The files of one part: (images, labels), or one file that holds both."""
        half = len(self.files) // 2
        return self.files[:half] if part == "train" else self.files[half:]


def idx_files(
    names: tuple[str, str, str, str], train: int, test: int, sums: tuple[str | None, ...] = (None,) * 4
) -> tuple[FileSpec, ...]:
    counts = (train, train, test, test)
    kinds: tuple[Literal["images", "labels"], ...] = ("images", "labels", "images", "labels")
    return tuple(FileSpec(*row) for row in zip(names, kinds, counts, sums, strict=True))


MNIST_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
MNIST_SUMS = (
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
)
FASHION_SUMS = (
    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
)

DIGITS = tuple(string.digits)
ALL_CHARACTERS = tuple(string.digits + string.ascii_uppercase + string.ascii_lowercase)
# Lower-case letters that look like their capitals share a class with them (Cohen et al. 2017, EMNIST, section II).
MERGED_CHARACTERS = tuple(c for c in ALL_CHARACTERS if c not in set("cijklmopsuvwxyz"))
FASHION_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

# In the "label errors" study (Northcutt et al. 2021, "Pervasive label errors in test sets"), five people judged each image. Most
# preferred another label for the first ten, and accepted neither label offered for the next three; on the rest, they disagreed.
CORRECTED_MNIST_TEST_LABELS = {
    947: 9, 1621: 6, 1901: 4, 2462: 0, 2597: 3, 3558: 0, 5937: 3, 6651: 6, 6783: 6, 9729: 6,
    2654: None, 3520: None, 9679: None, 2130: None, 8527: None,
}  # fmt: skip

MNIST = DatasetSpec(
    name="mnist",
    title="MNIST: handwritten digits",
    classes=DIGITS,
    mean=0.1307,
    std=0.3081,
    folder="MNIST/raw",
    files=idx_files(MNIST_NAMES, 60_000, 10_000, MNIST_SUMS),
    torchvision_class="MNIST",
    bundled=True,
    corrected_test_labels=CORRECTED_MNIST_TEST_LABELS,
    writers={
        "train": "4ffffddddd1f5d3bcd8cd98cec1a1cc4c6119cf24be62904945a341049f2cc9c",
        "test": "802a7d59a6b43a95f8688d6e8d7e17d5878c871f1e9a00a07cd6a8f720afdb8f",
    },
)
LIKE_MNIST = replace(MNIST, bundled=False, corrected_test_labels={}, writers={})
"""MNIST's row of `DATASETS` minus its packaged copy, corrected labels and writers: a basis for datasets of the same shape."""


def emnist(split: str, classes: tuple[str, ...], train: int, test: int, mean: float, std: float) -> DatasetSpec:
    parts = [f"emnist-{split}-{part}-{kind}" for part in PARTS for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")]
    return DatasetSpec(
        name=f"emnist-{split}",
        title=f"EMNIST {split}: handwritten characters",
        classes=classes,
        mean=mean,
        std=std,
        folder="EMNIST/raw",
        files=idx_files((parts[0], parts[1], parts[2], parts[3]), train, test),
        torchvision_class="EMNIST",
        torchvision_arguments={"split": split},
        transposed=True,
        # torchvision fills label 0 with a class "N/A" that no example has; here the 26 letters are 0 to 25.
        first_label=1 if split == "letters" else 0,
    )


# Mean and std of mnist and fashion were computed from the files; the others are those in common use. They only
# centre and scale the input, and a model trained here carries its own copy of them.
DATASETS: dict[str, DatasetSpec] = {
    spec.name: spec
    for spec in (
        MNIST,
        replace(
            LIKE_MNIST,
            name="fashion",
            title="Fashion-MNIST: articles of clothing",
            classes=FASHION_CLASSES,
            mean=0.2860,
            std=0.3530,
            folder="FashionMNIST/raw",
            files=idx_files(MNIST_NAMES, 60_000, 10_000, FASHION_SUMS),
            torchvision_class="FashionMNIST",
        ),
        replace(
            LIKE_MNIST,
            name="kmnist",
            title="Kuzushiji-MNIST: cursive Japanese characters",
            classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
            mean=0.1918,
            std=0.3483,
            folder="KMNIST/raw",
            files=idx_files(MNIST_NAMES, 60_000, 10_000),
            torchvision_class="KMNIST",
        ),
        replace(
            LIKE_MNIST,
            name="qmnist",
            title="QMNIST: MNIST rebuilt, with 60,000 test digits",
            folder="QMNIST/raw",
            files=idx_files(
                (
                    "qmnist-train-images-idx3-ubyte",
                    "qmnist-train-labels-idx2-int",
                    "qmnist-test-images-idx3-ubyte",
                    "qmnist-test-labels-idx2-int",
                ),
                60_000,
                60_000,
            ),
            torchvision_class="QMNIST",
        ),
        emnist("balanced", MERGED_CHARACTERS, 112_800, 18_800, 0.1751, 0.3332),
        emnist("letters", tuple(string.ascii_lowercase), 124_800, 20_800, 0.1722, 0.3309),
        emnist("digits", DIGITS, 240_000, 40_000, 0.1733, 0.3317),
        emnist("byclass", ALL_CHARACTERS, 697_932, 116_323, 0.1736, 0.3317),
        emnist("bymerge", MERGED_CHARACTERS, 697_932, 116_323, 0.1736, 0.3317),
        emnist("mnist", DIGITS, 60_000, 10_000, 0.1733, 0.3317),
        DatasetSpec(
            name="usps",
            title="USPS: digits from envelopes, 16x16",
            classes=DIGITS,
            mean=0.2469,
            std=0.2989,
            files=(FileSpec("usps.bz2", "both", 7_291), FileSpec("usps.t.bz2", "both", 2_007)),
            torchvision_class="USPS",
            image_size=(16, 16),
            first_label=1,
        ),
    )
}


def find_spec(name: str) -> DatasetSpec:
    """The row of `DATASETS` called `name`. Raises `UserError` if there is no such row."""
    try:
        return DATASETS[name]
    except KeyError:
        if "/" in name or "\\" in name:
            raise UserError("data.picture_folder_missing", name=shorten(name, 200)) from None
        raise UserError("data.unknown_dataset", name=shorten(name), datasets=DATASETS) from None
