"""Random networks: every node voltage agrees with ngspice, free and nudged."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from _networks import Group, draw
from ohmprop import equilibrium, spice

pytestmark = pytest.mark.skipif(not spice.available(), reason="ngspice is not installed")
NETWORKS, SAMPLES = 20, 3  # per group; every group is one shape and one set of element kinds

GROUPS = [
    Group(3, (4,), 2, ("pwl both",)),
    Group(2, (5, 3), 1, ("pwl upper", "pwl lower")),
    Group(3, (6, 4, 3), 2, ("pwl both", "pwl both", "pwl both")),
    Group(2, (4, 3, 3, 2), 1, ("pwl both", "pwl lower", "none", "pwl upper")),
    Group(3, (10, 9), 5, ("pwl both", "pwl both")),
    Group(3, (4,), 2, ("shockley both",)),
    Group(2, (5, 3), 1, ("shockley lower", "shockley upper")),
    Group(2, (4, 3, 3, 2), 1, ("shockley both",) * 4),
    Group(3, (10, 9), 5, ("shockley both", "pwl both")),
    Group(2, (5, 3), 1, ("none", "none")),
    Group(3, (4,), 2, ("clamp",)),
    Group(3, (6, 4, 3), 2, ("clamp", "shockley upper", "clamp")),
    Group(3, (5, 24), 2, ("pwl both", "shockley both")),  # wide: solved by products
]


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
    limit = 1e-6 if "clamp" in group.kinds else 1e-9
    for k in range(NETWORKS):
        network, conductances, inputs, currents = draw(group, rng, SAMPLES)
        free, nudged = _ours(network, conductances, inputs, currents)
        assert free.certificate.passed.all() and nudged.certificate.passed.all(), (k, network)
        injected = [None] * len(group.hidden) + [jnp.concatenate([0 * currents, currents])]
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
