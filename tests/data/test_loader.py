from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import BatchSampler, DataLoader, random_split
from torchvision.transforms import v2

from mnistlab.augmentation.affine import Augmentation
from mnistlab.augmentation.pens import Writing
from mnistlab.augmentation.pipeline import Pipeline
from mnistlab.augmentation.rejects import Rejects
from mnistlab.data.batches import Order
from mnistlab.data.dataset import Dataset, RawDataset, find_spec, open_dataset
from mnistlab.data.loader import MNISTDataLoader
from mnistlab.data.normalisation import Normalisation
from mnistlab.data.splits import SPLITS, read_split
from mnistlab.errors import UserError
from mnistlab.networks.deskew import deskew

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(scope="module")
def mnist(data_dir: Path) -> Dataset:
    return open_dataset("mnist", data_dir)


def numbered(train: int, test: int = 12) -> Dataset:
    """A dataset in which the first two pixels of an image encode its number."""

    def part(count: int) -> Any:
        images = np.zeros((count, 28, 28), np.uint8)
        images[:, 0, 0], images[:, 0, 1] = np.arange(count) % 256, np.arange(count) // 256
        return images, np.arange(count) % 10

    return RawDataset(
        replace(find_spec("mnist"), writers={}), Path("nowhere"), parts={"train": part(train), "test": part(test)}
    )


def numbers(loader: MNISTDataLoader) -> list[list[int]]:
    """The images' numbers, batch by batch, of one epoch."""
    return [number(batch) for batch in loader]


def number(batch: tuple[torch.Tensor, torch.Tensor]) -> list[int]:
    images, _ = batch
    pixels = ((images[:, 0, 0, :2] * 0.3081 + 0.1307) * 255).round().long()
    return (pixels[:, 0] + 256 * pixels[:, 1]).tolist()


# Splits


def test_the_splits_are_disjoint_and_complete(mnist: Dataset) -> None:
    parts = {split: read_split(mnist, split) for split in SPLITS}
    sizes = {split: len(labels) for split, (_, labels) in parts.items()}
    assert sizes == {
        "train": 54_996, "val": 5004, "train+val": 60_000, "train-random": 55_000, "val-random": 5000, "test": 10_000,
    }  # fmt: skip
    digests = {split: [hash(image.tobytes()) for image in images] for split, (images, _) in parts.items()}
    for train, val in (("train", "val"), ("train-random", "val-random")):
        assert sorted(digests[train] + digests[val]) == sorted(digests["train+val"])
        assert not set(digests[train]) & set(digests[val])  # no digit of MNIST is there twice
    assert not set(digests["train+val"]) & set(digests["test"])
    for images, labels in parts.values():
        assert len(images) == len(labels)
        assert (images.dtype, labels.dtype) == (np.uint8, np.int64)


def test_images_keep_their_labels_when_split() -> None:
    dataset = numbered(240)
    for split in SPLITS:
        images, labels = read_split(dataset, split)
        assert np.array_equal(images[:, 0, 0] % 10, labels)


@pytest.mark.parametrize("split", ["validation", "", "TRAIN"])
def test_an_unknown_split_is_answered_with_the_known_ones(split: Any) -> None:
    with pytest.raises(UserError, match="Unknown split") as caught:
        MNISTDataLoader(split, dataset=numbered(24))
    assert "train, val, train+val, train-random, val-random, test" in caught.value.remedy


def test_an_unknown_dataset_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Unknown dataset 'mnits'"):
        MNISTDataLoader("train", dataset="mnits", data_dir=tmp_path)


