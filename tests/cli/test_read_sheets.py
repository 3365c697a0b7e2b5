"""`mnistlab read --table` and `--fields`: text, JSON and CSV, and a sentence for each thing that cannot be done."""

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
    """A folder with sheet.png in which the command is run."""
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
    assert err.splitlines()[0] == "empty.png: no table found, so no CSV was written for it"
    assert "broken.png" in err.splitlines()[1]
    assert [path.name for path in (here / "out").iterdir()] == ["sheet.csv"]
    assert rows_of(here / "out" / "sheet.csv") == TEXTS


def test_where_there_is_no_table_all_is_read(here: Path, sheet: Picture, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(sheet[40:100, 40:140]).save(here / "sheet.png")
    assert run_app(["read", "sheet.png", "--table"]) == 0
    assert capsys.readouterr() == ("12\n", "sheet.png: no table found, so the whole picture was read\n")


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--csv", "out.csv"], ["--table"]),
        (["--table", "--csv", "out.csv", "--json"], ["--csv", "--json"]),
        (["--table", "--csv", "out.csv", "--to", "digits.csv"], ["--csv", "--to"]),
        (["--field", "a=0,0,1,1", "--to", "digits.csv"], ["--field", "--to"]),
        (["--field", "a=0,0,1,1", "--table"], ["--table", "--field"]),
        (["--field", "a=0,0,1"], ["a=0,0,1", "--field"]),
        (["--field", "0,0,1,1"], ["0,0,1,1", "--field"]),
        (["--field", "a=0,0,1,x"], ["a=0,0,1,x", "--field"]),
        (["--field", "=0,0,1,1"], ["name"]),
        (["--field", "a=0.5,0,0.6,1"], ["'a'", "sheet"]),
        (["--field", "a=0,0,1,1", "--field", "a=0,0,1,1"], ["two fields", "'a'"]),
        (["--fields", "form.toml", "--field", "a=0,0,1,1"], ["two fields", "'a'"]),
        (["--fields", "gone.toml"], ["gone.toml"]),
        (["--fields", "there.csv"], ["there.csv"]),
        (["--field", "a=0,0,1,1", "--csv", "out"], ["out", ".csv"]),
        (["--field", "a=0,0,1,1", "--csv", "there.csv"], ["there.csv"]),
        (["--field", "a=0,0,1,1", "--csv", "."], ["'.' is a folder, not a file. Give a file's name: table.csv"]),
        (["--table", "--to", "digits.csv"], ["--to", "--table"]),
        (["--table", "--csv", "out.txt"], ["out.txt", ".csv"]),
        (["--table", "--csv", "there.csv"], ["there.csv"]),
        (["sheet.png", "--table", "--csv", "-"], ["--csv -"]),
        (["--save-layout", "new.toml"], ["--save-layout", "--table"]),
        (["--table", "--save-layout", "form.toml"], ["form.toml", "already exists"]),
        (["--table", "--save-layout", "layout.txt"], ["layout.txt", "layout.toml"]),
        (["sheet.png", "--table", "--save-layout", "new.toml"], ["--save-layout", "several"]),
        (["sheet.png", "--table", "--csv", "out.csv"], ["out.csv", "a folder or several pictures are to be read"]),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_read(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], names: list[str]
) -> None:
    (here / "there.csv").write_text("corrected\n", encoding="utf-8")
    (here / "form.toml").write_text('[[field]]\nname = "a"\nbox = [0, 0, 1, 1]\n', encoding="utf-8")
    assert run_app(["read", "sheet.png", *arguments]) == 2
    assert_one_line(capsys, "error: ", *names)
    assert (here / "there.csv").read_text(encoding="utf-8") == "corrected\n"
    assert sorted(path.name for path in here.iterdir()) == ["form.toml", "sheet.png", "there.csv"]


def test_each_page_of_a_picture_has_a_table_of_its_own_written_over_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Image.open(here / "sheet.png").convert("RGB")
    page.save(here / "two.tif", save_all=True, append_images=[page])
    (here / "tables").mkdir()
    (here / "tables" / "two-page-2.csv").write_text("corrected\n", encoding="utf-8")
    assert run_app(["read", "two.tif", "--table", "--csv", "tables"]) == 2
    assert "two-page-2.csv already exists" in capsys.readouterr().err
    assert (here / "tables" / "two-page-2.csv").read_text(encoding="utf-8") == "corrected\n"
    (here / "tables" / "two-page-1.csv").unlink()
    (here / "tables" / "two-page-2.csv").unlink()
    assert run_app(["read", "two.tif", "--table", "--csv", "tables"]) == 0
    first, second = (rows_of(here / "tables" / f"two-page-{number}.csv") for number in (1, 2))
    assert first == second
    assert first[0][0] == "12"


FIRST, LAST = "0.0714,0.1364,0.2857,0.3637", "0.6428,0.5,0.2857,0.3637"
"""The first cell of the first row and the last of the second, as fractions of the picture."""


