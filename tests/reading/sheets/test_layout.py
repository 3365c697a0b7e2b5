"""Layouts of forms: what a file may say, and a sentence for everything that it may not."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mnistlab import UserError
from mnistlab.reading.sheets.check_digits import CHECKS
from mnistlab.reading.sheets.from_table import column_name, to_toml
from mnistlab.reading.sheets.layout import Field, Layout, read_layout

BOX = (0.1, 0.2, 0.3, 0.1)
A_FIELD = '[[field]]\nname = "total"\nbox = [0.1, 0.2, 0.3, 0.1]\n'


def layout(folder: Path, text: str) -> Layout:
    (folder / "form.toml").write_text(text, encoding="utf-8")
    return read_layout(folder / "form.toml")


def test_all_that_a_layout_may_say(tmp_path: Path) -> None:
    Image.new("L", (30, 40), 200).save(tmp_path / "empty.png")
    read = layout(
        tmp_path, 'form = "empty.png"\n' + A_FIELD + 'pattern = "\\\\d{3}"\nrange = [0, 500]\ncheck = "luhn"\n'
    )
    assert read.fields == (Field("total", BOX, "\\d{3}", (0.0, 500.0), "luhn"),)
    assert read.form is not None
    assert read.form.shape == (40, 30)
    assert layout(tmp_path, "\ufeff" + A_FIELD).sheet == "picture"
    assert layout(tmp_path, 'sheet = "frame"\n' + A_FIELD).sheet == "frame"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["no fields"]),
        ("x = ", ["form.toml"]),
        ("field = 3", ["[[field]]"]),
        ("[field]\nname = 'a'\nbox = [0, 0, 1, 1]\n", ["'field'", "is not a list of tables", "double brackets"]),
        ('shet = "frame"\n' + A_FIELD, ["shet", "sheet"]),
        (A_FIELD + 'patern = "1"\n', ["patern", "pattern"]),
        (A_FIELD + A_FIELD, ["two fields", "total"]),
        ('[[field]]\nname = "a"\n', ["Field 1", "no box"]),
        ("[[field]]\nbox = [0, 0, 1, 1]\n", ["Field 1", "no name"]),
        ('[[field]]\nname = ""\nbox = [0, 0, 1, 1]\n', ["name"]),
        ("[[field]]\nname = 3\nbox = [0, 0, 1, 1]\n", ["3", "name"]),
        ('[[field]]\nname = "a"\nbox = [0.8, 0, 0.3, 1]\n', ["'a'", "0.8", "sheet"]),
        ('[[field]]\nname = "a"\nbox = [0, -0.1, 0.3, 0.2]\n', ["'a'", "sheet"]),
        ('[[field]]\nname = "a"\nbox = [0, 0, 0, 1]\n', ["The box [0, 0, 0, 1] of field 'a' is empty, or", "sheet"]),
        (f'[[field]]\nname = "a"\nbox = [0, 0, 1, 1{"0" * 400}]\n', ["'a'", "four numbers"]),
        ('[[field]]\nname = "a"\nbox = [nan, 0, 1, 1]\n', ["'a'", "four numbers"]),
        ('[[field]]\nname = "a"\nbox = "0,0,1,1"\n', ["'a'", "four numbers"]),
        ('[[field]]\nname = "a"\nbox = [0, 0, 1]\n', ["'a'", "four numbers"]),
        (A_FIELD + 'pattern = "("\n', ["total", "'('"]),
        (A_FIELD + "pattern = '\\d{4}('\n", ["total", "The pattern '\\d{4}(' of"]),
        (A_FIELD + "pattern = 4\n", ["total", "'4'", "cannot be used: a pattern must be text"]),
        (A_FIELD + "range = [5, 1]\n", ["total", "range", "it is [5, 1]."]),
        (A_FIELD + "range = 5\n", ["total", "range"]),
        (A_FIELD + 'check = "lun"\n', ["lun", "luhn"]),
        (A_FIELD + 'check = ["luhn"]\n', ["unknown check ['luhn']"]),
        ('sheet = "corner"\n' + A_FIELD, ["corner", "corners"]),
        ("sheet = 3\n" + A_FIELD, ["3", "corners"]),
        ('form = "gone.png"\n' + A_FIELD, ["gone.png"]),
        ("form = 3\n" + A_FIELD, ["form", "3"]),
        ('form = "empty.png"\nsheet = "frame"\n' + A_FIELD, ["form", "sheet"]),
    ],
)
def test_what_cannot_be_meant_is_named(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        layout(tmp_path, text)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "form.toml").write_bytes(content)
    with pytest.raises(UserError, match=r"form\.toml"):
        read_layout(tmp_path / "form.toml")


@pytest.mark.parametrize(
    ("check", "right"),
    [
        ("luhn", "79927398713"),
        ("ean", "4006381333931"),
        ("mod11", "0306406152"),
        ("mod97", "3214282912345698765432161182"),
    ],
)
def test_check_digits_find_a_digit_that_was_misread(check: str, right: str) -> None:
    assert CHECKS[check](right)
    for place in range(len(right)):
        for other in set("0123456789") - {right[place]}:
            assert not CHECKS[check](right[:place] + other + right[place + 1 :])


def misfits(text: str, **expected: Any) -> list[str]:
    return [str(clause) for clause in Field("total", BOX, **expected).misfits(text)]


def test_what_does_not_fit_is_said() -> None:
    assert misfits("1234", pattern=r"\d{3}") == [r"1234 does not match \d{3}"]
    assert misfits("12345", pattern=r"\d{3}")
    assert misfits("501", range=(0, 500)) == ["501 is not in the range 0 to 500"]
    assert misfits("123456789", range=(1_000_000, 4_999_999)) == ["123456789 is not in the range 1000000 to 4999999"]
    assert misfits("A", range=(0, 500), check="luhn") == ["A is not in the range 0 to 500", "A fails the luhn check"]
    assert misfits("79927398710", check="luhn") == ["79927398710 fails the luhn check"]
    assert misfits("123", pattern=r"\d{3}", range=(0, 500)) == []
    assert misfits("", range=(0, 500))
    assert misfits("", check="mod97")


@given(st.text("0123456789", max_size=120))
def test_any_digits_can_be_checked(text: str) -> None:
    for check in CHECKS:
        assert isinstance(misfits(text, check=check), list)


def test_layouts_are_copied_whole() -> None:
    first = Layout((Field("total", BOX),), form=np.zeros((3, 3), np.uint8))
    for other in (copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        assert other.fields == first.fields


@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(
        lambda name: name.strip() and name.isprintable()
    ),
    st.sampled_from([None, "\\d{4}", 'a"b\\\\\x7f|é']),
    st.sampled_from([None, (0.0, 12.5)]),
    st.sampled_from([None, *CHECKS]),
    st.sampled_from(["picture", "frame", "corners"]),
)
def test_a_layout_that_is_written_reads_as_itself(
    tmp_path_factory: pytest.TempPathFactory, name: str, pattern: str | None, span: Any, check: str | None, sheet: Any
) -> None:
    one = Layout((Field(name, BOX, pattern, span, check), Field(f"{name}2", BOX)), sheet)
    assert layout(tmp_path_factory.getbasetemp(), to_toml(one)) == one


@pytest.mark.parametrize(("column", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (701, "ZZ"), (702, "AAA")])
def test_columns_are_named_as_in_a_spreadsheet(column: int, name: str) -> None:
    assert column_name(column) == name
