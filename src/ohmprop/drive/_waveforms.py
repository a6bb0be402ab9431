"""Waveforms v(t): what drives a device as an instrument would.

A periodic waveform is v(t) = offset + amplitude * shape(frequency t + phase/2 pi), its shape of
period 1, starting at 0 and rising; the others are given by their points. Between its corners every
waveform is smooth, which an integration may rely on.
"""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.typing import ArrayLike

from .._core import BadInput, nearest


def _as_float(value: Any) -> Array:
    """A float array leaf: another number does not compile again."""
    return jnp.asarray(value, dtype=float)


class AbstractWaveform(eqx.Module):
    """A voltage against time, from t = 0 to `duration`."""

    @abc.abstractmethod
    def __call__(self, t: ArrayLike) -> Array:
        """Voltage in V at the times `t` in s, [...]."""

    @property
    @abc.abstractmethod
    def duration(self) -> Array:
        """Length in s."""

    @property
    @abc.abstractmethod
    def corners(self) -> Array:
        """Times in s, ascending, at which the voltage or its slope jumps, [n]."""

    @property
    def periods(self) -> int:
        """Number of equal periods it consists of."""
        return 1

    def sample(self, points: int) -> np.ndarray:
        """Times in s: `points` equal steps a period, both ends and every corner, ascending."""
        if points < 1:
            raise BadInput(f"waveform: expected at least 1 point a period, found {points}.")
        end = float(self.duration)
        count = points * self.periods
        grid = np.linspace(0.0, end, count + 1)
        corners = np.asarray(self.corners, float)
        apart = np.abs(corners - grid[np.rint(corners / end * count).astype(int)])
        return np.unique(np.concatenate([grid, corners[apart > 1e-6 * end / count]]))


class AbstractPeriodic(AbstractWaveform):
    """`cycles` periods of one shape; amplitude and offset in V, frequency in Hz, phase in rad."""

    amplitude: Array = eqx.field(converter=_as_float, default=1.0)
    frequency: Array = eqx.field(converter=_as_float, default=1.0)
    offset: Array = eqx.field(converter=_as_float, default=0.0)
    phase: Array = eqx.field(converter=_as_float, default=0.0)
    cycles: int = eqx.field(static=True, default=1)

    def __check_init__(self) -> None:
        name = type(self).__name__.lower()
        if isinstance(self.cycles, bool) or not isinstance(self.cycles, int) or self.cycles < 1:
            raise BadInput(f"{name}: expected a whole number of cycles >= 1, found {self.cycles}.")
        for field, unit in (("amplitude", "V"), ("offset", "V"), ("phase", "rad")):
            _finite(name, field, getattr(self, field), unit)
        _positive(name, "frequency", self.frequency, "Hz")

    @abc.abstractmethod
    def shape(self, turns: Array) -> Array:
        """The shape at a phase in turns, of period 1 and height 1."""

    @property
    def breaks(self) -> tuple[float, ...]:
        """Phases in [0, 1), in turns, at which the shape or its slope jumps."""
        return ()

    @property
    def duration(self) -> Array:
        """cycles / frequency, s."""
        return self.cycles / self.frequency

    @property
    def periods(self) -> int:
        """The number of cycles."""
        return self.cycles

    @property
    def corners(self) -> Array:
        """Times in s at which the phase passes one of `breaks`."""
        turns = (jnp.asarray(self.breaks, float) - self.phase / (2 * jnp.pi)) % 1.0
        every = jnp.sort(turns) + jnp.arange(self.cycles)[:, None]
        return every.reshape(-1) / self.frequency

    def __call__(self, t: ArrayLike) -> Array:
        """offset + amplitude * shape(frequency t + phase/2 pi), V."""
        turns = self.frequency * jnp.asarray(t) + self.phase / (2 * jnp.pi)
        return self.offset + self.amplitude * self.shape(turns)


