"""Ion drift with Joglekar's window, which slows the drift at both ends of the film.

    f = 1 - (2 w/D - 1)^(2p)

Source: Joglekar and Wolf, Eur. J. Phys. 30:661 (2009).
"""

from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ._base import SEED_CODE, Parameter, leaf
from ._linear_ion_drift import PUBLISHED_ION_DRIFT, SEED_ION_DRIFT, AbstractIonDrift
from ._window_drift import windowed_at_both_ends

_PAPER = "Joglekar and Wolf, Eur. J. Phys. 30:661 (2009)"


class Joglekar(AbstractIonDrift):
    """Joglekar's ion drift: dw/dt = mu_v (r_on/D) v/M [1 - (2w/D - 1)^(2p)]; state w in m.

    The exact solution never reaches a bound. An Euler step clipped to one does, and f = 0 there
    holds the device for ever; an exact pulse starts such a device 1e-9 D inside. For p = 1 it is,
    with s = mu_v (r_on/D^2) * flux,

        r_off ln(x1/x0) - r_on ln((1 - x1)/(1 - x0)) = 4 s

    Args:
        r_on: resistance of the wholly doped film, ohm.
        r_off: resistance of the undoped film, ohm.
        d: film thickness D, m.
        mu_v: dopant mobility, m^2/(V s).
        p: window exponent, dimensionless; large p approaches linear drift.
    """

    r_on: Array = leaf()
    r_off: Array = leaf()
    d: Array = leaf()
    mu_v: Array = leaf()
    p: Array = leaf()

    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "seed": {**SEED_ION_DRIFT, "p": Parameter(1.0, "1", SEED_CODE)},
        "published": {**PUBLISHED_ION_DRIFT, "p": Parameter(1.0, "1", _PAPER)},
    }

    def window(self, i: ArrayLike, x: ArrayLike) -> Array:
        """f = 1 - (2 w/D - 1)^(2p), whatever the current."""
        # The magnitude keeps a fractional p meaningful; for whole p it changes nothing.
        return 1 - jnp.abs(2 * jnp.asarray(x) / self.d - 1) ** (2 * self.p) * jnp.ones_like(i)

    def travel(self, x: Array, s: Array) -> Array:
        """Exact change of x = w/D; for p = 1 the equation above, solved by Newton's method."""
        return windowed_at_both_ends(x, s, self.r_on, self.r_off, self.p, 1.0)
