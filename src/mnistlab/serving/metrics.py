"""What the server counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

__all__ = ["Metrics"]


class Metrics:
    """What Prometheus is told, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "mnistlab_requests", "Requests that were answered.", ["path", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "mnistlab_request_seconds", "From a request's headers to its answer's end.", ["path"], registry=self.registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )  # fmt: skip
        self.under_way = Gauge("mnistlab_requests_under_way", "Requests not yet answered.", registry=self.registry)
        self.images = Counter("mnistlab_images", "Images classified.", ["model"], registry=self.registry)
        self.digits = Counter(
            "mnistlab_digits", "Digits read in pictures.", ["model", "accepted"], registry=self.registry
        )
        self.busy = Gauge("mnistlab_jobs", "Jobs that are worked on or wait for a core.", registry=self.registry)
