"""Kirchhoff's current law of a scaled circuit: currents, slopes and clamps at every node."""

import math

import jax.numpy as jnp
from jaxtyping import Array

from ..circuit import Network, NoDiode, ScaledCircuit

Layers = tuple[Array, ...]
HELD = 1e15  # a held node's conductance, relative to its own: holds it to rounding


def elements(network: Network):
    """Elements per node layer; outputs carry none."""
    return (*network.diodes, NoDiode())


def net_current(circuit: ScaledCircuit, u: Layers, sources: Layers) -> Layers:
    """Current the crossbars and `sources` bring to each node, before diodes and clamps."""
    net = [s - d * x for s, d, x in zip(sources, circuit.diagonal, u, strict=True)]
    for l, g in enumerate(circuit.couplings):
        net[l + 1] = net[l + 1] + u[l] @ g
        net[l] = net[l] + u[l + 1] @ g.T
    return tuple(net)


def _endless(lower, upper) -> bool:
    return isinstance(lower, float) and lower == -math.inf and upper == math.inf


def hold(x, net, diagonal, lower, upper):
    """Nodes their clamp holds, and the voltage it holds them at.

    A node is held where its voltage without the clamp, x + net/D, falls outside the bounds; this is
    the sign test on the current the clamp carries. Without a clamp the answer is a plain False,
    which leaves nothing to compute.
    """
    if _endless(lower, upper):
        return False, x
    free = x + net / diagonal
    above, below = free >= upper, free <= lower
    return above | below, jnp.where(above, upper, jnp.where(below, lower, x))


def unmet(held, target, x, net):
    """Residual of each node: its clamp takes all of it, but only where the node is at its bound."""
    return jnp.where(held & (x == target), 0.0, net)


def bounds(network, circuit, base=None):
    """Clamp bounds per layer in scaled volts; relative to `base` if given."""
    result = []
    for l, (diode, s) in enumerate(zip(elements(network), circuit.scale, strict=True)):
        lower, upper = diode.bounds()
        if not _endless(lower, upper):
            shift = 0.0 if base is None else base[l]
            lower, upper = lower / s - shift, upper / s - shift
        result.append((lower, upper))
    return tuple(result)


def diagonals(network, circuit, u):
    """Diagonal of the Hessian per layer: conductances plus the slope of the diodes."""
    return tuple(
        d + diode.conductance(x * s)
        for d, diode, x, s in zip(
            circuit.diagonal, elements(network), u, circuit.scale, strict=True
        )
    )
