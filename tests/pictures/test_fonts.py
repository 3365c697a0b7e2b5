"""The fonts that networks are trained on: each is there, is named if it is not, and counts in the digest."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mnistlab.augmentation import glyphs
from mnistlab.dependencies import FONT_PACKAGES
from mnistlab.errors import UserError
from mnistlab.papers.glyphs import of_text
from mnistlab.pictures import fonts
from mnistlab.pictures.fonts import content, font_files, fonts_digest, opened


def test_every_package_of_fonts_gives_some_and_matplotlib_too() -> None:
    files = font_files()
    assert all(any(f"/{package.replace('-', '_')}/" in file.as_posix() for file in files) for package in FONT_PACKAGES)
    assert sum("matplotlib" in file.parts for file in files) == len(fonts.OTHERS)
    assert all(of_text("4", file) is not None for file in files)


@pytest.mark.parametrize("package", [*FONT_PACKAGES, "matplotlib"])
def test_a_font_that_is_missing_is_named_for_scenes_would_be_others(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package.replace("-", "_"), None)
    with pytest.raises(UserError, match=f"^Required but not installed: {package}. .*--extra train"):
        font_files.__wrapped__()


def test_the_digest_is_that_of_the_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fonts_digest.__wrapped__() == fonts_digest()
    monkeypatch.setattr(fonts, "font_files", lambda: font_files()[1:])
    assert fonts_digest.__wrapped__() != fonts_digest()


def test_a_font_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    with pytest.raises(UserError, match=r"Cannot read the font .*broken\.ttf: "):
        opened(tmp_path / "broken.ttf", 80)
    with pytest.raises(
        UserError, match=r"Cannot read the font .*gone.ttf: No such file.* Install the font's package again"
    ):
        content(tmp_path / "gone.ttf")


def test_each_font_of_the_letters_is_there_and_draws_them_in_its_own_way() -> None:
    drawn = [glyphs.render(font, "R").tobytes() for font, _ in glyphs.fonts()]
    assert len(set(drawn)) == len(drawn) > 60