class Sine(AbstractPeriodic):
    """v = offset + amplitude sin(2 pi frequency t + phase).

    Example:
        >>> float(Sine(amplitude=0.5, frequency=10.0)(0.025))
        0.5
    """

    def shape(self, turns: Array) -> Array:
        """sin(2 pi turns)."""
        return jnp.sin(2 * jnp.pi * turns)


class Triangle(AbstractPeriodic):
    """Straight sweeps 0, +amplitude, -amplitude, 0 about the offset."""

    @property
    def breaks(self) -> tuple[float, ...]:
        """The two peaks."""
        return (0.25, 0.75)

    def shape(self, turns: Array) -> Array:
        """4 turns up to a quarter, then down to three quarters."""
        return 1 - 4 * jnp.abs((turns + 0.25) % 1.0 - 0.5)


class Square(AbstractPeriodic):
    """+amplitude in the first half of a period, -amplitude in the second, about the offset."""

    @property
    def breaks(self) -> tuple[float, ...]:
        """The two jumps."""
        return (0.0, 0.5)

    def shape(self, turns: Array) -> Array:
        """+1 for a phase in [0, 1/2), else -1."""
        return jnp.where(turns % 1.0 < 0.5, 1.0, -1.0)


class Sawtooth(AbstractPeriodic):
    """Rises from 0 to +amplitude, jumps to -amplitude and rises to 0, about the offset."""

    @property
    def breaks(self) -> tuple[float, ...]:
        """The jump."""
        return (0.5,)

    def shape(self, turns: Array) -> Array:
        """2 turns, wrapped to [-1, 1)."""
        return 2 * ((turns + 0.5) % 1.0) - 1


class PulseTrain(AbstractWaveform):
    """`count` rectangular pulses from 0 V: amplitude (V) for `width`, the next after `interval` s.

    A period is `interval` long and begins with its pulse.
    """

    amplitude: Array = eqx.field(converter=_as_float, default=1.0)
    width: Array = eqx.field(converter=_as_float, default=1e-6)
    interval: Array = eqx.field(converter=_as_float, default=2e-6)
    count: int = eqx.field(static=True, default=1)

    def __check_init__(self) -> None:
        if isinstance(self.count, bool) or not isinstance(self.count, int) or self.count < 1:
            raise BadInput(f"pulse_train: expected a whole number of pulses, found {self.count}.")
        _finite("pulse_train", "amplitude", self.amplitude, "V")
        _positive("pulse_train", "width", self.width, "s")
        _positive("pulse_train", "interval", self.interval, "s")
        if not _traced(self.width, self.interval) and not bool(self.width < self.interval):
            raise BadInput(
                f"pulse_train: expected width < interval, found {float(self.width):g} s and "
                f"{float(self.interval):g} s."
            )

    @property
    def duration(self) -> Array:
        """count * interval, s."""
        return self.count * self.interval

    @property
    def periods(self) -> int:
        """The number of pulses."""
        return self.count

    @property
    def corners(self) -> Array:
        """Both ends of every pulse, s."""
        start = jnp.arange(self.count)[:, None] * self.interval
        return (start + jnp.stack([jnp.zeros_like(self.width), self.width])).reshape(-1)

    def __call__(self, t: ArrayLike) -> Array:
        """The amplitude during a pulse, 0 between pulses, V."""
        return jnp.where(jnp.asarray(t) % self.interval < self.width, self.amplitude, 0.0)


class PiecewiseLinear(AbstractWaveform):
    """Straight lines through the points (t, v): times in s, ascending from 0, voltages in V."""

    t: Array = eqx.field(converter=_as_float)
    v: Array = eqx.field(converter=_as_float)

    def __check_init__(self) -> None:
        _points("piecewise_linear", self.t, self.v)

    @property
    def duration(self) -> Array:
        """The last time, s."""
        return self.t[-1]

    @property
    def corners(self) -> Array:
        """The given times, s."""
        return self.t

    def __call__(self, t: ArrayLike) -> Array:
        """Linear interpolation, V."""
        return jnp.interp(jnp.asarray(t), self.t, self.v)


