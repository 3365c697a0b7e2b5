"""Speak the user's language on the command line: the one that MNISTLAB_LANG names or, if this variable is not set, the locale's.

Files and JSON stay in English.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from mnistlab.errors import UserError, shown
from mnistlab.messages.sentences import LANGUAGES, Clause, Words, language_in, locales_language, place, sentence

__all__ = ["ask", "check_language", "figure", "percent", "print_table", "tell", "told_place", "words"]


def words(key: str, /, **values: Any) -> str:
    """The message `key` (see messages/en.toml) in the user's language, with the values filled in."""
    return sentence(key, "message", values, for_command=True, language=locales_language())


def tell(key: str, /, *, err: bool = False, **values: Any) -> None:
    """Print the message `key`."""
    click.echo(words(key, **values), err=err)


def told_place(folder: Path) -> str | Clause:
    """The folder in a form that can begin or end a sentence ("the current folder" for "."), without unprintable characters."""
    from mnistlab.files import printable

    return Clause("files.current_folder") if folder == Path() else printable(place(folder))


def ask(key: str, /, **values: Any) -> None:
    """Ask the question `key` on standard error. Raises `click.Abort` for any answer but yes."""
    question = words(key, **values)
    if locales_language() == "en":
        click.confirm(question, abort=True, err=True)
        return
    answer = click.prompt(f"{question} [o/N]", default="", show_default=False, prompt_suffix=" : ", err=True)
    if answer.strip().lower() not in ("o", "oui", "y", "yes"):
        raise click.Abort


def figure(value: float, form: str) -> str:
    """The number in the format `form`, as it is written in the user's language: 2,000.5 in English, 2 000,5 in French."""
    return Words(language=locales_language()).format_field(value, form)


def percent(value: float | None) -> str:
    """A fraction, 0 to 1, as a percentage with two decimals and without "%"; "-" for None."""
    return "-" if value is None else figure(100 * value, ".2f")


def print_table(
    key: str, forms: Sequence[str], rows: Iterable[Sequence[str]], gap: str = " ", indent: str = ""
) -> None:
    """Print the columns' names, which are separated by "|" in the message `key`, and then the rows.

    `forms` gives each column's alignment and width, such as "<12"; a column is at least as wide as its name.
    """
    names = words(key).split("|")
    forms = [f"{form[0]}{max(int(form[1:]), len(name))}" for form, name in zip(forms, names, strict=True)]
    for row in (names, *rows):
        cells = (f"{cell:{form}}" for cell, form in zip(row, forms, strict=True))
        click.echo(f"{indent}{gap.join(cells)}".rstrip())


def check_language(name: str) -> None:
    """Raise `UserError` if MNISTLAB_LANG names a language that mnistlab does not speak."""
    if name and language_in(name) is None:
        raise UserError("cli.unknown_language", name=shown(name), languages=[repr(one) for one in LANGUAGES])


PLAIN = {"«": '"', "»": '"', "’": "'", "–": "-", "—": "-", "…": "...", "œ": "oe", "Œ": "OE"}


def without_accents(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that a console cannot show: letters lose accents; other characters become similar ASCII ones or "?"."""
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - nothing else is written
    found = error.object[error.start : error.end]
    plain = (PLAIN.get(one) or unicodedata.normalize("NFKD", one).encode("ascii", "ignore").decode() for one in found)
    return "".join(one or "?" for one in plain), error.end


codecs.register_error("mnistlab.without_accents", without_accents)
