"""Shards on other processes: killed workers lose nothing, what cannot work is said in one line."""

from __future__ import annotations

import os
import pickle
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from modlib.cli.main import main
from modlib.config.addition import AdditionConfig
from modlib.errors import ClusterError, InputError
from modlib.runs import dask_workers as cluster
from modlib.runs import sweep as sweep_module
from modlib.runs.sweep import sweep
from modlib.store.runs import Store
from modlib.store.shards import shards_on
from tried import ports
from tried.battery import Battery

SMALL = AdditionConfig(n=23, num_neurons=32, embed_dim=8, epochs=60)
SEEDS = range(1000, 1040)
COMMAND = (
    *("sweep", "--n", "23", "--num-neurons", "32", "--embed-dim", "8", "--epochs", "60"),
    *("--num-seeds", "40", "--shard-size", "10", "--device", "cpu"),
)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.parquet")}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("whole")
    sweep(SMALL, SEEDS, store=Store(root), shard_size=10, device="cpu", progress=False)
    return root


@contextmanager
def python(*words: str, store: Path) -> Iterator[subprocess.Popen[str]]:
    """A Python of its own, which is killed with all that it started."""
    environment = {**os.environ, "MODLIB_STORE": str(store), "DASK_LOGGING__DISTRIBUTED": "error"}
    with subprocess.Popen(
        [sys.executable, *words],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        children = []
        try:
            yield process
            children = psutil.Process(process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            pass
        finally:
            for child in children:
                child.kill()
            process.kill()


def num_kept(root: Path) -> int:
    """Networks that are finished, in shards and before."""
    waiting = sum(1 for path in root.rglob(".finished/*") if any(path.iterdir()))
    return waiting + sum(map(len, shards_on(Store(root).of(SMALL))))


def kill_a_worker(process: subprocess.Popen[str], choice: random.Random) -> None:
    workers = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if "spawn_main" in " ".join(child.cmdline())
    ]
    choice.choice(workers).kill()


def test_workers_are_killed_and_the_tables_are_the_same(tmp_path, uninterrupted):
    choice = random.Random(1)
    with python("-m", "modlib", *COMMAND, "--workers", "2", store=tmp_path) as process:
        for _ in range(3):
            before = num_kept(tmp_path)
            deadline = time.monotonic() + 120
            while num_kept(tmp_path) < before + 3:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            kill_a_worker(process, choice)
        said, _ = process.communicate(timeout=240)
        assert process.returncode == 0
    assert said.startswith("4 shards, 40 networks, ")
    assert contents(tmp_path) == contents(uninterrupted)


def test_nobody_else_speaks_to_workers_of_this_machine(tmp_path):
    battery = Battery(1, 0, tmp_path)
    ports.workers(battery)
    assert battery.wrong == []
    tried = {what: counts.total() for (_, what), counts in battery.counts.items()}
    assert tried["workers: an intruder"] == 9
    assert tried["workers: on this machine alone"] >= 3


def test_a_scheduler_with_credentials_takes_their_files(tmp_path):
    from distributed import Security

    made = Security.temporary()
    files = {"ca": made.tls_ca_file, "cert": made.tls_client_cert, "key": made.tls_client_key}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    script = tmp_path / "scheduler.py"
    paths = {name: str(tmp_path / name) for name in files}
    script.write_text(
        SCHEDULER.replace(
            "dashboard_address=None",
            "dashboard_address=None, protocol='tls://', security=distributed.Security("
            f"tls_ca_file={paths['ca']!r}, require_encryption=True, "
            + ", ".join(
                f"tls_{who}_cert={paths['cert']!r}, tls_{who}_key={paths['key']!r}"
                for who in ("client", "scheduler", "worker")
            )
            + ")",
        )
    )
    with python(str(script), store=tmp_path) as process:
        address = process.stdout.readline().strip()
        given = tuple(paths[name] for name in ("ca", "cert", "key"))
        with cluster.connected(None, address, "cpu", given) as client:
            assert list(cluster.completed(client, abs, [-3])) == [(-3, 3)]
        with (
            pytest.raises(InputError, match="scheduler must be the address of a scheduler"),
            cluster.connected(None, address, "cpu"),
        ):
            pass
    for bad in (("nowhere", *given[1:]), (str(script), *given[1:])):
        with (
            pytest.raises(InputError, match="tls must be"),
            cluster.connected(None, address, "cpu", bad),
        ):
            pass


SCHEDULER = """
import sys, distributed
if __name__ == "__main__":
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as own:
        print(own.scheduler_address, flush=True)
        sys.stdin.read()
"""


def test_a_scheduler_s_workers_compute_the_shards(tmp_path, uninterrupted, monkeypatch):
    script = tmp_path / "scheduler.py"
    script.write_text(SCHEDULER)
    monkeypatch.setenv("MODLIB_STORE", str(tmp_path / "store"))
    with python(str(script), store=tmp_path / "elsewhere") as process:
        address = process.stdout.readline().strip()
        done = CliRunner().invoke(main, [*COMMAND, "--scheduler", address])
        assert done.exit_code == 0, done.output
        assert contents(tmp_path / "store") == contents(uninterrupted)
        assert not (tmp_path / "elsewhere").exists(), "the caller's store, not the worker's"


def test_workers_with_a_store_of_their_own_are_found_out(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep_module, "connected", lambda *words: nullcontext(object()))
    monkeypatch.setattr(
        sweep_module,
        "completed",
        lambda client, call, shards: [(shard, (shard.start, shard.stop)) for shard in shards],
    )
    with pytest.raises(ClusterError, match=r"finished seeds 1000 to 1009, but .* lacks them"):
        sweep(SMALL, SEEDS, store=Store(tmp_path), shard_size=10, workers=1, progress=False)


def test_a_refusal_comes_back_from_a_worker_as_it_was():
    refused = InputError("device", "be present", "cuda")
    assert str(pickle.loads(pickle.dumps(refused))) == str(refused)


class Cancelled:
    """A client whose scheduler is gone."""

    cluster = None

    def map(self, call, arguments, pure):
        return [object() for _ in arguments]


def test_a_scheduler_that_goes_away_is_said_in_one_line(monkeypatch):
    import distributed

    def gone(*args, **options):
        raise distributed.client.FutureCancelledError("key", "connection lost")

    monkeypatch.setattr(distributed, "wait", gone)
    with pytest.raises(ClusterError, match="the scheduler is gone; what is finished stands in"):
        list(cluster.completed(Cancelled(), str, [1, 2]))


def test_a_shard_that_kills_every_worker_is_given_up(monkeypatch):
    import distributed

    def killed(*args, **options):
        raise distributed.KilledWorker("key", None, 100)

    monkeypatch.setattr(distributed, "wait", killed)
    with pytest.raises(ClusterError, match="killed its worker again and again"):
        list(cluster.completed(Cancelled(), str, [1]))


@contextmanager
def answering(words: bytes) -> Iterator[str]:
    """A service that is no scheduler: it says these words to whoever calls."""
    with socket.create_server(("127.0.0.1", 0)) as service:
        if words:
            code = (
                "import socket, sys\n"
                "service = socket.socket(fileno=int(sys.argv[1]))\n"
                f"while True: service.accept()[0].sendall({words!r})"
            )
            number = service.fileno()
            with subprocess.Popen(
                [sys.executable, "-c", code, str(number)], pass_fds=[number]
            ) as process:
                yield f"tcp://127.0.0.1:{service.getsockname()[1]}"
                process.kill()
        else:
            yield f"tcp://127.0.0.1:{service.getsockname()[1]}"


def refusal(store: Path, *words: str) -> str:
    done = CliRunner().invoke(main, [*COMMAND, *words], env={"MODLIB_STORE": str(store)})
    assert done.exit_code == 2, done.output
    assert done.stderr.count("\n") == 1
    assert not any(store.rglob("*.parquet"))
    return done.stderr


@pytest.mark.parametrize("words", [b"", b"HTTP/1.0 400 Bad Request\r\n\r\n" * 9])
@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_does_not_answer_is_refused_in_one_line(tmp_path, monkeypatch, words):
    monkeypatch.setattr(cluster, "ANSWER_S", 1)
    with answering(words) as address:
        assert refusal(tmp_path, "--scheduler", address) == (
            "modlib: scheduler must be the address of a scheduler that answers within 1 s, "
            f"as tcp://host:8786, got {address!r}\n"
        )


@pytest.mark.parametrize("address", ["nonsense", "xyz://host:1", "tcp://127.0.0.1:1", ""])
def test_an_address_of_no_scheduler_is_refused_in_one_line(tmp_path, monkeypatch, address):
    monkeypatch.setattr(cluster, "ANSWER_S", 1)
    said = refusal(tmp_path, "--scheduler", address)
    assert said.endswith(f"as tcp://host:8786, got {address!r}\n")


@pytest.mark.parametrize("words", [("--workers", "2"), ("--scheduler", "tcp://127.0.0.1:1")])
def test_without_the_extra_it_is_named(tmp_path, monkeypatch, words):
    monkeypatch.setitem(sys.modules, "distributed", None)
    said = refusal(tmp_path, *words)
    assert said.startswith(f"modlib: {words[0][2:]} must be left out where dask.distributed is")
    assert "pip install -e '.[cluster]'" in said


@pytest.mark.parametrize("count", ["x", "1.5"])
def test_what_is_no_number_of_workers_is_refused(tmp_path, count):
    assert refusal(tmp_path, "--workers", count).startswith(
        "modlib: workers must be an integer, got"
    )


@pytest.mark.parametrize("count", ["0", "-1", "5000"])
def test_a_number_of_workers_out_of_range_is_refused(tmp_path, count):
    assert refusal(tmp_path, "--workers", count).startswith(
        "modlib: workers must be an integer at least 1 and at most 4096, got "
    )


def test_there_are_no_more_workers_than_gpus(monkeypatch):
    monkeypatch.setattr(cluster.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(cluster.torch.cuda, "device_count", lambda: 2)
    with (
        pytest.raises(InputError, match="workers must be at most 2, one a GPU, got 3"),
        cluster.connected(3, None, "auto"),
    ):
        pass


@pytest.mark.parametrize(
    ("device", "count", "name", "own"),
    [
        ("auto", 0, 3, "auto"),
        ("cuda", 1, 3, "cuda"),
        ("cuda", 4, 6, "cuda:2"),
        ("auto", 2, 1, "cuda:1"),
        ("cuda:0", 2, 1, "cuda:0"),
        ("cuda", 2, "tcp://host:1", "cuda"),
        ("cpu", 2, 1, "cpu"),
    ],
)
def test_each_worker_takes_a_gpu_of_its_own(monkeypatch, device, count, name, own):
    import distributed

    class Worker:
        pass

    worker = Worker()
    worker.name = name
    monkeypatch.setattr(distributed, "get_worker", lambda: worker)
    monkeypatch.setattr(cluster.torch.cuda, "device_count", lambda: count)
    assert cluster.own_device(device) == own
