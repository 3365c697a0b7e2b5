"""How fast `mnistlab serve` answers, and whether it stays so: uv run python -m benchmarks.serving.rows

start          process start to /readyz
classify-one   requests a second of one 28x28 image, against a FastAPI endpoint that reads the same body and does nothing
classify-many  images a second in requests of 256, against `Reader.classify` of the same batches in this process
soak           64 connections, 60 that classify one image and 4 that read a drawing: errors, patience, memory
overload       64 pages to read at once, which is more than there are places: refused at once, or read as when alone
page           a stroke in the page to new probabilities in it, in headless Chromium

Server and load share two cores. Each ratio is that of two measurements in turn, and the medians over the rounds are what counts.
wrk makes the load (Debian's package wrk), Chromium opens the page (Debian's package chromium). Let nothing else run meanwhile.
"""

from __future__ import annotations

import asyncio
import bisect
import importlib.util
import itertools
import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

import click
import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import records
from benchmarks.reading.rows import COMMAND, pages, spread, two_cores
from mnistlab.data.dataset import open_dataset
from mnistlab.data.splits import validation_mask
from mnistlab.errors import Failure, UserError

DEFAULTS = {"rounds": 7, "seconds": 5, "soak_seconds": 60, "times": 20, "updates": 200}
BATCH = 256
READING = 4
"""Of the soak's connections, those that read: never more requests at a time than the server has places."""
CLASSIFYING = 60
WARM_UP = 10
"""Seconds of the soak after which the memory should have stopped growing."""
AT_ONCE = 64
PAGES = 4
"""Different ones in an overload, so that an answer given to the wrong request would be noticed."""
STEP = 0.016
"""Seconds between two movements of a mouse."""

NOTHING = """
from fastapi import FastAPI, Request
from mnistlab.cli.serve import listen
from mnistlab.serving.http import run

app = FastAPI()

@app.post("/api/v1/classify")
async def nothing(request: Request) -> dict[str, str]:
    await request.body()
    return {}

listener = listen("127.0.0.1", 0)
run(app, listener, lambda: print(f"at http://127.0.0.1:{listener.getsockname()[1]}", flush=True))
"""
"""What a server costs that does nothing. A program of its own: it shall not carry what this one has loaded."""

LOAD = """
local requests, sent = {}, 0

function init(arguments)
  local path, kind, folder, count = unpack(arguments, 1, 4)
  wrk.headers["Content-Type"] = kind
  for number = 1, count do
    local file = assert(io.open(folder .. "/" .. number, "rb"))
    requests[number] = wrk.format("POST", path, nil, file:read("*a"))
    file:close()
  end
end

function request()
  sent = sent + 1
  return requests[sent % #requests + 1]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  io.write("RESULT ", summary.requests, " ", summary.duration, " ", failed)
  for permille = 1, 999 do io.write(" ", latency:percentile(permille / 10)) end
end
"""
"""For wrk: the requests are made once and sent in turn; what it counted and timed is written as one line."""

PAINTED = """
const measure = performance.measure.bind(performance);
performance.measure = (name, options) => {
  if (name === "answer")
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => measure("painted", { start: options.start, end: performance.now() });
      port2.postMessage(null);
    });
  return measure(name, options);
};
"""
"""To each "answer" of the page a "painted": a message sent before a frame is painted arrives after it."""

DURATIONS = """name => {
  const durations = performance.getEntriesByName(name).map((entry) => entry.duration);
  performance.clearMeasures(name);
  return durations;
}"""

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Setting:
    """What the rows are measured with."""

    rounds: int
    seconds: int
    soak_seconds: int
    times: int
    updates: int
    images: Images
    labels: NDArray[np.int64]


@contextmanager
def running(*command: str) -> Iterator[tuple[str, int]]:
    """The address and the process of a server that says its address when it is ready."""
    log = subprocess.DEVNULL  # a line for each refusal
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, encoding="utf-8")
    assert process.stdout is not None  # noqa: S101 - for mypy
    try:
        address = re.search(r"http://[\w.:]+", process.stdout.readline())
        if address is None:
            raise Failure("The server did not start.", f"See why: {' '.join(command)}")
        yield address[0], process.pid
    finally:
        process.terminate()
        process.communicate()


