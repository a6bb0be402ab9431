"""The certificate every equilibrium carries: Kirchhoff's current law, recomputed where it ended.

At every node |r| <= rtol * sum |i_b| + 8 eps * sum G_b (|v_a| + |v_b|) over its branches b. At a
clamped node the clamp supplies r, so only r's sign is checked.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..circuit import ScaledCircuit


_UNROLL = 40  # rows or columns whose sum is written out


class Certificate(NamedTuple):
    """`passed` [b]; `ampere` and `relative`: the largest |r| in A and |r| / sum |i_b|, per sample.

    `excess` [b]: the largest |r| over its tolerance, at `worst_layer`, `worst_node` [b].
    """

    passed: Array
    excess: Array
    ampere: Array
    relative: Array
    worst_layer: Array
    worst_node: Array


def default_rtol(dtype) -> float:
    """1e-10 in float64, 1e-5 in float32."""
    return 1e-10 if jnp.finfo(dtype).bits == 64 else 1e-5


def _currents(a: Array, u: Array, g: Array, n: int) -> tuple[Array, Array | None]:
    """Sum of |i_b| at each column [b, j], and at each of the first `n` rows [b, n] if any.

    Small crossbars sum line by line: XLA would store batch x rows x columns, and read it slowly.
    """
    rows, columns = g.shape
    if max(rows, columns) > _UNROLL:
        flow = jnp.abs(a[:, :, None] - u[:, None, :]) * g
        return jnp.sum(flow, axis=1), jnp.sum(flow[:, :n], axis=2) if n else None
    across = sum(jnp.abs(a[:, i, None] - u) * g[i] for i in range(rows))
    along = sum(jnp.abs(a[:, :n] - u[:, j, None]) * g[:n, j] for j in range(columns))
    return across, along if n else None  # pyright: ignore[reportReturnType]


def branch_sums(
    circuit: ScaledCircuit, u: tuple[Array, ...], fixed_rows: bool, exact: bool
) -> tuple[list[Array], list[Array]]:
    """Per layer: sum over the crossbar branches at each node of |i_b| and of G (|v_a| + |v_b|).

    With `fixed_rows` false, `u` is a change of voltages, and sources and offsets do not move.
    Without `exact`, |i_b| is summed as its lower bound G ||v_a| - |v_b||, with the sum inside the
    outer bars: matrix products only, and no tensor of batch x rows x columns.
    """
    total = [jnp.zeros_like(x) for x in u]
    rounding = [jnp.zeros_like(x) for x in u]
    for l, g in enumerate(circuit.conductances):
        if fixed_rows:
            a = circuit.wordlines(l, u)
        else:
            still = jnp.zeros_like(circuit.rows[l])
            a = still if l == 0 else jnp.concatenate([u[l - 1], still], axis=-1)
        size_a, size_u = jnp.abs(a), jnp.abs(u[l])
        arriving, leaving = size_a @ g, size_u * jnp.sum(g, axis=0)
        rounding[l] = rounding[l] + arriving + leaving
        if exact:
            across, along = _currents(a, u[l], g, u[l - 1].shape[-1] if l else 0)
        total[l] = total[l] + (across if exact else jnp.abs(arriving - leaving))
        if l:
            n = u[l - 1].shape[-1]
            arriving, leaving = size_u @ g[:n].T, size_a[:, :n] * jnp.sum(g[:n], axis=1)
            rounding[l - 1] = rounding[l - 1] + arriving + leaving
            total[l - 1] = total[l - 1] + (along if exact else jnp.abs(arriving - leaving))
    return total, rounding


def certify(
    circuit: ScaledCircuit,
    u: tuple[Array, ...],
    residual: tuple[Array, ...],
    element: tuple[Array, ...],
    rtol: float,
    fixed_rows: bool = True,
    exact: bool = True,
) -> Certificate:
    """Certificate of scaled voltages `u` whose residual is `residual`.

    `element[l]` is the magnitude of the other branch currents at each node (diode, injected),
    which count among the node's branches. Without `exact` the tolerances are smaller, never larger:
    what passes would pass exactly, at a fraction of the cost.
    """
    sums = branch_sums(circuit, u, fixed_rows, exact)
    # all nodes side by side: XLA then computes the sums once, not again for each use
    flow, rounding, other, size = (
        jnp.concatenate(x, axis=-1) for x in (*sums, element, [jnp.abs(r) for r in residual])
    )
    eps, tiny = jnp.finfo(flow.dtype).eps, jnp.finfo(flow.dtype).tiny
    flow = flow + other
    # Behind held nodes a nudge's currents vanish: there, what is zero to rounding of the sample's
    # largest current counts as zero.
    flow = flow + eps * jnp.max(flow, axis=-1, keepdims=True)
    tolerance = jnp.maximum(rtol * flow + 8 * eps * (rounding + other), tiny)
    excess = size / tolerance  # NaN if any voltage is not finite
    worst = jnp.max(excess, axis=-1)
    volts = jnp.concatenate([jnp.broadcast_to(s, x.shape[-1:]) for s, x in zip(circuit.scale, u)])
    node = jnp.argmax(excess, axis=-1)
    ends = np.cumsum([x.shape[-1] for x in u])
    layer = jnp.searchsorted(ends, node, side="right")
    return Certificate(
        passed=worst <= 1.0,
        excess=jnp.where(jnp.isnan(worst), jnp.inf, worst),
        ampere=jnp.max(size * volts.astype(size.dtype), axis=-1),
        relative=jnp.max(size / jnp.maximum(flow, tiny), axis=-1),
        worst_layer=layer,
        worst_node=node - jnp.concatenate([jnp.zeros(1, ends.dtype), ends])[layer],
    )
