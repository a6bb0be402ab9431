"""Write a resistive network as an ngspice netlist that solves many operating points in one run.

The circuit is written once. A control script then alters the sources for each sample, runs `op`
and appends the node voltages to one binary file. A counter source numbers the operating points, so
a reader can tell a point that failed from its neighbours.

Node names: `x0` (input), `y0` (its negative), `b0_0` (bias of a crossbar), `h0_3` (node 3 of node
layer 0; the last layer holds the outputs) and `a0_3` (the amplified hidden node).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._checks import Array, checked
from ._diodes import diode_lines

DEFAULT_OPTIONS: dict[str, float] = {
    "reltol": 1e-10,
    "vntol": 1e-14,
    "abstol": 1e-15,  # 1e-18 lies below the rounding of a diode's milliamperes: never met
    "gmin": 1e-20,
    "temp": 27.0,
    "tnom": 27.0,
    "itl1": 2000,
}
"""Options of every run: at ngspice's own defaults voltages err by microvolts."""

RESULT_FILE = "result.raw"
COUNTER = "count"


def netlist(
    network: Any,
    conductances: Sequence[ArrayLike],
    inputs: ArrayLike,
    currents: Sequence[ArrayLike | None] | None = None,
    options: dict[str, float] | None = None,
) -> str:
    """Netlist whose control script solves the operating point of every sample.

    Every memristor is a resistor R = 1/G; the bidirectional amplifier is a voltage-controlled
    source a = shift + gain (h - shift) whose output current, over gain, is drawn from h.

    Args:
        network: an `ohmprop.circuit.Network`.
        conductances: one array [rows, columns] per crossbar, S; zero leaves the branch open.
        inputs: source voltages [b, features], V.
        currents: for each node layer an array [b, n] of amperes into the node, or None.
        options: ngspice options that replace or extend `DEFAULT_OPTIONS`.

    Returns:
        The netlist text.

    Raises:
        BadInput: an array has the wrong shape, is not finite, or a conductance is negative.

    Source: ngspice 39 user manual, chapters 3 to 5 (elements) and 17 (control scripts).
    """
    g, x, nudges = checked(network, conductances, inputs, currents)
    widths = node_widths(network)
    lines = [
        "* ohmprop resistive network",
        f"V{COUNTER} {COUNTER} 0 0",
        f"R{COUNTER} {COUNTER} 0 1",
    ]
    merged = {**DEFAULT_OPTIONS, **(options or {})}
    lines.append(".options " + " ".join(f"{key}={value:.17g}" for key, value in merged.items()))
    for i in range(x.shape[1]):
        lines.append(f"Vx{i} x{i} 0 0")
        if network.doubled_inputs:
            lines.append(f"Ey{i} y{i} 0 x{i} 0 -1")
    for layer, matrix in enumerate(g):
        bias = np.atleast_1d(np.asarray(network.bias[layer], float))
        lines += [f"Vb{layer}_{i} b{layer}_{i} 0 {v:.17g}" for i, v in enumerate(bias)]
        rows = _row_nodes(network, layer, bias.size)
        lines += [
            f"R{layer}_{i}_{j} {row} h{layer}_{j} {1.0 / matrix[i, j]:.17g}"
            for i, row in enumerate(rows)
            for j in range(matrix.shape[1])
            if matrix[i, j] > 0
        ]
        if nudges[layer] is not None:
            lines += [f"In{layer}_{j} 0 h{layer}_{j} 0" for j in range(widths[layer])]
        lines += _constant_currents(network, layer, widths[layer])
    for layer, width in enumerate(widths[:-1]):
        g_0 = 10 * float(g[layer].sum(0).max() + g[layer + 1][:width].sum(1).max())
        lines += diode_lines(network.diodes[layer], layer, width, g_0)
        lines += _amplifier_lines(network.amplifiers[layer], layer, width)
    nodes = [f"v({node})" for layer, n in enumerate(widths) for node in _nodes(layer, n)]
    lines += [f".save v({COUNTER})"] + [f".save {node}" for node in nodes]
    lines += [".control", "set filetype=binary", "set appendwrite", "unset askquit"]
    lines += list(_script(x, nudges))
    return "\n".join([*lines, "quit", ".endc", ".end", ""])


def node_widths(network: Any) -> tuple[int, ...]:
    """Number of nodes in each node layer: the hidden layers, then the outputs."""
    return tuple(columns for _, columns in network.shapes)


def _nodes(layer: int, width: int) -> list[str]:
    return [f"h{layer}_{j}" for j in range(width)]


def _row_nodes(network: Any, layer: int, biases: int) -> list[str]:
    if layer:
        rows = [f"a{layer - 1}_{i}" for i in range(network.shapes[layer - 1][1])]
    else:
        rows = [f"x{i}" for i in range(network.features)]
        rows += [f"y{i}" for i in range(network.features)] if network.doubled_inputs else []
    return rows + [f"b{layer}_{i}" for i in range(biases)]


def _constant_currents(network: Any, layer: int, width: int) -> list[str]:
    currents = getattr(network, "currents", None)
    if currents is None or currents[layer] is None:
        return []
    values = np.broadcast_to(np.asarray(currents[layer], float), (width,))
    return [f"Ik{layer}_{j} 0 h{layer}_{j} {value:.17g}" for j, value in enumerate(values)]


def _amplifier_lines(amplifier: Any, layer: int, width: int) -> list[str]:
    gain = np.broadcast_to(np.asarray(amplifier.gain, float), (width,))
    shift = np.broadcast_to(np.asarray(amplifier.shift, float), (width,))
    lines = []
    for j in range(width):
        name = f"{layer}_{j}"  # Vs adds the shift and senses the current delivered to a
        lines.append(f"Ea{name} m{name} 0 h{name} 0 {gain[j]:.17g}")
        lines.append(f"Vs{name} m{name} a{name} {shift[j] * (gain[j] - 1):.17g}")
        lines.append(f"Fa{name} h{name} 0 Vs{name} {1 / gain[j]:.17g}")
    return lines


def _script(x: Array, nudges: list[Array | None]) -> Iterator[str]:
    """Commands for every sample; a source that keeps its value is not altered again."""
    names = [f"vx{i}" for i in range(x.shape[1])]
    values = [x]
    for layer, current in enumerate(nudges):
        if current is not None:
            names += [f"in{layer}_{j}" for j in range(current.shape[1])]
            values.append(current)
    table = np.concatenate(values, axis=1)
    previous = np.zeros(table.shape[1])
    for k, row in enumerate(table):
        yield f"alter @v{COUNTER}[dc]={k + 1}"
        for i in np.flatnonzero(row != previous):
            yield f"alter @{names[i]}[dc]={row[i]:.17g}"
        yield from ("op", f"write {RESULT_FILE}", "destroy all")
        previous = row
