"""Hysteresis loops: a device under a periodic voltage, at one frequency or several."""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Literal, NamedTuple

import numpy as np
from jax.typing import ArrayLike

from .._core import BadInput
from ..devices import AbstractMemristor
from ..drive import AbstractWaveform, PiecewiseLinear, make_waveform
from ._loop import LoopMetrics, loop_metrics
from ._read import SWEEP, Quantity, read_columns
from ._simulate import Trace, simulate

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
        waveform: "sine", "triangle", "square" or "sawtooth" of `amplitude` and `offset`, or a
            polygon whose whole duration is taken for one period (its own height holds).
        frequencies: Hz; a period is stretched or compressed to 1/frequency.
        amplitude, offset: V.
        cycles: periods at each frequency; the metrics are read from the last.
        points: samples a period.
        x0: initial state, in the model's unit; half-way between the bounds where None.
        integration: "exact", or "euler" for one forward step a sample.
        r_series: resistance in series, ohm.
        compliance: greatest current the source gives, A.
        read_voltage: where the ratio of resistances is read, V; see `loop_metrics`.
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
        wave = periodic(waveform, frequency, amplitude=amplitude, offset=offset, cycles=cycles)
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
    cycles: int = 1,
) -> AbstractWaveform:
    """`cycles` periods of a waveform by name, or of a given one stretched to 1/frequency.

    Where a given one ends at another voltage than it begins, it jumps there within 1e-9 periods.
    """
    if isinstance(waveform, str):
        return make_waveform(
            waveform, amplitude=amplitude, frequency=frequency, offset=offset, cycles=cycles
        )
    phase, v = np.asarray(waveform.t / waveform.duration), np.asarray(waveform.v)
    joint = 0.0 if v[0] == v[-1] else _JUMP
    turns = [phase] + [k + np.append(joint, phase[1:])[joint == 0 :] for k in range(1, cycles)]
    volts = [v] + [v[joint == 0 :]] * (cycles - 1)
    return PiecewiseLinear(np.concatenate(turns) / frequency, np.concatenate(volts))


def read_waveform(path: str | PathLike[str]) -> PiecewiseLinear:
    """One period of a waveform from a CSV file with columns of time and voltage.

    Columns are found by their names and converted by the unit in the header, as for measured
    sweeps: `t_ms`, `Time (s)`, `V`, `Voltage [mV]`. Raises BadInput where there is none.
    """
    found = read_columns(path, _COLUMNS, least=2, hint="call the two columns")
    try:
        return PiecewiseLinear(found["t"] - found["t"][0], found["V"])
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
