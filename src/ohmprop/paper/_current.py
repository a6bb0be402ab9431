"""Figure 8: the current of the Yakopcic device, nearly linear for small b."""

from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from .. import devices
from ..report import STYLES, new_figure, save_figure

A, B = 0.2, 0.05  # A, 1/V: printed under the figure


class Current(NamedTuple):
    """Current (A) [n] over voltage (V) [n], and the straight line through its ends."""

    v: np.ndarray
    current: np.ndarray
    line: np.ndarray


def figure_8(points: int = 201) -> Current:
    """i = a x sinh(b v) at x = 1, a = 0.2 A and b = 0.05 /V, from -1 V to 1 V."""
    v = np.linspace(-1.0, 1.0, points)
    device = devices.make("yakopcic", "seed", r_on=1 / (A * np.sinh(B)), b=B)
    current = np.asarray(device.current(jnp.asarray(v), device.upper))
    return Current(v, current, current[-1] * v / v[-1])


def draw_figure_8(data: Current, png: str | Path) -> Path:
    """Draw the curve of `figure_8`, and how far it lies from a straight line, into a PNG."""
    figure = new_figure((5.4, 4.6))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot(data.v, 1e3 * data.current, color=STYLES[0][0], label="a sinh(b v)")
    above.plot(data.v, 1e3 * data.line, color=STYLES[1][0], linestyle=":", label="straight line")
    above.set(ylabel="current (mA)", title="Yakopcic, a = 0.2 A, b = 0.05 /V, x = 1")
    above.title.set_fontsize("medium")
    above.legend(frameon=False)
    below.plot(data.v, 1e6 * (data.current - data.line), color=STYLES[0][0])
    below.set(xlabel="voltage (V)", ylabel="difference (µA)")
    for a in (above, below):
        a.grid(True, alpha=0.25)
    return save_figure(figure, png)
