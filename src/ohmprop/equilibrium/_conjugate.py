"""Solves the Newton system of a wide layered network by conjugate gradients: products only.

The system is that of `_linear`: blocks diag(D_l) and -G_l, symmetric and positive definite. No two
nodes of a layer are joined, and couplings join neighbouring layers only, so every other layer is
eliminated by division; what is left, the outputs and each second layer before them, is solved by
conjugate gradients with its diagonal as preconditioner. An iteration costs two products per
coupling for the whole batch and nothing of size [b, n, n]; all conductances being positive, one
mode per layer is slow and the rest is gone in a few iterations, whatever the width.

Sources: Hestenes and Stiefel (1952); Golub and Van Loan, Matrix Computations, sec. 11.3, 11.5.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .._core._arrays import ratio

Layers = tuple[Array, ...]
_LIMIT = 500  # iterations


def kept(count: int) -> list[int]:
    """Layers that are iterated on: the outputs and every second layer before them."""
    return list(range((count - 1) % 2, count, 2))


def eliminated(count: int) -> list[int]:
    """Layers that follow from their neighbours by division."""
    return list(range(count % 2, count, 2))


def neighbours(couplings: Layers, x: dict[int, Array], layer: int) -> Array | float:
    """Current that the neighbours' voltages `x` bring to `layer`; 0 where there are none."""
    total = 0.0
    if layer - 1 in x:
        total = x[layer - 1] @ couplings[layer - 1]
    if layer + 1 in x:
        total = total + x[layer + 1] @ couplings[layer].T
    return total


def dot(a: dict, b: dict, weight: Layers | dict | None = None) -> Array:
    """Inner product of two layered vectors, per sample."""
    parts = [a[l] * b[l] if weight is None else a[l] * b[l] * weight[l] for l in a]
    total = jnp.sum(parts[0], axis=-1)
    for part in parts[1:]:
        total = total + jnp.sum(part, axis=-1)
    return total


class Solution(NamedTuple):
    """`x` [b, n_l]; `residual` [b], relative to the currents between layers; `steps` taken."""

    x: Layers
    residual: Array
    steps: Array


class _State(NamedTuple):
    x: dict  # all layers; the rest for those iterated on:
    brought: dict  # current that the other nodes bring at x,
    r: dict  # residual,
    p: dict  # next direction
    rho: Array
    size: Array
    steps: Array


def conjugate(
    diagonal: Layers,
    couplings: Layers,
    rhs: tuple[Array | None, ...],
    stiffness: Array | None = None,
    tol: float | None = None,
) -> Solution:
    """Solution of the system with blocks diag(D_l), -G_l; `stiffness` [b, n, n] adds to the last.

    `diagonal[l]` > 0 and `rhs[l]` are [b, n_l]; a `rhs` of None is zero and spares its products.
    A sample is done when in every layer iterated on, with r the residual and q the current that
    the other nodes bring, sum r^2/D <= tol^2 sum q^2/D: a layer far behind the nudged outputs is
    solved to `tol` of its own small currents. `tol` is 1e-11 in float64, 1e-4 in float32.
    """
    count = len(diagonal)
    own, other, last = kept(count), eliminated(count), count - 1
    inverse = {l: 1.0 / d for l, d in enumerate(diagonal)}
    dtype = diagonal[last].dtype
    tol = (1e-11 if jnp.finfo(dtype).bits == 64 else 1e-4) if tol is None else tol

    def into(layers, x, sources):
        """Currents into `layers` from neighbours at `x` and from `sources`, where any arrive."""
        total = {l: sources.get(l, 0.0) + neighbours(couplings, x, l) for l in layers}
        return {l: i for l, i in total.items() if not isinstance(i, float)}

    def follow(x, sources):
        return {l: inverse[l] * i for l, i in into(other, x, sources).items()}

    def bring(x, y):
        """What the other nodes bring to the layers iterated on: the matrix off its diagonal."""
        total = into(own, y, {})
        if stiffness is not None and last in x:
            total[last] = total.get(last, 0.0) - jnp.einsum("bij,bj->bi", stiffness, x[last])
        return total

    def size(r, brought):
        parts = [
            ratio(dot({l: r[l]}, r, inverse), dot({l: q}, brought, inverse))
            for l, q in brought.items()
        ]
        return jnp.sqrt(jnp.max(jnp.stack(parts), axis=0))

    def step(s: _State):
        y = follow(s.p, {})
        off = bring(s.p, y)
        along = {l: diagonal[l] * s.p[l] - off.get(l, 0.0) for l in own}
        alpha = jnp.where(s.size > tol, ratio(s.rho, dot(s.p, along)), 0.0)
        a = alpha[:, None]
        x = {l: s.x[l] + a * d for l, d in (s.p | y).items()}
        brought = {l: s.brought[l] + a * off.get(l, 0.0) for l in own}
        r = {l: s.r[l] - a * along[l] for l in own}
        rho = dot(r, r, inverse)
        p = {l: inverse[l] * r[l] + ratio(rho, s.rho)[:, None] * s.p[l] for l in own}
        # a direction without curvature is rounding: the sample ends there
        left = jnp.where(alpha > 0, size(r, brought), jnp.minimum(s.size, tol))
        return _State(x, brought, r, p, rho, left, s.steps + 1)

    # from x = b/D the residual is the current the other nodes bring: no large terms cancel, though
    # held nodes carry a diagonal 1e15 times their own
    given = {l: b for l, b in enumerate(rhs) if b is not None}
    y = follow({}, given)
    x = {l: inverse[l] * i for l, i in into(own, y, given).items()}
    behind = follow(x, {})
    residual = bring(x, behind)
    start = x | {l: y.get(l, 0.0) + behind.get(l, 0.0) for l in other}
    batch = next(iter(given.values())).shape[0]
    zero = {l: jnp.zeros((batch, d.shape[-1]), dtype) for l, d in enumerate(diagonal)}
    x = {l: zero[l] + start.get(l, 0.0) for l in zero}
    r = {l: zero[l] + residual.get(l, 0.0) for l in own}
    p = {l: inverse[l] * r[l] for l in own}
    state = _State(x, r, r, p, dot(r, r, inverse), size(r, r), jnp.asarray(0))
    state = jax.lax.while_loop(lambda s: (s.steps < _LIMIT) & jnp.any(s.size > tol), step, state)
    return Solution(tuple(state.x[l] for l in range(count)), state.size, state.steps)


def solve_system(
    diagonal: Layers,
    couplings: Layers,
    rhs: Layers,
    stiffness: Array | None = None,
    tol: float | None = None,
) -> Layers:
    """`conjugate`'s solution, with derivatives in both modes by the symmetry of the system."""

    def product(x):
        near = dict(enumerate(x))
        result = [
            d * v - neighbours(couplings, near, l)
            for (l, v), d in zip(near.items(), diagonal, strict=True)
        ]
        if stiffness is not None:
            result[-1] = result[-1] + jnp.einsum("bij,bj->bi", stiffness, x[-1])
        return tuple(result)

    def solve(_, b):
        return conjugate(diagonal, couplings, b, stiffness, tol).x

    return jax.lax.custom_linear_solve(product, tuple(rhs), solve, symmetric=True)
