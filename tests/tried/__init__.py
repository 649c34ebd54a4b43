"""What tries to break the project's promises: one idea a file, each adds rows to a ``Battery``.

``scripts/reliability.py`` (``make reliability``) calls the parts with many tries and writes the
page's table; ``tests/test_reliability.py`` calls the same with few.
"""
