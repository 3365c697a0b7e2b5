"""A folder of small scans to be read."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

EXAMPLE = Path(__file__).parents[2] / "examples" / "2026.png"


def make_scans(folder: Path) -> None:
    """Save pictures that show 2026, 20, nothing and 26, and a .png that holds text."""
    folder.mkdir(parents=True)
    picture = Image.open(EXAMPLE).convert("L").resize((160, 60))
    picture.save(folder / "a.png")
    picture.crop((0, 0, 75, 60)).save(folder / "b.png")
    Image.new("L", (60, 60), 255).save(folder / "c.png")
    (folder / "d.png").write_text("no picture")
    right = Image.new("L", (75, 60), 255)
    right.paste(picture.crop((80, 0, 155, 60)))
    right.save(folder / "e.png")
