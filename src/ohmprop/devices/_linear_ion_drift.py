"""Linear ion drift: a doped region of width w in a film of thickness D.

    i = v / M,    M = r_on w/D + r_off (1 - w/D),    dw/dt = mu_v (r_on/D) i f(w, i),    f = 1

Source: Strukov et al., Nature 453:80 (2008). Joglekar's, Biolek's, Prodromakis's and Zha's models
differ only in f. As i is proportional to v, the state depends on the flux alone: pulses of equal
v*t are equal.
"""

import abc
from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ._base import SEED_CODE, SEED_FILES, AbstractSeparable, Parameter, leaf

_HP = "HP device (Strukov et al. 2008) in Biolek's SPICE listing, as posted in edaboard 403384"

SEED_ION_DRIFT = {
    "r_on": Parameter(100.0, "ohm", SEED_FILES),
    "r_off": Parameter(1e5, "ohm", SEED_FILES),
    "d": Parameter(1e-8, "m", SEED_CODE),
    "mu_v": Parameter(1e-9, "m^2/(V s)", f"{SEED_CODE}; 1e5 times the published 1e-14"),
}
PUBLISHED_ION_DRIFT = {
    "r_on": Parameter(100.0, "ohm", _HP),
    "r_off": Parameter(16e3, "ohm", _HP),
    "d": Parameter(1e-8, "m", _HP),
    "mu_v": Parameter(1e-14, "m^2/(V s)", f"{_HP} (uv=10F)"),
}


class AbstractIonDrift(AbstractSeparable):
    """What the ion-drift family shares; a member is its window f. State w in m, 0 <= w <= D.

    With x = w/D and s = mu_v (r_on/D^2) * flux, in ohm, every member obeys dx/ds = f(x)/M(x).
    """

    r_on: eqx.AbstractVar[Array]
    r_off: eqx.AbstractVar[Array]
    d: eqx.AbstractVar[Array]
    mu_v: eqx.AbstractVar[Array]

    @abc.abstractmethod
    def window(self, i: ArrayLike, x: ArrayLike) -> Array:
        """Window f at current `i` in A and state `x` in m, dimensionless."""

    @abc.abstractmethod
    def travel(self, x: Array, s: Array) -> Array:
        """Change of `x` = w/D under dx/ds = f/M, for `s` in ohm; exactly 0 for s = 0."""

    @property
    def lower(self) -> Array:
        """No doped region: w = 0 m."""
        return jnp.zeros_like(self.d)

    @property
    def upper(self) -> Array:
        """The whole film doped: w = D, m."""
        return self.d

    def memristance(self, x: ArrayLike) -> Array:
        """M = r_on w/D + r_off (1 - w/D), ohm."""
        x = jnp.asarray(x)
        return self.r_on * (x / self.d) + self.r_off * (1 - x / self.d)

    def conductance(self, x: ArrayLike) -> Array:
        """G = 1/M, S."""
        return 1 / self.memristance(x)

    def state(self, g: ArrayLike) -> Array:
        """w = D (r_off - 1/g) / (r_off - r_on), m."""
        return self.d * (self.r_off - 1 / jnp.asarray(g)) / (self.r_off - self.r_on)

    def current(self, v: ArrayLike, x: ArrayLike) -> Array:
        """i = v/M, A."""
        return jnp.asarray(v) / self.memristance(x)

    def rate(self, v: ArrayLike, x: ArrayLike) -> Array:
        """dw/dt = mu_v (r_on/D) i f, m/s."""
        i = self.current(v, x)
        return self.mu_v * (self.r_on / self.d) * i * self.window(i, x)

    def drive(self, v: ArrayLike) -> Array:
        """g(v) = v, so that the drive is the flux, V s."""
        return jnp.asarray(v)

    def advance(self, x: ArrayLike, s: ArrayLike) -> Array:
        """w after a flux `s` of one sign in V s, m."""
        x = jnp.asarray(x)
        change = self.travel(x / self.d, self.mu_v * (self.r_on / self.d) / self.d * s)
        return jnp.clip(x + self.d * change, self.lower, self.upper)


class LinearIonDrift(AbstractIonDrift):
    """Linear ion drift: dw/dt = mu_v (r_on/D) v/M; state w in m.

    Expect conductance to run away upwards: dG/dflux grows as G^3, so a device near r_off hardly
    moves and one near r_on leaps. M^2 falls linearly with the flux, which gives the exact pulse:

        M1^2 = M0^2 - 2 (r_off - r_on) s,    x1 - x0 = 2 s/(M0 + M1),    within the bounds

    Args:
        r_on: resistance of the wholly doped film, ohm.
        r_off: resistance of the undoped film, ohm.
        d: film thickness D, m.
        mu_v: dopant mobility, m^2/(V s).
    """

    r_on: Array = leaf()
    r_off: Array = leaf()
    d: Array = leaf()
    mu_v: Array = leaf()

    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "seed": SEED_ION_DRIFT,
        "published": PUBLISHED_ION_DRIFT,
    }

    def window(self, i: ArrayLike, x: ArrayLike) -> Array:
        """f = 1."""
        return jnp.ones_like(i * x)

    def travel(self, x: Array, s: Array) -> Array:
        """2 s/(M0 + M1), which does not cancel for a small s."""
        before = self.r_on * x + self.r_off * (1 - x)
        squared = before**2 - 2 * (self.r_off - self.r_on) * s
        after = jnp.sqrt(jnp.clip(squared, self.r_on**2, self.r_off**2))
        return 2 * s / (before + after)
