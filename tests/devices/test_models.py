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

CASES = expected.CASES  # an independent step is written out for these
EVERY = [
    pytest.param(model, params, marks=() if k == 0 or params == "published" else pytest.mark.long)
    for model, c in devices.MODELS.items()
    for k, params in enumerate(c.PARAMETERS)
]
DEFAULTS = [(model, devices.default_set(model)) for model in devices.MODELS]
CONTINUOUS = [c for c in DEFAULTS if not devices.MODELS[c[0]].discrete]
VOLTAGES = [-1.3, -1.0, -0.6, -0.3, -0.1, 0.0, 0.1, 0.3, 0.6, 1.0, 1.3]  # V


def _states(device: devices.AbstractMemristor, n: int = 41) -> np.ndarray:
    rng = np.random.default_rng(7)
    inside = rng.uniform(float(device.lower), float(device.upper), n - 2)
    return np.r_[float(device.lower), inside, float(device.upper)]


def test_the_models_of_the_seed_are_all_in_the_table():
    seed = {model for model, c in devices.MODELS.items() if "seed" in c.PARAMETERS}
    assert {model for model, _ in CASES} == seed


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


def _span(device: devices.AbstractMemristor) -> float:
    return float(device.upper - device.lower)


def _moving(device: devices.AbstractMemristor, sign: int) -> tuple[float, float]:
    """A voltage of `sign` and a time in which it moves the fastest state by 2 % of the span."""
    x = _states(device)[1:-1]
    for v in (1.3, 2.0, 3.0, 5.0, 10.0):
        speed = float(jnp.abs(device.rate(sign * v, x)).max())
        if speed > 0:
            return sign * v, 0.02 * _span(device) / speed
    raise AssertionError(f"{type(device).__name__}: no pulse up to 10 V moves it")


@pytest.mark.parametrize(("model", "params"), EVERY)
def test_state_inverts_conductance(model, params):
    device = devices.make(model, params)
    x = _states(device)
    np.testing.assert_allclose(
        device.state(device.conductance(x)), x, rtol=1e-9, atol=1e-12 * _span(device)
    )
    g = np.geomspace(1 / float(device.r_off), 1 / float(device.r_on), 33)
    np.testing.assert_allclose(device.conductance(device.state(g)), g, rtol=1e-10)


@pytest.mark.parametrize(("model", "params"), EVERY)
def test_bounds_are_the_resistances_and_hold(model, params):
    device = devices.make(model, params)
    low, high = float(device.lower), float(device.upper)
    assert low < high
    ends = np.sort([float(device.conductance(low)), float(device.conductance(high))])
    np.testing.assert_allclose(ends, [1 / device.r_off, 1 / device.r_on], rtol=1e-10)
    x = _states(device)
    assert (np.diff(np.sort(np.asarray(device.conductance(np.sort(x))))) > 0).all()
    for sign in (-1, 1):
        v, t = _moving(device, sign)
        after = np.asarray(device.euler(x, v, 1e3 * t))
        assert after.min() >= low and after.max() <= high


@pytest.mark.parametrize(("model", "params"), EVERY)
def test_polarity_says_which_voltage_raises_conductance(model, params):
    device = devices.make(model, params)
    g = np.geomspace(1.1 / float(device.r_off), 0.9 / float(device.r_on), 21)
    x = device.state(g)
    up, down = (
        np.asarray(device.conductance(device.euler(x, *_moving(device, sign))))
        for sign in (device.polarity, -device.polarity)
    )
    assert (up >= g * (1 - 1e-10)).all() and (up > g * (1 + 1e-9)).any()
    assert (down <= g * (1 + 1e-10)).all() and (down < g * (1 - 1e-9)).any()


def test_the_models_published_with_negative_polarity():
    negative = {m for m, c in devices.MODELS.items() if c.polarity == -1}
    assert negative == {"vteam", "team", "jart"}


@pytest.mark.parametrize(("model", "params"), EVERY)
def test_rate_is_the_limit_of_short_pulses(model, params):
    device = devices.make(model, params)
    x = _states(device)[1:-1]
    for sign in (-1, 1):
        v, t = _moving(device, sign)
        dt = 1e-4 * t
        slope = (np.asarray(device.euler(x, v, dt)) - x) / dt
        rate = np.asarray(device.rate(v, x))
        np.testing.assert_allclose(slope, rate, rtol=1e-6, atol=1e-6 * np.abs(rate).max())


