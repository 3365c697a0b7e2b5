"""The learner's language, English or French, and texts in both."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from mnistlab.errors import MnistlabError, UserError, shown
from mnistlab.messages.sentences import LANGUAGES, locales_language, unbroken

__all__ = ["Text", "find_language", "lang_option", "speaking"]


class Text(NamedTuple):
    """A text in both languages."""

    en: str
    fr: str

    def said(self, language: str) -> str:
        """The text in one of `LANGUAGES`, the French one with its non-breaking spaces."""
        return typeset(self.fr, "fr") if language == "fr" else self.en


def typeset(text: str, language: str) -> str:
    """The Markdown as it is printed: French with non-breaking spaces, except in code."""
    if language != "fr":
        return text
    parts = re.split(r"(^```.*?^```$|`[^`]*`)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("`") else unbroken(part) for part in parts)


def find_language(name: str | None = None) -> str:
    """`name` if it is one of `LANGUAGES`; by default, the language of MNISTLAB_LANG or the locale (see `locales_language`).

    Raises `UserError` for any other name.
    """
    if name in LANGUAGES:
        return name
    spoken = locales_language()
    if name is None:
        return spoken
    with speaking(spoken):
        raise UserError("learn.unknown_language", name=shown(name), languages=[repr(one) for one in LANGUAGES])


def lang_option(language: str) -> str:
    """What to add to a proposed command to make it speak `language`: " --lang fr", or "" for English if that is the default."""
    return "" if language == locales_language() == "en" else " ".join(["", "--lang", language])


@contextlib.contextmanager
def speaking(language: str) -> Iterator[None]:
    """If an error leaves the `with` block, give its message in `language`."""
    try:
        yield
    except MnistlabError as error:
        error.language = language
        raise
