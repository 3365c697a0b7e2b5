"""pipeline: each part in order, on the images that it is for."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from mnistlab.augmentation.affine import Augmentation
from mnistlab.augmentation.clutter import Clutter
from mnistlab.augmentation.glyphs import digits_bank, printed_digits
from mnistlab.augmentation.hands import other_hands
from mnistlab.augmentation.pens import Writing
from mnistlab.augmentation.pipeline import PRINTED, Pipeline
from mnistlab.augmentation.rejects import Rejects
from mnistlab.data.dataset import open_dataset
from mnistlab.errors import UserError

Batch = tuple[torch.Tensor, torch.Tensor]
TEN = tuple(range(10))
AFFINE = Augmentation(rotate=10, shift=2)


@pytest.fixture(scope="module")
def batch(data_dir: Path) -> Batch:
    images, labels = open_dataset("mnist", data_dir).read("train")
    return torch.tensor(images[:256]).unsqueeze(1).float(), torch.tensor(labels[:256])


def done(pipeline: Pipeline, batch: Batch) -> Batch:
    torch.manual_seed(0)
    return pipeline(*batch)


def test_the_parts_come_in_order(batch: Batch) -> None:
    images, labels = done(Pipeline(AFFINE, 0.8, 0.25, TEN, 0.5), batch)
    torch.manual_seed(0)
    expected, truth = Rejects(0.25, TEN)(*batch)
    expected = other_hands(printed_digits(expected, truth, PRINTED * 0.8), truth, 0.8)
    expected = Clutter(0.5)(Writing(0.8)(AFFINE(expected)))
    assert torch.equal(images, expected)
    assert torch.equal(labels, truth)
    assert labels[256:].tolist() == [-1] * 64


def test_digits_are_known_by_the_order_of_the_classes(batch: Batch) -> None:
    """A folder of pictures may have only some digits as its classes."""
    images, labels = batch
    few = labels >= 7
    here = images[few], labels[few] - 7
    torch.manual_seed(0)
    expected = Writing(1)(other_hands(printed_digits(here[0], labels[few], PRINTED), labels[few], 1))
    assert torch.equal(done(Pipeline(writing=1, digits=(7, 8, 9)), here)[0], expected)


def test_some_digits_are_printed_and_each_is_still_the_digit_that_it_was(batch: Batch) -> None:
    images, labels = batch
    labels = torch.where(torch.arange(len(labels)) < 20, -1, labels)
    torch.manual_seed(0)
    result = printed_digits(images, labels, 0.5)
    changed = (result != images).flatten(1).any(1)
    assert not changed[:20].any()
    assert 0.4 < changed[20:].float().mean() < 0.6
    bank = digits_bank().float()
    for image, label in zip(result[changed], labels[changed], strict=True):
        assert (bank[:, label] == image).flatten(1).all(1).any()


def test_what_is_no_digit_gets_no_strokes_of_digits(batch: Batch) -> None:
    torch.manual_seed(0)
    expected = Writing(0.5)(Rejects(0.25, ())(*batch)[0])
    assert torch.equal(done(Pipeline(writing=0.5, rejects=0.25), batch)[0], expected)


def test_nothing_asked_for_is_nothing_done_and_nothing_drawn(batch: Batch) -> None:
    state = torch.get_rng_state()
    images, labels = Pipeline(digits=TEN)(*batch)
    assert images is batch[0]
    assert labels is batch[1]
    assert not Pipeline(digits=TEN)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("part", [{"affine": AFFINE}, {"writing": 0.1}, {"rejects": 0.1}, {"clutter": 0.1}])
def test_any_part_makes_a_difference(part: dict[str, Any], batch: Batch) -> None:
    pipeline = Pipeline(**part)
    assert pipeline
    assert not torch.equal(done(pipeline, batch)[0], batch[0])


@pytest.mark.parametrize("name", ["writing", "rejects", "clutter"])
@pytest.mark.parametrize("amount", [-0.1, 4.1, float("nan"), "1", None, True])
def test_an_amount_that_is_none_is_refused(name: str, amount: Any) -> None:
    with pytest.raises(UserError, match=r"out of range|not a number|cannot be"):
        Pipeline(**{name: amount})


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda pipeline: pickle.loads(pickle.dumps(pipeline))])
def test_a_copy_equals_the_original(copied: Any) -> None:
    pipeline = Pipeline(AFFINE, 0.5, 0.25, TEN)
    assert copied(pipeline) == pipeline
