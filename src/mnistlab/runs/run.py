"""The run folder, the only output of training.

runs/20261122-101500-two-conv-seed0/
    config.json        kind, recipe, dataset, seed: what was asked for
    environment.json   versions, device, commit: what it ran on
    metrics.jsonl      one line per epoch, with "losses" (mean losses of equal parts of the epoch), or per member of an ensemble
    model.pth          weights and what is needed to use them
    resume.pt          everything needed to continue exactly
    snapshots.npz      the network at a few steps: filters, and its probabilities for hard digits (see snapshots.py)
    test.json          the test split's counts and mistakes
    val.json           the same for the validation split, if a sweep trained the run or the test images were not used
    members/           the members' run folders, if an ensemble trained them itself
    *.png              training curves, confusion matrix, worst mistakes
"""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistlab.data.catalog import DATASETS
from mnistlab.errors import UserError
from mnistlab.files import explain_os_errors, given_path, is_folder, read_json, write_bytes, write_json
from mnistlab.messages.sentences import Clause
from mnistlab.recipes.differences import changed_fields
from mnistlab.recipes.papers import AnyRecipe, PaperRecipe
from mnistlab.recipes.recipe import EnsembleRecipe, Recipe
from mnistlab.runs.config import damaged, read_config
from mnistlab.runs.counts import read_counts
from mnistlab.runs.lock import held, is_held
from mnistlab.runs.migrations import member_row_of_version_1

__all__ = ["Run"]


logger = logging.getLogger("mnistlab.runs")

METRICS = {"train_loss", "val_loss", "val_accuracy", "seconds"}
"""The required fields of a line of metrics.jsonl, besides the number of its epoch or member."""


