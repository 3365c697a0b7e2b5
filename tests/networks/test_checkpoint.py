from __future__ import annotations

import io
import os
import pickle
import random
import resource
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.data.dataset import find_spec
from mnistlab.errors import Failure, UserError
from mnistlab.evaluation.models import load_model
from mnistlab.networks.checkpoint import load_tensors, save_model, save_tensors
from mnistlab.networks.deskew import Deskewed
from mnistlab.networks.ensemble import Ensemble
from mnistlab.networks.network import NeuralNet
from mnistlab.networks.shifts import Shifted
from mnistlab.runs.run import Run
from tests.support.comparing import same, weights

MNIST = find_spec("mnist")


def small_net(seed: int = 0, **options: Any) -> NeuralNet:
    torch.manual_seed(seed)
    return NeuralNet(**{"widths": (3, 5), "kernel_size": 3, "hidden": 7, **options})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.pth"
    save_model(path, small_net(), MNIST)
    return path


@pytest.fixture(scope="module")
def good_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "model.pth"
    save_model(path, small_net(), MNIST)
    return path.read_bytes()


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB, for real."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a disk, and only where the machine lets it")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def torch_bytes(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def assert_refused(path: Path, content: bytes, match: str | None = None) -> None:
    path.write_bytes(content)
    with pytest.raises(UserError, match=match) as caught:
        load_model(path)
    assert str(path) in caught.value.message
    assert caught.value.remedy


# round trip


@pytest.mark.parametrize("options", [{}, {"hidden": 0, "batch_norm": False}, {"padding": "valid", "dropout": 0.5}])
def test_a_model_comes_back_bit_for_bit(tmp_path: Path, options: dict[str, Any]) -> None:
    model = small_net(5, **options).train()
    model(torch.randn(8, 1, 28, 28))  # batch norm's counts are part of it
    save_model(tmp_path / "m.pth", model, MNIST)

    saved = load_model(tmp_path / "m.pth")

    expected, state = model.state_dict(), saved.model.state_dict()
    assert list(state) == list(expected)
    assert all(torch.equal(state[name], expected[name]) for name in expected)
    assert saved.model.architecture == model.architecture
    assert not saved.model.training
    images = torch.randn(4, 1, 28, 28)
    assert torch.equal(saved.model(images), model.eval()(images))


OLD = ("widths", "classes", "image_size", "kernel_size", "padding", "batch_norm", "pool_last", "hidden", "dropout")


def test_a_model_from_before_blocks_had_depth_and_pooling_still_loads(tmp_path: Path) -> None:
    """The keys and names that such a file had."""
    model = small_net(3, padding="valid", dropout=0.2)
    content = {
        "format": "mnistlab model", "version": 1, "architecture": {key: model.architecture.to_dict()[key] for key in OLD},
        "dataset": "mnist", "classes": list(MNIST.classes), "mean": MNIST.mean, "std": MNIST.std,
        "state_dict": model.state_dict(),
    }  # fmt: skip
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    assert list(model.state_dict()) == [
        "layers.conv1.weight", *(f"layers.norm1.{name}" for name in norm),
        "layers.conv2.weight", *(f"layers.norm2.{name}" for name in norm),
        "layers.linear1.weight", *(f"layers.norm3.{name}" for name in norm),
        "layers.linear2.weight", "layers.linear2.bias",
    ]  # fmt: skip
    torch.save(content, tmp_path / "old.pth")
    again = load_model(tmp_path / "old.pth").model

    assert again.architecture == model.architecture
    images = torch.randn(4, 1, 28, 28)
    assert torch.equal(again(images), model.eval()(images))


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "model._orig_mod.module."])
def test_a_model_saved_from_inside_a_wrapper_loads_and_says_so(
    tmp_path: Path, saved: Path, caplog: pytest.LogCaptureFixture, prefix: str
) -> None:
    content = torch.load(saved, weights_only=True)
    expected = content["state_dict"]
    content["state_dict"] = {prefix + name: value for name, value in expected.items()}
    torch.save(content, tmp_path / "wrapped.pth")

    with caplog.at_level("INFO", "mnistlab.checkpoints"):
        state = load_model(tmp_path / "wrapped.pth").model.state_dict()
        load_model(saved)
    assert all(torch.equal(state[name], value) for name, value in expected.items())
    (record,) = caplog.records
    assert f'wrapped.pth begin with "{prefix}"; they were loaded' in record.message


