"""Whether `explain --why` shows the ink that matters: uv run python -m benchmarks.reading.why RUN

From validation digits, the tenth of the ink that a method ranks first is erased. The figure is the average fall in the
answer's log-probability, in nats. For a run's network, gradient methods are measured too; an exported model has no
gradients.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.command import Command, data_option, json_option
from mnistlab.evaluation.explanation import erase, validation_digits
from mnistlab.evaluation.looking import Look, TorchLook, look_into
from mnistlab.reading.occlusion import occlusion

Images = NDArray[np.uint8]
Maps = NDArray[np.floating[Any]]
STEPS = 32
"""How many points lie on the way from a blank image to the picture (integrated gradients); SmoothGrad uses half as many noisy
copies."""


def fall(look: Look, images: Images, maps: Maps) -> float:
    """The mean fall in the answers' log-probability when the tenth of the ink that the maps, (N, H, W), rank first is erased."""
    before = look.probabilities(images)
    rows, answers = np.arange(len(images)), before.argmax(axis=1)
    after = look.probabilities(np.stack([erase(image, named) for image, named in zip(images, maps, strict=True)]))
    least = np.finfo(np.float32).tiny
    return float(np.mean(np.log(before[rows, answers]) - np.log(np.maximum(after[rows, answers], least))))


def gradients(look: TorchLook, images: torch.Tensor, number: torch.Tensor) -> torch.Tensor:
    """The gradients of the log-odds of the classes `number`, int64 (N,), with respect to the images' pixels, float (N, H, W)."""
    pixels = images.clone().requires_grad_()
    logits = look.saved.model(look.saved.normalisation(pixels[:, None]))
    its = nn.functional.one_hot(number, logits.shape[1]).bool()
    odds = logits[its] - logits.masked_fill(its, -torch.inf).logsumexp(dim=1)
    return torch.autograd.grad(odds.sum(), pixels)[0]


def by_gradients(look: TorchLook, images: Images) -> Iterator[tuple[str, Maps]]:
    """The name and the maps, (N, H, W), of each gradient method."""
    pixels = torch.from_numpy(images).float()
    answers = torch.from_numpy(look.probabilities(images).argmax(axis=1))
    plain = gradients(look, pixels, answers)
    yield "gradient", plain.abs().numpy()
    yield "gradient x ink", (plain * pixels).numpy()
    way = sum(gradients(look, pixels * (step + 0.5) / STEPS, answers) for step in range(STEPS))
    yield "integrated gradients", (way * pixels).numpy()
    torch.manual_seed(0)
    noisy = sum(gradients(look, pixels + 25 * torch.randn_like(pixels), answers) for _ in range(STEPS // 2))
    yield "SmoothGrad x ink", (noisy * pixels).numpy()
    yield "Grad-CAM", grad_cam(look, pixels)


def grad_cam(look: TorchLook, pixels: torch.Tensor) -> Maps:
    """Grad-CAM: the network's last maps, each weighted by its mean gradient, added up (Selvaraju et al. 2017)."""
    seen: list[torch.Tensor] = []
    last = [layer for layer in look.network.layers if isinstance(layer, nn.ReLU | nn.MaxPool2d | nn.BatchNorm2d)]
    maps_of = next(layer for layer in reversed(last) if gives_maps(look, layer, pixels[:1]))
    hook = maps_of.register_forward_hook(lambda _, __, out: seen.append(out))
    logits = look.saved.model(look.saved.normalisation(pixels[:, None])).log_softmax(1)
    hook.remove()
    (slope,) = torch.autograd.grad(logits.amax(dim=1).sum(), seen[0])
    heat = (slope.mean((2, 3), keepdim=True) * seen[0]).sum(1, keepdim=True).relu()
    whole: Maps = nn.functional.interpolate(heat, pixels.shape[1:], mode="bilinear")[:, 0].detach().numpy()
    return whole


def gives_maps(look: TorchLook, layer: nn.Module, pixels: torch.Tensor) -> bool:
    """Whether the layer's output is maps rather than one row of values."""
    shapes: list[int] = []
    hook = layer.register_forward_hook(lambda _, __, out: shapes.append(out.ndim))
    look.saved.model(look.saved.normalisation(pixels[:, None]))
    hook.remove()
    return shapes[0] == 4


def measure(look: Look, images: Images, tell: Callable[[str, float], None]) -> dict[str, float]:
    """The fall for each method, by name; `tell` is called with each fall as soon as that is known."""
    results: dict[str, float] = {}

    def note(name: str, maps: Maps) -> None:
        results[name] = fall(look, images, maps)
        tell(name, results[name])

    note("random", np.random.default_rng(0).random(images.shape))
    if isinstance(look, TorchLook):
        for name, maps in by_gradients(look, images):
            note(name, maps)
    note("occlusion (explain --why)", np.stack([occlusion(image, look.probabilities) for image in images]))
    return results


@click.command(cls=Command, help=__doc__)
@click.argument("model", required=False)
@click.option("--images", "count", type=click.IntRange(1), default=1000, show_default=True)
@data_option
@json_option
def main(model: str | None, count: int, data_dir: str, as_json: bool) -> None:
    look = look_into(model)
    images, _ = validation_digits(look, data_dir)
    results = measure(
        look, images[:count], lambda name, value: None if as_json else click.echo(f"{name:<28}{value:.3f}")
    )
    if as_json:
        click.echo(json.dumps({"model": look.name, "images": count, "nats": results}))


if __name__ == "__main__":
    main()
