"""The commands' help: how its lists are laid out, and how it is translated into French.

Commands state their help in English; `HelpFormatter` writes it in the user's language, using messages/fr_texts.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import TracebackType

import click

from mnistlab.messages.sentences import french_texts, locales_language, messages

__all__ = ["Command", "Context", "Group", "HelpFormatter", "in_their_language", "named"]

UNBROKEN = "\N{NON-BREAKING HYPHEN}"
TABLES = ("help", "fields", "recipes")
"""The tables of fr_texts.toml that hold the help's texts."""
METAVAR = re.compile(r"[A-Z]{2,}")


def in_their_language(english: str) -> str:
    """A line or paragraph of the help in the user's language; texts missing from fr_texts.toml stay English."""
    return french_texts(*TABLES).get(english, english) if locales_language() == "fr" else english


def named(metavar: str) -> str:
    """A placeholder for a value, such as FILE.py:CLASS, in the user's language."""
    if locales_language() == "en":
        return metavar
    return METAVAR.sub(lambda word: str(messages("fr_texts")["metavars"].get(word[0], word[0])), metavar)


def of_an_option(text: str) -> str:
    """The help of an option, translated: its text and, in brackets after two spaces, its default and the allowed values."""
    said, extra = re.fullmatch(r"(.*?)((?:  \[.*\])?)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    own = in_their_language(extra.strip())
    if own == extra.strip():
        own = re.sub(r"(?<=^\[)default:", lambda word: in_their_language(word[0]), own)
        own = own.replace(";", "\N{NO-BREAK SPACE};") if locales_language() == "fr" else own
    return in_their_language(said) + extra[: len(extra) - len(extra.lstrip())] + own


def of_a_paragraph(text: str) -> str:
    """A paragraph, translated as one text or, if it begins with "\\b", line by line; in examples, only placeholders change."""
    if not text.startswith("\b"):
        return french_texts(*TABLES).get(" ".join(text.split()), text)
    lines = (
        line[: len(line) - len(line.lstrip())] + in_their_language(named(line.strip())) for line in text.split("\n")
    )
    return "\n".join(lines)


class HelpFormatter(click.HelpFormatter):
    """click's formatter, in the user's language; in lists, it never breaks a line inside a name such as emnist-bymerge."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line that shows how the command is called."""
        super().write_usage(prog, named(args), prefix or f"{in_their_language('Usage:')} ")

    def write_heading(self, heading: str) -> None:
        """Write the line above a list."""
        french = locales_language() == "fr"
        super().write_heading(in_their_language(heading) + "\N{NO-BREAK SPACE}" * french)

    def write_text(self, text: str) -> None:
        """Write paragraphs."""
        if locales_language() == "fr":
            text = "\n\n".join(map(of_a_paragraph, text.split("\n\n")))
        super().write_text(text)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write the terms and their texts in two columns."""
        said = [(named(term).rstrip(), of_an_option(text)) for term, text in rows]
        super().write_dl([(term, text.replace("-", UNBROKEN)) for term, text in said], col_max, col_spacing)

    def getvalue(self) -> str:
        """Everything that was written, with ordinary hyphens instead of non-breaking ones."""
        return super().getvalue().replace(UNBROKEN, "-")


class Context(click.Context):
    """click's context, with `HelpFormatter`; usage errors raised inside it know the command that they are about."""

    formatter_class = HelpFormatter

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Leave the context as click does, but first add it to a usage error that has none, such as one from click's parser."""
        if isinstance(error, click.UsageError) and error.ctx is None:
            error.ctx = self
        return super().__exit__(kind, error, trace)


class Command(click.Command):
    """A command whose help is written by `HelpFormatter`."""

    context_class = Context


class Group(click.Group):
    """A group whose help, and whose commands' help, is written by `HelpFormatter`."""

    context_class = Context
    command_class = Command
