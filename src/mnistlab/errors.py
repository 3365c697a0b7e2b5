"""The errors that a user meets: one sentence that says what is wrong, one that says how to mend it."""

from __future__ import annotations

__all__ = ["Failure", "Interrupted", "MnistlabError", "StorageFailure", "UserError", "install"]


class MnistlabError(Exception):
    """Something went wrong that a person can mend; the command line shows it without a traceback.

    `message` says what is wrong and with which value; `remedy` says what to do about it.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UserError(MnistlabError):
    """What was asked for cannot be done as asked (exit code 2)."""

    exit_code = 2


class Failure(MnistlabError):  # noqa: N818 - the word that the exit code's table uses
    """What was asked for is fine, but doing it failed (exit code 1)."""


class StorageFailure(Failure):
    """The disk is full or broken; nothing that was there has changed."""


class Interrupted(MnistlabError):  # noqa: N818 - not an error of anybody's
    """A signal stopped the work after its state was saved; `exit_code` is 128 + the signal's number, 130 for Ctrl-C."""

    def __init__(self, message: str, remedy: str = "", exit_code: int = 130) -> None:
        super().__init__(message, remedy)
        self.exit_code = exit_code


def install(extra: str) -> str:
    """How to get the packages of one of mnistlab's extras: a remedy."""
    return f"Install it in the clone of the repository: uv sync --extra {extra} (or pip install '.[{extra}]')."