@pytest.mark.parametrize("size", [0, -1, 25])
def test_a_batch_size_that_does_not_fit_is_refused(size: int) -> None:
    with pytest.raises(UserError, match=f"Batch size {size} does not fit") as caught:
        MNISTDataLoader("train+val", dataset=numbered(24), batch_size=size)
    assert caught.value.remedy == "Choose a whole number from 1 to 24."


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"batch_size": 8.0}, "Batch size 8.0 is not a whole number. Choose a whole number from 1 to 24."),
        ({"batch_size": True}, "Batch size True is not a whole number. Choose a whole number from 1 to 24."),
        ({"batch_size": "8"}, "Batch size '8' is not a whole number. Choose a whole number from 1 to 24."),
        ({"seed": None}, "Seed None is not a whole number. Choose a whole number from 0 to 4,294,967,295."),
        ({"seed": 1.0}, "Seed 1.0 is not a whole number. Choose a whole number from 0 to 4,294,967,295."),
        ({"seed": -1}, "Seed -1 is out of range. Choose a whole number from 0 to 4,294,967,295."),
        ({"seed": 2**70}, f"Seed {2**70} is out of range. Choose a whole number from 0 to 4,294,967,295."),
        ({"normalise": (0.1, 0)}, "Standard deviation 0 is out of range. Choose a number from 1e-6 to 1e6."),
        ({"normalise": (float("nan"), 1)}, "Mean nan is out of range. Choose a number from -1e6 to 1e6."),
        ({"device": None}, "Unknown device 'None'. Choose auto, cpu, cuda, cuda:1 or mps."),
        ({"device": "gpu"}, "Unknown device 'gpu'. Choose auto, cpu, cuda, cuda:1 or mps."),
    ],
)
def test_a_number_that_is_none_or_out_of_range_is_refused(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        MNISTDataLoader("train+val", dataset=numbered(24), **{"batch_size": 24, **arguments})
    assert str(caught.value) == sentence


def test_numpy_s_numbers_and_torch_s_devices_are_taken() -> None:
    given: dict[str, Any] = {
        "batch_size": np.uint8(8), "seed": np.int64(3), "normalise": (np.float32(0.5), np.float64(0.25)),
    }  # fmt: skip
    taken = MNISTDataLoader("train+val", dataset=numbered(24), device=torch.device("cpu"), **given)
    plain = MNISTDataLoader("train+val", dataset=numbered(24), batch_size=8, seed=3, normalise=(0.5, 0.25))
    assert all(
        torch.equal(a, b) for mine, other in zip(taken, plain, strict=True) for a, b in zip(mine, other, strict=True)
    )
    assert repr(taken.state_dict()) == "{'seed': 3, 'epoch': 1, 'batch': 0}"  # plain numbers: they go into a file


def test_a_folder_of_pictures_is_named_by_text_or_path(pictures: Path) -> None:
    by_text = MNISTDataLoader("test", dataset=str(pictures), batch_size=None)
    by_path = MNISTDataLoader("test", dataset=pictures, batch_size=None)
    assert by_path.spec == by_text.spec
    assert by_path.spec.classes == ("0", "1", "2")


# Batches


def test_the_first_batch_of_mnist(data_dir: Path) -> None:
    images, labels = next(iter(MNISTDataLoader("train", data_dir=data_dir, batch_size=64)))
    assert (images.shape, images.dtype) == ((64, 1, 28, 28), torch.float32)
    assert (labels.shape, labels.dtype) == ((64,), torch.int64)
    assert images.is_contiguous()
    assert set(labels.tolist()) <= set(range(10))


def test_pixels_are_normalised(mnist: Dataset) -> None:
    images = torch.cat([images for images, _ in MNISTDataLoader("train", dataset=mnist, batch_size=5000)])
    assert abs(float(images.mean())) < 0.01
    assert abs(float(images.std()) - 1) < 0.01
    assert float(images.min()) == pytest.approx(-0.1307 / 0.3081, abs=1e-5)
    assert float(images.max()) == pytest.approx((1 - 0.1307) / 0.3081, abs=1e-5)


def test_images_and_labels_are_the_file_s(mnist: Dataset) -> None:
    images, labels = next(iter(MNISTDataLoader("test", dataset=mnist, batch_size=100)))
    pixels, expected = mnist.read("test")
    assert torch.allclose(images, ((torch.tensor(pixels[:100]) / 255 - 0.1307) / 0.3081).unsqueeze(1), atol=1e-5)
    assert labels.tolist() == expected[:100].tolist()


@pytest.mark.parametrize("device", DEVICES)
def test_batches_lie_on_the_device(device: str) -> None:
    images, labels = next(iter(MNISTDataLoader("train", dataset=numbered(24), batch_size=4, device=device)))
    assert images.device.type == labels.device.type == device


def test_a_batch_is_nobody_else_s_memory() -> None:
    loader = MNISTDataLoader("test", dataset=numbered(24), batch_size=12)
    first = next(iter(loader))
    kept = first[0].clone()
    first[0].zero_()
    assert torch.equal(next(iter(loader))[0], kept)


@pytest.mark.parametrize(("total", "expected"), [(24, [24]), (2500, [1000, 1000, 500])])
def test_without_a_batch_size_a_thousand_images_come_at_once(total: int, expected: list[int]) -> None:
    loader = MNISTDataLoader("train+val", dataset=numbered(total), batch_size=None)
    assert [len(labels) for _, labels in loader] == expected


@pytest.mark.parametrize("part", ["val", "test"])
def test_what_measures_comes_in_file_order(part: Any) -> None:
    order = [i for batch in numbers(MNISTDataLoader(part, dataset=numbered(240, 50), batch_size=7)) for i in batch]
    assert order == sorted(order)


def test_shuffling_is_a_matter_of_choice() -> None:
    data = numbered(24)
    assert numbers(MNISTDataLoader("train+val", dataset=data, batch_size=24, shuffle=False)) == [list(range(24))]
    shuffled = numbers(MNISTDataLoader("test", dataset=data, batch_size=12, shuffle=True))
    assert shuffled != [list(range(12))]
    assert sorted(shuffled[0]) == list(range(12))


def test_augmentation_is_done_only_when_asked_for(mnist: Dataset) -> None:
    plain = next(iter(MNISTDataLoader("train", dataset=mnist, batch_size=64)))
    again = next(iter(MNISTDataLoader("train", dataset=mnist, batch_size=64, augment=Augmentation())))
    bent = next(iter(MNISTDataLoader("train", dataset=mnist, batch_size=64, augment=Augmentation(rotate=10))))
    assert torch.equal(plain[0], again[0])
    assert torch.equal(plain[1], bent[1])
    assert not torch.equal(plain[0], bent[0])
    assert bent[0].min() >= plain[0].min() - 1e-6  # what comes in from outside is paper
    assert bent[0].max() <= plain[0].max() + 1e-5


def first_batch(dataset: Dataset, **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return next(iter(MNISTDataLoader("train", dataset=dataset, batch_size=64, **options)))


def test_writing_and_rejects_come_only_when_asked_for(mnist: Dataset) -> None:
    plain = first_batch(mnist)
    written = first_batch(mnist, augment=Pipeline(writing=1))
    assert torch.equal(plain[1], written[1])
    assert not torch.equal(plain[0], written[0])
    more = first_batch(mnist, augment=Pipeline(rejects=0.25))
    assert torch.allclose(more[0][:64], plain[0], atol=1e-6)
    assert more[1].tolist() == [*plain[1].tolist(), *[-1] * 16]
    both = first_batch(mnist, augment=Pipeline(Augmentation(rotate=10), 1, 0.25, mnist.spec.digits))
    for images, _ in (written, more, both):
        assert images.is_contiguous()
        assert images.min() >= plain[0].min() - 1e-5
        assert images.max() <= plain[0].max() + 1e-5


def test_any_callable_augments_before_pixels_are_normalised(mnist: Dataset) -> None:
    def inverted(images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        assert (float(images.min()), float(images.max())) == (0, 255)
        return 255 - images, labels + 1

    normalise = Normalisation(0.25, 0.5)
    images, labels = first_batch(mnist, normalise=normalise)
    changed, others = first_batch(mnist, augment=inverted, normalise=normalise)
    torch.testing.assert_close(normalise.undo(changed), 255 - normalise.undo(images), rtol=0, atol=1e-3)
    assert torch.equal(others, labels + 1)


def test_what_augment_gives_is_left_as_it_is(mnist: Dataset) -> None:
    mine = torch.full((64, 1, 28, 28), 7.0)
    for _ in range(2):
        images, _ = first_batch(mnist, augment=lambda _, labels: (mine, labels))
        assert torch.allclose(images, (mine / 255 - 0.1307) / 0.3081)
    assert (mine == 7).all()


def test_torchvision_s_transforms_augment(mnist: Dataset) -> None:
    images, labels = first_batch(mnist)
    flipped, same = first_batch(mnist, augment=v2.RandomHorizontalFlip(p=1.0))
    torch.testing.assert_close(flipped, images.flip(3), rtol=0, atol=1e-5)
    assert torch.equal(same, labels)


def test_images_are_prepared_once_and_before_they_are_augmented(mnist: Dataset) -> None:
    calls: list[int] = []

    def lighter(images: torch.Tensor) -> torch.Tensor:
        calls.append(len(images))
        return images * 0.5 + 200  # beyond what a pixel holds

    loader = MNISTDataLoader("val-random", dataset=mnist, prepare=lighter, batch_size=500)
    assert len(list(loader)) == 10
    assert calls == [1000] * 5
    assert torch.equal(
        loader.dataset.images,
        (torch.tensor(read_split(mnist, "val-random")[0]) * 0.5 + 200).round().clamp(0, 255)[:, None],
    )
    with pytest.raises(UserError, match=r"prepare= turned .* into images of shape \(1000, 1, 14, 14\)"):
        MNISTDataLoader("val", dataset=mnist, prepare=lambda images: images[..., ::2, ::2])


@pytest.mark.parametrize("name", ["augment", "prepare"])
def test_what_cannot_be_called_is_refused(name: str) -> None:
    with pytest.raises(UserError) as caught:
        MNISTDataLoader("train", dataset=numbered(24), batch_size=4, **{name: "rotate"})  # type: ignore[arg-type]
    assert str(caught.value) == f"{name} 'rotate' cannot be called. Give a function, or leave the argument out."


# The keywords of before


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({"writing": Writing(0.5)}, {"writing": 0.5}, ["(writing=) is deprecated", "writing=0.5, rejects=0"]),
        ({"rejects": Rejects(0.25, (1, 2))}, {"rejects": 0.25}, ["(rejects=) is deprecated", "rejects=0.25"]),
        ({"augment": Augmentation(rotate=9), "writing": Writing(1), "rejects": Rejects(1)},
         {"affine": Augmentation(rotate=9), "writing": 1, "rejects": 1}, ["(writing= and rejects=)", "rotate=9.0"]),
    ],
)  # fmt: skip
def test_old_keywords_do_what_the_pipeline_does_and_say_so(
    old: dict[str, Any], new: dict[str, Any], words: list[str], mnist: Dataset
) -> None:
    with pytest.warns(DeprecationWarning) as told:
        before = first_batch(mnist, **old)
    (warning,) = told
    assert warning.filename == __file__  # where the loader is made
    text = str(warning.message)
    for word in words:
        assert word in text
    written = text.partition("write augment=")[2].rpartition(", from mnistlab.augmentation.pipeline.")[0]
    pipeline = Pipeline(digits=mnist.spec.digits, **new)
    assert eval(written, {"Pipeline": Pipeline, "Augmentation": Augmentation}) == pipeline
    after = first_batch(mnist, augment=pipeline)
    assert torch.equal(before[0], after[0])
    assert torch.equal(before[1], after[1])


def test_the_old_deskew_does_what_prepare_does_and_says_so() -> None:
    with pytest.warns(
        DeprecationWarning, match=r"\(deskew=True\) is deprecated: write prepare=deskew, from mnistlab\.net"
    ):
        before = MNISTDataLoader("train", dataset=numbered(24), batch_size=4, deskew=True)
    after = MNISTDataLoader("train", dataset=numbered(24), batch_size=4, prepare=deskew)
    assert torch.equal(before.dataset.images, after.dataset.images)


def test_old_keywords_and_new_ones_do_not_mix() -> None:
    pairs: list[dict[str, Any]] = [
        {"augment": Pipeline(writing=1), "rejects": Rejects(1)},
        {"augment": lambda *batch: batch, "writing": Writing(1)},
        {"prepare": deskew, "deskew": True},
    ]
    for both in pairs:
        with warnings.catch_warnings(), pytest.raises(UserError) as caught:
            warnings.simplefilter("ignore")
            MNISTDataLoader("train", dataset=numbered(24), batch_size=4, **both)
        assert caught.value.remedy


# As torch's DataLoader


@pytest.mark.parametrize(("drop", "batches"), [(False, 4), (True, 3)])
def test_it_says_of_itself_what_torch_s_does(drop: bool, batches: int) -> None:
    mine = MNISTDataLoader("test", dataset=numbered(24, 50), batch_size=16, drop_last=drop)
    torch_s = DataLoader(mine.dataset, batch_size=16, drop_last=drop)
    for name in ("batch_size", "drop_last", "dataset", "collate_fn", "num_workers"):
        assert getattr(mine, name) == getattr(torch_s, name)
    assert isinstance(mine.batch_sampler, BatchSampler)
    assert list(mine.batch_sampler) == list(torch_s.batch_sampler)
    assert (len(mine), len(mine.dataset), len(mine.sampler)) == (batches, 50, 50)
    for (images, labels), (expected, truth) in zip(mine, torch_s, strict=True):
        assert torch.equal(images, expected)
        assert torch.equal(labels, truth)


def test_without_a_batch_size_the_loader_says_which_it_took() -> None:
    assert MNISTDataLoader("train+val", dataset=numbered(24), batch_size=None).batch_size == 24


def test_an_example_is_an_image_and_a_label(mnist: Dataset) -> None:
    examples = MNISTDataLoader("test", dataset=mnist, batch_size=1).dataset
    pixels, labels = mnist.read("test")
    image, label = examples[0]
    assert (image.shape, image.dtype) == ((1, 28, 28), torch.float32)
    assert torch.allclose(image[0], (torch.tensor(pixels[0]) / 255 - 0.1307) / 0.3081, atol=1e-5)
    assert (type(label), label) == (int, labels[0])
    for index in (-1, np.int64(9999), torch.tensor(9999)):
        assert torch.equal(examples[index][0], examples[9999][0])  # type: ignore[index]
    with pytest.raises(IndexError):
        examples[10_000]


def test_examples_can_be_gone_through_one_by_one() -> None:
    assert [label for _, label in MNISTDataLoader("test", dataset=numbered(24, 12), batch_size=5).dataset] == [
        *range(10), 0, 1,
    ]  # fmt: skip


def test_an_example_comes_without_the_rejects_of_a_batch() -> None:
    loader = MNISTDataLoader("train+val", dataset=numbered(24), batch_size=8, augment=Pipeline(rejects=1))
    (batch, *_) = loader
    assert len(batch[1]) == 16
    assert loader.dataset[13][1] == 3
    assert [label for _, label in loader.dataset.__getitems__([4, 5])] == [4, 5]


@pytest.mark.parametrize("rejects", [0, 1])
@pytest.mark.parametrize("index", [slice(3), slice(20, None), slice(None, None, 5), slice(None, None, -1), slice(5, 5)])
def test_a_slice_gives_what_torchs_dataset_gives(index: slice, rejects: int) -> None:
    augment = Pipeline(rejects=1) if rejects else None
    loader = MNISTDataLoader("train+val", dataset=numbered(24), batch_size=8, augment=augment)
    images, labels = loader.dataset[index]
    assert (images.shape[1:], images.dtype, labels.dtype) == ((1, 28, 28), torch.float32, torch.int64)
    assert number((images, labels)) == [*range(24)][index]
    assert labels.tolist() == [n % 10 for n in range(24)][index]


def test_an_example_that_is_not_there_is_named() -> None:
    dataset: Any = MNISTDataLoader("test", dataset=numbered(24, 12), batch_size=5).dataset
    assert dataset[-1][1] == dataset[np.int64(11)][1] == 1
    for index in (10**6, 12, -13):
        with pytest.raises(IndexError, match=f"^there is no example {index} among 12$"):
            dataset[index]
    for index in ("a", 1.0, None, [0]):
        with pytest.raises(TypeError, match=r"^an example is taken by a whole number or a slice, not by "):
            dataset[index]


@pytest.mark.parametrize("dataset", [None, 3])
def test_what_is_no_dataset_is_refused(dataset: Any) -> None:
    with pytest.raises(UserError, match=f"^dataset {dataset} is not a path"):
        MNISTDataLoader(dataset=dataset)


def test_the_examples_can_be_split_and_loaded_by_others() -> None:
    whole = MNISTDataLoader("train+val", dataset=numbered(24), batch_size=8)
    parts = random_split(whole.dataset, [0.75, 0.25])
    batches = [number(batch) for part in parts for batch in DataLoader(part, batch_size=9)]
    assert [len(batch) for batch in batches] == [9, 9, 6]
    assert sorted(i for batch in batches for i in batch) == list(range(24))
    ours = DataLoader(whole.dataset, batch_size=8, sampler=whole.sampler)  # a new order each time, as in the loader
    fresh = MNISTDataLoader("train+val", dataset=numbered(24), batch_size=8)
    for _ in range(2):
        assert [number(batch) for batch in ours] == numbers(fresh)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda loader: pickle.loads(pickle.dumps(loader))])
