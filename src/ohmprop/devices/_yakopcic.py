"""Yakopcic's device: thresholds, exponential speed and a sinh current-voltage curve.

    i = a x sinh(b v),    a = 1/(r_on sinh(b 1 V))
    v > V_p:   dx/dt = A_p (e^v - e^V_p) f_p       v < -V_n:  dx/dt = -A_n (e^-v - e^V_n) f_n
    f_p = exp(-alpha_p (x - x_p)) (1 - x)/(1 - x_p)               for x >= x_p, else 1
    f_n = exp(alpha_n (x + x_n - 1)) (x - x_on)/(1 - x_n - x_on)  for x <= 1 - x_n, else 1

Voltages in the exponents are in units of 1 V. Conductance means i/v at 1 V, so G = x/r_on and the
greatest resistance r_off bounds the state from below: x_on = r_on/r_off.
Source: Yakopcic et al., IEEE Electron Device Lett. 32:1436 (2011), where x_on = 0.
"""

import abc
import math
from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from .._core import BadInput, nearest
from ._base import (
    FRACTION,
    NOT_NEGATIVE,
    SEED_CODE,
    SEED_FILES,
    AbstractSeparable,
    Parameter,
    leaf,
)
from ._exact import EDGE
from ._special import settle

_XYCE = "Ag-chalcogenide device (Oblea), Yakopcic et al. 2011, as in the Xyce test netlist"
_CHOICE = "none published (x may reach 0); 1000 times the set's r_on, this package's choice"
_WINDOWS = ("seed", "published")
_R_ON = 1 / (0.17 * math.sinh(0.05))  # a = 0.17 A, b = 0.05 /V: 117.6 ohm at 1 V


class AbstractYakopcic(AbstractSeparable):
    """What Yakopcic's models share: the thresholds, and windows that close beyond a knee.

    On the way to either end the state moves at the drive's own speed until its distance u from
    that end is the knee u_k, and then with f = e^(alpha (u - u_k)) u/width, width = u_k. Hence
    E1(alpha u) - E1(alpha u_0) = e^(-alpha u_k) |drive|/width, which `_special.settle` inverts.
    """

    A_p: eqx.AbstractVar[Array]
    A_n: eqx.AbstractVar[Array]
    V_p: eqx.AbstractVar[Array]
    V_n: eqx.AbstractVar[Array]
    x_p: eqx.AbstractVar[Array]
    x_n: eqx.AbstractVar[Array]

    @abc.abstractmethod
    def decay(self, up: Array) -> Array:
        """alpha for rising (`up`) and falling states, dimensionless."""

    def knee(self, up: Array) -> Array:
        """u_k, the distance from the end at which the window sets in, dimensionless."""
        return jnp.where(up, 1 - self.x_p, 1 - self.x_n - self.lower)

    def width(self, up: Array) -> Array:
        """What the window divides u by, dimensionless."""
        return self.knee(up)

    @property
    def upper(self) -> Array:
        """x = 1."""
        return jnp.ones_like(self.r_on)

    def rate(self, v: ArrayLike, x: ArrayLike) -> Array:
        """dx/dt, 1/s: zero between the thresholds."""
        drive = self.drive(v)
        up = drive > 0
        u, knee = self._distance(x, up), self.knee(up)
        closing = jnp.exp(self.decay(up) * (u - knee)) * u / self.width(up)
        return drive * jnp.where(u < 0, 0.0, jnp.where(u <= knee, closing, 1.0))

    def drive(self, v: ArrayLike) -> Array:
        """A_p (e^v - e^V_p) above V_p, -A_n (e^-v - e^V_n) below -V_n, else exactly 0; 1/s."""
        v = jnp.asarray(v)
        speed_p = self.A_p * (jnp.exp(v) - jnp.exp(self.V_p))
        speed_n = -self.A_n * (jnp.exp(-v) - jnp.exp(self.V_n))
        return jnp.where(v > self.V_p, speed_p, jnp.where(v < -self.V_n, speed_n, 0.0))

    def advance(self, x: ArrayLike, s: ArrayLike) -> Array:
        """State after a drive of `s`: x + s up to the knee, slower beyond; within the bounds."""
        x, s = jnp.asarray(x), jnp.asarray(s)
        up, size = s > 0, jnp.abs(s)
        u, knee, width, decay = self._distance(x, up), self.knee(up), self.width(up), self.decay(up)
        near = jnp.minimum(u, jnp.maximum(knee, 0.0))
        # A negative width, which one window has, repels the state from the end: back to the knee
        # at most, and from the end itself as if it were `EDGE` away.
        repels = (width < 0) & (knee > 0)
        near = jnp.where(repels, jnp.maximum(near, EDGE * (1 - self.lower)), near)
        low = jnp.where(repels, jnp.log(jnp.where(repels, near / knee, 1.0)), 0.0)
        linear = size < u - near
        left = jnp.where(linear, 0.0, size - (u - near))
        pace = jnp.exp(-decay * (knee - near)) / jnp.where(knee > 0, width, 1.0)
        closer = u - near - near * jnp.expm1(-settle(decay * near, left * pace, low))
        moved = jnp.where(linear, size, closer)
        return jnp.clip(x + jnp.where(up, moved, -moved), self.lower, self.upper)

    def _distance(self, x: ArrayLike, up: Array) -> Array:
        return jnp.where(up, 1 - jnp.asarray(x), jnp.asarray(x) - self.lower)


