"""What the tests of serving share: a server, a client, and what is sent to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest
from PIL import Image

from mnistlab.data.dataset import open_dataset
from mnistlab.reading.reader import Reader
from tests.support import running_server
from tests.support.drawing import png

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="module")
def running() -> Iterator[running_server.Running]:
    with running_server.thread(
        limits=running_server.PATIENT(body_bytes=2 * 2**20), hosts=["digits.example"]
    ) as running:
        yield running


@pytest.fixture(scope="module")
def client(running: running_server.Running) -> Iterator[httpx.Client]:
    with running.client() as client:
        yield client


@pytest.fixture(scope="module")
def images(data_dir: Path) -> np.ndarray:
    return open_dataset("mnist", data_dir).read("train")[0][:300]


@pytest.fixture(scope="module")
def picture(images: np.ndarray) -> bytes:
    """A page with 5 0 4 (the first of MNIST) on white."""
    page = Image.new("L", (420, 200), 255)
    for number, image in enumerate(images[:3]):
        page.paste(Image.fromarray(255 - image).resize((112, 112)), (20 + 130 * number, 40))
    return png(page)


@pytest.fixture(scope="module")
def page(browser: Browser, url: str) -> Iterator[Page]:
    """The page, once for all tests of a file that has a browser and an address."""
    from tests.serving.test_page import new_page

    page = new_page(browser)
    page.goto(url)
    yield page
    page.context.close()
