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
from jaxtyping import Array

from ..circuit import Network, NoDiode, PiecewiseLinearDiode, ScaledCircuit, ShockleyDiode
from ._certificate import Excess, conclude, measure
from ._kcl import HELD, Layers, bounds, diagonals, elements, hold, net_current, unmet
from ._linear import Tangent, backsolve, factorise

_STALLED = 1e3  # times the tolerance: there, a residual that no longer halves is rounding


class System(NamedTuple):
    """What Newton's method is to solve: a free state, or the change a nudge causes.

    `law(u)` gives the net current at each node, the magnitudes of its other branch currents and
    what these weigh in rounding, slope times |v|; `slope(u)` the Hessian's diagonal and the
    outputs' stiffness; `limits` the clamps' bounds. `base` is the state that `u` changes, or None
    where `u` is the state itself; only then do sources count as branches, and is the certificate
    exact (a nudge's is stricter, see `measure`).
    """

    network: Network
    circuit: ScaledCircuit
    law: Callable[[Layers], tuple[Layers, Layers, Layers]]
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

    def examine(self, u: Layers, rtol: float) -> tuple[Layers, Excess]:
        """Net current at `u`, and by how much it misses its certificate; see `measure`."""
        net, element, weight = self.law(u)
        residual = tuple(
            unmet(h, t, x, r) for (h, t), x, r in zip(self.held(u, net), u, net, strict=True)
        )
        others = tuple(
            e + jnp.abs(r - rest) for e, r, rest in zip(element, net, residual, strict=True)
        )
        exact = None if self.free else False
        return net, measure(self.circuit, u, residual, others, weight, rtol, self.free, exact)

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

    def step(self, u: Layers, net: Layers) -> tuple[Layers, Tangent]:
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


def newton(system: System, u: Layers, rtol: float, max_steps: int, blind: bool = False):
    """Newton's loop from `u`; returns voltages, certificate, steps and the last factor.

    `blind`: `u` is no guess, and the first step is taken unseen; only then the factor is kept.
    """

    def advance(carry):
        u, net, before, _, count, polish, _ = carry
        polish = jnp.where(jnp.all(before.worst <= 1), polish - 1, polish)
        u, used = system.step(u, net)
        net, after = system.examine(u, rtol)
        stalled = (after.worst < _STALLED) & (after.worst > 0.5 * before.worst)
        going = jnp.any((after.worst > 1) & ~stalled)
        return u, net, after, going, count + 1, polish, used if blind else None

    def unfinished(carry):
        _, _, _, going, count, polish, _ = carry
        return (count < max_steps) & (going | (polish > 0))

    # one step more where laws are curved: estimators of high order need more digits than rtol
    polish = 1 if _is_curved(system.network) else 0
    factor = None
    if blind:
        # The loop's first step is the first of all: its code is compiled once, not twice.
        net = system.law(u)[0]
        shapes = jax.eval_shape(lambda: (system.examine(u, rtol)[1], system.step(u, net)[1]))
        unseen = jax.tree.map(lambda leaf: jnp.full(leaf.shape, jnp.inf, leaf.dtype), shapes)
        excess, factor = unseen
        going = jnp.asarray(True)
    else:
        net, excess = system.examine(u, rtol)
        going = jnp.any(excess.worst > 1)
    carry = (u, net, excess, going, jnp.asarray(0), jnp.asarray(polish), factor)
    u, _, excess, _, count, _, factor = jax.lax.while_loop(unfinished, advance, carry)
    return u, conclude(excess, tuple(x.shape[-1] for x in u)), count, factor


def settle(network: Network, circuit: ScaledCircuit, rtol: float, max_steps: int):
    """Scaled free voltages [b, n_l], certificate, steps, and the factorised Hessian there or None.

    Of piecewise linear diodes alone, the last step's Hessian is that of the state it reached.
    """
    parts, limits = elements(network), bounds(network, circuit)

    def law(u):
        drawn = [e.current(x * s) / s for e, x, s in zip(parts, u, circuit.scale, strict=True)]
        net = net_current(circuit, u, circuit.sources)
        weight = [
            e.conductance(x * s) * jnp.abs(x)
            for e, x, s in zip(parts, u, circuit.scale, strict=True)
        ]
        after = tuple(n - i for n, i in zip(net, drawn, strict=True))
        return after, tuple(map(jnp.abs, drawn)), tuple(weight)

    def slope(u):
        return diagonals(network, circuit, u), None

    system = System(network, circuit, law, slope, limits)
    start = tuple(
        jnp.clip(jnp.zeros_like(s), *b) for s, b in zip(circuit.sources, limits, strict=True)
    )
    u, certificate, steps, factor = newton(system, start, rtol, max_steps, blind=True)
    piecewise = all(isinstance(d, (NoDiode, PiecewiseLinearDiode)) for d in network.diodes)
    return u, certificate, steps, factor if piecewise else None


def _is_curved(network) -> bool:
    return any(isinstance(d, ShockleyDiode) for d in network.diodes)
