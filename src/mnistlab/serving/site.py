"""Write mnistlab's web page as files for any web server; the visitor's browser then computes the answers itself.

write_site(Path("public"), [ServedModel("mnistlab", "mnistlab's reader", Reader())])
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from mnistlab.errors import UserError
from mnistlab.files import check_folder, is_folder, sha256, write_bytes
from mnistlab.reading.finder import BUNDLED as FINDER
from mnistlab.serving.compact import compact, operators_of
from mnistlab.serving.models import ServedModel
from mnistlab.serving.static import PAGE, TYPES
from mnistlab.serving.trainings import trainings_of

__all__ = ["known_operators", "site_files", "write_site"]

MARK = "site.json"
"""The file that tells the page that there is no API, and that tells `mnistlab site` that a folder holds a site."""
WORKER = "offline.js"
"""The service worker, which keeps the page's files in the browser, so that the page works offline."""
WITHOUT = ("docs.css", WORKER)
"""Files of the served page that a site leaves out or keeps in another place."""


def write_site(folder: Path, models: Sequence[ServedModel], documentation: Mapping[str, str] | None = None) -> int:
    """Write the page, and everything it needs to compute answers itself, into a folder.

    Parameters
    ----------
    folder : Path
        A new or empty folder, or a folder with an earlier site, which is replaced; files that only the old site had are removed.
    models : sequence of ServedModel
        The models that the page offers; it uses the first unless the visitor chooses another.
    documentation : mapping of str to str, optional
        The address of the documentation, relative to the page, for each language ("en", "fr").

    Returns
    -------
    int
        How many bytes were written.

    Raises
    ------
    UserError
        If `folder` is a file or holds files but no site, or a model uses an operator that the page does not know. Nothing is
        written then.
    """
    old = old_files(folder)
    files = site_files(models, documentation or {})
    check_folder(folder)
    for name in sorted(files, key=lambda name: (name in (MARK, WORKER), name)):  # the last two start the new site
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, files[name])
    for name in set(old) - set(files):
        (folder / name).unlink(missing_ok=True)
    return sum(map(len, files.values()))


def old_files(folder: Path) -> list[str]:
    """The paths of the files of the site that is already in the folder; an empty list if the folder is new or empty.

    Raises `UserError` if `folder` is a file, or if it holds files but no site.
    """
    if folder.exists() and not is_folder(folder):
        raise UserError("serving.site_not_a_folder", path=folder)
    if not is_folder(folder) or not any(folder.iterdir()):
        return []
    try:
        told = orjson.loads((folder / MARK).read_bytes())
        names = [str(name) for name in told["files"]] if "mnistlab" in told else None
    except (OSError, ValueError, KeyError, TypeError):
        names = None
    if names is None:
        raise UserError("serving.site_folder_taken", path=folder)
    return [name for name in names if ".." not in Path(name).parts and not Path(name).is_absolute()]


def site_files(models: Sequence[ServedModel], documentation: Mapping[str, str]) -> dict[str, bytes]:
    """The content of every file of the site, by path.

    Raises `UserError` if a model has an operator that the page does not know.
    """
    files = {
        f"static/{path.relative_to(PAGE).as_posix()}": path.read_bytes()
        for path in sorted(PAGE.rglob("*"))
        if path.suffix in TYPES and path.name not in (*WITHOUT, "index.html")
    }
    listed = []
    for model in models:
        content = model.reader.classifier.content
        if unknown := sorted(operators_of(content) - known_operators()):
            raise UserError("serving.site_unknown_operator", path=model.reader.path, operators=", ".join(unknown))
        files[f"models/{model.name}.onnx"] = compact(content)
        listed.append({**model.facts.model_dump(), "file": f"models/{model.name}.onnx"})
    files["models/finder.onnx"] = compact(FINDER.read_bytes())
    trainings = []
    for training in trainings_of(models):
        files[f"trainings/{training.name}.json"] = training.film().model_dump_json().encode()
        trainings.append({"id": training.name, "title": training.title, "file": f"trainings/{training.name}.json"})
    files["index.html"] = as_site((PAGE / "index.html").read_text(encoding="utf-8"), documentation).encode()
    files["manifest.webmanifest"] = orjson.dumps(MANIFEST)
    files[".nojekyll"] = b""  # tells GitHub Pages to serve the files as they are
    version = sha256(b"".join(name.encode() + content for name, content in sorted(files.items())))[:16]
    kept = [name for name in files if not name.startswith(".")]
    worker = (PAGE / WORKER).read_text(encoding="utf-8")
    files[WORKER] = (
        worker.replace("VERSION", version).replace('"FILES"', orjson.dumps(["./", *kept, MARK]).decode()).encode()
    )
    told = {"mnistlab": version, "models": listed, "finder": "models/finder.onnx", "trainings": trainings}
    files[MARK] = orjson.dumps({**told, "files": [*files, MARK]})
    return files


def known_operators() -> set[str]:
    """The names of the ONNX operators that the page can compute."""
    text = (PAGE / "onnx" / "operators.js").read_text(encoding="utf-8")
    table = text.partition("export const OPERATORS = {")[2].partition("\n};")[0]
    return set(re.findall(r"^  ([A-Z]\w*):", table, flags=re.MULTILINE))


def as_site(page: str, documentation: Mapping[str, str]) -> str:
    """The page, adapted for a static site: it computes its answers itself and links to the documentation instead of the API."""
    head = f'<meta name="mnistlab-site" content="{MARK}">\n  <link rel="manifest" href="manifest.webmanifest">\n  '
    link = ""
    if documentation:
        addresses = " ".join(f'data-{language}="{address}"' for language, address in documentation.items())
        first = next(iter(documentation.values()))
        link = f'<a id="documentation" href="{first}" {addresses} data-text="documentation"></a>'
    return page.replace(API_LINK, link).replace(ICON, head + ICON)


API_LINK = '<a href="docs" data-title="apiTitle">API</a>'
ICON = '<link rel="icon"'
MANIFEST: dict[str, Any] = {
    "name": "mnistlab",
    "short_name": "mnistlab",
    "description": "Draw a digit and see what a neural network sees.",
    "start_url": "./",
    "scope": "./",
    "display": "standalone",
    "background_color": "#faf9f6",
    "theme_color": "#faf9f6",
    "icons": [{"src": "static/icon.svg", "type": "image/svg+xml", "sizes": "any", "purpose": "any"}],
}
"""The web app manifest, which a phone needs to install the page."""