class Yakopcic(AbstractYakopcic):
    """Yakopcic's device with one scale a for both signs of v; state x in [r_on/r_off, 1].

    `window="published"` is the physical choice: f_n as above, continuous, 1 at x = 1 - x_n, 0 at
    x_on, and the published window x/(1 - x_n) where x_on = 0. `window="seed"` reproduces the
    seed's eq. 16, which divides by (x_n - x_on): f_n jumps at 1 - x_n (to 2.34 there for x_n = 0.3
    and r_off/r_on = 1000) and is negative where x_on > x_n: RESET then ends at x = 1 - x_n.

    Args:
        r_on: resistance at 1 V for x = 1, ohm.
        r_off: greatest resistance at 1 V, ohm.
        b: curvature of the current, 1/V.
        A_p, A_n: speeds of SET and RESET, 1/s.
        V_p, V_n: threshold magnitudes, V.
        alpha_p, alpha_n: decay of the windows, dimensionless.
        x_p, x_n: where the windows set in, dimensionless.
        window: "published" (physical) or "seed" (wrong denominator in f_n).

    Raises:
        BadInput: unknown `window`.
    """

    r_on: Array = leaf()
    r_off: Array = leaf()
    b: Array = leaf()
    A_p: Array = leaf()
    A_n: Array = leaf()
    V_p: Array = leaf(NOT_NEGATIVE)
    V_n: Array = leaf(NOT_NEGATIVE)
    alpha_p: Array = leaf(NOT_NEGATIVE)
    alpha_n: Array = leaf(NOT_NEGATIVE)
    x_p: Array = leaf(FRACTION)
    x_n: Array = leaf(FRACTION)
    window: str = eqx.field(static=True, default="published")

    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "seed": {
            "r_on": Parameter(100.0, "ohm", SEED_FILES),
            "r_off": Parameter(1e5, "ohm", SEED_FILES),
            "b": Parameter(0.05, "1/V", SEED_CODE),
            "A_p": Parameter(4000.0, "1/s", SEED_CODE),
            "A_n": Parameter(4000.0, "1/s", SEED_CODE),
            "V_p": Parameter(0.5, "V", f"{SEED_CODE}; published 0.16"),
            "V_n": Parameter(0.5, "V", f"{SEED_CODE}; published 0.15"),
            "alpha_p": Parameter(1.0, "1", SEED_CODE),
            "alpha_n": Parameter(5.0, "1", SEED_CODE),
            "x_p": Parameter(0.3, "1", SEED_CODE),
            "x_n": Parameter(0.3, "1", f"{SEED_CODE}; published 0.5"),
        },
        "published": {
            "r_on": Parameter(_R_ON, "ohm", f"1/(a sinh b), a = 0.17 A: {_XYCE}"),
            "r_off": Parameter(1e3 * _R_ON, "ohm", _CHOICE),
            "b": Parameter(0.05, "1/V", _XYCE),
            "A_p": Parameter(4000.0, "1/s", _XYCE),
            "A_n": Parameter(4000.0, "1/s", _XYCE),
            "V_p": Parameter(0.16, "V", _XYCE),
            "V_n": Parameter(0.15, "V", _XYCE),
            "alpha_p": Parameter(1.0, "1", _XYCE),
            "alpha_n": Parameter(5.0, "1", _XYCE),
            "x_p": Parameter(0.3, "1", _XYCE),
            "x_n": Parameter(0.5, "1", _XYCE),
        },
    }
    OPTIONS: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "seed": {"window": "seed"},
        "published": {"window": "published"},
    }

    def __check_init__(self) -> None:
        if self.window not in _WINDOWS:
            known = nearest(self.window, _WINDOWS)
            raise BadInput(f"yakopcic: unknown window {self.window!r}.{known}")

    @property
    def a(self) -> Array:
        """Current scale a = 1/(r_on sinh b), A."""
        return 1 / (self.r_on * jnp.sinh(self.b))

    @property
    def lower(self) -> Array:
        """x_on = r_on/r_off, dimensionless."""
        return self.r_on / self.r_off

    def conductance(self, x: ArrayLike) -> Array:
        """G = a x sinh(b) per 1 V, S: the secant at 1 V."""
        return self.a * x * jnp.sinh(self.b)

    def state(self, g: ArrayLike) -> Array:
        """x = g/(a sinh b) = g r_on, dimensionless."""
        return jnp.asarray(g) / (self.a * jnp.sinh(self.b))

    def current(self, v: ArrayLike, x: ArrayLike) -> Array:
        """i = a x sinh(b v), A."""
        return self.a * x * jnp.sinh(self.b * v)

    def decay(self, up: Array) -> Array:
        """alpha_p or alpha_n, dimensionless."""
        return jnp.where(up, self.alpha_p, self.alpha_n)

    def width(self, up: Array) -> Array:
        """1 - x_p or 1 - x_n - x_on, the knee; for `window="seed"` the latter is x_n - x_on."""
        if self.window == "published":
            return self.knee(up)
        return jnp.where(up, 1 - self.x_p, self.x_n - self.lower)
