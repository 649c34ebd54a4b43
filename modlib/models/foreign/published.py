"""Published weights: where they lie, found by hash."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from modlib.errors import StoreError, require_choice
from modlib.store.files import digest_of, reason_of


@dataclass(frozen=True, kw_only=True)
class Published:
    """Weights that others published: file name, sha256, address, and what the file leaves out."""

    file: str
    sha256: str
    url: str
    layout: str
    attention_rate: float | None = None


def _of_zhong(run: str, sha256: str, attention_rate: float) -> Published:
    commit = "4c7f2f31d215a51522b33f3ae2ef35f9c254ef6f"
    file = f"model_{run}.pt"
    return Published(
        file=file,
        sha256=sha256,
        url=f"https://raw.githubusercontent.com/fjzzq2002/pizza/{commit}/code/save/{file}",
        layout="zhong_transformer",
        attention_rate=attention_rate,
    )


PUBLISHED: dict[str, Published] = {
    "clock-and-pizza/A": _of_zhong(
        "p99zdpze5l", "eb58a5a059f05f9f8a434f8f6d62405c6194dc353abf9843cb56382183820e25", 0.0
    ),
    "clock-and-pizza/B": _of_zhong(
        "l8k1hzciux", "9c45340a4ce253239687349f690a3687116ef14c35e64f77b69c5abdf6086929", 1.0
    ),
}
"""Models A (pizza) and B (clock) of Zhong et al. 2023, from their repository."""


def published_path(name: str) -> Path:
    """Where the published weights of this name lie, downloaded once where they must be.

    The folder ``$MODLIB_EXTERNAL`` is searched first, for the file by its name (``model_x.pt``,
    or ``model_..._x.pt``) and its sha256; then the user's cache; then they are fetched. Raises
    ``StoreError`` for a file of the name with another sha256, and without a connection.
    """
    published = PUBLISHED[require_choice("name", name, PUBLISHED)]
    external = os.environ.get("MODLIB_EXTERNAL")
    run = published.file.rpartition("_")[2]
    folder = Path(os.path.expanduser(external)) if external else None
    found = sorted(folder.rglob(f"model_*{run}")) if folder else []
    try:
        digests = {path: digest_of(path)[1] for path in found if path.is_file()}
    except OSError as error:
        raise StoreError(f"{error.filename} cannot be read ({reason_of(error)})") from None
    for path, digest in digests.items():
        if digest == published.sha256:
            return path
    if digests:
        path, digest = next(iter(digests.items()))
        raise StoreError(
            f"{path} is not the published file: its sha256 is {digest}, not {published.sha256}"
        )
    return _fetch(published)


def _fetch(published: Published) -> Path:
    import pooch  # these two only where something may have to be downloaded
    import requests

    pooch.get_logger().setLevel("WARNING")
    try:
        fetched = pooch.retrieve(
            published.url,
            known_hash=f"sha256:{published.sha256}",
            fname=published.file,
            path=pooch.os_cache("modlib") / "published",
        )
    except (OSError, ValueError) as error:  # ValueError: another sha256 than the known one
        offline = isinstance(error, requests.ConnectionError | requests.Timeout)
        raise StoreError(
            f"{published.file} cannot be fetched from {published.url} "
            f"({'no connection' if offline else reason_of(error)}): "
            "download it and name its folder in MODLIB_EXTERNAL"
        ) from None
    return Path(fetched)
