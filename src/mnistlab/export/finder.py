"""The finder's exported file."""

from __future__ import annotations

from torch import Tensor, nn

from mnistlab.evaluation.finds import THRESHOLD
from mnistlab.export.paper_file import PaperFile
from mnistlab.export.result import FinderExport
from mnistlab.networks.finder import FinderNet

__all__ = ["FINDER_FILE"]


class Whole(nn.Module):
    """The network as it is in the file: from the contrast, it computes the kinds' probabilities, the boxes, and the ink."""

    def __init__(self, model: FinderNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, contrast: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Like `FinderNet`, but with kinds and ink as probabilities, 0 to 1."""
        kinds, boxes, ink = self.model(contrast)
        return kinds.sigmoid(), boxes, ink.sigmoid()


FINDER_FILE = PaperFile(
    name="finder",
    sizes=[(1, 1, *size) for size in ((96, 192), (64, 64), (4, 12), (100, 52), (256, 320))],
    sides={2: ("h", 4), 3: ("w", 4)},
    outputs={"kinds": {2: "h", 3: "w"}, "boxes": {2: "h", 3: "w"}, "ink": {}},
    whole=Whole,
    in_file=Whole,
    threshold=THRESHOLD,
    result=FinderExport,
)
"""Takes float32 (1, 1, H, W), where H and W are multiples of 4; returns `kinds`, float32 (1, classes, H/4, W/4), 0 to 1; `boxes`,
float32 (1, 4, H/4, W/4); and `ink`, float32 (1, 1, H, W), 0 to 1."""
