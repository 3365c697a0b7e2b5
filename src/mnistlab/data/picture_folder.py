"""A folder of pictures, one sub-folder per class (the layout of torchvision's ImageFolder), as a dataset like the others."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mnistlab.data.catalog import DatasetSpec, Part
from mnistlab.data.formats import Arrays
from mnistlab.errors import UserError
from mnistlab.files import resolved, sha256, shorten
from mnistlab.messages.sentences import Clause
from mnistlab.pictures.decode import SUFFIXES, decode

__all__ = ["PictureFolder"]


logger = logging.getLogger("mnistlab.data")

SIZE = 28
PART_NAMES = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test", "testing": "test",
}  # fmt: skip
"""The names that the parts of a folder of pictures may have, in upper or lower case."""
JUNK = {"__macosx", "@eadir", "lost+found", "$recycle.bin", "system volume information"}
"""Folders that archivers, disks and servers leave behind, besides hidden ones."""


@dataclass(frozen=True)
class PictureFolder:
    """Pictures below `root`, in folders by class, or by part and then by class.

    A part `val`, if given, is the validation split, which comes last in `read("train")`. If no part `test` is given,
    about one in six of the training pictures is held out for testing.
    """

    root: Path
    classes: tuple[str, ...]
    folders: dict[str, Path] = field(hash=False)
    """The parts that are given: "train" and, optionally, "val" and "test"."""
    parts: dict[str, Arrays] = field(default_factory=dict, compare=False, repr=False)

    @staticmethod
    def open(root: Path) -> PictureFolder:
        """Open a folder of pictures: look at the names in it, without reading a picture yet.

        Raises `UserError` if there are fewer than two classes, a class has no pictures, no part is for training, a part is given
        twice, or the parts do not have the same classes.
        """
        root = folder_meant(resolved(root))
        folders = part_folders(root)
        train = folders["train"]
        classes = tuple(folder.name for folder in folders_in(train))
        if len(classes) < 2:
            raise UserError("data.too_few_classes", train=train, count=len(classes))
        for label in classes:
            if not holds_picture(train / label):
                raise UserError("data.class_without_pictures", folder=train / label, suffixes=SUFFIXES)
        for folder in folders.values():
            check_classes(folder, train, classes)
        return PictureFolder(root, classes, folders)

    @property
    def at_hand(self) -> bool:
        """True: nothing has to be downloaded."""
        return True

    @cached_property
    def spec(self) -> DatasetSpec:
        """What is known about the dataset, with mean and std as measured on the training pictures."""
        pixels = self.read("train")[0] / np.float32(255)
        return DatasetSpec(
            name=str(self.root),
            title=f"Pictures in {self.root.name}",
            classes=self.classes,
            mean=round(float(pixels.mean()), 4),
            std=round(max(float(pixels.std()), 1e-3), 4),
            image_size=(SIZE, SIZE),
        )

    @property
    def validation(self) -> NDArray[np.bool_] | None:
        """Which examples of `read("train")` are in the folder `val`, bool (N,); None if there is no such folder."""
        if "val" not in self.folders:
            return None
        total = len(self.read("train")[1])
        return np.arange(total) >= total - len(self.parts["val"][1])

    def writers(self, part: Part) -> None:
        """None: a folder does not say who wrote its pictures."""
        return

    def read(self, part: Part) -> Arrays:
        """Images, uint8 (N, 28, 28), with bright ink on a dark background; labels, int64 (N,). Both are read once, then kept.

        Raises `UserError` for a broken picture.
        """
        if part not in self.parts:
            given = self.paths("val") if part == "train" and "val" in self.folders else []
            pictures = self.paths(part) + given
            images = np.stack([read_picture(path) for path, _ in pictures])
            labels = np.array([label for _, label in pictures], np.int64)
            self.parts[part] = images, labels
            if given:
                self.parts["val"] = images[-len(given) :], labels[-len(given) :]
        return self.parts[part]

    def paths(self, part: str) -> list[tuple[Path, int]]:
        """The pictures of the part, each with its label, ordered by class and name. Raises `UserError` if there are none."""
        is_drawn = "test" not in self.folders and part != "val"
        folder = self.folders["train" if is_drawn else part]
        found = []
        for label, name in enumerate(self.classes):
            paths = sorted(path for path in (folder / name).iterdir() if is_picture(path))
            if is_drawn:
                chosen = set(for_testing(paths))
                paths = [path for path in paths if (path in chosen) == (part == "test")]
            found += [(path, label) for path in paths]
        if not found:
            remedy = "data.too_few_pictures" if is_drawn else "data.class_without_pictures"
            raise UserError("data.too_few_pictures", remedy=remedy, folder=folder, purpose=Clause(PURPOSES[part]))
        return found


PURPOSES = {"train": "data.to_train", "val": "data.to_validate", "test": "data.to_test"}


def folder_meant(root: Path) -> Path:
    """The folder itself, or its only sub-folder if that holds the parts or classes (as in an unpacked archive)."""
    match folders_in(root):
        case [inner] if inner.name.lower() not in PART_NAMES and not holds_picture(inner):
            within = folders_in(inner)
            if len(within) > 1 or any(PART_NAMES.get(folder.name.lower()) == "train" for folder in within):
                logger.info(Clause("data.one_folder_alone", folder=root, inner=inner.name))
                return inner
    return root


def part_folders(root: Path) -> dict[str, Path]:
    """The folder of each part that is given under one of `PART_NAMES`. Other folders are ignored.

    If `root` holds classes instead of parts, the only part is "train", and its folder is `root`. Sub-folders count as classes if
    none of them is named like the training part, or if one so named holds pictures directly. Raises `UserError` if a part is
    given twice, or if the training part is missing (all sub-folders are named like other parts and none holds pictures directly).
    """
    found = folders_in(root)
    named = [folder for folder in found if folder.name.lower() in PART_NAMES]
    trains = [folder for folder in named if PART_NAMES[folder.name.lower()] == "train"]
    if not trains and named and named == found and not any(map(holds_picture, named)):
        raise UserError("data.part_missing", path=root / "train", beside=named[0])
    if not trains or any(map(holds_picture, trains)):
        return {"train": root}
    folders: dict[str, Path] = {}
    for folder in named:
        part = PART_NAMES[folder.name.lower()]
        if part in folders:
            raise UserError("data.part_named_twice", root=root, name=folders[part].name, folder_name=folder.name)
        folders[part] = folder
    if strays := [folder.name for folder in found if folder not in named]:
        told = {"count": len(strays), "left_out": shorten(", ".join(strays))}
        logger.info(Clause("data.folders_left_out", folder=root, train=folders["train"].name, **told))
    if "test" not in folders:
        logger.info(Clause("data.no_folder_for_testing", folder=root, train=folders["train"]))
    return folders


def check_classes(folder: Path, train: Path, classes: tuple[str, ...]) -> None:
    """Raise `UserError` if a part does not have the same classes as the training part."""
    names = {path.name for path in folders_in(folder)}
    missing, more = (shorten(", ".join(sorted(which))) for which in (set(classes) - names, names - set(classes)))
    differing = [Clause("data.classes_missing", names=missing)] if missing else []
    differing += [Clause("data.classes_not_in_training", names=more)] if more else []
    if differing:
        raise UserError("data.classes_differ", folder=folder, train=train, differing=differing)


def folders_in(folder: Path) -> list[Path]:
    """The folder's sub-folders, sorted by name, without those that are hidden or that other programs left behind."""
    return sorted(
        path for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.name.lower() not in JUNK
    )  # fmt: skip


