"""Newton's method for the equilibrium of a layered network, free and nudged.

KCL in scaled voltages (see `circuit.ScaledCircuit`) is the gradient of a convex co-content, with a
Hessian that is symmetric, block tridiagonal and cheap to factorise (see `_linear`). Piecewise
linear networks end in a handful of undamped active-set steps; exponential diodes shorten their own
steps. The loop ends when the residual certifies every sample, never after a fixed count.

A nudge is solved in **difference form**: the unknown is the change d = v(beta) - v(0) itself, so
no two nearly equal voltages are ever subtracted. Where no diode changes state, the first step
is already exact.
"""

from typing import NamedTuple, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._core import CertificateError
from ..circuit import Network, NoDiode, ScaledCircuit, ShockleyDiode
from ._certificate import Certificate, certify, default_rtol
from ._linear import backsolve, factorise

_HELD = 1e15  # a held node's conductance, relative to its own: holds it to rounding
Layers = tuple[Array, ...]


class Equilibrium(NamedTuple):
    """Settled voltages of the node layers (V, [b, n_l]) with their certificate.

    `change` is the exact difference from the free state for a nudged equilibrium, else None.
    """

    voltages: Layers
    change: Layers | None
    certificate: Certificate
    steps: Array


class Nudge(Protocol):
    """Current injected at the output nodes as a function of their change d (V)."""

    def current(self, d: Float[Array, "b n"]) -> Float[Array, "b n"]: ...

    def stiffness(self, d: Float[Array, "b n"]) -> Float[Array, "b n n"] | None: ...


class ConstantNudge(eqx.Module):
    """Constant currents (A, [b, n]) at the output nodes: what hardware injects."""

    value: Float[Array, "b n"]

    def current(self, d):
        """The currents, whatever the change `d`."""
        del d
        return self.value

    def stiffness(self, d):
        """None: the currents do not depend on the voltages."""
        del d


def _elements(network: Network):
    return (*network.diodes, NoDiode())


def _net_current(circuit: ScaledCircuit, u: Layers, sources: Layers) -> Layers:
    """Current the crossbars and `sources` bring to each node, before diodes and clamps."""
    net = [s - d * x for s, d, x in zip(sources, circuit.diagonal, u, strict=True)]
    for l, g in enumerate(circuit.couplings):
        net[l + 1] = net[l + 1] + u[l] @ g
        net[l] = net[l] + u[l + 1] @ g.T
    return tuple(net)


def _hold(x, net, diagonal, lower, upper):
    """Nodes their clamp holds, and the voltage it holds them at.

    A node is held where its voltage without the clamp, x + net/D, falls outside the bounds; this is
    the sign test on the current the clamp carries.
    """
    free = x + net / diagonal
    above, below = free >= upper, free <= lower
    return above | below, jnp.where(above, upper, jnp.where(below, lower, x))


def _newton(network, circuit, start, law, tangent, rtol, max_steps, fixed_rows, bounds, polish):
    """Shared Newton loop; `law` gives (net, element magnitudes), `tangent` the diagonals."""

    def state_of(u):
        net, element = law(u)
        held, target = zip(
            *(
                _hold(x, r, d, *b)
                for x, r, d, b in zip(u, net, circuit.diagonal, bounds, strict=True)
            ),
            strict=True,
        )
        unmet = tuple(
            jnp.where(h, d * (t - x), r)
            for h, t, x, r, d in zip(held, target, u, net, circuit.diagonal, strict=True)
        )
        element = tuple(
            e + jnp.where(h, jnp.abs(r), 0.0) for e, h, r in zip(element, held, net, strict=True)
        )
        return net, held, target, certify(circuit, u, unmet, element, rtol, fixed_rows)

    def step(carry):
        u, (net, held, target, before), count, extra = carry
        diagonal, stiffness = tangent(u)
        stiff = tuple(
            jnp.where(h, _HELD * d, s)
            for h, d, s in zip(held, circuit.diagonal, diagonal, strict=True)
        )
        rhs = tuple(
            jnp.where(h, _HELD * d * (t - x), r)
            for h, d, t, x, r in zip(held, circuit.diagonal, target, u, net, strict=True)
        )
        change = backsolve(factorise(stiff, circuit.couplings, stiffness), circuit.couplings, rhs)
        moved = []
        for x, c, h, t, b, diode, s in zip(
            u, change, held, target, bounds, _elements(network), circuit.scale, strict=True
        ):
            c = jnp.where(jnp.isfinite(c), c, 0.0)
            c = diode.limit(x * s, c * s) / s if fixed_rows else c
            moved.append(jnp.where(h, t, jnp.clip(x + c, *b)))
        u = tuple(moved)
        extra = jnp.where(jnp.all(before.passed), extra - 1, extra)
        return u, state_of(u), count + 1, extra

    def unfinished(carry):
        _, (_, _, _, certificate), count, extra = carry
        return (count < max_steps) & (~jnp.all(certificate.passed) | (extra > 0))

    first = (start, state_of(start), jnp.asarray(0), jnp.asarray(1 if polish else 0))
    u, (_, _, _, certificate), count, _ = jax.lax.while_loop(unfinished, step, first)
    return u, certificate, count


def _bounds(network, circuit, base=None):
    """Clamp bounds per layer in scaled volts; relative to `base` if given."""
    bounds = []
    for l, (diode, s) in enumerate(zip(_elements(network), circuit.scale, strict=True)):
        lower, upper = diode.bounds()
        shift = 0.0 if base is None else base[l]
        bounds.append((lower / s - shift, upper / s - shift))
    return tuple(bounds)