@pytest.mark.parametrize(
    "options",
    [
        {"depth": (1, 2), "kernel_size": (5, 3), "padding": ("valid", "same"), "pooling": ("max", "none")},
        {"separable": True, "head": "average", "pooling": "stride"},
    ],
    ids=str,
)
def test_blocks_of_their_own_come_back(tmp_path: Path, options: dict[str, Any]) -> None:
    model = small_net(5, **options)
    save_model(tmp_path / "m.pth", model, MNIST)
    again = load_model(tmp_path / "m.pth").model

    assert again.architecture == model.architecture
    images = torch.randn(4, 1, 28, 28)
    assert torch.equal(again(images), model.eval()(images))


@pytest.mark.parametrize("around", [Shifted, Deskewed, lambda net: Deskewed(Shifted(net))])
def test_what_is_around_a_network_comes_back_and_is_not_in_the_names_of_its_weights(
    tmp_path: Path, around: Callable[[NeuralNet], Deskewed | Shifted]
) -> None:
    plain = small_net(5)
    for model, names in (
        (around(plain), [*plain.state_dict()]),
        (
            Ensemble([plain, around(small_net(6))]),
            [f"members.{n}.{name}" for n in (0, 1) for name in plain.state_dict()],
        ),
    ):
        save_model(tmp_path / "m.pth", model, MNIST)
        assert list(torch.load(tmp_path / "m.pth", weights_only=True)["state_dict"]) == names
        again = load_model(tmp_path / "m.pth").model
        assert again.architecture == model.architecture
        images = torch.rand(4, 1, 28, 28)
        assert torch.equal(again(images), model.eval()(images))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"members": []}, r"impossible architecture \(an ensemble needs at least one network\)"),
        ({"members": [{}]}, "do not fit the architecture that this file states"),
        ({"members": [{"no_such": 1}]}, "do not fit the architecture that this file states"),
        ({"members": 3}, "do not fit the architecture that this file states"),
        ({"members": [3]}, "do not fit the architecture that this file states"),
    ],
    ids=str,
)
def test_a_damaged_ensemble_is_refused(tmp_path: Path, change: dict[str, Any], match: str) -> None:
    path = tmp_path / "m.pth"
    save_model(path, Ensemble([small_net(0), small_net(1)]), MNIST)
    content = torch.load(path, weights_only=True)
    content["architecture"] |= change
    torch.save(content, path)
    with pytest.raises(UserError, match=match):
        load_model(path)


def test_what_is_needed_to_use_the_model_comes_with_it(saved: Path) -> None:
    model = load_model(saved)

    assert (model.dataset, model.classes, model.mean, model.std) == ("mnist", MNIST.classes, MNIST.mean, MNIST.std)


def test_the_file_holds_plain_types_and_tensors_on_the_cpu(saved: Path) -> None:
    content = torch.load(saved, weights_only=True)

    assert set(content) >= {"format", "version", "architecture", "dataset", "classes", "mean", "std", "state_dict"}
    state = content.pop("state_dict")
    assert all(type(value) is torch.Tensor and value.device.type == "cpu" for value in state.values())
    assert all(type(value) in (str, int, float, list, dict) for value in content.values())


def test_saving_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    model = small_net().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    save_model(tmp_path / "m.pth", model, MNIST)

    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_saving_replaces_the_old_file_and_leaves_no_other(tmp_path: Path) -> None:
    for seed in (1, 2):
        save_model(tmp_path / "m.pth", small_net(seed), MNIST)

    first = load_model(tmp_path / "m.pth").model.state_dict()["layers.conv1.weight"]
    assert torch.equal(first, small_net(2).state_dict()["layers.conv1.weight"])
    assert [p.name for p in tmp_path.iterdir()] == ["m.pth"]


def test_saving_twice_gives_the_same_bytes(tmp_path: Path, good_bytes: bytes) -> None:
    save_model(tmp_path / "model.pth", small_net(), MNIST)

    assert (tmp_path / "model.pth").read_bytes() == good_bytes