def holds_picture(folder: Path) -> bool:
    return any(is_picture(path) for path in folder.iterdir())


def for_testing(paths: list[Path]) -> list[Path]:
    """About one in six of a class's pictures, which are held out for testing; none if the class has fewer than six."""
    if len(paths) < 6:
        return []
    return [path for path in paths if lot(path) < 1 / 6] or sorted(paths, key=lot)[:1]


def lot(path: Path) -> float:
    """A number from 0 to 1 that depends only on the picture's name and class, so pictures added later do not change it."""
    return int(sha256(f"{path.parent.name}/{path.name}".encode("utf-8", "surrogateescape"))[:8], 16) / 2**32


def is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def read_picture(path: Path) -> NDArray[np.uint8]:
    """The whole picture as uint8 (28, 28), bright ink on a dark background; pictures of other sizes are scaled proportionally."""
    picture = decode(path)
    pixels = picture if picture.ndim == 2 else np.asarray(Image.fromarray(picture).convert("L"))
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    background = int(np.median(border))
    if background > 127:
        pixels, background = 255 - pixels, 255 - background
    if pixels.shape == (SIZE, SIZE):
        return pixels
    return np.asarray(
        ImageOps.pad(Image.fromarray(pixels), (SIZE, SIZE), Image.Resampling.LANCZOS, color=background), np.uint8
    )
