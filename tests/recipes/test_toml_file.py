from __future__ import annotations

from pathlib import Path

import pytest

from mnistlab.errors import UserError
from mnistlab.recipes.catalog import RECIPES
from mnistlab.recipes.recipe import Recipe
from mnistlab.recipes.toml_file import read_overrides
from tests.recipes.refusal import refusal


def test_fields_may_stand_in_the_tables_of_their_groups(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        "name = 'mine'\n[network]\nwidths = [8, 16]\nbatch-norm = false\n[optimisation]\nlearning-rate = 0.05\n"
    )
    recipe = Recipe().override(read_overrides(path))
    assert recipe == Recipe().override(name="mine", widths=(8, 16), batch_norm=False, learning_rate=0.05)


def test_a_toml_file_gives_the_fields_to_change(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '# mine\nepochs = 4\nlearning-rate = 0.05\nwidths = [8, 16]\nbatch_norm = false\nsummary = "été"\n', "utf-8"
    )
    changed = read_overrides(path)
    assert changed == {"epochs": 4, "learning_rate": 0.05, "widths": [8, 16], "batch_norm": False, "summary": "été"}
    recipe = RECIPES["two-conv"].override(changed)
    assert recipe == RECIPES["two-conv"].override(
        epochs=4, learning_rate=0.05, widths=(8, 16), batch_norm=False, summary="été"
    )


def test_a_toml_file_gives_one_value_or_one_for_each_block(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('widths = 8\ndepth = [1, 2, 2]\nkernel-size = 3\npadding = ["valid", "same"]\npooling = "stride"\n')
    recipe = RECIPES["two-conv"].override(read_overrides(path))
    assert recipe == RECIPES["two-conv"].override( widths=(8,), depth=(1, 2, 2), kernel_size=(3,), padding=("valid", "same"),
        pooling=("stride",),
    )  # fmt: skip


def test_epochs_in_a_toml_file_go_to_their_end_unless_it_says_steps(tmp_path: Path) -> None:
    path, short = tmp_path / "mine.toml", Recipe().override(steps=100)
    path.write_text("epochs = 2")
    assert short.override(read_overrides(path)) == Recipe().override(epochs=2)
    path.write_text("epochs = 2\nsteps = 30")
    assert short.override(read_overrides(path)) == Recipe().override(epochs=2, steps=30)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_toml_file_may_begin_with_a_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "mine.toml").write_text('epochs = 4\nsummary = "été"', encoding)
    assert read_overrides(tmp_path / "mine.toml") == {"epochs": 4, "summary": "été"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_toml_file_in_utf_16_is_told_what_to_be(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "mine.toml").write_text("epochs = 4", encoding)
    with pytest.raises(UserError, match=r"mine\.toml is not in UTF-8; it looks like UTF-16") as caught:
        read_overrides(tmp_path / "mine.toml")
    assert caught.value.remedy == "Save the file as UTF-8, which TOML requires."


def test_an_empty_toml_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("")
    assert read_overrides(tmp_path / "mine.toml") == {}


@pytest.mark.parametrize("text", ["epochs: 4", "epochs =", "epochs = 4\nepochs = 5", "= 3", '{"epochs": 4}'])
def test_a_file_that_is_not_toml_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(UserError, match="is not TOML") as caught:
        read_overrides(tmp_path / "mine.toml")
    assert str(tmp_path / "mine.toml") in caught.value.message
    assert "epochs = 4" in caught.value.remedy


def test_a_missing_toml_file_a_folder_and_bytes_are_named(tmp_path: Path) -> None:
    (tmp_path / "latin1.toml").write_bytes("summary = 'né'".encode("latin-1"))
    for path, reason in (
        (tmp_path / "none.toml", "there is no such file"),
        (tmp_path, "it is a folder"),
        (tmp_path / "latin1.toml", "the file is not in UTF-8"),
    ):
        with pytest.raises(UserError) as caught:
            read_overrides(path)
        assert caught.value.message == f"Cannot read the recipe file {path}: {reason}."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[network]\nepochs = 8", "has no field network.epochs"),
        ("[net]\nwidths = [8]", "has no field net."),
        ("network = 3", "has no field network."),
        ("widths = [8]\n[network]\nwidths = [9]", "Fields given twice: widths."),
        ("learning_rate = nan", "learning_rate must be between 1e-9 and 100; it is nan"),
        ("learning_rate = inf", "learning_rate must be between 1e-9 and 100; it is inf"),
        ("epochs = 2026-01-01", "epochs must be a whole number between 1 and 100,000; it is "),
        ('widths = "24,48"', "; it is '24,48'"),
        ("widths = [[8]]", "; it is [8]"),
        ("depth = [1, 0]", "; it is 1,0"),
        ('padding = ["same", "round"]', "; it is same,round"),
        ("pooling = 2", "pooling must be a list of values, each max, stride or none; it is 2"),
        ("epochs = {a = 1}", "; it is {'a': 1}"),
    ],
)
def test_wrong_values_in_a_toml_file_are_named(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text)
    assert words in refusal(**read_overrides(tmp_path / "mine.toml"))
