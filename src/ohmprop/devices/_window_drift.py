"""Exact pulses of ion drift under a window f = 1 - (1 - c a(x))^p: one equation, by Newton.

The four windows of the family are this one form. With x = w/D,

    both ends (Joglekar c = 1, Prodromakis c = 1/4):   a = 4 x (1 - x)
    the end ahead (Biolek c = 1, Zha c = 1/4):         a = 1 - z^2,  z the part already covered

and dx/ds = f/M, where s is the flux times mu_v r_on/D^2. The state after s solves

    [T(x) - T(x0)]/(c p) + integral from x0 to x of M [1/f - 1/(c p a)] dx = s

with T, the integral of M/a, in closed form. The bracket is bounded, and 0 for p = 1.
Errors against an independent integrator are below 1e-9 of the span for whole p up to 10, and
reach 1e-7 for Joglekar's p of 30 or below 1.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from ._exact import EDGE, newton

NODES, WEIGHTS = (a / 2 for a in np.polynomial.legendre.leggauss(12))  # for an interval of 1


def windowed_at_both_ends(
    x: ArrayLike, s: ArrayLike, r_on: ArrayLike, r_off: ArrayLike, p: ArrayLike, c: float
) -> Array:
    """Change of x under dx/ds = (1 - (1 - 4 c x (1 - x))^p)/M; x and s may be of any sign or shape.

    Solved in y = ln(x/(1 - x)), T = [r_on ln(1 + e^y) - r_off ln(1 + e^-y)]/4. A state at a bound
    starts `EDGE` inside, as f = 0 there would hold it for ever.
    """
    x, s, r_on, r_off, p = _arrays(x, s, r_on, r_off, p)
    least = float(jnp.finfo(x.dtype).eps)
    safe, inside = jnp.clip(x, least, 1 - least), max(EDGE, least)
    y0, edge = jnp.log(safe) - jnp.log1p(-safe), float(np.log(inside) - np.log1p(-inside))
    y0 = jnp.where(s > 0, jnp.maximum(y0, edge), jnp.minimum(y0, -edge))

    # |y| by choice, here and below, so that at y = 0 all take the slopes of the same side.
    def state(y):
        e = jnp.exp(jnp.where(y > 0, -y, y))
        return jnp.where(y > 0, 1, e) / (1 + e), e

    def closed(y, e):
        both = jnp.log1p(e)
        plus, minus = jnp.where(y > 0, y, 0), jnp.where(y > 0, 0, -y)
        return (r_on * (plus + both) - r_off * (minus + both)) / 4

    start, e0 = state(y0)
    begin = closed(y0, e0)

    def slope(x):
        return (r_off + (r_on - r_off) * x) / (4 * _height(_both_ends(x), p, c))

    def residual(y):
        x, e = state(y)
        rest = _rest(_both_ends, c, start, x, r_off, r_on, p)
        return (closed(y, e) - begin) / (c * p) + rest - s, slope(x)

    least_f, most_f = _extremes(p, c)
    slow, fast = y0 + 4 * s * least_f / r_off, y0 + 4 * s * most_f / r_on
    guess = y0 + s / slope(start)
    y = newton(residual, guess, jnp.minimum(slow, fast), jnp.maximum(slow, fast))
    arrived = jnp.where(s > 0, x >= 1 - least, x <= least)
    return _change(x, s, state(y)[0], arrived)


def windowed_ahead(
    x: ArrayLike, s: ArrayLike, r_on: ArrayLike, r_off: ArrayLike, p: ArrayLike, c: float
) -> Array:
    """Change of x under dx/ds = (1 - (1 - c (1 - z^2))^p)/M, z = x for s > 0 and 1 - x otherwise.

    Solved in u = -ln(1 - z), T = [m1 u + (2 m0 - m1) ln(1 + z)]/2, where m0 is the resistance at
    the end left behind (z = 0) and m1 that at the end ahead (z = 1).
    """
    x, s, r_on, r_off, p = _arrays(x, s, r_on, r_off, p)
    least, up = float(jnp.finfo(x.dtype).eps), s > 0
    ahead = jnp.clip(jnp.where(up, 1 - x, x), least, 1)
    m0, m1 = jnp.where(up, r_off, r_on), jnp.where(up, r_on, r_off)
    start, u0, s_ahead = 1 - ahead, -jnp.log(ahead), jnp.where(up, s, -s)

    def closed(u, z):
        return (m1 * u + (2 * m0 - m1) * jnp.log1p(z)) / 2

    begin = closed(u0, start)

    def slope(left):
        return (m1 + (m0 - m1) * left) / ((2 - left) * _height(left * (2 - left), p, c))

    def residual(u):
        left = jnp.exp(-u)
        z = 1 - left
        rest = _rest(_end_ahead, c, start, z, m0, m1, p)
        return (closed(u, z) - begin) / (c * p) + rest - s_ahead, slope(left)

    least_f, most_f = _extremes(p, c)
    guess = u0 + s_ahead / slope(ahead)
    low, high = u0 + s_ahead * least_f / r_off, u0 + 2 * s_ahead * most_f / r_on
    left = jnp.exp(-newton(residual, guess, low, high))
    return _change(x, s, jnp.where(up, 1 - left, left), jnp.where(up, 1 - x, x) <= least)


def _arrays(*values: ArrayLike) -> list[Array]:
    dtype = jnp.result_type(*values, float)
    return list(jnp.broadcast_arrays(*(jnp.asarray(a, dtype) for a in values)))


def _change(x: Array, s: Array, new: Array, arrived: Array) -> Array:
    """new - x; exactly 0, with the slope that belongs there, where nothing drives or is left."""
    change = new - x
    held = change - lax.stop_gradient(change)
    return jnp.where(arrived, 0.0, jnp.where(s == 0, held, change))


def _extremes(p: Array, c: float) -> tuple[Array, Array]:
    """Least and greatest f/a: it is monotone in a, from c p at a = 0 to 1 - (1 - c)^p at a = 1."""
    end = 1 - (1 - c) ** p
    return jnp.minimum(c * p, end), jnp.maximum(c * p, end)


def _both_ends(x: Array) -> Array:
    return 4 * x * (1 - x)


def _end_ahead(z: Array) -> Array:
    return (1 - z) * (1 + z)


def _height(a: Array, p: Array, c: float) -> Array:
    """f/a, without cancellation for small a; a is kept clear of 0 and 1."""
    a = jnp.clip(a, float(jnp.finfo(a.dtype).eps) ** 2, 1 - float(jnp.finfo(a.dtype).eps))
    return -jnp.expm1(p * jnp.log1p(-c * a)) / a


Depth = Callable[[Array], Array]


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _rest(depth: Depth, c: float, x0: Array, x: Array, m0: Array, m1: Array, p: Array) -> Array:
    """Integral of M [1/f - 1/(c p a)] from x0 to x: no work if every p is 1."""
    return lax.cond(
        jnp.all(p == 1), lambda *_: jnp.zeros_like(x), partial(_quadrature, depth, c),
        x0, x, m0, m1, p,
    )  # fmt: skip


@_rest.defjvp
def _rest_jvp(depth: Depth, c: float, primals, tangents):
    # The integral is 0 at p = 1 but its slope along p is not.
    slope = jax.jvp(partial(_quadrature, depth, c), primals, tangents)[1]
    return _rest(depth, c, *primals), slope


def _quadrature(depth: Depth, c: float, x0: Array, x: Array, m0: Array, m1: Array, p: Array):
    """By Gauss and Legendre; for c = 1 in two, as a fractional p has a kink at x = 1/2."""
    shape = (-1,) + (1,) * x.ndim
    nodes, weights = (jnp.asarray(a, x.dtype).reshape(shape) for a in (NODES, WEIGHTS))

    def piece(start, end):
        z = (start + end) / 2 + (end - start) * nodes
        a = jnp.maximum(depth(z), float(jnp.finfo(z.dtype).eps))
        density = (m0 + (m1 - m0) * z) * (1 / _height(a, p, c) - 1 / (c * p)) / a
        return (end - start) * jnp.sum(weights * density, axis=0)

    if c < 1:
        return piece(x0, x)
    middle = jnp.clip(0.5, jnp.minimum(x0, x), jnp.maximum(x0, x))
    return piece(x0, middle) + piece(middle, x)
