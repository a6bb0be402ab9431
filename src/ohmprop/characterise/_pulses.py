"""The pulse response: conductance after each of many identical pulses, up and down again."""

import math
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from numpy.typing import NDArray

from .._core import BadInput
from ..devices import AbstractMemristor, AbstractStep

# Gauss-Lobatto on [0, 1]: exact up to degree 7 of the current during a pulse.
_INNER = (3 / 7) ** 0.5 / 2
_NODES = np.array([0.5 - _INNER, 0.5, 0.5 + _INNER, 1.0])  # and 0
_WEIGHTS = np.array([1 / 20, 49 / 180, 16 / 45, 49 / 180, 1 / 20])
_TRAVERSE = 0.99  # of the reachable change of conductance, in `count` pulses of automatic width
_OCTAVES = 10  # about the shortest time in which the span can be crossed
_FURTHEST = 61  # octaves

Vector = NDArray[np.float64]


@runtime_checkable
class _Random(Protocol):
    """A device with a stochastic form: it draws the state after a pulse."""

    def sample(self, key: Array, x: ArrayLike, v: ArrayLike, t: ArrayLike) -> Array:
        """State after a pulse of `v` volts for `t` seconds, drawn with `key`."""
        ...


class Branch(NamedTuple):
    """A train of n identical pulses.

    Amplitude `v` (V, signed) and width `t` (s) of a pulse; states `x` and conductances `g` (S)
    before the first and after each, [n + 1]; energy (J) dissipated by each, [n].
    """

    v: float
    t: float
    x: Vector
    g: Vector
    energy: Vector


class PulseResponse(NamedTuple):
    """Potentiation `up` from the start and depression `down` from where it ended.

    `least` and `most` are the conductances (S) at the device's bounds.
    """

    up: Branch
    down: Branch
    least: float
    most: float


def pulse_response(
    device: AbstractMemristor,
    amplitude: float | tuple[float, float],
    width: float | tuple[float | None, float | None] | None,
    count: int,
    *,
    start: float | None = None,
    key: Array | None = None,
) -> PulseResponse:
    """Apply `count` potentiating and then `count` depressing pulses and read after each.

    A pulse's energy is the integral of v i dt over it, by the 5-point Gauss-Lobatto rule on exact
    states: relative errors below 1e-9 where a pulse moves a small part of the range, up to some
    0.5 % where one crosses most of it or reaches a bound. With `key` it is v t times the mean of
    the currents before and after.

    Args:
        device: one device (scalar parameters); its `polarity` gives the pulses' sign.
        amplitude: magnitude, V; or one each for potentiation and depression.
        width: s, or one each; None finds the width at which `count` pulses make 99 %
            of the change of conductance that the amplitude can make (pulse-step models: in whole
            unit pulses).
        count: pulses a branch, at least 2.
        start: conductance before the first pulse, S; None for the device's least.
        key: JAX random key: each pulse is drawn at random by the device's `sample`; of a
            pulse-step model, g is that of the weight seen (write noise included).

    Returns:
        The response.

    Raises:
        BadInput: a value out of range, an amplitude that moves nothing, or a key for a device
            without `sample`.

    Example:
        >>> from ohmprop import devices
        >>> response = pulse_response(devices.make("linear"), 1.0, 1e-4, 50)
        >>> round(float(response.up.g[-1]), 6)
        0.00501
    """
    ups_downs = [_pair("amplitude", amplitude, "V"), _pair("width", width, "s")]
    if count < 2:
        raise BadInput(f"count: expected at least 2 pulses, found {count}")
    if np.ndim(device.lower) or np.ndim(device.r_on):
        raise BadInput("pulse response: expected one device, found an array of devices")
    if key is not None and not isinstance(device, _Random):
        raise BadInput(
            f"{type(device).__name__}: its pulses have no noise to draw; leave the seed out"
        )
    ends = sorted((float(device.conductance(x)), float(x)) for x in (device.lower, device.upper))
    least, most = ends[0][0], ends[1][0]
    x = ends[0][1] if start is None else _state(device, start, least, most)
    g = float(device.conductance(x))
    branches, keys = [], (None, None) if key is None else tuple(jax.random.split(key))
    for sign, v, t, k in zip((1, -1), *ups_downs, keys, strict=True):
        v = sign * device.polarity * v
        t = _find_width(device, v, count, x) if t is None else t
        branch = _train(device, x, g, v, t, count, k)
        x, g = float(branch.x[-1]), float(branch.g[-1])
        branches.append(branch)
    return PulseResponse(branches[0], branches[1], least, most)


