from __future__ import annotations

import subprocess
import sys
from importlib import metadata, resources

import pytest

import mnistlab

HEAVY = ("torch", "torchvision", "matplotlib", "scipy", "tensorboard", "onnx", "onnxscript", "onnxruntime")


@pytest.mark.parametrize("name", ["mnistlab", "mnistlab.cli", "mnistlab.runs", "mnistlab.recipes", "mnistlab.datasets"])
def test_importing_is_quick(name: str) -> None:
    """Starting the command line imports nothing that takes seconds."""
    code = f"import sys, {name}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("[]\n", "", 0)


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


def test_the_package_is_typed_and_says_whose_mnist_is() -> None:
    root = resources.files("mnistlab")
    assert (root / "py.typed").is_file()
    assert "LeCun" in (root / "bundled" / "mnist" / "NOTICE").read_text(encoding="utf-8")


def test_the_command_is_installed() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="mnistlab")
    assert script.load() is sys.modules["mnistlab.cli"].main
