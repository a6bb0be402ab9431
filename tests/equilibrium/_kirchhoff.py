"""Kirchhoff's current law of a network in NumPy, in physical volts, with its amplifiers.

Written from the circuit, without the package's change of variables. At node j of layer l

    sum_i G_ij (a_i - h_j) - i_d(h_j) + I_j - (1/A) sum_k G'_jk (a_j - h'_k) = 0

with a_j = A h_j + s (1 - A) the amplifier's output. Extended precision: what is left is the
residual of the voltages, not the rounding of this sum.
"""

from typing import Any, NamedTuple

import numpy as np

from ohmprop._core import thermal_voltage
from ohmprop.circuit import IdealClamp, PiecewiseLinearDiode, ShockleyDiode

WIDE = np.longdouble


def _wide(x):
    return np.asarray(x).astype(WIDE)


class Balance(NamedTuple):
    """At each node of one layer, [b, n]: net current (A), sum |i_b| and sum G_b (|v_a| + |v_b|)."""

    net: np.ndarray
    flow: np.ndarray
    rounding: np.ndarray

    def add(self, current: Any, weight: Any = 0.0):
        """With one more branch, which brings `current` to the node."""
        return Balance(self.net + current, self.flow + abs(current), self.rounding + weight)


def tolerances(network, balances, rtol, eps):
    """rtol sum |i_b| + 8 eps sum G_b (|v_a| + |v_b|) per node.

    Behind held nodes the currents of a nudge vanish: what is zero to rounding of the sample's
    largest current, seen through the amplifiers, counts as zero.
    """
    gains = np.cumprod([1.0, *(float(a.gain) for a in network.amplifiers)])
    sizes = [b.flow + abs(b.net) for b in balances]  # a held node's net current is its clamp's
    largest = np.max([x.max(axis=1) / s for x, s in zip(sizes, gains, strict=True)], axis=0)
    return [
        rtol * (b.flow + eps * s * largest[:, None]) + 8 * eps * b.rounding
        for b, s in zip(balances, gains, strict=True)
    ]


def crossbars(network, conductances, voltages, inputs=None) -> list[Balance]:
    """What the crossbars bring to every node; of a change of voltages where `inputs` is None."""
    h = [_wide(v) for v in voltages]
    still = 0 if inputs is None else 1  # sources and shifts do not take part in a change
    balances, gain = [], WIDE(1)
    for l, g in enumerate(map(_wide, conductances)):
        fixed = still * np.ones((len(h[0]), 1)) * _wide(network.bias[l])
        if l == 0:
            x = np.zeros((len(h[0]), network.features)) if inputs is None else _wide(inputs)
            rows = np.concatenate([x, -x, fixed], axis=1)
        else:
            gain, shift = _wide(network.amplifiers[l - 1].gain), network.amplifiers[l - 1].shift
            out = gain * h[l - 1] + still * _wide(shift) * (1 - gain)
            rows = np.concatenate([out, fixed], axis=1)
        current = g * (rows[:, :, None] - h[l][:, None, :])
        weight = g * (abs(rows)[:, :, None] + abs(h[l])[:, None, :])
        if l:
            n = h[l - 1].shape[1]
            back = (x[:, :n].sum(axis=2) / gain for x in (-current, abs(current), weight))
            balances[-1] = Balance(*(a + b for a, b in zip(balances[-1], back, strict=True)))
        balances.append(Balance(*(x.sum(axis=1) for x in (current, abs(current), weight))))
    return balances


def diode_current(diode, v, d=None):
    """Current (A) the element draws at `v`, or its change when v moves by `d`; and its rounding."""
    eps = np.finfo(np.asarray(v).dtype).eps
    v, d = _wide(v), None if d is None else _wide(d)
    total, weight = np.zeros_like(v), np.zeros_like(v)
    for s in {"upper": (1,), "lower": (-1,), "both": (1, -1)}[getattr(diode, "sides", "both")]:
        if isinstance(diode, PiecewiseLinearDiode):
            th, r = _wide(diode.v_th), _wide(diode.r_on)
            before, size = np.maximum(s * v - th, 0), abs(v) + th
            if d is None:
                part, rounding = before, (before > 0) * size
            else:
                after = np.maximum(s * (v + d) - th, 0)
                both, either = (before > 0) & (after > 0), (before > 0) | (after > 0)
                # within rounding of the kink neither can be excluded
                either |= abs(s * (v + d) - th) <= 4 * eps * (size + abs(d))
                part = np.where(both, s * d, after - before)
                rounding = np.where(both, abs(d), either * (size + abs(d)))
            total, weight = total + s * part / r, weight + rounding / r
        if isinstance(diode, ShockleyDiode):
            i_s, n_vt = _wide(diode.i_s), _wide(diode.n) * thermal_voltage()
            power, size = (s * v - _wide(diode.v_bias)) / n_vt, abs(v) + abs(_wide(diode.v_bias))
            level = i_s * np.exp(power)
            if d is None:
                part, rounding = i_s * np.expm1(power), level * size / n_vt
            else:
                part = level * np.expm1(s * d / n_vt)
                rounding = (abs(part) * (size + abs(d)) + level * abs(d)) / n_vt
            total, weight = total + s * part, weight + rounding
    return total, weight


def clamp_bounds(diode):
    """Volts the node may not leave."""
    if isinstance(diode, IdealClamp):
        return _wide(diode.lower), _wide(diode.upper)
    return WIDE(-np.inf), WIDE(np.inf)


def unbalanced(net, tolerance, v, diode, eps):
    """By how much (A) a net current exceeds its tolerance; -inf where a clamp takes it."""
    lower, upper = clamp_bounds(diode)
    at = 4 * eps * np.maximum(abs(lower), abs(upper)) if isinstance(diode, IdealClamp) else 0
    assert (v >= lower - at).all() and (v <= upper + at).all()
    taken = ((v >= upper - at) & (net > 0)) | ((v <= lower + at) & (net < 0))
    return np.where(taken, -np.inf, abs(net) - tolerance)
