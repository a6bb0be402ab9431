"""Nudged equilibria, and the response to an infinitesimal nudge.

A nudge is solved in **difference form**: the unknown is the change d = v(beta) - v(0) itself, so
no two nearly equal voltages are ever subtracted. It starts from the linear response, which is
already exact where no diode changes state.
"""

from typing import Protocol

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..circuit import Network
from ._certificate import default_rtol
from ._kcl import HELD, Layers, bounds, diagonals, elements, hold, net_current
from ._linear import backsolve, factorise
from ._newton import System, newton
from ._solve import Equilibrium


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
    d = _linear_response(network, circuit, base, current / circuit.scale[-1])
    return tuple(x * s for x, s in zip(d, circuit.scale, strict=True))


def _linear_response(network, circuit, base: Equilibrium, current: Array) -> Layers:
    """Scaled response to a scaled current at the outputs."""
    factor = base.tangent
    if factor is None:
        u = tuple(v / s for v, s in zip(base.voltages, circuit.scale, strict=True))
        net, limits = net_current(circuit, u, circuit.sources), bounds(network, circuit)
        diagonal = tuple(
            jnp.where(hold(x, r, d, *b)[0], HELD * d, t)
            for x, r, d, b, t in zip(
                u, net, circuit.diagonal, limits, diagonals(network, circuit, u), strict=True
            )
        )
        factor = factorise(diagonal, circuit.couplings)
    rhs = (*(None for _ in base.voltages[:-1]), current)
    return backsolve(factor, circuit.couplings, rhs)


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
    parts, s_out = elements(network), circuit.scale[-1]
    u0 = tuple(v / s for v, s in zip(base.voltages, circuit.scale, strict=True))
    outer = bounds(network, circuit)
    pressed = tuple(  # what a clamp already carries; a free node carries nothing
        jnp.where((x <= b[0]) | (x >= b[1]), r, 0.0)
        for x, r, b in zip(u0, net_current(circuit, u0, circuit.sources), outer, strict=True)
    )

    def law(d):
        injected = nudge.current(d[-1] * s_out) / s_out
        net = net_current(circuit, d, (*pressed[:-1], pressed[-1] + injected))
        drawn = [
            e.difference(x * s, c * s) / s
            for e, x, c, s in zip(parts, u0, d, circuit.scale, strict=True)
        ]
        element = [jnp.abs(i) for i in drawn]
        element[-1] = element[-1] + jnp.abs(injected)
        weight = tuple(
            e.conductance((x + c) * s) * jnp.abs(c)
            for e, x, c, s in zip(parts, u0, d, circuit.scale, strict=True)
        )
        return tuple(n - i for n, i in zip(net, drawn, strict=True)), tuple(element), weight

    def slope(d):
        u = tuple(x + c for x, c in zip(u0, d, strict=True))
        return diagonals(network, circuit, u), nudge.stiffness(d[-1] * s_out)

    limits = bounds(network, circuit, u0)
    still = jnp.zeros_like(base.voltages[-1])
    start = _linear_response(network, circuit, base, nudge.current(still) / s_out)
    system = System(network, circuit, law, slope, limits, base=u0)
    none = tuple(map(jnp.zeros_like, u0))
    start = tuple(
        jnp.where(h, t, x)
        for (h, t), x in zip(system.held(none, law(none)[0]), system.move(none, start), strict=True)
    )
    d, certificate, steps, _ = newton(system, start, rtol, max_steps)
    change = tuple(x * s for x, s in zip(d, circuit.scale, strict=True))
    volts = tuple(v + c for v, c in zip(base.voltages, change, strict=True))
    return Equilibrium(volts, change, certificate, steps)
