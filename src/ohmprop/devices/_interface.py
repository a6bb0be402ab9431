"""Interface-type memristor: a Schottky barrier whose height follows the state, as at Nb:SrTiO3.

    v > 0:  i = I_f(x) (e^(u/V_f) - 1),                               v = u + r_s i
    v < 0:  i = -I_r(x) (e^w - 1),    w = [(1 + u/V_r)^p - 1]/p,    -v = u - r_s i
    dx/dt = A_p (e^(v/V_p) - 1) (1 - x)  for v > 0,    -A_n (e^(-v/V_n) - 1) x  for v < 0

and v/r_leak in parallel. The barrier falls linearly with x, so the currents grow exponentially:
I_r = i_r (r_off/r_on)^(kappa x), and I_f is such that i/v at 0.3 V is (1/r_off) (r_off/r_on)^x.
Forward: thermionic emission with an ideality factor; reverse: tunnelling through a barrier that
the field lowers. This package's own combination of such parts; no publication prints it whole.
"""

from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from ._base import AbstractSeparable, Parameter, leaf

_FIT = "this package's fit to the measured sweep nb_srtio3_Radius_10_um_-3V_3.csv (Nb:SrTiO3)"
_TIED = f"{_FIT}; only kappa ln(r_off/r_on) is determined by it"
_MOST = 80.0  # greatest exponent, so that float32 stays finite
_STEPS = 8  # Newton; the start is within ln 2 of the root, from where 5 reach rounding


class Interface(AbstractSeparable):
    """Schottky-barrier memristor; state x in [0, 1], 1 the lowest barrier.

    Rectifying: it conducts and is set under v > 0, and blocks and is reset under v < 0. A device
    under constant voltage approaches a bound exponentially and never stays stuck at one.

    Args:
        r_on, r_off: v/i at 0.3 V for x = 1 and x = 0, ohm.
        r_s: resistance in series with the barrier, ohm; below r_on.
        r_leak: resistance of the leak in parallel, ohm; above r_off.
        V_f: ideality factor times k T/q, V.
        i_r: reverse current scale for x = 0, A.
        kappa: how the barrier's change acts on reverse as compared with forward current.
        V_r: reverse voltage scale, V.
        p: exponent of the barrier's lowering by the field, dimensionless; 1 for none.
        A_p, A_n: speeds of SET and RESET, 1/s.
        V_p, V_n: voltages over which those grow by e, V.
    """

    r_on: Array = leaf()
    r_off: Array = leaf()
    r_s: Array = leaf()
    r_leak: Array = leaf()
    V_f: Array = leaf()
    i_r: Array = leaf()
    kappa: Array = leaf()
    V_r: Array = leaf()
    p: Array = leaf()
    A_p: Array = leaf()
    A_n: Array = leaf()
    V_p: Array = leaf()
    V_n: Array = leaf()

    read_voltage: ClassVar[float] = 0.3
    ORDERED: ClassVar[tuple[tuple[str, str], ...]] = (
        ("r_s", "r_on"),
        ("r_on", "r_off"),
        ("r_off", "r_leak"),
    )
    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "nb_srtio3_fit": {
            "r_on": Parameter(6.72e4, "ohm", _FIT),
            "r_off": Parameter(4.18e7, "ohm", _TIED),
            "r_s": Parameter(64.1, "ohm", _FIT),
            "r_leak": Parameter(4.15e8, "ohm", _FIT),
            "V_f": Parameter(0.0445, "V", _FIT),
            "i_r": Parameter(1.37e-12, "A", _FIT),
            "kappa": Parameter(1.2, "1", _TIED),
            "V_r": Parameter(0.0462, "V", _FIT),
            "p": Parameter(0.69, "1", _FIT),
            "A_p": Parameter(9.38e-3, "1/s", _FIT),
            "A_n": Parameter(9.84e-4, "1/s", _FIT),
            "V_p": Parameter(0.182, "V", _FIT),
            "V_n": Parameter(0.459, "V", _FIT),
        }
    }

    @property
    def lower(self) -> Array:
        """Highest barrier: x = 0."""
        return jnp.zeros_like(self.r_on)

    @property
    def upper(self) -> Array:
        """Lowest barrier: x = 1."""
        return jnp.ones_like(self.r_on)

    def conductance(self, x: ArrayLike) -> Array:
        """G = (1/r_off) (r_off/r_on)^x, S: i/v at 0.3 V, leak and series resistance included."""
        return (self.r_off / self.r_on) ** jnp.asarray(x) / self.r_off

    def state(self, g: ArrayLike) -> Array:
        """x = ln(g r_off) / ln(r_off/r_on), dimensionless."""
        return jnp.log(jnp.asarray(g) * self.r_off) / jnp.log(self.r_off / self.r_on)

    def current(self, v: ArrayLike, x: ArrayLike) -> Array:
        """i(v, x), A: the branch of v's sign, in series with r_s, and the leak."""
        v, x = jnp.asarray(v), jnp.asarray(x)
        i_read = self.read_voltage * (self.conductance(x) - 1 / self.r_leak)
        i_f = i_read / jnp.expm1((self.read_voltage - self.r_s * i_read) / self.V_f)
        i_r = self.i_r * (self.r_off / self.r_on) ** (self.kappa * x)
        forward = _branch(v, i_f, self.V_f, jnp.ones_like(self.p), self.r_s)
        return forward - _branch(-v, i_r, self.V_r, self.p, self.r_s) + v / self.r_leak

    def drive(self, v: ArrayLike) -> Array:
        """g = A_p (e^(v/V_p) - 1) for v > 0, -A_n (e^(-v/V_n) - 1) for v < 0; 1/s."""
        v = jnp.asarray(v)
        return self.A_p * _growth(v / self.V_p) - self.A_n * _growth(-v / self.V_n)

    def rate(self, v: ArrayLike, x: ArrayLike) -> Array:
        """dx/dt = g (1 - x) for g > 0, g x for g < 0; 1/s."""
        g, x = self.drive(v), jnp.asarray(x)
        return g * jnp.where(g > 0, 1 - x, x)

    def advance(self, x: ArrayLike, s: ArrayLike) -> Array:
        """x -> 1 - (1 - x) e^-s for s > 0, x e^s for s < 0."""
        x, s = jnp.asarray(x), jnp.asarray(s)
        up = x - (1 - x) * jnp.expm1(-jnp.maximum(s, 0))
        return jnp.clip(jnp.where(s > 0, up, x * jnp.exp(jnp.minimum(s, 0))), 0, 1)


