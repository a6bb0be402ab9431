"""Memristor networks, trained with equilibrium propagation, pulse by pulse.

``import ohmprop`` costs nothing: each subpackage is imported when it is first used.

>>> import ohmprop
>>> device = ohmprop.devices.make("biolek")
"""

import importlib
from types import ModuleType

__version__ = "0.1.0"

_SUBPACKAGES = (
    "bench",
    "characterise",
    "circuit",
    "data",
    "devices",
    "drive",
    "equilibrium",
    "experiments",
    "learning",
    "paper",
    "report",
    "spice",
)

__all__ = ["__version__"]


def __getattr__(name: str) -> ModuleType:
    """Import a subpackage on first use (PEP 562)."""
    if name in _SUBPACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_SUBPACKAGES])
