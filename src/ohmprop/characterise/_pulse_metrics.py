"""What a pulse response amounts to: nonlinearity, asymmetry, states, range and energy.

Nonlinearity is NeuroSim's (Chen, Peng, Yu, IEDM 2017), whose device has, over P of P_max pulses,

    G = G_min + (G_max - G_min) (1 - exp(-P/A)) / (1 - exp(-P_max/A))
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._pulses import Branch, PulseResponse

NEUROSIM = 10.102  # NL over the greatest distance from a straight line; reproduces NeuroSim's table
_GRID = 101


def neurosim_curve(p: ArrayLike, a: float) -> NDArray[np.float64]:
    """(1 - e^(-p/a))/(1 - e^(-1/a)), normalised conductance after the part `p` of the pulses.

    a = A/P_max; negative for a curve below the straight line, infinite for the line itself.
    """
    p = np.asarray(p, float)
    if math.isinf(a):
        return p
    if a > 0:
        return np.expm1(-p / a) / math.expm1(-1 / a)
    b = -a  # written so that nothing overflows
    return np.exp((p - 1) / b) * np.expm1(-p / b) / math.expm1(-1 / b)


def nonlinearity(a: float) -> float:
    """NeuroSim's NL of the curve with shape `a` = A/P_max, with the sign of `a`.

    NL = 10.102 max|g - p| = 10.102 (b - |a| - x*), b = 1/(1 - e^(-1/|a|)), x* = -|a| ln(|a|/b).

    Example:
        >>> round(nonlinearity(0.5), 3)
        2.397
    """
    size = abs(a)
    if size > 1e4:  # the difference below has lost its figures; 1/(8 a) is right to 1e-9
        return math.copysign(NEUROSIM / (8 * size), a)
    b = -1 / math.expm1(-1 / size)
    return math.copysign(NEUROSIM * (b - size + size * math.log(size / b)), a)


def shape_of(nl: float) -> float:
    """a = A/P_max of the curve whose nonlinearity is `nl`: the inverse of `nonlinearity`.

    Infinite for |nl| < 1e-6; |nl| is taken as 10 where it is more (a = 0.0013).
    """
    if abs(nl) < 1e-6:
        return math.inf
    size, low, high = min(abs(nl), 10.0), math.log(1e-3), math.log(1e8)
    for _ in range(80):  # NL falls with a: bisect to rounding
        middle = (low + high) / 2
        low, high = (middle, high) if nonlinearity(math.exp(middle)) > size else (low, middle)
    return math.copysign(math.exp((low + high) / 2), nl)


def pulse_metrics(response: PulseResponse) -> dict[str, Any]:
    """Numbers of a pulse response, by name; None where one does not exist.

    Of each branch, of n pulses between conductances g_0 and g_n:
        nonlinearity: 10.102 times the extreme of (g - p), both normalised, p counted from the
            low-conductance end; so an early-saturating potentiation is positive and an
            early-saturating depression negative (NeuroSim's default device: 2.4, -4.88). Noise
            adds to it.
        shape_a: A of NeuroSim's curve with that nonlinearity, in pulses; None where straight.
        curve_rms: rms distance of that curve from the data, normalised.
        states: |g_n - g_0| over the mean step in the middle half of that range.
        pulses_to_99: pulses until 99 % of g_n - g_0 is made.
        energies of a pulse (mean, least, most) and of the branch.

    Asymmetry is (u - d)/(u + d), u and d the potentiating and depressing steps from equal
    conductances, interpolated between pulses, at those of 101 conductances common to both branches
    where neither step goes backwards (noise): its mean, extreme and value in the middle;
    symmetry_point is where it first crosses 0.

    Args:
        response: what `pulse_response` returned.

    Returns:
        A table of numbers and tables, ready for JSON.
    """
    g = np.concatenate([response.up.g, response.down.g])
    return {
        "potentiation": _branch(response.up, up=True),
        "depression": _branch(response.down, up=False),
        "asymmetry": _asymmetry(response),
        "g_min_siemens": float(g.min()),
        "g_max_siemens": float(g.max()),
        "dynamic_range": _number(g.max() / g.min()),
        "part_of_device_range": float((g.max() - g.min()) / (response.most - response.least)),
    }


def _branch(branch: Branch, *, up: bool) -> dict[str, Any]:
    g, n = branch.g, len(branch.energy)
    change = g[-1] - g[0]
    numbers = {
        "pulses": n,
        "amplitude_volt": branch.v,
        "width_second": branch.t,
        "g_first_siemens": float(g[0]),
        "g_last_siemens": float(g[-1]),
        "energy_joule": float(branch.energy.sum()),
        "energy_per_pulse_joule": float(branch.energy.mean()),
        "energy_per_pulse_least_joule": float(branch.energy.min()),
        "energy_per_pulse_most_joule": float(branch.energy.max()),
    }
    nl = branch_nonlinearity(g, up=up)
    if nl is None:
        absent = ("nonlinearity", "shape_a", "curve_rms", "states", "pulses_to_99")
        return numbers | dict.fromkeys(absent)
    made = (g - g[0]) / change
    a = shape_of(nl)
    middle = (made[:-1] + made[1:]) / 2
    steps = np.diff(made)[(middle > 0.25) & (middle < 0.75)]
    return numbers | {
        "nonlinearity": nl,
        "shape_a": _number(a * n),
        "curve_rms": float(np.sqrt(np.mean((g - branch_curve(g, a, up=up)) ** 2)) / abs(change)),
        "states": _number(1 / steps.mean()) if len(steps) and steps.mean() > 0 else 1.0,
        "pulses_to_99": int(np.argmax(made >= 0.99)),
    }


def branch_nonlinearity(g: ArrayLike, *, up: bool) -> float | None:
    """Signed NL of the conductances `g` [n + 1] of one branch; None where nothing changed."""
    g = np.asarray(g, float)
    if g[-1] == g[0]:
        return None
    made = (g - g[0]) / (g[-1] - g[0])
    away = made - np.linspace(0, 1, len(g))
    if not up:  # both axes turned round: counted from the low-conductance end
        away = -away
    return float(NEUROSIM * away[np.argmax(np.abs(away))])


def branch_curve(g: ArrayLike, a: float, *, up: bool) -> NDArray[np.float64]:
    """NeuroSim's curve of shape `a` through the ends of a branch's conductances `g` [n + 1], S."""
    g = np.asarray(g, float)
    p = np.linspace(0, 1, len(g))
    if up:
        return g[0] + (g[-1] - g[0]) * neurosim_curve(p, a)
    return g[-1] + (g[0] - g[-1]) * neurosim_curve(1 - p, a)


def _asymmetry(response: PulseResponse) -> dict[str, float | None]:
    up, down = response.up.g, response.down.g
    absent: dict[str, float | None] = dict.fromkeys(
        ("mean", "extreme", "middle", "symmetry_point_siemens")
    )
    low, high = max(up[:-1].min(), down[:-1].min()), min(up[:-1].max(), down[:-1].max())
    if not low < high:
        return absent
    g = np.linspace(low, high, _GRID)
    u, d = _step_at(g, up), -_step_at(g, down)
    both = (u > 0) & (d > 0)
    if not both.any():
        return absent
    g, value = g[both], ((u - d) / np.where(both, u + d, 1))[both]
    return {
        "mean": float(value.mean()),
        "extreme": float(value[np.argmax(np.abs(value))]),
        "middle": float(np.interp((low + high) / 2, g, value)),
        "symmetry_point_siemens": _crossing(g, value),
    }


def _step_at(g: NDArray[np.float64], branch: NDArray[np.float64]) -> NDArray[np.float64]:
    """Signed step from conductance `g`, interpolated between the pulses of `branch`."""
    order = np.argsort(branch[:-1], kind="stable")
    return np.interp(g, branch[:-1][order], np.diff(branch)[order])


def _crossing(g: NDArray[np.float64], value: NDArray[np.float64]) -> float | None:
    """Where `value` first changes its sign; None where it never does."""
    sign = np.signbit(value)
    if not (sign != sign[0]).any():
        return None
    k = int(np.argmax(sign != sign[0]))
    part = value[k - 1] / (value[k - 1] - value[k])
    return float(g[k - 1] + part * (g[k] - g[k - 1]))


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
