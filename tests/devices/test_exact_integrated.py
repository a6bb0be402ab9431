"""Exact pulses of the models that are integrated: by the time that the rate says, and closed forms.

SciPy's integrators lose a run-away as any integrator over time does: an error of its beginning
grows with the rate, by up to 1e10 here. So the writes are made backwards: an end is drawn, and the
pulse lasts for the integral of dx/rate up to it, by Gauss's rule on fine graded panels.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ohmprop import devices
from ohmprop.devices._exact import EDGE, integrate

# Model, parameter set, options, and the least and the greatest voltage of the writes.
SETS: list[tuple] = [
    ("team", "published", {}, 0.3, 60.0),
    ("team", "xyce", {}, 0.05, 5.0),
    ("stanford_pku", "nanohub", {}, 1.06, 2.2),
    ("jart", "published", {}, 0.2, 1.3),
]
VARIANTS: list[tuple] = [
    ("team", params, {"resistance": resistance, "window": window}, *volts)
    for params, volts in (("published", (0.3, 60.0)), ("xyce", (0.05, 5.0)))
    for resistance in ("linear", "exponential")
    for window in ("none", "kvatinsky")
][1:]
PULSE = jax.jit(lambda device, x, v, t: device.pulse(x, v, t))
RATE = jax.jit(lambda device, v, x: device.rate(v, x))
ULP = np.finfo(float).eps


def _panels():
    """Places from 0 to 1, dense towards both, and weights: 300 panels in the s of tanh(sinh s)."""
    nodes, weights = np.polynomial.legendre.leggauss(8)
    edges = np.linspace(-3.2, 3.2, 301)
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    s = (middle[:, None] + half[:, None] * nodes).ravel()
    place = 1 / (1 + np.exp(-np.pi * np.sinh(s)))
    slope = np.pi * np.cosh(s) * place / (1 + np.exp(np.pi * np.sinh(s)))
    return place[:, None], slope[:, None] * (half[:, None] * weights).ravel()[:, None]


def _way(device, x, end, share):
    """The states at each share of the way, and their slopes along it; JART's in ln N."""
    if isinstance(device, devices.JART):
        state = x * (end / x) ** share
        return state, np.log(end / x) * state
    return x + (end - x) * share, end - x


