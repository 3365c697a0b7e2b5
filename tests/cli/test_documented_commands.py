"""Every `mnistlab ...` command in the documents, help texts, remedies and the page does what it says: each is run."""

from __future__ import annotations

import datetime
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from starlette.types import ASGIApp

from mnistlab.augmentation.corruptions import CORRUPTIONS
from mnistlab.cli.app import app, run_app
from mnistlab.data.dataset import find_spec, import_files, open_dataset
from mnistlab.errors import Interrupted
from mnistlab.evaluation import corrupted, gallery
from mnistlab.evaluation.models import load_model
from mnistlab.export.export import export_model
from mnistlab.export.onnx_file import OnnxFile
from mnistlab.files import sha256, write_bytes
from mnistlab.learn.course import answers_file, days
from mnistlab.networks.checkpoint import SavedModel
from mnistlab.networks.finder import FinderNet, save_finder
from mnistlab.networks.line_reader import LineNet, save_line_reader
from mnistlab.reading.finder import CLASSES
from mnistlab.reading.reader import Reader
from mnistlab.recipes.catalog import RECIPES
from mnistlab.runs.run import Run
from mnistlab.serving import http as serving
from mnistlab.serving import workers
from mnistlab.training.display import Silent
from mnistlab.training.experiment import train
from tests.data.test_download import DEBIAN, needs_fashion
from tests.support import documented, sheets

pytestmark = pytest.mark.usefixtures("no_drawing")

EXCEPTIONS = {
    "data --dataset kmnist": "fetches KMNIST from the network",
    "data --dataset NAME": "is about a dataset that the reader has added",
    "data --dataset NAME --from FOLDER": "likewise",
    "export MNISTLAB_TOKEN=my-secret": "is the shell's export",
    "sweep default two-conv --engine ray --cores 1": "needs Ray, and is what tests/training/test_ray_engine.py does with one",
    "sweep default --seeds 50 --engine ray --address auto --runs /shared/runs --data-dir /shared/data": "needs a cluster",
    "read scans/ --recursive --engine ray --to digits/": "needs Ray, and is what tests/cli/test_read_on_ray.py does with one",
    "read scans/ --recursive --engine ray --to digits/ --resume": "likewise",
    "read s3://bucket/scans/ --recursive --engine ray --address auto --to s3://bucket/digits": "needs a cluster",
    "train best --runs /shared/runs --data-dir /shared/data": "needs a cluster",
    "mnistlab serve still running?": "is a question on the page",
    "mnistlab serve tourne-t-il encore ?": "is the same in French",
}
"""What cannot be run, or is not a command, and why."""

TEXTS = list(documented.texts())
FOUND = {each for _, text in TEXTS for command in documented.commands_in(text) for each in documented.variants(command)}
MISSED = {missed for _, text in TEXTS for missed in documented.missed_in(text)}

RUNS = ["20261122-101500-two-conv-seed0", "20261122-111500-two-conv-seed1", "20261122-121500-two-conv-seed2"]
STOPPED = "20261122-131500-two-conv-seed3"
A_RUN = {
    "RUN",
    "RUN...",
    "RUN-A",
    "RUN-B",
    "RUN-C",
    "ENTRAÎNEMENT",
    "A",
    "B",
    "{run}",
}
WORDS = {
    **dict.fromkeys(["MODEL.pth", "FILE", "FICHIER", "{path}"], "model.pth"),
    "FINDER": "finder.pth",
    "LINE-READER": "lines.pth",
    "PICTURE...": "photo.jpg",
    **dict.fromkeys(["RECIPE", "RECIPE..."], "quick"),
    **dict.fromkeys(["FILE.py:CLASS", "FICHIER.py:CLASSE"], "network.py:NeuralNet"),
    **dict.fromkeys(["FILE.py:FUNCTION", "FICHIER.py:FONCTION"], "training.py:train"),
    "{typed}": "data",
    "PATH": "model.safetensors",
    **dict.fromkeys(["DIR", "DOSSIER"], str(DEBIAN)),
    "{dataset}": "fashion",
    "{another}": "8001",
    **dict.fromkeys(["{day}", "{day.name}"], "day3"),
}
"""What the texts leave to the reader. All other words are used as they are; the files that they name are in `here`."""

TRAINING = """
import torch


def train(model, loader):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for images, labels in loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
"""
SMALL = ["--steps", "3", "--batch-size", "8"]
TINY = {
    "finder": ["--height", "48", "--width", "64", "--val-scenes", "50", "--test-scenes", "50"],
    "line-reader": ["--width", "64", "--val-strips", "50", "--test-strips", "50"],
}
PICTURES = ["path/to/pictures", "path/to/folder-of-pictures", "chemin/vers/images", "shapes", "formes", "corrected"]


