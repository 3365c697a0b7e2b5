from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.networks.network import NeuralNet
from mnistlab.recipes.recipe import Recipe
from mnistlab.training.optimizers import SGD, Optimizer, learning_rate, make_optimizer, one_cycle, set_rate
from tests.support.noting import on_disk_and_back

SHAPES = [(3, 1, 2, 2), (4, 5), (1,), (3,), (2, 3)]


def parameters(seed: int = 0) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def groups(weights: list[torch.nn.Parameter], weight_decay: float = 0.01) -> list[dict[str, Any]]:
    """Two, as training has them: one that decays and one that does not."""
    return [{"params": weights[:2], "weight_decay": weight_decay}, {"params": weights[2:], "weight_decay": 0.0}]


def give_gradients(weights: list[torch.nn.Parameter], step: int) -> None:
    generator = torch.Generator().manual_seed(1000 + step)
    for weight in weights:
        weight.grad = torch.randn(weight.shape, generator=generator)


def take_steps(optimizer: Optimizer, weights: list[torch.nn.Parameter], first: int, last: int) -> None:
    for step in range(first, last):
        give_gradients(weights, step)
        optimizer.step()


# SGD


@given(
    lr=st.floats(1e-4, 1),
    momentum=st.just(0.0) | st.floats(0.01, 0.99),
    weight_decay=st.just(0.0) | st.floats(1e-5, 0.5),
    later=st.floats(1e-4, 1),
    seed=st.integers(0, 2**32 - 1),
    tensor=st.booleans(),
)
@settings(max_examples=40)
def test_each_step_is_that_of_torchs_own_sgd(
    lr: float, momentum: float, weight_decay: float, later: float, seed: int, tensor: bool
) -> None:
    mine, theirs = parameters(seed), parameters(seed)
    first = SGD(groups(mine, weight_decay), lr=lr, momentum=momentum)
    second = torch.optim.SGD(groups(theirs, weight_decay), lr=lr, momentum=momentum, nesterov=momentum > 0)
    if tensor:
        for group in first.param_groups:
            group["lr"] = torch.tensor(lr)
    for step in range(5):
        for optimizer in (first, second):
            set_rate(optimizer.param_groups[1:], later if step > 2 else lr)  # as a schedule changes it
        for weights in (mine, theirs):
            give_gradients(weights, seed + step)
        first.step()
        second.step()
        for weight, other in zip(mine, theirs, strict=True):
            if tensor:  # another kernel, which rounds in another order
                torch.testing.assert_close(weight, other, rtol=1e-5, atol=1e-6)
            else:
                assert torch.equal(weight, other)


def test_a_step_on_paper() -> None:
    weight = torch.nn.Parameter(torch.tensor([[2.0]]))
    optimizer = SGD([{"params": [weight], "weight_decay": 0.5}], lr=0.1, momentum=0.5)
    for expected in (
        2 - 0.1 * (4 + 0.5 * 4),
        1.4 - 0.1 * (3.7 + 0.5 * (0.5 * 4 + 3.7)),
    ):  # gradient 3, decay 0.5 * weight
        weight.grad = torch.tensor([[3.0]])
        optimizer.step()
        assert weight.item() == pytest.approx(expected)


def test_gradients_are_forgotten() -> None:
    weights = parameters()
    give_gradients(weights, 0)
    SGD(groups(weights), lr=0.1, momentum=0.9).zero_grad()
    assert all(weight.grad is None for weight in weights)


@pytest.mark.parametrize("before", [0, 1, 4])
def test_going_on_from_saved_velocities_is_going_on_as_if_nothing_had_been(before: int) -> None:
    straight = parameters()
    optimizer = SGD(groups(straight), lr=0.1, momentum=0.9)
    take_steps(optimizer, straight, 0, before)
    optimizer.param_groups[1]["lr"] = 0.03
    saved = on_disk_and_back(optimizer.state_dict())
    resumed = [torch.nn.Parameter(weight.detach().clone()) for weight in straight]
    take_steps(optimizer, straight, before, before + 3)

    again = SGD(groups(resumed), lr=7.0, momentum=0.9)
    take_steps(again, parameters(), 0, 0)
    again.load_state_dict(saved)
    assert [group["lr"] for group in again.param_groups] == [0.1, 0.03]
    take_steps(again, resumed, before, before + 3)
    assert all(torch.equal(weight, other) for weight, other in zip(resumed, straight, strict=True))


def test_what_was_loaded_is_a_copy() -> None:
    weights = parameters()
    optimizer = SGD(groups(weights), lr=0.1, momentum=0.9)
    take_steps(optimizer, weights, 0, 1)
    saved = on_disk_and_back(optimizer.state_dict())
    kept = [[velocity.clone() for velocity in group] for group in saved["velocities"]]
    optimizer.load_state_dict(saved)
    take_steps(optimizer, weights, 1, 3)

    for group, expected in zip(saved["velocities"], kept, strict=True):
        assert all(torch.equal(*pair) for pair in zip(group, expected, strict=True))


