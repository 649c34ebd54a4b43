"""Tables in ``results/``: made once from trained networks, committed, read by the chapters."""
