"""Builds the site in both languages: uv run --group docs python -m docs.site.

It lies in build/site/html afterwards and can be opened there or put on any server: nothing in it asks anybody for anything.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import time
from pathlib import Path

from docs.site.gather import ROOT, gather
from docs.site.lessons import HERE
from docs.site.links import faults_in
from mnistlab.messages.sentences import LANGUAGES

__all__ = ["build", "main"]

log = logging.getLogger(__name__)
WHERE = ROOT / "build" / "site"


def build(folder: Path = WHERE) -> Path:
    """Build the site into the folder, and return where its first page lies.

    A warning of Sphinx, a broken link and a request to another host each raise `SystemExit`.
    """
    from sphinx.cmd.build import build_main

    html = folder / "html"
    shutil.rmtree(html, ignore_errors=True)
    for language in LANGUAGES:
        log.info("%s ...", language)
        source = folder / "source" / language
        gather(language, source, HERE / "outputs")
        options = [
            "-W",
            "--keep-going",
            "-q",
            "-E",
            "-D",
            f"language={language}",
            "-d",
            str(folder / "doctrees" / language),
        ]
        if code := build_main(["-b", "html", *options, str(source), str(html / language)]):
            raise SystemExit(code)
        name_landmarks(html / language, language)
    shutil.copy(HERE / "first.html", html / "index.html")
    (html / ".nojekyll").touch()
    if faults := faults_in(html):
        raise SystemExit("\n".join(faults))
    return html / "index.html"


LANDMARKS = {
    '<aside class="sidebar-drawer"': {"en": "Pages and search", "fr": "Pages et recherche"},
    '<aside class="toc-drawer': {"en": "On this page", "fr": "Sur cette page"},
}
"""What the theme leaves nameless, and two of it cannot be told apart by ear."""


def name_landmarks(folder: Path, language: str) -> None:
    """Give the parts of each page their names. Raises `ValueError` where the theme has changed and no page has them."""
    for start, names in LANDMARKS.items():
        found = 0
        for path in folder.rglob("*.html"):
            text = path.read_text(encoding="utf-8")
            found += text.count(start)
            path.write_text(
                text.replace(start, start.replace("<aside", f'<aside aria-label="{names[language]}"')), encoding="utf-8"
            )
        if not found:
            raise ValueError(f"no page has {start}")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m docs.site", description=__doc__)
    parser.add_argument("--folder", type=Path, default=WHERE, help="where it is built (default: build/site)")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    began = time.perf_counter()
    made = build(parser.parse_args().folder.absolute())
    log.info("%s, in %.0f s", made, time.perf_counter() - began)
