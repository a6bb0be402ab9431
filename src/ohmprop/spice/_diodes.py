"""The diodes of a hidden layer as ngspice elements."""

from typing import Any

import numpy as np

from ohmprop._core import BadInput, thermal_voltage

NGSPICE_THERMAL_VOLTAGE = 1.38064852e-23 * 300.15 / 1.6021766208e-19
"""kT/q of ngspice at 27 degC in volts: it holds the CODATA 2014 constants."""

_FAR = 1e30  # V; stands for infinity


def diode_lines(diode: Any, layer: int, width: int, g_0: float = 0.1) -> list[str]:
    """Elements from every node `h{layer}_{j}` to ground for one diode object of the circuit.

    `g_0` (S) scales the unknown of an ideal clamp. It does not move the solution, but Newton's
    method needs few steps only when it exceeds the conductance at the node.

    Raises:
        BadInput: the object is none of the diodes this writer knows.
    """
    if hasattr(diode, "i_s"):
        return _shockley(diode, layer, width)
    if hasattr(diode, "v_th"):
        return _piecewise_linear(diode, layer, width)
    if hasattr(diode, "lower"):
        return _clamp(diode, layer, width, g_0)
    if diode is None or type(diode).__name__ == "NoDiode":
        return []
    raise BadInput(f"diodes[{layer}]: {type(diode).__name__} cannot be written as a netlist")


def _piecewise_linear(diode: Any, layer: int, width: int) -> list[str]:
    """i = max(0, (v - v_th)/r_on), and its mirror min(0, (v + v_th)/r_on)."""
    v_th, r_on = _each(diode.v_th, width), _each(diode.r_on, width)
    lines = []
    for j in range(width):
        node = f"h{layer}_{j}"
        slope = f"{1 / r_on[j]:.17g}"
        laws = {
            "upper": f"max(0,(v({node})-({v_th[j]:.17g}))*{slope})",
            "lower": f"min(0,(v({node})+({v_th[j]:.17g}))*{slope})",
        }
        current = "+".join(laws[side] for side in _sides(diode))
        lines.append(f"Bd{layer}_{j} {node} 0 I={current}")
    return lines


def _clamp(diode: Any, layer: int, width: int, g_0: float) -> list[str]:
    """lower <= v <= upper exactly, by one more unknown s: v = clip(s), i = g_0 (s - clip(s)).

    A stiff resistor instead would lose digits of its current to rounding and not converge.
    """
    lower = np.clip(_each(diode.lower, width), -_FAR, _FAR)
    upper = np.clip(_each(diode.upper, width), -_FAR, _FAR)
    lines = []
    for j in range(width):
        name = f"{layer}_{j}"
        clip = f"max({lower[j]:.17g},min({upper[j]:.17g},v(s{name})))"
        lines.append(f"Vc{name} h{name} c{name} 0")
        lines.append(f"Bc{name} c{name} 0 V={clip}")
        lines.append(f"Fc{name} 0 s{name} Vc{name} 1")
        lines.append(f"Bs{name} s{name} 0 I={g_0:.17g}*(v(s{name})-{clip})")
    return lines


def _shockley(diode: Any, layer: int, width: int) -> list[str]:
    """i = i_s (exp((v - v_bias)/(n V_T)) - 1) by the D model, and its mirror.

    Below -3 n V_T the D model replaces the exponential by a cubic; a second source adds the
    difference, at most 0.3 % of i_s.
    """
    i_s, n = _each(diode.i_s, width), _each(diode.n, width)
    v_bias = _each(getattr(diode, "v_bias", 0.0), width)
    lines = []
    for j in range(width):
        name, node = f"{layer}_{j}", f"h{layer}_{j}"
        scale = n[j] * thermal_voltage()
        emission = scale / NGSPICE_THERMAL_VOLTAGE
        lines.append(f".model md{name} D IS={i_s[j]:.17g} N={emission:.17g}")
        ends = {"upper": ("p", node, "0"), "lower": ("q", "0", node)}
        for tag, anode, cathode in (ends[side] for side in _sides(diode)):
            start = anode
            if v_bias[j] != 0:
                start = f"{tag}{name}"
                lines.append(f"V{tag}{name} {anode} {start} {v_bias[j]:.17g}")
            lines.append(f"D{tag}{name} {start} {cathode} md{name}")
            drop = "-".join(f"v({end})" for end in (start, cathode) if end != "0")
            drop = f"min({'-' if start == '0' else ''}{drop},{-3 * scale:.17g})"
            ratio = f"({3 * scale / np.e:.17g}/{drop})"
            lines.append(
                f"Bd{tag}{name} {start} {cathode} "
                f"I={i_s[j]:.17g}*(exp({drop}/{scale:.17g})+{ratio}*{ratio}*{ratio})"
            )
    return lines


def _each(value: Any, width: int) -> np.ndarray:
    return np.broadcast_to(np.asarray(value, float), (width,))


def _sides(diode: Any) -> tuple[str, ...]:
    return ("upper", "lower") if diode.sides == "both" else (diode.sides,)
