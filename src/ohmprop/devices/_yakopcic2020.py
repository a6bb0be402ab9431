"""Yakopcic's model of 2020: two sinh currents mixed by the state, each polarity its own.

    i = x h_max(v) + (1 - x) h_min(v),    h(v) = g sinh(b v), g and b by branch and sign of v
    v > V_p:   dx/dt = A_p (e^v - e^V_p) f_p       v < -V_n:  dx/dt = -A_n (e^-v - e^V_n) f_n
    f_p = exp(-(x - x_p)) (1 - x)/(1 - x_p)        for x >= x_p, else 1
    f_n = exp(x + x_n - 1) x/(1 - x_n)             for x <= 1 - x_n, else 1

Against the model of 2011, alpha_p = alpha_n = 1 and the device conducts at x = 0 too. Voltages in
the exponents of the rate are in units of 1 V.
Source: Yakopcic, Taha, Mountain, Salter, Marinella, Subramanyam, IEEE Trans. Comput.-Aided Des.
Integr. Circuits Syst. 39:1084 (2020), seen through the code of those who fitted it.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from ._base import FRACTION, NOT_NEGATIVE, Parameter, leaf
from ._yakopcic import AbstractYakopcic

_READ = 0.1  # V
_FIT = (
    "fit to a Nb:SrTiO3 device, not from a publication: github.com/thomastiotto/Memristor-Models, "
    "MATLAB model/set_model_params_thomas.m"
)
_SPEED = (
    f"{_FIT}; divided there by 843, the measured time step of 84.3 ms (from that repository's "
    "experiment_setup.py) over the 0.1 ms first assumed"
)
_EDGE = f"{_FIT}, which writes x_n for what is 1 - x_n here: 0.242"


class Yakopcic2020(AbstractYakopcic):
    """Yakopcic's model of 2020; state x in [0, 1], all off to all on.

    The currents' scales follow from the resistances at 0.1 V, g_max = 0.1 V/(r_on sinh(b 0.1 V))
    for v > 0, and their ratios for v < 0. In the fitted set the branches cross: above 0.92 V the
    current falls with x. Read it, as here, well below that.

    Args:
        r_on, r_off: resistance at 0.1 V for x = 1 and x = 0, ohm.
        b_max_p, b_max_n: curvature of the current at x = 1 for v > 0 and v < 0, 1/V.
        b_min_p, b_min_n: the same at x = 0, 1/V.
        ratio_max, ratio_min: g for v < 0 over g for v > 0, at x = 1 and x = 0, dimensionless.
        A_p, A_n: speeds of SET and RESET, 1/s.
        V_p, V_n: threshold magnitudes, V.
        x_p, x_n: where the windows set in, dimensionless.
    """

    r_on: Array = leaf()
    r_off: Array = leaf()
    b_max_p: Array = leaf()
    b_max_n: Array = leaf()
    b_min_p: Array = leaf()
    b_min_n: Array = leaf()
    ratio_max: Array = leaf()
    ratio_min: Array = leaf()
    A_p: Array = leaf()
    A_n: Array = leaf()
    V_p: Array = leaf(NOT_NEGATIVE)
    V_n: Array = leaf(NOT_NEGATIVE)
    x_p: Array = leaf(FRACTION)
    x_n: Array = leaf(FRACTION)

    read_voltage: ClassVar[float] = _READ
    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "tiotto": {
            "r_on": Parameter(
                _READ / (9e-5 * math.sinh(4.96 * _READ)), "ohm", f"g_max = 9e-5 A: {_FIT}"
            ),
            "r_off": Parameter(
                _READ / (1.5e-5 * math.sinh(6.91 * _READ)), "ohm", f"g_min = 1.5e-5 A: {_FIT}"
            ),
            "b_max_p": Parameter(4.96, "1/V", _FIT),
            "b_max_n": Parameter(3.23, "1/V", _FIT),
            "b_min_p": Parameter(6.91, "1/V", _FIT),
            "b_min_n": Parameter(2.6, "1/V", _FIT),
            "ratio_max": Parameter(1.7e-4 / 9e-5, "1", f"1.7e-4 A / 9e-5 A: {_FIT}"),
            "ratio_min": Parameter(4.4e-7 / 1.5e-5, "1", f"4.4e-7 A / 1.5e-5 A: {_FIT}"),
            "A_p": Parameter(90 / 843, "1/s", f"90/s: {_SPEED}"),
            "A_n": Parameter(10 / 843, "1/s", f"10/s: {_SPEED}"),
            "V_p": Parameter(0.5, "V", _FIT),
            "V_n": Parameter(0.5, "V", _FIT),
            "x_p": Parameter(0.1, "1", _FIT),
            "x_n": Parameter(1 - 0.242, "1", _EDGE),
        },
    }

    @property
    def lower(self) -> Array:
        """x = 0."""
        return jnp.zeros_like(self.r_on)

    def decay(self, up: Array) -> Array:
        """1, either way."""
        return jnp.ones_like(self.r_on)

    def conductance(self, x: ArrayLike) -> Array:
        """G = x/r_on + (1 - x)/r_off, S: the secant at 0.1 V."""
        x = jnp.asarray(x)
        return x / self.r_on + (1 - x) / self.r_off

    def state(self, g: ArrayLike) -> Array:
        """x = (g - 1/r_off)/(1/r_on - 1/r_off), dimensionless."""
        return (jnp.asarray(g) - 1 / self.r_off) / (1 / self.r_on - 1 / self.r_off)

    def current(self, v: ArrayLike, x: ArrayLike) -> Array:
        """i = x h_max(v) + (1 - x) h_min(v), A."""
        v, x = jnp.asarray(v), jnp.asarray(x)
        on = _sinh(v, self.r_on, self.b_max_p, self.b_max_n, self.ratio_max)
        off = _sinh(v, self.r_off, self.b_min_p, self.b_min_n, self.ratio_min)
        return x * on + (1 - x) * off


def _sinh(v: Array, r: Array, b_p: Array, b_n: Array, ratio: Array) -> Array:
    """g sinh(b v), where g_p is such that the resistance at the read voltage is `r`."""
    g = _READ / (r * jnp.sinh(b_p * _READ))
    return g * jnp.where(v > 0, 1.0, ratio) * jnp.sinh(jnp.where(v > 0, b_p, b_n) * v)
