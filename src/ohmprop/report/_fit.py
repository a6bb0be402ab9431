"""Pictures of fits: data and model, what is left over, the state."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ohmprop.report._figure import new_figure, save_figure, scaled

_DATA, _MODEL = "#8a8a8a", "#0b2f5a"


def plot_fit(
    curves: Mapping[str, np.ndarray], png: str | Path, *, title: str = "", log: bool = True
) -> Path:
    """Write the figure of `draw_fit` as a PNG; returns its path."""
    return save_figure(draw_fit(curves, title=title, log=log), png)


def draw_fit(curves: Mapping[str, np.ndarray], *, title: str = "", log: bool = True) -> Any:
    """Three panels: current against voltage, residual and state against time.

    `curves` holds t (s), v (V), i_data and i_model (A) and x, each [n]. With `log` |i| stands on a
    logarithmic axis and the residual is the ratio in decades; else both are currents.
    """
    t, v, data, model, x = (curves[key] for key in ("t", "v", "i_data", "i_model", "x"))
    figure = new_figure((7.2, 6.4))
    grid = figure.add_gridspec(2, 2, height_ratios=(1.7, 1))
    loop, rest, state = (figure.add_subplot(cell) for cell in (grid[0, :], grid[1, 0], grid[1, 1]))
    if log:
        # The axis ends at the least current measured: the model's own passes through zero.
        shown = np.abs(data[data != 0])
        loop.set_yscale("log")
        loop.set_ylim(shown.min() / 1.5, 2 * max(shown.max(), np.abs(model).max()))
        measured, fitted, label = (
            np.abs(data),
            np.where(model == 0, np.nan, np.abs(model)),
            "|i| (A)",
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            left = np.log10(np.abs(model) / np.abs(data))
        left[~np.isfinite(left)] = np.nan
        left_label = "log10 of |model/data| (decades)"
    else:
        (measured, fitted, left), unit = scaled([data, model, model - data], "A")
        label, left_label = f"i ({unit})", f"model - data ({unit})"
    loop.plot(v, measured, "o", color=_DATA, markersize=2.5, label="data")
    loop.plot(v, fitted, "-", color=_MODEL, linewidth=1.3, label="model")
    loop.set_xlabel("voltage (V)")
    loop.set_ylabel(label)
    loop.set_title(title, fontsize="medium", parse_math=False)
    loop.legend(frameon=False)
    (time,), unit = scaled([t], "s")
    rest.axhline(0, color="0.6", linewidth=0.8)
    rest.plot(time, left, "-", color=_MODEL, linewidth=0.9)
    if log:
        most = np.quantile(np.abs(left[np.isfinite(left)]), 0.98) if np.any(left == left) else 1.0
        rest.set_ylim(-1.1 * max(most, 0.01), 1.1 * max(most, 0.01))
    rest.set_ylabel(left_label)
    state.plot(time, x, "-", color=_MODEL)
    state.set_ylabel("state (model's unit)")
    for axes in (rest, state):
        axes.set_xlabel(f"time ({unit})")
    for axes in (loop, rest, state):
        axes.grid(True, alpha=0.25)
    return figure
