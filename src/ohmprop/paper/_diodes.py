"""Figure 4: the nonlinearities of a hidden node, and the activations they make of a current."""

from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from ..circuit import PiecewiseLinearDiode, ShockleyDiode
from ..report import STYLES, new_figure, save_figure

NODE = 4e-3  # S: ten wires of 4e-4 S, the middle of the range the seed starts from
_V_TH, _R_ON = 0.3, 1.0  # V, ohm: the diodes of the seed's configuration files
_SATURATION, _BIAS = 1e-12, -0.536  # A, V: an exponential diode that draws 1 mA at 0 V

ELEMENTS = {
    "ReLU": {
        "piecewise linear": PiecewiseLinearDiode(0.0, _R_ON, sides="lower"),
        "exponential": ShockleyDiode(_SATURATION, v_bias=_BIAS, sides="lower"),
    },
    "sigmoid": {
        "piecewise linear": PiecewiseLinearDiode(_V_TH, _R_ON, sides="both"),
        "exponential": ShockleyDiode(_SATURATION, v_bias=_BIAS + _V_TH, sides="both"),
    },
}


class Curve(NamedTuple):
    """One nonlinearity: the current it draws at `v`, and the node's voltage at `injected`.

    v [n] in V, current [n] in A; injected [n] in A, node [n] in V.
    """

    shape: str
    law: str
    v: np.ndarray
    current: np.ndarray
    injected: np.ndarray
    node: np.ndarray


def figure_4(points: int = 601) -> list[Curve]:
    """Both nonlinearities (panels d and e), by the seed's diode law and by an exponential one.

    The ReLU is one diode that holds the node above 0 V; the sigmoid two, at -0.3 V and 0.3 V, with
    1 ohm in the conducting branch, as in the seed's configuration files. `node` solves
    g v + i(v) = injected with g = 4 mS, the wires at a hidden node. The exponential diodes
    (1e-12 A) have sources of their own, so that they draw 1 mA at the same voltages.
    """
    v = np.linspace(-0.6, 0.6, points)
    injected = np.linspace(-4e-3, 4e-3, points)
    curves = []
    for shape, laws in ELEMENTS.items():
        for law, diode in laws.items():
            current = np.asarray(diode.current(jnp.asarray(v)))
            node = np.asarray(diode.balance(jnp.full(points, NODE), jnp.asarray(injected)))
            curves.append(Curve(shape, law, v, current, injected, node))
    return curves


def draw_figure_4(curves: list[Curve], png: str | Path) -> Path:
    """Draw the curves of `figure_4` into a PNG; returns its path."""
    figure = new_figure((7.2, 5.4))
    axes = figure.subplots(2, 2, sharex="row", sharey="row")
    for curve in curves:
        column = list(ELEMENTS).index(curve.shape)
        colour, dashes = STYLES[list(ELEMENTS[curve.shape]).index(curve.law)]
        style = {"color": colour, "linestyle": dashes, "label": curve.law}
        axes[0, column].plot(curve.v, 1e3 * curve.current, **style)
        axes[1, column].plot(1e3 * curve.injected, curve.node, **style)
        axes[0, column].set_title(f"{curve.shape}: current of the diodes", fontsize="medium")
        axes[1, column].set_title(f"{curve.shape}: voltage of the node", fontsize="medium")
    for column in (0, 1):
        axes[0, column].set(xlabel="voltage (V)", ylim=(-320, 320))
        axes[1, column].set(xlabel="injected current (mA)", ylim=(-0.6, 1.05))
    axes[0, 0].set_ylabel("current (mA)")
    axes[1, 0].set_ylabel("voltage (V)")
    for a in axes.flat:
        a.grid(True, alpha=0.25)
    axes[0, 1].legend(frameon=False, loc="upper left")
    return save_figure(figure, png)
