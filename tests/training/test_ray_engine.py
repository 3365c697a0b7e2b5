"""A sweep on a real Ray of this computer: two cores, 100 MB of shared memory, 127.0.0.1 only."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from math import nan
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mnistlab import dependencies
from mnistlab.errors import Failure, MnistlabError, StorageFailure, UserError
from mnistlab.recipes.grid import grid
from mnistlab.runs.run import Run
from mnistlab.runs.store import list_runs
from mnistlab.training import cluster, ray_engine
from mnistlab.training.display import Silent
from mnistlab.training.ray_engine import RayEngine, outcome_from, there
from mnistlab.training.sweep import Outcome, Sweep, Trial, outcome_of, sweep
from tests.support.comparing import same, weights
from tests.support.processes import descendants, of_ray
from tests.support.waiting import wait_until
from tests.training.small import RECIPE
from tests.training.test_sweep import Noted, finished_runs, plan_of

pytestmark = pytest.mark.usefixtures("no_drawing")

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None and not os.environ.get("MNISTLAB_NEEDS_RAY"),
    reason="needs Ray: uv sync --group scale",
)


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "cores_here", lambda: 2)


class Told(Noted):
    """Records where processes listen while trials run."""

    def __init__(self) -> None:
        super().__init__()
        self.listening: set[str] = set()

    def end(self, trial: Trial, outcome: Outcome) -> None:
        super().end(trial, outcome)
        self.listening |= listening_addresses()
        cluster.check_answer(sys.modules["ray"].get_runtime_context().gcs_address)


def listening_addresses() -> set[str]:
    """The addresses that processes below this one listen at, in hexadecimal as Linux has them."""
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    listening = {row[9]: row[1].partition(":")[0] for row in rows if row[3] == "0A"}  # by inode
    own = {str(pid) for pid in descendants(os.getpid())}
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        if link.parts[2] in own and (inode := inode_of(link)) in listening:
            found.add(listening[inode])
    return found


def inode_of(link: Path) -> str:
    try:
        return str(link.readlink()).removeprefix("socket:[").removesuffix("]")
    except OSError:
        return ""


def dies_once(plan: Sweep, trial: Trial) -> Outcome | MnistlabError:
    """Like `there`, but the first process that has finished an epoch is killed."""

    class Dies(Silent):
        def epoch(self, row: Mapping[str, Any]) -> None:
            try:
                (plan.runs_dir / "died").touch(exist_ok=False)
            except FileExistsError:
                return
            os.kill(os.getpid(), signal.SIGKILL)

    return outcome_of(plan, trial, Dies())


@needs_ray
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_gives_what_one_after_the_other_gives_though_a_process_is_killed(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = descendants(os.getpid())
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    settings = grid([RECIPE.override(batch_norm=False)], {"learning_rate": [0.05, 100.0]})
    plain = sweep(plan_of(pictures, tmp_path / "plain", settings, cores=1), Noted())
    monkeypatch.setattr(ray_engine, "there", dies_once)
    told = Told()

    outcomes = sweep(plan_of(pictures, tmp_path / "ray", settings, cores=1), told, RayEngine())

    assert (tmp_path / "ray" / "died").exists()
    assert [isinstance(outcome, Run) for outcome in outcomes.values()] == [True, False, True, False]
    for own, other in zip(outcomes.values(), plain.values(), strict=True):
        if isinstance(own, Run) and isinstance(other, Run):
            assert same(weights(own), weights(other))
            assert own.validation == other.validation
        else:  # a loss that is not a number
            assert isinstance(own, Failure)
            assert isinstance(other, Failure)
            assert own.key == other.key
    assert len(list(list_runs(tmp_path / "ray"))) == len(outcomes)  # what was killed went on in its own folder
    assert told.listening
    assert told.listening <= {"0100007F", "0000000000000000FFFF00000100007F"}  # 127.0.0.1, also in IPv6's spelling
    assert descendants(os.getpid()) - before == set()
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    assert list(home.iterdir()) == []


@needs_ray
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_driver_that_is_killed_takes_its_trainings_along_and_loses_no_finished_one(
    pictures: Path, tmp_path: Path
) -> None:
    fields = ("epochs=4", "batch_size=16", "kernel_size=3", "hidden=0", "widths=4", "precision=fp32")
    sets = [word for field in fields for word in ("--set", field)]
    given = ["--dataset", str(pictures), "--seeds", "4", "--cores", "1", "--runs", str(tmp_path), "--engine", "ray"]
    command = [sys.executable, "-m", "mnistlab", "sweep", "two-conv", *sets, *given]
    below = set[int]()

    def done() -> dict[str, int]:
        files = list(tmp_path.glob("*/val.json"))
        return {path.parent.name: path.with_name("model.pth").stat().st_mtime_ns for path in files}

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # for what Ray leaves when it is killed
        given_folder = {**os.environ, "TMPDIR": folder}
        driver = subprocess.Popen(command, env=given_folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: driver.poll() is not None or done())
            below = descendants(driver.pid)
            first = done()
        finally:
            driver.kill()
            driver.wait()
        wait_until(lambda: not any(map(of_ray, below)))
    then = done()
    assert then.items() >= first.items() > set()

    noted = Noted()
    plan = plan_of(pictures, tmp_path, grid([RECIPE.override(epochs=4)], {}), seeds=4, cores=1)
    assert len(finished_runs(sweep(plan, noted))) == 4
    assert len(noted.begun) == 4 - len(then)
    assert done().items() >= then.items()


# without a cluster


def test_places_are_those_of_machines_that_have_room_for_all_that_a_trial_takes() -> None:
    class OfMachines:
        def __init__(self, *machines: tuple[bool, dict[str, float]]) -> None:
            self.machines = machines

        def nodes(self) -> list[dict[str, Any]]:
            return [{"Alive": alive, "Resources": have} for alive, have in self.machines]

    two = OfMachines((True, {"CPU": 8.0, "GPU": 2.0}), (True, {"CPU": 3.0}), (False, {"CPU": 64.0}))
    assert RayEngine().places(two, 2) == 5
    assert RayEngine(gpus=0.25).places(two, 1) == 8
    assert RayEngine(gpus=0.25).places(two, 4) == 2  # its cores are fewer than its quarters
    assert RayEngine(gpus=0.4).places(two, 1) == 4  # two on each of two
    assert RayEngine(gpus=2).places(two, 1) == 1
    for gpus, words in (
        (-0.5, "Number of GPUs -0.5 is out of range"),
        (1.5, "1.5 GPUs per training run"),
        (nan, "nan"),
    ):
        with pytest.raises(UserError, match=words):
            RayEngine(gpus=gpus)
    with pytest.raises(UserError, match=r"takes 4 cores and 3 GPUs on one machine. .*: 8 cores and 2 GPUs"):
        RayEngine(gpus=3).places(two, 4)


def test_with_nothing_to_do_no_cluster_is_started(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(pictures, tmp_path, seeds=1)
    sweep(plan, Noted())
    monkeypatch.setattr(ray_engine, "cluster", None)
    assert len(finished_runs(sweep(plan, Noted(), RayEngine()))) == 2


def test_what_ends_a_sweep_comes_back_from_there_and_what_ray_can_mend_is_raised(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(pictures, tmp_path)
    full = StorageFailure("files.disk_full", path=tmp_path)
    for error, comes_back in ((full, True), (UserError("data.unknown"), True), (OSError("of the network"), False)):

        def ends(*_: Any, error: Exception = error) -> Outcome:
            raise error

        monkeypatch.setattr(ray_engine, "outcome_of", ends)
        if comes_back:
            assert there(plan, plan.trials[0]) is error
        else:
            with pytest.raises(OSError, match="of the network"):
                there(plan, plan.trials[0])


def test_a_run_that_a_dying_try_still_holds_is_waited_for(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(pictures, tmp_path)
    tries = iter([UserError("runs.locked", folder=tmp_path), UserError("runs.locked", folder=tmp_path), None])
    monkeypatch.setattr(ray_engine.time, "sleep", lambda seconds: None)

    def locked_at_first(*_: Any) -> Outcome:
        if error := next(tries):
            raise error
        return Failure("cli.out_of_memory")

    monkeypatch.setattr(ray_engine, "outcome_of", locked_at_first)
    assert isinstance(there(plan, plan.trials[0]), Failure)
    monkeypatch.setattr(ray_engine, "LOCKED_FOR", -1.0)
    tries = iter([UserError("runs.locked", folder=tmp_path)])
    assert isinstance(there(plan, plan.trials[0]), UserError)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start a server that sends these bytes to each client, or nothing for None. Returns its port."""
    monkeypatch.setattr(cluster, "import_ray", lambda **_: None)
    servers: list[socket.socket] = []
    connections: list[socket.socket] = []

    def serve(server: socket.socket, answer: bytes | None) -> None:
        with server:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            connections.append(connection)
            if answer is not None:
                connection.recv(100)
                connection.sendall(answer)
                connection.close()

    def make(answer: bytes | None) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        threading.Thread(target=serve, args=(server, answer), daemon=True).start()
        return int(server.getsockname()[1])

    yield make
    for each in (*servers, *connections):
        each.close()


