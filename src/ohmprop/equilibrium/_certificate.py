"""The certificate every equilibrium carries: Kirchhoff's current law, recomputed where it ended.

At every node |r| <= rtol * sum |i_b| + 8 eps * sum G_b (|v_a| + |v_b|) over its branches b. At a
clamped node the clamp supplies r, so only r's sign is checked.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._core import CertificateError
from ..circuit import ScaledCircuit

_EXACT_PAIRS = 1e6  # sample x branch: up to here |i_b| is summed branch by branch
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


def _exact_sums(a: Array, u: Array, g: Array) -> tuple[Array, Array]:
    """Sum of |i_b| at each column [b, j] and each row [b, i] of a crossbar.

    Small crossbars sum line by line: XLA would store batch x rows x columns, and read it slowly.
    """
    if max(g.shape) > _UNROLL:
        flow = jnp.abs(a[:, :, None] - u[:, None, :]) * g
        return jnp.sum(flow, axis=1), jnp.sum(flow, axis=2)
    columns, rows = jnp.zeros_like(u), jnp.zeros_like(a)
    for i in range(g.shape[0]):
        columns = columns + jnp.abs(a[:, i, None] - u) * g[i]
    for j in range(g.shape[1]):
        rows = rows + jnp.abs(a - u[:, j, None]) * g[:, j]
    return columns, rows


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
        n = u[l - 1].shape[-1] if l else 0
        a = circuit.wordlines(l, u) if fixed_rows else (u[l - 1] if l else u[0][:, :0])
        live, still = g[: a.shape[-1]], jnp.sum(g[a.shape[-1] :], axis=0)
        size_a, size_u = jnp.abs(a), jnp.abs(u[l])
        arrive, leave = size_a @ live, size_u * jnp.sum(g, axis=0)
        back, forth = size_u @ g[:n].T, size_a[:, :n] * jnp.sum(g[:n], axis=1)
        if exact:
            columns, rows = _exact_sums(a, u[l], live)
            columns = columns + size_u * still
        else:
            columns, rows = jnp.abs(arrive - leave), jnp.abs(back - forth)
        total[l] = total[l] + columns
        rounding[l] = rounding[l] + arrive + leave
        if l:
            total[l - 1] = total[l - 1] + rows[:, :n]
            rounding[l - 1] = rounding[l - 1] + back + forth
    return total, rounding


class Excess(NamedTuple):
    """What a certificate is concluded from: |r| over its tolerance [b, nodes], |r| and |r|/sum."""

    ratio: Array
    ampere: Array
    relative: Array

    @property
    def worst(self) -> Array:
        """The largest ratio of each sample [b]; infinite where a voltage is not finite."""
        return _largest(self.ratio)


def measure(
    circuit: ScaledCircuit,
    u: tuple[Array, ...],
    residual: tuple[Array, ...],
    element: tuple[Array, ...],
    weight: tuple[Array, ...],
    rtol: float,
    fixed_rows: bool = True,
    exact: bool | None = None,
) -> Excess:
    """By how much scaled voltages `u`, whose residual is `residual`, exceed their tolerance.

    `element[l]` is the magnitude of the other branch currents at each node (diode, injected),
    which count among the node's branches, and `weight[l]` their G_b |v|. `exact` None: up to 1e6
    pairs of sample and branch. Without it the tolerances are smaller, never larger: what passes
    would pass exactly, at a fraction of the cost.
    """
    if exact is None:
        exact = u[0].shape[0] * sum(g.size for g in circuit.conductances) <= _EXACT_PAIRS
    sums, rounding = branch_sums(circuit, u, fixed_rows, exact)
    rounding = [r + e + w for r, e, w in zip(rounding, element, weight, strict=True)]
    size, other, rounding = (
        jnp.concatenate(x, axis=-1) for x in ([jnp.abs(r) for r in residual], element, rounding)
    )
    eps, tiny = jnp.finfo(size.dtype).eps, jnp.finfo(size.dtype).tiny
    flow = other + jnp.concatenate(sums, axis=-1)
    # Behind held nodes a nudge's currents vanish: there, what is zero to rounding of the sample's
    # largest current counts as zero.
    flow = flow + eps * jnp.max(flow, axis=-1, keepdims=True)
    tolerance = jnp.maximum(rtol * flow + 8 * eps * rounding, tiny)
    scale = jnp.concatenate(
        [jnp.full(x.shape[-1], s, size.dtype) for s, x in zip(circuit.scale, u, strict=True)]
    )
    return Excess(
        size / tolerance,
        _largest(size * scale),
        _largest(size / jnp.maximum(flow, tiny)),
    )


def _largest(x: Array) -> Array:
    """Maximum over the nodes; infinite where one is not a number.

    A compiled maximum may pass over what is not a number, so that is asked for by itself.
    """
    return jnp.where(jnp.any(jnp.isnan(x), axis=-1), jnp.inf, jnp.max(x, axis=-1))


def conclude(excess: Excess, sizes: tuple[int, ...]) -> Certificate:
    """The certificate of layers of `sizes` nodes."""
    worst, node = excess.worst, jnp.argmax(excess.ratio, axis=-1)
    ends = np.cumsum(sizes)
    layer = jnp.searchsorted(ends, node, side="right")
    first = node - jnp.asarray([0, *ends])[layer]
    return Certificate(worst <= 1.0, worst, excess.ampere, excess.relative, layer, first)


def certify(
    circuit: ScaledCircuit,
    u: tuple[Array, ...],
    residual: tuple[Array, ...],
    element: tuple[Array, ...],
    weight: tuple[Array, ...],
    rtol: float,
    fixed_rows: bool = True,
    exact: bool | None = None,
) -> Certificate:
    """Certificate of scaled voltages `u` whose residual is `residual`; see `measure`."""
    excess = measure(circuit, u, residual, element, weight, rtol, fixed_rows, exact)
    return conclude(excess, tuple(x.shape[-1] for x in u))


def raise_if_failed(certificate: Certificate) -> None:
    """Raise `CertificateError` naming the worst sample and node, unless every sample passed."""
    passed = jax.device_get(certificate.passed)
    if passed.all():
        return
    sample = int((~passed).argmax())
    raise CertificateError(
        f"the network did not settle: {int((~passed).sum())} of {passed.size} samples failed; "
        f"sample {sample}: KCL residual {float(certificate.ampere[sample]):.3g} A "
        f"({float(certificate.relative[sample]):.3g} of the node's current) at layer "
        f"{int(certificate.worst_layer[sample])}, node {int(certificate.worst_node[sample])}. "
        "Try float64, larger conductances, or a larger diode r_on."
    )
