"""Choose the device and the precision to compute with on this machine."""

from __future__ import annotations

import contextlib
import platform
import threading
from pathlib import Path

import torch

from mnistlab.errors import UserError
from mnistlab.messages.sentences import counted

__all__ = ["GENERATOR", "autocast", "device_title", "pick_device", "pick_precision"]

GENERATOR = threading.RLock()
"""The lock that a thread holds while it draws from torch's random generator; a process has only one generator, so training runs
take turns. An ensemble holds the lock while it trains its members, and the training of each member acquires it again."""


def pick_device(name: str | torch.device = "auto") -> torch.device:
    """The device called `name`: auto (CUDA, else MPS, else CPU), cpu, cuda, cuda:1 or mps. A `torch.device` is returned as is.

    Raises `UserError` if the name is unknown or this machine has no such device.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        device = None
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        raise UserError("devices.unknown_device", name=str(name))
    count = {"cpu": 1, "cuda": torch.cuda.device_count() if cuda else 0, "mps": int(mps)}[device.type]
    if (device.index or 0) >= count:
        raise UserError(
            "devices.device_missing", name=str(name), version=torch.__version__, type=device.type.upper(), count=count
        )
    return device


def pick_precision(wanted: str, device: torch.device) -> str:
    """The precision, "fp32" or "bf16": `wanted` itself or, for "auto", bf16 if the device computes it in hardware, else fp32."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device)[0] >= 8 else "fp32"
    return "bf16" if device.type == "cpu" and cpu_has_bf16() else "fp32"


def cpu_has_bf16() -> bool:
    """Whether the CPU multiplies bf16 in hardware (AVX512-BF16, AMX); on other CPUs, bf16 is slower than fp32."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    try:
        capabilities = torch.backends.cpu.get_cpu_capability()
        flags = Path("/proc/cpuinfo").read_text("utf-8", "replace") if platform.system() == "Linux" else ""
    except OSError:
        return False
    return capabilities.startswith("AVX512") and ("avx512_bf16" in flags or "amx_bf16" in flags)


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[None]:
    """The context manager for the forward pass: autocast to bf16 or, for fp32, one that does nothing."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()


def device_title(device: torch.device) -> str:
    """The device's name in words, such as "AMD EPYC (2 threads)"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    threads = torch.get_num_threads()
    return f"{name} ({counted(threads, 'thread')})" if device.type == "cpu" else f"{name} (MPS)"
