"""Pulses of VTEAM and Yakopcic's models of 2011 and 2020 against SciPy's integrator, and laws."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import exp1

from ohmprop import devices

PULSE = jax.jit(lambda device, x, v, t: device.pulse(x, v, t))
RATE = jax.jit(lambda device, x, v: device.rate(v, x))
DRIVE = jax.jit(lambda device, v: device.drive(v))

CASES = {
    "vteam none": ("vteam", "published", {"window": "none"}),
    "vteam published": ("vteam", "published", {}),
    "vteam seed": ("vteam", "seed", {}),
    "vteam seed numbers": ("vteam", "seed", {"window": "published"}),
    "yakopcic published": ("yakopcic", "published", {}),
    "yakopcic seed": ("yakopcic", "seed", {}),
    "yakopcic steep": ("yakopcic", "published", {"alpha_p": 25.0, "alpha_n": 40.0}),
    "yakopcic flat": ("yakopcic", "published", {"alpha_p": 0.0, "alpha_n": 0.0}),
    "yakopcic no knee": ("yakopcic", "published", {"r_off": 200.0, "x_n": 0.6, "x_p": 0.0}),
    "yakopcic2020": ("yakopcic2020", "tiotto", {}),
}
N = 12


def _make(case) -> Any:
    model, params, changes = CASES[case]
    return devices.make(model, params, **changes)


def _pulse(device, x, v, t):
    """`pulse`, always called with N elements: one compilation for each kind of device."""
    x, v, t = np.broadcast_arrays(x, v, t)
    return np.asarray(PULSE(device, *(np.resize(a, N) for a in (x, v, t))))[: x.size]


def _pulses(device, seed):
    """States with both bounds, voltages of both signs, durations from short to long."""
    rng = np.random.default_rng(seed)
    low, high = float(device.lower), float(device.upper)
    x = low + (high - low) * np.r_[0, 1, 0, 1, rng.uniform(0, 1, N - 4)]
    v = rng.choice([-1, 1], N) * rng.uniform(0.6, 1.3, N)
    v[:4] = 1, 1, -1, -1
    speed = np.abs(RATE(device, np.full(N, (low + high) / 2), v))
    t = (high - low) / speed * 10 ** rng.uniform(-2, 0.5, N)
    return x, v, t


def _integrated(device, x, v, t):
    """All pulses at once, in units of their own duration, in steps short enough for the kinks."""
    low, high = float(device.lower), float(device.upper)

    def slope(_, y):
        return np.asarray(t * RATE(device, np.clip(y, low, high), v))

    run = solve_ivp(
        slope, (0, 1), x, method="DOP853", rtol=1e-12, atol=1e-13 * (high - low), max_step=0.005
    )
    return np.clip(run.y[:, -1], low, high)


@pytest.mark.parametrize("case", CASES)
def test_pulse_is_the_solution_of_the_rate(case):
    device = _make(case)
    x, v, t = _pulses(device, seed=len(case))
    low, high = float(device.lower), float(device.upper)
    found = np.asarray(PULSE(device, x, v, t))
    wanted = _integrated(device, x, v, t)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9 * (high - low))
    assert (found >= low).all() and (found <= high).all()
    assert np.abs(found - x).max() > 0.3 * (high - low)


def test_published_yakopcic_by_the_printed_formula():
    """E1(alpha_p (1 - x)) grows by g t/C, C = (1 - x_p) e^(alpha_p (1 - x_p))."""
    device, x, v, t = devices.make("yakopcic", "published"), 0.5, 0.5, 1e-3
    g = 4000 * (math.exp(v) - math.exp(0.16))
    found = float(_pulse(device, x, v, t)[0])
    gained = exp1(1 - found) - exp1(1 - x)
    assert gained == pytest.approx(g * t / (0.7 * math.exp(0.7)), rel=1e-12)


def test_vteam_without_window_by_hand():
    device = devices.make("vteam", "published", window="none")
    # 5e-4 m/s (0.5/0.02 - 1) = 12 mm/s for 100 ns: 1.2 nm.
    assert float(_pulse(device, 1e-9, 0.5, 1e-7)[0]) == pytest.approx(2.2e-9, rel=1e-12)
    assert float(_pulse(device, 1e-9, 0.5, 1e-6)[0]) == 3e-9
    # -10 m/s (0.5/0.2 - 1)^3 = -33.75 m/s for 20 ps: -0.675 nm.
    assert float(_pulse(device, 1e-9, -0.5, 2e-11)[0]) == pytest.approx(0.325e-9, rel=1e-12)


def test_seed_window_that_turns_negative_ends_reset_at_its_knee():
    """x_on = 0.4 > x_n = 0.3: below 1 - x_n = 0.7 a RESET pulse raises x, above it lowers x."""
    device = devices.make("yakopcic", "seed", r_off=250.0)
    g = 4000 * (math.e - math.exp(0.5))
    x = np.array([0.4, 0.45, 0.6, 0.8, 0.9, 1.0])
    short = _pulse(device, x, -1.0, 0.02 / g)
    # From 0.45 with u = x - 0.4: E1(5 u) falls by 0.02 e^(-5 * 0.3)/0.1.
    fallen = exp1(5 * 0.05) - exp1(5 * (short[1] - 0.4))
    assert fallen == pytest.approx(0.02 * math.exp(-1.5) / 0.1, rel=1e-11)
    np.testing.assert_allclose(short[3:], x[3:] - 0.02, rtol=1e-12)
    np.testing.assert_allclose(_pulse(device, x[1:], -1.0, 3 / g), 0.7, rtol=1e-12)
    assert short[0] > 0.4


@pytest.mark.parametrize("case", CASES)
def test_nothing_moves_between_the_thresholds(case):
    device = _make(case)
    x = np.linspace(float(device.lower), float(device.upper), 9)
    low, high = (
        (float(device.v_on), float(device.v_off))
        if isinstance(device, devices.VTEAM)
        else (-float(device.V_n), float(device.V_p))
    )
    for v in (low, 0.5 * low, 0.0, 0.5 * high, high):
        np.testing.assert_array_equal(_pulse(device, x, v, 1e9), x)
    past = 1e-3
    assert not np.array_equal(_pulse(device, x, high + past, 1e9), x)
    assert not np.array_equal(_pulse(device, x, low - past, 1e9), x)


@pytest.mark.parametrize("case", ["vteam published", "yakopcic published", "yakopcic2020"])
def test_pulses_of_one_sign_add_up_and_a_bound_can_be_left(case):
    device = _make(case)
    advance = jax.jit(lambda x, s: device.advance(x, s))
    span = device.upper - device.lower
    x = device.lower + span * jnp.array([0.0, 0.2, 0.5, 0.8, 1.0])
    for s in (0.4 * span, -0.4 * span):
        twice = advance(advance(x, s / 3), 2 * s / 3)
        np.testing.assert_allclose(advance(x, s), twice, rtol=1e-11, atol=1e-12 * float(span))
    assert advance(x, 0.4 * span)[0] > x[0] and advance(x, -0.4 * span)[-1] < x[-1]
    np.testing.assert_array_equal(advance(x, 0.0 * span), x)


@pytest.mark.long
@pytest.mark.parametrize("case", ["vteam published", "vteam none", "yakopcic seed"])
def test_slopes_against_finite_differences(case):
    device = _make(case)
    span = float(device.upper - device.lower)
    x = float(device.lower) + span * jnp.array([0.15, 0.45, 0.6, 0.85])
    v = jnp.array([0.9, -0.8, 0.7, -1.1])
    t = 0.3 * span / jnp.abs(DRIVE(device, v))

    def state(device, x, v, t):
        return device.pulse(x, v, t) / span

    names = {"vteam published": ("alpha_on", "w_c"), "vteam none": ("alpha_on",)}
    names = names.get(case, ("A_p", "x_n"))

    def with_scaled(factors):
        changed = {name: getattr(device, name) * f for name, f in zip(names, factors, strict=True)}
        model, params, changes = CASES[case]
        return devices.make(model, params, **{**changes, **changed})

    def all_of(u):  # every argument as a multiple of its value
        return state(with_scaled(u[12:]), x * u[:4], v * u[4:8], t * u[8:12])

    weights = jnp.array([0.7, -1.1, 1.3, -0.6])
    run = jax.jit(lambda u: weights @ all_of(u))
    at = np.ones(12 + len(names))
    slopes = np.asarray(jax.jit(jax.grad(run))(at))
    along = np.linspace(-1, 1, at.size)
    forward = jax.jit(lambda u: jax.jvp(run, (u,), (along,))[1])(at)
    assert float(forward) == pytest.approx(slopes @ along, rel=1e-9)
    h = 1e-5
    wanted = [float(run(at + h * e) - run(at - h * e)) / (2 * h) for e in np.eye(at.size)]
    np.testing.assert_allclose(slopes, wanted, rtol=1e-6, atol=1e-7)
    assert (np.abs(slopes) > 1e-3).all()  # every argument counts


@pytest.mark.parametrize("case", ["vteam published", "yakopcic published"])
def test_single_precision(case):
    device = _make(case)
    x, v, t = _pulses(device, seed=2)
    single = jax.tree.map(lambda a: a.astype(jnp.float32), device)
    found = PULSE(single, *(jnp.asarray(a, jnp.float32) for a in (x, v, t)))
    assert found.dtype == jnp.float32
    span = float(device.upper - device.lower)
    np.testing.assert_allclose(found, PULSE(device, x, v, t), rtol=0, atol=2e-5 * span)
