"""Stanford-PKU model of oxide RRAM: a tunnelling gap that grows and shrinks under field and heat.

    i = I_0 e^(-g/g_0) sinh(v/V_0),    T = T_0 + |v i| R_th
    dg/dt = -v_0 e^(-E_a/kT) sinh(gamma a_0 q v/(t_ox k T))
    gamma = gamma_0 - beta (g/1 nm)^3,  0 where gamma |v|/t_ox < F_min

Positive voltage closes the gap. With the published numbers nothing moves below 1.05 V.
Source: Jiang and Wong, 'Stanford University Resistive-Switching Random Access Memory (RRAM)
Verilog-A Model' 1.0.0, nanoHUB, doi:10.4231/D37H1DN48 (2014), standard model.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from .._core import K_B, Q_E
from ._base import NOT_NEGATIVE, AbstractMemristor, Parameter, leaf

_READ = 0.1  # V
_MOST = 80.0  # greatest exponent, so that float32 stays finite
_NM = 1e-9  # m
_NANOHUB = (
    "Stanford RRAM Verilog-A model 1.0.0 (doi:10.4231/D37H1DN48), defaults as in M. Watfa's Python "
    "version of it"
)


def _resistance(gap: float) -> float:
    """v/i at the read voltage with I_0 = 1 mA, g_0 = 0.25 nm and V_0 = 0.25 V, ohm."""
    return _READ * math.exp(gap / 0.25e-9) / (1e-3 * math.sinh(_READ / 0.25))


class StanfordPKU(AbstractMemristor):
    """Stanford-PKU RRAM; state g in m, the gap between filament and electrode.

    I_0 and g_0 follow from the resistances at the two ends of the gap's range, so that a change of
    `gap_min` or `gap_max` alone changes them. The source has gamma_0 = 16 for every v < 0,
    whatever the parameter; here the parameter holds for both signs. Pulses are integrated.

    Args:
        r_on, r_off: v/i at 0.1 V for the least and the greatest gap, ohm.
        gap_min, gap_max: bounds of the gap, m.
        V_0: voltage scale of the current, V.
        v_0: speed of the gap, m/s.
        E_a: activation energy, eV.
        a_0: atomic spacing, m.
        gamma_0, beta: field enhancement at g = 0, and its fall with g, dimensionless.
        t_ox: oxide thickness, m.
        F_min: least enhanced field that moves the gap, V/m.
        R_th: thermal resistance, K/W.
        T_0: ambient temperature, K.
        delta_g: random speed of the gap, m/s; `sample` alone depends on it and what follows.
        T_crit, T_smth: temperature at which the random speed is halved, and its spread, K.
        t_step: time after which the random speed is drawn anew, s.
    """

    r_on: Array = leaf()
    r_off: Array = leaf()
    gap_min: Array = leaf()
    gap_max: Array = leaf()
    V_0: Array = leaf()
    v_0: Array = leaf()
    E_a: Array = leaf()
    a_0: Array = leaf()
    gamma_0: Array = leaf()
    beta: Array = leaf(NOT_NEGATIVE)
    t_ox: Array = leaf()
    F_min: Array = leaf(NOT_NEGATIVE)
    R_th: Array = leaf(NOT_NEGATIVE)
    T_0: Array = leaf()
    delta_g: Array = leaf(NOT_NEGATIVE)
    T_crit: Array = leaf()
    T_smth: Array = leaf()
    t_step: Array = leaf()

    read_voltage: ClassVar[float] = _READ
    ORDERED: ClassVar[tuple[tuple[str, str], ...]] = (("r_on", "r_off"), ("gap_min", "gap_max"))
    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "nanohub": {
            "r_on": Parameter(
                _resistance(0.2e-9), "ohm", f"I_0 = 1 mA, g_0 = 0.25 nm, gap_min: {_NANOHUB}"
            ),
            "r_off": Parameter(
                _resistance(1.7e-9), "ohm", f"I_0 = 1 mA, g_0 = 0.25 nm, gap_max: {_NANOHUB}"
            ),
            "gap_min": Parameter(0.2e-9, "m", _NANOHUB),
            "gap_max": Parameter(1.7e-9, "m", _NANOHUB),
            "V_0": Parameter(0.25, "V", _NANOHUB),
            "v_0": Parameter(10.0, "m/s", _NANOHUB),
            "E_a": Parameter(0.6, "eV", _NANOHUB),
            "a_0": Parameter(0.25e-9, "m", _NANOHUB),
            "gamma_0": Parameter(16.0, "1", _NANOHUB),
            "beta": Parameter(0.8, "1", _NANOHUB),
            "t_ox": Parameter(12e-9, "m", _NANOHUB),
            "F_min": Parameter(1.4e9, "V/m", _NANOHUB),
            "R_th": Parameter(2.1e3, "K/W", _NANOHUB),
            "T_0": Parameter(298.0, "K", _NANOHUB),
            "delta_g": Parameter(0.02, "m/s", _NANOHUB),
            "T_crit": Parameter(450.0, "K", _NANOHUB),
            "T_smth": Parameter(500.0, "K", _NANOHUB),
            "t_step": Parameter(1e-9, "s", f"{_NANOHUB}: the greatest time step"),
        }
    }

    @property
    def lower(self) -> Array:
        """gap_min, m."""
        return self.gap_min

    @property
    def upper(self) -> Array:
        """gap_max, m."""
        return self.gap_max

    @property
    def g_0(self) -> Array:
        """Length over which the current falls by e, (gap_max - gap_min)/ln(r_off/r_on), m."""
        return (self.gap_max - self.gap_min) / jnp.log(self.r_off / self.r_on)

    @property
    def I_0(self) -> Array:
        """Current scale at no gap, A."""
        at_min = _READ / (self.r_on * jnp.sinh(_READ / self.V_0))
        return at_min * jnp.exp(self.gap_min / self.g_0)

    def conductance(self, x: ArrayLike) -> Array:
        """G = (1/r_on) e^(-(g - gap_min)/g_0), S: i/v at 0.1 V."""
        return jnp.exp((self.gap_min - jnp.asarray(x)) / self.g_0) / self.r_on

    def state(self, g: ArrayLike) -> Array:
        """Gap whose conductance is `g` in S: gap_min - g_0 ln(g r_on), m."""
        return self.gap_min - self.g_0 * jnp.log(jnp.asarray(g) * self.r_on)

    def current(self, v: ArrayLike, x: ArrayLike) -> Array:
        """i = I_0 e^(-g/g_0) sinh(v/V_0), A."""
        u = jnp.clip(jnp.asarray(v) / self.V_0, -_MOST, _MOST)
        return self.conductance(x) * _READ / jnp.sinh(_READ / self.V_0) * jnp.sinh(u)

    def temperature(self, v: ArrayLike, x: ArrayLike) -> Array:
        """T = T_0 + |v i| R_th, K."""
        return self.T_0 + jnp.asarray(v) * self.current(v, x) * self.R_th

    def rate(self, v: ArrayLike, x: ArrayLike) -> Array:
        """dg/dt, m/s: zero below the least field."""
        v, x = jnp.asarray(v), jnp.asarray(x)
        gamma = self.gamma_0 - self.beta * (x / _NM) ** 3
        moves = gamma * jnp.abs(v) / self.t_ox >= self.F_min
        kt = (K_B / Q_E) * self.temperature(v, x)  # eV; in this order float32 does not underflow
        u = jnp.where(moves, gamma, 0.0) * (self.a_0 / self.t_ox) * v / kt
        # e^-E sinh u as one exponential, which does not overflow before the product does.
        size = jnp.abs(u)
        grown = jnp.exp(jnp.minimum(size - self.E_a / kt, _MOST)) * -jnp.expm1(-2 * size) / 2
        return -self.v_0 * jnp.sign(u) * grown

    def sample(self, key: Array, x: ArrayLike, v: ArrayLike, t: ArrayLike) -> Array:
        """Gap after a pulse of `v` volts for `t` seconds with the source's random speed.

            g <- pulse(g, v, t) + delta sqrt(t_step t) xi,    xi ~ normal(0, 1)
            delta = delta_g/(1 + e^((T_crit - T)/T_smth)) where v is not 0, else 0

        The source adds delta xi to dg/dt and draws xi at every time step, of at most `t_step`: a
        random walk. Here its sum is added to the noiseless gap, with the mean of delta^2 before
        and after the pulse: exact for pulses that move the gap little.

        Args:
            key: JAX random key.
            x, v, t: as for `pulse`, [...].

        Returns:
            Gap after, [...], m, within the bounds.
        """
        after = self.pulse(x, v, t)
        variance = (self._spread(v, x) ** 2 + self._spread(v, after) ** 2) / 2
        xi = jax.random.normal(key, jnp.shape(after), after.dtype)
        walk = jnp.where(jnp.asarray(v) == 0, 0.0, jnp.sqrt(variance * self.t_step * t)) * xi
        return jnp.clip(after + walk, self.lower, self.upper)

    def _spread(self, v: ArrayLike, x: ArrayLike) -> Array:
        """delta, the random speed at the temperature there, m/s."""
        return self.delta_g * jax.nn.sigmoid((self.temperature(v, x) - self.T_crit) / self.T_smth)
