"""Ion drift with Zha's window, which slows the drift only at the end it is heading for.

    f = j (1 - [(w/D - [i <= 0])^2/4 + 3/4]^p)

Source: Zha, Huang, Liu, IEEE Trans. Circuits Syst. II 63:423 (2016).
"""

from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ._base import Parameter, leaf
from ._linear_ion_drift import PUBLISHED_ION_DRIFT, AbstractIonDrift
from ._window_drift import windowed_ahead

_BORROWED = "that of the 'published' Prodromakis set; no number of Zha et al. was found"


class Zha(AbstractIonDrift):
    """Zha's ion drift: dw/dt = mu_v (r_on/D) v/M j (1 - [(w/D - [i <= 0])^2/4 + 3/4]^p); w in m.

    It joins Biolek's step with Prodromakis's height. The greatest f is j (1 - (3/4)^p), at the end
    left behind. For p = j = 1 it is a quarter of Biolek's with p = 1.

    Args:
        r_on: resistance of the wholly doped film, ohm.
        r_off: resistance of the undoped film, ohm.
        d: film thickness D, m.
        mu_v: dopant mobility, m^2/(V s).
        p: window exponent, dimensionless.
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
            "p": Parameter(2.0, "1", _BORROWED),
            "j": Parameter(1.0, "1", _BORROWED),
        },
    }

    def window(self, i: ArrayLike, x: ArrayLike) -> Array:
        """f = j (1 - [(w/D - step)^2/4 + 3/4]^p); step = 1 for i <= 0, else 0."""
        step = jnp.where(jnp.asarray(i) <= 0, 1.0, 0.0)
        base = (jnp.asarray(x) / self.d - step) ** 2 / 4 + 0.75
        return self.j * (1 - base**self.p)

    def travel(self, x: Array, s: Array) -> Array:
        """Exact change of x = w/D: one equation, solved by Newton's method."""
        return windowed_ahead(x, self.j * s, self.r_on, self.r_off, self.p, 0.25)
