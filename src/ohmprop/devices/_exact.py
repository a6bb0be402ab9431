"""What exact pulses are made of: a quadrature followed to its end, and a safeguarded Newton solve.

`integrate` serves every model whose pulse is not one equation, `newton` those whose pulse is.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

EDGE = 1e-9  # of the span, or one rounding: where a device at a bound that holds it starts from
ATTEMPTS = 500  # panels
NEWTON_STEPS = 100  # enough to bisect a bracket down to rounding
_AT_ONCE = 1e30  # spans a pulse: beyond it a rate only overflows
_ROUGHEST = 0.05  # of a rate: more is no rounding, in single precision either

# Gauss and Legendre's rule over a panel from 0 to 1: the mean of an integrand, and what the
# polynomial through its nodes is at the panel's start and end.
_ORDER = 12
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(_ORDER)
_PLACES = np.append((1 + _NODES) / 2, 1.0)  # the nodes, and the panel's end
_SERIES = np.polynomial.legendre.legvander(_NODES, _ORDER - 1) * (np.arange(_ORDER) + 0.5)
_SIGNS = (-1.0) ** np.arange(_ORDER)
_RULES = np.stack([0.5 * np.ones(_ORDER), _SERIES @ _SIGNS, _SERIES.sum(1)]) * _WEIGHTS

Rate = Callable[[Array, Array], Array]
Residual = Callable[[Array], tuple[Array, Array]]


class _Way(NamedTuple):
    """How far the devices are: states in spans from the start, times in pulses, all [...]."""

    u: Array  # a state to which the time is known
    left: Array  # what is left of the pulse there, below 0 beyond its end
    pace: Array  # rate there
    size: Array  # greatest next panel
    tail: Array  # unresolved part of a panel just refused, else infinite
    resolved: Array  # greatest unresolved part of a panel that is taken
    low: Array  # the end lies between low and high
    high: Array
    moving: Array  # neither ended nor stopped
    stopped: Array  # for good, at a bound or an equilibrium


def integrate(
    rate: Rate,
    x: ArrayLike,
    v: ArrayLike,
    t: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
) -> Array:
    """State after `t` seconds at `v` volts, within the bounds: x1 where

        integral from x to x1 of dx/rate(v, x) = t

    A state at constant voltage moves one way, so that the time to a state is an integral. It is
    laid out in panels of Gauss and Legendre's rule, of order 12 and of errors at rounding, whose
    ends follow Newton's method, every element on its own. A rate that runs away so multiplies no
    error but the rounding of the time: about 1e-15 t rate(v, x1).

    A state at a bound stays while the rate points outwards, and starts `EDGE` of the span inside
    where the rate vanishes at the bound and points inwards there. A state that is driven to where
    the rate vanishes, or jumps to 0, stops 1e-12 of the span (1e-6 in single precision) before it.
    After 500 panels the state reached is returned, as if the pulse had ended there. Derivatives:
    forward mode only.

    Args:
        rate: (v, x) -> dx/dt, elementwise, x with an axis in front.
        x, v, t: state, voltage and duration, [...].
        lower, upper: bounds of the state.

    Returns:
        State after, [...].
    """
    given = tuple(map(jnp.asarray, (x, v, t, lower, upper)))
    dtype = jnp.result_type(*given, float)
    shape = jnp.broadcast_shapes(
        *(a.shape for a in given), jax.eval_shape(rate, given[1], given[0]).shape
    )
    x, v, t, lower, upper = (jnp.broadcast_to(a, shape).astype(dtype) for a in given)
    x, speed = _begin(rate, x, v, t, lower, upper)
    start, length = lax.stop_gradient((x, t))
    way = lax.stop_gradient(jnp.where(speed < 0, lower - upper, upper - lower))
    bound = jnp.where(speed < 0, lower, upper)

    def pace(u: Array) -> Array:
        return jnp.minimum(rate(v, start + way * u) * (length / way), _AT_ONCE)

    def unfinished(carry):
        count, state = carry
        return (count < ATTEMPTS) & jnp.any(state.moving)

    def step(carry):
        count, state = carry
        return count + 1, _panel(pace, reach, state)

    first, reach = lax.stop_gradient((pace(jnp.zeros_like(x)), (bound - start) / way))
    moves = (first > 0) & (reach > 0)
    # A state ahead of `start` by dx is ahead in time by dx/rate.
    ahead = (x - start) / (way * jnp.where(moves, first, 1.0))
    nothing = jnp.zeros_like(x)
    endless = nothing + jnp.inf
    resolved = nothing + float(jnp.finfo(dtype).eps) ** 0.5
    state = _Way(
        nothing, 1 + ahead, first, reach, endless, resolved, nothing, endless, moves, ~moves
    )
    state = lax.while_loop(unfinished, step, (jnp.asarray(0), state))[1]
    ended = ~state.moving & ~state.stopped
    # The last of Newton's steps; with it come the derivatives.
    later = t / jnp.where(length > 0, length, 1.0) - 1
    left = jnp.where(ended, state.left + later, state.left - lax.stop_gradient(state.left))
    end = start + way * (state.u + state.pace * left)
    end = jnp.where(state.stopped & (state.u >= reach), bound, jnp.clip(end, lower, upper))
    return jnp.where(moves, end, x)


def _begin(rate: Rate, x, v, t, lower, upper):
    """Where the state sets out from, and its rate there."""
    inside = max(EDGE, float(jnp.finfo(x.dtype).eps)) * (upper - lower)
    inner = jnp.clip(x, lower + inside, upper - inside)
    speed, within = rate(v, x), rate(v, inner)
    # A rate that doubles over so little vanishes at the bound, but for rounding.
    held = ((inner - x) * within > 0) & (jnp.abs(speed) < jnp.abs(within) / 2) & (t > 0)
    return jnp.where(held, inner, x), jnp.where(held, within, speed)


def _panel(pace: Callable[[Array], Array], reach: Array, state: _Way) -> _Way:
    """One panel per element: taken where the rule resolves it, and the next one's size."""
    u, left, last, size, refused, resolved, low, high, moving, stopped = state
    eps = float(jnp.finfo(u.dtype).eps)
    least = max(1e-12, 10 * eps)
    shape = (-1,) + (1,) * u.ndim
    target = jnp.minimum(u + jnp.clip(last * lax.stop_gradient(left), -size, size), reach)
    outside = (target >= high) | ((left < 0) & (target <= low))
    target = jnp.where(outside, (low + high) / 2, target)
    h = target - u
    places = jnp.asarray(_PLACES, u.dtype).reshape(shape)
    found = pace(u + h * places)
    sound = jnp.all(found > 0, axis=0)
    slowness = 1 / jnp.where(sound, found[:-1], 1.0)
    mean, at_start, at_end = jnp.tensordot(
        jnp.asarray(_RULES, u.dtype), slowness, 1, precision=lax.Precision.HIGHEST
    )
    # The polynomial's error at the ends, where it is greatest. That of the rule, which is exact up
    # to twice the polynomial's degree, is about its square.
    ends = 1 / jnp.where(sound, last, 1.0), 1 / jnp.where(sound, found[-1], 1.0)
    off = jnp.maximum(jnp.abs(at_start - ends[0]), jnp.abs(at_end - ends[1]))
    tail = lax.stop_gradient(off / mean)
    # What shrinks less than the panel did is not the polynomial's but the rounding of the rate.
    rounding = sound & (tail > 0.7 * refused) & (tail < _ROUGHEST)
    resolved = jnp.where(rounding, jnp.maximum(resolved, 1.5 * tail), resolved)
    short = jnp.abs(h) <= least
    taken = moving & sound & ((tail <= resolved) | short)
    growth = 0.9 * (resolved / jnp.maximum(tail, 1e-3 * resolved)) ** (1 / (_ORDER - 1))
    growth = jnp.where(sound, jnp.clip(growth, 0.2, 4.0), 0.25)

    left = jnp.where(taken, left - h * mean, left)
    u, last = jnp.where(taken, target, u), lax.stop_gradient(jnp.where(taken, found[-1], last))
    early = left > 0
    stopped = stopped | (moving & jnp.where(taken, early & (u >= reach), short))
    rest = jnp.abs(left)
    near = last * rest <= jnp.minimum(eps**0.5, jnp.abs(h) / 100)
    ended = taken & (near | (rest <= 4 * eps) | (h == 0))
    size = jnp.where(taken, jnp.maximum(size, jnp.abs(h) * growth), jnp.abs(h) * growth)
    return _Way(
        u,
        left,
        last,
        lax.stop_gradient(size),
        jnp.where(taken | ~sound, jnp.inf, tail),
        resolved,
        jnp.where(taken & early, u, low),
        jnp.where(taken & ~early, u, high),
        moving & ~stopped & ~ended,
        stopped,
    )


