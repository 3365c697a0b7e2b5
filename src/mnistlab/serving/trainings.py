"""The training runs that the page can replay: one that comes with mnistlab, and those of the served models."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from mnistlab.runs.snapshots import NAME, Snapshots
from mnistlab.serving.models import ServedModel
from mnistlab.serving.problems import Problem
from mnistlab.serving.schemas import documents

__all__ = ["SHIPPED", "Training", "add_trainings", "trainings_of"]

SHIPPED = Path(__file__).parents[1] / "bundled" / "training"
"""The folder with the snapshots of a run of `mnistlab train quick --seed 0`, without the run's other files."""


@dataclass(frozen=True)
class Training:
    """A training run: its name in the API, its title, and its folder."""

    name: str
    title: str
    folder: Path

    def film(self) -> Film:
        """The response of /trainings/NAME. Raises `UserError` if the snapshots are missing or damaged."""
        found = Snapshots.read(self.folder / NAME, self.folder)
        right = (found.probabilities.argmax(axis=2) == found.labels).sum(axis=1)
        return Film(
            id=self.name,
            title=self.title,
            classes=found.classes.tolist(),
            steps=found.steps.tolist(),
            losses=found.losses.tolist(),  # NaN becomes null
            right=right.tolist(),
            digits=len(found.labels),
            whole=found.whole.tolist(),
            layers=json.loads(str(found.layers) or "[]"),
            values=encoded(
                np.diff(found.values.view(np.uint8), axis=0, prepend=np.zeros_like(found.values[:1], np.uint8))
            ),
            scales=encoded(found.scales.astype("<f4")),
            vectors=encoded(found.vectors.astype("<f4")),
        )


def encoded(values: NDArray[Any]) -> str:
    """The bytes of the array's numbers, in base64."""
    return base64.b64encode(values.tobytes()).decode()


def trainings_of(models: Iterable[ServedModel]) -> list[Training]:
    """The training runs of the models, and then the run that comes with mnistlab.

    Runs without snapshots are left out; of an ensemble's runs, only the first that has snapshots is listed.
    """
    found = []
    for model in models:
        if model.run is None:
            continue
        folders = (model.run, *sorted(model.run.glob("members/*")))
        found += [Training(model.name, model.title, folder) for folder in folders if (folder / NAME).is_file()][:1]
    taken = {training.name for training in found}
    name = next(name for name in ("quick", *(f"quick-{k}" for k in range(2, 1000))) if name not in taken)
    return [*found, Training(name, "quick", SHIPPED)]


class ATraining(BaseModel):
    """One training run, as in the response of /trainings."""

    id: str = Field(description="The model's id, if this is the training run of a served model.")
    title: str


class Trainings(BaseModel):
    """The response of /trainings. The training run listed last is the one that comes with mnistlab."""

    trainings: list[ATraining]


class Film(ATraining):
    """The response of /trainings/NAME: the states of a network at some steps of its training."""

    classes: list[str]
    steps: list[int] = Field(description="The steps for which the loss and the right answers are known, from 0.")
    losses: list[float | None] = Field(
        description="The loss of each step's batch, in nats; null before the first step."
    )
    right: list[int] = Field(description="How many of the digits were classified correctly at each step.")
    digits: int = Field(
        description="How many digits were classified; they were chosen because they are hard to tell apart."
    )
    whole: list[int] = Field(description="The K steps at which all weights were saved; empty for a large network.")
    layers: list[dict[str, Any]] = Field(
        description="The network's layers in order, as mnistlab.training.whole describes them."
    )
    values: str = Field(
        description="base64 of int8 (K, weights): the weights, each divided by its row's scale. Each state but the first has only"
        " the differences from the state before it, modulo 256, because they compress better."
    )
    scales: str = Field(description="base64 of float32 (K, rows), little-endian: the scale of each row.")
    vectors: str = Field(
        description="base64 of float32 (K, numbers), little-endian: the biases, and the numbers of batch norm."
    )


TRAININGS: dict[str, Any] = {
    "summary": "List the training runs that can be replayed",
    "responses": documents(401, 403, 421, 503),
}
TRAINING: dict[str, Any] = {
    "summary": "Replay a training run",
    "description": "All weights of the network at a few steps of its training, to compute what it made of any digit then.",
    "responses": documents(401, 403, 404, 421, 422, 503),
}


def add_trainings(app: FastAPI, models: Sequence[ServedModel]) -> None:
    """Add the routes of the training runs to the app."""
    trainings = {training.name: training for training in trainings_of(models)}

    @app.get("/api/v1/trainings", **TRAININGS)
    async def list_trainings() -> Trainings:
        return Trainings(trainings=[ATraining(id=one.name, title=one.title) for one in trainings.values()])

    @app.get("/api/v1/trainings/{name}", **TRAINING)
    def show_training(name: str) -> Film:  # runs in a thread, because it reads a file
        if name not in trainings:
            raise Problem(404, "serving.unknown_training", name=name[:100], trainings=list(map(repr, trainings)))
        return trainings[name].film()
