from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mnistlab.evaluation.figures import save_figure
from mnistlab.evaluation.history import Point, draw_history, history
from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.recipe import Recipe
from mnistlab.runs.run import Run
from mnistlab.runs.store import create_run

NOON = datetime.datetime(2026, 11, 22, 12)
FIVE_STEPS = RECIPES["default"].override({"steps": 5})


def make_run(
    folder: Path,
    correct: int | None,
    *,
    hours: float = 0,
    recipe: Recipe = RECIPES["default"],
    dataset: str = "mnist",
    total: int = 1000,
) -> Run:
    """A run that began that long after noon, and was tested unless `correct` is None."""
    run = create_run(folder, recipe, dataset, folder, 0, {})
    if correct is not None:
        run.write_test({"correct": correct, "total": total, "mistakes": []})
    return dataclasses.replace(run, created=(NOON + datetime.timedelta(hours=hours)).astimezone())


def points_of(*rows: tuple[float, str, str, bool, int, int]) -> list[Point]:
    """Points from (days after noon, dataset, recipe, changed, correct, total)."""
    return [
        Point(NOON + datetime.timedelta(days=days), dataset, recipe, changed, correct, total, correct / total)
        for days, dataset, recipe, changed, correct, total in rows
    ]


def dots(axes: Any) -> list[tuple[float, float]]:
    """The positions of the dots: days since the first, and accuracy in percent."""
    (places,) = axes.collections
    offsets = places.get_offsets().tolist()
    return [(round(x - offsets[0][0], 4), round(100 - y, 4)) for x, y in offsets]


def test_a_run_is_a_point_by_its_time_with_the_best_so_far(tmp_path: Path) -> None:
    later, first, third = (
        make_run(tmp_path, 990, hours=30),
        make_run(tmp_path, 600, hours=0, recipe=FIVE_STEPS),
        make_run(tmp_path, 980, hours=31, recipe=RECIPES["best"]),
    )
    fashion = make_run(tmp_path, 900, hours=1, dataset="fashion")
    untested = make_run(tmp_path, None, hours=2)

    points = history([later, first, third, fashion, untested])

    hours = [0, 1, 30, 31]
    assert [point.created for point in points] == [NOON + datetime.timedelta(hours=h) for h in hours]
    assert [point.dataset for point in points] == ["mnist", "fashion", "mnist", "mnist"]
    assert [point.recipe for point in points] == ["default", "default", "default", "best"]
    assert [point.changed for point in points] == [True, False, False, False]
    assert [point.accuracy for point in points] == [0.6, 0.9, 0.99, 0.98]
    assert [point.best for point in points] == [0.6, 0.9, 0.99, 0.99]


def test_a_run_dated_in_the_future_is_left_out(tmp_path: Path) -> None:
    assert history([make_run(tmp_path, 990, hours=24 * 365 * 1000)]) == []


def test_dots_stand_by_time_and_accuracy_and_changed_recipes_are_hollow() -> None:
    points = points_of(
        (0, "mnist", "default", True, 612, 1000), (0.5, "mnist", "default", False, 990, 1000),
        (3, "mnist", "best", False, 984, 1000),
    )  # fmt: skip
    points[2] = dataclasses.replace(points[2], best=0.99)
    figure = draw_history(points)
    (axes,) = figure.axes

    assert dots(axes) == [(0, 61.2), (0.5, 99.0), (3, 98.4)]
    (places,) = axes.collections
    edges, faces = places.get_edgecolors().tolist(), places.get_facecolors().tolist()  # type: ignore[attr-defined]
    assert edges[0] == edges[1] == faces[1] != edges[2] == faces[2]
    assert faces[0] == [1, 1, 1, 1]
    (line,) = axes.lines
    assert (100 - line.get_ydata()).round(4).tolist() == [61.2, 99.0, 99.0]  # type: ignore[operator, union-attr]
    assert line.get_drawstyle() == "steps-post"
    assert axes.get_title(loc="left") == "mnist: best 99.00 % (default, 2026-11-23)"
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # small errors on top
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["best", "default", "hollow (*): recipe changed", "best so far"]


def test_each_dataset_has_a_panel_and_its_own_accuracies(tmp_path: Path) -> None:
    points = points_of(
        (0, "mnist", "default", False, 9960, 10000), (1, "fashion", "default", False, 930, 1000),
        (2, "/home/a/digits", "default", False, 29, 30), (5, "fashion", "default", False, 900, 1000),
    )  # fmt: skip
    figure = draw_history(points)
    figure.canvas.draw()
    assert [axes.get_title(loc="left").partition(":")[0] for axes in figure.axes] == ["mnist", "fashion", "digits"]
    assert [len(dots(axes)) for axes in figure.axes] == [1, 2, 1]
    assert all(axes.get_xlim() == figure.axes[0].get_xlim() for axes in figure.axes)
    for axes, accuracy in zip(figure.axes, (99.6, 93.0, 29 / 0.3), strict=True):
        shown = [float(label.get_text()) for label in axes.get_yticklabels()]
        assert len(shown) >= 3
        assert min(shown) < accuracy < max(shown)


def test_no_mistake_is_shown_as_100_and_nothing_right_as_0(tmp_path: Path) -> None:
    figure = draw_history(points_of((0, "toy", "default", False, 10, 10), (1, "toy", "default", True, 0, 10)))
    (axes,) = figure.axes
    places = dict(zip((label.get_text() for label in axes.get_yticklabels()), axes.get_yticks(), strict=True))
    heights = [height for _, height in axes.collections[0].get_offsets().tolist()]  # type: ignore[union-attr]
    assert heights == [places["100"], places["0"]]


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (2.0, ["22 Nov", "23 Nov", "24 Nov", "25 Nov"]),
        (9.0, ["22 Nov", "23 Nov", *(f"{day} Nov" for day in range(24, 31)), "01 Dec", "02 Dec"]),
        (0.05, ["12:00"]),
        (400.0, ["2027"]),
    ],
)
def test_days_are_the_ticks_or_hours_of_one_day_or_months_of_many(last: float, expected: list[str]) -> None:
    figure = draw_history(
        points_of((0, "mnist", "default", False, 99, 100), (last, "mnist", "default", False, 98, 100))
    )
    figure.canvas.draw()
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert [label for label in labels if label in expected] == expected
    assert len(labels) <= 13
    if 1 < last < 60:
        assert labels == expected


@pytest.mark.parametrize("count", [1, 5, 60])
def test_any_number_of_runs_is_drawn(count: int, tmp_path: Path) -> None:
    names = [*RECIPES, "mine"]
    points = points_of(
        *((n / 7, "mnist", names[n % len(names)], n % 3 == 0, 9000 + 10 * (n % 90), 10000) for n in range(count))
    )
    figure = draw_history(points)
    assert len(dots(figure.axes[0])) == count
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert ("other recipes" in legend) == (count == 60)
    save_figure(figure, tmp_path / "progress.png")
    with Image.open(tmp_path / "progress.png") as picture:
        assert len(picture.convert("L").getcolors()) > 5
