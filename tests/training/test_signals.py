from __future__ import annotations

import os
import signal
import threading

import pytest

from mnistlab.training.signals import StopSignals

BOTH = [signal.SIGINT, signal.SIGTERM]


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def test_nothing_is_received_without_a_signal() -> None:
    with StopSignals() as signals:
        assert signals.received == 0


@pytest.mark.parametrize("number", BOTH)
def test_the_first_signal_is_noted_and_interrupts_nothing(number: signal.Signals) -> None:
    with StopSignals() as signals:
        send(number)
        assert signals.received == number


@pytest.mark.parametrize("first", BOTH)
@pytest.mark.parametrize("second", BOTH)
def test_the_second_signal_interrupts(first: signal.Signals, second: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), StopSignals() as signals:
        send(first)
        assert signals.received == first
        send(second)


@pytest.mark.parametrize("number", BOTH)
def test_the_handlers_of_before_are_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with StopSignals():
        assert signal.getsignal(number) != before
    assert signal.getsignal(number) == before


def test_the_handlers_are_put_back_after_an_error_too() -> None:
    before = [signal.getsignal(number) for number in BOTH]
    with pytest.raises(ZeroDivisionError), StopSignals():
        _ = 1 / 0
    assert [signal.getsignal(number) for number in BOTH] == before


def test_a_handler_of_the_users_own_is_put_back() -> None:
    received: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    try:
        with StopSignals():
            send(signal.SIGTERM)
        assert received == []
        send(signal.SIGTERM)
        assert received == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_it_does_nothing_in_another_thread() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def work() -> None:
        with StopSignals() as signals:
            seen.extend([signals.received, signal.getsignal(signal.SIGINT)])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [0, before]
