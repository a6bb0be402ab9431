"""Crossbars, diodes, amplifiers and the layered network they form."""

from ._crossbar import (
    double_bitlines as double_bitlines,
)
from ._crossbar import (
    double_wordlines as double_wordlines,
)
from ._crossbar import (
    vmm as vmm,
)
from ._elements import (
    AbstractDiode as AbstractDiode,
)
from ._elements import (
    Amplifier as Amplifier,
)
from ._elements import (
    IdealClamp as IdealClamp,
)
from ._elements import (
    NoDiode as NoDiode,
)
from ._elements import (
    PiecewiseLinearDiode as PiecewiseLinearDiode,
)
from ._elements import (
    ShockleyDiode as ShockleyDiode,
)
from ._network import Network as Network
from ._network import ScaledCircuit as ScaledCircuit
