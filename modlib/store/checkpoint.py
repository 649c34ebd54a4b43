"""The state of an unfinished run."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file

from modlib.errors import StoreError
from modlib.store.files import reason_of, save_arrays, writing
from modlib.store.folder import MANIFEST, UNREADABLE, provenance, read_manifest, write_manifest

log = logging.getLogger(__name__)


class Checkpoint:
    """The state of an unfinished run: the file that its manifest names, and no other.

    ``device``: what the run is made on, for the manifest.
    """

    def __init__(self, path: Path, device: str = "cpu") -> None:
        self.path = path
        self.device = device

    def save(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Replace the checkpoint by these arrays; a kill on the way leaves the old one whole.

        Raises ``StoreError`` where they cannot be written.
        """
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self.path, prefix="state-")
            os.close(descriptor)
            state = Path(name)
            try:
                save_arrays(tensors, state)
                write_manifest(self.path, [state.name], provenance(self.device))
            except BaseException:
                if state.name not in self.manifest().get("files", {}):
                    state.unlink(missing_ok=True)
                raise
            for other in self.path.glob("state*"):
                if other != state:
                    other.unlink(missing_ok=True)

    def load(self) -> dict[str, np.ndarray] | None:
        """The saved arrays; None where there are none.

        A damaged checkpoint is left out with a warning.
        """
        if not (self.path / MANIFEST).exists():
            return None
        try:
            (name,) = read_manifest(self.path)["files"]
            return load_file(self.path / name)
        except (StoreError, SafetensorError, ValueError, OSError) as error:
            log.warning("checkpoint left out: %s", reason_of(error))
            return None

    def peek(self, name: str) -> np.ndarray | None:
        """One array of the saved state, unchecked; None where there is none to be read now."""
        try:
            (state,) = self.manifest()["files"]
            with safe_open(self.path / state, "numpy") as arrays:
                return arrays.get_tensor(name)
        except (KeyError, ValueError, OSError, SafetensorError):
            return None

    def manifest(self) -> dict[str, Any]:
        """What the saved state says of its making; empty where there is none."""
        try:
            manifest = json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))
        except UNREADABLE:
            return {}
        return manifest if isinstance(manifest, dict) else {}

    def clear(self) -> None:
        """Remove the checkpoint."""
        shutil.rmtree(self.path, ignore_errors=True)
