"""Estimators against finite differences, each other and tensors of drops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _circuits import PIECEWISE, SHOCKLEY, circuit, distance, drops

from ohmprop._core import BadInput
from ohmprop.circuit import NoDiode
from ohmprop.equilibrium import ConstantNudge
from ohmprop.learning import ESTIMATORS, LOSSES, make_estimator, make_loss

ORDERS = {"positive": 1, "negative": 1, "centred": 2, "four_point": 4}
KEY = jax.random.PRNGKey(0)
LOW = {  # S or A V: least beta, strong enough for four_point's bias to stand above rounding
    "constant": {"mse": 2e-3, "bce": 2e-4, "cross_entropy": 2e-4},
    "cost": {"mse": 2e-5, "bce": 5e-7, "cross_entropy": 5e-7},
}


def estimate(estimator, bench, loss, g, inputs, targets, key):
    result = estimator(bench, loss, g, inputs, targets, key)
    return result.gradient, result.passed


def finite_differences(bench, losses, g, inputs, targets):
    """Richardson-extrapolated central differences of the mean cost: [loss][crossbar]."""
    flat = np.concatenate([np.asarray(c).ravel() for c in g])
    eye = np.eye(flat.size) * flat
    steps = np.array([2e-3, -2e-3, 1e-3, -1e-3])
    moved = (flat + steps[:, None, None] * eye).reshape(-1, flat.size)
    ends = np.cumsum([0] + [c.size for c in g])
    parts = list(zip(ends, ends[1:], g, strict=False))
    stacked = [moved[:, a:b].reshape(-1, *c.shape) for a, b, c in parts]
    ends_at = [bench.settle(row, inputs).voltages[-1] for row in zip(*stacked, strict=True)]
    y = bench.network.predict(jnp.stack(ends_at))
    result = []
    for loss in losses:
        cost = np.asarray(jax.vmap(lambda y, c=loss: jnp.mean(c.cost(y, targets)))(y))
        a, b, c, d = cost.reshape(4, flat.size)
        slope = (4 * (c - d) / 2e-3 - (a - b) / 4e-3) / 3 / flat
        result.append([slope[i:j].reshape(c.shape) for i, j, c in parts])
    return result


@pytest.mark.parametrize("hidden", [(3,), (3, 2), (3, 2, 3), (3, 22)])  # the last by products
@pytest.mark.parametrize("diode", [PIECEWISE, SHOCKLEY], ids=["piecewise", "shockley"])
def test_exact_is_the_gradient_of_the_mean_cost(diode, hidden):
    bench, g, inputs, targets = circuit(diode, hidden)
    losses = [make_loss(name) for name in LOSSES]
    estimates = [make_estimator("exact")(bench, c, g, inputs, targets, KEY) for c in losses]
    free = estimates[0].free
    on = np.concatenate([np.asarray(diode.conducting(v)).ravel() for v in free.voltages[:-1]])
    assert on.any()
    if diode is PIECEWISE:
        assert not on.all()
        for v in free.voltages[:-1]:
            assert np.min(np.abs(np.abs(v) - diode.v_th)) > 1e-3  # no kink within the differences
    wanted = finite_differences(bench, losses, g, inputs, targets)
    assert len(wanted) == len(LOSSES)
    for found, reference in zip(estimates, wanted, strict=True):
        assert found.passed
        assert distance(found.gradient, reference).max() < 1e-6


@pytest.mark.parametrize("nudge", LOW)
@pytest.mark.parametrize(
    ("loss", "hidden"),
    [*((loss, (3,)) for loss in LOSSES), ("cross_entropy", (3, 2))],
)
def test_bias_orders(loss, hidden, nudge):
    """Orders 1, 1, 2, 4 in every layer, whichever way the currents are held."""
    bench, g, inputs, targets = circuit(SHOCKLEY, hidden)
    low = LOW[nudge][loss]
    betas = jnp.geomspace(low, 4 * low, 3)
    case = (bench, make_loss(loss), g, inputs, targets, KEY)
    exact, _ = estimate(make_estimator("exact"), *case)
    for name, order in ORDERS.items():
        errors = []
        for beta in betas:
            gradient, passed = estimate(make_estimator(name, beta, nudge), *case)
            assert passed
            errors.append(distance(gradient, exact))
        slopes = np.polyfit(np.log(betas), np.log(errors), 1)[0]
        np.testing.assert_allclose(slopes, order, atol=0.05, err_msg=name)


def test_centred_constant_is_exact_on_ohmic_networks():
    bench, g, inputs, targets = circuit(NoDiode(), (3, 2))
    case = (bench, make_loss("mse"), g, inputs, targets, KEY)
    exact, _ = estimate(make_estimator("exact"), *case)
    centred, _ = estimate(make_estimator("centred", jnp.asarray(0.1)), *case)
    positive, _ = estimate(make_estimator("positive", jnp.asarray(0.1)), *case)
    assert distance(centred, exact).max() < 1e-9
    assert distance(positive, exact).min() > 1e-3  # so the nudge was strong


def test_random_sign_is_positive_or_negative_by_key_and_centred_in_expectation():
    bench, g, inputs, targets = circuit(SHOCKLEY, (3,))
    case = (bench, make_loss("mse"), g, inputs, targets)
    beta = jnp.asarray(0.1)
    ends = [estimate(make_estimator(n, beta), *case, KEY)[0] for n in ("positive", "negative")]
    drawn = {}
    for seed in range(8):
        found, _ = estimate(make_estimator("random_sign", beta), *case, jax.random.PRNGKey(seed))
        again, _ = estimate(make_estimator("random_sign", beta), *case, jax.random.PRNGKey(seed))
        errors = [distance(found, e).max() for e in ends]
        assert min(errors) < 1e-12 < 1e-3 < max(errors)
        assert all(np.array_equal(a, b) for a, b in zip(found, again, strict=True))
        drawn[int(np.argmin(errors))] = found
    assert set(drawn) == {0, 1}
    mean = [(a + b) / 2 for a, b in zip(drawn[0], drawn[1], strict=True)]
    centred, _ = estimate(make_estimator("centred", beta), *case, KEY)
    assert distance(mean, centred).max() < 1e-12  # what the coin gives in expectation


def free_and_pushed(bench, loss, beta, g, inputs, targets):
    free = bench.settle(g, inputs)
    slope = loss.slope(bench.network.predict(free.voltages[-1]), targets)
    push = ConstantNudge(bench.network.output_currents(-beta * slope))
    return free.voltages, bench.settle(g, inputs, push, free).voltages


@pytest.mark.parametrize(("name", "sign"), [("negative", -1.0)])
def test_gradient_and_proxy_against_tensors_of_drops(name, sign):
    """dC/dG = A^2n/(2 beta) mean of the change of dU^2; eq. 14 keeps only the mean change."""
    bench, g, inputs, targets = circuit(PIECEWISE, (3, 2))
    network, loss, beta = bench.network, make_loss("mse"), 1e-3
    settled = free_and_pushed(bench, loss, jnp.asarray(sign * beta), g, inputs, targets)
    before, after = (drops(network, inputs, v) for v in settled)
    change = [np.mean(a**2 - b**2, axis=0) for a, b in zip(after, before, strict=True)]
    gains = [16.0, 4.0, 1.0]  # gain 4: A^n with n amplifiers between the crossbar and the outputs
    wanted = [sign * c * k**2 / (2 * beta) for c, k in zip(change, gains, strict=True)]
    for proxy, reference in ((False, wanted), (True, [sign * c for c in change])):
        found, _ = estimate(
            make_estimator(name, beta, proxy=proxy), bench, loss, g, inputs, targets, KEY
        )
        for a, b in zip(found, reference, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9 * np.abs(b).max())


def test_difference_form_in_float32():
    found = []
    for dtype in (jnp.float64, jnp.float32):
        bench, g, inputs, targets = circuit(SHOCKLEY, (3, 2), dtype=dtype)
        gradient, passed = estimate(
            make_estimator("positive", 1e-6), bench, make_loss("mse"), g, inputs, targets, KEY
        )
        assert passed
        assert all(x.dtype == dtype for x in gradient)
        found.append([np.asarray(x, np.float64).ravel() for x in gradient])
    for a, b in zip(*found, strict=True):
        assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) > 0.999
        assert abs(np.linalg.norm(a) / np.linalg.norm(b) - 1) < 1e-2


def test_unknown_estimator_suggests_a_known_one():
    assert set(ORDERS) | {"random_sign", "exact"} == set(ESTIMATORS)
    with pytest.raises(BadInput, match="centred"):
        make_estimator("centered")
