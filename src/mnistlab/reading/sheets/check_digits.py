"""Check digits: whether a number's last digits follow from the others as they should."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["CHECKS"]


def luhn(text: str) -> bool:
    """Luhn's check, for card numbers and many account numbers."""
    digits = [int(digit) * (1 + n % 2) for n, digit in enumerate(reversed(text))]
    return sum(digit - 9 if digit > 9 else digit for digit in digits) % 10 == 0


def ean(text: str) -> bool:
    """The check of article numbers: EAN, GTIN, UPC, ISBN-13."""
    return sum(int(digit) * (1 + 2 * (n % 2)) for n, digit in enumerate(reversed(text))) % 10 == 0


def mod11(text: str) -> bool:
    """Whether the digits, weighted by 1, 2, 3... from the right, sum to a multiple of 11."""
    return sum(int(digit) * (n + 1) for n, digit in enumerate(reversed(text))) % 11 == 0


def mod97(text: str) -> bool:
    """Whether the number leaves a remainder of 1 when divided by 97 (ISO 7064)."""
    return int(text) % 97 == 1


CHECKS: dict[str, Callable[[str], bool]] = {"luhn": luhn, "ean": ean, "mod11": mod11, "mod97": mod97}
"""Functions, by name, that say whether the last one or two digits of a text follow from the others as they should."""
