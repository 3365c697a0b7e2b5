"""Nothing is sent anywhere, and nothing is written into the home folder: fresh processes, each with its own empty home."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from mnistlab.dependencies import cache_of_its_own, check_spelling, import_onnxruntime
from mnistlab.errors import Failure
from tests.support import running_server
from tests.support.waiting import LIMIT

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "read.jpg"
WATCHED = """
import sys
looked_up = []
def watch(event, args):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "socket.sendto", "socket.sendmsg"):
        looked_up.append((event, repr(args)))
sys.addaudithook(watch)
{}
assert not looked_up, looked_up
"""
"""Python code that fails where Python looks a host up or connects to one."""
COMMANDS = """
import importlib.util
import json
from mnistlab.cli.app import main
for command in json.loads(sys.argv[1]):
    try:
        main(command)
    except SystemExit as ended:
        assert not ended.code or command[0] == 'doctor', command  # which may find fault with a model of three steps
    if command[0] == 'train':  # and torch.optim's first optimizer imports torch._dynamo, which takes seconds
        assert not {'torch._dynamo', 'torchvision'} & set(sys.modules)
"""


@dataclass
class Home:
    """An empty home and an empty temporary folder, and a trap that catches everything that uses HTTP, including native code."""

    path: Path
    environment: dict[str, str]
    trapped: list[bytes] = field(default_factory=list)

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.parent != self.path)

    def assert_sends_and_leaves_nothing(self, code: str, *arguments: str) -> None:
        """Python code in a process of this home; it succeeds, looks nothing up and leaves nothing behind."""
        command = [sys.executable, "-c", WATCHED.format(code), *arguments]
        done = subprocess.run(command, env=self.environment, cwd=self.path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert self.files() == []
        assert self.trapped == []


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    left_out = ("XDG_", "MPL", "ORT_", "TORCH", "NO_PROXY", "no_proxy")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    places = ("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "TMPDIR", "TEMP", "TMP")
    for place in places:
        folder = tmp_path / "home" / ("temporary" if place.startswith("T") else "user")
        folder.mkdir(parents=True, exist_ok=True)
        environment[place] = str(folder)
    with socket.create_server(("127.0.0.1", 0)) as trap:
        proxy = f"http://127.0.0.1:{trap.getsockname()[1]}"
        for scheme in ("http", "https", "all"):
            environment |= {f"{scheme}_proxy": proxy, f"{scheme}_proxy".upper(): proxy}
        made = Home(tmp_path / "home", environment)

        def take() -> None:
            with contextlib.suppress(OSError):  # the trap is closed
                while True:
                    with trap.accept()[0] as connection:
                        made.trapped.append(connection.recv(1000))

        threading.Thread(target=take, daemon=True).start()
        yield made
        with contextlib.suppress(OSError):
            trap.shutdown(socket.SHUT_RDWR)


def test_the_trap_catches_what_it_is_for(home: Home) -> None:
    code = "import urllib.request; urllib.request.urlopen('http://example.org')"
    with pytest.raises(AssertionError):
        home.assert_sends_and_leaves_nothing(code)
    assert home.trapped[0].startswith(b"GET http://example.org")
    with pytest.raises(AssertionError, match="user/left"):
        home.assert_sends_and_leaves_nothing("from pathlib import Path; (Path.home() / 'left').touch()")


def test_reading_in_python_and_by_the_command_sends_and_leaves_nothing(home: Home) -> None:
    in_python = "from mnistlab import Reader; assert Reader().read(sys.argv[2]).digits"
    home.assert_sends_and_leaves_nothing(in_python + COMMANDS, json.dumps([["read", str(PICTURE)]]), str(PICTURE))


def test_training_and_all_that_uses_a_run_send_and_leave_nothing(home: Home, pictures: Path, tmp_path: Path) -> None:
    runs = ["--runs", str(tmp_path / "runs")]
    train = ["train", "quick", "--dataset", str(pictures), "--steps", "3", "--batch-size", "16", "--elastic", "1"]
    train += ["--rotate", "10", "--averaging", "0.9"]
    commands = [train, ["evaluate"], ["doctor", "latest"], ["export", "latest"]]
    home.assert_sends_and_leaves_nothing(COMMANDS, json.dumps([[*command, *runs] for command in commands]))
    (run,) = (tmp_path / "runs").iterdir()
    assert {"training.png", "model.onnx"} <= {path.name for path in run.iterdir()}


def test_serving_sends_and_leaves_nothing(home: Home) -> None:
    with running_server.process(environment=home.environment) as running:
        assert httpx.post(f"{running.url}/api/v1/read", content=PICTURE.read_bytes(), timeout=LIMIT).json()["text"]
    assert home.files() == []
    assert home.trapped == []


@pytest.mark.slow
def test_serving_for_longer_sends_nothing(home: Home) -> None:
    """onnxruntime's telemetry, if it is on, sends for the first time after 10 seconds."""
    with running_server.process(environment=home.environment) as running:
        httpx.post(f"{running.url}/api/v1/read", content=PICTURE.read_bytes(), timeout=LIMIT)
        time.sleep(30)
    assert home.trapped == []


