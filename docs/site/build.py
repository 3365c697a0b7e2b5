"""Builds the site in both languages: uv run --group docs python -m docs.site.

The result is in build/site/html and can be opened there or put on any server: nothing in it loads from elsewhere.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import time
from pathlib import Path

from docs.site.gather import ROOT, gather
from docs.site.lessons import HERE, renew
from docs.site.links import faults_in
from mnistlab.messages.sentences import LANGUAGES

__all__ = ["build", "main"]

log = logging.getLogger(__name__)
WHERE = ROOT / "build" / "site"


def build(folder: Path = WHERE) -> Path:
    """Build the site into the folder, and return the path of its first page.

    A warning from Sphinx, a broken link or a request to another host raises `SystemExit`.
    """
    from sphinx.cmd.build import build_main

    renew(HERE / "outputs")
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
        put_words(html / language, language)
    add_page(html)
    if faults := faults_in(html):
        raise SystemExit("\n".join(faults))
    return html / "index.html"


def add_page(html: Path) -> None:
    """Make the drawing page, which needs no server, the start page; it links to the documentation in the visitor's language."""
    from mnistlab.reading.reader import Reader
    from mnistlab.serving.models import ServedModel
    from mnistlab.serving.site import site_files

    models = [ServedModel("mnistlab", "mnistlab's reader", Reader())]
    for name, content in site_files(models, {language: f"{language}/index.html" for language in LANGUAGES}).items():
        path = html / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


THEME = {
    '<aside class="sidebar-drawer"': {
        "en": '<aside aria-label="Pages and search" class="sidebar-drawer"',
        "fr": '<aside aria-label="Pages et recherche" class="sidebar-drawer"',
    },
    '<aside class="toc-drawer': {
        "en": '<aside aria-label="On this page" class="toc-drawer',
        "fr": '<aside aria-label="Sur cette page" class="toc-drawer',
    },
    'alt="Light Logo"': {"en": 'alt=""', "fr": 'alt=""'},
    'alt="Dark Logo"': {"en": 'alt=""', "fr": 'alt=""'},
    'aria-label="Toggle site navigation sidebar"': {"fr": 'aria-label="Ouvrir ou fermer la liste des pages"'},
    'aria-label="Toggle table of contents sidebar"': {"fr": 'aria-label="Ouvrir ou fermer le sommaire de la page"'},
    'aria-label="Toggle Light / Dark / Auto color theme"': {"fr": 'aria-label="Clair, sombre ou automatique"'},
    "            On this page\n": {"fr": "            Sur cette page\n"},
    "<title>Contents</title>": {"fr": "<title>Sommaire</title>"},
    "<title>Expand</title>": {"fr": "<title>Déplier</title>"},
    "<title>Light mode</title>": {"fr": "<title>Clair</title>"},
    "<title>Dark mode</title>": {"fr": "<title>Sombre</title>"},
    "<title>Auto light/dark, in light mode</title>": {"fr": "<title>Automatique, clair à présent</title>"},
    "<title>Auto light/dark, in dark mode</title>": {"fr": "<title>Automatique, sombre à présent</title>"},
    ">Skip to content</a>": {"fr": ">Aller au contenu</a>"},
    "<span>Back to top</span>": {"fr": "<span>Haut de la page</span>"},
    "<span>Next</span>": {"fr": "<span>Suivante</span>"},
    "<span>Previous</span>": {"fr": "<span>Précédente</span>"},
    '<div class="title">Home</div>': {"fr": '<div class="title">Accueil</div>'},
    "Copyright &#169; the mnistlab authors, MIT": {"fr": "© Les auteurs de mnistlab, licence MIT"},
    "Made with ": {"fr": "Fait avec "},
}
"""What the theme leaves unlabelled or says only in English, and its replacement in each language."""


def put_words(folder: Path, language: str) -> None:
    """Put the words of the language into each page. Raises `ValueError` if the theme has changed."""
    missing = {place for place, words in THEME.items() if language in words}
    for path in folder.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for place, words in THEME.items():
            if language in words and place in text:
                missing.discard(place)
                text = text.replace(place, words[language])
        path.write_text(text, encoding="utf-8")
    if missing:
        raise ValueError(f"the theme has changed: no page has {sorted(missing)}")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m docs.site", description=__doc__)
    parser.add_argument("--folder", type=Path, default=WHERE, help="the folder to build it in (default: build/site)")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    began = time.perf_counter()
    made = build(parser.parse_args().folder.absolute())
    log.info("%s, in %.0f s", made, time.perf_counter() - began)
