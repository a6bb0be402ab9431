"""What a hysteresis loop says in numbers: lobes, pinch, ratio, thresholds, drift, collapse.

Every number is read from the last cycle of a trace, from the device's own voltage v and current i.
Source: the fingerprints of a memristor, Sah, Adhikari, Kim, Chua, CNNA 2014,
doi 10.1109/CNNA.2014.6888655: a loop pinched at the origin for any bipolar periodic voltage, whose
lobes shrink monotonically beyond some frequency, to a single line in the end.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .._core import BadInput
from ..devices import AbstractMemristor
from ._simulate import Trace

MOVING = 0.01  # of the greatest |dx/dt|: where a state is said to move
STILL = 1e-6  # of the span: a state that moves less in a half wave does not switch


class LoopMetrics(NamedTuple):
    """One loop in numbers; `None` where the loop does not define one.

    lobe_area_positive, lobe_area_negative: |closed integral of i dv| where v > 0 and v < 0, W.
    symmetry: (A+ - A-)/(A+ + A-), 0 for equal lobes.
    pinch_error: greatest |i| at v = 0 over the greatest |i|.
    r_off_over_r_on: ratio of the resistances on the two branches at `read_voltage`, at least 1.
    read_voltage: V.
    threshold_positive, threshold_negative: least v > 0 and greatest v < 0 at which the state
        moves, V: where |dx/dt| exceeds a hundredth of its greatest value in that half wave. With a
        rate proportional to v that is about a hundredth of the amplitude, however slow.
    drift_per_cycle: change of state over the last cycle, as a fraction of the span.
    energy_per_cycle: integral of v i dt over the last cycle, J.
    """

    lobe_area_positive: float
    lobe_area_negative: float
    symmetry: float | None
    pinch_error: float | None
    r_off_over_r_on: float | None
    read_voltage: float
    threshold_positive: float | None
    threshold_negative: float | None
    drift_per_cycle: float
    energy_per_cycle: float

    @property
    def lobe_area(self) -> float:
        """Both lobes together, W."""
        return self.lobe_area_positive + self.lobe_area_negative


class Collapse(NamedTuple):
    """How the loop's area falls with frequency.

    frequencies: Hz, ascending, [n].
    area_ratio: area over the greatest area, [n].
    half_area_frequency: where, above the frequency of the greatest area, it falls to one half, Hz;
        None where it does not among these frequencies.
    """

    frequencies: list[float]
    area_ratio: list[float]
    half_area_frequency: float | None


def loop_metrics(
    trace: Trace, device: AbstractMemristor, cycles: int = 1, read_voltage: float | None = None
) -> LoopMetrics:
    """The numbers of `LoopMetrics` from the last of the trace's equal cycles.

    A+ = |sum over v > 0 of (i_k + i_k+1)/2 (v_k+1 - v_k)|: trapezoids, cut at v = 0, so that the
    lobes of a loop that crosses itself at the origin do not cancel. Their error falls as the square
    of the step. A lobe that crosses itself again loses what it encloses the other way round.

    Args:
        trace: of one device, fields [t].
        device: the device that gave it, for the bounds of its state.
        cycles: equal periods the trace holds.
        read_voltage: V; a tenth of the greatest |v| where None.

    Raises:
        BadInput: traces of several devices, a number of cycles below 1, a read voltage of 0.
    """
    t, v, i, x = (np.asarray(a, float) for a in (trace.t, trace.v_device, trace.i, trace.x))
    if t.ndim != 1 or v.ndim != 1 or x.ndim != 1:
        raise BadInput(f"loop_metrics: expected the trace of one device, found shape {x.shape}.")
    if cycles < 1:
        raise BadInput(f"loop_metrics: expected at least 1 cycle, found {cycles}.")
    span = float(device.upper - device.lower)
    begin = t[0] + (t[-1] - t[0]) * (1 - 1 / cycles)
    last = t >= begin - 1e-9 * (t[-1] - t[0])
    t, v, i, x = (a[last] for a in (t, v, i, x))
    read = 0.1 * float(np.abs(v).max()) if read_voltage is None else read_voltage
    if not (np.isfinite(read) and (read != 0 or not v.any())):
        raise BadInput(f"loop_metrics: expected a read voltage other than 0 V, found {read}.")
    closed_v, closed_i = np.append(v, v[0]), np.append(i, i[0])
    positive, negative = _lobe(closed_v, closed_i), _lobe(-closed_v, -closed_i)
    total = positive + negative
    return LoopMetrics(
        lobe_area_positive=positive,
        lobe_area_negative=negative,
        symmetry=(positive - negative) / total if total > 0 else None,
        pinch_error=_pinch(closed_v, closed_i),
        r_off_over_r_on=_ratio(closed_v, closed_i, read),
        read_voltage=read,
        threshold_positive=_threshold(t, v, x, span),
        threshold_negative=_minus(_threshold(t, -v, x, span)),
        drift_per_cycle=float(x[-1] - x[0]) / span,
        energy_per_cycle=float(np.trapezoid(v * i, t)),
    )


def collapse(frequencies: Sequence[float], areas: Sequence[float]) -> Collapse | None:
    """How the area falls with frequency; None for fewer than two frequencies or no area at all.

    The frequency of half the area is interpolated in log frequency and log area.
    """
    order = np.argsort(frequencies)
    f, area = np.asarray(frequencies, float)[order], np.asarray(areas, float)[order]
    if len(f) < 2 or not area.max() > 0:
        return None
    ratio = area / area.max()
    half = None
    top = int(ratio.argmax())
    below = np.flatnonzero(ratio[top:] <= 0.5)
    if len(below):
        k = top + int(below[0])
        y = np.log(np.maximum(ratio[k - 1 : k + 1], 1e-300))
        share = (np.log(0.5) - y[0]) / (y[1] - y[0])
        half = float(f[k - 1] * (f[k] / f[k - 1]) ** share)
    return Collapse(f.tolist(), ratio.tolist(), half)


def _lobe(v: np.ndarray, i: np.ndarray) -> float:
    """|closed integral of i dv| where v > 0, the current at v = 0 interpolated."""
    cross = np.flatnonzero(v[:-1] * v[1:] < 0)
    share = v[cross] / (v[cross] - v[cross + 1])
    i = np.insert(i, cross + 1, i[cross] + share * (i[cross + 1] - i[cross]))
    v = np.insert(v, cross + 1, 0.0)
    return abs(float(np.trapezoid(np.where(v >= 0, i, 0.0), np.maximum(v, 0.0))))


def _at(v: np.ndarray, i: np.ndarray, level: float) -> np.ndarray:
    """Currents where v passes `level`, interpolated."""
    d = v - level
    cross = np.flatnonzero(d[:-1] * d[1:] < 0)
    share = d[cross] / (d[cross] - d[cross + 1])
    return np.concatenate([i[cross] + share * (i[cross + 1] - i[cross]), i[d == 0]])


def _pinch(v: np.ndarray, i: np.ndarray) -> float | None:
    at_zero, most = _at(v, i, 0.0), np.abs(i).max()
    return float(np.abs(at_zero).max() / most) if len(at_zero) and most > 0 else None


def _ratio(v: np.ndarray, i: np.ndarray, read: float) -> float | None:
    g = np.abs(_at(v, i, read))
    return float(g.max() / g.min()) if len(g) > 1 and g.min() > 0 else None


def _threshold(t: np.ndarray, v: np.ndarray, x: np.ndarray, span: float) -> float | None:
    """Least v > 0 at which the state moves; each step counts at the mean of its two voltages."""
    dt, moved, middle = np.diff(t), np.abs(np.diff(x)), (v[:-1] + v[1:]) / 2
    here = (middle > 0) & (dt > 0)
    if not here.any() or moved[here].sum() < STILL * span:
        return None
    speed = moved[here] / dt[here]
    return float(middle[here][speed > MOVING * speed.max()].min())


def _minus(value: float | None) -> float | None:
    return None if value is None else -value
