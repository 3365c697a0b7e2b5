"""Check a learner's own code: the network that a class in a file makes, and two steps of its training."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from mnistlab.data.dataset import open_dataset
from mnistlab.doctor.causes import Witness, alike, cause_of
from mnistlab.doctor.check import Check
from mnistlab.doctor.examination import check_output
from mnistlab.doctor.naming import Named
from mnistlab.doctor.two_steps import Counted, TwoSteps
from mnistlab.errors import MnistlabError, UserError
from mnistlab.files import resolved
from mnistlab.messages.sentences import Clause
from mnistlab.networks.network import evaluating

__all__ = ["check_code", "import_model"]

NETWORK, MODES, TRAINING = Clause("names.network"), Clause("names.modes"), Clause("names.training")
BATCH = 64
"""The number of images in each of the two batches with which training is tried out."""
ODD = 7
"""The number of images with which the network is first tried out: one that is unlikely to be a layer's width, too."""


def check_code(
    code: str, data_dir: str | Path, *, train: str | None = None, dataset: str | Path = "mnist"
) -> list[Check]:
    """Try out an untrained network and, if `train` is given, two steps of its training, and look for common mistakes.

    Parameters
    ----------
    code : str
        "FILE.py:CLASS". FILE.py is run, and CLASS is called without arguments to make the network.
    data_dir : str or Path
        The folder that holds the data.
    train : str, optional
        "FILE.py:FUNCTION", called as FUNCTION(model, loader) with two batches of 64 normalised training images; the function is
        stopped at the third step of an optimizer.
    dataset : str or Path
        The dataset to try the network out with.

    Raises
    ------
    UserError
        If a file is missing, or its code fails for a reason that is not one of the known mistakes.
    """
    opened = open_dataset(dataset, data_dir)
    images, labels = (torch.tensor(array[: 2 * BATCH]) for array in opened.read("train"))
    pictures = opened.spec.normalisation(images.unsqueeze(1).float())
    torch.manual_seed(0)
    named = Named.of(code, "remedies.give_class")
    file = LearnersFile(named.file)
    with importing_beside(named.file):
        try:
            model = make_model(file, named.name, code)
        except UserError as error:
            if cause := cause_of(error.__cause__ or error):
                return [Check(NETWORK, "problem", cause)]
            raise
        classes = len(opened.spec.classes)
        checks = list(check_network(model, file.path, pictures[:ODD], labels[:ODD], classes, trained=train is not None))
    if train is None or any(check.verdict == "problem" and check.subject == NETWORK for check in checks):
        return checks
    trainer = Named.of(train, "remedies.give_function")
    if resolved(trainer.file) != resolved(file.path):
        file = LearnersFile(trainer.file)
    with importing_beside(file.path):
        more = try_training(model, file, trainer.name, train, pictures, labels)
    return checks + [check for check in more if check.seen.key not in {known.seen.key for known in checks}]


def try_training(
    model: nn.Module, file: LearnersFile, name: str, code: str, pictures: torch.Tensor, labels: torch.Tensor
) -> list[Check]:
    """Run two training steps with the function `name` of the file. Raises `UserError` if training fails for an unknown reason."""
    remedy = "remedies.give_function"
    with file.explaining(code, remedy):
        function = file.called(name, remedy)
    if not callable(function) or not takes_two(function):
        raise UserError("doctor.no_training_function", remedy=remedy, code=code)
    steps = TwoSteps(model, modes_differ=has_modes(model, pictures[:ODD]))
    try:
        with steps:
            function(model, Counted(pictures, labels, BATCH, steps))
    except (Exception, SystemExit) as error:  # whatever the user's own code raises
        if cause := cause_of(error, steps.witness):
            return [Check(TRAINING, "problem", cause)]
        raise UserError("doctor.training_fails", code=code, reason=where(error, file.path)) from error
    return steps.checks()


