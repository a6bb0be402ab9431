"""The examples in docstrings run, and files stay short enough to read."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import ohmprop

SOURCE = Path(ohmprop.__file__).parent
READING_PATH = (
    "devices/_biolek.py",
    "circuit/_network.py",
    "equilibrium/_newton.py",
    "learning/_estimators.py",
    "learning/_trainer.py",
)


def test_examples_run():
    run = 0
    for module in pkgutil.walk_packages(ohmprop.__path__, "ohmprop."):
        if module.name.endswith("__main__"):
            continue
        result = doctest.testmod(importlib.import_module(module.name))
        assert result.failed == 0, module.name
        run += result.attempted
    assert run >= 10


def test_files_are_short():
    for file in SOURCE.rglob("*.py"):
        lines = len(file.read_text(encoding="utf-8").splitlines())
        name = file.relative_to(SOURCE).as_posix()
        assert lines <= (200 if name in READING_PATH else 400), name
