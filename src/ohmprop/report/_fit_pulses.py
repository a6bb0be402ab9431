"""The picture of a fitted pulse response: readings, their means, the curve, what is left over."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ohmprop.report._figure import STYLES, new_figure, save_figure, scaled

_LIGHT = "#c4c4c4"
_NAMES = {1: "potentiation", -1: "depression"}


def plot_pulse_fit(
    curves: Mapping[str, np.ndarray], png: str | Path, *, title: str = "", window: int = 25
) -> Path:
    """Write the figure of `draw_pulse_fit` as a PNG; returns its path."""
    return save_figure(draw_pulse_fit(curves, title=title, window=window), png)


def draw_pulse_fit(curves: Mapping[str, np.ndarray], *, title: str = "", window: int = 25) -> Any:
    """Readings and model, one a pulse, and below what the readings are away from the model.

    `curves` holds branch (1 potentiation, -1 depression) and g_data and g_model (S) or, where
    normalised, y_data and y_model, each [n]. Means are over blocks of `window` readings, or of an
    eighth of a branch where it is shorter than four windows.
    """
    siemens = "g_data" in curves
    data, model = (curves[f"{'g' if siemens else 'y'}_{key}"] for key in ("data", "model"))
    (data, model), unit = scaled([data, model], "S") if siemens else ([data, model], "normalised")
    figure = new_figure((7.2, 5.4))
    top, rest = figure.subplots(2, 1, sharex=True, height_ratios=(2.4, 1))
    rest.axhline(0, color="0.6", linewidth=0.8)
    first = 0
    for way, (colour, _) in zip((1, -1), STYLES, strict=False):
        own = curves["branch"] == way
        if not own.any():
            continue
        number = first + np.arange(np.count_nonzero(own))
        size = min(window, max(len(number) // 8, 1))
        label = {"markersize": 2.0, "color": _LIGHT, "zorder": 1}
        top.plot(number, data[own], "o", **label, label=None if first else "readings")
        rest.plot(number, (data - model)[own], "o", **label)
        look = {"color": colour, "markersize": 4.5, "mfc": "white", "zorder": 3}
        marker = "o" if way > 0 else "s"
        mean = f"{_NAMES[way]}, mean of {size}" if size > 1 else _NAMES[way]
        top.plot(
            _blocks(number, size), _blocks(data[own], size), marker, **look, ls="none", label=mean
        )
        rest.plot(
            _blocks(number, size), _blocks((data - model)[own], size), marker, **look, ls="none"
        )
        top.plot(
            number,
            model[own],
            "-",
            color="black",
            lw=1.6,
            label=None if first else "model",
            zorder=4,
        )
        first += len(number)
    top.set_ylabel(f"conductance ({unit})")
    top.set_title(title, fontsize="medium", parse_math=False)
    top.legend(frameon=False, fontsize="small")
    rest.set_ylabel(f"data − model ({unit})" if siemens else "data − model")
    rest.set_xlabel("reading, one a pulse")
    for axes in (top, rest):
        axes.grid(True, alpha=0.25)
    return figure


def _blocks(values: np.ndarray, size: int) -> np.ndarray:
    """Means of consecutive blocks of `size`; what is left over is not shown."""
    count = len(values) // size
    return values[: count * size].reshape(count, size).mean(axis=1)
