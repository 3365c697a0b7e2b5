"""Checks of this machine, its folders and its data."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from pathlib import Path

import torch

from mnistlab.data.dataset import DatasetSpec, find_spec
from mnistlab.data.download import MISSING, inspect_files
from mnistlab.devices import device_title, pick_device, pick_precision
from mnistlab.doctor.examination import Check
from mnistlab.errors import UserError
from mnistlab.files import check_links, given_path, nearest_existing
from mnistlab.messages.sentences import counted, place

__all__ = ["check_machine"]


ENOUGH_DISK = 1_000_000_000


def check_machine(data_dir: str | Path, runs_dir: str | Path, device: str | torch.device = "auto") -> list[Check]:
    """Python, torch, device, threads, bf16, disk, data and write access of this machine."""
    data_dir, runs_dir = given_path(data_dir, "data_dir"), given_path(runs_dir, "runs_dir")
    target = pick_device(device)
    threads, cores = torch.get_num_threads(), os.cpu_count() or 1
    precision = pick_precision("auto", target)
    checks = [
        Check("Python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        Check("torch", "ok", torch.__version__),
        Check("device", "ok", f"{target}: {device_title(target)}"),
        Check("threads", "ok" if threads <= cores else "warning", f"{counted(threads, 'thread')} on {counted(cores, 'core')}",
              "" if threads <= cores else "Unset OMP_NUM_THREADS."),
        Check("bf16", "ok", "used: this device computes in it" if precision == "bf16" else "not used: fp32 is faster here"),
    ]  # fmt: skip
    for name, folder in (("data folder", data_dir), ("runs folder", runs_dir)):
        checks.append(check_writable(name, folder))
    checks.append(check_data(find_spec("mnist"), data_dir))
    return checks


def check_writable(name: str, folder: Path) -> Check:
    """Whether files can be written there, and how much room there is."""
    existing = nearest_existing(folder)
    try:
        check_links(folder)
        with tempfile.TemporaryFile(dir=existing):
            pass
    except UserError as error:
        return Check(name, "problem", error.message, error.command_remedy)
    except OSError as error:
        return Check(name, "problem", f"{folder}: cannot be written ({error.strerror})", "Choose another folder.")
    free = shutil.disk_usage(existing).free
    text = f"{folder}: writable, {free / 1e9:.1f} GB free"
    if free < ENOUGH_DISK:
        return Check(name, "warning", text, "Free some space: data and a few runs take 100 MB, torch needs more.")
    return Check(name, "ok", text)


def check_data(spec: DatasetSpec, data_dir: Path) -> Check:
    """Whether the raw files are there and intact; fetches nothing."""
    try:
        state = inspect_files(spec, data_dir)
    except UserError as error:
        return Check("data", "problem", error.message, error.command_remedy)
    corrupt = [reason for reason in state.values() if reason and reason.key != MISSING]
    if corrupt:
        what = "; ".join(map(str, corrupt))
        return Check("data", "problem", f"{data_dir / spec.folder}: {what}", "The next training fetches it again.")
    if any(state.values()):
        return Check("data", "ok", f"{spec.name} is not in {place(data_dir)} yet: the first training fetches it")
    return Check("data", "ok", f"{spec.name} in {place(data_dir)}: all checksums right")