def test_fields_are_shown_by_name(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["read", "sheet.png", "--field", f"dozen={FIRST}", "--field", f"last={LAST}"]) == 0
    assert capsys.readouterr() == ("dozen: 12\nlast: 48\n", "")


def test_a_layout_says_what_is_expected_and_the_answer_what_to_check(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f'[[field]]\nname = "dozen"\nbox = [{FIRST}]\nrange = [20, 40]\n'
    (here / "form.toml").write_text(text, encoding="utf-8")
    assert run_app(["read", "sheet.png", "--fields", "form.toml", "--field", f"last={LAST}"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "dozen: 12    check this: 12 is not in the range 20 to 40",
        "last: 48",
    ]
    assert run_app(["read", "sheet.png", "--fields", "form.toml", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["fields"]["dozen"]["why"] == ["12 is not in the range 20 to 40"]
    assert told["fields"]["dozen"]["check"] is True


def test_csv_has_a_row_for_each_picture_and_says_which_could_not_be_read(
    here: Path, sheet: Picture, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    arguments = ["--field", f"dozen={FIRST}", "--field", f"last={LAST}"]
    assert run_app(["read", "sheet.png", "broken.png", *arguments, "--csv", "out.csv"]) == 2
    assert capsys.readouterr().out == "out.csv: 2 pages; 0 fields to check; 1 page could not be read\n"
    head, first, second = rows_of(here / "out.csv")
    assert head == ["file", "page", "dozen", "last", "check", "error"]
    assert first == ["sheet.png", "1", "12", "48", "", ""]
    assert second[:5] == ["broken.png", "1", "", "", ""]
    assert "broken.png" in second[5]
    assert run_app(["read", "sheet.png", *arguments, "--csv", "-"]) == 0
    assert capsys.readouterr().out == "file,page,dozen,last,check,error\nsheet.png,1,12,48,,\n"


def test_a_picture_of_another_form_is_named_and_the_others_are_read(
    here: Path, sheet: Picture, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = np.full((260, 480), 235, np.uint8)
    for n in range(4):
        cv2.putText(printed, f"Form {n} of a kind", (20, 60 + 50 * n), cv2.FONT_HERSHEY_DUPLEX, 1.2, 30, 2, cv2.LINE_AA)
    Image.fromarray(printed).save(here / "empty.png")
    Image.fromarray(printed).save(here / "filled.png")
    text = 'form = "empty.png"\n[[field]]\nname = "a"\nbox = [0.78, 0.1, 0.2, 0.2]\n'
    (here / "form.toml").write_text(text, encoding="utf-8")
    assert run_app(["read", "sheet.png", "filled.png", "--fields", "form.toml"]) == 2
    out, err = capsys.readouterr()
    assert out == "filled.png:\na:\n"
    (line,) = err.splitlines()
    assert line.startswith("error: sheet.png does not ")
    assert "empty.png" in line


def test_a_form_with_little_print_is_refused_with_another_way_to_find_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = np.full((600, 480), 235, np.uint8)
    cv2.rectangle(bare, (100, 200), (380, 260), 30, 2)
    Image.fromarray(bare).save(here / "bare.png")
    text = 'form = "bare.png"\n[[field]]\nname = "a"\nbox = [0.21, 0.34, 0.58, 0.1]\n'
    (here / "form.toml").write_text(text, encoding="utf-8")
    assert run_app(["read", "bare.png", "--fields", "form.toml"]) == 2
    assert 'with sheet = "frame" or sheet = "corners"' in capsys.readouterr().err


def test_resume_with_fields_names_another_file_instead_of_to(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["read", "sheet.png", "--field", f"dozen={FIRST}", "--csv", "out.csv", "--resume"]) == 2
    err = capsys.readouterr().err
    assert "with --csv, choose another file" in err
    assert "Add --to" not in err
    assert not (here / "out.csv").exists()


def test_a_layout_is_made_of_a_table_and_reads_the_next_sheet(
    here: Path, sheet: Picture, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_app(["read", "sheet.png", "--table", "--save-layout", "layout.toml"]) == 0
    out, err = capsys.readouterr()
    assert out == "| 12 |   7 |    |\n|    | 305 | 48 |\n"
    assert err == "layout.toml: 6 fields, A1 to C2, positions as fractions of the printed frame\n"
    larger = np.pad(cv2.resize(sheet, None, fx=1.3, fy=1.3), ((40, 10), (10, 60)), constant_values=240)
    Image.fromarray(larger).rotate(2, fillcolor=240).save(here / "next.png")
    assert run_app(["read", "next.png", "--fields", "layout.toml", "--csv", "out.csv"]) == 0
    assert rows_of(here / "out.csv") == [
        ["file", "page", "A1", "B1", "C1", "A2", "B2", "C2", "check", "error"],
        ["next.png", "1", "12", "7", "", "", "305", "48", "", ""],
    ]


def test_without_a_table_there_is_no_layout(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("L", (60, 60), 255).save(here / "empty.png")
    assert run_app(["read", "empty.png", "--table", "--save-layout", "layout.toml"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: layout.toml cannot be made: no table was found in empty.png.")
    assert not (here / "layout.toml").exists()
