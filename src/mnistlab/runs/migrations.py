"""Run folders of earlier versions, read as today's: one function for each thing that was written otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mnistlab.errors import UserError
from mnistlab.files import read_json

__all__ = ["config_of_version_1", "member_row_of_version_1", "split_of_version_2"]


def config_of_version_1(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A config.json of version 1 as one of version 2.

    It named no kind: a recipe of several members was an ensemble's, and the runs that it was combined from stood in
    environment.json. Its recipe's fields stood in no groups, which `Recipe.from_dict` takes.
    """
    if config["recipe"].get("members", 1) == 1:
        return {**config, "version": 2, "kind": "single"}
    try:
        members = read_json(folder / "environment.json", "remedies.restore_or_train").get("members", [])
    except (UserError, AttributeError):  # it is told of where it is needed
        members = []
    return {**config, "version": 2, "kind": "ensemble", "members": members}


def split_of_version_2(split: str, dataset: str) -> str:
    """Today's name of the split that a recipe of config.json's versions 1 and 2 trained on: nothing was known of writers."""
    return "train-random" if (split, dataset) == ("train", "mnist") else split


def member_row_of_version_1(row: dict[str, Any]) -> dict[str, Any]:
    """A line of an ensemble's metrics.jsonl, which called its members epochs."""
    return {{"epoch": "member"}.get(key, key): value for key, value in row.items()}