def _diagonals(network, circuit, u):
    return tuple(
        d + diode.conductance(x * s)
        for d, diode, x, s in zip(
            circuit.diagonal, _elements(network), u, circuit.scale, strict=True
        )
    )


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
    elements = _elements(frozen)

    def law(u):
        drawn = [e.current(x * s) / s for e, x, s in zip(elements, u, settled.scale, strict=True)]
        net = _net_current(settled, u, settled.sources)
        return tuple(n - i for n, i in zip(net, drawn, strict=True)), tuple(map(jnp.abs, drawn))

    start = tuple(
        jnp.clip(jnp.zeros_like(s), *b)
        for s, b in zip(settled.sources, _bounds(frozen, settled), strict=True)
    )
    u, certificate, steps = _newton(
        frozen, settled, start, law, lambda u: (_diagonals(frozen, settled, u), None), rtol,
        max_steps, True, _bounds(frozen, settled), _is_curved(network),
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
    net = _net_current(circuit, u, circuit.sources)
    drawn = [
        e.current(x * s) / s
        for e, x, s in zip(_elements(network), u, circuit.scale, strict=True)
    ]
    residual = tuple(n - i for n, i in zip(net, drawn, strict=True))
    held = [
        _hold(x, jax.lax.stop_gradient(r), d, *b)[0]
        for x, r, d, b in zip(
            u, residual, settled.diagonal, _bounds(frozen, settled), strict=True
        )
    ]
    residual = tuple(jnp.where(h, 0.0, r) for h, r in zip(held, residual, strict=True))
    diagonal = tuple(
        jnp.where(h, _HELD * d, d)
        for h, d in zip(held, _diagonals(frozen, settled, u), strict=True)
    )
    step = backsolve(factorise(diagonal, settled.couplings), settled.couplings, residual)
    return tuple(x + (s - jax.lax.stop_gradient(s)) for x, s in zip(u, step, strict=True))


def respond(
    network: Network,
    conductances: Layers,
    inputs: Float[Array, "b f"],
    base: Equilibrium,
    current: Float[Array, "b n"],
) -> Layers:
    """Linear response dv/dbeta (V) of every layer to `current` (A) at the outputs, at `base`.

    One solve with the equilibrium's own Jacobian: the limit beta -> 0 of every nudge.
    """
    circuit = network.scaled(conductances, inputs)
    u = tuple(v / s for v, s in zip(base.voltages, circuit.scale, strict=True))
    net = _net_current(circuit, u, circuit.sources)
    bounds = _bounds(network, circuit)
    diagonal = tuple(
        jnp.where(_hold(x, r, d, *b)[0], _HELD * d, t)
        for x, r, d, b, t in zip(
            u, net, circuit.diagonal, bounds, _diagonals(network, circuit, u), strict=True
        )
    )
    rhs = tuple(jnp.zeros_like(x) for x in u[:-1]) + (current / circuit.scale[-1],)
    d = backsolve(factorise(diagonal, circuit.couplings), circuit.couplings, rhs)
    return tuple(x * s for x, s in zip(d, circuit.scale, strict=True))


def nudge(
    network: Network,
    conductances: Layers,
    inputs: Float[Array, "b f"],
    base: Equilibrium,
    nudge: Nudge,
    *,
    rtol: float | None = None,
    max_steps: int = 200,
) -> Equilibrium:
    """Nudged equilibrium as the exact change from `base`, at any strength and in any precision.

    `change` [b, n_l] in V solves G-Laplacian d + i_d(v0 + d) - i_d(v0) = nudge current.
    """
    circuit = network.scaled(conductances, inputs)
    rtol = default_rtol(inputs.dtype) if rtol is None else rtol
    elements, s_out = _elements(network), circuit.scale[-1]
    u0 = tuple(v / s for v, s in zip(base.voltages, circuit.scale, strict=True))
    outer = _bounds(network, circuit)
    pressed = tuple(  # what a clamp already carries; a free node carries nothing
        jnp.where((x <= b[0]) | (x >= b[1]), r, 0.0)
        for x, r, b in zip(u0, _net_current(circuit, u0, circuit.sources), outer, strict=True)
    )

    def law(d):
        injected = nudge.current(d[-1] * s_out) / s_out
        net = _net_current(circuit, d, (*pressed[:-1], pressed[-1] + injected))
        drawn = [
            e.difference(x * s, c * s) / s
            for e, x, c, s in zip(elements, u0, d, circuit.scale, strict=True)
        ]
        element = [jnp.abs(i) for i in drawn]
        element[-1] = element[-1] + jnp.abs(injected)
        return tuple(n - i for n, i in zip(net, drawn, strict=True)), tuple(element)

    def tangent(d):
        u = tuple(x + c for x, c in zip(u0, d, strict=True))
        return _diagonals(network, circuit, u), nudge.stiffness(d[-1] * s_out)

    start = tuple(jnp.zeros_like(x) for x in u0)
    d, certificate, steps = _newton(
        network, circuit, start, law, tangent, rtol, max_steps, False,
        _bounds(network, circuit, u0), False,
    )  # fmt: skip
    change = tuple(x * s for x, s in zip(d, circuit.scale, strict=True))
    volts = tuple(v + c for v, c in zip(base.voltages, change, strict=True))
    return Equilibrium(volts, change, certificate, steps)


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
