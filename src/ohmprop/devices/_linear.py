"""Linear baseline: the state is the conductance itself and moves with the flux.

    i = G v,    dG/dt = k v,    G in [1/r_off, 1/r_on]

Not a physical device: the reference against which memristive nonlinearity is judged.
Source: Döll, Müller, Ulmann (2025), 'linear updates'.
"""

from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ._base import SEED_CODE, SEED_FILES, AbstractSeparable, Parameter, leaf

_SEED = {
    "r_on": Parameter(100.0, "ohm", SEED_FILES),
    "r_off": Parameter(1e5, "ohm", SEED_FILES),
    "k": Parameter(1.0, "S/(V s)", f"{SEED_CODE}: G <- clip(G + V t)"),
}


class Linear(AbstractSeparable):
    """Linear conductance update: i = G v, dG/dt = k v; state G in S.

    One Euler step is exact here, so pulses of equal flux v*t are equal.

    Args:
        r_on: least resistance, ohm.
        r_off: greatest resistance, ohm.
        k: conductance gained per flux, S/(V s).
    """

    r_on: Array = leaf()
    r_off: Array = leaf()
    k: Array = leaf()

    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "seed": _SEED,
        # No publication gives this idealisation other numbers.
        "published": _SEED,
    }

    @property
    def lower(self) -> Array:
        """Least conductance 1/r_off, S."""
        return 1 / self.r_off

    @property
    def upper(self) -> Array:
        """Greatest conductance 1/r_on, S."""
        return 1 / self.r_on

    def conductance(self, x: ArrayLike) -> Array:
        """G = x, S."""
        return jnp.asarray(x)

    def state(self, g: ArrayLike) -> Array:
        """x = G, S."""
        return jnp.asarray(g)

    def current(self, v: ArrayLike, x: ArrayLike) -> Array:
        """i = G v, A."""
        return jnp.asarray(v) * self.conductance(x)

    def rate(self, v: ArrayLike, x: ArrayLike) -> Array:
        """dG/dt = k v, S/s."""
        return self.k * jnp.asarray(v) * jnp.ones_like(x)

    def drive(self, v: ArrayLike) -> Array:
        """g(v) = v, so that the drive is the flux, V s."""
        return jnp.asarray(v)

    def advance(self, x: ArrayLike, s: ArrayLike) -> Array:
        """G after a flux `s` in V s: clip(G + k s), S."""
        return jnp.clip(x + self.k * s, self.lower, self.upper)
