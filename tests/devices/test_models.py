"""Laws every memristor model obeys, and one-step values against an independent numpy version."""

import importlib.util
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop import devices

_spec = importlib.util.spec_from_file_location(
    "devices_expected", Path(__file__).parent / "_expected.py"
)
assert _spec is not None and _spec.loader is not None
expected = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(expected)

CASES = expected.CASES
VOLTAGES = [-1.3, -1.0, -0.6, -0.3, -0.1, 0.0, 0.1, 0.3, 0.6, 1.0, 1.3]  # V


def _states(device: devices.AbstractMemristor, n: int = 41) -> np.ndarray:
    rng = np.random.default_rng(7)
    inside = rng.uniform(float(device.lower), float(device.upper), n - 2)
    return np.r_[float(device.lower), inside, float(device.upper)]


def test_every_model_is_covered():
    assert {model for model, _ in CASES} == set(devices.MODELS)


@pytest.mark.parametrize(("model", "params"), CASES)
@pytest.mark.parametrize("v", VOLTAGES)
def test_pulse_matches_independent_step(model, params, v):
    device = devices.make(model, params)
    x, t = _states(device), expected.duration(model, params, v)
    got = np.asarray(device.euler(x, v, t))
    want = expected.PULSE[model, params](x, v, t)
    # Rates in the middle of a steep window lose a few bits; 1e-12 of the span is far below physics.
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * float(device.upper))


@pytest.mark.parametrize(("model", "params"), CASES)
def test_pulses_of_the_matrix_move_the_state(model, params):
    """The comparison above would be empty if the pulses did nothing."""
    device = devices.make(model, params)
    x = _states(device)[1:-1]
    span = float(device.upper - device.lower)
    for v in (-1.3, 1.3):
        t = expected.duration(model, params, v)
        moved = np.abs(np.asarray(device.euler(x, v, t)) - x)
        assert moved.max() > 5e-3 * span


@pytest.mark.parametrize(("model", "params"), CASES)
def test_state_inverts_conductance(model, params):
    device = devices.make(model, params)
    x = _states(device)
    np.testing.assert_allclose(
        device.state(device.conductance(x)), x, rtol=1e-9, atol=1e-12 * float(device.upper)
    )
    g = np.geomspace(1 / float(device.r_off), 1 / float(device.r_on), 33)
    np.testing.assert_allclose(device.conductance(device.state(g)), g, rtol=1e-12)


@pytest.mark.parametrize(("model", "params"), CASES)
def test_bounds_are_the_resistances_and_hold(model, params):
    device = devices.make(model, params)
    low, high = float(device.lower), float(device.upper)
    ends = np.sort([float(device.conductance(low)), float(device.conductance(high))])
    np.testing.assert_allclose(ends, [1 / device.r_off, 1 / device.r_on], rtol=1e-12)
    for v in (-1.3, 1.3):
        after = np.asarray(
            device.euler(_states(device), v, 1e3 * expected.duration(model, params, v))
        )
        assert after.min() >= low and after.max() <= high


@pytest.mark.parametrize(("model", "params"), CASES)
def test_polarity_says_which_voltage_raises_conductance(model, params):
    device = devices.make(model, params)
    g = np.geomspace(1.1 / float(device.r_off), 0.9 / float(device.r_on), 21)
    x = device.state(g)
    up, down = (
        np.asarray(device.conductance(device.euler(x, v, expected.duration(model, params, v))))
        for v in (1.3 * device.polarity, -1.3 * device.polarity)
    )
    assert (up >= g * (1 - 1e-12)).all() and (up > g).any()
    assert (down <= g * (1 + 1e-12)).all() and (down < g).any()


def test_only_vteam_is_published_with_negative_polarity():
    assert {m for m, c in devices.MODELS.items() if c.polarity == -1} == {"vteam"}


@pytest.mark.parametrize(("model", "params"), CASES)
def test_rate_is_the_limit_of_short_pulses(model, params):
    device = devices.make(model, params)
    x = _states(device)[1:-1]
    for v in (-1.0, 1.0):
        dt = 1e-5 * expected.duration(model, params, v)
        slope = (np.asarray(device.euler(x, v, dt)) - x) / dt
        rate = np.asarray(device.rate(v, x))
        np.testing.assert_allclose(slope, rate, rtol=1e-6, atol=1e-6 * np.abs(rate).max())


@pytest.mark.parametrize(("model", "params"), CASES)
def test_current_is_passive_and_agrees_with_conductance_at_one_volt(model, params):
    device = devices.make(model, params)
    x = _states(device)
    np.testing.assert_allclose(device.current(1.0, x), device.conductance(x), rtol=1e-12)
    v = np.linspace(-1.5, 1.5, 31)[:, None]
    assert (v * np.asarray(device.current(v, x)) >= 0).all()
    assert (np.asarray(device.current(0.0, x)) == 0).all()


@pytest.mark.parametrize(("model", "params"), CASES)
def test_any_shape_under_jit_vmap_and_grad(model, params):
    device = devices.make(model, params)
    t = expected.TIME[model, params]
    x = jnp.asarray(_states(device)[1:-1].reshape(13, 3))
    v = jnp.linspace(-1.2, 1.2, 39).reshape(13, 3)
    plain = device.euler(x, v, t)
    assert plain.shape == (13, 3)
    jitted = jax.jit(lambda d, x, v: jax.vmap(lambda a, b: d.euler(a, b, t))(x, v))(device, x, v)
    np.testing.assert_allclose(jitted, plain, rtol=1e-12)
    slope = jax.grad(lambda x, v: device.rate(v, x).sum(), argnums=(0, 1))(x, v)
    assert all(bool(jnp.isfinite(s).all()) for s in slope)


@pytest.mark.parametrize("model", list(devices.MODELS))
def test_one_parameter_value_a_device(model):
    """Variability: r_on given as an array acts element by element."""
    t = expected.TIME[model, "seed"]
    many = devices.make(model, r_on=jnp.array([100.0, 200.0]))
    x = jnp.broadcast_to(many.state(4e-4), 2)
    after = many.conductance(many.euler(x, 0.9, t))
    for k, r_on in enumerate((100.0, 200.0)):
        one = devices.make(model, r_on=r_on)
        want = float(one.conductance(one.euler(one.state(4e-4), 0.9, t)))
        assert float(after[k]) == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize(("model", "params"), CASES)
def test_single_precision_stays_single_with_finite_parameter_slopes(model, params):
    device = jax.tree.map(lambda a: a.astype(jnp.float32), devices.make(model, params))
    x = (device.lower + device.upper) / 2
    t = expected.TIME[model, params]
    assert device.euler(x, 0.9, t).dtype == jnp.float32
    slopes = jax.grad(lambda d: d.rate(1.0, x) + d.rate(-1.0, x))(device)
    assert all(bool(jnp.isfinite(s)) for s in jax.tree.leaves(slopes))
