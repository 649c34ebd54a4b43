"""``python -m modlib``."""

from modlib.cli.main import main

if __name__ == "__main__":
    main(prog_name="python -m modlib")
