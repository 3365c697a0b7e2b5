"""A recipe's error for values that it does not accept."""

from __future__ import annotations

from typing import Any

import pytest

from mnistlab.errors import UserError
from mnistlab.recipes.recipe import Recipe


def refusal(**changed: Any) -> str:
    with pytest.raises(UserError) as caught:
        Recipe().override(changed)
    assert caught.value.remedy
    return caught.value.message
