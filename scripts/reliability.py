"""Kills, damage, edits, hostile files: what this project promises, tried many times over.

    python scripts/reliability.py --tries 20         a small run, minutes
    python scripts/reliability.py                    the whole battery (``make reliability``)
    python scripts/reliability.py kills edits        these parts only

Writes ``results/reliability.md``, which a page of the book shows. Every try is a process of its
own, made by fork, so that a signal is seen; what it leaves is compared bit by bit with what an
undisturbed one leaves. A try that is wrong is printed with what brings it back.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import itertools
import json
import logging
import os
import pickle
import platform
import random
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import edits  # noqa: E402

from modlib.config.addition import AdditionConfig  # noqa: E402
from modlib.config.remainders import RemaindersConfig  # noqa: E402
from modlib.errors import InputError, Refusal  # noqa: E402
from modlib.machine import RESULTS  # noqa: E402
from modlib.models.foreign.load import load_checkpoint  # noqa: E402
from modlib.results.folder import write_folder  # noqa: E402
from modlib.results.sweeps import read_sweep_export  # noqa: E402
from modlib.runs.get_or_train import get_or_train  # noqa: E402
from modlib.runs.search import search  # noqa: E402
from modlib.runs.shards import read_sweep, read_weights  # noqa: E402
from modlib.runs.study import Study  # noqa: E402
from modlib.runs.sweep import sweep  # noqa: E402
from modlib.store.folder import MANIFEST  # noqa: E402
from modlib.store.inventory import holdings, prune, to_prune  # noqa: E402
from modlib.store.runs import Store  # noqa: E402
from modlib.training import resume  # noqa: E402

REPORT = RESULTS / "reliability.md"
LIMIT_S = 120
"""Seconds that a try may take."""
MEMORY = 2 * 2**30
"""Bytes that a hostile file may make a reader ask for."""
OUTCOMES = ("as it was", "refused", "lost", "silent", "traceback", "signal")
GOOD = OUTCOMES[:2]
SWEPT = AdditionConfig(n=7, embed_dim=4, num_neurons=8, epochs=20)
SEARCHED = Study(
    base=RemaindersConfig(p=5, embed_dim=8, heads=2, steps=24),
    space={"lr": (1e-3, 3e-3), "lam": (0.0, 0.5)},
)


# A process of its own


def bits(value: Any) -> Any:
    """What a result holds, as a digest; how long it took and what made it are another matter."""
    if isinstance(value, pd.DataFrame):
        return hashlib.sha256(value.to_csv().encode()).hexdigest(), str(value.dtypes.to_dict())
    if isinstance(value, np.ndarray):
        return hashlib.sha256(value.tobytes()).hexdigest(), value.shape, str(value.dtype)
    if isinstance(value, Mapping):
        return {name: bits(part) for name, part in value.items() if name != "retries"}
    if hasattr(value, "_asdict"):
        return bits(value._asdict())
    if is_dataclass(value):
        left_out = {"manifest", "trained_now", "wall_s"}
        return {
            f.name: bits(getattr(value, f.name)) for f in fields(value) if f.name not in left_out
        }
    if isinstance(value, list | tuple):
        return [bits(part) for part in value]
    return repr(value)


def apart(call: Callable[[], Any], memory: int | None = None) -> tuple[str, Any]:
    """``call`` in a process of its own: ``done`` with its bits, ``refused``, ``traceback`` or
    ``signal`` with what was said."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        signal.alarm(LIMIT_S)
        if memory:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
        try:
            said = ("done", bits(call()))
        except Refusal as refusal:
            said = ("refused" if "\n" not in str(refusal) else "traceback", str(refusal))
        except BaseException as error:
            said = ("traceback", f"{type(error).__name__}: {error}")
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(said, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if not os.WIFEXITED(status) or not told:
        return "signal", str(status)
    outcome: tuple[str, Any] = pickle.loads(told)
    return outcome


class Battery:
    """What became of the tries, part by part."""

    def __init__(self, tries: int, seed: int, work: Path) -> None:
        self.tries, self.seed, self.work = tries, seed, work
        self.counts: dict[tuple[str, str], Counter[str]] = {}

    def note(self, part: str, what: str, outcome: str, how: str = "") -> None:
        """Count one; say what is wrong with it."""
        self.counts.setdefault((part, what), Counter())[outcome] += 1
        if outcome not in GOOD:
            print(f"{part}, {what}: {outcome}: {how}", flush=True)

    def folder(self, name: str) -> Path:
        """An empty folder."""
        path = self.work / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def draws(self, what: str) -> random.Random:
        """Random numbers of a part."""
        return random.Random(f"{self.seed} {what}")


# Kills


def _commands() -> dict[str, Callable[[Path], Any]]:
    """Every long command in small; each may be called again, and reads what it made."""
    quiet = {"progress": False}

    def train(config: Any) -> Callable[[Path], Any]:
        return lambda root: get_or_train(config, seed=5, store=Store(root), device="cpu", **quiet)

    def swept(root: Path) -> Any:
        options = {"keep_weights": True, "device": "cpu", "threads": 1, "shard_size": 2}
        sweep(SWEPT, range(4), store=Store(root), **options, **quiet)
        return read_sweep(Store(root), SWEPT), read_weights(Store(root), SWEPT)

    def searched(root: Path) -> Any:
        found = search(SEARCHED, trials=3, store=Store(root), **quiet)
        return found._replace(trials=found.trials.drop(columns="retries"))

    def exported(root: Path) -> Any:
        found = read_sweep_export("A35")
        assert found is not None
        folder = root / "sweeps" / "A35"
        manifest = json.loads((RESULTS / "sweeps" / "A35" / MANIFEST).read_text())
        content = {k: v for k, v in manifest.items() if k not in ("schema", "files")}
        tables = {f: t for f, t in found._asdict().items() if f != "weights"}
        write_folder(folder, tables, content)
        return read_sweep_export("A35", root)

    families = {f"training, {name}": train(config) for name, config in edits.SMALL.items()}
    return {**families, "sweep": swept, "search": searched, "export": exported}


WRITES = ("replace", "rename", "fsync", "unlink", "mkdir", "rmdir", "chmod")


def _with_writes(call: Callable[[], Any], at: int | None) -> Any:
    """Count the writes of a call, or die by SIGKILL just before one of them."""
    count = 0

    def counting(write: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **options: Any) -> Any:
            nonlocal count
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            return write(*args, **options)

        return counted

    resume.pause_s = lambda took: 0.0  # a state is saved after every epoch or step
    for name in WRITES:
        setattr(os, name, counting(getattr(os, name)))
    call()
    return count


def kills(battery: Battery) -> None:
    """Killed just before each of its writes, or at random; then called again."""
    for name, command in _commands().items():
        draws, root = battery.draws(name), battery.folder("whole")
        command(battery.folder("warm"))  # what is compiled here need not be in each process
        began = time.monotonic()
        said, whole = apart(partial(command, root))
        took = time.monotonic() - began
        assert said == "done", (name, whole)
        counted = partial(_with_writes, partial(command, battery.folder("counted")), None)
        _, writes = apart(counted)
        at = draws.sample(range(int(writes)), min(battery.tries, int(writes)))
        for write in at:
            root = battery.folder("killed")
            apart(partial(_with_writes, partial(command, root), write))
            battery.note("kills", f"{name}, at a write", _again(command, root, whole), f"{write}")
        for _ in range(battery.tries):
            root, wait = battery.folder("killed"), draws.random() * took
            _kill_after(wait, partial(_with_writes, partial(command, root), None))
            battery.note("kills", f"{name}, at random", _again(command, root, whole), f"{wait} s")
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)


