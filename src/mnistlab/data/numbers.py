"""ZIP codes, amounts and times of day, each put together from the digits of a single writer.

Modelled on "Realistic Handwritten Multi-Digit Writer (MDW) Number Recognition Challenges" (Wagstaff 2025, arXiv 2512.00676),
which draws from all of NIST's digits, whereas the digits here are MNIST's. A number counts as read correctly only if all its
digits are right.

    numbers = write_numbers("time", labels, writers, count=3)
    numbers[0].text, numbers[0].digits      # "7:05", "705"
    picture(numbers[0], images)             # uint8 (28, 84)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import UserError

__all__ = ["KINDS", "Number", "NumberKind", "picture", "read_right", "write_numbers"]


NumberKind = Literal["zip", "amount", "time"]
KINDS: tuple[NumberKind, ...] = get_args(NumberKind)


@dataclass(frozen=True)
class Number:
    """A number, and the images of its digits."""

    text: str
    """The number as people write it: "02138", "12.50", "7:05"."""
    writer: int
    """NIST's number for the writer."""
    indices: tuple[int, ...]
    """For each digit, the index of its image among those whose labels `write_numbers` was given."""

    @property
    def digits(self) -> str:
        """The text without the separators."""
        return "".join(filter(str.isdigit, self.text))


def zip_code(random: np.random.Generator) -> str:
    """A US ZIP code: any number from 00601 to 99926, all equally likely. (Wagstaff 2025 draws only from codes in use.)"""
    return f"{random.integers(601, 99_927):05}"


def amount(random: np.random.Generator) -> str:
    """Dollars and cents, 1.00 to 99,999.99, drawn log-uniformly, so that the leading digit follows Benford's law."""
    cents = min(int(100 * 10 ** random.uniform(0, 5)), 9_999_999)
    return f"{cents // 100}.{cents % 100:02}"


def time_of_day(random: np.random.Generator) -> str:
    """A time of day, 0:00 to 23:59, with every minute equally likely."""
    hour, minute = divmod(int(random.integers(24 * 60)), 60)
    return f"{hour}:{minute:02}"


MAKERS: dict[NumberKind, Callable[[np.random.Generator], str]] = {
    "zip": zip_code,
    "amount": amount,
    "time": time_of_day,
}


def write_numbers(
    kind: NumberKind, labels: NDArray[np.int64], writers: NDArray[np.int16], count: int = 10_000, seed: int = 0
) -> list[Number]:
    """Numbers of one kind. All digits of a number are by one writer, drawn at random from those who wrote all the digits needed.

    An image may be used several times, even within one number, as in Wagstaff 2025.

    Parameters
    ----------
    kind : {"zip", "amount", "time"}
    labels : int64 (N,), 0 to 9
        The digit that each image of a split shows.
    writers : int16 (N,)
        Who wrote each image: `Dataset.writers`, or `mnistlab.data.splits.split_writers`.
    count : int
        How many numbers to put together.
    seed : int

    Returns
    -------
    list of Number
        `count` numbers.

    Raises
    ------
    UserError
        If there is no such kind, or if no writer wrote all ten digits.
    """
    if kind not in KINDS:
        raise UserError("data.unknown_number_kind", kind=kind, kinds=KINDS)
    by_digit = [images_by_writer(np.flatnonzero(labels == digit), writers) for digit in range(10)]
    everyone = sorted(set(writers.tolist()))
    if not any(all(writer in images for images in by_digit) for writer in everyone):
        raise UserError("data.nobody_wrote_all_digits", count=len(labels))
    random = np.random.default_rng(seed)
    numbers = []
    for _ in range(count):
        text = MAKERS[kind](random)
        needed = [by_digit[int(digit)] for digit in text if digit.isdigit()]
        writer = everyone[random.integers(len(everyone))]
        while not all(writer in images for images in needed):
            writer = everyone[random.integers(len(everyone))]
        indices = tuple(int(images[writer][random.integers(len(images[writer]))]) for images in needed)
        numbers.append(Number(text, writer, indices))
    return numbers


def images_by_writer(indices: NDArray[np.int64], writers: NDArray[np.int16]) -> dict[int, NDArray[np.int64]]:
    """The `indices`, grouped by who wrote the image; the keys are the writers' numbers."""
    ordered = indices[np.argsort(writers[indices], kind="stable")]
    numbers, starts = np.unique(writers[ordered], return_index=True)
    return dict(zip(numbers.tolist(), np.split(ordered, starts[1:]), strict=True)) if len(ordered) else {}


def read_right(numbers: Sequence[Number], wrong: Collection[int]) -> float:
    """The fraction (0 to 1) of numbers without any of the misread images, `wrong`: 1 minus Wagstaff 2025's "strict error"."""
    mistaken = set(wrong)
    return sum(mistaken.isdisjoint(number.indices) for number in numbers) / len(numbers)


def picture(number: Number, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The number with its digits side by side, uint8 (H, W * digits), as in Wagstaff 2025; `images` are uint8 (N, H, W)."""
    return np.hstack([images[index] for index in number.indices])
