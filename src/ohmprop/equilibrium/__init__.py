"""Certified equilibria of layered networks, and their response to a nudge."""

from ._certificate import Certificate as Certificate
from ._certificate import certify as certify
from ._certificate import raise_if_failed as raise_if_failed
from ._ngspice import certify_voltages as certify_voltages
from ._ngspice import solve_ngspice as solve_ngspice
from ._nudge import ConstantNudge as ConstantNudge
from ._nudge import Nudge as Nudge
from ._nudge import nudge as nudge
from ._nudge import respond as respond
from ._solve import Equilibrium as Equilibrium
from ._solve import solve as solve
