"""Figure 6: the two ways to write updates as pulses, by their width or by their height."""

from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from ..drive import PAM, PWM, AbstractScheme, Pulse
from ..report import STYLES, new_figure, save_figure

UPDATES = (-0.2, -0.6, -1.0, 0.4, 0.8, -0.5)  # of the flux of a full pulse; > 0 lowers G
AMPLITUDE, FREQUENCY = 1.0, 200e3  # V; Hz, the seed's for Biolek's device


class Pulses(NamedTuple):
    """Pulses of one scheme, one an update: start (s), width (s) and voltage (V), each [n]."""

    scheme: str
    start: np.ndarray
    width: np.ndarray
    v: np.ndarray

    @property
    def flux(self) -> np.ndarray:
        """Integral of v dt of each pulse, V s."""
        return self.v * self.width


def figure_6() -> list[Pulses]:
    """The same updates by pulse width (1 V high) and by pulse amplitude (1/frequency wide)."""
    q = np.asarray(UPDATES) * AMPLITUDE / FREQUENCY
    start = np.arange(len(q)) * 1.25 / FREQUENCY
    schemes: dict[str, AbstractScheme] = {
        "pulse width modulation": PWM(AMPLITUDE),
        "pulse amplitude modulation": PAM(FREQUENCY),
    }
    found = []
    for name, scheme in schemes.items():
        pulse = scheme.write(jnp.asarray(q)[None], 1)
        assert isinstance(pulse, Pulse)
        found.append(Pulses(name, start, np.asarray(pulse.t)[0], np.asarray(pulse.v)[0]))
    return found


def draw_figure_6(data: list[Pulses], png: str | Path) -> Path:
    """Draw the pulse trains of `figure_6` into a PNG; returns its path."""
    figure = new_figure((6.6, 4.4))
    axes = figure.subplots(len(data), 1, sharex=True, sharey=True)
    for a, pulses, (colour, _) in zip(axes, data, STYLES, strict=False):
        t = np.stack([pulses.start, pulses.start, *2 * [pulses.start + pulses.width]], 1)
        v = np.stack([0 * pulses.v, pulses.v, pulses.v, 0 * pulses.v], 1)
        t = np.append(t.ravel(), pulses.start[-1] + 1.25 / FREQUENCY)
        v = np.append(v.ravel(), 0.0)
        a.fill_between(1e6 * t, v, color=colour, alpha=0.25, linewidth=0)
        a.plot(1e6 * t, v, color=colour)
        a.set_title(pulses.scheme, fontsize="medium")
        a.set(ylabel="voltage (V)", ylim=(-1.25, 1.25))
        a.grid(True, alpha=0.25)
    axes[-1].set_xlabel("time (µs)")
    return save_figure(figure, png)
