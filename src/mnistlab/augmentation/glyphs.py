"""Printed digits, letters and other marks in many fonts, prepared as MNIST's digits were."""

from __future__ import annotations

import functools

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont

from mnistlab.augmentation.draws import some
from mnistlab.geometry import fit_and_centre
from mnistlab.pictures.fonts import font_files, matplotlib_font, opened

__all__ = ["FONTS", "LETTERS", "MARKS", "MORE_LETTERS", "letters_bank", "printed_digits"]


LETTERS = "ACDEFGHJKLMNPQRTUVWXYacdefhjkmnprtuvwxy"
"""Letters, without those that look like handwritten digits: O o (0), I i l (1), Z z (2), B (8), S s (5), b (6), g q (9)."""
MORE_LETTERS = "ΓΔΞΠΣΨΩαγεηκλμνπτχψωДЖИПФЦШЩЫЮЯÄÖÜßæ"
"""More letters, without those that look like digits: Λ Л (1), β θ Θ Φ φ (0 and 8), δ σ (6 and 8), ζ ξ З Э (3), Ч (4), б (6)."""
MARKS = "#%@+=<>:;.*-_~^€£¶±÷×∞√≠≈≤≥→←↓▲■♠♥♦♣★"
"""Signs, without those that look like digits: ! | / ( ) [ ] ' , (1), ? (2), } (3), $ § & { (5 and 8)."""
UNICODE_FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSerif", "DejaVuSerif-Italic",
    "DejaVuSerif-Bold", "STIXGeneral", "STIXGeneralItalic", "STIXGeneralBolIta",
)  # fmt: skip
TEX_FONTS = ("cmr10", "cmss10", "cmtt10", "cmti10")
"""Fonts in which some signs are not at their Unicode code points; only letters and digits are rendered in these fonts."""
ALL = LETTERS + MORE_LETTERS + MARKS
FONTS = dict.fromkeys(UNICODE_FONTS, ALL) | dict.fromkeys(TEX_FONTS, LETTERS)
"""The characters rendered in each of these fonts, which come with matplotlib; in any other font, those of `ALL` that it has."""


@functools.cache
def letters_bank() -> torch.Tensor:
    """All letters and marks in all fonts that have them, uint8 (N, 1, 28, 28), prepared like MNIST's digits.

    The first call takes a second or two; later calls return the same tensor.
    """
    glyphs = []
    for font, characters in fonts():
        missing = {render(font, character).tobytes() for character in "\ue123\u0378"}
        for character in characters:
            glyph = render(font, character)
            if glyph.any() and glyph.tobytes() not in missing:
                glyphs.append(glyph)
    return as_mnist(glyphs)


@functools.cache
def digits_bank() -> torch.Tensor:
    """The ten digits in all fonts, uint8 (fonts, 10, 28, 28), prepared like MNIST's digits."""
    glyphs = [render(font, str(digit)) for font, _ in fonts() for digit in range(10)]
    return as_mnist(glyphs).view(-1, 10, 28, 28)


def printed_digits(images: torch.Tensor, labels: torch.Tensor, share: float) -> torch.Tensor:
    """The images, float (B, 1, H, W), 0 to 255, with the fraction `share` of the digits replaced by printed digits.

    `labels`, int64 (B,), are the digits that the images show; an image whose label is negative stays as it is.
    """
    chosen = some(images, share)
    chosen = chosen[labels[chosen] >= 0]
    if not len(chosen):
        return images
    bank = digits_bank().to(images.device)
    printed = bank[torch.randint(len(bank), (len(chosen),), device=images.device), labels[chosen]].unsqueeze(1).float()
    printed = F.interpolate(printed, size=images.shape[2:], mode="bilinear", align_corners=False)
    return images.index_copy(0, chosen, printed.to(images.dtype))


def fonts() -> list[tuple[ImageFont.FreeTypeFont, str]]:
    """The fonts of `FONTS` and `font_files`, 64 pixels high, each with the characters that are rendered in it.

    Raises `UserError` if a font is missing or damaged.
    """
    files = {matplotlib_font(name): characters for name, characters in FONTS.items()}
    others = {file.stem: file for file in font_files()}  # some fonts come in two formats
    files |= {file: ALL for file in others.values() if file not in files}
    return [(opened(file, 64), characters) for file, characters in files.items()]


def as_mnist(glyphs: list[np.ndarray[tuple[int, int], np.dtype[np.uint8]]]) -> torch.Tensor:
    """Glyphs, uint8 (112, 112) each, prepared like MNIST's digits: uint8 (N, 1, 28, 28)."""
    large = torch.from_numpy(np.stack(glyphs)).unsqueeze(1).float()  # at four times the final resolution
    return F.interpolate(fit_and_centre(large), size=(28, 28), mode="area").round().to(torch.uint8)


def render(font: ImageFont.FreeTypeFont, character: str) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """One character, white on black, near the middle of an array, uint8 (112, 112)."""
    picture = Image.new("L", (112, 112))
    ImageDraw.Draw(picture).text((56, 56), character, fill=255, font=font, anchor="mm")
    return np.array(picture)
