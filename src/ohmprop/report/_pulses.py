"""The pulse response: conductance against pulse number, and the step against conductance."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ohmprop.report._figure import STYLES, new_figure, save_figure, scaled


class PulseRecord(NamedTuple):
    """One branch: its name and its pulse in words, conductances (S) before the first and after each
    of n pulses [n + 1], those of the curve fitted to them, and its nonlinearity (None without)."""

    name: str
    pulse: str
    g: np.ndarray
    curve: np.ndarray | None = None
    nonlinearity: float | None = None


def plot_pulses(branches: Sequence[PulseRecord], png: str | Path, *, title: str = "") -> Path:
    """Draw the branches of a pulse response, one after another; returns the picture's path."""
    return save_figure(draw_pulses(branches, title=title), png)


def draw_pulses(branches: Sequence[PulseRecord], *, title: str = "") -> Any:
    """The figure of `plot_pulses`.

    Left, conductance against pulse number, with the fitted curves. Right, the step in the direction
    of its branch against the conductance it starts from: logarithmic where the steps span over 2
    decades and none is backwards, the conductance then too where it spans as much.
    """
    from matplotlib.ticker import MaxNLocator

    figure = new_figure((9.0, 3.8))
    left, right = figure.subplots(1, 2)
    curves = [b.g if b.curve is None else b.curve for b in branches]
    values, unit = scaled([*(b.g for b in branches), *curves], "S")
    gs, curves = values[: len(branches)], values[len(branches) :]
    steps, step_unit = scaled([np.diff(b.g) * np.sign(b.g[-1] - b.g[0]) for b in branches], "S")
    first = 0
    for branch, g, curve, step, (colour, _), marker in zip(
        branches, gs, curves, steps, STYLES, "os", strict=False
    ):
        number = first + np.arange(len(g))
        look = {"color": colour, "marker": marker, "ms": 3.2, "ls": "none", "mfc": "white"}
        label = f"{branch.name}, {branch.pulse} ({_amount(branch.nonlinearity)})"
        left.plot(
            number,
            g,
            **look,
            mew=0.8,
            label=label.replace("-", "−"),
            markevery=max(len(g) // 60, 1),
        )
        if branch.curve is not None:
            left.plot(number, curve, "-", color=colour, lw=1.2, alpha=0.8)
        right.plot(g[:-1], step, **look, mew=0.8, label=branch.name)
        first += len(g) - 1
    left.plot([], [], "-", color="0.4", lw=1.2, label="NeuroSim's curve of that NL")
    every = np.concatenate(steps)
    some = every[every > 0]
    if every.min() < 0:
        right.axhline(0, color="0.75", lw=0.8, zorder=0)
    elif len(some) and some.max() > 100 * some.min():
        right.set_yscale("log")
        right.set_ylim(bottom=max(0.5 * some.min(), 1e-6 * some.max()))
        if max(g.max() for g in gs) > 100 * min(g.min() for g in gs) > 0:
            right.set_xscale("log")
    else:
        right.set_ylim(0, 1.25 * every.max() or 1)  # room above steps of one size
    left.set_xlabel("pulse")
    left.set_ylabel(f"conductance ({unit})")
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.set_ylim(top=left.get_ylim()[1] + 0.28 * np.ptp(left.get_ylim()))  # room for the legend
    left.legend(loc="upper left", fontsize="x-small", framealpha=0.9)
    right.set_xlabel(f"conductance before the pulse ({unit})")
    right.set_ylabel(f"size of the step ({step_unit})")
    right.legend(loc="best", fontsize="x-small", framealpha=0.9)
    for axes in (left, right):
        axes.grid(True, alpha=0.25)
    figure.suptitle(title, fontsize="medium", parse_math=False)
    return figure


def _amount(nonlinearity: float | None) -> str:
    return "no change" if nonlinearity is None else f"NL {nonlinearity:+.2f}"
