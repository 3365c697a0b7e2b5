from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from mnistlab.augmentation.glyphs import LETTERS, MARKS, MORE_LETTERS, letters_bank
from mnistlab.augmentation.rejects import DIGIT_KINDS, HALVES, REJECT, TURNS, Rejects, Source
from mnistlab.data.dataset import open_dataset
from mnistlab.errors import UserError
from mnistlab.geometry import fit_and_centre, ink_box, lying
from mnistlab.training.loop import cross_entropy

Batch = tuple[torch.Tensor, torch.Tensor]
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
TEN = tuple(range(10))


@pytest.fixture(scope="module")
def batch(data_dir: Path) -> Batch:
    """128 digits, float (128, 1, 28, 28), 0 to 255, and their labels."""
    images, labels = open_dataset("mnist", data_dir).read("train")
    return torch.tensor(images[:128]).unsqueeze(1).float(), torch.tensor(labels[:128])


def test_nothing_asked_for_is_nothing_done_and_nothing_drawn(batch: Batch) -> None:
    state = torch.get_rng_state()
    images, labels = Rejects(0, TEN)(*batch)
    assert images is batch[0]
    assert labels is batch[1]
    assert not Rejects()
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("share", [-0.1, 4.1, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(UserError, match="cannot be"):
        Rejects(share)


@pytest.mark.parametrize(("share", "expected"), [(0.001, 0), (0.01, 1), (0.25, 32), (1, 128), (2.5, 320)])
def test_as_many_as_asked_for_come_after_the_batch(share: float, expected: int, batch: Batch) -> None:
    images, labels = Rejects(share, TEN)(*batch)
    assert len(images) == len(labels) == 128 + expected
    assert torch.equal(images[:128], batch[0])
    assert torch.equal(labels[:128], batch[1])
    assert (labels[128:] == REJECT).all()
    assert bool(((images >= 0) & (images <= 255)).all())  # which NaN is not


@pytest.mark.parametrize("size", [(28, 28), (16, 16), (20, 32)])
@pytest.mark.parametrize("count", [1, 2, 9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_batch_gives_some(size: tuple[int, int], count: int, dtype: torch.dtype) -> None:
    for digits in (TEN, ()):
        for pictures in (torch.rand(count, 1, *size) * 255, torch.zeros(count, 1, *size)):
            images, labels = Rejects(4, digits)(pictures.to(dtype), torch.arange(count))
            assert (images.shape, images.dtype) == ((5 * count, 1, *size), dtype)
            assert images.isfinite().all()
            assert labels.tolist() == [*range(count), *[REJECT] * 4 * count]


@pytest.mark.parametrize("device", DEVICES)
def test_the_same_seed_gives_the_same_rejects(device: str, batch: Batch) -> None:
    def run(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return Rejects(0.5, TEN)(batch[0].to(device), batch[1].to(device))[0][128:].cpu()

    assert torch.equal(run(3), run(3))
    assert not torch.equal(run(3), run(4))


@pytest.mark.parametrize("number", range(len(DIGIT_KINDS)))
def test_each_kind_makes_pictures_that_differ_and_no_digit_of_the_batch(number: int, batch: Batch) -> None:
    before = batch[0].clone()
    made = DIGIT_KINDS[number][1](Source(*batch), 40)
    assert (made.shape, made.dtype) == ((40, 1, 28, 28), torch.float32)
    assert made.isfinite().all()
    assert len({picture.numpy().tobytes() for picture in made}) > 20
    distances = torch.cdist(made.flatten(1), before.flatten(1)).amin(1)
    assert distances.min() > 300
    assert torch.equal(batch[0], before)


def test_halves_and_turns_are_told_for_each_digit() -> None:
    assert len(HALVES) == len(TURNS) == 10
    assert not any(HALVES[1]) and not any(TURNS[0])  # half a 1 is a 1, and a 0 is one from all sides


def test_letters_are_normalised_as_mnist_was() -> None:
    bank = letters_bank().float()
    assert len(bank) > 1000
    _, _, width, height = ink_box(bank)
    largest = torch.maximum(width, height).flatten()
    assert largest.min() >= 19
    assert largest.quantile(0.99) <= 22
    assert largest.max() <= 23  # full stops, blurred because they are enlarged from a few pixels
    axis = torch.arange(28.0)
    middle = torch.stack([(bank.sum(dim) * axis).sum((1, 2)) / bank.sum((1, 2, 3)) for dim in (2, 3)])
    away = (middle - 14).abs().amax(0)
    assert away.quantile(0.99) < 0.5
    assert away.max() < 1  # lopsided signs, which would otherwise reach beyond the image


def test_letters_that_are_digits_to_a_hand_are_left_out() -> None:
    assert not set(LETTERS + MORE_LETTERS + MARKS) & set("0123456789OoIilZzBSsbgqΘθΦφΟο|/()")
    assert len(set(LETTERS + MORE_LETTERS + MARKS)) == len(LETTERS + MORE_LETTERS + MARKS)


def test_normalising_a_digit_of_mnist_changes_little(batch: Batch) -> None:
    images = batch[0]
    assert (fit_and_centre(images) - images).abs().mean() < 8
    small = F.pad(F.interpolate(images, size=(14, 14), mode="area"), (12, 2, 1, 13))
    assert (fit_and_centre(small) - images).abs().mean() < 16
    assert not fit_and_centre(torch.zeros(2, 1, 28, 28)).any()


def test_what_lies_keeps_its_shape() -> None:
    square, oblong = torch.rand(2, 1, 5, 5), torch.rand(2, 1, 4, 6)
    assert torch.equal(lying(square), square.transpose(2, 3))
    assert lying(oblong).shape == oblong.shape


# the loss


def logits_and_labels() -> Batch:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(12, 10, generator=generator, requires_grad=True)
    return logits, torch.randint(10, (12,), generator=generator)


@pytest.mark.parametrize("smoothing", [0.0, 0.05, 0.3])
def test_without_rejects_the_loss_is_the_plain_one(smoothing: float) -> None:
    logits, labels = logits_and_labels()
    expected = F.cross_entropy(logits, labels, label_smoothing=smoothing)
    assert torch.equal(cross_entropy(logits, labels, smoothing, rejects=False), expected)
    assert cross_entropy(logits, labels, smoothing, rejects=True).item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_target_of_a_reject_is_all_classes_alike(smoothing: float) -> None:
    logits, labels = logits_and_labels()
    labels[::3] = REJECT
    targets = torch.full((12, 10), 0.1)
    digits = labels != REJECT
    targets[digits] = F.one_hot(labels[digits], 10) * (1 - smoothing) + smoothing / 10
    loss = cross_entropy(logits, labels, smoothing, rejects=True)
    assert loss.item() == pytest.approx(F.cross_entropy(logits, targets).item(), rel=1e-6)


def test_a_reject_pushes_all_classes_together() -> None:
    logits = torch.tensor([[3.0, 0.0, -3.0]], requires_grad=True)
    cross_entropy(logits, torch.tensor([REJECT]), 0.0, rejects=True).backward()
    assert logits.grad is not None
    assert logits.grad[0, 0] > 0 > logits.grad[0, 2]  # down with the likely, up with the unlikely
    even = cross_entropy(torch.zeros(1, 3), torch.tensor([REJECT]), 0.0, rejects=True)
    assert even.item() == pytest.approx(math.log(3))  # and there is no better answer
