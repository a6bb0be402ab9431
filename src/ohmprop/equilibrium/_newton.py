"""Newton's method for the equilibrium of a layered network.

KCL in scaled voltages (see `circuit.ScaledCircuit`) is the gradient of a convex co-content, with a
Hessian that is symmetric, block tridiagonal and cheap to factorise (see `_linear`). Piecewise
linear networks end in a handful of undamped active-set steps; exponential diodes shorten their own
steps. The loop ends when the residual certifies every sample, never after a fixed count.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..circuit import Network, NoDiode, PiecewiseLinearDiode, ScaledCircuit, ShockleyDiode
from ._certificate import Certificate, Excess, conclude, default_rtol, measure, raise_if_failed
from ._kcl import HELD, Layers, bounds, diagonals, elements, hold, net_current
from ._linear import Factor, backsolve, factorise

_STALLED = 1e3  # times the tolerance: there, a residual that no longer halves is rounding
_PIECEWISE = (NoDiode, PiecewiseLinearDiode)


class Equilibrium(NamedTuple):
    """Settled voltages of the node layers (V, [b, n_l]) with their certificate.

    `change` is the exact difference from the free state for a nudged equilibrium, else None.
    `tangent` is the factorised Hessian at the free state where the solver has it at hand.
    """

    voltages: Layers
    change: Layers | None
    certificate: Certificate
    steps: Array
    tangent: Factor | None = None


class System(NamedTuple):
    """What Newton's method is to solve: a free state, or the change a nudge causes.

    `law(u)` gives the net current at each node and the magnitudes of its other branch currents,
    `slope(u)` the Hessian's diagonal and the outputs' stiffness, `limits` the clamps' bounds.
    `base` is the state that `u` changes, or None where `u` is the state itself; only then do
    sources count as branches, and is the certificate exact (a nudge's is stricter, see `measure`).
    """

    network: Network
    circuit: ScaledCircuit
    law: Callable[[Layers], tuple[Layers, Layers]]
    slope: Callable[[Layers], tuple[Layers, Array | None]]
    limits: tuple
    base: Layers | None = None

    @property
    def free(self) -> bool:
        """Whether `u` is a state, not a change of one."""
        return self.base is None

    def held(self, u: Layers, net: Layers) -> list[tuple]:
        """For each layer: which nodes their clamp holds, and at what voltage."""
        return [
            hold(x, r, d, *b)
            for x, r, d, b in zip(u, net, self.circuit.diagonal, self.limits, strict=True)
        ]

    def excess(self, u: Layers, net: Layers, element: Layers, rtol: float) -> Excess:
        """By how much `u` misses its certificate, given `law(u)`; see `measure`."""
        unmet, others = [], []
        for (h, t), x, r, e, d in zip(
            self.held(u, net), u, net, element, self.circuit.diagonal, strict=True
        ):
            unmet.append(jnp.where(h, d * (t - x), r))
            others.append(e + jnp.where(h, jnp.abs(r), 0.0))
        exact = None if self.free else False
        return measure(self.circuit, u, tuple(unmet), tuple(others), rtol, self.free, exact)

    def move(self, u: Layers, change: Layers) -> Layers:
        """`u` after `change`, which exponentials shorten and clamps bound."""
        moved = []
        for l, (x, c, b, diode, s) in enumerate(
            zip(u, change, self.limits, elements(self.network), self.circuit.scale, strict=True)
        ):
            volts = (x if self.base is None else self.base[l] + x) * s
            c = diode.limit(volts, jnp.where(jnp.isfinite(c), c, 0.0) * s) / s
            moved.append(jnp.clip(x + c, *b))
        return tuple(moved)

    def step(self, u: Layers, net: Layers) -> tuple[Layers, Factor]:
        """One Newton step from `u`, and the factorised Hessian it used."""
        couplings = self.circuit.couplings
        diagonal, stiffness = self.slope(u)
        stiff, rhs = [], []
        held = self.held(u, net)
        for (h, t), x, r, d, s in zip(held, u, net, self.circuit.diagonal, diagonal, strict=True):
            stiff.append(jnp.where(h, HELD * d, s))
            rhs.append(jnp.where(h, HELD * d * (t - x), r))
        factor = factorise(tuple(stiff), couplings, stiffness)
        moved = self.move(u, backsolve(factor, couplings, tuple(rhs)))
        return tuple(jnp.where(h, t, x) for (h, t), x in zip(held, moved, strict=True)), factor


def newton(system: System, u: Layers, factor: Factor, rtol: float, max_steps: int):
    """Newton's loop from `u`; returns voltages, certificate, steps and the last factor."""

    def examine(u):
        net, element = system.law(u)
        return net, system.excess(u, net, element, rtol)

    def advance(carry):
        u, net, before, _, count, polish, _ = carry
        polish = jnp.where(jnp.all(before.worst <= 1), polish - 1, polish)
        u, factor = system.step(u, net)
        net, after = examine(u)
        stalled = (after.worst < _STALLED) & (after.worst > 0.5 * before.worst)
        going = jnp.any((after.worst > 1) & ~stalled)
        return u, net, after, going, count + 1, polish, factor

    def unfinished(carry):
        _, _, _, going, count, polish, _ = carry
        return (count < max_steps) & (going | (polish > 0))

    # one step more where laws are curved: estimators of high order need more digits than rtol
    polish = 1 if _is_curved(system.network) else 0
    net, excess = examine(u)
    going = jnp.any(excess.worst > 1)
    carry = (u, net, excess, going, jnp.asarray(0), jnp.asarray(polish), factor)
    u, _, excess, _, count, _, factor = jax.lax.while_loop(unfinished, advance, carry)
    return u, conclude(excess, tuple(x.shape[-1] for x in u)), count, factor


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
    parts, limits = elements(frozen), bounds(frozen, settled)

    def law(u):
        drawn = [e.current(x * s) / s for e, x, s in zip(parts, u, settled.scale, strict=True)]
        net = net_current(settled, u, settled.sources)
        return tuple(n - i for n, i in zip(net, drawn, strict=True)), tuple(map(jnp.abs, drawn))

    def slope(u):
        return diagonals(frozen, settled, u), None

    system = System(frozen, settled, law, slope, limits)
    start = tuple(
        jnp.clip(jnp.zeros_like(s), *b) for s, b in zip(settled.sources, limits, strict=True)
    )
    first, factor = system.step(start, law(start)[0])
    u, certificate, steps, factor = newton(system, first, factor, rtol, max_steps - 1)
    if throw:
        raise_if_failed(certificate)
    if differentiable:
        u = _with_derivative(network, circuit, frozen, settled, u)
    volts = tuple(x * s for x, s in zip(u, circuit.scale, strict=True))
    # of piecewise linear diodes alone, the last step's Hessian is that of the state it reached
    last = factor if all(isinstance(d, _PIECEWISE) for d in network.diodes) else None
    return Equilibrium(volts, None, certificate, steps + 1, last)


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