def newton(residual: Residual, start: ArrayLike, low: ArrayLike, high: ArrayLike) -> Array:
    """Root of an increasing function between `low` and `high`, element by element.

        u <- u - F(u)/F'(u), or the middle of the bracket where that leaves it or does not converge

    The steps stop once every one is so small that the next, squaring the error, reaches rounding.
    That next step is taken outside the loop and is the only one that is differentiated: with a
    held slope it gives the first derivatives of the root exactly, in both modes, with respect to
    all that `residual` was made of.

    Args:
        residual: u -> (F(u), F'(u)), F not decreasing, both finite in the bracket; evaluated on
            arrays of the common shape of `start`, `low`, `high` and its own result.
        start: first guess, [...].
        low, high: finite bracket, [...]; where F has no root in it the nearer end is approached.

    Returns:
        The root, [...], within the bracket.
    """
    start, low, high = (lax.stop_gradient(jnp.asarray(a)) for a in (start, low, high))
    value = jax.eval_shape(residual, start)[0]
    shape = jnp.broadcast_shapes(value.shape, start.shape, low.shape, high.shape)
    low, high = (jnp.broadcast_to(a, shape).astype(value.dtype) for a in (low, high))
    start = jnp.clip(jnp.broadcast_to(start, shape).astype(value.dtype), low, high)
    held_residual, held = jax.closure_convert(residual, start)
    held = lax.stop_gradient(held)
    near = float(jnp.finfo(value.dtype).eps) ** 0.4  # 5e-7, in single precision 2e-3

    def unfinished(carry):
        count, moving = carry[:2]
        return (count < NEWTON_STEPS) & moving

    def step(carry):
        count, _, u, low, high, last = carry
        value, slope = held_residual(u, *held)
        low, high = jnp.where(value <= 0, u, low), jnp.where(value >= 0, u, high)
        new = u - value / slope
        # Rounding may put a last small step outside the bracket; a long one must shorten, lest
        # Newton's method cycle between the ends of a bracket.
        small = jnp.abs(new - u) <= near * jnp.maximum(1, jnp.abs(u))
        shorter = jnp.abs(new - u) <= last / 2
        sound = small | ((new >= low) & (new <= high) & shorter)
        new = jnp.where(sound, new, (low + high) / 2)
        return count + 1, ~jnp.all(small), new, low, high, jnp.abs(new - u)

    begin = (jnp.asarray(0), jnp.asarray(True), start, low, high, 2 * (high - low))
    root = lax.while_loop(unfinished, step, begin)[2]
    value, slope = residual(root)
    root = root - value / lax.stop_gradient(slope)
    return root + lax.stop_gradient(jnp.clip(root, low, high) - root)
