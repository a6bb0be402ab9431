"""Exact pulses against SciPy's integrator, and where one Euler step and equal flux fall short."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ohmprop import devices

CASES = [(m, s) for m, model in devices.MODELS.items() for s in model.PARAMETERS]
FLUX_CONTROLLED = ("linear", "linear_ion_drift", "joglekar", "biolek")


@pytest.mark.parametrize(("model", "params"), CASES)
def test_pulse_is_the_solution_of_the_rate(model, params):
    device = devices.make(model, params)
    rng, n = np.random.default_rng(0), 6
    low, high = float(device.lower), float(device.upper)
    x = low + (high - low) * np.concatenate([[0, 1], rng.uniform(0.02, 0.98, n - 2)])
    v = rng.choice([-1, 1], n) * rng.uniform(0.1, 1, n)
    v[0] *= device.polarity * np.sign(v[0])  # at each bound, one pulse that points outwards
    rate = jax.jit(lambda v, x: device.rate(v, x))
    speed = np.abs(np.asarray(rate(v, np.clip(x, low + 0.1 * (high - low), high))))
    t = rng.uniform(0.01, 1, n) * (high - low) / np.maximum(speed, 1e-9 * (high - low))
    found = np.asarray(jax.jit(lambda x, v, t: device.pulse(x, v, t))(x, v, t))
    assert (found >= low).all() and (found <= high).all()
    for k in range(2, n):  # inside the bounds, where an ordinary integrator can judge
        wanted = solve_ivp(
            lambda _, y, k=k: [float(rate(v[k], np.clip(y[0], low, high)))], (0, t[k]), [x[k]],
            method="DOP853", rtol=1e-10, atol=1e-12 * (high - low),
        ).y[0, -1]  # fmt: skip
        assert abs(np.clip(wanted, low, high) - found[k]) <= 1e-7 * (high - low)


@pytest.mark.parametrize("model", FLUX_CONTROLLED)
def test_a_device_at_a_bound_can_leave_it(model):
    device = devices.make(model, "published")
    t = 1e5 * (device.upper - device.lower) / jnp.abs(device.rate(1.0, device.upper / 2))
    assert device.pulse(device.lower, 1.0, t) > device.lower
    assert device.pulse(device.upper, -1.0, t) < device.upper


@pytest.mark.parametrize("model", devices.MODELS)
def test_equal_flux(model):
    """Width and amplitude modulation agree where the rate is proportional to V, and only there."""
    device = devices.make(model)
    x = device.state(3e-4)
    speed = jnp.abs(device.rate(1.0, x))
    t = 0.05 * (device.upper - device.lower) / speed
    wide, high = device.pulse(x, 1.0, t), device.pulse(x, 1.25, t / 1.25)
    apart = float(jnp.abs(wide - high) / (device.upper - device.lower))
    if model in FLUX_CONTROLLED:
        assert apart < 1e-9
    else:
        assert apart > 1e-4


def test_exact_differs_from_one_euler_step_as_published():
    """Linear ion drift at x0 = 1/2, R_off/R_on = 160: -14 % of a step of 0.145."""
    device = devices.make("linear_ion_drift", "published")
    x = 0.5 * device.upper
    exact, euler = ((f(x, 1.0, 0.1) - x) / device.upper for f in (device.pulse, device.euler))
    np.testing.assert_allclose(exact, 0.145, rtol=5e-3)
    np.testing.assert_allclose(euler / exact - 1, -0.14, atol=5e-3)


def test_no_pulse_and_single_precision():
    device = devices.make("biolek")
    x = jnp.linspace(0.1, 0.9, 5) * device.upper
    np.testing.assert_allclose(device.pulse(x, 1.0, 0.0), x, rtol=0, atol=0)
    single = jax.tree.map(lambda a: a.astype(jnp.float32), device)
    f32 = jnp.float32
    found = single.pulse(x.astype(f32), jnp.asarray(1.0, f32), jnp.asarray(1e-6, f32))
    assert found.dtype == f32
    np.testing.assert_allclose(found, device.pulse(x, 1.0, 1e-6), rtol=2e-5)