def test_a_copy_goes_on_where_the_original_was(copied: Callable[[MNISTDataLoader], MNISTDataLoader]) -> None:
    loader = MNISTDataLoader("train+val", dataset=numbered(24), batch_size=8)
    assert stream(loader, 4)
    loader.load_state_dict(loader.state_dict())  # otherwise the epoch that was begun would be over
    assert numbers(copied(loader)) == stream(fresh_after(4), 2)


def fresh_after(batches: int) -> MNISTDataLoader:
    loader = MNISTDataLoader("train+val", dataset=numbered(24), batch_size=8)
    loader.load_state_dict({"seed": 0, "epoch": batches // 3, "batch": batches % 3})
    return loader


# The order


@given(st.integers(12, 100), st.data(), st.booleans(), st.booleans())
@settings(max_examples=30)
def test_an_epoch_gives_each_example_exactly_once(total: int, data: st.DataObject, shuffle: bool, drop: bool) -> None:
    size = data.draw(st.integers(1, total))
    loader = MNISTDataLoader("train+val", dataset=numbered(total), batch_size=size, shuffle=shuffle, drop_last=drop)
    for _ in range(2):
        batches = numbers(loader)
        assert len(batches) == len(loader) == (total // size if drop else -(-total // size))
        assert all(len(batch) == size for batch in batches[:-1])
        seen = sorted(i for batch in batches for i in batch)
        if drop:
            assert len(seen) == len(set(seen)) == total // size * size
        else:
            assert seen == list(range(total))


@given(st.integers(0, 2**40), st.integers(0, 5))
@settings(max_examples=30)
def test_the_order_depends_on_seed_and_epoch_alone(seed: int, epoch: int) -> None:
    def orders(seed: int) -> list[list[int]]:
        order = Order(100, True, seed)
        return [list(order) for _ in range(epoch + 2)]

    mine = orders(seed)
    assert mine == orders(seed)
    assert mine[epoch] != mine[epoch + 1]
    assert mine[epoch] != orders(seed + 1)[epoch]
    assert mine[epoch] != list(range(100))


def test_torch_s_global_generator_is_neither_read_nor_moved() -> None:
    loader = MNISTDataLoader("train", dataset=numbered(240), batch_size=16)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = numbers(loader)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert numbers(MNISTDataLoader("train", dataset=numbered(240), batch_size=16)) == first


def test_an_epoch_that_was_left_is_over() -> None:
    """`next(iter(loader))` twice gives the first batches of two epochs, not the same one."""
    loader = MNISTDataLoader("train", dataset=numbered(240), batch_size=16)
    fresh = MNISTDataLoader("train", dataset=numbered(240), batch_size=16)
    epochs = [numbers(fresh), numbers(fresh)]
    assert [number(next(iter(loader))), number(next(iter(loader)))] == [epochs[0][0], epochs[1][0]]


# Stopping and going on


def stream(loader: MNISTDataLoader, batches: int) -> list[list[int]]:
    """The next batches, through as many epochs as it takes."""
    result: list[list[int]] = []
    while len(result) < batches:
        for batch in loader:
            result.append(number(batch))
            if len(result) == batches:
                break
    return result


@given(st.integers(12, 60), st.data(), st.booleans(), st.booleans(), st.integers(0, 1000))
@settings(max_examples=40)
def test_a_restored_loader_goes_on_where_the_first_stopped(
    total: int, data: st.DataObject, shuffle: bool, drop: bool, seed: int
) -> None:
    size = data.draw(st.integers(1, total), label="batch size")

    def fresh(seed: int) -> MNISTDataLoader:
        return MNISTDataLoader(
            "train+val", dataset=numbered(total), batch_size=size, shuffle=shuffle, drop_last=drop, seed=seed
        )

    epoch = len(fresh(0))
    stop = data.draw(st.integers(0, 2 * epoch), label="stop after")
    whole = stream(fresh(seed), 3 * epoch)
    stopped = fresh(seed)
    assert stream(stopped, stop) == whole[:stop]
    state = stopped.state_dict()
    assert state == {"seed": seed, "epoch": stop // epoch, "batch": stop % epoch}
    restored = fresh(seed + 1)
    restored.load_state_dict(state)
    assert restored.state_dict() == state
    assert stream(restored, 3 * epoch - stop) == whole[stop:]


def test_a_state_of_a_longer_epoch_is_refused() -> None:
    loader = MNISTDataLoader("train", dataset=numbered(24), batch_size=11)
    with pytest.raises(UserError, match=r"after 2 batches, but this loader's epochs have only 2 batches"):
        loader.load_state_dict({"seed": 0, "epoch": 0, "batch": 2})


def test_the_rest_of_a_resumed_epoch_is_only_its_rest() -> None:
    first = MNISTDataLoader("train", dataset=numbered(240), batch_size=16)
    iterator = iter(first)
    taken = [number(next(iterator)) for _ in range(5)]
    second = MNISTDataLoader("train", dataset=numbered(240), batch_size=16)
    second.load_state_dict(first.state_dict())
    rest = numbers(second)
    assert len(taken) + len(rest) == len(second)
    assert sorted(i for batch in taken + rest for i in batch) == sorted(i for batch in numbers(second) for i in batch)
    assert rest == [number(batch) for batch in iterator]  # and the first continues undisturbed


def test_the_state_is_plain_and_can_be_saved(tmp_path: Path) -> None:
    loader = MNISTDataLoader("train", dataset=numbered(240), batch_size=16, seed=7)
    next(iter(loader))
    torch.save(loader.state_dict(), tmp_path / "state.pt")
    assert torch.load(tmp_path / "state.pt", weights_only=True) == {"seed": 7, "epoch": 0, "batch": 1}


def test_two_iterators_at_once_are_two_epochs() -> None:
    loader = MNISTDataLoader("train", dataset=numbered(240), batch_size=16)
    pairs = [(number(a), number(b)) for a, b in zip(loader, loader, strict=True)]
    assert len(pairs) == len(loader)
    assert pairs[0][0] != pairs[0][1]
    assert loader.state_dict() == {"seed": 0, "epoch": 2, "batch": 0}