def _kill_after(wait: float, call: Callable[[], Any]) -> None:
    child = os.fork()
    if child == 0:
        try:
            call()
        finally:
            os._exit(0)
    time.sleep(wait)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _again(command: Callable[[Path], Any], root: Path, whole: Any) -> str:
    said, found = apart(partial(command, root))
    if said == "done":
        return "as it was" if found == whole else "silent"
    return "lost" if said == "refused" else said


# Damage


def damage(battery: Battery) -> None:
    """A bit flipped, an end cut off, a file emptied or gone, in every kind of folder."""
    for kind in _kinds(battery):
        said, whole = apart(partial(kind.read, _copy(kind, battery)[0]))
        assert said == "done", (kind.name, whole)
        draws = battery.draws(kind.name)
        for _ in range(battery.tries):
            root, folder = _copy(kind, battery)
            files = [MANIFEST, *json.loads((folder / MANIFEST).read_text())["files"]]
            how = _damaged(folder / draws.choice(files), draws)
            said, found = apart(partial(kind.read, root))
            outcome = said
            if said == "done":
                outcome = "as it was" if found == whole else "silent"
            battery.note("damage", kind.name, outcome, f"{how}: {found}")


def _damaged(path: Path, draws: random.Random) -> str:
    content = bytearray(path.read_bytes())
    how = draws.choices(("flip", "cut", "zeros", "gone"), (6, 2, 1, 1))[0]
    at = draws.randrange(len(content))
    if how == "gone":
        path.unlink()
        return f"{path.name} is gone"
    if how == "flip":
        content[at] ^= 1 << draws.randrange(8)
    elif how == "cut":
        del content[at:]
    else:
        content[at:] = bytes(len(content) - at)
    path.write_bytes(content)
    return f"{path.name}, {how} at {at}"