@dataclass(frozen=True)
class Run:
    """A run folder and what its config.json says.

    Attributes
    ----------
    path : Path
        The folder.
    recipe : Recipe or PaperRecipe
        What was trained, and how.
    dataset : str
        A dataset's name, or the path of a folder of pictures.
    data_dir : str
        Where the data was during training, perhaps on another machine; `find_data` looks for it.
    seed : int
        The number from which all randomness in the run comes.
    created : datetime
        When the run was created, in this machine's time zone; a stored time without a zone is taken to be local.
    members : tuple of str
        The folders of the runs combined into an ensemble; empty for a single network, or if the ensemble trained its own members.
    """

    path: Path
    recipe: AnyRecipe
    dataset: str
    data_dir: str
    seed: int
    created: datetime.datetime
    members: tuple[str, ...] = ()

    @staticmethod
    def open(path: str | Path) -> Run:
        """The run in the folder `path`. Raises `UserError` if its config.json is missing, damaged or of an unknown version."""
        path = Path(path)
        return Run(path=path, **read_config(path))

    @property
    def kind(self) -> str:
        """What the run trains: "single" (one classifier), "ensemble" (several classifiers), "finder" or "line-reader"."""
        return self.recipe.kind

    @property
    def is_classifier(self) -> bool:
        """Whether the recipe is that of a classifier: one network or an ensemble."""
        return isinstance(self.recipe, Recipe)

    @property
    def classifier(self) -> Recipe:
        """The run's recipe. Raises `UserError` if that is not the recipe of a classifier."""
        if not isinstance(self.recipe, Recipe):
            raise UserError("runs.not_a_classifier", run=self.path, does=self.recipe.does)
        return self.recipe

    @property
    def unit(self) -> str:
        """The unit of the run's progress and of the lines of metrics.jsonl: "epoch" or "member"."""
        return self.recipe.unit

    @property
    def told_progress(self) -> Clause:
        """`progress` in words, such as "3 of 8 epochs"."""
        done, planned = self.progress
        return Clause("runs.members_of" if self.unit == "member" else "runs.epochs_of", done=done, planned=planned)

    @property
    def model_path(self) -> Path:
        """The path of the model's file, written at the end of each epoch (for an ensemble, once all members are trained)."""
        return self.path / "model.pth"

    @property
    def resume_path(self) -> Path:
        """The path of the file that holds the state to resume from."""
        return self.path / "resume.pt"

    @property
    def environment(self) -> dict[str, Any]:
        """The content of environment.json. Raises `UserError` if the file is missing or damaged."""
        path, remedy = self.path / "environment.json", "remedies.restore_or_train"
        environment = read_json(path, remedy)
        for key, kind in (("device", str), ("device_title", str), ("precision", str), ("threads", int)):
            value = environment.get(key) if isinstance(environment, dict) else None
            if not isinstance(value, kind) or (isinstance(value, int) and value < 1):
                raise damaged(path, key, value)
        return dict(environment)

    def find_data(self, named: str | Path | None = None) -> Path:
        """The folder of the data: `named` if given; else that in config.json if it exists; else "data", with a warning if needed.

        The folder in config.json is only looked for, never created, because the run may come from another machine.
        """
        if named is not None or is_folder(Path(self.data_dir)):
            return given_path(named or self.data_dir, "data_dir")
        if self.dataset in DATASETS:  # a folder of pictures needs no data folder
            logger.warning(Clause("runs.data_missing", run=self.path, data_dir=self.data_dir, field="data_dir"))
        return Path("data")

    def clear_leftovers(self) -> None:
        """Remove the temporary files of a process that was killed while it was saving; call this with the lock held."""
        for path in self.path.glob(".*.tmp"):
            with contextlib.suppress(OSError):
                path.unlink()

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """One row of metrics.jsonl per finished epoch or member, up to the first damaged line (perhaps cut short by a crash)."""
        try:
            lines = (self.path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, UnicodeDecodeError):
            return []
        rows = []
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                break
            if isinstance(row, dict) and self.kind == "ensemble" and "member" not in row:
                row = member_row_of_version_1(row)
            if not isinstance(row, dict) or not set(row) >= METRICS | {self.unit}:
                break
            rows.append(row)
        return rows

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Append a line to metrics.jsonl."""
        path = self.path / "metrics.jsonl"
        with explain_os_errors(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def write_metrics(self, rows: list[dict[str, Any]]) -> None:
        """Replace the lines of metrics.jsonl with `rows`; a resumed run does this to make them match its last saved state."""
        write_bytes(self.path / "metrics.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())

    @property
    def test(self) -> dict[str, Any] | None:
        """The content of test.json, or None before the run has been tested. Raises `UserError` if the file is damaged."""
        return read_counts(self.path / "test.json")

    @property
    def validation(self) -> dict[str, Any] | None:
        """The content of val.json, or None if the file is missing or damaged (the file can be made again at any time)."""
        with contextlib.suppress(UserError):
            return read_counts(self.path / "val.json")
        return None

    def write_test(self, test: dict[str, Any]) -> None:
        """Write test.json, atomically."""
        write_json(self.path / "test.json", test, indent=None)

    def write_validation(self, validation: dict[str, Any]) -> None:
        """Write val.json, atomically."""
        write_json(self.path / "val.json", validation, indent=None)

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Hold the run's lock inside `with`, while training the run. Raises `UserError` if another process is training it."""
        return held(self.path)

    @property
    def is_being_trained(self) -> bool:
        """Whether a process holds the run's lock; also False if that cannot be determined, as in a read-only folder."""
        return is_held(self.path)

    @property
    def how_to_finish(self) -> str:
        """The key of the message that says how to finish an unfinished run; the message may have the placeholder `run`."""
        return "remedies.wait_for_training" if self.is_being_trained else "remedies.finish_run"

    @property
    def is_finished(self) -> bool:
        """Whether everything that was planned has been trained."""
        done, planned = self.progress
        return done >= planned

    @property
    def progress(self) -> tuple[int, int]:
        """How many epochs (members for an ensemble) are done, and how many are planned."""
        metrics = self.metrics
        if isinstance(self.recipe, EnsembleRecipe):
            measured = {path.parent for name in ("test", "val") for path in self.path.glob(f"members/*/{name}.json")}
            return len(metrics) or len(measured), self.recipe.ensemble.members
        if isinstance(self.recipe, PaperRecipe):
            return metrics[-1]["epoch"] if metrics else 0, self.recipe.epochs
        plan = self.recipe.optimisation
        stopped_early = plan.steps and metrics and metrics[-1].get("step", 0) >= plan.steps
        return len(metrics), len(metrics) if stopped_early else plan.epochs

    def summary(self) -> dict[str, Any]:
        """The run in plain types: run, created, kind, recipe, dataset, seed, epochs (members for an ensemble), validation (the
        split), val_accuracy, test_accuracy, seconds, recipe_changed (fields that differ from mnistlab's recipe of that name)."""
        metrics, test = self.metrics, self.test
        last = metrics[-1] if metrics else {}
        return {
            "run": str(self.path),
            "created": self.created.isoformat(),
            "kind": self.kind,
            "recipe": self.recipe.name,
            "recipe_changed": changed_fields(self.recipe),
            "dataset": self.dataset,
            "seed": self.seed,
            f"{self.unit}s": list(self.progress),
            "validation": self.recipe.data.validation if isinstance(self.recipe, Recipe) else "val",
            "val_accuracy": last.get("val_accuracy"),
            "test_accuracy": test["correct"] / test["total"] if test else None,
            "seconds": last.get("seconds"),
        }