@pytest.mark.parametrize(("model", "params"), CONTINUOUS)
def test_two_pulses_are_one_of_twice_the_length(model, params):
    device = devices.make(model, params)
    pulse = jax.jit(lambda x, v, t: device.pulse(x, v, t))
    for sign in (-1, 1):
        v, t = _moving(device, sign)
        x, t = _states(device), 10 * t
        once = pulse(x, v, t)
        np.testing.assert_allclose(
            pulse(once, v, t), pulse(x, v, 2 * t), rtol=0, atol=1e-7 * _span(device)
        )
        assert float(jnp.abs(once - x).max()) > 1e-2 * _span(device)
        np.testing.assert_array_equal(pulse(x, v, 0.0), x)


@pytest.mark.parametrize(("model", "params"), EVERY)
def test_current_is_passive_and_agrees_with_conductance_where_it_is_read(model, params):
    device = devices.make(model, params)
    x, v_read = _states(device), device.read_voltage
    np.testing.assert_allclose(
        np.asarray(device.current(v_read, x)) / v_read, device.conductance(x), rtol=1e-10
    )
    v = np.linspace(-1.5, 1.5, 31)[:, None]
    assert (v * np.asarray(device.current(v, x)) >= 0).all()
    assert (np.asarray(device.current(0.0, x)) == 0).all()


@pytest.mark.parametrize(("model", "params"), EVERY)
def test_any_shape_under_jit_vmap_and_grad(model, params):
    device = devices.make(model, params)
    x = jnp.asarray(_states(device)[1:-1].reshape(13, 3))
    most, t = _moving(device, 1)
    v = most * jnp.linspace(-0.95, 0.95, 39).reshape(13, 3)
    plain = device.euler(x, v, t)
    assert plain.shape == (13, 3)
    jitted = jax.jit(lambda d, x, v: jax.vmap(lambda a, b: d.euler(a, b, t))(x, v))(device, x, v)
    np.testing.assert_allclose(jitted, plain, rtol=1e-9)
    slope = jax.grad(lambda x, v: device.rate(v, x).sum(), argnums=(0, 1))(x, v)
    assert all(bool(jnp.isfinite(s).all()) for s in slope)
    slope = jax.grad(lambda v, x: device.current(v, x).sum(), argnums=(0, 1))(v, x)
    assert all(bool(jnp.isfinite(s).all()) for s in slope)


@pytest.mark.parametrize(("model", "params"), DEFAULTS)
def test_one_parameter_value_a_device(model, params):
    """Variability: a parameter given as an array acts element by element."""
    table = devices.parameter_set(model, params)
    name = "r_on" if "r_on" in table else next(iter(table))
    values = [table[name].value, 1.05 * table[name].value]
    many = devices.make(model, params, **{name: jnp.array(values)})
    ones = [devices.make(model, params, **{name: value}) for value in values]
    g = float((ones[0].r_on * ones[0].r_off) ** -0.5)
    v, t = _moving(ones[0], many.polarity)
    after = many.conductance(many.euler(jnp.broadcast_to(many.state(g), 2), v, t))
    assert after.shape == (2,)
    for k, one in enumerate(ones):
        want = float(one.conductance(one.euler(one.state(g), v, t)))
        assert float(after[k]) == pytest.approx(want, rel=1e-9)


@pytest.mark.parametrize(("model", "params"), EVERY)
def test_single_precision_stays_single_with_finite_parameter_slopes(model, params):
    double = devices.make(model, params)
    device = jax.tree.map(lambda a: a.astype(jnp.float32), double)
    x = (device.lower + device.upper) / 2
    assert float(device.conductance(x)) == pytest.approx(
        float(double.conductance((double.lower + double.upper) / 2)), rel=1e-3
    )
    for sign in (-1, 1):
        v, t = _moving(double, sign)
        after = device.euler(x, v, t)
        assert after.dtype == jnp.float32 and bool(jnp.isfinite(after))
        for method in (device.current, device.rate):
            assert method(v, x).dtype == jnp.float32
    slopes = jax.grad(lambda d: d.rate(1.0, x) + d.rate(-1.0, x))(device)
    assert all(bool(jnp.isfinite(s).all()) for s in jax.tree.leaves(slopes))
