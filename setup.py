"""What pyproject.toml cannot say: a wheel carries the chapters and the tables of the checkout."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
CARRIED = {"notebooks": "[0-9]*.ipynb", "results": "**/*"}
"""Folders of the checkout, and what of them travels into ``modlib/carried``: no hidden files."""


class WithChaptersAndTables(build_py):
    """The package's files, and beside them what ``modlib.machine`` looks for in a wheel."""

    def run(self):
        super().run()
        if self.editable_mode:  # the checkout has them itself
            return
        target = Path(self.build_lib) / "modlib" / "carried"
        shutil.rmtree(target, ignore_errors=True)  # of an earlier build
        for folder, pattern in CARRIED.items():
            for file in sorted((HERE / folder).glob(pattern)):
                name = file.relative_to(HERE)
                if file.is_file() and not any(part.startswith(".") for part in name.parts):
                    (target / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, target / name)


setup(cmdclass={"build_py": WithChaptersAndTables})
