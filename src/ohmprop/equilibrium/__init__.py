"""Certified equilibria of layered networks, and their response to a nudge."""

from ._certificate import Certificate as Certificate, certify as certify
from ._newton import (
    ConstantNudge as ConstantNudge,
    Equilibrium as Equilibrium,
    nudge as nudge,
    respond as respond,
    solve as solve,
)
