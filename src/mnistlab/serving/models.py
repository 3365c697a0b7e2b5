"""A model that the API serves: its reader, its explainer, and the responses made with them."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnistlab.errors import rounded
from mnistlab.reading.explainer import Explainer, Sight
from mnistlab.reading.reader import Reader
from mnistlab.serving.batches import Batches
from mnistlab.serving.explanations import ANetwork, Explanation, exact, packed, told_layer, told_network
from mnistlab.serving.schemas import AModel, Classes
from mnistlab.serving.sheets import Sent, SheetReading, told_page

__all__ = ["ServedModel"]


SHORT = 0.001
"""For how many seconds the network may compute in the event loop, where all other requests have to wait for it."""


class ServedModel:
    """A reader, with all that the API needs to serve it: name, title, explainer, `Batches`, and its run's folder or None."""

    def __init__(self, name: str, title: str, reader: Reader, run: Path | None = None) -> None:
        self.name, self.title, self.reader, self.run = name, title, reader, run
        self.single = reader.classifier.with_threads(1)  # for a few images, several threads are no faster
        self.explainer = Explainer(reader.classifier)
        self.batches = Batches(self.single)
        self.few = 0
        """A request with up to this many images is classified together with other requests."""

    def warm_up(self) -> None:
        """Use the model once, because the first use is slow, and measure how fast the network is."""
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
    def facts(self) -> AModel:
        """The model's entry in the response of GET /models."""
        classifier = self.reader.classifier
        told = classifier.metadata
        try:
            recipe = str(json.loads(told["recipe"])["name"])
        except (KeyError, TypeError, ValueError):
            recipe = None
        return AModel(
            id=self.name,
            title=self.title,
            classes=list(classifier.classes),
            threshold=self.reader.threshold,
            dataset=told.get("dataset"),
            recipe=recipe,
            created=told.get("created"),
            bytes=len(classifier.content),
        )

    def classification(self, labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> Classes:
        """The response of /classify, from the result of `Classifier.classify`."""
        values, threshold = self.reader.values, self.reader.threshold
        rows = probabilities.tolist()
        return Classes(
            model=self.name,
            values=[values[label] for label in labels.tolist()],
            probabilities=rows,
            accepted=[max(row) >= threshold for row in rows],
        )

    def read(self, sent: Sent, detail: bool, language: str, raise_if_cancelled: Callable[[], None]) -> SheetReading:
        """The response of /read."""
        started = time.perf_counter()
        options = sent.options()
        page = self.reader.read(sent.picture, raise_if_cancelled=raise_if_cancelled, **options)
        told = told_page(page, options.get("layout"), language)
        if detail:
            for line, told_line in zip(page.lines, told["lines"], strict=True):
                for digit, told_digit in zip(line.digits, told_line["digits"], strict=True):
                    told_digit["probabilities"] = np.asarray(digit.probabilities).tolist()
                    told_digit["image"] = base64.b64encode(digit.image.tobytes()).decode()
        milliseconds = round(1000 * (time.perf_counter() - started), 2)
        return SheetReading(model=self.name, size=page.size, milliseconds=milliseconds, **told)

    def explain(
        self, image: NDArray[np.uint8], parts: Iterable[str], raise_if_cancelled: Callable[[], None]
    ) -> Explanation:
        """The response of /explain."""
        numbers, probabilities = self.single.classify(image[None])
        number = int(numbers[0])
        sight = self.explainer.see(image) if "layers" in parts else Sight(None, [], [], None)
        raise_if_cancelled()
        why = None
        if "why" in parts:
            map_ = self.explainer.why(image)
            most = float(np.abs(map_).max()) or 1.0
            why = packed(map_, -most, most)
        return Explanation(
            model=self.name,
            value=self.single.values[number],
            probability=rounded(float(probabilities[0, number]), 4),
            accepted=bool(probabilities[0, number] >= self.reader.threshold),
            classes=list(self.single.classes),
            probabilities=probabilities[0].tolist(),
            logits=None if sight.logits is None else sight.logits.tolist(),
            temperature=self.single.temperature,
            looks=[look.tolist() for look in sight.looks],
            image=packed(image, 0, 255),
            given=None if sight.given is None else exact(sight.given),
            layers=[told_layer(layer) for layer in sight.layers],
            why=why,
        )

    def network(self) -> ANetwork:
        """The response of /network."""
        return told_network(self.name, self.explainer)
