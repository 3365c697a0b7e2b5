"""Forms: found in scans and photos, their fields read, and whatever is doubtful pointed out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from mnistlab import Page, Reader, UserError
from mnistlab.messages.sentences import Clause
from mnistlab.reading.contents import read_content
from mnistlab.reading.marks import Mark
from mnistlab.reading.sheets.combs import combs
from mnistlab.reading.sheets.fields import chosen_to_fit, printed_lines
from mnistlab.reading.sheets.frames import sides_of_frames
from mnistlab.reading.sheets.layout import Field, Layout
from mnistlab.reading.sheets.lines import darker, level_segments, thin_ink, upright_segments
from mnistlab.reading.sheets.register import register
from tests.support.fields import KINDS, ruled_field
from tests.support.forms import FIELDS, SHEET, Filled, Hand, Pen, Picture, empty_form, filled_form, write_number

FORM = empty_form().astype(np.uint8)
ALL = tuple(Field(name, box, pattern=r"\d{4,8}") for name, box in FIELDS.items())
BY_FORM = Layout(ALL, form=FORM, form_name="empty.png")


def off(layout: Layout, form: Filled) -> float:
    """How many pixels the fields' corners are from where they should be, at most."""
    placed = register(layout, cv2.cvtColor(form.picture, cv2.COLOR_RGB2GRAY))
    points = np.array([[(x + a * w, y + b * h) for x, y, w, h in FIELDS.values() for a in (0, 1) for b in (0, 1)]])
    there = cv2.perspectiveTransform(points * np.array(SHEET, np.float64), form.matrix)
    return float(np.abs(there - cv2.perspectiveTransform(points, placed.matrix)).max())


@pytest.fixture(scope="module")
def photo(hand: Hand) -> Filled:
    return filled_form(np.random.default_rng((6, 1)), hand, photo=True)


@pytest.fixture(scope="module")
def page(reader: Reader, photo: Filled) -> Page:
    return reader.read(photo.picture, layout=BY_FORM)


def test_the_fields_of_a_photo_are_read(page: Page, photo: Filled) -> None:
    assert {name: entry.text for name, entry in page.fields.items()} == photo.texts
    assert [entry.why for entry in page.entries] == [()] * 4
    assert [line.text.replace(" ", "") for line in page.lines] == list(photo.texts.values())


def test_digits_lie_in_their_fields_in_the_picture(page: Page) -> None:
    for entry in page.entries:
        outline = np.array(entry.corners, np.float32)
        for digit in entry.digits:
            x, y, width, height = digit.box
            assert cv2.pointPolygonTest(outline, (x + width / 2, y + height / 2), True) > 0


def test_json_tells_fields_by_name(page: Page) -> None:
    told = json.loads(json.dumps(page.to_dict()))["fields"]
    assert list(told) == list(FIELDS)
    assert set(told["account"]) == {"text", "check", "why", "corners", "digits"}
    assert told["account"]["check"] is False


def test_a_form_is_found_in_scans_and_photos_by_its_empty_picture(hand: Hand, photo: Filled) -> None:
    assert off(BY_FORM, photo) < 2
    assert off(BY_FORM, filled_form(np.random.default_rng((6, 2)), hand, photo=False)) < 2


def test_a_form_is_found_by_the_corners_of_its_sheet(photo: Filled) -> None:
    assert off(Layout(ALL, "corners"), photo) < 4


def framed() -> Picture:
    """A form in a frame, photographed askew: uint8; and the frame's corners."""
    sheet = np.full((500, 400), 230, np.uint8)
    cv2.rectangle(sheet, (40, 50), (360, 450), 40, 2)
    cv2.rectangle(sheet, (80, 100), (320, 150), 40, 1)
    return sheet


def test_a_form_is_found_by_its_frame() -> None:
    ends = np.array([(60, 30), (520, 70), (500, 640), (40, 600)], np.float32)
    matrix = cv2.getPerspectiveTransform(np.array([(0, 0), (400, 0), (400, 500), (0, 500)], np.float32), ends)
    seen = cv2.warpPerspective(framed(), matrix, (560, 680), flags=cv2.INTER_AREA, borderValue=230)
    placed = register(Layout(ALL, "frame"), seen)
    frame = cv2.perspectiveTransform(np.array([[(40, 50), (360, 50), (360, 450), (40, 450)]], np.float32), matrix)
    found = cv2.perspectiveTransform(np.array([[(0, 0), (1, 0), (1, 1), (0, 1)]], np.float64), placed.matrix)
    assert np.abs(frame - found).max() < 3