def _kinds(battery: Battery) -> list[edits.Kind]:
    made = battery.work / "kinds"
    return [*edits.kinds_of_results(), *edits.kinds_of_store(made)]


def _copy(kind: edits.Kind, battery: Battery) -> tuple[Path, Path]:
    root = battery.folder("copy") / "results" / kind.folder.parent.name / kind.folder.name
    if kind.root != kind.folder:
        root = battery.folder("copy") / kind.root.name
    shutil.copytree(kind.root, root, dirs_exist_ok=True)
    return root, root / kind.folder.relative_to(kind.root)


def edited(battery: Battery) -> None:
    """Edits whose checksums fit: see ``tests/edits.py``."""
    for kind in _kinds(battery):
        every = list(edits.edits_in(kind.folder))
        for edit in battery.draws(kind.name).sample(every, min(battery.tries * 5, len(every))):
            look = partial(edits.look, kind, edit, battery.work)
            said, seen = apart(lambda look=look: list(look()))
            outcome = seen[0].strip("'") if said == "done" else said
            outcome = "refused" if outcome == "caught" else outcome
            battery.note("edits that fit", kind.name, outcome, f"{edit.file}, {edit.label}")


def swaps(battery: Battery) -> None:
    """A folder put in the place of another seed's, configuration's or preset's."""
    for name, config in edits.SMALL.items():
        other = replace(config, lr=config.lr / 2)
        root = battery.folder("swapped")
        train = partial(get_or_train, store=Store(root), progress=False, device="cpu")
        for one, seed in ((config, 5), (config, 6), (other, 5)):
            train(one, seed=seed)
        place = Store(root).of(config).folder(5)
        for what, source in (
            ("seed", Store(root).of(config).folder(6)),
            ("configuration", Store(root).of(other).folder(5)),
        ):
            shutil.rmtree(place)
            shutil.copytree(source, place)
            said, found = apart(partial(train, config, seed=5))
            outcome = "silent" if said == "done" else said
            battery.note("swaps", f"runs of {name}, another {what}", outcome, str(found))
    names = sorted(path.name for path in (RESULTS / "sweeps").iterdir())
    draws = battery.draws("presets")
    for _ in range(battery.tries):
        one, other = draws.sample(names, 2)
        root = battery.folder("swapped")
        shutil.copytree(RESULTS / "sweeps" / one, root / "sweeps" / other)
        said, found = apart(partial(read_sweep_export, other, root))
        outcome = "silent" if said == "done" else said
        battery.note("swaps", "results of another preset", outcome, f"{one} as {other}: {found}")


# Hostile files


class _Code:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.marker,))


