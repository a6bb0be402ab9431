"""Ion drift with Prodromakis's window, which slows the drift at both ends of the film.

    f = j (1 - [(w/D - 1/2)^2 + 3/4]^p)

Source: Prodromakis, Peh, Papavassiliou, Toumazou, IEEE Trans. Electron Devices 58:3099 (2011).
"""

from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ._base import Parameter, leaf
from ._linear_ion_drift import PUBLISHED_ION_DRIFT, AbstractIonDrift
from ._window_drift import windowed_at_both_ends

TECHNION = "Technion Verilog-A memristor models, linear ion drift: p_coeff = 2, J = 1"


class Prodromakis(AbstractIonDrift):
    """Prodromakis's ion drift: dw/dt = mu_v (r_on/D) v/M j (1 - [(w/D - 1/2)^2 + 3/4]^p); w in m.

    The greatest f is j (1 - (3/4)^p) at w = D/2, not 1. For p = j = 1 it is a quarter of
    Joglekar's with p = 1. The exact solution never reaches a bound; a pulse starts a device that
    is at one 1e-9 D inside.

    Args:
        r_on: resistance of the wholly doped film, ohm.
        r_off: resistance of the undoped film, ohm.
        d: film thickness D, m.
        mu_v: dopant mobility, m^2/(V s).
        p: window exponent, dimensionless; large p flattens the window's top.
        j: height of the window, dimensionless.
    """

    r_on: Array = leaf()
    r_off: Array = leaf()
    d: Array = leaf()
    mu_v: Array = leaf()
    p: Array = leaf()
    j: Array = leaf()

    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "published": {
            **PUBLISHED_ION_DRIFT,
            "p": Parameter(2.0, "1", TECHNION),
            "j": Parameter(1.0, "1", TECHNION),
        },
    }

    def window(self, i: ArrayLike, x: ArrayLike) -> Array:
        """f = j (1 - [(w/D - 1/2)^2 + 3/4]^p), whatever the current."""
        base = (jnp.asarray(x) / self.d - 0.5) ** 2 + 0.75
        return self.j * (1 - base**self.p) * jnp.ones_like(i)

    def travel(self, x: Array, s: Array) -> Array:
        """Exact change of x = w/D: one equation, solved by Newton's method."""
        return windowed_at_both_ends(x, self.j * s, self.r_on, self.r_off, self.p, 0.25)
