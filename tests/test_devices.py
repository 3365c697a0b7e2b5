from __future__ import annotations

import platform
from pathlib import Path

import pytest
import torch

from mnistlab.devices import autocast, cpu_has_bf16, device_title, pick_device, pick_precision
from mnistlab.errors import UserError

CPU = torch.device("cpu")
CUDA = torch.cuda.is_available()
MPS = torch.backends.mps.is_available()
NEEDS_CUDA = pytest.mark.skipif(not CUDA, reason="needs an NVIDIA GPU")


def test_auto_is_the_fastest_there_is() -> None:
    assert pick_device().type == pick_device("auto").type == ("cuda" if CUDA else "mps" if MPS else "cpu")


@pytest.mark.parametrize("name", ["cpu", "cpu:0"])
def test_the_cpu_is_always_there(name: str) -> None:
    assert pick_device(name).type == "cpu"
    assert torch.zeros(1, device=pick_device(name)).sum() == 0


@pytest.mark.parametrize("name", ["tpu", "", "gpu", "CUDA", "cuda:x", "cuda:-1", "meta", "xpu", "cpu cuda", "auto:0"])
def test_an_unknown_device_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(UserError, match="Unknown device") as caught:
        pick_device(name)
    assert repr(name) in caught.value.message
    assert "auto, cpu, cuda" in caught.value.remedy


@pytest.mark.parametrize("name", ["cuda:99", "cpu:1", *([] if CUDA else ["cuda", "cuda:0"]), *([] if MPS else ["mps"])])
def test_a_device_that_is_not_there_is_answered_with_what_is(name: str) -> None:
    with pytest.raises(UserError, match="There is no device") as caught:
        pick_device(name)
    assert torch.__version__ in caught.value.message
    assert "doctor" in caught.value.command_remedy


@NEEDS_CUDA
def test_each_gpu_can_be_picked() -> None:
    for index in range(torch.cuda.device_count()):
        assert pick_device(f"cuda:{index}").index == index
    assert pick_device("cuda").type == "cuda"
    assert torch.cuda.get_device_name() in device_title(pick_device("cuda"))


@pytest.mark.parametrize("wanted", ["fp32", "bf16"])
@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_the_precision_that_is_asked_for_is_taken(wanted: str, device: str) -> None:
    assert pick_precision(wanted, torch.device(device)) == wanted


def test_auto_on_a_cpu_is_bf16_only_where_it_multiplies_in_it() -> None:
    assert pick_precision("auto", CPU) == ("bf16" if cpu_has_bf16() else "fp32")
    flags = Path("/proc/cpuinfo").read_text() if platform.system() == "Linux" else ""
    if "avx512_bf16" not in flags and "amx_bf16" not in flags:
        assert pick_precision("auto", CPU) == "fp32"


def test_auto_on_apple_s_gpu_is_fp32() -> None:
    assert pick_precision("auto", torch.device("mps")) == "fp32"


@NEEDS_CUDA
def test_auto_on_a_gpu_is_bf16_from_ampere_on() -> None:
    device = pick_device("cuda")
    expected = "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp32"
    assert pick_precision("auto", device) == expected


@pytest.mark.parametrize("machine", ["arm64", "aarch64", "ppc64le"])
def test_other_processors_compute_in_fp32(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert not cpu_has_bf16()


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("fp32", torch.float32)])
def test_autocast_computes_in_the_precision(precision: str, dtype: torch.dtype) -> None:
    layer = torch.nn.Linear(4, 4)
    with autocast(CPU, precision):
        assert layer(torch.zeros(2, 4)).dtype == dtype
    assert layer(torch.zeros(2, 4)).dtype == torch.float32


@pytest.mark.parametrize(("threads", "words"), [(1, "1 thread"), (2, "2 threads")])
def test_the_cpu_is_named_with_its_threads(threads: int, words: str) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        name, _, rest = device_title(CPU).partition(" (")
    finally:
        torch.set_num_threads(before)
    assert rest == f"{words})"
    assert len(name) > 2
