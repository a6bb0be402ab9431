"""The interface device against scipy: current by root finding, pulses by integration."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from ohmprop import devices
from ohmprop._core import BadInput

DEVICE = devices.make("interface")
P = {name: p.value for name, p in devices.parameter_set("interface").items()}


def current(v: float, x: float) -> float:
    """The circuit equations as printed in the docstring, by bisection on the barrier's voltage."""
    ratio = P["r_off"] / P["r_on"]
    i_read = 0.3 * (ratio**x / P["r_off"] - 1 / P["r_leak"])
    i_f = i_read / np.expm1((0.3 - P["r_s"] * i_read) / P["V_f"])

    def barrier(u: float) -> float:
        if v > 0:
            return i_f * np.expm1(min(u / P["V_f"], 600))
        w = ((1 + u / P["V_r"]) ** P["p"] - 1) / P["p"]
        return P["i_r"] * ratio ** (P["kappa"] * x) * np.expm1(min(w, 600))

    u: Any = brentq(lambda u: u + P["r_s"] * barrier(u) - abs(v), 0, abs(v), xtol=1e-16)
    return float(np.sign(v)) * barrier(u) + v / P["r_leak"]


@pytest.mark.parametrize("x", [0.0, 0.4, 1.0])
def test_current_solves_the_circuit(x):
    volts = np.array([-4.0, -1.5, -0.3, 0.3, 0.8, 2.0])
    expected = [current(v, x) for v in volts]
    np.testing.assert_allclose(DEVICE.current(volts, x), expected, rtol=1e-9)


def test_conductance_is_what_a_reading_gives_and_state_its_inverse():
    x = np.linspace(0, 1, 7)
    g = np.asarray(DEVICE.conductance(x))
    np.testing.assert_allclose(DEVICE.current(0.3, x) / 0.3, g, rtol=1e-9)
    np.testing.assert_allclose(DEVICE.state(g), x, atol=1e-12)
    np.testing.assert_allclose(g[[0, -1]], [1 / P["r_off"], 1 / P["r_on"]], rtol=1e-12)


def test_pinched_and_rising_in_voltage_and_state():
    v, x = np.linspace(-4, 4, 161), np.linspace(0, 1, 11)
    i = np.asarray(DEVICE.current(v[:, None], x))
    assert np.all(DEVICE.current(0.0, x) == 0)
    assert np.all(np.diff(i, axis=0) > 0)
    assert np.all(np.diff(i[v > 0], axis=1) > 0) and np.all(np.diff(i[v < 0], axis=1) < 0)


@pytest.mark.parametrize("v", [-2.0, -0.3, 0.0, 0.3, 1.0])
def test_rate_grows_exponentially_with_the_voltage_of_either_sign(v):
    rising, falling = (P[f"A_{s}"] * np.expm1(abs(v) / P[f"V_{s}"]) for s in "pn")
    for x in (0.0, 0.3, 1.0):
        wanted = rising * (1 - x) if v > 0 else -falling * x
        assert float(DEVICE.rate(v, x)) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(("v", "t"), [(0.5, 3.0), (1.2, 0.2), (-1.0, 50.0), (-3.0, 2.0)])
def test_pulses_follow_the_rate(v, t):
    for x0 in (0.1, 0.7):
        exact = solve_ivp(
            lambda _, x, v=v: np.asarray(DEVICE.rate(v, x)), (0, t), [x0], rtol=1e-11, atol=1e-13
        ).y[0, -1]
        assert float(DEVICE.pulse(x0, v, t)) == pytest.approx(exact, abs=1e-9)
        assert np.sign(exact - x0) == DEVICE.polarity * np.sign(v)


def test_bounds_hold_and_are_left():
    assert float(DEVICE.pulse(0.5, 5.0, 1e3)) == 1 and float(DEVICE.pulse(0.5, -9.0, 1e9)) == 0
    assert float(DEVICE.pulse(1.0, -2.0, 10.0)) < 0.9
    assert float(DEVICE.pulse(0.0, 1.0, 1.0)) > 0.1
    assert float(DEVICE.pulse(0.3, 0.0, 10.0)) == 0.3


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_finite_derivatives_in_both_precisions(dtype):
    device = jax.tree.map(lambda leaf: leaf.astype(dtype), DEVICE)
    v = jnp.asarray([-5, -1, -1e-6, 0, 1e-6, 0.3, 5], dtype)[:, None]
    x = jnp.asarray([0, 0.5, 1], dtype)

    def run(device, v, x):
        return jnp.sum(device.current(v, x)), jnp.sum(device.pulse(x, v, dtype(0.1)))

    for k in (0, 1):
        slopes = jax.grad(lambda *a, k=k: run(*a)[k], argnums=(0, 1, 2))(device, v, x)
        assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(slopes))


def test_derivatives_of_the_solved_current():
    v, x, h = 0.7, 0.6, 1e-6
    for k in (0, 1):
        step = h * np.eye(2)[k]
        rise = (current(v + step[0], x + step[1]) - current(v - step[0], x - step[1])) / (2 * h)
        slope = float(jax.grad(DEVICE.current, argnums=k)(v, x))
        assert slope == pytest.approx(rise, rel=1e-6)


def test_order_of_the_resistances():
    with pytest.raises(BadInput, match="r_off < r_leak"):
        devices.make("interface", r_off=1e9)
    with pytest.raises(BadInput, match="r_s < r_on"):
        devices.make("interface", r_s=1e6)
