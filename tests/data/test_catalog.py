from __future__ import annotations

from pathlib import Path

import pytest
import torchvision.datasets

from mnistlab.data.dataset import DATASETS, DatasetSpec, find_spec

EVERY = pytest.mark.parametrize("spec", DATASETS.values(), ids=DATASETS)
OFFERED = [spec for spec in DATASETS.values() if spec.torchvision_class]
IN_TORCHVISION = pytest.mark.parametrize("spec", OFFERED, ids=lambda spec: spec.name)
EMNIST = [name for name in DATASETS if name.startswith("emnist-")]


def test_every_dataset_with_mnist_s_interface_is_there() -> None:
    assert set(DATASETS) == {
        "mnist", "fashion", "kmnist", "qmnist", "usps", *(f"emnist-{s}" for s in torchvision.datasets.EMNIST.splits)
    }  # fmt: skip


@EVERY
def test_a_row_is_found_by_its_name(spec: DatasetSpec) -> None:
    assert DATASETS[spec.name] is spec
    assert find_spec(spec.name) is spec


@EVERY
def test_a_row_is_complete(spec: DatasetSpec) -> None:
    assert spec.title
    assert 0 < spec.mean < 1
    assert 0 < spec.std < 1
    assert len(spec.classes) == len(set(spec.classes)) >= 10
    names = [file.name for file in spec.files]
    assert len(set(names)) == len(names)
    kinds = ["both", "both"] if len(names) == 2 else ["images", "labels", "images", "labels"]
    assert [file.kind for file in spec.files] == kinds
    for part in ("train", "test"):
        assert len({file.count for file in spec.part_files(part)}) == 1
    assert spec.part_files("train") + spec.part_files("test") == spec.files
    for file in spec.files:
        assert file.count > 0
        assert file.sha256 is None or len(bytes.fromhex(file.sha256)) == 32


def test_no_two_files_have_the_same_sum() -> None:
    sums = [file.sha256 for spec in DATASETS.values() for file in spec.files if file.sha256]
    assert len(sums) == len(set(sums)) >= 8


@IN_TORCHVISION
def test_folders_are_torchvision_s(spec: DatasetSpec) -> None:
    cls = getattr(torchvision.datasets, spec.torchvision_class)
    assert spec.folder == ("" if cls is torchvision.datasets.USPS else f"{cls.__name__}/raw")


def torchvision_names(spec: DatasetSpec) -> set[str]:
    """The names of the raw files that torchvision gives a dataset."""
    cls = getattr(torchvision.datasets, spec.torchvision_class)
    if cls is torchvision.datasets.USPS:
        return {row[1] for row in cls.split_list.values()}
    if cls is torchvision.datasets.QMNIST:
        return {Path(url).stem for part in ("train", "test") for url, _ in cls.resources[part]}
    if cls is torchvision.datasets.EMNIST:
        dataset = object.__new__(cls)  # its paths need no data
        dataset.root, dataset.split = "", spec.torchvision_arguments["split"]
        names = set()
        for dataset.train in (True, False):
            names |= {Path(dataset.images_file).name, Path(dataset.labels_file).name}
        return names
    return {Path(name).stem for name, _ in cls.resources}


@IN_TORCHVISION
def test_files_are_torchvision_s(spec: DatasetSpec) -> None:
    assert {file.name for file in spec.files} == torchvision_names(spec)


@IN_TORCHVISION
def test_classes_are_torchvision_s(spec: DatasetSpec) -> None:
    cls = getattr(torchvision.datasets, spec.torchvision_class)
    if cls is torchvision.datasets.EMNIST:
        theirs = cls.classes_split_dict[spec.torchvision_arguments["split"]]
        assert theirs[: spec.first_label] == ["N/A"] * spec.first_label
        assert list(spec.classes) == theirs[spec.first_label :]
    elif cls is torchvision.datasets.USPS:
        assert list(spec.classes) == list("0123456789")
    elif cls in (torchvision.datasets.MNIST, torchvision.datasets.QMNIST):
        assert list(spec.classes) == [name.partition(" - ")[0] for name in cls.classes]
    else:
        assert list(spec.classes) == cls.classes


@pytest.mark.parametrize("name", EMNIST)
def test_only_emnist_s_letters_start_at_one(name: str) -> None:
    assert find_spec(name).first_label == (name == "emnist-letters")
    assert find_spec(name).transposed


def test_corrected_test_labels_are_indices_of_mnist_s_test_set() -> None:
    wrong = find_spec("mnist").corrected_test_labels
    assert len(set(wrong)) == len(wrong) == 15
    assert all(0 <= index < 10_000 for index in wrong)
    assert not any(spec.corrected_test_labels for name, spec in DATASETS.items() if name != "mnist")


def test_only_mnist_is_bundled() -> None:
    assert [name for name, spec in DATASETS.items() if spec.bundled] == ["mnist"]
