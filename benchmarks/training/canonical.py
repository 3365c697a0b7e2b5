"""Train the canonical PyTorch example (pytorch/examples, mnist/main.py) as its authors do, for comparison.

The network, optimizer, schedule, batch size and per-sample transforms are the same, reimplemented from their description: two
3x3 convolutions with 32 and 64 channels, one max-pool, dropout of 0.25 and 0.5, a linear layer of width 128; Adadelta with a
learning rate of 1.0, multiplied by 0.7 after each epoch; batches of 64 that torchvision's `MNIST` and a `DataLoader` make from
PIL pictures one by one, on the CPU, without shuffling and without worker processes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

BATCH_SIZE = 64
MEAN, STD = 0.1307, 0.3081


class Net(nn.Module):
    """Takes normalised images, float (B, 1, 28, 28); returns log-probabilities, float (B, 10). It has 1,199,882 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.linear1 = nn.Linear(64 * 12 * 12, 128)
        self.linear2 = nn.Linear(128, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The log-probabilities, float (B, 10), for images, float (B, 1, 28, 28)."""
        maps = F.max_pool2d(self.conv2(self.conv1(images).relu()).relu(), 2)
        hidden = self.linear1(self.dropout1(maps).flatten(1)).relu()
        log_probabilities: torch.Tensor = self.linear2(self.dropout2(hidden)).log_softmax(dim=1)
        return log_probabilities


class Canonical:
    """One training run of the example, an epoch at a time; its state can be saved between epochs."""

    def __init__(self, data_dir: Path, seed: int = 1) -> None:
        torch.manual_seed(seed)
        self.model = Net()
        self.optimizer = torch.optim.Adadelta(self.model.parameters(), lr=1.0)
        self.schedule = torch.optim.lr_scheduler.StepLR(self.optimizer, step_size=1, gamma=0.7)
        to_tensor = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))])
        self.random = torch.get_rng_state()  # training runs between its epochs draw from the generator too
        self.loader: DataLoader[Any] = DataLoader(datasets.MNIST(data_dir, transform=to_tensor), batch_size=BATCH_SIZE)

    def batches(self, limit: int | None = None) -> Iterator[float]:
        """Train for an epoch, or `limit` batches of it; yield, after each batch, the seconds since the first was requested."""
        torch.set_rng_state(self.random)
        self.model.train()
        start = time.perf_counter()
        for done, (images, labels) in enumerate(self.loader, 1):
            self.optimizer.zero_grad()
            loss = F.nll_loss(self.model(images), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            yield time.perf_counter() - start
            if done == limit:
                return
        self.schedule.step()
        self.random = torch.get_rng_state()

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next epoch depends on."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "random": self.random,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue after the epoch at which `state_dict` was taken."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.random = state["random"]
