"""`mnistlab site`: write the page of `mnistlab serve` as files that work without mnistlab's server."""

from __future__ import annotations

from pathlib import Path

import click

from mnistlab.cli.model_file import BUNDLED, load_models
from mnistlab.cli.options import FOLDER, examples, json_option, models_option, runs_option
from mnistlab.cli.output import print_json
from mnistlab.cli.words import tell
from mnistlab.dependencies import require

__all__ = ["site"]


@click.command(epilog=examples("mnistlab site public", "mnistlab site public --model mnistlab --model latest"))
@click.argument("folder", metavar="DIR", type=FOLDER)
@models_option
@runs_option
@json_option
def site(folder: Path, models: tuple[str, ...], runs_dir: Path, as_json: bool) -> None:
    """Write the page of `mnistlab serve` as files that need no mnistlab server, because everything runs in the visitor's browser.

    DIR is a new folder, an empty one, or a site that this command wrote. Put it on GitHub Pages, a school's web space or any web
    server; after the first visit, the page works offline.
    """
    require("serve")
    from mnistlab.serving.site import old_files, write_site

    old_files(folder)  # a folder with other files is refused before a run is exported
    served = load_models(models or (BUNDLED,), runs_dir)
    size = write_site(folder, served)
    names = [model.name for model in served]
    if as_json:
        print_json({"folder": str(folder), "models": names, "bytes": size})
        return
    tell("cli.site_written", folder=folder, megabytes=size / 1e6, count=len(names), models=names)
