"""Draw arrays as pictures side by side, for the course."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mnistlab.dependencies import import_matplotlib
from mnistlab.learn.values import as_array

__all__ = ["show"]

SMALL = 8
"""In pictures whose sides have at most this many pixels, the numbers are written into the pixels."""


def show(pictures: Mapping[str, Any], *, columns: int = 5) -> None:
    """Draw arrays (H, W) side by side below their titles, with pyplot.

    Black is zero and white the highest value; if there are negative values, red is above zero, blue below, and white is
    zero. If a picture is at most 8x8, its numbers are written into it.

    Parameters
    ----------
    pictures : mapping
        Arrays of NumPy or torch, float or int (H, W), by title.
    columns : int
        The largest number of pictures per row.
    """
    import_matplotlib()
    import matplotlib.pyplot as plt

    rows = -(-len(pictures) // columns)
    columns = min(columns, len(pictures))
    _, panels = plt.subplots(rows, columns, figsize=(2.3 * columns, 2.6 * rows), squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for axes, (title, values) in zip(panels.flat, pictures.items(), strict=False):
        array = np.asarray(as_array(values), dtype=float)
        signed = array.min() < 0
        most = max(float(np.abs(array).max()), 1e-9)
        colours = (
            {"cmap": "RdBu_r", "vmin": -most, "vmax": most} if signed else {"cmap": "gray", "vmin": 0, "vmax": most}
        )
        drawn = axes.imshow(array, **colours)
        axes.set_title(title, fontsize=10)
        if max(array.shape) <= SMALL:
            for (row, column), value in np.ndenumerate(array):
                pale = np.dot(drawn.cmap(drawn.norm(value))[:3], (0.3, 0.6, 0.1)) > 0.5
                axes.text(
                    column,
                    row,
                    f"{value:.3g}",
                    ha="center",
                    va="center",
                    fontsize=9,
                    color="black" if pale else "white",
                )
    plt.tight_layout()
    plt.show()
