"""Random layered networks of a few shapes, so that compiled solvers are shared."""

from typing import Literal, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np

from ohmprop import circuit


class Group(NamedTuple):
    """Sizes and the kind of every hidden layer: `none`, `clamp`, or `pwl` or `shockley` + sides."""

    features: int
    hidden: tuple[int, ...]
    outputs: int
    kinds: tuple[str, ...]


SMALL = [
    Group(2, (4,), 1, ("pwl both",)),
    Group(2, (3, 3), 1, ("shockley both", "pwl both")),
    Group(2, (3,), 1, ("clamp",)),
]


def diode(kind: str, rng: np.random.Generator):
    """An element of that kind with parameters drawn from `rng`."""
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


def draw(group: Group, rng: np.random.Generator, samples: int = 3, decades=(-7.0, -2.0), volts=1.0):
    """(network, conductances, inputs, output currents): gains 1 to 8, S within 10^`decades`."""
    features, hidden, outputs, kinds = group
    low, high = decades
    network = circuit.Network(
        features, hidden, outputs,
        bias=tuple(jnp.array(rng.uniform(-1, 1, k)) for k in (2, *[1] * len(hidden))),
        diodes=tuple(diode(kind, rng) for kind in kinds),
        amplifiers=tuple(
            circuit.Amplifier(jnp.array(rng.uniform(1, 8)), jnp.array(rng.uniform(-0.3, 0.3)))
            for _ in hidden
        ),
    )  # fmt: skip
    conductances = tuple(jnp.array(10 ** rng.uniform(low, high, s)) for s in network.shapes)
    inputs = jnp.array(volts * rng.uniform(-1, 1, (samples, features)))
    width = network.layers[-1]
    currents = 10 ** rng.uniform(-6, -4, (samples, width)) * rng.choice([-1, 1], (samples, width))
    return network, conductances, inputs, jnp.array(currents)


def cast_to(dtype, tree):
    """Every array of `tree` in that precision."""
    return jax.tree.map(lambda a: a.astype(dtype), tree)
