"""Nonlinear elements from a hidden node to ground, and the bidirectional amplifier.

A diode is described by the current i(v) it draws from its node, its slope di/dv >= 0, and the
exact difference i(v + d) - i(v), computed without subtracting two nearly equal currents. An ideal
clamp draws no current but keeps the node inside [lower, upper]. Every element is non-decreasing,
so the network's co-content stays convex.

Sources: Döll, Müller, Ulmann (2025), Fig. 4; Kendall et al., arXiv 2006.01981.
"""

import math
from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._core import thermal_voltage
from .._core._arrays import ratio

Sides = Literal["upper", "lower", "both"]
_HALLEY = 4  # cubic steps of a scalar exponential, to rounding from where they start
_CONDUCTING = 1e-6  # A; a Shockley diode has no kink, so 'on' needs a threshold


class AbstractDiode(eqx.Module):
    """Current law of the nonlinearity at a hidden node; voltages in V, currents in A."""

    def bounds(self) -> tuple[Float[Array, ""] | float, Float[Array, ""] | float]:
        """Voltages (V) the node cannot leave."""
        return -math.inf, math.inf

    def current(self, v: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """Current i(v) drawn from the node."""
        return jnp.zeros_like(v)

    def conductance(self, v: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """Slope di/dv in siemens."""
        return jnp.zeros_like(v)

    def difference(self, v: Float[Array, "*n"], d: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """i(v + d) - i(v), to full relative precision however small d is."""
        del v
        return jnp.zeros_like(d)

    def balance(self, g: Float[Array, "*n"], current: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """Voltage v at which g v + i(v) = current, with g the node's conductance in S."""
        return jnp.clip(ratio(current, g), *self.bounds())

    def conducting(self, v: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """Whether the element is on."""
        lower, upper = self.bounds()
        return (v <= lower) | (v >= upper)

    def limit(self, v: Float[Array, "*n"], step: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """A Newton step from v, shortened where the law is too curved to trust it."""
        del v
        return step


class NoDiode(AbstractDiode):
    """No element: the node is linear."""


class IdealClamp(AbstractDiode):
    """Ideal diodes to two sources: the node stays within [lower, upper] volts, at no current."""

    lower: Float[Array, ""] | float = 0.0
    upper: Float[Array, ""] | float = jnp.inf

    def bounds(self):
        return self.lower, self.upper


class PiecewiseLinearDiode(AbstractDiode):
    """i = max(0, (v - v_th)/r_on), mirrored below -v_th when two-sided.

    `v_th` in V, `r_on` in ohms. The seed uses 0.3 V and 1 ohm on both sides.
    """

    v_th: Float[Array, ""] | float = 0.3
    r_on: Float[Array, ""] | float = 1.0
    sides: Sides = eqx.field(static=True, default="both")

    def current(self, v):
        none = jnp.zeros_like(v)
        up = jnp.maximum(v - self.v_th, 0) if self.sides != "lower" else none
        down = jnp.minimum(v + self.v_th, 0) if self.sides != "upper" else none
        return (up + down) / self.r_on

    def conductance(self, v):
        return jnp.where(self.conducting(v), 1.0 / jnp.asarray(self.r_on, v.dtype), 0.0)

    def conducting(self, v):
        up = v > self.v_th if self.sides != "lower" else False
        down = v < -self.v_th if self.sides != "upper" else False
        return jnp.asarray(up | down) & jnp.ones_like(v, bool)

    def difference(self, v, d):
        # ramp(v + d) - ramp(v), by how far v stands beyond (m >= 0) or before (m < 0) the kink
        def ramp(m, d):
            return jnp.where(m > 0, jnp.maximum(d, -m), jnp.maximum(d + m, 0))

        none = jnp.zeros_like(d)
        up = ramp(v - self.v_th, d) if self.sides != "lower" else none
        down = ramp(-v - self.v_th, -d) if self.sides != "upper" else none
        return (up - down) / self.r_on

    def balance(self, g, current):
        v = ratio(current, g)
        within = jnp.clip(
            v,
            -self.v_th if self.sides != "upper" else None,
            self.v_th if self.sides != "lower" else None,
        )
        share = g * self.r_on  # of what lies beyond the kink, the wire keeps a part
        return within + (v - within) * (share / (1.0 + share))


class ShockleyDiode(AbstractDiode):
    """i = i_s (exp((v - v_bias)/(n V_T)) - 1), mirrored when two-sided; V_T at 27 degC.

    `i_s` in A, emission coefficient `n`, `v_bias` in V: the source in series, which shifts the
    breakpoint (v_bias = 0: diode straight to ground).
    """

    i_s: Float[Array, ""] | float = 1e-12
    n: Float[Array, ""] | float = 1.0
    v_bias: Float[Array, ""] | float = 0.0
    sides: Sides = eqx.field(static=True, default="both")

    def _signs(self):
        return {"upper": (1.0,), "lower": (-1.0,), "both": (1.0, -1.0)}[self.sides]

    def current(self, v):
        n_vt = self.n * thermal_voltage()
        parts = (s * jnp.expm1((s * v - self.v_bias) / n_vt) for s in self._signs())
        return self.i_s * sum(parts, start=jnp.zeros_like(v))

    def conductance(self, v):
        n_vt = self.n * thermal_voltage()
        parts = (jnp.exp((s * v - self.v_bias) / n_vt) for s in self._signs())
        return self.i_s / n_vt * sum(parts, start=jnp.zeros_like(v))

    def difference(self, v, d):
        n_vt = self.n * thermal_voltage()
        parts = (
            s * jnp.exp((s * v - self.v_bias) / n_vt) * jnp.expm1(s * d / n_vt)
            for s in self._signs()
        )
        return self.i_s * sum(parts, start=jnp.zeros_like(d))

    def conducting(self, v):
        return jnp.abs(self.current(v)) > _CONDUCTING

    def balance(self, g, current):
        # Halley's steps from above the root: neither the wire nor the diode draws more than arrives
        both, n_vt = self.sides == "both", self.n * thermal_voltage()
        sign = jnp.where(current < 0, -1.0, 1.0) if both else 1.0 if self.sides == "upper" else -1.0
        m, bias, leak = sign * current, self.v_bias, self.i_s
        if both:  # below zero, a bias only multiplies the current of two opposed diodes
            leak = leak * jnp.exp(-jnp.minimum(bias, 0) / n_vt)
            bias = jnp.maximum(bias, 0)
        wire = ratio(m if both else m + leak, g)
        v = jnp.minimum(wire, bias + n_vt * jnp.log1p(jnp.maximum(m - g * bias, 0) / leak))
        for _ in range(_HALLEY):
            up = leak * jnp.exp((v - bias) / n_vt)
            down = leak * jnp.exp(-(v + bias) / n_vt) if both else leak
            over = g * v + up - down - m
            slope = g + (up + down if both else up) / n_vt
            curvature = (up - down if both else up) / n_vt**2
            v = v - ratio(over, slope - 0.5 * curvature * ratio(over, slope))
        return sign * v

    def limit(self, v, step):
        # Junction limiting: above the knee, exp(step/nV_T) - 1 is what the tangent promised, so
        # take its logarithm instead (Nagel, SPICE2, UCB/ERL M520, 1975). Below it, never jump past
        # the knee by more than the same logarithm.
        n_vt = self.n * thermal_voltage()
        knee = self.v_bias + n_vt * jnp.log(n_vt / (jnp.sqrt(2.0) * self.i_s))

        def one_side(v, step):
            start = jnp.maximum(v, knee)
            over = v + step - start
            limited = start - v + n_vt * jnp.log1p(jnp.maximum(over, 0) / n_vt)
            return jnp.where((over > 0) & (step > 2 * n_vt), limited, step)

        if self.sides != "lower":
            step = one_side(v, step)
        if self.sides != "upper":
            step = -one_side(-v, -step)
        return step


class Amplifier(eqx.Module):
    """Bidirectional amplifier: a = shift + gain (h - shift) forward, current / gain backward.

    `gain` > 0 without unit, `shift` in V. In voltages scaled by the gains before it, it is an
    offset of shift (1 - gain) and nothing more (see `ScaledCircuit`).
    """

    gain: Float[Array, ""] | float = 1.0
    shift: Float[Array, ""] | float = 0.0
