"""What listens on a port, and who may speak to it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil

from modlib.runs import dask_workers
from tried.battery import Battery
from tried.commands import COMMANDS, in_small
from tried.process import python

INTRUDER = """
import asyncio, distributed, os, sys
from distributed import Security

async def ask(address, security):
    secured = security.get_connection_args("client")
    async with asyncio.timeout(10), distributed.rpc(address, connection_args=secured) as service:
        return await service.identity()

def tried(address, security):
    try:
        asyncio.run(ask(address, security))
    except Exception as error:
        return "refused"
    return "got in"

own = Security.temporary()
tried("tls://127.0.0.1:1", own)  # whatever is loaded late is loaded now
if hasattr(os, "geteuid") and os.geteuid() == 0:
    os.setuid(65534)
for address in sys.argv[1:]:
    plain = address.replace("tls://", "tcp://")
    print(tried(plain, Security()), tried(address, Security()), tried(address, own))
"""
"""Another user of this machine: without TLS, without a certificate, with one of his own."""
PAGES = ("/", "/status", "/info/main/workers.html", "/json/counts.json")
HERE = ("127.0.0.1", "::1")


def listening(process: psutil.Process | None = None) -> set[tuple[str, int]]:
    """Addresses on which a process (None: this one) and those that it began wait for others."""
    own = psutil.Process() if process is None else process
    found = set()
    for each in (own, *own.children(recursive=True)):
        try:
            sockets = each.net_connections()
        except psutil.Error:  # it is gone meanwhile
            continue
        found |= {(s.laddr.ip, s.laddr.port) for s in sockets if s.status == psutil.CONN_LISTEN}
    return found


def workers(battery: Battery) -> None:
    """A sweep's workers: nobody without this call's credentials is answered."""
    before = listening()
    with dask_workers.connected(1, None, "cpu") as client:
        scheduler: Any = client.scheduler
        info = client.scheduler_info()["workers"]
        addresses = [scheduler.address, *info, *(one["nanny"] for one in info.values())]
        ports = listening() - before
        for ip, port in ports:
            outcome = "as it was" if ip in HERE else "silent"
            battery.note("ports", "workers: on this machine alone", outcome, f"{ip}:{port}")
        said = [address.startswith("tls://127.0.0.1:") for address in addresses]
        known = {int(address.rpartition(":")[2]) for address in addresses}
        every = len(said) == 3 and all(said) and known <= {port for _, port in ports}
        battery.note("ports", "workers: TLS", "as it was" if every else "silent", addresses)
        command = [sys.executable, "-c", INTRUDER, *addresses]
        done = subprocess.run(command, capture_output=True, text=True)
        answers = done.stdout.split()
        for number in range(9):
            refused = number < len(answers) and answers[number] == "refused"
            outcome = "refused" if refused else "silent"
            battery.note("ports", "workers: an intruder", outcome, done.stderr[-300:])
        for _, port in ports:
            for page in PAGES:
                battery.note("ports", "workers: a browser", _page(port, page), f"{port}{page}")
        own = list(dask_workers.completed(client, abs, [-3])) == [(-3, 3)]
        battery.note("ports", "workers: their owner", "as it was" if own else "lost")


def _page(port: int, page: str) -> str:
    try:
        urlopen(f"http://127.0.0.1:{port}{page}", timeout=5)
    except (HTTPError, OSError):
        return "refused"
    return "silent"


def of_commands(battery: Battery) -> None:
    """Every long command in small: none but a chapter's run listens at all, and that one here."""
    with in_small():
        for name, command in COMMANDS.items():
            seen = _seen_while(partial(command, battery.folder("listening")))
            kernel = name == "run a chapter"
            good = all(ip in HERE for ip, _ in seen) if kernel else not seen
            row = "a chapter's kernel: on this machine alone" if kernel else "other commands: none"
            battery.note("ports", row, "as it was" if good else "silent", (name, seen))


def _seen_while(call: partial[object]) -> set[tuple[str, int]]:
    """What listens at any time during a call that did not before."""
    before, seen, over = listening(), set(), threading.Event()

    def look() -> None:
        while not over.is_set():
            seen.update(listening() - before)
            time.sleep(0.02)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        call()
    finally:
        over.set()
        looking.join()
    return seen


FORGER = """
import sys, time
from pathlib import Path
from jupyter_client import KernelManager, BlockingKernelClient
manager = KernelManager()
manager.start_kernel()
own = manager.client()
own.start_channels()
own.wait_for_ready(timeout=120)
for key in (b"", b"another"):
    other = BlockingKernelClient()
    other.load_connection_info(manager.get_connection_info())
    other.session.key = key
    other.start_channels(hb=False)
    other.execute(f"open({sys.argv[1]!r}, 'w').close()")
own.execute_interactive("1 + 1", timeout=120, output_hook=lambda message: None)
time.sleep(1)
print("got in" if Path(sys.argv[1]).exists() else "refused")
manager.shutdown_kernel(now=True)
"""


def kernels(battery: Battery) -> None:
    """A kernel does nothing for who does not sign with its key."""
    said, found = python(FORGER, str(battery.folder("forged") / "executed"))
    outcome = found.split()[-1] if said == "done" and found else said
    outcome = "silent" if outcome == "in" else outcome
    battery.note("ports", "a chapter's kernel: without its key", outcome, found)


def served(battery: Battery) -> None:
    """``make serve`` shows the book to this machine alone."""
    makefile = (Path(__file__).resolve().parents[2] / "Makefile").read_text(encoding="utf-8")
    here = "http.server --bind 127.0.0.1 " in makefile
    battery.note("ports", "make serve: on this machine alone", "as it was" if here else "silent")


def ports(battery: Battery) -> None:
    """All of these."""
    for part in (workers, of_commands, kernels, served):
        part(battery)
