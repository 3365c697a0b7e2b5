from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mnistlab.errors import UserError
from mnistlab.evaluation import gallery
from mnistlab.evaluation.gallery import describe_data


def test_the_facts_of_mnist(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "ROWS", 1)  # the next test draws and looks at all of them
    facts = describe_data("mnist", data_dir, "train", 64, tmp_path / "gallery.png")

    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert (facts["dataset"], facts["split"], facts["total"]) == ("mnist", "train", 54_996)
    assert facts["classes"] == list("0123456789")
    assert sum(facts["counts"]) == 54_996
    assert facts["images"]["shape"] == [64, 1, 28, 28]
    assert facts["images"]["dtype"] == "float32"
    assert facts["labels"] == {"dtype": "int64", "shape": [64]}
    assert facts["images"]["min"] == pytest.approx(-facts["mean"] / facts["std"], abs=1e-4)
    assert facts["images"]["max"] == pytest.approx((1 - facts["mean"]) / facts["std"], abs=1e-4)
    assert abs(facts["images"]["mean"]) < 0.2
    assert facts["images"]["std"] == pytest.approx(1, abs=0.1)
    assert facts["gallery"] == str(tmp_path / "gallery.png")


def test_looking_at_data_changes_no_training_and_gives_a_picture(data_dir: Path, tmp_path: Path) -> None:
    before = torch.get_rng_state()
    facts = describe_data("mnist", data_dir, "val", 10, tmp_path / "deep" / "gallery.png")

    assert torch.equal(torch.get_rng_state(), before)
    assert sum(facts["counts"]) == facts["total"] == 5004
    assert np.argmax(facts["counts"]) == 1  # there are more ones than anything else
    with Image.open(tmp_path / "deep" / "gallery.png") as picture:
        picture.load()
        assert picture.format == "PNG"
        assert all(500 <= side <= 2500 for side in picture.size)


def pictures(folder: Path, each: int) -> Path:
    for label, grey in (("dark", 40), ("bright", 200)):
        (folder / label).mkdir(parents=True)
        for index in range(each):
            pixels = np.zeros((28, 28), np.uint8)
            pixels[5:20, 5 + index % 9 : 20] = grey
            Image.fromarray(pixels).save(folder / label / f"{index:02}.png")
    return folder


def test_a_folder_of_pictures_however_small(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pictures", 8)
    facts = describe_data(str(folder), tmp_path, "train", 2, None)

    assert facts["classes"] == ["bright", "dark"]
    assert facts["gallery"] == str(tmp_path / "pictures-gallery.png")
    assert Path(facts["gallery"]).stat().st_size > 1000


def test_a_batch_that_does_not_fit_is_refused_and_nothing_is_drawn(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pictures", 12)
    with pytest.raises(UserError, match="Batch size 500"):
        describe_data(str(folder), tmp_path, "train", 500, tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_a_validation_split_of_a_picture_or_two(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pictures", 12)
    facts = describe_data(str(folder), tmp_path, "val", 1, tmp_path / "out.png")

    assert facts["total"] == sum(facts["counts"]) == 1
    assert (tmp_path / "out.png").exists()
