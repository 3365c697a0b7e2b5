"""`mnistlab replay`: show a training run as a short animation."""

from __future__ import annotations

from pathlib import Path

import click

from mnistlab.cli.options import examples, json_option, runs_option
from mnistlab.cli.output import print_json
from mnistlab.dependencies import require
from mnistlab.messages.sentences import LANGUAGES


@click.command(epilog=examples("mnistlab replay", "mnistlab replay latest --lang fr"))
@click.argument("run", default="latest")
@click.option(
    "--lang",
    metavar="|".join(LANGUAGES),
    help="Language of the words in the animation.  [default: the locale's, or en]",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE.gif",
    help="The animation to write.  [default: replay.gif in the current folder]",
)
@runs_option
@json_option
def replay(run: str, lang: str | None, output: Path | None, runs_dir: Path, as_json: bool) -> None:
    """Replay a run's training (filters forming, hard digits, the loss) as a GIF and, if ffmpeg is installed, as an MP4 beside it.

    The frames are states that the run saved while it trained, at growing intervals; no frame is interpolated.
    """
    require("train", "matplotlib")
    from mnistlab.evaluation.replay import Replay, read_snapshots, write_gif, write_mp4
    from mnistlab.files import check_target
    from mnistlab.learn.language import find_language, speaking
    from mnistlab.runs.store import find_run

    language = find_language(lang)
    with speaking(language):
        target = output or Path("replay.gif")
        check_target(target, "replay.gif")
        found = find_run(run, runs_dir)
        snapshots = read_snapshots(found)
        frames = list(Replay(found, snapshots, language).frames())
        write_gif(target, frames)
        film = target.with_suffix(".mp4")
        written = [target, film] if write_mp4(film, frames) else [target]
    if as_json:
        print_json({
            "run": str(found.path), "states": len(frames), "steps": snapshots.steps.tolist(), "sha256": snapshots.sha256,
            "weights_sha256": [digest.decode() for digest in snapshots.weights.tolist()], "files": list(map(str, written)),
        })  # fmt: skip
        return
    for path in written:
        click.echo(f"{path}")