def test_without_anything_fields_are_fractions_of_the_picture(reader: Reader, hand: Hand) -> None:
    paper = np.full((200, 400), 240, np.float32)
    cv2.rectangle(paper, (40, 40), (360, 100), 80, 2)
    write_number(np.random.default_rng(1), paper, hand, "4071", (40, 40, 360, 100), Pen(30.0, 0))
    picture = paper.astype(np.uint8)
    layout = Layout((Field("code", (0.1, 0.2, 0.8, 0.3)), Field("blank", (0.1, 0.6, 0.8, 0.3))))
    fields = reader.read(picture, layout=layout).fields
    assert {name: (entry.text, entry.why) for name, entry in fields.items()} == {
        "code": ("4071", ()),
        "blank": ("", ()),
    }
    wrong = reader.read(picture, layout=Layout((Field("code", (0.1, 0.2, 0.8, 0.3), pattern=r"\d{5}"),)))
    assert wrong.fields["code"].why == (r"4071 does not match \d{5}",)


@pytest.mark.parametrize(
    ("expected", "why"),
    [
        ({}, ()),
        ({"range": (1, 9)}, ("nothing was read in this field",)),
        ({"check": "luhn"}, ("nothing was read in this field",)),
        ({"pattern": r"\d+", "range": (1, 9)}, ("nothing was read in this field",)),
        ({"pattern": r"\d*", "range": (1, 9)}, ()),
    ],
)
def test_a_blank_field_is_to_be_checked_if_something_is_expected_in_it(
    reader: Reader, expected: dict[str, Any], why: tuple[str, ...]
) -> None:
    picture = np.full((200, 400), 240, np.uint8)
    field = Field("blank", (0.1, 0.6, 0.8, 0.3), **expected)
    assert reader.read(picture, layout=Layout((field,))).fields["blank"].why == why


@pytest.mark.parametrize("width", [2, 5])
def test_an_upright_stroke_is_no_line_unless_it_goes_from_frame_to_frame(width: int) -> None:
    def is_a_line(first: int, last: int, shade: int) -> bool:
        field = np.full((108, 444), 210, np.uint8)
        cv2.rectangle(field, (22, 22), (422, 86), 120, 4)
        cv2.line(field, (200, first), (201, last), shade, width)
        noise = np.random.default_rng(1).normal(0, 2, field.shape)
        soft = np.clip(cv2.GaussianBlur(field, (0, 0), 1.5) + noise, 0, 255).astype(np.uint8)
        _, upright = printed_lines(soft, (22, 22, 400, 64))
        return any(190 < line[0] < 213 for line in upright)

    assert not is_a_line(32, 75, 40)
    assert is_a_line(22, 86, 40)
    assert is_a_line(22, 86, 170)


@pytest.mark.parametrize("kind", KINDS)
def test_no_line_of_a_frame_or_a_comb_becomes_a_digit_however_generous_the_box(
    kind: str, reader: Reader, hand: Hand
) -> None:
    read = []
    for tilt in (-2.5, 0, 1):
        for beyond, line in ((0, 2), (6, 1), (10, 3)):
            for text in ("7", "40717"):
                random = np.random.default_rng((line, beyond))
                drawn = ruled_field(random, hand, text, kind=kind, tilt=tilt, beyond=beyond, line=line)
                entry = reader.read(drawn.picture, layout=Layout((Field("code", drawn.box),))).fields["code"]
                values = "".join(str(digit.value) for digit in entry.digits)
                assert values == text or entry.why, (tilt, beyond, line, values)
                read.append(values == text)
    assert sum(read) >= 0.9 * len(read)


def test_strokes_that_are_joined_at_one_end_only_or_close_together_are_no_frame() -> None:
    def sides(*strokes: list[tuple[int, int]]) -> list[Any]:
        field = np.full((108, 300), 230, np.uint8)
        for stroke in strokes:
            cv2.polylines(field, [np.array(stroke)], False, 40, 3)
        lines = upright_segments(darker(field), 38, 1.0)
        return [found for some in sides_of_frames(field, darker(field), thin_ink(field), lines) for found in some]

    assert not sides([(60, 25), (60, 85)], [(130, 25), (130, 85)])  # 11
    assert not sides([(60, 25), (60, 85), (130, 85), (130, 25)])  # joined at the bottom alone
    assert not sides([(60, 25), (60, 85), (88, 85), (88, 25), (60, 25)])  # an angular 0
    assert sides([(60, 25), (60, 85), (130, 85), (130, 25), (60, 25)])


def test_a_hatched_field_is_not_searched_for_frames() -> None:
    """Each pair of a hundred lines would be examined."""
    field = np.full((108, 2000), 240, np.uint8)
    field[:, 5::12] = 40
    lines = upright_segments(darker(field), 38, 1.0)
    assert len(lines.slope) > 80
    assert sides_of_frames(field, darker(field), thin_ink(field), lines) == ([], [])


@pytest.mark.parametrize(
    ("high", "found"), [((28, 28, 28, 28), 4), ((28, 45, 28, 28), 4), ((28, 20, 40, 33), 0), ((0,), 0)]
)
def test_a_comb_has_teeth_of_the_same_height_at_equal_distances(high: tuple[int, ...], found: int) -> None:
    field = np.full((108, 300), 230, np.uint8)
    cv2.line(field, (40, 85), (250, 85), 40, 2)
    for place, tall in enumerate(high):
        cv2.line(field, (40 + 70 * place, 85 - tall), (40 + 70 * place, 85), 40, 2)
    _, teeth = combs(darker(field), thin_ink(field), level_segments(darker(field), 100, 1.0))
    assert len(teeth) == found


