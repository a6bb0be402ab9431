"""Experiments: a validated spec in, a folder of results out.

>>> from ohmprop.experiments import load_spec
>>> load_spec("ebana-iris-biolek-pwm").spec.network.hidden
[10]

The parts that need JAX are imported when first used.
"""

import importlib
from typing import Any

from ohmprop.experiments._builtin import HIDDEN as HIDDEN
from ohmprop.experiments._builtin import MODELS as MODELS
from ohmprop.experiments._builtin import RANGES as RANGES
from ohmprop.experiments._builtin import SCHEMES as SCHEMES
from ohmprop.experiments._builtin import builtin as builtin
from ohmprop.experiments._builtin import builtin_names as builtin_names
from ohmprop.experiments._load import Loaded as Loaded
from ohmprop.experiments._load import dump as dump
from ohmprop.experiments._load import load_spec as load_spec
from ohmprop.experiments._spec import Spec as Spec

_LATER = {
    "Job": "_build",
    "build": "_build",
    "run_job": "_run",
    "train": "_run",
    "predict": "_records",
    "check": "_check",
    "Sweep": "_sweep",
    "load_sweep": "_sweep",
    "run_sweep": "_sweep",
    "open_dataset": "_sweep",
    "write_dataset": "_sweep",
    "State": "_sweep",
    "write_text": "_checkpoint",
    "load_tuning": "_tuning",
    "load_device": "_device",
    "read_changes": "_device",
}

__all__ = ["Loaded", "Spec", "builtin", "builtin_names", "dump", "load_spec", *_LATER]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """Import on first use (PEP 562)."""
    if name in _LATER:
        return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