def _hostile(folder: Path) -> Iterator[Path]:
    """Files that run code, unpack to much, or say what is not so."""

    def write(name: str, content: bytes) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    for suffix in ("pt", "pth", "pkl", "bin", "npy", "npz", "ckpt"):
        yield write(f"code.{suffix}", pickle.dumps(_Code(folder / "executed")))
    for size in (2**62, 2**31, 2**20, 0):
        yield write(f"header-{size}.safetensors", struct.pack("<Q", size) + b"{}")
    for shape in ([2**40], [-1], [10**9, 10**9], ["a"], [1.5], 3):
        told = {"W": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}
        header = json.dumps(told).encode()
        content = struct.pack("<Q", len(header)) + header + b"\0" * 4
        yield write(f"shape-{hash(str(shape)) % 10**6}.safetensors", content)
    deep = b"[" * 10**5 + b"]" * 10**5
    yield write("deep.safetensors", struct.pack("<Q", len(deep)) + deep)
    sparse = folder / "sparse.safetensors"
    with sparse.open("wb") as file:
        file.truncate(2**36)
    yield sparse
    header = io.BytesIO()
    told = {"descr": "<f4", "fortran_order": False, "shape": (2**28,)}
    np.lib.format.write_array_header_1_0(header, told)
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("W.npy", "w", force_zip64=True) as member,
    ):
        member.write(header.getvalue())
        for _ in range(2**10):
            member.write(bytes(2**20))
    yield write("bomb.npz", packed.getvalue())
    yield write("bomb.pt", packed.getvalue())
    for number in range(64):
        size = random.Random(number).randrange(1, 4096)
        suffix = ("pt", "safetensors", "npz", "npy")[number % 4]
        yield write(f"noise-{number}.{suffix}", random.Random(number).randbytes(size))


def hostile(battery: Battery) -> None:
    """Checkpoints from strangers, under a limit of memory and time."""
    folder = battery.folder("hostile")
    for path in _hostile(folder):
        said, found = apart(partial(load_checkpoint, path), memory=MEMORY)
        outcome = "silent" if said == "done" else said
        if (folder / "executed").exists():
            outcome, found = "silent", "its code was executed"
            (folder / "executed").unlink()
        battery.note("hostile checkpoints", path.suffix, outcome, f"{path.name}: {found}")


# Places and company


def places(battery: Battery) -> None:
    """Stores in odd places, and without room."""
    config = edits.SMALL["addition"]
    train = partial(get_or_train, config, seed=5, progress=False, device="cpu")
    _, whole = apart(lambda: train(store=Store(battery.folder("whole"))))
    base = battery.folder("places")
    (base / "file").write_text("")
    odd = ("with space", "ümläut 模", "new\nline", "a'b\"c", "$HOME", "-x", "%s", "x" * 200)
    for name in odd:
        said, found = apart(lambda name=name: train(store=Store(base / name)))
        outcome = said if said != "done" else "as it was" if found == whole else "silent"
        battery.note("places", "odd names", outcome, f"{name!r}: {found}")
    wrong = (
        base / "file",
        base / "file/x",
        Path("/proc/x"),
        base / ("y" * 300),
        Path("https://a/b"),
    )
    for path in (*wrong, base / "\udcff", Path("/dev/null")):
        said, found = apart(lambda path=path: train(store=Store(path)))
        outcome = "silent" if said == "done" else said
        battery.note("places", "no folders", outcome, f"{path!r}: {found}")
    for room in (0, 100, 1000, 4000, 10_000):

        def without_room(room: int = room) -> Any:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
            return train(store=Store(battery.folder("full")))

        said, found = apart(without_room)
        outcome = said if said != "done" else "as it was" if found == whole else "silent"
        battery.note("places", "no room for a file", outcome, f"{room} bytes: {found}")


