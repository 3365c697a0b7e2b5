"""The glossary: the words of mnistlab, one per thing, in both languages, from glossary.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mnistlab.learn.language import typeset

__all__ = ["Term", "glossary", "terms"]

SOURCE = Path(__file__).with_name("glossary.toml")
OTHER = {"en": "fr", "fr": "en"}
ELSEWHERE = {"en": "Elsewhere: {}.", "fr": "Ailleurs : {}."}


class Term(NamedTuple):
    """A word in one language: its group's title, its translation, its meaning, and what the same thing is called elsewhere."""

    group: str
    word: str
    other: str
    meaning: str
    elsewhere: tuple[str, ...]


def terms(language: str) -> Iterator[Term]:
    """The words of one language, group by group."""
    table = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
    for group, title in table["groups"].items():
        for word in table["word"]:
            if word["group"] == group:
                elsewhere = tuple(word.get(f"{language}_not", ()))
                other = word[OTHER[language]]
                yield Term(title[language], word[language], other, word[f"{language}_says"], elsewhere)


def glossary(language: str) -> str:
    """The words as Markdown: a heading for each group, and each word with its meaning below."""
    lines: list[str] = []
    group = ""
    for term in terms(language):
        if term.group != group:
            group = term.group
            lines += [f"## {group}", ""]
        other = "" if term.other == term.word else f' <span lang="{OTHER[language]}">({term.other})</span>'
        elsewhere = f" {ELSEWHERE[language].format(', '.join(term.elsewhere))}" if term.elsewhere else ""
        lines += [f"**{typeset(term.word, language)}**{other}", f": {typeset(term.meaning + elsewhere, language)}", ""]
    return "\n".join(lines)
