"""JART VCM v1b in explicit form: the oxygen vacancies in the disc of a filament, in HfO2/TiOx.

    dN/dt = -I_ion/(z q A l),    A = pi r^2,    i = I(v, N, r, l) as an explicit fit
    I_ion = z q c a nu_0 A [e^(-W_min/kT) - e^(-W_max/kT)] F,    c = (N_plug + N)/2
    W_max,min = dW_a [sqrt(1 - y^2) +- y pi/2 + y asin y],    y = z a E/(pi dW_a)
    v < 0:  E = i/(z q N u_n A),          F = 1 - (N/N_max)^10
    v > 0:  E = (v - i R_s)/l_cell,       F = 1 - (N_min/N)^10
    T = T_0 + i (v - i R_s) R_th,    R_s = R_TiOx + R_0 (1 + R_0 alpha i^2 R_line)

Negative voltage sets the device: polarity -1.
Sources: Ntinas et al., SMACD (2023), doi:10.1109/SMACD58065.2023.10192107, the explicit current,
and their JART-TUD code, v0.1 (2024); Bengel et al., IEEE TCAS-I 67:4618 (2020), the rest.
"""

import math
from collections.abc import Mapping
from typing import ClassVar

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from .._core import K_B, Q_E
from . import _jart_fit
from ._base import AbstractMemristor, Parameter, Range, leaf
from ._exact import integrate

_TUD = "JART-TUD code v0.1 (Ntinas et al., SMACD 2023), as JART VCM v1b (Bengel et al. 2020)"
_Z = 2  # charge number of the vacancy
_MOBILITY = 4e-6  # of electrons, u_n, m^2/(V s)
_UNIT = 1e26  # of N, 1/m^3: the papers' own, and within single precision
_N_PLUG = 20.0  # 1e26/m^3
_L_CELL = 3e-9  # m
_R_TH, _RESET_TH = 15.72e6, 0.27  # thermal resistance, K/W, and its factor for v > 0
_R_TIOX, _R_0 = 650.0, 719.2437  # ohm
_R_LINE, _ALPHA = 90471.47, 3.92e-3  # thermal resistance of the lines, and coefficient, K/W, 1/K
_STEEPEST = 0.999  # of y, where the field has all but removed the barrier


