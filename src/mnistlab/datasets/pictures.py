"""A folder of pictures, one sub-folder per class (the layout of torchvision's ImageFolder), as a dataset like the others."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mnistlab.datasets.raw import Arrays
from mnistlab.datasets.table import PARTS, DatasetSpec, Part
from mnistlab.errors import UserError
from mnistlab.files import sha256

__all__ = ["PictureFolder"]

logger = logging.getLogger("mnistlab.data")

SIZE = 28
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"}
LARGEST = 50_000_000
"""Pixels; a larger picture is refused before it is decoded."""
LAYOUT = "Put each class's pictures in a sub-folder of its own: FOLDER/cat/1.png, FOLDER/dog/1.png, …"


@dataclass(frozen=True)
class PictureFolder:
    """Pictures below `root`; with sub-folders `train` and `test` each is its part, else about one in six is for testing."""

    root: Path
    classes: tuple[str, ...]
    split: bool
    """Whether it has sub-folders `train` and `test`."""
    parts: dict[Part, Arrays] = field(default_factory=dict, compare=False, repr=False)

    @staticmethod
    def open(root: Path) -> PictureFolder:
        """Look at the folder's names, read no picture yet. Raises `UserError` where there are not two classes."""
        split = has_parts(root)
        train = root / "train" if split else root
        classes = tuple(sorted(f.name for f in train.iterdir() if f.is_dir() and not f.name.startswith(".")))
        if len(classes) < 2:
            raise UserError(f"{train} has {len(classes)} sub-folders, and a classifier needs two classes.", LAYOUT)
        for label in classes:
            if not any(is_picture(path) for path in (train / label).iterdir()):
                raise UserError(f"{train / label} holds no picture ({', '.join(sorted(SUFFIXES))}).", LAYOUT)
        return PictureFolder(root.resolve(), classes, split)

    @property
    def at_hand(self) -> bool:
        """True: the pictures are here."""
        return True

    @cached_property
    def spec(self) -> DatasetSpec:
        """Its row, like that of any dataset; mean and std are measured on the training pictures."""
        pixels = self.read("train")[0] / np.float32(255)
        return DatasetSpec(
            name=str(self.root),
            title=f"Pictures in {self.root.name}",
            classes=self.classes,
            mean=round(float(pixels.mean()), 4),
            std=round(max(float(pixels.std()), 1e-3), 4),
            image_size=(SIZE, SIZE),
        )

    def read(self, part: Part) -> Arrays:
        """Images uint8 (N, 28, 28), ink bright on dark; labels int64 (N,). Read once, then kept.

        Raises `UserError` for a broken picture.
        """
        if part in self.parts:
            return self.parts[part]
        images, labels = [], []
        for label, name in enumerate(self.classes):
            for path in self.paths(part, name):
                images.append(read_picture(path))
                labels.append(label)
        if not images:
            raise UserError(f"{self.root} holds no picture to {part} with.", "Give at least 12 pictures per class.")
        self.parts[part] = np.stack(images), np.array(labels, np.int64)
        return self.parts[part]

    def paths(self, part: Part, label: str) -> list[Path]:
        """The pictures of one class that belong to the part, by name."""
        folder = self.root / part / label if self.split else self.root / label
        paths = sorted(p for p in folder.iterdir() if is_picture(p)) if folder.is_dir() else []
        if self.split:
            return paths
        chosen = {path for path in paths if draw(path) < 1 / 6} or set(sorted(paths, key=draw)[:1])
        if len(paths) < 6:  # too few to give one away
            chosen = set()
        return [path for path in paths if (path in chosen) == (part == "test")]


def to_grey(picture: Image.Image) -> Image.Image:
    """8 bits a pixel; Pillow's own conversion clips 16-bit values instead of scaling them."""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        values = np.asarray(picture, np.float32)
        most = 65535 if values.max() > 255 else 255
        return Image.fromarray((values.clip(0, most) * (255 / most)).round().astype(np.uint8))
    return picture.convert("L")


def draw(path: Path) -> float:
    """A number from 0 to 1 that hangs on the picture's name and class alone: those that come later change no other's."""
    return int(sha256(f"{path.parent.name}/{path.name}".encode("utf-8", "surrogateescape"))[:8], 16) / 2**32


def has_parts(root: Path) -> bool:
    """Whether the folder holds parts, `train` and `test` and nothing else, rather than classes."""
    folders = {path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")}
    if folders == {"train"} and not any(is_picture(path) for path in (root / "train").iterdir()):
        raise UserError(f"{root / 'test'} is missing beside {root / 'train'}.", "Add it, with the same classes.")
    return folders == set(PARTS) and not any(is_picture(path) for path in (root / "train").iterdir())


def is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def read_picture(path: Path) -> NDArray[np.uint8]:
    """The picture as uint8 (28, 28), ink bright on dark: whole, aspect kept; one that is 28x28 already keeps its pixels."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # LARGEST is the stricter limit
            with Image.open(path) as picture:
                if picture.width * picture.height > LARGEST:
                    raise UserError(
                        f"{path} has {picture.width}x{picture.height} pixels, more than {LARGEST:,}.", "Scale it down."
                    )
                upright = ImageOps.exif_transpose(picture)
                if upright.has_transparency_data:  # transparent is paper
                    layer = upright.convert("RGBA")
                    upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
                grey = to_grey(upright)
    except UserError:
        raise
    except Image.DecompressionBombError as error:
        raise UserError(f"{path} has far more than {LARGEST:,} pixels.", "Scale it down.") from error
    except Exception as error:  # Pillow's decoders raise whatever they like at broken bytes
        raise UserError(f"{path} cannot be read as a picture ({error}).", "Mend or remove it.") from error
    pixels = np.asarray(grey)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    background = int(np.median(border))
    if background > 127:
        pixels, background = 255 - pixels, 255 - background
    if pixels.shape == (SIZE, SIZE):
        return pixels
    return np.asarray(
        ImageOps.pad(Image.fromarray(pixels), (SIZE, SIZE), Image.Resampling.LANCZOS, color=background), np.uint8
    )
