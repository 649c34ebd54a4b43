"""The command line: ``python -m modlib``, a file a command."""
