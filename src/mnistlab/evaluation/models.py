"""Load the models of runs."""

from __future__ import annotations

from pathlib import Path

from mnistlab.networks.checkpoint import SavedModel, read_model
from mnistlab.runs.run import Run
from mnistlab.runs.store import find_model

__all__ = ["load_model"]


def load_model(source: Run | str | Path, *, runs_dir: str | Path = "runs") -> SavedModel:
    """The model of a run, or of a model.pth, on the CPU, in evaluation mode.

    Parameters
    ----------
    source : Run, str or Path
        A model.pth, or what `find_run` finds: a Run, its folder, its name in `runs_dir`, or "latest".
    runs_dir : str or Path
        The folder that holds the runs.

    Returns
    -------
    SavedModel
        The network and what is needed to use it. The network takes images, float32 (B, 1, H, W), normalised by `mean` and
        `std`, and returns logits, float (B, classes).

    Raises
    ------
    UserError
        If there is no such run, if the file is missing, damaged, unsafe, or of another format or version, or if its weights do
        not fit the architecture that it states.
    """
    return read_model(find_model(source, runs_dir))