def serving() -> AbstractContextManager[tuple[str, int]]:
    """`mnistlab serve`, running."""
    command = [str(COMMAND)] if COMMAND.exists() else [sys.executable, "-m", "mnistlab"]
    return running(*command, "serve", "--no-browser", "--port", "0")


# Load


@dataclass(frozen=True)
class Load:
    """What wrk saw."""

    requests: int
    seconds: float
    errors: int
    """Answers that are no success, and connections that failed."""
    milliseconds: list[float]
    """That 0.1 %, 0.2 %, ... 99.9 % of the requests took at most."""

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


@dataclass(frozen=True)
class Requests:
    """What to send: to a path, bodies of a kind, in turn."""

    path: str
    kind: str
    bodies: list[bytes]

    def send(self, address: str, connections: int, seconds: int) -> Load:
        """Send them over so many connections, each waiting for its answer."""
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "load.lua"
            script.write_text(LOAD, encoding="utf-8")
            for number, body in enumerate(self.bodies, 1):
                (Path(folder) / str(number)).write_bytes(body)
            command = [
                "wrk",
                "-t1",
                f"-c{connections}",
                f"-d{seconds}s",
                "--timeout",
                "30s",
                "-s",
                str(script),
                address,
            ]
            command += ["--", self.path, self.kind, folder, str(len(self.bodies))]
            ended = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        result = re.search(r"RESULT (.+)", ended.stdout)
        if result is None:
            raise Failure(f"wrk failed: {(ended.stderr or ended.stdout).strip()[:200]}", "Is the server still there?")
        requests, microseconds, errors, *latencies = map(float, result[1].split())
        return Load(int(requests), microseconds / 1e6, int(errors), [latency / 1000 for latency in latencies])


def quantiles(loads: Iterable[Load]) -> dict[str, float]:
    """Milliseconds, of all their requests together."""
    weighted = sorted((ms, load.requests) for load in loads for ms in load.milliseconds)
    reached = list(itertools.accumulate(weight for _, weight in weighted))

    def at(share: float) -> float:
        return weighted[bisect.bisect_left(reached, share * reached[-1])][0]

    return {"p50": at(0.5), "p99": at(0.99)}