def arguments_of(command: str) -> tuple[str, ...]:
    """The command with the reader's words filled in, made small if it would take long, and answered if it would ask."""
    command = re.sub(r"\{(runs|lang|file)\}", "", command)  # options that the message adds where they are needed
    runs = itertools.cycle([f"runs/{STOPPED}"] if "--resume" in command else [f"runs/{name}" for name in RUNS])
    arguments = [next(runs) if word in A_RUN else WORDS.get(word, word) for word in shlex.split(command)]
    if arguments[0] == "train" and "--resume" not in arguments:
        arguments += SMALL
        tiny = next((["--dataset", "mnist", *options] for name, options in TINY.items() if name in arguments), None)
        arguments += [] if "--dataset" in arguments else tiny or ["--dataset", PICTURES[0]]
        arguments += ["--members", "3"] if "ensemble" in arguments else []
    if arguments[0] == "sweep":
        arguments += ["--seeds", "1", "--set", "steps=3", "--set", "batch_size=8", "--dataset", PICTURES[0]]
    if arguments[0] == "serve":
        arguments += ["--port", "0", "--no-browser"]
    if arguments[:2] == ["runs", "delete"] and "--yes" not in arguments:
        arguments.append("--yes")
    return tuple(arguments)


COMMANDS = sorted({arguments_of(command) for command in FOUND - set(EXCEPTIONS)})


class Stop(Silent):
    """Presses Ctrl-C after the first epoch."""

    def epoch(self, row: dict[str, Any]) -> None:
        os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(scope="module", autouse=True)
def converted_once() -> Iterator[None]:
    """PyTorch converts each network to ONNX once: the runs are copies of one, and a conversion takes longer than the commands."""
    convert, graphs = OnnxFile.__init__, dict[str, bytes]()

    def init(self: OnnxFile, saved: SavedModel, temperature: float) -> None:
        weights = b"".join(value.numpy().tobytes() for value in saved.model.state_dict().values())
        key = f"{saved.model.architecture} {temperature} {saved.normalisation} {sha256(weights)}"
        if key not in graphs:
            convert(self, saved, temperature)
            graphs[key] = self.graph.SerializeToString()
        self.graph = onnx.load_from_string(graphs[key])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(OnnxFile, "__init__", init)
        yield


