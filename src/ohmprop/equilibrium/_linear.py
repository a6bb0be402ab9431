"""Solves the Newton system of a layered network: symmetric, block tridiagonal, diagonal blocks.

No two nodes of a layer are joined, so the first layer is eliminated by division. Each later layer
then has a small dense Schur complement per sample, factorised as L D L^T: unrolled with the batch
axis last up to 8 nodes, where that is many times faster than a batched Cholesky call. Where a later
layer has more than 20 nodes nothing is factorised: conjugate gradients (see `_conjugate`).
"""

from typing import NamedTuple

import jax.numpy as jnp
import jax.scipy.linalg as jsl
from jaxtyping import Array

from ._conjugate import conjugate, solve_system

_UNROLL = 8  # nodes; compile time grows with the cube
_DENSE = 20  # nodes: ten classes; a Schur complement costs the cube per sample


class Factor(NamedTuple):
    """Eliminated system: reciprocal first diagonal, then a factor for each later layer.

    Those of up to 8 nodes are packed, [n(n+1)/2, b]: L below its diagonal, 1/D on it, row by row.
    """

    first: Array
    rest: tuple[Array, ...]


class Unfactorised(NamedTuple):
    """The system itself, for conjugate gradients."""

    diagonal: tuple[Array, ...]
    stiffness: Array | None


Tangent = Factor | Unfactorised


def is_wide(sizes: tuple[int, ...]) -> bool:
    """Whether layers of `sizes` nodes are too wide to factorise."""
    return max(sizes[1:], default=0) > _DENSE


def _decompose(s: Array) -> Array:
    if s.shape[-1] > _UNROLL:
        return jnp.linalg.cholesky(s)
    n = s.shape[-1]
    a = [[s[:, i, j] for j in range(i + 1)] for i in range(n)]
    reciprocal: list[Array] = []
    for j in range(n):
        reciprocal.append(1.0 / a[j][j])
        for i in range(n - 1, j, -1):
            ratio = a[i][j] * reciprocal[j]
            for k in range(j + 1, i + 1):
                a[i][k] = a[i][k] - ratio * a[k][j]
        for i in range(j + 1, n):
            a[i][j] = a[i][j] * reciprocal[j]
    return jnp.stack([x for i in range(n) for x in (*a[i][:i], reciprocal[i])])


def _apply_inverse(factor: Array, rhs: Array) -> Array:
    """S^-1 rhs for rhs [b, n]."""
    if factor.ndim == 3:
        return jsl.cho_solve((factor, True), rhs[..., None])[..., 0]
    n = rhs.shape[-1]
    lower = [[factor[i * (i + 1) // 2 + j] for j in range(i)] for i in range(n)]
    reciprocal = [factor[i * (i + 3) // 2] for i in range(n)]
    y = [rhs[:, i] for i in range(n)]
    for i in range(n):
        for j in range(i):
            y[i] = y[i] - lower[i][j] * y[j]
    y = [v * r for v, r in zip(y, reciprocal, strict=True)]
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            y[i] = y[i] - lower[j][i] * y[j]
    return jnp.stack(y, axis=-1)


def _apply_inverse_matrix(factor: Array, rhs: Array) -> Array:
    """S^-1 rhs for the same rhs [n, m] in every sample: [b, n, m]."""
    if factor.ndim == 2:
        shape = (factor.shape[1], rhs.shape[0])
        columns = [_apply_inverse(factor, jnp.broadcast_to(c, shape)) for c in rhs.T]
        return jnp.stack(columns, axis=-1)
    return jsl.cho_solve((factor, True), jnp.broadcast_to(rhs, (factor.shape[0], *rhs.shape)))


def factorise(
    diagonal: tuple[Array, ...], couplings: tuple[Array, ...], stiffness: Array | None = None
) -> Tangent:
    """Factor of the matrix with blocks diag(D_l) and -G_l; `stiffness` [b, n, n] adds to the last.

    `diagonal[l]` is [b, n_l], all positive.
    """
    if is_wide(tuple(d.shape[-1] for d in diagonal)):
        return Unfactorised(diagonal, stiffness)
    first = 1.0 / diagonal[0]
    if len(diagonal) == 1:
        if stiffness is None:
            return Factor(first, ())
        eye = jnp.eye(diagonal[0].shape[-1], dtype=first.dtype)
        return Factor(first, (_decompose(diagonal[0][..., None] * eye + stiffness),))
    rest: list[Array] = []
    for l in range(1, len(diagonal)):
        g = couplings[l - 1]
        n = g.shape[1]
        if l == 1:
            outer = (g[:, :, None] * g[:, None, :]).reshape(g.shape[0], n * n)
            fill = (first @ outer).reshape(-1, n, n)
        else:
            fill = jnp.einsum("hi,bhj->bij", g, _apply_inverse_matrix(rest[-1], g))
        schur = diagonal[l][..., None] * jnp.eye(n, dtype=g.dtype) - fill
        if stiffness is not None and l == len(diagonal) - 1:
            schur = schur + stiffness
        rest.append(_decompose(schur))
    return Factor(first, tuple(rest))


def backsolve(
    factor: Tangent, couplings: tuple[Array, ...], rhs: tuple[Array | None, ...]
) -> tuple[Array, ...]:
    """Solution of the factorised system for right-hand sides `rhs[l]` [b, n_l].

    None stands for zero and spares conjugate gradients its products; derivatives need it spelt out.
    """
    if isinstance(factor, Unfactorised):
        diagonal, stiffness = factor
        if any(r is None for r in rhs):
            return conjugate(diagonal, couplings, rhs, stiffness).x
        return solve_system(diagonal, couplings, rhs, stiffness)  # pyright: ignore[reportArgumentType]
    sizes = (*(g.shape[0] for g in couplings), couplings[-1].shape[1] if couplings else 0)
    batch = factor.first.shape[0]
    rhs = tuple(
        jnp.zeros((batch, n), factor.first.dtype) if r is None else r
        for r, n in zip(rhs, sizes, strict=True)
    )
    if not couplings:
        if factor.rest:
            return (_apply_inverse(factor.rest[0], rhs[0]),)
        return (factor.first * rhs[0],)
    forward = [factor.first * rhs[0]]
    for g, block, r in zip(couplings, factor.rest, rhs[1:], strict=True):
        forward.append(_apply_inverse(block, r + forward[-1] @ g))
    solution = [forward[-1]]
    for l in range(len(rhs) - 2, -1, -1):
        feedback = solution[0] @ couplings[l].T
        change = factor.first * feedback if l == 0 else _apply_inverse(factor.rest[l - 1], feedback)
        solution.insert(0, forward[l] + change)
    return tuple(solution)
