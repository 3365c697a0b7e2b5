"""A model behind the API: what its reader and its explainer say, as JSON."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from mnistlab.errors import rounded
from mnistlab.reading.explainer import Explainer, Layer
from mnistlab.reading.page import Digit, Page
from mnistlab.reading.reader import Reader
from mnistlab.serving.batches import Batches
from mnistlab.serving.sheets import Sent, about_sheet

__all__ = ["ServedModel"]


SHORT = 0.001
"""Seconds of the network's work that others may wait for."""


class ServedModel:
    """A reader with its name in the API, and what makes it quick there; and the folder of its run, if it is one's."""

    def __init__(self, name: str, title: str, reader: Reader, run: Path | None = None) -> None:
        self.name, self.title, self.reader, self.run = name, title, reader, run
        self.single = reader.classifier.with_threads(1)  # for a few images threads cost more
        self.explainer = Explainer(reader.classifier)
        self.batches = Batches(self.single)
        self.few = 0
        """So many images are few: classified together with those of other requests."""

    def warm_up(self) -> None:
        """Do once what is slow the first time, and find out how fast the network is."""
        image = np.zeros((1, 28, 28), np.uint8)
        times = []
        for _ in range(6):
            started = time.perf_counter()
            self.single.classify(image)
            times.append(time.perf_counter() - started)
        self.few = int(SHORT / min(times))
        picture = np.full((60, 60), 255, np.uint8)
        picture[15:45, 28:32] = 0
        self.reader.read(picture)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What GET /models tells."""
        classifier = self.reader.classifier
        told = classifier.metadata
        try:
            recipe = str(json.loads(told["recipe"])["name"])
        except (KeyError, TypeError, ValueError):
            recipe = None
        return {
            "id": self.name,
            "title": self.title,
            "classes": list(classifier.classes),
            "threshold": self.reader.threshold,
            "dataset": told.get("dataset"),
            "recipe": recipe,
            "created": told.get("created"),
            "bytes": len(classifier.content),
        }

    def classification(self, labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> bytes:
        """The answer of /classify, as JSON, from what `Classifier.classify` gave."""
        values, threshold = self.reader.values, self.reader.threshold
        answer = {
            "model": self.name,
            "values": [values[label] for label in labels.tolist()],
            "probabilities": probabilities,
            "accepted": [max(row) >= threshold for row in probabilities.tolist()],
        }
        return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)

    def read(
        self, sent: Sent, detail: bool, language: str, raise_if_cancelled: Callable[[], None]
    ) -> tuple[bytes, Page]:
        """The answer of /read, as JSON, and what was read."""
        started = time.perf_counter()
        options = sent.options()
        page = self.reader.read(sent.picture, raise_if_cancelled=raise_if_cancelled, **options)
        answer = {
            "model": self.name,
            "text": page.text,
            "size": page.size,
            "lines": [
                {
                    "text": line.text,
                    "digits": [digit_facts(digit, detail) for digit in line.digits],
                    "separators": [separator.to_dict() for separator in line.separators],
                }
                for line in page.lines
            ],
            **about_sheet(page, options.get("layout"), language),
            "milliseconds": round(1000 * (time.perf_counter() - started), 2),
        }
        return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), page

    def explain(self, image: NDArray[np.uint8], parts: Iterable[str], raise_if_cancelled: Callable[[], None]) -> bytes:
        """The answer of /explain, as JSON."""
        numbers, probabilities = self.single.classify(image[None])
        number = int(numbers[0])
        layers = self.explainer.layers(image) if "layers" in parts else []
        raise_if_cancelled()
        last = next((layer.values for layer in layers[::-1] if layer.kind == "linear"), None)
        logits = last if last is not None and last.shape == probabilities[0].shape else None
        answer = {
            "model": self.name,
            "value": self.single.values[number],
            "probability": rounded(float(probabilities[0, number]), 4),
            "accepted": bool(probabilities[0, number] >= self.reader.threshold),
            "classes": list(self.single.classes),
            "probabilities": probabilities[0],
            "logits": logits,
            "temperature": self.single.temperature,
            "image": packed(image, 0, 255),
            "layers": [layer_facts(layer) for layer in layers],
            "why": None,
        }
        if "why" in parts:
            map_ = self.explainer.why(image)
            most = float(np.abs(map_).max()) or 1.0
            answer["why"] = packed(map_, -most, most)
        return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def digit_facts(digit: Digit, detail: bool) -> dict[str, Any]:
    """A digit of /read."""
    facts = digit.to_dict()
    if detail:
        facts["probabilities"] = digit.probabilities
        facts["image"] = base64.b64encode(digit.image.tobytes()).decode()
    return facts


def layer_facts(layer: Layer) -> dict[str, Any]:
    """A layer of /explain."""
    return {
        "name": layer.name,
        "kind": layer.kind,
        "array": packed(layer.values, bits=16),  # values are shown beside those that they were made of
        "field": {"size": layer.field.size, "step": layer.field.step, "start": layer.field.start}
        if layer.field
        else None,
        "filters": packed(layer.filters) if layer.filters is not None else None,
    }


def packed(values: NDArray[Any], low: float | None = None, high: float | None = None, bits: int = 8) -> dict[str, Any]:
    """An array in whole numbers of 8 or 16 bits, from its smallest value to its largest: enough to be looked at."""
    low = float(values.min()) if low is None else low
    high = float(values.max()) if high is None else high
    steps = ((values - low) * ((2**bits - 1) / ((high - low) or 1.0))).round().astype("<u2" if bits == 16 else "u1")
    data = base64.b64encode(steps.tobytes()).decode()
    return {"shape": values.shape, "low": low, "high": high, "bits": bits, "data": data}
