from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnistlab.learn.language import typeset
from mnistlab.pictures.decode import FORMATS

ROOT = Path(__file__).parents[1]
SOURCES = [path for room in ("src", "benchmarks", "tests") for path in sorted((ROOT / room).rglob("*.py"))]
SOURCES.remove(Path(__file__))  # it names what it looks for
ODD = re.compile(
    r"\bhangs? on\b|\bmanieth\b|\bwould else\b|\b[Ww]hat is no\b|\bis no digit that\b|\bcannot work\b|\b[Ss]ay it with\b"
    r"|\bto a hair\b|\b(needs?|asked) (it )?never\b|\b(by|up to|after|at most) so many\b|\bso many times as\b"
    r"|\b([Ii]mage|[Bb]yte|object|line|operation|request|convolution|field)s? an? (file|epoch|picture|step|second|block|line)\b"
)
"""Phrases that readers stumbled over."""


@pytest.mark.parametrize(
    "pattern",
    [
        "README.md",
        "LISEZMOI.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "docs/**/*.md",
        "src/mnistlab/bundled/*/README.md",
    ],
)
def test_no_line_of_a_document_is_too_long(pattern: str) -> None:
    """Rows of tables aside, which cannot be broken."""
    documents = sorted(ROOT.glob(pattern))
    assert documents
    for path in documents:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("|")]
        assert [(path.name, line) for line in lines if len(line) > 130] == []


def test_the_french_readme_has_its_non_breaking_spaces() -> None:
    """It is read as it is, whereas the pages and the course are typeset when they are built."""
    text = (ROOT / "LISEZMOI.md").read_text(encoding="utf-8")
    assert text.splitlines() == typeset(text, "fr").splitlines()


def test_all_formats_of_pictures_are_named() -> None:
    *others, last = [kind.name for kind in FORMATS]
    assert f"{', '.join(others)} or {last}" in (ROOT / "docs/COMMANDS.md").read_text(encoding="utf-8")


def texts(path: Path) -> Iterator[str]:
    """Every string of a program (docstrings, texts below constants, help texts), or a table's sentences."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".toml":
        yield from (text for entry in tomllib.loads(source).values() for one in entry.values() for text in one.values())
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def begins_with_of(text: str) -> bool:
    """Whether the text begins with "Of", or a paragraph in it, or what it says of a parameter."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.lstrip().startswith("Of "):
            before = lines[number - 1].rstrip() if number else ""
            deeper = number > 1 and len(line) - len(line.lstrip()) > len(before) - len(before.lstrip())
            if not before or deeper or set(before.strip()) == {"-"}:
                return True
    return False


@pytest.mark.parametrize(
    ("text", "found"),
    [("Of SGD.", True), ("Trains.\n\n    Of an ensemble, all.", True), ("Trains.\n\n    Returns\n    -------\n    Of all", True),
     ("A scale.\n\n    steps : int\n        Of all.", True), ("Offers.", False), ("The mean\n    Of the two", False),
     ("One of them.\n\n    Often right,\n    Of course.", False), ("half of it", False), (" of ", False)],
)  # fmt: skip
def test_of_is_found_where_it_begins_a_text(text: str, found: bool) -> None:
    assert begins_with_of(text) == found


@pytest.mark.parametrize("room", ["src", "benchmarks", "tests"])
def test_no_text_begins_with_of(room: str) -> None:
    read = [path for path in SOURCES if path.is_relative_to(ROOT / room)]
    assert len(read) > 10
    assert [(path.name, text) for path in read for text in texts(path) if begins_with_of(text)] == []


def test_no_text_has_a_phrase_that_readers_stumbled_over() -> None:
    read = [*SOURCES, ROOT / "src/mnistlab/messages/en.toml"]
    assert [(path.name, found[0]) for path in read for text in texts(path) if (found := ODD.search(text))] == []


def test_sentences_deny_with_not() -> None:
    """ "X is not a Y", as people say it; "there is no Y" stays."""
    sentences = list(texts(ROOT / "src/mnistlab/messages/en.toml"))
    assert len(sentences) > 300
    assert [text for text in sentences if re.search(r"(?<![Tt]here )\b(is|are|was) no (?!longer)\w+", text)] == []
