"""Generalised metastable switch: the mean metastable switch, with a Schottky barrier in parallel.

    i = phi v [x g_on + (1 - x) g_off] + (1 - phi) i_s(v)
    i_s = alpha_f (e^(beta_f v) - 1) - alpha_r (e^(-beta_r v) - 1)
    dx/dt as for the mean metastable switch

Knowm's code has i_s without the two -1; then i(0) = (1 - phi) (alpha_f - alpha_r), which is not 0
for the Pd-WO3-W device. With them every device is pinched, and equal where alpha_f = alpha_r.
Sources: Nugent and Molter, 'AHaH computing', PLoS ONE 9:e85175 (2014); Knowm's code for it.
"""

from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from ._base import NOT_NEGATIVE, Parameter, Range, leaf
from ._mms import MMS

_READ = 0.1  # V
_MOST = 80.0  # greatest exponent, so that float32 stays finite
_SHARE = Range(low=0, high=float(np.nextafter(1, 2)))  # 1 included


def _device(
    name: str,
    conductances: tuple[float, float],
    thresholds: tuple[float, float],
    tau: float,
    phi: float = 1.0,
    forward: tuple[float, float] = (0.0, 0.0),
    reverse: tuple[float, float] = (0.0, 0.0),
    note: str = "",
) -> dict[str, Parameter]:
    """A set in the code's terms: switches' conductances (S) off and on, (V_on, V_off), barriers."""
    source = f"Knowm's AHaH library (Java, github.com/knowm/AHaH), {name}{note}"
    barrier = forward[0] * np.expm1(forward[1] * _READ) - reverse[0] * np.expm1(-reverse[1] * _READ)
    off, on = (float(_READ / (phi * g * _READ + (1 - phi) * barrier)) for g in conductances)
    read = f"0.1 V/i(0.1 V), with {{}} of {{:g}} S for all switches: {source}"
    return {
        "r_on": Parameter(on, "ohm", read.format("g_on", conductances[1])),
        "r_off": Parameter(off, "ohm", read.format("g_off", conductances[0])),
        "V_on": Parameter(thresholds[0], "V", source),
        "V_off": Parameter(thresholds[1], "V", source),
        "tau": Parameter(tau, "s", source),
        "T": Parameter(298.0, "K", source),
        "N": Parameter(1e6, "1", source),
        "phi": Parameter(phi, "1", source),
        "alpha_f": Parameter(forward[0], "A", source),
        "beta_f": Parameter(forward[1], "1/V", source),
        "alpha_r": Parameter(reverse[0], "A", source),
        "beta_r": Parameter(reverse[1], "1/V", source),
    }


_TURNED = "; terminals exchanged: there a positive voltage lowers the conductance"
_PD_WO3_W = _device(
    "PdWO3WMemristor", (4e-6, 2.5e-5), (0.8, 1.0), 0.8e-3, 0.55, (1e-9, 8.5), (2.2e-8, 6.2)
)
_GST = _device(
    "GSTMemristor", (0.12e-3, 1.2e-3), (0.6, 0.9), 0.42e-3, 0.7, (5e-5, 3.0), (5e-5, 3.0), _TURNED
)


class GMSS(MMS):
    """Generalised metastable switch; state x in [0, 1], the fraction of switches that are on.

    `pulse` is the mean's exact relaxation, `sample` draws the switches that turn. The resistances
    are those read at 0.1 V, barrier included; r_off must be below 0.1 V / ((1 - phi) i_s(0.1 V)),
    where the switches' own conductance would vanish.

    Args:
        r_on, r_off: v/i at 0.1 V with all switches on and off, ohm.
        V_on, V_off: threshold magnitudes, V.
        tau: time constant of one switch, s.
        T: temperature, K.
        N: number of switches; `sample` alone depends on it.
        phi: share of the switches in the current, 0 < phi <= 1.
        alpha_f, alpha_r: scales of the barrier's forward and reverse current, A.
        beta_f, beta_r: their exponents, 1/V.
    """

    N: Array = leaf()
    phi: Array = leaf(_SHARE)
    alpha_f: Array = leaf(NOT_NEGATIVE)
    beta_f: Array = leaf(NOT_NEGATIVE)
    alpha_r: Array = leaf(NOT_NEGATIVE)
    beta_r: Array = leaf(NOT_NEGATIVE)

    read_voltage: ClassVar[float] = _READ
    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "pd_wo3_w": _PD_WO3_W,
        "gst": _GST,
        "agchalc": _device("AgChalcMemristor", (0.91e-3, 8.7e-3), (0.17, 0.22), 0.32e-3),
        "aginsbte": _device("AgInSbTeMemristor", (10e-3, 40e-3), (0.23, 0.25), 0.15e-3),
    }

    def current(self, v: ArrayLike, x: ArrayLike) -> Array:
        """i = phi v [x g_on + (1 - x) g_off] + (1 - phi) i_s(v), A."""
        v = jnp.asarray(v)
        switches = self.conductance(x) - self._barrier(jnp.asarray(_READ)) / _READ
        return v * switches + self._barrier(v)

    def sample(self, key: Array, x: ArrayLike, v: ArrayLike, t: ArrayLike) -> Array:
        """State after a pulse of `v` volts for `t` seconds, the switches that turn drawn at random.

            N x <- N x + dN_on - dN_off,    dN ~ normal(M P, M P (1 - P))

        of the M = N (1 - x) or N x switches that may turn, each does with the probability
        P = s/(s_on + s_off) (1 - exp(-(s_on + s_off) t/tau)), s = s_on or s_off: exact for a pulse
        of any length, and s t/tau for a short one, which Knowm's code takes and clamps to 1. The
        mean is that of `pulse`.

        Args:
            key: JAX random key.
            x, v, t: as for `pulse`, [...].

        Returns:
            State after, [...], within the bounds.
        """
        s_on, s_off = self._odds(v)
        rate = s_on + s_off
        turned = -jnp.expm1(-rate * t / self.tau) / jnp.where(rate > 0, rate, 1.0)
        x, on, off, n = jnp.broadcast_arrays(x, s_on * turned, s_off * turned, self.N)
        spread = (1 - x) * on * (1 - on) + x * off * (1 - off)
        xi = jax.random.normal(key, spread.shape, spread.dtype)
        moved = (1 - x) * on - x * off + jnp.sqrt(spread / n) * xi
        return jnp.clip(x + moved, self.lower, self.upper)

    def _barrier(self, v: Array) -> Array:
        """(1 - phi) i_s(v), A."""
        forward = self.alpha_f * jnp.expm1(jnp.minimum(self.beta_f * v, _MOST))
        reverse = self.alpha_r * jnp.expm1(jnp.minimum(-self.beta_r * v, _MOST))
        return (1 - self.phi) * (forward - reverse)
