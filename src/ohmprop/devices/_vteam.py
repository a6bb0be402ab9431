"""VTEAM: a voltage-controlled device with thresholds and exponential resistance.

    i = v / M,    M = r_on (r_off/r_on)^((w - w_on)/(w_off - w_on))
    v > v_off:  dw/dt = k_off (v/v_off - 1)^alpha_off f_off,  f_off = exp(-exp((y - a_off)/w_c))
    v < v_on:   dw/dt = k_on (v/v_on - 1)^alpha_on f_on,      f_on = exp(-exp((a_on - y)/w_c))
    otherwise:  dw/dt = 0

Positive voltage drives it towards r_off: polarity -1.
Sources: Kvatinsky et al., IEEE TCAS-II 62:786 (2015); window: Kvatinsky et al., TCAS-I 60:211
(2013), as eq. 5 of Biolek et al., IEEE Access 9:30242 (2021).
"""

from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from .._core import BadInput, nearest
from ._base import (
    ANY,
    NEGATIVE,
    SEED_CODE,
    SEED_FILES,
    AbstractSeparable,
    Parameter,
    leaf,
)
from ._special import creep

_SWAPPED = f"{SEED_CODE}; published with the two alphas the other way round"
_MEMTORCH = "MemTorch, memtorch/bh/memristor/VTEAM.py defaults (after Kvatinsky et al. 2015)"
_WINDOW = f"{SEED_CODE}, read as a fraction of the state's span; the cited listing has no window"
_WINDOWS = ("seed", "published", "none")
_SHUT = 80.0  # widths; beyond them exp(-exp(z)) is 0 in every format


