from __future__ import annotations

import datetime
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.errors import UserError
from mnistlab.recipes.catalog import RECIPES
from mnistlab.runs.run import Run
from tests.support.run_folders import RECIPE, change_config, make_run

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_survives_config_json(tmp_path: Path, name: str) -> None:
    assert Run.open(make_run(tmp_path, RECIPES[name]).path).recipe == RECIPES[name]


def test_a_folder_without_config_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not a run folder: it has no config\.json"):
        Run.open(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '"text"', "\x00\x01", '{"version": 1}'])
def test_a_damaged_config_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)

    with pytest.raises(UserError, match=r"config\.json"):
        Run.open(tmp_path)


def test_a_config_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b'{"version": "\xff\xfe"}')

    with pytest.raises(UserError, match=r"config\.json cannot be read"):
        Run.open(tmp_path)


def test_a_config_of_another_version_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    change_config(run.path, version=4)

    with pytest.raises(UserError, match="another version of mnistlab"):
        Run.open(run.path)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("created", "2026-13-01T00:00:00+00:00", "created is '2026-13-01T00:00:00+00:00'."),
        ("created", 5, "created is 5."),
        ("seed", "one", "seed is 'one'."),
        ("members", 3, "members is 3."),
        ("recipe", [], "recipe is []."),
        ("version", "2", "version is '2'."),
        ("version", None, "version is missing."),
        ("created", None, "created is missing."),
    ],
)
def test_a_damaged_field_of_config_is_named_with_its_value(tmp_path: Path, field: str, value: Any, words: str) -> None:
    run = make_run(tmp_path)
    change_config(run.path, **{field: value})
    with pytest.raises(UserError) as caught:
        Run.open(run.path)
    assert caught.value.message == f"{run.path / 'config.json'} is damaged: the field {words}"


@pytest.mark.parametrize("field", ["version", "kind", "recipe", "dataset", "data_dir", "seed", "created"])
def test_a_field_that_config_lacks_is_named(tmp_path: Path, field: str) -> None:
    run = make_run(tmp_path)
    config = json.loads((run.path / "config.json").read_text())
    del config[field]
    (run.path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError) as caught:
        Run.open(run.path)
    assert caught.value.message == f"{run.path / 'config.json'} is damaged: the field {field} is missing."


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run's config.json, for tests to replace, and its original content."""
    path = make_run(tmp_path_factory.mktemp("runs")).path / "config.json"
    return path, path.read_text()


@given(cut=st.integers(0, 400))
@settings(max_examples=40)
def test_a_config_cut_short_anywhere_is_refused(written: tuple[Path, str], cut: int) -> None:
    path, text = written
    path.write_text(text[: cut % (len(text) - 2)])

    with pytest.raises(UserError, match=r"config\.json"):
        Run.open(path.parent)


@given(key=st.sampled_from(["created", "seed", "version", "dataset"]), value=json_values)
@settings(max_examples=60)
def test_a_wrong_value_in_config_is_an_error_or_readable(written: tuple[Path, str], key: str, value: Any) -> None:
    path, text = written
    path.write_text(json.dumps(json.loads(text) | {key: value}))

    try:
        opened = Run.open(path.parent)
    except UserError as error:
        assert str(path.parent) in str(error)  # either outcome is right, a traceback is not
    else:
        split = "train-random" if (key, value) in (("version", 1), ("version", 2)) else "train"
        assert opened.recipe == RECIPE.override(split=split)


@pytest.mark.parametrize("field", ["widths", "epochs", "learning_rate", "nonsense", "precision", "batch_norm"])
def test_a_recipe_out_of_range_in_config_is_refused(tmp_path: Path, field: str) -> None:
    run = make_run(tmp_path)
    change_config(run.path, recipe={**RECIPE.to_dict(), field: -1})

    with pytest.raises(UserError, match=field.replace("_", "[-_]")) as caught:
        Run.open(run.path)
    assert caught.value.message.startswith(f"{run.path / 'config.json'} is damaged: ")
    assert ".." not in caught.value.message.removeprefix(str(run.path))


@pytest.mark.parametrize("recipe", [[], 5, None, True])
def test_a_recipe_that_is_no_object_is_refused(tmp_path: Path, recipe: Any) -> None:
    run = make_run(tmp_path)
    change_config(run.path, recipe=recipe)

    with pytest.raises(UserError, match=r"config\.json"):
        Run.open(run.path)


def test_an_infinite_seed_in_config_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    change_config(run.path, seed=math.inf)

    with pytest.raises(UserError, match=r"config\.json"):
        Run.open(run.path)


def test_a_config_nested_too_deep_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[" * 100_000)

    with pytest.raises(UserError, match=r"config\.json"):
        Run.open(tmp_path)


def test_a_time_without_a_zone_is_local(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    change_config(run.path, created="2026-06-01T12:00:00")

    assert Run.open(run.path).created == datetime.datetime(2026, 6, 1, 12).astimezone()
    assert Run.open(run.path).created.tzinfo is not None
