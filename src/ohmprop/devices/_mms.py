"""Mean metastable switch: a large number of switches, each on or off with thermal odds.

    i = v [x/r_on + (1 - x)/r_off]
    dx/dt = [s_on (1 - x) - s_off x] / tau
    s_on = 1/(1 + exp(-q (v - V_on)/(k T))),    s_off = 1/(1 + exp(q (v + V_off)/(k T)))

Source: Molter and Nugent, 'The Mean Metastable Switch Memristor Model in Xyce', knowm.org (2017).
"""

from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from .._core import K_B, Q_E
from ._base import NOT_NEGATIVE, SEED_CODE, SEED_FILES, AbstractMemristor, Parameter, leaf

_KNOWM = "Knowm's AHaH library (Java, knowm.org), AgChalc device"
_INVERTED = f"{SEED_CODE}: 1/U with U = 0.9, inverted by the initialiser"


class MMS(AbstractMemristor):
    """Mean metastable switch; state x in [0, 1], the fraction of switches that are on.

    An Euler step of P = s t/tau beyond 1 is a probability beyond 1 (the seed's amplitude-modulated
    pulses are up to 50 tau); the exact pulse has no such limit. At 0 V the state relaxes to
    s_on/(s_on + s_off) with time constant tau/(s_on + s_off): to 0.87 in 0.21 s for the
    "published" set, a volatile device.

    The "published" numbers are Knowm's for silver chalcogenide (AgChalc), 0.91 to 8.7 mS, from
    their Java code; the note above was not checked for them. T is not among them but the seed's.

    Args:
        r_on, r_off: resistance with all switches on and off, ohm.
        V_on, V_off: threshold magnitudes, V.
        tau: time constant of one switch, s.
        T: temperature, K.
    """

    r_on: Array = leaf()
    r_off: Array = leaf()
    V_on: Array = leaf(NOT_NEGATIVE)
    V_off: Array = leaf(NOT_NEGATIVE)
    tau: Array = leaf()
    T: Array = leaf()

    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "seed": {
            "r_on": Parameter(100.0, "ohm", SEED_FILES),
            "r_off": Parameter(1e5, "ohm", SEED_FILES),
            "V_on": Parameter(1 / 0.9, "V", _INVERTED),
            "V_off": Parameter(1 / 0.9, "V", _INVERTED),
            "tau": Parameter(1e-4, "s", SEED_CODE),
            "T": Parameter(298.5, "K", SEED_CODE),
        },
        "published": {
            "r_on": Parameter(1 / 8.7e-3, "ohm", f"{_KNOWM}: 8.7 mS"),
            "r_off": Parameter(1 / 0.91e-3, "ohm", f"{_KNOWM}: 0.91 mS"),
            "V_on": Parameter(0.17, "V", _KNOWM),
            "V_off": Parameter(0.22, "V", _KNOWM),
            "tau": Parameter(0.32e-3, "s", _KNOWM),
            "T": Parameter(298.5, "K", SEED_CODE),
        },
    }

    @property
    def lower(self) -> Array:
        """All switches off: x = 0."""
        return jnp.zeros_like(self.r_on)

    @property
    def upper(self) -> Array:
        """All switches on: x = 1."""
        return jnp.ones_like(self.r_on)

    def conductance(self, x: ArrayLike) -> Array:
        """G = x/r_on + (1 - x)/r_off, S."""
        x = jnp.asarray(x)
        return x / self.r_on + (1 - x) / self.r_off

    def state(self, g: ArrayLike) -> Array:
        """x = (g - 1/r_off)/(1/r_on - 1/r_off), dimensionless."""
        return (jnp.asarray(g) - 1 / self.r_off) / (1 / self.r_on - 1 / self.r_off)

    def current(self, v: ArrayLike, x: ArrayLike) -> Array:
        """i = v G(x), A."""
        return jnp.asarray(v) * self.conductance(x)

    def rate(self, v: ArrayLike, x: ArrayLike) -> Array:
        """dx/dt = [s_on (1 - x) - s_off x]/tau, 1/s."""
        s_on, s_off = self._odds(v)
        return (s_on * (1 - jnp.asarray(x)) - s_off * x) / self.tau

    def pulse(self, x: ArrayLike, v: ArrayLike, t: ArrayLike) -> Array:
        """Relaxation towards s_on/(s_on + s_off), exact for any duration.

            x + t rate(v, x) (1 - e^-z)/z,    z = (s_on + s_off) t/tau

        Arguments and result as for `AbstractMemristor.pulse`.
        """
        s_on, s_off = self._odds(v)
        z = (s_on + s_off) * t / self.tau
        some = jnp.where(z > 0, z, 1.0)
        shrink = jnp.where(z > 0, -jnp.expm1(-some) / some, 1 - z / 2)
        return jnp.clip(x + t * self.rate(v, x) * shrink, self.lower, self.upper)

    def _odds(self, v: ArrayLike) -> tuple[Array, Array]:
        """s_on and s_off: the odds of one switch to turn on and off within tau."""
        v = jnp.asarray(v)
        beta = (Q_E / K_B) / self.T  # 1/V; in this order float32 does not underflow
        return jax.nn.sigmoid(beta * (v - self.V_on)), jax.nn.sigmoid(-beta * (v + self.V_off))