def _writes(device, least, greatest, count):
    """States, a quarter of them at the bounds, voltages, durations, and the states after."""
    rng = np.random.default_rng(3)
    low, high = float(device.lower), float(device.upper)
    share = np.concatenate([np.repeat([0.0, 1.0], count // 8), rng.random(count - count // 8 * 2)])
    x = low + (high - low) * share
    if isinstance(device, devices.JART):
        x = np.where(rng.random(count) < 0.5, low * (high / low) ** share, x)
    x = np.where(share == 0, low, np.where(share == 1, high, x))  # the ends, without a rounding
    v = rng.choice([-1, 1], count) * np.exp(rng.uniform(np.log(least), np.log(greatest), count))
    speed = np.asarray(RATE(device, v, x))
    bound = np.where(speed > 0, high, low)
    along = np.asarray(RATE(device, v, _way(device, x, bound, np.linspace(0, 1, 401)[:, None])[0]))
    free = np.cumprod((along * np.sign(speed) > 0)[1:], axis=0).mean(0)  # share that is driven
    end = _way(device, x, bound, free * rng.uniform(0.02, 0.98, count))[0]
    places, weights = _panels()
    states, slopes = _way(device, x, end, places)
    moves = (speed != 0) & (free > 0.01)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        t = (weights * slopes / np.asarray(RATE(device, v, states))).sum(0)
    moves &= np.isfinite(t) & (t < 1e15)
    assert moves.mean() > 0.1
    return tuple(a[moves] for a in (x, v, t, end))


def _rounding(device, x, v):
    """How much the rate changes at most, of itself, as state or voltage change by few roundings."""
    rate, changes = np.asarray(RATE(device, v, x)), 1 + ULP * np.array([-4, -3, -2, -1, 1, 2, 3, 4])
    near = [(v * change, x) for change in changes] + [(v, x * change) for change in changes]
    return np.max([np.abs(np.asarray(RATE(device, *a)) / rate - 1) for a in near], axis=0)


def _check(case, count):
    """Errors below 1e-8 of the span, or 4 t |rate(end)| times the rate's rounding at the start.

    The latter is what no method can undercut. It is up to 2e-5 for JART, whose rate is rounded to
    1e-11 (an exponential of a fit of cancelling terms) and grows by up to 1e10; and more for TEAM
    where a current begins 1e-2 or less above its threshold.
    """
    model, params, options, least, greatest = case
    device = devices.make(model, params, **options)
    x, v, t, end = _writes(device, least, greatest, count)
    low, span = float(device.lower), float(device.upper - device.lower)
    assert options or ((x == low).any() and (x == device.upper).any())  # a window may shut there
    error = np.abs(np.asarray(PULSE(device, x, v, t)) - end) / span
    leap = t * np.abs(np.asarray(RATE(device, v, end))) / span
    bar = np.maximum(1e-8, 4 * leap * _rounding(device, x, v))
    assert (error <= bar).all(), f"{(error / bar).max():.1f} bars at {(error / bar).argmax()}"
    assert (error <= 1e-7).mean() >= 0.97


@pytest.mark.parametrize("case", SETS, ids=lambda c: f"{c[0]}-{c[1]}")
def test_random_writes_end_where_the_rate_says(case):
    _check(case, 96)


@pytest.mark.long
@pytest.mark.parametrize("case", SETS, ids=lambda c: f"{c[0]}-{c[1]}")
def test_thousands_of_writes_end_where_the_rate_says(case):
    _check(case, 4000)


@pytest.mark.long
@pytest.mark.parametrize("case", VARIANTS, ids=lambda c: "-".join((c[1], *c[2].values())))
def test_random_writes_of_every_option_of_team_end_where_the_rate_says(case):
    _check(case, 1000)


def test_single_precision_follows_double_precision():
    """JART's writes that end before or after a leap, not in it."""
    device = devices.make("jart", "published")
    x, v, t, end = _writes(device, 0.2, 1.3, 200)
    calm = np.abs(np.asarray(RATE(device, v, end))) * t < 5  # of the span of 20
    assert calm.sum() > 60
    x, v, t = (a[calm] for a in (x, v, t))
    single = jax.tree.map(lambda a: a.astype(jnp.float32), device)
    found = PULSE(single, *(jnp.asarray(a, jnp.float32) for a in (x, v, t)))
    assert found.dtype == jnp.float32 and bool(jnp.isfinite(found).all())
    np.testing.assert_allclose(found, PULSE(device, x, v, t), rtol=0, atol=1e-3 * 20)


def test_single_precision_is_finite_in_every_write():
    device = devices.make("jart", "published")
    single = jax.tree.map(lambda a: a.astype(jnp.float32), device)
    x, v = (a.ravel() for a in np.meshgrid([0.008, 0.05, 1.0, 20.0], [-1.5, -0.6, 0.0, 0.5, 1.5]))
    for t in (0.0, 1e-12, 1e-6, 1e3):
        found = PULSE(single, *(jnp.asarray(a, jnp.float32) for a in (x, v, np.full(20, t))))
        assert bool(((found >= single.lower) & (found <= single.upper)).all())


def test_a_state_at_a_bound_starts_from_the_bound_where_its_rate_is_not_zero():
    device = devices.make("stanford_pku", "nanohub")
    speed = float(device.rate(1.5, device.upper))
    moved = float(PULSE(device, device.upper, 1.5, 1e-10 * 1.5e-9 / -speed) - device.upper)
    assert moved == pytest.approx(-1e-10 * 1.5e-9, rel=1e-5)  # an EDGE is ten times as far


def test_a_state_at_a_bound_starts_an_edge_inside_where_its_rate_vanishes():
    """dx/dt = v x (1 - x): ln(x/(1 - x)) = ln EDGE + v t from 0."""
    t = jnp.array([5.0, 15.0, 20.0, 25.0, 60.0])
    found = integrate(lambda v, x: v * x * (1 - x), 0.0, 1.0, t, 0.0, 1.0)
    np.testing.assert_allclose(found, jax.nn.sigmoid(t + np.log(EDGE)), rtol=1e-7, atol=1e-12)
    found = integrate(lambda v, x: v * x * (1 - x), 0.0, -1.0, t, 0.0, 1.0)
    np.testing.assert_array_equal(found, 0.0)


def test_a_run_away_costs_no_more_than_the_rounding_of_its_time():
    """dx/dt = v e^(a x) leaps at t = 1/(a v): e^(-a x) = 1 - a v t, grown by up to 1e13."""
    a, left = 40.0, np.geomspace(1e-13, 0.5, 40)
    t = (1 - left) / a
    found = integrate(lambda v, x: v * jnp.exp(a * x), 0.0, 1.0, t, 0.0, 1.0)
    wanted = -np.log(1 - a * t) / a
    assert (np.abs(found - wanted) <= 1e-12 + 8 * ULP / left / a).all()


def test_a_state_stops_at_an_equilibrium_or_where_the_rate_jumps_to_zero():
    x, v = jnp.array([0.0, 0.2, 0.9, 1.0]), 0.37
    for t in (1e3, 1e9):
        found = integrate(lambda v, x: v - x, x, v, t, 0.0, 1.0)
        np.testing.assert_allclose(found, v, rtol=0, atol=1e-11)
    found = integrate(lambda v, x: jnp.where(x < v, 1.0, 0.0), x, v, 5.0, 0.0, 1.0)
    np.testing.assert_allclose(found, [v, v, 0.9, 1.0], rtol=0, atol=1e-11)
    np.testing.assert_allclose(
        integrate(lambda v, x: v - x, x, v, 2.0, 0.0, 1.0), v + (x - v) * np.exp(-2), rtol=1e-13
    )


def test_a_narrow_window_at_the_bound_is_seen():
    """A panel whose nodes all miss where the rate dies must not be taken as smooth."""

    def rate(v, x):
        return v * jnp.exp(-jnp.exp(jnp.minimum((x - 1) / 3e-4, 80.0)) * 5) * (1 - x / 2) ** 3

    t = jnp.linspace(0.1, 3.0, 30)
    found = np.asarray(integrate(rate, 0.05, 1.0, t, 0.0, 1.0))
    free = 2 - 1 / np.sqrt(0.25 * (t + 4 / 1.95**2))  # without the window
    inside = free < 0.98
    assert inside.any() and not inside.all()
    np.testing.assert_allclose(found[inside], free[inside], rtol=0, atol=1e-12)


def test_derivatives_along_state_voltage_and_duration():
    """dx/dt = v e^(a x) again, with e^(-a x1) = e^(-a x) - a v t."""
    a = 8.0

    def after(x, v, t):
        return integrate(lambda v, x: v * jnp.exp(a * x), x, v, t, 0.0, 1.0)

    def closed(x, v, t):
        return -jnp.log(jnp.exp(-a * x) - a * v * t) / a

    write = jnp.array([0.1, 0.3, 0.0]), jnp.array([1.0, 0.5, 2.0]), jnp.array([0.04, 0.02, 0.05])
    for k in range(3):
        along = tuple(jnp.ones(3) if j == k else jnp.zeros(3) for j in range(3))
        np.testing.assert_allclose(
            jax.jvp(after, write, along)[1], jax.jvp(closed, write, along)[1], rtol=1e-6
        )


def test_the_slope_of_an_equilibrium_is_the_equilibriums():
    def after(x, v, t):
        return integrate(lambda v, x: v - x, x, v, t, 0.0, 1.0)

    for k, slope in enumerate((0.0, 1.0, 0.0)):
        along = tuple(float(j == k) for j in range(3))
        _, found = jax.jvp(after, (0.9, 0.4, 1e3), along)
        assert float(found) == pytest.approx(slope, abs=1e-3)


def test_every_device_its_own_parameters_at_a_shared_state_and_voltage():
    speed = jnp.linspace(0.5, 2.0, 13)
    found = integrate(lambda v, x: speed * (v - x), 0.2, 1.0, 0.7, 0.0, 1.0)
    np.testing.assert_allclose(found, 1 - 0.8 * np.exp(-0.7 * speed), rtol=1e-13)