def test_velocities_of_another_network_are_refused() -> None:
    weights = parameters()
    saved = SGD(groups(weights), lr=0.1, momentum=0.9).state_dict()
    for other in ([groups(weights)[0]], [{**groups(weights)[0], "params": weights[:1]}, groups(weights)[1]]):
        with pytest.raises(ValueError, match="zip"):
            SGD(other, lr=0.1, momentum=0.9).load_state_dict(saved)
    wider = [torch.nn.Parameter(torch.zeros(7, *weight.shape[1:])) for weight in weights[:2]]
    with pytest.raises(RuntimeError):
        SGD([{"params": wider, "weight_decay": 0.0}, groups(weights)[1]], lr=0.1, momentum=0.9).load_state_dict(saved)


# which a recipe makes

SMALL = Recipe().override(widths=(3, 4), kernel_size=3, hidden=6, learning_rate=0.2, momentum=0.8, weight_decay=0.25)


def test_a_recipe_makes_sgd_or_adamw() -> None:
    net = NeuralNet((3, 4), hidden=6)
    assert isinstance(make_optimizer(net, SMALL), SGD)
    adamw = make_optimizer(net, Recipe().override(optimizer="adamw", learning_rate=0.2, momentum=0.8))
    assert isinstance(adamw, torch.optim.AdamW)
    assert all(group["betas"] == (0.8, 0.999) for group in adamw.param_groups)
    for optimizer in (adamw, make_optimizer(net, SMALL)):
        assert all(group["lr"] == 0.2 for group in optimizer.param_groups)
    assert all(group["momentum"] == 0.8 for group in make_optimizer(net, SMALL).param_groups)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize(
    "options", [{"hidden": 6}, {"separable": True}, {"batch_norm": False, "head": "average"}], ids=str
)
def test_weights_decay_and_biases_and_batch_norm_do_not(optimizer: str, options: dict[str, Any]) -> None:
    net = NeuralNet((3, 4), **options)
    made = make_optimizer(net, Recipe().override(optimizer=optimizer, weight_decay=0.25))
    decayed = {id(p) for group in made.param_groups if group["weight_decay"] == 0.25 for p in group["params"]}
    spared = {id(p) for group in made.param_groups if group["weight_decay"] == 0 for p in group["params"]}

    assert not decayed & spared
    for name, parameter in net.named_parameters():
        is_weight = name.endswith(".weight") and ".norm" not in name
        assert (id(parameter) in decayed) is is_weight, name
        assert (id(parameter) in spared) is not is_weight, name


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_network_learns_by_it(momentum: float) -> None:
    torch.manual_seed(0)
    net = NeuralNet((4,), classes=3)
    optimizer = make_optimizer(net, Recipe().override(momentum=momentum, learning_rate=0.05))
    images, labels = torch.randn(12, 1, 28, 28), torch.arange(12) % 3
    losses = []
    for _ in range(15):
        loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3


# the learning rate


def test_a_recipe_s_rate_is_its_peak_along_the_schedule_in_every_group() -> None:
    optimizer = SGD(groups(parameters()), lr=99.0, momentum=0.9)
    optimizer.param_groups[1]["lr"] = torch.tensor(99.0)
    for step in range(11):
        rate = learning_rate(SMALL.optimisation, step, 10)
        assert rate == SMALL.learning_rate * one_cycle(step, 10, SMALL.warmup)
        set_rate(optimizer.param_groups, rate)
        assert [float(group["lr"]) for group in optimizer.param_groups] == [rate, pytest.approx(rate)]
    assert isinstance(optimizer.param_groups[1]["lr"], torch.Tensor)  # which a recorded step knows
    assert rate == pytest.approx(SMALL.learning_rate / 25_000)


steps_and_warmup = given(steps=st.integers(1, 5000), warmup=st.floats(0, 1))


@steps_and_warmup
def test_the_rate_stays_between_nothing_and_its_peak(steps: int, warmup: float) -> None:
    rates = [one_cycle(step, steps, warmup) for step in range(min(steps, 200))]
    rates += [one_cycle(steps - 1, steps, warmup), one_cycle(steps, steps, warmup)]

    assert all(0 < rate <= 1 for rate in rates)


@given(steps=st.integers(1, 10**6), warmup=st.floats(1e-6, 1))
def test_the_rate_starts_at_a_twenty_fifth(steps: int, warmup: float) -> None:
    assert one_cycle(0, steps, warmup) == pytest.approx(1 / 25)


@given(steps=st.integers(1, 10**6))
def test_without_a_warm_up_the_rate_starts_at_its_peak(steps: int) -> None:
    assert one_cycle(0, steps, 0.0) == 1


@given(peak=st.integers(1, 1000), more=st.integers(1, 1000))
def test_the_peak_is_reached_at_the_end_of_the_warm_up(peak: int, more: int) -> None:
    steps = peak + more
    rates = [one_cycle(step, steps, peak / steps) for step in range(steps + 1)]

    assert max(rates) == pytest.approx(1, abs=1e-9)
    assert rates[peak] == pytest.approx(1, abs=1e-9)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


@given(steps=st.integers(2, 10**6), warmup=st.floats(0, 0.5))
def test_the_rate_ends_at_a_twenty_five_thousandth(steps: int, warmup: float) -> None:
    assert one_cycle(steps, steps, warmup) == pytest.approx(1 / 25_000)


def test_half_way_up_and_down_are_the_means_of_the_ends() -> None:
    assert one_cycle(15, 100, 0.3) == pytest.approx((1 / 25 + 1) / 2)
    assert one_cycle(65, 100, 0.3) == pytest.approx((1 + 1 / 25_000) / 2)
