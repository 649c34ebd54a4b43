"""Everything that tries to break what this project promises, and the table of what became of it.

    python scripts/reliability.py                      the whole battery (``make reliability``)
    python scripts/reliability.py --tries 5            a small run, minutes
    python scripts/reliability.py kills inputs         these parts only

Writes ``results/reliability.md``, which a page of the book shows; its last line and the exit status
say whether a promise was broken. The parts lie in ``tests/tried``. Each has its share of the time
and leaves out what it does not come to; a try that is wrong is printed with what brings it back.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from tried import (  # noqa: E402
    company,
    damage,
    hostile,
    inputs,
    kills,
    load,
    oracles,
    places,
    planted,
    ports,
    same_bits,
)
from tried.battery import OUTCOMES, Battery  # noqa: E402

REPORT = ROOT / "results" / "reliability.md"

PARTS = {
    "swaps": (damage.swaps, 0.02),
    "hostile": (hostile.hostile, 0.02),
    "places": (places.places, 0.01),
    "read-only": (places.read_only, 0.01),
    "oracles": (oracles.oracles, 0.04),
    "planted": (planted.planted_claims, 0.02),
    "kills": (kills.kills, 0.34),
    "inputs": (inputs.inputs, 0.12),
    "damage": (damage.damage, 0.1),
    "edits": (damage.edited, 0.06),
    "bits": (same_bits.same_bits, 0.06),
    "ports": (ports.ports, 0.04),
    "company": (company.company, 0.08),
    "load": (load.load, 0.08),
}
"""Each part with its share of the time. What has a fixed number of tries makes them all; a part for
which no time is left is named as missing."""


def report(battery: Battery, minutes: float, missing: list[str]) -> str:
    """The tables, with the date and the machine of their figures."""
    cores = len(os.sched_getaffinity(0))
    said = (
        f"Measured on {datetime.now(UTC).date().isoformat()} in {minutes:.0f} minutes, on {cores} "
        f"cores of {processor()}, {platform.system()}, Python {platform.python_version()}, at "
        f"commit {commit()}, with `--tries {battery.tries}`, on average {os.getloadavg()[2]:.0f} "
        "processes at work."
    )
    lines = [said, "", *counted(battery), "", *edited(battery), "", *measured(battery), ""]
    if missing:
        lines += [f"Not in this run: {', '.join(missing)}.", ""]
    broken = "; ".join(battery.wrong) or "none"
    return "\n".join([*lines, f"Promises broken: {broken}."]) + "\n"


def counted(battery: Battery) -> list[str]:
    """The tries in Markdown: a row each of what was done to what."""
    head = "| What is done | To what | Tries | Ends as it was | Refused in a line | Lost | Silent |"
    lines = [f"{head} Traceback or signal |", "|---|---|--:|--:|--:|--:|--:|--:|"]
    total: Counter[str] = Counter()
    for (part, what), counts in battery.counts.items():
        lines.append(f"| {part} | {what} | {_numbers(counts)} |")
        total += counts
    return [*lines, f"| **All** |  | {_numbers(total)} |"]


def _numbers(counts: Counter[str]) -> str:
    numbers = [counts.total(), *(counts[outcome] for outcome in OUTCOMES[:4])]
    numbers.append(sum(counts[outcome] for outcome in OUTCOMES[4:]))
    return " | ".join(f"{number:,}" for number in numbers)


def edited(battery: Battery) -> list[str]:
    """Edits whose checksums fit, apart: what the schema catches of them."""
    if not battery.edits:
        return []
    lines = ["| Edits whose checksums fit | Tries | Caught | Not seen | Traceback |"]
    lines.append("|---|--:|--:|--:|--:|")
    total = sum(battery.edits.values(), Counter())
    for name, counts in [*battery.edits.items(), (f"**All: {battery.caught:.1%} caught**", total)]:
        ended = sum(counts[outcome] for outcome in OUTCOMES[4:])
        numbers = counts.total(), counts["refused"], counts["silent"], ended
        lines.append(f"| {name} | {' | '.join(f'{number:,}' for number in numbers)} |")
    return lines


def measured(battery: Battery) -> list[str]:
    """Figures with their bounds."""
    if not battery.figures:
        return []
    lines = ["| What is measured | Measured | At most |", "|---|--:|--:|"]
    for one in battery.figures:
        lines.append(f"| {one.what} | {one.value:.3g} {one.unit} | {one.at_most:.3g} {one.unit} |")
    return lines


def processor() -> str:
    """The name of this machine's processor, where the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def commit() -> str:
    """The checkout's commit."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="these only")
    parser.add_argument("--tries", type=int, default=50, help="of each kind (50)")
    parser.add_argument("--minutes", type=float, default=60, help="for all parts, about (60)")
    parser.add_argument("--seed", type=int, default=0, help="of the tries that are drawn (0)")
    parser.add_argument("--out", type=Path, default=REPORT, help="where the table goes")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    chosen, missing = options.parts or list(PARTS), list(PARTS)
    with tempfile.TemporaryDirectory() as work:
        battery = Battery(options.tries, options.seed, Path(work), partial(print, flush=True))
        for number, name in enumerate(chosen):
            part, share = PARTS[name]
            left = 60 * options.minutes - (time.monotonic() - began)
            if number and left <= 0:
                break
            shares = sum(PARTS[other][1] for other in chosen[number:])
            try:
                with battery.turn(max(1.0, left * share / shares)):
                    part(battery)
                missing.remove(name)
            except Exception:  # the other parts are tried all the same, and the table says so
                traceback.print_exc()
            minutes = (time.monotonic() - began) / 60
            print(f"{name}: {minutes:.1f} minutes so far", flush=True)
            options.out.write_text(report(battery, minutes, missing))  # what a stopped run has seen
    print(options.out.read_text())
    sys.exit(1 if battery.wrong or set(missing) & set(chosen) else 0)


if __name__ == "__main__":
    main()