class JART(AbstractMemristor):
    """JART VCM v1b with an explicit current; state N in 1e26/m^3, the vacancies in the disc.

    The fit holds for the nominal filament and 10 % about it, `make` refuses more. What went into
    it (mobility, series and thermal resistances) is fixed. r_on and r_off follow from the rest:
    v/i at 0.2 V for N_max and N_min. Setting runs away: its heat speeds it up by decades, so that
    a pulse that ends within the jump ends at a state that nothing but the time to the jump decides.

    Args:
        r, l: radius of the filament and length of the disc, m.
        N_min, N_max: bounds of the vacancy concentration, 1e26/m^3.
        a: hopping distance, m.
        nu_0: attempt frequency, Hz.
        dW_a: activation energy, eV.
        T_0: ambient temperature, K.
    """

    r: Array = leaf(Range(low=40.499e-9, high=49.501e-9))
    l: Array = leaf(Range(low=0.35999e-9, high=0.44001e-9))  # noqa: E741
    N_min: Array = leaf()
    N_max: Array = leaf()
    a: Array = leaf()
    nu_0: Array = leaf()
    dW_a: Array = leaf()
    T_0: Array = leaf()

    polarity: ClassVar[int] = -1
    read_voltage: ClassVar[float] = 0.2
    ORDERED: ClassVar[tuple[tuple[str, str], ...]] = (("N_min", "N_max"),)
    PARAMETERS: ClassVar[Mapping[str, Mapping[str, Parameter]]] = {
        "published": {
            "r": Parameter(45e-9, "m", _TUD),
            "l": Parameter(0.4e-9, "m", _TUD),
            "N_min": Parameter(0.008, "1e26/m^3", _TUD),
            "N_max": Parameter(20.0, "1e26/m^3", _TUD),
            "a": Parameter(0.25e-9, "m", _TUD),
            "nu_0": Parameter(2e13, "Hz", _TUD),
            "dW_a": Parameter(1.35, "eV", _TUD),
            "T_0": Parameter(293.0, "K", _TUD),
        }
    }

    @property
    def r_on(self) -> Array:  # pyright: ignore[reportIncompatibleVariableOverride]
        """v/i at 0.2 V for N_max, ohm."""
        return 1 / self.conductance(self.N_max)

    @property
    def r_off(self) -> Array:  # pyright: ignore[reportIncompatibleVariableOverride]
        """v/i at 0.2 V for N_min, ohm."""
        return 1 / self.conductance(self.N_min)

    @property
    def lower(self) -> Array:
        """N_min, 1e26/m^3."""
        return self.N_min

    @property
    def upper(self) -> Array:
        """N_max, 1e26/m^3."""
        return self.N_max

    def conductance(self, x: ArrayLike) -> Array:
        """G = i/v at 0.2 V, S."""
        v = jnp.asarray(self.read_voltage, self.r.dtype)
        return _jart_fit.forward(v, jnp.asarray(x), self.r, self.l) / v

    def state(self, g: ArrayLike) -> Array:
        """N at which the fit's current at 0.2 V is 0.2 V g, 1e26/m^3; a closed form."""
        v = jnp.asarray(self.read_voltage, self.r.dtype)
        return _jart_fit.concentration(v, jnp.asarray(g) * v, self.r, self.l)

    def current(self, v: ArrayLike, x: ArrayLike) -> Array:
        """i = I(v, N, r, l), A."""
        v, x = jnp.asarray(v), jnp.asarray(x)
        ahead = v >= 0
        # Each branch sees only voltages of its own sign, so that the other's slope is finite.
        forward = _jart_fit.forward(jnp.where(ahead, v, 0), x, self.r, self.l)
        return jnp.where(ahead, forward, _jart_fit.reverse(jnp.minimum(v, 0), x, self.r, self.l))

    def rate(self, v: ArrayLike, x: ArrayLike) -> Array:
        """dN/dt, 1e26/(m^3 s)."""
        v, x = jnp.asarray(v), jnp.asarray(x)
        i = self.current(v, x)
        inside = v - i * (_R_TIOX + _R_0 * (1 + _R_0 * _ALPHA * _R_LINE * i**2))  # V
        area = math.pi * self.r**2
        field = jnp.where(v < 0, i / (_Z * (Q_E * _UNIT) * _MOBILITY * x * area), inside / _L_CELL)
        heating = jnp.where(v < 0, 1.0, _RESET_TH) * _R_TH * (45e-9 / self.r) ** 2
        power = jnp.maximum(i * inside, 0.0)  # the fit may exceed what the resistances let pass
        kt = (K_B / Q_E) * (self.T_0 + power * heating)  # eV
        y = jnp.clip(_Z * self.a * field / (math.pi * self.dW_a), -_STEEPEST, _STEEPEST)
        # e^-W_min - e^-W_max as one exponential, which does not overflow.
        sign = jnp.where(y < 0, -1.0, 1.0)  # not 0 at 0 V, where the slope is finite
        tilt = self.dW_a * sign * y * math.pi / 2 / kt
        height = self.dW_a * (jnp.sqrt(1 - y**2) + y * jnp.arcsin(y)) / kt
        hops = sign * jnp.exp(tilt - height) * -jnp.expm1(-2 * tilt)
        limit = 1 - jnp.where(v < 0, x / self.N_max, self.N_min / x) ** 10
        return -(_N_PLUG + x) / 2 * (self.a / self.l) * self.nu_0 * hops * limit

    def pulse(self, x: ArrayLike, v: ArrayLike, t: ArrayLike) -> Array:
        """State after a rectangular pulse, by the time that the rate of ln N takes.

        N and its rate span decades, and ln N keeps its relative error; the rest as for
        `AbstractMemristor.pulse`.
        """
        x = jnp.asarray(x)
        low, high = jnp.log(self.lower / x), jnp.log(self.upper / x)

        def rate(v: Array, y: Array) -> Array:
            n = x * jnp.exp(y)
            return self.rate(v, n) / n

        moved = integrate(rate, jnp.zeros_like(x), v, t, low, high)
        return jnp.clip(x * jnp.exp(moved), self.lower, self.upper)
