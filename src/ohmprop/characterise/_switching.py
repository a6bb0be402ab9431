"""The frequency at which a device just switches fully within half a period."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from .._core import BadInput
from ..devices import AbstractMemristor, AbstractSeparable
from ..drive import AbstractWaveform

FULLY = (0.01, 0.99)  # of the span
_STEPS = 1000  # of a period, each at its middle voltage
_AT_ONCE = 16  # frequencies tried together
_ROUNDS = 7  # each makes the bracket 15 times narrower
_TURNS = 3  # periods until the half waves in turn repeat
_NEARLY = 1e-3  # of the span, that half waves in turn may stay short of what each does alone
_DECADES = 12  # below the frequency of a square wave, where the search ends


def switching_frequency(
    device: AbstractMemristor, waveform: AbstractWaveform, x0: float | None = None
) -> float:
    """Frequency in Hz at which half a period of the waveform just switches the device fully.

    As in the seed paper's section 3: at this frequency the device goes from its high to its low
    resistance in one half wave and back in the other; a longer period would add nothing. 'Fully'
    is from 1 % to 99 % of the span of the state, for many windows reach no bound in finite time.
    The slower of the two directions decides. Where the other goes so far beyond that the way back
    then stays more than 0.1 % of the span short, as JART's setting does, the half waves in turn
    decide. The device stands alone, without series resistance.

    A separable device needs one integral, s = (1/f) * integral of g(v) over the half wave, and
    `advance`; any other takes the half wave in steps at their middle voltage (relative error about
    1e-5).
    The frequency is found by a search in its logarithm, which starts from the square wave's.

    Args:
        device: one device, parameters without axes.
        waveform: one or more periods; its shape and height count, its duration does not.
        x0: a state, in the model's unit: the frequency at which the positive half wave just takes
            the device from there to within 1 % of the bound it moves towards.

    Raises:
        BadInput: the waveform does not switch the device fully, however slow.

    Example:
        >>> from ohmprop import devices, drive
        >>> device = devices.make("linear_ion_drift", "published")
        >>> round(switching_frequency(device, drive.Sine(amplitude=1.0, frequency=1.0)), 4)  # Hz
        0.4035
    """
    t = (jnp.arange(_STEPS) + 0.5) / _STEPS * waveform.duration / waveform.periods
    v = np.asarray(waveform(t))
    if x0 is not None:
        begin = float((x0 - device.lower) / (device.upper - device.lower))
        return _one_way(device, v[v > 0], "positive", begin)
    ways = [_one_way(device, v[v > 0], "positive"), _one_way(device, v[v < 0], "negative")]
    return _in_turn(device, v, min(ways))


def _one_way(
    device: AbstractMemristor, v: np.ndarray, side: str, begin: float | None = None
) -> float:
    """The frequency at which the half wave `v` takes the state from `begin`, or end to end."""
    if not len(v):
        raise BadInput(f"auto frequency: the waveform has no {side} voltage; give a frequency")
    peak = float(v[np.argmax(np.abs(v))])
    lower, span = float(device.lower), float(device.upper - device.lower)
    up = float(device.rate(peak, lower + 0.5 * span)) > 0
    begin, end = (FULLY[1 - up] if begin is None else begin), FULLY[up]
    start, goal = lower + begin * span, lower + end * span
    way = np.linspace(start, goal, 199)
    speed = np.asarray(device.rate(peak, way)) / span
    if not np.all(speed > 0 if up else speed < 0):
        raise _never(peak)

    def arrived(log_f: np.ndarray) -> np.ndarray:
        x = np.asarray(_at_each(device, v, log_f, np.full(log_f.shape, start), up)[1])
        return x >= goal if up else x <= goal

    # At its peak voltage all the time the device would take the integral of dx/speed: a bound.
    high = float(np.log(4 / np.abs(np.trapezoid(1 / speed, way / span))))
    return _highest(arrived, high, peak)


def _in_turn(device: AbstractMemristor, v: np.ndarray, frequency: float) -> float:
    """The frequency, or the next below it, at which the half waves of `v` in turn switch fully."""
    lower, span = float(device.lower), float(device.upper - device.lower)
    peaks = [float(v.max()), float(v.min())]
    ups = [float(device.rate(peak, lower + 0.5 * span)) > 0 for peak in peaks]

    def missing(log_f: np.ndarray) -> np.ndarray:
        """How far, as a fraction of the span, the last period stays short of 1 % or 99 %."""
        x, short = np.full(log_f.shape, lower + FULLY[1 - ups[0]] * span), []
        for _ in range(_TURNS):
            short = []
            for half, up in zip((v[v > 0], v[v < 0]), ups, strict=True):
                x, furthest = map(np.asarray, _at_each(device, half, log_f, x, up))
                to_go = FULLY[up] - (furthest - lower) / span
                short.append(to_go if up else -to_go)
        return np.maximum(*short)

    high = float(np.log(frequency))
    if missing(np.full(_AT_ONCE, high))[0] <= _NEARLY:
        return frequency
    return _highest(lambda log_f: missing(log_f) <= 0, high, max(peaks, key=abs))


def _highest(arrived: Callable[[np.ndarray], np.ndarray], high: float, peak: float) -> float:
    """The highest frequency below exp(`high`) that has `arrived`, a function of ln f, [n]."""
    low, least = high - np.log(10), high - _DECADES * np.log(10)
    while not arrived(np.full(_AT_ONCE, low))[0]:
        high, low = low, low - np.log(10)
        if low < least:
            raise _never(peak)
    for _ in range(_ROUNDS):
        tried = np.linspace(low, high, _AT_ONCE)
        reached = np.flatnonzero(arrived(tried))[-1]
        low, high = tried[reached], tried[min(reached + 1, _AT_ONCE - 1)]
    return float(np.exp((low + high) / 2))


def _never(peak: float) -> BadInput:
    return BadInput(
        f"auto frequency: a half wave that peaks at {peak:.3g} V does not switch the device fully "
        f"(from {FULLY[0]:.0%} to {FULLY[1]:.0%} of its state's span), however slow; raise the "
        "amplitude or give a frequency"
    )


def _at_each(
    device: AbstractMemristor, v: np.ndarray, log_f: np.ndarray, start: np.ndarray, up: bool
) -> tuple[Array, Array]:
    """`_half_wave` at each frequency, all numbers arrays: one program for a model, not one each."""
    numbers, rest = eqx.partition(device, eqx.is_array_like)
    device = eqx.combine(jax.tree.map(jnp.asarray, numbers), rest)
    return _half_wave(device, *map(jnp.asarray, (v, np.exp(-log_f), start, up)))


@eqx.filter_jit
def _half_wave(
    device: AbstractMemristor, v: Array, period: Array, start: Array, up: Array
) -> tuple[Array, Array]:
    """State after a half wave and, where it turns back, the furthest, at each period (s)."""
    dt, x = period / _STEPS, start
    if isinstance(device, AbstractSeparable):
        x = device.advance(x, jnp.sum(device.drive(v)) * dt)
        return x, x

    def step(carry: tuple[Array, Array], v: Array) -> tuple[tuple[Array, Array], None]:
        x, furthest = carry
        x = device.pulse(x, v, dt)
        return (x, jnp.where(up, jnp.maximum(furthest, x), jnp.minimum(furthest, x))), None

    return lax.scan(step, (x, x), v)[0]
