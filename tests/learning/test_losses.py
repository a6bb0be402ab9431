"""Losses against automatic differentiation, and eq. 9's bounds."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _circuits import PIECEWISE, circuit, energy

from ohmprop import equilibrium
from ohmprop._core import BadInput
from ohmprop.circuit import NoDiode
from ohmprop.learning import LOSSES, accuracy, make_loss
from ohmprop.learning._estimators import CostNudge

RNG = np.random.default_rng(3)
Y = jnp.asarray(RNG.uniform(-0.4, 0.4, (5, 3)))
T = jnp.asarray(np.where(np.arange(3) == RNG.integers(0, 3, (5, 1)), 0.5, -0.5))


@pytest.mark.parametrize("name", LOSSES)
def test_slope_and_hessian_differentiate_the_cost(name):
    loss = make_loss(name, logit_scale=0.15)
    slope = jax.vmap(jax.grad(loss.cost))(Y, T)
    np.testing.assert_allclose(loss.slope(Y, T), slope, rtol=1e-12, atol=1e-13)
    hessian = jax.vmap(jax.hessian(loss.cost))(Y, T)
    np.testing.assert_allclose(loss.hessian(Y, T), hessian, rtol=1e-11, atol=1e-12)
    dy = 0.1 * Y[::-1]
    change = loss.slope(Y + dy, T) - loss.slope(Y, T)
    np.testing.assert_allclose(loss.slope_change(Y, T, dy), change, rtol=1e-12, atol=1e-14)


def test_costs_by_hand():
    y, t = np.asarray(Y), np.asarray(T)
    z, p = y / 0.1, t > 0
    squared = ((y - t) ** 2).sum(1) / 2
    logistic = np.where(p, np.log1p(np.exp(-z)), np.log1p(np.exp(z))).sum(1)
    softmax = -np.log((np.exp(z) * p).sum(1) / np.exp(z).sum(1))
    for name, cost, share in (
        ("mse", squared, 3), ("bce", logistic, 3), ("cross_entropy", softmax, 1),
    ):  # fmt: skip
        loss = make_loss(name)
        np.testing.assert_allclose(loss.cost(Y, T), cost, rtol=1e-10)
        np.testing.assert_allclose(loss.report(Y, T), cost.mean() / share, rtol=1e-10)


def test_unknown_loss_is_bad_input():
    with pytest.raises(BadInput, match="mse"):
        make_loss("mes")


@eqx.filter_jit
def settle(bench, loss, g, inputs, targets, beta):
    free = equilibrium.solve(bench.network, g, inputs)
    y = bench.network.predict(free.voltages[-1])
    push = CostNudge(beta, loss, bench, y, targets)
    nudged = equilibrium.nudge(bench.network, g, inputs, free, push)
    return free.voltages, nudged.voltages, nudged.certificate.passed


@pytest.mark.parametrize("name", ["mse", "bce"])
@pytest.mark.parametrize("diode", [NoDiode(), PIECEWISE], ids=["ohmic", "piecewise"])
def test_nudged_energies_bound_the_cost(name, diode):
    """L_beta <= C <= L_-beta (eq. 9), L_beta = [E(s_b) + w C(s_b) - E(s_0)] / w, w = beta/S^2."""
    bench, g, inputs, targets = circuit(diode, (3, 2))
    network, loss = bench.network, make_loss(name)
    bounds = []
    strengths = np.array([-2, -1, 1, 2]) * (1e-4 if name == "mse" else 1e-6)
    cost = None
    for beta in strengths:
        free, nudged, passed = settle(bench, loss, g, inputs, targets, jnp.asarray(beta))
        assert passed.all()
        cost = np.asarray(loss.cost(network.predict(free[-1]), targets))
        weight = beta / 16.0**2  # two amplifiers of gain 4
        extra = energy(network, g, inputs, nudged) - energy(network, g, inputs, free)
        bounds.append(extra / weight + loss.cost(network.predict(nudged[-1]), targets))
    assert cost is not None
    gaps = np.array(bounds) - cost
    assert (gaps[:2] > 0).all() and (gaps[2:] < 0).all()
    assert (np.diff(gaps, axis=0) < 0).all()
    # the gap is first order in beta, so it halves with it, and its slope is the same on both sides
    np.testing.assert_allclose(gaps[3] / gaps[2], 2.0, atol=0.15)
    np.testing.assert_allclose(gaps[1] / gaps[2], -1.0, atol=0.15)


def test_accuracy():
    target = jnp.asarray([[0.5, -0.5], [-0.5, 0.5], [0.5, 0.5], [-0.5, -0.5]])
    y = jnp.asarray([[0.3, 0.1], [0.2, 0.4], [0.1, 0.2], [-0.2, -0.1]])
    assert accuracy(y, target) == 0.5  # argmax: ties of the target go to the first output
    assert accuracy(y, target, multilabel=True) == 0.5
    assert accuracy(y.at[:2, 1].set([-0.1, 0.4]), target, multilabel=True) == 0.75
    assert accuracy(jnp.asarray([[0.1], [-0.1]]), jnp.asarray([[0.5], [0.5]])) == 0.5
