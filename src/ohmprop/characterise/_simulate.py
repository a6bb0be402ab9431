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


class Trace(eqx.Module):
    """What an instrument records, at the times `t`; a batch of devices comes first.

    Args:
        t: time, s.
        v: voltage of the source, V.
        v_device: voltage across the device, V.
        i: current, A.
        x: state, in the model's unit.
        charge: integral of i dt by trapezoids, C.
        flux: integral of v_device dt by trapezoids, V s.
    """

    t: Float[Array, "t"]
    v: Float[Array, "t"]
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
    _check(device, integration, r_series, compliance, tolerance)
    t = waveform.sample(points)
    load = Load(r_series, compliance)
    batch = jnp.broadcast_shapes(
        *(a.shape for a in jax.tree.leaves((device, load))), jnp.shape(0.0 if x0 is None else x0)
    )
    if len(batch) > 1:
        raise BadInput(f"simulate: expected parameters of shape [] or [m], found {batch}.")
    x0 = (device.lower + device.upper) / 2 if x0 is None else jnp.asarray(x0, float)
    low, high = np.asarray(device.lower), np.asarray(device.upper)
    if not np.all((np.asarray(x0) >= low) & (np.asarray(x0) <= high)):
        raise BadInput(
            f"simulate: expected an initial state between {low.min():g} and {high.max():g}, "
            f"found {x0}."
        )
    widen = partial(jax.tree.map, lambda a: jnp.broadcast_to(a, batch))
    device, load, x0 = widen(device), widen(load), widen(x0)
    if integration == "euler":
        x = _each(_euler, batch, (device, load, x0), waveform, jnp.asarray(t))
    elif isinstance(device, AbstractSeparable) and _is_plain(load):
        x = integrate_separable(device, x0, waveform, t, _each, batch, tolerance=tolerance)
    else:
        x = integrate_ode(device, load, x0, waveform, t, _each, batch, tolerance=tolerance)
    return _each(_trace, batch, (device, load, x), waveform, jnp.asarray(t))


def _check(device, integration, r_series, compliance, tolerance) -> None:
    if getattr(device, "discrete", False):
        raise BadInput(
            "simulate: a model of pulse steps has no current in time; use its pulse response "
            "(`ohmprop pulses`)."
        )
    if integration not in ("exact", "euler"):
        raise BadInput(f"simulate: expected integration exact or euler, found {integration!r}.")
    if not np.all(np.isfinite(r_series) & (np.asarray(r_series) >= 0)):
        raise BadInput(f"simulate: expected a series resistance >= 0 ohm, found {r_series}.")
    if not np.all(np.asarray(compliance) > 0):
        raise BadInput(f"simulate: expected a positive compliance in A, found {compliance}.")
    if not 1e-12 <= tolerance < 1:
        raise BadInput(f"simulate: expected a tolerance in [1e-12, 1), found {tolerance}.")


def _is_plain(load: Load) -> bool:
    return not np.any(np.asarray(load.r_series)) and bool(np.all(np.isinf(load.compliance)))


@partial(eqx.filter_jit, donate="none")
def _each(run, batch: tuple[int, ...], mapped, *shared):
    """`run(*mapped, *shared)` for one device or, in blocks, for each of a batch."""
    if not batch:
        return run(*mapped, *shared)
    return lax.map(lambda m: run(*m, *shared), mapped, batch_size=_BLOCK)


def _trace(device, load, x, waveform, t) -> Trace:
    v = waveform(t)
    u = load.across(device, v, x)
    i = device.current(u, x)
    return Trace(t, v, u, i, x, _cumulative(i, t), _cumulative(u, t))


def _cumulative(y: Array, t: Array) -> Array:
    parts = (y[1:] + y[:-1]) / 2 * jnp.diff(t)
    return jnp.concatenate([jnp.zeros(1, y.dtype), jnp.cumsum(parts)])


def _euler(device, load, x0, waveform, t) -> Array:
    def step(x, sample):
        v, dt = sample
        x = device.euler(x, load.across(device, v, x), dt)
        return x, x

    states = lax.scan(step, x0, (waveform(t[:-1]), jnp.diff(t)))[1]
    return jnp.concatenate([x0[None], states])
