from __future__ import annotations

import pickle

import pytest

from mnistlab.errors import Failure, Interrupted, MnistlabError, UserError


def test_text_is_message_then_remedy() -> None:
    error = UserError("The dog ate it.", "Feed the dog.")
    assert str(error) == "The dog ate it. Feed the dog."
    assert (error.message, error.remedy) == ("The dog ate it.", "Feed the dog.")


def test_text_without_a_remedy_has_no_space_at_its_end() -> None:
    assert str(Failure("The dog ate it.")) == "The dog ate it."


@pytest.mark.parametrize(
    ("kind", "code"), [(MnistlabError, 1), (Failure, 1), (UserError, 2), (Interrupted, 130)], ids=str
)
def test_each_kind_has_its_exit_code(kind: type[MnistlabError], code: int) -> None:
    assert kind("x").exit_code == code
    assert isinstance(kind("x"), MnistlabError)


def test_interrupted_carries_the_code_of_its_signal() -> None:
    assert Interrupted("stopped", exit_code=143).exit_code == 143
    assert Interrupted("stopped").exit_code == 130  # the class's own code is as it was


@pytest.mark.parametrize(
    "error", [UserError("a", "b"), Failure("a"), Interrupted("a", "b", exit_code=143)], ids=lambda e: type(e).__name__
)
def test_errors_survive_pickling(error: MnistlabError) -> None:
    """Worker processes send their errors home pickled."""
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (copy.message, copy.remedy, copy.exit_code) == (error.message, error.remedy, error.exit_code)
