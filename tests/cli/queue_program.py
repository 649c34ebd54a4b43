"""``python -m modlib`` with a queue of small networks.

Run as a file, so that the processes that train read it too.
"""

from __future__ import annotations

from modlib.cli import main as cli
from modlib.config import presets
from modlib.config.remainders import RemaindersConfig
from modlib.queue import jobs, run
from modlib.training import resume

presets.REMAINDERS_PRESETS["B11"] = RemaindersConfig(p=11, embed_dim=16, heads=2, steps=3000)
jobs.JOBS = (jobs.Job("B11", range(2000, 2002), 0.1, "a test", side_by_side=True),)
run.REPORT_EVERY_S = 0.5
resume.pause_s = lambda took: 0.5

if __name__ == "__main__":
    cli.main(prog_name="python -m modlib")
