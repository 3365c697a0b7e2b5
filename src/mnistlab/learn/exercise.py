"""An exercise: the question, the right answer, and the answer that each misunderstanding would lead to."""

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
    """Computes the answer of someone with this misunderstanding; called like the exercise's `right`."""
    hint: Text
    """The hint for a learner with this misunderstanding. It names the misunderstanding without giving the answer away."""


@dataclass(frozen=True)
class Exercise:
    """A question, to be answered with a value or, if there are `parameters`, with a function.

    Values are whole or other numbers, bools, text, and arrays or lists of numbers (NumPy's, torch's, Python's own); numbers that
    agree to about four digits count as equal. An exercise imports torch only when one of its functions is called.
    """

    name: str
    """The name of the answer in Python."""
    asks: Text
    """The question, in Markdown, one paragraph."""
    right: Callable[..., Any]
    """Computes the right answer; takes the arguments of the function to write, or none if the answer is a value."""
    mistakes: tuple[Mistake, ...]
    """At least two misunderstandings, the most specific first."""
    hint: Text
    """The hint for any other wrong answer."""
    parameters: str = ""
    """The parameters of the function to write, such as "image, kernel"; "" if the answer is a value."""
    cases: Callable[[], Sequence[tuple[Any, ...]]] = list
    """Returns the arguments with which the function is tried, one tuple per call."""
    look: Callable[[Any], Any] = unchanged
    """Returns the part of the answer, or of the function's result, that is compared: for example a network's output shape."""

    @property
    def template(self) -> str:
        """What the learner fills in."""
        return f"def {self.name}({self.parameters}):\n    ..." if self.parameters else f"{self.name} = None"
