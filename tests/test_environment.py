from __future__ import annotations

import json
import platform
import re
from importlib import metadata

import pytest
import torch

from mnistlab.devices import device_title
from mnistlab.environment import PACKAGES, commit, describe_environment, version

CPU = torch.device("cpu")


def test_the_environment_is_complete_and_plain() -> None:
    environment = describe_environment(CPU, "fp32")

    assert set(environment) == {
        "python", "platform", "packages", "device", "device_title", "threads", "precision", "commit",
    }  # fmt: skip
    assert json.loads(json.dumps(environment)) == environment
    assert environment["python"] == platform.python_version()
    assert (environment["device"], environment["precision"]) == ("cpu", "fp32")
    assert environment["device_title"] == device_title(CPU)
    assert environment["threads"] == torch.get_num_threads()


def test_the_versions_are_those_installed() -> None:
    packages = describe_environment(CPU, "bf16")["packages"]

    assert set(packages) == set(PACKAGES)
    assert packages["torch"] == metadata.version("torch")
    assert packages["mnistlab"] == metadata.version("mnistlab")


def test_a_package_that_is_not_installed_has_no_version() -> None:
    assert version("no-such-package-anywhere") is None


def test_the_commit_is_that_of_this_checkout_or_none() -> None:
    found = commit()
    assert found is None or re.fullmatch(r"[0-9a-f]{12,}(-dirty)?", found)


@pytest.mark.parametrize("path", ["", "/nonexistent"])
def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("PATH", path)
    commit.cache_clear()
    assert commit() is None
    commit.cache_clear()
