"""ngspice as an independent solver: netlists out, operating points in."""

from ._netlist import DEFAULT_OPTIONS, netlist
from ._run import (
    SpiceError,
    SpiceMissing,
    available,
    find_ngspice,
    operating_points,
    run_ngspice,
)

__all__ = [
    "DEFAULT_OPTIONS",
    "SpiceError",
    "SpiceMissing",
    "available",
    "find_ngspice",
    "netlist",
    "operating_points",
    "run_ngspice",
]
