"""The sentences of messages/en.toml, or of another language's file, filled in with an error's values."""

from __future__ import annotations

import functools
import locale
import numbers
import os
import re
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

__all__ = [
    "LANGUAGES",
    "VALUES",
    "Clause",
    "Missing",
    "Words",
    "counted",
    "figures_in_french",
    "french_texts",
    "language_in",
    "locales_language",
    "messages",
    "place",
    "plain_exponent",
    "remedy_of",
    "sentence",
    "unbroken",
]

LANGUAGES = ("en", "fr")
OR = {"en": "or", "fr": "ou"}


def locales_language() -> str:
    """The language to use: MNISTLAB_LANG's if mnistlab has it, otherwise the locale's if mnistlab has that, otherwise English."""
    wanted = [os.environ.get(variable, "") for variable in ("LC_ALL", "LC_MESSAGES", "LANG")]
    own = next(filter(None, wanted), "") or locale.getlocale()[0] or ""
    return language_in(os.environ.get("MNISTLAB_LANG", "")) or language_in(own) or "en"


def language_in(name: str) -> str | None:
    """Which of `LANGUAGES` a locale's name, such as fr_CA.UTF-8, stands for; None if it stands for none of them."""
    known = {"en": "en", "fr": "fr", "French": "fr"}  # Windows says French_France
    return known.get(re.split(r"[_.@-]", name)[0])


def sentence(key: str, part: str, values: Mapping[str, Any], *, for_command: bool = False, language: str = "en") -> str:
    """The `part` ("message", "remedy" or "command") of an entry, filled in with `values`; "" if the entry has no such part.

    If the `language` lacks the entry, English is used. A missing value is shown as its name in angle brackets. Raises
    `KeyError` if messages/en.toml has no such entry.
    """
    room, name = key.split(".")
    entry = messages(language).get(room, {}).get(name) or messages()[room][name]
    text = entry.get(part, "")
    said = Words(for_command, language).vformat(laid_out(text) if language == "fr" else text, (), values)
    begins = re.match(r"\{\w+:place\}", text) and said.startswith(place(Path(), language))
    return said[0].upper() + said[1:] if begins else said  # "The current folder"


def remedy_of(key: str, values: Mapping[str, Any], *, for_command: bool = False, language: str = "en") -> str:
    """The entry's "remedy", which says how to fix the error; with `for_command`, the entry's "command" if there is one."""
    told = sentence(key, "command", values, for_command=True, language=language) if for_command else ""
    return told or sentence(key, "remedy", values, for_command=for_command, language=language)


@functools.cache
def messages(language: str = "en") -> dict[str, Any]:
    """All entries of a language's file, such as en.toml: one table per package or other topic."""
    import tomllib  # few commands need it

    return tomllib.loads(Path(__file__).with_name(f"{language}.toml").read_text(encoding="utf-8"))


UNITS = "s|ms|min|h|Mo|Go|Mio|ko|ko/s|pixels?|images?|fois"
"""A pattern of the units that must stay on the same line as the number before them."""


def unbroken(french: str) -> str:
    """The text with non-breaking spaces where French typography wants them: « ainsi », 60 000, 12 % ; 2 Mo !"""
    return re.sub(
        rf"[ \n](?=[:;!?»%](?![\w\[]))|(?<=«)[ \n]|(?<=\d)[ \n](?=(?:{UNITS}|\d{{3}})\b)|(?<=\}})[ ](?=(?:{UNITS})\b)",
        "\N{NO-BREAK SPACE}",
        french,
    )


def laid_out(french: str) -> str:
    """The French text with non-breaking spaces (see `unbroken`), which are narrow between groups of three digits."""
    return re.sub(r"(?<=\d)\N{NO-BREAK SPACE}(?=\d{3}\b)", "\N{NARROW NO-BREAK SPACE}", unbroken(french))


@functools.cache
def french_texts(*tables: str) -> dict[str, str]:
    """The French texts of these tables of fr_texts.toml, keyed by the English ones."""
    found = messages("fr_texts")
    return {english: laid_out(french) for table in tables for english, french in found[table].items()}


VALUES = ("datasets", "recipes", "system")
"""The tables of fr_texts.toml whose texts are used as values in sentences."""


def figures_in_french(measured: str) -> str:
    """A measurement such as "99.55 % (n=3), about 7,145 s", in French."""
    return re.sub(r"\d[\d.,]*\d", lambda number: in_french(number[0]), measured).replace("about", "environ")


def in_french(number: str) -> str:
    """A number that was formatted in English, as it is written in French: 1,234.5 becomes 1 234,5."""
    return number.translate({ord(","): "\N{NARROW NO-BREAK SPACE}", ord("."): ","})


class Clause:
    """Part of a sentence: an entry of messages/en.toml and its values, to be used as a value of another entry."""

    def __init__(self, key: str, /, **values: Any) -> None:
        self.key = key
        self.values = values

    def __str__(self) -> str:
        return sentence(self.key, "message", self.values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Clause) and (self.key, self.values) == (other.key, other.values)

    def __hash__(self) -> int:
        return hash(self.key)

    def said(self, language: str) -> str:
        """The clause's words in one of `LANGUAGES`."""
        return sentence(self.key, "message", self.values, language=language)

    def but(self, **values: Any) -> Clause:
        """A copy of the clause, with these values added or replaced."""
        return Clause(self.key, **{**self.values, **values})

    def for_command_line(self, language: str = "en") -> str:
        """The clause's words on the command line, where some values are written differently."""
        return sentence(self.key, "message", self.values, for_command=True, language=language)

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial(Clause, self.key, **self.values), ()


