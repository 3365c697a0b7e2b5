"""What cannot be trained as asked is refused before there is a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mnistlab.errors import UserError
from mnistlab.runs.run import Run
from mnistlab.training.experiment import train
from tests.training.small import RECIPE

pytestmark = pytest.mark.usefixtures("no_drawing")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"recipe": "four-conv"}, "Unknown recipe 'four-conv'"),
        ({"dataset": "imagenet"}, "imagenet"),
        ({"device": "abacus"}, "Unknown device 'abacus'"),
        ({"device": "cuda:99"}, "cuda:99"),
        ({"track": "paper"}, "Unknown tracker 'paper'"),
        ({"seed": -1}, "Seed -1"),
        ({"seed": 2**32}, "Seed 4294967296"),
        ({"recipe": RECIPE.override({"batch_size": 10_000})}, "Batch size 10000"),
        ({"recipe": RECIPE.override({"widths": (4,) * 9})}, "leaves no pixel"),
        ({"recipe": RECIPE.override({"depth": (1, 2)})}, "depth has 2 values for 1 block"),
        (
            {"recipe": RECIPE.override({"most_parameters": 100})},
            r"has 2,\d\d\d parameters, but the recipe two-conv allows at most 100",
        ),
        ({"recipe": RECIPE.override({"most_parameters": 100, "members": 2})}, "allows at most 100"),
    ],
)
def test_nothing_is_made_for_what_cannot_be_done(
    arguments: dict[str, Any], match: str, pictures: Path, tmp_path: Path
) -> None:
    given = {"recipe": RECIPE, "dataset": str(pictures), "runs_dir": tmp_path / "runs", **arguments}
    with pytest.raises(UserError, match=match):
        train(**given)
    assert not (tmp_path / "runs").exists()


def test_a_runs_folder_that_is_a_file_is_refused(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(UserError, match="is a file, not a folder"):
        train(RECIPE, dataset=str(pictures), runs_dir=tmp_path / "runs")


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_the_first_and_the_last_seed_work(pictures: Path, tmp_path: Path, seed: int) -> None:
    run, _ = train(RECIPE.override({"epochs": 1}), dataset=str(pictures), runs_dir=tmp_path, seed=seed)
    assert Run.open(run.path).seed == seed


def test_recipes_of_the_table_can_be_given_by_name(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Batch size 128 does not fit"):  # too few pictures in this split for it
        train("two-conv", dataset=str(small_part(pictures, tmp_path)), runs_dir=tmp_path / "runs")


def small_part(pictures: Path, folder: Path) -> Path:
    for label in ("0", "1"):
        (folder / "part" / label).mkdir(parents=True)
        for path in sorted((pictures / label).iterdir())[:12]:
            (folder / "part" / label / path.name).write_bytes(path.read_bytes())
    return folder / "part"
