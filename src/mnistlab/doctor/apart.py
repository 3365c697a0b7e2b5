"""Run a learner's code in a separate process, because the code may loop for ever, print text, end its process or crash.

The calling process does not import torch.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

from mnistlab.data.dataset import open_dataset
from mnistlab.doctor.check import Check
from mnistlab.doctor.naming import Named
from mnistlab.errors import MnistlabError, UserError
from mnistlab.messages.sentences import Clause

__all__ = ["check_apart"]

MOST_PRINTED = 20_000
"""At most this many bytes of the text that the learner's code prints are kept; the rest is read and discarded."""
PATIENCE = 0.05
"""Seconds between two checks of whether the learner's code has begun or its process has ended."""


def check_apart(
    code: str,
    data_dir: str | Path,
    *,
    weights: Path | None = None,
    train: str | None = None,
    dataset: str | Path = "mnist",
    limit: float = 120.0,
) -> tuple[list[Check], str]:
    """Run `check_model` if a file of weights is given, else `check_code`, in a process that is killed after `limit` seconds.

    The clock starts when torch and the data have been loaded and the learner's code begins.

    Returns
    -------
    checks : list of Check
        What was checked, and a note if the code printed something.
    printed : str
        The beginning of what the code printed.

    Raises
    ------
    UserError
        In the same cases as `check_model` or `check_code`, and if the code does not finish in time or ends its process.
    """
    for named, remedy in ((code, "remedies.give_class"), (train, "remedies.give_function")):
        if named is not None:
            Named.of(named, remedy)
    open_dataset(dataset, data_dir).read("train")  # so that a download happens here, where it is seen
    asked = {
        "code": code, "data_dir": str(data_dir), "weights": str(weights) if weights else None, "train": train,
        "dataset": str(dataset),
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="mnistlab-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
        names = [name for name in (code, train) if name]
        exit_code, printed = run_until(Path(folder), limit, names)
        answer = Path(folder) / "answer"
        if not answer.exists():
            raise UserError("doctor.code_ended", names=names, exit_code=exit_code)
        found = pickle.loads(answer.read_bytes())  # noqa: S301 - from a process of ours, in a folder that no one else can write
    if isinstance(found, MnistlabError):
        raise found
    if printed.strip():
        found.append(Check(Clause("names.prints"), "ok", Clause("doctor.printed")))
    return found, printed


def run_until(folder: Path, limit: float, names: list[str]) -> tuple[int, str]:
    """Run `main` on the folder in a new process; return that process's exit code and the beginning of its output.

    Raises `UserError` if the learner's code takes longer than `limit` seconds.
    """
    process = subprocess.Popen(  # noqa: S603 - it runs our own code
        [sys.executable, "-P", "-m", "mnistlab.doctor.apart", str(folder)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        env={**os.environ, "MPLBACKEND": "Agg", "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    kept = bytearray()
    reader = threading.Thread(target=keep_beginning, args=(process.stdout, kept), daemon=True)
    reader.start()
    try:
        while not (folder / "begun").exists() and process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
        exit_code = process.wait(limit)
    except subprocess.TimeoutExpired:
        raise UserError("doctor.code_takes_too_long", names=names, seconds=limit) from None
    finally:
        end(process)
        reader.join(None if os.name == "posix" else 5)  # on Windows a process that the code started may hold the pipe
        if process.stdout is not None and not reader.is_alive():
            process.stdout.close()
    return exit_code, kept.decode("utf-8", "replace")


def keep_beginning(stream: IO[bytes] | None, kept: bytearray) -> None:
    """Read the stream to its end, and append only its first `MOST_PRINTED` bytes to `kept`."""
    while stream is not None and (chunk := stream.read1(1 << 16)):  # type: ignore[attr-defined]
        kept += chunk[: MOST_PRINTED - len(kept)]


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and, except on Windows, the processes that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def main(folder: Path) -> None:
    """Do what the file asked.json in `folder` asks for, and write the checks or the error to the file "answer" in `folder`."""
    asked: dict[str, Any] = json.loads((folder / "asked.json").read_text(encoding="utf-8"))
    from mnistlab.doctor.code import check_code
    from mnistlab.doctor.model import check_model

    code, data_dir, dataset = asked["code"], asked["data_dir"], asked["dataset"]
    open_dataset(dataset, data_dir).read("train")
    (folder / "begun").touch()
    try:
        found: Any = (
            check_model(asked["weights"], data_dir, dataset=dataset, code=code)
            if asked["weights"]
            else check_code(code, data_dir, train=asked["train"], dataset=dataset)
        )
    except MnistlabError as error:
        found = error
    sys.stdout.flush()
    whole = folder / "answer.part"
    whole.write_bytes(pickle.dumps(found))
    whole.rename(folder / "answer")
    os._exit(0)  # threads that the code left behind may wait for ever


if __name__ == "__main__":
    main(Path(sys.argv[1]))
