"""Layouts: the fields of a form, and what is expected in each, from a TOML file.

form = "empty.png"              # a picture of the empty form, beside this file; or sheet = "frame", "corners" or "picture"

[[field]]
name = "account"
box = [0.10, 0.20, 0.42, 0.05]  # x, y, width and height, as fractions of the sheet
pattern = '\\d{6}'              # a regular expression for all of the digits
range = [100000, 499999]
check = "luhn"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import UserError, shown, told
from mnistlab.files import printable, why_unreadable
from mnistlab.messages.sentences import Clause
from mnistlab.reading.sheets.check_digits import CHECKS

__all__ = ["ANCHORS", "Anchor", "Field", "Layout", "layout_of", "read_layout"]

Anchor = Literal["picture", "frame", "corners"]
ANCHORS: tuple[Anchor, ...] = get_args(Anchor)
MOST_FIELDS = 1000
LONGEST = 100
"""The maximum number of characters in a name or a pattern, and of digits in a number that is matched or checked."""


@dataclass(frozen=True)
class Field:
    """A field of a form.

    Parameters
    ----------
    name : str
        The field's name, on one line.
    box : tuple of four floats
        x, y, width and height, as fractions of the sheet, from its top left corner.
    pattern : str, optional
        A regular expression that the field's digits, taken together, should match.
    range : tuple of two floats, optional
        The smallest and largest number expected in the field.
    check : {"luhn", "ean", "mod11", "mod97"}, optional
        The kind of check digits that the number in the field has.

    Raises
    ------
    UserError
        If the box is not on the sheet, or another value makes no sense.
    """

    name: str
    box: tuple[float, float, float, float]
    pattern: str | None = None
    range: tuple[float, float] | None = None
    check: str | None = None

    def __post_init__(self) -> None:
        if (
            not isinstance(self.name, str)
            or not self.name.strip()
            or not self.name.isprintable()
            or len(self.name) > LONGEST
        ):
            raise UserError("reading.field_name", name=shown(self.name))
        object.__setattr__(self, "box", numbers(self.box, 4, "reading.field_box", self.name))
        x, y, width, height = self.box
        if not (0 <= x < 1 and 0 <= y < 1 and 0 < width <= 1 - x + 1e-9 and 0 < height <= 1 - y + 1e-9):
            raise UserError("reading.field_outside", name=self.name, box=list(map(told, self.box)))
        if self.pattern is not None and (why := fault_of(self.pattern)):
            raise UserError("reading.field_pattern", name=self.name, pattern=printable(str(self.pattern)), reason=why)
        if self.range is not None:
            object.__setattr__(self, "range", numbers(self.range, 2, "reading.field_range", self.name))
            if self.range[0] > self.range[1]:
                raise UserError("reading.field_range", name=self.name, value=f"[{', '.join(map(told, self.range))}]")
        if self.check is not None and self.check not in list(CHECKS):
            raise UserError("reading.field_check", name=self.name, check=shown(self.check), checks=CHECKS)

    @classmethod
    def of_text(cls, text: str) -> Field:
        """The field described by a text `NAME=x,y,width,height`. Raises `UserError` if the text is not of that form."""
        name, equals, box = text.rpartition("=")
        try:
            x, y, width, height = (float(part) for part in box.split(","))
        except ValueError:
            equals = ""
        if not equals:
            raise UserError("reading.field_text", value=shown(text))
        return cls(name, (x, y, width, height))

    def misfits(self, text: str) -> list[Clause]:
        """The requirements that `text` does not meet; a blank text meets no requirement, unless the pattern allows a blank."""
        found = []
        if not text:
            needed = (self.range or self.check) if self.pattern is None else not re.fullmatch(self.pattern, "")
            return [Clause("reading.field_blank")] if needed else []
        if self.pattern is not None and (len(text) > LONGEST or not re.fullmatch(self.pattern, text)):
            found.append(Clause("reading.not_pattern", text=text, pattern=self.pattern))
        if self.range is not None and not (text.isdecimal() and self.range[0] <= int(text) <= self.range[1]):
            low, high = self.range
            found.append(Clause("reading.not_in_range", text=text, low=low, high=high))
        if self.check and not (text.isdecimal() and 1 < len(text) <= LONGEST and CHECKS[self.check](text)):
            found.append(Clause("reading.check_digit_wrong", text=text, check=self.check))
        return found


def fault_of(pattern: object) -> Clause | Exception | None:
    """Why a pattern cannot be used; None if it can."""
    if not isinstance(pattern, str) or len(pattern) > LONGEST:
        return Clause("reading.pattern_too_long", most=LONGEST)
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return error
    return None


def numbers(value: Any, count: int, wrong: str, name: str) -> tuple[float, ...]:
    """`value` as `count` finite numbers. Raises `UserError` with the key `wrong` if `value` is anything else."""
    fits = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == count
    if fits and all(isinstance(one, int | float) and not isinstance(one, bool) and abs(one) < 1e308 for one in value):
        return tuple(float(one) for one in value)
    raise UserError(wrong, name=name, value=shown(list(value) if isinstance(value, tuple) else value))


@dataclass(frozen=True)
class Layout:
    """The fields of a form, and how the form is found in a picture.

    Parameters
    ----------
    fields : tuple of Field
        The fields, in the order in which they are reported.
    sheet : {"picture", "frame", "corners"}
        What the boxes are fractions of: the whole picture, the largest frame of lines in it, or the sheet of paper, whose four
        corners must be in the picture.
    form : ndarray of uint8, shape (H, W) or (H, W, 3), optional
        A picture of the empty form. If it is given, the boxes are fractions of the form, and `sheet` is not used.
    form_name : str
        The name of `form` in messages.

    Raises
    ------
    UserError
        If there are no fields, too many, or two with the same name, or if `sheet` is unknown.
    """

    fields: tuple[Field, ...]
    sheet: Anchor = "picture"
    form: NDArray[np.uint8] | None = None
    form_name: str = ""

    def __post_init__(self) -> None:
        names = [field.name for field in self.fields]
        if not names:
            raise UserError("reading.layout_without_fields")
        if len(names) > MOST_FIELDS:
            raise UserError("reading.layout_of_many", count=len(names), most=MOST_FIELDS)
        if twice := next((name for n, name in enumerate(names) if name in names[:n]), None):
            raise UserError("reading.field_twice", name=twice)
        if self.sheet not in ANCHORS:
            raise UserError("reading.layout_sheet", value=shown(self.sheet), anchors=ANCHORS)


LAYOUT_KEYS = ("form", "sheet", "field")
ReadForm = Callable[[str], tuple[NDArray[np.uint8], str]]
FIELD_KEYS = ("name", "box", "pattern", "range", "check")


def read_layout(path: str | Path, *, more: Sequence[Field] = ()) -> Layout:
    """Read a layout, and the picture of the empty form that it names.

    Parameters
    ----------
    path : str or Path
        A TOML file like the one at the top of this module.
    more : sequence of Field
        Additional fields.

    Returns
    -------
    Layout
        The file's fields, then `more`; with the picture of the form if the file names one.

    Raises
    ------
    UserError
        If the file cannot be read or is not TOML, if a key is unknown or missing, if a value makes no sense, or if the picture
        of the form cannot be read.
    """
    path = Path(path)
    name = printable(path)
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise UserError("reading.layout_unreadable", path=name, reason=why_unreadable(error)) from None

    def read_form(form: str) -> tuple[NDArray[np.uint8], str]:
        from mnistlab.pictures.decode import decode

        at = path.parent / form
        return decode(at), printable(at)

    return layout_of(content, name, read_form, more=more)


def layout_of(content: bytes, name: str, read_form: ReadForm, *, more: Sequence[Field] = ()) -> Layout:
    """The layout in a TOML file's bytes.

    `read_form` gets the name that the file gives for the form's picture; it returns the picture and its name for messages.
    Raises `UserError` as `read_layout` does; the error's message calls the file `name`.
    """
    try:
        values = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # TOML's and Unicode's errors are ValueErrors
        raise UserError("reading.layout_unreadable", path=name, reason=why_unreadable(error)) from None
    check_keys(values, LAYOUT_KEYS, name)
    listed = values.get("field", [])
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise UserError("reading.layout_fields", path=name)
    fields = []
    for number, each in enumerate(listed, 1):
        check_keys(each, FIELD_KEYS, name)
        if missing := [key for key in ("name", "box") if key not in each]:
            raise UserError("reading.field_without", number=number, key=missing[0], path=name)
        fields.append(Field(**each))
    form, form_name = None, ""
    if "form" in values:
        if "sheet" in values:
            raise UserError("reading.layout_form_and_sheet", path=name)
        if not isinstance(values["form"], str):
            raise UserError("reading.layout_form", value=shown(values["form"]), path=name)
        form, form_name = read_form(values["form"])
    return Layout((*fields, *more), values.get("sheet", "picture"), form, form_name)


def check_keys(values: Mapping[str, Any], known: Sequence[str], path: str) -> None:
    """Raise `UserError` for an unknown key."""
    if unknown := [key for key in values if key not in known]:
        raise UserError("reading.layout_key", key=shown(unknown[0]), known=known, path=path)