class Missing(NamedTuple):
    """A value that a sentence names but the error does not carry."""

    name: str


class Words(string.Formatter):
    """`str.format` with a few more format specifiers for sentences.

    ``{count:n image}`` and ``{count:n class}`` are a number with its noun ("1 image", "2,000 classes"); if the plural is not
    the noun with -s or -es, both forms are given: ``{count:n réseau|réseaux}``. ``{count:one lue|lues}`` is the singular or
    the plural without the number. ``{names:list}`` is "a, b, c", ``{names:or}`` "a, b or c", ``{names:reasons}`` "a; b; c".
    ``{folder:place}`` is a folder in a form that can end a sentence. ``{field:field}`` is a field's name in Python,
    such as "kernel_size", or, with `for_command`, the field's option, such as "--kernel-size". ``{cause:message}`` and
    ``{cause:remedy}`` are the message and the remedy of another error, and ``{cause:inner}`` is the message in a form that can
    end a sentence about a file: no capital, no full stop, and fields' names instead of options.
    """

    def __init__(self, for_command: bool = False, language: str = "en") -> None:
        self.for_command = for_command
        self.language = language

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Two things: the value of a placeholder (a `Missing` if there is no such value), and the value's name."""
        try:
            return super().get_field(field_name, args, kwargs)
        except KeyError:
            return Missing(field_name), field_name

    def convert_field(self, value: Any, conversion: Any) -> Any:
        """The value after a conversion such as "!r"."""
        return value if isinstance(value, Missing) else super().convert_field(value, conversion)

    def format_field(self, value: Any, format_spec: str) -> str:
        """The value as it is shown in the sentence."""
        if isinstance(value, Missing):
            return f"<{value.name}>"
        if format_spec == "field":
            return "--" + value.replace("_", "-") if self.for_command else str(value)
        if format_spec == "inner":
            said = sentence(value.key, "message", value.values, language=self.language).rstrip(".")
            return said[:1].lower() + said[1:]
        if format_spec == "message" or isinstance(value, Clause):
            return sentence(value.key, "message", value.values, for_command=self.for_command, language=self.language)
        if format_spec == "remedy":
            return remedy_of(value.remedy_key, value.values, for_command=self.for_command, language=self.language)
        if format_spec.startswith("n "):
            return counted(value, format_spec[2:], self.language)
        if format_spec.startswith("one "):
            return agreeing(value, format_spec[4:], self.language)
        if format_spec in ("list", "reasons"):
            between = {"list": ", ", "reasons": unbroken(" ; ") if self.language == "fr" else "; "}[format_spec]
            return between.join(self.format_field(one, "") for one in value)
        if format_spec == "or":
            *others, last = [self.format_field(one, "") for one in value]
            return f"{', '.join(others)} {OR[self.language]} {last}" if others else last
        if format_spec == "place":
            return place(Path(value), self.language)
        text = str(super().format_field(value, format_spec))
        text = plain_exponent(text) if format_spec.endswith(("g", "e")) else text
        return self.translated(value, text) if self.language == "fr" else text

    def translated(self, value: Any, text: str) -> str:
        """The value's text in French: a number with a decimal comma, or an English text as fr_texts.toml translates it."""
        if isinstance(value, numbers.Real) and value is not True and value is not False:
            return in_french(text)
        return french_texts(*VALUES).get(text, text) if isinstance(value, str) else text


def plain_exponent(number: str) -> str:
    """A formatted number as a person would write it: 1e-9, not 1e-09; 1e6, not 1e+06."""
    return re.sub(r"e\+?(-?)0*(?=\d)", r"e\1", number)


def counted(count: int, noun: str, language: str = "en") -> str:
    """The number with its noun: "1 run", "2 runs", "10,000 classes"; in French "0 image", "10 000 images"."""
    number = f"{count:,}"
    if language == "fr":
        number = in_french(number)
    return f"{number}{SPACE[language]}{agreeing(count, noun, language)}"


SPACE = {"en": " ", "fr": "\N{NO-BREAK SPACE}"}


def agreeing(count: float, noun: str, language: str = "en") -> str:
    """The noun in the singular or plural, as `count` requires; unless the plural is given after a "|", it is formed regularly."""
    one, _, several = noun.partition("|")
    is_one = abs(count) < 2 if language == "fr" else count == 1
    if is_one or (language == "fr" and not several and one[-1] in "sxz"):
        return one
    return several or one + ("es" if language == "en" and one.endswith("s") else "s")


def place(path: Path, language: str = "en") -> str:
    """The folder in a form that can begin or end a sentence: "the current folder" for ".", which looks like a full stop."""
    if path == Path():
        return sentence("files.current_folder", "message", {}, language=language)
    return os.path.realpath(path) if path.name == ".." else str(path)