class Sampled(AbstractWaveform):
    """A sampled voltage: v[k] (V) at t[k] (s), ascending from 0, as an instrument recorded it.

    With `hold` the voltage stays at v[k] until t[k + 1]; otherwise it runs straight to v[k + 1].
    `sample` returns the given times, whatever the number of points asked for.
    """

    t: Array = eqx.field(converter=_as_float)
    v: Array = eqx.field(converter=_as_float)
    hold: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        _points("sampled", self.t, self.v)

    @property
    def duration(self) -> Array:
        """The last time, s."""
        return self.t[-1]

    @property
    def corners(self) -> Array:
        """The given times, s."""
        return self.t

    def sample(self, points: int) -> np.ndarray:
        """The given times, s."""
        del points
        return np.asarray(self.t)

    def __call__(self, t: ArrayLike) -> Array:
        """Linear interpolation or the value held, V."""
        if not self.hold:
            return jnp.interp(jnp.asarray(t), self.t, self.v)
        index = jnp.searchsorted(self.t, jnp.asarray(t), side="right") - 1
        return self.v[jnp.clip(index, 0, self.v.size - 1)]


WAVEFORMS: dict[str, type[AbstractWaveform]] = {
    "sine": Sine,
    "triangle": Triangle,
    "square": Square,
    "sawtooth": Sawtooth,
    "pulse_train": PulseTrain,
    "piecewise_linear": PiecewiseLinear,
    "sampled": Sampled,
}


def make_waveform(name: str, **fields: Any) -> AbstractWaveform:
    """A waveform by name, its fields by keyword.

    Raises:
        BadInput: unknown waveform or field, or a value that cannot be.

    Example:
        >>> float(make_waveform("triangle", amplitude=2.0, frequency=50.0).duration)
        0.02
    """
    if name not in WAVEFORMS:
        raise BadInput(f"Unknown waveform {name!r}.{nearest(name, WAVEFORMS)}")
    known = [f for f in WAVEFORMS[name].__dataclass_fields__]
    for field in fields:
        if field not in known:
            raise BadInput(f"{name}: no field {field!r}.{nearest(field, known)}")
    try:
        return WAVEFORMS[name](**fields)
    except TypeError as error:
        raise BadInput(f"{name}: {error}; fields: {', '.join(known)}.") from None


def _traced(*values: Any) -> bool:
    return any(isinstance(value, Tracer) for value in values)


def _finite(name: str, field: str, value: Array, unit: str) -> None:
    if not _traced(value) and not bool(jnp.isfinite(value).all()):
        raise BadInput(f"{name}: expected a finite {field} in {unit}, found {value}.")


def _positive(name: str, field: str, value: Array, unit: str) -> None:
    if not _traced(value) and not bool((jnp.isfinite(value) & (value > 0)).all()):
        raise BadInput(f"{name}: expected a positive {field} in {unit}, found {value}.")


def _points(name: str, t: Array, v: Array) -> None:
    if t.ndim != 1 or t.shape != v.shape or t.size < 2:
        raise BadInput(
            f"{name}: expected as many voltages as times, two or more, found shapes {v.shape} and "
            f"{t.shape}."
        )
    if _traced(t, v):
        return
    _finite(name, "voltage", v, "V")
    _finite(name, "time", t, "s")
    late = np.flatnonzero(np.diff(np.asarray(t)) <= 0)
    if len(late):
        k = int(late[0]) + 1
        raise BadInput(
            f"{name}: expected ascending times, found t[{k}] = {float(t[k]):g} s after "
            f"{float(t[k - 1]):g} s."
        )
    if float(t[0]) != 0:
        raise BadInput(f"{name}: expected times from 0 s, found {float(t[0]):g} s; subtract it.")
