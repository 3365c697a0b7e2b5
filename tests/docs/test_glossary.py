"""The glossary has each word once, in both languages, and all that mnistlab says keeps to its words."""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.site.glossary import OTHER, glossary, terms
from docs.site.lessons import lessons
from mnistlab.learn.course import cells
from mnistlab.messages.sentences import LANGUAGES

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "mnistlab"
DOCUMENTS = {
    "en": (
        "[!L]*.md",
        "docs/*.md",
        "docs/site/pages/en/*.md",
        "examples/*.md",
        "src/**/*.md",
        ".github/**/*.yml",
    ),  # LISEZMOI is French
    "fr": ("LISEZMOI.md", "docs/site/pages/fr/*.md"),
}
CODE = re.compile(r"^```.*?^```$|`[^`]*`|\{[^{}]*\}|\w+://\S+|\]\([^)]*\)|^> .*$|\*\*?kwargs", re.MULTILINE | re.DOTALL)
"""What is not prose: code, values to fill in, addresses, and the errors of libraries that a page quotes."""


def test_each_word_is_explained_once_in_both_languages() -> None:
    english, french = (list(terms(language)) for language in LANGUAGES)
    assert 40 <= len(english) == len(french) <= 60
    assert [term.other for term in english] == [term.word for term in french]
    assert [term.other for term in french] == [term.word for term in english]
    assert len({term.word for term in english}) == len(english)
    for language, words in (("en", english), ("fr", french)):
        known = {term.word for term in words}
        avoided = [name for term in words for name in term.elsewhere]
        assert len(set(avoided)) == len(avoided), "one name stands for two words"
        assert known.isdisjoint(avoided)
        assert [term.word for term in words if not re.fullmatch(r"[A-ZÀ-Ý].*\.", term.meaning)] == []
        assert list(wrong(language, " ".join(term.meaning for term in words))) == []


def test_the_page_has_each_word_with_its_name_in_the_other_language() -> None:
    for language in LANGUAGES:
        page = glossary(language)
        assert page.count("\n: ") == page.count("\n**") == len(list(terms(language)))
        assert page.count("## ") == len({term.group for term in terms(language)})
        assert f'<span lang="{OTHER[language]}">({"lot" if language == "en" else "batch"})</span>' in page
    assert "## Les données\n\n**image**\n: Ce que reçoit un réseau\N{NO-BREAK SPACE}: des nombres" in glossary("fr")


@functools.cache
def names(language: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern of all names to avoid, and for each one the word to use."""
    instead = {name.lower(): term.word for term in terms(language) for name in term.elsewhere}
    instead |= {f"{name[:-1]}ies": word for name, word in instead.items() if name.endswith("y")}
    longest = sorted(instead, key=len, reverse=True)
    some = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in longest)
    return re.compile(rf"(?<![\w./=-])({some})(?:e?s)?(?![\w(-]|\s*=)", re.IGNORECASE), instead


def wrong(language: str, text: str) -> Iterator[tuple[str, str]]:
    """The names to avoid in the prose of a text, each with the word to use."""
    pattern, instead = names(language)
    for found in pattern.finditer(CODE.sub(" ` ", text)):
        name = " ".join(found[1].lower().split())
        yield name, instead[name]


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("en", "Mini-batches come first.", [("mini-batch", "batch")]),
        ("en", "A mini-batch of 64, and another minibatch", [("mini-batch", "batch"), ("minibatch", "batch")]),
        ("en", "its fully connected\nlayers", [("fully connected layer", "linear layer")]),
        ("en", "some categories", [("categories", "class")]),
        ("en", "`directory`, {directory}, --data-directory, a.directory and directory=1", []),
        ("en", "> IsADirectoryError: a directory", []),
        ("fr", "Les répertoires, le batch", [("répertoire", "dossier"), ("batch", "lot")]),
        ("fr", "`batch`, --dataset, batch_size et mini-lots", [("mini-lot", "lot")]),
        ("fr", "une\nexécution", [("une exécution", "entraînement")]),
    ],
)
def test_another_name_is_found_in_prose_alone(language: str, text: str, found: list[tuple[str, str]]) -> None:
    assert list(wrong(language, text)) == found


def docstrings(tree: ast.AST) -> Iterator[str]:
    """The docstrings of modules, classes, functions and fields, and the help of options."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value
        elif isinstance(node, ast.keyword) and node.arg == "help" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


def texts_in_both(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The arguments of each `Text(english, french)`, with its language."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Text":
            for language, argument in zip(LANGUAGES, node.args, strict=False):
                parts = [part.value for part in ast.walk(argument) if isinstance(part, ast.Constant)]
                yield language, "".join(part for part in parts if isinstance(part, str))


def strings(table: object) -> Iterator[str]:
    """Every text in a table, however deep."""
    if isinstance(table, str):
        yield table
    elif isinstance(table, dict):
        for value in table.values():
            yield from strings(value)


@functools.cache
def said(language: str) -> list[tuple[str, str]]:
    """All that mnistlab says in a language: where it is, and the text."""
    documents = [path for pattern in DOCUMENTS[language] for path in sorted(ROOT.glob(pattern))]
    found = [(path.name, path.read_text(encoding="utf-8")) for path in documents]
    for lesson in lessons():
        found += [
            (lesson.name, cell.text) for cell in cells(lesson) if cell.kind == "markdown" and cell.lang == language
        ]
    catalogues = ("fr.toml", "fr_texts.toml") if language == "fr" else ("en.toml",)
    for name in catalogues:
        table = tomllib.loads((SOURCE / "messages" / name).read_text(encoding="utf-8"))
        found += [(name, text) for text in strings(table)]
    for path in sorted((SOURCE / "serving" / "page" / "words").glob(f"*{language}*.js")):
        found += [(path.name, text) for text in re.findall(r'"((?:[^"\\\n]|\\.)+)"', path.read_text(encoding="utf-8"))]
    for path in sorted(SOURCE.rglob("*.py")):
        if path.parent.name != "days":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found += [(path.name, text) for spoken, text in texts_in_both(tree) if spoken == language]
            if language == "en":
                found += [(path.name, text) for text in docstrings(tree)]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_that_is_said_keeps_to_the_words(language: str) -> None:
    texts = said(language)
    assert len(texts) > 1000
    assert sum(len(text) for _, text in texts) > 150_000
    assert [(where, *found) for where, text in texts for found in wrong(language, text)] == []
