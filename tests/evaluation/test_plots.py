from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from mnistlab.data.dataset import find_spec
from mnistlab.errors import UserError
from mnistlab.evaluation.figures import save_figure
from mnistlab.evaluation.plots import (
    data_gallery,
    draw_confusion,
    draw_curves,
    draw_mistakes,
    draw_run,
    mistake_title,
)
from mnistlab.evaluation.result import Evaluation, Mistake
from mnistlab.recipes.catalog import RECIPES
from mnistlab.runs.store import create_run

DIGITS = find_spec("mnist").classes
CHARACTERS = find_spec("emnist-byclass").classes


def row(epoch: int, val: float | None = 0.95) -> dict[str, Any]:
    return {"epoch": epoch, "train_loss": 1 / epoch, "val_loss": val and 0.8 / epoch, "val_accuracy": val}


def make_evaluation(classes: Sequence[str], mistakes: int, split: str = "test") -> Evaluation:
    """An evaluation with 50 examples right of each class and that many mistakes."""
    count, dice = len(classes), np.random.default_rng(1)
    confusion = 50 * np.eye(count, dtype=np.int64)
    made = []
    for index in range(mistakes):
        label, predicted = index % count, (index + 1) % count
        confusion[label, predicted] += 1
        image = dice.integers(0, 256, (28, 28), np.uint8)
        made.append(Mistake(index, label, predicted, 0.5 + index / 1000, 0.1, index % 2 == 0, image))
    return Evaluation(split, tuple(classes), confusion, 1.0, np.zeros((15, 3)), tuple(made))


def texts(figure: Any) -> list[str]:
    titles = [axes.get_title() for axes in figure.axes]
    return [figure.get_suptitle(), *titles, *(text.get_text() for axes in figure.axes for text in axes.texts)]


@pytest.mark.parametrize(("classes", "mistakes", "epochs"), [(DIGITS, 0, 1), (CHARACTERS, 60, 29)])
def test_a_run_gets_three_pictures(tmp_path: Path, classes: Sequence[str], mistakes: int, epochs: int) -> None:
    run = create_run(tmp_path, RECIPES["two-conv"], "mnist", tmp_path, 0, {})
    for epoch in range(1, epochs + 1):
        run.append_metrics(row(epoch))

    paths = draw_run(run, make_evaluation(classes, mistakes))

    assert [path.name for path in paths] == ["training.png", "confusion.png", "mistakes.png"]
    for path in paths:
        with Image.open(path) as picture:
            picture.load()
            assert picture.format == "PNG"
            assert all(100 <= side <= 2500 for side in picture.size)
            assert len(picture.convert("L").getcolors()) > 5  # not a blank sheet


@pytest.mark.parametrize("metrics", [[], [row(1, None)], [row(1), row(2, None)]])
def test_curves_of_any_course_are_drawn(tmp_path: Path, metrics: list[dict[str, Any]]) -> None:
    save_figure(draw_curves(metrics, "a title"), tmp_path / "curves.png")

    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size == (1080, 432)


def test_after_one_epoch_the_loss_is_drawn_over_its_steps() -> None:
    quick = {**row(1, 0.989), "step": 280, "losses": [2.0, 1.0, 0.5, 0.25]}
    figure = draw_curves([quick], "a title")
    (axes,) = figure.axes
    train, validation = axes.lines

    assert train.get_xydata().tolist() == [[35.5, 2.0], [105.5, 1.0], [175.5, 0.5], [245.5, 0.25]]
    assert validation.get_xydata().tolist() == [[280, 0.8]]
    assert (axes.get_xlabel(), axes.get_title()) == ("step", "Loss; validation accuracy: 98.90 % at the end")


def test_the_loss_of_several_epochs_is_drawn_over_all_their_steps() -> None:
    rows = [{**row(1), "step": 10, "losses": [1.0, 0.5]}, {**row(2), "step": 14, "losses": [0.25, 0.125]}]
    loss, accuracy = draw_curves(rows, "a title").axes
    assert loss.lines[0].get_xydata().tolist() == [[3, 1.0], [8, 0.5], [11.5, 0.25], [13.5, 0.125]]
    assert loss.lines[1].get_xdata().tolist() == [10, 14]
    assert (loss.get_xlabel(), accuracy.get_xlabel()) == ("step", "epoch")
    assert accuracy.lines[0].get_xdata().tolist() == [1, 2]


@pytest.mark.parametrize("steps", [1, 2, 3, 20])
def test_a_short_course_begins_at_step_1_and_its_ticks_are_whole(steps: int) -> None:
    figure = draw_curves([{**row(1), "step": steps, "losses": [1 / n for n in range(1, steps + 1)]}], "a title")
    (axes,) = figure.axes
    assert axes.lines[0].get_xdata().tolist() == list(range(1, steps + 1))
    assert all(tick == int(tick) for tick in axes.get_xticks())
    assert axes.get_xlim()[1] > steps
    assert (axes.lines[0].get_marker() == "o") == (steps == 1)  # a line of one point would not be seen


