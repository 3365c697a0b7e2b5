"""One training from its state to a tested run folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from mnistlab.errors import Interrupted, StorageFailure
from mnistlab.evaluation import plots
from mnistlab.evaluation.evaluate import evaluate_run
from mnistlab.evaluation.result import Evaluation
from mnistlab.runs.run import Run
from mnistlab.training.display import Display
from mnistlab.training.loop import fit
from mnistlab.training.state import TrainingState
from mnistlab.training.watch import watching


@contextlib.contextmanager
def told_how_to_go_on(run: Run) -> Iterator[None]:
    """Add to whatever stops the work inside `with` the command that resumes `run`; if nested, the outermost counts."""
    go_on = f"mnistlab train --resume {run.path}"
    try:
        yield
    except StorageFailure as failure:
        failure.remedy = f"Nothing that was saved is lost; free some space, then go on with: {go_on}"
        raise
    except Interrupted as stop:
        stop.remedy = f"Go on with: {go_on}"
        raise
    except KeyboardInterrupt:
        raise Interrupted(f"Interrupted; what was done is in {run.path}.", f"Go on with: {go_on}") from None


def carry_out(
    run: Run, state: TrainingState, track: str | None, display: Display, data_dir: Path
) -> tuple[Run, Evaluation]:
    """Train to the end, test once, draw the pictures.

    Parameters
    ----------
    run
        The folder of the run, locked by the caller.
    state
        What to train, from wherever it is.
    track
        One of `TRACKERS`, or None.
    display
        What to tell of the progress.
    data_dir
        Where the test images are.

    Returns
    -------
    tuple of Run and Evaluation
        The run, finished, and its result on the test images.
    """
    with watching(run, state, display, track) as watch:
        fit(state, watch)
    evaluation = evaluate_run(run, "test", device=str(state.device), data_dir=data_dir)
    plots.draw_run(run, evaluation)
    return run, evaluation
