"""Check a built site: each link must lead to an existing file and anchor, and no page may load anything from another host."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["faults_in"]

LOADING = {"img", "script", "iframe", "source", "video", "audio", "embed", "object", "track", "input", "image", "use"}
"""Elements whose address is loaded with the page."""
NO_LOAD = {"canonical", "alternate", "author", "license", "next", "prev", "index", "search", "help", "bookmark"}
"""The values of `rel` of those `link` elements for which nothing is loaded."""


@dataclass
class Found(HTMLParser):
    """The addresses and anchors of a page."""

    loaded: list[str] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def all(self) -> list[str]:
        """Every address."""
        return self.loaded + self.linked

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the addresses and anchors of an element; called for each element of the page."""
        own = {name: value or "" for name, value in attrs}
        self.places |= {own[name] for name in ("id", "name") if name in own}
        loads = tag in LOADING or (tag == "link" and not set(own.get("rel", "").split()) & NO_LOAD)
        for name in ("href", "src", "data", "poster", "xlink:href"):
            if own.get(name):
                (self.loaded if loads else self.linked).append(own[name])
        self.loaded += [part.split()[0] for part in own.get("srcset", "").split(",") if part.strip()]
        self.loaded += styles(own.get("style", ""))


def styles(css: str) -> list[str]:
    """The addresses that CSS text loads."""
    return re.findall(
        r"""(?:url\(|@import\s+(?!url))\s*["']?([^"')\s;]+)""", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    )


def faults_in(folder: Path) -> list[str]:
    """A line for each fault in the links of the pages and style sheets in the folder."""
    pages = {}
    for path in sorted(folder.rglob("*.html")):
        pages[path.resolve()] = found = Found()
        found.feed(path.read_text(encoding="utf-8"))
    addresses = [(path, address, address in found.loaded) for path, found in pages.items() for address in found.all]
    for path in sorted(folder.rglob("*.css")):
        addresses += [(path.resolve(), address, True) for address in styles(path.read_text(encoding="utf-8"))]
    found_faults = [
        (path, address, fault_of(address, path, pages, is_loaded=loads)) for path, address, loads in addresses
    ]
    return [
        f"{path.relative_to(folder.resolve())}: {address}: {fault}" for path, address, fault in found_faults if fault
    ]


def fault_of(address: str, page: Path, pages: dict[Path, Found], *, is_loaded: bool) -> str:
    """What is wrong with an address on the page; empty if nothing is."""
    parts = urlsplit(address)
    if parts.scheme in ("data", "blob", "mailto"):
        return ""
    if parts.scheme or parts.netloc:
        if is_loaded:
            return "is loaded from another host"
        well_formed = parts.scheme in ("http", "https") and re.fullmatch(
            r"(?:[\w-]+\.)+[a-z]{2,}|localhost|127\.0\.0\.1", parts.hostname or ""
        )
        return "" if well_formed else "is no address of the web"
    target = page if not parts.path else (page.parent / unquote(parts.path)).resolve()
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return "no such file"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
        return "no such place on the page"
    return ""
