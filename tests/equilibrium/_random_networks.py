"""Random networks of a few shapes, so that compiled solvers are shared."""

import jax.numpy as jnp
import numpy as np

from ohmprop import circuit

KINDS = {
    "pwl": lambda r: circuit.PiecewiseLinearDiode(
        jnp.array(r.uniform(0.05, 0.5)), jnp.array(10 ** r.uniform(0, 3))
    ),
    "shockley": lambda r: circuit.ShockleyDiode(
        jnp.array(10 ** r.uniform(-14, -8)), jnp.array(r.uniform(1, 2)), jnp.array(0.1)
    ),
    "clamp": lambda r: circuit.IdealClamp(jnp.array(-0.1), jnp.array(r.uniform(0.1, 0.6))),
}
SHAPES = [(2, (4,), 1, ("pwl",)), (2, (3, 3), 1, ("shockley", "pwl")), (2, (3,), 1, ("clamp",))]


def network(shape, seed: int, samples: int = 4):
    """(network, conductances, inputs, output currents) with values drawn from `seed`."""
    features, hidden, outputs, kinds = shape
    r = np.random.default_rng(seed)
    built = circuit.Network(
        features, hidden, outputs,
        bias=tuple(jnp.array(r.uniform(-1, 1, 1)) for _ in (*hidden, 0)),
        diodes=tuple(KINDS[k](r) for k in kinds),
        amplifiers=tuple(
            circuit.Amplifier(jnp.array(r.uniform(1, 8)), jnp.array(r.uniform(-0.2, 0.2)))
            for _ in hidden
        ),
    )  # fmt: skip
    conductances = tuple(jnp.array(10 ** r.uniform(-6, -2, s)) for s in built.shapes)
    inputs = jnp.array(r.uniform(-1, 1, (samples, features)))
    currents = jnp.array(r.uniform(-1e-4, 1e-4, (samples, built.layers[-1])))
    return built, conductances, inputs, currents
