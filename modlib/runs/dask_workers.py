"""Calls made by other processes and machines, through dask.distributed (the extra ``cluster``).

What a call returns is lost with the worker that holds it, so calls leave their results in the
store and return only where.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from modlib.errors import ClusterError, InputError, require_int
from modlib.machine import resolve_device

if TYPE_CHECKING:
    from distributed import Client, Security

ANSWER_S = 10
"""Seconds that a scheduler has to answer."""
NO_ANSWER = (OSError, ValueError, TypeError, RuntimeError, MemoryError, struct.error)
"""What dask raises for no answer, for no address, and for the words of another service."""
MOST_WORKERS = 4096
MAX_KILLS = 100
"""Workers of a local cluster that a call may lose before it is given up."""
LOOK_S = 5
"""Seconds between looks at the workers of a local cluster."""

log = logging.getLogger(__name__)

Tls = tuple[str | Path, str | Path, str | Path]
"""Files in PEM: of the authority, of one's certificate, of its key."""
Argument = TypeVar("Argument")
Result = TypeVar("Result")


@contextmanager
def connected(
    workers: object, scheduler: object, device: str, tls: Tls | None = None
) -> Iterator[Client]:
    """A client of the scheduler at that address, or of ``workers`` processes of this machine.

    Exactly one of the two is not None. Whoever may speak to a scheduler runs code as its owner.
    So processes of this machine speak by TLS with credentials that are made for this call and kept
    in memory; without, every user of the machine could. A scheduler's are the files ``tls``, or
    those of dask's own configuration. Raises ``InputError`` where dask.distributed is missing, for
    files that cannot be used, an address that does not answer, and for more workers than GPUs.
    """
    try:
        import distributed  # noqa: F401
    except ImportError:
        chosen = "scheduler" if workers is None else "workers"
        rule = "be left out where dask.distributed is missing (pip install -e '.[cluster]')"
        raise InputError(chosen, rule, scheduler if workers is None else workers) from None
    # modlib's own log goes to standard error; of dask's only what is amiss.
    logging.getLogger("distributed").setLevel(logging.WARNING)
    here = _of_scheduler(scheduler, tls) if workers is None else _of_machine(workers, device)
    with here as client:
        yield client


@contextmanager
def _of_scheduler(scheduler: object, tls: Tls | None) -> Iterator[Client]:
    import distributed

    security = _security(tls)
    with ThreadPoolExecutor(1) as apart:  # a notebook's own thread runs a loop already
        said = apart.submit(asyncio.run, _identity(scheduler, security)).result()
    if not str(scheduler).startswith("tls://"):
        log.warning("the scheduler at %s obeys whoever reaches it; see --tls", scheduler)
    if not said["workers"]:
        log.warning("the scheduler at %s has no workers yet: waiting for one", scheduler)
    with distributed.Client(scheduler, timeout=ANSWER_S, security=security) as client:
        yield client


@contextmanager
def _of_machine(workers: object, device: str) -> Iterator[Client]:
    """A client of processes started now, which end with it."""
    import dask
    import distributed

    count = require_int("workers", workers, at_least=1, at_most=MOST_WORKERS)
    if resolve_device(device).type == "cuda" and count > torch.cuda.device_count():
        rule = f"be at most {torch.cuda.device_count()}, one a GPU"
        raise InputError("workers", rule, workers)
    quiet: dict[str, Any] = {
        f"distributed.{part}.http.routes": [] for part in ("scheduler", "worker")
    }
    with dask.config.set({"distributed.scheduler.allowed-failures": MAX_KILLS, **quiet}):
        try:
            cluster = distributed.LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                memory_limit=0,
                dashboard_address=None,
                protocol="tls://",
                security=distributed.Security.temporary(),
            )
        except RuntimeError as error:
            raise ClusterError(f"the {count} workers did not start ({error})") from error
        with cluster, distributed.Client(cluster) as client:
            yield client


def _security(tls: Tls | None) -> Security:
    """What a scheduler asks for, from files in PEM; None: as dask's configuration says."""
    import distributed

    if tls is None:
        return distributed.Security()
    for path in tls:
        if not Path(path).is_file():
            raise InputError("tls", "be three files: authority, certificate, key", str(path))
    authority, certificate, key = map(str, tls)
    security = distributed.Security(
        tls_ca_file=authority,
        tls_client_cert=certificate,
        tls_client_key=key,
        require_encryption=True,
    )
    try:
        security.get_connection_args("client")
    except OSError as error:
        raise InputError("tls", f"be files that TLS can read ({error})", certificate) from error
    return security


async def _identity(scheduler: object, security: Security) -> dict[str, Any]:
    """What the scheduler says of itself; ``InputError`` where none answers.

    Asked first, because a client waits for ever on a service that accepts and says nothing.
    """
    import distributed

    secured = security.get_connection_args("client")
    try:
        async with (
            asyncio.timeout(ANSWER_S),
            distributed.rpc(scheduler, connection_args=secured) as service,
        ):
            return await service.identity()
    except NO_ANSWER as error:
        rule = f"be the address of a scheduler that answers within {ANSWER_S} s, as tcp://host:8786"
        raise InputError("scheduler", rule, scheduler) from error


def completed(
    client: Client, call: Callable[[Argument], Result], arguments: Sequence[Argument]
) -> Iterator[tuple[Argument, Result]]:
    """Each argument with what ``call`` returned for it, as they are done.

    A call whose worker is killed is made again by another. Raises what a call raised, and
    ``ClusterError`` where the workers die again and again or the scheduler is gone.
    """
    import distributed

    futures = dict(zip(client.map(call, arguments, pure=False), arguments, strict=True))
    pending = set(futures)
    try:
        while pending:
            try:
                done, pending = distributed.wait(pending, LOOK_S, return_when="FIRST_COMPLETED")
            except TimeoutError:
                if client.cluster is not None:
                    # A worker that dies while it starts is not started again by its nanny.
                    client.cluster.scale(len(client.cluster.worker_spec))
                continue
            for future in done:
                yield futures[future], future.result()
    except distributed.KilledWorker:
        raise ClusterError("a shard killed its worker again and again; see their logs") from None
    except (CancelledError, OSError) as error:
        raise ClusterError("the scheduler is gone; what is finished stands in the store") from error


def own_device(device: str) -> str:
    """The device of the worker that calls: with several GPUs, its own by the worker\'s number."""
    from distributed import get_worker

    count = torch.cuda.device_count()
    name = str(get_worker().name)
    if device in ("auto", "cuda") and count > 1 and name.isdecimal():
        return f"cuda:{int(name) % count}"
    return device
