"""Send requests to a running `mnistlab serve` from Python: uv run python examples/read_over_http.py [ADDRESS] [PICTURE]

Needs httpx and numpy, not mnistlab. For a server that requires a token, set MNISTLAB_TOKEN=my-secret in the environment.
"""
# ruff: noqa: T201 - it prints its results for a person

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np


class RefusedError(Exception):
    """The server refused the request; the text says why and what to do about it."""


def ask(client: httpx.Client, path: str, body: bytes, kind: str, tries: int = 10) -> Any:
    """Post `body`, of media type `kind`, and return the answer. While the server is too busy, ask again, `tries` times in all."""
    for _ in range(tries):
        response = client.post(f"/api/v1/{path}", content=body, headers={"Content-Type": kind})
        if response.status_code != 503:
            break
        time.sleep(float(response.headers.get("Retry-After", 1)))
    if response.headers.get("Content-Type") == "application/problem+json":  # RFC 9457, the form of every refusal
        problem = response.json()
        raise RefusedError(f"{problem['status']} {problem['title']}: {problem['detail']}")
    response.raise_for_status()
    return response.json()


def main() -> None:
    """Read a picture, classify a batch, and send something that the server refuses."""
    address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    picture = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_name("2026.png")
    token = os.environ.get("MNISTLAB_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
        page = ask(client, "read", picture.read_bytes(), "image/png")  # the type is only a hint
        print(f"{picture.name}: {page['text']}")
        for line in page["lines"]:
            for digit in line["digits"]:
                print(f"  {digit['value']}  probability {digit['probability']:.4f}  box {digit['box']}")

        images = np.zeros((100, 28, 28), np.uint8)  # uint8 (N, 28, 28), ink 255 on 0, as in MNIST
        images[:, 4:24, 13:16] = 255  # a stroke downward
        answer = ask(client, "classify", images.tobytes(), "application/octet-stream")
        probabilities = np.array(answer["probabilities"])  # (N, classes)
        print(f"{len(images)} strokes: {set(answer['values'])}, probability {probabilities.max(1).mean():.4f}")

        try:
            ask(client, "classify", b"no image", "application/octet-stream")
        except RefusedError as refusal:
            print(f"Refused, as it should be: {refusal}")


if __name__ == "__main__":
    try:
        main()
    except (RefusedError, httpx.HTTPError, OSError) as error:
        sys.exit(f"error: {error}")