def company(battery: Battery) -> None:
    """Four processes at one sweep, and one that prunes it all the time."""
    quiet = {"progress": False, "device": "cpu", "threads": 1, "shard_size": 1}

    def swept(root: Path) -> Any:
        sweep(SWEPT, range(6), store=Store(root), **quiet)
        return read_sweep(Store(root), SWEPT)

    swept(battery.folder("warm"))
    _, whole = apart(partial(swept, battery.folder("whole")))
    for _ in range(max(1, battery.tries // 5)):
        root = battery.folder("shared")
        (root / "outcomes").mkdir()
        children = []
        for number in range(4):
            child = os.fork()
            if child == 0:
                try:
                    sweep(SWEPT, range(6), store=Store(root), **quiet)
                    said = "done"
                except BaseException as error:
                    said = f"{type(error).__name__}: {error}"
                (root / "outcomes" / str(number)).write_text(said)
                os._exit(0)
            children.append(child)
        while any(os.waitpid(child, os.WNOHANG)[0] == 0 for child in children[:1]):
            try:
                held = {holding.key for holding in holdings(Store(root))}
                for key in held:
                    prune(to_prune(Store(root), key))
            except InputError:
                pass
            time.sleep(0.05)
        for child in children[1:]:
            os.waitpid(child, 0)
        said = {path.read_text() for path in (root / "outcomes").iterdir()}
        outcome = "as it was" if said == {"done"} else "lost"
        battery.note("company", "four processes and a prune", outcome, str(said))
        _, found = apart(partial(swept, root))
        outcome = "as it was" if found == whole else "silent"
        battery.note("company", "what they leave", outcome, str(found))


def same_bits(battery: Battery) -> None:
    """Threads, sizes of shards, positions in them and OMP's threads change nothing."""

    def swept(root: Path, threads: int, size: int, of_torch: int, seeds: range) -> Any:
        torch.set_num_threads(of_torch)
        options = {"threads": threads, "shard_size": size, "progress": False, "device": "cpu"}
        sweep(SWEPT, seeds, store=Store(root), **options)
        return read_sweep(Store(root), SWEPT, range(2, 5))

    swept(battery.folder("warm"), 1, 1, 1, range(2, 5))
    _, whole = apart(partial(swept, battery.folder("whole"), 1, 1, 1, range(2, 5)))
    everywhere = (range(2, 5), range(6), range(1, 5))
    for setting in itertools.product((1, 2, 3), (1, 2, 3, 100), (1, 2), everywhere):
        said, found = apart(partial(swept, battery.folder("same"), *setting))
        outcome = said if said != "done" else "as it was" if found == whole else "silent"
        battery.note("same bits", "threads, shards, positions", outcome, str(setting))


PARTS = {
    "kills": kills,
    "damage": damage,
    "edits": edited,
    "swaps": swaps,
    "hostile": hostile,
    "places": places,
    "company": company,
    "bits": same_bits,
}


# What is said of it


def table(battery: Battery) -> list[str]:
    """The tries in Markdown: a row each of what was done to what."""
    head = "| What is done | To what | Tries | Ends as it was | Refused in a line | Lost | Silent |"
    lines = [f"{head} Traceback or signal |", "|---|---|--:|--:|--:|--:|--:|--:|"]
    total: Counter[str] = Counter()
    for (part, what), counts in battery.counts.items():
        lines.append(_row(part, what, counts))
        total += counts
    return [*lines, _row("**All**", "", total)]


def _row(part: str, what: str, counts: Counter[str]) -> str:
    numbers = [sum(counts.values()), *(counts[outcome] for outcome in OUTCOMES[:4])]
    numbers.append(counts["traceback"] + counts["signal"])
    return f"| {part} | {what} | {' | '.join(f'{number:,}' for number in numbers)} |"


def report(battery: Battery, minutes: float) -> str:
    """The table, with the date and the machine of its figures."""
    cores = len(os.sched_getaffinity(0))
    said = (
        f"Measured on {datetime.now(UTC).date().isoformat()} in {minutes:.0f} minutes, on {cores} "
        f"cores of {processor()}, {platform.system()}, Python {platform.python_version()}, with "
        f"`--tries {battery.tries}`."
    )
    return "\n".join([said, "", *table(battery)]) + "\n"


def processor() -> str:
    """The name of this machine's processor, where the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="these only")
    parser.add_argument("--tries", type=int, default=50, help="of each kind (50)")
    parser.add_argument("--seed", type=int, default=0, help="of the tries that are drawn (0)")
    parser.add_argument("--out", type=Path, default=REPORT, help="where the table goes")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as work:
        battery = Battery(options.tries, options.seed, Path(work))
        for name in options.parts or PARTS:
            PARTS[name](battery)
            minutes = (time.monotonic() - began) / 60
            print(f"{name}: {minutes:.1f} minutes so far", flush=True)
            options.out.write_text(report(battery, minutes))  # what a stopped run has seen
    print(options.out.read_text())
    bad = sum(n for counts in battery.counts.values() for o, n in counts.items() if o not in GOOD)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
