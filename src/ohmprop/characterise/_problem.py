"""A sweep and what is compared with it: currents of a model, residuals and their derivatives.

Between samples the voltage runs straight, or, where it is bent alike at both, in a parabola; there
the state moves by the exact solution, or, for a model whose rate is no product, by two exact
pulses. A device that runs away magnifies small errors of the voltage: of two cycles of a sine that
just reset JART, 400 samples each, straight lines between the samples make another path, 0.24
decades RMS from the true one, parabolas one of 0.0001. The current is read at each sample.
The residual is log10 of sqrt(i^2 + f^2) over sqrt(i_data^2 + f^2): the ratio in decades where
currents exceed the noise floor f, nothing where both lie well below it. The sign of a current is
that of the voltage in every model.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import NDArray

from ..devices import AbstractMemristor, AbstractSeparable
from ._laws import Layout
from ._read import Sweep

_PIECES = 60  # of a sweep, each overlapping the next by half
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(6)


def sampled(device: AbstractMemristor, x0: Array, t: Array, v: Array) -> tuple[Array, Array]:
    """Current (A) and state at the samples of a sweep t (s), v (V), each [n], from state `x0`."""
    dt, low, rise = jnp.diff(t), v[:-1], jnp.diff(v)
    bend = _bend(dt, rise)
    if isinstance(device, AbstractSeparable):
        share = (1 + jnp.asarray(_NODES)[:, None]) / 2
        between = low + rise * share - bend * share * (1 - share) / 2
        drives = dt * (jnp.asarray(_WEIGHTS) @ device.drive(between)) / 2

        def driven(x, drive):
            x = device.advance(x, drive)
            return x, x

        _, later = lax.scan(driven, x0, drives)
    else:

        def pulsed(x, interval):
            first, second, half = interval
            x = device.pulse(x, first, half)
            x = device.pulse(x, second, half)
            return x, x

        middle = low - 3 / 32 * bend
        _, later = lax.scan(pulsed, x0, (middle + rise / 4, middle + 3 * rise / 4, dt / 2))
    x = jnp.concatenate([x0[None], later])
    return device.current(v, x), x


def _bend(dt: Array, rise: Array) -> Array:
    """v'' dt^2 (V) in each interval, [n - 1]: the lesser of those at its two samples.

    0 where they differ in sign and in the first and last interval, so that no corner is rounded.
    """
    slope = rise / jnp.where(dt > 0, dt, jnp.inf)
    both = dt[1:] + dt[:-1]
    second = jnp.pad(2 * jnp.diff(slope) / jnp.where(both > 0, both, jnp.inf), 1)
    a, b = second[:-1], second[1:]
    return jnp.where(a * b > 0, jnp.sign(a) * jnp.minimum(jnp.abs(a), jnp.abs(b)), 0.0) * dt**2


@partial(jax.jit, static_argnums=0)
def _curves(layout: Layout, z, kept, t, v) -> tuple[tuple[Array, Array], Array]:
    """(Currents [n], the free quantities [k]) and states [n] at the coordinates z [k]."""
    device = layout.device(z, kept)
    i, x = sampled(device, layout.start(z, device), t, v)
    return (i, layout.values(z, kept)), x


@partial(jax.jit, static_argnums=0)
def _slopes(layout: Layout, z, kept, t, v) -> tuple[Array, Array]:
    """Derivatives of the currents [n, k] and of the free quantities [k, k]."""
    return jax.jacfwd(lambda z: _curves(layout, z, kept, t, v)[0])(z)


@partial(jax.jit, static_argnums=0)
def _piecewise(layout: Layout, z, kept, t, v, i) -> Array:
    """Currents [p, m] of pieces t, v, i [p, m], each from the state its first current shows.

    The first piece starts from the sweep's own state.
    """
    device = layout.device(z, kept)
    shown = device.state(i[:, 0] / jnp.where(v[:, 0] == 0, 1.0, v[:, 0]))
    shown = jnp.clip(shown, device.lower, device.upper).at[0].set(layout.start(z, device))
    return jax.vmap(lambda x, t, v: sampled(device, x, t, v)[0])(shown, t, v)


@partial(jax.jit, static_argnums=0)
def _piecewise_slopes(layout: Layout, z, kept, t, v, i) -> Array:
    """Derivatives of the pieces' currents, [p, m, k]."""
    return jax.jacfwd(lambda z: _piecewise(layout, z, kept, t, v, i))(z)


