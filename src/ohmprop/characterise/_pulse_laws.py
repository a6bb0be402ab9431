"""What a fit of a pulse response varies of each model, and between which bounds.

Parameters that one kind of pulse cannot tell apart from others are held: thresholds and exponents
of the voltage, a and b of `exp_step`, dw_min of `piecewise_step`, w_min and w_max, which only scale
the weight. The bounds g_low and g_high of the readings are varied where they shape the curve, and
else held at the least and greatest reading.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from .. import devices
from .._core import BadInput, nearest
from ..devices import AbstractMemristor, AbstractStep
from ._read_pulses import PulseData

NODES = 6  # of `piecewise_step`, a direction
_BOTH = 2

Vector = NDArray[np.float64]


class _Free(NamedTuple):
    """How one parameter varies.

    `kind` is "number", "log", "size" (a step: factors of the span over the pulses), "speed" or
    "time" (spans crossed by all pulses at the greatest rate). `side` is the direction that shows
    it: 1 potentiation, -1 depression, 0 either, 2 both together.
    """

    kind: str
    low: float
    high: float
    side: int = 0


class _Law(NamedTuple):
    free: Mapping[str, _Free]
    bounds: bool = True  # whether g_low and g_high are varied


_SIZE, _BIAS = _Free("size", 0.01, 100), _Free("number", -0.98, 0.98, _BOTH)
_SPEED, _POWER = _Free("speed", 0.03, 300), _Free("log", 0.3, 20)
_STEPS = {"dw_min": _SIZE, "up_down": _BIAS}
_DRIFT = _Law({"mu_v": _SPEED, "p": _POWER})


def _pair(stem: str, kind: str, low: float, high: float) -> dict[str, _Free]:
    return {f"{stem}_up": _Free(kind, low, high, 1), f"{stem}_down": _Free(kind, low, high, -1)}


STEP_LAWS: dict[str, _Law] = {
    "constant_step": _Law(_STEPS, bounds=False),
    "linear_step": _Law(_STEPS | _pair("gamma", "number", 0, 3), bounds=False),
    "soft_bounds": _Law(_STEPS),
    "exp_step": _Law(
        _STEPS | _pair("A", "number", -30, 5) | _pair("gamma", "log", 0.5, 15), bounds=False
    ),
    "pow_step": _Law(
        _STEPS | {"pow_gamma": _Free("log", 0.05, 10), "pow_up_down": _BIAS}, bounds=False
    ),
    "piecewise_step": _Law(
        {
            f"nodes_{way}[{k + 1}]": _Free("log", 0.05, 20, side)
            for way, side in (("up", 1), ("down", -1))
            for k in range(NODES)
        },
        bounds=False,
    ),
}
STEP_MODELS = tuple(STEP_LAWS)

# Here `side` is the sign of the voltage.
STATE_LAWS: dict[str, _Law] = {
    "linear": _Law({"k": _SPEED}),
    "linear_ion_drift": _Law({"mu_v": _SPEED}),
    "joglekar": _DRIFT,
    "biolek": _DRIFT,
    "prodromakis": _DRIFT,
    "zha": _DRIFT,
    "vteam": _Law({"k_on": _SPEED._replace(side=-1), "k_off": _SPEED._replace(side=1)}),
    "team": _Law({"k_on": _SPEED._replace(side=-1), "k_off": _SPEED._replace(side=1)}),
    "yakopcic": _Law(
        {
            "A_p": _SPEED._replace(side=1),
            "A_n": _SPEED._replace(side=-1),
            "alpha_p": _Free("log", 0.05, 20, 1),
            "alpha_n": _Free("log", 0.05, 20, -1),
            "x_p": _Free("log", 0.02, 0.95, 1),
            "x_n": _Free("log", 0.02, 0.95, -1),
        }
    ),
    "mms": _Law({"tau": _Free("time", 0.03, 300)}),
}
PULSE_LAWS = STEP_LAWS | STATE_LAWS


@dataclass(frozen=True)
class PulseLayout:
    """The varied quantities in order, each with its coordinate; hashable.

    Beside parameters there are g_low and g_high, where varied, and start_up and start_down, the
    reading before the first pulse of a branch.
    """

    model: str
    params: str
    options: tuple[tuple[str, str], ...]
    free: tuple[tuple[str, str], ...]  # name, kind: log, negative, number
    siemens: bool
    ways: tuple[bool, ...]  # the branches measured: True potentiates
    lengths: tuple[int, ...]  # readings of each branch

    def quantities(self, z: Array, kept: Mapping[str, Array]) -> dict[str, Array]:
        """All quantities, varied and `kept`, by name."""
        varied = {
            name: z[k] if kind == "number" else jnp.exp(z[k]) if kind == "log" else -jnp.exp(z[k])
            for k, (name, kind) in enumerate(self.free)
        }
        every = dict(kept) | varied
        if self.siemens:
            every |= {"r_off": 1 / every["g_low"], "r_on": 1 / every["g_high"]}
        return every

    def device(self, quantities: Mapping[str, Array]) -> AbstractMemristor:
        """The device of those quantities."""
        own = {
            name: value
            for name, value in quantities.items()
            if name not in ("g_low", "g_high", "start_up", "start_down")
        }
        values: dict[str, Any] = gathered(own, jnp.stack) | dict(self.options)
        return devices.MODELS[self.model](**values)

    @property
    def names(self) -> tuple[str, ...]:
        """The varied quantities as they are reported: in siemens, r_off and r_on for the bounds."""
        told = {"g_low": "r_off", "g_high": "r_on"} if self.siemens else {}
        return tuple(told.get(name, name) for name, _ in self.free)

    def values(self, z: Array, kept: Mapping[str, Array]) -> Array:
        """The quantities of `names`, [k]."""
        every = self.quantities(z, kept)
        return jnp.stack([every[name] for name in self.names])


class PulsePlan(NamedTuple):
    """Layout, values of what is not varied, box of coordinates [k], the pulses of each branch:
    voltages (V, signed) and widths (s), and the names the user gave values for."""

    layout: PulseLayout
    kept: dict[str, float]
    low: Vector
    high: Vector
    v: Vector
    t: Vector
    fixed: tuple[str, ...]


def gathered(values: Mapping[str, Any], join: Callable[[list[Any]], Any] = list) -> dict[str, Any]:
    """Values by name, those of `name[1]`, `name[2]`, ... joined under `name`."""
    out: dict[str, Any] = {}
    for name, value in values.items():
        stem, bracket, _ = name.partition("[")
        if bracket:
            out.setdefault(stem, []).append(value)
        else:
            out[name] = value
    return {name: join(v) if isinstance(v, list) else v for name, v in out.items()}


def plan_pulses(
    data: PulseData,
    model: str,
    params: str | None,
    fixed: Mapping[str, float | str],
    amplitude: float | tuple[float, float] | None,
    width: float | tuple[float, float] | None,
) -> PulsePlan:
    """The plan of a fit; raises BadInput for a model, set, parameter or pulse that cannot be."""
    if model not in PULSE_LAWS:
        devices.default_set(model)  # refuses an unknown model
        raise BadInput(
            f"{model}: no fit to pulses; expected one of {', '.join(PULSE_LAWS)}."
            f"{nearest(model, PULSE_LAWS)}"
        )
    law, params = PULSE_LAWS[model], params or devices.default_set(model)
    base = devices.make(model, params, **fixed)
    count = max(len(y) for y in data.branches.values()) - 1
    v, t, given = _pulses(base, amplitude, width)
    options = dict(devices.MODELS[model].OPTIONS.get(params, {}))
    options |= {name: value for name, value in fixed.items() if isinstance(value, str)}
    kept = {n: float(getattr(base, n)) for n in devices.parameter_set(model, params)} | given
    polarity = 1 if isinstance(base, AbstractStep) else base.polarity
    ways = tuple(name == "potentiation" for name in data.branches)
    sides = {polarity if way else -polarity for way in ways} | {0}
    sides |= {_BOTH} if len(ways) == 2 else set()
    rows: list[tuple[str, str, float, float]] = []
    for name, how in law.free.items():
        stem = name.partition("[")[0]
        if stem in fixed or how.side not in sides:
            continue
        if stem != name:
            kept.pop(stem, None)
        rows.append((name, *_coordinate(base, stem, how, count, v, t)))
    if model == "piecewise_step" and "dw_min" not in fixed:
        kept["dw_min"] = float(base.upper - base.lower) / count  # nodes are then about 1
    rows += _range(data, law, fixed, kept)
    for way, y in zip(ways, data.branches.values(), strict=True):
        first, reach = float(np.mean(y[: max(len(y) // 40, 1)])), float(np.ptp(y))
        name = f"start_{'up' if way else 'down'}"
        low, high = max(first - reach / 2, y.min()), min(first + reach / 2, y.max())
        rows.append(_reading(name, data.siemens, first, low, high))
    for name, _, _, _ in rows:
        kept.pop(name, None)
    if data.siemens:
        kept = {name: value for name, value in kept.items() if name not in ("r_on", "r_off")}
    free = tuple((name, kind) for name, kind, _, _ in rows)
    lengths = tuple(len(y) for y in data.branches.values())
    layout = PulseLayout(model, params, tuple(options.items()), free, data.siemens, ways, lengths)
    low, high = (np.array([row[k] for row in rows]) for k in (2, 3))
    v, t = (np.array([pair[not way] for way in ways]) for pair in (v, t))
    return PulsePlan(layout, kept, low, high, v, t, tuple(fixed))


def _pulses(
    base: AbstractMemristor,
    amplitude: float | tuple[float, float] | None,
    width: float | tuple[float, float] | None,
) -> tuple[tuple[float, float], tuple[float, float], dict[str, float]]:
    """Signed voltages and widths, up and down; for a pulse-step model the unit pulse they mean."""
    step = isinstance(base, AbstractStep)
    if amplitude is None or width is None:
        if not step:
            raise BadInput(
                f"{type(base).__name__}: a fit to pulses needs their amplitude in V and their "
                "width in s"
            )
        amplitude = float(base.v_pulse) if amplitude is None else amplitude
        width = float(base.t_pulse) if width is None else width
    volts = amplitude if isinstance(amplitude, tuple) else (amplitude, amplitude)
    seconds = width if isinstance(width, tuple) else (width, width)
    for name, pair, unit in (("amplitude", volts, "V"), ("width", seconds, "s")):
        for one in pair:
            if not (math.isfinite(one) and one > 0):
                raise BadInput(f"{name}: expected a positive number in {unit}, found {one:g}")
    if not step:
        return (base.polarity * volts[0], -base.polarity * volts[1]), seconds, {}
    if not math.isclose(volts[0] * seconds[0], volts[1] * seconds[1], rel_tol=1e-9):
        raise BadInput(
            f"{type(base).__name__}: a pulse-step model has one unit pulse; expected the same "
            "amplitude times width up and down"
        )
    unit = {"v_pulse": volts[0], "t_pulse": seconds[0]}
    return (volts[0], -volts[1]), seconds, unit


def _coordinate(
    base: AbstractMemristor,
    name: str,
    how: _Free,
    count: int,
    v: tuple[float, float],
    t: tuple[float, float],
) -> tuple[str, float, float]:
    """Kind and bounds of a parameter's coordinate."""
    if how.kind == "number":
        return "number", how.low, how.high
    if how.kind == "log":
        return "log", math.log(how.low), math.log(how.high)
    span = float(abs(base.upper - base.lower))
    if how.kind == "size":
        return "log", math.log(how.low * span / count), math.log(min(how.high / count, 1) * span)
    x = base.lower + (base.upper - base.lower) * jnp.linspace(0.05, 0.95, 19)
    sides = [k for k in (0, 1) if how.side == 0 or how.side * v[k] > 0]
    reach = max(float(jnp.max(jnp.abs(base.rate(v[k], x)))) * t[k] * count / span for k in sides)
    if not reach > 0:
        raise BadInput(
            f"{type(base).__name__}: pulses of {v[0]:g} and {v[1]:g} V do not move the device; "
            "raise the amplitude or lower its thresholds with --set"
        )
    value = float(getattr(base, name))
    ends = (how.low / reach, how.high / reach)
    ends = (1 / ends[1], 1 / ends[0]) if how.kind == "time" else ends
    low, high = (math.log(abs(value) * end) for end in ends)
    allowed = next(f for f in fields(base) if f.name == name).metadata["allowed"]
    return "negative" if allowed.high <= 0 else "log", low, high


def _range(
    data: PulseData, law: _Law, fixed: Mapping[str, float | str], kept: dict[str, float]
) -> list[tuple[str, str, float, float]]:
    """Coordinates of the readings at the device's bounds, or their values put into `kept`."""
    every = np.concatenate(list(data.branches.values()))
    low, high = float(every.min()), float(every.max())
    reach = high - low
    rows = []
    for name, resistance, reading in (("g_low", "r_off", low), ("g_high", "r_on", high)):
        out = -1 if name == "g_low" else 1
        if data.siemens and resistance in fixed:
            kept[name] = 1 / float(fixed[resistance])
        elif not law.bounds:
            kept[name] = reading
        else:
            ends = sorted((reading - 0.3 * out * reach, reading + out * reach))
            rows.append(_reading(name, data.siemens, reading, *ends))
    return rows


def _reading(
    name: str, siemens: bool, about: float, low: float, high: float
) -> tuple[str, str, float, float]:
    """Coordinate of a reading; a conductance stays positive and its decades weigh alike."""
    if not siemens:
        return name, "number", low, high
    return name, "log", math.log(max(low, about / 10)), math.log(high)
