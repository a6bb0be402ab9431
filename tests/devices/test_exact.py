"""Exact pulses against SciPy's integrator, equal flux, bounds, derivatives, and Newton's method."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.typing import ArrayLike
from scipy.integrate import solve_ivp

from ohmprop import devices, drive
from ohmprop.devices._exact import newton

CONTINUOUS = [m for m, model in devices.MODELS.items() if not model.discrete]
CASES = [(m, s) for m in CONTINUOUS for s in devices.MODELS[m].PARAMETERS]
FLUX_CONTROLLED = ("linear", "linear_ion_drift", "joglekar", "biolek", "prodromakis", "zha")
THRESHOLD = ("vteam", "yakopcic", "mms")
CLOSED = (*FLUX_CONTROLLED, "mms")
# One equation or less, whose errors stay below BAR of the span; the others' below ELSE.
ONE_EQUATION = (*CLOSED, "vteam", "yakopcic", "yakopcic2020", "gmss", "interface")
BAR, ELSE = 1e-9, 1e-7
EDGE = 1e-9  # of the span: where a device at a bound starts from if its rate there is 0


def _quick(models, *quick):
    """The models, all but the quick ones left to `make long`."""
    return [m if m in quick else pytest.param(m, marks=pytest.mark.long) for m in models]


N = 24  # writes a call: always as many, so that each model is compiled once
PULSE = jax.jit(lambda device, x, v, t: device.pulse(x, v, t))
RATE = jax.jit(lambda device, v, x: device.rate(v, x))


def _pulse(device, *write):
    return np.asarray(PULSE(device, *(np.broadcast_to(a, N) * 1.0 for a in write)))


def _rate(device, v, x):
    return np.asarray(RATE(device, np.broadcast_to(v, N) * 1.0, np.broadcast_to(x, N) * 1.0))


def _span(device):
    return float(device.lower), float(device.upper - device.lower)


def _writes(device):
    """States from bound to bound, voltages, and durations of up to about one span."""
    rng, (low, span) = np.random.default_rng(0), _span(device)
    x = np.concatenate([[0, 0, 1, 1, 1e-6, 1 - 1e-6], rng.uniform(0.001, 0.999, N - 6)])
    v = np.where(np.arange(N) % 2, -1, 1) * rng.uniform(0.1, 1, N)
    states = [np.clip(x, e, 1 - e) for e in (1e-6, 0.1)]
    if type(device) not in (devices.MODELS[m] for m in CLOSED):
        states += [1e-6, 0.02, 0.5, 0.98, 1 - 1e-6]  # no run-away too fast for the reference
    speed = np.max([np.abs(_rate(device, v, low + span * y)) / span for y in states], 0)
    return low + span * x, v, 10 ** rng.uniform(-3, 0, N) / np.maximum(speed, 1e-9)


def _solved(device, x, v, t):
    """The states after, by SciPy; each measured from the bound that it starts nearer to."""
    low, span = _span(device)
    from_top = x > low + span / 2
    bound, inwards = np.where(from_top, low + span, low), np.where(from_top, -1, 1)

    def state(y):
        return np.clip(bound + inwards * span * y, low, low + span)

    inner = np.maximum(np.abs(x - bound) / span, EDGE)
    stuck = np.abs(_rate(device, v, x)) < 1e-6 * np.abs(_rate(device, v, state(0.5)))
    leaves = inwards * _rate(device, v, state(inner)) > 0
    y = np.where(stuck & leaves, inner, np.abs(x - bound) / span)

    def slope(_, y):
        beyond = np.maximum(np.maximum(-y, y - 1), 0)  # slowed there, where all is clipped anyway
        return t * inwards * _rate(device, v, state(y)) / span / (1 + 100 * beyond) ** 2

    solution = solve_ivp(slope, (0, 1), y, "DOP853", rtol=1e-12, atol=1e-16)
    assert solution.success
    return state(solution.y[:, -1])


@pytest.mark.parametrize(("model", "params"), CASES)
def test_pulse_is_the_solution_of_the_rate(model, params):
    device = devices.make(model, params)
    low, span = _span(device)
    x, v, t = _writes(device)
    found = _pulse(device, x, v, t)
    assert (found >= low).all() and (found <= low + span).all()
    error = np.abs(found - _solved(device, x, v, t)) / span
    bar = BAR if model in ONE_EQUATION else ELSE
    assert (error <= bar).all(), f"{error.max():.1e} at case {error.argmax()}"


@pytest.mark.parametrize("model", _quick(["joglekar", "biolek", "prodromakis", "zha"], "joglekar"))
@pytest.mark.parametrize("p", [1.0, 2.0, 5.5, 10.0])
def test_pulse_of_every_window_exponent(model, p):
    device = devices.make(model, "published", p=p)
    write = _writes(device)
    error = np.abs(_pulse(device, *write) - _solved(device, *write)) / _span(device)[1]
    # At the upper bound the reference knows f = 1e-9 to 1e-7 only: see the closed form below.
    assert error[4:].max() <= BAR


@pytest.mark.parametrize(("model", "c"), [("joglekar", 1.0), ("prodromakis", 0.25)])
def test_the_way_from_the_upper_bound_is_the_closed_form(model, c):
    """r_off ln(x1/x0) - r_on ln((1 - x1)/(1 - x0)) = 4 c s for p = 1, from 1 - x0 = 1e-9."""
    device = devices.make(model, "published", p=1.0)
    left = np.geomspace(2e-9, 0.98, N)  # 1 - x1
    s = 16e3 * (np.log1p(-left) - np.log1p(-EDGE)) - 100 * np.log(left / EDGE)
    flux = s / (4 * c) / (1e-14 * 100 / 1e-16)  # V s
    found = _pulse(device, 1e-8, -1.0, -flux)
    np.testing.assert_allclose(1 - found / 1e-8, left, rtol=0, atol=1e-13)


def test_every_device_its_own_window_exponent():
    p = np.where(np.arange(N) % 2, 1.0, 3.0)
    write = _writes(devices.make("biolek", "published"))
    mixed = _pulse(devices.make("biolek", "published", p=p), *write)
    for one in (1.0, 3.0):
        alone = _pulse(devices.make("biolek", "published", p=one), *write)
        np.testing.assert_allclose(mixed[p == one], alone[p == one], rtol=1e-12, atol=1e-20)


@pytest.mark.parametrize("model", FLUX_CONTROLLED)
def test_a_device_at_a_bound_can_leave_it(model):
    device = devices.make(model, "published")
    t = 1e5 * (device.upper - device.lower) / jnp.abs(device.rate(1.0, device.upper / 2))
    assert (_pulse(device, device.lower, 1.0, t) > device.lower).all()
    assert (_pulse(device, device.upper, -1.0, t) < device.upper).all()
    assert (_pulse(device, device.lower, -1.0, t) == device.lower).all()
    assert (_pulse(device, device.upper, 1.0, t) == device.upper).all()


def _modulated(model):
    """Change of the state, in the span, by the same updates as widths and as amplitudes."""
    device = devices.make(model)
    low, span = _span(device)
    x = low + span * np.linspace(0.05, 0.95, N)
    speed = np.abs(_rate(device, 1.0, low + span / 2)) + np.abs(_rate(device, -1.0, low + span / 2))
    q = np.where(np.arange(N) % 2, -1, 1) * np.linspace(0.01, 0.2, N) * span / speed
    wide, high = drive.PWM(1.0), drive.PAM(0.5 / np.abs(q).max())  # amplitudes of up to 1/2 V
    after = [
        _pulse(device, x, *scheme.write(jnp.asarray(q), device.polarity)) for scheme in (wide, high)
    ]
    return [(a - x) / span for a in after]


@pytest.mark.parametrize("model", FLUX_CONTROLLED)
def test_equal_flux_gives_equal_states(model):
    wide, high = _modulated(model)
    np.testing.assert_allclose(wide, high, rtol=0, atol=1e-12)
    assert np.abs(wide).max() > 1e-2
    device = devices.make(model)
    x, v, t = _writes(device)
    once = _pulse(device, x, v, t)
    np.testing.assert_allclose(_pulse(device, x, 4 * v, t / 4), once, 0, 1e-12 * _span(device)[1])
    twice = _pulse(device, _pulse(device, x, v, t / 2), v, t / 2)
    np.testing.assert_allclose(twice[4:], once[4:], 0, 1e-10 * _span(device)[1])


@pytest.mark.parametrize("model", THRESHOLD)
def test_equal_flux_gives_different_states_beyond_a_threshold(model):
    wide, high = _modulated(model)
    assert np.abs(wide - high).max() > 1e-4


def test_exact_differs_from_one_euler_step_as_published():
    """Linear ion drift at x0 = 1/2, R_off/R_on = 160: -14 % of a step of 0.145."""
    device = devices.make("linear_ion_drift", "published")
    x = 0.5 * device.upper
    exact, euler = ((f(x, 1.0, 0.1) - x) / device.upper for f in (device.pulse, device.euler))
    np.testing.assert_allclose(exact, 0.145, rtol=5e-3)
    np.testing.assert_allclose(euler / exact - 1, -0.14, atol=5e-3)


@pytest.mark.parametrize("model", _quick(CLOSED, "linear_ion_drift", "joglekar", "mms"))
def test_no_pulse_and_single_precision(model):
    device = devices.make(model)
    x, v, t = _writes(device)
    np.testing.assert_array_equal(_pulse(device, x, v, 0.0), x)
    single = jax.tree.map(lambda a: a.astype(jnp.float32), device)
    found = PULSE(single, *(a.astype(np.float32) for a in (x, v, t)))
    assert found.dtype == jnp.float32
    error = np.abs(found - _pulse(device, x, v, t)) / _span(device)[1]
    assert error[6:].max() <= 2e-6  # nearer the bounds, x itself is rounded too much to compare
    assert ((found >= single.lower) & (found <= single.upper)).all()


@pytest.mark.parametrize("model", _quick(CLOSED, "linear_ion_drift", "biolek", "mms"))
def test_derivatives(model):
    """With respect to state, voltage, duration and every parameter, in both modes."""
    device = devices.make(model, "published")
    x, v, t = (jnp.asarray(a[8:14]) for a in _writes(device))
    low, span = _span(device)
    x, t = low + span * (0.3 + 0.4 * (x - low) / span), 0.1 * t  # clear of the bounds
    names = [f.name for f in dataclasses.fields(device)]
    inputs = dict(zip(names, [getattr(device, n) for n in names], strict=True))
    inputs |= {"x": x, "v": v, "t": t}

    def after(values):
        values = dict(values)
        write = [values.pop(name) for name in ("x", "v", "t")]
        return type(device)(**values).pulse(*write) / span

    along, value = jax.jit(lambda a, d: jax.jvp(after, (a,), (d,))[1]), jax.jit(after)
    gradient = jax.jit(jax.grad(lambda values: jnp.sum(after(values))))(inputs)
    for name, centre in inputs.items():
        h = 1e-5 * jnp.abs(centre)
        up, down = (value({**inputs, name: centre + sign * h}) for sign in (1, -1))
        wanted = (up - down) / 2e-5  # along ln of the input
        still = {k: jnp.zeros_like(a) for k, a in inputs.items()}
        found = along(inputs, {**still, name: jnp.abs(centre)})
        scale = float(jnp.abs(wanted).max()) + 1e-4
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6 * scale, err_msg=name)
        reverse = jnp.sum(gradient[name] * jnp.abs(centre))
        np.testing.assert_allclose(reverse, jnp.sum(found), rtol=1e-7, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("model", _quick(CLOSED, "linear_ion_drift", "biolek"))
def test_derivatives_are_finite_at_the_bounds_and_without_a_pulse(model):
    device = devices.make(model)
    low, span = _span(device)
    x = jnp.array([low, low, low + span / 2, low + span, low + span])
    v = jnp.array([1.0, -1.0, 0.0, 1.0, -1.0])
    t = 0.1 * span / jnp.abs(device.rate(1.0, low + span / 2))
    slopes = jax.jit(jax.grad(lambda a: a[0].pulse(*a[1:]).sum()))((device, x, v, t))
    assert all(bool(jnp.isfinite(a).all()) for a in jax.tree.leaves(slopes))
    if model in FLUX_CONTROLLED:  # there the slope along v is the rate's, also at v = 0
        rate = jax.grad(lambda v: device.rate(v, x[2]))(1e-12)
        np.testing.assert_allclose(slopes[2][2], t * rate, rtol=1e-9)
        np.testing.assert_allclose(slopes[1][2], 1, rtol=1e-9)


def _logarithm(c, start: ArrayLike = 0.0, low: ArrayLike = -50.0, high: ArrayLike = 50.0):
    """ln c as the root of e^u - c."""
    return newton(lambda u: (jnp.exp(u) - c, jnp.exp(u)), start, low, high)


def test_newton_finds_the_root_from_anywhere_in_the_bracket():
    c, start = np.meshgrid([1e-12, 0.5, 1.0, 3.0, 1e12], [-50.0, -5.0, 0.0, 5.0, 50.0])
    np.testing.assert_allclose(
        _logarithm(jnp.asarray(c), jnp.asarray(start)), np.log(c), rtol=1e-14, atol=1e-14
    )
    single = _logarithm(jnp.float32(3.0), jnp.float32(0), jnp.float32(-50), jnp.float32(50))
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, np.log(3), rtol=1e-6)


def test_newton_does_not_cycle():
    """Of sign(u) sqrt(|u|) Newton's method alone goes from u to -u and back for ever."""

    def root(u):
        return jnp.sign(u) * jnp.sqrt(jnp.abs(u)), 0.5 / jnp.sqrt(jnp.abs(u))

    found = newton(root, jnp.array([1.0, -1.4, 30.0]), -40.0, 50.0)
    np.testing.assert_allclose(found, 0, atol=1e-6)


def test_newton_approaches_the_nearer_end_where_there_is_no_root():
    np.testing.assert_allclose(_logarithm(jnp.array([10.0, 1e-3]), 0.0, -1.0, 1.0), [1, -1], 0.5)


def test_newton_has_derivatives_in_both_modes():
    for mode in (jax.jacfwd, jax.jacrev):
        np.testing.assert_allclose(jax.jit(mode(_logarithm))(3.0), 1 / 3, rtol=1e-12)
    np.testing.assert_allclose(jax.vmap(jax.grad(_logarithm))(jnp.array([0.1, 10.0])), [10, 0.1])
