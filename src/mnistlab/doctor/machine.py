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
from mnistlab.doctor.check import Check
from mnistlab.errors import UserError
from mnistlab.files import check_links, given_path, nearest_existing
from mnistlab.messages.sentences import Clause

__all__ = ["check_machine"]


ENOUGH_DISK = 1_000_000_000


def check_machine(data_dir: str | Path, runs_dir: str | Path, device: str | torch.device = "auto") -> list[Check]:
    """Check this machine's Python, torch, device, threads, bf16, disk space, data and write access."""
    data_dir, runs_dir = given_path(data_dir, "data_dir"), given_path(runs_dir, "runs_dir")
    target = pick_device(device)
    threads, cores = torch.get_num_threads(), os.cpu_count() or 1
    precision = pick_precision("auto", target)
    version, system, machine = platform.python_version(), platform.system(), platform.machine()
    checks = [
        Check(Clause("names.python"), "ok", Clause("doctor.python", version=version, system=system, machine=machine)),
        Check(Clause("names.torch"), "ok", Clause("doctor.torch", version=torch.__version__)),
        Check(Clause("names.device"), "ok", Clause("doctor.device", device=target, title=device_title(target))),
        Check(
            Clause("names.cpu_threads"), "ok" if threads <= cores else "warning",
            Clause("doctor.threads", threads=threads, cores=cores),
        ),
        Check(Clause("names.bf16"), "ok", Clause("doctor.bf16_used" if precision == "bf16" else "doctor.bf16_not_used")),
    ]  # fmt: skip
    for name, folder in ((Clause("names.data_folder"), data_dir), (Clause("names.runs_folder"), runs_dir)):
        checks.append(check_writable(name, folder))
    checks.append(check_data(find_spec("mnist"), data_dir))
    return checks


def check_writable(name: Clause, folder: Path) -> Check:
    """Whether files can be written in the folder, and how much space is free on its disk."""
    existing = nearest_existing(folder)
    try:
        check_links(folder)
        with tempfile.TemporaryFile(dir=existing):
            pass
    except UserError as error:
        return Check(name, "problem", Clause(error.key, **error.values), error.remedy_key)
    except OSError as error:
        return Check(name, "problem", Clause("doctor.folder_not_writable", folder=folder, strerror=error.strerror))
    free = shutil.disk_usage(existing).free
    seen = Clause("doctor.folder_writable", folder=folder, gigabytes=free / 1e9)
    return Check(name, "warning" if free < ENOUGH_DISK else "ok", seen)


def check_data(spec: DatasetSpec, data_dir: Path) -> Check:
    """Whether the dataset's raw files exist and are intact. This check downloads nothing."""
    name = Clause("names.data")
    try:
        state = inspect_files(spec, data_dir)
    except UserError as error:
        return Check(name, "problem", Clause(error.key, **error.values), error.remedy_key)
    if corrupt := [reason for reason in state.values() if reason and reason.key != MISSING]:
        found = {"folder": data_dir / spec.folder, "count": len(corrupt), "reasons": corrupt}
        return Check(name, "problem", Clause("doctor.data_corrupt", **found))
    if any(state.values()):
        return Check(name, "ok", Clause("doctor.data_missing", dataset=spec.name, data_dir=data_dir))
    return Check(name, "ok", Clause("doctor.data_right", dataset=spec.name, data_dir=data_dir))