@pytest.fixture(scope="module")
def prepared(mnist_run: Run, pictures: Path, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a reader's: data, pictures, three finished runs and a newer one that was stopped."""
    folder = tmp_path_factory.mktemp("prepared")
    for name in PICTURES:
        shutil.copytree(pictures, folder / name)
    shutil.copytree(data_dir, folder / "data")
    for name in ("scans", "examples"):
        (folder / name).mkdir()
    for name in (
        "photo.jpg",
        "page.png",
        "one.png",
        "un.png",
        "x.png",
        "examples/2026.png",
    ):
        shutil.copy(documented.ROOT / "examples" / "2026.png", folder / name)
    images, labels = open_dataset("mnist", data_dir).read("train")[:2]
    Image.fromarray(images[15]).save(folder / "seven.png")
    table = sheets.grid(np.random.default_rng(1), np.array(images), np.array(labels), rows=3, columns=3)
    for name in ("sheet.jpg", "scans/1.png"):
        Image.fromarray(table.picture).save(folder / name)
    rows = [("page.png", 1, *digit.box, digit.value) for digit in Reader().read(folder / "page.png").digits]
    lines = [("file", "page", "x", "y", "width", "height", "correct"), *rows]
    (folder / "checked.csv").write_text("".join(",".join(map(str, row)) + "\n" for row in lines), encoding="utf-8")
    (folder / "layout.toml").write_text('[[field]]\nname = "year"\nbox = [0, 0, 1, 1]\n', encoding="utf-8")
    for day in days():
        (folder / f"{day.name}_answers.py").write_text(answers_file(day, "en"), encoding="utf-8")
    for name in ("my.toml", "ma-recette.toml"):
        (folder / name).write_text("widths = [4, 8]\nlearning-rate = 0.05\n", encoding="utf-8")
    (folder / "src/mnistlab/bundled/reader").mkdir(parents=True)
    export_model(mnist_run, folder / "model.onnx")
    started = datetime.datetime(2026, 11, 22, 10, 15, tzinfo=datetime.UTC)
    for number, name in enumerate(RUNS):
        run = shutil.copytree(mnist_run.path, folder / "runs" / name)
        config = json.loads((run / "config.json").read_text(encoding="utf-8"))
        config |= {"created": (started + datetime.timedelta(hours=number)).isoformat(), "seed": number}
        (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
        shutil.copy(folder / "model.onnx", run / "model.onnx")
    shutil.copy(mnist_run.model_path, folder / "model.pth")
    save_finder(folder / "finder.pth", FinderNet(len(CLASSES)), "mnist", CLASSES, "0")
    save_line_reader(folder / "lines.pth", LineNet((24, 48, 64, 112)), "mnist", "0")
    model = load_model(mnist_run.model_path).model
    torch.save(model.state_dict(), folder / "weights.pth")
    (folder / "network.py").write_text(
        f"import mnistlab\n\n\ndef NeuralNet():\n    return mnistlab.NeuralNet(**{model.architecture.to_dict()})\n",
        encoding="utf-8",
    )
    (folder / "training.py").write_text(TRAINING, encoding="utf-8")
    recipe = RECIPES["two-conv"].override({"widths": (2,), "epochs": 2, "batch_size": 8})
    with pytest.raises(Interrupted):
        train(recipe, dataset=str(pictures), runs_dir=folder / "stopped", display=Stop())
    return folder


@pytest.fixture
def here(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it for one command, which is run in it; large files that are only read are linked."""
    for path in prepared.iterdir():
        if path.is_dir():
            large = path.name == "data" or any(path in (prepared / name).parents for name in PICTURES)
            shutil.copytree(path, tmp_path / path.name, copy_function=os.link if large else shutil.copy2)
        else:
            shutil.copy2(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def serve_until_ready(app: ASGIApp, listener: socket.socket, ready: Callable[[], None]) -> None:
    """The server itself, stopped as soon as it answers."""

    def ready_and_stop() -> None:
        ready()
        server.should_exit = True

    server = serving.make_server(app, ready_and_stop)
    server.run([listener])


@pytest.mark.parametrize(
    "arguments",
    [pytest.param(each, marks=[needs_fashion] * ("fashion" in each), id=" ".join(each)) for each in COMMANDS],
)
def test_a_documented_command_works(
    arguments: tuple[str, ...], here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if "fashion" in arguments and "--from" not in arguments:
        import_files(find_spec("fashion"), DEBIAN, here / "data")
    if "--resume" in arguments:
        (stopped,) = (here / "stopped").iterdir()
        stopped.rename(here / "runs" / STOPPED)
    if "--from-corrections" in arguments:
        shutil.rmtree("corrected")
    if "--code" in arguments and "model.pth" in arguments:
        shutil.move("weights.pth", "model.pth")
    monkeypatch.setattr(serving, "run", serve_until_ready)
    monkeypatch.setattr(
        workers, "run_workers", lambda make, listener, _, ready: serve_until_ready(make(), listener, ready)
    )
    monkeypatch.setattr(corrupted, "CORRUPTIONS", {"stripe": CORRUPTIONS["stripe"]})  # test_corrupted measures several
    monkeypatch.setattr(gallery, "draw_gallery", lambda loader, out, title: write_bytes(out, b""))  # as no_drawing does

    code = run_app(list(arguments))
    out, err = capsys.readouterr()
    assert (code, "error:" in err) == (0, False), err
    assert out or arguments[:2] == ("runs", "delete")


def test_commands_are_found_in_all_the_ways_that_they_are_written() -> None:
    text = """Try `mnistlab a` or `mnistlab train [RECIPE]` (`--epochs 4 --json`,
`--widths 16,32`); `data` is what `train` reads.

| `mnistlab runs` | `runs delete RUN`, `--json` |
| `data --json` | none |

```
pip install uv && uv run mnistlab read photo.jpg     # `mnistlab read --json` says more
mnistlab doctor
from mnistlab import train
```
Look at it, or compare: mnistlab runs compare A B
The next mnistlab train does it."""
    assert set(documented.commands_in(text)) == {
        "train [RECIPE]", "train [RECIPE] --epochs 4 --json", "train [RECIPE] --widths 16,32", "runs", "runs delete RUN",
        "runs delete RUN --json", "read photo.jpg", "doctor", "runs compare A B",
    }  # fmt: skip
    assert documented.missed_in(text) == ["mnistlab train does it."]
    assert documented.variants("doctor [RUN or FILE] --json") == [
        "doctor --json",
        "doctor RUN --json",
        "doctor FILE --json",
    ]


def test_each_kind_of_text_is_looked_at() -> None:
    found = {command for _, text in TEXTS for command in documented.commands_in(text)}
    assert found >= {
        "train --widths 16,32 --epochs 4",  # README
        "train [RECIPE] --widths 16,32 --epochs 4",  # docs
        "train --dataset chemin/vers/images",  # LISEZMOI
        "train reader --seed 0",  # the reader's README
        "train --widths 16,32,64 --learning-rate 0.05",  # help
        "train three-conv",  # a day
        'learn note "..." --day day3',
        "serve --port {another}",  # a remedy
        "train --resume {run}",
        "serve --model mnistlab --model latest",  # the page
    }


def test_every_command_that_a_text_names_is_run_or_an_exception_and_no_exception_or_placeholder_is_stale() -> None:
    assert set(EXCEPTIONS) <= FOUND | MISSED
    assert set(EXCEPTIONS) >= MISSED, "write it between backticks, on its own line or after a colon"
    assert set(WORDS) | A_RUN == {word for command in FOUND for word in shlex.split(command)} & (set(WORDS) | A_RUN)


@pytest.mark.parametrize("command", sorted(FOUND & set(EXCEPTIONS)))
def test_the_options_of_an_exception_are_taken(command: str) -> None:
    name, found, rest = app.resolve_command(click.Context(app), shlex.split(command))
    assert found is not None
    with found.make_context(name, rest) as context:
        assert context.params
