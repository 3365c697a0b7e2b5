"""A model writer by writer, on the real MNIST."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnistlab.cli.app import run_app
from mnistlab.cli.evaluate import print_writers
from mnistlab.data.dataset import open_dataset
from mnistlab.data.splits import split_writers
from mnistlab.errors import UserError
from mnistlab.evaluation.comparison import compare_runs
from mnistlab.evaluation.evaluate import evaluate_run
from mnistlab.evaluation.hands import check_writers, draw_hardest, hardest_writers, measured_on, read_numbers
from mnistlab.evaluation.result import Evaluation
from mnistlab.runs.run import Run

pytestmark = pytest.mark.usefixtures("no_drawing")


@pytest.fixture
def run(mnist_run: Run, tmp_path: Path) -> Run:
    """A run of its own that has learnt to read."""
    return Run.open(shutil.copytree(mnist_run.path, tmp_path / "runs" / mnist_run.path.name))


@pytest.fixture(scope="module")
def evaluation(mnist_run: Run) -> Evaluation:
    return evaluate_run(mnist_run, "val", device="cpu")


def test_the_hardest_writers_are_those_with_most_errors(evaluation: Evaluation, data_dir: Path) -> None:
    rows = hardest_writers(evaluation)
    writers = split_writers(open_dataset("mnist", data_dir), "val")
    assert writers is not None
    wrong = writers[[mistake.index for mistake in evaluation.mistakes]]
    assert {row["writer"]: row["errors"] for row in rows} == {w: int((wrong == w).sum()) for w in set(writers.tolist())}
    assert [row["errors"] for row in rows] == sorted((row["errors"] for row in rows), reverse=True)
    assert sum(row["images"] for row in rows) == 5004


def test_they_are_drawn(evaluation: Evaluation, run: Run) -> None:
    path = draw_hardest(run, evaluation, measured_on(run, evaluation))
    assert path == run.path / "writers-val.png"
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    assert pixels.shape[0] > 600
    assert ((pixels[..., 0] - pixels[..., 2]) > 80).sum() > 500  # what was misread is named in red


def test_fewer_numbers_than_digits_come_out_whole(evaluation: Evaluation, run: Run) -> None:
    shares = read_numbers(evaluation, measured_on(run, evaluation), count=2000)
    assert list(shares) == ["zip", "amount", "time"]
    assert all(0 < share < evaluation.accuracy for share in shares.values())
    assert shares["zip"] == pytest.approx(evaluation.accuracy**5, abs=0.05)
    assert shares["zip"] < shares["time"]  # five digits, and three or four


def test_a_dataset_without_writers_gets_a_sentence(
    run: Run, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run.path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"dataset": str(pictures)}))
    with pytest.raises(
        UserError,
        match=rf"No writers are known for {pictures}\. For results by writer, evaluate a run that was ",
    ):
        check_writers(Run.open(run.path))
    assert run_app(["evaluate", str(run.path), "--by-writer"]) == 2
    assert capsys.readouterr().err == (
        f"error: No writers are known for {pictures}. Leave out --by-writer, or name a run that was trained on mnist.\n"
    )


def test_the_command_tells_and_draws(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["evaluate", str(run.path), "--by-writer", "--split", "val", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert set(content) == {"run", "split", "score", "test", "writers", "numbers", "picture"}
    assert len(content["writers"]) == 45
    assert Path(content["picture"]).is_file()
    assert set(content["numbers"]) == {"zip", "amount", "time"}

    assert run_app(["evaluate", str(run.path), "--by-writer", "--split", "val"]) == 0
    out = capsys.readouterr().out
    errors = sum(row["errors"] for row in content["writers"])
    assert f"{errors} errors on the digits of " in out
    assert " out of 45 writers. The writers hardest to read:" in out
    assert f"ZIP codes        {100 * content['numbers']['zip']:.2f} %" in out


def test_where_there_is_no_error_no_writer_is_hard_to_read(capsys: pytest.CaptureFixture[str]) -> None:
    print_writers([{"writer": 7, "images": 10, "errors": 0}], {}, "hands.png")
    assert capsys.readouterr().out.startswith("\nNo errors on the digits of 1 writer.\n\nShare of numbers")
    print_writers([{"writer": 7, "images": 10, "errors": 1}], {}, "hands.png")
    assert "1 error on the digits of 1 out of 1 writer. The writer hardest to read:\n" in capsys.readouterr().out


def test_runs_are_compared_by_writer(run: Run, tmp_path: Path) -> None:
    """More errors by one writer are no evidence; as many by as many writers are."""
    writers = split_writers(open_dataset("mnist", run.data_dir), "test")
    assert writers is not None
    test = run.test
    assert test is not None
    numbers, firsts, sizes = np.unique(writers, return_index=True, return_counts=True)
    one_hand = np.flatnonzero(writers == numbers[sizes.argmax()])[:12].tolist()
    other = Run.open(shutil.copytree(run.path, tmp_path / "runs" / "other"))
    for indices, p_by_writer in ((one_hand, 1), (firsts[:12].tolist(), 2 / 2**12)):
        run.write_test({**test, "mistakes": []})
        other.write_test({**test, "mistakes": [{"index": index} for index in indices]})
        comparison = compare_runs(run, other)
        assert comparison.p_value == pytest.approx(2 / 2**12)
        assert comparison.p_value_by_writer == pytest.approx(p_by_writer)
