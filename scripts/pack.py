"""Tables and states of trainings as files of a bounded size, and back.

python scripts/pack.py FOLDER --results TABLES --store STORE [--than TABLES] [--files N] [--bytes N]
python scripts/pack.py FOLDER --results TABLES --store STORE --unpack

One archive, ``job.tar.00`` and so on: ``results/``, the folders of tables that ``--than`` does not
hold as they are, and ``store/``, the networks that no table has: states of trainings under way,
the last first, and whole runs. What does not fit is named on standard output. Unpacked, a folder
that is there already is left alone. It needs nothing but Python.
"""

from __future__ import annotations

import argparse
import io
import json
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

MANIFEST = "MANIFEST.json"
PART = "job.tar.{:02d}"
BLOCK = 512
"""Bytes of a header in an archive, to whose multiples files are filled up."""
END = 20 * BLOCK
"""To whose multiples the archive is filled up."""


def size_in_archive(folder: Path) -> int:
    """Bytes that a folder takes in an archive: it and its files, names below 100 letters."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sum(BLOCK + -(-path.stat().st_size // BLOCK) * BLOCK for path in files)


def tables(results: Path, than: Path | None) -> list[Path]:
    """Folders of tables, less those that ``than`` holds with the same manifest."""
    found = sorted(manifest.parent for manifest in results.rglob(MANIFEST))
    return [
        folder
        for folder in found
        if not any(part.startswith(".") for part in folder.relative_to(results).parts)
        and (than is None or not same(folder, than / folder.relative_to(results)))
    ]


def same(folder: Path, other: Path) -> bool:
    """Whether two folders have the same manifest."""
    paths = folder / MANIFEST, other / MANIFEST
    return all(path.is_file() for path in paths) and len({p.read_bytes() for p in paths}) == 1


def states(store: Path, results: Path) -> list[Path]:
    """States under way, the last saved first, then runs that no table of theirs holds."""
    partial = [path.parent for path in store.glob(f"*/*/.seed-*.partial/{MANIFEST}")]
    partial.sort(key=lambda folder: -(folder / MANIFEST).stat().st_mtime)
    committed = {
        (key, seed) for manifest in results.rglob(MANIFEST) for key, seed in seeds_of(manifest)
    }
    runs = [path.parent for path in sorted(store.glob(f"*/*/seed-*/{MANIFEST}"))]
    return partial + [
        run for run in runs if (run.parent.name, int(run.name.split("-")[1])) not in committed
    ]


def seeds_of(manifest: Path) -> Iterator[tuple[str, int]]:
    """Key of the configuration and seed of every network that a folder of tables holds."""
    try:
        said = json.loads(manifest.read_text(encoding="utf-8"))
        keys = [said["key"]] if "key" in said else list(said["keys"].values())
        first, last = said["seeds"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    for key in keys:
        for seed in range(first, last + 1):
            yield key, seed


def fill(sizes: dict[Path, int], room: int) -> tuple[list[Path], list[Path]]:
    """Those that fit into the room, one after another, and those that do not."""
    taken, left = [], []
    for folder, size in sizes.items():
        (taken if size <= room else left).append(folder)
        room -= size if size <= room else 0
    return taken, left


def pack(
    target: Path,
    results: Path,
    store: Path,
    *,
    than: Path | None = None,
    num_files: int = 7,
    num_bytes: int = 16_000_000,
) -> list[Path]:
    """Write the parts; returns the folders that were left out."""
    sources = {
        folder: Path("results") / folder.relative_to(results) for folder in tables(results, than)
    }
    sources |= {
        folder: Path("store") / folder.relative_to(store) for folder in states(store, results)
    }
    sizes = {folder: size_in_archive(folder) for folder in sources}
    taken, left = fill(sizes, num_files * num_bytes - END - 2 * BLOCK)
    with tempfile.TemporaryFile() as whole:
        with tarfile.open(fileobj=whole, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for folder in taken:
                for path in sorted(folder.rglob("*")):
                    if path.is_file():
                        archive.add(path, sources[folder] / path.relative_to(folder))
        whole.seek(0)
        for number in range(num_files if taken else 0):
            if content := whole.read(num_bytes):
                (target / PART.format(number)).write_bytes(content)
    return left


def unpack(source: Path, results: Path, store: Path) -> None:
    """Put what ``pack`` wrote in its place; folders that are there already stay as they are."""
    content = b"".join(path.read_bytes() for path in sorted(source.glob("job.tar.*")))
    if not content:
        return
    places = {"results": results, "store": store}
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(scratch, filter="data")
        for name, place in places.items():
            for manifest in sorted((Path(scratch) / name).rglob(MANIFEST)):
                folder = place / manifest.parent.relative_to(Path(scratch) / name)
                if not folder.exists():
                    folder.parent.mkdir(parents=True, exist_ok=True)
                    _move(manifest.parent, folder)


def _move(source: Path, target: Path) -> None:
    """Move a folder of files, across file systems too; its manifest last."""
    target.mkdir()
    for path in sorted(source.iterdir(), key=lambda path: path.name == MANIFEST):
        (target / path.name).write_bytes(path.read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the archive's parts lie")
    parser.add_argument("--results", type=Path, required=True, help="folder of tables")
    parser.add_argument("--store", type=Path, required=True, help="store of runs")
    parser.add_argument("--than", type=Path, help="tables that need not be packed again")
    parser.add_argument("--files", type=int, default=7, help="at most so many (default 7)")
    parser.add_argument("--bytes", type=int, default=16_000_000, help="at most, of each")
    parser.add_argument("--unpack", action="store_true", help="the way back")
    options = parser.parse_args()
    if options.files < 1 or options.bytes < END:
        parser.error(f"--files must be at least 1, --bytes at least {END}")
    if options.unpack:
        unpack(options.folder, options.results, options.store)
        return
    left = pack(
        options.folder,
        options.results,
        options.store,
        than=options.than,
        num_files=options.files,
        num_bytes=options.bytes,
    )
    for folder in left:
        print(f"left out, no room: {folder}, {size_in_archive(folder) / 1e6:.1f} MB")
    print(f"{len(list(options.folder.glob('job.tar.*')))} files of tables and states")


if __name__ == "__main__":
    main()
