from __future__ import annotations

import ast
import copy
import hashlib
import inspect
import pickle
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

import mnistlab
from mnistlab import Augmentation, Ensemble, Evaluation, NeuralNet, Run, UserError, evaluate_run, open_dataset
from mnistlab.errors import Interrupted
from mnistlab.learn.course import days
from mnistlab.reading.explainer import Explainer

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "src" / "mnistlab"
ROOMS = {path.name for path in HOUSE.glob("[!_]*") if path.is_dir() and set(path.iterdir()) - {path / "__pycache__"}}
HEAVY = ("torch", "torchvision", "matplotlib", "scipy", "tensorboard", "onnx", "onnxscript", "onnxruntime")


def test_importing_is_quick() -> None:
    """Starting the command line imports nothing that takes seconds."""
    light = (
        "mnistlab",
        "mnistlab.cli.app",
        "mnistlab.networks.architecture",
        "mnistlab.runs.store",
        "mnistlab.recipes.catalog",
        "mnistlab.data.dataset",
        "mnistlab.cli.learn",
        "mnistlab.learn.diary",
        *(f"mnistlab.learn.exercises.{day.name}" for day in days()),
    )
    code = f"import sys, {', '.join(light)}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("[]\n", "", 0)


def longer_than(source: str, lines: int) -> list[str]:
    """The functions of a program that have more lines than that, from `def` to their end."""
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return [node.name for node in functions if (node.end_lineno or 0) - node.lineno + 1 > lines]


def test_a_long_function_is_found_wherever_it_stands() -> None:
    lines = "        x = 1\n" * 59
    source = f"class A:\n    async def long(self):\n{lines}        x = 1\n\n    def short(self):\n{lines}"
    assert longer_than(source, 60) == ["long"]


def test_no_file_and_no_function_holds_two_ideas() -> None:
    course = (HOUSE / "learn" / "days", HOUSE / "learn" / "exercises")  # pages of text, in two languages each
    paths = [path for path in HOUSE.rglob("*.py") if path.parent not in course]
    sources = {path: path.read_text(encoding="utf-8") for path in paths}
    assert len(sources) > 100
    assert [(path.name, count) for path, source in sources.items() if (count := source.count("\n")) > 250] == []
    assert [(path.name, long) for path, source in sources.items() if (long := longer_than(source, 60))] == []


