"""Read run folders that earlier versions of mnistlab wrote: one function for each thing that they wrote differently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mnistlab.errors import UserError
from mnistlab.files import read_json

__all__ = ["config_of_version_1", "member_row_of_version_1", "split_of_version_2"]


def config_of_version_1(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A config.json of version 1, converted to the form of version 2.

    Version 1 named no kind, but a recipe with several members was an ensemble's. The runs from which an ensemble was combined
    were listed in environment.json. The recipe's fields were not in groups, and stay ungrouped: `Recipe.from_dict` accepts that.
    """
    if config["recipe"].get("members", 1) == 1:
        return {**config, "version": 2, "kind": "single"}
    try:
        members = read_json(folder / "environment.json", "remedies.restore_or_train").get("members", [])
    except (UserError, AttributeError):  # reported where the file is needed
        members = []
    return {**config, "version": 2, "kind": "ensemble", "members": members}


def split_of_version_2(split: str, dataset: str) -> str:
    """Today's name for a split in a config.json of version 1 or 2, written before mnistlab knew each image's writer."""
    return "train-random" if (split, dataset) == ("train", "mnist") else split


def member_row_of_version_1(row: dict[str, Any]) -> dict[str, Any]:
    """A line of an ensemble's metrics.jsonl of version 1, in which members are called epochs, converted to today's form."""
    return {{"epoch": "member"}.get(key, key): value for key, value in row.items()}
