"""Exact pulses by error-controlled integration: serves every model that has no closed form."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

EDGE = 1e-9  # of the span, or one rounding: where a device at a bound starts from
STEPS = 1000  # attempts

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
    single precision). A state at a bound stays while the rate points outwards, and starts `EDGE`
    of the span inside where the rate points inwards. After 1000 attempts the state reached is
    returned, as if the pulse had ended there: it is finite, and for a relaxation much faster than
    the pulse it is the equilibrium. Derivatives: forward mode only.

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
    k, new = [rate(v, x)], x
    for row in (*_A, _B5):
        move = sum(a * s for a, s in zip(row, k, strict=False) if a)
        new = jnp.clip(x + h * move, lower, upper)
        k.append(rate(v, new))
    other = jnp.clip(x + h * sum(b * s for b, s in zip(_B4, k, strict=True) if b), lower, upper)
    error = jnp.abs(new - other) / (tolerance * (upper - lower))
    error = lax.stop_gradient(jnp.where(jnp.isfinite(error), error, 1e6))
    taken = error <= 1
    grown = h * jnp.clip(0.9 * jnp.maximum(error, 1e-8) ** -0.2, 0.1, 8.0)
    return (
        jnp.where(taken, new, x),
        jnp.where(taken, jnp.where(h >= t - now, t, now + h), now),
        lax.stop_gradient(jnp.maximum(grown, 1e-15 * t)),
    )
