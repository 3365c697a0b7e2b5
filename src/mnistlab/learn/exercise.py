"""An exercise: what is asked, what is right, and what each misunderstanding would give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mnistlab.learn.language import Text

__all__ = ["Exercise", "Mistake"]


def unchanged(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Mistake:
    """A misunderstanding."""

    gives: Callable[..., Any]
    """Computes what who has it would answer: called as the exercise's `right` is."""
    hint: Text
    """What to say to them. It names the misunderstanding and does not give the answer away."""


@dataclass(frozen=True)
class Exercise:
    """One thing to answer: a value, or where there are `parameters` a function.

    Values are whole numbers, numbers, bools, text, and arrays or lists of numbers (NumPy's, torch's, Python's own); numbers are
    compared to about four digits. Nothing here imports torch before it is called.
    """

    name: str
    """What the answer is called in Python."""
    asks: Text
    """The question, in Markdown, one paragraph."""
    right: Callable[..., Any]
    """Computes the right answer: without arguments, or with the function's."""
    mistakes: tuple[Mistake, ...]
    """At least two, the most particular first."""
    hint: Text
    """What to say to an answer that is none of these."""
    parameters: str = ""
    """The parameters of the function to write, such as "image, kernel"; none for a value."""
    cases: Callable[[], Sequence[tuple[Any, ...]]] = list
    """The arguments that the function is tried with, those of one call in each tuple."""
    look: Callable[[Any], Any] = unchanged
    """What is compared, of the answer or of what its function returns: such as the shape that a network gives."""

    @property
    def template(self) -> str:
        """What the learner fills in."""
        return f"def {self.name}({self.parameters}):\n    ..." if self.parameters else f"{self.name} = None"
