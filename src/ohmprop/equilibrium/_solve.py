"""The free equilibrium: by elimination where layers are narrow, by products where they are wide.

Both solvers end when the certificate holds, and both leave behind the Hessian a nudge starts from.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..circuit import Network
from . import _anderson, _newton
from ._certificate import Certificate, default_rtol, raise_if_failed
from ._kcl import HELD, Layers, bounds, diagonals, elements, hold, net_current
from ._linear import Tangent, Unfactorised, backsolve, factorise, is_wide


class Equilibrium(NamedTuple):
    """Settled voltages of the node layers (V, [b, n_l]) with their certificate.

    `change` is the exact difference from the free state for a nudged equilibrium, else None.
    `tangent` is the factorised Hessian at the free state where the solver has it at hand.
    """

    voltages: Layers
    change: Layers | None
    certificate: Certificate
    steps: Array
    tangent: Tangent | None = None


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
    if is_wide(network.layers):
        u, certificate, steps = _anderson.settle(frozen, settled, rtol, max_steps)
        tangent = Unfactorised(_anderson.tangent(frozen, settled, u), None)
    else:
        u, certificate, steps, tangent = _newton.settle(frozen, settled, rtol, max_steps)
    if throw:
        raise_if_failed(certificate)
    if differentiable:
        u = _with_derivative(network, circuit, frozen, settled, u)
    volts = tuple(x * s for x, s in zip(u, circuit.scale, strict=True))
    return Equilibrium(volts, None, certificate, steps, tangent)


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