def test_a_field_is_to_be_checked_by_all_its_digits_together(
    reader: Reader, photo: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def checked(sure: float, count: int) -> tuple[str, ...]:
        probabilities = np.full(10, (1 - sure) / 9, np.float32)
        probabilities[7] = sure
        marks = [
            Mark(np.zeros((28, 28), np.uint8), probabilities, (60 + 40 * n, 30, 20, 40), (60 + 40 * n, 30, 20, 40))
            for n in range(count)
        ]
        monkeypatch.setattr("mnistlab.reading.sheets.fields.marks_on", lambda *_: marks)
        monkeypatch.setattr("mnistlab.reading.sheets.fields.is_unread", lambda *_: False)
        layout = Layout((Field("code", (0.1, 0.1, 0.5, 0.05)),))
        return reader.read(photo.picture, layout=layout).fields["code"].why

    assert checked(0.99, 1) == checked(0.99, 5) == checked(0.95, 1) == ()
    assert checked(0.99, 6) == ("the chance that this reading is right is only 94 %",)
    assert checked(0.9, 2) == ("the chance that this reading is right is only 81 %",)
    assert checked(0.5, 2) == ("2 digits cannot be read confidently",)


def test_what_is_struck_out_is_to_be_checked(reader: Reader, hand: Hand) -> None:
    paper = np.full((200, 400), 240, np.float32)
    write_number(np.random.default_rng(1), paper, hand, "40", (40, 40, 160, 100), Pen(30.0, 0))
    for n in range(6):
        cv2.line(paper, (230 + 12 * n, 45), (300 - 11 * n, 92), 30, 3)
    entry = reader.read(paper.astype(np.uint8), layout=Layout((Field("code", (0.1, 0.2, 0.8, 0.3)),))).fields["code"]
    assert entry.why


def test_another_form_is_refused_and_says_how_badly_it_fits() -> None:
    other = np.full((700, 500), 235, np.uint8)
    for n in range(12):
        cv2.putText(
            other, f"Delivery note {n * 37}", (40, 60 + 50 * n), cv2.FONT_HERSHEY_TRIPLEX, 1.0, 40, 1, cv2.LINE_AA
        )
    with pytest.raises(UserError, match=r"empty\.png") as caught:
        register(BY_FORM, other)
    assert any(letter.isdigit() for letter in caught.value.message)
    refusal = r"The picture (does not fit the form: only|does not show the form: \d+ features? agrees? on)"
    with pytest.raises(UserError, match=refusal):
        register(replace(BY_FORM, form_name=""), other)


def test_a_picture_on_standard_input_has_a_name(reader: Reader) -> None:
    blank = cv2.imencode(".png", np.full((300, 300), 200, np.uint8))[1].tobytes()
    name, layout = Clause("names.standard_input"), Layout(ALL, "frame")
    (error,), _ = read_content(reader, blank, name, "-", layout=layout)
    assert str(error).startswith("The picture on standard input shows no printed frame.")


@pytest.mark.parametrize("sheet", ["frame", "corners"])
def test_where_there_is_no_frame_and_no_sheet_a_sentence_says_so(sheet: str) -> None:
    blank = np.full((300, 300), 200, np.uint8)
    with pytest.raises(UserError) as caught:
        register(Layout(ALL, sheet), blank)  # type: ignore[arg-type]
    assert caught.value.remedy


def mark(*probabilities: tuple[int, float]) -> Mark:
    each = np.zeros(10, np.float32)
    for digit, probability in probabilities:
        each[digit] = probability
    return Mark(np.zeros((28, 28), np.uint8), each, (0, 0, 5, 9), (0, 0, 5, 9))


def test_what_fits_is_chosen_among_what_is_probable_alone_and_not_accepted(reader: Reader) -> None:
    field = Field("age", (0, 0, 1, 1), range=(0, 59))
    marks = [mark((7, 0.6), (1, 0.3), (2, 0.1)), mark((4, 0.999))]
    chosen = chosen_to_fit(marks, field, reader)
    assert [each.label for each in chosen] == [1, 4]
    assert chosen[0].sure < reader.threshold
    sure = [mark((7, 0.99), (1, 0.01)), mark((4, 0.999))]
    assert chosen_to_fit(sure, field, reader) is sure
    improbable = [mark((7, 0.7), (8, 0.28), (1, 0.02)), mark((4, 0.999))]
    assert chosen_to_fit(improbable, field, reader) is improbable


def test_a_table_and_a_layout_are_two_questions(reader: Reader) -> None:
    with pytest.raises(UserError, match="at the same time"):
        reader.read(FORM, table=True, layout=BY_FORM)
