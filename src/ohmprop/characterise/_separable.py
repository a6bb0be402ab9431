"""States of a separable device under a waveform: dx/dt = g(v) h(x), by quadrature of g(v(t)).

Over a stretch of one polarity the state is `advance(x, s)`, s the integral of g so far, for all the
samples of the stretch at once. What a threshold bends is found by halving, in the intervals that
need it; no model has to tell where its thresholds are.
"""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from .._core import BadInput
from ..drive import AbstractWaveform

# Lobatto's rule of order 8 has nodes at the ends: a bend close to an end does not hide from it.
_NODES = np.array([-1, -np.sqrt(3 / 7), 0, np.sqrt(3 / 7), 1])
_WEIGHTS = np.array([9, 49, 64, 49, 9]) / 90
_INSIDE = (
    1e-9  # of an interval: from its ends, where a value may belong to the other side of a jump
)
_BENDS = 8  # intervals a period that a threshold may bend: each polarity's twice, and some
_MOST_BENDS = 1024
_HALVINGS = 20  # of an interval with a bend, which so errs by 4^-20 of what it would
_REFINEMENTS = 6  # of all intervals

Drive = Callable[[Array], Array]


def integrate_separable(
    device, x0: Array, waveform: AbstractWaveform, t: np.ndarray, each, batch, *, tolerance
) -> Array:
    """States at `t` within `tolerance` of the span.

    Args:
        device, x0: one device, or with leading axes `batch`, run by `each`.
        waveform: voltage across the device, V.
        t: times, s, with every corner of the waveform, [t].

    Raises:
        BadInput: the error estimate stays above the tolerance.
    """
    fine = np.union1d(t, _zeros(waveform, t))
    bends = _BENDS * waveform.periods + min(_MOST_BENDS, 2 * waveform.corners.size)
    error: ArrayLike = np.inf
    for _ in range(_REFINEMENTS):
        rows = _stretches(np.sign(np.asarray(waveform((fine[1:] + fine[:-1]) / 2))))
        shared = (waveform, jnp.asarray(fine), *map(jnp.asarray, rows), min(bends, len(fine) - 1))
        x, error = each(_states, batch, (device, x0), *shared)
        if bool(jnp.all(error <= tolerance)):
            return x[..., np.searchsorted(fine, t)]
        fine = np.sort(np.concatenate([fine, (fine[1:] + fine[:-1]) / 2]))
        bends = 2 * bends
    raise BadInput(
        f"simulate: the state is not known to {tolerance:g} of its span, only to "
        f"{float(jnp.max(error)):.1g}; raise points or tolerance."
    )


def _zeros(waveform: AbstractWaveform, t: np.ndarray) -> np.ndarray:
    """Times at which the voltage passes zero between samples, by bisection."""
    # A value at a jump belongs to one of its sides: signs are those just inside the interval.
    a, b = t[:-1] + 1e-9 * np.diff(t), t[1:] - 1e-9 * np.diff(t)
    left, right = np.sign(np.asarray(waveform(a))), np.sign(np.asarray(waveform(b)))
    crossing = left * right < 0
    a, b, left = a[crossing], b[crossing], left[crossing]
    for _ in range(52 if len(a) else 0):
        middle = (a + b) / 2
        same = np.sign(np.asarray(waveform(middle))) == left
        a, b = np.where(same, middle, a), np.where(same, b, middle)
    return b


def _stretches(sign: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of one sign in rows of at most twice the mean length: their numbers, and which are.

    Rows are padded; a stretch longer than a row goes on in the next, which costs nothing.
    """
    starts = np.concatenate([[0], np.flatnonzero(np.diff(sign)) + 1])
    longest = max(1, 2 * -(-len(sign) // len(starts)))
    lengths = np.diff(np.append(starts, len(sign)))
    rows = [
        (start + k, min(longest, length - k))
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)
        for k in range(0, length, longest)
    ]
    first, count = (np.array(a) for a in zip(*rows, strict=True))
    offset = np.arange(count.max())
    inside = offset < count[:, None]
    return np.where(inside, first[:, None] + offset, 0), inside


def _states(device, x0, waveform, t, index, inside, bends: int) -> tuple[Array, Array]:
    """States at `t`, and an estimate of their error as a fraction of the span."""
    s, apart = _strokes(lambda at: device.drive(waveform(at)), t, bends)

    def stretch(x, row):
        number, real = row
        states = device.advance(x, jnp.cumsum(jnp.where(real, s[number], 0.0)))
        return states[-1], states

    rows = lax.scan(stretch, x0, (index, inside))[1]
    # Padding is written to the first place, which x0 then takes.
    x = jnp.zeros(t.shape, rows.dtype).at[jnp.where(inside, index + 1, 0)].set(rows).at[0].set(x0)
    relative = jnp.where(s == 0, 0.0, apart / jnp.where(s == 0, 1.0, jnp.abs(s)))
    return x, jnp.sum(jnp.abs(jnp.diff(x)) * relative) / (device.upper - device.lower)


def _strokes(g: Drive, t: Array, bends: int) -> tuple[Array, Array]:
    """Integral of g over every interval between the times `t`, and its error."""
    edge = _INSIDE * jnp.diff(t)
    low, high = t[:-1] + edge, t[1:] - edge
    s, apart = _halves(lambda at: g(_within(at, low, high)), t[:-1], t[1:])
    worst = lax.top_k(apart, bends)[1]
    low, high = low[worst], high[worst]
    bent = _halved_often(lambda at: g(_within(at, low, high)), t[worst], t[worst + 1])
    return s.at[worst].set(bent[0]), apart.at[worst].set(bent[1])


def _within(at: Array, low: Array, high: Array) -> Array:
    return jnp.clip(at, low[:, None], high[:, None])


def _halves(g: Drive, a: Array, b: Array) -> tuple[Array, Array]:
    """Integral of g from a to b by Lobatto's rule in both halves; how far one rule is from it."""
    middle = (a + b) / 2
    low, high = jnp.stack([a, a, middle]), jnp.stack([b, middle, b])
    at = ((low + high) / 2)[..., None] + ((high - low) / 2)[..., None] * _NODES
    whole, left, right = (high - low) / 2 * (g(at) @ jnp.asarray(_WEIGHTS))
    return left + right, jnp.abs(left + right - whole)


def _halved_often(g: Drive, a: Array, b: Array) -> tuple[Array, Array]:
    """As `_halves`, for one bend somewhere between a and b, towards which the halving goes."""

    def halve(_, carry):
        a, b, s, apart = carry
        middle = (a + b) / 2
        parts, errors = _halves(g, jnp.stack([a, middle]), jnp.stack([middle, b]))
        left = errors[0] > errors[1]
        s = s + jnp.where(left, parts[1], parts[0])
        apart = apart + jnp.where(left, errors[1], errors[0])
        return jnp.where(left, a, middle), jnp.where(left, middle, b), s, apart

    a, b, s, apart = lax.fori_loop(0, _HALVINGS, halve, (a, b, 0.0 * a, 0.0 * a))
    rest, error = _halves(g, a, b)
    return s + rest, apart + error
