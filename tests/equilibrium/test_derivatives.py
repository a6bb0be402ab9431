"""Derivatives by the implicit function theorem against central differences, away from kinks."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from _networks import SMALL, cast_to, draw
from ohmprop import equilibrium
from ohmprop.circuit import PiecewiseLinearDiode


@eqx.filter_jit
def _loss(parameters, weights):
    net, g, x = parameters
    eq = equilibrium.solve(net, g, x, differentiable=True, rtol=1e-13)
    return sum(jnp.sum(w * v) for w, v in zip(weights, eq.voltages, strict=True))


_gradient = eqx.filter_jit(jax.grad(_loss))


@pytest.mark.parametrize("group", SMALL)
def test_gradient_against_central_differences(group):
    net, g, x, _ = draw(group, np.random.default_rng(11))
    rng = np.random.default_rng(2)
    weights = tuple(jnp.array(rng.normal(size=(len(x), n))) for n in net.layers)
    parameters = cast_to(jnp.float64, (net, g, x))  # none weakly typed: moved, the same program
    gradient = _gradient(parameters, weights)
    leaves, tree = jax.tree.flatten(parameters)
    slopes = jax.tree.leaves(gradient)
    assert len(leaves) == len(slopes)
    size = 0.0
    for i, (leaf, slope) in enumerate(zip(leaves, slopes, strict=True)):
        if leaf.size == 0:
            continue
        direction = leaf * jnp.array(rng.uniform(0.5, 1.5, leaf.shape))  # relative step
        h = 1e-5

        def at(t, i=i, leaf=leaf, direction=direction):
            moved = [*leaves[:i], leaf + t * direction, *leaves[i + 1 :]]
            return float(_loss(jax.tree.unflatten(tree, moved), weights))

        numeric = (at(h) - at(-h)) / (2 * h)
        exact = float(jnp.sum(slope * direction))
        assert exact == pytest.approx(numeric, rel=1e-5, abs=1e-7), (i, leaf.shape)
        size = max(size, abs(exact))
    assert size > 1e-2


def test_gradient_with_respect_to_threshold():
    net, g, x, _ = draw(SMALL[0], np.random.default_rng(12))
    x = 3 * x
    weights = tuple(jnp.ones((len(x), n)) for n in net.layers)

    def at(v_th):
        return _loss((eqx.tree_at(lambda n: n.diodes[0].v_th, net, v_th), g, x), weights)

    diode = net.diodes[0]
    assert isinstance(diode, PiecewiseLinearDiode)
    v_th = diode.v_th
    numeric = (at(v_th + 1e-6) - at(v_th - 1e-6)) / 2e-6
    assert abs(numeric) > 1e-2
    assert float(jax.grad(at)(v_th)) == pytest.approx(float(numeric), rel=1e-6)
