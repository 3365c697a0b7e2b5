"""Even out lighting and contrast, as a network's first layer."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["LITTLE", "WHOLE", "WINDOW", "LocalContrast"]


WINDOW = 7
"""Side, in pixels, of the square over which the mean around each pixel is taken; a stroke in MNIST is 2 to 4 pixels wide."""
WHOLE = 0.5
"""How much of the whole image's deviation is added to the deviation around each pixel, so that empty paper stays even."""
LITTLE = 0.01
"""About one grey level of MNIST, normalised; added to the divisor in `LocalContrast`, so that fainter contrasts stay weak."""


class LocalContrast(nn.Module):
    """Each pixel minus the mean around it, divided by the standard deviation around it (Jarrett et al. 2009).

    Shadows, grey paper and faint ink hardly change the result; swapping ink and paper only changes the result's sign. Takes
    images, float (B, 1, H, W), and returns the same shape and dtype. At the edge, only pixels within the image enter the means.
    """

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The images, float (B, 1, H, W), with their contrast evened out."""
        away = images.float()
        away = away - around(away)
        squared = away * away
        deviation = around(squared).sqrt() + WHOLE * squared.mean((2, 3), keepdim=True).sqrt() + LITTLE
        return (away / deviation).to(images.dtype)


def around(images: torch.Tensor) -> torch.Tensor:
    """The mean of the values in the square window around each pixel.

    Averaging along the rows and then along the columns takes a third of the work of averaging the whole window at once.
    """
    half = WINDOW // 2
    rows = F.avg_pool2d(images, (1, WINDOW), stride=1, padding=(0, half), count_include_pad=False)
    return F.avg_pool2d(rows, (WINDOW, 1), stride=1, padding=(half, 0), count_include_pad=False)
