"""`mnistlab serve` as a process: what it prints, what it refuses, how it stops."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import os
import re
import shutil
import signal
import socket
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest

from mnistlab.cli.app import main
from mnistlab.cli.model_file import load_models, title_of
from mnistlab.reading.classifier import BUNDLED
from mnistlab.runs.snapshots import NAME
from mnistlab.serving.trainings import SHIPPED, trainings_of
from tests.support import running_server
from tests.support.comparing import assert_one_line
from tests.support.run_folders import make_run
from tests.support.waiting import LIMIT, wait_until


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--no-browser", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_run_is_served_with_its_own_training(tmp_path: Path) -> None:
    run = make_run(tmp_path).path
    shutil.copy(BUNDLED, run / "model.onnx")
    shutil.copy(SHIPPED / NAME, run / NAME)
    mine, shipped = trainings_of(load_models(("mnistlab", run.name), tmp_path))
    assert (mine.name, mine.folder, shipped.folder) == (run.name, run, SHIPPED)
    assert mine.title.startswith("two-conv-seed7, ")


def test_it_says_where_it_is_answers_and_stops_without_losing_what_is_in_flight(tmp_path: Path) -> None:
    shutil.copy(BUNDLED, tmp_path / "mine.onnx")
    with running_server.process("--model", "mnistlab", "--model", str(tmp_path / "mine.onnx")) as running:
        with running.client() as client:
            models = client.get("/api/v1/models").json()["models"]
        assert [model["id"] for model in models] == ["mnistlab", "mine"]
        assert "#token" not in running.said
        idle = http.client.HTTPConnection(*running.address, timeout=LIMIT)
        with running.connect() as connection, contextlib.closing(idle):
            idle.request("GET", "/healthz")
            assert idle.getresponse().read() == b'{"status":"alive"}'
            connection.sendall(
                b"POST /api/v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 784\r\nExpect: 100-continue\r\n\r\n"
            )
            assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")  # it is under way
            running.signal(signal.SIGTERM)
            assert idle.sock.recv(1) == b""  # the server is stopping: it closes what is idle
            connection.sendall(bytes(784))
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert running.end() == (0, "Stopped.\n", "")


@pytest.mark.parametrize(
    ("name", "title"),
    [("20261122-221047-quick-seed0", "quick-seed0, 2026-11-22 22:10"), ("mine", "mine"), ("2026-quick", "2026-quick")],
)
def test_a_run_is_shown_by_what_it_is(name: str, title: str) -> None:
    assert title_of(name) == title


def test_for_others_there_is_a_token_and_ctrl_c_is_the_way_to_stop_it() -> None:
    with running_server.process("--host", "0.0.0.0", environment={"MNISTLAB_TOKEN": "s3cret"}) as running:
        assert "over the network" in running.said
        assert "#token=s3cret" in running.said
        models = f"http://127.0.0.1:{running.address[1]}/api/v1/models"
        with running.client() as client:
            assert client.get(models).status_code == 401
            assert client.get(models, headers={"Authorization": "Bearer s3cret"}).status_code == 200
        running.signal(signal.SIGINT)
        code, out, err = running.end()
        assert (code, out) == (0, "Stopped.\n")
        assert [" 401: " in line for line in err.splitlines()] == [True]


def test_behind_a_proxy_it_says_where_its_page_is_and_answers_by_the_proxys_name() -> None:
    options = ["--trusted-proxy", "127.0.0.0/8", "--allow-host", "Digits.example", "--root-path", "/mnist/"]
    with running_server.process(*options) as running:
        assert f"mnistlab is at {running.url}/mnist/ " in running.said
        headers = {"X-Forwarded-Host": "digits.example", "Origin": "https://digits.example"}
        assert httpx.get(f"{running.url}/mnist/api/v1/models", headers=headers, timeout=LIMIT).status_code == 200


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the workers in /proc")
def test_workers_count_together_and_those_that_are_killed_come_back() -> None:
    with running_server.process("--workers", "2") as running, contextlib.ExitStack() as stack:
        assert running.process is not None
        children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")

        def workers() -> set[int]:
            commands = {
                int(number): Path(f"/proc/{number}/cmdline").read_text() for number in children.read_text().split()
            }
            return {number for number, command in commands.items() if "spawn_main" in command}

        def counted(name: str) -> float:
            with contextlib.suppress(httpx.TransportError):  # while a worker that was killed is not back
                found = re.search(rf"^{name}\S* (\S+)$", httpx.get(f"{running.url}/metrics", timeout=LIMIT).text, re.M)
                return float(found[1]) if found else 0.0
            return -1

        for _ in range(12):  # each on its own connection: some reach one worker, some the other
            httpx.post(f"{running.url}/api/v1/classify", content=bytes(784), timeout=LIMIT).raise_for_status()
        assert counted("mnistlab_images_total") == 12
        held = stack.enter_context(running.connect())
        head = (
            b"POST /api/v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 784\r\nExpect: 100-continue\r\n\r\n"
        )
        held.sendall(head)
        assert held.recv(65536).startswith(b"HTTP/1.1 100 ")
        wait_until(lambda: counted("mnistlab_requests_under_way") == 2)  # this one, and the request that asks
        killed = workers()
        assert len(killed) == 2
        for number in killed:
            os.kill(number, signal.SIGKILL)
        wait_until(lambda: len(workers() - killed) == 2)
        wait_until(lambda: counted("mnistlab_requests_under_way") == 1)
        assert counted("mnistlab_images_total") == 12
        httpx.post(f"{running.url}/api/v1/classify", content=bytes(784), timeout=LIMIT).raise_for_status()
        assert counted("mnistlab_images_total") == 13
        running.signal(signal.SIGTERM)
        assert running.end() == (0, "Stopped.\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the workers in /proc")
def test_workers_end_with_the_process_that_watches_over_them() -> None:
    with running_server.process("--workers", "2") as running:
        assert running.process is not None
        children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
        running.signal(signal.SIGKILL)
        running.process.wait(LIMIT)
        wait_until(lambda: not any(Path(f"/proc/{number}").exists() for number in children))


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run("--port", str(port)) == 2
        assert_one_line(capsys, f"Port {port} is taken", f"--port {port + 1}")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "70000"], ["70000"]),
        (["--workers", "0"], ["--workers", "0"]),
        (["--workers", "two"], ["--workers", "'two'"]),
        (["--host", "no such host"], ["--host", "'no such host'"]),
        (["--host", "192.0.2.7"], ["192.0.2.7"]),
        (["--token", ""], ["token"]),
        (["--token", "two words"], ["token", "space"]),
        (["--allow-host", "https://digits.example"], ["--allow-host", "'https://digits.example'", "https://"]),
        (["--allow-host", "digits.example:443"], ["--allow-host", "'digits.example:443'", "port"]),
        (["--trusted-proxy", "foo"], ["--trusted-proxy", "'foo'", "10.0.0.0/8"]),
        (["--trusted-proxy", "10.0.0.5/8"], ["--trusted-proxy", "'10.0.0.5/8'", "10.0.0.0/8"]),
        (["--root-path", "/foo bar"], ["--root-path", "'/foo bar'", "/digits"]),
        (["--root-path", "//evil.example"], ["--root-path", "'//evil.example'"]),
        (["--root-path", "/api/"], ["/api", "/api/v1/read", "/digits"]),
        (["--model", "nowhere.onnx"], ["nowhere.onnx"]),
        (["--model", "no-such-run"], ["no-such-run"]),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run("--port", "0", "--runs", str(tmp_path), *arguments) == 2
    assert_one_line(capsys, *words)


def test_a_file_that_is_no_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(np.random.default_rng(0).bytes(500))
    assert run("--port", "0", "--model", str(tmp_path / "broken.onnx")) == 2
    assert_one_line(capsys, "broken.onnx", "mnistlab export")


def test_without_the_extra_a_sentence_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *rest: None if name in ("fastapi", "orjson") else find(name, *rest)
    )
    assert run() == 2
    assert_one_line(capsys, "fastapi, orjson", "uv sync --extra serve (or pip install '.[serve]')")
