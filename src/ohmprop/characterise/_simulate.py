"""A device under a waveform: its state, current, charge and flux against time.

Separable models are traced by quadrature of their drive (see `_separable`); the others, and
whatever stands behind a resistor or a current limit, by Diffrax (see `_ode`).
"""

from functools import partial
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Float

from .._core import BadInput
from ..devices import AbstractMemristor, AbstractSeparable
from ..drive import AbstractWaveform
from ._load import Load
from ._ode import integrate_ode
from ._separable import integrate_separable

_BLOCK = 64  # devices of a batch traced together
_EDGE = 1e-9  # of an interval


class Trace(eqx.Module):
    """What an instrument records, at the times `t`; a batch of devices comes first.

    Args:
        t: time, s.
        v: voltage of the source, V.
        v_device: voltage across the device, V.
        i: current, A.
        x: state, in the model's unit.
        charge: integral of i dt by trapezoids, C; at a jump of the voltage from either side of it.
        flux: integral of v_device dt likewise, V s.
    """

    t: Float[Array, " t"]
    v: Float[Array, " t"]
    v_device: Float[Array, "... t"]
    i: Float[Array, "... t"]
    x: Float[Array, "... t"]
    charge: Float[Array, "... t"]
    flux: Float[Array, "... t"]


def simulate(
    device: AbstractMemristor,
    waveform: AbstractWaveform,
    *,
    points: int = 1000,
    x0: ArrayLike | None = None,
    integration: Literal["exact", "euler"] = "exact",
    r_series: ArrayLike = 0.0,
    compliance: ArrayLike = np.inf,
    tolerance: float = 1e-8,
) -> Trace:
    """Drive a device with a waveform from t = 0 to its end.

        dx/dt = rate(v_device, x),    v = v_device + r_series i(v_device, x),    |i| <= compliance

    Args:
        device: one device, or a batch whose parameters have shape [m].
        waveform: voltage of the source.
        points: samples a period; corners of the waveform are added, and the samples of a
            `Sampled` one stay as they are.
        x0: initial state, in the model's unit, a number or [m]; half-way between the bounds where
            None.
        integration: "exact", within `tolerance`; or "euler", one forward step a sample as in the
            seed, whatever its error.
        r_series: resistance in series, ohm.
        compliance: greatest current, A; beyond it the source holds the current, not the voltage.
        tolerance: error of the state as a fraction of its span.

    Returns:
        The trace; fields [t], or [m, t] for a batch.

    Raises:
        BadInput: a number that cannot be, a device of discrete steps, or an integration that does
            not come to its end.

    Example:
        >>> from ohmprop import devices, drive
        >>> trace = simulate(devices.make("biolek", "published"), drive.Sine(frequency=1.0))
        >>> trace.x.shape
        (1001,)
    """
    _check(device, waveform, integration, r_series, compliance, tolerance)
    t = waveform.sample(points)
    load = Load(r_series, compliance)
    start = (device.lower + device.upper) / 2 if x0 is None else jnp.asarray(x0, float)
    batch = np.broadcast_shapes(*(a.shape for a in jax.tree.leaves((device, load, start))))
    if len(batch) > 1:
        raise BadInput(f"simulate: expected parameters of shape [] or [m], found {batch}.")
    low, high = np.asarray(device.lower), np.asarray(device.upper)
    if not np.all((np.asarray(start) >= low) & (np.asarray(start) <= high)):
        raise BadInput(
            f"simulate: expected an initial state between {low.min():g} and {high.max():g}, "
            f"found {x0}."
        )
    widen = partial(jax.tree.map, lambda a: jnp.broadcast_to(a, batch))
    device, load, start = widen(device), widen(load), widen(start)
    if integration == "euler":
        x = _each(_euler, batch, (device, load, start), waveform, jnp.asarray(t))
    elif isinstance(device, AbstractSeparable) and load.is_none:
        x = integrate_separable(device, start, waveform, t, _each, batch, tolerance=tolerance)
    else:
        x = integrate_ode(device, load, start, waveform, t, _each, batch, tolerance=tolerance)
    u, i, charge, flux = _each(_record, batch, (device, load, x), waveform, jnp.asarray(t))
    return Trace(jnp.asarray(t), waveform(t), u, i, x, charge, flux)


def _check(device, waveform, integration, r_series, compliance, tolerance) -> None:
    if device.discrete:
        raise BadInput(
            "simulate: a model of pulse steps has no current in time; use its pulse response "
            "(`ohmprop pulses`)."
        )
    if jnp.ndim(waveform(0.0)) or jnp.ndim(waveform.duration):
        raise BadInput(
            "simulate: expected one waveform for all devices, found arrays in its fields; simulate "
            "one waveform after the other."
        )
    if integration not in ("exact", "euler"):
        raise BadInput(f"simulate: expected integration exact or euler, found {integration!r}.")
    if not np.all(np.isfinite(r_series) & (np.asarray(r_series) >= 0)):
        raise BadInput(f"simulate: expected a series resistance >= 0 ohm, found {r_series}.")
    if not np.all(np.asarray(compliance) > 0):
        raise BadInput(f"simulate: expected a positive compliance in A, found {compliance}.")
    if integration == "exact" and tolerance < 1e-4 and jnp.zeros(()).dtype != jnp.float64:
        raise BadInput(
            f"simulate: a tolerance of {tolerance:g} needs float64; call "
            'jax.config.update("jax_enable_x64", True) first'
        )
    if not 1e-12 <= tolerance < 1:
        raise BadInput(f"simulate: expected a tolerance in [1e-12, 1), found {tolerance}.")


@partial(eqx.filter_jit, donate="none")
def _each(run, batch: tuple[int, ...], mapped, *shared):
    """`run(*mapped, *shared)` for one device or, in blocks, for each of a batch."""
    if not batch:
        return run(*mapped, *shared)
    return lax.map(lambda m: run(*m, *shared), mapped, batch_size=_BLOCK)


def _record(device, load, x, waveform, t) -> tuple[Array, ...]:
    """Voltage across the device, current, charge and flux."""
    u = load.across(device, waveform(t), x)
    i = load.limited(device.current(u, x))
    # Integrals from just inside each interval: a value at a jump belongs to one of its sides.
    dt = jnp.diff(t)
    inside, ends = jnp.stack([t[:-1] + _EDGE * dt, t[1:] - _EDGE * dt]), jnp.stack([x[:-1], x[1:]])
    across = load.across(device, waveform(inside), ends)
    through = load.limited(device.current(across, ends))
    return u, i, _cumulative(through, dt), _cumulative(across, dt)


def _cumulative(ends: Array, dt: Array) -> Array:
    return jnp.concatenate([jnp.zeros(1, ends.dtype), jnp.cumsum(ends.mean(0) * dt)])


def _euler(device, load, x0, waveform, t) -> Array:
    def step(x, sample):
        v, dt = sample
        x = device.euler(x, load.across(device, v, x), dt)
        return x, x

    states = lax.scan(step, x0, (waveform(t[:-1]), jnp.diff(t)))[1]
    return jnp.concatenate([x0[None], states])
