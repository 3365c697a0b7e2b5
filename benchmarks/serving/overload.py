"""64 simultaneous requests to read a page, more than the server takes: uv run python -m benchmarks.serving.overload

Each must be refused immediately, or answered as if it were the only one. The server and the load share two cores. Let nothing
else run meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click

from benchmarks.command import Command, Row, data_option, json_option, measure_rows, record_option
from benchmarks.serving.server import Images, Labels, encoded, serving, validation_digits
from benchmarks.timing import p95, two_cores
from mnistlab.reading.reader import Reader
from tests.support import pages as drawn_pages

AT_ONCE = 64
PAGES = 4
"""How many different pages are sent, so that an answer to the wrong request would be noticed."""


@dataclass(frozen=True)
class Answer:
    """The server's answer for a page."""

    page: int
    milliseconds: float
    """From the first byte sent to the arrival of the answer's head."""
    status: int
    has_retry_after: bool = False
    text: str = ""


async def ask(page: int, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answer:
    """Have a page read over its own connection. The request is written by hand: an HTTP library would take longer than the
    refusal."""
    start = time.perf_counter()
    head = f"POST /api/v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    try:
        told = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        milliseconds = 1000 * (time.perf_counter() - start)
        content = json.loads(await reader.readexactly(int(re.findall(r"content-length: (\d+)", told)[0])))
    except (OSError, asyncio.IncompleteReadError):
        return Answer(page, 0, 0)
    finally:
        writer.close()
    return Answer(page, milliseconds, int(told.split()[1]), "retry-after: " in told, content.get("text", ""))


def measure(images: Images, labels: Labels, rounds: int) -> dict[str, Any]:
    bodies, truth = [], []
    for number in range(PAGES):
        chosen = slice(60 * number, 60 * number + 60)
        drawn = drawn_pages.make_page(number, images[chosen], labels[chosen], size=(1600, 1200))
        bodies.append(encoded(drawn.picture, "JPEG"))
        truth.append(Reader().read(bodies[-1]).text)
    answers: list[Answer] = []

    async def all_at_once(address: str) -> None:
        host, _, port = address.removeprefix("http://").partition(":")
        connections = [await asyncio.open_connection(host, int(port)) for _ in range(AT_ONCE)]
        asked = (ask(number % PAGES, bodies[number % PAGES], *streams) for number, streams in enumerate(connections))
        answers.extend(await asyncio.gather(*asked))

    with serving() as (address, _):
        for _ in range(rounds):
            asyncio.run(all_at_once(address))
    refused = [answer.milliseconds for answer in answers if answer.status == 503 and answer.has_retry_after]
    accepted = [answer for answer in answers if answer.status == 200]
    return {
        "at_once": AT_ONCE,
        "rounds": rounds,
        "accepted": len(accepted),
        "accepted_as_alone": sum(answer.text == truth[answer.page] for answer in accepted),
        "accepted_ms": [answer.milliseconds for answer in accepted],
        "refused": len(refused),
        "refused_ms": refused,
        "other": len(answers) - len(accepted) - len(refused),
    }


def tell(result: dict[str, Any]) -> list[str]:
    refused, accepted = result["refused_ms"], result["accepted_ms"]
    return [
        f"{result['refused']} refused (503 with Retry-After): median {median(refused):.0f} ms, p95 {p95(refused):.0f} ms",
        f"{result['accepted_as_alone']} of {result['accepted']} accepted read as alone: median {median(accepted):,.0f} ms",
        f"{result['other']} other answers; must be 0",
    ]


@click.command(cls=Command, help=__doc__)
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True)
@data_option
@json_option
@record_option("serving")
def main(rounds: int, data_dir: Path, as_json: bool, record: bool) -> None:
    images, labels = validation_digits(data_dir)
    with two_cores():
        measure_rows("serving", {"overload": Row(lambda: measure(images, labels, rounds), tell)})


if __name__ == "__main__":
    main()
