"""What the tests share: the real MNIST, fetched once per session through mnistlab itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from mnistlab.datasets import open_dataset


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that holds the real MNIST; tests read it and leave it as it is."""
    folder = tmp_path_factory.mktemp("data")
    open_dataset("mnist", folder).read("train")
    return folder
