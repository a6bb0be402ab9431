"""Newton's method for the equilibrium of a layered network.

KCL in scaled voltages (see `circuit.ScaledCircuit`) is the gradient of a convex co-content, with a
Hessian that is symmetric, block tridiagonal and cheap to factorise (see `_linear`). Piecewise
linear networks end in a handful of undamped active-set steps; exponential diodes shorten their own
steps. The loop ends when the residual certifies every sample, never after a fixed count.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._core import CertificateError
from ..circuit import Network, ShockleyDiode
from ._certificate import Certificate, certify, default_rtol
from ._kcl import HELD, Layers, bounds, diagonals, elements, hold, net_current
from ._linear import backsolve, factorise

_STALLED = 1e3  # times the tolerance: there, a residual that no longer halves is rounding


class Equilibrium(NamedTuple):
    """Settled voltages of the node layers (V, [b, n_l]) with their certificate.

    `change` is the exact difference from the free state for a nudged equilibrium, else None.
    """

    voltages: Layers
    change: Layers | None
    certificate: Certificate
    steps: Array


def newton(network, circuit, start, law, tangent, rtol, max_steps, limits, *, free):
    """Newton's loop, shared by free states and nudges; returns voltages, certificate, steps.

    `law(u)` gives the net current at each node and the magnitudes of its other branch currents,
    `tangent(u)` the Hessian's diagonal and the outputs' stiffness, `limits` the clamps' bounds.
    `free` says that `u` is the state itself, not a change of it: exponentials shorten their steps,
    sources count as branches, and the certificate is exact (a nudge's is stricter, see `certify`).
    """

    def examine(u):
        net, element = law(u)
        pairs = [
            hold(x, r, d, *b) for x, r, d, b in zip(u, net, circuit.diagonal, limits, strict=True)
        ]
        held, target = zip(*pairs, strict=True)
        unmet = tuple(
            jnp.where(h, d * (t - x), r)
            for h, t, x, r, d in zip(held, target, u, net, circuit.diagonal, strict=True)
        )
        element = tuple(
            e + jnp.where(h, jnp.abs(r), 0.0) for e, h, r in zip(element, held, net, strict=True)
        )
        return net, held, target, unmet, element

    def certificate(u, seen, exact):
        return certify(circuit, u, seen[3], seen[4], rtol, fixed_rows=free, exact=exact)

    def move(u, seen):
        net, held, target = seen[:3]
        diagonal, stiffness = tangent(u)
        stiff = tuple(
            jnp.where(h, HELD * d, s)
            for h, d, s in zip(held, circuit.diagonal, diagonal, strict=True)
        )
        rhs = tuple(
            jnp.where(h, HELD * d * (t - x), r)
            for h, d, t, x, r in zip(held, circuit.diagonal, target, u, net, strict=True)
        )
        change = backsolve(factorise(stiff, circuit.couplings, stiffness), circuit.couplings, rhs)
        moved = []
        for x, c, h, t, b, diode, s in zip(
            u, change, held, target, limits, elements(network), circuit.scale, strict=True
        ):
            c = jnp.where(jnp.isfinite(c), c, 0.0)
            c = diode.limit(x * s, c * s) / s if free else c
            moved.append(jnp.where(h, t, jnp.clip(x + c, *b)))
        return tuple(moved)

    def step(carry):
        u, seen, excess, _, count, polish = carry
        polish = jnp.where(jnp.all(excess <= 1), polish - 1, polish)
        u = move(u, seen)
        seen = examine(u)
        after = certificate(u, seen, exact=False).excess
        going = (after > 1) & ~((after < _STALLED) & (after > 0.5 * excess))
        return u, seen, after, jnp.any(going), count + 1, polish

    def unfinished(carry):
        _, _, _, going, count, polish = carry
        return (count < max_steps) & (going | (polish > 0))

    endless = jnp.full(start[0].shape[0], jnp.inf, start[0].dtype)
    polish = 1 if free and _is_curved(network) else 0  # a nudge rests on the digits of its base
    carry = (start, examine(start), endless, jnp.asarray(True), jnp.asarray(0), jnp.asarray(polish))
    u, seen, excess, _, count, _ = jax.lax.while_loop(unfinished, step, carry)
    final = certificate(u, seen, exact=free)
    if not free:  # the loop's own test, so that it is not computed twice
        final = final._replace(passed=excess <= 1, excess=excess)
    return u, final, count


def solve(
    network: Network,
    conductances: Layers,
    inputs: Float[Array, "b f"],
    *,
    rtol: float | None = None,
    max_steps: int = 200,
    differentiable: bool = False,
    throw: bool = False,
) -> Equilibrium:
    """Free equilibrium: the voltages at which KCL holds at every node.

    `conductances`: S, one array per crossbar; `inputs`: V. `rtol` defaults to 1e-10 in float64
    and 1e-5 in float32. With `differentiable`, voltages carry their derivative with respect to
    conductances, inputs and element parameters by the implicit function theorem. With `throw`
    (outside jit), a failed certificate raises `CertificateError`.
    """
    circuit = network.scaled(conductances, inputs)
    rtol = default_rtol(inputs.dtype) if rtol is None else rtol
    settled = jax.lax.stop_gradient(circuit)
    frozen = jax.lax.stop_gradient(network)
    parts = elements(frozen)

    def law(u):
        drawn = [e.current(x * s) / s for e, x, s in zip(parts, u, settled.scale, strict=True)]
        net = net_current(settled, u, settled.sources)
        return tuple(n - i for n, i in zip(net, drawn, strict=True)), tuple(map(jnp.abs, drawn))

    start = tuple(
        jnp.clip(jnp.zeros_like(s), *b)
        for s, b in zip(settled.sources, bounds(frozen, settled), strict=True)
    )
    u, certificate, steps = newton(
        frozen, settled, start, law, lambda u: (diagonals(frozen, settled, u), None), rtol,
        max_steps, bounds(frozen, settled), free=True,
    )  # fmt: skip
    if throw:
        raise_if_failed(certificate)
    if differentiable:
        u = _with_derivative(network, circuit, frozen, settled, u)
    volts = tuple(x * s for x, s in zip(u, circuit.scale, strict=True))
    return Equilibrium(volts, None, certificate, steps)


def _is_curved(network) -> bool:
    return any(isinstance(d, ShockleyDiode) for d in network.diodes)


def _with_derivative(network, circuit, frozen, settled, u):
    """u plus one Newton step whose value is rounding but whose derivative is du/dparameters."""
    net = net_current(circuit, u, circuit.sources)
    drawn = [
        e.current(x * s) / s for e, x, s in zip(elements(network), u, circuit.scale, strict=True)
    ]
    residual = tuple(n - i for n, i in zip(net, drawn, strict=True))
    held = [
        hold(x, jax.lax.stop_gradient(r), d, *b)[0]
        for x, r, d, b in zip(u, residual, settled.diagonal, bounds(frozen, settled), strict=True)
    ]
    moved = []
    for h, r, x, d, e, s in zip(
        held, residual, u, settled.diagonal, elements(network), circuit.scale, strict=True
    ):  # a held node follows its clamp's voltage
        lower, upper = e.bounds()
        bound = jnp.where(h, jnp.where(r > 0, upper, lower), 0.0)
        moved.append(jnp.where(h, HELD * d * (bound / s - x), r))
    residual = tuple(moved)
    diagonal = tuple(
        jnp.where(h, HELD * d, d) for h, d in zip(held, diagonals(frozen, settled, u), strict=True)
    )
    step = backsolve(factorise(diagonal, settled.couplings), settled.couplings, residual)
    return tuple(x + (s - jax.lax.stop_gradient(s)) for x, s in zip(u, step, strict=True))


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
