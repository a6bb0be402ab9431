"""Hysteresis loops drawn: current over voltage, state and voltage over time, charge over flux."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ohmprop.report._figure import STYLES, in_units, new_figure, save_figure, scaled

_FAR = 5  # times the last cycle's greatest current


class LoopRecord(NamedTuple):
    """What is drawn of a loop: arrays [t] over whole periods of 1/frequency, in SI units.

    `state` is the fraction of the state's span, 0 to 1.
    """

    frequency: float
    t: np.ndarray
    v: np.ndarray
    i: np.ndarray
    state: np.ndarray
    charge: np.ndarray
    flux: np.ndarray


def plot_loops(loops: Sequence[LoopRecord], png: str | Path, *, title: str = "") -> Path:
    """Draw loops, one line style a frequency, into a PNG; returns its path."""
    return save_figure(draw_loops(loops, title=title), png)


def draw_loops(loops: Sequence[LoopRecord], *, title: str = "") -> Any:
    """The figure of `plot_loops`: I-V with arrows along the last cycle, x(t), v(t), charge-flux.

    Time is in periods; where there are several frequencies, charge and flux are multiplied by the
    frequency, so that loops at frequencies far apart can be compared.
    """
    figure = new_figure((9.0, 6.4))
    grid = figure.add_gridspec(3, 2, width_ratios=(1.25, 1.0))
    iv = figure.add_subplot(grid[:, 0])
    axes = [figure.add_subplot(grid[k, 1]) for k in range(3)]
    draw_current(iv, [(r.v, r.i, r.t * r.frequency) for r in loops])
    several = len(loops) > 1
    flux = [r.flux * (r.frequency if several else 1.0) for r in loops]
    charge = [r.charge * (r.frequency if several else 1.0) for r in loops]
    flux, flux_unit = scaled(flux, "V" if several else "V s")
    charge, charge_unit = scaled(charge, "A" if several else "C")
    for k, record in enumerate(loops):
        colour, dashes = STYLES[k % len(STYLES)]
        style = {"color": colour, "linestyle": dashes, "linewidth": 1.3}
        label = in_units(record.frequency, "Hz")
        periods = record.t * record.frequency
        axes[0].plot(periods, record.v, **style)
        axes[1].plot(periods, record.state, **style, label=label)
        axes[2].plot(flux[k], charge[k], **style)
    axes[0].set(xlabel="time (periods)", ylabel="voltage (V)")
    axes[1].set(xlabel="time (periods)", ylabel="state (of span)", ylim=(-0.04, 1.04))
    times = " × frequency" if several else ""
    axes[2].set(
        xlabel=f"flux{times} ({flux_unit})",
        ylabel=f"charge{times} ({charge_unit})".replace(" ×", "\n×"),
    )
    for a in axes:
        a.grid(True, alpha=0.25)
    handles, labels = axes[1].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=min(6, len(loops)), frameon=False
    )
    figure.suptitle(title, fontsize="medium", parse_math=False)
    return figure


def draw_current(
    axes: Any, loops: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], linewidth: float = 1.4
) -> None:
    """Current over voltage of loops (v, i, time in periods), arrows along the last cycle of each.

    The last cycle is the line; earlier ones, where they differ, are thin. Where they reach far
    beyond the last, the axis is the last's and cuts them.
    """
    begins = [np.round(periods[-1]) - 1 for _, _, periods in loops]
    lasts = [p >= begin - 1e-9 for (_, _, p), begin in zip(loops, begins, strict=True)]
    most = max(float(np.abs(i[last]).max()) for (_, i, _), last in zip(loops, lasts, strict=True))
    beyond = _FAR * (most or np.inf)
    currents, unit = scaled([np.clip(i, -beyond, beyond) for _, i, _ in loops], "A")
    settled = np.concatenate([c[last] for c, last in zip(currents, lasts, strict=True)])
    high = float(np.abs(settled).max()) or 1.0
    if any(np.abs(i).max() > beyond for _, i, _ in loops):
        margin = 0.08 * float(np.ptp(settled))
        axes.set_ylim(settled.min() - margin, settled.max() + margin)
    axes.axhline(0, color="0.75", linewidth=0.8, zorder=0)
    axes.axvline(0, color="0.75", linewidth=0.8, zorder=0)
    wide = max(float(np.abs(v).max()) for v, _, _ in loops) or 1.0
    for k, ((v, _, periods), i) in enumerate(zip(loops, currents, strict=True)):
        colour, dashes = STYLES[k % len(STYLES)]
        before, last = periods <= begins[k] + 1e-9, lasts[k]
        thin = {"linewidth": 0.5 * linewidth, "alpha": 0.6}
        axes.plot(v[before], i[before], color=colour, linestyle=dashes, **thin)
        axes.plot(v[last], i[last], color=colour, linestyle=dashes, linewidth=linewidth)
        _arrows(axes, v[last] / wide, i[last] / high, (wide, high), colour, k)
    axes.set(xlabel="voltage (V)", ylabel=f"current ({unit})")
    axes.grid(True, alpha=0.25)


def _arrows(
    axes: Any, v: np.ndarray, i: np.ndarray, size: tuple[float, float], colour: str, k: int
) -> None:
    """Arrow heads at four places along a loop in units of the axes, by length along the curve."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(v), np.diff(i)))])
    if not length[-1] > 0:
        return
    for share in (0.14, 0.36, 0.64, 0.86):
        at = (share + 0.03 * (k % 3)) * length[-1]
        a, b = (np.interp(at + d, length, v) * size[0] for d in (0.0, 0.03))
        c, d = (np.interp(at + d, length, i) * size[1] for d in (0.0, 0.03))
        axes.annotate(
            "",
            (b, d),
            (a, c),
            arrowprops={"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0},
        )