def classify_requests(images: Images, batch: int) -> Requests:
    groups = images[: len(images) // batch * batch].reshape(-1, batch, 28, 28)
    return Requests("/api/v1/classify", "application/octet-stream", [group.tobytes() for group in groups])


def encoded(picture: Images, format_: str) -> bytes:
    file = BytesIO()
    Image.fromarray(picture).save(file, format_)
    return file.getvalue()


def drawing(setting: Setting, number: int) -> bytes:
    """Two digits, as large and as clean as the page sends them."""
    chosen = slice(2 * number, 2 * number + 2)
    page = pages.make_page(
        number, setting.images[chosen], setting.labels[chosen], size=(300, 240), height=120, paper="white",
        ruling="plain", pen="black gel", tilt=0, without=pages.EFFECTS,
    )  # fmt: skip
    return encoded(page.picture, "PNG")


# The rows


def measure_start(setting: Setting) -> dict[str, Any]:
    seconds = []
    with httpx.Client(trust_env=False) as client:  # made here: to load the certificates takes its time
        for _ in range(setting.times + 1):  # the first start reads the files from disk
            start = time.perf_counter()
            with serving() as (address, _):
                client.get(f"{address}/readyz").raise_for_status()
                seconds.append(time.perf_counter() - start)
    return {"seconds": seconds[1:]}


def measure_classify_one(setting: Setting) -> dict[str, Any]:
    requests = classify_requests(setting.images[:1000], 1)
    result: dict[str, Any] = {}
    with serving() as (ours, _), running(sys.executable, "-c", NOTHING) as (nothing, _):
        for connections in (1, 16):
            loads: dict[str, list[Load]] = {"served": [], "nothing": []}
            for number in range(setting.rounds + 1):
                for name, address in (("served", ours), ("nothing", nothing)):
                    load = requests.send(address, connections, setting.seconds if number else 1)
                    if number:  # the first round warms up
                        loads[name].append(load)
            rates = {name: [load.rate for load in measured] for name, measured in loads.items()}
            result[str(connections)] = {
                "requests_per_second": rates,
                "ratios": [a / b for a, b in zip(rates["served"], rates["nothing"], strict=True)],
                "milliseconds": {name: quantiles(measured) for name, measured in loads.items()},
                "errors": sum(load.errors for measured in loads.values() for load in measured),
            }
    return {"connections": result}


def measure_classify_many(setting: Setting) -> dict[str, Any]:
    from mnistlab import Reader

    requests = classify_requests(setting.images, BATCH)
    reader = Reader()
    batches = [np.frombuffer(body, np.uint8).reshape(-1, 28, 28) for body in requests.bodies]

    def in_process(seconds: int) -> float:
        start, done = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            reader.classify(batches[done % len(batches)])
            done += 1
        return BATCH * done / (time.perf_counter() - start)

    rates: dict[str, list[float]] = {"in process": [], "1": [], "2": []}
    errors = 0
    with serving() as (address, _):
        for number in range(setting.rounds + 1):
            seconds = setting.seconds if number else 1
            direct = in_process(seconds)
            loads = {name: requests.send(address, int(name), seconds) for name in ("1", "2")}
            if number:
                rates["in process"].append(direct)
                for name, load in loads.items():
                    rates[name].append(BATCH * load.rate)
                    errors += load.errors
    ratios = {name: [a / b for a, b in zip(rates[name], rates["in process"], strict=True)] for name in ("1", "2")}
    return {"images_per_second": rates, "ratios": ratios, "errors": errors}


def resident_mib(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


def measure_soak(setting: Setting) -> dict[str, Any]:
    kinds = {
        "classify": (classify_requests(setting.images[:1000], 1), CLASSIFYING),
        "read": (Requests("/api/v1/read", "image/png", [drawing(setting, number) for number in range(50)]), READING),
    }
    memory = []
    with serving() as (address, process), ThreadPoolExecutor(len(kinds)) as pool:
        sent = {
            name: pool.submit(requests.send, address, connections, setting.soak_seconds)
            for name, (requests, connections) in kinds.items()
        }
        while not all(job.done() for job in sent.values()):
            time.sleep(1)
            memory.append(resident_mib(process))
        loads = {name: job.result() for name, job in sent.items()}
    warm_up = min(WARM_UP, len(memory) // 2)
    settled = memory[warm_up:]
    third = max(1, len(settled) // 3)
    return {
        "connections": CLASSIFYING + READING,
        "seconds": setting.soak_seconds,
        "errors": sum(load.errors for load in loads.values()),
        "requests": {name: load.requests for name, load in loads.items()},
        "milliseconds": {"all": quantiles(loads.values())} | {name: quantiles([load]) for name, load in loads.items()},
        "mib": {
            "warm_up": warm_up,
            "first": median(settled[:third]),
            "last": median(settled[-third:]),
            "per_minute": 60 * float(np.polyfit(range(len(settled)), settled, 1)[0]) if len(settled) > 1 else 0.0,
            "each_second": memory,
        },
    }


@dataclass(frozen=True)
class Answer:
    """What came back for a page."""

    page: int
    milliseconds: float
    """From the first byte sent to the answer's head."""
    status: int
    has_retry_after: bool = False
    text: str = ""


async def ask(page: int, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answer:
    """Have a page read over a connection of its own; by hand, as a real client takes longer than the refusal."""
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


def measure_overload(setting: Setting) -> dict[str, Any]:
    from mnistlab import Reader

    bodies, truth = [], []
    for number in range(PAGES):
        chosen = slice(60 * number, 60 * number + 60)
        drawn = pages.make_page(number, setting.images[chosen], setting.labels[chosen], size=(1600, 1200))
        bodies.append(encoded(drawn.picture, "JPEG"))
        truth.append(Reader().read(bodies[-1]).text)
    answers: list[Answer] = []

    async def all_at_once(address: str) -> None:
        host, _, port = address.removeprefix("http://").partition(":")
        connections = [await asyncio.open_connection(host, int(port)) for _ in range(AT_ONCE)]
        asked = (ask(number % PAGES, bodies[number % PAGES], *streams) for number, streams in enumerate(connections))
        answers.extend(await asyncio.gather(*asked))

    with serving() as (address, _):
        for _ in range(setting.rounds):
            asyncio.run(all_at_once(address))
    refused = [answer.milliseconds for answer in answers if answer.status == 503 and answer.has_retry_after]
    accepted = [answer for answer in answers if answer.status == 200]
    return {
        "at_once": AT_ONCE,
        "rounds": setting.rounds,
        "accepted": len(accepted),
        "accepted_as_alone": sum(answer.text == truth[answer.page] for answer in accepted),
        "accepted_ms": [answer.milliseconds for answer in accepted],
        "refused": len(refused),
        "refused_ms": refused,
        "other": len(answers) - len(accepted) - len(refused),
    }


def measure_page(setting: Setting) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    measured: dict[str, list[float]] = {"answer": [], "painted": []}
    moves, seconds = 0, 0.0
    with serving() as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.add_init_script(PAINTED)
        page.goto(address)
        page.wait_for_load_state("networkidle")
        box = page.locator("#sheet").bounding_box()
        assert box is not None  # noqa: S101 - for mypy
        for number in itertools.count():
            points = list(figure_eight(box["x"], box["y"], box["width"], box["height"]))
            page.mouse.move(*points[0])
            page.mouse.down()
            start = due = time.perf_counter()
            for point in points[1:]:
                due += STEP
                time.sleep(max(0, due - time.perf_counter()))
                page.mouse.move(*point)
            drawing_seconds = time.perf_counter() - start
            page.mouse.up()
            page.wait_for_timeout(300)  # for the last answer
            text = page.inner_text("#answer")
            page.click("#clear")
            drawn = {name: page.evaluate(DURATIONS, name) for name in measured}
            if number == 0:
                continue  # warms up
            if not drawn["answer"]:
                raise Failure("The page gave no answer to a digit.", "Open it with `mnistlab serve` and see.")
            moves += len(points) - 1
            seconds += drawing_seconds
            for name, durations in drawn.items():
                measured[name] += durations
            if len(measured["answer"]) >= setting.updates:
                break
        browser.close()
    return {
        "milliseconds": measured,
        "moves": moves,
        "ms_a_move": 1000 * seconds / moves,
        "answer": text,
        "browser": "headless Chromium",
        "note": "answer: from the newest pointer event that the shown reading knows (its time stamp) to the DOM that"
        " shows it; painted: to the end of the main thread's painting of that frame. Server, browser and the script that"
        " moves the mouse every 16 ms share the cores; sending the picture, reading it and the answer are in it.",
    }


def figure_eight(left: float, top: float, width: float, height: float) -> Iterator[tuple[float, float]]:
    """An 8 in one stroke, in the middle of a box, a second long."""
    for step in range(61):
        angle = 2 * math.pi * step / 60
        yield left + width * (0.5 + 0.13 * math.sin(2 * angle)), top + height * (0.5 - 0.3 * math.cos(angle))


ROWS: dict[str, Callable[[Setting], dict[str, Any]]] = {
    "start": measure_start,
    "classify-one": measure_classify_one,
    "classify-many": measure_classify_many,
    "soak": measure_soak,
    "overload": measure_overload,
    "page": measure_page,
}
USED = {
    "start": ["times"],
    "classify-one": ["rounds", "seconds"],
    "classify-many": ["rounds", "seconds"],
    "soak": ["soak_seconds"],
    "overload": ["rounds"],
    "page": ["updates"],
}
"""The options that change a row."""
NEEDED = {"classify-one": ["wrk"], "classify-many": ["wrk"], "soak": ["wrk"], "page": ["chromium"]}
"""Programs; each is also the name of its Debian package."""


# Telling


def p95(values: list[float]) -> float:
    return float(np.percentile(values, 95))


def tell(name: str, result: dict[str, Any]) -> list[str]:
    """The figures of a row, each with what it must be."""
    if name == "start":
        return [f"{spread(result['seconds'])}; at most 1.5 s"]
    if name == "classify-one":
        return [
            f"{connections} connections: {median(row['requests_per_second']['served']):,.0f} requests/s, doing nothing"
            f" {median(row['requests_per_second']['nothing']):,.0f}; {spread(row['ratios'], 'of it')}; at least 0.60;"
            f" {row['errors']} errors; p50 {row['milliseconds']['served']['p50']:.2f} ms,"
            f" p99 {row['milliseconds']['served']['p99']:.2f} ms"
            for connections, row in result["connections"].items()
        ]
    if name == "classify-many":
        rates = {kind: median(values) for kind, values in result["images_per_second"].items()}
        return [
            f"{connections} connections: {rates[connections]:,.0f} images/s, in process {rates['in process']:,.0f};"
            f" {spread(result['ratios'][connections], 'of it')}; at least 0.60; {result['errors']} errors"
            for connections in ("1", "2")
        ]
    if name == "soak":
        mib, total = result["mib"], sum(result["requests"].values())
        lines = [f"{total:,} requests in {result['seconds']} s, {result['errors']} errors; must be 0"]
        for kind, ms in result["milliseconds"].items():
            share = result["requests"].get(kind, total) / total
            lines.append(
                f"{kind} ({100 * share:.1f} %): p50 {ms['p50']:.1f} ms, p99 {ms['p99']:.1f} ms, {ms['p99'] / ms['p50']:.1f}"
                " times as long; at most 20"
            )
        return [
            *lines,
            f"memory {mib['first']:.1f} MiB, then {mib['last']:.1f}, {mib['per_minute']:+.2f} a minute; must be flat",
        ]
    if name == "overload":
        refused, accepted = result["refused_ms"], result["accepted_ms"]
        return [
            f"{result['refused']} refused (503 with Retry-After): median {median(refused):.0f} ms, p95 {p95(refused):.0f} ms",
            f"{result['accepted_as_alone']} of {result['accepted']} accepted read as alone: median {median(accepted):,.0f} ms",
            f"{result['other']} other answers; must be 0",
        ]
    milliseconds = result["milliseconds"]
    lines = [
        f"{kind}: median {median(values):.1f} ms, p95 {p95(values):.1f} ms (n = {len(values)}); at most 60"
        for kind, values in milliseconds.items()
    ]
    return [
        *lines,
        f"{result['moves']} movements, one every {result['ms_a_move']:.1f} ms; it says {result['answer']!r}",
    ]


def chosen_rows(context: click.Context, parameter: click.Parameter, value: str | None) -> list[str]:
    names = [name.strip() for name in value.split(",")] if value else list(ROWS)
    if unknown := [name for name in names if name not in ROWS]:
        raise click.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(ROWS)}", context, parameter)
    return names


def command_of(name: str, counts: dict[str, int]) -> str:
    """What measures the row again."""
    changed = [option for option in USED[name] if counts[option] != DEFAULTS[option]]
    options = [f"--{option.replace('_', '-')} {counts[option]}" for option in changed]
    return " ".join(["uv run python -m benchmarks.serving.rows --only", name, *options])


def check_programs(names: list[str]) -> None:
    """Raise `UserError` where a row needs a program that is not there."""
    for name in names:
        for program in NEEDED.get(name, []):
            if shutil.which(program) is None:
                raise UserError(
                    f"{name} needs the program {program}, which is not installed.",
                    f"Install it (Debian: apt install {program}), or choose other rows with --only.",
                )
        if name == "page" and importlib.util.find_spec("playwright") is None:
            raise UserError("page needs playwright, which is not installed.", "Install it: uv sync.")


def count(name: str, text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    option = "--" + name.replace("_", "-")
    return click.option(option, type=click.IntRange(min=1), default=DEFAULTS[name], show_default=True, help=text)


@click.command(cls=records.Command, help=(__doc__ or "").replace("\n\nstart", "\n\n\b\nstart"))
@click.option("--only", "names", callback=chosen_rows, metavar="NAME,NAME,...", help="Some of the rows.")
@count("rounds", "Of classify-one, classify-many and overload.")
@count("seconds", "Each measurement of classify-one and classify-many.")
@count("soak_seconds", "The soak.")
@count("times", "Starts.")
@count("updates", "Of the page, at least.")
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The results as one JSON object.")
@click.option("--record", is_flag=True, help="Add each row to docs/results/serving.jsonl.")
def main(names: list[str], data_dir: Path, as_json: bool, record: bool, **counts: int) -> None:
    check_programs(names)
    images, labels = open_dataset("mnist", data_dir).read("train")
    chosen = validation_mask(labels, 10)
    setting = Setting(images=images[chosen], labels=labels[chosen], **counts)
    results = {}
    for name in names:
        with two_cores():
            results[name] = ROWS[name](setting)
        if record:
            records.append("serving", {"row": name, "command": command_of(name, counts), **results[name]})
        if not as_json:
            for number, line in enumerate(tell(name, results[name])):
                click.echo(f"{'' if number else name:<14} {line}")
    if as_json:
        click.echo(json.dumps(results))


if __name__ == "__main__":
    main()
