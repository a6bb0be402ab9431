"""TEAM: a current-controlled device with thresholds, the forerunner of VTEAM.

    i > i_off:  dw/dt = k_off (i/i_off - 1)^alpha_off f_off,  f_off = exp(-exp((w - a_off)/w_c))
    i < i_on:   dw/dt = k_on (i/i_on - 1)^alpha_on f_on,      f_on = exp(-exp((a_on - w)/w_c))
    otherwise:  dw/dt = 0,    i = v/M
    M = r_on + (r_off - r_on) y  or  r_on (r_off/r_on)^y,     y = (w - w_on)/(w_off - w_on)

Positive current drives it towards r_off: polarity -1.
Sources: Kvatinsky, Friedman, Kolodny, Weiser, IEEE TCAS-I 60:211 (2013); Kvatinsky et al.,
'Verilog-A for Memristor Models', Technion (December 2011).
"""

from collections.abc import Mapping
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from .._core import BadInput, nearest
from ._base import ANY, NEGATIVE, AbstractMemristor, Parameter, leaf
from ._vteam import closing, overdrive

_REPORT = "Kvatinsky et al., 'Verilog-A for Memristor Models', Technion (2011), defaults"
_XYCE = "Xyce, N_DEV_MemristorTEAM.C, defaults of MEMRISTOR level=2"
_SIGN = "printed +8.9e-6, with which no current would switch the device on; the sign must be -"
_SHARED = f"{_REPORT}: one for all its models"
_WINDOWS = ("none", "kvatinsky")
_RESISTANCES = ("linear", "exponential")

_KINETICS = {
    "w_on": (0.0, "m"),
    "w_off": (3e-9, "m"),
    "i_off": (115e-6, "A"),
    "k_on": (-8e-13, "m/s"),
    "k_off": (8e-13, "m/s"),
    "alpha_on": (3.0, "1"),
    "alpha_off": (3.0, "1"),
}


class TEAM(AbstractMemristor):
    """TEAM; state w in m, from w_on to w_off.

    At constant voltage the current of a device that is being switched off falls, and it stops
    where i = i_off, short of w_off: M = v/i_off. Switching on speeds up as it goes; below
    |v| = |i_on| M nothing starts. Pulses are integrated.

    `window="none"` is the default of both sources. With the report's a_on and a_off, the other
    way round than the state's bounds, `window="kvatinsky"` lets no current move a device between
    about 1.4 and 1.8 nm in either direction; Xyce's put e^-1 at the bounds.

    Args:
        r_on, r_off: resistance at w_on and w_off, ohm.
        w_on, w_off: state bounds, m.
        i_on, i_off: thresholds, i_on < 0 < i_off, A.
        k_on, k_off: speeds, k_on < 0 < k_off, m/s.
        alpha_on, alpha_off: exponents of the overdrive, dimensionless.
        a_on, a_off, w_c: window centres and width, m.
        resistance: "linear" in w, or "exponential".
        window: "none" (f = 1) or "kvatinsky".

    Raises:
        BadInput: unknown `resistance` or `window`.
    """

    r_on: Array = leaf()
    r_off: Array = leaf()
    w_on: Array = leaf(ANY)
    w_off: Array = leaf(ANY)
    i_on: Array = leaf(NEGATIVE)
    i_off: Array = leaf()
    k_on: Array = leaf(NEGATIVE)
    k_off: Array = leaf()
    alpha_on: Array = leaf()
    alpha_off: Array = leaf()
    a_on: Array = leaf(ANY)
    a_off: Array = leaf(ANY)
    w_c: Array = leaf()
    resistance: str = eqx.field(static=True, default="linear")
    window: str = eqx.field(static=True, default="none")

    polarity: ClassVar[int] = -1
    ORDERED: ClassVar[tuple[tuple[str, str], ...]] = (("r_on", "r_off"), ("w_on", "w_off"))
    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "xyce": {
            **{name: Parameter(*number, _XYCE) for name, number in _KINETICS.items()},
            "r_on": Parameter(50.0, "ohm", _XYCE),
            "r_off": Parameter(1e3, "ohm", _XYCE),
            "i_on": Parameter(-8.9e-6, "A", f"{_XYCE}; {_SIGN}"),
            "a_on": Parameter(0.0, "m", _XYCE),
            "a_off": Parameter(3e-9, "m", _XYCE),
            "w_c": Parameter(1.07e-12, "m", f"{_XYCE}; the report has 107e-12"),
        },
        "published": {
            **{name: Parameter(*number, _REPORT) for name, number in _KINETICS.items()},
            "r_on": Parameter(100.0, "ohm", _SHARED),
            "r_off": Parameter(2e5, "ohm", _SHARED),
            "i_on": Parameter(-8.9e-6, "A", f"{_REPORT}; {_SIGN}"),
            "a_on": Parameter(2e-9, "m", _REPORT),
            "a_off": Parameter(1.2e-9, "m", _REPORT),
            "w_c": Parameter(107e-12, "m", f"{_REPORT} (x_c)"),
        },
    }
    OPTIONS: ClassVar[Mapping[str, Mapping[str, str]]] = {
        name: {"resistance": "linear", "window": "none"} for name in ("published", "xyce")
    }

    def __check_init__(self) -> None:
        for name, value, known in (
            ("resistance", self.resistance, _RESISTANCES),
            ("window", self.window, _WINDOWS),
        ):
            if value not in known:
                raise BadInput(f"team: unknown {name} {value!r}.{nearest(value, known)}")

    @property
    def lower(self) -> Array:
        """w_on, m."""
        return self.w_on

    @property
    def upper(self) -> Array:
        """w_off, m."""
        return self.w_off

    def memristance(self, x: ArrayLike) -> Array:
        """M, linear or exponential in w, ohm."""
        y = (jnp.asarray(x) - self.w_on) / (self.w_off - self.w_on)
        if self.resistance == "linear":
            return self.r_on * (1 - y) + self.r_off * y
        return self.r_on * (self.r_off / self.r_on) ** y

    def conductance(self, x: ArrayLike) -> Array:
        """G = 1/M, S."""
        return 1 / self.memristance(x)

    def state(self, g: ArrayLike) -> Array:
        """w = w_on + (w_off - w_on) y, where M(y) = 1/g, m."""
        if self.resistance == "linear":
            y = (1 / jnp.asarray(g) - self.r_on) / (self.r_off - self.r_on)
        else:
            y = -jnp.log(jnp.asarray(g) * self.r_on) / jnp.log(self.r_off / self.r_on)
        return self.w_on + (self.w_off - self.w_on) * y

    def current(self, v: ArrayLike, x: ArrayLike) -> Array:
        """i = v/M, A."""
        return jnp.asarray(v) / self.memristance(x)

    def rate(self, v: ArrayLike, x: ArrayLike) -> Array:
        """dw/dt, m/s: exactly zero between the thresholds."""
        x = jnp.asarray(x)
        i = self.current(v, x)
        off = overdrive(i, self.i_off) ** self.alpha_off
        on = overdrive(i, self.i_on) ** self.alpha_on
        speed = self.k_off * off + self.k_on * on  # at most one of them is not 0
        if self.window == "none":
            return speed
        depth = jnp.where(i > 0, x - self.a_off, self.a_on - x) / self.w_c
        return speed * closing(depth)

    def pulse(self, x: ArrayLike, v: ArrayLike, t: ArrayLike) -> Array:
        """State after `v` volts for `t` seconds, by integration; below the threshold exactly `x`.

        Arguments and result as for `AbstractMemristor.pulse`.
        """
        return jnp.where(self.rate(v, x) == 0, x, super().pulse(x, v, t))
