from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from mnistlab.dependencies import FONTS
from mnistlab.errors import UserError
from mnistlab.papers import glyphs
from mnistlab.papers.glyphs import SIDE, content, font_files, fonts_digest, of_picture, of_text, opened


def test_every_package_of_fonts_gives_some_and_matplotlib_too() -> None:
    files = font_files()
    assert all(any(f"/{package.replace('-', '_')}/" in file.as_posix() for file in files) for package in FONTS)
    assert sum("matplotlib" in file.parts for file in files) == len(glyphs.OTHERS)
    assert all(of_text("4", file) is not None for file in files)


@pytest.mark.parametrize("package", [*FONTS, "matplotlib"])
def test_a_font_that_is_missing_is_named_for_scenes_would_be_others(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package.replace("-", "_"), None)
    with pytest.raises(UserError, match=f"packages that are not installed: {package}. .*--extra train"):
        font_files.__wrapped__()


def test_the_digest_is_that_of_the_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fonts_digest.__wrapped__() == fonts_digest()
    monkeypatch.setattr(glyphs, "font_files", lambda: font_files()[1:])
    assert fonts_digest.__wrapped__() != fonts_digest()


def test_a_font_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    with pytest.raises(UserError, match=r"Cannot read the font .*broken\.ttf: "):
        opened(tmp_path / "broken.ttf")
    with pytest.raises(UserError, match=r"Cannot read the font .*gone.ttf: No such file.* Install its package again"):
        content(tmp_path / "gone.ttf")


def test_a_shape_knows_how_far_its_edge_and_its_middle_are() -> None:
    bar = np.zeros((28, 28), np.uint8)
    bar[4:24, 11:17] = 255
    shape = of_picture(bar)
    assert shape is not None
    middle = SIDE // 2
    assert shape.edge[middle, middle] > 3
    assert shape.edge[2, 2] < -5
    assert shape.middle[middle, middle] < 1.5
    assert shape.middle[middle, middle + 10] == pytest.approx(10, abs=1.5)
    assert (round(shape.width), round(shape.height)) == (11, 36)
    assert of_picture(np.zeros((28, 28), np.uint8)) is None