@given(
    values=st.dictionaries(
        st.text(max_size=5), st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False)
    )
)
@settings(max_examples=30)
def test_plain_values_come_back(tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("plain") / "state.pt"
    save_tensors(path, values)

    assert load_tensors(path, "remedies.restore_or_train") == values


# files that are not models


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.pth is missing"):
        load_model(tmp_path / "none.pth")


def test_a_folder_is_named_as_one(tmp_path: Path) -> None:
    (tmp_path / "model.pth").mkdir()
    with pytest.raises(UserError, match="is a folder, not a file"):
        load_model(tmp_path / "model.pth")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is not a run folder: it has no config\.json"):
        load_model(tmp_path)


def test_a_model_is_loaded_by_its_path_its_run_the_runs_name_and_as_the_latest(
    mnist_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = mnist_run.path.parent
    monkeypatch.chdir(folder.parent)
    name = mnist_run.path.name
    expected = weights(mnist_run)
    for source in (
        str(mnist_run.model_path),
        f"{folder.name}/{name}/model.pth",
        mnist_run,
        mnist_run.path,
        f"{folder.name}/{name}",
    ):
        assert same(load_model(source).model.state_dict(), expected)
    for source in (name, Path(name), "latest"):
        for runs_dir in (folder, folder.name):
            assert same(load_model(source, runs_dir=runs_dir).model.state_dict(), expected)


@pytest.mark.parametrize("source", [None, 5, ["model.pth"]])
def test_what_names_no_model_gets_a_sentence(source: Any) -> None:
    with pytest.raises(UserError, match=r'names no run\. Pass a Run, its folder, its name or "latest"'):
        load_model(source)


def test_a_run_of_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no run 'mine', either as a folder or in"):
        load_model("mine", runs_dir=tmp_path)


def test_a_programming_error_is_not_taken_for_a_damaged_file(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class MistakeError(Exception):
        pass

    def wrong(*_: Any, **__: Any) -> None:
        raise MistakeError

    monkeypatch.setattr(torch, "load", wrong)
    with pytest.raises(MistakeError):
        load_model(saved)
    with pytest.raises(TypeError):
        load_tensors(5, "remedies.restore_or_train")  # type: ignore[arg-type]


def test_a_path_below_a_file_is_refused(saved: Path) -> None:
    with pytest.raises(UserError, match=r"model\.pth"):
        load_model(saved / "model.pth")


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    assert_refused(tmp_path / "m.pth", b"", "0 bytes")


@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=40)
def test_a_file_cut_short_anywhere_is_refused(
    tmp_path_factory: pytest.TempPathFactory, good_bytes: bytes, share: float
) -> None:
    assert_refused(tmp_path_factory.mktemp("cut") / "m.pth", good_bytes[: int(share * len(good_bytes))])


@pytest.mark.parametrize("length", [*range(1, 40), -1, -2, -22, -100])
def test_a_file_cut_in_its_first_or_last_bytes_is_refused(tmp_path: Path, good_bytes: bytes, length: int) -> None:
    assert_refused(tmp_path / "m.pth", good_bytes[:length])


@given(content=st.binary(min_size=1, max_size=300) | st.binary(max_size=60).map(lambda b: b"\x80\x02" + b))
@settings(max_examples=80)
def test_random_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    assert_refused(tmp_path_factory.mktemp("random") / "m.pth", content)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60)
def test_flipped_bytes_never_give_anything_but_a_model_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, good_bytes: bytes, seed: int
) -> None:
    damaged, dice = bytearray(good_bytes), random.Random(seed)
    for _ in range(4):
        damaged[dice.randrange(3000)] = dice.randrange(256)
    path = tmp_path_factory.mktemp("flip") / "m.pth"
    path.write_bytes(damaged)
    try:
        loaded = load_model(path)
    except UserError as error:
        assert str(path) in str(error)
    else:
        assert loaded.model.architecture.classes == len(loaded.classes)


TEXTS = [b"hello world\n", b"<html>Not found</html>\n", b"{}", b"import torch\n", b"PK\x03\x04"]


@pytest.mark.parametrize("content", TEXTS)
def test_text_is_not_mistaken_for_code(tmp_path: Path, content: bytes) -> None:
    assert_refused(tmp_path / "m.pth", content, "not a file that torch.save wrote, or it is damaged")


def test_junk_gives_no_warning_beside_the_error(tmp_path: Path) -> None:
    (tmp_path / "m.pth").write_bytes(b"\x80\xa7junk")
    with warnings.catch_warnings(record=True) as seen, pytest.raises(UserError):
        warnings.simplefilter("always")
        load_model(tmp_path / "m.pth")
    assert not seen


# files with code in them


def test_a_torch_file_with_code_in_it_is_refused_and_nothing_runs(tmp_path: Path) -> None:
    trap = tmp_path / "was-run"
    assert_refused(tmp_path / "m.pth", torch_bytes({"state_dict": Trap(trap)}), "could run code")

    assert not trap.exists()
    pickle.loads(pickle.dumps(Trap(trap)))
    assert trap.exists()  # the trap does work


def test_a_bare_pickle_with_code_in_it_is_refused_and_nothing_runs(tmp_path: Path) -> None:
    trap = tmp_path / "was-run"
    assert_refused(tmp_path / "m.pth", pickle.dumps(Trap(trap), protocol=2), "could run code")
    assert not trap.exists()


