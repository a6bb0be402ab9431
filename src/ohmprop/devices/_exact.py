"""What exact pulses are made of: an error-controlled integration, and a safeguarded Newton solve.

`integrate` serves every model whose pulse is not one equation, `newton` those whose pulse is.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

EDGE = 1e-9  # of the span, or one rounding: where a device at a bound starts from
STEPS = 1000  # attempts
NEWTON_STEPS = 100  # enough to bisect a bracket down to rounding

# Dormand and Prince's pair of orders 5 and 4 (J. Comput. Appl. Math. 6:19, 1980).
_A = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
)
_B5 = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0.0)
_B4 = (5179 / 57600, 0.0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40)

Rate = Callable[[Array, Array], Array]
Residual = Callable[[Array], tuple[Array, Array]]


def integrate(
    rate: Rate,
    x: ArrayLike,
    v: ArrayLike,
    t: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
) -> Array:
    """State after `t` seconds at `v` volts by an error-controlled integration, within the bounds.

    Dormand-Prince 5(4), every element with its own step, local error 1e-10 of the span (1e-6 in
    single precision), less in the slow beginning of a rate that runs away. A state at a bound stays
    while the rate points outwards, and starts `EDGE` of the span inside where the rate points
    inwards. After 1000 attempts the state reached is returned, as if the pulse had ended there: it
    is finite, and for a relaxation much faster than the pulse it is the equilibrium. Derivatives:
    forward mode only.

    Args:
        rate: (v, x) -> dx/dt.
        x, v, t: state, voltage and duration, [...].
        lower, upper: bounds of the state.

    Returns:
        State after, [...].
    """
    x, v, t, lower, upper = jnp.broadcast_arrays(*map(jnp.asarray, (x, v, t, lower, upper)))
    dtype = jnp.result_type(x, v, t, lower, float)
    x, v, t = (jnp.asarray(a, dtype) for a in (x, v, t))

    def unfinished(carry):
        count, (_, now, _) = carry
        return (count < STEPS) & jnp.any(now < t)

    def step(carry):
        count, state = carry
        return count + 1, _attempt(rate, state, v, t, lower, upper)

    start = _begin(rate, x, v, t, lower, upper)
    return lax.while_loop(unfinished, step, (jnp.asarray(0), start))[1][0]


def _begin(rate: Rate, x, v, t, lower, upper):
    inside = max(EDGE, float(jnp.finfo(x.dtype).eps)) * (upper - lower)
    inner = jnp.clip(x, lower + inside, upper - inside)
    speed = rate(v, inner)
    leaves = ((x < inner) & (speed > 0)) | ((x > inner) & (speed < 0))
    x = jnp.where(leaves & (t > 0), inner, x)
    # A first step that moves the state by a hundredth of its span.
    guess = 0.01 * (upper - lower) / jnp.maximum(jnp.abs(speed), jnp.finfo(x.dtype).tiny * 1e3)
    return x, jnp.zeros_like(t), lax.stop_gradient(jnp.minimum(guess, t))


def _attempt(rate: Rate, state, v, t, lower, upper):
    """One step per element: taken where its error allows, and the next step's size."""
    x, now, h = state
    h = jnp.minimum(h, t - now)
    tolerance = 1e-10 if x.dtype == jnp.float64 else 1e-6
    k, move, new = [rate(v, x)], jnp.zeros_like(x), x
    for row in (*_A, _B5):
        move = sum(a * s for a, s in zip(row, k, strict=False) if a)
        new = jnp.clip(x + h * move, lower, upper)
        k.append(rate(v, new))
    other = sum(b * s for b, s in zip(_B4, k, strict=True) if b)
    # Of the moves before they are clipped: two that both overshoot a bound may differ vastly.
    # A rate that runs away multiplies an error of its slow beginning: the smaller the move that the
    # present rate would make in the whole pulse, the smaller the error that is let through.
    ahead = jnp.abs(k[0]) * t / (upper - lower)
    tolerance = tolerance * jnp.clip(ahead, 1e-4 if x.dtype == jnp.float64 else 1.0, 1.0)
    error = jnp.abs(h * (move - other)) / (tolerance * (upper - lower))
    error = lax.stop_gradient(jnp.where(jnp.isfinite(error), error, 1e6))
    taken = error <= 1
    grown = h * jnp.clip(0.9 * jnp.maximum(error, 1e-8) ** -0.2, 0.1, 8.0)
    return (
        jnp.where(taken, new, x),
        jnp.where(taken, jnp.where(h >= t - now, t, now + h), now),
        lax.stop_gradient(jnp.maximum(grown, 1e-15 * t)),
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
