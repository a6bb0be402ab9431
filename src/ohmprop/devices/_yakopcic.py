"""Yakopcic's device: thresholds, exponential speed and a sinh current-voltage curve.

    i = a x sinh(b v),    a = 1/(r_on sinh(b 1 V))
    v > V_p:   dx/dt = A_p (e^v - e^V_p) f_p       v < -V_n:  dx/dt = -A_n (e^-v - e^V_n) f_n
    f_p = exp(-alpha_p (x - x_p)) (1 - x)/(1 - x_p)               for x >= x_p, else 1
    f_n = exp(alpha_n (x + x_n - 1)) (x - x_on)/(1 - x_n - x_on)  for x <= 1 - x_n, else 1

Voltages in the exponents are in units of 1 V. Conductance means i/v at 1 V, so G = x/r_on and the
greatest resistance r_off bounds the state from below: x_on = r_on/r_off.
Source: Yakopcic et al., IEEE Electron Device Lett. 32:1436 (2011), where x_on = 0.
"""

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
    AbstractMemristor,
    Parameter,
    leaf,
)

_XYCE = "Ag-chalcogenide device (Oblea), Yakopcic et al. 2011, as in the Xyce test netlist"
_CHOICE = "none published (x may reach 0); 1000 times the set's r_on, this package's choice"
_WINDOWS = ("seed", "published")
_R_ON = 1 / (0.17 * math.sinh(0.05))  # a = 0.17 A, b = 0.05 /V: 117.6 ohm at 1 V


class Yakopcic(AbstractMemristor):
    """Yakopcic's device with one scale a for both signs of v; state x in [r_on/r_off, 1].

    `window="published"` is the physical choice: f_n as above, continuous, 1 at x = 1 - x_n, 0 at
    x_on, and the published window x/(1 - x_n) where x_on = 0. `window="seed"` reproduces the
    seed's eq. 16, which divides by (x_n - x_on): f_n jumps at 1 - x_n (to 2.34 there for x_n = 0.3
    and r_off/r_on = 1000) and is negative where x_on > x_n.

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

    @property
    def upper(self) -> Array:
        """x = 1."""
        return jnp.ones_like(self.r_on)

    def conductance(self, x: ArrayLike) -> Array:
        """G = a x sinh(b) per 1 V, S: the secant at 1 V."""
        return self.a * x * jnp.sinh(self.b)

    def state(self, g: ArrayLike) -> Array:
        """x = g/(a sinh b) = g r_on, dimensionless."""
        return jnp.asarray(g) / (self.a * jnp.sinh(self.b))

    def current(self, v: ArrayLike, x: ArrayLike) -> Array:
        """i = a x sinh(b v), A."""
        return self.a * x * jnp.sinh(self.b * v)

    def rate(self, v: ArrayLike, x: ArrayLike) -> Array:
        """dx/dt, 1/s: zero between the thresholds."""
        v, x = jnp.asarray(v), jnp.asarray(x)
        speed_p = self.A_p * (jnp.exp(v) - jnp.exp(self.V_p))
        speed_n = -self.A_n * (jnp.exp(-v) - jnp.exp(self.V_n))
        speed = jnp.where(v > self.V_p, speed_p, jnp.where(v < -self.V_n, speed_n, 0.0))
        return speed * jnp.where(v >= 0, self._window_set(x), self._window_reset(x))

    def _window_set(self, x: Array) -> Array:
        falling = jnp.exp(-self.alpha_p * (x - self.x_p)) * (1 - x) / (1 - self.x_p)
        return jnp.where(x >= self.x_p, falling, 1.0)

    def _window_reset(self, x: Array) -> Array:
        x_on, edge = self.lower, 1 - self.x_n
        width = edge - x_on if self.window == "published" else self.x_n - x_on
        falling = jnp.exp(self.alpha_n * (x + self.x_n - 1)) * (x - x_on) / width
        return jnp.where(x < x_on, 0.0, jnp.where(x <= edge, falling, 1.0))
