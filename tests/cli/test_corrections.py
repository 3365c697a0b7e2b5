"""`mnistlab data --from-corrections`: rows of read, corrected in a spreadsheet, as a folder of pictures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mnistlab.cli.app import run_app
from mnistlab.data.dataset import open_dataset
from mnistlab.reading.reader import Reader
from tests.support.comparing import assert_one_line

EXAMPLE = Path(__file__).parents[2] / "examples" / "2026.png"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with scan.tif, whose second page says 2026, and out.csv, which read wrote of it."""
    picture = Image.open(EXAMPLE).convert("L").resize((320, 120))
    picture.crop((0, 0, 150, 120)).save(tmp_path / "scan.tif", save_all=True, append_images=[picture])
    monkeypatch.chdir(tmp_path)
    assert run_app(["read", "scan.tif", "--to", "out.csv"]) == 0
    return tmp_path


def corrected(change: Callable[[dict[str, Any]], str], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    """checked.csv: out.csv with one more column, filled row by row."""
    rows = list(csv.DictReader(io.StringIO(Path("out.csv").read_text(encoding="utf-8"))))
    text = io.StringIO()
    writer = csv.DictWriter(text, [*rows[0], "correct"], delimiter=delimiter)
    writer.writeheader()
    writer.writerows({**row, "correct": change(row)} for row in rows)
    path = Path("checked.csv")
    path.write_text(text.getvalue(), encoding=encoding, newline="")
    return path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, says: str) -> None:
    capsys.readouterr()
    assert run_app(["data", *arguments]) == 2
    assert_one_line(capsys, says)
    assert not [path for path in Path().iterdir() if "tmp" in path.name]


@pytest.mark.parametrize(("delimiter", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-8")])
def test_corrected_rows_become_pictures(
    here: Path, capsys: pytest.CaptureFixture[str], delimiter: str, encoding: str
) -> None:
    right = {"2": "7.0", "0": "0", "6": ""}
    corrected(lambda row: right[row["value"]], delimiter, encoding)
    capsys.readouterr()
    assert run_app(["data", "--from-corrections", "checked.csv", "--to", "folder"]) == 0
    assert capsys.readouterr().out == "folder: 5 pictures (2 of the digit 0, 3 of the digit 7)\n"
    assert sorted(path.name for path in Path("folder").iterdir()) == ["0", "7"]
    digits = [digit for page in Reader().read_pages("scan.tif") for digit in page.digits]
    assert [digit.value for digit in digits] == [2, 0, 2, 0, 2, 6]
    for row, digit in enumerate(digits, 1):
        if digit.value != 6:
            (path,) = Path("folder").glob(f"*/scan-{row}.png")
            assert path.parent.name == {2: "7", 0: "0"}[int(digit.value)]
            assert np.array_equal(np.array(Image.open(path)), digit.image)
    opened = open_dataset("folder", Path("data"))
    assert opened.spec.classes == ("0", "7")
    assert opened.read("train")[0].shape[1:] == (28, 28)


def test_a_box_of_ones_own_is_cut_out(here: Path) -> None:
    rows = [json.loads(line) for line in rows_as_json()]
    one = {**rows[0], "width": rows[0]["width"] // 2, "height": rows[0]["height"] // 2, "correct": 8}
    other = {**rows[1], "correct": "0"}
    Path("checked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in (one, other, rows[2])))
    assert run_app(["data", "--from-corrections", "checked.jsonl", "--to", "folder", "--json"]) == 0
    image = np.array(Image.open("folder/8/scan-1.png"))
    assert (image.shape, image.dtype) == ((28, 28), np.uint8)
    assert not np.array_equal(image, Reader().read("scan.tif").digits[0].image)
    assert image.max() > 200


def rows_as_json() -> list[str]:
    assert run_app(["read", "scan.tif", "--to", "out.jsonl"]) == 0
    return Path("out.jsonl").read_text().splitlines()


def test_pictures_that_are_gone_stop_no_others(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = corrected(lambda row: row["value"])
    path.write_text(path.read_text() + "gone.png,1,1,1,2,2,0.9,true,1,1,9,9,,2\n")
    capsys.readouterr()
    assert run_app(["data", "--from-corrections", "checked.csv", "--to", "folder"]) == 2
    out, err = capsys.readouterr()
    assert out == "folder: 6 pictures (2 of the digit 0, 3 of the digit 2, 1 of the digit 6)\n"
    assert err.startswith("error: There is no file")
    assert len(err.splitlines()) == 1


def test_what_is_no_correction_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = ["--from-corrections", "checked.csv", "--to", "folder"]
    corrected(lambda row: "")
    refused(capsys, *both, says="checked.csv has no correction")
    corrected(lambda row: "l")
    refused(capsys, *both, says="checked.csv, row 2: the correction 'l' is not a digit")
    refused(capsys, *both[:2], says="--from-corrections and --to (the folder")
    refused(capsys, *both[2:], says="--from-corrections and --to (the folder")
    refused(capsys, "--from-corrections", "out.csv", *both[2:], says="column is missing from out.csv: correct")
    refused(capsys, "--from-corrections", "scan.tif", *both[2:], says="not from scan.tif")
    refused(capsys, "--from-corrections", "none.csv", *both[2:], says="There is no file none.csv")
    Path("odd.csv").write_bytes(b"\x81")
    refused(capsys, "--from-corrections", "odd.csv", *both[2:], says="not in UTF-8. Save the table again as UTF-8.")
    Path("rows.jsonl").write_text("[1]\n")
    refused(
        capsys, "--from-corrections", "rows.jsonl", *both[2:], says="rows.jsonl, row 1: the row is not a JSON object"
    )
    Path("folder").mkdir()
    Path("folder/mine").touch()
    corrected(lambda row: row["value"])
    refused(capsys, *both, says="folder is not empty. Choose a new folder for --to.")
    assert [path.name for path in Path("folder").iterdir()] == ["mine"]
