"""Random networks: every node voltage agrees with ngspice, free and nudged."""

from typing import Literal, cast

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop import circuit, equilibrium, spice

pytestmark = pytest.mark.skipif(not spice.available(), reason="ngspice is not installed")
NETWORKS, SAMPLES = 20, 3  # per group; every group is one shape and one set of element kinds
FEWER = {7: 5}  # four exponential layers: ngspice 39 finds no operating point in a third of them

# features, hidden, outputs, kind of each hidden layer
GROUPS = [
    (3, (4,), 2, ("pwl both",)),
    (2, (5, 3), 1, ("pwl upper", "pwl lower")),
    (3, (6, 4, 3), 2, ("pwl both", "pwl both", "pwl both")),
    (2, (4, 3, 3, 2), 1, ("pwl both", "pwl lower", "none", "pwl upper")),
    (3, (10, 9), 5, ("pwl both", "pwl both")),
    (3, (4,), 2, ("shockley both",)),
    (2, (5, 3), 1, ("shockley lower", "shockley upper")),
    (2, (4, 3, 3, 2), 1, ("shockley both",) * 4),
    (3, (10, 9), 5, ("shockley both", "pwl both")),
    (2, (5, 3), 1, ("none", "none")),
    (3, (4,), 2, ("clamp",)),
    (3, (6, 4, 3), 2, ("clamp", "shockley upper", "clamp")),
]


def _diode(kind: str, rng: np.random.Generator):
    name, _, word = kind.partition(" ")
    sides = cast(Literal["upper", "lower", "both"], word)
    if name == "none":
        return circuit.NoDiode()
    if name == "clamp":
        lower = rng.uniform(-0.5, 0.1)
        return circuit.IdealClamp(jnp.array(lower), jnp.array(lower + rng.uniform(0.2, 1)))
    if name == "pwl":
        v_th, r_on = rng.uniform(0, 0.6), 10 ** rng.uniform(-1, 3)
        return circuit.PiecewiseLinearDiode(jnp.array(v_th), jnp.array(r_on), sides)
    i_s, n, v_bias = 10 ** rng.uniform(-14, -7), rng.uniform(1, 2), rng.uniform(-0.2, 0.5)
    return circuit.ShockleyDiode(jnp.array(i_s), jnp.array(n), jnp.array(v_bias), sides)


def _network(group, rng: np.random.Generator):
    features, hidden, outputs, kinds = group
    network = circuit.Network(
        features, hidden, outputs,
        bias=tuple(jnp.array(rng.uniform(-1, 1, k)) for k in (2, *[1] * len(hidden))),
        diodes=tuple(_diode(kind, rng) for kind in kinds),
        amplifiers=tuple(
            circuit.Amplifier(jnp.array(rng.uniform(1, 8)), jnp.array(rng.uniform(-0.3, 0.3)))
            for _ in hidden
        ),
    )  # fmt: skip
    conductances = tuple(jnp.array(10 ** rng.uniform(-7, -2, s)) for s in network.shapes)
    inputs = jnp.array(rng.uniform(-1, 1, (SAMPLES, features)))
    width = network.layers[-1]
    currents = 10 ** rng.uniform(-6, -4, (SAMPLES, width)) * rng.choice([-1, 1], (SAMPLES, width))
    return network, conductances, inputs, jnp.array(currents)


@eqx.filter_jit
def _ours(network, conductances, inputs, currents):
    free = equilibrium.solve(network, conductances, inputs)
    constant = equilibrium.ConstantNudge(currents)
    return free, equilibrium.nudge(network, conductances, inputs, free, constant)


def _twice(x):
    return jnp.concatenate([x, x])


@pytest.mark.parametrize("index", range(len(GROUPS)))
def test_voltages_agree_with_ngspice(index):
    group = GROUPS[index]
    rng = np.random.default_rng(20260 + index)
    limit = 1e-6 if "clamp" in group[3] else 1e-9
    for k in range(FEWER.get(index, NETWORKS)):
        network, conductances, inputs, currents = _network(group, rng)
        free, nudged = _ours(network, conductances, inputs, currents)
        assert free.certificate.passed.all() and nudged.certificate.passed.all(), (k, network)
        injected = [None] * len(group[1]) + [jnp.concatenate([0 * currents, currents])]
        both = equilibrium.solve_ngspice(
            network, conductances, _twice(inputs), currents=injected, rtol=1e-6
        )
        assert both.certificate.passed.all(), (k, both.certificate)
        for ours, theirs in (
            (free.voltages, [v[:SAMPLES] for v in both.voltages]),
            (nudged.voltages, [v[SAMPLES:] for v in both.voltages]),
        ):
            for layer, (a, b) in enumerate(zip(ours, theirs, strict=True)):
                worst = float(jnp.max(jnp.abs(a - b)))
                assert worst <= limit, (k, layer, worst, network)
