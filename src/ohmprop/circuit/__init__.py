"""Crossbars, diodes, amplifiers and the layered network they form."""

from ._crossbar import (
    double_bitlines as double_bitlines,
    double_wordlines as double_wordlines,
    vmm as vmm,
)
from ._elements import (
    AbstractDiode as AbstractDiode,
    Amplifier as Amplifier,
    IdealClamp as IdealClamp,
    NoDiode as NoDiode,
    PiecewiseLinearDiode as PiecewiseLinearDiode,
    ShockleyDiode as ShockleyDiode,
)
from ._network import Network as Network, ScaledCircuit as ScaledCircuit
