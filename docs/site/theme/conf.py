"""Sphinx's settings for both languages; `-D language=` says which is built."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.smartquotes import smartchars
from PIL import Image
from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, NumpyDocstring

project = "mnistlab"
author = "The mnistlab authors"
copyright = "the mnistlab authors, MIT"  # noqa: A001
version = release = metadata.version("mnistlab")

extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["README.md", "LISEZMOI.md"]  # parts of them are included
templates_path = ["templates"]
highlight_language = "none"
default_role = "code"
today_fmt = "%Y-%m-%d"

nb_execution_mode = "off"  # lessons.py ran the pages
nb_render_error_lexer = "none"
myst_heading_anchors = 4
myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist"]
myst_links_external_new_tab = False
suppress_warnings = ["myst.header"]  # included parts may begin at any level of heading

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say types, shapes and ranges
autodoc_preserve_defaults = True

smartchars.quotes["fr"] = smartchars.quotes["en"]  # our French has « »; text in other quotation marks is English

html_theme = "furo"
html_title = "mnistlab"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_favicon = "static/mark.svg"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "light_logo": "mark.svg",
    "dark_logo": "mark.svg",
    "sidebar_hide_name": False,
    "light_css_variables": {
        "color-brand-primary": "#1b5f8c",
        "color-brand-content": "#1b5f8c",
        "color-brand-visited": "#6a3d8f",
    },
    "dark_css_variables": {
        "color-brand-primary": "#8ec7ee",
        "color-brand-content": "#8ec7ee",
        "color-brand-visited": "#cfa9ef",
    },
}
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/language.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}


def describe_figures(app: Sphinx, document: nodes.document) -> None:
    """Give each figure of a page its alternative text, which `running.py` put beside it, and its width: two dots make a pixel."""
    for bundle in document.findall(nodes.container):
        if bundle.get("nb_element") != "mime_bundle":
            continue
        plain = [part.astext() for part in bundle.children if part.get("mime_type") == "text/plain"]
        for picture in bundle.findall(nodes.image):
            picture["alt"] = next(filter(None, plain), "") or heading_of(bundle)
            with Image.open(Path(app.srcdir, picture["uri"])) as opened:
                picture["width"] = f"{opened.width // 2}px"


def heading_of(node: nodes.Node) -> str:
    """The text of the heading above the node."""
    while not isinstance(node, nodes.section):
        node = node.parent
    return node.next_node(nodes.title).astext()


def in_english(app: Sphinx, name: str, _: str, context: dict[str, Any], __: nodes.document | None) -> None:
    """Mark English text in the French site as English, for browsers and screen readers."""
    english = app.config.language != "en" and app.env.metadata.get(name, {}).get("lang") == "en"
    if english and "body" in context:
        context["body"] = f'<div lang="en">{context["body"]}</div>'
    elif "body" in context and app.config.language != "en":
        context["body"] = context["body"].replace('<dl class="py', '<dl lang="en" class="py')


def read_docstring(_: Sphinx, what: str, __: str, ___: object, ____: object, lines: list[str]) -> None:
    """Turn a docstring in NumPy's style into what Sphinx reads, except that of a property: a sentence, which may have a colon."""
    if what not in ("attribute", "property"):
        lines[:] = NumpyDocstring("\n".join(lines), Config(napoleon_use_rtype=False, napoleon_use_ivar=True)).lines()


def setup(app: Sphinx) -> None:
    """Connect the functions above to Sphinx, which calls this."""
    app.connect("autodoc-process-docstring", read_docstring)
    app.connect("doctree-read", describe_figures)
    app.connect("html-page-context", in_english)
