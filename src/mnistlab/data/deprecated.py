"""Keywords of `MNISTDataLoader` that `augment` and `prepare` replace. Version 0.3 will remove these keywords and this file."""

from __future__ import annotations

import warnings
from typing import Any

from mnistlab.augmentation.affine import Augmentation
from mnistlab.augmentation.pipeline import Pipeline
from mnistlab.errors import UserError
from mnistlab.networks.deskew import deskew

__all__ = ["replace_keywords"]


def replace_keywords(
    prepare: Any, augment: Any, writing: Any, rejects: Any, upright: bool, digits: tuple[int, ...]
) -> tuple[Any, Any]:
    """The `prepare` and `augment` that do what `writing=`, `rejects=` and `deskew=` ask for. Warns if any of the three is used.

    Raises `UserError` if `augment` or `prepare` is given as well and cannot be combined with these three keywords.
    """
    if upright:
        warn("deskew=True", "prepare=deskew, from mnistlab.networks.deskew")
        if prepare is not None:
            raise UserError("data.deskew_with_prepare")
        prepare = deskew
    if writing is None and rejects is None:
        return prepare, augment
    if not isinstance(augment, Augmentation | None):
        raise UserError("data.old_keywords_with_pipeline")
    replacement = Pipeline(
        augment or Augmentation(),
        writing=getattr(writing, "strength", writing or 0),
        rejects=getattr(rejects, "share", rejects or 0),
        digits=digits,
    )
    names = " and ".join(name for name, given in (("writing=", writing), ("rejects=", rejects)) if given is not None)
    warn(names, f"augment={replacement}, from mnistlab.augmentation.pipeline")
    return prepare, replacement


def warn(old: str, new: str) -> None:
    """Issue a warning that points at the line where the loader is made, three calls up the stack."""
    warnings.warn(f"MNISTDataLoader({old}) is deprecated: write {new}.", DeprecationWarning, stacklevel=4)
