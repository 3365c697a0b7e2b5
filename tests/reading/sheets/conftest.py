"""What the tests of sheets share: a writer with clear digits."""

from __future__ import annotations

import pytest

from tests.support.forms import Hand
from tests.support.notes import Digits


@pytest.fixture(scope="session")
def hand(clear: Digits) -> Hand:
    return Hand(*clear)
