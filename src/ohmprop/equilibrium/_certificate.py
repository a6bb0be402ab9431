"""The certificate every equilibrium carries: Kirchhoff's current law, recomputed where it ended.

At every node |r| <= rtol * sum |i_b| + 8 eps * sum G_b (|v_a| + |v_b|) over its branches b. At a
clamped node the clamp supplies r, so only r's sign is checked.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from ..circuit import ScaledCircuit


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
        # batch last: the longest axis is then the contiguous one
        flow = jnp.abs(a.T[:, None] - u[l].T[None]) * g[..., None] if exact else None
        total[l] = total[l] + (
            jnp.abs(arriving - leaving) if flow is None else jnp.sum(flow, axis=0).T
        )
        if l:
            n = u[l - 1].shape[-1]
            arriving, leaving = size_u @ g[:n].T, size_a[:, :n] * jnp.sum(g[:n], axis=1)
            rounding[l - 1] = rounding[l - 1] + arriving + leaving
            total[l - 1] = total[l - 1] + (
                jnp.abs(arriving - leaving) if flow is None else jnp.sum(flow[:n], axis=1).T
            )
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
    total, rounding = branch_sums(circuit, u, fixed_rows, exact)
    eps = jnp.finfo(u[0].dtype).eps
    slack, tiny = 8 * eps, jnp.finfo(u[0].dtype).tiny
    # Behind held nodes a nudge's currents vanish: there, what is zero to rounding of the sample's
    # largest current counts as zero.
    largest = jnp.stack([jnp.max(t + e, axis=-1) for t, e in zip(total, element, strict=True)])
    floor = eps * jnp.max(largest, axis=0)[:, None]
    excess, ampere, relative = [], [], []
    for r, t, m, e, s in zip(residual, total, rounding, element, circuit.scale, strict=True):
        size = jnp.abs(r)
        flow = t + e + floor
        tolerance = rtol * flow + slack * (m + e)
        excess.append(jnp.where(size == 0, 0.0, size / jnp.where(tolerance > 0, tolerance, tiny)))
        ampere.append(jnp.max(size * s, axis=-1))
        share = jnp.where(size == 0, 0.0, size / jnp.where(flow > 0, flow, 1.0))
        relative.append(jnp.max(share, axis=-1))
    worst = jnp.stack([jnp.max(x, axis=-1) for x in excess], axis=-1)
    nodes = jnp.stack([jnp.argmax(x, axis=-1) for x in excess], axis=-1)
    layer = jnp.argmax(worst, axis=-1)
    finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(x), axis=-1) for x in u]), axis=0)
    return Certificate(
        passed=finite & (jnp.max(worst, axis=-1) <= 1.0),
        excess=jnp.where(finite, jnp.max(worst, axis=-1), jnp.inf),
        ampere=jnp.max(jnp.stack(ampere), axis=0),
        relative=jnp.max(jnp.stack(relative), axis=0),
        worst_layer=layer,
        worst_node=jnp.take_along_axis(nodes, layer[:, None], axis=-1)[:, 0],
    )
