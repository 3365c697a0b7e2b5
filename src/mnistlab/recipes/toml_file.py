"""Fields of a recipe in a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mnistlab.errors import UserError
from mnistlab.files import why_unreadable
from mnistlab.recipes.settings import GROUPS

__all__ = ["read_overrides"]


def read_overrides(path: Path) -> dict[str, Any]:
    """The content of a TOML file: fields, such as `epochs = 4`, and groups of fields, such as `[optimisation]`.

    Raises `UserError` if the file is missing or not TOML.
    """
    try:
        content = path.read_bytes()
        if len(content) > 1 and b"\0" in content[:4]:  # in UTF-16, every other byte of ASCII text is 0
            raise UserError("recipes.file_not_utf8", path=path)
        text = content.decode("utf-8-sig")  # Windows editors write a byte order mark first
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("recipes.file_unreadable", path=path, reason=why_unreadable(error)) from None
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError("recipes.file_not_toml", path=path, reason=why_unreadable(error)) from None
    return underscored(values)


def underscored(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields, with each "-" in their names replaced by "_"; fields inside groups are treated in the same way."""
    return {
        key.replace("-", "_"): underscored(value) if key in GROUPS and isinstance(value, dict) else value
        for key, value in values.items()
    }
