"""Pulse schemes: how an update q becomes a write. q > 0 asks for less conductance.

With flux phi = -q (V s) both pulse schemes apply the same integral of V dt; only devices whose rate
is proportional to V respond to it alone. Source: Döll, Müller, Ulmann (2025), section 3.2, Fig. 7.
"""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Pulse(NamedTuple):
    """Rectangular pulses: amplitude `v` in V and length `t` in s, one per device."""

    v: Array
    t: Array


class Increment(NamedTuple):
    """A write of exactly `dg` siemens, which only an ideal device performs."""

    dg: Array


class AbstractScheme(eqx.Module):
    """Turns updates into writes; `polarity` is the device's (+1: positive V raises G)."""

    @abc.abstractmethod
    def write(self, q: Float[Array, "i j"], polarity: int) -> Pulse | Increment:
        """The write that moves each device against q."""


class PWM(AbstractScheme):
    """Pulse width modulation: |V| = amplitude (V), t = |q| / amplitude."""

    amplitude: Float[Array, ""] | float = 1.0

    def write(self, q, polarity):
        v = jnp.where(q >= 0, -self.amplitude, self.amplitude) * polarity
        return Pulse(v, jnp.abs(q) / self.amplitude)


class PAM(AbstractScheme):
    """Pulse amplitude modulation: t = 1 / frequency (Hz), V = -q / t."""

    frequency: Float[Array, ""] | float = 1e6

    def write(self, q, polarity):
        t = 1.0 / self.frequency
        return Pulse(-q / t * polarity, jnp.full_like(q, t))


class Ideal(AbstractScheme):
    """Linear in conductance: G changes by -q siemens, whatever the device."""

    def write(self, q, polarity):
        del polarity
        return Increment(-q)


class Selected(AbstractScheme):
    """The pulse scheme `schemes[index]`: runs under different schemes share a program."""

    schemes: tuple[AbstractScheme, ...]
    index: Int[Array, ""]

    def write(self, q, polarity):
        writes = (scheme.write(q, polarity) for scheme in self.schemes)
        return jax.tree.map(lambda *leaves: jnp.stack(leaves)[self.index], *writes)
