"""From a photo of a table to a CSV that a spreadsheet opens, and from its corrections to pictures to train and measure on."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mnistlab.cli.app import run_app
from mnistlab.data.dataset import open_dataset
from mnistlab.data.splits import read_split
from mnistlab.reading.reader import Reader
from tests.support.forms import Hand, filled_table

PHOTO = "relevé été.png"
"""Accents and a space: what spreadsheets and file systems stumble over."""


@pytest.fixture
def table(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A photo of a table filled in with clear digits, in the folder where the commands are run; and what was written."""
    images, labels = (part[:1500] for part in read_split(open_dataset("mnist", data_dir), "val-random"))
    found, probabilities = Reader(threads=1).classify(images)
    sure = (found == labels) & (probabilities.max(1) > 0.9999)
    drawn = filled_table(np.random.default_rng(11), Hand(images[sure], labels[sure]), rows=4, columns=3)
    Image.fromarray(np.asarray(drawn.picture, np.uint8)).save(tmp_path / PHOTO)
    monkeypatch.chdir(tmp_path)
    return [[text or "" for text in row] for row in drawn.cells]


def in_spreadsheet(path: Path) -> list[list[str]]:
    """The cells when a spreadsheet opens the file: with a byte order mark it is UTF-8, otherwise Windows' encoding."""
    content = path.read_bytes()
    encoding = "utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "cp1252"
    return list(csv.reader(io.StringIO(content.decode(encoding), newline="")))


def test_a_photo_a_spreadsheet_and_back(table: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["read", PHOTO, "--table", "--csv", "table.csv"]) == 0
    assert in_spreadsheet(Path("table.csv")) == table

    assert run_app(["read", PHOTO, "--table", "--save-layout", "layout.toml"]) == 0
    layout = Path("layout.toml").read_text(encoding="utf-8").replace('"A1"', '"Réf. nº 1"')
    Path("layout.toml").write_text(layout, encoding="utf-8")
    assert run_app(["read", PHOTO, "--fields", "layout.toml", "--csv", "fields.csv"]) == 0
    head, row = in_spreadsheet(Path("fields.csv"))
    assert head[:4] == ["file", "page", "Réf. nº 1", "B1"]
    assert row[0] == PHOTO
    assert row[2:14] == [text for line in table for text in line]

    assert run_app(["read", PHOTO, "--to", "digits.csv"]) == 0
    for save in (as_excel_saves, as_an_older_excel_saves, as_one_that_missed_the_encoding):
        checked, right = save(Path("digits.csv"))
        folder = f"from-{checked[:-4]}"
        capsys.readouterr()
        assert run_app(["data", "--from-corrections", checked, "--to", folder]) == 0
        told = ", ".join(f"{count} of the digit {value}" for value, count in sorted(Counter(right).items()))
        assert capsys.readouterr() == (f"{folder}: {len(right)} pictures ({told})\n", "")
        dataset = open_dataset(folder, Path("data"))
        images, labels = dataset.read("train")  # of so few, none are kept for testing
        values = [dataset.spec.classes[label] for label in labels.tolist()]
        assert sorted(values) == sorted(right)
        found = Reader(threads=1).classify(images)[0].astype(str)  # a measurement: all but the digit that was corrected
        assert sum(found == values) == len(right) - 1


def saved(source: Path, target: str, delimiter: str, encoding: str, read_as: str = "utf-8") -> tuple[str, list[str]]:
    """The table with the right values in one more column, as a spreadsheet saves it, and these values; numbers as it shows them.

    Digits that were not accepted are left out, and one digit gets another value.
    """
    rows: list[dict[str, Any]] = list(csv.DictReader(io.StringIO(source.read_bytes().decode(read_as), newline="")))
    accepted = [row for row in rows if row["accepted"] == "true"]
    right = [row["value"] for row in accepted]
    right[0] = str((int(right[0]) + 1) % 10)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*rows[0], "correct"], delimiter=delimiter)
    writer.writeheader()
    for row in rows:
        value = right[accepted.index(row)] + (",0" if delimiter == ";" else "") if row in accepted else ""
        writer.writerow({**row, "probability": row["probability"].replace(".", ","), "correct": value})
    Path(target).write_bytes(text.getvalue().encode(encoding))
    return target, right


def as_excel_saves(source: Path) -> tuple[str, list[str]]:
    """CSV UTF-8, in a country that writes 0,5."""
    return saved(source, "utf8.csv", ";", "utf-8-sig")


def as_an_older_excel_saves(source: Path) -> tuple[str, list[str]]:
    """CSV, which is in Windows' encoding."""
    return saved(source, "windows.csv", ";", "cp1252")


def as_one_that_missed_the_encoding(source: Path) -> tuple[str, list[str]]:
    """UTF-8 taken for Windows' encoding, and saved as UTF-8: accents are two letters each."""
    return saved(source, "twice.csv", ",", "utf-8-sig", read_as="cp1252")
