"""Certified equilibria of layered networks, and their response to a nudge."""

from ._certificate import Certificate as Certificate, certify as certify
from ._newton import (
    ConstantNudge as ConstantNudge,
    Equilibrium as Equilibrium,
    Nudge as Nudge,
    nudge as nudge,
    raise_if_failed as raise_if_failed,
    respond as respond,
    solve as solve,
)
