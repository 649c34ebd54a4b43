"""A folder is replaced whole: whenever the writer is killed, a reader finds the old or the new."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from modlib.errors import StoreError
from modlib.store.replacing import found, replacing

PROGRAM = """
import json, os, sys
from pathlib import Path
from modlib.store.replacing import found, replacing

folder, count, last = Path(sys.argv[1]), 0, 0
CHANGES = {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "shutil.rmtree"}

def killed(event, words):
    # Dies before the change of the file system with this number, and runs nothing on the way out.
    global count
    written = event == "open" and isinstance(words[1], str) and "w" in words[1]
    if last and (event in CHANGES or written) and str(folder.parent) in str(words[0]):
        count += 1
        if count == last:
            os._exit(9)

def write(text):
    with replacing(folder) as work:
        for name in ("one", "two"):
            (work / name).write_text(text)

sys.addaudithook(killed)
write("old")
seen, status = [], 9
for moment in range(1, 100):
    child = os.fork()
    if not child:
        last = moment
        write("new")
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    after_kill = [path.read_text() for path in sorted(found(folder).iterdir())]
    if status == 0:
        break
    write("old")
    seen.append([status, after_kill, [path.name for path in folder.parent.iterdir()]])
print(json.dumps(seen))
"""


def write(folder: Path, text: str) -> None:
    with replacing(folder) as work:
        for name in ("one", "two"):
            (work / name).write_text(text)


def content(folder: Path) -> list[str]:
    return [path.read_text() for path in sorted(found(folder).iterdir())]


def test_a_kill_at_any_change_leaves_the_old_or_the_new(tmp_path):
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "tables")]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    status, contents, names = zip(*json.loads(done.stdout), strict=True)
    assert set(status) == {9}
    assert all(content in (["old", "old"], ["new", "new"]) for content in contents)
    assert [*contents] == sorted(contents, reverse=True)
    assert ["new", "new"] in contents
    assert len(contents) > 6
    # The next writing leaves nothing of the killed one.
    assert all(own == ["tables"] for own in names)


def test_what_fails_leaves_the_folder_as_it_was(tmp_path, monkeypatch):
    folder = tmp_path / "tables"
    write(folder, "old")
    with pytest.raises(StoreError, match="Is a directory"), replacing(folder) as work:
        work.write_text("new")
    assert content(folder) == ["old", "old"]
    real = os.rename

    def full(source, target):
        if Path(source).name == ".tables.writing":
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(StoreError, match=r"tables cannot be written \(No space left on device\)"):
        write(folder, "new")
    assert content(folder) == ["old", "old"]
    assert [path.name for path in tmp_path.iterdir()] == ["tables"]


def test_where_nothing_can_be_renamed_the_old_folder_stays_aside(tmp_path, monkeypatch):
    folder = tmp_path / "tables"
    write(folder, "old")
    real, asked = os.rename, []

    def breaks(source, target):
        asked.append(source)
        if len(asked) > 1:
            raise OSError(5, "Input/output error")
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", breaks)
        with pytest.raises(StoreError, match="Input/output error"):
            write(folder, "new")
    assert content(folder) == ["old", "old"]
    write(folder, "new")
    assert content(folder) == ["new", "new"]


def test_a_folder_that_is_not_there_is_found_in_its_place(tmp_path):
    assert found(tmp_path / "tables") == tmp_path / "tables"
    write(tmp_path / "deep" / "tables", "new")
    assert content(tmp_path / "deep" / "tables") == ["new", "new"]


def test_what_a_link_leads_to_is_replaced_and_the_link_stays(tmp_path):
    """Tables that lie on another disk."""
    there, link = tmp_path / "disk" / "tables", tmp_path / "results"
    there.mkdir(parents=True)
    link.symlink_to(there, target_is_directory=True)
    for text in ("old", "new"):
        write(link, text)
        assert content(link) == [text, text]
    assert link.is_symlink()
    assert content(there) == ["new", "new"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