def check_network(
    model: nn.Module, file: Path, images: torch.Tensor, labels: torch.Tensor, classes: int, *, trained: bool
) -> Iterator[Check]:
    """The checks of an untrained network. A softmax over the classes is not mentioned if `trained` says that training is
    tried out later, because the training then shows what the loss is given."""
    if lost := unregistered(model):
        yield Check(NETWORK, "problem", Clause("doctor.layers_unregistered", names=lost))
    with evaluating(model), Witness(model, len(images)) as witness:
        try:
            output, again = model(images), model(images)
            differ = isinstance(output, torch.Tensor) and has_modes(model, images)
        except Exception as error:  # the user's own code may raise anything
            if cause := cause_of(error, witness):
                yield Check(NETWORK, "problem", cause)
                return
            shape = tuple(images.shape)
            raise UserError("doctor.model_refuses_batch", images_shape=shape, reason=where(error, file)) from error
    if output is None:
        yield Check(NETWORK, "problem", Clause("doctor.return_forgotten"))
        return
    if isinstance(output, torch.Tensor) and output.ndim == 2 and len(output) != len(images):
        yield Check(NETWORK, "problem", Clause("doctor.batch_lost", rows=len(output), batch=len(images)))
        return
    first, *_ = check_output(output, labels, classes)
    if first.verdict == "problem" and first.subject == Clause("names.output"):
        remedy = "remedies.finite_output" if first.seen.key == "doctor.output_not_finite" else None
        yield Check(NETWORK, "problem", first.seen, remedy)
        return
    yield Check(NETWORK, "ok", Clause("doctor.takes_images", shape=tuple(images.shape), output=tuple(output.shape)))
    if alike(output.float()).endswith("of the batch"):
        yield Check(first.subject, "problem", Clause("doctor.softmax_over_batch"))
    elif not trained:
        yield first
    if not torch.equal(output, again):
        yield Check(MODES, "problem", Clause("doctor.dropout_always"))
    else:
        yield Check(MODES, "ok", Clause("doctor.modes_differ" if differ else "doctor.modes_alike"))


def has_modes(model: nn.Module, images: torch.Tensor) -> bool:
    """Whether the model's answers to the images, float (N, 1, H, W), differ between training and evaluation mode."""
    with evaluating(model):
        state = {name: value.clone() for name, value in model.state_dict().items()}
        output = model(images)
        model.train()
        differ = not torch.equal(output, model(images))
        model.load_state_dict(state)  # batch norm has counted these images
    return differ


def unregistered(model: nn.Module) -> list[str]:
    """The attributes, such as "layers", that hold layers in a plain list, tuple or dict, where PyTorch does not register them."""
    own = set(model.modules())
    found = []
    for part, module in model.named_modules():
        for name, value in vars(module).items():
            held = list(value.values()) if isinstance(value, dict) else value
            if not name.startswith("_") and isinstance(held, list | tuple):
                layers = [one for one in held if isinstance(one, nn.Module) and list(one.parameters())]
                if any(one not in own for one in layers):
                    found.append(f"{part}.{name}".lstrip("."))
    return found


def takes_two(function: Callable[..., Any]) -> bool:
    """Whether the function can be called with a model and a loader."""
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # functions written in C do not always have a signature
        return True
    return True


def import_model(code: str) -> nn.Module:
    """A network of the class named by `code`, "FILE.py:CLASS". Raises `UserError` if there is no such class."""
    named = Named.of(code, "remedies.give_class")
    with importing_beside(named.file):
        return make_model(LearnersFile(named.file), named.name, code)


def make_model(file: LearnersFile, name: str, code: str) -> nn.Module:
    """The network made by the class or function of that name. Raises `UserError` if the result is not a network."""
    remedy = "remedies.give_class"
    with file.explaining(code, remedy):
        made = file.called(name, remedy)()
    if not isinstance(made, nn.Module):
        raise UserError("doctor.code_makes_no_module", remedy=remedy, code=code, name=type(made).__name__)
    return made


class LearnersFile:
    """A learner's Python file, which is run when its `module` is first needed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @functools.cached_property
    def module(self) -> ModuleType:
        """The module that results from running the file. Raises whatever the file's code raises."""
        spec = importlib.util.spec_from_file_location("learners_code", self.path)
        if spec is None or spec.loader is None:
            raise UserError("doctor.code_not_python", file=self.path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def called(self, name: str, remedy: str) -> Any:
        """The object called `name` in the file. Raises `UserError`, with the remedy whose key is `remedy`, if there is none."""
        if not hasattr(self.module, name):
            raise UserError("doctor.code_defines_nothing", remedy=remedy, file=self.path, name=name)
        return getattr(self.module, name)

    @contextlib.contextmanager
    def explaining(self, code: str, remedy: str) -> Iterator[None]:
        """Inside `with`, turn any exception from the file's code into a `UserError` with the remedy whose key is `remedy`.

        The original exception becomes the `UserError`'s cause. A `MnistlabError` is passed on unchanged.
        """
        try:
            yield
        except MnistlabError:
            raise
        except (Exception, SystemExit) as error:  # whatever the user's own code raises
            raise UserError("doctor.code_fails", remedy=remedy, code=code, reason=where(error, self.path)) from error


@contextlib.contextmanager
def importing_beside(file: Path) -> Iterator[None]:
    """Inside `with`, modules in the file's folder can be imported."""
    before = list(sys.path)
    sys.path.insert(0, str(resolved(file).parent))
    try:
        yield
    finally:
        sys.path[:] = before


def where(error: BaseException, file: Path) -> str:
    """The exception, and the line of the learner's file from which it came, such as "network.py:12: KeyError: 'x'"."""
    said = ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]]).rstrip(".")
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
    return f"{file.name}:{lines[-1]}: {said}" if lines else said
