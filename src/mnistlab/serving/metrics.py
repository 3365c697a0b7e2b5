"""The server's metrics for Prometheus."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

__all__ = ["FOLDER", "Metrics"]

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable with the name of the folder in which several workers add up what they count."""


class Metrics:
    """The metrics for Prometheus, in a registry of their own instead of prometheus_client's default one."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        if FOLDER not in os.environ:  # with several workers, these figures would be those of one worker
            ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "mnistlab_requests", "Requests that were answered.", ["path", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "mnistlab_request_seconds", "From a request's headers to its answer's end.", ["path"], registry=self.registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )  # fmt: skip
        self.under_way = Gauge(
            "mnistlab_requests_under_way", "Requests not yet answered.", registry=self.registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self.images = Counter("mnistlab_images", "Images classified.", ["model"], registry=self.registry)
        self.digits = Counter(
            "mnistlab_digits", "Digits read in pictures.", ["model", "accepted"], registry=self.registry
        )
        self.busy = Gauge(
            "mnistlab_jobs", "Jobs that are worked on or wait for a core.", registry=self.registry,
            multiprocess_mode="livesum",
        )  # fmt: skip

    def told(self) -> bytes:
        """All metrics in Prometheus' text format, added up over the workers if there are several."""
        registry = self.registry
        if FOLDER in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