def _growth(u: Array) -> Array:
    """e^u - 1 for u > 0, else 0."""
    return jnp.expm1(jnp.clip(u, 0, _MOST))


def _branch(v: Array, i0: Array, scale: Array, p: Array, r: Array) -> Array:
    """Current i0 (e^w - 1) of a barrier behind `r`, w = [(1 + u/scale)^p - 1]/p; 0 for v <= 0.

    Newton in y = ln i on the voltages' sum, which is convex and rising in y: from above, where
    either the barrier or `r` takes all of v, it descends to the root without overshooting.
    """
    ahead = v > 0
    v = jnp.where(ahead, v, 1.0)
    w = ((1 + v / scale) ** p - 1) / p
    lost = jnp.log(-jnp.expm1(-w)) + w + jnp.log(i0)  # without r
    given = (v, i0, scale, p, r)
    held = lax.stop_gradient(given)
    y = lax.stop_gradient(jnp.minimum(lost, jnp.log(v) - jnp.log(r)))
    y = lax.fori_loop(0, _STEPS, lambda _, y: _newton(y, *held), y)
    # One more step outside the loop carries the exact derivatives.
    return jnp.where(ahead, jnp.exp(_newton(y, *given)), 0.0)


def _newton(y: Array, v: Array, i0: Array, scale: Array, p: Array, r: Array) -> Array:
    """One step towards ln i, where the barrier's voltage and that of `r` add up to v."""
    above = y - jnp.log(i0)
    w = jnp.logaddexp(0.0, above)
    u = scale * ((1 + p * w) ** (1 / p) - 1)
    slope = scale * (1 + p * w) ** (1 / p - 1) * jnp.exp(above - w)
    over = r * jnp.exp(y)
    return y - (u + over - v) / lax.stop_gradient(slope + over)