def test_a_whole_network_pickled_is_refused_with_the_way_to_save_it(tmp_path: Path) -> None:
    assert_refused(tmp_path / "m.pth", torch_bytes(small_net()), r"could run code.*torch\.save\(model\.state_dict\(\)")


def test_code_in_a_resume_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "resume.pt").write_bytes(torch_bytes({"format": "mnistlab resume 1", "x": Trap(tmp_path / "was-run")}))
    with pytest.raises(UserError, match="could run code"):
        load_tensors(tmp_path / "resume.pt", "remedies.restore_or_train")
    assert not (tmp_path / "was-run").exists()


# torch files that are not mnistlab's, or another version's, or do not fit


@pytest.mark.parametrize("content", [[1, 2], 5, "text", None, torch.zeros(3), {}, {"format": "other"}])
def test_another_format_is_refused(tmp_path: Path, content: Any) -> None:
    assert_refused(tmp_path / "m.pth", torch_bytes(content), "not a model that mnistlab saved")


def test_a_bare_state_dict_is_refused(tmp_path: Path) -> None:
    assert_refused(tmp_path / "m.pth", torch_bytes(small_net().state_dict()), "a model.pth that mnistlab saved")


@pytest.mark.parametrize("version", [0, 2, None, "1"])
def test_another_version_is_refused(saved: Path, version: Any) -> None:
    content = {**torch.load(saved, weights_only=True), "version": version}
    assert_refused(saved, torch_bytes(content), f"format version {version}")


def test_weights_of_another_architecture_are_refused(saved: Path) -> None:
    content = torch.load(saved, weights_only=True)
    content["state_dict"] = small_net(widths=(3, 6)).state_dict()
    assert_refused(saved, torch_bytes(content), "do not fit the architecture that this file states")


@pytest.mark.parametrize("change", [{"padding": "\3ame"}, {"depth": 1000}, {"widths": ()}])
def test_an_architecture_that_there_is_not_is_refused(saved: Path, change: dict[str, Any]) -> None:
    content = torch.load(saved, weights_only=True)
    content["architecture"] |= change
    assert_refused(saved, torch_bytes(content), "describes an impossible architecture")
    with pytest.raises(UserError) as caught:
        load_model(saved)
    (name,) = change
    assert f"(the network's {name} must be " in caught.value.for_command_line()  # the file's field, not an option


@pytest.mark.parametrize("key", ["architecture", "state_dict", "classes", "mean", "std"])
@pytest.mark.parametrize("value", [None, "text", [], {}])
def test_a_part_of_another_type_is_refused(saved: Path, key: str, value: Any) -> None:
    assert_refused(saved, torch_bytes({**torch.load(saved, weights_only=True), key: value}))


@pytest.mark.parametrize("key", ["version", "architecture", "state_dict", "classes", "mean", "std", "dataset"])
def test_a_missing_part_is_refused(saved: Path, key: str) -> None:
    content = torch.load(saved, weights_only=True)
    del content[key]
    assert_refused(saved, torch_bytes(content), f'has no entry "{key}"')


def test_classes_that_do_not_fit_the_outputs_are_refused(saved: Path) -> None:
    content = {**torch.load(saved, weights_only=True), "classes": ["a", "b"]}
    assert_refused(saved, torch_bytes(content), "names 2 classes for 10 outputs")


# disks that are full


def test_a_full_disk_leaves_the_old_model(full_disk: Path) -> None:
    path = full_disk / "model.pth"
    save_model(path, small_net(), MNIST)
    old = path.read_bytes()

    with pytest.raises(Failure, match="the disk is full") as caught:
        save_model(path, small_net(hidden=100), MNIST)

    assert str(path) in str(caught.value)
    assert path.read_bytes() == old
    assert [p.name for p in full_disk.iterdir()] == ["model.pth"]
    assert load_model(path).model.architecture.hidden == 7


def test_a_limit_on_the_size_of_files_leaves_the_old_model(saved: Path) -> None:
    old = saved.read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))  # Python ignores the signal, so write() fails
    try:
        with pytest.raises(Failure, match="Cannot write"):
            save_model(saved, small_net(hidden=100), MNIST)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert saved.read_bytes() == old
    assert [p.name for p in saved.parent.iterdir()] == ["model.pth"]


def test_a_folder_that_is_a_file_is_refused(saved: Path) -> None:
    with pytest.raises(UserError, match="is a file, not a folder"):
        save_model(saved / "model.pth", small_net(), MNIST)
