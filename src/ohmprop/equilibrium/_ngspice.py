"""ngspice as a second solver, behind the interface of the first.

Its voltages are not trusted either: the same certificate is recomputed from them, at an `rtol`
that suits the precision ngspice works to.
"""

import os
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from ..circuit import Network
from ..spice import operating_points
from ._certificate import Certificate, certify, raise_if_failed
from ._kcl import bounds, elements, hold, net_current
from ._solve import Equilibrium

Layers = tuple[Array, ...]


def certify_voltages(
    network: Network,
    conductances: Layers,
    inputs: Float[Array, "b f"],
    voltages: Layers,
    *,
    currents: Sequence[Array | None] | None = None,
    rtol: float = 1e-6,
) -> Certificate:
    """KCL certificate of node voltages (V, [b, n_l]) from anywhere: a simulator or a measurement.

    `currents`: for each node layer amperes [b, n_l] into the nodes, or None. See `Certificate`.
    """
    circuit = network.scaled(conductances, inputs)
    parts, limits = elements(network), bounds(network, circuit)
    u = tuple(v / s for v, s in zip(voltages, circuit.scale, strict=True))
    injected = [
        jnp.zeros_like(x) if c is None else jnp.asarray(c, x.dtype) / s
        for x, c, s in zip(u, currents or [None] * len(u), circuit.scale, strict=True)
    ]
    sources = tuple(b + i for b, i in zip(circuit.sources, injected, strict=True))
    drawn = [e.current(x * s) / s for e, x, s in zip(parts, u, circuit.scale, strict=True)]
    net = net_current(circuit, u, sources)
    residual, element = [], []
    for x, r, d, b, i, c in zip(u, net, circuit.diagonal, limits, drawn, injected, strict=True):
        held, target = hold(x, r - i, d, *b)
        residual.append(jnp.where(held, d * (target - x), r - i))
        element.append(jnp.abs(i) + jnp.abs(c) + jnp.where(held, jnp.abs(r - i), 0.0))
    weight = tuple(
        e.conductance(x * s) * jnp.abs(x) for e, x, s in zip(parts, u, circuit.scale, strict=True)
    )
    return certify(circuit, u, tuple(residual), tuple(element), weight, rtol)


_certify = eqx.filter_jit(certify_voltages)


def solve_ngspice(
    network: Network,
    conductances: Layers,
    inputs: Float[Array, "b f"],
    *,
    currents: Sequence[ArrayLike | None] | None = None,
    base: Equilibrium | None = None,
    rtol: float | None = None,
    throw: bool = False,
    options: dict[str, float] | None = None,
    binary: str | os.PathLike[str] | None = None,
    keep_dir: str | os.PathLike[str] | None = None,
    timeout: float = 600.0,
) -> Equilibrium:
    """Equilibrium by ngspice, one process for the whole batch; not for use inside jit.

    `conductances`: S, one array per crossbar; `inputs`: V; `currents`: for each node layer amperes
    [b, n_l] into the nodes, or None. With `base`, `change` is the difference of the two solutions
    (by subtraction, so a small nudge drowns in rounding; `nudge` solves for it directly). The
    certificate is that of `solve`, at `rtol` (1e-6 unless given); with `throw` a failed one raises
    `CertificateError`. `steps` is -1: ngspice does not report it. `options` to `timeout`: see
    `ohmprop.spice.operating_points`.

    Raises `SpiceMissing` without ngspice and `SpiceError` when it finds no operating point.
    """
    points = operating_points(
        network, [np.asarray(g) for g in conductances], np.asarray(inputs), currents, options,
        binary=binary, keep_dir=keep_dir, timeout=timeout,
    )  # fmt: skip
    voltages = tuple(jnp.asarray(v) for v in points)
    injected = None
    if currents is not None:
        injected = [c if c is None else jnp.asarray(c) for c in currents]
    certificate = _certify(
        network, conductances, inputs, voltages, currents=injected,
        rtol=1e-6 if rtol is None else rtol,
    )  # fmt: skip
    if throw:
        raise_if_failed(certificate)
    change = None
    if base is not None:
        change = tuple(v - v0 for v, v0 in zip(voltages, base.voltages, strict=True))
    return Equilibrium(voltages, change, certificate, jnp.asarray(-1))
