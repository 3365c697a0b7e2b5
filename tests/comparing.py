"""What tests of whole runs compare: weights to the last bit, metrics without their times."""

from __future__ import annotations

from typing import Any

import torch

from mnistlab.checkpoints import load_model
from mnistlab.runs import Run


def weights(run: Run) -> dict[str, torch.Tensor]:
    return load_model(run.model_path).model.state_dict()


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(value, second[name]) for name, value in first.items())


def without_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in ("seconds", "images_per_second")} for row in rows]