def test_matplotlib_draws_with_its_own_fonts_and_leaves_the_environment_as_it_was(home: Home) -> None:
    home.assert_sends_and_leaves_nothing(
        "import os; from mnistlab.dependencies import import_matplotlib; before = dict(os.environ); import_matplotlib();"
        "assert os.environ == before; from matplotlib import font_manager, pyplot;"
        "assert 'DejaVu Sans' in {font.name for font in font_manager.fontManager.ttflist};"
        "pyplot.figure().savefig(os.devnull, format='png')"
    )


def test_matplotlib_says_nothing_of_a_font_cache_however_long_its_list_takes(home: Home) -> None:
    """matplotlib logs it after 5 seconds; here immediately, and its font manager's other messages are shown."""
    home.assert_sends_and_leaves_nothing(
        "import contextlib, io, logging, threading\n"
        "from mnistlab.dependencies import import_matplotlib\n"
        "class AtOnce(threading.Timer):\n"
        "    def start(self): self.function()\n"
        "threading.Timer = AtOnce\n"
        "screen = io.StringIO()\n"
        "with contextlib.redirect_stderr(screen):\n"
        "    import_matplotlib()\n"
        "    logging.getLogger('matplotlib.font_manager').warning('another')\n"
        "assert screen.getvalue() == 'another\\n', screen.getvalue()"
    )


def test_a_cache_that_the_user_has_named_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("A_CACHE", str(tmp_path))
    with cache_of_its_own("A_CACHE"):
        assert os.environ["A_CACHE"] == str(tmp_path)
    assert os.environ["A_CACHE"] == str(tmp_path)


def test_a_cache_of_its_own_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with cache_of_its_own("A_CACHE"):
        assert Path(os.environ["A_CACHE"]).parent == tmp_path
        (Path(os.environ["A_CACHE"]) / "file").touch()
    assert "A_CACHE" not in os.environ
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with cache_of_its_own("A_CACHE"):
        assert "A_CACHE" not in os.environ


def test_onnxruntime_and_parts_of_it_come_without_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    assert import_onnxruntime().__name__ == "onnxruntime"
    assert import_onnxruntime("quantization").__name__ == "onnxruntime.quantization"
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"


@pytest.mark.skipif(os.name != "posix", reason="names of files are bytes on POSIX")
def test_a_torch_whose_folder_the_locale_cannot_spell_is_one_line(tmp_path: Path) -> None:
    """It cannot be imported there; commands that do without it do their work."""
    spec = importlib.util.find_spec("torch")
    assert spec is not None
    (tmp_path / "Łódź").mkdir()
    for name in ("torch", "torchgen", "functorch"):
        (tmp_path / "Łódź" / name).symlink_to(Path(str(spec.origin)).parent.with_name(name))
    environment = {
        **os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(tmp_path / "Łódź"),
    }  # fmt: skip
    code = "import sys; from mnistlab.cli.app import main; main(sys.argv[1:])"
    for command, ends_with in ((["train", "quick"], 1), (["doctor"], 1), (["runs"], 0)):
        done = subprocess.run(
            [sys.executable, "-c", code, *command], env=environment, cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == ends_with, done.stderr
        if ends_with:
            assert done.stderr.startswith(b"error: PyTorch needs the name of "), done.stderr
            assert done.stderr.endswith(b" Set PYTHONUTF8=1 in the environment and start the program again.\n")
            assert done.stderr.count(b"\n") == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"Łódź", "data"}


def test_a_folder_that_is_not_named_in_utf8_is_to_be_renamed() -> None:
    with pytest.raises(Failure) as caught:
        check_spelling(os.fsdecode(b"caf\xe9/torch.py"))
    assert caught.value.remedy == "Give the folder a name in UTF-8."