def _pair(name: str, value: Any, unit: str) -> tuple[Any, Any]:
    pair = tuple(value) if isinstance(value, tuple | list) else (value, value)
    for one in pair:
        if one is not None and not (np.isfinite(one) and one > 0):
            raise BadInput(f"{name}: expected a positive number in {unit}, found {one}")
    return pair


def _state(device: AbstractMemristor, g: float, least: float, most: float) -> float:
    if not least * (1 - 1e-12) <= g <= most * (1 + 1e-12):
        raise BadInput(
            f"start: expected a conductance from {least:g} to {most:g} S, the device's range, "
            f"found {g:g}"
        )
    return float(jnp.clip(device.state(g), device.lower, device.upper))


def _train(
    device: AbstractMemristor, x: float, g: float, v: float, t: float, count: int, key: Array | None
) -> Branch:
    """`count` pulses from state `x`, whose conductance `g` was read before."""
    begin = jnp.asarray(x, float)
    if key is None:
        after = _pulses(device, begin, v, t, jnp.arange(count))
    else:
        after = _noisy_pulses(device, begin, v, t, jax.random.split(key, count))
    states, read, energy = (np.asarray(a, float) for a in after)
    return Branch(v, t, np.append(x, states), np.append(g, read), energy)


@jax.jit
def _pulses(device: AbstractMemristor, x: Array, v: Array, t: Array, number: Array):
    def one(x, _):
        during = jnp.concatenate([x[None], device.pulse(x, v, t * _NODES)])
        energy = v * t * jnp.dot(_WEIGHTS, device.current(v, during))
        return during[-1], (during[-1], device.conductance(during[-1]), energy)

    return jax.lax.scan(one, x, number)[1]


@jax.jit
def _noisy_pulses(device: Any, x: Array, v: Array, t: Array, keys: Array):
    def one(x, key):
        cycle, write = jax.random.split(key)
        new = device.sample(cycle, x, v, t)
        energy = v * t * (device.current(v, x) + device.current(v, new)) / 2
        seen = device.apparent(write, new) if isinstance(device, AbstractStep) else new
        return new, (new, device.conductance(seen), energy)

    return jax.lax.scan(one, x, keys)[1]


@jax.jit
def _conductance_after(device: AbstractMemristor, x: Array, v: Array, t: Array) -> Array:
    return device.conductance(device.pulse(x, v, t))


@jax.jit
def _shortest(device: AbstractMemristor, v: Array) -> Array:
    """Span over the greatest speed at `v`: no pulse crosses the span in less."""
    span = device.upper - device.lower
    speed = jnp.abs(device.rate(v, device.lower + span * jnp.linspace(0, 1, 65)))
    return span / jnp.max(speed)


def _find_width(device: AbstractMemristor, v: float, count: int, x: float) -> float:
    """Width (s) of which `count` make 99 % of the change that a thousand crossing times make.

    Or many more, while a thousand times as many more than double the change: of a device that
    waits long before it leaps.
    """
    shortest = float(_shortest(device, v))
    if not np.isfinite(shortest):
        raise BadInput(f"width: a pulse of {v:g} V does not move the device; raise the amplitude")
    g0 = float(device.conductance(x))

    def scan(furthest: int) -> tuple[np.ndarray, np.ndarray]:
        times = shortest * 2.0 ** np.linspace(-_OCTAVES, furthest, 4 * _OCTAVES + 1)
        return times, np.asarray(_conductance_after(device, x, v, times))

    times, after = scan(_OCTAVES)
    for furthest in range(2 * _OCTAVES, _FURTHEST, _OCTAVES):
        further = scan(furthest)
        if not abs(further[1][-1] - g0) > 2 * abs(after[-1] - g0):
            break
        times, after = further
    change = after[-1] - g0
    if not abs(change) > 1e-9 * g0:
        raise BadInput(
            f"width: pulses of {v:g} V do not change the conductance from {g0:.4g} S; raise the "
            "amplitude or start elsewhere"
        )
    for _ in range(3):  # each look is twenty times closer
        k = max(int(np.argmax((after - g0) / change >= _TRAVERSE)), 1)
        times = np.geomspace(times[k - 1], times[k], len(times))
        after = np.asarray(_conductance_after(device, x, v, times))
    t = float(times[int(np.argmax((after - g0) / change >= _TRAVERSE))] / count)
    if isinstance(device, AbstractStep):  # a step is one: take whole unit pulses
        unit = float(device.pulses(v, t)) / t
        return math.ceil(unit * t * (1 - 1e-9)) / unit
    return t