def test_the_house_has_few_rooms_and_says_what_each_is() -> None:
    ground_floor = {path.stem for path in HOUSE.glob("*.py")} - {"__init__", "__main__"}
    assert len(ground_floor) <= 6
    assert len(ROOMS) <= 17
    listed = re.findall(r"^    (\w+)  +\w", mnistlab.__doc__ or "", re.MULTILINE)
    assert sorted(listed) == sorted(ROOMS)
    assert (
        set(re.findall(r"\w+", (mnistlab.__doc__ or "").rpartition("which these packages share:")[2])) == ground_floor
    )
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)/` \|", contributing, re.MULTILINE)) == ROOMS


def test_few_layers_hold_the_house() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        layers = tomllib.load(file)["tool"]["importlinter"]["contracts"][0]["layers"]
    assert 1 < len(layers) <= 12
    assert ROOMS - {"bundled"} <= {name for layer in layers for name in layer.split(" | ")}


def test_these_are_the_public_names() -> None:
    assert mnistlab.__all__ == [
        "DATASETS", "RECIPES", "Augmentation", "Digit", "Ensemble", "Evaluation", "Line", "MNISTDataLoader", "MnistlabError",
        "NeuralNet", "Page", "Reader", "Recipe", "Run", "UserError", "combine", "compare_runs", "evaluate", "evaluate_run",
        "examine", "export_model", "find_run", "list_runs", "load_model", "open_dataset", "resume", "train",
    ]  # fmt: skip


def test_the_public_names_are_sorted() -> None:
    """Constants, then classes, then functions, each by name: ruff's order."""
    names = mnistlab.__all__
    assert len(set(names)) == len(names)
    kind = [0 if name.isupper() else 1 if name[0].isupper() else 2 for name in names]
    assert names == [name for _, name in sorted(zip(kind, names, strict=True))]


@pytest.mark.parametrize("name", mnistlab.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    value = getattr(mnistlab, name)
    home = f"mnistlab.{mnistlab.HOME[name]}"
    assert name in sys.modules[home].__all__
    assert value is getattr(sys.modules[home], name)
    if callable(value):
        assert value.__module__.startswith(home)
        assert value.__doc__
    assert name in dir(mnistlab)


def sections(docstring: str) -> dict[str, set[str]]:
    """The sections of a docstring, each with the names that it explains."""
    found: dict[str, set[str]] = {}
    parts = re.split(r"^(\w+)\n-+\n", docstring, flags=re.MULTILINE)
    for title, text in zip(parts[1::2], parts[2::2], strict=True):
        heads = re.findall(r"^(\S[^:\n]*?)(?: : .*)?$", text, re.MULTILINE)
        found[title] = {name.strip(" *") for head in heads for name in head.split(",")}
    return found


@pytest.mark.parametrize("name", [name for name in mnistlab.__all__ if not name.isupper()])
def test_every_public_docstring_says_what_goes_in_comes_out_and_goes_wrong(name: str) -> None:
    value = getattr(mnistlab, name)
    if inspect.isclass(value):
        value = next(kind for kind in value.__mro__ if "__init__" in vars(kind))
        names = set(inspect.signature(value.__init__).parameters) - {"self"}
    else:
        names = set(inspect.signature(value).parameters)
    told = sections(inspect.getdoc(value) or "")
    assert names <= told.get("Parameters", set()) | told.get("Attributes", set())
    assert inspect.isclass(value) or {"Parameters", "Returns", "Raises"} <= set(told)


def test_names_and_homes_agree() -> None:
    assert set(mnistlab.HOME) == set(mnistlab.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'mnistlab' has no attribute 'NeuralNett'"):
        mnistlab.NeuralNett  # noqa: B018
    assert not hasattr(mnistlab, "__path_to_nowhere__")


def test_star_import_gives_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from mnistlab import *", names)
    assert set(mnistlab.__all__) <= set(names)


def test_the_package_is_typed_and_says_whose_its_data_is() -> None:
    root = resources.files("mnistlab")
    assert (root / "py.typed").is_file()
    assert "LeCun" in (root / "bundled" / "mnist" / "NOTICE").read_text(encoding="utf-8")
    assert "Yadav" in (root / "bundled" / "writers" / "NOTICE").read_text(encoding="utf-8")


def test_the_card_of_the_pretrained_reader_names_its_file() -> None:
    """Its front matter is what the Hugging Face hub reads."""
    folder = resources.files("mnistlab") / "bundled" / "reader"
    _, front, card = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    assert set(yaml.safe_load(front)) == {"license", "library_name", "pipeline_tag", "tags", "datasets"}
    assert f"| SHA-256 | `{hashlib.sha256((folder / 'reader.onnx').read_bytes()).hexdigest()}` |" in card


def test_the_training_that_ships_is_the_one_described() -> None:
    folder = resources.files("mnistlab") / "bundled" / "training"
    content = (folder / "snapshots.npz").read_bytes()
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"| SHA-256 | `{hashlib.sha256(content).hexdigest()}` |" in card
    assert f"| {len(content):,} bytes" in card
    assert len(content) <= 400_000


def test_help_shows_what_is_public_of_a_reader() -> None:
    shown = {name for name in dir(mnistlab.Reader) if not name.startswith("_")}
    assert shown == {"classes", "classify", "metadata", "path", "read", "read_many", "read_pages", "threads", "values"}
    assert all(getattr(mnistlab.Reader, name).__doc__ for name in shown)


def test_the_command_is_installed() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="mnistlab")
    assert script.load() is sys.modules["mnistlab.cli.app"].main


COPIES: list[Callable[[Any], Any]] = [copy.copy, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))]


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize(
    "make",
    [
        lambda run: run,
        lambda run: run.recipe,
        lambda run: open_dataset("mnist", run.data_dir),
        lambda run: open_dataset("mnist").spec,
        lambda run: Augmentation(rotate=10),
    ],
)
def test_public_values_equal_their_copies(
    make: Callable[[Run], object], copied: Callable[[Any], Any], mnist_run: Run
) -> None:
    assert copied(make(mnist_run)) == make(mnist_run)


@pytest.mark.parametrize("copied", COPIES)
def test_networks_answer_as_their_copies_do(copied: Callable[[Any], Any]) -> None:
    nets = [NeuralNet((2,)).eval(), NeuralNet((3, 4)).eval()]
    images = torch.rand(3, 1, 28, 28)
    for model in (nets[0], Ensemble(nets).eval()):
        other = copied(model)
        assert other.architecture == model.architecture
        assert torch.equal(other(images), model(images))


@pytest.mark.parametrize("copied", COPIES)
def test_an_evaluation_and_its_mistakes_are_copied_whole(copied: Callable[[Any], Any], mnist_run: Run) -> None:
    evaluation = evaluate_run(mnist_run, "val", device="cpu")
    other: Evaluation = copied(evaluation)
    assert other.to_dict() == evaluation.to_dict()
    assert len(evaluation.mistakes) > 0
    for mine, its in zip(evaluation.mistakes, other.mistakes, strict=True):
        assert np.array_equal(mine.image, its.image)


@pytest.mark.parametrize("copied", COPIES)
def test_an_explainer_explains_as_its_copy_does(copied: Callable[[Any], Any]) -> None:
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 13:16] = 255
    explainer = Explainer(mnistlab.Reader(threads=1).classifier)
    expected = explainer.layers(image)  # which makes its session
    assert len(expected) > 3
    for mine, its in zip(expected, copied(explainer).layers(image), strict=True):
        assert mine.name == its.name
        assert np.array_equal(mine.values, its.values)


@pytest.mark.parametrize("copied", COPIES)
def test_an_error_comes_whole_from_another_process(copied: Callable[[Any], Any]) -> None:
    other = copied(UserError("files.missing", remedy="remedies.restore_or_train", path="a"))
    assert (type(other), str(other), other.remedy) == (
        UserError,
        "a is missing. Restore the file, or train again.",
        "Restore the file, or train again.",
    )
    assert copied(Interrupted("training.interrupted", exit_code=143, run="a")).exit_code == 143
