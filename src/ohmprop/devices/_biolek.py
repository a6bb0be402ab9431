"""Ion drift with Biolek's window, which slows the drift only at the end it is heading for.

    f = 1 - (w/D - [i <= 0])^(2p)

Source: Biolek, Biolek, Biolkova, Radioengineering 18:210 (2009).
"""

from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ._base import SEED_CODE, Parameter, leaf
from ._linear_ion_drift import PUBLISHED_ION_DRIFT, SEED_ION_DRIFT, AbstractIonDrift
from ._window_drift import windowed_ahead

_PAPER = "Biolek, Biolek, Biolkova, Radioengineering 18:210 (2009)"


class Biolek(AbstractIonDrift):
    """Biolek's ion drift: dw/dt = mu_v (r_on/D) v/M [1 - (w/D - [i <= 0])^(2p)]; state w in m.

    A device at a bound leaves it as soon as the current reverses. Alternating pulses drive it to
    a stable fixed point (Slipko and Pershin, arXiv 1811.06649): that drift is the model's own.

    For p = 1 an exact pulse of positive voltage is, with x = w/D and s = mu_v (r_on/D^2) * flux,

        -r_on ln((1 - x1)/(1 - x0)) + (2 r_off - r_on) ln((1 + x1)/(1 + x0)) = 2 s

    and of negative voltage the same with 1 - x for x and r_on, r_off exchanged.

    Args:
        r_on: resistance of the wholly doped film, ohm.
        r_off: resistance of the undoped film, ohm.
        d: film thickness D, m.
        mu_v: dopant mobility, m^2/(V s).
        p: window exponent, dimensionless; printed curves use 1 to 10.
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
        """f = 1 - (w/D - step)^(2p); step = 1 for i <= 0, else 0."""
        step = jnp.where(jnp.asarray(i) <= 0, 1.0, 0.0)
        # The magnitude keeps a fractional p meaningful; for whole p it changes nothing.
        return 1 - jnp.abs(jnp.asarray(x) / self.d - step) ** (2 * self.p)

    def travel(self, x: Array, s: Array) -> Array:
        """Exact change of x = w/D; for p = 1 the equation above, solved by Newton's method."""
        return windowed_ahead(x, s, self.r_on, self.r_off, self.p, 1.0)
