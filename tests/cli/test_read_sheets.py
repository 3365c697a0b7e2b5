"""`mnistlab read --table`: text, JSON and CSV, and what cannot be done in one sentence each."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mnistlab import Reader
from mnistlab.cli.app import run_app
from mnistlab.data.dataset import open_dataset
from mnistlab.data.splits import read_split
from tests.support.comparing import assert_one_line
from tests.support.forms import Hand, Pen, Picture, write_number

TEXTS = [["12", "7", ""], ["", "305", "48"]]


@pytest.fixture(scope="session")
def hand(data_dir: Path) -> Hand:
    """Digits that leave no doubt."""
    images, labels = (part[:1500] for part in read_split(open_dataset("mnist", data_dir), "val-random"))
    found, probabilities = Reader(threads=1).classify(images)
    sure = (found == labels) & (probabilities.max(1) > 0.9999)
    return Hand(images[sure], labels[sure])


@pytest.fixture(scope="session")
def sheet(hand: Hand) -> Picture:
    """A small table, flat: uint8."""
    paper = np.full((220, 420), 240, np.float32)
    for n in range(3):
        cv2.line(paper, (30, 30 + 80 * n), (390, 30 + 80 * n), 90, 2)
    for n in range(4):
        cv2.line(paper, (30 + 120 * n, 30), (30 + 120 * n, 190), 90, 2)
    random = np.random.default_rng(3)
    for row, texts in enumerate(TEXTS):
        for column, text in enumerate(texts):
            if text:
                box = (40 + 120 * column, 34 + 80 * row, 140 + 120 * column, 106 + 80 * row)
                write_number(random, paper, hand, text, box, Pen(30.0, 0))
    return paper.astype(np.uint8)


@pytest.fixture
def here(sheet: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with sheet.png in which the command stands."""
    Image.fromarray(sheet).save(tmp_path / "sheet.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_a_table_is_shown_in_columns(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["read", "sheet.png", "--table"]) == 0
    assert capsys.readouterr() == ("| 12 |   7 |    |\n|    | 305 | 48 |\n", "")


def test_merged_cells_are_said(here: Path, sheet: Picture, capsys: pytest.CaptureFixture[str]) -> None:
    joined = sheet.copy()
    joined[36:105, 268:273] = 240
    Image.fromarray(joined).save(here / "sheet.png")
    assert run_app(["read", "sheet.png", "--table"]) == 0
    assert capsys.readouterr().out.splitlines()[2:] == ["one cell: row 1, columns 2 to 3"]


def test_json_holds_the_table(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["read", "sheet.png", "--table", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["table"] == Reader(threads=1).read(here / "sheet.png", table=True).to_dict()["table"]


def test_csv_is_what_a_spreadsheet_opens(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["read", "sheet.png", "--table", "--csv", "out.csv"]) == 0
    assert capsys.readouterr() == ("out.csv: 2 rows, 3 columns\n", "")
    assert rows_of(here / "out.csv") == TEXTS
    assert run_app(["read", "sheet.png", "--table", "--csv", "-"]) == 0
    assert capsys.readouterr() == ("12,7,\n,305,48\n", "")


def test_each_of_several_pictures_gets_a_csv_of_its_own_and_those_without_a_table_none(
    here: Path, sheet: Picture, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(sheet[:100]).save(here / "top.png")
    Image.new("L", (60, 60), 255).save(here / "empty.png")
    (here / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert run_app(["read", "sheet.png", "empty.png", "broken.png", "--table", "--csv", "out"]) == 2
    out, err = capsys.readouterr()
    assert out == f"{Path('out', 'sheet.csv')}: 2 rows, 3 columns\n"
    assert err.splitlines()[0] == "empty.png: no table found, so all of the picture was read"
    assert "broken.png" in err.splitlines()[1]
    assert [path.name for path in (here / "out").iterdir()] == ["sheet.csv"]
    assert rows_of(here / "out" / "sheet.csv") == TEXTS


def test_where_there_is_no_table_all_is_read(here: Path, sheet: Picture, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(sheet[40:100, 40:140]).save(here / "sheet.png")
    assert run_app(["read", "sheet.png", "--table"]) == 0
    assert capsys.readouterr() == ("12\n", "sheet.png: no table found, so all of the picture was read\n")


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--csv", "out.csv"], ["--table"]),
        (["--table", "--csv", "out.csv", "--json"], ["--csv", "--json"]),
        (["--table", "--csv", "out.csv", "--to", "digits.csv"], ["--csv", "--to"]),
        (["--table", "--to", "digits.csv"], ["--to", "--table"]),
        (["--table", "--csv", "out.txt"], ["out.txt", ".csv"]),
        (["--table", "--csv", "there.csv"], ["there.csv"]),
        (["sheet.png", "--table", "--csv", "-"], ["--csv -"]),
        (["sheet.png", "--table", "--csv", "out.csv"], ["out.csv", "folder"]),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_read(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], names: list[str]
) -> None:
    (here / "there.csv").write_text("corrected\n", encoding="utf-8")
    assert run_app(["read", "sheet.png", *arguments]) == 2
    assert_one_line(capsys, "error: ", *names)
    assert (here / "there.csv").read_text(encoding="utf-8") == "corrected\n"
    assert sorted(path.name for path in here.iterdir()) == ["sheet.png", "there.csv"]