@pytest.mark.parametrize("scheme", ["", "ray://"])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "no answer within 10 seconds"),
        (b"HTTP/1.1 400 Bad Request\r\n", "other than Ray"),
        (b"", "other than Ray"),
    ],
    ids=["silent", "a web server", "closed"],
)
def test_an_address_where_no_ray_answers_is_named(
    answer: bytes | None, words: str, scheme: str, answering: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cluster.ANSWERS_WITHIN == 10
    monkeypatch.setattr(cluster, "ANSWERS_WITHIN", 0.2 if answer is None else 60)
    address = f"{scheme}127.0.0.1:{answering(answer)}"
    with pytest.raises(UserError, match=words) as caught, cluster.cluster(address):
        pass
    assert f"No Ray cluster can be reached at '{address}': " in str(caught.value)
    assert "Make sure that --address" in caught.value.for_command_line()


@pytest.mark.parametrize("address", ["somewhere", "ray://somewhere", "a:b", ":6379", "http://", "1.2.3.4:99999999"])
def test_what_is_no_address_is_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "import_ray", lambda **_: None)
    with pytest.raises(UserError, match="is not the address of a Ray cluster") as caught, cluster.cluster(address):
        pass
    assert address in str(caught.value)


def test_an_address_that_refuses_is_named(answering: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with (
        pytest.raises(UserError, match=rf"'127\.0\.0\.1:{port}': Connection refused") as caught,
        cluster.cluster(f"127.0.0.1:{port}"),
    ):
        pass
    assert "la connexion est refusée" in caught.value.for_command_line("fr")


def test_a_trial_that_died_says_why() -> None:
    class Lost(Exception):  # noqa: N818 - as Ray's own: str begins with the traceback, and `cause` is the trial's error
        cause: Exception | None = None

    def ends(error: Exception) -> Outcome:
        def get(_: Any) -> Any:
            raise error

        return outcome_from(SimpleNamespace(get=get, exceptions=SimpleNamespace(RayError=Lost)), None)

    lost = Lost("ray::there() (pid=7)\n  File ...\nKeyError: 'x'")
    lost.cause = OSError("the disk is gone\nand more")
    assert "in each of 4 attempts: OSError: the disk is gone." in str(ends(lost))
    assert "in each of 4 attempts: The worker died." in str(ends(Lost("The worker died.\nCheck the logs.")))


def test_what_speaks_as_ray_does_is_left_to_ray(answering: Any) -> None:
    cluster.check_answer(f"127.0.0.1:{answering(bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))}")


def test_without_ray_the_install_line_is_given(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "find_missing", lambda packages: ["ray"] if "ray" in packages else [])
    with pytest.raises(UserError, match="not installed: ray") as caught:
        sweep(plan_of(pictures, tmp_path, seeds=1), Noted(), RayEngine())
    assert "uv sync --extra scale" in str(caught.value)
    assert list(tmp_path.iterdir()) == []
