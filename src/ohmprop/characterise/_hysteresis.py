"""Hysteresis loops: a device under a periodic voltage, at one frequency or several."""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jax.typing import ArrayLike

from .._core import BadInput
from ..devices import AbstractMemristor
from ..drive import AbstractWaveform, PiecewiseLinear, PulseTrain, make_waveform
from ._loop import LoopMetrics, loop_metrics
from ._read import SWEEP, Quantity, _read_table, read_columns
from ._simulate import Trace, simulate
from ._switching import switching_frequency

PULSES = "pulse_train"
_JUMP = 1e-9  # of a period: what a jump from the end of one to the start of the next takes
_COLUMNS = {
    "t": Quantity(SWEEP["t"].names | {"t_second"}, "s"),
    "V": SWEEP["V"],
}


class Loop(NamedTuple):
    """A hysteresis loop: its frequency in Hz, the trace of all its cycles, and its numbers."""

    frequency: float
    trace: Trace
    metrics: LoopMetrics


def hysteresis(
    device: AbstractMemristor,
    waveform: PiecewiseLinear | str = "sine",
    frequencies: Sequence[float] = (1.0,),
    *,
    amplitude: float = 1.0,
    offset: float = 0.0,
    phase: float = 0.0,
    duty: float = 0.5,
    cycles: int = 2,
    points: int = 1000,
    x0: ArrayLike | None = None,
    integration: Literal["exact", "euler"] = "exact",
    r_series: float = 0.0,
    compliance: float = np.inf,
    read_voltage: float | None = None,
    progress: Callable[[Loop], None] | None = None,
) -> list[Loop]:
    """Drive a device with a periodic voltage at each of the frequencies and measure the loops.

    Args:
        device: one device, parameters without axes.
        waveform: "sine", "triangle", "square" or "sawtooth" of `amplitude`, `offset` and `phase`;
            "pulse_train" of `amplitude` and `duty`; or a polygon whose whole duration is taken for
            one period (its own height holds).
        frequencies: Hz; a period is stretched or compressed to 1/frequency.
        amplitude, offset: V.
        phase: rad.
        duty: width of a pulse over its period, between 0 and 1.
        cycles: periods at each frequency; the metrics are read from the last.
        points: samples a period.
        x0: initial state, in the model's unit; half-way between the bounds where None.
        integration: "exact", or "euler" for one forward step a sample.
        r_series: resistance in series, ohm.
        compliance: greatest current the source gives, A.
        read_voltage: where the ratio of resistances is read, V; see `loop_metrics`. One that the
            loop does not pass twice is refused.
        progress: called with each loop as soon as it is there.

    Returns:
        One `Loop` a frequency, in the order given.

    Raises:
        BadInput: a waveform, frequency, number or state that cannot be.
    """
    if not frequencies or not all(np.isfinite(f) and f > 0 for f in frequencies):
        raise BadInput(f"hysteresis: expected positive frequencies in Hz, found {frequencies}.")
    if cycles < 1:
        raise BadInput(f"hysteresis: expected at least 1 cycle, found {cycles}.")
    loops = []
    for frequency in frequencies:
        wave = periodic(
            waveform,
            frequency,
            amplitude=amplitude,
            offset=offset,
            phase=phase,
            duty=duty,
            cycles=cycles,
        )
        trace = simulate(
            device,
            wave,
            points=points * cycles // wave.periods,
            x0=x0,
            integration=integration,
            r_series=r_series,
            compliance=compliance,
        )
        loop = Loop(frequency, trace, loop_metrics(trace, device, cycles, read_voltage))
        if read_voltage is not None and loop.metrics.r_off_over_r_on is None:
            low, high = float(trace.v_device.min()), float(trace.v_device.max())
            raise BadInput(
                f"read voltage: expected one that two branches of the loop pass, between {low:.4g} "
                f"and {high:.4g} V (at {frequency:.4g} Hz), found {read_voltage:g} V"
            )
        if progress is not None:
            progress(loop)
        loops.append(loop)
    return loops


def periodic(
    waveform: PiecewiseLinear | str,
    frequency: float,
    *,
    amplitude: float = 1.0,
    offset: float = 0.0,
    phase: float = 0.0,
    duty: float = 0.5,
    cycles: int = 1,
) -> AbstractWaveform:
    """`cycles` periods of a waveform by name, or of a given one stretched to 1/frequency.

    Where a given one ends at another voltage than it begins, it jumps there within 1e-9 periods.
    Arguments as for `hysteresis`.
    """
    if waveform == PULSES:
        if offset or phase:
            raise BadInput(f"{PULSES}: starts at 0 V with a pulse; expected no offset, no phase")
        if not 0 < duty < 1:
            raise BadInput(f"{PULSES}: expected a duty between 0 and 1, found {duty:g}")
        return PulseTrain(amplitude, duty / frequency, 1 / frequency, cycles)
    if isinstance(waveform, str):
        return make_waveform(
            waveform,
            amplitude=amplitude,
            frequency=frequency,
            offset=offset,
            phase=phase,
            cycles=cycles,
        )
    part, v = np.asarray(waveform.t / waveform.duration), np.asarray(waveform.v)
    joint = 0.0 if v[0] == v[-1] else _JUMP
    turns = [part] + [k + np.append(joint, part[1:])[joint == 0 :] for k in range(1, cycles)]
    volts = [v] + [v[joint == 0 :]] * (cycles - 1)
    return PiecewiseLinear(np.concatenate(turns) / frequency, np.concatenate(volts))


def automatic_frequency(
    device: AbstractMemristor,
    waveform: PiecewiseLinear | str,
    *,
    amplitude: float = 1.0,
    offset: float = 0.0,
    duty: float = 0.5,
    cycles: int = 1,
) -> float:
    """Frequency in Hz at which a waveform just switches the device fully.

    Within half a period (see `switching_frequency`); a pulse train within its `cycles` pulses
    together, f = 2 duty cycles f_square: the device rests between them. Arguments as for
    `hysteresis`. Raises BadInput where the waveform does not switch it, however slow.
    """
    shape = "square" if waveform == PULSES else waveform
    one_period = periodic(shape, 1.0, amplitude=amplitude, offset=offset)
    frequency = switching_frequency(device, one_period)
    return 2 * duty * cycles * frequency if waveform == PULSES else frequency


def read_waveform(path: str | PathLike[str]) -> PiecewiseLinear:
    """One period of a waveform from a CSV file with columns of time and voltage.

    Columns are found by their names and converted by the unit in the header, as for measured
    sweeps: `t_ms`, `Time (s)`, `V`, `Voltage [mV]`. Raises BadInput where there is none, or where
    two rows have the same time.
    """
    found = read_columns(path, _COLUMNS, least=2, hint="call the two columns")
    t = found["t"] - found["t"][0]
    same = np.flatnonzero(np.diff(t) == 0)
    if len(same):
        line = _read_table(Path(path), 2).lines[int(same[0]) + 1]
        raise BadInput(
            f"{path}, line {line}: the same time as in the row before; expected later times: give "
            f"a jump a short time, such as {1e-6 * t[-1]:.1g} s"
        )
    return PiecewiseLinear(t, found["V"])
