"""A sweep on Ray: one task per trial, on any machine of the cluster that has enough free cores and GPUs for it.

Each trial writes its run folder itself, so the runs folder has to be the same on all machines. A trial whose process or machine
dies is tried again, and continues from what its run had saved; a sweep whose driver dies continues when someone starts it again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from mnistlab.data.catalog import DATASETS
from mnistlab.errors import Failure, MnistlabError, UserError, number
from mnistlab.files import resolved
from mnistlab.messages.sentences import Clause
from mnistlab.runs.run import Run
from mnistlab.training.cluster import cluster, first_line
from mnistlab.training.display import Silent
from mnistlab.training.sweep import Follower, Outcome, Sweep, Trial, find_runs, outcome_of

__all__ = ["RayEngine"]

TRIES_AGAIN = 3
"""How many times a trial is started again if its process died, or ended in an unexpected error."""
LOOK_EVERY = 5.0
"""Seconds between two checks of how far the trials have got."""
LOCKED_FOR = 60.0
"""If a run is still locked after this many seconds, another sweep holds the lock, not a dying process of this sweep."""


@dataclass(frozen=True)
class RayEngine:
    """An `Engine` that carries out trials on Ray, as many at once as the cluster has room for."""

    address: str | None = None
    """The address of a cluster that is already running, in Ray's form; None for a new one on this computer alone."""
    gpus: float = 0.0
    """GPUs per trial, a whole number of them or a fraction of one; with 0, trials compute on CPU cores."""

    def __post_init__(self) -> None:
        """Raise `UserError` for a number of GPUs that Ray cannot give."""
        gpus = number(self.gpus, Clause("names.gpus"), 0, 1000)
        if gpus > 1 and gpus != int(gpus):
            raise UserError("training.gpus_not_whole", gpus=gpus)

    def __call__(self, sweep: Sweep, trials: Sequence[Trial], follower: Follower) -> Iterator[tuple[Trial, Outcome]]:
        """Carry out the trials. Raises `UserError` if no machine of the cluster is large enough for one trial."""
        if not trials:
            return
        cores = sweep.cores or torch.get_num_threads()
        plan = replace(
            sweep, cores=cores, data_dir=resolved(sweep.data_dir), runs_dir=resolved(sweep.runs_dir),
            dataset=sweep.dataset if sweep.dataset in DATASETS else str(resolved(sweep.dataset)),
        )  # fmt: skip
        with cluster(self.address) as ray:
            task = ray.remote(num_cpus=cores, num_gpus=self.gpus, max_retries=TRIES_AGAIN, retry_exceptions=True)(there)
            queue, running = list(trials), dict[Any, Trial]()
            while queue or running:
                while queue and len(running) < self.places(ray, cores):
                    trial = queue.pop(0)
                    follower.begin(trial)
                    running[task.remote(plan, trial)] = trial
                ended, _ = ray.wait(list(running), num_returns=1, timeout=LOOK_EVERY)
                for reference in ended:
                    yield running.pop(reference), outcome_from(ray, reference)
                if not ended:
                    for trial, run in find_runs(plan, list(running.values())).items():
                        done, planned = run.progress
                        follower.at(trial, done / planned)

    def places(self, ray: Any, cores: int) -> int:
        """How many trials the cluster has room for at once. Raises `UserError` if there is room for none."""
        machines = [machine["Resources"] for machine in ray.nodes() if machine["Alive"]]
        fitting = [min(have.get("CPU", 0) // cores, self.gpus_for(have.get("GPU", 0))) for have in machines]
        if places := int(sum(fitting)):
            return places
        most, gpus = (int(max((have.get(kind, 0) for have in machines), default=0)) for kind in ("CPU", "GPU"))
        raise UserError("training.no_machine_fits", cores=cores, gpus=self.gpus, most_cores=most, most_gpus=gpus)

    def gpus_for(self, there: float) -> float:
        """How many trials can run at once on a machine with `there` GPUs; infinitely many if a trial needs no GPU."""
        if not self.gpus:
            return float("inf")
        return there // self.gpus if self.gpus >= 1 else there * (1 // self.gpus)


def there(sweep: Sweep, trial: Trial) -> Outcome | MnistlabError:
    """Carry out the trial in a process of the cluster. Unexpected errors are raised, so that Ray starts the trial again."""
    deadline = time.monotonic() + LOCKED_FOR
    while True:
        try:
            return outcome_of(sweep, trial, Silent())
        except Failure as failure:  # a full disk
            return failure
        except UserError as error:
            if error.key != "runs.locked" or time.monotonic() > deadline:
                return error
        time.sleep(1)  # the lock belongs to an attempt that is being killed


def outcome_from(ray: Any, reference: Any) -> Outcome:
    """The outcome of a trial. Raises an error only if it must end the whole sweep."""
    try:
        outcome = ray.get(reference)
    except ray.exceptions.RayError as error:
        reason, cause = first_line(error), getattr(error, "cause", None)
        if isinstance(cause, Exception):  # an error in the trial itself, whose traceback Ray shows first
            reason = f"{type(cause).__name__}: {first_line(cause)}"
        return Failure("training.trial_died", tries=1 + TRIES_AGAIN, reason=reason)
    if isinstance(outcome, Run) and not Path(outcome.path).is_dir():
        raise UserError("training.runs_not_shared", folder=outcome.path.parent)
    if isinstance(outcome, Run) or type(outcome) is Failure:
        return outcome
    raise outcome