@pytest.mark.parametrize("old", [0, 1])
def test_a_run_that_an_older_version_began_is_drawn_over_its_epochs(old: int) -> None:
    rows: list[dict[str, Any]] = [{**row(n), "step": 10 * n, "losses": [1.0, 0.5]} for n in (1, 2)]
    del rows[old]["losses"]
    loss, _ = draw_curves(rows, "a title").axes
    assert loss.lines[0].get_xydata().tolist() == [[1, 1.0], [2, 0.5]]
    assert loss.get_xlabel() == "epoch"


def test_the_curves_are_those_of_the_metrics() -> None:
    figure = draw_curves([row(1, None), row(2, 0.5), row(3, 0.9)], "a title")
    (train, validation), (accuracy,) = figure.axes[0].lines, figure.axes[1].lines

    assert list(train.get_xdata()) == [1, 2, 3]
    assert list(train.get_ydata()) == [1, 1 / 2, 1 / 3]
    assert list(validation.get_xdata()) == [2, 3]
    assert list(accuracy.get_ydata()) == [50, 90]
    assert figure.get_suptitle() == "a title"


def test_the_confusion_matrix_says_every_count() -> None:
    figure = draw_confusion(make_evaluation(DIGITS, 3))
    said = texts(figure)

    assert said.count("50") == 10
    assert said.count("1") == 3
    assert any("500 of 503 right, 99.40 %" in text and "95 % interval" in text for text in said)
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == list(DIGITS)


def test_a_large_matrix_says_the_diagonal_only() -> None:
    figure = draw_confusion(make_evaluation(CHARACTERS, 60))
    assert texts(figure).count("1") == 0
    assert texts(figure).count("50") == 62


def test_the_worst_mistakes_come_first_and_not_too_many() -> None:
    figure = draw_mistakes(make_evaluation(DIGITS, 60))
    titles = [axes.get_title() for axes in figure.axes if axes.images]

    assert len(titles) == 40
    assert titles[0] == "0, not 9\n56 %, #59"
    assert "60 mistakes on test, the 40 surest" in figure.get_suptitle()
    assert "known to be wrong" in figure.get_suptitle()


def test_no_mistakes_at_all_are_said_too() -> None:
    figure = draw_mistakes(make_evaluation(DIGITS, 0))
    assert "no mistakes" in texts(figure)
    assert figure.get_suptitle() == "0 mistakes on test"


def test_a_mistake_in_words() -> None:
    mistake = Mistake(1901, 9, 4, 0.984, 0.01, True, np.zeros((28, 28), np.uint8))
    assert mistake_title(mistake, DIGITS) == "4, not 9\n98 %, #1901"


def test_class_names_are_taken_as_they_are_or_shortened(tmp_path: Path) -> None:
    names = ["a_b", "$", "$x$", "a$b$", "x^2", "ünïcode", "<b>", "%d", r"$\foo$", "a" * 60]
    evaluation = make_evaluation(names, 10)
    figure = draw_confusion(evaluation)
    shown = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert shown == [*(name.replace("$", r"\$") for name in names[:-1]), "a" * 15 + "…"]
    for drawn in (figure, draw_mistakes(evaluation)):  # where each is among the predictions and among the labels
        save_figure(
            drawn, tmp_path / "picture.png"
        )  # a formula raised here; a name too long gave a warning, an error here
        assert (tmp_path / "picture.png").stat().st_size > 1000


def test_the_gallery_shows_each_digit_beside_itself(tmp_path: Path) -> None:
    images = np.arange(12, dtype=np.uint8)[:, None, None] * np.ones((12, 28, 28), np.uint8)
    figure = data_gallery(images, 255 - images, list("abcdefghijkl"), "Letters", columns=4)
    shown = [axes for axes in figure.axes if axes.images]

    assert len(shown) == 24
    assert [axes.get_title() for axes in shown[:8]] == list("abcdabcd")
    assert shown[1].images[0].get_array()[0, 0] == 1
    assert shown[5].images[0].get_array()[0, 0] == 254
    assert "Letters" in figure.get_suptitle()


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(UserError):
        save_figure(draw_curves([row(1)], "t"), tmp_path / "file" / "x.png")

    assert (tmp_path / "file").read_text() == "old"


def test_what_a_user_does_with_pyplot_goes_on_undisturbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # not installed here
    mine = plt.figure()
    try:
        before = (dict(matplotlib.rcParams), matplotlib.get_backend(), dict(os.environ))
        save_figure(draw_curves([row(1)], "t"), tmp_path / "curves.png")
        save_figure(draw_confusion(make_evaluation(DIGITS, 3)), tmp_path / "confusion.png")
        draw_mistakes(make_evaluation(DIGITS, 3))
        data_gallery(np.zeros((4, 28, 28), np.uint8), np.zeros((4, 28, 28), np.uint8), list("abcd"), "t", columns=4)

        assert plt.get_fignums() == [mine.number]
        assert plt.gcf() is mine
        assert mine.axes == []
        assert (dict(matplotlib.rcParams), matplotlib.get_backend(), dict(os.environ)) == before
    finally:
        plt.close(mine)


def test_a_name_that_is_not_of_the_locales_encoding_can_be_drawn(tmp_path: Path) -> None:
    save_figure(draw_curves([row(1)], "quick on \udcc5\udc81ukasz $x$ \ud800"), tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 1000