class Problem:
    """A sweep and what is compared with it, as functions of the coordinates z [k]."""

    def __init__(
        self, layout: Layout, kept: Mapping[str, float], sweep: Sweep, log: bool, scale: float
    ) -> None:
        self.layout, self.kept, self.sweep, self.log, self.scale = layout, kept, sweep, log, scale
        self.frozen = {name: jnp.asarray(value) for name, value in kept.items()}
        self.drive = jnp.asarray(sweep.t), jnp.asarray(sweep.v)

    def curves(self, z: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        """Currents (A) [n], free quantities [k] and states [n]."""
        (i, values), x = _curves(self.layout, jnp.asarray(z), self.frozen, *self.drive)
        return np.asarray(i), np.asarray(values), np.asarray(x)

    def slopes(self, z: NDArray) -> tuple[NDArray, NDArray]:
        """Derivatives of the residuals [n, k] and of the free quantities [k, k]."""
        of_i, of_values = _slopes(self.layout, jnp.asarray(z), self.frozen, *self.drive)
        return self._gain(self.curves(z)[0])[:, None] * np.asarray(of_i), np.asarray(of_values)

    def residuals(self, z: NDArray) -> NDArray:
        """What is left of the data, [n]."""
        return self._left(self.curves(z)[0], self.sweep.i)

    def jacobian(self, z: NDArray) -> NDArray:
        """Derivatives of the residuals, [n, k]."""
        return self.slopes(z)[0]

    def pieces(self) -> tuple[Callable[[NDArray], NDArray], Callable[[NDArray], NDArray]]:
        """Residuals of the sweep in pieces, and their derivatives, as functions of z [k].

        A piece that begins where the current shows no state counts as nothing.
        """
        sweep = self.sweep
        step = max(len(sweep.t) // _PIECES, 1)
        begin = np.arange(0, len(sweep.t) - 2 * step, step)
        at = begin[:, None] + np.arange(2 * step + 1)
        drive = tuple(jnp.asarray(a[at]) for a in (sweep.t, sweep.v, sweep.i))
        seen = np.abs(sweep.v[begin]) > 0.1 * np.max(np.abs(sweep.v))
        seen = (seen | (begin == 0))[:, None]

        def currents(z: NDArray) -> NDArray:
            return np.asarray(_piecewise(self.layout, jnp.asarray(z), self.frozen, *drive))

        def residuals(z: NDArray) -> NDArray:
            return np.where(seen, self._left(currents(z), sweep.i[at]), 0.0).ravel()

        def jacobian(z: NDArray) -> NDArray:
            of_i = _piecewise_slopes(self.layout, jnp.asarray(z), self.frozen, *drive)
            slopes = self._gain(currents(z))[..., None] * np.asarray(of_i)
            return np.where(seen[..., None], slopes, 0.0).reshape(-1, len(z))

        return residuals, jacobian

    def _left(self, i: NDArray, data: NDArray) -> NDArray:
        """Residuals of currents `i` (A) from `data`."""
        if self.log:
            return np.log10((i**2 + self.scale**2) / (data**2 + self.scale**2)) / 2
        return (i - data) / self.scale

    def _gain(self, i: NDArray) -> NDArray:
        """Derivatives of the residuals with respect to the currents, 1/A."""
        if self.log:
            return i / (i**2 + self.scale**2) / math.log(10)
        return np.full_like(i, 1 / self.scale)