class VTEAM(AbstractSeparable):
    """VTEAM with Kvatinsky's window; state w in m, from w_on to w_off.

    The window's argument y must be in the unit of a_off, a_on and w_c, which here are fractions
    of the span w_off - w_on. `window="published"` is the physical choice: y = (w - w_on)/(w_off -
    w_on). `window="seed"` reproduces a unit error in the seed's code: y = w in metres, about
    1e-9, which makes f_on = 0.00502 and f_off = 0.9987 constants. `window="none"` is f = 1: the
    state moves at constant speed from bound to bound.

    Pulses are exact. With z = exp((y - a_off)/w_c), or exp((a_on - y)/w_c), a window means
    w_c [Ei(z) - Ei(z_0)] = |drive| in units of the span, which `_special.creep` inverts.

    The TEAM report prints a_on = 2 nm, a_off = 1.2 nm, w_c = 107 pm of 3 nm; with that order no
    voltage moves a device between about 1.4 and 1.8 nm, so the set does not use them.

    Args:
        r_on, r_off: resistance at w_on and w_off, ohm.
        w_on, w_off: state bounds, m.
        v_on, v_off: thresholds, v_on < 0 < v_off, V.
        k_on, k_off: speeds, k_on < 0 < k_off, m/s.
        alpha_on, alpha_off: exponents of the overdrive, dimensionless.
        a_on, a_off, w_c: window centres and width, fractions of the span.
        window: "published" (physical), "seed" (metres taken for fractions) or "none" (f = 1).

    Raises:
        BadInput: unknown `window`.
    """

    r_on: Array = leaf()
    r_off: Array = leaf()
    w_on: Array = leaf(ANY)
    w_off: Array = leaf(ANY)
    v_on: Array = leaf(NEGATIVE)
    v_off: Array = leaf()
    k_on: Array = leaf(NEGATIVE)
    k_off: Array = leaf()
    alpha_on: Array = leaf()
    alpha_off: Array = leaf()
    a_on: Array = leaf(ANY)
    a_off: Array = leaf(ANY)
    w_c: Array = leaf()
    window: str = eqx.field(static=True, default="published")

    polarity: ClassVar[int] = -1
    ORDERED: ClassVar[tuple[tuple[str, str], ...]] = (("r_on", "r_off"), ("w_on", "w_off"))
    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "seed": {
            "r_on": Parameter(100.0, "ohm", SEED_FILES),
            "r_off": Parameter(1e5, "ohm", SEED_FILES),
            "w_on": Parameter(0.0, "m", SEED_CODE),
            "w_off": Parameter(3e-9, "m", SEED_CODE),
            "v_on": Parameter(-0.5, "V", SEED_CODE),
            "v_off": Parameter(0.5, "V", SEED_CODE),
            "k_on": Parameter(-10.0, "m/s", SEED_CODE),
            "k_off": Parameter(5e-4, "m/s", SEED_CODE),
            "alpha_on": Parameter(1.0, "1", _SWAPPED),
            "alpha_off": Parameter(3.0, "1", _SWAPPED),
            "a_on": Parameter(0.2, "1", SEED_CODE),
            "a_off": Parameter(0.8, "1", SEED_CODE),
            "w_c": Parameter(0.12, "1", SEED_CODE),
        },
        "published": {
            "r_on": Parameter(50.0, "ohm", _MEMTORCH),
            "r_off": Parameter(1e3, "ohm", _MEMTORCH),
            "w_on": Parameter(0.0, "m", _MEMTORCH),
            "w_off": Parameter(3e-9, "m", _MEMTORCH),
            "v_on": Parameter(-0.2, "V", _MEMTORCH),
            "v_off": Parameter(0.02, "V", _MEMTORCH),
            "k_on": Parameter(-10.0, "m/s", _MEMTORCH),
            "k_off": Parameter(5e-4, "m/s", _MEMTORCH),
            "alpha_on": Parameter(3.0, "1", _MEMTORCH),
            "alpha_off": Parameter(1.0, "1", _MEMTORCH),
            "a_on": Parameter(0.2, "1", _WINDOW),
            "a_off": Parameter(0.8, "1", _WINDOW),
            "w_c": Parameter(0.12, "1", _WINDOW),
        },
    }
    OPTIONS: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "seed": {"window": "seed"},
        "published": {"window": "published"},
    }

    def __check_init__(self) -> None:
        if self.window not in _WINDOWS:
            raise BadInput(
                f"vteam: unknown window {self.window!r}.{nearest(self.window, _WINDOWS)}"
            )

    @property
    def lower(self) -> Array:
        """w_on, m."""
        return self.w_on

    @property
    def upper(self) -> Array:
        """w_off, m."""
        return self.w_off

    def memristance(self, x: ArrayLike) -> Array:
        """M = r_on (r_off/r_on)^((w - w_on)/(w_off - w_on)), ohm."""
        return self.r_on * (self.r_off / self.r_on) ** self._fraction(x)

    def conductance(self, x: ArrayLike) -> Array:
        """G = 1/M, S."""
        return 1 / self.memristance(x)

    def state(self, g: ArrayLike) -> Array:
        """w = w_on + (w_off - w_on) ln(1/(g r_on)) / ln(r_off/r_on), m."""
        fraction = -jnp.log(jnp.asarray(g) * self.r_on) / jnp.log(self.r_off / self.r_on)
        return self.w_on + (self.w_off - self.w_on) * fraction

    def current(self, v: ArrayLike, x: ArrayLike) -> Array:
        """i = v/M, A."""
        return jnp.asarray(v) / self.memristance(x)

    def rate(self, v: ArrayLike, x: ArrayLike) -> Array:
        """dw/dt, m/s: zero between the thresholds."""
        drive = self.drive(v)
        if self.window == "none":
            return drive * jnp.ones_like(x)
        return drive * closing(self._depth(x, drive > 0))

    def drive(self, v: ArrayLike) -> Array:
        """k_off (v/v_off - 1)^alpha_off or k_on (v/v_on - 1)^alpha_on, m/s; else exactly 0."""
        v = jnp.asarray(v)
        off = overdrive(v, self.v_off) ** self.alpha_off
        on = overdrive(v, self.v_on) ** self.alpha_on
        return self.k_off * off + self.k_on * on  # at most one of them is not 0

    def advance(self, x: ArrayLike, s: ArrayLike) -> Array:
        """State after a drive of `s` m: w + s, slowed by the window, within the bounds, m."""
        x, s = jnp.asarray(x), jnp.asarray(s)
        if self.window == "none":
            return jnp.clip(x + s, self.w_on, self.w_off)
        width = self.w_c * (self.w_off - self.w_on if self.window == "published" else 1)  # m
        z = jnp.exp(jnp.minimum(self._depth(x, s > 0), _SHUT))
        moved = width * creep(z, jnp.abs(s) / width * jnp.exp(-z))
        return jnp.clip(x + jnp.where(s > 0, moved, -moved), self.w_on, self.w_off)

    def _fraction(self, x: ArrayLike) -> Array:
        return (jnp.asarray(x) - self.w_on) / (self.w_off - self.w_on)

    def _depth(self, x: ArrayLike, off: Array) -> Array:
        """How far w is into the closing window on its way to w_off or to w_on, in widths w_c."""
        y = self._fraction(x) if self.window == "published" else jnp.asarray(x)
        return jnp.where(off, y - self.a_off, self.a_on - y) / self.w_c


def overdrive(u: Array, threshold: Array) -> Array:
    """u/threshold - 1 beyond a threshold of either sign, else 0: real, finite slopes, no rounding.

    The quotient alone may be a rounding above 1 at the threshold itself.
    """
    return jnp.where(jnp.abs(u) > jnp.abs(threshold), jnp.maximum(u / threshold - 1, 0), 0.0)


def closing(z: Array) -> Array:
    """exp(-exp(z)), its slope finite."""
    return jnp.exp(-jnp.exp(jnp.minimum(z, _SHUT)))
