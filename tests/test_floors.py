"""Packages stand on floors: a module imports only from strictly lower floors, or from its own
package. Read from the syntax tree, so imports inside functions count too."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ohmprop

ROOT = Path(ohmprop.__file__).resolve().parent
FLOORS = {
    "_core": 0,
    "devices": 1,
    "data": 1,
    "drive": 2,
    "circuit": 3,
    "characterise": 3,
    "spice": 4,
    "equilibrium": 5,
    "bench": 6,
    "learning": 7,
    "experiments": 8,
    "report": 9,
    "paper": 10,
    "cli": 11,
    "lab": 11,
}
TOP = {"__init__", "__main__"}  # the lazy front door and the command line's entry


def imported(source: str, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Yield (line, absolute dotted name) of every import of ``ohmprop`` in a source text."""
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                anchor = parts[: len(parts) - node.level + 1]
                base = ".".join([*anchor, base] if base else anchor)
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name == "ohmprop" or name.startswith("ohmprop."):
                yield node.lineno, name


def violations(source: str, module: str, is_package: bool) -> list[str]:
    """Describe each import that does not go strictly downwards."""
    own = module.split(".")[1]
    found = []
    for line, name in imported(source, module, is_package):
        target = (name.split(".") + [""])[1]
        if target == own or name == "ohmprop.__version__":
            continue
        if target not in FLOORS:
            found.append(f"{module}:{line} imports {name}; name the package it needs")
        elif FLOORS[target] >= FLOORS[own]:
            found.append(
                f"{module}:{line} (floor {FLOORS[own]}) imports {name} (floor {FLOORS[target]})"
            )
    return found


def modules() -> list[tuple[Path, str, bool]]:
    """Every module of the package as (file, dotted name, whether it is an __init__)."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        found.append((path, ".".join(parts[:-1] if is_package else parts), is_package))
    return found


def test_every_package_has_a_floor() -> None:
    tops = {path.relative_to(ROOT).with_suffix("").parts[0] for path, _, _ in modules()}
    assert tops - TOP <= FLOORS.keys()


def test_imports_go_strictly_down() -> None:
    found = []
    for path, module, is_package in modules():
        if path.relative_to(ROOT).with_suffix("").parts[0] not in TOP:
            found += violations(path.read_text(encoding="utf-8"), module, is_package)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "module", "is_package", "count"),
    [
        ("from ohmprop.learning import Trainer", "ohmprop.devices._biolek", False, 1),
        ("import ohmprop.data", "ohmprop.devices._biolek", False, 1),
        ("from ohmprop import bench", "ohmprop.circuit._network", False, 1),
        ("from ..learning import Trainer", "ohmprop.devices._biolek", False, 1),
        ("from ..learning import Trainer", "ohmprop.devices", True, 1),
        ("from .. import spice", "ohmprop.drive._pulse", False, 1),
        ("def f():\n    from ohmprop.cli import main", "ohmprop.bench", True, 1),
        ("import ohmprop", "ohmprop.bench", True, 1),
        ("from ohmprop import __version__", "ohmprop.experiments", True, 0),
        ("from ohmprop._core import OhmpropError", "ohmprop.devices", True, 0),
        ("from ._base import AbstractMemristor", "ohmprop.devices._biolek", False, 0),
        ("from . import _base", "ohmprop.devices", True, 0),
        ("import numpy, jax.numpy", "ohmprop.devices", True, 0),
    ],
)
def test_the_check_itself(source: str, module: str, is_package: bool, count: int) -> None:
    assert len(violations(source, module, is_package)) == count


def test_import_is_lazy() -> None:
    code = "import sys, ohmprop; print(sorted({'jax', 'numpy', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_unknown_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        getattr(ohmprop, "non" + "sense")
